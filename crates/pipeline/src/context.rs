//! What a run is given.

use std::sync::Arc;

use chrono::SecondsFormat;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{Clock, Plan, Source, TableId, Target};

use crate::budget::Budget;
use crate::gate::Gate;
use crate::limits::Limits;
use crate::observer::{Observer, Progress};
use crate::pool::Pool;
use crate::store::MigrationDir;

/// What a run is given.
#[derive(Clone)]
pub struct RunContext {
    /// The plan, as confirmed.
    pub plan: Arc<Plan>,
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
    /// Keeps new work back while the run is paused.
    pub gate: Gate,
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

impl RunContext {
    pub(crate) fn now(&self) -> String {
        time_text(self.clock.as_ref())
    }

    pub(crate) fn notice(&self, text: impl Into<String>) {
        self.observer.progress(&Progress::Notice { text: text.into() });
    }

    pub(crate) fn budget(&self) -> Budget {
        Budget::new(&self.limits)
    }

    /// The one pool: a place per job, and the memory that all of them share.
    pub(crate) fn pool(&self) -> Pool {
        Pool::new(self.limits.jobs, self.limits.memory_bytes, self.stop.clone()).behind(self.gate.clone())
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

/// The time as the checkpoint spells it.
pub(crate) fn seconds_text(clock: &dyn Clock) -> String {
    clock.now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The time as reports and logs spell it.
pub(crate) fn time_text(clock: &dyn Clock) -> String {
    clock.now().to_rfc3339_opts(SecondsFormat::Millis, true)
}
