//! What the ends of commands look like: runs, rollbacks, clean-ups, and where a migration stands.

use whimbrel_app::{
    CleanupOutcome, LogVerdict, PauseOutcome, PauseState, RollbackOutcome, RunOutcome, Status,
};
use whimbrel_core::{CheckResult, RunReport, RunStatus, Verdict, Verification};

use super::{count, counted, counted_rows, duration, in_work, lines, outlook, table};

/// Returns the phases of a run and its verdict.
pub(crate) fn run_outcome(outcome: &RunOutcome) -> String {
    let report = &outcome.report;
    let mut phases = table(&["phase", "status", "time", "done"], &[2]);
    for phase in &report.phases {
        phases.add_row([
            phase.phase.clone(),
            phase.status.clone(),
            duration(phase.seconds),
            phase.summary.clone(),
        ]);
    }
    let mut text = format!("{}\n\n{}\n", lines(&phases), verdict(report));
    if let Some(rollback) = &report.rollback {
        text.push_str(&format!(
            "rolled back to {} ({})\n",
            rollback.to, rollback.trigger
        ));
    }
    for ruled in report.tables.iter().flat_map(|table| {
        let changed = table.ruled.iter().filter(|ruled| ruled.values > 0);
        changed.map(move |ruled| (&table.table, ruled))
    }) {
        let (table, ruled) = ruled;
        let values = counted(usize::try_from(ruled.values).unwrap_or(usize::MAX), "value");
        text.push_str(&format!(
            "rule: {values} of {table}.{} changed: {}\n",
            ruled.column, ruled.rule
        ));
    }
    let notes = report.verification.iter().flat_map(|found| &found.notes);
    for note in notes {
        text.push_str(&format!("note: {note}\n"));
    }
    if let Some(left) = left_behind(outcome) {
        text.push_str(&format!("left behind as the plan says: {left}\n"));
    }
    text.push_str(&format!("report: {}/final_report.md\n", outcome.dir));
    let next = match report.status {
        RunStatus::Completed => "when nobody wants to go back any more",
        RunStatus::NotVerified | RunStatus::Failed | RunStatus::Interrupted | RunStatus::RolledBack => "next",
    };
    text.push_str(&format!("{next}: {}\n", outcome.next_command));
    text
}

/// Names the tables, counts the rest.
fn left_behind(outcome: &RunOutcome) -> Option<String> {
    const NAMED: usize = 5;
    let tables = &outcome.tables_left_behind;
    let mut parts = Vec::new();
    if !tables.is_empty() {
        let more = if tables.len() > NAMED { ", …" } else { "" };
        let named = tables[..tables.len().min(NAMED)].join(", ");
        parts.push(format!("{} ({named}{more})", counted(tables.len(), "table")));
    }
    if outcome.others_left_behind > 0 {
        parts.push(counted(outcome.others_left_behind, "other object"));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn verdict(report: &RunReport) -> String {
    let rows: u64 = report.tables.iter().map(|table| table.rows).sum();
    let moved = format!(
        "{} with {} in {}",
        counted(report.tables.len(), "table"),
        counted_rows(rows),
        duration(report.seconds)
    );
    match report.status {
        RunStatus::Completed => format!("done: {moved}, every row and column identical"),
        RunStatus::NotVerified => format!("done, but not verified: {moved}; {}", reasons(report)),
        RunStatus::Failed => format!("failed: {}; nothing is lost", problem(report)),
        RunStatus::Interrupted => "interrupted at a checkpoint; nothing is lost".to_owned(),
        RunStatus::RolledBack => format!("failed and rolled back: {}", problem(report)),
    }
}

fn problem(report: &RunReport) -> &str {
    report
        .problem
        .as_ref()
        .map_or("for an unknown reason", |problem| problem.message.as_str())
}

fn reasons(report: &RunReport) -> String {
    let rejected: u64 = report.tables.iter().map(|table| table.rejected).sum();
    let mut reasons = Vec::new();
    if rejected > 0 {
        reasons.push(format!("{} rejected", counted_rows(rejected)));
    }
    match &report.verification {
        None => reasons.push("verification is switched off".to_owned()),
        Some(verification) => {
            reasons.extend(not_identical(verification));
            reasons.extend(unkept_rules(verification));
        }
    }
    reasons.join(", ")
}

fn not_identical(verification: &Verification) -> Option<String> {
    let number = |verdict| {
        let tables = verification
            .tables
            .iter()
            .filter(|table| table.verdict == verdict);
        let objects = verification
            .objects
            .iter()
            .filter(|object| object.verdict == verdict);
        tables.count() + objects.count()
    };
    let (different, unchecked) = (number(Verdict::Different), number(Verdict::NotChecked));
    (different + unchecked > 0).then(|| format!("{different} different, {unchecked} not checked"))
}

fn unkept_rules(verification: &Verification) -> Option<String> {
    let rules = verification.rules.iter();
    let unkept = rules.filter(|rule| rule.result != CheckResult::Pass);
    let names: Vec<String> = unkept.map(|rule| format!("`{}`", rule.name)).collect();
    let rules = if names.len() == 1 { "rule" } else { "rules" };
    (!names.is_empty()).then(|| format!("validation {rules} {} did not pass", names.join(", ")))
}

/// Returns what a rollback undid.
pub(crate) fn rolled_back(outcome: &RollbackOutcome) -> String {
    let rollback = &outcome.rollback;
    let mut text = format!(
        "rolled back to {}: {} emptied, {} undone\n",
        rollback.to,
        counted(rollback.emptied.len(), "table"),
        counted(rollback.undone.len(), "step"),
    );
    text.push_str(&format!("next: {}\n", outcome.next_command));
    text
}

/// Returns what a clean-up dropped.
pub(crate) fn cleaned_up(outcome: &CleanupOutcome) -> String {
    if outcome.removed.is_empty() {
        return format!("cleaned up {}; there was nothing to drop", outcome.migration_id);
    }
    let mut text = format!("cleaned up {}; dropped:\n", outcome.migration_id);
    for what in &outcome.removed {
        text.push_str(&format!("  {what}\n"));
    }
    text
}

/// Returns where a migration stands.
pub(crate) fn status(status: &Status) -> String {
    let mut rows = vec![
        ("migration", status.migration_id.clone()),
        ("source", status.source.clone()),
        ("target", status.target.clone()),
        ("status", status.status.clone()),
        ("phase", format!("{} {}", status.current_phase, status.phase)),
        (
            "approved",
            status
                .approved_by
                .clone()
                .unwrap_or_else(|| "by nobody".to_owned()),
        ),
        (
            "rows",
            format!("{} of {}", count(status.rows), count(status.rows_planned)),
        ),
        ("completed", names(&status.tables_completed)),
        ("pending", names(&status.tables_pending)),
    ];
    if let Some(at) = &status.last_checkpoint {
        rows.push((
            "checkpoint",
            format!("{at} ({})", status.rollback_point.as_deref().unwrap_or("none")),
        ));
    }
    if let Some(running) = &status.running {
        rows.push(("process", format!("{}, seen at {}", running.process, running.at)));
        if let Some(since) = &running.paused_since {
            rows.push(("paused", format!("since {since}")));
        }
        rows.push(("progress", outlook(&running.outlook)));
        rows.extend(running.outlook.in_work.iter().map(|work| ("", in_work(work))));
    }
    rows.push(("files", status.dir.clone()));
    let mut text: String = rows
        .iter()
        .map(|(name, value)| format!("{name:<11}{value}\n"))
        .collect();
    text.push_str(&format!("\nnext: {}\n", status.next_command));
    text
}

fn names(tables: &[String]) -> String {
    if tables.is_empty() {
        "none".to_owned()
    } else {
        format!("{} ({})", tables.len(), tables.join(", "))
    }
}

/// Returns whether a run pauses now.
pub(crate) fn paused(outcome: &PauseOutcome) -> String {
    let PauseOutcome {
        migration_id,
        process,
        ..
    } = outcome;
    match outcome.state {
        PauseState::Paused => format!(
            "{migration_id} pauses in process {process}; its snapshot of the source stays open\n\nnext: whimbrel resume {migration_id}\n"
        ),
        PauseState::Running | PauseState::Pausing => format!(
            "process {process} was asked to pause {migration_id}; what is under way is brought to its end\n\nnext: whimbrel status {migration_id}\n"
        ),
    }
}

/// Returns that a paused run goes on.
pub(crate) fn going_on(outcome: &PauseOutcome) -> String {
    format!(
        "{} goes on in process {}\n",
        outcome.migration_id, outcome.process
    )
}

/// Returns where several migrations stand, one line each.
pub(crate) fn statuses(all: &[Status]) -> String {
    let mut rows = table(&["migration", "status", "source", "target", "next"], &[]);
    for each in all {
        rows.add_row([
            &each.migration_id,
            &each.status,
            &each.source,
            &each.target,
            &each.next_command,
        ]);
    }
    lines(&rows)
}

/// Returns whether the audit log is as it was written.
pub(crate) fn log_verdict(verdict: &LogVerdict) -> String {
    if verdict.intact {
        let torn = if verdict.torn {
            ", the last one torn by a crash"
        } else {
            ""
        };
        return format!(
            "the log of {} is intact: {} lines{torn}",
            verdict.migration_id, verdict.lines
        );
    }
    let problems: Vec<String> = verdict.problems.iter().map(|what| format!("  {what}")).collect();
    format!(
        "the log of {} was tampered with:\n{}",
        verdict.migration_id,
        problems.join("\n")
    )
}
