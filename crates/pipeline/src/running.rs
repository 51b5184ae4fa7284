//! A run under way: what it was given, its right to write, its files, and what its tasks share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use whimbrel_core::{Catalog, ChunkRecord, Error, Plan, Result, RunKey, TableId, Verdict, Verification};

use crate::context::RunContext;
use crate::found::ReadBack;
use crate::journal::Journal;
use crate::retry::retry;

/// A run under way: what it was given, its right to write, and its files.
pub(crate) struct Run {
    pub(crate) ctx: Arc<RunContext>,
    pub(crate) key: RunKey,
    pub(crate) journal: Journal,
    /// Tables that were verified while others were still copied.
    pub(crate) read_back: ReadBack,
    /// The target's catalog behind the last thing that this run made.
    as_built: Mutex<Option<Catalog>>,
    verification: Mutex<Option<Verification>>,
    seconds: Mutex<BTreeMap<TableId, f64>>,
}

impl Run {
    pub(crate) fn new(ctx: &RunContext, key: RunKey, journal: Journal) -> Arc<Self> {
        Arc::new(Self {
            ctx: Arc::new(ctx.clone()),
            key,
            journal,
            read_back: ReadBack::default(),
            as_built: Mutex::new(None),
            verification: Mutex::new(None),
            seconds: Mutex::new(BTreeMap::new()),
        })
    }

    /// Goes on under another context of the same migration.
    pub(crate) fn under(run: Arc<Self>, ctx: RunContext) -> Result<Arc<Self>> {
        let Some(run) = Arc::into_inner(run) else {
            return Err(Error::bug("a run is shared before it began"));
        };
        Ok(Arc::new(Self {
            ctx: Arc::new(ctx),
            ..run
        }))
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.ctx.plan
    }

    /// Keeps the target's catalog for the verify phase, which follows at once: that of ten thousand tables takes seconds to read.
    pub(crate) fn keep_as_built(&self, catalog: Catalog) {
        *self.as_built.lock().unwrap_or_else(PoisonError::into_inner) = Some(catalog);
    }

    /// Hands out the target's catalog, if this run has made all of it.
    pub(crate) fn take_as_built(&self) -> Option<Catalog> {
        self.as_built
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Keeps what the verify phase found for the run's report.
    pub(crate) fn keep_verification(&self, found: Verification) {
        *self.verification.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
    }

    /// Tells what the verify phase came to; none when there was none.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let found = self.verification.lock().unwrap_or_else(PoisonError::into_inner);
        found.as_ref().map(Verification::verdict)
    }

    /// Hands out what the verify phase found.
    pub(crate) fn take_verification(&self) -> Option<Verification> {
        let mut found = self.verification.lock().unwrap_or_else(PoisonError::into_inner);
        found.take()
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

    /// Returns the ledger's chunks.
    pub(crate) async fn chunks(&self) -> Result<Vec<ChunkRecord>> {
        let ledger = self.ctx.target.ledger();
        retry(&self.ctx, "read the ledger", || {
            ledger.chunks(&self.key.migration)
        })
        .await
    }

    /// Returns the ids of the steps that the ledger has.
    pub(crate) async fn steps_done(&self) -> Result<BTreeSet<String>> {
        let ledger = self.ctx.target.ledger();
        let records = retry(&self.ctx, "read the ledger", || ledger.steps(&self.key.migration)).await?;
        Ok(records.into_iter().map(|record| record.id).collect())
    }
}
