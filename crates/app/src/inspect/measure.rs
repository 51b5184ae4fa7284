//! Reads the tables from one snapshot, several at once, and measures the quality of their values. What is measured is `quality`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use whimbrel_core::{
    BATCH_BYTES, Catalog, Column, Dialect, Error, ErrorClass, Fidelity, ReadColumn, Result, Snapshot, Source,
    Table, TableId, TableProfile,
};
use whimbrel_quality::{TableQuality, measure};

use crate::analyze::AnalysisWatch;

/// How often a batch is in memory: in the network's buffers, being built, waiting and being measured.
const COPIES: u64 = 8;
/// A table with a row above this part of the memory is read alone.
const ALONE_ABOVE: u64 = 16;

/// How many at once, and in how much memory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) jobs: usize,
    pub(super) memory_bytes: u64,
}

impl Limits {
    fn batch_bytes(self) -> usize {
        let share = self.memory_bytes / (self.jobs.max(1) as u64 * COPIES);
        usize::try_from(share).map_or(BATCH_BYTES, |share| share.clamp(64 << 10, BATCH_BYTES / 4))
    }
}

/// What is read.
pub(super) struct Readable<'a> {
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) catalog: &'a Catalog,
    pub(super) tables: &'a [&'a Table],
    pub(super) profiles: &'a BTreeMap<TableId, TableProfile>,
}

/// Reads every table that has a profile once, the largest first.
///
/// # Errors
/// When a table cannot be read.
pub(super) async fn qualities(
    readable: Readable<'_>,
    limits: Limits,
    watch: &dyn AnalysisWatch,
) -> Result<BTreeMap<TableId, TableQuality>> {
    let Readable { tables, profiles, .. } = readable;
    let mut chosen: Vec<(&Table, &TableProfile)> = tables
        .iter()
        .filter_map(|table| Some((*table, profiles.get(&table.id)?)))
        .collect();
    if chosen.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = chosen.iter().map(|(_, profile)| profile.rows).sum();
    watch.tables(chosen.len(), rows);
    let ids: Vec<TableId> = chosen.iter().map(|(table, _)| table.id.clone()).collect();
    let snapshot = readable.source.snapshot(&ids, limits.jobs.max(1)).await?;
    chosen.sort_by_key(|(table, profile)| {
        let bytes = table.bytes.unwrap_or(profile.bytes);
        (std::cmp::Reverse(bytes), &table.id)
    });
    let jobs = |(table, profile): (&Table, &TableProfile)| Job {
        snapshot: Arc::clone(&snapshot),
        columns: columns(readable.dialect, readable.catalog, table, profile),
        table: table.clone(),
        batch_bytes: limits.batch_bytes(),
    };
    let (alone, together): (Vec<_>, Vec<_>) = chosen
        .into_iter()
        .partition(|(_, profile)| profile.row_bytes_max > limits.memory_bytes / ALONE_ABOVE);
    let mut found = all(together.into_iter().map(jobs), limits.jobs, watch).await?;
    found.extend(all(alone.into_iter().map(jobs), 1, watch).await?);
    Ok(found)
}

/// A table to read.
struct Job {
    snapshot: Arc<dyn Snapshot>,
    table: Table,
    columns: Vec<ReadColumn>,
    batch_bytes: usize,
}

impl Job {
    async fn done(self) -> Result<(TableId, TableQuality)> {
        let quality = measure(&*self.snapshot, &self.table, self.columns, self.batch_bytes)
            .await
            .map_err(|error| error.during(format_args!("read table `{}`", self.table.id)))?;
        Ok((self.table.id, quality))
    }
}

/// Runs so many jobs at once, each on a thread of its own: measuring is work.
async fn all(
    mut waiting: impl Iterator<Item = Job>,
    at_once: usize,
    watch: &dyn AnalysisWatch,
) -> Result<BTreeMap<TableId, TableQuality>> {
    let mut found = BTreeMap::new();
    let mut at_work = JoinSet::new();
    loop {
        while at_work.len() < at_once.max(1) {
            match waiting.next() {
                Some(job) => drop(at_work.spawn(job.done())),
                None => break,
            }
        }
        let Some(done) = at_work.join_next().await else {
            return Ok(found);
        };
        let (table, quality) = done
            .map_err(|panic| Error::new(ErrorClass::Bug, "reading a table broke off").with_cause(panic))??;
        watch.table(&table, quality.rows);
        found.insert(table, quality);
    }
}

/// In what form each column is read: the one in which it would travel to another engine, else the engine's own.
fn columns(
    dialect: &dyn Dialect,
    catalog: &Catalog,
    table: &Table,
    profile: &TableProfile,
) -> Vec<ReadColumn> {
    let read = |column: &Column| {
        let mapped = dialect.logical(column, catalog, profile.columns.get(&column.name));
        let logical = match mapped.fidelity {
            Fidelity::Exact | Fidelity::Widened(_) | Fidelity::Lossy(_) => mapped.to,
            Fidelity::Unsupported(_) => dialect.wire(column),
        };
        ReadColumn {
            name: column.name.clone(),
            native: column.native.clone(),
            logical,
            rule: None,
        }
    };
    table.columns.iter().map(read).collect()
}
