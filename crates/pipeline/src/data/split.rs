//! Splitting tables into chunks. A table's whole split is in the ledger before its first row is written, and is never computed again.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use whimbrel_core::{Error, Result, Snapshot, TableId, TablePlan, fault};

use crate::failure::Failure;
use crate::pool::Job;
use crate::retry::retry;
use crate::running::Run;

/// Splits the tables that have no split yet.
pub(super) async fn store_missing(run: &Arc<Run>, snapshot: &Arc<dyn Snapshot>) -> Result<(), Failure> {
    let split: BTreeSet<TableId> = run
        .chunks()
        .await?
        .into_iter()
        .map(|record| record.target)
        .collect();
    let missing = run
        .plan()
        .tables
        .iter()
        .filter(|table| !split.contains(&table.target.id));
    let jobs = missing.cloned().map(Job::one).collect();
    let task = |table: TablePlan, cancel: CancellationToken| {
        let (run, snapshot) = (run.clone(), snapshot.clone());
        async move {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Failure::interrupted()),
                stored = store(&run, snapshot.as_ref(), &table) => stored.map_err(|error| Failure {
                    error: error.during(format!("split table `{}`", table.source.id)),
                    tables: vec![table.target.id.clone()],
                    writing: false,
                }),
            }
        }
    };
    run.ctx.read_pool().run(jobs, task, |()| Ok(())).await
}

async fn store(run: &Run, snapshot: &dyn Snapshot, table: &TablePlan) -> Result<()> {
    let (source, target) = (&table.source, &table.target.id);
    let chunk_bytes = run.plan().policies.chunk_bytes.max(1);
    let chunks = retry(&run.ctx, "split a table", || snapshot.split(source, chunk_bytes)).await?;
    if chunks.is_empty() {
        return Err(Error::bug(format!("the split of table `{}` is empty", source.id)));
    }
    let mut first = true;
    retry(&run.ctx, "store a split", || {
        let again = !std::mem::take(&mut first);
        let chunks = &chunks;
        async move {
            // The answer to an earlier attempt may have been lost.
            if again && is_stored(run, target).await? {
                return Ok(());
            }
            fault::point("split.store.before")?;
            run.ctx
                .target
                .ledger()
                .store_split(&run.key, target, chunks)
                .await?;
            fault::point("split.store.after")
        }
    })
    .await
}

async fn is_stored(run: &Run, target: &TableId) -> Result<bool> {
    Ok(run
        .ctx
        .target
        .ledger()
        .chunks(&run.key.migration)
        .await?
        .iter()
        .any(|record| &record.target == target))
}
