//! The agenda of the data phase: everything that is left, and which of it is next. One place is as good as another; what is next follows
//! from what waits for it, then from its size. What a job does is `jobs.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use whimbrel_core::{Chunk, ChunkResult, ErrorClass, TableAggregate, TableId};

use super::after::After;
use super::jobs::{Done, StepsDone, Task};
use super::split::{Pace, Sizing};
use super::table::CopyTable;
use super::tally::Tally;
use crate::budget::Budget;
use crate::failure::Failure;
use crate::planned::Planned;
use crate::pool::{Job, Line, Room, Work};
use crate::running::Run;
use crate::store::SnapshotRecord;
use crate::verify::read_back::Readings;

/// So many steps may fail before no other one is begun: what ails them ails the rest, too.
const FAILED_STEPS_MAX: usize = 8;

/// Small tables that one job splits.
const SPLIT_TOGETHER: usize = 64;

/// The steps of a table of so many bytes take no time beside what comes with every step.
const SMALL_BYTES: u64 = 256 << 10;

/// A table that is not whole.
pub(super) struct Way {
    pub(super) table: Arc<CopyTable>,
    pub(super) tally: Tally,
    /// Chunks that have not arrived; none until the table is split.
    pub(super) left: Option<usize>,
    /// What the source counts.
    pub(super) counted: Option<TableAggregate>,
    /// True when it was asked.
    pub(super) asked: bool,
    /// True when an earlier run has written down that the table is whole.
    pub(super) noted: bool,
}

/// Everything that is left of the data phase.
pub(super) struct Agenda {
    run: Arc<Run>,
    budget: Budget,
    ways: BTreeMap<usize, Way>,
    /// Tables without a split, the biggest first.
    unsplit: VecDeque<usize>,
    /// Chunks to copy, those of the biggest tables first.
    chunks: Line<(usize, Chunk)>,
    /// Tables to count: those that have arrived, and all.
    arrived: VecDeque<usize>,
    uncounted: VecDeque<usize>,
    /// Writers that may still be opened.
    pens: usize,
    pace: Pace,
    after: After,
    /// How many steps of small tables go together, and which tables are small.
    together: usize,
    small: BTreeSet<TableId>,
    incomplete: Arc<BTreeSet<TableId>>,
    /// Large tables to read back as soon as they are built.
    unread: Vec<usize>,
    readings: Readings,
    /// Large tables whose statistics are gathered as soon as they are whole, and those whose are being gathered.
    uncharted: Vec<usize>,
    charting: BTreeSet<TableId>,
    record: SnapshotRecord,
    /// How steps failed while the rest went on; the first one is how it all ends.
    failed: Vec<Failure>,
}

impl Agenda {
    /// An agenda of steps alone.
    pub(super) fn new(
        run: &Arc<Run>,
        record: SnapshotRecord,
        after: After,
        together: usize,
        incomplete: BTreeSet<TableId>,
    ) -> Self {
        let limits = &run.ctx.limits;
        let tables = run.plan().tables.iter();
        let small = tables.filter(|table| table.bytes <= SMALL_BYTES);
        Self {
            run: run.clone(),
            budget: run.ctx.budget(),
            ways: BTreeMap::new(),
            unsplit: VecDeque::new(),
            chunks: Line::default(),
            arrived: VecDeque::new(),
            uncounted: VecDeque::new(),
            pens: limits.writers.min(limits.jobs).max(1),
            pace: Pace::default(),
            after,
            together,
            small: small.map(|table| table.target.id.clone()).collect(),
            incomplete: Arc::new(incomplete),
            unread: Vec::new(),
            readings: Readings::default(),
            uncharted: Vec::new(),
            charting: BTreeSet::new(),
            record,
            failed: Vec::new(),
        }
    }

    /// Ends with the first failure that the rest did not wait for.
    pub(super) fn end(self) -> Result<(), Failure> {
        self.failed.into_iter().next().map_or(Ok(()), Err)
    }

    /// A step failed. What has arrived stays, and what does not need the step goes on, so that a resumed run has only this left to do.
    fn spare_others(&mut self, at: usize, failure: Failure) {
        let (error, ctx) = (&failure.error, &self.run.ctx);
        ctx.notice(format!("{}; what does not need it goes on", error.chain()));
        self.after.failed(at);
        if error.class() == ErrorClass::Transient || self.failed.len() + 1 >= FAILED_STEPS_MAX {
            self.after.close();
        }
        self.failed.push(failure);
    }

    /// Adds a table with its unfinished chunks. The biggest come first.
    pub(super) fn add(&mut self, at: usize, way: Way, unfinished: Vec<Chunk>) {
        match way.left {
            None => self.unsplit.push_back(at),
            Some(_) => self.line_up(at, unfinished),
        }
        if way.counted.is_none() {
            self.uncounted.push_back(at);
        }
        self.ways.insert(at, way);
    }

    /// Takes note of what has arrived before, once all tables are added.
    pub(super) fn begin(&mut self) -> Result<(), Failure> {
        let arrived = self.ways.iter().filter(|(_, way)| way.left == Some(0));
        let arrived: Vec<usize> = arrived.map(|(at, _)| *at).collect();
        for at in arrived {
            self.arrived(at)?;
        }
        match self.ways.is_empty() {
            true => self.complete(),
            false => Ok(()),
        }
    }

    fn line_up(&mut self, at: usize, chunks: Vec<Chunk>) {
        let bytes = self.budget.need(&self.run.plan().tables[at]);
        self.chunks.extend(chunks.into_iter().map(|chunk| Job {
            bytes,
            job: (at, chunk),
        }));
    }

    /// A step, for others wait for it, or several of small tables. Where there is one writer, a step is a writer.
    fn steps(&mut self) -> Option<Job<Task>> {
        let takes_pen = self.run.ctx.limits.writers == 1;
        if takes_pen && self.pens == 0 {
            return None;
        }
        let (readings, charting) = (&self.readings, &self.charting);
        let is_read = |table: &TableId| readings.is_reading(table) || charting.contains(table);
        let first = self.after.next(self.ways.is_empty(), is_read)?;
        let mut steps = vec![first];
        let (at, first) = &steps[0];
        let is_small = |table: &TableId| self.small.contains(table);
        if !first.destructive && first.tables.iter().all(is_small) {
            // Every place has its part of them; what waits for one another has one place.
            let places = self.run.ctx.limits.jobs.max(1);
            let more = match self.after.ready() {
                0 => self.together - 1,
                ready => (ready / places).min(self.together - 1),
            };
            let more = self.after.more(*at, more, is_read, is_small);
            steps.extend(more);
        }
        self.pens -= usize::from(takes_pen);
        let task = Task::Steps(self.run.clone(), steps, self.incomplete.clone());
        Some(Job::light(task))
    }

    fn steps_done(&mut self, steps: StepsDone) {
        self.pens += usize::from(self.run.ctx.limits.writers == 1);
        steps.done.into_iter().for_each(|at| self.after.done(at));
        steps
            .left
            .into_iter()
            .rev()
            .for_each(|at| self.after.put_back(at));
        if let Some((at, failure)) = steps.failed {
            self.spare_others(at, *failure);
        }
    }

    /// The count of a table that has arrived.
    fn count_arrived(&mut self) -> Option<Job<Task>> {
        std::iter::from_fn(|| self.arrived.pop_front()).find_map(|at| count(&mut self.ways, at))
    }

    /// The count of any table, where nothing else can be done.
    fn count_ahead(&mut self) -> Option<Job<Task>> {
        std::iter::from_fn(|| self.uncounted.pop_front()).find_map(|at| count(&mut self.ways, at))
    }

    fn chunk(&mut self, room: Room) -> Option<Job<Task>> {
        if self.pens == 0 {
            return None;
        }
        let Job {
            bytes,
            job: (at, chunk),
        } = self.chunks.next(room)?;
        self.pens -= 1;
        let table = self.ways.get(&at)?.table.clone();
        Some(Job {
            bytes,
            job: Task::Copy(at, table, chunk),
        })
    }

    /// The split of the next table, or of several small ones, when the chunks run out or are all too heavy just now.
    fn split(&mut self) -> Option<Job<Task>> {
        let places = self.run.ctx.limits.jobs;
        if self.chunks.len() >= places && self.pens == 0 {
            return None;
        }
        let sizing = self.sizing();
        let is_small = |at: &usize| self.run.plan().tables[*at].bytes <= sizing.least();
        let first = self.unsplit.pop_front()?;
        let mut group = vec![first];
        if is_small(&first) {
            let more = self.unsplit.len().min(SPLIT_TOGETHER - 1);
            group.extend(self.unsplit.drain(..more));
        }
        let tables = group
            .into_iter()
            .filter_map(|at| Some((at, self.ways.get(&at)?.table.clone())));
        Some(Job::light(Task::Split(tables.collect(), sizing)))
    }

    fn sizing(&self) -> Sizing {
        let limits = &self.run.ctx.limits;
        Sizing {
            wanted: self.run.plan().policies.chunk_bytes.max(1),
            writers: limits.writers.min(limits.jobs).max(1) as u64,
            pace: self.pace,
        }
    }

    /// A part of a table that is read back, where the target lets it be read while others are written.
    fn read_back(&mut self, room: Room) -> Option<Job<Task>> {
        if self.chunks.is_held() {
            return None;
        }
        let after = &self.after;
        let tables = &self.run.plan().tables;
        let is_built = |at: &usize| after.is_built(&tables[*at].target.id);
        if let Some(place) = self.unread.iter().position(is_built) {
            let plan = Planned::at(&self.run.ctx.plan, self.unread.remove(place));
            self.readings.begin(&self.run.ctx, plan);
        }
        let Job { bytes, job } = self.readings.next(room)?;
        Some(Job {
            bytes,
            job: Task::ReadBack(self.run.clone(), job),
        })
    }

    /// The statistics of a table, where the target can be looked at while others are written. Those that take longest come first, so that
    /// none of them is the only one left in the end: of a large table a sample is looked at, column by column.
    fn chart(&mut self) -> Option<Job<Task>> {
        const SAMPLED_ROWS: u64 = 30_000;
        let (after, tables) = (&self.after, &self.run.plan().tables);
        let values = |at: usize| tables[at].rows.min(SAMPLED_ROWS) * tables[at].target.columns.len() as u64;
        let whole = self.uncharted.iter().enumerate();
        let whole = whole.filter(|(_, at)| after.is_whole(&tables[**at].target.id));
        let (place, _) = whole.max_by_key(|(_, at)| values(**at))?;
        let table = tables[self.uncharted.remove(place)].target.id.clone();
        self.charting.insert(table.clone());
        Some(Job::light(Task::Chart(self.run.clone(), table)))
    }

    fn copied(&mut self, at: usize, result: &ChunkResult, took: Duration) -> Result<(), Failure> {
        self.pens += 1;
        let Some(way) = self.ways.get_mut(&at) else {
            return Ok(());
        };
        let plan = &self.run.plan().tables[at];
        self.pace.add(plan, result.rows, took);
        way.tally.add(result);
        if result.rejected > 0 {
            Arc::make_mut(&mut self.incomplete).insert(plan.target.id.clone());
        }
        let left = way.left.map_or(0, |left| left - 1);
        way.left = Some(left);
        if left == 0 {
            self.arrived(at)?;
        }
        Ok(())
    }

    /// All rows of the table are in: what waits for them may begin.
    fn arrived(&mut self, at: usize) -> Result<(), Failure> {
        let plan = &self.run.plan().tables[at];
        self.after.arrived(&plan.target.id);
        let ctx = &self.run.ctx;
        if ctx.target.reads_while_writing() && Readings::wants(plan) {
            self.uncharted.push(at);
            if ctx.plan.policies.verify {
                self.unread.push(at);
            }
        }
        self.arrived.push_back(at);
        self.finish(at)
    }

    /// Makes the table whole when its rows have arrived and are counted.
    fn finish(&mut self, at: usize) -> Result<(), Failure> {
        let Some(way) = self.ways.get(&at) else {
            return Ok(());
        };
        let (Some(0), Some(counted)) = (way.left, &way.counted) else {
            return Ok(());
        };
        way.tally.check(&way.table, counted)?;
        let name = way.table.plan.target.id.to_string();
        self.record.tables.insert(name, counted.clone());
        if !way.noted {
            way.tally.note_whole(&way.table)?;
        }
        way.tally.show_whole(&way.table);
        self.ways.remove(&at);
        match self.ways.is_empty() {
            true => self.complete(),
            false => Ok(()),
        }
    }

    /// Writes down that every row of every table has arrived from the snapshot, which was let go with the last one.
    fn complete(&mut self) -> Result<(), Failure> {
        if !self.record.complete {
            self.record.complete = true;
            self.record.save(&self.run.ctx.dir)?;
        }
        Ok(())
    }
}

/// The count of a table, unless the source was asked already.
fn count(ways: &mut BTreeMap<usize, Way>, at: usize) -> Option<Job<Task>> {
    let way = ways.get_mut(&at).filter(|way| !way.asked)?;
    way.asked = true;
    Some(Job::light(Task::Count(at, way.table.clone())))
}

impl Work for Agenda {
    type Job = Task;
    type Done = Done;

    fn next(&mut self, room: Room) -> Option<Job<Task>> {
        self.steps()
            .or_else(|| self.count_arrived())
            .or_else(|| self.chunk(room))
            .or_else(|| self.split())
            .or_else(|| self.count_ahead())
            .or_else(|| self.chart())
            .or_else(|| self.read_back(room))
    }

    fn done(&mut self, done: Done) -> Result<(), Failure> {
        match done {
            Done::Split(splits) => {
                for (at, chunks) in splits {
                    if let Some(way) = self.ways.get_mut(&at) {
                        way.left = Some(chunks.len());
                    }
                    self.line_up(at, chunks);
                }
                Ok(())
            }
            Done::Copy(at, result, took) => self.copied(at, &result, took),
            Done::Count(at, counted) => {
                if let Some(way) = self.ways.get_mut(&at) {
                    way.counted = Some(counted);
                }
                self.finish(at)
            }
            Done::Steps(steps) => {
                self.steps_done(steps);
                Ok(())
            }
            Done::Chart(table) => {
                self.charting.remove(&table);
                Ok(())
            }
            Done::ReadBack(part) => {
                if let Some((table, known)) = self.readings.done(&self.run.ctx, part) {
                    self.run.read_back.keep(table, known);
                }
                Ok(())
            }
        }
    }

    fn is_left(&self) -> bool {
        if !self.failed.is_empty() {
            // What waits for a step that failed is left for good.
            return !self.ways.is_empty();
        }
        !self.ways.is_empty() || self.after.is_left() || !self.unread.is_empty() || self.readings.is_left()
    }
}
