//! Tables without rows: they arrive many at a time, because a transaction for each would take longer than making them.

use std::collections::BTreeSet;

use whimbrel_core::{Chunk, ChunkRecord, KeyRange, Result, Snapshot, Table, TableId, fault};

use crate::retry::retry;
use crate::running::Run;

/// Tables that arrive in one transaction.
const TOGETHER: usize = 1_000;

/// Lets the tables that have no split and hold nothing in the snapshot arrive; tells whether there were any.
pub(super) async fn arrive(run: &Run, snapshot: &dyn Snapshot, records: &[ChunkRecord]) -> Result<bool> {
    let split: BTreeSet<&TableId> = records.iter().map(|record| &record.target).collect();
    let plans = run.plan().tables.iter();
    let unsplit: Vec<_> = plans.filter(|plan| !split.contains(&plan.target.id)).collect();
    let sources: Vec<&Table> = unsplit.iter().map(|plan| &plan.source).collect();
    let empty = retry(&run.ctx, "look for empty tables", || snapshot.are_empty(&sources)).await?;
    let whole = |id: &TableId| Chunk {
        table: id.clone(),
        index: 0,
        range: KeyRange::All,
    };
    let chunks: Vec<(TableId, Chunk)> = unsplit
        .iter()
        .zip(empty)
        .filter(|(_, is_empty)| *is_empty)
        .map(|(plan, _)| (plan.target.id.clone(), whole(&plan.source.id)))
        .collect();
    for some in chunks.chunks(TOGETHER) {
        store(run, some, &snapshot.position().0).await?;
    }
    Ok(!chunks.is_empty())
}

async fn store(run: &Run, chunks: &[(TableId, Chunk)], position: &str) -> Result<()> {
    let mut first = true;
    retry(&run.ctx, "store empty tables", || {
        let again = !std::mem::take(&mut first);
        async move {
            // The answer to an earlier attempt may have been lost; then either all of them are stored or none.
            if again && is_stored(run, chunks).await? {
                return Ok(());
            }
            fault::point("empty.store.before")?;
            let ledger = run.ctx.target.ledger();
            ledger.store_empty(&run.key, chunks, position).await?;
            fault::point("empty.store.after")
        }
    })
    .await
}

async fn is_stored(run: &Run, chunks: &[(TableId, Chunk)]) -> Result<bool> {
    let records = run.ctx.target.ledger().chunks(&run.key.migration).await?;
    let first = chunks.first().map(|(target, _)| target);
    Ok(records.iter().any(|record| Some(&record.target) == first))
}
