//! The plan's cutover schedule and checklists: what people do around the run.

use whimbrel_core::Plan;

use super::endpoint;
use super::markdown::{code, table};
use super::quantity::{counted, duration};
use super::way_back::rollback_command;

const OWNER_MISSING: &str = "to be named by the approver";
const DURATION_MISSING: &str = "not known here; to be set by the approver";

/// Returns the schedule.
pub(super) fn cutover(plan: &Plan) -> String {
    let id = &plan.migration_id;
    let seconds: f64 = plan.estimate.seconds.to_string().parse().unwrap_or_default();
    let run = format!("about {}, verification included", duration(seconds));
    let activities = [
        (
            format!("1. read and approve plan {}", code(&short(&plan.hash))),
            DURATION_MISSING.to_owned(),
            "no decision open, no blocker".to_owned(),
        ),
        (
            format!(
                "2. stop everything that writes to {}",
                code(endpoint::name(&plan.source))
            ),
            DURATION_MISSING.to_owned(),
            "1".to_owned(),
        ),
        (
            format!(
                "3. {}",
                code(&format!("whimbrel run {id} --approve {}", plan.hash))
            ),
            run,
            "1, 2".to_owned(),
        ),
        (
            "4. read `verification_report.md` and `final_report.md`".to_owned(),
            DURATION_MISSING.to_owned(),
            "3 ended with exit code 0".to_owned(),
        ),
        (
            format!(
                "5. point the application to {}",
                code(endpoint::name(&plan.target))
            ),
            DURATION_MISSING.to_owned(),
            "4".to_owned(),
        ),
        (
            format!(
                "6. or go back: {}, and let the application write to the source again",
                code(&rollback_command(plan, "start"))
            ),
            DURATION_MISSING.to_owned(),
            "3; instead of 5".to_owned(),
        ),
        (
            format!(
                "7. {}: the way back ends here",
                code(&format!("whimbrel cleanup {id}"))
            ),
            DURATION_MISSING.to_owned(),
            "5, and nobody needs the way back any more".to_owned(),
        ),
    ];
    let rows: Vec<Vec<String>> = activities
        .into_iter()
        .map(|(activity, duration, needs)| vec![activity, OWNER_MISSING.to_owned(), duration, needs])
        .collect();
    format!(
        "## Cutover Schedule\n\n{}",
        table(&["Activity", "Owner", "Duration", "Dependencies"], &rows)
    )
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// Returns the checklists for before, during and after the run.
pub(super) fn checklists(plan: &Plan) -> String {
    let mut before = vec![
        "the findings and decisions above are read".to_owned(),
        "the owners and durations of the cutover schedule are filled in".to_owned(),
        format!(
            "if {} holds anything of value, a backup of it exists; this version makes none",
            code(endpoint::name(&plan.target))
        ),
    ];
    let open = plan.open_decisions().len() as u64;
    if open > 0 {
        before.push(format!("{} settled", counted(open, "open decision")));
    }
    let blockers = plan.blockers().len() as u64;
    if blockers > 0 {
        before.push(format!(
            "{} removed, and the plan made again",
            counted(blockers, "blocker")
        ));
    }
    if plan.is_destructive() {
        before.push(format!(
            "the name {} is at hand: it is asked for, because something of the target's is moved",
            code(&plan.target.database)
        ));
    }
    let during = [
        "nothing changes the structure of the source or the target".to_owned(),
        format!(
            "progress: {}",
            code(&format!("whimbrel status {}", plan.migration_id))
        ),
    ];
    let after = [
        "the exit code is 0, and every table is `identical`".to_owned(),
        "`rejects/` is empty or its rows are dealt with".to_owned(),
        "triggers, functions, users and other objects that are listed as not moved are dealt with".to_owned(),
    ];
    format!(
        "## Checklists\n\nBefore:\n\n{}\nDuring:\n\n{}\nAfter:\n\n{}",
        boxes(&before),
        boxes(&during),
        boxes(&after)
    )
}

fn boxes(items: &[String]) -> String {
    items.iter().map(|item| format!("- [ ] {item}\n")).collect()
}
