//! The limits of a run.

use std::time::Duration;

/// Limits of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Chunks at once.
    pub jobs: usize,
    /// Writers that the target allows at once.
    pub writers: usize,
    /// Memory for queues and buffers.
    pub memory_bytes: u64,
    /// How often one operation is tried again.
    pub retries: u32,
    /// Wait before the first retry; doubles each time.
    pub retry_base: Duration,
}
