//! Splitting tables into chunks: how big they are, and that a table's whole split is in the ledger before its first row is written, and
//! never computed again.

use std::time::Duration;

use whimbrel_core::{Chunk, Error, KeyRange, Result, TableId, TablePlan, fault};

use super::table::CopyTable;
use crate::retry::retry;
use crate::running::Run;

/// How long a chunk should take.
const CHUNK_SECONDS: f64 = 3.0;
/// How far the measured rate may take the size of chunks away from the plan's, in both directions.
const STRETCH: u64 = 8;
/// Into how many chunks for each writer a table comes apart at least, so that it keeps all of them busy to its end.
const CHUNKS_PER_WRITER: u64 = 3;
/// How much copying must have been seen before its rate is believed.
const BELIEVED_AFTER: Duration = Duration::from_secs(1);

/// How quickly chunks have been copied so far, in the profile's bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    bytes: f64,
    time: Duration,
}

impl Pace {
    /// Takes in that so many rows of the table took so long.
    pub(super) fn add(&mut self, table: &TablePlan, rows: u64, time: Duration) {
        self.bytes += rows as f64 * table.bytes as f64 / table.rows.max(1) as f64;
        self.time += time;
    }

    fn bytes_per_second(&self) -> Option<f64> {
        (self.time >= BELIEVED_AFTER).then(|| self.bytes / self.time.as_secs_f64())
    }
}

/// What the sizes of chunks follow from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizing {
    /// The size that the plan wants.
    pub(super) wanted: u64,
    /// Writers at once.
    pub(super) writers: u64,
    pub(super) pace: Pace,
}

impl Sizing {
    /// Returns the size of the table's chunks.
    pub(super) fn chunk_bytes(&self, table_bytes: u64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is never negative, and bounded below"
        )]
        let by_rate = self
            .pace
            .bytes_per_second()
            .map(|rate| (rate * CHUNK_SECONDS) as u64);
        let bytes = by_rate.unwrap_or(self.wanted);
        let share = table_bytes.div_ceil(self.writers.max(1) * CHUNKS_PER_WRITER);
        bytes
            .min(share)
            .clamp(self.least(), self.wanted.saturating_mul(STRETCH).max(1))
    }

    /// The size below which a table is one chunk.
    pub(super) fn least(&self) -> u64 {
        (self.wanted / STRETCH).max(1)
    }
}

/// Splits the table and stores its split.
pub(super) async fn split(table: &CopyTable, sizing: &Sizing) -> Result<Vec<Chunk>> {
    let source = &table.plan.source;
    let chunk_bytes = sizing.chunk_bytes(table.plan.bytes);
    let chunks = match table.plan.bytes <= sizing.least() {
        // The source need not be asked.
        true => vec![Chunk {
            table: source.id.clone(),
            index: 0,
            range: KeyRange::All,
        }],
        false => {
            retry(&table.run.ctx, "split a table", || {
                table.snapshot.split(source, chunk_bytes)
            })
            .await?
        }
    };
    if chunks.is_empty() {
        return Err(Error::bug(format!("the split of table `{}` is empty", source.id)));
    }
    store(&table.run, &table.plan.target.id, &chunks).await?;
    let count = chunks.len() as u64;
    table
        .run
        .journal
        .checkpoint(|checkpoint| checkpoint.chunks.1 += count)?;
    Ok(chunks)
}

async fn store(run: &Run, target: &TableId, chunks: &[Chunk]) -> Result<()> {
    let mut first = true;
    retry(&run.ctx, "store a split", || {
        let again = !std::mem::take(&mut first);
        async move {
            // The answer to an earlier attempt may have been lost.
            if again && is_stored(run, target).await? {
                return Ok(());
            }
            fault::point("split.store.before")?;
            run.ctx
                .target
                .ledger()
                .store_split(&run.key, target, chunks)
                .await?;
            fault::point("split.store.after")
        }
    })
    .await
}

async fn is_stored(run: &Run, target: &TableId) -> Result<bool> {
    Ok(run
        .ctx
        .target
        .ledger()
        .chunks(&run.key.migration)
        .await?
        .iter()
        .any(|record| &record.target == target))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn sizing(bytes_per_second: Option<u64>) -> Sizing {
        let pace = Pace {
            bytes: bytes_per_second.unwrap_or(0) as f64 * 2.0,
            time: Duration::from_secs(if bytes_per_second.is_some() { 2 } else { 0 }),
        };
        Sizing {
            wanted: 32 * MIB,
            writers: 2,
            pace,
        }
    }

    #[test]
    fn chunks_take_a_few_seconds_within_bounds() {
        let huge = 1 << 40;
        assert_eq!(sizing(None).chunk_bytes(huge), 32 * MIB);
        assert_eq!(sizing(Some(20 * MIB)).chunk_bytes(huge), 60 * MIB);
        assert_eq!(sizing(Some(1)).chunk_bytes(huge), 4 * MIB);
        assert_eq!(sizing(Some(1 << 40)).chunk_bytes(huge), 256 * MIB);
    }

    #[test]
    fn a_table_alone_keeps_every_writer_busy() {
        assert_eq!(sizing(Some(1 << 40)).chunk_bytes(120 * MIB), 20 * MIB);
        assert_eq!(sizing(None).chunk_bytes(5 * MIB), 4 * MIB);
    }
}
