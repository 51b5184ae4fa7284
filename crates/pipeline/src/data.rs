//! The data phase: rows from one snapshot of the source, then what must wait for them (indexes, foreign keys, sequences), then a picture
//! of the target as it was built. A lost snapshot is followed by a new one, as a resumed run is.

mod chunk;
mod finish;
pub(crate) mod passage;
mod split;
mod table;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use whimbrel_core::{ChunkRecord, Result, Snapshot, StepPhase, TableId, TablePlan};

use self::chunk::CopyJob;
use self::table::CopyTable;
use crate::arrived::{Totals, note_arrived};
use crate::begin::same_source;
use crate::context::RunContext;
use crate::failure::Failure;
use crate::pool::Job;
use crate::quantity::counted;
use crate::retry::{Attempts, retry};
use crate::running::Run;
use crate::store::SnapshotRecord;
use crate::{resume, steps};

/// How many snapshots may be lost in one run.
const SNAPSHOTS_MAX: u32 = 8;

pub(crate) async fn run(run: &Arc<Run>) -> Result<String, Failure> {
    if !is_copied(&run.ctx, &run.chunks().await?) {
        finish::forget_as_built(run)?;
        copy_under_snapshots(run).await?;
    }
    if steps::are_left(run, StepPhase::AfterData).await? {
        // A key that waited for rejected rows may be made only now.
        finish::forget_as_built(run)?;
    }
    steps::run(run, StepPhase::AfterData, &incomplete(run).await?).await?;
    finish::finish(run).await?;
    summary(run).await
}

/// Tells whether every row has arrived from one snapshot. Then a resumed run goes on after the data, whatever the source does since.
pub(crate) fn is_copied(ctx: &RunContext, chunks: &[ChunkRecord]) -> bool {
    let chunks = || chunks.iter().filter(|chunk| !chunk.chunk.range.is_exact());
    let is_split = |table: &TablePlan| chunks().any(|chunk| chunk.target == table.target.id);
    let position = chunks().next().and_then(|chunk| chunk.position.as_ref());
    let arrived = |chunk: &ChunkRecord| chunk.result.is_some() && chunk.position.as_ref() == position;
    if !ctx.plan.tables.iter().all(is_split) || !chunks().all(arrived) {
        return false;
    }
    let is_counted = |record: SnapshotRecord| record.complete && Some(&record.position) == position;
    SnapshotRecord::load(&ctx.dir).is_some_and(is_counted) || finish::is_built(ctx)
}

async fn copy_under_snapshots(run: &Arc<Run>) -> Result<(), Failure> {
    let mut lost = 0;
    loop {
        match copy(run).await {
            Err(failure) if failure.is_snapshot_lost() && lost < SNAPSHOTS_MAX => {
                lost += 1;
                run.ctx
                    .notice(format!("{}; opening a new snapshot", failure.error.chain()));
                pause(run, lost, failure).await?;
            }
            ended => return ended,
        }
    }
}

/// Waits before the next snapshot: the source may be restarting.
async fn pause(run: &Run, lost: u32, failure: Failure) -> Result<(), Failure> {
    let as_transient = whimbrel_core::Error::new(whimbrel_core::ErrorClass::Transient, failure.error.chain());
    let mut attempts = Attempts::new(&run.ctx, format!("open snapshot {}", lost + 1));
    match attempts.again_after(as_transient).await {
        Ok(()) => Ok(()),
        Err(error) if error.class() == whimbrel_core::ErrorClass::Transient => Err(failure),
        Err(error) => Err(error.into()),
    }
}

/// Copies what has not arrived, under one snapshot.
async fn copy(run: &Arc<Run>) -> Result<(), Failure> {
    let snapshot = open_snapshot(run).await?;
    resume::reconcile(run, &snapshot).await?;
    let record = finish::begin_record(run, &snapshot).await?;
    split::store_missing(run, &snapshot).await?;
    let records = run.chunks().await?;
    note_arrived(run, &records)?;
    let record = Arc::new(Mutex::new(record));
    let tables = table::all(run, &snapshot, records, &record);
    let pool = run.ctx.copy_pool();
    let jobs = queue(run, &tables, pool.places());
    pool.run(jobs, chunk::copy, |()| Ok(())).await?;
    finish::complete_record(run, &record)
}

pub(crate) async fn open_snapshot(run: &Run) -> Result<Arc<dyn Snapshot>, Failure> {
    let ctx = &run.ctx;
    let tables = ctx.source_tables();
    let snapshot = retry(ctx, "open a snapshot", || {
        ctx.source.snapshot(&tables, ctx.limits.jobs.max(1))
    })
    .await?;
    // Only now nobody can change the tables any more.
    let catalog = retry(ctx, "read the source's catalog", || ctx.source.catalog()).await?;
    same_source(ctx, &catalog)?;
    Ok(snapshot)
}

/// The chunks that have not arrived, in the order in which they start: by dependency level, then the biggest tables. A table whose chunks
/// have all arrived has one job left: its count.
fn queue(run: &Run, tables: &[Arc<CopyTable>], places: usize) -> Vec<Job<CopyJob>> {
    let mut order: Vec<&Arc<CopyTable>> = tables.iter().collect();
    order.sort_by_key(|table| (table.plan.level, Reverse(table.plan.bytes)));
    let mut jobs = Vec::new();
    for table in order {
        let weight = run.ctx.budget().weight(&table.plan, places);
        let mut left: Vec<Job<CopyJob>> = table
            .unfinished
            .iter()
            .map(|chunk| Job {
                weight,
                job: CopyJob::copy(table, chunk.clone()),
            })
            .collect();
        if left.is_empty() {
            left.push(Job::one(CopyJob::count(table)));
        }
        jobs.append(&mut left);
    }
    jobs
}

/// The tables with rows that were rejected.
async fn incomplete(run: &Run) -> Result<BTreeSet<TableId>> {
    let chunks = run.chunks().await?;
    let tables = run.ctx.target_tables().into_iter();
    Ok(tables
        .filter(|id| Totals::of(chunks.iter().filter(|record| &record.target == id)).rejected > 0)
        .collect())
}

async fn summary(run: &Run) -> Result<String, Failure> {
    let chunks = run.chunks().await?;
    let tables = &run.plan().tables;
    let rejected: u64 = tables
        .iter()
        .map(|table| {
            let ours = chunks.iter().filter(|record| record.target == table.target.id);
            Totals::of(ours).rejected
        })
        .sum();
    let rejects = match rejected {
        0 => String::new(),
        _ => format!(", {} rejected", counted(rejected, "row")),
    };
    Ok(format!(
        "{}, {} in {}{rejects}",
        counted(tables.len() as u64, "table"),
        counted(Totals::of(&chunks).rows, "row"),
        counted(chunks.len() as u64, "chunk")
    ))
}
