//! A source seen through a mapping: the same contract as a database's own, so that planning, copying, verifying and resuming know nothing of it.
//! What is compared with the target are the rows after the mapping.

mod castable;
mod columns;
mod compose;
mod computed;
mod condition;
mod contradictions;
mod coverage;
mod division;
mod domains;
mod entries;
mod exact;
mod families;
mod fill;
mod kept;
mod keyed;
mod keys;
mod literals;
mod merge;
mod numbering;
mod part;
mod preview;
mod profile;
mod reading;
mod remainder;
mod reserved;
mod retyped;
mod room;
mod rules;
mod shared;
mod slips;
mod snapshot;
mod sources;
mod turns;
mod unkept;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use whimbrel_core::{
    Catalog, Connector, Error, Finding, Mapping, ReadColumn, ReadLimits, Renames, Result, Snapshot, Source,
    Table, TableId, TableProfile, Usage,
};

use self::compose::{Composed, Tools, compose};
pub use self::entries::read_entries;
pub use self::keyed::repeated;
use self::literals::Answers;
pub use self::preview::{Preview, PreviewRow};
use self::snapshot::MappedSnapshot;
use self::sources::Described;
pub use self::sources::{Database, Member};
use self::turns::Turns;
use crate::{Lookups, MaskKey};

/// One or several databases, read through a mapping.
pub struct MappedSource {
    databases: Vec<Database>,
    mapping: Mapping,
    lookups: Lookups,
    mask_key: MaskKey,
    target: Arc<dyn Connector>,
    turns: Turns,
    /// What the mapping meant for the catalogs when they were last read.
    composed: Mutex<Option<Arc<Composed>>>,
    /// What the databases said about texts that the mapping writes.
    answers: Answers,
}

impl MappedSource {
    /// Puts the mapping before the databases. Nothing is read yet. Values of the `types` of rules are turned into what `target` holds; tables
    /// that are only looked at are read within the limits.
    pub fn new(
        databases: Vec<Database>,
        mapping: Mapping,
        (lookups, mask_key): (Lookups, MaskKey),
        target: Arc<dyn Connector>,
        limits: ReadLimits,
    ) -> Self {
        Self {
            databases,
            mapping,
            lookups,
            mask_key,
            target,
            turns: Turns::within(limits),
            composed: Mutex::new(None),
            answers: Answers::default(),
        }
    }

    /// Returns what tells the key of the masks from others.
    pub fn mask_mark(&self) -> String {
        self.mask_key.mark()
    }

    /// Returns the SHA-256 in hex of the file that a lookup was read from.
    pub fn lookup_digest(&self, name: &str) -> Option<&str> {
        self.lookups.file_digest(name)
    }

    /// Returns what the mapping calls things in the target, as of the last reading of the catalog.
    ///
    /// # Errors
    /// As [`Source::catalog`].
    pub async fn renames(&self) -> Result<Renames> {
        Ok(self.composed().await?.renames.clone())
    }

    /// Returns what is said of each database, as of the last reading of the catalog.
    ///
    /// # Errors
    /// As [`Source::catalog`].
    pub async fn members(&self) -> Result<Vec<Member>> {
        Ok(self.composed().await?.members.clone())
    }

    /// Returns a table as its own database describes it, with that database: the first of those that the mapped table's rows come from.
    ///
    /// # Errors
    /// As [`Source::catalog`], and `Invalid` for a table that is not there.
    pub async fn behind(&self, table: &TableId) -> Result<(Arc<dyn Source>, Table)> {
        let composed = self.composed().await?;
        let part = composed.tables.get(table).and_then(|parts| parts.first());
        let part = part.ok_or_else(|| Error::invalid(format!("there is no table `{table}`")))?;
        Ok((
            Arc::clone(&self.databases[part.database].source),
            part.table.clone(),
        ))
    }

    /// Says where the rows of filtered and split tables go, by the catalog as it was read last: one finding per table of a database, from one
    /// pass over the columns that filters look at. The profiles say how large the rows are.
    ///
    /// # Errors
    /// As [`Source::profile`].
    pub async fn coverage(
        &self,
        tables: &[&Table],
        profiles: &BTreeMap<TableId, TableProfile>,
    ) -> Result<Vec<Finding>> {
        let composed = self.composed().await?;
        let origins = coverage::origins(&self.databases, &composed, tables, profiles);
        coverage::coverage(origins, &self.turns).await
    }

    /// Returns the engine of each database, and what tells it from every other.
    ///
    /// # Errors
    /// As [`Source::identity`].
    pub async fn identities(&self) -> Result<Vec<(&'static str, Option<String>)>> {
        let mut identities = Vec::with_capacity(self.databases.len());
        for database in &self.databases {
            let identity = database.source.identity().await;
            let identity = identity.map_err(|error| named(database, error))?;
            identities.push((database.connector.name(), identity));
        }
        Ok(identities)
    }

    /// What each database holds now.
    async fn catalogs(&self) -> Result<Vec<Catalog>> {
        let mut catalogs = Vec::with_capacity(self.databases.len());
        for database in &self.databases {
            let catalog = database.source.catalog().await;
            catalogs.push(catalog.map_err(|error| named(database, error))?);
        }
        Ok(catalogs)
    }

    fn described<'a>(&'a self, catalogs: &'a [Catalog]) -> Vec<Described<'a>> {
        let both = self.databases.iter().zip(catalogs);
        both.map(|(database, catalog)| Described::new(database, catalog))
            .collect()
    }

    /// Works the mapping out for what the databases hold now.
    async fn compose(&self, described: &[Described<'_>]) -> Result<Arc<Composed>> {
        let dialect = self.target.dialect();
        let capabilities = self.target.capabilities();
        let mut composed = compose(
            described,
            &Tools {
                mapping: &self.mapping,
                lookups: &self.lookups,
                mask_key: &self.mask_key,
                target: &*dialect,
                target_engine: self.target.name(),
                has_namespaces: capabilities.namespaces,
                place: capabilities
                    .default_namespace
                    .map(str::to_owned)
                    .or(capabilities.home),
            },
        )?;
        self.answers.read(&mut composed, &self.databases).await?;
        let composed = Arc::new(composed);
        *self.last()? = Some(Arc::clone(&composed));
        Ok(composed)
    }

    async fn read_catalogs(&self) -> Result<Arc<Composed>> {
        let catalogs = self.catalogs().await?;
        self.compose(&self.described(&catalogs)).await
    }

    /// Adds what the mapping does to keys: it may put equal ones together, and part rows from those that they refer to.
    async fn profile_keys(
        &self,
        composed: &Arc<Composed>,
        table: &Table,
        found: &mut TableProfile,
    ) -> Result<()> {
        let keys = table.foreign_keys.iter().enumerate();
        let parted: Vec<_> = keys
            .filter(|(_, key)| keyed::may_miss(composed, table, key))
            .collect();
        let shared = keyed::shared_keys(composed, table);
        if parted.is_empty() && shared.is_empty() {
            return Ok(());
        }
        let parents = parted.iter().map(|(_, key)| key.references.clone());
        let read: Vec<TableId> = parents.chain([table.id.clone()]).collect();
        let snapshot = self.open(composed, &read, 1).await?;
        found
            .uniques
            .extend(keyed::duplicates(&snapshot, table, shared).await?);
        for (at, key) in parted {
            if let Some(orphans) = keyed::orphans(&snapshot, table, key).await?
                && let Some(place) = found.foreign_keys.get_mut(at)
            {
                *place = orphans;
            }
        }
        Ok(())
    }

    /// Opens one state of each database.
    async fn open(
        &self,
        composed: &Arc<Composed>,
        tables: &[TableId],
        readers: usize,
    ) -> Result<MappedSnapshot> {
        let mut snapshots = Vec::with_capacity(self.databases.len());
        for (at, database) in self.databases.iter().enumerate() {
            let own = composed.behind(tables, at);
            let snapshot = database.source.snapshot(&own, readers).await;
            snapshots.push(snapshot.map_err(|error| named(database, error))?);
        }
        let names = self.databases.iter().map(|database| database.name.clone());
        Ok(MappedSnapshot {
            names: names.collect(),
            snapshots,
            lookups: self.lookups.rows_state(),
            composed: Arc::clone(composed),
        })
    }

    async fn composed(&self) -> Result<Arc<Composed>> {
        let last = self.last()?.clone();
        match last {
            Some(composed) => Ok(composed),
            None => self.read_catalogs().await,
        }
    }

    fn last(&self) -> Result<std::sync::MutexGuard<'_, Option<Arc<Composed>>>> {
        self.composed
            .lock()
            .map_err(|_| Error::bug("a reader of the mapping panicked"))
    }

    /// The only database, when there are not several.
    fn only(&self) -> Option<&Database> {
        match self.databases.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

/// Says which of several databases an error comes from.
fn named(database: &Database, error: Error) -> Error {
    match database.name.is_empty() {
        true => error,
        false => error.during(format_args!("source `{}`", database.name)),
    }
}

#[async_trait]
impl Source for MappedSource {
    async fn check(&self) -> Result<Vec<Finding>> {
        let catalogs = self.catalogs().await?;
        let described = self.described(&catalogs);
        let mut findings = Vec::new();
        for described in &described {
            let found = described.database.source.check().await;
            for mut finding in found.map_err(|error| named(described.database, error))? {
                finding.subject = described.subject(finding.subject);
                findings.push(finding);
            }
        }
        findings.extend(self.compose(&described).await?.findings.iter().cloned());
        Ok(findings)
    }

    async fn catalog(&self) -> Result<Catalog> {
        Ok(self.read_catalogs().await?.catalog.clone())
    }

    async fn identity(&self) -> Result<Option<String>> {
        match self.only() {
            Some(only) => only.source.identity().await,
            None => Ok(None),
        }
    }

    async fn profile(&self, table: &Table) -> Result<TableProfile> {
        let composed = self.composed().await?;
        let parts = composed
            .tables
            .get(&table.id)
            .ok_or_else(|| Error::invalid(format!("there is no table `{}`", table.id)))?;
        let mut found = profile::profile(&self.databases, table, parts, &self.turns).await?;
        self.profile_keys(&composed, table, &mut found).await?;
        Ok(found)
    }

    async fn usage(&self) -> Result<Usage> {
        match self.only() {
            Some(only) => only.source.usage().await,
            None => Ok(Usage::NotKnown {
                why: "several databases count for themselves".to_owned(),
            }),
        }
    }

    async fn scalar(&self, query: &str, limit: Option<Duration>) -> Result<Option<String>> {
        match self.member(None)? {
            Some(only) => only.scalar(query, limit).await,
            None => Err(Error::bug("a mapping without a source")),
        }
    }

    async fn parses(&self, query: &str) -> Result<()> {
        match self.member(None)? {
            Some(only) => only.parses(query).await,
            None => Err(Error::bug("a mapping without a source")),
        }
    }

    fn member(&self, name: Option<&str>) -> Result<Option<Arc<dyn Source>>> {
        let found = match name {
            None => self.only(),
            Some(name) => self.databases.iter().find(|database| database.name == name),
        };
        if let Some(found) = found {
            return Ok(Some(Arc::clone(&found.source)));
        }
        let names: Vec<String> = self
            .databases
            .iter()
            .map(|database| format!("`{}`", database.name))
            .collect();
        Err(match name {
            None => Error::invalid("there are several sources, and the rule does not say which one answers")
                .with_hint(format!(
                    "add `of = \"NAME\"` to the rule; there are {}",
                    names.join(", ")
                )),
            Some(name) => Error::invalid(format!("there is no source `{name}`"))
                .with_hint(format!("there are {}", names.join(", "))),
        })
    }

    async fn check_snapshot(&self, tables: &[TableId]) -> Result<Vec<Finding>> {
        let composed = self.composed().await?;
        let catalogs = self.catalogs().await?;
        let mut findings = Vec::new();
        for (at, described) in self.described(&catalogs).iter().enumerate() {
            let database = described.database;
            let found = database.source.check_snapshot(&composed.behind(tables, at)).await;
            for mut finding in found.map_err(|error| named(database, error))? {
                finding.subject = described.subject(finding.subject);
                findings.push(finding);
            }
        }
        Ok(findings)
    }

    fn show(&self, column: &ReadColumn, value: &[u8]) -> Option<String> {
        self.databases
            .iter()
            .find_map(|database| database.source.show(column, value))
    }

    fn packing(&self) -> Option<&'static str> {
        let mut packings = self.databases.iter().map(|database| database.source.packing());
        let first = packings.next()?;
        first.filter(|_| packings.all(|packing| packing == first))
    }

    async fn snapshot(&self, tables: &[TableId], readers: usize) -> Result<Arc<dyn Snapshot>> {
        let composed = self.composed().await?;
        Ok(Arc::new(self.open(&composed, tables, readers).await?))
    }
}
