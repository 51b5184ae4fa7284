//! When a table is read to be looked at, and in batches of what size, so that several at once stay within the memory given.

use futures::lock::{Mutex, MutexGuard};
use whimbrel_core::ReadLimits;

/// Who may read.
pub(crate) struct Turns {
    pub(crate) limits: ReadLimits,
    large: Mutex<()>,
}

impl Turns {
    pub(crate) fn within(limits: ReadLimits) -> Self {
        Self {
            limits,
            large: Mutex::new(()),
        }
    }

    /// Waits until a table with such a row may be read: at once, unless the row is large and another table with such rows is being read.
    pub(crate) async fn turn(&self, row_bytes_max: u64) -> Option<MutexGuard<'_, ()>> {
        match self.limits.is_large(row_bytes_max) {
            true => Some(self.large.lock().await),
            false => None,
        }
    }
}
