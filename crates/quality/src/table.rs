//! One pass over a table: its batches, one gauge per column, and whether rows are repeated where no key forbids it.

use futures::TryStreamExt;
use serde::Serialize;
use whimbrel_core::{Batch, KeyRange, ReadColumn, ReadRequest, Reject, Result, Snapshot, Table, ValueRule};

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
        }
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

    /// Keeps some of what a batch could not take, as long as there is room; returns whether there still is.
    fn add_examples(&mut self, batch: &Batch) -> bool {
        let room = MISFITS_TOLD.saturating_sub(self.examples.len());
        let told = |reject: &Reject| format!("{} ({}): {}", reject.column, reject.key, reject.why());
        self.examples.extend(batch.rejects.iter().take(room).map(told));
        self.examples.len() < MISFITS_TOLD
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
                RepeatedRows {
                    count: read.saturating_sub(count),
                    // Values that do not fit may differ, but are all alike here.
                    exact: exact && misfits == 0,
                }
            }),
            growth: created.and_then(|(column, months)| months.finish(column)),
        }
    }
}

/// Reads the whole table from the snapshot, one batch after the other, and returns what one pass finds. At most two batches of `batch_bytes`
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
) -> Result<TableQuality> {
    let mut gauge = TableGauge::new(table, &columns);
    let request = |columns| ReadRequest {
        table: table.clone(),
        columns,
        range: KeyRange::All,
        batch_bytes,
        packed: false,
    };
    let lenient = columns.iter().cloned().map(|column| ReadColumn {
        rule: Some(ValueRule::InvalidToNull),
        ..column
    });
    let mut batches = snapshot.read(request(lenient.collect()));
    while let Some(batch) = batches.try_next().await? {
        gauge.add(&batch);
    }
    drop(batches);
    if gauge.columns.iter().any(|column| column.finish().misfits > 0) {
        let mut batches = snapshot.read(request(columns));
        for _ in 0..BATCHES_AGAIN {
            match batches.try_next().await? {
                Some(batch) if gauge.add_examples(&batch) => {}
                Some(_) | None => break,
            }
        }
    }
    Ok(gauge.finish())
}
