//! A rollback that somebody asked for, as the report of a run: what it left of the run before it.

use chrono::{DateTime, SecondsFormat, Utc};
use whimbrel_core::{PhaseReport, RollbackReport, RunReport, RunStatus};

use super::quantity::counted;

/// The phase's status in the report.
const TAKEN_BACK: &str = "taken back";

/// Returns the report of a rollback.
pub fn taken_back(rollback: &RollbackReport, began: DateTime<Utc>, ended: DateTime<Utc>) -> RunReport {
    let text = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let seconds = (ended - began).as_seconds_f64();
    let phase = |phase: &str, status: &str, summary: String| PhaseReport {
        phase: phase.to_owned(),
        status: status.to_owned(),
        seconds: if phase == "data" { seconds } else { 0.0 },
        summary,
    };
    let undone = counted(rollback.undone.len() as u64, "step") + " undone";
    let emptied = counted(rollback.emptied.len() as u64, "table") + " emptied";
    let schema = if rollback.to == "start" {
        phase("schema", TAKEN_BACK, undone)
    } else {
        phase("schema", "done", format!("the tables stay, {undone}"))
    };
    RunReport {
        status: RunStatus::RolledBack,
        started_at: text(began),
        ended_at: text(ended),
        seconds,
        phases: vec![
            schema,
            phase("data", TAKEN_BACK, emptied),
            phase("verify", TAKEN_BACK, String::new()),
        ],
        tables: Vec::new(),
        rollback: Some(rollback.clone()),
        problem: None,
        verification: None,
    }
}

/// Returns the rollback when the report is that of one which somebody asked for.
pub(super) fn requested(report: &RunReport) -> Option<&RollbackReport> {
    report
        .rollback
        .as_ref()
        .filter(|rollback| rollback.trigger == "requested")
}
