//! Keys and values out of a table of a source, for `lookup`.

use arrow_array::cast::AsArray;
use arrow_array::{Array as _, ArrayRef, StringArray};
use arrow_schema::DataType;
use futures::TryStreamExt;
use whimbrel_core::{
    BATCH_BYTES, Batch, Error, KeyRange, LookupRule, ReadColumn, ReadRequest, Result, Table, shorten,
};

use super::part::quoted;
use super::rules::hint_for;
use super::sources::{Database, Described};
use crate::lookup::{Filling, refuse_shape};
use crate::node::Kind;
use crate::{Expression, InputColumn, Lookups};

/// Adds the rows of the rule's table, as text; rows with a key that is NULL, or with no value that is not, are left out.
///
/// # Errors
/// `Invalid` when there is no such table or column, when a key occurs twice, and as the database says.
pub async fn read_entries(lookups: &mut Lookups, databases: &[Database], rule: &LookupRule) -> Result<()> {
    refuse_shape(rule, rule.key.len(), rule.value.len())?;
    let wanted = rule.table.as_deref().unwrap_or_default();
    let mut known = Vec::new();
    for database in databases {
        let catalog = database.source.catalog().await?;
        let described = Described::new(database, &catalog);
        let mut tables = catalog.tables.iter();
        if let Some(found) = tables.find(|own| described.called(&own.id).matches(wanted)) {
            let entries = Entries::of(&described, found, rule)?;
            let filling = entries.read(database).await?;
            return lookups.add_rows(rule, filling);
        }
        known.extend(
            catalog
                .tables
                .iter()
                .map(|own| described.called(&own.id).to_string()),
        );
    }
    Err(Error::invalid(format!("there is no table `{wanted}`"))
        .with_hint(hint_for(wanted, known.into_iter())))
}

/// What is read of a table.
struct Entries<'a> {
    rule: &'a LookupRule,
    table: &'a Table,
    columns: Vec<ReadColumn>,
    inputs: Vec<InputColumn>,
    /// The columns as text, as expressions turn values into it: that is what keys are compared with.
    texts: Vec<Expression>,
}

impl<'a> Entries<'a> {
    fn of(described: &Described<'_>, table: &'a Table, rule: &'a LookupRule) -> Result<Self> {
        let mut columns = Vec::new();
        let mut inputs = Vec::new();
        for name in distinct(rule) {
            let column = table.column(name).ok_or_else(|| {
                let known = table.columns.iter().map(|column| column.name.clone());
                Error::invalid(format!("table `{}` has no column `{name}`", table.id))
                    .with_hint(hint_for(name, known))
            })?;
            let logical = described.dialect.logical(column, described.catalog, None).to;
            inputs.push(InputColumn {
                name: column.name.clone(),
                logical: logical.clone(),
                nullable: column.nullable,
            });
            columns.push(ReadColumn {
                name: column.name.clone(),
                native: column.native.clone(),
                logical,
                rule: None,
            });
        }
        let names = rule.key.iter().chain(&rule.value);
        let texts = names.map(|name| text_of(table, name, &inputs));
        Ok(Self {
            rule,
            table,
            texts: texts.collect::<Result<_>>()?,
            columns,
            inputs,
        })
    }

    async fn read(&self, database: &Database) -> Result<Filling> {
        let kinds = self.inputs.iter().map(|input| Some(Kind::of(&input.logical)));
        let keys = self.rule.key.iter().cloned().zip(kinds).collect();
        let mut filling = Filling::new(keys, self.rule.value.clone());
        let ids = std::slice::from_ref(&self.table.id);
        let snapshot = database.source.snapshot(ids, 1).await?;
        let mut batches = snapshot.read(ReadRequest {
            table: self.table.clone(),
            columns: self.columns.clone(),
            range: KeyRange::All,
            batch_bytes: BATCH_BYTES,
            packed: false,
        });
        while let Some(batch) = batches.try_next().await? {
            self.add(&batch, &mut filling)?;
        }
        Ok(filling)
    }

    fn add(&self, batch: &Batch, filling: &mut Filling) -> Result<()> {
        let table = &self.table.id;
        if let Some(reject) = batch.rejects.first() {
            return Err(Error::invalid(format!(
                "row `{}` of `{table}`: column `{}` is `{}`; {}",
                reject.key, reject.column, reject.value, reject.rule
            ))
            .with_hint("correct the value at the source"));
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.texts.len());
        for text in &self.texts {
            let evaluated = text.evaluate(&batch.records)?;
            if let Some((_, why)) = evaluated.failed.first() {
                return Err(Error::invalid(format!(
                    "`{}` of `{table}` fails: {}",
                    text.text(),
                    shorten(why)
                )));
            }
            if evaluated.array.data_type() != &DataType::Utf8 {
                return Err(Error::bug("a cast to text gives something else"));
            }
            arrays.push(evaluated.array);
        }
        let arrays: Vec<&StringArray> = arrays.iter().map(AsArray::as_string::<i32>).collect();
        let (keys, values) = arrays.split_at(self.rule.key.len());
        for row in 0..batch.records.num_rows() {
            let is_null = |array: &&StringArray| array.is_null(row);
            if keys.iter().any(is_null) || values.iter().all(is_null) {
                continue;
            }
            let key: Vec<&str> = keys.iter().map(|key| key.value(row)).collect();
            let found: Vec<Option<&str>> = values
                .iter()
                .map(|value| value.is_valid(row).then(|| value.value(row)))
                .collect();
            filling.add(&self.rule.name, &key, &found)?;
        }
        Ok(())
    }
}

/// The columns that are read, each once: a part of the key may be a value, too. Those of the key stand first.
fn distinct(rule: &LookupRule) -> impl Iterator<Item = &String> {
    let further = rule.value.iter().filter(|name| !rule.key.contains(name));
    rule.key.iter().chain(further)
}

fn text_of(table: &Table, column: &str, inputs: &[InputColumn]) -> Result<Expression> {
    let text = format!("CAST({} AS varchar)", quoted(column));
    Expression::compile(&text, inputs, &Lookups::default()).map_err(|cause| {
        Error::invalid(format!(
            "values of `{}.{column}` cannot be turned into text, which keys and values of a lookup are",
            table.id
        ))
        .with_cause(cause)
    })
}
