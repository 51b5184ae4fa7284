//! Looking at one database: what it holds, with exact counts and sizes, and what could hinder reading it. Nothing is changed.

use serde::Serialize;
use whimbrel_core::{Catalog, Finding, Result, TableProfile};

use crate::analyze::{AnalysisWatch, barred, profile};
use crate::setup::Setup;

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
}

/// What a table holds.
#[derive(Debug, Clone, Serialize)]
pub struct TableInventory {
    /// Its name.
    pub table: String,
    /// Exact number of rows; none for a table that cannot be moved or read.
    pub rows: Option<u64>,
    /// Size of the data in bytes.
    pub size_bytes: u64,
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
pub async fn inspect(setup: &Setup, database: &str, watch: &dyn AnalysisWatch) -> Result<Inventory> {
    let mut address = setup.address(database)?;
    let source = setup.open_source(&mut address).await?;
    let findings = source.check().await?;
    let catalog = source.catalog().await?;
    let barred = barred(&findings);
    let readable = |table: &&whimbrel_core::Table| !barred.contains(&table.id);
    let tables: Vec<_> = catalog.tables.iter().filter(readable).collect();
    let profiles = profile(setup.jobs, &source, &tables, watch).await?;
    let tables: Vec<TableInventory> = catalog
        .tables
        .iter()
        .map(|table| of_table(table, profiles.get(&table.id)))
        .collect();
    Ok(Inventory {
        engine: catalog.engine.clone(),
        version: catalog.version.clone(),
        url: address.url.masked(),
        database: catalog.database.clone(),
        encoding: catalog.encoding.clone(),
        rows: tables.iter().filter_map(|table| table.rows).sum(),
        size_bytes: tables.iter().map(|table| table.size_bytes).sum(),
        objects: objects(&catalog),
        tables,
        findings,
    })
}

fn of_table(table: &whimbrel_core::Table, profile: Option<&TableProfile>) -> TableInventory {
    let values = profile.map_or(0, |profile| profile.bytes);
    TableInventory {
        table: table.id.to_string(),
        rows: profile.map(|profile| profile.rows),
        size_bytes: table.bytes.unwrap_or(values),
        columns: table.columns.len(),
        indexes: table.indexes.len(),
        foreign_keys: table.foreign_keys.len(),
        primary_key: table
            .primary_key
            .as_ref()
            .map(|key| key.columns.clone())
            .unwrap_or_default(),
        unmovable: table.unmovable.clone(),
    }
}

fn objects(catalog: &Catalog) -> Vec<ObjectCount> {
    let mut counts = vec![
        ("namespace".to_owned(), catalog.namespaces.len()),
        ("type".to_owned(), catalog.types.len()),
        ("sequence".to_owned(), catalog.sequences.len()),
        ("table".to_owned(), catalog.tables.len()),
        ("view".to_owned(), catalog.views.len()),
    ];
    let mut others = std::collections::BTreeMap::new();
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
