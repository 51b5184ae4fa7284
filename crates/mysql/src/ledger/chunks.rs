//! The ledger's chunks: planned once, finished once by compare-and-set, confirmed or removed.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};
use whimbrel_core::{
    Chunk, ChunkRecord, ChunkResult, Digest, Epoch, Error, MigrationId, Position, Result, RunKey, TableId,
};

use super::tables::{CHUNKS, conflict, named};
use crate::error::classify;
use crate::quote::literal;

/// Rows of one INSERT: a split can be long, and a statement has a limit.
const STORED_AT_ONCE: usize = 500;

/// Returns all chunks of the migration, by target table and number.
pub(super) async fn all(conn: &mut Conn, migration: &MigrationId) -> Result<Vec<ChunkRecord>> {
    let sql = format!(
        "SELECT namespace, name, chunk, epoch, `rows`, bytes, rejected, ruled, digest, position, finished_at IS NOT NULL
         FROM {CHUNKS} WHERE migration = ? ORDER BY namespace, name, number"
    );
    let rows: Vec<Row> = conn.exec(sql, (&migration.0,)).await.map_err(classify)?;
    rows.into_iter().map(record).collect()
}

fn record(mut row: Row) -> Result<ChunkRecord> {
    let unreadable = || Error::invalid("a row of the ledger cannot be read");
    let read = |cause| unreadable().with_cause(cause);
    let finished = number(&mut row, 10)? == Some(1);
    let namespace = text(&mut row, 0)?.unwrap_or_default();
    let result = match text(&mut row, 8)?.filter(|_| finished) {
        Some(digest) => Some(ChunkResult {
            rows: number(&mut row, 4)?.unwrap_or(0),
            bytes: number(&mut row, 5)?.unwrap_or(0),
            rejected: number(&mut row, 6)?.unwrap_or(0),
            ruled: match text(&mut row, 7)? {
                Some(ruled) => serde_json::from_str(&ruled).map_err(read)?,
                None => Vec::new(),
            },
            digest: serde_json::from_str(&digest).map_err(read)?,
        }),
        None => None,
    };
    let chunk = text(&mut row, 2)?.ok_or_else(unreadable)?;
    let epoch = number(&mut row, 3)?.and_then(|epoch| i64::try_from(epoch).ok());
    Ok(ChunkRecord {
        target: TableId {
            namespace: Some(namespace).filter(|namespace| !namespace.is_empty()),
            name: text(&mut row, 1)?.unwrap_or_default(),
        },
        chunk: serde_json::from_str(&chunk).map_err(read)?,
        epoch: Epoch(epoch.ok_or_else(unreadable)?),
        result,
        position: text(&mut row, 9)?.filter(|_| finished),
    })
}

fn text(row: &mut Row, at: usize) -> Result<Option<String>> {
    row.take_opt::<Option<String>, _>(at)
        .transpose()
        .map(Option::flatten)
        .map_err(|cause| Error::invalid("a row of the ledger cannot be read").with_cause(cause))
}

fn number(row: &mut Row, at: usize) -> Result<Option<u64>> {
    row.take_opt::<Option<u64>, _>(at)
        .transpose()
        .map(Option::flatten)
        .map_err(|cause| Error::invalid("a row of the ledger cannot be read").with_cause(cause))
}

/// Stores a split; a `Conflict` when the table has one.
pub(super) async fn store(conn: &mut Conn, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()> {
    let (namespace, name) = named(target);
    // A lock on rows that are not there would be one on the place between others, where other tables' chunks go.
    let count = format!("SELECT count(*) FROM {CHUNKS} WHERE migration = ? AND namespace = ? AND name = ?");
    let known: Option<u64> = conn
        .exec_first(count, (&run.migration.0, namespace, name))
        .await
        .map_err(classify)?;
    if known != Some(0) {
        return Err(conflict(format!("table `{target}` has a split already")).with_code("split_exists"));
    }
    insert(conn, run, target, chunks).await
}

/// Adds a chunk to a split; tells whether anything changed, which an equal chunk does not. Another one is a `Conflict`.
pub(super) async fn add(conn: &mut Conn, run: &RunKey, target: &TableId, chunk: &Chunk) -> Result<bool> {
    let (namespace, name) = named(target);
    let sql = format!(
        "SELECT chunk FROM {CHUNKS} WHERE migration = ? AND namespace = ? AND name = ? AND number = ?"
    );
    let known: Option<String> = conn
        .exec_first(sql, (&run.migration.0, namespace, name, chunk.index))
        .await
        .map_err(classify)?;
    match known {
        None => {
            insert(conn, run, target, std::slice::from_ref(chunk)).await?;
            Ok(true)
        }
        Some(known) if known == json(chunk)? => Ok(false),
        Some(_) => {
            let index = chunk.index;
            Err(conflict(format!("table `{target}` has another chunk {index}")).with_code("split_exists"))
        }
    }
}

async fn insert(conn: &mut Conn, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()> {
    let (namespace, name) = named(target);
    for some in chunks.chunks(STORED_AT_ONCE) {
        let places = vec!["(?, ?, ?, ?, ?, ?)"; some.len()].join(", ");
        let mut values: Vec<Value> = Vec::with_capacity(some.len() * 6);
        for chunk in some {
            values.push(run.migration.0.as_str().into());
            values.push(namespace.into());
            values.push(name.into());
            values.push(chunk.index.into());
            values.push(json(chunk)?.into());
            values.push(run.epoch.0.into());
        }
        let sql = format!(
            "INSERT INTO {CHUNKS} (migration, namespace, name, number, chunk, epoch) VALUES {places}"
        );
        conn.exec_drop(sql, values).await.map_err(|error| {
            if is_duplicate(&error) {
                return conflict(format!("somebody else plans table `{target}`")).with_code("split_exists");
            }
            classify(error)
        })?;
    }
    Ok(())
}

/// Stores chunks that are the whole split of their tables and have arrived without rows; a `Conflict` when a table has a split.
pub(super) async fn store_empty(
    conn: &mut Conn,
    run: &RunKey,
    chunks: &[(TableId, Chunk)],
    position: &str,
) -> Result<()> {
    let digest = json(&Digest::default())?;
    for some in chunks.chunks(STORED_AT_ONCE) {
        let places = vec!["(?, ?, ?, ?, ?, ?, 0, 0, 0, ?, ?, CURRENT_TIMESTAMP(6))"; some.len()].join(", ");
        let mut values: Vec<Value> = Vec::with_capacity(some.len() * 8);
        for (target, chunk) in some {
            let (namespace, name) = named(target);
            values.push(run.migration.0.as_str().into());
            values.push(namespace.into());
            values.push(name.into());
            values.push(chunk.index.into());
            values.push(json(chunk)?.into());
            values.push(run.epoch.0.into());
            values.push(digest.as_str().into());
            values.push(position.into());
        }
        let sql = format!(
            "INSERT INTO {CHUNKS} (migration, namespace, name, number, chunk, epoch, `rows`, bytes, rejected, digest, position, finished_at)
             VALUES {places}"
        );
        conn.exec_drop(sql, values).await.map_err(|error| {
            if is_duplicate(&error) {
                let message = "a table without rows has a split already".to_owned();
                return conflict(message).with_code("split_exists");
            }
            classify(error)
        })?;
    }
    Ok(())
}

fn is_duplicate(error: &mysql_async::Error) -> bool {
    matches!(error, mysql_async::Error::Server(answer) if answer.code == 1062)
}

/// Notes that a finished chunk holds under a later snapshot.
pub(super) async fn confirm(
    conn: &mut Conn,
    run: &RunKey,
    target: &TableId,
    index: u32,
    position: &str,
) -> Result<()> {
    let (namespace, name) = named(target);
    let key = (&run.migration.0, namespace, name, index);
    // An UPDATE that changes nothing counts no row, so the row is looked for.
    let find = format!(
        "SELECT finished_at IS NOT NULL FROM {CHUNKS}
         WHERE migration = ? AND namespace = ? AND name = ? AND number = ? FOR UPDATE"
    );
    let finished: Option<bool> = conn.exec_first(find, key).await.map_err(classify)?;
    if finished != Some(true) {
        return Err(conflict(format!("chunk {index} of `{target}` is not finished")));
    }
    let update = format!(
        "UPDATE {CHUNKS} SET position = ? WHERE migration = ? AND namespace = ? AND name = ? AND number = ?"
    );
    conn.exec_drop(update, (position, &run.migration.0, namespace, name, index))
        .await
        .map_err(classify)
}

/// What arrives, and where it is recorded.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) run: &'a RunKey,
    pub(crate) target: &'a TableId,
    pub(crate) index: u32,
    pub(crate) position: &'a Position,
    pub(crate) result: &'a ChunkResult,
}

/// Finishes the chunk if nobody has; returns the number of rows changed, which must be 1.
pub(crate) async fn finish(conn: &mut Conn, arrival: &Arrival<'_>) -> Result<u64> {
    let (namespace, name) = named(arrival.target);
    let result = arrival.result;
    let ruled = match result.ruled.is_empty() {
        true => None,
        false => Some(json(&result.ruled)?),
    };
    let sql = format!(
        "UPDATE {CHUNKS} SET `rows` = ?, bytes = ?, rejected = ?, ruled = ?, digest = ?, position = ?, epoch = ?,
           finished_at = CURRENT_TIMESTAMP(6)
         WHERE migration = ? AND namespace = ? AND name = ? AND number = ? AND finished_at IS NULL"
    );
    let values: Vec<Value> = vec![
        result.rows.into(),
        result.bytes.into(),
        result.rejected.into(),
        ruled.into(),
        json(&result.digest)?.into(),
        arrival.position.0.as_str().into(),
        arrival.run.epoch.0.into(),
        arrival.run.migration.0.as_str().into(),
        namespace.into(),
        name.into(),
        arrival.index.into(),
    ];
    conn.exec_drop(sql, values).await.map_err(classify)?;
    Ok(conn.affected_rows())
}

/// Tells whether somebody has finished the chunk, as it is now and not as the transaction began.
pub(crate) async fn is_finished(conn: &mut Conn, run: &RunKey, target: &TableId, index: u32) -> Result<bool> {
    let (namespace, name) = named(target);
    let sql = format!(
        "SELECT finished_at IS NOT NULL FROM {CHUNKS}
         WHERE migration = ? AND namespace = ? AND name = ? AND number = ? LOCK IN SHARE MODE"
    );
    let finished: Option<bool> = conn
        .exec_first(sql, (&run.migration.0, namespace, name, index))
        .await
        .map_err(classify)?;
    Ok(finished == Some(true))
}

/// Opens a finished chunk again, to be replaced in the same transaction.
pub(crate) async fn reopen(conn: &mut Conn, run: &RunKey, target: &TableId, index: u32) -> Result<()> {
    let (namespace, name) = named(target);
    let sql = format!(
        "UPDATE {CHUNKS} SET finished_at = NULL WHERE migration = ? AND namespace = ? AND name = ? AND number = ?"
    );
    conn.exec_drop(sql, (&run.migration.0, namespace, name, index))
        .await
        .map_err(classify)
}

/// Removes the chunks of the tables, the splits too.
pub(crate) async fn remove_of(conn: &mut Conn, run: &RunKey, targets: &[&TableId]) -> Result<()> {
    let key = |target: &&TableId| {
        let (namespace, name) = named(target);
        format!("({}, {})", literal(namespace), literal(name))
    };
    let keys: Vec<String> = targets.iter().map(key).collect();
    let sql = format!(
        "DELETE FROM {CHUNKS} WHERE migration = {} AND (namespace, name) IN ({})",
        literal(&run.migration.0),
        keys.join(", ")
    );
    conn.query_drop(sql).await.map_err(classify)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|cause| Error::bug("a ledger row cannot be written").with_cause(cause))
}
