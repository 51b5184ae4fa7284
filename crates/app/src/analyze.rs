//! The analysis of a pair of databases: what is there, what could hinder, and what one full pass over the source finds.
//! Nothing is changed; what follows from it is planned in `plan.rs`.

mod collisions;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use whimbrel_core::{
    Catalog, Depth, Error, ErrorClass, Finding, Mapping, ObjectKind, Result, Severity, Source, Table,
    TableId, TableProfile, Target,
};

use crate::address::Address;
use crate::connectors::connector;
use crate::mapping::{self, Mapped, Opened};
use crate::refusal;
use crate::setup::Setup;

/// A table of at most this size is profiled together with others.
const SMALL_TABLE_BYTES: u64 = 64 * 1024;
/// Where the engine does not know sizes, so many tables are not put together: some of them may be large.
const FEW_TABLES: usize = 200;
/// Groups of small tables that each connection gets, so that none waits long for the last.
const GROUPS_PER_JOB: usize = 4;
/// Most tables of one group: what is known about them stands in memory together, and progress is told after each.
const GROUP_TABLES_MAX: usize = 1000;

/// The two databases of a migration, as a request names them.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Where the data comes from.
    pub source: Address,
    /// Where the data goes.
    pub target: Address,
}

impl Pair {
    /// Reads the two texts.
    ///
    /// # Errors
    /// As [`Setup::address`], and when both mean the same database.
    pub fn read(setup: &Setup, source: &str, target: &str) -> Result<Self> {
        let pair = Self {
            source: setup.address(source)?,
            target: setup.address(target)?,
        };
        if pair.source.is_same_place(&pair.target) {
            return Err(pair.is_one_database());
        }
        Ok(pair)
    }

    /// Two URLs can lead to one database; moving it into itself would change the source.
    ///
    /// # Errors
    /// A usage error when they do.
    pub(crate) async fn refuse_one_database(&self, source: &Opened, target: &dyn Target) -> Result<()> {
        let engine = connector(&self.target.url.scheme)?.name();
        let own = match &source.through {
            Some(through) => through.identities().await?,
            None => vec![(
                connector(&self.source.url.scheme)?.name(),
                source.source.identity().await?,
            )],
        };
        let mut own = own.into_iter().filter(|(name, _)| *name == engine).peekable();
        if own.peek().is_none() {
            return Ok(());
        }
        let target = target.as_source().identity().await?;
        match target.is_some() && own.any(|(_, identity)| identity == target) {
            true => Err(self.is_one_database()),
            false => Ok(()),
        }
    }

    fn is_one_database(&self) -> Error {
        let (source, target) = (self.source.url.masked(), self.target.url.masked());
        let other = if source == target {
            String::new()
        } else {
            format!(", which `{target}` leads to, too")
        };
        refusal::usage(format!(
            "source and target are the same database, `{source}`{other}"
        ))
        .with_hint("name another target")
    }
}

/// What the analysis found.
pub(crate) struct Analysis {
    /// The databases' addresses.
    pub(crate) pair: Pair,
    /// The source, open, seen through the mapping.
    pub(crate) source: Arc<dyn Source>,
    /// The mapping, when there is one.
    pub(crate) mapped: Option<Mapped>,
    /// The target, open.
    pub(crate) target: Arc<dyn Target>,
    /// What the source holds.
    pub(crate) source_catalog: Catalog,
    /// What the target holds.
    pub(crate) target_catalog: Catalog,
    /// What one pass over each planned table found.
    pub(crate) profiles: BTreeMap<TableId, TableProfile>,
    /// What could hinder reading and writing.
    pub(crate) preflight: Vec<Finding>,
}

/// Follows an analysis.
pub trait AnalysisWatch: Send + Sync {
    /// Is told the number of tables and their estimated rows before the first is read.
    fn tables(&self, count: usize, rows_estimate: u64);

    /// Is told about each table that was read.
    fn table(&self, table: &TableId, rows: u64);
}

/// Analyzes the pair; `choose` tells from the catalogs which tables are read.
///
/// # Errors
/// When a database cannot be reached or read at all; everything else becomes a finding.
pub(crate) async fn analyze(
    setup: &Setup,
    mut pair: Pair,
    mapping: &Mapping,
    choose: impl FnOnce(&Analysis) -> Result<BTreeSet<TableId>>,
    watch: &dyn AnalysisWatch,
) -> Result<Analysis> {
    let labels = (pair.source.label(), pair.target.label());
    let at_source = |error: Error| error.during(format_args!("source {}", labels.0));
    let at_target = |error: Error| error.during(format_args!("target {}", labels.1));
    let opened = mapping::open(setup, &mut pair.source, mapping, &pair.target.url.scheme).await;
    let opened = opened.map_err(at_source)?;
    let target = setup.open_target(&mut pair.target).await.map_err(at_target)?;
    pair.refuse_one_database(&opened, &*target).await?;
    let source = opened.source;
    let preflight = reachable(source.check().await.map_err(at_source)?).map_err(at_source)?;
    let mapped = match opened.through {
        Some(through) => Some(
            Mapped::describe(&pair.source, through, mapping)
                .await
                .map_err(at_source)?,
        ),
        None => None,
    };
    let mut analysis = Analysis {
        mapped,
        source_catalog: source.catalog().await.map_err(at_source)?,
        target_catalog: target.as_source().catalog().await.map_err(at_target)?,
        pair,
        source,
        target,
        profiles: BTreeMap::new(),
        preflight,
    };
    let chosen = choose(&analysis)?;
    // Other engines get a partitioned table as one, so it is read with its partitions.
    let flattened = analysis.source_catalog.engine != analysis.target_catalog.engine;
    let tables = analysis.source_catalog.tables.iter();
    let tables: Vec<Cow<'_, Table>> = tables
        .filter(|table| chosen.contains(&table.id))
        .map(|table| match flattened && table.partitioned_by.is_some() {
            true => Cow::Owned(Table {
                flattened,
                ..table.clone()
            }),
            false => Cow::Borrowed(table),
        })
        .collect();
    let ids: Vec<TableId> = tables.iter().map(|table| table.id.clone()).collect();
    let held = analysis.source.check_snapshot(&ids).await.map_err(at_source)?;
    analysis.preflight.extend(held);
    let bytes = tables.iter().filter_map(|table| table.bytes).sum();
    let hindrances = hindrances(&*analysis.target, &ids, bytes).await;
    analysis.preflight.extend(hindrances.map_err(at_target)?);
    let barred = barred(&analysis.preflight);
    let readable: Vec<&Table> = tables
        .iter()
        .map(AsRef::as_ref)
        .filter(|table| !barred.contains(&table.id))
        .collect();
    let profiles = profile(setup.jobs, &analysis.source, &readable, Depth::Profile, watch).await;
    let profiles = profiles.map_err(at_source)?;
    if let Some(mapped) = &analysis.mapped {
        let covered = mapped.through.coverage(&readable, &profiles).await;
        let covered = covered.map_err(at_source)?;
        analysis.preflight.extend(covered);
        let unkept = mapped.through.unkept(&readable).await;
        analysis.preflight.extend(unkept.map_err(at_source)?);
    }
    analysis.profiles = profiles;
    let meeting = collisions::count(setup.jobs, &analysis, &readable).await;
    for (table, found) in meeting.map_err(at_source)? {
        analysis.profiles.entry(table).or_default().uniques.extend(found);
    }
    Ok(analysis)
}

/// Returns what hinders that so many bytes are written, and a state of the tables read back.
async fn hindrances(target: &dyn Target, tables: &[TableId], bytes: u64) -> Result<Vec<Finding>> {
    let mut found = target.as_source().check_snapshot(tables).await?;
    found.extend(reachable(target.check(bytes).await?)?);
    Ok(found)
}

/// Returns the tables that findings forbid: reading them would fail, and hide what else there is to say.
pub(crate) fn barred(findings: &[Finding]) -> BTreeSet<&TableId> {
    findings
        .iter()
        .filter(|finding| finding.severity == Severity::Blocker && finding.subject.kind == ObjectKind::Table)
        .map(|finding| &finding.subject.owner)
        .collect()
}

/// Stops where a database that cannot be reached is only a finding: nothing more can be said about it.
fn reachable(findings: Vec<Finding>) -> Result<Vec<Finding>> {
    let lost = |finding: &&Finding| finding.code == "connection" && finding.severity == Severity::Blocker;
    match findings.iter().find(lost) {
        Some(finding) => Err(Error::new(ErrorClass::Denied, finding.message.clone())
            .with_code("connection")
            .with_hint(hint_of(finding).unwrap_or("check host, port, login and database name"))),
        None => Ok(findings),
    }
}

/// Returns what a connector says can be done about a finding.
pub(crate) fn hint_of(finding: &Finding) -> Option<&str> {
    let mut facts = finding.evidence.iter();
    facts.find_map(|fact| fact.strip_prefix("hint: "))
}

/// Looks at the tables that can be moved, several at once.
pub(crate) async fn profile(
    jobs: usize,
    source: &Arc<dyn Source>,
    tables: &[&Table],
    depth: Depth,
    watch: &dyn AnalysisWatch,
) -> Result<BTreeMap<TableId, TableProfile>> {
    let movable: Vec<&Table> = tables
        .iter()
        .copied()
        .filter(|table| table.unmovable.is_none())
        .collect();
    watch.tables(
        movable.len(),
        movable.iter().filter_map(|table| table.rows_estimate).sum(),
    );
    let jobs = jobs.max(1);
    let together = |group: Vec<Table>| {
        let source = Arc::clone(source);
        async move {
            let found = source.profiles(&group, depth).await?;
            for (table, profile) in group.iter().zip(&found) {
                watch.table(&table.id, profile.rows);
            }
            Ok::<_, Error>(group.into_iter().map(|table| table.id).zip(found))
        }
    };
    let groups = groups(jobs, &movable).into_iter();
    let groups = groups.map(|group| group.into_iter().cloned().collect());
    stream::iter(groups.map(together))
        .buffer_unordered(jobs)
        .map_ok(|found| stream::iter(found.map(Ok::<_, Error>)))
        .try_flatten()
        .try_collect()
        .await
}

/// Puts small tables together, as many as leave every connection several groups; each large one is alone, and the largest go first.
fn groups<'a>(jobs: usize, tables: &[&'a Table]) -> Vec<Vec<&'a Table>> {
    let are_few = tables.len() < FEW_TABLES;
    let (mut small, mut large): (Vec<&Table>, Vec<&Table>) = tables.iter().copied().partition(|table| {
        let bytes = table.bytes.unwrap_or(if are_few { u64::MAX } else { 0 });
        bytes <= SMALL_TABLE_BYTES
    });
    large.sort_by_key(|table| std::cmp::Reverse(table.bytes));
    small.sort_by(|a, b| a.id.cmp(&b.id));
    let size = small
        .len()
        .div_ceil(jobs * GROUPS_PER_JOB)
        .clamp(1, GROUP_TABLES_MAX);
    let large = large.into_iter().map(|table| vec![table]);
    let small = small.chunks(size).map(<[&Table]>::to_vec);
    large.chain(small).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(number: usize, bytes: Option<u64>) -> Table {
        Table {
            bytes,
            ..Table::empty(TableId::bare(format!("t{number:05}")))
        }
    }

    #[test]
    fn small_tables_share_a_question_and_large_ones_come_first_and_alone() {
        let mut tables: Vec<Table> = (0..10_000).map(|number| table(number, Some(4096))).collect();
        tables[7].bytes = Some(1 << 30);
        tables[9].bytes = Some(2 << 30);
        let groups = groups(2, &tables.iter().collect::<Vec<_>>());
        let names = |group: &Vec<&Table>| -> Vec<String> {
            group.iter().map(|table| table.id.name.clone()).collect()
        };
        assert_eq!(groups.len(), 2 + 10);
        assert_eq!(names(&groups[0]), ["t00009"]);
        assert_eq!(names(&groups[1]), ["t00007"]);
        let mut all: Vec<String> = groups.iter().flat_map(names).collect();
        all.sort();
        let wanted: Vec<String> = tables.iter().map(|table| table.id.name.clone()).collect();
        assert_eq!(all, wanted);
    }

    #[test]
    fn a_few_tables_of_unknown_size_are_read_side_by_side() {
        let tables: Vec<Table> = (0..24).map(|number| table(number, None)).collect();
        assert_eq!(groups(2, &tables.iter().collect::<Vec<_>>()).len(), 24);
    }
}
