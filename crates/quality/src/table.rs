//! One pass over a table: its batches, one gauge per column, and whether rows are repeated where no key forbids it.

use futures::TryStreamExt;
use serde::Serialize;
use whimbrel_core::{
    Batch, Error, KeyRange, ReadColumn, ReadRequest, Reject, Result, Snapshot, Survey, SurveyRequest,
    Surveyed, Table, TableProfile, ValueRule,
};

use crate::column::{ColumnGauge, ColumnQuality};
use crate::distinct::Sketch;
use crate::growth::{Growth, Months, creation_column};

/// Up to so many different rows the number of repeated rows is exact (about 5 MB of memory).
const EXACT_ROWS_MAX: usize = 262_144;
/// Values that could not be read as their type wants are told up to this number.
const MISFITS_TOLD: usize = 10;
/// Batches that are read again to find some of them.
const BATCHES_AGAIN: usize = 16;

/// What one pass found in a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableQuality {
    /// Rows that were read.
    pub rows: u64,
    /// Values that do not fit the type of their own column.
    pub misfits: u64,
    /// Some of them: column, key and rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub misfit_examples: Vec<String>,
    /// The columns in their order.
    pub columns: Vec<ColumnQuality>,
    /// Repeated rows, for a table without a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeated_rows: Option<RepeatedRows>,
    /// Rows per month, for a table with a column that says when a row was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
}

/// How many rows are there more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RepeatedRows {
    /// Rows beyond the first of each kind.
    pub count: u64,
    /// False for an estimate.
    pub exact: bool,
}

/// Counts the rows of a table.
#[derive(Debug)]
pub struct TableGauge {
    rows: u64,
    /// Rows that could not be read at all.
    unread: u64,
    examples: Vec<String>,
    columns: Vec<ColumnGauge>,
    /// The column that says when a row was made.
    created: Option<String>,
    /// For a table without a key.
    different_rows: Option<Sketch>,
    row_hashes: Vec<u64>,
    /// Rows of the partitions that were absorbed, and how many of them are repeated there.
    in_parts: (u64, RepeatedRows),
}

impl TableGauge {
    /// Begins the pass over the columns of the table.
    pub fn new(table: &Table, columns: &[ReadColumn]) -> Self {
        let logical = |name: &str| {
            let column = columns.iter().find(|column| column.name == name);
            column.map(|column| column.logical.clone())
        };
        let created = creation_column(table, logical);
        let gauges = columns.iter().map(|column| {
            let mut gauge = ColumnGauge::new(column);
            if created.as_ref() == Some(&column.name) {
                gauge.months = Some(Months::new());
            }
            gauge
        });
        let has_key = table.primary_key.is_some() || table.identity_key().is_some();
        Self {
            rows: 0,
            unread: 0,
            examples: Vec::new(),
            columns: gauges.collect(),
            created,
            different_rows: (!has_key && !columns.is_empty()).then(|| Sketch::new(EXACT_ROWS_MAX)),
            row_hashes: Vec::new(),
            in_parts: (
                0,
                RepeatedRows {
                    count: 0,
                    exact: true,
                },
            ),
        }
    }

    /// Returns how many rows were taken in.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the rows of a batch in.
    pub fn add(&mut self, batch: &Batch) {
        self.rows += (batch.rows() + batch.rejects.len()) as u64;
        self.unread += batch.rejects.len() as u64;
        self.add_examples(batch);
        self.row_hashes.clear();
        if self.different_rows.is_some() {
            self.row_hashes.resize(batch.rows(), 0);
        }
        let misfits = batch.ruled.iter().copied().chain(std::iter::repeat(0));
        let arrays = batch.records.columns().iter().zip(misfits);
        for (gauge, (array, misfits)) in self.columns.iter_mut().zip(arrays) {
            gauge.add(array, misfits, &mut self.row_hashes);
        }
        if let Some(sketch) = &mut self.different_rows {
            for hash in &self.row_hashes {
                sketch.add(*hash);
            }
        }
    }

    /// Takes in all that the gauge of a partition has seen. A column whose values were read in another form there is left out; rows are
    /// repeated within a partition only, because equal rows belong to the same one.
    pub fn absorb(&mut self, part: &Self) {
        self.rows += part.rows;
        self.unread += part.unread;
        let room = MISFITS_TOLD.saturating_sub(self.examples.len());
        self.examples.extend(part.examples.iter().take(room).cloned());
        self.columns.retain_mut(|column| {
            let mut theirs = part.columns.iter();
            theirs
                .find(|theirs| theirs.name == column.name)
                .is_some_and(|theirs| column.absorb(theirs))
        });
        let (rows, repeated) = &mut self.in_parts;
        *rows += part.rows - part.unread;
        if let Some(theirs) = part.finish().repeated_rows {
            repeated.count += theirs.count;
            repeated.exact &= theirs.exact;
        }
    }

    /// Keeps some of what a batch could not take, as long as there is room; returns whether there still is.
    fn add_examples(&mut self, batch: &Batch) -> bool {
        let room = MISFITS_TOLD.saturating_sub(self.examples.len());
        let told = |reject: &Reject| format!("{} ({}): {}", reject.column, reject.key, reject.why());
        self.examples.extend(batch.rejects.iter().take(room).map(told));
        self.examples.len() < MISFITS_TOLD
    }

    /// Reads the first batches again to name some of the values that did not fit, where there were any.
    async fn name_misfits(
        &mut self,
        snapshot: &dyn Snapshot,
        table: &Table,
        columns: Vec<ReadColumn>,
        batch_bytes: usize,
    ) -> Result<()> {
        if self.columns.iter().all(|column| column.finish().misfits == 0) {
            return Ok(());
        }
        let mut batches = snapshot.read(whole(table, columns, batch_bytes));
        for _ in 0..BATCHES_AGAIN {
            match batches.try_next().await? {
                Some(batch) if self.add_examples(&batch) => {}
                Some(_) | None => break,
            }
        }
        Ok(())
    }

    /// Returns what was found.
    pub fn finish(&self) -> TableQuality {
        let created = self
            .created
            .as_deref()
            .zip(self.columns.iter().find_map(|column| column.months.as_ref()));
        let read = self.rows - self.unread;
        let columns: Vec<ColumnQuality> = self.columns.iter().map(ColumnGauge::finish).collect();
        let misfits = columns.iter().map(|column| column.misfits).sum::<u64>();
        TableQuality {
            rows: self.rows,
            misfits: misfits + self.unread,
            misfit_examples: self.examples.clone(),
            columns,
            repeated_rows: self.different_rows.as_ref().map(|sketch| {
                let (count, exact) = sketch.count();
                let (in_parts, repeated) = self.in_parts;
                RepeatedRows {
                    count: repeated.count + (read - in_parts).saturating_sub(count),
                    // Values that do not fit may differ, but are all alike here.
                    exact: repeated.exact && exact && misfits == 0,
                }
            }),
            growth: created.and_then(|(column, months)| months.finish(column)),
        }
    }
}

/// Reads the whole table from the snapshot, one batch after the other, and returns the gauge of one pass. At most two batches of `batch_bytes`
/// are in memory, and about 50 kB for each column. A value that does not fit its column is counted and left out, and not its row; where there
/// are such values, the first batches are read again to name some.
///
/// # Errors
/// When the table cannot be read.
pub async fn measure(
    snapshot: &dyn Snapshot,
    table: &Table,
    columns: Vec<ReadColumn>,
    batch_bytes: usize,
) -> Result<TableGauge> {
    let mut gauge = TableGauge::new(table, &columns);
    let lenient = columns.iter().cloned().map(|column| ReadColumn {
        rule: Some(ValueRule::InvalidToNull),
        ..column
    });
    let mut batches = snapshot.read(whole(table, lenient.collect(), batch_bytes));
    while let Some(batch) = batches.try_next().await? {
        gauge.add(&batch);
    }
    drop(batches);
    gauge.name_misfits(snapshot, table, columns, batch_bytes).await?;
    Ok(gauge)
}

/// As [`measure`], while the table is surveyed in the same pass; returns what that found, too, and in what form the columns were read.
///
/// # Errors
/// When the table cannot be read.
pub async fn measure_and_survey(
    snapshot: &dyn Snapshot,
    request: SurveyRequest,
) -> Result<(TableGauge, TableProfile, Vec<ReadColumn>)> {
    let (table, batch_bytes) = (request.table.clone(), request.batch_bytes);
    let Survey { columns, mut pass } = snapshot.survey(request).await?;
    let mut gauge = TableGauge::new(&table, &columns);
    let mut found = None;
    while let Some(surveyed) = pass.try_next().await? {
        match surveyed {
            Surveyed::Batch(batch) => gauge.add(&batch),
            Surveyed::Profile(profile) => found = Some(profile),
        }
    }
    drop(pass);
    let profile = found.ok_or_else(|| Error::bug("a survey ended without its profile"))?;
    gauge
        .name_misfits(snapshot, &table, columns.clone(), batch_bytes)
        .await?;
    Ok((gauge, profile, columns))
}

fn whole(table: &Table, columns: Vec<ReadColumn>, batch_bytes: usize) -> ReadRequest {
    ReadRequest {
        table: table.clone(),
        columns,
        range: KeyRange::All,
        batch_bytes,
        packed: false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use whimbrel_core::{Column, LogicalType, TableId};

    use super::*;

    fn table() -> (Table, Vec<ReadColumn>) {
        let mut table = Table::empty(TableId::bare("event"));
        let columns = [
            ("id", LogicalType::Integer { bits: 64 }),
            (
                "created_at",
                LogicalType::Text {
                    chars_max: None,
                    padded: false,
                },
            ),
        ];
        let columns = columns.map(|(name, logical)| {
            table.columns.push(Column::new(name, ""));
            ReadColumn {
                name: name.to_owned(),
                native: String::new(),
                logical,
                rule: None,
            }
        });
        (table, columns.to_vec())
    }

    fn batch(columns: &[ReadColumn], ids: std::ops::Range<i64>) -> Batch {
        let logical = columns
            .iter()
            .map(|column| (column.name.as_str(), &column.logical));
        let texts = ids
            .clone()
            .map(|id| format!("20{:02}-0{}-01 {id}", id % 90 + 10, id % 9 + 1));
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(ids.clone())),
            Arc::new(StringArray::from_iter_values(texts)),
        ];
        let records = RecordBatch::try_new(whimbrel_core::arrow_schema(logical), arrays).unwrap();
        Batch {
            records,
            rejects: Vec::new(),
            ruled: Vec::new(),
        }
    }

    #[test]
    fn what_partitions_are_like_together_is_what_their_rows_are_like_in_one_table() {
        let (table, columns) = table();
        // Few values on one side, so many on the other that they are estimated.
        for middle in [10, 2_000, 3_990] {
            let gauge = |ids: &[(i64, i64)]| {
                let mut gauge = TableGauge::new(&table, &columns);
                for (first, end) in ids {
                    gauge.add(&batch(&columns, *first..*end));
                }
                gauge
            };
            let mut whole = TableGauge::new(&table, &columns);
            whole.absorb(&gauge(&[(0, middle), (0, 5)]));
            whole.absorb(&gauge(&[(middle, 4_000)]));
            let one = gauge(&[(0, middle), (middle, 4_000), (0, 5)]);
            assert_eq!(whole.finish(), one.finish());
            assert_eq!(whole.finish().repeated_rows.map(|rows| rows.count), Some(5));
        }
    }

    #[test]
    fn a_column_that_was_read_in_another_form_in_a_partition_is_left_out() {
        let (table, mut columns) = table();
        let mut whole = TableGauge::new(&table, &columns);
        columns[0].logical = LogicalType::Text {
            chars_max: None,
            padded: false,
        };
        let mut part = TableGauge::new(&table, &columns);
        part.rows = 3;
        whole.absorb(&part);
        let found = whole.finish();
        assert_eq!((found.rows, found.columns.len()), (3, 1));
        assert_eq!(found.columns[0].name, "created_at");
    }
}
