//! Surveys the tables, reads them from one snapshot, several at once, and measures the quality of their values. What is measured is
//! `quality`'s.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use whimbrel_core::{
    Catalog, Column, Depth, Dialect, Error, ErrorClass, Fidelity, ReadColumn, ReadLimits, Result, Snapshot,
    Source, SurveyRequest, Table, TableId, TableProfile,
};
use whimbrel_quality::{TableGauge, TableQuality, measure, measure_and_survey};

use crate::analyze::{AnalysisWatch, profile};

/// What is read.
pub(super) struct Readable<'a> {
    pub(super) source: &'a Arc<dyn Source>,
    pub(super) dialect: &'a dyn Dialect,
    pub(super) catalog: &'a Catalog,
    pub(super) tables: &'a [&'a Table],
}

/// What was found out about the tables.
pub(super) struct Measured {
    pub(super) profiles: BTreeMap<TableId, TableProfile>,
    pub(super) qualities: BTreeMap<TableId, TableQuality>,
}

/// Surveys every table that can be moved, and reads it once; in one pass where the engine can.
///
/// # Errors
/// When a table cannot be read.
pub(super) async fn measured(
    readable: Readable<'_>,
    limits: ReadLimits,
    watch: &dyn AnalysisWatch,
) -> Result<Measured> {
    let Readable { source, tables, .. } = readable;
    let mut found = Found::default();
    let is_divided = tables.iter().any(|table| table.partitioned_by.is_some());
    // What partitions are like is said of the whole, which nothing is known of before they are read.
    let profiles = if source.surveys_while_reading() && !is_divided {
        surveyed(&readable, limits, watch, &mut found).await?
    } else {
        profile(limits.jobs, source, tables, Depth::Survey, watch).await?
    };
    read(&readable, &profiles, limits, watch, &mut found).await?;
    Ok(Measured {
        qualities: found.finish(),
        profiles,
    })
}

/// Reads every table once, the largest first, while it is surveyed. A table that turns out to need to be read in another form, or alone, is
/// not among what was found.
async fn surveyed(
    readable: &Readable<'_>,
    limits: ReadLimits,
    watch: &dyn AnalysisWatch,
    found: &mut Found,
) -> Result<BTreeMap<TableId, TableProfile>> {
    let movable = readable.tables.iter().copied();
    let mut movable: Vec<&Table> = movable.filter(|table| table.unmovable.is_none()).collect();
    watch.tables(
        movable.len(),
        movable.iter().filter_map(|table| table.rows_estimate).sum(),
    );
    movable.sort_by_key(|table| (std::cmp::Reverse((table.bytes, table.rows_estimate)), &table.id));
    let ids: Vec<TableId> = movable.iter().map(|table| table.id.clone()).collect();
    let snapshot = readable.source.snapshot(&ids, limits.jobs.max(1)).await?;
    let jobs = movable.iter().map(|table| SurveyJob {
        snapshot: Arc::clone(&snapshot),
        request: SurveyRequest {
            table: (*table).clone(),
            batch_bytes: limits.batch_bytes(),
            row_bytes_max: limits.row_bytes_max(),
        },
    });
    let mut profiles = BTreeMap::new();
    let take = |(table, gauge, profile, read_as): (Table, TableGauge, TableProfile, Vec<ReadColumn>)| {
        watch.table(&table.id, profile.rows);
        let wanted = columns(readable.dialect, readable.catalog, &table, &profile);
        if read_as == wanted && !limits.is_large(profile.row_bytes_max) {
            found.add(table.id.clone(), &[], &gauge);
        }
        profiles.insert(table.id, profile);
    };
    all(jobs.map(SurveyJob::done), limits.jobs, take).await?;
    Ok(profiles)
}

/// Reads every table that has a profile once, the largest first, but for what was found already. What is found in partitions is said of the
/// whole, too, which is not read: it has no rows of its own.
async fn read(
    readable: &Readable<'_>,
    profiles: &BTreeMap<TableId, TableProfile>,
    limits: ReadLimits,
    watch: &dyn AnalysisWatch,
    found: &mut Found,
) -> Result<()> {
    let Readable { tables, catalog, .. } = *readable;
    let families = families(catalog, tables, profiles);
    let columns = |table: &Table, profile: &TableProfile| {
        // A column has one form in all partitions, since only what was read alike can be said of the whole.
        let family = families.get(&top(catalog, table));
        columns(readable.dialect, catalog, table, family.unwrap_or(profile))
    };
    let known = tables.iter().copied();
    let left = known.filter(|table| !found.qualities.contains_key(&table.id));
    let counted = left.filter_map(|table| Some((table, profiles.get(&table.id)?)));
    let (divided, mut chosen): (Vec<_>, Vec<_>) =
        counted.partition(|(table, _)| table.partitioned_by.is_some());
    let wholes = divided.into_iter().map(|(table, profile)| {
        let columns = columns(table, profile);
        (table.id.clone(), TableGauge::new(table, &columns))
    });
    found.wholes.extend(wholes);
    if chosen.is_empty() {
        return Ok(());
    }
    let rows = chosen.iter().map(|(_, profile)| profile.rows).sum();
    watch.tables(chosen.len(), rows);
    let ids: Vec<TableId> = chosen.iter().map(|(table, _)| table.id.clone()).collect();
    let snapshot = readable.source.snapshot(&ids, limits.jobs.max(1)).await?;
    chosen.sort_by_key(|(table, profile)| {
        let bytes = table.bytes.unwrap_or(profile.bytes);
        (std::cmp::Reverse(bytes), &table.id)
    });
    let job = |(table, profile): (&Table, &TableProfile)| {
        let job = Job {
            snapshot: Arc::clone(&snapshot),
            columns: columns(table, profile),
            above: above(catalog, table),
            table: table.clone(),
            batch_bytes: limits.batch_bytes(),
        };
        job.done()
    };
    let mut take = |(job, gauge): (Job, TableGauge)| {
        watch.table(&job.table.id, gauge.rows());
        found.add(job.table.id, &job.above, &gauge);
    };
    let (alone, together): (Vec<_>, Vec<_>) = chosen
        .into_iter()
        .partition(|(_, profile)| limits.is_large(profile.row_bytes_max));
    all(together.into_iter().map(job), limits.jobs, &mut take).await?;
    all(alone.into_iter().map(job), 1, &mut take).await
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// The partitioned tables, as far as their partitions were read.
    wholes: BTreeMap<TableId, TableGauge>,
    qualities: BTreeMap<TableId, TableQuality>,
}

impl Found {
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

/// A table to survey and read.
struct SurveyJob {
    snapshot: Arc<dyn Snapshot>,
    request: SurveyRequest,
}

impl SurveyJob {
    async fn done(self) -> Result<(Table, TableGauge, TableProfile, Vec<ReadColumn>)> {
        let table = self.request.table.clone();
        let found = measure_and_survey(&*self.snapshot, self.request).await;
        let (gauge, profile, columns) =
            found.map_err(|error| error.during(format_args!("profile table `{}`", table.id)))?;
        Ok((table, gauge, profile, columns))
    }
}

/// Runs so many jobs at once, each on a thread of its own: measuring is work.
async fn all<T: Send + 'static>(
    mut waiting: impl Iterator<Item = impl Future<Output = Result<T>> + Send + 'static>,
    at_once: usize,
    mut take: impl FnMut(T),
) -> Result<()> {
    let mut at_work = JoinSet::new();
    loop {
        while at_work.len() < at_once.max(1) {
            match waiting.next() {
                Some(job) => drop(at_work.spawn(job)),
                None => break,
            }
        }
        let Some(done) = at_work.join_next().await else {
            return Ok(());
        };
        take(
            done.map_err(|panic| {
                Error::new(ErrorClass::Bug, "reading a table broke off").with_cause(panic)
            })??,
        );
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

#[cfg(test)]
mod tests;
