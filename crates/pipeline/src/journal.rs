//! What a run writes down as it goes: checkpoint, events and undos, kept in step with each other.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use whimbrel_core::{Clock, Epoch, Plan, Result};

use crate::context::{RunContext, seconds_text};
use crate::store::{Checkpoint, EventLog, MigrationDir, MigrationStatus, UndoLog, save_checkpoint};

/// The open files of a run.
pub(crate) struct Journal {
    dir: MigrationDir,
    events: EventLog,
    pub(crate) undo: UndoLog,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// The checkpoint, and how dear it is to write.
struct State {
    checkpoint: Checkpoint,
    /// The steps that it names: tens of thousands are looked up one by one.
    steps: HashSet<String>,
    /// Tables that are whole and still among its pending ones: those of ten thousand are taken out together.
    whole: HashSet<String>,
    written: Instant,
    cost: Duration,
}

/// A checkpoint that may wait is written when this many times its cost has passed since the last one, so that it takes a twentieth of the run
/// however many tables it names.
const PAUSE_PER_COST: u32 = 20;

impl State {
    /// Takes the tables that are whole out of the pending ones.
    fn settle(&mut self) {
        if !self.whole.is_empty() {
            let whole = std::mem::take(&mut self.whole);
            self.checkpoint
                .tables_pending
                .retain(|name| !whole.contains(name));
        }
    }

    fn may_wait(&self) -> bool {
        self.written.elapsed() < self.cost * PAUSE_PER_COST
    }
}

impl Journal {
    pub(crate) fn open(ctx: &RunContext, epoch: Epoch) -> Result<Self> {
        let mut checkpoint = match ctx.dir.checkpoint() {
            Ok(Some(known)) if known.plan_hash == ctx.plan.hash => known,
            Ok(_) => fresh(&ctx.plan, &seconds_text(ctx.clock.as_ref())),
            // The ledger knows what has arrived; this file only says where to look.
            Err(error) => {
                ctx.notice(format!("{}; going on by the ledger alone", error.chain()));
                fresh(&ctx.plan, &seconds_text(ctx.clock.as_ref()))
            }
        };
        checkpoint.epoch = epoch.0;
        let steps = checkpoint.steps_done.iter().cloned().collect();
        Ok(Self {
            dir: ctx.dir.clone(),
            events: ctx.dir.events()?.with_clock(ctx.clock.clone()),
            undo: UndoLog::open(&ctx.dir)?,
            clock: ctx.clock.clone(),
            state: Mutex::new(State {
                checkpoint,
                steps,
                whole: HashSet::new(),
                written: Instant::now(),
                cost: Duration::ZERO,
            }),
        })
    }

    /// Appends an event.
    pub(crate) fn event(&self, kind: &str, payload: impl Serialize) -> Result<()> {
        self.events.append(kind, payload)
    }

    /// Appends an event that is on disk before the next checkpoint that knows of it.
    pub(crate) fn event_in_passing(&self, kind: &str, payload: impl Serialize) -> Result<()> {
        self.events.append_unsynced(kind, payload)
    }

    /// Notes that a step is done.
    pub(crate) fn step_done(&self, id: &str) -> Result<()> {
        self.change_state(State::may_wait, |state| {
            if state.steps.insert(id.to_owned()) {
                state.checkpoint.steps_done.push(id.to_owned());
            }
        })
    }

    /// Notes that a step was taken back; the last ones are first.
    pub(crate) fn step_undone(&self, id: &str) -> Result<()> {
        self.change_state(State::may_wait, |state| {
            if state.steps.remove(id)
                && let Some(at) = state.checkpoint.steps_done.iter().rposition(|done| done == id)
            {
                state.checkpoint.steps_done.remove(at);
            }
        })
    }

    /// Notes that no step is done any more, as a change of the next checkpoint.
    pub(crate) fn forget_steps(&self) {
        let mut state = self.state();
        state.steps.clear();
        state.checkpoint.steps_done.clear();
    }

    /// Notes that a table is whole.
    pub(crate) fn table_whole(&self, name: &str) -> Result<()> {
        self.change_state(State::may_wait, |state| {
            state.whole.insert(name.to_owned());
            state.checkpoint.tables_completed.push(name.to_owned());
        })
    }

    /// Changes the checkpoint, but not which tables are whole, and writes it, unless it was written just now: then the change is in the
    /// next one.
    pub(crate) fn checkpoint(&self, change: impl FnOnce(&mut Checkpoint)) -> Result<()> {
        self.change_state(State::may_wait, |state| change(&mut state.checkpoint))
    }

    /// As [`Journal::checkpoint`], for changes of which tables are whole.
    pub(crate) fn checkpoint_of_tables(&self, change: impl FnOnce(&mut Checkpoint)) -> Result<()> {
        self.change_state(State::may_wait, |state| {
            state.settle();
            change(&mut state.checkpoint);
        })
    }

    /// Changes the checkpoint and writes it.
    pub(crate) fn checkpoint_now(&self, change: impl FnOnce(&mut Checkpoint)) -> Result<()> {
        self.change_state(
            |_| false,
            |state| {
                state.settle();
                change(&mut state.checkpoint);
            },
        )
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_state(
        &self,
        may_wait: impl FnOnce(&State) -> bool,
        change: impl FnOnce(&mut State),
    ) -> Result<()> {
        let mut state = self.state();
        change(&mut state);
        if may_wait(&state) {
            return Ok(());
        }
        let started = Instant::now();
        state.settle();
        state.checkpoint.last_checkpoint = seconds_text(self.clock.as_ref());
        // The checkpoint names the log's last line.
        self.events.sync()?;
        (state.checkpoint.events, state.checkpoint.events_head) = self.events.head();
        save_checkpoint(&self.dir, &mut state.checkpoint)?;
        state.cost = started.elapsed();
        state.written = Instant::now();
        Ok(())
    }

    /// Writes the checkpoint under a name that a rollback can go to, and says so in the log.
    pub(crate) fn named_checkpoint(&self, name: &str, change: impl FnOnce(&mut Checkpoint)) -> Result<()> {
        self.event("CHECKPOINT", json!({ "checkpoint": name }))?;
        self.checkpoint_now(|checkpoint| {
            change(checkpoint);
            name.clone_into(&mut checkpoint.rollback_point);
        })
    }

    /// Returns the checkpoint as it stands.
    pub(crate) fn now_at(&self) -> Checkpoint {
        let mut state = self.state();
        state.settle();
        state.checkpoint.clone()
    }
}

fn fresh(plan: &Plan, now: &str) -> Checkpoint {
    Checkpoint {
        migration_id: plan.migration_id.clone(),
        current_phase: 1,
        tables_completed: Vec::new(),
        tables_pending: plan
            .tables
            .iter()
            .map(|table| table.target.id.to_string())
            .collect(),
        rollback_point: "checkpoint_1".to_owned(),
        started_at: now.to_owned(),
        last_checkpoint: now.to_owned(),
        status: MigrationStatus::InProgress,
        plan_hash: plan.hash.clone(),
        epoch: 0,
        phases_done: Vec::new(),
        steps_done: Vec::new(),
        chunks: (0, 0),
        rows: 0,
        events: 0,
        events_head: String::new(),
        checksum: String::new(),
    }
}
