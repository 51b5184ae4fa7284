//! What has arrived, always as the ledger says it: what its chunks add up to, and the checkpoint in step with it.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{ChunkRecord, Digest, Result, TableId};

use crate::found::add_ruled;
use crate::observer::Progress;
use crate::running::Run;

/// What the finished chunks of a table add up to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    /// Finished chunks.
    pub(crate) chunks: u64,
    /// Rows that arrived.
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Rows that are still left out.
    pub(crate) rejected: u64,
    /// Per column of the plan, how many values its rule changed; empty when none has a rule.
    pub(crate) ruled: Vec<u64>,
    pub(crate) digest: Digest,
    /// Rows that had been rejected and came later, one by one.
    pub(crate) replayed: u64,
}

impl Totals {
    /// Adds up the records of one table. A chunk of rows that were tried again takes those that it settled off the count of the rejected.
    pub(crate) fn of<'a>(records: impl IntoIterator<Item = &'a ChunkRecord>) -> Self {
        let mut totals = Self::default();
        let mut settled = 0;
        for record in records {
            let Some(result) = &record.result else { continue };
            totals.chunks += 1;
            totals.rows += result.rows;
            totals.bytes += result.bytes;
            totals.digest.add(&result.digest);
            add_ruled(&mut totals.ruled, &result.ruled);
            match exact_keys(record) {
                Some(keys) => {
                    totals.replayed += result.rows;
                    settled += (keys.len() as u64).saturating_sub(result.rejected);
                }
                None => totals.rejected += result.rejected,
            }
        }
        totals.rejected = totals.rejected.saturating_sub(settled);
        totals
    }
    /// Adds up the records of each table.
    pub(crate) fn by_table(records: &[ChunkRecord]) -> BTreeMap<&TableId, Self> {
        let mut of_table: BTreeMap<&TableId, Vec<&ChunkRecord>> = BTreeMap::new();
        for record in records {
            of_table.entry(&record.target).or_default().push(record);
        }
        let totals = of_table.into_iter();
        totals
            .map(|(table, records)| (table, Self::of(records)))
            .collect()
    }
}

/// The keys of a chunk of rows that are tried again; none for a chunk of the split.
pub(crate) fn exact_keys(record: &ChunkRecord) -> Option<&[Vec<whimbrel_core::KeyValue>]> {
    match &record.chunk.range {
        whimbrel_core::KeyRange::Exactly { keys, .. } => Some(keys),
        whimbrel_core::KeyRange::All
        | whimbrel_core::KeyRange::Keys(_)
        | whimbrel_core::KeyRange::Rows { .. }
        | whimbrel_core::KeyRange::Part { .. } => None,
    }
}

/// Shows what arrived before this run, or before the snapshot was lost.
pub(crate) fn show_arrived(run: &Run, records: &[ChunkRecord]) {
    for (table, totals) in Totals::by_table(records) {
        run.ctx.observer.progress(&Progress::TableProgress {
            table: table.clone(),
            rows: totals.rows,
            bytes: totals.bytes,
        });
    }
}

/// Brings the checkpoint in step with the ledger.
pub(crate) fn note_arrived(run: &Run, records: &[ChunkRecord]) -> Result<()> {
    let mut is_whole: BTreeMap<&TableId, bool> = BTreeMap::new();
    for record in records.iter().filter(|record| !record.chunk.range.is_exact()) {
        *is_whole.entry(&record.target).or_insert(true) &= record.result.is_some();
    }
    let pending = |table: &TableId| is_whole.get(table) != Some(&true);
    let (pending, whole): (Vec<TableId>, Vec<TableId>) =
        run.ctx.target_tables().into_iter().partition(pending);
    let whole: BTreeSet<String> = whole.iter().map(ToString::to_string).collect();
    run.journal.checkpoint_of_tables(|checkpoint| {
        checkpoint.tables_completed.retain(|name| whole.contains(name));
        checkpoint.tables_pending = pending.iter().map(ToString::to_string).collect();
        let totals = Totals::of(records);
        checkpoint.rows = totals.rows;
        checkpoint.chunks = (totals.chunks, records.len() as u64);
        // A chunk's table is whole only after its count; until then it is pending.
        let completed: BTreeSet<&String> = checkpoint.tables_completed.iter().collect();
        let uncounted = whole.iter().filter(|name| !completed.contains(name));
        checkpoint.tables_pending.extend(uncounted.cloned());
    })
}
