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

    /// Raises the epoch inside the caller's transaction, or records the migration.
    async fn raise(
        &self,
        conn: &mut mysql_async::Conn,
        migration: &MigrationId,
        plan_hash: &str,
    ) -> Result<Epoch> {
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

async fn forget_rows(conn: &mut mysql_async::Conn, migration: &MigrationId) -> Result<()> {
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
        let mut conn = self.sessions.take().await?;
        let epoch: Option<i64> = if tables::exists(&mut conn, RUNS).await? {
            let sql = format!("SELECT epoch FROM {RUNS} WHERE migration = ?");
            conn.exec_first(sql, (&migration.0,)).await.map_err(classify)?
        } else {
            None
        };
        self.sessions.put(conn);
        Ok(epoch.map(Epoch))
    }

    async fn open(&self, migration: &MigrationId, plan_hash: &str) -> Result<Epoch> {
        fault::point("mysql.ledger.open.before")?;
        let mut conn = self.sessions.take().await?;
        let server = self.sessions.server();
        writers::end_left_behind(&mut conn, server, migration).await?;
        tables::lock(&mut conn, server).await?;
        fault::point("mysql.ledger.create.before")?;
        tables::create(&mut conn).await?;
        fault::point("mysql.ledger.create.after")?;
        begin(&mut conn).await?;
        let epoch = self.raise(&mut conn, migration, plan_hash).await?;
        commit_surely(&mut conn).await?;
        tables::unlock(&mut conn, server).await?;
        fault::point("mysql.ledger.open.after")?;
        self.sessions.put(conn);
        Ok(epoch)
    }

    async fn steps(&self, migration: &MigrationId) -> Result<Vec<StepRecord>> {
        let mut conn = self.sessions.take().await?;
        let steps = if tables::exists(&mut conn, STEPS).await? {
            steps::recorded(&mut conn, migration).await?
        } else {
            Vec::new()
        };
        self.sessions.put(conn);
        Ok(steps)
    }

    async fn chunks(&self, migration: &MigrationId) -> Result<Vec<ChunkRecord>> {
        let mut conn = self.sessions.take().await?;
        let chunks = if tables::exists(&mut conn, CHUNKS).await? {
            chunks::all(&mut conn, migration).await?
        } else {
            Vec::new()
        };
        self.sessions.put(conn);
        Ok(chunks)
    }

    async fn store_split(&self, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()> {
        fault::point("mysql.ledger.split.before")?;
        let mut conn = self.sessions.take().await?;
        begin(&mut conn).await?;
        hold_epoch(&mut conn, run).await?;
        chunks::store(&mut conn, run, target, chunks).await?;
        commit_surely(&mut conn).await?;
        self.sessions.put(conn);
        fault::point("mysql.ledger.split.after")
    }

    async fn store_empty(&self, run: &RunKey, chunks: &[(TableId, Chunk)], position: &str) -> Result<()> {
        fault::point("mysql.ledger.empty.before")?;
        let mut conn = self.sessions.take().await?;
        begin(&mut conn).await?;
        hold_epoch(&mut conn, run).await?;
        chunks::store_empty(&mut conn, run, chunks, position).await?;
        commit_surely(&mut conn).await?;
        self.sessions.put(conn);
        fault::point("mysql.ledger.empty.after")
    }

    async fn add_chunk(&self, run: &RunKey, target: &TableId, chunk: &Chunk) -> Result<()> {
        fault::point("mysql.ledger.add.before")?;
        let mut conn = self.sessions.take().await?;
        begin(&mut conn).await?;
        hold_epoch(&mut conn, run).await?;
        if chunks::add(&mut conn, run, target, chunk).await? {
            commit_surely(&mut conn).await?;
        } else {
            rollback(&mut conn).await?;
        }
        self.sessions.put(conn);
        fault::point("mysql.ledger.add.after")
    }

    async fn confirm_chunk(&self, run: &RunKey, target: &TableId, index: u32, position: &str) -> Result<()> {
        fault::point("mysql.ledger.confirm.before")?;
        let mut conn = self.sessions.take().await?;
        begin(&mut conn).await?;
        hold_epoch(&mut conn, run).await?;
        chunks::confirm(&mut conn, run, target, index, position).await?;
        commit_surely(&mut conn).await?;
        self.sessions.put(conn);
        fault::point("mysql.ledger.confirm.after")
    }

    async fn forget(&self, migration: &MigrationId) -> Result<()> {
        fault::point("mysql.ledger.forget.before")?;
        let mut conn = self.sessions.take().await?;
        let server = self.sessions.server();
        tables::lock(&mut conn, server).await?;
        if !tables::any_exists(&mut conn).await? {
            tables::unlock(&mut conn, server).await?;
            self.sessions.put(conn);
            return fault::point("mysql.ledger.forget.after");
        }
        // What an interrupted creation left is taken away too.
        tables::create(&mut conn).await?;
        let others: Option<u64> = conn
            .exec_first(
                format!("SELECT count(*) FROM {RUNS} WHERE migration <> ?"),
                (&migration.0,),
            )
            .await
            .map_err(classify)?;
        if others == Some(0) {
            tables::drop_all(&mut conn).await?;
        } else {
            forget_rows(&mut conn, migration).await?;
        }
        tables::unlock(&mut conn, server).await?;
        self.sessions.put(conn);
        fault::point("mysql.ledger.forget.after")
    }
}
