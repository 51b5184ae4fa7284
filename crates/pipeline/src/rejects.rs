//! Replaying rejected rows: exactly those are read again at the source, by their keys, and what fits now arrives in chunks of its own, each
//! with its ledger row. What still does not fit stays in the reject file. Tables whose rows have no key are emptied and copied again.
//!
//! A kill at any moment leaves either nothing of a chunk or all of it; the reject file is brought in step with the ledger when the next
//! replay begins.

mod table;

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{ChunkRecord, Error, Result, TableId, TablePlan};

use self::table::{Replay, settle_file};
use crate::arrived::{Totals, exact_keys, note_arrived};
use crate::context::RunContext;
use crate::data::open_snapshot;
use crate::failure::Failure;
use crate::quantity::counted;
use crate::retry::retry;
use crate::rollback::{empty_tables, refuse_foreign_rows};
use crate::running::Run;
use crate::{store, widened};

/// Goes on with the target's columns as they are now, where rows were rejected.
pub(crate) async fn accept_widened(
    ctx: &RunContext,
    run: Arc<Run>,
    chunks: &[ChunkRecord],
) -> Result<Arc<Run>> {
    let of_table = |id: &TableId| {
        let records = chunks.iter().filter(|record| &record.target == id);
        Totals::of(records).rejected
    };
    let mut tables = ctx.target_tables();
    tables.retain(|id| of_table(id) > 0);
    let target = ctx.target.as_source();
    let catalog = retry(ctx, "read the target's catalog", || target.catalog()).await?;
    widened::accept(&run, &ctx.plan, &tables, &catalog)?;
    Run::under(run, widened::as_widened(ctx)?)
}

/// A table with rows that were left out.
struct Left {
    plan: TablePlan,
    records: Vec<ChunkRecord>,
    rejected: u64,
    /// True when the file names each of them by its key.
    by_key: bool,
}

/// The phase: never sets off a rollback, since all that had arrived stays as it is.
pub(crate) async fn run(run: &Arc<Run>) -> Result<String, Failure> {
    replay_all(run).await.map_err(|failure| {
        if failure.is_interrupt() {
            return failure;
        }
        let error = failure.error;
        let hint = error.hint().map_or_else(
            || {
                format!(
                    "what had arrived is untouched; again: `whimbrel run {} --rejects`",
                    run.key.migration
                )
            },
            str::to_owned,
        );
        Error::new(error.class(), "the rejected rows could not be replayed")
            .with_code("replay_failed")
            .with_hint(hint)
            .with_cause(error)
            .into()
    })
}

async fn replay_all(run: &Arc<Run>) -> Result<String, Failure> {
    let left = left_out(run).await?;
    if left.is_empty() {
        return Ok("no row is left out".to_owned());
    }
    if left.iter().any(|table| !table.by_key) {
        return Ok(empty_to_copy_again(run, &left).await?);
    }
    let snapshot = open_snapshot(run).await?;
    let (mut arrived, mut rejected) = (0, 0);
    for table in &left {
        if run.ctx.stop.is_cancelled() {
            return Err(Failure::interrupted());
        }
        let replay = Replay {
            run,
            snapshot: &snapshot,
            plan: &table.plan,
        };
        let done = replay
            .all(&table.records)
            .await
            .map_err(|error| error.during(format!("replay table `{}`", table.plan.source.id)))?;
        (arrived, rejected) = (arrived + done.arrived, rejected + done.rejected);
        let payload = json!({
            "table": table.plan.target.id.to_string(), "arrived": done.arrived, "rejected": done.rejected,
            "gone": done.gone, "was_rejected": table.rejected,
        });
        run.journal.event("REJECTS_REPLAYED", payload)?;
    }
    note_arrived(run, &run.chunks().await?)?;
    Ok(format!(
        "{} arrived, {} still rejected",
        counted(arrived, "row"),
        rejected
    ))
}

/// The tables with rows that were left out, their files in step with the ledger.
async fn left_out(run: &Run) -> Result<Vec<Left>> {
    let chunks = run.chunks().await?;
    let mut left = Vec::new();
    for plan in &run.plan().tables {
        let id = &plan.target.id;
        let records: Vec<ChunkRecord> = chunks
            .iter()
            .filter(|record| &record.target == id)
            .cloned()
            .collect();
        settle_file(run, id, &records)?;
        let rejected = Totals::of(&records).rejected;
        let begun = |record: &ChunkRecord| record.result.is_none() && exact_keys(record).is_some();
        if rejected == 0 && !records.iter().any(begun) {
            continue;
        }
        let lines = run.ctx.dir.rejects(id)?;
        let width = plan.source.identity_key().map_or(0, |key| key.columns.len());
        let named = lines
            .iter()
            .all(|line| width > 0 && line.reject.exact.len() == width);
        left.push(Left {
            by_key: named && lines.len() as u64 == rejected,
            plan: plan.clone(),
            records,
            rejected,
        });
    }
    Ok(left)
}

/// Empties the tables, so that the data phase copies them again from a new snapshot.
async fn empty_to_copy_again(run: &Run, left: &[Left]) -> Result<String> {
    let tables: Vec<TableId> = left.iter().map(|table| table.plan.target.id.clone()).collect();
    let names: Vec<String> = tables.iter().map(|table| format!("`{table}`")).collect();
    run.ctx.notice(format!(
        "not every rejected row has a key by which it could be read again; copied again whole: {}",
        names.join(", ")
    ));
    refuse_foreign_rows(run, &tables, CancellationToken::new()).await?;
    empty_tables(run, &tables).await?;
    run.ctx.dir.remove(store::SNAPSHOT)?;
    Ok(format!("{} emptied and copied again", names.join(", ")))
}
