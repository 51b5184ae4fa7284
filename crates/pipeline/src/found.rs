//! What was found in tables when they were read: digests and counts, and those of the tables that were read back before the verify phase.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use whimbrel_core::{Digest, Reject, TableAggregate, TableId};

/// So many rows that do not fit their types are kept with their values.
pub(crate) const REJECTS_KEPT: usize = 100;

/// What was read of a table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    pub(crate) digest: Digest,
    /// Rows with a value that does not fit its logical type.
    pub(crate) rejected: u64,
    /// The first of them.
    pub(crate) rejects: Vec<Reject>,
    /// Per column, how many values its rule changed; empty when none has a rule.
    pub(crate) ruled: Vec<u64>,
}

impl Found {
    pub(crate) fn add(&mut self, other: Self) {
        self.digest.add(&other.digest);
        self.rejected += other.rejected;
        self.rejects.extend(other.rejects);
        self.rejects.truncate(REJECTS_KEPT);
        add_ruled(&mut self.ruled, &other.ruled);
    }
}

/// Adds counts per column.
pub(crate) fn add_ruled(sum: &mut Vec<u64>, more: &[u64]) {
    if sum.len() < more.len() {
        sum.resize(more.len(), 0);
    }
    for (sum, more) in sum.iter_mut().zip(more) {
        *sum += more;
    }
}

/// What was read of a table, and what the target itself says about it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) found: Found,
    pub(crate) aggregate: TableAggregate,
}

/// The tables that were read back while others were still copied.
#[derive(Debug, Default)]
pub(crate) struct ReadBack {
    tables: Mutex<BTreeMap<TableId, Known>>,
}

impl ReadBack {
    /// Returns all that is known.
    pub(crate) fn known(&self) -> BTreeMap<TableId, Known> {
        self.lock().clone()
    }

    /// Forgets everything: the tables may change.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    pub(crate) fn keep(&self, table: TableId, known: Known) {
        self.lock().insert(table, known);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TableId, Known>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
