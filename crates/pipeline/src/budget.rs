//! The memory budget: how big batches are, and which tables run alone. Bytes, never rows.

use whimbrel_core::{BATCH_BYTES, TablePlan};

use crate::limits::Limits;

const BATCH_BYTES_MIN: u64 = 64 << 10;

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

    /// Tells whether the table's largest row leaves no room for anything else.
    pub(crate) fn runs_alone(&self, table: &TablePlan) -> bool {
        table.row_bytes_max > self.memory_bytes / 8
    }

    /// Returns the places that one of the table's chunks takes out of `places`.
    pub(crate) fn weight(&self, table: &TablePlan, places: usize) -> usize {
        if self.runs_alone(table) { places } else { 1 }
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
}
