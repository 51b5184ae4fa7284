//! Writes one chunk in one transaction, which ends with the chunk's ledger row.

use async_trait::async_trait;
use rusqlite::Connection;
use rusqlite::limits::Limit;
use whimbrel_core::{
    Batch, ChunkResult, Committed, Error, KeyRange, Reject, Result, Table, WriteRequest, Writer, fault,
};

use crate::catalog;
use crate::error::During;
use crate::insert::Insert;
use crate::ledger::{ChunkState, chunk_state, finish_chunk, hold_epoch, reopen_chunk};
use crate::pen::Turn;
use crate::range::condition;
use crate::sql::quote;

/// An open chunk.
pub(crate) struct SqliteWriter {
    turn: Option<Turn>,
    chunk: std::sync::Arc<OpenChunk>,
}

/// What is written, and how.
struct OpenChunk {
    request: WriteRequest,
    insert: Insert,
    /// True when somebody finished the chunk before: nothing is written then.
    is_done: bool,
}

impl SqliteWriter {
    /// Opens the chunk's transaction in the given turn.
    pub(crate) async fn open(turn: Turn, request: WriteRequest) -> Result<Self> {
        let opened = turn
            .write(move |hand| {
                fault::point("sqlite.chunk.begin.before")?;
                let connection = hand.connection()?;
                connection
                    .execute_batch("BEGIN IMMEDIATE")
                    .during(|| format!("begin to write `{}`", request.table.id))?;
                let opened = open(connection, request);
                if opened.is_err() && !connection.is_autocommit() {
                    connection
                        .execute_batch("ROLLBACK")
                        .during(|| "take back a chunk")?;
                }
                fault::point("sqlite.chunk.begin.after")?;
                opened
            })
            .await;
        match opened {
            Ok(chunk) => Ok(Self {
                turn: Some(turn),
                chunk: std::sync::Arc::new(chunk),
            }),
            Err(error) => {
                turn.abandon();
                Err(error)
            }
        }
    }

    fn turn(&self) -> Result<&Turn> {
        self.turn
            .as_ref()
            .ok_or_else(|| Error::bug("a writer without a turn"))
    }
}

fn open(connection: &Connection, request: WriteRequest) -> Result<OpenChunk> {
    hold_epoch(connection, &request.run)?;
    let (id, index) = (&request.table.id, request.chunk.index);
    let state = chunk_state(connection, &request.run, id, index)?;
    let found = catalog::read_one(connection, &id.name)?.ok_or_else(|| {
        Error::invalid(format!("the table `{id}` is not in the target"))
            .with_code("table_missing")
            .with_hint("look at the target: whimbrel status")
    })?;
    if request.replace {
        replace(connection, &found, &request)?;
    }
    let names: Vec<String> = request.columns.iter().map(|column| column.name.clone()).collect();
    let key = found.identity_key().map(|key| {
        let place = |name: &String| names.iter().position(|column| column == name);
        key.columns.iter().map(place).collect::<Option<Vec<_>>>()
    });
    let bytes_max = connection
        .limit(Limit::SQLITE_LIMIT_LENGTH)
        .during(|| "read the engine's limits")?;
    let strict = found.has_option("strict");
    let insert = Insert::new(
        &id.name,
        &request.columns,
        strict,
        key.flatten().unwrap_or_default(),
    );
    Ok(OpenChunk {
        is_done: state == ChunkState::Finished && !request.replace,
        request,
        insert: insert.with_bytes_max(usize::try_from(bytes_max).unwrap_or(usize::MAX)),
    })
}

/// Deletes the rows of the chunk's range; whole tables always, row numbers and keys only where the target has them.
fn replace(connection: &Connection, found: &Table, request: &WriteRequest) -> Result<()> {
    let id = &request.table.id;
    let kept = match &request.chunk.range {
        KeyRange::All => true,
        KeyRange::Rows { .. } => found.columns.iter().any(|column| column.identity.is_some()),
        KeyRange::Exactly { columns, .. } => columns.iter().all(|name| found.column(name).is_some()),
        KeyRange::Keys(bound) => bound.columns.iter().all(|name| found.column(name).is_some()),
        KeyRange::Part { .. } => false,
    };
    if !kept {
        return Err(Error::new(
            whimbrel_core::ErrorClass::Unsupported,
            format!(
                "the rows of chunk {} cannot be found in `{id}`",
                request.chunk.index
            ),
        )
        .with_code("replace_unsupported"));
    }
    let condition = condition(connection, found, &request.chunk.range)?;
    let filter = if condition.text.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", condition.text)
    };
    connection
        .execute(
            &format!("DELETE FROM {} AS t{filter}", quote(&id.name)),
            rusqlite::params_from_iter(&condition.parameters),
        )
        .during(|| format!("replace rows of `{id}`"))?;
    reopen_chunk(connection, &request.run, id, request.chunk.index)
}

fn write(connection: &Connection, chunk: &OpenChunk, batch: &Batch) -> Result<Vec<Reject>> {
    fault::point("sqlite.chunk.write.before")?;
    let rejects = chunk.insert.insert(connection, batch)?;
    fault::point("sqlite.chunk.write.after")?;
    Ok(rejects)
}

fn commit(connection: &Connection, chunk: &OpenChunk, result: &ChunkResult) -> Result<Committed> {
    let request = &chunk.request;
    let place = (&request.table.id, request.chunk.index);
    let what = || format!("commit chunk {} of `{}`", place.1, place.0);
    let roll_back = || connection.execute_batch("ROLLBACK").during(what);
    if chunk.is_done {
        roll_back()?;
        return Ok(Committed::AlreadyDone);
    }
    if connection.is_autocommit() {
        return Err(Error::new(
            whimbrel_core::ErrorClass::Transient,
            format!("{}: the transaction is gone", what()),
        ));
    }
    hold_epoch(connection, &request.run)?;
    if !finish_chunk(connection, &request.run, place, result, &request.position.0)? {
        roll_back()?;
        return match chunk_state(connection, &request.run, place.0, place.1)? {
            ChunkState::Finished => Ok(Committed::AlreadyDone),
            ChunkState::Unfinished => Err(Error::new(
                whimbrel_core::ErrorClass::Conflict,
                format!("chunk {} of `{}` belongs to another epoch", place.1, place.0),
            )
            .with_code("epoch_lost")),
        };
    }
    fault::point("sqlite.chunk.commit.before")?;
    let committed = connection.execute_batch("COMMIT");
    match committed {
        Ok(()) => {}
        // Still open: nothing was committed, and the caller may try again.
        Err(cause) if !connection.is_autocommit() => {
            roll_back()?;
            return Err(crate::error::failed(what(), cause));
        }
        Err(cause) => {
            let state = chunk_state(connection, &request.run, place.0, place.1);
            return after_failure(state, || crate::error::failed(what(), cause));
        }
    }
    fault::point("sqlite.chunk.commit.after")?;
    Ok(Committed::Done)
}

/// What became of a commit that failed and left no transaction open: mostly the engine took it back, as when the disk is full. Whoever reads the
/// ledger now sees what the file holds; only when it cannot be read, nobody knows.
fn after_failure(ledger: Result<ChunkState>, failure: impl FnOnce() -> Error) -> Result<Committed> {
    match ledger {
        Ok(ChunkState::Finished) => Ok(Committed::AlreadyDone),
        Ok(ChunkState::Unfinished) => Err(failure()),
        Err(_) => Ok(Committed::Unknown),
    }
}

#[async_trait]
impl Writer for SqliteWriter {
    async fn write(&mut self, batch: &Batch) -> Result<Vec<Reject>> {
        if self.chunk.is_done {
            return Ok(Vec::new());
        }
        let (chunk, batch) = (std::sync::Arc::clone(&self.chunk), batch.clone());
        self.turn()?
            .write(move |hand| {
                let connection = hand.connection()?;
                let written = write(connection, &chunk, &batch);
                if written.is_err() && !connection.is_autocommit() {
                    connection
                        .execute_batch("ROLLBACK")
                        .during(|| "take back a chunk")?;
                }
                written
            })
            .await
    }

    async fn commit(mut self: Box<Self>, result: ChunkResult) -> Result<Committed> {
        let chunk = std::sync::Arc::clone(&self.chunk);
        self.turn()?
            .write(move |hand| {
                let connection = hand.connection()?;
                let committed = commit(connection, &chunk, &result);
                if !connection.is_autocommit() {
                    connection
                        .execute_batch("ROLLBACK")
                        .during(|| "take back a chunk")?;
                }
                committed
            })
            .await
    }
}

impl Drop for SqliteWriter {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_tells_what_became_of_a_commit_that_failed() {
        let full =
            || Error::new(whimbrel_core::ErrorClass::Transient, "commit failed").with_code("disk_full");
        let unfinished = after_failure(Ok(ChunkState::Unfinished), full);
        assert_eq!(unfinished.unwrap_err().code(), "disk_full");
        let finished = after_failure(Ok(ChunkState::Finished), full);
        assert_eq!(finished.unwrap(), Committed::AlreadyDone);
        let unread = after_failure(Err(Error::bug("no answer")), full);
        assert_eq!(unread.unwrap(), Committed::Unknown);
    }
}
