//! The jobs of the data phase: what each of them does in its place, and what it hands back. Which one is next is `agenda.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use whimbrel_core::{Chunk, ChunkResult, Error, Step, TableAggregate, TableId};

use super::chunk;
use super::split::{self, Sizing};
use super::table::CopyTable;
use crate::failure::{Failure, Work};
use crate::running::Run;
use crate::steps;
use crate::verify::read_back::{self, Part};

/// Something to do in one place. Tables and steps are named by their numbers in the agenda.
pub(super) enum Task {
    /// Split some tables and store their splits.
    Split(Vec<(usize, Arc<CopyTable>)>, Sizing),
    /// Copy a chunk.
    Copy(usize, Arc<CopyTable>, Chunk),
    /// Ask the source what a table holds.
    Count(usize, Arc<CopyTable>),
    /// Do steps that none of them waits for.
    Steps(Arc<Run>, Vec<(usize, Step)>, Arc<BTreeSet<TableId>>),
    /// Let the target gather a table's statistics.
    Chart(Arc<Run>, TableId),
    /// Read a part of a table back from the target.
    ReadBack(Arc<Run>, Part),
}

/// What came of it.
pub(super) enum Done {
    Split(Vec<(usize, Vec<Chunk>)>),
    Copy(usize, ChunkResult, Duration),
    Count(usize, TableAggregate),
    Steps(StepsDone),
    Chart(TableId),
    ReadBack(read_back::Done),
}

/// What became of steps.
#[derive(Default)]
pub(super) struct StepsDone {
    pub(super) done: Vec<usize>,
    /// The one that failed; what does not need it may go on.
    pub(super) failed: Option<(usize, Box<Failure>)>,
    /// Those behind it, which were not begun.
    pub(super) left: Vec<usize>,
}

/// Does the task. Being cancelled ends it at once, but for a step that runs: a failure elsewhere does not tear it, only a stop does.
pub(super) async fn perform(task: Task, cancel: CancellationToken) -> Result<Done, Failure> {
    match task {
        Task::Copy(at, table, chunk) => {
            let (result, took) = chunk::copy(&table, &chunk, &cancel).await?;
            Ok(Done::Copy(at, result, took))
        }
        Task::Steps(run, steps, incomplete) => do_steps(&run, steps, &incomplete).await.map(Done::Steps),
        Task::Split(tables, sizing) => unless(&cancel, Box::pin(split_all(tables, sizing))).await,
        Task::Count(at, table) => unless(&cancel, Box::pin(count(at, table))).await,
        Task::Chart(run, table) => unless(&cancel, Box::pin(chart(run, table))).await,
        Task::ReadBack(run, part) => {
            unless(&cancel, async {
                Ok(Done::ReadBack(Box::pin(read_back::perform(&run.ctx, part)).await))
            })
            .await
        }
    }
}

async fn do_steps(
    run: &Run,
    steps: Vec<(usize, Step)>,
    incomplete: &BTreeSet<TableId>,
) -> Result<StepsDone, Failure> {
    let all: Vec<&Step> = steps.iter().map(|(_, step)| step).collect();
    let (done, failure) = steps::forward_all(run, &all, incomplete).await;
    let mut places = steps.iter().map(|(at, _)| *at);
    let done: Vec<usize> = places.by_ref().take(done).collect();
    let failed = match failure {
        None => None,
        Some(failure) if failure.spares_others() => places.next().map(|at| (at, Box::new(failure))),
        Some(failure) => return Err(failure),
    };
    Ok(StepsDone {
        done,
        failed,
        left: places.collect(),
    })
}

async fn unless(
    cancel: &CancellationToken,
    task: impl Future<Output = Result<Done, Failure>>,
) -> Result<Done, Failure> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Failure::interrupted()),
        done = task => done,
    }
}

async fn split_all(tables: Vec<(usize, Arc<CopyTable>)>, sizing: Sizing) -> Result<Done, Failure> {
    let mut splits = Vec::with_capacity(tables.len());
    for (at, table) in tables {
        let chunks = split::split(&table, &sizing).await;
        splits.push((at, chunks.map_err(|error| reading("split", &table, error))?));
    }
    Ok(Done::Split(splits))
}

async fn count(at: usize, table: Arc<CopyTable>) -> Result<Done, Failure> {
    let counted = table.aggregate().await;
    Ok(Done::Count(
        at,
        counted.map_err(|error| reading("count", &table, error))?,
    ))
}

/// Gathers statistics ahead; what does not come to be here is made up for when the target settles.
async fn chart(run: Arc<Run>, table: TableId) -> Result<Done, Failure> {
    if let Err(error) = run.ctx.target.gather_statistics(&table).await {
        let chain = error.chain();
        run.ctx
            .notice(format!("the statistics of `{table}` are gathered later: {chain}"));
    }
    Ok(Done::Chart(table))
}

/// A failure while nothing of the table was written.
fn reading(what: &str, table: &CopyTable, error: Error) -> Failure {
    Failure {
        error: error.during(format!("{what} table `{}`", table.plan.source.id)),
        tables: vec![table.plan.target.id.clone()],
        work: Work::Other,
    }
}
