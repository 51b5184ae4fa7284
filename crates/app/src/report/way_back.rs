//! The plan's rollback section: every checkpoint with its command, what happens by itself, each step's undo.

use std::fmt::Write as _;

use whimbrel_core::Plan;

use whimbrel_core::shell_word;

use super::markdown::{block, code, prose, table};
use super::statements;

/// What sets off a rollback by itself, where it goes unless the settings say otherwise, and the exit code.
const TRIGGERS: [(&str, &str, &str); 4] = [
    (
        "foreign_key_violation",
        "the tables concerned back to `schema`, finished tables stay",
        "1",
    ),
    (
        "data_integrity_error",
        "the tables concerned back to `schema`, finished tables stay",
        "1",
    ),
    (
        "connection_lost_during_write",
        "the last chunk, after the retries",
        "1",
    ),
    ("user_interrupt", "the last chunk", "130"),
];

/// Returns the section.
pub(super) fn rollback_plan(plan: &Plan) -> String {
    format!(
        "## Rollback Plan\n\nA rollback undoes only what is recorded as done by this migration, and refuses when somebody else \
         wrote into a table of it. It is possible until `whimbrel cleanup {}`.\n\n{}\n{}\n{}",
        plan.migration_id,
        checkpoints(plan),
        triggers(plan),
        undo(plan)
    )
}

/// Returns the command that takes the target back to a checkpoint.
pub(super) fn rollback_command(plan: &Plan, to: &str) -> String {
    format!("whimbrel rollback {} --to {}", plan.migration_id, shell_word(to))
}

fn checkpoints(plan: &Plan) -> String {
    let line = |name: &str, state: String, command: String| vec![code(name), state, code(&command)];
    let mut rows = vec![
        line(
            "start",
            "as before the run: nothing of ours is left".to_owned(),
            rollback_command(plan, "start"),
        ),
        line(
            "schema",
            "the structure without rows (also called `checkpoint_2`)".to_owned(),
            rollback_command(plan, "schema"),
        ),
    ];
    for planned in &plan.tables {
        let name = format!("table:{}", planned.target.id);
        let state = format!(
            "{} is empty, and what depends on its rows is undone",
            code(&planned.target.id.to_string())
        );
        rows.push(line(&name, state, rollback_command(plan, &name)));
    }
    rows.push(line(
        "chunk",
        "every finished chunk stays; a chunk in flight is gone by itself".to_owned(),
        format!("whimbrel resume {}", plan.migration_id),
    ));
    format!(
        "### Checkpoints\n\n{}",
        table(&["Checkpoint", "The target afterwards", "Command"], &rows)
    )
}

fn triggers(plan: &Plan) -> String {
    let rows: Vec<Vec<String>> = TRIGGERS
        .iter()
        .map(|(trigger, usual, exit)| {
            let chosen = plan.policies.rollback.get(*trigger);
            let to = chosen.map_or_else(
                || (*usual).to_owned(),
                |to| format!("{} (by the settings)", code(to)),
            );
            let exit = match chosen.map(String::as_str) {
                Some("start" | "schema") => "5",
                Some(_) | None => exit,
            };
            vec![code(trigger), to, exit.to_owned()]
        })
        .collect();
    format!(
        "### By itself\n\n{}",
        table(&["Trigger", "Goes back to", "Exit code"], &rows)
    )
}

fn undo(plan: &Plan) -> String {
    let mut text = "### Each step's undo\n\n".to_owned();
    if plan.steps.is_empty() {
        text.push_str("No step changes the target's structure, so that none has to be undone.\n");
        return text;
    }
    text.push_str("In the reverse order, and only the steps that were done. Rows go with their tables.\n");
    for step in plan.steps.iter().rev() {
        let all: Vec<String> = step.undo.iter().map(statements::one).collect();
        let _infallible = write!(
            text,
            "\n{} {}:\n\n{}",
            code(&step.id),
            prose(&step.title),
            block("sql", &all.join("\n"))
        );
    }
    text
}
