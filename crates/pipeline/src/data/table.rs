//! A table on its way: which of its chunks have arrived, and what is done when the last one has.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{Chunk, ChunkRecord, ChunkResult, Result, Snapshot, TableAggregate, TablePlan, fault};

use crate::columns::source_columns;
use crate::failure::{Failure, data_integrity};
use crate::observer::Progress;
use crate::retry::retry;
use crate::running::Run;
use crate::store::SnapshotRecord;

/// What all tables of one snapshot write into.
pub(super) type SharedRecord = Arc<Mutex<SnapshotRecord>>;

/// A table on its way.
pub(super) struct CopyTable {
    pub(super) run: Arc<Run>,
    pub(super) snapshot: Arc<dyn Snapshot>,
    pub(super) plan: TablePlan,
    /// Chunks that had not arrived when this began.
    pub(super) unfinished: Vec<Chunk>,
    record: SharedRecord,
    tally: Mutex<Tally>,
    started: AtomicBool,
    shown_rows: AtomicU64,
    shown_bytes: AtomicU64,
}

/// What has arrived.
#[derive(Debug, Clone, Default)]
struct Tally {
    left: usize,
    chunks: u64,
    rows: u64,
    bytes: u64,
    rejected: u64,
}

impl Tally {
    fn add(&mut self, result: &ChunkResult) {
        self.chunks += 1;
        self.rows += result.rows;
        self.bytes += result.bytes;
        self.rejected += result.rejected;
    }
}

/// The plan's tables with their chunks as the ledger has them.
pub(super) fn all(
    run: &Arc<Run>,
    snapshot: &Arc<dyn Snapshot>,
    records: Vec<ChunkRecord>,
    record: &SharedRecord,
) -> Vec<Arc<CopyTable>> {
    let mut chunks: BTreeMap<_, Vec<ChunkRecord>> = BTreeMap::new();
    for chunk in records {
        chunks.entry(chunk.target.clone()).or_default().push(chunk);
    }
    let make = |plan: &TablePlan| {
        let chunks = chunks.remove(&plan.target.id).unwrap_or_default();
        let mut tally = Tally::default();
        chunks
            .iter()
            .filter_map(|chunk| chunk.result.as_ref())
            .for_each(|result| tally.add(result));
        let unfinished: Vec<Chunk> = chunks
            .into_iter()
            .filter(|chunk| chunk.result.is_none())
            .map(|chunk| chunk.chunk)
            .collect();
        tally.left = unfinished.len();
        Arc::new(CopyTable {
            run: run.clone(),
            snapshot: snapshot.clone(),
            plan: plan.clone(),
            unfinished,
            record: record.clone(),
            started: AtomicBool::new(false),
            shown_rows: AtomicU64::new(tally.rows),
            shown_bytes: AtomicU64::new(tally.bytes),
            tally: Mutex::new(tally),
        })
    };
    run.plan().tables.iter().map(make).collect()
}

impl CopyTable {
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

    /// Counts a chunk as arrived; returns true when it was the last one.
    pub(super) fn arrived(&self, chunk: &Chunk, result: &ChunkResult) -> Result<bool> {
        let left = {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.add(result);
            tally.left -= 1;
            tally.left
        };
        self.log(&format!(
            "chunk {} arrived: {} rows, {} bytes, {} rejected",
            chunk.index, result.rows, result.bytes, result.rejected
        ))?;
        self.run.journal.checkpoint(|checkpoint| {
            checkpoint.chunks.0 += 1;
            checkpoint.rows += result.rows;
        })?;
        Ok(left == 0)
    }

    /// Adds a line to the table's log.
    pub(super) fn log(&self, line: &str) -> Result<()> {
        let ctx = &self.run.ctx;
        ctx.dir
            .append_table_log(&self.plan.target.id, &format!("{} {line}", ctx.now()))
    }

    /// Compares the rows that arrived with the source's own count in the same snapshot, and marks the table as whole.
    pub(super) async fn finish(&self, cancel: &CancellationToken) -> Result<(), Failure> {
        let id = &self.plan.target.id;
        let aggregate = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Failure::interrupted()),
            aggregate = self.aggregate() => aggregate,
        };
        let aggregate = aggregate.map_err(|error| Failure {
            error: error.during(format!("count table `{}`", self.plan.source.id)),
            tables: vec![id.clone()],
            writing: false,
        })?;
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if tally.rows + tally.rejected != aggregate.rows {
            let message = format!(
                "{} rows of table `{id}` arrived and {} were rejected; the source counts {}",
                tally.rows, tally.rejected, aggregate.rows
            );
            return Err(Failure::of_table(id, data_integrity(message)));
        }
        self.keep(aggregate)?;
        self.mark_whole(&tally)?;
        self.run.ctx.observer.progress(&Progress::TableEnded {
            table: id.clone(),
            rows: tally.rows,
        });
        Ok(())
    }

    async fn aggregate(&self) -> Result<TableAggregate> {
        let known = {
            let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
            record.tables.get(&self.plan.target.id.to_string()).cloned()
        };
        if let Some(known) = known {
            return Ok(known);
        }
        // Without a verification nobody asks what the values add up to.
        let columns = match self.run.plan().policies.verify {
            true => source_columns(&self.plan),
            false => Vec::new(),
        };
        retry(&self.run.ctx, "count a table", || {
            self.snapshot.aggregate(&self.plan.source, &columns)
        })
        .await
    }

    fn keep(&self, aggregate: TableAggregate) -> Result<()> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let known = record.tables.insert(self.plan.target.id.to_string(), aggregate);
        if known.is_none() {
            record.save(&self.run.ctx.dir)
        } else {
            Ok(())
        }
    }

    fn mark_whole(&self, tally: &Tally) -> Result<()> {
        let name = self.plan.target.id.to_string();
        if self.run.journal.now_at().tables_completed.contains(&name) {
            return Ok(());
        }
        fault::point("table.complete.before")?;
        self.log(&format!(
            "whole: {} rows, {} rejected",
            tally.rows, tally.rejected
        ))?;
        let payload = json!({
            "table": name, "rows": tally.rows, "bytes": tally.bytes, "rejected": tally.rejected, "chunks": tally.chunks,
        });
        self.run.journal.event("TABLE_COMPLETE", payload)?;
        self.run.journal.checkpoint(|checkpoint| {
            checkpoint.tables_pending.retain(|pending| pending != &name);
            checkpoint.tables_completed.push(name);
        })
    }
}
