//! The way back: to a checkpoint or to the start, asked for or set off by a failure. Undoes only what is recorded as ours, and refuses when
//! a table holds rows that did not come from here. May be repeated after a crash.

mod foreign;

use std::collections::BTreeSet;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{
    Error, ErrorClass, ObjectKind, Result, RollbackReport, RunKey, StepPhase, TableId, fault,
};

pub(crate) use self::foreign::refuse as refuse_foreign_rows;
use crate::arrived::note_arrived;
use crate::context::RunContext;
use crate::failure::{Failure, Trigger};
use crate::journal::Journal;
use crate::retry::retry;
use crate::running::Run;
use crate::steps;
use crate::store::{AS_BUILT, MigrationStatus, SNAPSHOT, VERIFICATION, WIDENED, check_plan};
use crate::widened::as_widened;

/// Tables that are emptied between two looks at the checkpoint.
const EMPTIED_TOGETHER: usize = 1_000;

/// Where a rollback goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollbackTo {
    /// As it was before the first run.
    Start,
    /// Everything made, nothing copied: `checkpoint_2`.
    Schema,
    /// One table emptied, by its name with or without namespace.
    Table(String),
}

/// Brings the target back. `force` lets it destroy rows that somebody else wrote; ask for the target's name before.
///
/// # Errors
/// `Conflict` with code `foreign_rows` when a table no longer equals its ledger and `force` is not given; with code `no_way_back` when the
/// target's ledger is gone. After any error it may be called again.
pub async fn rollback(ctx: &RunContext, to: &RollbackTo, force: bool) -> Result<RollbackReport> {
    let _lock = ctx.dir.lock()?;
    check_plan(&ctx.plan)?;
    let goal = Goal::new(ctx, to)?;
    let ledger = ctx.target.ledger();
    let migration = &ctx.plan.migration_id;
    if retry(ctx, "read the ledger", || ledger.epoch(migration))
        .await?
        .is_none()
    {
        return nothing_ours(ctx, &goal).await;
    }
    // A process left over from before can write nothing from here on.
    let epoch = retry(ctx, "open the ledger", || ledger.open(migration, &ctx.plan.hash)).await?;
    let key = RunKey {
        migration: migration.clone(),
        epoch,
    };
    let run = Run::new(&as_widened(ctx)?, key, Journal::open(ctx, epoch)?);
    identified(&run, "requested", &goal, None)?;
    if !force {
        refuse_foreign_rows(&run, &goal.tables(&run).await?, ctx.stop.clone()).await?;
    }
    take_back(&run, "requested", &goal).await
}

/// A goal with its table looked up.
enum Goal {
    Start,
    Schema,
    Tables(Vec<TableId>),
}

impl Goal {
    fn new(ctx: &RunContext, to: &RollbackTo) -> Result<Self> {
        match to {
            RollbackTo::Start => Ok(Self::Start),
            RollbackTo::Schema => Ok(Self::Schema),
            RollbackTo::Table(name) => Ok(Self::Tables(vec![find_table(ctx, name)?])),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Start => "start".to_owned(),
            Self::Schema => "schema".to_owned(),
            Self::Tables(tables) => {
                let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
                format!("table:{}", names.join(","))
            }
        }
    }

    fn checkpoint(&self) -> &'static str {
        match self {
            Self::Start => "checkpoint_1",
            Self::Schema | Self::Tables(_) => "checkpoint_2",
        }
    }

    /// The tables to empty: those that our own steps made, last in dependency order first.
    async fn tables(&self, run: &Run) -> Result<Vec<TableId>> {
        let recorded = run.steps_done().await?;
        let ours = made_by(run, &recorded);
        let wanted = |id: &TableId| match self {
            Self::Start | Self::Schema => true,
            Self::Tables(tables) => tables.contains(id),
        };
        let tables = run.ctx.target_tables().into_iter().rev();
        Ok(tables.filter(|id| wanted(id) && ours.contains(id)).collect())
    }
}

/// The tables that our own recorded steps made. One that was moved aside, or is back in its place, is not among them.
fn made_by<'a>(run: &'a Run, recorded: &BTreeSet<String>) -> BTreeSet<&'a TableId> {
    let makes = run.plan().steps.iter().filter(|step| {
        let subject = &step.subject;
        subject.kind == ObjectKind::Table
            && subject.part.is_empty()
            && !step.destructive
            && step.phase == StepPhase::Schema
            && recorded.contains(&step.id)
    });
    makes.map(|step| &step.subject.owner).collect()
}

fn find_table(ctx: &RunContext, name: &str) -> Result<TableId> {
    let tables = &ctx.plan.tables;
    let whole = tables.iter().find(|table| table.target.id.to_string() == name);
    let bare: Vec<_> = tables
        .iter()
        .filter(|table| table.target.id.name == name)
        .collect();
    match (whole, bare.as_slice()) {
        (Some(table), _) => Ok(table.target.id.clone()),
        (None, [table]) => Ok(table.target.id.clone()),
        (None, []) => {
            let known: Vec<String> = tables
                .iter()
                .map(|table| format!("`{}`", table.target.id))
                .collect();
            Err(Error::invalid(format!("table `{name}` is not in the plan"))
                .with_hint(format!("the plan's tables are {}", known.join(", "))))
        }
        (None, _) => Err(
            Error::invalid(format!("`{name}` names several tables")).with_hint(format!(
                "name it with its namespace, such as `{}`",
                bare[0].target.id
            )),
        ),
    }
}

/// Rolls back without a ledger: fine when nothing is left to undo.
async fn nothing_ours(ctx: &RunContext, goal: &Goal) -> Result<RollbackReport> {
    let journal = Journal::open(ctx, whimbrel_core::Epoch(0))?;
    let left = journal.undo.steps()?;
    let target = ctx.target.as_source();
    if !left.is_empty() || journal.now_at().phases_done.iter().any(|done| done == "cleanup") {
        let catalog = retry(ctx, "read the target's catalog", || target.catalog()).await?;
        if catalog.fingerprint() != ctx.plan.target.catalog {
            return Err(Error::new(
                ErrorClass::Conflict,
                "the target has no ledger of this migration: nobody knows what is ours",
            )
            .with_code("no_way_back")
            .with_hint("`cleanup` destroys the way back; restore the target from a backup"));
        }
    }
    // A crash while the ledger was made leaves some of it, which knows nothing of us yet.
    forget(ctx).await?;
    // The target is as it was, and a crash came before that was written down.
    journal.undo.undone(&left.iter().collect::<Vec<_>>())?;
    if ctx.dir.checkpoint()?.is_some() {
        forget_files(ctx)?;
        journal.forget_steps();
        journal.named_checkpoint(goal.checkpoint(), |checkpoint| {
            checkpoint.status = MigrationStatus::RolledBack;
            checkpoint.phases_done.clear();
            (checkpoint.rows, checkpoint.chunks) = (0, (0, 0));
        })?;
    }
    Ok(RollbackReport {
        trigger: "requested".to_owned(),
        to: goal.name(),
        emptied: Vec::new(),
        undone: Vec::new(),
    })
}

fn identified(run: &Run, trigger: &str, goal: &Goal, error: Option<&Error>) -> Result<()> {
    let error = error.map(Error::chain);
    run.journal.event(
        "ROLLBACK_IDENTIFIED",
        json!({ "trigger": trigger, "error": error }),
    )?;
    run.journal.event(
        "ROLLBACK_LOADED",
        json!({ "to": goal.name(), "checkpoint": goal.checkpoint() }),
    )
}

/// Goes to the goal and says so.
async fn take_back(run: &Run, trigger: &str, goal: &Goal) -> Result<RollbackReport> {
    let tables = goal.tables(run).await?;
    let mut undone = Vec::new();
    if !matches!(goal, Goal::Tables(_)) {
        run.ctx.dir.remove(AS_BUILT)?;
        undone.extend(steps::undo(run, |step| step.phase == StepPhase::AfterData).await?);
    }
    undone.extend(empty_tables(run, &tables).await?);
    if matches!(goal, Goal::Start) {
        undone.extend(steps::undo(run, |step| step.phase == StepPhase::Schema).await?);
        forget(&run.ctx).await?;
    }
    let report = RollbackReport {
        trigger: trigger.to_owned(),
        to: goal.name(),
        emptied: tables,
        undone,
    };
    run.journal.event("ROLLBACK_RESTORED", json!(report))?;
    if !matches!(goal, Goal::Start) {
        note_arrived(run, &run.chunks().await?)?;
    }
    record(run, goal)?;
    run.ctx.notice(format!("rolled back to {}", report.to));
    run.journal.event(
        "ROLLBACK_NOTIFIED",
        json!({ "trigger": trigger, "to": report.to }),
    )?;
    run.journal.checkpoint_now(|_| {})?;
    Ok(report)
}

async fn forget(ctx: &RunContext) -> Result<()> {
    let ledger = ctx.target.ledger();
    retry(ctx, "forget the ledger", || async {
        fault::point("ledger.forget.before")?;
        ledger.forget(&ctx.plan.migration_id).await?;
        fault::point("ledger.forget.after")
    })
    .await
}

fn record(run: &Run, goal: &Goal) -> Result<()> {
    let start = matches!(goal, Goal::Start);
    forget_files(&run.ctx)?;
    run.journal.named_checkpoint(goal.checkpoint(), |checkpoint| {
        checkpoint.status = MigrationStatus::RolledBack;
        checkpoint.current_phase = if start { 1 } else { 2 };
        checkpoint.phases_done.retain(|done| !start && done == "schema");
        if start {
            (checkpoint.rows, checkpoint.chunks) = (0, (0, 0));
        }
    })
}

/// Removes the files that speak of a target that is no more.
fn forget_files(ctx: &RunContext) -> Result<()> {
    [AS_BUILT, SNAPSHOT, VERIFICATION, WIDENED]
        .iter()
        .try_for_each(|name| ctx.dir.remove(name))
}

/// Empties tables together with their ledger rows, after taking back what hangs on them; returns the steps that were taken back.
pub(crate) async fn empty_tables(run: &Run, tables: &[TableId]) -> Result<Vec<String>> {
    if tables.is_empty() {
        return Ok(Vec::new());
    }
    run.ctx.dir.remove(AS_BUILT)?;
    let undone = steps::undo(run, |step| steps::hangs_on(step, tables)).await?;
    for some in tables.chunks(EMPTIED_TOGETHER) {
        retry(&run.ctx, "empty tables", || async {
            fault::point("table.empty.before")?;
            run.ctx.target.empty(&run.key, some).await?;
            fault::point("table.empty.after")
        })
        .await?;
        some.iter()
            .try_for_each(|table| run.ctx.dir.remove_rejects(table))?;
        note_emptied(run, some)?;
    }
    Ok(undone)
}

fn note_emptied(run: &Run, tables: &[TableId]) -> Result<()> {
    let names: BTreeSet<String> = tables.iter().map(ToString::to_string).collect();
    run.journal.checkpoint_of_tables(|checkpoint| {
        checkpoint.tables_completed.retain(|done| !names.contains(done));
        let pending = &mut checkpoint.tables_pending;
        let known: BTreeSet<&String> = pending.iter().collect();
        let new: Vec<String> = names
            .iter()
            .filter(|name| !known.contains(name))
            .cloned()
            .collect();
        pending.extend(new);
    })
}

/// Does what the plan, or else the design, wants after a failure; none when there is nothing to take back.
pub(crate) async fn automatic(
    run: &Run,
    trigger: Trigger,
    failure: &Failure,
) -> Result<Option<RollbackReport>> {
    let wanted = run
        .plan()
        .policies
        .rollback
        .get(trigger.as_str())
        .map(String::as_str);
    let goal = match wanted {
        Some("start") => Some(Goal::Start),
        Some("schema") => Some(Goal::Schema),
        Some("chunk") => None,
        Some(_) | None if trigger.empties_tables() => Some(Goal::Tables(failure.tables.clone())),
        Some(_) | None => None,
    };
    let Some(goal) = goal else {
        return to_last_chunk(run, trigger, &failure.error).map(Some);
    };
    identified(run, trigger.as_str(), &goal, Some(&failure.error))?;
    // The user's stop ended the run; it must not end the way back.
    refuse_foreign_rows(run, &goal.tables(run).await?, CancellationToken::new()).await?;
    take_back(run, trigger.as_str(), &goal).await.map(Some)
}

/// The chunks in flight were taken back when their writers were dropped.
fn to_last_chunk(run: &Run, trigger: Trigger, error: &Error) -> Result<RollbackReport> {
    let trigger = trigger.as_str();
    run.journal.event(
        "ROLLBACK_IDENTIFIED",
        json!({ "trigger": trigger, "error": error.chain() }),
    )?;
    run.journal.event("ROLLBACK_LOADED", json!({ "to": "chunk" }))?;
    run.journal
        .event("ROLLBACK_RESTORED", json!({ "trigger": trigger, "to": "chunk" }))?;
    run.journal
        .event("ROLLBACK_NOTIFIED", json!({ "trigger": trigger, "to": "chunk" }))?;
    run.journal.checkpoint_now(|_| {})?;
    Ok(RollbackReport {
        trigger: trigger.to_owned(),
        to: "chunk".to_owned(),
        emptied: Vec::new(),
        undone: Vec::new(),
    })
}
