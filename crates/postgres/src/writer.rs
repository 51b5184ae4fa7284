//! Writes one chunk in one transaction: each batch is a COPY, and the commit takes the ledger row with it.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::SinkExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio_postgres::CopyInSink;
use whimbrel_core::{
    Batch, ChunkResult, Committed, Error, ErrorClass, LogicalType, Position, Reject, Result, RunKey, TableId,
    WriteRequest, Writer, fault,
};

use crate::codec::encode::{EncodeColumn, Encoder, Format};
use crate::columns::{carried_as_text, columns_of, find};
use crate::connect::{Idle, Session};
use crate::error::from_driver;
use crate::ledger::{digest_text, ruled_text, writer_name};
use crate::quote::{literal, quoted, table_name};
use crate::range;
use crate::records::{CHUNKS, conflict, named};
use crate::transaction::{begin, commit, compare_epoch, hold_epoch, use_own_search_path};

/// Encoded rows go out in pieces of about this size.
const PIECE_BYTES: usize = 256 << 10;

/// An open chunk.
pub(crate) struct PostgresWriter {
    session: Session,
    idle: Arc<Idle>,
    run: RunKey,
    target: TableId,
    number: i64,
    position: Position,
    encoder: Encoder,
    copy: String,
    _place: OwnedSemaphorePermit,
}

impl PostgresWriter {
    /// Begins the transaction; for a replacement it also deletes the range's rows and opens the chunk again.
    pub(crate) async fn begin(
        session: Session,
        idle: Arc<Idle>,
        place: OwnedSemaphorePermit,
        request: WriteRequest,
    ) -> Result<Self> {
        fault::point("postgres.chunk.before")?;
        let name = format!("SET application_name = {}", literal(&writer_name(&request.run)));
        session.batch_execute(&name).await.map_err(from_driver)?;
        begin(&session).await?;
        use_own_search_path(&session).await?;
        compare_epoch(&session, &request.run).await?;
        let encoder = Encoder::new(columns(&session, &request).await?);
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
            idle,
            copy: format!("COPY {}{names} FROM STDIN (FORMAT {format})", table_name(&target)),
            run: request.run,
            target,
            number: i64::from(request.chunk.index),
            position: request.position,
            encoder,
            _place: place,
        })
    }

    async fn copy(&mut self, batch: &Batch) -> Result<Vec<Reject>> {
        let sink: CopyInSink<Bytes> = self.session.copy_in(&self.copy).await.map_err(from_driver)?;
        let mut sink = Box::pin(sink);
        let mut rejects = Vec::new();
        let mut piece = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
        self.encoder.begin(&mut piece);
        for row in 0..batch.rows() {
            if let Err(reject) = self.encoder.row(&batch.records, row, &mut piece) {
                rejects.push(*reject);
            }
            if piece.len() >= PIECE_BYTES {
                let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4));
                send(sink.as_mut(), full).await?;
            }
        }
        self.encoder.end(&mut piece);
        send(sink.as_mut(), piece).await?;
        let written = sink.as_mut().finish().await.map_err(from_driver)?;
        let sent = batch.rows() - rejects.len();
        if usize::try_from(written) != Ok(sent) {
            return Err(Error::new(
                ErrorClass::Invalid,
                format!("{sent} rows were sent and {written} were written; a trigger or rule of the table interferes"),
            )
            .with_code("data_integrity_error"));
        }
        Ok(rejects)
    }

    /// Finishes the chunk if nobody has; returns the number of rows changed, which must be 1.
    async fn record(&self, result: &ChunkResult) -> Result<u64> {
        let (namespace, name) = named(&self.target);
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let sql = format!(
            "UPDATE {CHUNKS} SET rows = $5, bytes = $6, rejected = $7, digest = $8, position = $9, epoch = $10,
               ruled = $11, finished_at = now()
             WHERE migration = $1 AND namespace = $2 AND name = $3 AND number = $4 AND finished_at IS NULL"
        );
        self.session
            .execute(
                &sql,
                &[
                    &self.run.migration.0,
                    &namespace,
                    &name,
                    &self.number,
                    &number(result.rows),
                    &number(result.bytes),
                    &number(result.rejected),
                    &digest_text(result)?,
                    &self.position.0,
                    &self.run.epoch.0,
                    &ruled_text(result)?,
                ],
            )
            .await
            .map_err(from_driver)
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

    async fn commit(self: Box<Self>, result: ChunkResult) -> Result<Committed> {
        fault::point("postgres.chunk.commit.before")?;
        hold_epoch(&self.session, &self.run).await?;
        match self.record(&result).await? {
            1 => {}
            _ if self.is_finished().await? => {
                self.session
                    .batch_execute("ROLLBACK")
                    .await
                    .map_err(from_driver)?;
                self.idle.put(self.session);
                return Ok(Committed::AlreadyDone);
            }
            _ => {
                let what = format!("chunk {} of `{}` is not in the ledger", self.number, self.target);
                return Err(conflict(what));
            }
        }
        let committed = commit(&self.session).await;
        let committed =
            committed.map_err(|error| error.during(format!("commit a chunk of `{}`", self.target)))?;
        if committed == Committed::Done {
            self.idle.put(self.session);
        }
        fault::point("postgres.chunk.commit.after")?;
        Ok(committed)
    }
}

/// Sends encoded rows. A row may be cut anywhere, and a large one is, so that the driver does not hold it once more.
async fn send(mut sink: Pin<&mut CopyInSink<Bytes>>, rows: Vec<u8>) -> Result<()> {
    let mut rest = Bytes::from(rows);
    while !rest.is_empty() {
        let next = rest.split_to(rest.len().min(2 * PIECE_BYTES));
        sink.send(next).await.map_err(from_driver)?;
    }
    Ok(())
}

async fn columns(session: &Session, request: &WriteRequest) -> Result<Vec<EncodeColumn>> {
    let found = columns_of(session, &request.table.id).await?;
    let mut wanted = Vec::with_capacity(request.columns.len());
    for column in &request.columns {
        wanted.push((find(&found, &request.table.id, &column.name)?, column));
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
    let computed = computed.filter_map(|column| find(&found, &request.table.id, &column.name).ok());
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
