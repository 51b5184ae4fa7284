//! A table on its way, as its jobs see it: where it comes from, and what is shown of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use whimbrel_core::{Chunk, ChunkResult, Result, Snapshot, TableAggregate};

use super::tally::Tally;
use crate::columns::{Side, source_columns, withhold};
use crate::observer::Progress;
use crate::planned::Planned;
use crate::retry::retry;
use crate::running::Run;

/// A table on its way.
pub(super) struct CopyTable {
    pub(super) run: Arc<Run>,
    pub(super) snapshot: Arc<dyn Snapshot>,
    pub(super) plan: Planned,
    started: AtomicBool,
    shown_rows: AtomicU64,
    shown_bytes: AtomicU64,
}

impl CopyTable {
    /// The plan's table at a place, of which `arrived` is there already.
    pub(super) fn new(run: &Arc<Run>, snapshot: &Arc<dyn Snapshot>, at: usize, arrived: &Tally) -> Arc<Self> {
        Arc::new(Self {
            run: run.clone(),
            snapshot: snapshot.clone(),
            plan: Planned::at(&run.ctx.plan, at),
            started: AtomicBool::new(false),
            shown_rows: AtomicU64::new(arrived.rows),
            shown_bytes: AtomicU64::new(arrived.bytes),
        })
    }

    /// Says once that the table is being worked on.
    pub(super) fn announce(&self) {
        if !self.started.swap(true, Ordering::Relaxed) {
            self.run.ctx.observer.progress(&Progress::TableStarted {
                table: self.plan.target.id.clone(),
                rows: self.plan.rows,
                bytes: self.plan.bytes,
            });
        }
    }

    /// Shows rows that are on their way.
    pub(super) fn show(&self, rows: u64, bytes: u64) {
        let rows = self.shown_rows.fetch_add(rows, Ordering::Relaxed) + rows;
        let bytes = self.shown_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.run.ctx.observer.progress(&Progress::TableProgress {
            table: self.plan.target.id.clone(),
            rows,
            bytes,
        });
    }

    /// Takes back what was shown of an attempt that came to nothing.
    pub(super) fn hide(&self, rows: u64, bytes: u64) {
        self.shown_rows.fetch_sub(rows, Ordering::Relaxed);
        self.shown_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Writes down that a chunk has arrived.
    pub(super) fn note(&self, chunk: &Chunk, result: &ChunkResult) -> Result<()> {
        self.log(&format!(
            "chunk {} arrived: {} rows, {} bytes, {} rejected",
            chunk.index, result.rows, result.bytes, result.rejected
        ))?;
        self.run.journal.checkpoint(|checkpoint| {
            checkpoint.chunks.0 += 1;
            checkpoint.rows += result.rows;
        })
    }

    /// Adds a line to the table's log.
    pub(super) fn log(&self, line: &str) -> Result<()> {
        let ctx = &self.run.ctx;
        ctx.dir
            .append_table_log(&self.plan.target.id, &format!("{} {line}", ctx.now()))
    }

    /// Returns what the source itself says about the table: its rows, and what its values add up to where that will be compared.
    pub(super) async fn aggregate(&self) -> Result<TableAggregate> {
        let columns = match self.run.plan().policies.verify {
            true => source_columns(&self.plan),
            false => Vec::new(),
        };
        let mut said = retry(&self.run.ctx, "count a table", || {
            self.snapshot.aggregate(&self.plan.source, &columns)
        })
        .await?;
        withhold(&self.plan, Side::Source, &mut said);
        Ok(said)
    }
}
