//! The source: a file that is only read. Checks, catalog and profile use connections of their own; a snapshot holds several.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use whimbrel_core::{
    Catalog, Depth, Finding, ReadColumn, Result, Snapshot, Source, Table, TableId, TableProfile,
};

use crate::catalog;
use crate::check;
use crate::codec;
use crate::gate::{DatabaseFile, blocking};
use crate::profile;
use crate::scalar;
use crate::snapshot::SqliteSnapshot;

/// A file to read from.
pub(crate) struct SqliteSource {
    file: DatabaseFile,
    may_be_missing: bool,
}

impl SqliteSource {
    /// Names a file that must exist.
    pub(crate) fn existing(file: DatabaseFile) -> Self {
        Self {
            file,
            may_be_missing: false,
        }
    }

    /// Names a file that may not exist yet; it is an empty database then.
    pub(crate) fn of_target(file: DatabaseFile) -> Self {
        Self {
            file,
            may_be_missing: true,
        }
    }

    fn is_absent(&self) -> bool {
        self.may_be_missing && !self.file.exists()
    }

    /// Does the work on a blocking thread. A target's file may hold what a killed run of ours left half done.
    async fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DatabaseFile) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (file, is_ours) = (self.file.clone(), self.may_be_missing);
        blocking(move || {
            if is_ours {
                file.recover()?;
            }
            work(&file)
        })
        .await
    }
}

#[async_trait]
impl Source for SqliteSource {
    fn show(&self, _column: &ReadColumn, value: &[u8]) -> Option<String> {
        codec::tagged(value).ok().map(codec::shown)
    }

    async fn check(&self) -> Result<Vec<Finding>> {
        if self.is_absent() {
            return Ok(Vec::new());
        }
        self.with_file(check::source).await
    }

    fn check_may_bar_tables(&self) -> bool {
        false
    }

    fn surveys_while_reading(&self) -> bool {
        true
    }

    async fn catalog(&self) -> Result<Catalog> {
        if self.is_absent() {
            return Ok(catalog::empty(self.file.name()));
        }
        self.with_file(|file| catalog::read(&*file.open_to_read()?, file.name()))
            .await
    }

    async fn identity(&self) -> Result<Option<String>> {
        Ok(std::fs::metadata(self.file.path())
            .ok()
            .map(|meta| format!("{}/{}", meta.dev(), meta.ino())))
    }

    async fn scalar(&self, query: &str, limit: Option<Duration>) -> Result<Option<String>> {
        let query = query.to_owned();
        self.with_file(move |file| scalar::scalar(&mut *file.open_to_read()?, &query, limit))
            .await
    }

    async fn parses(&self, query: &str) -> Result<()> {
        let query = query.to_owned();
        if !self.file.exists() {
            // Nothing is there yet, but a query can be wrong already.
            return scalar::parsed_by_nothing(&query);
        }
        self.with_file(move |file| scalar::parsed(&*file.open_to_read()?, &query).map(drop))
            .await
    }

    async fn profile(&self, table: &Table) -> Result<TableProfile> {
        let table = table.clone();
        self.with_file(move |file| profile::profile(&file.open_to_read()?, &table, Depth::Profile))
            .await
    }

    async fn profiles(&self, tables: &[Table], depth: Depth) -> Result<Vec<TableProfile>> {
        let tables = tables.to_vec();
        // The engine reads the whole schema for every new connection.
        self.with_file(move |file| {
            let connection = file.open_to_read()?;
            let each = tables
                .iter()
                .map(|table| profile::profile(&connection, table, depth));
            each.collect()
        })
        .await
    }

    async fn snapshot(&self, _tables: &[TableId], readers: usize) -> Result<Arc<dyn Snapshot>> {
        let snapshot = self
            .with_file(move |file| SqliteSnapshot::open(file, readers))
            .await?;
        Ok(Arc::new(snapshot))
    }
}
