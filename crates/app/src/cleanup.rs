//! Cleaning up after a migration: throws away what was kept for the way back. A command of its own, never part of a run.

use serde::Serialize;
use whimbrel_core::{Plan, Result, shell_word};

use crate::migration::{self, Attendance, Databases, WayBack};
use crate::next::prefix;
use crate::refusal;
use crate::setup::Setup;

/// A request to clean up.
#[derive(Debug, Clone, Default)]
pub struct CleanupRequest {
    /// The migration; the only one when nobody says.
    pub id: Option<String>,
    /// Where the databases are.
    pub databases: Databases,
    /// The target's bare name, typed out: needed when something that was moved aside is dropped.
    pub confirm_target: Option<String>,
}

/// What cleaning up would throw away.
#[derive(Debug, Clone, Serialize)]
pub struct CleanupPreview {
    /// The migration.
    pub migration_id: String,
    /// Where the data went.
    pub target: String,
    /// The target's bare name, which confirms that what was moved aside is dropped.
    pub confirm_target: String,
    /// True when something that was in the target before was moved aside and is dropped now.
    pub destructive: bool,
}

/// What cleaning up came to.
#[derive(Debug, Clone, Serialize)]
pub struct CleanupOutcome {
    /// The migration.
    pub migration_id: String,
    /// What was dropped, one line each.
    pub removed: Vec<String>,
}

/// Tells what cleaning up would throw away, for the question before it.
///
/// # Errors
/// When there is no such migration.
pub fn preview(setup: &Setup, request: &CleanupRequest) -> Result<CleanupPreview> {
    let plan = migration::find(setup, request.id.as_deref())?.load_plan()?;
    Ok(CleanupPreview {
        migration_id: plan.migration_id.to_string(),
        target: plan.target.url.clone(),
        destructive: plan.is_destructive(),
        confirm_target: plan.target.database,
    })
}

/// Throws away what was kept for the way back: ledger and moved-aside objects. The source is not asked, and may be gone.
///
/// # Errors
/// When the migration is not complete, or the target cannot be changed.
pub async fn cleanup(
    setup: &Setup,
    request: &CleanupRequest,
    attendance: &Attendance,
) -> Result<CleanupOutcome> {
    let way_back = WayBack::read(setup, request.id.as_deref(), &request.databases)?;
    refuse_unnamed_target(setup, &way_back.plan, request)?;
    let context = way_back.open(setup, attendance).await?;
    let cleanup = whimbrel_pipeline::cleanup(&context).await?;
    Ok(CleanupOutcome {
        migration_id: context.plan.migration_id.to_string(),
        removed: cleanup.removed,
    })
}

fn refuse_unnamed_target(setup: &Setup, plan: &Plan, request: &CleanupRequest) -> Result<()> {
    let name = plan.target.database.as_str();
    let is_other = request
        .confirm_target
        .as_deref()
        .is_some_and(|typed| typed != name);
    if !is_other && (!plan.is_destructive() || request.confirm_target.is_some()) {
        return Ok(());
    }
    let message =
        format!("what was in `{name}` before is dropped for good; nobody confirmed it by that name");
    let command = format!(
        "{} cleanup {} --confirm-target {}",
        prefix(setup),
        plan.migration_id,
        shell_word(name)
    );
    Err(refusal::unconfirmed(message).with_hint(format!("if that is wanted: {command}")))
}
