//! Pausing a run that another process does, and letting it go on.

use std::time::Duration;

use serde::Serialize;
use whimbrel_core::{Error, Result};
use whimbrel_pipeline::{MigrationDir, PauseState, ProgressRecord};

use crate::migration;
use crate::setup::Setup;

/// A process says how far it is about once a second; one that has been silent for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(15);

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
    let running = running(setup, &dir).ok_or_else(|| nobody(&dir))?;
    dir.wish_pause()?;
    if !wait {
        return Ok(outcome(&dir, running));
    }
    if let Some(reached) = reach(setup, &dir, PauseState::Paused).await {
        return Ok(reached);
    }
    // Nobody is there to pause; the next run shall not find the wish.
    dir.wish_no_pause()?;
    Err(nobody(&dir))
}

/// Lets a paused run go on; none when no process runs the migration, or none that pauses.
///
/// # Errors
/// As the file system says.
pub async fn let_go_on(setup: &Setup, id: Option<&str>) -> Result<Option<PauseOutcome>> {
    let dir = migration::find(setup, id)?;
    match running(setup, &dir) {
        Some(running) if running.pause != PauseState::Running => {
            dir.wish_no_pause()?;
            Ok(reach(setup, &dir, PauseState::Running).await)
        }
        Some(_) | None => Ok(None),
    }
}

/// Returns what the process says that runs the migration; none when none does.
pub(crate) fn running(setup: &Setup, dir: &MigrationDir) -> Option<ProgressRecord> {
    if !dir.is_locked() {
        return None;
    }
    let said = dir.progress()?;
    let at = chrono::DateTime::parse_from_rfc3339(&said.at).ok()?;
    let silent = setup.clock.now().signed_duration_since(at);
    let is_alive = silent.to_std().is_ok_and(|silent| silent < SILENCE_MAX) || silent.num_seconds() < 0;
    is_alive.then_some(said)
}

/// Waits until the process says so, or until somebody else wishes otherwise; none when the process ends meanwhile.
async fn reach(setup: &Setup, dir: &MigrationDir, state: PauseState) -> Option<PauseOutcome> {
    loop {
        let said = running(setup, dir)?;
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
