//! Whether a table is whole: what has arrived of it, compared with what the source counts in the same snapshot.

use serde_json::json;
use whimbrel_core::{ChunkRecord, ChunkResult, Result, TableAggregate, fault};

use super::table::CopyTable;
use crate::failure::{Failure, data_integrity};
use crate::observer::Progress;

/// What has arrived of a table.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) chunks: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) rejected: u64,
}

impl Tally {
    pub(super) fn of(records: &[ChunkRecord]) -> Self {
        let mut tally = Self::default();
        let results = records.iter().filter_map(|record| record.result.as_ref());
        results.for_each(|result| tally.add(result));
        tally
    }

    pub(super) fn add(&mut self, result: &ChunkResult) {
        self.chunks += 1;
        self.rows += result.rows;
        self.bytes += result.bytes;
        self.rejected += result.rejected;
    }

    /// Compares the rows that arrived with the source's own count.
    pub(super) fn check(&self, table: &CopyTable, counted: &TableAggregate) -> Result<(), Failure> {
        if self.rows + self.rejected == counted.rows {
            return Ok(());
        }
        let id = &table.plan.target.id;
        let message = format!(
            "{} rows of table `{id}` arrived and {} were rejected; the source counts {}",
            self.rows, self.rejected, counted.rows
        );
        Err(Failure::of_table(id, data_integrity(message)))
    }

    /// Writes down that the table is whole.
    pub(super) fn note_whole(&self, table: &CopyTable) -> Result<()> {
        let name = table.plan.target.id.to_string();
        fault::point("table.complete.before")?;
        table.log(&format!("whole: {} rows, {} rejected", self.rows, self.rejected))?;
        let payload = json!({
            "table": name, "rows": self.rows, "bytes": self.bytes, "rejected": self.rejected, "chunks": self.chunks,
        });
        let journal = &table.run.journal;
        journal.event_in_passing("TABLE_COMPLETE", payload)?;
        journal.table_whole(&name)
    }

    /// Shows that the table is whole.
    pub(super) fn show_whole(&self, table: &CopyTable) {
        table.run.ctx.observer.progress(&Progress::TableEnded {
            table: table.plan.target.id.clone(),
            rows: self.rows,
        });
    }
}
