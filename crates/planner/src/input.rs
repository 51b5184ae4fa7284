//! What a plan is made from: the two sides, the profile, and what the person wishes.

use std::collections::BTreeMap;

use whimbrel_core::{
    Capabilities, Catalog, Decision, Dialect, Finding, Mapping, MigrationId, OnReject, Policies, Renames,
    TableId, TableProfile,
};

/// One side of a migration.
pub struct Side<'a> {
    /// The whole description of the database.
    pub catalog: &'a Catalog,
    /// The engine's language.
    pub dialect: &'a dyn Dialect,
    /// What the engine can do.
    pub capabilities: &'a Capabilities,
    /// URL without password.
    pub url: String,
    /// The name given in the settings, when it came from there.
    pub name: Option<String>,
    /// The database's (or file's) bare name.
    pub database: String,
}

/// One of several databases that are read as one source.
pub struct Origin<'a> {
    /// What [`whimbrel_core::Table::origin`] calls it.
    pub name: String,
    /// The connector's name.
    pub engine: String,
    /// The namespaces that it has of its own: what a text names in one of them is not the engine's.
    pub namespaces: Vec<String>,
    /// The engine's language.
    pub dialect: &'a dyn Dialect,
}

/// What the person wishes.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Tables to move, as patterns with `*` and `?` over `name` or `namespace.name`; empty means all.
    pub tables: Vec<String>,
    /// Tables and views to leave out, as patterns.
    pub exclude: Vec<String>,
    /// What is settled already. An empty subject settles every finding of the code.
    pub decisions: Vec<Decision>,
    /// True to take, and record, the suggested choice of every finding that is not settled.
    pub accept_suggested: bool,
    /// Policies of the run.
    pub policies: Policies,
    /// The run's memory budget.
    pub memory_bytes: u64,
    /// How the rows are reshaped on the way, for the plan to keep.
    pub mapping: Mapping,
    /// What the mapping calls things, for the source's catalog.
    pub renames: Renames,
}

impl Default for Wishes {
    /// Everything moves, nothing is decided, and the first rejected row stops its table: no default here can lose data.
    fn default() -> Self {
        Self {
            tables: Vec::new(),
            exclude: Vec::new(),
            decisions: Vec::new(),
            accept_suggested: false,
            policies: Policies {
                on_reject: OnReject::Stop,
                chunk_bytes: 32 << 20,
                verify: true,
                rollback: BTreeMap::new(),
                validation: Vec::new(),
            },
            memory_bytes: 512 << 20,
            mapping: Mapping::default(),
            renames: Renames::default(),
        }
    }
}

/// Everything a plan is made from.
pub struct PlanInput<'a> {
    /// The migration.
    pub migration: MigrationId,
    /// When the plan is made, RFC 3339.
    pub created_at: String,
    /// Where the data comes from.
    pub source: Side<'a>,
    /// The databases behind the source, when it is several.
    pub origins: Vec<Origin<'a>>,
    /// Where the data goes.
    pub target: Side<'a>,
    /// What the pass over the values found, by source table.
    pub profiles: &'a BTreeMap<TableId, TableProfile>,
    /// What the connectors' own checks found.
    pub preflight: Vec<Finding>,
    /// What the person wishes.
    pub wishes: &'a Wishes,
}
