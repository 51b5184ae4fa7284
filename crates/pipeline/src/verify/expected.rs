//! What the target must hold: the ledger's digests of what arrived; without a ledger, the source as it is now.

use std::collections::BTreeMap;
use std::sync::Arc;

use whimbrel_core::{ChunkRecord, Digest, Result, TableAggregate, TableId};

use super::read::{Reading, totals};
use crate::arrived::Totals;
use crate::begin::same_source;
use crate::columns::{Side, source_columns, withhold};
use crate::context::RunContext;
use crate::failure::Failure;
use crate::planned::Planned;
use crate::retry::retry;
use crate::store::SnapshotRecord;

/// What the target must hold.
pub(super) struct Expected {
    /// The position that it is true for.
    pub(super) position: String,
    pub(super) tables: BTreeMap<TableId, Result<TableExpected, String>>,
}

/// What one table must hold; else why nobody can know.
pub(super) struct TableExpected {
    pub(super) digest: Digest,
    /// Rows that were left out on the way.
    pub(super) rejected: u64,
    /// Per column, how many values its rule changed.
    pub(super) ruled: Vec<u64>,
    /// Rows that came after the snapshot, because they had been rejected.
    pub(super) replayed: u64,
    /// What the source said, columns by source names.
    pub(super) aggregate: Option<TableAggregate>,
}

pub(super) async fn load(ctx: &Arc<RunContext>) -> Result<Expected, Failure> {
    let ledger = ctx.target.ledger();
    let id = &ctx.plan.migration_id;
    if retry(ctx, "read the ledger", || ledger.epoch(id))
        .await?
        .is_some()
    {
        let chunks = retry(ctx, "read the ledger", || ledger.chunks(id)).await?;
        return Ok(from_ledger(ctx, &chunks));
    }
    ctx.notice("the target has no ledger of this migration; comparing with the source as it is now");
    from_source(ctx).await
}

fn from_ledger(ctx: &RunContext, chunks: &[ChunkRecord]) -> Expected {
    let record = SnapshotRecord::load(&ctx.dir).unwrap_or_default();
    let position = chunks
        .iter()
        .rev()
        .find_map(|chunk| chunk.position.clone())
        .unwrap_or_else(|| record.position.clone());
    let mut of_tables: BTreeMap<&TableId, Vec<&ChunkRecord>> = BTreeMap::new();
    for chunk in chunks {
        of_tables.entry(&chunk.target).or_default().push(chunk);
    }
    let tables = ctx.plan.tables.iter().map(|plan| {
        let id = &plan.target.id;
        let of_table = of_tables.remove(id).unwrap_or_default();
        let aggregate = record
            .tables
            .get(&id.to_string())
            .filter(|_| record.position == position)
            .cloned();
        (id.clone(), sum(&of_table, &position, aggregate))
    });
    Expected {
        tables: tables.collect(),
        position: position.clone(),
    }
}

fn sum(
    chunks: &[&ChunkRecord],
    position: &str,
    aggregate: Option<TableAggregate>,
) -> Result<TableExpected, String> {
    if chunks.is_empty() {
        return Err("nothing of it has been copied".to_owned());
    }
    let mut left = 0;
    for chunk in chunks {
        match &chunk.result {
            Some(_) if chunk.position.as_deref() != Some(position) => {
                return Err("its chunks come from different snapshots".to_owned());
            }
            // A replay that was killed has written nothing; its rows are still counted as rejected.
            None if !chunk.chunk.range.is_exact() => left += 1,
            Some(_) | None => {}
        }
    }
    if left > 0 {
        return Err(format!("{left} of {} chunks have not arrived", chunks.len()));
    }
    let totals = Totals::of(chunks.iter().copied());
    Ok(TableExpected {
        digest: totals.digest,
        rejected: totals.rejected,
        ruled: totals.ruled,
        replayed: totals.replayed,
        aggregate,
    })
}

async fn from_source(ctx: &Arc<RunContext>) -> Result<Expected, Failure> {
    let tables = ctx.source_tables();
    let readers = ctx.limits.jobs.max(1);
    let snapshot = retry(ctx, "open a snapshot", || ctx.source.snapshot(&tables, readers)).await?;
    let catalog = retry(ctx, "read the source's catalog", || ctx.source.catalog()).await?;
    same_source(ctx, &catalog)?;
    let reading = |plan: Planned| Reading {
        table: plan.source.clone(),
        plan,
        side: Side::Source,
    };
    let found = totals(ctx, &snapshot, Planned::all(&ctx.plan).map(reading).collect()).await?;
    let places = Planned::places(&ctx.plan);
    let mut tables = BTreeMap::new();
    for (id, found) in found {
        let Some(plan) = places.get(&id).map(|at| &ctx.plan.tables[*at]) else {
            continue;
        };
        let columns = source_columns(plan);
        let mut aggregate = retry(ctx, "count a table", || {
            snapshot.aggregate(&plan.source, &columns)
        })
        .await?;
        withhold(plan, Side::Source, &mut aggregate);
        let expected = found.map_err(|error| error.chain()).map(|found| TableExpected {
            digest: found.digest,
            rejected: found.rejected,
            ruled: found.ruled,
            replayed: 0,
            aggregate: Some(aggregate),
        });
        tables.insert(id, expected);
    }
    Ok(Expected {
        position: snapshot.position().0,
        tables,
    })
}
