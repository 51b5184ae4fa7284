//! The source: catalog, profile, checks and snapshots over sessions that only read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mysql_async::Conn;
use whimbrel_core::{
    Catalog, ConnectOptions, DatabaseUrl, Depth, Finding, ReadColumn, Result, Snapshot, Source, Table,
    TableId, TableProfile, Usage,
};

use crate::codec::form::shown_native;
use crate::connect::Server;
use crate::snapshot::MysqlSnapshot;
use crate::{catalog, check, profile, scalar, usage};

/// A database that is only read.
#[derive(Debug)]
pub(crate) struct MysqlSource {
    server: Server,
}

impl MysqlSource {
    /// Connects once, so that a wrong address or password is said at once.
    pub(crate) async fn open(url: &DatabaseUrl, options: &ConnectOptions) -> Result<Self> {
        Ok(Self::with(Box::pin(Server::open(url, options)).await?))
    }

    /// Makes a source of a server that is known.
    pub(crate) fn with(server: Server) -> Self {
        Self { server }
    }
}

#[async_trait]
impl Source for MysqlSource {
    fn show(&self, column: &ReadColumn, value: &[u8]) -> Option<String> {
        Some(shown_native(&column.native, value))
    }

    async fn check(&self) -> Result<Vec<Finding>> {
        let server = &self.server;
        server
            .read_with(async |conn: &mut Conn| check::source(conn, server).await)
            .await
    }

    async fn catalog(&self) -> Result<Catalog> {
        let server = &self.server;
        let found = server
            .read_with(async |conn: &mut Conn| catalog::read(conn, server).await)
            .await;
        found.map_err(|error| error.during("read the catalog"))
    }

    async fn identity(&self) -> Result<Option<String>> {
        let setting = |name: &str| self.server.settings.get(name).map(String::as_str);
        // Copies of a server's files would share its id, but not the place where they lie.
        let place = [setting("hostname"), setting("port"), setting("datadir")];
        let server = setting("server_uuid").or_else(|| setting("server_uid"));
        let parts: Vec<&str> = server.into_iter().chain(place.into_iter().flatten()).collect();
        Ok((!parts.is_empty()).then(|| format!("{}/{}", parts.join("/"), self.server.database)))
    }

    async fn scalar(&self, query: &str, limit: Option<Duration>) -> Result<Option<String>> {
        let mut conn = self.server.reader().await?;
        let answer = Box::pin(scalar::scalar(
            &mut conn,
            query,
            self.server.version.flavour,
            limit,
        ))
        .await;
        drop(conn.disconnect().await);
        answer
    }

    async fn parses(&self, query: &str) -> Result<()> {
        let mut conn = self.server.reader().await?;
        let parsed = Box::pin(scalar::parsed(&mut conn, query)).await;
        drop(conn.disconnect().await);
        parsed.map(drop)
    }

    async fn profile(&self, table: &Table) -> Result<TableProfile> {
        let profile = self
            .server
            .read_with(async |conn: &mut Conn| profile::profile(conn, table).await)
            .await;
        profile.map_err(|error| error.during(format!("profile table `{}`", table.id)))
    }

    async fn profiles(&self, tables: &[Table], depth: Depth) -> Result<Vec<TableProfile>> {
        let work = async |conn: &mut Conn| profile::profiles(conn, tables, depth).await;
        self.server.read_with(work).await
    }

    async fn usage(&self) -> Result<Usage> {
        let server = &self.server;
        let work = async |conn: &mut Conn| usage::usage(conn, server).await;
        let found = server.read_with(work).await;
        found.map_err(|error| error.during("read how tables are used"))
    }

    async fn snapshot(&self, tables: &[TableId], readers: usize) -> Result<Arc<dyn Snapshot>> {
        let snapshot = Box::pin(MysqlSnapshot::open(&self.server, tables, readers)).await?;
        Ok(Arc::new(snapshot))
    }
}
