//! Keys and values out of a table of a source, for `lookup`.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::DataType;
use futures::TryStreamExt;
use whimbrel_core::{BATCH_BYTES, Batch, Error, KeyRange, ReadColumn, ReadRequest, Result, shorten};

use super::part::quoted;
use super::rules::hint_for;
use super::sources::{Database, Described};
use crate::{Expression, InputColumn, Lookups};

/// Returns the values of two columns of a table, as text; rows where one is NULL are left out.
///
/// # Errors
/// `Invalid` when there is no such table or column, and as the database says.
pub async fn read_pairs(
    databases: &[Database],
    table: &str,
    key: &str,
    value: &str,
) -> Result<Vec<(String, String)>> {
    for database in databases {
        let catalog = database.source.catalog().await?;
        let described = Described::new(database, &catalog);
        let Some(found) = catalog
            .tables
            .iter()
            .find(|own| described.called(&own.id).matches(table))
        else {
            continue;
        };
        let mut columns = Vec::new();
        let mut inputs = Vec::new();
        for name in [key, value] {
            let column = found.column(name).ok_or_else(|| {
                let known = found.columns.iter().map(|column| column.name.clone());
                Error::invalid(format!("table `{table}` has no column `{name}`"))
                    .with_hint(hint_for(name, known))
            })?;
            let logical = described.dialect.logical(column, &catalog, None).to;
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
        let [keys, values] = [key, value].map(|name| text_of(table, name, &inputs));
        let (keys, values) = (keys?, values?);
        let snapshot = database
            .source
            .snapshot(std::slice::from_ref(&found.id), 1)
            .await?;
        let mut batches = snapshot.read(ReadRequest {
            table: found.clone(),
            columns,
            range: KeyRange::All,
            batch_bytes: BATCH_BYTES,
            packed: false,
        });
        let mut pairs = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            add(table, &batch, [&keys, &values], &mut pairs)?;
        }
        return Ok(pairs);
    }
    Err(Error::invalid(format!("there is no table `{table}`")))
}

/// The column as text, as expressions turn values into it: that is what keys are compared with.
fn text_of(table: &str, column: &str, inputs: &[InputColumn]) -> Result<Expression> {
    let text = format!("CAST({} AS varchar)", quoted(column));
    Expression::compile(&text, inputs, &Lookups::default()).map_err(|cause| {
        Error::invalid(format!(
            "values of `{table}.{column}` cannot be turned into text, which keys and values of a lookup are"
        ))
        .with_cause(cause)
    })
}

fn add(table: &str, batch: &Batch, texts: [&Expression; 2], pairs: &mut Vec<(String, String)>) -> Result<()> {
    if let Some(reject) = batch.rejects.first() {
        return Err(Error::invalid(format!(
            "row `{}` of `{table}`: column `{}` is `{}`; {}",
            reject.key, reject.column, reject.value, reject.rule
        ))
        .with_hint("correct the value at the source"));
    }
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(texts.len());
    for text in texts {
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
    let both = arrays[0]
        .as_string::<i32>()
        .iter()
        .zip(arrays[1].as_string::<i32>());
    pairs.extend(both.filter_map(|(key, value)| Some((key?.to_owned(), value?.to_owned()))));
    Ok(())
}
