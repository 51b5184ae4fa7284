//! The ledger's tables and what is done with them. Writers and steps record themselves here in their own transactions.

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use whimbrel_core::{
    Chunk, ChunkRecord, ChunkResult, Digest, Epoch, Error, ErrorClass, Ledger, MigrationId, Result, RunKey,
    StepRecord, TableId, fault,
};

use crate::aside;
use crate::catalog::{pragma_number, pragma_text};
use crate::error::During;
use crate::files;
use crate::gate::DatabaseFile;
use crate::pen::{Hand, Pen, Points};

/// Adds a chunk of a split to the record.
const ADD_CHUNK: &str = "INSERT INTO _whimbrel_chunks (migration, source, target, chunk, bounds, epoch) VALUES (?, ?, ?, ?, ?, ?)";

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS _whimbrel_runs (
    migration TEXT NOT NULL PRIMARY KEY, plan_hash TEXT NOT NULL, epoch INTEGER NOT NULL,
    created_file INTEGER NOT NULL, boot TEXT NOT NULL, settled INTEGER NOT NULL, had_sequences INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _whimbrel_steps (
    migration TEXT NOT NULL, step TEXT NOT NULL, number INTEGER NOT NULL, epoch INTEGER NOT NULL,
    PRIMARY KEY (migration, step)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _whimbrel_steps_number ON _whimbrel_steps (migration, number);
CREATE TABLE IF NOT EXISTS _whimbrel_chunks (
    migration TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, chunk INTEGER NOT NULL, bounds TEXT NOT NULL,
    rows INTEGER, bytes INTEGER, rejected INTEGER, ruled TEXT, digest TEXT, epoch INTEGER NOT NULL, position TEXT, finished_at TEXT,
    PRIMARY KEY (migration, target, chunk)) STRICT, WITHOUT ROWID;
";

/// The ledger of a file.
pub(crate) struct SqliteLedger {
    pen: Pen,
}

impl SqliteLedger {
    /// Names the ledger of the pen's file.
    pub(crate) fn new(pen: Pen) -> Self {
        Self { pen }
    }

    /// Reads from a ledger that may not exist.
    async fn read<T: Send + Default + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.pen
            .write(move |hand| {
                if !hand.file.exists() {
                    hand.close();
                    return Ok(T::default());
                }
                let connection = hand.connection()?;
                if exists(connection)? {
                    work(connection)
                } else {
                    Ok(T::default())
                }
            })
            .await
    }
}

/// Tells whether the ledger's tables are there.
pub(crate) fn exists(connection: &Connection) -> Result<bool> {
    connection
        .query_row(
            // The schema's own table has no index: a look into it would take longer with every table.
            "SELECT count(*) > 0 FROM pragma_table_info('_whimbrel_runs', 'main')",
            [],
            |row| row.get(0),
        )
        .during(|| "look for the ledger")
}

/// Fails unless the run's epoch is the recorded one. Inside a transaction that holds the write lock nobody can change it.
pub(crate) fn hold_epoch(connection: &Connection, run: &RunKey) -> Result<()> {
    let recorded = if exists(connection)? {
        epoch_of(connection, &run.migration)?
    } else {
        None
    };
    match recorded {
        Some(epoch) if epoch == run.epoch => Ok(()),
        Some(epoch) => Err(Error::new(
            ErrorClass::Conflict,
            format!(
                "the epoch of {} is {}; this process holds {}",
                run.migration, epoch.0, run.epoch.0
            ),
        )
        .with_code("epoch_lost")
        .with_hint("another process took over this migration: whimbrel status")),
        None => Err(Error::new(
            ErrorClass::Conflict,
            format!("the target's ledger does not know {}", run.migration),
        )
        .with_code("ledger_lost")
        .with_hint("look at the target: whimbrel status")),
    }
}

fn epoch_of(connection: &Connection, migration: &MigrationId) -> Result<Option<Epoch>> {
    connection
        .query_row(
            "SELECT epoch FROM _whimbrel_runs WHERE migration = ?",
            [&migration.0],
            |row| row.get(0).map(Epoch),
        )
        .optional()
        .during(|| "read the ledger")
}

/// Tells whether a step is recorded.
pub(crate) fn has_step(connection: &Connection, run: &RunKey, step: &str) -> Result<bool> {
    connection
        .query_row(
            "SELECT count(*) > 0 FROM _whimbrel_steps WHERE migration = ? AND step = ?",
            [&run.migration.0, step],
            |row| row.get(0),
        )
        .during(|| "read the ledger")
}

/// Records a step.
pub(crate) fn add_step(connection: &Connection, run: &RunKey, step: &str) -> Result<()> {
    connection
        .execute(
            "INSERT INTO _whimbrel_steps (migration, step, number, epoch)
             SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3 FROM _whimbrel_steps WHERE migration = ?1",
            params![run.migration.0, step, run.epoch.0],
        )
        .during(|| "record a step")?;
    Ok(())
}

/// Removes the record of a step.
pub(crate) fn remove_step(connection: &Connection, run: &RunKey, step: &str) -> Result<()> {
    connection
        .execute(
            "DELETE FROM _whimbrel_steps WHERE migration = ? AND step = ?",
            [&run.migration.0, step],
        )
        .during(|| "record a step")?;
    Ok(())
}

/// Removes the chunks of a table.
pub(crate) fn remove_chunks(connection: &Connection, run: &RunKey, table: &TableId) -> Result<()> {
    connection
        .execute(
            "DELETE FROM _whimbrel_chunks WHERE migration = ? AND target = ?",
            [&run.migration.0, &table.name],
        )
        .during(|| "forget the chunks of a table")?;
    Ok(())
}

/// Where a chunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChunkState {
    Unfinished,
    Finished,
}

/// Returns where a chunk stands; a chunk that is not in the ledger is a conflict.
pub(crate) fn chunk_state(
    connection: &Connection,
    run: &RunKey,
    target: &TableId,
    index: u32,
) -> Result<ChunkState> {
    let finished: Option<bool> = connection
        .query_row(
            "SELECT finished_at IS NOT NULL FROM _whimbrel_chunks WHERE migration = ? AND target = ? AND chunk = ?",
            params![run.migration.0, target.name, index],
            |row| row.get(0),
        )
        .optional()
        .during(|| "read the ledger")?;
    match finished {
        Some(true) => Ok(ChunkState::Finished),
        Some(false) => Ok(ChunkState::Unfinished),
        None => Err(Error::new(
            ErrorClass::Conflict,
            format!("chunk {index} of `{target}` is not in the target's ledger"),
        )
        .with_code("chunk_unknown")),
    }
}

/// Makes a finished chunk unfinished, in the transaction that replaces its rows.
pub(crate) fn reopen_chunk(
    connection: &Connection,
    run: &RunKey,
    target: &TableId,
    index: u32,
) -> Result<()> {
    connection
        .execute(
            "UPDATE _whimbrel_chunks SET finished_at = NULL, epoch = ? WHERE migration = ? AND target = ? AND chunk = ?",
            params![run.epoch.0, run.migration.0, target.name, index],
        )
        .during(|| "open a chunk again")?;
    Ok(())
}

/// Marks a chunk as finished; false when it was not unfinished under this epoch.
pub(crate) fn finish_chunk(
    connection: &Connection,
    run: &RunKey,
    place: (&TableId, u32),
    result: &ChunkResult,
    position: &str,
) -> Result<bool> {
    let digest = serde_json::to_string(&result.digest)
        .map_err(|cause| Error::bug("a digest cannot be written").with_cause(cause))?;
    let ruled = match result.ruled.is_empty() {
        true => None,
        false => Some(
            serde_json::to_string(&result.ruled)
                .map_err(|cause| Error::bug("counts cannot be written").with_cause(cause))?,
        ),
    };
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let touched = connection
        .execute(
            "UPDATE _whimbrel_chunks SET rows = ?, bytes = ?, rejected = ?, ruled = ?, digest = ?, position = ?,
                finished_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
             WHERE migration = ? AND target = ? AND chunk = ? AND finished_at IS NULL AND epoch = ?",
            params![
                number(result.rows),
                number(result.bytes),
                number(result.rejected),
                ruled,
                digest,
                position,
                run.migration.0,
                place.0.name,
                place.1,
                run.epoch.0
            ],
        )
        .during(|| "record a chunk")?;
    Ok(touched == 1)
}

/// Identifies the time since the machine started; empty where that cannot be known.
fn boot() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

/// A run as recorded.
struct RunRow {
    plan_hash: String,
    epoch: i64,
    boot: String,
    /// False while the file may be lost in a power cut.
    settled: bool,
}

fn run_row(connection: &Connection, migration: &MigrationId) -> Result<Option<RunRow>> {
    connection
        .query_row(
            "SELECT plan_hash, epoch, boot, settled FROM _whimbrel_runs WHERE migration = ?",
            [&migration.0],
            |row| {
                Ok(RunRow {
                    plan_hash: row.get(0)?,
                    epoch: row.get(1)?,
                    boot: row.get(2)?,
                    settled: row.get(3)?,
                })
            },
        )
        .optional()
        .during(|| "read the ledger")
}

/// Makes a new file that holds the ledger and knows that it is ours; it appears under its name all at once.
fn create_file(file: &DatabaseFile, migration: &MigrationId, plan_hash: &str) -> Result<()> {
    if !file.folder().is_dir() {
        return Err(
            Error::invalid(format!("the folder `{}` does not exist", file.folder().display()))
                .with_hint(format!("mkdir -p '{}'", file.folder().display())),
        );
    }
    let unborn = file.beside(".whimbrel-new");
    let what = || format!("create `{}`", file.path().display());
    files::remove(&unborn)?;
    fault::point("sqlite.file.create.before")?;
    let connection = Connection::open(&unborn).during(what)?;
    connection
        .execute_batch(&format!("PRAGMA journal_mode = delete; BEGIN; {TABLES}"))
        .during(what)?;
    connection
        .execute(
            "INSERT INTO _whimbrel_runs VALUES (?, ?, 0, 1, ?, 0, 0)",
            [&migration.0, plan_hash, &boot()],
        )
        .during(what)?;
    connection.execute_batch("COMMIT").during(what)?;
    connection
        .close()
        .map_err(|(_, cause)| crate::error::failed(what(), cause))?;
    files::rename(&unborn, file.path())?;
    files::sync_folder(file.path())?;
    fault::point("sqlite.file.create.after")
}

const OPEN: Points = Points {
    begin: "sqlite.ledger.open.begin",
    before: "sqlite.ledger.open.before",
    after: "sqlite.ledger.open.after",
};

fn open(hand: &mut Hand<'_>, migration: &MigrationId, plan_hash: &str) -> Result<Epoch> {
    if !hand.file.exists() {
        hand.close();
        create_file(hand.file, migration, plan_hash)?;
    }
    let (epoch, unsafe_is_fine) = hand.transact("open the ledger", &OPEN, |tx| {
        tx.execute_batch(TABLES).during(|| "create the ledger")?;
        let Some(row) = run_row(tx, migration)? else {
            let unsafe_is_fine = holds_nothing(tx)? && !boot().is_empty();
            tx.execute(
                "INSERT INTO _whimbrel_runs
                 SELECT ?, ?, 1, 0, ?, ?, (SELECT count(*) > 0 FROM sqlite_schema WHERE name = 'sqlite_sequence')",
                params![migration.0, plan_hash, boot(), !unsafe_is_fine],
            )
            .during(|| "record the run")?;
            return Ok((Epoch(1), unsafe_is_fine));
        };
        check_run(&row, migration, plan_hash)?;
        let epoch = row.epoch + 1;
        tx.execute(
            "UPDATE _whimbrel_runs SET epoch = ?, boot = ? WHERE migration = ?",
            params![epoch, boot(), migration.0],
        )
        .during(|| "raise the epoch")?;
        tx.execute(
            "UPDATE _whimbrel_chunks SET epoch = ? WHERE migration = ? AND finished_at IS NULL",
            params![epoch, migration.0],
        )
        .during(|| "raise the epoch")?;
        Ok((
            Epoch(epoch),
            !row.settled && !row.boot.is_empty(),
        ))
    })?;
    // A file that held nothing before may lose its last commits in a power cut, or worse: the changed boot id tells. A crash of the process
    // alone loses nothing.
    let mode = if unsafe_is_fine { "off" } else { "full" };
    let connection = hand.connection()?;
    connection
        .execute_batch(&format!("PRAGMA synchronous = {mode}"))
        .during(|| "open the ledger")?;
    let stays_put =
        pragma_number(connection, "auto_vacuum")? == 0 && pragma_text(connection, "journal_mode")? != "wal";
    hand.call_new(unsafe_is_fine && stays_put);
    hand.leave()?;
    Ok(epoch)
}

/// Tells whether the file holds nothing but our own tables, and they know of no other migration.
fn holds_nothing(connection: &Connection) -> Result<bool> {
    connection
        .query_row(
            "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE tbl_name NOT GLOB '_whimbrel_*')
                AND NOT EXISTS (SELECT 1 FROM _whimbrel_runs)",
            [],
            |row| row.get(0),
        )
        .during(|| "look for tables")
}

fn check_run(row: &RunRow, migration: &MigrationId, plan_hash: &str) -> Result<()> {
    if row.plan_hash != plan_hash {
        return Err(Error::new(
            ErrorClass::Conflict,
            format!(
                "the target's ledger knows {migration} with the plan `{}`; this one is `{plan_hash}`",
                row.plan_hash
            ),
        )
        .with_code("plan_changed")
        .with_hint("roll back the old plan first: whimbrel rollback --to start"));
    }
    if !row.settled && row.boot != boot() {
        return Err(Error::new(
            ErrorClass::Conflict,
            "the machine was restarted while the target file was not yet durable; it cannot be trusted",
        )
        .with_code("restart_needed")
        .with_hint("remove the target file and run the migration again"));
    }
    Ok(())
}

#[async_trait]
impl Ledger for SqliteLedger {
    async fn epoch(&self, migration: &MigrationId) -> Result<Option<Epoch>> {
        let migration = migration.clone();
        self.read(move |connection| epoch_of(connection, &migration))
            .await
    }

    async fn open(&self, migration: &MigrationId, plan_hash: &str) -> Result<Epoch> {
        let (migration, plan_hash) = (migration.clone(), plan_hash.to_owned());
        self.pen
            .write(move |hand| open(hand, &migration, &plan_hash))
            .await
    }

    async fn steps(&self, migration: &MigrationId) -> Result<Vec<StepRecord>> {
        let migration = migration.clone();
        self.read(move |connection| {
            let read = || -> rusqlite::Result<Vec<StepRecord>> {
                let mut statement = connection
                    .prepare("SELECT step, epoch FROM _whimbrel_steps WHERE migration = ? ORDER BY number")?;
                statement
                    .query_map([&migration.0], |row| {
                        Ok(StepRecord {
                            id: row.get(0)?,
                            epoch: Epoch(row.get(1)?),
                        })
                    })?
                    .collect()
            };
            read().during(|| "read the ledger")
        })
        .await
    }

    async fn chunks(&self, migration: &MigrationId) -> Result<Vec<ChunkRecord>> {
        let migration = migration.clone();
        self.read(move |connection| read_chunks(connection, &migration))
            .await
    }

    async fn store_split(&self, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()> {
        let (run, target, chunks) = (run.clone(), target.clone(), chunks.to_vec());
        self.pen
            .write(move |hand| store_split(hand, &run, &target, &chunks))
            .await
    }

    async fn store_empty(&self, run: &RunKey, chunks: &[(TableId, Chunk)], position: &str) -> Result<()> {
        let (run, chunks, position) = (run.clone(), chunks.to_vec(), position.to_owned());
        self.pen
            .write(move |hand| store_empty(hand, &run, &chunks, &position))
            .await
    }

    async fn add_chunk(&self, run: &RunKey, target: &TableId, chunk: &Chunk) -> Result<()> {
        let (run, target, chunk) = (run.clone(), target.clone(), chunk.clone());
        self.pen
            .write(move |hand| add_chunk(hand, &run, &target, &chunk))
            .await
    }

    async fn confirm_chunk(&self, run: &RunKey, target: &TableId, index: u32, position: &str) -> Result<()> {
        const CONFIRM: Points = Points {
            begin: "sqlite.ledger.confirm.begin",
            before: "sqlite.ledger.confirm.before",
            after: "sqlite.ledger.confirm.after",
        };
        let (run, target, position) = (run.clone(), target.clone(), position.to_owned());
        self.pen
            .write(move |hand| {
                hand.transact("confirm a chunk", &CONFIRM, |tx| {
                    hold_epoch(tx, &run)?;
                    tx.execute(
                        "UPDATE _whimbrel_chunks SET position = ?
                         WHERE migration = ? AND target = ? AND chunk = ? AND finished_at IS NOT NULL",
                        params![position, run.migration.0, target.name, index],
                    )
                    .during(|| "confirm a chunk")?;
                    Ok(())
                })
            })
            .await
    }

    async fn forget(&self, migration: &MigrationId) -> Result<()> {
        let migration = migration.clone();
        self.pen.write(move |hand| forget(hand, &migration)).await
    }
}

fn add_chunk(hand: &mut Hand<'_>, run: &RunKey, target: &TableId, chunk: &Chunk) -> Result<()> {
    const ADD: Points = Points {
        begin: "sqlite.ledger.add.begin",
        before: "sqlite.ledger.add.before",
        after: "sqlite.ledger.add.after",
    };
    let bounds = serde_json::to_string(chunk)
        .map_err(|cause| Error::bug("a chunk cannot be written").with_cause(cause))?;
    hand.transact("add a chunk", &ADD, |tx| {
        hold_epoch(tx, run)?;
        let known: Option<String> = tx
            .query_row(
                "SELECT bounds FROM _whimbrel_chunks WHERE migration = ? AND target = ? AND chunk = ?",
                params![run.migration.0, target.name, chunk.index],
                |row| row.get(0),
            )
            .optional()
            .during(|| "read the ledger")?;
        match known {
            Some(known) if known == bounds => return Ok(()),
            Some(_) => {
                let message = format!("`{target}` has another chunk {}", chunk.index);
                return Err(Error::new(ErrorClass::Conflict, message).with_code("split_exists"));
            }
            None => {}
        }
        tx.execute(
            ADD_CHUNK,
            params![
                run.migration.0,
                chunk.table.to_string(),
                target.name,
                chunk.index,
                bounds,
                run.epoch.0
            ],
        )
        .during(|| "add a chunk")?;
        Ok(())
    })
}

fn store_split(hand: &mut Hand<'_>, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()> {
    const SPLIT: Points = Points {
        begin: "sqlite.ledger.split.begin",
        before: "sqlite.ledger.split.before",
        after: "sqlite.ledger.split.after",
    };
    hand.transact("store a split", &SPLIT, |tx| {
        hold_epoch(tx, run)?;
        let has_one: bool = tx
            .query_row(
                "SELECT count(*) > 0 FROM _whimbrel_chunks WHERE migration = ? AND target = ?",
                [&run.migration.0, &target.name],
                |row| row.get(0),
            )
            .during(|| "read the ledger")?;
        if has_one {
            return Err(
                Error::new(ErrorClass::Conflict, format!("`{target}` has a split already"))
                    .with_code("split_exists"),
            );
        }
        let mut insert = tx.prepare(ADD_CHUNK).during(|| "store a split")?;
        for chunk in chunks {
            let bounds = serde_json::to_string(chunk)
                .map_err(|cause| Error::bug("a chunk cannot be written").with_cause(cause))?;
            insert
                .execute(params![
                    run.migration.0,
                    chunk.table.to_string(),
                    target.name,
                    chunk.index,
                    bounds,
                    run.epoch.0
                ])
                .during(|| "store a split")?;
        }
        Ok(())
    })
}

fn store_empty(hand: &mut Hand<'_>, run: &RunKey, chunks: &[(TableId, Chunk)], position: &str) -> Result<()> {
    const EMPTY: Points = Points {
        begin: "sqlite.ledger.empty.begin",
        before: "sqlite.ledger.empty.before",
        after: "sqlite.ledger.empty.after",
    };
    let unwritable = |cause: serde_json::Error| Error::bug("a chunk cannot be written").with_cause(cause);
    let digest = serde_json::to_string(&Digest::default()).map_err(unwritable)?;
    hand.transact("store empty tables", &EMPTY, |tx| {
        hold_epoch(tx, run)?;
        let mut insert = tx
            .prepare(
                "INSERT INTO _whimbrel_chunks
                   (migration, source, target, chunk, bounds, epoch, rows, bytes, rejected, digest, position, finished_at)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, 0, 0, 0, ?7, ?8, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
                 WHERE NOT EXISTS (SELECT 1 FROM _whimbrel_chunks WHERE migration = ?1 AND target = ?3)",
            )
            .during(|| "store empty tables")?;
        for (target, chunk) in chunks {
            let bounds = serde_json::to_string(chunk).map_err(unwritable)?;
            let stored = insert
                .execute(params![
                    run.migration.0,
                    chunk.table.to_string(),
                    target.name,
                    chunk.index,
                    bounds,
                    run.epoch.0,
                    digest,
                    position
                ])
                .during(|| "store empty tables")?;
            if stored != 1 {
                let message = format!("`{target}` has a split already");
                return Err(Error::new(ErrorClass::Conflict, message).with_code("split_exists"));
            }
        }
        Ok(())
    })
}

fn read_chunks(connection: &Connection, migration: &MigrationId) -> Result<Vec<ChunkRecord>> {
    let what = || "read the ledger";
    let damaged = |cause: serde_json::Error| Error::invalid("the ledger is damaged").with_cause(cause);
    let mut statement = connection
        .prepare(
            "SELECT target, bounds, epoch, rows, bytes, rejected, digest, position, finished_at IS NOT NULL, ruled
             FROM _whimbrel_chunks WHERE migration = ? ORDER BY target, chunk",
        )
        .during(what)?;
    let mut rows = statement.query([&migration.0]).during(what)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().during(what)? {
        let text = |at: usize| row.get::<_, String>(at).during(what);
        let number = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs).during(what);
        let finished: bool = row.get(8).during(what)?;
        let result = if finished {
            Some(ChunkResult {
                rows: number(3)?,
                bytes: number(4)?,
                rejected: number(5)?,
                digest: serde_json::from_str(&text(6)?).map_err(damaged)?,
                ruled: match row.get::<_, Option<String>>(9).during(what)? {
                    Some(ruled) => serde_json::from_str(&ruled).map_err(damaged)?,
                    None => Vec::new(),
                },
            })
        } else {
            None
        };
        found.push(ChunkRecord {
            target: TableId::bare(text(0)?),
            chunk: serde_json::from_str(&text(1)?).map_err(damaged)?,
            epoch: Epoch(row.get(2).during(what)?),
            position: if finished { row.get(7).during(what)? } else { None },
            result,
        });
    }
    Ok(found)
}

fn forget(hand: &mut Hand<'_>, migration: &MigrationId) -> Result<()> {
    const FORGET: Points = Points {
        begin: "sqlite.ledger.forget.begin",
        before: "sqlite.ledger.forget.before",
        after: "sqlite.ledger.forget.after",
    };
    aside::remove_copy(hand.file, &migration.0)?;
    files::remove(&hand.file.beside(".whimbrel-new"))?;
    if !hand.file.exists() {
        hand.close();
        return Ok(());
    }
    if !exists(hand.connection()?)? {
        return Ok(());
    }
    if is_nothing_but_ours(hand.connection()?, migration)? {
        return remove_database(hand);
    }
    if leaves_sequences(hand.connection()?, migration)? {
        remove_sequences(hand)?;
    }
    hand.transact("forget the migration", &FORGET, |tx| {
        for table in ["_whimbrel_chunks", "_whimbrel_steps", "_whimbrel_runs"] {
            tx.execute(
                &format!("DELETE FROM {table} WHERE migration = ?"),
                [&migration.0],
            )
            .during(|| "forget the migration")?;
        }
        let others: i64 = tx
            .query_row("SELECT count(*) FROM _whimbrel_runs", [], |row| row.get(0))
            .during(|| "read the ledger")?;
        if others == 0 {
            tx.execute_batch(
                "DROP TABLE _whimbrel_chunks; DROP TABLE _whimbrel_steps; DROP TABLE _whimbrel_runs",
            )
            .during(|| "drop the ledger")?;
        }
        Ok(())
    })
}

/// Tells whether `sqlite_sequence` is there, empty, and was not there before the run.
fn leaves_sequences(connection: &Connection, migration: &MigrationId) -> Result<bool> {
    let what = || "read the ledger";
    let came_with_us: bool = connection
        .query_row(
            "SELECT count(*) > 0 FROM _whimbrel_runs
             WHERE migration = ? AND had_sequences = 0 AND (SELECT count(*) FROM _whimbrel_runs) = 1
                AND EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence')
                AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%autoincrement%')",
            [&migration.0],
            |row| row.get(0),
        )
        .during(what)?;
    let is_empty = |connection: &Connection| {
        connection.query_row("SELECT count(*) = 0 FROM sqlite_sequence", [], |row| row.get(0))
    };
    Ok(came_with_us && is_empty(connection).during(what)?)
}

/// The engine's own table of sequences cannot be dropped by a statement; VACUUM leaves it out when no table needs it.
fn remove_sequences(hand: &mut Hand<'_>) -> Result<()> {
    fault::point("sqlite.vacuum.before")?;
    hand.connection()?
        .execute_batch("VACUUM")
        .during(|| "remove the empty table `sqlite_sequence`")?;
    fault::point("sqlite.vacuum.after")
}

/// Tells whether the run made the file and nothing else is left in it.
fn is_nothing_but_ours(connection: &Connection, migration: &MigrationId) -> Result<bool> {
    connection
        .query_row(
            "SELECT (SELECT count(*) FROM _whimbrel_runs WHERE migration = ?1 AND created_file = 1) = 1
                AND (SELECT count(*) FROM _whimbrel_runs) = 1
                AND (SELECT count(*) FROM sqlite_schema
                     WHERE tbl_name NOT LIKE '\\_whimbrel\\_%' ESCAPE '\\' AND tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\') = 0",
            [&migration.0],
            |row| row.get(0),
        )
        .during(|| "read the ledger")
}

fn remove_database(hand: &mut Hand<'_>) -> Result<()> {
    hand.close();
    fault::point("sqlite.file.remove.before")?;
    files::remove(hand.file.path())?;
    for suffix in ["-journal", "-wal", "-shm"] {
        files::remove(&hand.file.beside(suffix))?;
    }
    files::sync_folder(hand.file.path())?;
    fault::point("sqlite.file.remove.after")
}
