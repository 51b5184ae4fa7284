//! The end of a run: the automatic rollback that its failure sets off, the last checkpoint and event, and the report.

use std::time::{Duration, Instant};

use serde::Serialize;
use whimbrel_core::{
    ChunkRecord, ColumnPlan, Error, MigrationId, PhaseReport, Problem, Result, RollbackReport, RuledColumn,
    RunReport, RunStatus, TablePlan, TableReport, Verdict,
};

use crate::arrived::Totals;
use crate::failure::{Failure, problem};
use crate::rollback::automatic;
use crate::running::Run;
use crate::store::MigrationStatus;

/// How the phases ended.
struct Ended {
    status: RunStatus,
    rollback: Option<RollbackReport>,
    problem: Option<Problem>,
}

/// Ends a run.
pub(crate) async fn finish(
    run: &Run,
    (started_at, started): (String, Instant),
    phases: Vec<PhaseReport>,
    outcome: Result<(), Failure>,
) -> Result<RunReport> {
    let mut ended = match outcome {
        Ok(()) => Ended {
            status: verified(run),
            rollback: None,
            problem: None,
        },
        Err(failure) => failed(run, failure).await,
    };
    let records = run.chunks().await.unwrap_or_else(|error| {
        run.ctx
            .notice(format!("the ledger cannot be read: {}", error.chain()));
        Vec::new()
    });
    let tables = tables(run, &records);
    let seconds = started.elapsed().as_secs_f64();
    let rows = tables.iter().map(|table| table.rows).sum();
    if let Err(error) = record_end(run, &ended, rows, seconds) {
        lose(&mut ended, &error);
    }
    Ok(RunReport {
        status: ended.status,
        started_at,
        ended_at: run.ctx.now(),
        seconds,
        phases,
        tables,
        rollback: ended.rollback,
        problem: ended.problem,
        verification: run.take_verification(),
    })
}

fn verified(run: &Run) -> RunStatus {
    match run.verdict() {
        Some(Verdict::Identical) => RunStatus::Completed,
        Some(Verdict::Different | Verdict::NotChecked) | None => RunStatus::NotVerified,
    }
}

/// An end that could not be written down is no success.
fn lose(ended: &mut Ended, error: &Error) {
    if matches!(ended.status, RunStatus::Completed | RunStatus::NotVerified) {
        ended.status = RunStatus::Failed;
    }
    ended.problem.get_or_insert(problem(error));
}

async fn failed(run: &Run, failure: Failure) -> Ended {
    let mut said = problem(&failure.error);
    let rollback = match failure.trigger() {
        Some(trigger) => automatic(run, trigger, &failure).await,
        None => Ok(None),
    };
    let rollback = rollback.unwrap_or_else(|error| {
        said.message = format!(
            "{}; the automatic rollback failed too: {}",
            said.message,
            error.chain()
        );
        None
    });
    let went_back = rollback
        .as_ref()
        .is_some_and(|report| report.to == "start" || report.to == "schema");
    let status = if went_back {
        RunStatus::RolledBack
    } else if failure.is_interrupt() {
        RunStatus::Interrupted
    } else {
        RunStatus::Failed
    };
    Ended {
        status,
        rollback,
        problem: Some(said),
    }
}

/// What the log says about the end of a run; others read it, so that its fields have an order.
#[derive(Serialize)]
struct End<'a> {
    version: &'a MigrationId,
    /// Whole seconds.
    duration: u64,
    records_affected: u64,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
}

fn record_end(run: &Run, ended: &Ended, rows: u64, seconds: f64) -> Result<()> {
    let (kind, status, word) = match ended.status {
        RunStatus::Completed => ("MIGRATION_COMPLETE", MigrationStatus::Completed, "success"),
        RunStatus::NotVerified => ("MIGRATION_COMPLETE", MigrationStatus::Blocked, "not_verified"),
        RunStatus::Interrupted => (
            "MIGRATION_INTERRUPTED",
            MigrationStatus::Interrupted,
            "interrupted",
        ),
        RunStatus::Failed => ("MIGRATION_FAILED", MigrationStatus::Failed, "failed"),
        RunStatus::RolledBack => ("MIGRATION_FAILED", MigrationStatus::RolledBack, "rolled_back"),
    };
    run.journal.event(
        kind,
        End {
            version: &run.plan().migration_id,
            duration: Duration::from_secs_f64(seconds + 0.5).as_secs(),
            records_affected: rows,
            status: word,
            problem: ended.problem.as_ref(),
        },
    )?;
    run.journal
        .checkpoint_now(|checkpoint| checkpoint.status = status)
}

fn tables(run: &Run, records: &[ChunkRecord]) -> Vec<TableReport> {
    let mut of_tables = Totals::by_table(records);
    let of_table = |plan: &TablePlan| {
        let id = &plan.target.id;
        let totals = of_tables.remove(id).unwrap_or_default();
        TableReport {
            table: id.clone(),
            rows: totals.rows,
            bytes: totals.bytes,
            rejected: totals.rejected,
            chunks: totals.chunks,
            seconds: run.seconds(id),
            ruled: ruled(plan, &totals.ruled),
        }
    };
    run.plan().tables.iter().map(of_table).collect()
}

/// What each value rule of the table changed, nothing too.
fn ruled(plan: &TablePlan, counts: &[u64]) -> Vec<RuledColumn> {
    let of_column = |(at, column): (usize, &ColumnPlan)| {
        Some(RuledColumn {
            column: column.target.clone(),
            rule: column.rule.as_ref()?.to_string(),
            values: counts.get(at).copied().unwrap_or_default(),
        })
    };
    plan.columns.iter().enumerate().filter_map(of_column).collect()
}
