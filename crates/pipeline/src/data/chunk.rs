//! One chunk's way: a writer's place first, then the reader; rows are hashed as they pass, and arrive with their ledger row or not at all.
//!
//! A chunk is only ever written into its own empty range ([`WriteRequest::replace`] is never asked for): what an earlier snapshot left
//! and the new one contradicts is emptied by the table.

use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{
    Batch, Chunk, ChunkResult, Committed, Digest, Error, ErrorClass, OnReject, ReadRequest, Reject, Result,
    RowHasher, WriteRequest, Writer, fault,
};

use super::table::CopyTable;
use crate::columns::{hasher, source_columns, write_columns};
use crate::failure::{Failure, data_integrity, interrupted};
use crate::retry::Attempts;

/// What is left to do for a table.
pub(super) struct CopyJob {
    table: Arc<CopyTable>,
    chunk: Option<Chunk>,
}

impl CopyJob {
    pub(super) fn copy(table: &Arc<CopyTable>, chunk: Chunk) -> Self {
        Self {
            table: table.clone(),
            chunk: Some(chunk),
        }
    }

    /// Nothing but the count of a table whose chunks have all arrived.
    pub(super) fn count(table: &Arc<CopyTable>) -> Self {
        Self {
            table: table.clone(),
            chunk: None,
        }
    }
}

/// Copies the job's chunk; with the last one of a table, finishes the table.
pub(super) async fn copy(job: CopyJob, cancel: CancellationToken) -> Result<(), Failure> {
    let table = job.table;
    let Some(chunk) = job.chunk else {
        return table.finish(&cancel).await;
    };
    table.announce();
    let started = Instant::now();
    let id = &table.plan.target.id;
    let copied = copy_until_arrived(&table, &chunk, &cancel).await;
    table.run.spent(id, started.elapsed());
    let result = copied.map_err(|error| {
        Failure::of_table(
            id,
            error.during(format!(
                "copy chunk {} of table `{}`",
                chunk.index, table.plan.source.id
            )),
        )
    })?;
    if table.arrived(&chunk, &result)? {
        table.finish(&cancel).await?;
    }
    Ok(())
}

async fn copy_until_arrived(
    table: &CopyTable,
    chunk: &Chunk,
    cancel: &CancellationToken,
) -> Result<ChunkResult> {
    let what = format!("copy chunk {} of table `{}`", chunk.index, table.plan.source.id);
    let mut attempts = Attempts::new(&table.run.ctx, what);
    let mut first = true;
    loop {
        let mut shown = (0, 0);
        let error = match attempt(table, chunk, cancel, &mut shown).await {
            Ok(result) => return Ok(result),
            Err(error) => error,
        };
        table.hide(shown.0, shown.1);
        // A commit whose answer was lost may have landed; then the rows of another attempt meet themselves.
        let may_have_landed = !first || error.class() == ErrorClass::Transient;
        if may_have_landed && let Some(result) = ledger_result(table, chunk).await? {
            return Ok(result);
        }
        first = false;
        table.log(&format!("chunk {} failed: {}", chunk.index, error.chain()))?;
        attempts.again_after(error).await?;
    }
}

/// Reads and writes the chunk in one transaction of the target. Being cancelled takes everything back; a commit under way is awaited.
async fn attempt(
    table: &CopyTable,
    chunk: &Chunk,
    cancel: &CancellationToken,
    shown: &mut (u64, u64),
) -> Result<ChunkResult> {
    fault::point("chunk.write.before")?;
    let written = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(interrupted()),
        written = Box::pin(write(table, chunk, shown)) => written?,
    };
    let (writer, arrived) = written;
    if !arrived.rejects.is_empty() {
        table
            .run
            .ctx
            .dir
            .append_reject(&table.plan.target.id, chunk.index, &arrived.rejects)?;
    }
    fault::point("chunk.commit.before")?;
    let committed = writer.commit(arrived.result.clone()).await?;
    fault::point("chunk.commit.after")?;
    match committed {
        Committed::Done => Ok(arrived.result),
        Committed::AlreadyDone | Committed::Unknown => ledger_result(table, chunk).await?.ok_or_else(|| {
            Error::new(
                ErrorClass::Transient,
                "the answer to a commit was lost, and the ledger does not have the chunk",
            )
        }),
    }
}

/// What the ledger says about the chunk; none while it is unfinished.
async fn ledger_result(table: &CopyTable, chunk: &Chunk) -> Result<Option<ChunkResult>> {
    let records = table.run.chunks().await?;
    let ours = records
        .into_iter()
        .find(|record| record.target == table.plan.target.id && record.chunk.index == chunk.index);
    Ok(ours.and_then(|record| record.result))
}

/// What has passed of a chunk.
struct Arrived {
    result: ChunkResult,
    rejects: Vec<Reject>,
}

async fn write(
    table: &CopyTable,
    chunk: &Chunk,
    shown: &mut (u64, u64),
) -> Result<(Box<dyn Writer>, Arrived)> {
    let ctx = &table.run.ctx;
    let request = WriteRequest {
        run: table.run.key.clone(),
        table: table.plan.target.clone(),
        columns: write_columns(&table.plan),
        chunk: chunk.clone(),
        replace: false,
        position: table.snapshot.position(),
    };
    let mut writer = ctx.target.writer(request).await?;
    let mut rows = table.snapshot.read(ReadRequest {
        table: table.plan.source.clone(),
        columns: source_columns(&table.plan),
        range: chunk.range.clone(),
        batch_bytes: ctx.budget().batch_bytes,
    });
    let mut hasher = hasher(&table.plan);
    let result = ChunkResult {
        rows: 0,
        bytes: 0,
        rejected: 0,
        digest: Digest::default(),
        ruled: Vec::new(),
    };
    let mut arrived = Arrived {
        result,
        rejects: Vec::new(),
    };
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let refused = match batch.rows() {
            0 => Vec::new(),
            _ => writer.write(&batch).await?,
        };
        let (rows, bytes) = count(&mut arrived, &mut hasher, &batch, refused)?;
        check_rejects(table, &arrived.rejects)?;
        *shown = (shown.0 + rows, shown.1 + bytes);
        table.show(rows, bytes);
    }
    Ok((writer, arrived))
}

/// Counts and hashes the rows of a batch that were written; returns how many they are and the batch's bytes.
fn count(
    arrived: &mut Arrived,
    hasher: &mut RowHasher,
    batch: &Batch,
    refused: Vec<Reject>,
) -> Result<(u64, u64)> {
    let mut skip: Vec<usize> = refused.iter().filter_map(|reject| reject.row).collect();
    skip.sort_unstable();
    skip.dedup();
    let result = &mut arrived.result;
    let before = result.digest.rows;
    hasher.hash(&batch.records, &skip, |row| result.digest.add_row(row))?;
    let rows = result.digest.rows - before;
    let bytes = batch.bytes() as u64;
    result.rows += rows;
    result.bytes += bytes;
    result.rejected += batch.rejects.len() as u64 + (batch.rows() as u64 - rows);
    arrived.rejects.extend(batch.rejects.iter().cloned());
    arrived.rejects.extend(refused);
    Ok((rows, bytes))
}

/// Stops at the first reject unless the plan lets rejects go to a file.
fn check_rejects(table: &CopyTable, rejects: &[Reject]) -> Result<()> {
    match (table.run.plan().policies.on_reject, rejects.first()) {
        (OnReject::File, _) | (OnReject::Stop, None) => Ok(()),
        (OnReject::Stop, Some(reject)) => Err(data_integrity(format!(
            "table `{}`, row `{}`: column `{}` is `{}`; {}",
            table.plan.source.id, reject.key, reject.column, reject.value, reject.rule
        ))
        .with_hint(format!(
            "correct the value at the source and `whimbrel resume {}`, or plan again so that rejected rows go to a file",
            table.run.key.migration
        ))),
    }
}
