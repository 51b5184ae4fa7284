//! Reading one side whole: every table split and read side by side under one snapshot, into one digest per table.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio_util::sync::CancellationToken;
use whimbrel_core::{Catalog, ErrorClass, KeyRange, Result, Snapshot, Table, TableId, TablePlan};

use crate::columns::{Side, Wanted, hasher, rows};
use crate::context::RunContext;
use crate::failure::Failure;
use crate::flow::Inflow;
use crate::found::{Found, REJECTS_KEPT, add_ruled};
use crate::observer::Progress;
use crate::planned::Planned;
use crate::pool::Job;
use crate::retry::retry;

/// A table to read.
#[derive(Clone)]
pub(crate) struct Reading {
    pub(crate) plan: Planned,
    /// The table as the side's catalog describes it.
    pub(crate) table: Table,
    pub(crate) side: Side,
}

/// A table below this part of a chunk is read in one.
const SMALL_PART: u64 = 8;

/// Returns the target's table when it has all columns that the plan copies, else what is missing.
pub(crate) fn readable<'a>(catalog: &'a Catalog, plan: &TablePlan) -> Result<&'a Table, String> {
    let id = &plan.target.id;
    let table = catalog
        .table(id)
        .ok_or_else(|| format!("table `{id}` is not in the target"))?;
    match plan
        .columns
        .iter()
        .find(|column| table.column(&column.target).is_none())
    {
        Some(missing) => Err(format!(
            "column `{}` is not in the target's table `{id}`",
            missing.target
        )),
        None => Ok(table),
    }
}

/// Reads the tables whole; a table that cannot be read has its error. A lost snapshot ends everything.
pub(crate) async fn totals(
    ctx: &Arc<RunContext>,
    snapshot: &Arc<dyn Snapshot>,
    readings: Vec<Reading>,
) -> Result<BTreeMap<TableId, Result<Found>>, Failure> {
    let mut totals: BTreeMap<TableId, Result<Found>> = BTreeMap::new();
    let tables: Vec<&Table> = readings.iter().map(|reading| &reading.table).collect();
    let empty = retry(ctx, "look for empty tables", || snapshot.are_empty(&tables)).await?;
    let mut filled = Vec::new();
    for (reading, is_empty) in readings.into_iter().zip(empty) {
        match is_empty {
            true => drop(totals.insert(reading.plan.target.id.clone(), Ok(Found::default()))),
            false => filled.push(reading),
        }
    }
    let parts = split(ctx, snapshot, filled).await?;
    let mut jobs = Vec::new();
    for (reading, ranges) in parts {
        let ranges = match ranges {
            Ok(ranges) => ranges,
            Err(error) => {
                totals.insert(reading.plan.target.id.clone(), Err(error));
                continue;
            }
        };
        totals.insert(reading.plan.target.id.clone(), Ok(Found::default()));
        let bytes = ctx.budget().need(&reading.plan);
        let part = Arc::new((reading, AtomicU64::new(0)));
        jobs.extend(ranges.into_iter().map(|range| Job {
            bytes,
            job: (part.clone(), range),
        }));
    }
    let task = |(part, range): (Arc<(Reading, AtomicU64)>, KeyRange), cancel: CancellationToken| {
        let (ctx, snapshot) = (ctx.clone(), snapshot.clone());
        async move {
            let found = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Failure::interrupted()),
                found = retry(&ctx, "read a chunk", || read_range(&ctx, snapshot.as_ref(), &part.0, &part.1, &range)) => found,
            };
            lost_ends_all(found).map(|found| (part.0.plan.target.id.clone(), found))
        }
    };
    let each = |(id, part): (TableId, Result<Found>)| {
        match (totals.get_mut(&id), part) {
            (Some(Ok(total)), Ok(part)) => total.add(part),
            (Some(total @ Ok(_)), Err(error)) => *total = Err(error),
            (Some(Err(_)) | None, _) => {}
        }
        Ok(())
    };
    ctx.pool().run(jobs, task, each).await?;
    Ok(totals)
}

fn lost_ends_all<T>(outcome: Result<T>) -> Result<Result<T>, Failure> {
    match outcome {
        Err(error) if error.class() == ErrorClass::SnapshotLost => Err(error.into()),
        other => Ok(other),
    }
}

type Parts = Vec<(Reading, Result<Vec<KeyRange>>)>;

async fn split(
    ctx: &Arc<RunContext>,
    snapshot: &Arc<dyn Snapshot>,
    readings: Vec<Reading>,
) -> Result<Parts, Failure> {
    let bytes = ctx.plan.policies.chunk_bytes.max(1);
    // The database need not be asked how to come apart what is small.
    let is_small = |reading: &Reading| reading.plan.bytes <= bytes / SMALL_PART;
    let (small, mut large): (Vec<Reading>, Vec<Reading>) = readings.into_iter().partition(is_small);
    large.sort_by_key(|reading| Reverse(reading.plan.bytes));
    let mut parts: Parts = Vec::new();
    let task = |reading: Reading, cancel: CancellationToken| {
        let (ctx, snapshot) = (ctx.clone(), snapshot.clone());
        async move {
            let chunks = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Failure::interrupted()),
                chunks = retry(&ctx, "split a table", || snapshot.split(&reading.table, bytes)) => chunks,
            };
            let ranges = chunks.map(|chunks| chunks.into_iter().map(|chunk| chunk.range).collect());
            lost_ends_all(ranges).map(|ranges| (reading, ranges))
        }
    };
    let each = |part| {
        parts.push(part);
        Ok(())
    };
    ctx.pool()
        .run(large.into_iter().map(Job::light).collect(), task, each)
        .await?;
    let whole = |reading| (reading, Ok(vec![KeyRange::All]));
    parts.extend(small.into_iter().map(whole));
    Ok(parts)
}

/// Reads a range. `shown` counts the table's rows for whoever looks on.
pub(super) async fn read_range(
    ctx: &RunContext,
    snapshot: &dyn Snapshot,
    reading: &Reading,
    shown: &AtomicU64,
    range: &KeyRange,
) -> Result<Found> {
    let plan = &reading.plan;
    let wanted = Wanted {
        side: reading.side,
        plan,
        table: &reading.table,
        range,
        batch_bytes: ctx.budget().batch_bytes,
        packed: true,
    };
    let mut flow = Inflow::open(rows(snapshot, &wanted), wanted.batch_bytes);
    let mut hasher = hasher(plan);
    let mut found = Found::default();
    let place = format!(
        "read table `{}` of the {}",
        reading.table.id,
        reading.side.as_str()
    );
    while let Some(parcel) = flow.next().await.map_err(|error| error.during(&place))? {
        let batch = &parcel.batch;
        hasher.hash(&batch.records, &[], |row| found.digest.add_row(row))?;
        found.rejected += batch.rejects.len() as u64;
        add_ruled(&mut found.ruled, &batch.ruled);
        let room = REJECTS_KEPT.saturating_sub(found.rejects.len());
        found.rejects.extend(batch.rejects.iter().take(room).cloned());
        let rows = batch.rows() as u64;
        let rows = shown.fetch_add(rows, Ordering::Relaxed) + rows;
        ctx.observer.progress(&Progress::VerifyProgress {
            table: plan.target.id.clone(),
            rows,
        });
    }
    Ok(found)
}
