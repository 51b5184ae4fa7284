//! Pausing a run that another process does, and letting it go on.

use std::time::Duration;

use serde::Serialize;
use whimbrel_core::{Error, Result};
use whimbrel_pipeline::{MigrationDir, PauseState, ProgressRecord};

use crate::migration;
use crate::setup::Setup;

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What a request to pause, or to go on, came to.
#[derive(Debug, Clone, Serialize)]
pub struct PauseOutcome {
    /// The migration.
    pub migration_id: String,
    /// The process that runs it.
    pub process: u32,
    /// Whether it pauses.
    pub state: PauseState,
    /// Since when, RFC 3339.
    pub since: Option<String>,
}

/// Asks the process that runs the migration to pause: what is under way is brought to its end, nothing new begins. Returns when that is so, or
/// at once when `wait` is false.
///
/// # Errors
/// When no process runs it.
pub async fn pause(setup: &Setup, id: Option<&str>, wait: bool) -> Result<PauseOutcome> {
    let dir = migration::find(setup, id)?;
    let running = running(&dir).ok_or_else(|| nobody(&dir))?;
    let wish = Wish::make(&dir)?;
    if !wait {
        wish.keep();
        return Ok(outcome(&dir, running));
    }
    if let Some(reached) = reach(&dir, PauseState::Paused).await {
        wish.keep();
        return Ok(reached);
    }
    // Nobody is there to pause; the next run shall not find the wish.
    Err(nobody(&dir))
}

/// The wish for a pause. Whoever does not wait until it is fulfilled takes it back, unless somebody else had it before.
struct Wish<'a> {
    dir: &'a MigrationDir,
    is_new: bool,
}

impl<'a> Wish<'a> {
    fn make(dir: &'a MigrationDir) -> Result<Self> {
        let is_new = !dir.is_pause_wished();
        dir.wish_pause()?;
        Ok(Self { dir, is_new })
    }

    fn keep(mut self) {
        self.is_new = false;
    }
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        if self.is_new {
            // A wish that cannot be taken back is seen in `status`, as any other.
            self.dir.wish_no_pause().ok();
        }
    }
}

/// Lets a paused run go on; none when no process runs the migration, or none that pauses.
///
/// # Errors
/// As the file system says.
pub async fn let_go_on(setup: &Setup, id: Option<&str>) -> Result<Option<PauseOutcome>> {
    let dir = migration::find(setup, id)?;
    match running(&dir) {
        Some(running) if running.pause != PauseState::Running => {
            dir.wish_no_pause()?;
            Ok(reach(&dir, PauseState::Running).await)
        }
        Some(_) | None => Ok(None),
    }
}

/// Returns what the process says that runs the migration; none when none does. Whoever locks the migration first takes away what an
/// earlier process said, so that no clock is asked.
pub(crate) fn running(dir: &MigrationDir) -> Option<ProgressRecord> {
    dir.progress().filter(|_| dir.is_locked())
}

/// Waits until the process says so, or until somebody else wishes otherwise; none when the process ends meanwhile.
async fn reach(dir: &MigrationDir, state: PauseState) -> Option<PauseOutcome> {
    loop {
        let said = running(dir)?;
        let is_wished = dir.is_pause_wished() == (state != PauseState::Running);
        if said.pause == state || !is_wished {
            return Some(outcome(dir, said));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn outcome(dir: &MigrationDir, said: ProgressRecord) -> PauseOutcome {
    PauseOutcome {
        migration_id: dir.id().to_string(),
        process: said.process,
        state: said.pause,
        since: said.paused_since,
    }
}

fn nobody(dir: &MigrationDir) -> Error {
    Error::invalid(format!("no process runs migration `{}`", dir.id()))
        .with_code("not_running")
        .with_hint(format!("look with `whimbrel status {}`", dir.id()))
}
