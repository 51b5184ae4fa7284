//! Going on under a new snapshot: what arrived under an earlier one is read again at the source. An equal digest keeps a chunk; a table
//! with a chunk that differs is emptied together with its ledger rows and copied again.
//!
//! Equal digests are enough whatever the kind of range: the ranges of a split cover each row of any state exactly once, so a chunk whose
//! range holds the same rows in the new snapshot is that snapshot's chunk.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;
use whimbrel_core::{ChunkRecord, Digest, Result, Snapshot, TableId, TablePlan, fault};

use crate::columns::{Side, Wanted, hasher, rows};
use crate::context::RunContext;
use crate::failure::{Failure, Work};
use crate::flow::Inflow;
use crate::planned::Planned;
use crate::pool::Job;
use crate::quantity::counted;
use crate::retry::retry;
use crate::rollback::{empty_tables, refuse_foreign_rows};
use crate::running::Run;

/// Makes the ledger true under the snapshot.
pub(crate) async fn reconcile(run: &Arc<Run>, snapshot: &Arc<dyn Snapshot>) -> Result<(), Failure> {
    let position = snapshot.position().0;
    let records = run.chunks().await?;
    let earlier: Vec<ChunkRecord> = records
        .iter()
        .filter(|record| record.result.is_some() && record.position.as_ref() != Some(&position))
        .cloned()
        .collect();
    // Their rows lie in two chunks by now, so that no chunk of the split equals its range any more.
    let replayed = records.iter().filter(|record| record.chunk.range.is_exact());
    let replayed: BTreeSet<TableId> = replayed.map(|record| record.target.clone()).collect();
    if earlier.is_empty() && replayed.is_empty() {
        return Ok(());
    }
    run.ctx.notice(format!(
        "comparing {} of an earlier snapshot with the source",
        counted(earlier.len() as u64, "chunk")
    ));
    let changed = compare(run, snapshot, &earlier, replayed).await?;
    if !changed.is_empty() {
        let names: Vec<String> = changed.iter().map(|table| format!("`{table}`")).collect();
        run.ctx.notice(format!(
            "changed at the source and copied again: {}",
            names.join(", ")
        ));
        let changed: Vec<TableId> = changed.iter().cloned().collect();
        refuse_foreign_rows(run, &changed, run.ctx.stop.clone()).await?;
        empty_tables(run, &changed).await?;
    }
    for record in earlier.iter().filter(|record| !changed.contains(&record.target)) {
        confirm(run, record, &position).await?;
    }
    Ok(())
}

/// Returns the tables of which a chunk is no longer the same at the source.
async fn compare(
    run: &Arc<Run>,
    snapshot: &Arc<dyn Snapshot>,
    earlier: &[ChunkRecord],
    known: BTreeSet<TableId>,
) -> Result<BTreeSet<TableId>, Failure> {
    let changed = Arc::new(Mutex::new(known));
    let budget = run.ctx.budget();
    let places = Planned::places(run.plan());
    let jobs = earlier.iter().filter_map(|record| {
        let table = Planned::at(&run.ctx.plan, *places.get(&record.target)?);
        Some(Job {
            bytes: budget.need(&table),
            job: (table, record.clone()),
        })
    });
    let task = |(table, record): (Planned, ChunkRecord), cancel: CancellationToken| {
        let (run, snapshot, changed) = (run.clone(), snapshot.clone(), changed.clone());
        async move {
            if changed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains(&record.target)
            {
                return Ok(());
            }
            let same = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Failure::interrupted()),
                same = retry(&run.ctx, "compare a chunk", || is_same(&run.ctx, snapshot.as_ref(), &table, &record)) => same,
            };
            let same = same.map_err(|error| Failure {
                error: error.during(format!(
                    "compare chunk {} of table `{}`",
                    record.chunk.index, table.source.id
                )),
                tables: vec![record.target.clone()],
                work: Work::Other,
            })?;
            if !same {
                changed
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(record.target);
            }
            Ok(())
        }
    };
    run.ctx.pool().run(jobs.collect(), task, |()| Ok(())).await?;
    let changed = changed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(changed)
}

async fn is_same(
    ctx: &RunContext,
    snapshot: &dyn Snapshot,
    table: &TablePlan,
    record: &ChunkRecord,
) -> Result<bool> {
    let Some(result) = &record.result else {
        return Ok(false);
    };
    let wanted = Wanted {
        side: Side::Source,
        plan: table,
        table: &table.source,
        range: &record.chunk.range,
        batch_bytes: ctx.budget().batch_bytes,
        packed: true,
    };
    let mut flow = Inflow::open(rows(snapshot, &wanted), wanted.batch_bytes);
    let mut hasher = hasher(table);
    let mut digest = Digest::default();
    let mut rejected = 0;
    while let Some(parcel) = flow.next().await? {
        let batch = &parcel.batch;
        hasher.hash(&batch.records, &[], |row| digest.add_row(row))?;
        rejected += batch.rejects.len() as u64;
    }
    Ok(digest.same_rows(&result.digest) && rejected == result.rejected)
}

async fn confirm(run: &Run, record: &ChunkRecord, position: &str) -> Result<()> {
    let ledger = run.ctx.target.ledger();
    retry(&run.ctx, "confirm a chunk", || async {
        fault::point("chunk.confirm.before")?;
        ledger
            .confirm_chunk(&run.key, &record.target, record.chunk.index, position)
            .await?;
        fault::point("chunk.confirm.after")
    })
    .await
}
