//! The ledger in its own schema of the target: runs with their epoch, steps that are done, chunks that arrived.

use async_trait::async_trait;
use tokio_postgres::{Row, SimpleQueryMessage};
use whimbrel_core::{
    Chunk, ChunkRecord, ChunkResult, Digest, Epoch, Error, ErrorClass, Ledger, MigrationId, Result, RunKey,
    StepRecord, TableId, fault,
};

use crate::connect::{Idle, Role, Session, Settings};
use crate::error::from_driver;
use crate::quote::literal;
use crate::records::{CHUNKS, RUNS, STEPS, conflict, named, writer_prefix};
use crate::transaction::{begin, change, commit_surely, commit_with, hold_epoch};

const CREATE: &str = "
    CREATE SCHEMA _whimbrel;
    CREATE TABLE _whimbrel._whimbrel_runs (
        migration text PRIMARY KEY, plan_hash text NOT NULL, epoch bigint NOT NULL,
        opened_at timestamp with time zone NOT NULL DEFAULT now());
    CREATE TABLE _whimbrel._whimbrel_steps (
        migration text NOT NULL, step text NOT NULL, number bigint GENERATED ALWAYS AS IDENTITY, epoch bigint NOT NULL,
        done_at timestamp with time zone NOT NULL DEFAULT now(), PRIMARY KEY (migration, step));
    CREATE TABLE _whimbrel._whimbrel_chunks (
        migration text NOT NULL, namespace text NOT NULL, name text NOT NULL, number bigint NOT NULL,
        chunk text NOT NULL, epoch bigint NOT NULL, rows bigint, bytes bigint, rejected bigint, ruled text, digest text,
        position text, finished_at timestamp with time zone, PRIMARY KEY (migration, namespace, name, number));";

/// Held while the ledger is created, so that two runs do not both do it: the letters `whimbrel`.
const CREATION_LOCK: i64 = 0x7768_696d_6272_656c;

/// The ledger of one target.
#[derive(Debug)]
pub(crate) struct PostgresLedger {
    settings: Settings,
    idle: Idle,
}

impl PostgresLedger {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            idle: Idle::new(),
        }
    }

    async fn session(&self) -> Result<Session> {
        match self.idle.take() {
            Some(session) => Ok(session),
            None => self.settings.open(Role::Writer).await,
        }
    }

    /// Rows of a query on the ledger; none when there is no ledger.
    async fn rows(&self, sql: &str, migration: &MigrationId) -> Result<Vec<Row>> {
        let session = self.session().await?;
        let rows = if exists(&session).await? {
            session.query(sql, &[&migration.0]).await.map_err(from_driver)?
        } else {
            Vec::new()
        };
        self.idle.put(session);
        Ok(rows)
    }
}

async fn exists(session: &Session) -> Result<bool> {
    let sql = "SELECT to_regclass('_whimbrel._whimbrel_chunks') IS NOT NULL";
    let row = session.query_one(sql, &[]).await.map_err(from_driver)?;
    Ok(row.get(0))
}

/// Ends writers that earlier attempts of the migration left in the middle of something: their rows and locks would be in the way.
async fn end_left_behind(session: &Session, migration: &MigrationId) -> Result<()> {
    let sql = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
          AND state <> 'idle' AND starts_with(application_name, $1)";
    session
        .query_one(sql, &[&writer_prefix(migration)])
        .await
        .map_err(from_driver)?;
    Ok(())
}

#[async_trait]
impl Ledger for PostgresLedger {
    async fn epoch(&self, migration: &MigrationId) -> Result<Option<Epoch>> {
        let rows = self
            .rows(
                &format!("SELECT epoch FROM {RUNS} WHERE migration = $1"),
                migration,
            )
            .await?;
        Ok(rows.first().map(|row| Epoch(row.get(0))))
    }

    async fn open(&self, migration: &MigrationId, plan_hash: &str) -> Result<Epoch> {
        let session = self.session().await?;
        fault::point("postgres.ledger.open.before")?;
        end_left_behind(&session, migration).await?;
        begin(&session).await?;
        session
            .query_one("SELECT pg_advisory_xact_lock($1)::text", &[&CREATION_LOCK])
            .await
            .map_err(from_driver)?;
        if !exists(&session).await? {
            let created = session.batch_execute(CREATE).await.map_err(from_driver);
            created.map_err(|error| {
                error
                    .during("create the schema `_whimbrel` for the ledger")
                    .with_hint("`grant create on database NAME to LOGIN` lets this login create it")
            })?;
        }
        let sql = format!(
            "INSERT INTO {RUNS} AS r (migration, plan_hash, epoch) VALUES ($1, $2, 1)
             ON CONFLICT (migration) DO UPDATE SET epoch = r.epoch + 1, opened_at = now() WHERE r.plan_hash = $2
             RETURNING epoch"
        );
        let row = session
            .query_opt(&sql, &[&migration.0, &plan_hash])
            .await
            .map_err(from_driver)?;
        let Some(row) = row else {
            return Err(Error::new(
                ErrorClass::Conflict,
                format!("the target knows migration `{migration}` with another plan"),
            )
            .with_code("plan_conflict")
            .with_hint("use the directory that this migration was planned in, or plan under another id"));
        };
        let epoch = Epoch(row.get(0));
        commit_surely(&session).await?;
        fault::point("postgres.ledger.open.after")?;
        self.idle.put(session);
        Ok(epoch)
    }

    async fn steps(&self, migration: &MigrationId) -> Result<Vec<StepRecord>> {
        let sql = format!("SELECT step, epoch FROM {STEPS} WHERE migration = $1 ORDER BY number");
        let rows = self.rows(&sql, migration).await?;
        Ok(rows
            .iter()
            .map(|row| StepRecord {
                id: row.get(0),
                epoch: Epoch(row.get(1)),
            })
            .collect())
    }

    async fn chunks(&self, migration: &MigrationId) -> Result<Vec<ChunkRecord>> {
        let sql = format!(
            "SELECT namespace, name, chunk, epoch, rows, bytes, rejected, digest, position, finished_at IS NOT NULL, ruled
             FROM {CHUNKS} WHERE migration = $1 ORDER BY namespace COLLATE \"C\", name COLLATE \"C\", number"
        );
        self.rows(&sql, migration)
            .await?
            .iter()
            .map(chunk_record)
            .collect()
    }

    async fn store_split(&self, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()> {
        fault::point("postgres.ledger.split.before")?;
        let numbers: Vec<i64> = chunks.iter().map(|chunk| i64::from(chunk.index)).collect();
        let texts: Result<Vec<String>> = chunks.iter().map(json).collect();
        let (texts, (namespace, name)) = (texts?, named(target));
        let session = self.session().await?;
        begin(&session).await?;
        let (migration, space, bare) = (literal(&run.migration.0), literal(namespace), literal(name));
        let epoch = run.epoch.0;
        hold_epoch(&session, run).await?;
        let count = format!(
            "SELECT 1 FROM {CHUNKS} WHERE migration = {migration} AND namespace = {space} AND name = {bare} LIMIT 1"
        );
        let found = session.simple_query(&count).await.map_err(from_driver)?;
        if found
            .iter()
            .any(|message| matches!(message, SimpleQueryMessage::Row(_)))
        {
            return Err(conflict(format!("table `{target}` has a split already")).with_code("split_exists"));
        }
        let rows: Vec<String> = numbers
            .iter()
            .zip(&texts)
            .map(|(number, text)| {
                format!(
                    "({migration}, {space}, {bare}, {number}, {}, {epoch})",
                    literal(text)
                )
            })
            .collect();
        let insert = format!(
            "INSERT INTO {CHUNKS} (migration, namespace, name, number, chunk, epoch) VALUES {}",
            rows.join(", ")
        );
        commit_with(&session, &insert).await?;
        self.idle.put(session);
        fault::point("postgres.ledger.split.after")
    }

    async fn store_empty(&self, run: &RunKey, chunks: &[(TableId, Chunk)], position: &str) -> Result<()> {
        fault::point("postgres.ledger.empty.before")?;
        let (migration, epoch) = (literal(&run.migration.0), run.epoch.0);
        let (digest, position) = (literal(&json(&Digest::default())?), literal(position));
        let mut rows = Vec::with_capacity(chunks.len());
        for (target, chunk) in chunks {
            let (namespace, name) = named(target);
            rows.push(format!(
                "({migration}, {}, {}, {}, {}, {epoch}, 0, 0, 0, {digest}, {position}, now())",
                literal(namespace),
                literal(name),
                chunk.index,
                literal(&json(chunk)?)
            ));
        }
        let insert = format!(
            "INSERT INTO {CHUNKS} (migration, namespace, name, number, chunk, epoch, rows, bytes, rejected, digest, position, finished_at)
             VALUES {} ON CONFLICT DO NOTHING",
            rows.join(", ")
        );
        let session = self.session().await?;
        begin(&session).await?;
        hold_epoch(&session, run).await?;
        let stored = session.execute(&insert, &[]).await.map_err(from_driver)?;
        if stored != chunks.len() as u64 {
            return Err(
                conflict("a table without rows has a split already".to_owned()).with_code("split_exists")
            );
        }
        commit_surely(&session).await?;
        self.idle.put(session);
        fault::point("postgres.ledger.empty.after")
    }

    async fn add_chunk(&self, run: &RunKey, target: &TableId, chunk: &Chunk) -> Result<()> {
        fault::point("postgres.ledger.add.before")?;
        let (namespace, name) = named(target);
        let (number, text) = (i64::from(chunk.index), json(chunk)?);
        let session = self.session().await?;
        begin(&session).await?;
        hold_epoch(&session, run).await?;
        let insert = format!(
            "INSERT INTO {CHUNKS} AS c (migration, namespace, name, number, chunk, epoch) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (migration, namespace, name, number) DO UPDATE SET chunk = c.chunk WHERE c.chunk = $5"
        );
        let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&run.migration.0, &namespace, &name, &number, &text, &run.epoch.0];
        let added = session.execute(&insert, &parameters).await.map_err(from_driver)?;
        if added != 1 {
            let index = chunk.index;
            return Err(
                conflict(format!("table `{target}` has another chunk {index}")).with_code("split_exists")
            );
        }
        commit_surely(&session).await?;
        self.idle.put(session);
        fault::point("postgres.ledger.add.after")
    }

    async fn confirm_chunk(&self, run: &RunKey, target: &TableId, index: u32, position: &str) -> Result<()> {
        fault::point("postgres.ledger.confirm.before")?;
        let (namespace, name) = named(target);
        let sql = format!(
            "UPDATE {CHUNKS} SET position = {} WHERE migration = {} AND namespace = {} AND name = {} AND number = {index}
               AND finished_at IS NOT NULL",
            literal(position),
            literal(&run.migration.0),
            literal(namespace),
            literal(name),
        );
        let session = self.session().await?;
        let changed = change(&session, run, &sql).await?;
        self.idle.put(session);
        if changed != 1 {
            return Err(conflict(format!("chunk {index} of `{target}` is not finished")));
        }
        fault::point("postgres.ledger.confirm.after")
    }

    async fn forget(&self, migration: &MigrationId) -> Result<()> {
        fault::point("postgres.ledger.forget.before")?;
        let session = self.session().await?;
        begin(&session).await?;
        session
            .query_one("SELECT pg_advisory_xact_lock($1)::text", &[&CREATION_LOCK])
            .await
            .map_err(from_driver)?;
        if exists(&session).await? {
            for table in [CHUNKS, STEPS, RUNS] {
                let sql = format!("DELETE FROM {table} WHERE migration = $1");
                session
                    .execute(&sql, &[&migration.0])
                    .await
                    .map_err(from_driver)?;
            }
            let row = session
                .query_one(&format!("SELECT count(*) FROM {RUNS}"), &[])
                .await
                .map_err(from_driver)?;
            if row.get::<_, i64>(0) == 0 {
                let drop = format!("DROP TABLE {CHUNKS}, {STEPS}, {RUNS}; DROP SCHEMA _whimbrel");
                session.batch_execute(&drop).await.map_err(from_driver)?;
            }
            commit_surely(&session).await?;
        } else {
            session.batch_execute("ROLLBACK").await.map_err(from_driver)?;
        }
        self.idle.put(session);
        fault::point("postgres.ledger.forget.after")
    }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|cause| Error::bug("a ledger row cannot be written").with_cause(cause))
}

/// The digest as the ledger keeps it.
pub(crate) fn digest_text(result: &ChunkResult) -> Result<String> {
    json(&result.digest)
}

/// The counts of changed values as the ledger keeps them; none when no column has a rule.
pub(crate) fn ruled_text(result: &ChunkResult) -> Result<Option<String>> {
    match result.ruled.is_empty() {
        true => Ok(None),
        false => json(&result.ruled).map(Some),
    }
}

fn chunk_record(row: &Row) -> Result<ChunkRecord> {
    let read = |cause| Error::invalid("a row of the ledger cannot be read").with_cause(cause);
    let (namespace, name): (String, String) = (row.get(0), row.get(1));
    let number = |at: usize| u64::try_from(row.get::<_, Option<i64>>(at).unwrap_or(0)).unwrap_or(0);
    let finished: bool = row.get(9);
    let result = match row.get::<_, Option<String>>(7).filter(|_| finished) {
        Some(digest) => Some(ChunkResult {
            rows: number(4),
            bytes: number(5),
            rejected: number(6),
            digest: serde_json::from_str(&digest).map_err(read)?,
            ruled: match row.get::<_, Option<String>>(10) {
                Some(ruled) => serde_json::from_str(&ruled).map_err(read)?,
                None => Vec::new(),
            },
        }),
        None => None,
    };
    Ok(ChunkRecord {
        target: TableId {
            namespace: Some(namespace).filter(|namespace| !namespace.is_empty()),
            name,
        },
        chunk: serde_json::from_str(&row.get::<_, String>(2)).map_err(read)?,
        epoch: Epoch(row.get(3)),
        result,
        position: row.get::<_, Option<String>>(8).filter(|_| finished),
    })
}
