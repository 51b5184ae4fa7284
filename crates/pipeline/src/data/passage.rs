//! The way of a chunk's rows from the source into one transaction of the target: rows are hashed as they pass, and arrive with their ledger
//! row or not at all. When to try again, and what a reject means, is the caller's.
//!
//! A chunk is only ever written into its own empty range ([`WriteRequest::replace`] is never asked for): what an earlier snapshot left
//! and the new one contradicts is emptied by the table.

use std::sync::Arc;

use whimbrel_core::{
    Batch, Chunk, ChunkResult, Committed, Digest, Error, ErrorClass, Position, Reject, Result, Snapshot,
    TablePlan, WriteColumn, WriteRequest, Writer, fault,
};

use crate::columns::{Side, Wanted, hasher, rows, written};
use crate::flow::{Hashing, Inflow};
use crate::found::add_ruled;
use crate::keys;
use crate::running::Run;

/// A chunk to bring over.
pub(crate) struct Passage<'a> {
    pub(crate) run: &'a Run,
    pub(crate) snapshot: &'a Arc<dyn Snapshot>,
    pub(crate) plan: &'a TablePlan,
    pub(crate) chunk: &'a Chunk,
    /// What the ledger says that the rows come from.
    pub(crate) position: Position,
    pub(crate) columns: Vec<WriteColumn>,
    /// True when the rows need not be looked at one by one.
    pub(crate) packed: bool,
}

/// What has passed of a chunk.
pub(crate) struct Arrived {
    pub(crate) result: ChunkResult,
    pub(crate) rejects: Vec<Reject>,
}

impl Passage<'_> {
    /// Reads and writes the rows; `seen` is told after each batch how many rows and bytes it brought, and may stop.
    pub(crate) async fn write(
        &self,
        mut seen: impl FnMut(&Arrived, u64, u64) -> Result<()>,
    ) -> Result<(Box<dyn Writer>, Arrived)> {
        let ctx = &self.run.ctx;
        let request = WriteRequest {
            run: self.run.key.clone(),
            table: self.plan.target.clone(),
            columns: self.columns.clone(),
            chunk: self.chunk.clone(),
            replace: false,
            position: self.position.clone(),
        };
        let mut writer = ctx.target.writer(request).await?;
        let mut flow = self.rows();
        let hashing = Hashing::begin(hasher(self.plan));
        let mut arrived = Arrived {
            result: ChunkResult {
                rows: 0,
                bytes: 0,
                rejected: 0,
                ruled: Vec::new(),
                digest: Digest::default(),
            },
            rejects: Vec::new(),
        };
        while let Some(parcel) = flow.next().await? {
            let batch = &parcel.batch;
            let mut refused = match batch.rows() {
                0 => Vec::new(),
                _ => writer.write(written(self.plan, batch)?.as_ref()).await?,
            };
            keys::fill(self.plan, &batch.records, &mut refused);
            let skip = left_out(&refused);
            let (rows, bytes) = count(&mut arrived, batch, refused, skip.len());
            hashing.add(parcel, skip).await;
            seen(&arrived, rows, bytes)?;
        }
        arrived.result.digest = hashing.finish().await?;
        Ok((writer, arrived))
    }

    fn rows(&self) -> Inflow {
        let batch_bytes = self.run.ctx.budget().batch_bytes;
        let wanted = Wanted {
            side: Side::Source,
            plan: self.plan,
            table: &self.plan.source,
            range: &self.chunk.range,
            batch_bytes,
            packed: self.packed,
        };
        Inflow::open(rows(self.snapshot.as_ref(), &wanted), batch_bytes)
    }

    /// Commits what was written.
    pub(crate) async fn commit(&self, writer: Box<dyn Writer>, result: ChunkResult) -> Result<ChunkResult> {
        fault::point("chunk.commit.before")?;
        let committed = writer.commit(result.clone()).await?;
        fault::point("chunk.commit.after")?;
        match committed {
            Committed::Done => Ok(result),
            Committed::AlreadyDone | Committed::Unknown => self.ledger_result().await?.ok_or_else(|| {
                Error::new(
                    ErrorClass::Transient,
                    "the answer to a commit was lost, and the ledger does not have the chunk",
                )
            }),
        }
    }

    /// What the ledger says about the chunk; none while it is unfinished.
    pub(crate) async fn ledger_result(&self) -> Result<Option<ChunkResult>> {
        let records = self.run.chunks().await?;
        let ours = records
            .into_iter()
            .find(|record| record.target == self.plan.target.id && record.chunk.index == self.chunk.index);
        Ok(ours.and_then(|record| record.result))
    }
}

/// The numbers of the rows that were not written, ascending.
fn left_out(refused: &[Reject]) -> Vec<usize> {
    let mut skip: Vec<usize> = refused.iter().filter_map(|reject| reject.row).collect();
    skip.sort_unstable();
    skip.dedup();
    skip
}

/// Counts the rows of a batch, of which `skipped` were not written; returns how many were, and the batch's bytes.
fn count(arrived: &mut Arrived, batch: &Batch, refused: Vec<Reject>, skipped: usize) -> (u64, u64) {
    let result = &mut arrived.result;
    let rows = (batch.rows() - skipped) as u64;
    let bytes = batch.bytes() as u64;
    result.rows += rows;
    result.bytes += bytes;
    result.rejected += (batch.rejects.len() + skipped) as u64;
    add_ruled(&mut result.ruled, &batch.ruled);
    arrived.rejects.extend(batch.rejects.iter().cloned());
    arrived.rejects.extend(refused);
    (rows, bytes)
}
