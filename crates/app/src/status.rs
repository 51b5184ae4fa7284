//! Where a migration stands, from its files alone: no database is opened.

use serde::Serialize;
use whimbrel_core::{Plan, Result};
use whimbrel_pipeline::{Checkpoint, MigrationDir, MigrationStatus, PauseState, ProgressRecord};

use crate::migration;
use crate::next::{Next, in_folder};
use crate::pause;
use crate::setup::Setup;

/// Where a migration stands.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The migration.
    pub migration_id: String,
    /// Its folder.
    pub dir: String,
    /// Where the data comes from.
    pub source: String,
    /// Where the data goes.
    pub target: String,
    /// `planned` before the first run, then as the checkpoint says.
    pub status: String,
    /// Who approved the plan, and how; none when nobody did.
    pub approved_by: Option<String>,
    /// The phase's number and name.
    pub current_phase: u32,
    /// The phase in a word.
    pub phase: &'static str,
    /// Target tables that are whole.
    pub tables_completed: Vec<String>,
    /// Target tables that are not.
    pub tables_pending: Vec<String>,
    /// Rows that have arrived, and all of them as planned.
    pub rows: u64,
    /// Rows in the plan.
    pub rows_planned: u64,
    /// When the first run began.
    pub started_at: Option<String>,
    /// When the last checkpoint was written.
    pub last_checkpoint: Option<String>,
    /// Where a rollback could go.
    pub rollback_point: Option<String>,
    /// What the process says that runs it now; none when none does.
    pub running: Option<ProgressRecord>,
    /// What to do next.
    pub next_command: String,
}

/// Returns where the migration stands.
///
/// # Errors
/// When there is no such migration, or its files are damaged.
pub fn status(setup: &Setup, id: Option<&str>) -> Result<Status> {
    let dir = migration::find(setup, id)?;
    let plan = dir.load_plan()?;
    let checkpoint = dir.checkpoint()?;
    let next = next(&dir, &plan, checkpoint.as_ref())?;
    let approval = dir.load_approval()?.filter(|approval| approval.hash == plan.hash);
    let base = Status {
        migration_id: plan.migration_id.to_string(),
        dir: dir.path().display().to_string(),
        source: plan.source.url.clone(),
        target: plan.target.url.clone(),
        status: "planned".to_owned(),
        approved_by: approval.map(|approval| format!("{} ({})", approval.by, approval.how)),
        current_phase: 1,
        phase: phase(1),
        tables_completed: Vec::new(),
        tables_pending: plan
            .tables
            .iter()
            .map(|table| table.target.id.to_string())
            .collect(),
        rows: 0,
        rows_planned: plan.estimate.rows,
        started_at: None,
        last_checkpoint: None,
        rollback_point: None,
        running: None,
        next_command: next.command(setup, &plan),
    };
    let stands = checkpoint.map_or(base.clone(), |checkpoint| with_checkpoint(base, checkpoint));
    Ok(match pause::running(&dir) {
        Some(running) => with_process(stands, running, setup),
        None => stands,
    })
}

/// Returns the number of rows in the migration's plan, which is known whatever happened to the other files.
///
/// # Errors
/// When there is no such migration, or its plan is damaged.
pub fn rows_planned(setup: &Setup, id: Option<&str>) -> Result<u64> {
    Ok(migration::find(setup, id)?.load_plan()?.estimate.rows)
}

/// Returns where the migration stands; without an id where every one does, at least one.
///
/// # Errors
/// As [`status`].
pub fn statuses(setup: &Setup, id: Option<&str>) -> Result<Vec<Status>> {
    let ids = migration::ids(setup)?;
    if id.is_some() || ids.is_empty() {
        return Ok(vec![status(setup, id)?]);
    }
    ids.iter().map(|id| status(setup, Some(&id.0))).collect()
}

fn with_checkpoint(base: Status, checkpoint: Checkpoint) -> Status {
    Status {
        status: word(checkpoint.status).to_owned(),
        current_phase: checkpoint.current_phase,
        phase: phase(checkpoint.current_phase),
        tables_completed: checkpoint.tables_completed,
        tables_pending: checkpoint.tables_pending,
        rows: checkpoint.rows,
        started_at: Some(checkpoint.started_at),
        last_checkpoint: Some(checkpoint.last_checkpoint),
        rollback_point: Some(checkpoint.rollback_point),
        ..base
    }
}

/// A process knows more than the files that it has written.
fn with_process(stands: Status, running: ProgressRecord, setup: &Setup) -> Status {
    let (word, next) = match running.pause {
        PauseState::Running => (stands.status, "pause"),
        PauseState::Pausing => ("pausing".to_owned(), "resume"),
        PauseState::Paused => ("paused".to_owned(), "resume"),
    };
    Status {
        status: word,
        rows: running.outlook.rows.max(stands.rows),
        next_command: in_folder(&setup.base, &format!("whimbrel {next} {}", stands.migration_id)),
        running: Some(running),
        ..stands
    }
}

fn next(dir: &MigrationDir, plan: &Plan, checkpoint: Option<&Checkpoint>) -> Result<Next> {
    let approved = dir
        .load_approval()?
        .is_some_and(|approval| approval.hash == plan.hash);
    let Some(checkpoint) = checkpoint else {
        return Ok(if approved {
            Next::Resume
        } else {
            Next::of_plan(plan)
        });
    };
    let is_cleaned_up = checkpoint.phases_done.iter().any(|phase| phase == "cleanup");
    Ok(match checkpoint.status {
        MigrationStatus::RolledBack if checkpoint.current_phase <= 1 => Next::of_plan(plan),
        MigrationStatus::InProgress
        | MigrationStatus::Interrupted
        | MigrationStatus::Failed
        | MigrationStatus::RolledBack => Next::Resume,
        MigrationStatus::Completed if !is_cleaned_up => Next::Cleanup,
        MigrationStatus::Blocked if has_rejects(dir, plan)? => Next::Rejects,
        MigrationStatus::Blocked | MigrationStatus::Completed => Next::Verify,
    })
}

fn phase(number: u32) -> &'static str {
    match number {
        1 => "plan",
        2 => "schema",
        3 => "data",
        4 => "verify",
        _ => "live",
    }
}

fn word(status: MigrationStatus) -> &'static str {
    match status {
        MigrationStatus::InProgress => "in_progress",
        MigrationStatus::Interrupted => "interrupted",
        MigrationStatus::Blocked => "blocked",
        MigrationStatus::Failed => "failed",
        MigrationStatus::RolledBack => "rolled_back",
        MigrationStatus::Completed => "completed",
    }
}

fn has_rejects(dir: &MigrationDir, plan: &Plan) -> Result<bool> {
    for table in &plan.tables {
        if !dir.rejects(&table.target.id)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
