//! The memory budget: how big batches are, and which tables run alone. Bytes, never rows.

use whimbrel_core::{BATCH_BYTES, TablePlan};

use crate::limits::Limits;

const BATCH_BYTES_MIN: u64 = 64 << 10;

/// How often a large row is in memory on its way, as measured: in the network's buffers, in batches built, waiting and written, and in the
/// canonical form, each grown by doubling.
const ROW_COPIES: u64 = 14;

/// What the memory limit allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    memory_bytes: u64,
    /// Size at which a batch closes.
    pub(crate) batch_bytes: usize,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        // Per job a batch is built, held and written, and the driver holds its own copies.
        let share = limits.memory_bytes / (limits.jobs.max(1) as u64 * 8);
        let batch = share.clamp(BATCH_BYTES_MIN, BATCH_BYTES as u64);
        Self {
            memory_bytes: limits.memory_bytes,
            batch_bytes: usize::try_from(batch).unwrap_or(BATCH_BYTES),
        }
    }

    /// Returns the places that one of the table's chunks takes out of `places`: all of them when its largest row leaves no room for another.
    pub(crate) fn weight(&self, table: &TablePlan, places: usize) -> usize {
        let need = table.row_bytes_max.saturating_mul(ROW_COPIES);
        let weight = need
            .saturating_mul(places as u64)
            .div_ceil(self.memory_bytes.max(1));
        usize::try_from(weight).unwrap_or(places).clamp(1, places.max(1))
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

    fn batch_bytes(memory_bytes: u64, jobs: usize) -> usize {
        let limits = Limits {
            jobs,
            writers: jobs,
            memory_bytes,
            retries: 0,
            retry_base: Duration::ZERO,
        };
        Budget::new(&limits).batch_bytes
    }

    #[test]
    fn batches_shrink_with_the_memory_and_stay_within_bounds() {
        assert_eq!(batch_bytes(512 << 20, 2), 8 << 20);
        assert_eq!(batch_bytes(128 << 20, 8), 2 << 20);
        assert_eq!(batch_bytes(1 << 20, 8), 64 << 10);
    }

    #[test]
    fn large_rows_take_the_places_of_others() {
        let limits = Limits {
            jobs: 4,
            writers: 4,
            memory_bytes: 128 << 20,
            retries: 0,
            retry_base: Duration::ZERO,
        };
        let weight = |row_mib: u64| {
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
            Budget::new(&limits).weight(&table, 4)
        };
        assert_eq!([0, 1, 4, 6, 16, 1000].map(weight), [1, 1, 2, 3, 4, 4]);
    }
}
