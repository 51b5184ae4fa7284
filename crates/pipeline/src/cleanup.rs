//! Cleanup: destroys the way back. What was moved aside is dropped for good, and the target forgets the migration.

use std::collections::HashSet;

use serde_json::json;
use whimbrel_core::{Error, ErrorClass, Result, RunKey, Step, fault};

use crate::context::RunContext;
use crate::journal::Journal;
use crate::retry::retry;
use crate::store::{MigrationStatus, check_plan};

/// What was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// One line each.
    pub removed: Vec<String>,
}

/// Drops what was moved aside and the ledger. After this there is no way back, and `verify` compares with the source. May be repeated.
///
/// # Errors
/// `Conflict` with code `not_finished` while the migration is neither done nor rolled back to the start.
pub async fn cleanup(ctx: &RunContext) -> Result<CleanupReport> {
    let _lock = ctx.dir.lock()?;
    check_plan(&ctx.plan)?;
    check_finished(ctx)?;
    let ledger = ctx.target.ledger();
    let migration = &ctx.plan.migration_id;
    let journal = Journal::open(ctx, whimbrel_core::Epoch(0))?;
    let mut removed = Vec::new();
    if retry(ctx, "read the ledger", || ledger.epoch(migration))
        .await?
        .is_some()
    {
        let epoch = retry(ctx, "open the ledger", || ledger.open(migration, &ctx.plan.hash)).await?;
        let key = RunKey {
            migration: migration.clone(),
            epoch,
        };
        journal.event("CLEANUP_STARTED", json!({}))?;
        removed.extend(discard(ctx, &key).await?);
        retry(ctx, "forget the ledger", || async {
            fault::point("ledger.forget.before")?;
            ledger.forget(migration).await?;
            fault::point("ledger.forget.after")
        })
        .await?;
        removed.push("the ledger in the target".to_owned());
    }
    journal.event("CLEANUP_COMPLETE", json!({ "removed": removed }))?;
    journal.checkpoint_now(|checkpoint| {
        checkpoint.phases_done.retain(|done| done != "cleanup");
        checkpoint.phases_done.push("cleanup".to_owned());
    })?;
    Ok(CleanupReport { removed })
}

async fn discard(ctx: &RunContext, key: &RunKey) -> Result<Vec<String>> {
    let ledger = ctx.target.ledger();
    let recorded = retry(ctx, "read the ledger", || ledger.steps(&key.migration)).await?;
    let recorded: HashSet<String> = recorded.into_iter().map(|record| record.id).collect();
    let done = |step: &&Step| step.destructive && recorded.contains(&step.id);
    let steps: Vec<Step> = ctx.plan.steps.iter().filter(done).cloned().collect();
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    retry(ctx, "drop what was moved aside", || async {
        fault::point("discard.before")?;
        let removed = ctx.target.discard(key, &steps).await?;
        fault::point("discard.after")?;
        Ok(removed)
    })
    .await
}

fn check_finished(ctx: &RunContext) -> Result<()> {
    let checkpoint = ctx.dir.checkpoint()?;
    let finished = checkpoint.as_ref().is_some_and(|checkpoint| {
        let is_at_start = checkpoint.status == MigrationStatus::RolledBack && checkpoint.current_phase <= 1;
        is_at_start || checkpoint.phases_done.iter().any(|done| done == "data")
    });
    if finished {
        return Ok(());
    }
    let id = &ctx.plan.migration_id;
    Err(Error::new(
        ErrorClass::Conflict,
        format!("migration `{id}` is not finished; cleanup would destroy its way back"),
    )
    .with_code("not_finished")
    .with_hint(format!(
        "finish it with `whimbrel resume {id}`, or take it back with `whimbrel rollback {id} --to start`"
    )))
}
