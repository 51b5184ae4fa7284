//! One consistent state for several readers. How they get into one state is `snapshot/begin.rs`; the sessions are `readers.rs`, the rows
//! stream in `read.rs`, splitting is `split.rs`.

mod begin;

use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use mysql_async::{Conn, Row};
use whimbrel_core::{
    Batch, Chunk, Position, ReadColumn, ReadRequest, Result, SequencePosition, Snapshot, Table,
    TableAggregate, TableId,
};

use crate::connect::Server;
use crate::error::classify;
use crate::readers::{Reader, Shared};
use crate::wire::Session;
use crate::{aggregate, catalog, emptiness, foreign_keys, read, split};

/// A state of the database that stands still.
#[derive(Debug)]
pub(crate) struct MysqlSnapshot {
    shared: Arc<Shared>,
}

impl MysqlSnapshot {
    /// Opens the state for up to so many readers; fewer where the server does not let them begin together.
    pub(crate) async fn open(server: &Server, tables: &[TableId], readers: usize) -> Result<Self> {
        let (position, sessions) = Box::pin(begin::begin(server, tables, readers.max(1))).await?;
        Ok(Self {
            shared: Arc::new(Shared::new(server.clone(), position, sessions, tables.len())),
        })
    }
}

/// Gives the session back, and says at which table something failed.
fn ended<T>(reader: Reader, what: impl FnOnce() -> String, result: Result<T>) -> Result<T> {
    match result {
        Ok(value) => {
            reader.done();
            Ok(value)
        }
        Err(error) => Err(reader.failed(error).during(what())),
    }
}

/// Tells of each table whether it holds no row.
async fn are_empty(session: &mut Session, tables: &[&Table]) -> Result<Vec<bool>> {
    let mut empty = Vec::with_capacity(tables.len());
    for sql in emptiness::questions(tables.iter().map(|table| &table.id)) {
        let row: Option<Row> = session.query_first(&sql).await.map_err(classify)?;
        empty.extend(emptiness::answers(row)?);
    }
    Ok(empty)
}

#[async_trait]
impl Snapshot for MysqlSnapshot {
    fn position(&self) -> Position {
        self.shared.position.clone()
    }

    async fn are_empty(&self, tables: &[&Table]) -> Result<Vec<bool>> {
        let mut reader = self.shared.reader().await?;
        let found = async { are_empty(reader.converted().await?, tables).await };
        let found = Box::pin(found).await;
        let found = ended(reader, || "look for empty tables".to_owned(), found)?;
        for (table, _) in tables.iter().zip(&found).filter(|(_, is_empty)| **is_empty) {
            self.shared.keep_empty(table.id.clone());
        }
        Ok(found)
    }

    async fn split(&self, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
        let mut reader = self.shared.reader().await?;
        let chunks = async {
            let found = reader.columns(&table.id).await?;
            split::split(reader.raw().await?, &found, table, chunk_bytes).await
        };
        let chunks = Box::pin(chunks).await;
        ended(reader, || format!("split table `{}`", table.id), chunks)
    }

    fn read(&self, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
        read::batches(Arc::clone(&self.shared), request)
    }

    async fn aggregate(&self, table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate> {
        if self.shared.is_known_empty(&table.id) {
            return aggregate::of_nothing(table, columns);
        }
        let mut reader = self.shared.reader().await?;
        let found = async {
            let server = reader.columns(&table.id).await?;
            aggregate::aggregate(reader.converted().await?, &server, table, columns).await
        };
        let found = Box::pin(found).await;
        ended(reader, || format!("sum up table `{}`", table.id), found)
    }

    async fn sequence_positions(&self, sequences: &[TableId]) -> Result<Vec<Option<SequencePosition>>> {
        // Numbers are no part of any transaction.
        let server = self.shared.server();
        let work = async |conn: &mut Conn| catalog::sequence_positions(conn, server, sequences).await;
        let positions = server.read_with(work).await;
        positions.map_err(|error| error.during("ask for the next numbers"))
    }

    async fn orphans(&self, table: &Table) -> Result<Vec<u64>> {
        if self.shared.is_known_empty(&table.id) {
            return Ok(vec![0; table.foreign_keys.len()]);
        }
        let mut reader = self.shared.reader().await?;
        let found = async { foreign_keys::orphans(reader.converted().await?, table).await };
        let found = Box::pin(found).await;
        ended(reader, || format!("look for orphans of `{}`", table.id), found)
    }
}
