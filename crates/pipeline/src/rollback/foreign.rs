//! Whether a table still holds exactly what came from here: what a rollback must know before it empties anything.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use whimbrel_core::{ChunkRecord, Digest, Error, ErrorClass, Result, TableId};

use crate::columns::Side;
use crate::context::{Run, RunContext};
use crate::data::chunks;
use crate::failure::{FOREIGN_ROWS, Failure};
use crate::verify::{Found, Reading, open_scene, readable, totals};

/// Refuses when one of the tables no longer equals its ledger.
pub(super) async fn refuse(run: &Run, tables: &[TableId], stop: CancellationToken) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let ctx = Arc::new(RunContext {
        stop,
        ..run.ctx.as_ref().clone()
    });
    let records = chunks(run).await?;
    changed(&ctx, tables, &records)
        .await
        .map_err(|failure| failure.error)
}

async fn changed(ctx: &Arc<RunContext>, tables: &[TableId], records: &[ChunkRecord]) -> Result<(), Failure> {
    let scene = open_scene(ctx).await?;
    let mut readings = Vec::new();
    for plan in tables.iter().filter_map(|id| ctx.plan.table(id)) {
        if scene.catalog.table(&plan.target.id).is_none() {
            continue;
        }
        let table = readable(&scene.catalog, plan).map_err(|why| foreign(&plan.target.id, &why))?;
        readings.push(Reading {
            plan: plan.clone(),
            table: table.clone(),
            side: Side::Target,
        });
    }
    for (id, found) in totals(ctx, &scene.target, readings).await? {
        compare(&id, &found?, records)?;
    }
    Ok(())
}

fn compare(id: &TableId, found: &Found, records: &[ChunkRecord]) -> Result<()> {
    let mut arrived = Digest::default();
    let results = records
        .iter()
        .filter(|record| &record.target == id)
        .filter_map(|record| record.result.as_ref());
    results.for_each(|result| arrived.add(&result.digest));
    if found.rejected == 0 && found.digest.same_rows(&arrived) {
        return Ok(());
    }
    let rows = found.digest.rows + found.rejected;
    let why = if rows == arrived.rows {
        "some of its rows were changed".to_owned()
    } else {
        format!("it has {rows} rows; {} came from here", arrived.rows)
    };
    Err(foreign(id, &why))
}

fn foreign(id: &TableId, why: &str) -> Error {
    Error::new(
        ErrorClass::Conflict,
        format!("table `{id}` is no longer what was copied: {why}"),
    )
    .with_code(FOREIGN_ROWS)
    .with_hint("save those rows first; to roll back all the same, confirm with `--confirm-target NAME`")
}
