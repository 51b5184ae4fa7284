//! One consistent state for many readers: a session holds locks and the exported snapshot, the others take it over. The rows stream in `read.rs`, splitting is `split.rs`, aggregates are `aggregate.rs`.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use tokio::sync::Semaphore;
use whimbrel_core::{
    Batch, Chunk, Error, ErrorClass, Position, ReadColumn, ReadRequest, Result, SequencePosition, Snapshot,
    Table, TableAggregate, TableId,
};

use crate::catalog::Server;
use crate::columns::Known;
use crate::connect::{Idle, Role, Session, Settings};
use crate::error::from_driver;
use crate::extent::{Extent, Extents};
use crate::quote::table_name;
use crate::readers::{Joined, Shared};
use crate::{aggregate, catalog, foreign_keys, read, split};

/// Tables locked by one statement.
const LOCKED_AT_ONCE: usize = 200;

/// A state of the database that stands still.
#[derive(Debug)]
pub(crate) struct PostgresSnapshot {
    shared: Arc<Shared>,
}

impl PostgresSnapshot {
    /// Locks the tables, then takes the state: a lock taken later could wait for a change that the state does not show.
    /// Sessions come from `pool`, and go back to it when the last reader is done.
    pub(crate) async fn open(
        settings: &Settings,
        pool: &Arc<Idle>,
        tables: &[TableId],
        readers: usize,
    ) -> Result<Self> {
        let main = pool.take_or_open(settings).await?;
        begin(&main, settings, tables).await?;
        let exported = main
            .query_one("SELECT pg_export_snapshot()", &[])
            .await
            .map_err(from_driver);
        let exported: Option<String> = match exported {
            Ok(row) => Some(row.get(0)),
            Err(error) if error.class() == ErrorClass::Transient => {
                return Err(error.during("open the snapshot"));
            }
            Err(_) => {
                // A server that cannot export has one reader: this session, in a state of its own.
                main.batch_execute("ROLLBACK").await.map_err(from_driver)?;
                begin(&main, settings, tables).await?;
                None
            }
        };
        let position = position(&main).await?;
        let (main, exported, places, idle) = match exported {
            Some(exported) => (Some(main), exported, readers.max(1), Vec::new()),
            None => (None, String::new(), 1, vec![Joined::new(main)]),
        };
        let shared = Shared {
            settings: settings.clone(),
            pool: Arc::clone(pool),
            main,
            exported,
            position,
            places: Arc::new(Semaphore::new(places)),
            idle: Mutex::new(idle),
            columns: Known::default(),
            extents: Extents::default(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

async fn begin(main: &Session, settings: &Settings, tables: &[TableId]) -> Result<()> {
    main.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await
        .map_err(from_driver)?;
    for group in tables.chunks(LOCKED_AT_ONCE) {
        // With their partitions, whose rows may be read through them.
        let names: Vec<String> = group.iter().map(table_name).collect();
        let sql = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
        if let Err(error) = main.batch_execute(&sql).await {
            return Err(lock_error(settings, group, from_driver(error)).await);
        }
    }
    Ok(())
}

/// The position in the log, and the transactions that the state shows.
async fn position(main: &Session) -> Result<Position> {
    let sql = format!(
        "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text || ' ' || {}",
        Server::of(main).await?.snapshot()
    );
    let row = main.query_one(&sql, &[]).await.map_err(from_driver)?;
    Ok(Position(row.get(0)))
}

/// Says who holds what we waited for.
async fn lock_error(settings: &Settings, tables: &[TableId], error: Error) -> Error {
    if error.code() != "lock_timeout" {
        return error.during("lock the tables");
    }
    let holder = async {
        let session = settings.open(Role::Reader).await.ok()?;
        let names: Vec<String> = tables.iter().map(table_name).collect();
        let sql = "SELECT c.relname::text, a.pid, coalesce(a.application_name, ''), coalesce(a.state, '')
            FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.granted AND l.mode = 'AccessExclusiveLock' AND c.oid = ANY ($1::text[]::regclass[]) LIMIT 1";
        let row = session.query_opt(sql, &[&names]).await.ok()??;
        let (table, pid): (String, i32) = (row.get(0), row.get(1));
        let (application, state): (String, String) = (row.get(2), row.get(3));
        Some((
            format!("table `{table}` is locked by process {pid} (`{application}`, {state})"),
            pid,
        ))
    };
    match holder.await {
        Some((message, pid)) => Error::new(ErrorClass::Transient, message)
            .with_code("lock_timeout")
            .with_hint(format!(
                "wait for it to end, or `select pg_terminate_backend({pid})`"
            ))
            .with_cause(error),
        None => error.during("lock the tables"),
    }
}

#[async_trait]
impl Snapshot for PostgresSnapshot {
    fn position(&self) -> Position {
        self.shared.position.clone()
    }

    async fn are_empty(&self, tables: &[&Table]) -> Result<Vec<bool>> {
        let reader = self.shared.reader().await?;
        let mut empty = Vec::with_capacity(tables.len());
        for table in tables {
            let extent = match table.flattened {
                true => Extent::default(),
                false => {
                    let extent = self.shared.extents.of(&reader.session, table).await;
                    extent.map_err(|error| self.shared.classify(error))?
                }
            };
            empty.push(extent.empty);
        }
        reader.done();
        Ok(empty)
    }

    async fn split(&self, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
        let reader = self.shared.reader_of(table).await?;
        let chunks = split::split(&reader.session, &self.shared.extents, table, chunk_bytes)
            .await
            .map_err(|error| {
                self.shared
                    .classify(error.during(format!("split table `{}`", table.id)))
            })?;
        reader.done();
        Ok(chunks)
    }

    fn read(&self, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
        read::batches(Arc::clone(&self.shared), request)
    }

    async fn aggregate(&self, table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate> {
        let reader = match self.shared.extents.is_known_empty(table) {
            true => self.shared.reader().await?,
            false => self.shared.reader_of(table).await?,
        };
        let found = Box::pin(aggregate::aggregate(
            &reader.session,
            (&self.shared.columns, &self.shared.extents),
            table,
            columns,
        ))
        .await
        .map_err(|error| {
            self.shared
                .classify(error.during(format!("sum up table `{}`", table.id)))
        })?;
        reader.done();
        Ok(found)
    }

    async fn sequence_positions(&self, sequences: &[TableId]) -> Result<Vec<Option<SequencePosition>>> {
        let reader = self.shared.reader().await?;
        let found = catalog::sequence_positions(&reader.session, sequences)
            .await
            .map_err(|error| self.shared.classify(error))?;
        reader.done();
        Ok(found)
    }

    async fn orphans(&self, table: &Table) -> Result<Vec<u64>> {
        let reader = self.shared.reader_of(table).await?;
        let keys: Vec<_> = table.foreign_keys.iter().collect();
        let found = foreign_keys::orphans(&reader.session, table, &keys)
            .await
            .map_err(|error| {
                self.shared
                    .classify(error.during(format!("look for orphans of `{}`", table.id)))
            })?;
        reader.done();
        Ok(found)
    }
}
