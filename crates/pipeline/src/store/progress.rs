//! `progress.json` and the wish for a pause: what a running process and other shells tell each other. Hints that no data depends on:
//! not synced, and what cannot be written is not missed.

use std::fs;

use serde::{Deserialize, Serialize};
use whimbrel_core::Result;

use super::{MigrationDir, io};
use crate::outlook::Outlook;

const PROGRESS: &str = "progress.json";
const PAUSE: &str = "pause";

/// How far a run is, as its process says about once a second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProgressRecord {
    /// When it was written, RFC 3339.
    pub at: String,
    /// The process that runs the migration.
    pub process: u32,
    /// Whether it has been asked to pause, and does.
    pub pause: PauseState,
    /// Since when it has been asked, RFC 3339.
    pub paused_since: Option<String>,
    /// How far it is.
    pub outlook: Outlook,
}

/// Whether a run pauses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseState {
    /// It does not.
    Running,
    /// What was under way is not at its end yet.
    Pausing,
    /// Nothing is under way.
    Paused,
}

impl MigrationDir {
    /// Returns how far the process that runs the migration is; none when no process says so.
    pub fn progress(&self) -> Option<ProgressRecord> {
        self.load(PROGRESS).ok().flatten()
    }

    /// Wishes that the process that runs the migration pauses.
    ///
    /// # Errors
    /// As the file system says.
    pub fn wish_pause(&self) -> Result<()> {
        let path = self.path.join(PAUSE);
        fs::write(&path, b"").map_err(|error| io("write", &path, error))
    }

    /// Wishes that it goes on.
    ///
    /// # Errors
    /// As the file system says.
    pub fn wish_no_pause(&self) -> Result<()> {
        let path = self.path.join(PAUSE);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io("remove", &path, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Tells whether a pause is wished.
    pub fn is_pause_wished(&self) -> bool {
        self.path.join(PAUSE).exists()
    }

    pub(crate) fn save_progress(&self, record: &ProgressRecord) {
        let new = self.path.join("progress.json.new");
        let written = serde_json::to_vec(record).is_ok_and(|json| fs::write(&new, json).is_ok());
        if written {
            let _missed = fs::rename(&new, self.path.join(PROGRESS));
        }
    }

    pub(crate) fn forget_progress(&self) {
        for name in [PROGRESS, PAUSE] {
            let _missed = fs::remove_file(self.path.join(name));
        }
    }
}
