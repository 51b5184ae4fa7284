//! Reading tables back while others are still written: a large table is verified as soon as its rows, indexes and keys are in. Nobody
//! writes such a table any more, so that its readers need not share a state. Whatever goes wrong here only leaves the table to the verify phase.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use whimbrel_core::{KeyRange, Result, Snapshot, Table, TableAggregate, TableId, TablePlan};

use super::read::{Reading, read_range};
use crate::columns::{Side, target_columns};
use crate::context::RunContext;
use crate::found::{Found, Known};
use crate::planned::Planned;
use crate::pool::{Job, Line, Room};
use crate::retry::retry;

/// Smaller tables are read together in the verify phase: a state for each would cost more than its rows.
const BYTES_MIN: u64 = 4 << 20;

/// A table that is being read.
pub(crate) struct Open {
    reading: Reading,
    shown: std::sync::atomic::AtomicU64,
    /// States that no reader uses now.
    idle: Mutex<Vec<Arc<dyn Snapshot>>>,
}

/// A part of the work.
pub(crate) enum Part {
    Split(Arc<Open>),
    Read(Arc<Open>, KeyRange),
    Aggregate(Arc<Open>),
}

/// What came of it.
pub(crate) struct Done {
    table: TableId,
    outcome: Result<Outcome>,
}

enum Outcome {
    Split(Arc<Open>, Vec<KeyRange>),
    Read(Found),
    Aggregate(TableAggregate),
}

/// What has been read of a table so far.
struct Progress {
    left: usize,
    found: Found,
    aggregate: Option<TableAggregate>,
}

/// The tables that are to be read back, and those that are.
#[derive(Default)]
pub(crate) struct Readings {
    line: Line<Part>,
    open: BTreeMap<TableId, Progress>,
}

impl Readings {
    /// Tells whether the table is worth being read before the verify phase.
    pub(crate) fn wants(plan: &TablePlan) -> bool {
        plan.bytes >= BYTES_MIN
    }

    /// Lets the table be read.
    pub(crate) fn begin(&mut self, ctx: &RunContext, plan: Planned) {
        let need = ctx.budget().need(&plan);
        let id = plan.target.id.clone();
        let table = Table {
            rows_estimate: Some(plan.rows),
            bytes: Some(plan.bytes),
            ..plan.target.clone()
        };
        let open = Open {
            reading: Reading {
                plan,
                table,
                side: Side::Target,
            },
            shown: 0.into(),
            idle: Mutex::default(),
        };
        let progress = Progress {
            left: 1,
            found: Found::default(),
            aggregate: None,
        };
        self.open.insert(id, progress);
        let split = Job {
            bytes: need,
            job: Part::Split(Arc::new(open)),
        };
        self.line.extend([split]);
    }

    pub(crate) fn next(&mut self, room: Room) -> Option<Job<Part>> {
        self.line.next(room)
    }

    /// Takes in a part; returns what is known when it was the table's last.
    pub(crate) fn done(&mut self, ctx: &RunContext, done: Done) -> Option<(TableId, Known)> {
        let progress = self.open.get_mut(&done.table)?;
        progress.left -= 1;
        match done.outcome {
            Ok(Outcome::Split(open, ranges)) => {
                progress.left += ranges.len() + 1;
                let bytes = ctx.budget().need(&open.reading.plan);
                let reads = ranges.into_iter().map(|range| Job {
                    bytes,
                    job: Part::Read(open.clone(), range),
                });
                self.line.extend(reads);
                self.line.extend([Job::light(Part::Aggregate(open))]);
            }
            Ok(Outcome::Read(found)) => progress.found.add(found),
            Ok(Outcome::Aggregate(aggregate)) => progress.aggregate = Some(aggregate),
            Err(error) => {
                ctx.notice(format!(
                    "table `{}` will be read back later: {}",
                    done.table,
                    error.chain()
                ));
                self.open.remove(&done.table);
                self.line.retain(|part| part.table() != &done.table);
                return None;
            }
        }
        if progress.left > 0 {
            return None;
        }
        let progress = self.open.remove(&done.table)?;
        let aggregate = progress.aggregate?;
        Some((
            done.table,
            Known {
                found: progress.found,
                aggregate,
            },
        ))
    }

    /// Tells whether the table is being read.
    pub(crate) fn is_reading(&self, table: &TableId) -> bool {
        self.open.contains_key(table)
    }

    pub(crate) fn is_left(&self) -> bool {
        !self.open.is_empty()
    }
}

impl Part {
    fn open(&self) -> &Open {
        match self {
            Self::Split(open) | Self::Read(open, _) | Self::Aggregate(open) => open,
        }
    }

    fn table(&self) -> &TableId {
        &self.open().reading.plan.target.id
    }
}

/// Does a part.
pub(crate) async fn perform(ctx: &RunContext, part: Part) -> Done {
    let table = part.table().clone();
    let outcome = retry(ctx, "read a table back", || attempt(ctx, &part)).await;
    Done { table, outcome }
}

async fn attempt(ctx: &RunContext, part: &Part) -> Result<Outcome> {
    let open = part.open();
    let snapshot = open.state(ctx).await?;
    let (plan, table) = (&open.reading.plan, &open.reading.table);
    let outcome = match part {
        Part::Split(open) => {
            let chunks = snapshot
                .split(table, ctx.plan.policies.chunk_bytes.max(1))
                .await?;
            Outcome::Split(
                open.clone(),
                chunks.into_iter().map(|chunk| chunk.range).collect(),
            )
        }
        Part::Read(_, range) => {
            Outcome::Read(read_range(ctx, snapshot.as_ref(), &open.reading, &open.shown, range).await?)
        }
        Part::Aggregate(_) => Outcome::Aggregate(snapshot.aggregate(table, &target_columns(plan)).await?),
    };
    open.idle
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(snapshot);
    Ok(outcome)
}

impl Open {
    /// Returns a state of the table for one reader.
    async fn state(&self, ctx: &RunContext) -> Result<Arc<dyn Snapshot>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(snapshot) => Ok(snapshot),
            None => {
                let tables = [self.reading.plan.target.id.clone()];
                ctx.target.snapshot_while_writing(&tables).await
            }
        }
    }
}
