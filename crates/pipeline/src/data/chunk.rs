//! A chunk until it has arrived: trying again, and stopping at a reject where the plan says so.
//! How the rows pass is `passage.rs`.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use whimbrel_core::{Chunk, ChunkResult, Error, ErrorClass, OnReject, Reject, Result, fault};

use super::passage::{Arrived, Passage};
use super::table::CopyTable;
use crate::columns::{pass_packed, write_columns};
use crate::failure::{Failure, data_integrity, interrupted};
use crate::keys;
use crate::retry::Attempts;

/// Copies a chunk; returns what arrived, and how long it took.
pub(super) async fn copy(
    table: &CopyTable,
    chunk: &Chunk,
    cancel: &CancellationToken,
) -> Result<(ChunkResult, Duration), Failure> {
    table.announce();
    let started = Instant::now();
    let id = &table.plan.target.id;
    let copied = copy_until_arrived(table, chunk, cancel).await;
    let took = started.elapsed();
    table.run.spent(id, took);
    let result = copied.map_err(|error| {
        Failure::of_table(
            id,
            error.during(format!(
                "copy chunk {} of table `{}`",
                chunk.index, table.plan.source.id
            )),
        )
    })?;
    table.note(chunk, &result)?;
    Ok((result, took))
}

async fn copy_until_arrived(
    table: &CopyTable,
    chunk: &Chunk,
    cancel: &CancellationToken,
) -> Result<ChunkResult> {
    let what = format!("copy chunk {} of table `{}`", chunk.index, table.plan.source.id);
    let mut passage = Passage {
        run: &table.run,
        snapshot: &table.snapshot,
        plan: &table.plan,
        chunk,
        position: table.snapshot.position(),
        columns: write_columns(&table.plan),
        packed: goes_packed(table),
    };
    let mut attempts = Attempts::new(&table.run.ctx, what);
    let mut first = true;
    loop {
        let mut shown = (0, 0);
        let error = match attempt(table, &passage, cancel, &mut shown).await {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        table.hide(shown.0, shown.1);
        // A commit whose answer was lost may have landed; then the rows of another attempt meet themselves.
        let may_have_landed = !first || error.class() == ErrorClass::Transient;
        if may_have_landed && let Some(result) = passage.ledger_result().await? {
            return Ok(result);
        }
        first = false;
        table.log(&format!("chunk {} failed: {}", chunk.index, error.chain()))?;
        if passage.packed && error.class() == ErrorClass::Invalid {
            // With columns the row that is to blame can be named, or left out.
            passage.packed = false;
            continue;
        }
        attempts.again_after(error).await?;
    }
}

fn goes_packed(table: &CopyTable) -> bool {
    let ctx = &table.run.ctx;
    let packing = ctx.source.packing();
    packing.is_some() && packing == ctx.target.as_source().packing() && pass_packed(&table.plan)
}

/// Reads and writes the chunk in one transaction of the target. Being cancelled takes everything back; a commit under way is awaited.
async fn attempt(
    table: &CopyTable,
    passage: &Passage<'_>,
    cancel: &CancellationToken,
    shown: &mut (u64, u64),
) -> Result<ChunkResult> {
    fault::point("chunk.write.before")?;
    let seen = |arrived: &Arrived, rows: u64, bytes: u64| {
        check_rejects(table, &arrived.rejects)?;
        *shown = (shown.0 + rows, shown.1 + bytes);
        table.show(rows, bytes);
        Ok(())
    };
    let (writer, mut arrived) = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(interrupted()),
        written = Box::pin(passage.write(seen)) => written?,
    };
    if !arrived.rejects.is_empty() {
        keys::withhold(&table.plan, &mut arrived.rejects);
        table
            .run
            .ctx
            .dir
            .append_reject(&table.plan.target.id, passage.chunk.index, &arrived.rejects)?;
    }
    passage.commit(writer, arrived.result).await
}

/// The reject that stops the run, and what can be done about it.
fn stopping(table: &CopyTable, reject: &Reject) -> Error {
    let Reject {
        key,
        column,
        value,
        expression,
        ..
    } = reject;
    let why = reject.why();
    let mut place = format!("table `{}`", table.plan.source.id);
    if !key.is_empty() {
        place = format!("{place}, row `{key}`");
    }
    let (what, mend) = match (expression.is_some(), value.as_str()) {
        (true, "") => (format!("{place}: {why}"), "mend the expression, and plan again"),
        (true, value) => (
            format!("{place}, where {value}: {why}"),
            "mend the expression, and plan again; or correct the value at the source, then `whimbrel resume MIGRATION`",
        ),
        (false, value) => (
            format!("{place}: column `{column}` is `{value}`; {why}"),
            "correct the value at the source, then `whimbrel resume MIGRATION`",
        ),
    };
    let mend = mend.replace("MIGRATION", &table.run.key.migration.to_string());
    data_integrity(what).with_hint(format!(
        "{mend}; or let such rows wait in a file: set `on_reject = \"file\"` under `[policies]` in `whimbrel.toml` and plan again"
    ))
}

/// Stops at the first reject unless the plan lets rejects go to a file.
fn check_rejects(table: &CopyTable, rejects: &[Reject]) -> Result<()> {
    match (table.run.plan().policies.on_reject, rejects.first()) {
        (OnReject::File, _) | (OnReject::Stop, None) => Ok(()),
        (OnReject::Stop, Some(reject)) => Err(stopping(table, reject)),
    }
}
