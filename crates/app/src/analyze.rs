//! The analysis of a pair of databases: what is there, what could hinder, and what one full pass over the source finds.
//! Nothing is changed; what follows from it is planned in `plan.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use whimbrel_core::{
    Catalog, Error, ErrorClass, Finding, ObjectKind, Result, Severity, Source, Table, TableId, TableProfile,
    Target,
};

use crate::address::Address;
use crate::connectors::connector;
use crate::refusal;
use crate::setup::Setup;

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
    pub(crate) async fn refuse_one_database(&self, source: &dyn Source, target: &dyn Target) -> Result<()> {
        let is_one_engine =
            connector(&self.source.url.scheme)?.name() == connector(&self.target.url.scheme)?.name();
        if !is_one_engine {
            return Ok(());
        }
        match (source.identity().await?, target.as_source().identity().await?) {
            (Some(one), Some(other)) if one == other => Err(self.is_one_database()),
            _ => Ok(()),
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
    /// The source, open.
    pub(crate) source: Arc<dyn Source>,
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
    choose: impl FnOnce(&Analysis) -> Result<BTreeSet<TableId>>,
    watch: &dyn AnalysisWatch,
) -> Result<Analysis> {
    let labels = (pair.source.label(), pair.target.label());
    let at_source = |error: Error| error.during(format_args!("source {}", labels.0));
    let at_target = |error: Error| error.during(format_args!("target {}", labels.1));
    let source = setup.open_source(&mut pair.source).await.map_err(at_source)?;
    let target = setup.open_target(&mut pair.target).await.map_err(at_target)?;
    pair.refuse_one_database(&*source, &*target).await?;
    let preflight = reachable(source.check().await.map_err(at_source)?).map_err(at_source)?;
    let mut analysis = Analysis {
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
    let tables: Vec<Table> = analysis
        .source_catalog
        .tables
        .iter()
        .filter(|table| chosen.contains(&table.id))
        .map(|table| Table {
            flattened: flattened && table.partitioned_by.is_some(),
            ..table.clone()
        })
        .collect();
    let bytes = tables.iter().filter_map(|table| table.bytes).sum();
    let hindrances = analysis.target.check(bytes).await.map_err(at_target)?;
    analysis
        .preflight
        .extend(reachable(hindrances).map_err(at_target)?);
    let barred = barred(&analysis.preflight);
    let readable: Vec<&Table> = tables
        .iter()
        .filter(|table| !barred.contains(&table.id))
        .collect();
    let profiles = profile(setup.jobs, &analysis.source, &readable, watch).await;
    analysis.profiles = profiles.map_err(at_source)?;
    Ok(analysis)
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

/// Profiles the tables that can be moved, several at once.
pub(crate) async fn profile(
    jobs: usize,
    source: &Arc<dyn Source>,
    tables: &[&Table],
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
    let one = |table: Table| {
        let source = Arc::clone(source);
        async move {
            let profile = source.profile(&table).await.map_err(|error| {
                error.during(format_args!("profile {} `{}`", ObjectKind::Table, table.id))
            })?;
            watch.table(&table.id, profile.rows);
            Ok::<_, Error>((table.id, profile))
        }
    };
    stream::iter(movable.into_iter().cloned().map(one))
        .buffer_unordered(jobs.max(1))
        .try_collect()
        .await
}
