//! Running an approved plan, for the first time or again after it stopped. How it runs is the pipeline's; here it is allowed, given
//! its databases, and its reports are written.

use serde::Serialize;
use whimbrel_core::{Result, RunReport};
use whimbrel_pipeline::{Approval, RunContext};

use crate::approval::{self, Approve, Unattended};
use crate::migration::{Attendance, Databases, Migration, context};
use crate::next::{Next, in_folder};
use crate::plan::Draft;
use crate::report::{self, RunResult};
use crate::setup::Setup;

/// A request to run a migration.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// The migration; the only one when nobody says.
    pub id: Option<String>,
    /// Its approval.
    pub approve: Approve,
    /// Where the databases are.
    pub databases: Databases,
}

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct RunOutcome {
    /// The migration.
    pub migration_id: String,
    /// Its folder.
    pub dir: String,
    /// What was done.
    pub report: RunReport,
    /// The same as `result.json` holds it.
    pub result: RunResult,
    /// Tables of the source that are not part of the plan.
    pub tables_left_behind: Vec<String>,
    /// How many other objects or properties stay behind; the report lists them.
    pub others_left_behind: usize,
    /// What to do next.
    pub next_command: String,
}

/// Runs a migration, or goes on with it.
///
/// # Errors
/// When it may not run, or could not begin; what fails later stands in the outcome.
pub async fn run(setup: &Setup, request: &RunRequest, attendance: &Attendance) -> Result<RunOutcome> {
    let migration = Migration::read(setup, request.id.as_deref(), &request.databases)?;
    let approval = approval::check(setup, &migration.dir, &migration.plan, &request.approve)?;
    run_approved(setup, migration, &approval, attendance).await
}

/// Runs the plan of a draft where nobody can be asked.
///
/// # Errors
/// As [`run`]; also when the script may not approve the plan by itself.
pub async fn run_unattended(
    setup: &Setup,
    draft: Draft,
    script: &Unattended,
    attendance: &Attendance,
) -> Result<RunOutcome> {
    let approve = approval::unattended(setup, draft.plan(), draft.is_target_empty(), script)?;
    run_draft(setup, draft, &approve, attendance).await
}

/// Runs the plan of a draft that a person has just approved; the passwords that were asked for are used again.
///
/// # Errors
/// As [`run`].
pub async fn run_draft(
    setup: &Setup,
    draft: Draft,
    approve: &Approve,
    attendance: &Attendance,
) -> Result<RunOutcome> {
    let migration = draft.into_migration();
    let approval = approval::check(setup, &migration.dir, &migration.plan, approve)?;
    run_approved(setup, migration, &approval, attendance).await
}

/// Tries the rows again that an ended run left out, and verifies everything.
///
/// # Errors
/// As [`run`]; also when the run has not come to its end yet.
pub async fn replay_rejects(
    setup: &Setup,
    id: Option<&str>,
    databases: &Databases,
    attendance: &Attendance,
) -> Result<RunOutcome> {
    let migration = Migration::read(setup, id, databases)?;
    let approval = approval::check(setup, &migration.dir, &migration.plan, &Approve::Recorded)?;
    let context = context(setup, migration, attendance).await?;
    let report = whimbrel_pipeline::replay(&context).await?;
    outcome(setup, &context, report, &approval)
}

async fn run_approved(
    setup: &Setup,
    migration: Migration,
    approval: &Approval,
    attendance: &Attendance,
) -> Result<RunOutcome> {
    let context = context(setup, migration, attendance).await?;
    {
        // The log has one appender at a time; the pipeline takes the lock again for itself.
        let _lock = context.dir.lock()?;
        approval::record(setup, &context.dir, approval)?;
    }
    let report = whimbrel_pipeline::run(&context).await?;
    outcome(setup, &context, report, approval)
}

fn outcome(
    setup: &Setup,
    context: &RunContext,
    mut report: RunReport,
    approval: &Approval,
) -> Result<RunOutcome> {
    if let Some(problem) = &mut report.problem {
        problem.hint = problem.hint.as_ref().map(|hint| in_folder(&setup.base, hint));
    }
    let (dir, plan) = (&context.dir, &context.plan);
    let result = RunResult::new(plan, &report).in_folder(&setup.base);
    let document = serde_json::to_vec_pretty(&result)
        .map_err(|cause| whimbrel_core::Error::bug("the result has no JSON form").with_cause(cause))?;
    if let Some(verification) = &report.verification {
        dir.write(
            "verification_report.md",
            in_folder(&setup.base, &report::verification_markdown(plan, verification)).as_bytes(),
        )?;
    }
    dir.write(
        "final_report.md",
        in_folder(
            &setup.base,
            &report::final_markdown(plan, &report, &approval.by, &approval.how),
        )
        .as_bytes(),
    )?;
    dir.write("result.json", &document)?;
    let (tables, others): (Vec<_>, Vec<_>) = plan
        .left_behind()
        .into_iter()
        .partition(|finding| finding.code == "unmovable_table");
    Ok(RunOutcome {
        tables_left_behind: tables.iter().map(|finding| finding.subject.to_string()).collect(),
        others_left_behind: others.len(),
        migration_id: plan.migration_id.to_string(),
        dir: dir.path().display().to_string(),
        next_command: Next::of_run(&report).command(setup, plan),
        report,
        result,
    })
}
