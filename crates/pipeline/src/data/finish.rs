//! The end of the data phase: sequences, settling, and the picture of the target as it was built.

use std::sync::Arc;

use whimbrel_core::{Catalog, Result, Snapshot, fault};

use crate::context::RunContext;
use crate::failure::Failure;
use crate::retry::retry;
use crate::running::Run;
use crate::store::{AS_BUILT, SnapshotRecord};
use crate::verify::planned_part;

/// Begins the record of a snapshot, or goes on with one of the same position.
pub(super) async fn begin_record(run: &Run, snapshot: &Arc<dyn Snapshot>) -> Result<SnapshotRecord> {
    let ctx = &run.ctx;
    let position = snapshot.position().0;
    let known = SnapshotRecord::load(&ctx.dir).filter(|record| record.position == position);
    let mut record = known.unwrap_or_else(|| SnapshotRecord {
        position,
        ..SnapshotRecord::default()
    });
    record.complete = false;
    let ids: Vec<_> = ctx
        .plan
        .sequences
        .iter()
        .map(|sequence| sequence.source.clone())
        .collect();
    let positions = retry(ctx, "read the sequences", || snapshot.sequence_positions(&ids)).await?;
    let targets = ctx.plan.sequences.iter().map(|sequence| sequence.target.clone());
    record.sequences = targets.zip(positions).collect();
    record.save(&ctx.dir)?;
    Ok(record)
}

/// Sets the sequences, lets the target settle, and keeps its picture. Done once: the picture says that it is.
pub(super) async fn finish(run: &Run) -> Result<(), Failure> {
    let ctx = &run.ctx;
    if is_built(ctx) {
        return Ok(());
    }
    let record = SnapshotRecord::load(&ctx.dir).unwrap_or_default();
    let positions = record.sequences.into_iter();
    let known: Vec<_> = positions.filter_map(|(id, at)| Some((id, at?))).collect();
    if !known.is_empty() {
        retry(ctx, "set the sequences", || async {
            fault::point("sequence.set.before")?;
            ctx.target.set_sequences(&run.key, &known).await?;
            fault::point("sequence.set.after")
        })
        .await?;
    }
    let tables = ctx.target_tables();
    retry(ctx, "settle the target", || ctx.target.settle(&tables)).await?;
    let target = ctx.target.as_source();
    let catalog = retry(ctx, "read the target's catalog", || target.catalog()).await?;
    ctx.dir.save(AS_BUILT, &planned_part(&ctx.plan, &catalog))?;
    run.keep_as_built(catalog);
    Ok(())
}

/// Tells whether the picture is there: then everything of the data phase was done.
pub(super) fn is_built(ctx: &RunContext) -> bool {
    ctx.dir
        .load::<Catalog>(AS_BUILT)
        .is_ok_and(|built| built.is_some())
}

/// Forgets the picture before the target changes again.
pub(super) fn forget_as_built(run: &Run) -> Result<()> {
    run.ctx.dir.remove(AS_BUILT)
}
