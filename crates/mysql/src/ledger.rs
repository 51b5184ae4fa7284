//! The ledger in tables of the target database: runs with their epoch, steps that are done, chunks that arrived.
//!
//! `tables` makes and drops them, `transaction` commits under an epoch, `writers` marks the sessions that write, `steps` keeps the states
//! of steps.

mod chunks;
pub(crate) mod sessions;
pub(crate) mod steps;
pub(crate) mod tables;
pub(crate) mod transaction;
pub(crate) mod writers;

use std::sync::Arc;

use async_trait::async_trait;
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{
    Chunk, ChunkRecord, Epoch, Error, ErrorClass, Ledger, MigrationId, Result, RunKey, StepRecord, TableId,
    fault,
};

pub(crate) use self::chunks::{Arrival, finish, is_finished, remove_of, reopen};
use self::sessions::Sessions;
use self::tables::{CHUNKS, RUNS, STEPS};
use self::transaction::{begin, commit_surely, hold_epoch, rollback};
use crate::error::classify;

/// The ledger of one target.
#[derive(Debug)]
pub(crate) struct MysqlLedger {
    sessions: Arc<Sessions>,
}

impl MysqlLedger {
    pub(crate) fn new(sessions: Arc<Sessions>) -> Self {
        Self { sessions }
    }

    async fn with<T>(&self, work: impl AsyncFnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        self.sessions.with(work).await
    }

    /// Does the work in one transaction that holds the run's epoch.
    async fn change(&self, run: &RunKey, work: impl AsyncFnOnce(&mut Conn) -> Result<()>) -> Result<()> {
        let whole = async |conn: &mut Conn| {
            begin(conn).await?;
            hold_epoch(conn, run).await?;
            work(conn).await?;
            commit_surely(conn).await
        };
        self.with(whole).await
    }

    /// Raises the epoch inside the caller's transaction, or records the migration.
    async fn raise(&self, conn: &mut Conn, migration: &MigrationId, plan_hash: &str) -> Result<Epoch> {
        let sql = format!("SELECT plan_hash, epoch FROM {RUNS} WHERE migration = ? FOR UPDATE");
        let known: Option<(String, i64)> = conn.exec_first(sql, (&migration.0,)).await.map_err(classify)?;
        match known {
            None => {
                let sql = format!("INSERT INTO {RUNS} (migration, plan_hash, epoch) VALUES (?, ?, 1)");
                conn.exec_drop(sql, (&migration.0, plan_hash))
                    .await
                    .map_err(classify)?;
                Ok(Epoch(1))
            }
            Some((known, epoch)) if known == plan_hash => {
                let sql = format!(
                    "UPDATE {RUNS} SET epoch = ?, opened_at = CURRENT_TIMESTAMP(6) WHERE migration = ?"
                );
                conn.exec_drop(sql, (epoch + 1, &migration.0))
                    .await
                    .map_err(classify)?;
                Ok(Epoch(epoch + 1))
            }
            Some(_) => {
                rollback(conn).await?;
                Err(Error::new(
                    ErrorClass::Conflict,
                    format!("the target knows migration `{migration}` with another plan"),
                )
                .with_code("plan_conflict")
                .with_hint("use the directory that this migration was planned in, or plan under another id"))
            }
        }
    }
}

async fn forget(conn: &mut Conn, migration: &MigrationId) -> Result<()> {
    // What an interrupted creation left is taken away too.
    tables::create(conn).await?;
    let sql = format!("SELECT count(*) FROM {RUNS} WHERE migration <> ?");
    let others: Option<u64> = conn.exec_first(sql, (&migration.0,)).await.map_err(classify)?;
    match others {
        Some(0) => tables::drop_all(conn).await,
        Some(_) | None => forget_rows(conn, migration).await,
    }
}

async fn forget_rows(conn: &mut Conn, migration: &MigrationId) -> Result<()> {
    begin(conn).await?;
    for table in [CHUNKS, STEPS, RUNS] {
        conn.exec_drop(
            format!("DELETE FROM {table} WHERE migration = ?"),
            (&migration.0,),
        )
        .await
        .map_err(classify)?;
    }
    commit_surely(conn).await
}

#[async_trait]
impl Ledger for MysqlLedger {
    async fn epoch(&self, migration: &MigrationId) -> Result<Option<Epoch>> {
        let work = async |conn: &mut Conn| {
            if !tables::exists(conn, RUNS).await? {
                return Ok(None);
            }
            let sql = format!("SELECT epoch FROM {RUNS} WHERE migration = ?");
            conn.exec_first(sql, (&migration.0,)).await.map_err(classify)
        };
        let epoch: Option<i64> = self.with(work).await?;
        Ok(epoch.map(Epoch))
    }

    async fn open(&self, migration: &MigrationId, plan_hash: &str) -> Result<Epoch> {
        fault::point("mysql.ledger.open.before")?;
        let server = self.sessions.server();
        let work = async |conn: &mut Conn| {
            writers::end_left_behind(conn, server, migration).await?;
            tables::lock(conn, server).await?;
            fault::point("mysql.ledger.create.before")?;
            tables::create(conn).await?;
            fault::point("mysql.ledger.create.after")?;
            begin(conn).await?;
            let epoch = self.raise(conn, migration, plan_hash).await?;
            commit_surely(conn).await?;
            tables::unlock(conn, server).await?;
            fault::point("mysql.ledger.open.after")?;
            Ok(epoch)
        };
        self.with(work).await
    }

    async fn steps(&self, migration: &MigrationId) -> Result<Vec<StepRecord>> {
        let work = async |conn: &mut Conn| match tables::exists(conn, STEPS).await? {
            true => steps::recorded(conn, migration).await,
            false => Ok(Vec::new()),
        };
        self.with(work).await
    }

    async fn chunks(&self, migration: &MigrationId) -> Result<Vec<ChunkRecord>> {
        let work = async |conn: &mut Conn| match tables::exists(conn, CHUNKS).await? {
            true => chunks::all(conn, migration).await,
            false => Ok(Vec::new()),
        };
        self.with(work).await
    }

    async fn store_split(&self, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()> {
        fault::point("mysql.ledger.split.before")?;
        let work = async |conn: &mut Conn| chunks::store(conn, run, target, chunks).await;
        self.change(run, work).await?;
        fault::point("mysql.ledger.split.after")
    }

    async fn store_empty(&self, run: &RunKey, chunks: &[(TableId, Chunk)], position: &str) -> Result<()> {
        fault::point("mysql.ledger.empty.before")?;
        let work = async |conn: &mut Conn| chunks::store_empty(conn, run, chunks, position).await;
        self.change(run, work).await?;
        fault::point("mysql.ledger.empty.after")
    }

    async fn add_chunk(&self, run: &RunKey, target: &TableId, chunk: &Chunk) -> Result<()> {
        fault::point("mysql.ledger.add.before")?;
        let work = async |conn: &mut Conn| {
            begin(conn).await?;
            hold_epoch(conn, run).await?;
            match chunks::add(conn, run, target, chunk).await? {
                true => commit_surely(conn).await,
                false => rollback(conn).await,
            }
        };
        self.with(work).await?;
        fault::point("mysql.ledger.add.after")
    }

    async fn confirm_chunk(&self, run: &RunKey, target: &TableId, index: u32, position: &str) -> Result<()> {
        fault::point("mysql.ledger.confirm.before")?;
        let work = async |conn: &mut Conn| chunks::confirm(conn, run, target, index, position).await;
        self.change(run, work).await?;
        fault::point("mysql.ledger.confirm.after")
    }

    async fn forget(&self, migration: &MigrationId) -> Result<()> {
        fault::point("mysql.ledger.forget.before")?;
        let server = self.sessions.server();
        let work = async |conn: &mut Conn| {
            tables::lock(conn, server).await?;
            if tables::any_exists(conn).await? {
                forget(conn, migration).await?;
            }
            tables::unlock(conn, server).await
        };
        self.with(work).await?;
        fault::point("mysql.ledger.forget.after")
    }
}
