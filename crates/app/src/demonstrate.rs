//! The demonstration: makes the demo's legacy database and plans its migration with every suggestion taken. Running it is `run.rs`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use whimbrel_core::{Error, Result};
use whimbrel_pipeline::MigrationDir;

use crate::analyze::AnalysisWatch;
use crate::connectors::file_url;
use crate::demo::{LegacySummary, create_legacy};
use crate::plan::{Draft, PlanRequest, draft};
use crate::setup::{BASE, Setup};

/// The folder of the demo when nobody says.
pub const FOLDER: &str = "whimbrel-demo";

/// A request to show what the program does.
#[derive(Debug, Clone)]
pub struct DemoRequest {
    /// Where its files go.
    pub folder: PathBuf,
    /// About how many rows the legacy database has.
    pub rows: u64,
    /// The target; a database file in the folder when nobody says.
    pub to: Option<String>,
}

/// The demo's legacy database.
#[derive(Debug, Clone)]
pub struct Stage {
    /// What the legacy database holds.
    pub legacy: LegacySummary,
    /// The target.
    pub target: String,
    /// The setup with the demo's own folder for migrations.
    pub base: PathBuf,
}

/// Makes the legacy database, and takes an earlier demo's target away.
///
/// # Errors
/// When the folder cannot be written, or holds a file of somebody else's in the legacy database's place.
pub fn set_stage(request: &DemoRequest) -> Result<Stage> {
    let base = request.folder.join(BASE);
    let modern = request.folder.join("modern.db");
    if request.to.is_none() && is_ours(&base, &file_url(&modern)) {
        remove(&modern)?;
    }
    Ok(Stage {
        legacy: create_legacy(&request.folder.join("legacy.db"), request.rows)?,
        target: request.to.clone().unwrap_or_else(|| file_url(&modern)),
        base,
    })
}

/// Plans the demo's migration, with the suggested choice for every finding.
///
/// # Errors
/// As [`draft`].
pub async fn plan_demo(setup: &Setup, stage: &Stage, watch: &dyn AnalysisWatch) -> Result<Draft> {
    let request = PlanRequest {
        source: file_url(&stage.legacy.path),
        target: stage.target.clone(),
        decisions: Vec::new(),
        accept_suggested: true,
        keep_decisions: false,
    };
    draft(setup, &request, watch).await
}

/// A target is an earlier demo's when a migration in the demo's folder went there.
fn is_ours(base: &Path, target: &str) -> bool {
    let ids = MigrationDir::list(base).unwrap_or_default();
    ids.iter().any(|id| {
        let plan = MigrationDir::open(base, id).and_then(|dir| dir.load_plan());
        plan.is_ok_and(|plan| plan.target.url == target)
    })
}

fn remove(database: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let message = format!("cannot remove `{}`", path.display());
                return Err(Error::invalid(message).with_cause(error));
            }
            _ => {}
        }
    }
    Ok(())
}
