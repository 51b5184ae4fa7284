//! The source: read-only sessions, one per question, kept for the next one.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use whimbrel_core::{
    Catalog, ConnectOptions, DatabaseUrl, Depth, ErrorClass, Finding, ReadColumn, Result, Snapshot, Source,
    Table, TableId, TableProfile, Usage,
};

use crate::connect::{Idle, Role, Session, Settings};
use crate::error::from_driver;
use crate::snapshot::PostgresSnapshot;
use crate::{catalog, check, codec, profile, scalar, usage};

/// No two servers begin in the same microsecond.
const IDENTITY: &str = "SELECT pg_catalog.concat(extract(epoch FROM pg_catalog.pg_postmaster_start_time()), '/', oid) \
    FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";

/// A database that is only read.
#[derive(Debug)]
pub(crate) struct PostgresSource {
    settings: Settings,
    idle: Arc<Idle>,
}

impl PostgresSource {
    /// Connects once, so that a wrong address or password is said at once.
    pub(crate) async fn open(url: &DatabaseUrl, options: &ConnectOptions) -> Result<Self> {
        let settings = Settings::new(url, &options.environment)?;
        let source = Self::with(settings);
        let session = source.session().await?;
        source.idle.put(session);
        Ok(source)
    }

    /// Makes a source without connecting.
    pub(crate) fn with(settings: Settings) -> Self {
        Self {
            settings,
            idle: Arc::new(Idle::new()),
        }
    }

    async fn session(&self) -> Result<Session> {
        self.idle.take_or_open(&self.settings).await
    }
}

#[async_trait]
impl Source for PostgresSource {
    fn show(&self, column: &ReadColumn, value: &[u8]) -> Option<String> {
        codec::decode::shown(&column.native, value)
    }

    fn packing(&self) -> Option<&'static str> {
        Some(codec::PACKING)
    }

    async fn check(&self) -> Result<Vec<Finding>> {
        let session = self.session().await?;
        let findings = check::source(&session).await?;
        self.idle.put(session);
        Ok(findings)
    }

    async fn catalog(&self) -> Result<Catalog> {
        let session = self.session().await?;
        session
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await
            .map_err(from_driver)?;
        let catalog = Box::pin(catalog::read(&session))
            .await
            .map_err(|error| error.during("read the catalog"))?;
        session.batch_execute("COMMIT").await.map_err(from_driver)?;
        self.idle.put(session);
        Ok(catalog)
    }

    async fn identity(&self) -> Result<Option<String>> {
        let session = self.session().await?;
        let row = session.query_one(IDENTITY, &[]).await.map_err(from_driver)?;
        self.idle.put(session);
        Ok(row.get(0))
    }

    async fn scalar(&self, query: &str, limit: Option<Duration>) -> Result<Option<String>> {
        // The query may have changed settings of the session: nobody else gets it.
        let session = self.settings.open(Role::Reader).await?;
        Box::pin(scalar::scalar(&session, query, limit)).await
    }

    async fn parses(&self, query: &str) -> Result<()> {
        let session = self.settings.open(Role::Reader).await?;
        Box::pin(scalar::parsed(&session, query)).await.map(drop)
    }

    async fn profile(&self, table: &Table) -> Result<TableProfile> {
        let session = self.session().await?;
        let profile = Box::pin(profile::profile(&session, table))
            .await
            .map_err(|error| error.during(format!("profile table `{}`", table.id)))?;
        self.idle.put(session);
        Ok(profile)
    }

    async fn profiles(&self, tables: &[Table], depth: Depth) -> Result<Vec<TableProfile>> {
        if tables.len() > 1 || depth == Depth::Survey {
            let session = self.session().await?;
            match Box::pin(profile::profiles(&session, tables, depth)).await {
                Ok(profiles) => {
                    self.idle.put(session);
                    return Ok(profiles);
                }
                Err(error) if error.class() == ErrorClass::Transient => {
                    return Err(error.during("profile several tables"));
                }
                // Asked one by one, the table that is to blame is named.
                Err(_) => {}
            }
        }
        let mut profiles = Vec::with_capacity(tables.len());
        for table in tables {
            profiles.push(self.profile(table).await?);
        }
        Ok(profiles)
    }

    async fn check_snapshot(&self, tables: &[TableId]) -> Result<Vec<Finding>> {
        let session = self.session().await?;
        let findings = check::locks(&session, tables).await?;
        self.idle.put(session);
        Ok(findings)
    }

    async fn usage(&self) -> Result<Usage> {
        let session = self.session().await?;
        let usage = usage::usage(&session).await?;
        self.idle.put(session);
        Ok(usage)
    }

    async fn snapshot(&self, tables: &[TableId], readers: usize) -> Result<Arc<dyn Snapshot>> {
        let snapshot = Box::pin(PostgresSnapshot::open(
            &self.settings,
            &self.idle,
            tables,
            readers,
        ))
        .await?;
        Ok(Arc::new(snapshot))
    }
}
