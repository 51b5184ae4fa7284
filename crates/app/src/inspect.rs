//! Looking at one database: what it holds, with exact counts and sizes, how good its values are, and what could hinder reading it. Nothing is
//! changed.

mod detail;
mod measure;
mod page;
mod remarks;
mod suspicion;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use whimbrel_core::{
    Catalog, Depth, Families, Finding, Mapping, Result, Source, Table, TableId, TableProfile, TableUsage,
    Usage,
};

use self::detail::{Known, detail, usage_of};
use self::measure::{Measured, Readable, measured};
use self::suspicion::suspicions;
use crate::address::Address;
use crate::analyze::{AnalysisWatch, barred, profile};
use crate::connectors::connector;
use crate::mapping;
use crate::refusal;
use crate::setup::Setup;

pub use detail::{ColumnDetail, KeyDetail, ReferenceDetail, TableDetail};
pub use page::PageFile;
pub use remarks::{Remark, Weight};
pub use suspicion::SuspectedDetail;

/// A request to look at a database.
#[derive(Debug, Clone)]
pub struct InspectRequest {
    /// The database: a URL, or a name from the settings.
    pub database: String,
    /// True to read every table once more and measure the quality of its values.
    pub profile: bool,
}

/// What a database holds.
#[derive(Debug, Clone, Serialize)]
pub struct Inventory {
    /// The engine.
    pub engine: String,
    /// Its version.
    pub version: String,
    /// The database, without secrets.
    pub url: String,
    /// Its bare name.
    pub database: String,
    /// Text encoding.
    pub encoding: String,
    /// Rows of all tables.
    pub rows: u64,
    /// Bytes of all tables.
    pub size_bytes: u64,
    /// Tables.
    pub tables: Vec<TableInventory>,
    /// How many objects there are, by kind.
    pub objects: Vec<ObjectCount>,
    /// What could hinder reading.
    pub findings: Vec<Finding>,
    /// Whether the engine counts how tables are used; none when nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageNote>,
    /// When it was looked at, UTC.
    pub inspected_at: String,
}

/// Whether the engine counts how tables are used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum UsageNote {
    /// It does not, or this user may not see it.
    NotKnown {
        /// Why.
        why: String,
    },
    /// It does; the counts stand with the tables.
    Counted {
        /// Where the counts come from.
        place: String,
        /// Since when; none when the engine does not say.
        since: Option<String>,
    },
}

/// What a table holds.
#[derive(Debug, Clone, Serialize)]
pub struct TableInventory {
    /// Its name.
    pub table: String,
    /// Exact number of rows; none for a table that cannot be moved or read. Those of a partitioned table are in its partitions, at all
    /// levels; where these are tables too, the inventory's number counts them once.
    pub rows: Option<u64>,
    /// Size of the data in bytes, with that of its partitions.
    pub size_bytes: u64,
    /// How many tables hold its rows, for one that is divided into tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<usize>,
    /// The table whose partition it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_of: Option<String>,
    /// Rows of the tables that inherit from it, which a query of it shows too; they are not among its `rows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherited_rows: Option<u64>,
    /// Number of columns.
    pub columns: usize,
    /// Number of indexes, those of keys apart.
    pub indexes: usize,
    /// Number of foreign keys.
    pub foreign_keys: usize,
    /// The primary key's columns.
    pub primary_key: Vec<String>,
    /// Why it cannot be moved, when it cannot.
    pub unmovable: Option<String>,
    /// Its columns, keys and references, and the quality of its values; none when nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<TableDetail>,
}

/// How many objects of a kind there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectCount {
    /// The kind, such as `view`.
    pub kind: String,
    /// How many.
    pub count: usize,
}

/// Reads the whole inventory of a database.
///
/// # Errors
/// When it cannot be reached or read.
pub async fn inspect(
    setup: &Setup,
    request: &InspectRequest,
    watch: &dyn AnalysisWatch,
) -> Result<Inventory> {
    let mut address = setup.address(&request.database)?;
    let source = open(setup, request, &mut address).await?;
    let opened = Opened {
        setup,
        source: &source,
        scheme: &address.url.scheme,
        is_profiled: request.profile,
    };
    let (findings, seen) = if source.check_may_bar_tables() {
        let findings = source.check().await?;
        let seen = opened.look(&barred(&findings), watch).await;
        (findings, seen)
    } else {
        let nothing = BTreeSet::new();
        let (findings, seen) = tokio::join!(source.check(), opened.look(&nothing, watch));
        (findings?, seen)
    };
    let Seen {
        catalog,
        usage,
        profiles,
        tables,
    } = seen?;
    Ok(Inventory {
        engine: catalog.engine.clone(),
        version: catalog.version.clone(),
        url: address.url.masked(),
        database: catalog.database.clone(),
        encoding: catalog.encoding.clone(),
        rows: profiles.values().map(|profile| profile.rows).sum(),
        size_bytes: catalog.tables.iter().map(|table| size(table, &profiles)).sum(),
        objects: objects(&catalog),
        tables,
        findings,
        usage: usage.map(note),
        inspected_at: setup.timestamp(),
    })
}

/// What was seen of a database, besides what could hinder reading it.
struct Seen {
    catalog: Catalog,
    usage: Option<Usage>,
    profiles: BTreeMap<TableId, TableProfile>,
    tables: Vec<TableInventory>,
}

/// A database that was opened, and how it is looked at.
struct Opened<'a> {
    setup: &'a Setup,
    source: &'a Arc<dyn Source>,
    scheme: &'a str,
    is_profiled: bool,
}

impl Opened<'_> {
    /// Looks at the catalog, and at all tables but the barred ones.
    async fn look(&self, barred: &BTreeSet<&TableId>, watch: &dyn AnalysisWatch) -> Result<Seen> {
        let source = self.source;
        let catalog = source.catalog().await?;
        let readable = catalog.tables.iter();
        let readable: Vec<&Table> = readable.filter(|table| !barred.contains(&table.id)).collect();
        if !self.is_profiled {
            let profiles = profile(self.setup.jobs, source, &readable, Depth::Survey, watch).await?;
            return Ok(Seen {
                tables: inventories(&catalog, &profiles),
                usage: None,
                profiles,
                catalog,
            });
        }
        // Before anything is read: what is read here is counted, too.
        let usage = source.usage().await?;
        let dialect = connector(self.scheme)?.dialect_of(&catalog);
        let what = Readable {
            source,
            dialect: &*dialect,
            catalog: &catalog,
            tables: &readable,
        };
        let Measured {
            profiles,
            mut qualities,
        } = measured(what, self.setup.read_limits(), watch).await?;
        let mut suspicions = suspicions(&**source, &*dialect, &readable, &qualities, self.setup.jobs).await;
        let families = Families::of(&catalog.tables);
        let counts = counts_of(&usage);
        let mut tables = inventories(&catalog, &profiles);
        for (found, table) in tables.iter_mut().zip(&catalog.tables) {
            let known = Known {
                profile: profiles.get(&table.id),
                quality: qualities.remove(&table.id),
                suspected: suspicions.remove(&table.id).unwrap_or_default(),
                usage: counts.and_then(|counts| usage_of(counts, table, &families)),
            };
            found.detail = Some(detail(table, known));
        }
        Ok(Seen {
            usage: Some(usage),
            profiles,
            tables,
            catalog,
        })
    }
}

fn inventories(catalog: &Catalog, profiles: &BTreeMap<TableId, TableProfile>) -> Vec<TableInventory> {
    let families = Families::of(&catalog.tables);
    let tables = catalog.tables.iter();
    tables.map(|table| of_table(table, &families, profiles)).collect()
}

/// Opens the database, or all sources of the settings as one.
async fn open(setup: &Setup, request: &InspectRequest, address: &mut Address) -> Result<Arc<dyn Source>> {
    if address.members.is_empty() {
        return setup.open_source(address).await;
    }
    if request.profile {
        return Err(
            refusal::usage("the values of several sources are looked at one source at a time").with_hint(
                format!(
                    "name one of them: whimbrel inspect {} --profile",
                    address.members[0].name
                ),
            ),
        );
    }
    let mapping = Mapping {
        sources: setup.settings.mapping()?.sources,
        ..Mapping::default()
    };
    // Nothing goes anywhere: any language of a target will do.
    let target = address.members[0].address.url.scheme.clone();
    Ok(mapping::through(setup, address, &mapping, &target).await?)
}

fn counts_of(usage: &Usage) -> Option<&BTreeMap<TableId, TableUsage>> {
    match usage {
        Usage::NotKnown { .. } => None,
        Usage::Counted { tables, .. } => Some(tables),
    }
}

fn note(usage: Usage) -> UsageNote {
    match usage {
        Usage::NotKnown { why } => UsageNote::NotKnown { why },
        Usage::Counted { place, since, .. } => UsageNote::Counted { place, since },
    }
}

fn of_table(
    table: &Table,
    families: &Families<'_>,
    profiles: &BTreeMap<TableId, TableProfile>,
) -> TableInventory {
    let rows = |tables: &[&Table]| -> Option<u64> {
        let counts = tables
            .iter()
            .map(|table| profiles.get(&table.id).map(|found| found.rows));
        counts.sum()
    };
    let (leaves, heirs) = (families.leaves(&table.id), families.heirs(&table.id));
    let whole = [&[table], leaves.as_slice()].concat();
    TableInventory {
        table: table.id.to_string(),
        rows: rows(&whole),
        size_bytes: whole.iter().map(|table| size(table, profiles)).sum(),
        partitions: table.partitioned_by.as_ref().map(|_| leaves.len()),
        partition_of: table.partition_of.as_ref().map(|part| part.parent.to_string()),
        inherited_rows: if heirs.is_empty() { None } else { rows(&heirs) },
        columns: table.columns.len(),
        indexes: table.indexes.len(),
        foreign_keys: table.foreign_keys.len(),
        primary_key: table
            .primary_key
            .as_ref()
            .map(|key| key.columns.clone())
            .unwrap_or_default(),
        unmovable: table.unmovable.clone(),
        detail: None,
    }
}

/// The size of what the table itself holds.
fn size(table: &Table, profiles: &BTreeMap<TableId, TableProfile>) -> u64 {
    let values = profiles.get(&table.id).map_or(0, |profile| profile.bytes);
    table.bytes.unwrap_or(values)
}

fn objects(catalog: &Catalog) -> Vec<ObjectCount> {
    let mut counts = vec![
        ("namespace".to_owned(), catalog.namespaces.len()),
        ("type".to_owned(), catalog.types.len()),
        ("sequence".to_owned(), catalog.sequences.len()),
        ("table".to_owned(), catalog.tables.len()),
        ("view".to_owned(), catalog.views.len()),
    ];
    let mut others = BTreeMap::new();
    for other in &catalog.others {
        *others.entry(other.kind.clone()).or_insert(0) += 1;
    }
    counts.extend(others);
    counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| ObjectCount { kind, count })
        .collect()
}
