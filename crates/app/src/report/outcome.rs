//! `final_report.md`: the whole run, phase by phase. A mark follows from facts only: done ✅, risk ⚠️, blocked 🚧.

use std::fmt::Write as _;

use whimbrel_core::{Plan, RollbackReport, RunReport, RunStatus, SEVERAL, Severity, Verdict};

use super::endpoint;
use super::markdown::{code, codes, prose, table};
use super::quantity::{count, counted, duration, rows_per_second, size};
use super::result::{NO_BACKUP, data_seconds, is_success};
use super::taken_back::requested;
use super::verification::{marked, summary};
use super::way_back::rollback_command;

const DONE: &str = "✅";
const RISK: &str = "⚠️";
const BLOCKED: &str = "🚧";
const SUCCESS: &str =
    "Migration complete. Data integrity verified. System operational. Mission accomplished.";

/// Returns the report of a whole run for people; `approved_by` and `approved_how` say who confirmed the plan's hash.
pub fn final_markdown(plan: &Plan, report: &RunReport, approved_by: &str, approved_how: &str) -> String {
    let sections = [
        mission(plan, report),
        discovery(plan, report),
        strategy(plan, report, approved_by, approved_how),
        preparation(plan, report),
        execution(plan, report),
        verification(report),
        verdict(plan, report),
        figures(report),
        left_behind(plan),
        way_back(plan, report),
    ];
    sections.join("\n")
}

fn mission(plan: &Plan, report: &RunReport) -> String {
    format!(
        "# Final Report: {}\n\n**Mission:** move {} to {}, without losing or changing a row: {}, {}. From {} to {}, {}.\n",
        prose(&plan.migration_id.to_string()),
        code(endpoint::name(&plan.source)),
        code(endpoint::name(&plan.target)),
        counted(plan.estimate.tables, "table"),
        counted(plan.estimate.rows, "row"),
        prose(&report.started_at),
        prose(&report.ended_at),
        duration(report.seconds)
    )
}

/// Writes a phase's heading and its fields.
fn phase(heading: &str, fields: &[(&str, String)]) -> String {
    let mut text = format!("**{heading}**\n\n");
    for (name, value) in fields {
        let _infallible = writeln!(text, "- {name}: {value}");
    }
    text
}

/// What the run says about one of its phases; a phase that it never reached is blocked.
fn reached(report: &RunReport, name: &str) -> String {
    let found = report.phases.iter().find(|phase| phase.phase == name);
    let Some(found) = found else {
        return format!("{BLOCKED} {name} was not reached");
    };
    let mark = match found.status.as_str() {
        "done" => DONE,
        "failed" => BLOCKED,
        _ => RISK,
    };
    let facts = if found.summary.is_empty() {
        String::new()
    } else {
        format!(": {}", prose(&found.summary))
    };
    format!(
        "{mark} {name} {}{facts} ({})",
        prose(&found.status),
        duration(found.seconds)
    )
}

/// As [`reached`], for what may have been done when the plan was made.
fn reached_or_planned(plan: &Plan, report: &RunReport, name: &str) -> String {
    if report.phases.iter().any(|phase| phase.phase == name) {
        return reached(report, name);
    }
    let when = if plan.created_at.is_empty() {
        "time not recorded".to_owned()
    } else {
        prose(&plan.created_at)
    };
    format!("{DONE} {name} done before the run ({when})")
}

fn discovery(plan: &Plan, report: &RunReport) -> String {
    phase(
        "Phase 1: Discovery",
        &[
            ("Status", reached_or_planned(plan, report, "analyze")),
            ("Source", endpoint::line(&plan.source)),
            ("Target", endpoint::line(&plan.target)),
            (
                "Migration Path",
                format!(
                    "{} to {}, big bang",
                    match plan.source.engine.as_str() {
                        SEVERAL => "several databases".to_owned(),
                        engine => prose(engine),
                    },
                    prose(&plan.target.engine)
                ),
            ),
        ],
    )
}

fn strategy(plan: &Plan, report: &RunReport, approved_by: &str, approved_how: &str) -> String {
    let of = |severity| {
        plan.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count() as u64
    };
    let warnings = of(Severity::Warning);
    let mark = match (plan.blockers().len() + plan.open_decisions().len(), warnings) {
        (0, 0) => DONE,
        (0, _) => RISK,
        _ => BLOCKED,
    };
    let approval = if approved_by.is_empty() {
        "nobody is recorded as the approver".to_owned()
    } else {
        format!("approved by {} ({})", prose(approved_by), prose(approved_how))
    };
    phase(
        "Phase 2: Strategy",
        &[
            ("Status", reached_or_planned(plan, report, "plan")),
            (
                "Plan",
                format!("{}, {approval}; in full in `data-migration.md`", code(&plan.hash)),
            ),
            (
                "Safety",
                format!(
                    "{mark} {}, {}, {}, {}; every step has its undo in `undo.ndjson`",
                    counted(plan.decisions.len() as u64, "decision"),
                    counted(warnings, "warning"),
                    counted(of(Severity::Blocker), "blocker"),
                    if plan.is_destructive() {
                        "objects of the target's are moved aside"
                    } else {
                        "nothing of the target's is replaced"
                    }
                ),
            ),
        ],
    )
}

fn preparation(plan: &Plan, report: &RunReport) -> String {
    phase(
        "Phase 3: Preparation",
        &[
            ("Status", reached(report, "schema")),
            ("Backups", format!("{RISK} none; {NO_BACKUP}")),
            (
                "Scripts",
                format!(
                    "forward `migration_plan.json` ({}), back {}",
                    counted(plan.steps.len() as u64, "step"),
                    code(&rollback_command(plan, "start"))
                ),
            ),
        ],
    )
}

fn execution(plan: &Plan, report: &RunReport) -> String {
    let rows: u64 = report.tables.iter().map(|table| table.rows).sum();
    let rejected: u64 = report.tables.iter().map(|table| table.rejected).sum();
    let mark = if rejected == 0 { DONE } else { RISK };
    let validation = match requested(report) {
        Some(_) => {
            format!("{RISK} none after a rollback: what is in the target is shown by `whimbrel status`")
        }
        None => format!(
            "{mark} {} of {} in the plan's profile arrived, {} rejected",
            count(rows),
            counted(plan.tables.iter().map(|table| table.rows).sum(), "row"),
            count(rejected)
        ),
    };
    phase(
        "Phase 4: Execution",
        &[
            ("Status", reached(report, "data")),
            ("Steps", steps(report)),
            ("Validation", validation),
        ],
    )
}

fn steps(report: &RunReport) -> String {
    if report.phases.is_empty() {
        return format!("{BLOCKED} none was begun");
    }
    let all: Vec<String> = report
        .phases
        .iter()
        .map(|phase| {
            format!(
                "{} {} ({})",
                prose(&phase.phase),
                prose(&phase.status),
                duration(phase.seconds)
            )
        })
        .collect();
    all.join(", ")
}

fn verification(report: &RunReport) -> String {
    let found = report.verification.as_ref().map_or_else(
        || format!("{RISK} not checked: the run did not get there, or the comparison is switched off"),
        |found| {
            format!(
                "{}. {} Compared with {}",
                marked(found.verdict()),
                summary(found),
                code(&found.position)
            )
        },
    );
    phase(
        "Phase 5: Verification & Cleanup",
        &[
            ("Status", reached(report, "verify")),
            ("Verification", found),
            (
                "Documentation",
                format!(
                    "{DONE} `data-migration.md`, `schema_mapping.json`, `events.ndjson`, `result.json` beside this report"
                ),
            ),
        ],
    )
}

fn verdict(plan: &Plan, report: &RunReport) -> String {
    let id = &plan.migration_id;
    let text = match report.status {
        RunStatus::Completed if is_success(report) => format!("{DONE} {SUCCESS}"),
        RunStatus::Completed | RunStatus::NotVerified => format!(
            "{} The rows were copied, but the target is not proven to equal the source: {} See `verification_report.md`; then {}.",
            if differs(report) { BLOCKED } else { RISK },
            unproven(report),
            code(&format!("whimbrel verify {id}"))
        ),
        RunStatus::Failed => format!(
            "{BLOCKED} The run failed. What arrived is recorded in the target and stays; go on with {}.",
            code(&format!("whimbrel resume {id}"))
        ),
        RunStatus::Interrupted => format!(
            "{RISK} The run was interrupted at a checkpoint; go on with {}.",
            code(&format!("whimbrel resume {id}"))
        ),
        RunStatus::RolledBack => match requested(report) {
            Some(rollback) => taken_back(plan, rollback),
            None => format!(
                "{BLOCKED} The run failed and was rolled back; when the cause is removed, go on with {}.",
                code(&format!("whimbrel resume {id}"))
            ),
        },
    };
    let problem = report.problem.as_ref().map_or_else(String::new, |problem| {
        let hint = problem
            .hint
            .as_deref()
            .map_or_else(String::new, |hint| format!("\n- Hint: {}", prose(hint)));
        format!(
            "\n- Problem: {} ({}){hint}\n",
            prose(&problem.message),
            code(&problem.code)
        )
    });
    format!("**Final Verdict:** {text}\n{problem}")
}

fn taken_back(plan: &Plan, rollback: &RollbackReport) -> String {
    let (state, command) = if rollback.to == "start" {
        ("nothing of ours is left in the target", "run")
    } else {
        ("what it emptied is not copied again yet", "resume")
    };
    let approve = if command == "run" {
        format!(" --approve {}", plan.hash)
    } else {
        String::new()
    };
    format!(
        "{RISK} Taken back to {} because somebody asked for it: {state}. Go on with {}.",
        code(&rollback.to),
        code(&format!("whimbrel {command} {}{approve}", plan.migration_id))
    )
}

fn differs(report: &RunReport) -> bool {
    report.verification.as_ref().is_some_and(|found| {
        found
            .tables
            .iter()
            .any(|table| table.verdict == Verdict::Different)
            || found
                .objects
                .iter()
                .any(|object| object.verdict == Verdict::Different)
    })
}

fn unproven(report: &RunReport) -> String {
    report
        .verification
        .as_ref()
        .map_or_else(|| "nothing was compared.".to_owned(), summary)
}

fn figures(report: &RunReport) -> String {
    if report.tables.is_empty() {
        return "## Figures\n\nNo table was copied.\n".to_owned();
    }
    let rows: Vec<Vec<String>> = report
        .tables
        .iter()
        .map(|copied| {
            vec![
                code(&copied.table.to_string()),
                count(copied.rows),
                size(copied.bytes),
                count(copied.rejected),
                count(copied.chunks),
                duration(copied.seconds),
            ]
        })
        .collect();
    let all: u64 = report.tables.iter().map(|table| table.rows).sum();
    let speed = rows_per_second(all, data_seconds(report)).map_or_else(
        || "too quick to measure".to_owned(),
        |speed| format!("{} rows/s", count(speed)),
    );
    format!(
        "## Figures\n\n{}\nAll together: {}, {speed}.\n{}",
        table(
            &["Table", "Rows", "Size", "Rejected", "Chunks", "Seconds Of Work"],
            &rows
        ),
        counted(all, "row"),
        value_rules(report)
    )
}

/// What the plan's value rules changed on the way; empty when it has none.
fn value_rules(report: &RunReport) -> String {
    let rows: Vec<Vec<String>> = report
        .tables
        .iter()
        .flat_map(|copied| copied.ruled.iter().map(move |ruled| (copied, ruled)))
        .map(|(copied, ruled)| {
            vec![
                code(&copied.table.to_string()),
                code(&ruled.column),
                prose(&ruled.rule),
                count(ruled.values),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "\nValues that arrived as others, by the plan's rules:\n\n{}",
        table(&["Table", "Column", "Rule", "Values Changed"], &rows)
    )
}

/// What the verdict does not speak of, because it was never to arrive.
fn left_behind(plan: &Plan) -> String {
    let left = plan.left_behind();
    if left.is_empty() {
        return "## Left Behind\n\nNothing.\n".to_owned();
    }
    let settled = plan.settled();
    let rows: Vec<Vec<String>> = left
        .into_iter()
        .map(|finding| {
            let by = settled
                .of(finding)
                .map_or("the plan", |decision| decision.by.as_str());
            vec![
                code(&finding.subject.to_string()),
                prose(&finding.message),
                prose(by),
            ]
        })
        .collect();
    format!(
        "## Left Behind\n\n{}",
        table(&["What", "Why", "Settled By"], &rows)
    )
}

fn way_back(plan: &Plan, report: &RunReport) -> String {
    let mut text = "## Rollback\n\n".to_owned();
    match &report.rollback {
        None => text.push_str("Nothing was rolled back.\n"),
        Some(done) => {
            let list = |names: Vec<String>| {
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    codes(names)
                }
            };
            let emptied = done.emptied.iter().map(ToString::to_string).collect();
            let _infallible = writeln!(
                text,
                "Rolled back to {} because of {}. Emptied: {}. Undone: {}.",
                code(&done.to),
                code(&done.trigger),
                list(emptied),
                list(done.undone.clone())
            );
        }
    }
    let _infallible = writeln!(
        text,
        "\nThe way back is open until {}: {} takes the target to where it was before the run, {} to the empty structure.",
        code(&format!("whimbrel cleanup {}", plan.migration_id)),
        code(&rollback_command(plan, "start")),
        code(&rollback_command(plan, "schema"))
    );
    text
}
