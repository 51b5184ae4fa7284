//! The data phase: rows from one snapshot of the source, and beside them what waits for them (indexes, foreign keys), all in one pool; then
//! sequences and a picture of the target as it was built. A lost snapshot is followed by a new one, as a resumed run is.

mod after;
mod agenda;
mod chunk;
mod empty;
mod finish;
mod jobs;
pub(crate) mod passage;
mod split;
mod table;
mod tally;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use whimbrel_core::{Chunk, ChunkRecord, Result, Snapshot, Step, StepPhase, TableId};

use self::after::After;
use self::agenda::{Agenda, Way};
use self::table::CopyTable;
use self::tally::Tally;
use crate::arrived::{Totals, note_arrived, show_arrived};
use crate::begin::same_source;
use crate::context::RunContext;
use crate::failure::Failure;
use crate::quantity::counted;
use crate::resume;
use crate::retry::{Attempts, retry};
use crate::running::Run;
use crate::steps;
use crate::store::SnapshotRecord;

/// How many snapshots may be lost in one run.
const SNAPSHOTS_MAX: u32 = 8;

pub(crate) async fn run(run: &Arc<Run>) -> Result<String, Failure> {
    let arrived = run.chunks().await?;
    show_arrived(run, &arrived);
    if !is_copied(&run.ctx, &arrived) {
        drop(arrived);
        finish::forget_as_built(run)?;
        copy_under_snapshots(run).await?;
    } else if !steps_left(run).await?.is_empty() {
        // A key that waited for rejected rows may be made only now.
        finish::forget_as_built(run)?;
        do_steps(run).await?;
    }
    finish::finish(run).await?;
    summary(run).await
}

/// Tells whether every row has arrived from one snapshot. Then a resumed run goes on after the data, whatever the source does since.
pub(crate) fn is_copied(ctx: &RunContext, chunks: &[ChunkRecord]) -> bool {
    let chunks = || chunks.iter().filter(|chunk| !chunk.chunk.range.is_exact());
    let split: BTreeSet<&TableId> = chunks().map(|chunk| &chunk.target).collect();
    let position = chunks().next().and_then(|chunk| chunk.position.as_ref());
    let arrived = |chunk: &ChunkRecord| chunk.result.is_some() && chunk.position.as_ref() == position;
    let mut tables = ctx.plan.tables.iter();
    if !tables.all(|table| split.contains(&table.target.id)) || !chunks().all(arrived) {
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

/// Copies what has not arrived, under one snapshot, and does what waits for it.
async fn copy(run: &Arc<Run>) -> Result<(), Failure> {
    run.read_back.forget();
    let snapshot = open_snapshot(run).await?;
    resume::reconcile(run, &snapshot).await?;
    let record = finish::begin_record(run, &snapshot).await?;
    let mut records = run.chunks().await?;
    if empty::arrive(run, &*snapshot, &records).await? {
        records = run.chunks().await?;
    }
    note_arrived(run, &records)?;
    let steps = steps_left(run).await?;
    let left = Left {
        record,
        records,
        steps,
        together: steps::together(run).await?,
    };
    let mut agenda = agenda(run, &snapshot, left)?;
    drop(snapshot);
    run.ctx.pool().work(&mut agenda, jobs::perform).await?;
    agenda.end()
}

/// Does the steps that are left when all rows have arrived.
async fn do_steps(run: &Arc<Run>) -> Result<(), Failure> {
    let incomplete = incomplete(&run.chunks().await?);
    let after = After::new(steps_left(run).await?, &standing_alone(run), &BTreeSet::new());
    let together = steps::together(run).await?;
    let mut agenda = Agenda::new(run, SnapshotRecord::default(), after, together, incomplete);
    run.ctx.pool().work(&mut agenda, jobs::perform).await?;
    agenda.end()
}

/// What is left: the record of the snapshot, the chunks that the ledger has, the steps, and how many of those go together.
struct Left {
    record: SnapshotRecord,
    records: Vec<ChunkRecord>,
    steps: Vec<Step>,
    together: usize,
}

/// Puts everything that is left on the agenda, the biggest tables of each wave first.
fn agenda(run: &Arc<Run>, snapshot: &Arc<dyn Snapshot>, left: Left) -> Result<Agenda, Failure> {
    let Left {
        record,
        records,
        steps,
        together,
    } = left;
    let incomplete = incomplete(&records);
    let noted: BTreeSet<String> = run.journal.now_at().tables_completed.into_iter().collect();
    let mut known = record.tables.clone();
    let mut of_table: BTreeMap<TableId, Vec<ChunkRecord>> = BTreeMap::new();
    for record in records {
        of_table.entry(record.target.clone()).or_default().push(record);
    }
    let after = After::new(steps, &standing_alone(run), &planned(run));
    let mut agenda = Agenda::new(run, record, after, together, incomplete);
    let tables = &run.plan().tables;
    let mut order: Vec<usize> = (0..tables.len()).collect();
    let mapping = &run.plan().mapping;
    let wave = |at: usize| mapping.wave_of(&tables[at].source.id, &tables[at].target.id);
    order.sort_by_key(|at| (wave(*at), Reverse(tables[*at].bytes)));
    for at in order {
        let plan = &tables[at];
        let records = of_table.remove(&plan.target.id);
        let tally = Tally::of(records.as_deref().unwrap_or_default());
        let unfinished = records.as_ref().map(|records| unfinished(records));
        let name = plan.target.id.to_string();
        let counted = known.remove(&name);
        let way = Way {
            table: CopyTable::new(run, snapshot, at, &tally),
            tally,
            left: unfinished.as_ref().map(Vec::len),
            asked: counted.is_some(),
            counted,
            noted: noted.contains(&name),
        };
        agenda.add(at, way, unfinished.unwrap_or_default());
    }
    agenda.begin()?;
    Ok(agenda)
}

fn unfinished(records: &[ChunkRecord]) -> Vec<Chunk> {
    let left = records.iter().filter(|record| record.result.is_none());
    left.map(|record| record.chunk.clone()).collect()
}

fn planned(run: &Run) -> BTreeSet<TableId> {
    run.ctx.target_tables().into_iter().collect()
}

/// The tables whose indexes and keys concern no other table's: an index of a partitioned table takes in those of its partitions, so their
/// order counts.
fn standing_alone(run: &Run) -> BTreeSet<TableId> {
    let targets = run.plan().tables.iter().map(|table| &table.target);
    let alone = targets.filter(|table| {
        table.partitioned_by.is_none() && table.partition_of.is_none() && table.inherits.is_empty()
    });
    alone.map(|table| table.id.clone()).collect()
}

/// The steps after the data that are not done yet.
async fn steps_left(run: &Run) -> Result<Vec<Step>> {
    let done = run.steps_done().await?;
    let steps = run.plan().steps.iter();
    Ok(steps
        .filter(|step| step.phase == StepPhase::AfterData && !done.contains(&step.id))
        .cloned()
        .collect())
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

/// The tables with rows that were rejected.
fn incomplete(chunks: &[ChunkRecord]) -> BTreeSet<TableId> {
    let totals = Totals::by_table(chunks).into_iter();
    totals
        .filter(|(_, totals)| totals.rejected > 0)
        .map(|(table, _)| table.clone())
        .collect()
}

async fn summary(run: &Run) -> Result<String, Failure> {
    let chunks = run.chunks().await?;
    let tables = &run.plan().tables;
    let rejected: u64 = Totals::by_table(&chunks)
        .values()
        .map(|totals| totals.rejected)
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
