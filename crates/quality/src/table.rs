//! One pass over a table: its batches, one gauge per column, and whether rows are repeated where no key forbids it.

use futures::TryStreamExt;
use serde::Serialize;
use whimbrel_core::{Batch, KeyRange, ReadColumn, ReadRequest, Reject, Result, Snapshot, Table};

use crate::column::{ColumnGauge, ColumnQuality};
use crate::distinct::Sketch;
use crate::growth::{Growth, Months, creation_column};

/// Up to so many different rows the number of repeated rows is exact (about 5 MB of memory).
const EXACT_ROWS_MAX: usize = 262_144;
/// Rows that could not be read as their type wants are told up to this number.
const MISFITS_TOLD: usize = 10;

/// What one pass found in a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableQuality {
    /// Rows that were read.
    pub rows: u64,
    /// Rows with a value that does not fit the type of its own column; they are in no other number.
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
    misfits: u64,
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
            misfits: 0,
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
        self.misfits += batch.rejects.len() as u64;
        let room = MISFITS_TOLD.saturating_sub(self.examples.len());
        self.examples.extend(
            batch
                .rejects
                .iter()
                .take(room)
                .map(|reject: &Reject| format!("{} ({}): {}", reject.column, reject.key, reject.rule)),
        );
        self.row_hashes.clear();
        if self.different_rows.is_some() {
            self.row_hashes.resize(batch.rows(), 0);
        }
        for (gauge, array) in self.columns.iter_mut().zip(batch.records.columns()) {
            gauge.add(array, &mut self.row_hashes);
        }
        if let Some(sketch) = &mut self.different_rows {
            for hash in &self.row_hashes {
                sketch.add(*hash);
            }
        }
    }

    /// Returns what was found.
    pub fn finish(&self) -> TableQuality {
        let created = self
            .created
            .as_deref()
            .zip(self.columns.iter().find_map(|column| column.months.as_ref()));
        let read = self.rows - self.misfits;
        TableQuality {
            rows: self.rows,
            misfits: self.misfits,
            misfit_examples: self.examples.clone(),
            columns: self.columns.iter().map(ColumnGauge::finish).collect(),
            repeated_rows: self.different_rows.as_ref().map(|sketch| {
                let (count, exact) = sketch.count();
                RepeatedRows {
                    count: read.saturating_sub(count),
                    exact,
                }
            }),
            growth: created.and_then(|(column, months)| months.finish(column)),
        }
    }
}

/// Reads the whole table from the snapshot, one batch after the other, and returns what one pass finds. At most two batches of `batch_bytes`
/// are in memory, and about 50 kB for each column.
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
    let mut batches = snapshot.read(ReadRequest {
        table: table.clone(),
        columns,
        range: KeyRange::All,
        batch_bytes,
        packed: false,
    });
    while let Some(batch) = batches.try_next().await? {
        gauge.add(&batch);
    }
    Ok(gauge.finish())
}
