//! Whether a run may begin: the plan is the confirmed one, and source and target are still what it was made for.
//! Nothing is changed before all of that holds.

use std::sync::Arc;

use serde_json::json;
use whimbrel_core::{Catalog, Error, ErrorClass, Result, RunKey, Table, TablePlan};

use crate::context::RunContext;
use crate::failure::{NOT_APPROVED, PLAN_CHANGED, SOURCE_CHANGED, TARGET_CHANGED};
use crate::journal::Journal;
use crate::retry::retry;
use crate::running::Run;
use crate::store::{MigrationStatus, check_plan};
use crate::widened::as_widened;

/// Checks everything, then takes the run's epoch.
pub(crate) async fn begin(ctx: &RunContext) -> Result<Arc<Run>> {
    check_confirmed(ctx)?;
    let (source, target) = futures::join!(check_source(ctx), check_target(ctx));
    source?;
    let resumed = target?;
    let migration = &ctx.plan.migration_id;
    let journal = Journal::open(ctx, whimbrel_core::Epoch(0))?;
    let kind = if resumed {
        "MIGRATION_RESUMED"
    } else {
        "MIGRATION_STARTED"
    };
    journal.event(kind, json!({ "version": migration, "plan_hash": ctx.plan.hash }))?;
    let ledger = ctx.target.ledger();
    let epoch = retry(ctx, "open the ledger", || ledger.open(migration, &ctx.plan.hash)).await?;
    journal.checkpoint_now(|checkpoint| {
        checkpoint.epoch = epoch.0;
        checkpoint.status = MigrationStatus::InProgress;
    })?;
    let key = RunKey {
        migration: migration.clone(),
        epoch,
    };
    Ok(Run::new(&as_widened(ctx)?, key, journal))
}

fn check_confirmed(ctx: &RunContext) -> Result<()> {
    let plan = &ctx.plan;
    check_plan(plan)?;
    if ctx.dir.load_plan()?.hash != plan.hash {
        return Err(
            Error::invalid("the plan in the migration's directory is another one").with_code(PLAN_CHANGED),
        );
    }
    if let Some(blocker) = plan.blockers().first() {
        return Err(
            Error::invalid(format!("the plan has a blocker: {}", blocker.message)).with_code("blocked"),
        );
    }
    if let Some(open) = plan.open_decisions().first() {
        return Err(Error::invalid(format!("a decision is open: {}", open.message))
            .with_code("decision_open")
            .with_hint(format!("plan again with `--decide {}=CHOICE`", open.key())));
    }
    let hint = format!(
        "confirm it with `whimbrel run {} --approve {}`",
        plan.migration_id, plan.hash
    );
    let refuse = |message: &str| {
        Err(Error::invalid(message)
            .with_code(NOT_APPROVED)
            .with_hint(hint.clone()))
    };
    match ctx.dir.load_approval()? {
        None => refuse("nobody has confirmed the plan"),
        Some(approval) if approval.hash != plan.hash => refuse("another plan was confirmed, not this one"),
        Some(_) => Ok(()),
    }
}

async fn check_source(ctx: &RunContext) -> Result<()> {
    let catalog = retry(ctx, "read the source's catalog", || ctx.source.catalog()).await?;
    same_source(ctx, &catalog)
}

/// Compares the source's catalog with the one that was planned for.
pub(crate) fn same_source(ctx: &RunContext, catalog: &Catalog) -> Result<()> {
    if catalog.fingerprint() == ctx.plan.source.catalog {
        return Ok(());
    }
    let what = ctx
        .plan
        .tables
        .iter()
        .find_map(|table| table_change(table, catalog))
        .unwrap_or_else(|| "an object beside the planned tables".to_owned());
    Err(Error::new(
        ErrorClass::Conflict,
        format!("the source has changed since the plan was made: {what}"),
    )
    .with_code(SOURCE_CHANGED)
    .with_hint("plan again with `whimbrel plan SOURCE TARGET`"))
}

/// Says in which way a planned table is another one now.
fn table_change(plan: &TablePlan, catalog: &Catalog) -> Option<String> {
    let was = &plan.source;
    let Some(is) = catalog.table(&was.id) else {
        return Some(format!("table `{}` is gone", was.id));
    };
    let bare = |table: &Table| Table {
        rows_estimate: None,
        bytes: None,
        ..table.clone()
    };
    if bare(was) == bare(is) {
        return None;
    }
    for column in &was.columns {
        match is.column(&column.name) {
            None => return Some(format!("column `{}` of table `{}` is gone", column.name, was.id)),
            Some(now) if now.native != column.native => {
                return Some(format!(
                    "column `{}` of table `{}` is `{}`; it was `{}`",
                    column.name, was.id, now.native, column.native
                ));
            }
            Some(now) if now != column => {
                return Some(format!(
                    "column `{}` of table `{}` is defined differently",
                    column.name, was.id
                ));
            }
            Some(_) => {}
        }
    }
    let added = is
        .columns
        .iter()
        .find(|column| was.column(&column.name).is_none());
    Some(match added {
        Some(column) => format!("table `{}` has a new column `{}`", was.id, column.name),
        None => format!("a key, check or index of table `{}`", was.id),
    })
}

/// Compares the target's catalog with the one that was planned for: whole on a first run, else without what the plan makes.
/// Returns true when the ledger knows this migration already.
async fn check_target(ctx: &RunContext) -> Result<bool> {
    let plan = &ctx.plan;
    let ledger = ctx.target.ledger();
    let known = retry(ctx, "read the ledger", || ledger.epoch(&plan.migration_id)).await?;
    let source = ctx.target.as_source();
    let catalog = retry(ctx, "read the target's catalog", || source.catalog()).await?;
    let same = match known {
        None => catalog.fingerprint() == plan.target.catalog,
        Some(_) => catalog.without(&plan.target_objects()).fingerprint() == plan.target.rest,
    };
    if same {
        return Ok(known.is_some());
    }
    let unexpected = plan
        .tables
        .iter()
        .find(|table| known.is_none() && !table.replaces && catalog.table(&table.target.id).is_some());
    let what = match unexpected {
        Some(table) => format!(": table `{}` is there now", table.target.id),
        None => String::new(),
    };
    Err(Error::new(
        ErrorClass::Conflict,
        format!("the target has changed since the plan was made{what}"),
    )
    .with_code(TARGET_CHANGED)
    .with_hint("undo the change, or plan again with `whimbrel plan SOURCE TARGET`"))
}
