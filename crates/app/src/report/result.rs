//! `result.json`, which is also what a run prints for scripts: a stable set of fields first, further facts after them.

use serde::Serialize;
use serde_json::Value;
use whimbrel_core::{PhaseReport, Plan, Problem, RollbackReport, RuledColumn, RunReport, RunStatus, Verdict};

use super::quantity::{rows_per_second, size_compact};
use super::way_back::rollback_command;

pub(super) const NO_BACKUP: &str = "this version makes no backups: the source was only read, and what is replaced in the target is moved aside";

/// How a run ended, for scripts. Serialised, the fields stand in the order in which they are declared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunResult {
    status: &'static str,
    migration: Migration,
    backup: Backup,
    validation: Validation,
    scripts: Scripts,
    performance: Performance,
    plan_hash: String,
    source: Side,
    started_at: String,
    ended_at: String,
    rows_copied: u64,
    bytes_copied: u64,
    size: String,
    size_bytes: u64,
    tables: Vec<TableResult>,
    phases: Vec<PhaseReport>,
    rollback: Option<RollbackReport>,
    problem: Option<Problem>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Migration {
    version: String,
    #[serde(rename = "type")]
    kind: &'static str,
    database: String,
    target: Side,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Side {
    engine: String,
    version: String,
    database: String,
    url: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Backup {
    created: bool,
    file: Option<String>,
    size: Option<String>,
    size_bytes: Option<u64>,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Validation {
    pre_migration_records: u64,
    post_migration_records: u64,
    data_integrity: &'static str,
    rejected_records: u64,
    differing_records: u64,
    position: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Scripts {
    forward: &'static str,
    rollback: String,
    undo: &'static str,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct Performance {
    duration_seconds: f64,
    locks_held: &'static str,
    downtime: &'static str,
    rows_per_second: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct TableResult {
    table: String,
    rows: u64,
    bytes: u64,
    rejected: u64,
    chunks: u64,
    seconds: f64,
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ruled: Vec<RuledColumn>,
}

/// Returns how a run ended as a JSON value; its members are sorted by name, those of a serialised [`RunResult`] by weight.
pub fn result_json(plan: &Plan, report: &RunReport) -> Value {
    serde_json::to_value(RunResult::new(plan, report)).unwrap_or_default()
}

impl RunResult {
    /// Spells its commands for the folder of the migration.
    #[must_use]
    pub(crate) fn in_folder(mut self, base: &std::path::Path) -> Self {
        self.scripts.rollback = crate::next::in_folder(base, &self.scripts.rollback);
        self
    }

    /// Collects the facts of a run.
    pub fn new(plan: &Plan, report: &RunReport) -> Self {
        let bytes_copied = report.tables.iter().map(|table| table.bytes).sum();
        let rows_copied = report.tables.iter().map(|table| table.rows).sum();
        Self {
            status: status(report),
            migration: Migration {
                version: plan.migration_id.to_string(),
                kind: "big_bang",
                database: plan.target.engine.clone(),
                target: side(&plan.target),
            },
            backup: Backup {
                created: false,
                file: None,
                size: None,
                size_bytes: None,
                reason: NO_BACKUP,
            },
            validation: validation(plan, report),
            scripts: Scripts {
                forward: "migration_plan.json",
                rollback: rollback_command(plan, "start"),
                undo: "undo.ndjson",
            },
            performance: Performance {
                duration_seconds: rounded(report.seconds),
                locks_held: "read locks on the source's tables while they were copied",
                downtime: "none by the tool: the source was only read",
                rows_per_second: rows_per_second(rows_copied, data_seconds(report)),
            },
            plan_hash: plan.hash.clone(),
            source: side(&plan.source),
            started_at: report.started_at.clone(),
            ended_at: report.ended_at.clone(),
            rows_copied,
            bytes_copied,
            size: size_compact(bytes_copied),
            size_bytes: bytes_copied,
            tables: tables(report),
            phases: report.phases.clone(),
            rollback: report.rollback.clone(),
            problem: report.problem.clone(),
        }
    }
}

/// Tells whether the run is done and everything in it was compared and found equal.
pub(super) fn is_success(report: &RunReport) -> bool {
    let verdict = report
        .verification
        .as_ref()
        .map(whimbrel_core::Verification::verdict);
    report.status == RunStatus::Completed && verdict == Some(Verdict::Identical)
}

/// Seconds of the data phase, else of the whole run.
pub(super) fn data_seconds(report: &RunReport) -> f64 {
    let data = report.phases.iter().find(|phase| phase.phase == "data");
    data.map_or(report.seconds, |phase| phase.seconds)
}

fn status(report: &RunReport) -> &'static str {
    match report.status {
        RunStatus::Completed if is_success(report) => "success",
        RunStatus::Completed | RunStatus::NotVerified => "not_verified",
        RunStatus::Failed => "failed",
        RunStatus::Interrupted => "interrupted",
        RunStatus::RolledBack => "rolled_back",
    }
}

fn side(endpoint: &whimbrel_core::Endpoint) -> Side {
    Side {
        engine: endpoint.engine.clone(),
        version: endpoint.version.clone(),
        database: endpoint.database.clone(),
        url: endpoint.url.clone(),
    }
}

fn validation(plan: &Plan, report: &RunReport) -> Validation {
    let copied = report.tables.iter().map(|table| table.rows).sum();
    let rejected_records = report.tables.iter().map(|table| table.rejected).sum();
    let Some(verification) = &report.verification else {
        return Validation {
            pre_migration_records: plan.tables.iter().map(|table| table.rows).sum(),
            post_migration_records: copied,
            data_integrity: "not_checked",
            rejected_records,
            differing_records: 0,
            position: None,
        };
    };
    Validation {
        pre_migration_records: verification.tables.iter().map(|table| table.source_rows).sum(),
        post_migration_records: verification.tables.iter().map(|table| table.target_rows).sum(),
        data_integrity: match verification.verdict() {
            Verdict::Identical => "verified",
            Verdict::Different => "different",
            Verdict::NotChecked => "not_checked",
        },
        rejected_records,
        differing_records: verification
            .tables
            .iter()
            .map(|table| table.differences_total)
            .sum(),
        position: Some(verification.position.clone()),
    }
}

fn tables(report: &RunReport) -> Vec<TableResult> {
    let verdict = |id| {
        let tables = &report.verification.as_ref()?.tables;
        tables
            .iter()
            .find(|found| &found.target == id)
            .map(|found| found.verdict)
    };
    report
        .tables
        .iter()
        .map(|table| TableResult {
            table: table.table.to_string(),
            rows: table.rows,
            bytes: table.bytes,
            rejected: table.rejected,
            chunks: table.chunks,
            seconds: rounded(table.seconds),
            verdict: verdict(&table.table),
            ruled: table.ruled.clone(),
        })
        .collect()
}

/// Seconds to the millisecond.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
