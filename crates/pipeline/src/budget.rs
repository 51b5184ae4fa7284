//! The memory budget: how big batches are, and how many bytes a job holds at most. Bytes, never rows.

use whimbrel_core::TablePlan;

use crate::flow::UNDER_WAY;
use crate::limits::Limits;

/// Larger batches are not quicker, and each is in memory several times.
const BATCH_BYTES_MAX: u64 = 1 << 20;
const BATCH_BYTES_MIN: u64 = 64 << 10;

/// How many batches a job holds: those under way, and as much again in builders, in the encoded form and in the driver's buffers.
const BATCHES_HELD: u64 = 2 * UNDER_WAY as u64;

/// How often a large row is in memory on its way, as measured: in the network's buffers, in batches built, waiting and written, and in the
/// canonical form, each grown by doubling.
const ROW_COPIES: u64 = 14;

/// A row above this part of the memory has it for itself.
const ALONE_ABOVE: u64 = 8;

/// What the memory limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    memory_bytes: u64,
    /// Size at which a batch closes.
    pub(crate) batch_bytes: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        let share = limits.memory_bytes / (limits.jobs.max(1) as u64 * BATCHES_HELD * 2);
        let batch = share.clamp(BATCH_BYTES_MIN, BATCH_BYTES_MAX);
        Self {
            memory_bytes: limits.memory_bytes,
            batch_bytes: usize::try_from(batch).unwrap_or(usize::MAX),
        }
    }

    /// Returns how many bytes a job that reads the table's rows holds at most.
    pub(crate) fn need(&self, table: &TablePlan) -> u64 {
        let row = table.row_bytes_max;
        if row > self.memory_bytes / ALONE_ABOVE {
            return self.memory_bytes;
        }
        let batches = self.batch_bytes as u64 * BATCHES_HELD;
        (row * ROW_COPIES).clamp(batches.min(self.memory_bytes), self.memory_bytes)
    }

    /// Returns how many rows' hashes may be held while differing rows are looked for.
    pub(crate) fn rows_held(&self) -> u64 {
        const ROW_BYTES: u64 = 192;
        (self.memory_bytes / 4 / ROW_BYTES).max(10_000)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use whimbrel_core::{Table, TableId};

    use super::*;

    fn budget(memory_bytes: u64, jobs: usize) -> Budget {
        Budget::new(&Limits {
            jobs,
            writers: jobs,
            memory_bytes,
            retries: 0,
            retry_base: Duration::ZERO,
        })
    }

    #[test]
    fn batches_shrink_with_the_memory_and_stay_within_bounds() {
        assert_eq!(budget(512 << 20, 2).batch_bytes, 1 << 20);
        assert_eq!(budget(64 << 20, 8).batch_bytes, 512 << 10);
        assert_eq!(budget(1 << 20, 8).batch_bytes, 64 << 10);
    }

    #[test]
    fn large_rows_take_the_bytes_of_others() {
        let need = |row_mib: u64| {
            let table = TablePlan {
                source: Table::empty(TableId::bare("a")),
                target: Table::empty(TableId::bare("a")),
                columns: Vec::new(),
                key: Vec::new(),
                level: 0,
                replaces: false,
                rows: 0,
                bytes: 0,
                row_bytes_max: row_mib << 20,
            };
            budget(128 << 20, 4).need(&table) >> 20
        };
        assert_eq!(
            [0, 1, 4, 6, 16, 17, 1000].map(need),
            [8, 14, 56, 84, 128, 128, 128]
        );
    }
}
