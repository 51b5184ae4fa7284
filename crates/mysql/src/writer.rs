//! Writes one chunk in one transaction on one session: each batch is a load inside a savepoint, and the commit takes the ledger row with
//! it. How a batch arrives whole, or its bad rows are found, is `writer/batch.rs`.

mod batch;
mod table;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use tokio::sync::OwnedSemaphorePermit;
use whimbrel_core::{
    Batch, ChunkResult, Committed, Error, LogicalType, Position, Reject, Result, RunKey, TableId,
    WriteRequest, Writer, fault,
};

use crate::codec::encode::Encoder;
use crate::codec::load::Statements;
use crate::connect::{Lookout, WRITER_MODES};
use crate::error::classify;
use crate::ledger::sessions::Sessions;
use crate::ledger::tables::{RUNS, conflict};
use crate::ledger::transaction::{begin, check_epoch, commit, hold_epoch, ledger_gone, rollback};
use crate::ledger::{Arrival, finish, is_finished, reopen, writers};
use crate::quote::table_name;
use crate::range;

/// What a target's writers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) sessions: Arc<Sessions>,
    /// Set as soon as the server has refused to load what a client sends.
    pub(crate) no_load: AtomicBool,
}

/// An open chunk.
pub(crate) struct MysqlWriter {
    conn: Conn,
    lookout: Lookout,
    shared: Arc<Shared>,
    mark: String,
    run: RunKey,
    target: TableId,
    index: u32,
    position: Position,
    encoder: Arc<Encoder>,
    statements: Statements,
    packet_max: usize,
    /// True once a write has failed: the server may have given the transaction up.
    failed: bool,
    _place: OwnedSemaphorePermit,
}

impl MysqlWriter {
    /// Begins the transaction; for a replacement it also deletes the range's rows and opens the chunk again.
    pub(crate) async fn begin(
        mut conn: Conn,
        shared: Arc<Shared>,
        place: OwnedSemaphorePermit,
        request: WriteRequest,
    ) -> Result<Self> {
        fault::point("mysql.chunk.before")?;
        let server = shared.sessions.server();
        set_modes(&mut conn, &request).await?;
        let mark = writers::take(&mut conn, server, &request.run.migration).await?;
        // Outside of the transaction, whose view of the rows must not be older than its first write.
        compare_epoch(&mut conn, &request.run).await?;
        let encoder = Encoder::new(table::columns(&mut conn, server, &request).await?);
        let packet_max: Option<usize> = conn
            .query_first("SELECT @@max_allowed_packet")
            .await
            .map_err(classify)?;
        begin(&mut conn).await?;
        if request.replace {
            replace(&mut conn, &request).await?;
        }
        let target = request.table.id;
        Ok(Self {
            lookout: shared.sessions.server().lookout(conn.id()),
            conn,
            shared,
            mark,
            run: request.run,
            index: request.chunk.index,
            position: request.position,
            statements: Statements::new(&target, encoder.columns()),
            encoder: Arc::new(encoder),
            packet_max: packet_max.unwrap_or(1 << 20),
            target,
            failed: false,
            _place: place,
        })
    }

    async fn give_back(mut self) {
        // A session that cannot even let its mark go is dropped, and the mark with it.
        if writers::give_back(&mut self.conn, &self.mark).await.is_ok() {
            self.shared.sessions.put(self.conn);
        }
    }
}

#[async_trait]
impl Writer for MysqlWriter {
    async fn write(&mut self, batch: &Batch) -> Result<Vec<Reject>> {
        fault::point("mysql.write.before")?;
        if self.failed {
            return Err(Error::bug("a chunk was written to after it had failed"));
        }
        self.encoder.check(&batch.records)?;
        // Until it is known to be good.
        self.failed = true;
        let lookout = self.lookout.clone();
        let rejects = lookout.during(Box::pin(self.arrive(&batch.records))).await;
        let rejects = rejects.map_err(|error| error.during(format!("write table `{}`", self.target)))?;
        self.failed = false;
        fault::point("mysql.write.after")?;
        Ok(rejects)
    }

    async fn commit(self: Box<Self>, result: ChunkResult) -> Result<Committed> {
        let lookout = self.lookout.clone();
        lookout.during(Box::pin(self.end(result))).await
    }
}

impl MysqlWriter {
    async fn end(mut self: Box<Self>, result: ChunkResult) -> Result<Committed> {
        fault::point("mysql.chunk.commit.before")?;
        if self.failed {
            return Err(Error::bug("a chunk was committed after a write had failed"));
        }
        hold_epoch(&mut self.conn, &self.run).await?;
        let arrival = Arrival {
            run: &self.run,
            target: &self.target,
            index: self.index,
            position: &self.position,
            result: &result,
        };
        match finish(&mut self.conn, &arrival).await? {
            1 => {}
            _ if is_finished(&mut self.conn, &self.run, &self.target, self.index).await? => {
                rollback(&mut self.conn).await?;
                self.give_back().await;
                return Ok(Committed::AlreadyDone);
            }
            _ => {
                let what = format!("chunk {} of `{}` is not in the ledger", self.index, self.target);
                return Err(conflict(what));
            }
        }
        let committed = commit(&mut self.conn).await;
        let committed =
            committed.map_err(|error| error.during(format!("commit a chunk of `{}`", self.target)))?;
        if committed == Committed::Done {
            self.give_back().await;
        }
        fault::point("mysql.chunk.commit.after")?;
        Ok(committed)
    }
}

/// Values in the server's own form may be dates that no calendar has.
async fn set_modes(conn: &mut Conn, request: &WriteRequest) -> Result<()> {
    let own_form = request
        .columns
        .iter()
        .any(|column| matches!(column.logical, LogicalType::Wire { .. }));
    let dates = if own_form { ",ALLOW_INVALID_DATES" } else { "" };
    conn.query_drop(format!(
        "SET sql_mode = '{WRITER_MODES}{dates}', sql_notes = 1, max_error_count = 1024, foreign_key_checks = 1, \
         unique_checks = 1"
    ))
    .await
    .map_err(classify)
}

/// Compares the run's epoch without holding it.
async fn compare_epoch(conn: &mut Conn, run: &RunKey) -> Result<()> {
    let sql = format!("SELECT epoch FROM {RUNS} WHERE migration = ?");
    let epoch: std::result::Result<Option<i64>, _> = conn.exec_first(sql, (&run.migration.0,)).await;
    check_epoch(epoch.map_err(|error| ledger_gone(error, &run.migration))?, run)
}

async fn replace(conn: &mut Conn, request: &WriteRequest) -> Result<()> {
    reopen(conn, &request.run, &request.table.id, request.chunk.index).await?;
    let condition = range::condition(&request.table, &request.chunk.range)?;
    let condition = condition
        .map(|condition| format!(" WHERE {condition}"))
        .unwrap_or_default();
    conn.query_drop(format!(
        "DELETE FROM {}{condition}",
        table_name(&request.table.id)
    ))
    .await
    .map_err(classify)?;
    fault::point("mysql.replace.deleted")
}

#[cfg(test)]
mod tests;
