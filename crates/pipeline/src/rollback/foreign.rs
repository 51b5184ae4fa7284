//! Whether a table still holds exactly what came from here: what a rollback must know before it empties anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use whimbrel_core::{ChunkRecord, Digest, Error, ErrorClass, Result, TableId};

use crate::columns::Side;
use crate::context::RunContext;
use crate::failure::{FOREIGN_ROWS, Failure};
use crate::found::Found;
use crate::planned::Planned;
use crate::running::Run;
use crate::verify::{Reading, open_scene, readable, totals};

/// Refuses when one of the tables no longer equals its ledger.
pub(crate) async fn refuse(run: &Run, tables: &[TableId], stop: CancellationToken) -> Result<()> {
    if tables.is_empty() {
        return Ok(());
    }
    let ctx = Arc::new(RunContext {
        stop,
        ..run.ctx.as_ref().clone()
    });
    let records = run.chunks().await?;
    changed(&ctx, tables, &records)
        .await
        .map_err(|failure| failure.error)
}

async fn changed(ctx: &Arc<RunContext>, tables: &[TableId], records: &[ChunkRecord]) -> Result<(), Failure> {
    let scene = open_scene(ctx).await?;
    let mut readings = Vec::new();
    let places = Planned::places(&ctx.plan);
    for at in tables.iter().filter_map(|id| places.get(id)) {
        let plan = Planned::at(&ctx.plan, *at);
        if scene.catalog.table(&plan.target.id).is_none() {
            continue;
        }
        let table = readable(&scene.catalog, &plan).map_err(|why| foreign(ctx, &plan.target.id, &why))?;
        readings.push(Reading {
            plan,
            table: table.clone(),
            side: Side::Target,
        });
    }
    let mut of_tables: BTreeMap<&TableId, Digest> = BTreeMap::new();
    for record in records {
        let arrived = of_tables.entry(&record.target).or_default();
        record
            .result
            .iter()
            .for_each(|result| arrived.add(&result.digest));
    }
    for (id, found) in totals(ctx, &scene.target, readings).await? {
        compare(ctx, &id, &found?, &of_tables.remove(&id).unwrap_or_default())?;
    }
    Ok(())
}

fn compare(ctx: &RunContext, id: &TableId, found: &Found, arrived: &Digest) -> Result<()> {
    if found.rejected == 0 && found.digest.same_rows(arrived) {
        return Ok(());
    }
    let rows = found.digest.rows + found.rejected;
    let why = if rows == arrived.rows {
        "some of its rows were changed".to_owned()
    } else {
        format!("it has {rows} rows; {} came from here", arrived.rows)
    };
    Err(foreign(ctx, id, &why))
}

fn foreign(ctx: &RunContext, id: &TableId, why: &str) -> Error {
    Error::new(
        ErrorClass::Conflict,
        format!("table `{id}` is no longer what was copied: {why}"),
    )
    .with_code(FOREIGN_ROWS)
    .with_hint(format!(
        "save those rows first; to destroy them, `whimbrel rollback {} --to table:{id} --confirm-target {}`",
        ctx.plan.migration_id, ctx.plan.target.database
    ))
}
