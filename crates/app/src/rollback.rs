//! Taking a migration back to one of its checkpoints. What is undone, and when it is refused, is the pipeline's.

use std::str::FromStr;

use serde::Serialize;
use whimbrel_core::{Error, Plan, Result, RollbackReport, shell_word};
use whimbrel_pipeline::{RollbackTo, RunContext};

use crate::migration::{self, Attendance, Databases, WayBack};
use crate::next::{Next, in_folder, prefix};
use crate::refusal;
use crate::report::{self, RunResult};
use crate::setup::Setup;

/// The pipeline's code for tables that hold what somebody else wrote.
const FOREIGN_ROWS: &str = "foreign_rows";

/// A checkpoint, as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checkpoint {
    /// Before anything was made.
    Start,
    /// After the schema was made, before the first row.
    Schema,
    /// Before the first row of one table.
    Table(String),
}

impl FromStr for Checkpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "start" | "checkpoint_1" => Ok(Self::Start),
            "schema" | "checkpoint_2" => Ok(Self::Schema),
            _ => match text.strip_prefix("table:") {
                Some(name) if !name.is_empty() => Ok(Self::Table(name.to_owned())),
                _ => Err(refusal::usage(format!(
                    "the checkpoint is `{text}`; must be `start`, `schema` or `table:NAME`"
                ))),
            },
        }
    }
}

impl std::fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::Schema => f.write_str("schema"),
            Self::Table(name) => write!(f, "table:{name}"),
        }
    }
}

/// A request to take a migration back.
#[derive(Debug, Clone)]
pub struct RollbackRequest {
    /// The migration; the only one when nobody says.
    pub id: Option<String>,
    /// Where to.
    pub to: Checkpoint,
    /// Where the databases are.
    pub databases: Databases,
    /// The target's bare name, typed out: throws away rows that somebody else wrote since.
    pub confirm_target: Option<String>,
}

/// What a rollback comes to, before it is done.
#[derive(Debug, Clone, Serialize)]
pub struct RollbackPreview {
    /// The migration.
    pub migration_id: String,
    /// Where the data went.
    pub target: String,
    /// The target's bare name.
    pub confirm_target: String,
}

/// What a rollback came to.
#[derive(Debug, Clone, Serialize)]
pub struct RollbackOutcome {
    /// The migration.
    pub migration_id: String,
    /// What was undone.
    pub rollback: RollbackReport,
    /// What to do next.
    pub next_command: String,
}

/// Tells what a rollback would touch, for the question before it.
///
/// # Errors
/// When there is no such migration, or it has no such table.
pub fn preview(setup: &Setup, request: &RollbackRequest) -> Result<RollbackPreview> {
    let dir = migration::find(setup, request.id.as_deref())?;
    let plan = dir.load_plan()?;
    refuse_unknown_table(&plan, &request.to)?;
    Ok(RollbackPreview {
        migration_id: plan.migration_id.to_string(),
        target: plan.target.url.clone(),
        confirm_target: plan.target.database,
    })
}

/// Takes a migration back to the checkpoint. The source is not asked, and may be gone.
///
/// # Errors
/// Coded [`refusal::CONFIRMATION_MISSING`] when somebody else wrote into the tables and the target's name was not typed.
pub async fn rollback(
    setup: &Setup,
    request: &RollbackRequest,
    attendance: &Attendance,
) -> Result<RollbackOutcome> {
    let way_back = WayBack::read(setup, request.id.as_deref(), &request.databases)?;
    refuse_unknown_table(&way_back.plan, &request.to)?;
    let is_named = named(&way_back.plan, request)?;
    let context = way_back.open(setup, attendance).await?;
    let began = setup.clock.now();
    let done = whimbrel_pipeline::rollback(&context, &place(&request.to), is_named).await;
    let rollback = done.map_err(|error| with_confirmation(setup, &context.plan, request, error))?;
    // What the reports of the last run say is not true any more.
    write_reports(
        setup,
        &context,
        &report::taken_back(&rollback, began, setup.clock.now()),
    )?;
    let next = match request.to {
        Checkpoint::Start => Next::Run,
        Checkpoint::Schema | Checkpoint::Table(_) => Next::Resume,
    };
    Ok(RollbackOutcome {
        migration_id: context.plan.migration_id.to_string(),
        rollback,
        next_command: next.command(setup, &context.plan),
    })
}

fn write_reports(setup: &Setup, context: &RunContext, report: &whimbrel_core::RunReport) -> Result<()> {
    let (dir, plan) = (&context.dir, &context.plan);
    let approval = dir.load_approval()?;
    let (by, how) = approval.map_or_else(Default::default, |approval| (approval.by, approval.how));
    let page = in_folder(&setup.base, &report::final_markdown(plan, report, &by, &how));
    dir.write("final_report.md", page.as_bytes())?;
    let result = serde_json::to_vec_pretty(&RunResult::new(plan, report).in_folder(&setup.base))
        .map_err(|cause| Error::bug("the result has no JSON form").with_cause(cause))?;
    dir.write("result.json", &result)?;
    dir.remove("verification_report.md")
}

/// The pipeline refuses it, too; nobody should be asked before.
fn refuse_unknown_table(plan: &Plan, to: &Checkpoint) -> Result<()> {
    const NAMED: usize = 10;
    let Checkpoint::Table(name) = to else {
        return Ok(());
    };
    let ids = || plan.tables.iter().map(|table| &table.target.id);
    if ids().any(|id| id.name == *name || id.to_string() == *name) {
        return Ok(());
    }
    let mut names: Vec<String> = ids().take(NAMED).map(|id| format!("`{id}`")).collect();
    if plan.tables.len() > NAMED {
        names.push(format!("{} more", plan.tables.len() - NAMED));
    }
    Err(refusal::usage(format!(
        "table `{name}` is not in the plan of `{}`",
        plan.migration_id
    ))
    .with_hint(format!("its tables are {}", names.join(", "))))
}

fn place(to: &Checkpoint) -> RollbackTo {
    match to {
        Checkpoint::Start => RollbackTo::Start,
        Checkpoint::Schema => RollbackTo::Schema,
        Checkpoint::Table(name) => RollbackTo::Table(name.clone()),
    }
}

/// Tells whether the target's name was typed; another name is refused, because then something else is meant.
fn named(plan: &Plan, request: &RollbackRequest) -> Result<bool> {
    match &request.confirm_target {
        None => Ok(false),
        Some(name) if *name == plan.target.database => Ok(true),
        Some(name) => Err(refusal::unconfirmed(format!(
            "the confirmed target is `{name}`; must be `{}`",
            plan.target.database
        ))),
    }
}

/// A refusal because of foreign rows is one that the typed name settles; it says how.
fn with_confirmation(setup: &Setup, plan: &Plan, request: &RollbackRequest, error: Error) -> Error {
    if error.code() != FOREIGN_ROWS || request.confirm_target.is_some() {
        return error;
    }
    let command = format!(
        "{} rollback {} --to {} --confirm-target {}",
        prefix(setup),
        plan.migration_id,
        shell_word(&request.to.to_string()),
        shell_word(&plan.target.database)
    );
    refusal::unconfirmed(error.to_string())
        .with_cause(error)
        .with_hint(format!("to throw these changes away: {command}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_read_by_each_of_its_names() {
        for (text, checkpoint) in [
            ("start", Checkpoint::Start),
            ("checkpoint_2", Checkpoint::Schema),
            ("schema", Checkpoint::Schema),
            ("table:public.a", Checkpoint::Table("public.a".to_owned())),
        ] {
            assert_eq!(text.parse::<Checkpoint>().unwrap(), checkpoint);
        }
        for wrong in ["", "table:", "end"] {
            assert_eq!(
                wrong.parse::<Checkpoint>().unwrap_err().code(),
                refusal::USAGE,
                "{wrong}"
            );
        }
    }
}
