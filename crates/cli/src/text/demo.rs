//! What the demo says before and after it.

use whimbrel_app::{PlanSummary, Stage};

use super::count;

/// Returns what the legacy database holds.
pub(crate) fn legacy(stage: &Stage) -> String {
    let legacy = &stage.legacy;
    let mut text = format!(
        "made {}: {} tables, {} rows, with what old databases have:\n",
        legacy.path.display(),
        legacy.tables,
        count(legacy.rows)
    );
    for dirt in &legacy.dirt {
        text.push_str(&format!("  - {dirt}\n"));
    }
    text
}

/// Returns where the demo's files are.
pub(crate) fn where_to_look(stage: &Stage, plan: &PlanSummary) -> String {
    format!(
        "\nwhere to look\n  the old database   {}\n  the new one        {}\n  the plan           {dir}/data-migration.md\n  \
         the verification   {dir}/verification_report.md\n  the whole run      {dir}/final_report.md",
        stage.legacy.path.display(),
        plan.target,
        dir = plan.dir,
    )
}
