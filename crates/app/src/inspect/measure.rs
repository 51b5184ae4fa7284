//! Reads the tables from one snapshot, several at once, and measures the quality of their values. What is measured is `quality`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use whimbrel_core::{
    Catalog, Column, Dialect, Error, ErrorClass, Fidelity, ReadColumn, ReadLimits, Result, Snapshot, Source,
    Table, TableId, TableProfile,
};
use whimbrel_quality::{TableGauge, TableQuality, measure};

use crate::analyze::AnalysisWatch;

/// What is read.
pub(super) struct Readable<'a> {
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) catalog: &'a Catalog,
    pub(super) tables: &'a [&'a Table],
    pub(super) profiles: &'a BTreeMap<TableId, TableProfile>,
}

/// Reads every table that has a profile once, the largest first. What is found in partitions is said of the whole, too, which is not read:
/// it has no rows of its own.
///
/// # Errors
/// When a table cannot be read.
pub(super) async fn qualities(
    readable: Readable<'_>,
    limits: ReadLimits,
    watch: &dyn AnalysisWatch,
) -> Result<BTreeMap<TableId, TableQuality>> {
    let Readable {
        tables,
        profiles,
        catalog,
        ..
    } = readable;
    let families = families(catalog, tables, profiles);
    let columns = |table: &Table, profile: &TableProfile| {
        // A column has one form in all partitions, since only what was read alike can be said of the whole.
        let family = families.get(&top(catalog, table));
        columns(readable.dialect, catalog, table, family.unwrap_or(profile))
    };
    let counted = tables
        .iter()
        .filter_map(|table| Some((*table, profiles.get(&table.id)?)));
    let (divided, mut chosen): (Vec<_>, Vec<_>) =
        counted.partition(|(table, _)| table.partitioned_by.is_some());
    let wholes = divided.into_iter().map(|(table, profile)| {
        let columns = columns(table, profile);
        (table.id.clone(), TableGauge::new(table, &columns))
    });
    let mut found = Found::new(wholes.collect());
    if chosen.is_empty() {
        return Ok(found.finish());
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
        columns: columns(table, profile),
        above: above(catalog, table),
        table: table.clone(),
        batch_bytes: limits.batch_bytes(),
    };
    let (alone, together): (Vec<_>, Vec<_>) = chosen
        .into_iter()
        .partition(|(_, profile)| limits.is_large(profile.row_bytes_max));
    all(together.into_iter().map(jobs), limits.jobs, watch, &mut found).await?;
    all(alone.into_iter().map(jobs), 1, watch, &mut found).await?;
    Ok(found.finish())
}

/// What was found so far.
struct Found {
    /// The partitioned tables, as far as their partitions were read.
    wholes: BTreeMap<TableId, TableGauge>,
    qualities: BTreeMap<TableId, TableQuality>,
}

impl Found {
    fn new(wholes: BTreeMap<TableId, TableGauge>) -> Self {
        Self {
            wholes,
            qualities: BTreeMap::new(),
        }
    }

    /// Takes in a table, also for those whose partition it is.
    fn add(&mut self, table: TableId, above: &[TableId], gauge: &TableGauge) {
        for whole in above {
            if let Some(whole) = self.wholes.get_mut(whole) {
                whole.absorb(gauge);
            }
        }
        self.qualities.insert(table, gauge.finish());
    }

    fn finish(mut self) -> BTreeMap<TableId, TableQuality> {
        let wholes = self.wholes.into_iter();
        self.qualities
            .extend(wholes.map(|(id, gauge)| (id, gauge.finish())));
        self.qualities
    }
}

/// Returns the tables whose partition a table is, the nearest first.
fn above(catalog: &Catalog, table: &Table) -> Vec<TableId> {
    let mut found = Vec::new();
    let mut next = table.partition_of.as_ref();
    while let Some(partition) = next {
        found.push(partition.parent.clone());
        next = catalog
            .table(&partition.parent)
            .and_then(|parent| parent.partition_of.as_ref());
    }
    found
}

/// The partitioned table that a table is part of, or the table itself.
fn top(catalog: &Catalog, table: &Table) -> TableId {
    above(catalog, table).pop().unwrap_or_else(|| table.id.clone())
}

/// What the profiles of the partitions say of the columns of each partitioned table together, as far as the form of values depends on it.
fn families(
    catalog: &Catalog,
    tables: &[&Table],
    profiles: &BTreeMap<TableId, TableProfile>,
) -> BTreeMap<TableId, TableProfile> {
    let mut families: BTreeMap<TableId, TableProfile> = BTreeMap::new();
    let parts = tables.iter().filter(|table| table.partition_of.is_some());
    for (table, profile) in parts.filter_map(|table| Some((table, profiles.get(&table.id)?))) {
        let family = families.entry(top(catalog, table)).or_default();
        for (name, part) in &profile.columns {
            let whole = family.columns.entry(name.clone()).or_default();
            whole.invalid_text += part.invalid_text;
            whole.nul_text += part.nul_text;
            whole.odd_floats += part.odd_floats;
            whole.out_of_range += part.out_of_range;
            for (shape, rows) in &part.shapes {
                let seen = whole.shapes.entry(shape.clone()).or_default();
                *seen = match shape.ends_with("_max") {
                    true => (*seen).max(*rows),
                    false => *seen + rows,
                };
            }
        }
    }
    families
}

/// A table to read.
struct Job {
    snapshot: Arc<dyn Snapshot>,
    table: Table,
    above: Vec<TableId>,
    columns: Vec<ReadColumn>,
    batch_bytes: usize,
}

impl Job {
    async fn done(self) -> Result<(Self, TableGauge)> {
        let columns = self.columns.clone();
        let gauge = measure(&*self.snapshot, &self.table, columns, self.batch_bytes)
            .await
            .map_err(|error| error.during(format_args!("read table `{}`", self.table.id)))?;
        Ok((self, gauge))
    }
}

/// Runs so many jobs at once, each on a thread of its own: measuring is work.
async fn all(
    mut waiting: impl Iterator<Item = Job>,
    at_once: usize,
    watch: &dyn AnalysisWatch,
    found: &mut Found,
) -> Result<()> {
    let mut at_work = JoinSet::new();
    loop {
        while at_work.len() < at_once.max(1) {
            match waiting.next() {
                Some(job) => drop(at_work.spawn(job.done())),
                None => break,
            }
        }
        let Some(done) = at_work.join_next().await else {
            return Ok(());
        };
        let (job, gauge) = done
            .map_err(|panic| Error::new(ErrorClass::Bug, "reading a table broke off").with_cause(panic))??;
        watch.table(&job.table.id, gauge.rows());
        found.add(job.table.id, &job.above, &gauge);
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
