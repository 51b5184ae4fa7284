//! The run loop: the same for a first run and a resumed one. What a phase does is in the phase's own file.

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use serde_json::json;
use whimbrel_core::{Error, PhaseReport, Result, RunReport};

use crate::arrived::Totals;
use crate::begin::begin;
use crate::context::RunContext;
use crate::failure::Failure;
use crate::observer::Progress;
use crate::quantity::counted;
use crate::retry::retry;
use crate::running::Run;
use crate::{data, rejects, report, schema, verify, watch};

/// One part of a migration's life.
#[derive(Clone, Copy)]
struct Phase {
    name: &'static str,
    /// Its number in the checkpoint.
    number: u32,
    /// The checkpoint that it ends with.
    ends_with: &'static str,
    /// Does the phase's work, or finds it done; returns one line of facts.
    run: for<'a> fn(&'a Arc<Run>) -> BoxFuture<'a, Result<String, Failure>>,
}

/// The phases of a copy, in order.
const COPY: &[Phase] = &[
    Phase {
        name: "schema",
        number: 2,
        ends_with: "checkpoint_2",
        run: |run| Box::pin(schema::run(run)),
    },
    Phase {
        name: "data",
        number: 3,
        ends_with: "checkpoint_3",
        run: |run| Box::pin(data::run(run)),
    },
    Phase {
        name: "verify",
        number: 4,
        ends_with: "checkpoint_4",
        run: |run| Box::pin(verify::phase(run)),
    },
];

/// The phases of a replay of rejected rows. The data phase has something to do only where a table is copied again whole.
const REPLAY: &[Phase] = &[
    Phase {
        name: "rejects",
        number: 3,
        ends_with: "checkpoint_3",
        run: |run| Box::pin(rejects::run(run)),
    },
    COPY[1],
    COPY[2],
];

/// Runs the plan, or goes on where an earlier run of it stopped. The report's status tells how it ended.
///
/// # Errors
/// When the run could not begin, and nothing was changed: the plan was edited or not confirmed (`plan_changed`, `not_approved`), source or
/// target changed (`source_changed`, `target_changed`), another process runs it (`migration_locked`), a database cannot be reached.
pub async fn run(ctx: &RunContext) -> Result<RunReport> {
    let _lock = ctx.dir.lock()?;
    let (_watch, ctx) = watch::begin(ctx);
    let started = (ctx.now(), Instant::now());
    let run = begin(&ctx).await?;
    let (phases, outcome) = run_phases(&run, COPY).await;
    report::finish(&run, started, phases, outcome).await
}

/// Brings over the rows that an ended run left out, and verifies everything again. The report's status tells how it ended.
///
/// # Errors
/// As [`run`]; also when the run has not come to its end yet.
pub async fn replay(ctx: &RunContext) -> Result<RunReport> {
    let _lock = ctx.dir.lock()?;
    let started = (ctx.now(), Instant::now());
    let ledger = ctx.target.ledger();
    let chunks = retry(ctx, "read the ledger", || ledger.chunks(&ctx.plan.migration_id)).await?;
    if !data::is_copied(ctx, &chunks) {
        return Err(
            Error::invalid("not every row has arrived yet; rejected rows are replayed after that")
                .with_code("not_copied")
                .with_hint(format!("whimbrel resume {}", ctx.plan.migration_id)),
        );
    }
    let (_watch, ctx) = watch::begin(ctx);
    let run = begin(&ctx).await?;
    let run = rejects::accept_widened(&ctx, run, &chunks).await?;
    let (phases, outcome) = run_phases(&run, REPLAY).await;
    report::finish(&run, started, phases, outcome).await
}

async fn run_phases(run: &Arc<Run>, phases: &[Phase]) -> (Vec<PhaseReport>, Result<(), Failure>) {
    let mut reports = Vec::with_capacity(phases.len());
    let mut outcome = Ok(());
    for phase in phases {
        if outcome.is_err() {
            reports.push(phase_report(phase, "skipped", 0.0, String::new()));
            continue;
        }
        let started = Instant::now();
        let done = if run.ctx.stop.is_cancelled() {
            Err(Failure::interrupted())
        } else {
            run_phase(run, phase).await
        };
        let seconds = started.elapsed().as_secs_f64();
        reports.push(match &done {
            Ok(summary) => phase_report(phase, "done", seconds, summary.clone()),
            Err(failure) if failure.is_interrupt() => {
                phase_report(phase, "interrupted", seconds, so_far(run).await)
            }
            Err(failure) => phase_report(phase, "failed", seconds, failure.error.chain()),
        });
        outcome = done.map(drop);
    }
    (reports, outcome)
}

/// What has arrived when a phase is interrupted; empty while nothing has, or nobody knows.
async fn so_far(run: &Run) -> String {
    let Ok(chunks) = run.chunks().await else {
        return String::new();
    };
    let totals = Totals::of(&chunks);
    if totals.chunks == 0 {
        return String::new();
    }
    format!(
        "{} in {} of {} so far",
        counted(totals.rows, "row"),
        totals.chunks,
        counted(chunks.len() as u64, "chunk")
    )
}

async fn run_phase(run: &Arc<Run>, phase: &Phase) -> Result<String, Failure> {
    let (name, journal) = (phase.name, &run.journal);
    run.ctx.observer.progress(&Progress::PhaseStarted { phase: name });
    journal.event("PHASE_STARTED", json!({ "phase": name }))?;
    journal.checkpoint_now(|checkpoint| checkpoint.current_phase = phase.number)?;
    let summary = (phase.run)(run).await?;
    journal.event("PHASE_COMPLETE", json!({ "phase": name, "summary": summary }))?;
    journal.named_checkpoint(phase.ends_with, |checkpoint| {
        checkpoint.phases_done.retain(|done| done != name);
        checkpoint.phases_done.push(name.to_owned());
    })?;
    run.ctx.observer.progress(&Progress::PhaseEnded {
        phase: name,
        summary: summary.clone(),
    });
    Ok(summary)
}

fn phase_report(phase: &Phase, status: &str, seconds: f64, summary: String) -> PhaseReport {
    PhaseReport {
        phase: phase.name.to_owned(),
        status: status.to_owned(),
        seconds,
        summary,
    }
}
