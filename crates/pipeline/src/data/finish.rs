//! The end of the data phase: sequences, settling, and the picture of the target as it was built.

use std::sync::Arc;

use whimbrel_core::{Catalog, Result, SequencePosition, Snapshot, TableId, fault};

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
    let mut known = Vec::new();
    for (id, position) in record.sequences {
        let position = behind_values(ctx, &id, position).await?;
        known.extend(position.map(|position| (id, position)));
    }
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

/// The position of a sequence; behind the values that arrived where they are not the source's.
async fn behind_values(
    ctx: &RunContext,
    id: &TableId,
    position: Option<SequencePosition>,
) -> Result<Option<SequencePosition>> {
    let mut planned = ctx.plan.sequences.iter();
    let planned = planned.find(|planned| planned.target == *id && planned.behind_values);
    let Some((planned, (table, column))) =
        planned.and_then(|planned| Some((planned, planned.owned_by.as_ref()?)))
    else {
        return Ok(position);
    };
    let increment = planned.increment;
    let furthest = retry(ctx, "read the largest number", || {
        ctx.target.furthest_number(table, column, increment)
    });
    let Some(furthest) = furthest.await? else {
        return Ok(position);
    };
    let is_beyond = |position: &SequencePosition| !position.is_behind(increment, i128::from(furthest));
    Ok(Some(position.filter(is_beyond).unwrap_or(SequencePosition {
        last_value: furthest,
        is_called: true,
    })))
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
