//! Writes one chunk in one transaction: one COPY takes all its batches, and the commit takes the ledger row with it.

use std::pin::Pin;
use std::sync::Arc;

use arrow_array::{Array as _, BinaryArray};
use arrow_buffer::Buffer;
use async_trait::async_trait;
use bytes::Bytes;
use futures::SinkExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio_postgres::CopyInSink;
use whimbrel_core::{
    Batch, ChunkResult, Committed, Error, ErrorClass, KeyRange, LogicalType, Position, Reject, Result,
    RunKey, TableId, WriteRequest, Writer, fault, packed_rows,
};

use crate::codec::encode::{EncodeColumn, Encoder, Format, PIECE_BYTES};
use crate::columns::{Known, ServerColumn, carried_as_text, find};
use crate::connect::{Idle, Session};
use crate::durability::Undurable;
use crate::error::from_driver;
use crate::ledger::{digest_text, ruled_text};
use crate::quote::{literal, quoted, table_name};
use crate::range;
use crate::records::{CHUNKS, conflict, named, writer_name};
use crate::transaction::{begin_chunk, commit_number, record_chunk};

/// An open chunk.
pub(crate) struct PostgresWriter {
    session: Session,
    shared: Shared,
    run: RunKey,
    target: TableId,
    number: i64,
    position: Position,
    encoder: Encoder,
    copy: String,
    /// The running COPY; none before the first row.
    sink: Option<Pin<Box<CopyInSink<Bytes>>>>,
    /// Rows sent to it.
    sent: u64,
    _place: OwnedSemaphorePermit,
}

/// What the writers of a target share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) idle: Arc<Idle>,
    pub(crate) columns: Arc<Known>,
    pub(crate) undurable: Arc<Undurable>,
}

impl PostgresWriter {
    /// Begins the transaction; for a replacement it also deletes the range's rows and opens the chunk again.
    pub(crate) async fn begin(
        session: Session,
        shared: Shared,
        place: OwnedSemaphorePermit,
        request: WriteRequest,
    ) -> Result<Self> {
        fault::point("postgres.chunk.before")?;
        begin_chunk(&session, &request.run, &writer_name(&request.run)).await?;
        let found = shared.columns.of(&session, &request.table.id).await?;
        let encoder = Encoder::new(columns(&found, &request)?);
        if request.replace {
            replace(&session, &request).await?;
        }
        let names: Vec<String> = request
            .columns
            .iter()
            .map(|column| quoted(&column.name))
            .collect();
        let names = if names.is_empty() {
            String::new()
        } else {
            format!(" ({})", names.join(", "))
        };
        let format = match encoder.format() {
            Format::Binary => "binary",
            Format::Text => "text",
        };
        let target = request.table.id;
        Ok(Self {
            session,
            shared,
            copy: format!("COPY {}{names} FROM STDIN (FORMAT {format})", table_name(&target)),
            run: request.run,
            target,
            number: i64::from(request.chunk.index),
            position: request.position,
            encoder,
            sink: None,
            sent: 0,
            _place: place,
        })
    }

    async fn copy(&mut self, batch: &Batch) -> Result<Vec<Reject>> {
        if batch.rows() == 0 {
            return Ok(Vec::new());
        }
        if self.sink.is_none() {
            let sink: CopyInSink<Bytes> = self.session.copy_in(&self.copy).await.map_err(from_driver)?;
            self.sink = Some(Box::pin(sink));
            let mut header = Vec::new();
            self.encoder.begin(&mut header);
            self.send(header.into()).await?;
        }
        match packed_rows(&batch.records) {
            Some(rows) => self.copy_packed(rows).await.map(|()| Vec::new()),
            None => self.copy_columns(batch).await,
        }
    }

    /// The rows go out as they stand in the batch.
    async fn copy_packed(&mut self, rows: &BinaryArray) -> Result<()> {
        if self.encoder.format() != Format::Binary {
            return Err(
                Error::invalid("the target's columns have no binary form").with_code("data_integrity_error")
            );
        }
        let ends = rows.value_offsets();
        let end = |end: Option<&i32>| end.and_then(|end| usize::try_from(*end).ok()).unwrap_or(0);
        let bytes =
            Bytes::from_owner(Values(rows.values().clone())).slice(end(ends.first())..end(ends.last()));
        self.sent += rows.len() as u64;
        self.send(bytes).await
    }

    async fn copy_columns(&mut self, batch: &Batch) -> Result<Vec<Reject>> {
        let mut rejects = Vec::new();
        let room = PIECE_BYTES + PIECE_BYTES / 4;
        let mut piece = Vec::with_capacity(room.min(2 * batch.bytes()));
        let mut row = 0;
        while row < batch.rows() {
            row = self.encoder.rows(&batch.records, row, &mut piece, &mut rejects);
            let rest = if row < batch.rows() { room } else { 0 };
            let full = std::mem::replace(&mut piece, Vec::with_capacity(rest));
            self.send(full.into()).await?;
        }
        self.sent += (batch.rows() - rejects.len()) as u64;
        Ok(rejects)
    }

    /// Sends encoded rows. A row may be cut anywhere, and a large one is, so that the driver does not hold it once more.
    async fn send(&mut self, mut rows: Bytes) -> Result<()> {
        let Some(sink) = &mut self.sink else {
            return Err(Error::bug("rows were sent before COPY began"));
        };
        while !rows.is_empty() {
            let next = rows.split_to(rows.len().min(2 * PIECE_BYTES));
            sink.send(next).await.map_err(from_driver)?;
        }
        Ok(())
    }

    /// Ends the COPY. What the server refuses is said here.
    async fn end_copy(&mut self) -> Result<()> {
        if self.sink.is_none() {
            return Ok(());
        }
        let mut trailer = Vec::new();
        self.encoder.end(&mut trailer);
        self.send(trailer.into()).await?;
        let Some(mut sink) = self.sink.take() else {
            return Ok(());
        };
        let written = sink.as_mut().finish().await.map_err(from_driver)?;
        if written != self.sent {
            let sent = self.sent;
            return Err(Error::new(
                ErrorClass::Invalid,
                format!("{sent} rows were sent and {written} were written; a trigger or rule of the table interferes"),
            )
            .with_code("data_integrity_error"));
        }
        Ok(())
    }

    /// The statement that finishes the chunk if nobody has.
    fn change(&self, result: &ChunkResult) -> Result<String> {
        let (namespace, name) = named(&self.target);
        let ruled = ruled_text(result)?;
        Ok(format!(
            "UPDATE {CHUNKS} SET rows = {}, bytes = {}, rejected = {}, digest = {}, position = {}, epoch = {}, ruled = {}, finished_at = now()
             WHERE migration = {} AND namespace = {} AND name = {} AND number = {} AND finished_at IS NULL",
            result.rows,
            result.bytes,
            result.rejected,
            literal(&digest_text(result)?),
            literal(&self.position.0),
            self.run.epoch.0,
            ruled.as_deref().map_or_else(|| "NULL".to_owned(), literal),
            literal(&self.run.migration.0),
            literal(namespace),
            literal(name),
            self.number,
        ))
    }

    async fn is_finished(&self) -> Result<bool> {
        let (namespace, name) = named(&self.target);
        let sql = format!(
            "SELECT finished_at IS NOT NULL FROM {CHUNKS}
             WHERE migration = $1 AND namespace = $2 AND name = $3 AND number = $4"
        );
        let row = self
            .session
            .query_opt(&sql, &[&self.run.migration.0, &namespace, &name, &self.number])
            .await
            .map_err(from_driver)?;
        Ok(row.is_some_and(|row| row.get(0)))
    }
}

#[async_trait]
impl Writer for PostgresWriter {
    async fn write(&mut self, batch: &Batch) -> Result<Vec<Reject>> {
        fault::point("postgres.write.before")?;
        let rejects = Box::pin(self.copy(batch)).await;
        let rejects = rejects.map_err(|error| error.during(format!("write table `{}`", self.target)))?;
        fault::point("postgres.write.after")?;
        Ok(rejects)
    }

    async fn commit(mut self: Box<Self>, result: ChunkResult) -> Result<Committed> {
        let ended = Box::pin(self.end_copy()).await;
        ended.map_err(|error| error.during(format!("write table `{}`", self.target)))?;
        fault::point("postgres.chunk.commit.before")?;
        let (changed, number) = record_chunk(&self.session, &self.run, &self.change(&result)?).await?;
        match changed {
            1 => {}
            _ if self.is_finished().await? => {
                self.session
                    .batch_execute("ROLLBACK")
                    .await
                    .map_err(from_driver)?;
                self.shared.idle.put(self.session);
                return Ok(Committed::AlreadyDone);
            }
            _ => {
                let what = format!("chunk {} of `{}` is not in the ledger", self.number, self.target);
                return Err(conflict(what));
            }
        }
        let committed = commit_number(&self.session, &number).await;
        let committed =
            committed.map_err(|error| error.during(format!("commit a chunk of `{}`", self.target)))?;
        if committed == Committed::Done {
            self.shared
                .undurable
                .add(&self.run.migration, &self.target, self.number);
            self.shared.idle.put(self.session);
        }
        fault::point("postgres.chunk.commit.after")?;
        Ok(committed)
    }
}

fn columns(found: &[ServerColumn], request: &WriteRequest) -> Result<Vec<EncodeColumn>> {
    let mut wanted = Vec::with_capacity(request.columns.len());
    for column in &request.columns {
        wanted.push((find(found, &request.table.id, &column.name)?, column));
    }
    // The reader also read what the target computes, in the same wire form.
    let raw = wanted
        .iter()
        .map(|(_, column)| &column.logical)
        .find(|logical| matches!(logical, LogicalType::Wire { .. }));
    let computed = request
        .table
        .columns
        .iter()
        .filter(|column| column.generated.is_some());
    let computed = computed.filter_map(|column| find(found, &request.table.id, &column.name).ok());
    let all = wanted.iter().map(|(server, column)| (*server, &column.logical));
    let as_text = carried_as_text(all.chain(computed.zip(raw.into_iter().cycle())));
    let key = request
        .table
        .identity_key()
        .map(|key| key.columns.as_slice())
        .unwrap_or_default();
    Ok(wanted
        .into_iter()
        .map(|(server, column)| EncodeColumn {
            name: column.name.clone(),
            logical: column.logical.clone(),
            kind: server.kind,
            shape: server.shape.clone(),
            raw_text: as_text && matches!(column.logical, LogicalType::Wire { .. }),
            key: key.contains(&column.name),
        })
        .collect())
}

async fn replace(session: &Session, request: &WriteRequest) -> Result<()> {
    if matches!(request.chunk.range, KeyRange::Rows { .. }) {
        return Err(Error::new(
            ErrorClass::Unsupported,
            format!("table `{}` does not keep the places of rows", request.table.id),
        ));
    }
    let (namespace, name) = named(&request.table.id);
    let reopen = format!(
        "UPDATE {CHUNKS} SET finished_at = NULL WHERE migration = $1 AND namespace = $2 AND name = $3 AND number = $4"
    );
    let number = i64::from(request.chunk.index);
    session
        .execute(&reopen, &[&request.run.migration.0, &namespace, &name, &number])
        .await
        .map_err(from_driver)?;
    let condition = range::condition(&request.table, &request.chunk.range)?;
    let condition = condition
        .map(|condition| format!(" WHERE {condition}"))
        .unwrap_or_default();
    let delete = format!("DELETE FROM ONLY {}{condition}", table_name(&request.table.id));
    session.batch_execute(&delete).await.map_err(from_driver)?;
    fault::point("postgres.replace.deleted")
}

/// The values of packed rows, which go out without being copied.
struct Values(Buffer);

impl AsRef<[u8]> for Values {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}
