//! What a run is given, and what its tasks share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::SecondsFormat;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{Clock, Plan, RunKey, Source, TableId, Target, Verification};

use crate::budget::Budget;
use crate::journal::Journal;
use crate::observer::{Observer, Progress};
use crate::pool::Pool;
use crate::store::MigrationDir;

/// What a run is given.
#[derive(Clone)]
pub struct RunContext {
    /// The plan, as confirmed.
    pub plan: Plan,
    /// Where the data comes from.
    pub source: Arc<dyn Source>,
    /// Where the data goes.
    pub target: Arc<dyn Target>,
    /// The migration's files.
    pub dir: MigrationDir,
    /// Limits.
    pub limits: Limits,
    /// Who looks on.
    pub observer: Arc<dyn Observer>,
    /// Stops the run at its last checkpoint: chunks in flight are taken back whole.
    pub stop: CancellationToken,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for RunContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunContext")
            .field("dir", &self.dir)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

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

impl RunContext {
    pub(crate) fn now(&self) -> String {
        self.clock.now().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    pub(crate) fn notice(&self, text: impl Into<String>) {
        self.observer.progress(&Progress::Notice { text: text.into() });
    }

    pub(crate) fn budget(&self) -> Budget {
        Budget::new(&self.limits)
    }

    /// The places for readers that also write.
    pub(crate) fn copy_pool(&self) -> Pool {
        Pool::new(self.limits.jobs.min(self.limits.writers), self.stop.clone())
    }

    /// The places for readers alone.
    pub(crate) fn read_pool(&self) -> Pool {
        Pool::new(self.limits.jobs, self.stop.clone())
    }

    pub(crate) fn source_tables(&self) -> Vec<TableId> {
        self.plan
            .tables
            .iter()
            .map(|table| table.source.id.clone())
            .collect()
    }

    pub(crate) fn target_tables(&self) -> Vec<TableId> {
        self.plan
            .tables
            .iter()
            .map(|table| table.target.id.clone())
            .collect()
    }
}

/// A run under way: what it was given, its right to write, and its files.
pub(crate) struct Run {
    pub(crate) ctx: Arc<RunContext>,
    pub(crate) key: RunKey,
    pub(crate) journal: Journal,
    verification: Mutex<Option<Verification>>,
    seconds: Mutex<BTreeMap<TableId, f64>>,
}

impl Run {
    pub(crate) fn new(ctx: &RunContext, key: RunKey, journal: Journal) -> Arc<Self> {
        Arc::new(Self {
            ctx: Arc::new(ctx.clone()),
            key,
            journal,
            verification: Mutex::new(None),
            seconds: Mutex::new(BTreeMap::new()),
        })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.ctx.plan
    }

    /// Keeps what the verify phase found for the run's report.
    pub(crate) fn keep_verification(&self, found: Verification) {
        *self.verification.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    pub(crate) fn verification(&self) -> Option<Verification> {
        self.verification
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Adds time spent on a table's chunks.
    pub(crate) fn spent(&self, table: &TableId, time: Duration) {
        let mut seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        *seconds.entry(table.clone()).or_default() += time.as_secs_f64();
    }

    pub(crate) fn seconds(&self, table: &TableId) -> f64 {
        let seconds = self.seconds.lock().unwrap_or_else(PoisonError::into_inner);
        seconds.get(table).copied().unwrap_or_default()
    }
}
