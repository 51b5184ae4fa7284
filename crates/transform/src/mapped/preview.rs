//! A few rows of a table before and after its mapping.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion_common::arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::TryStreamExt;
use whimbrel_core::{BATCH_BYTES, Batch, Error, KeyRange, ReadColumn, ReadRequest, Result, Table, TableId};

use super::MappedSource;
use super::part::Part;
use super::reading::Reading;

/// Most rows that are looked at to find some that pass the filter.
const LOOKED_AT: usize = 1000;

/// Rows of one source table, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Preview {
    /// The source table.
    pub source: String,
    /// What becomes of it, by the name in the target.
    pub target: String,
    /// Its columns.
    pub before_columns: Vec<String>,
    /// The columns of the mapped table, by their names in the target.
    pub after_columns: Vec<String>,
    /// The rows, in no certain order.
    pub rows: Vec<PreviewRow>,
}

/// A row before and after.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PreviewRow {
    /// The values as the source has them; none is NULL.
    pub before: Vec<Option<String>>,
    /// The values as they will be; none for a row that stays behind.
    pub after: Option<Vec<Option<String>>>,
    /// Why the row cannot arrive.
    pub refused: Option<String>,
}

impl MappedSource {
    /// Returns up to `count` rows of each part of the mapped table, before and after. Rows that the filter leaves behind are shown only when
    /// fewer pass.
    ///
    /// # Errors
    /// `Invalid` for a table that is not there, and as the databases say.
    pub async fn preview(&self, pattern: &str, count: usize) -> Result<Vec<Preview>> {
        let composed = self.composed().await?;
        let mut found = Vec::new();
        let called = |table: &Table| composed.renames.tables.get(&table.id).cloned();
        for table in &composed.catalog.tables {
            let is_meant = table.id.matches(pattern) || called(table).is_some_and(|id| id.matches(pattern));
            let parts = composed.tables.get(&table.id).into_iter().flatten();
            for part in parts.filter(|part| is_meant || part.called.matches(pattern)) {
                let target = called(table).unwrap_or_else(|| table.id.clone());
                found.push(self.preview_part((table, &target), part, count).await?);
            }
        }
        if found.is_empty() {
            let parts = composed.tables.values().flatten();
            let known: BTreeSet<String> = parts
                .map(|part| part.called.to_string())
                .chain(composed.catalog.tables.iter().map(|table| table.id.to_string()))
                .collect();
            return Err(Error::invalid(format!("there is no table `{pattern}`"))
                .with_code("mapping")
                .with_hint(super::rules::hint_for(pattern, known.into_iter())));
        }
        Ok(found)
    }

    async fn preview_part(
        &self,
        (table, target): (&Table, &TableId),
        part: &Arc<Part>,
        count: usize,
    ) -> Result<Preview> {
        let columns = part.columns.iter().map(|column| ReadColumn {
            name: column.name.clone(),
            native: String::new(),
            logical: column.form(part),
            rule: None,
        });
        let reading = Reading::with_inputs(
            part,
            ReadRequest {
                table: table.clone(),
                columns: columns.collect(),
                range: KeyRange::All,
                batch_bytes: BATCH_BYTES / 64,
                packed: false,
            },
            0..part.inputs.len(),
        )?;
        let database = &self.databases[part.database];
        let snapshot = database
            .source
            .snapshot(std::slice::from_ref(&part.table.id), 1)
            .await?;
        let mut batches = snapshot.read(reading.request().clone());
        let (mut passing, mut behind, mut looked_at) = (Vec::new(), Vec::new(), 0);
        while let Some(batch) = batches.try_next().await? {
            for row in 0..batch.rows() {
                looked_at += 1;
                let one = row_of(&reading, &batch.records.slice(row, 1))?;
                match one.after.is_none() && one.refused.is_none() {
                    true if behind.len() < count => behind.push(one),
                    true => {}
                    false => passing.push(one),
                }
                if passing.len() == count || looked_at == LOOKED_AT {
                    break;
                }
            }
            if passing.len() == count || looked_at == LOOKED_AT {
                break;
            }
        }
        let left = count - passing.len();
        passing.extend(behind.into_iter().take(left));
        Ok(Preview {
            source: part.called.to_string(),
            target: target.to_string(),
            before_columns: part.inputs.iter().map(|input| input.name.clone()).collect(),
            after_columns: part
                .columns
                .iter()
                .map(|column| column.target_name().to_owned())
                .collect(),
            rows: passing,
        })
    }
}

fn row_of(reading: &Reading, row: &RecordBatch) -> Result<PreviewRow> {
    let mapped = reading.mapped(Batch {
        records: row.clone(),
        rejects: Vec::new(),
        ruled: Vec::new(),
    })?;
    let before = shown(&reading.inputs_of(row)?)?;
    let (untold, untold_after) = (reading.part().untold(), reading.part().untold_after());
    let after = match mapped.rows() {
        0 => None,
        _ => Some(shown(&mapped.records)?),
    };
    Ok(PreviewRow {
        before: withheld(before, &untold),
        after: after.map(|after| withheld(after, &untold_after)),
        refused: mapped
            .rejects
            .first()
            .map(|reject| format!("`{}`: {}", reject.column, reject.rule)),
    })
}

/// What a mask hides is not shown, and no secret.
fn withheld(values: Vec<Option<String>>, untold: &[Option<&'static str>]) -> Vec<Option<String>> {
    let values = values.into_iter().zip(untold);
    values
        .map(|(value, instead)| value.map(|value| instead.map_or(value, str::to_owned)))
        .collect()
}

fn shown(row: &RecordBatch) -> Result<Vec<Option<String>>> {
    let options = FormatOptions::default();
    let value = |column: &arrow_array::ArrayRef| {
        if column.is_null(0) {
            return Ok(None);
        }
        let formatter = ArrayFormatter::try_new(column, &options)
            .map_err(|error| Error::bug("a column cannot be shown as text").with_cause(error))?;
        Ok(Some(formatter.value(0).to_string()))
    };
    row.columns().iter().map(value).collect()
}
