//! The plan's statements, word for word.

use std::fmt::Write as _;

use whimbrel_core::{Plan, Statement};

use super::markdown::{block, code};

/// Every statement in full, so that what is confirmed can be read.
pub(super) fn section(plan: &Plan) -> String {
    let mut text = "## Statements\n\n".to_owned();
    if plan.steps.is_empty() {
        text.push_str("None: no step changes the target's structure.\n");
    }
    for step in &plan.steps {
        let all: Vec<String> = step.statements.iter().map(one).collect();
        let _infallible = writeln!(text, "{}:\n\n{}", code(&step.id), block("sql", &all.join("\n")));
    }
    text
}

/// One statement as text that ends in a semicolon; an operation of the connector's own as a comment.
pub(super) fn one(statement: &Statement) -> String {
    match statement {
        Statement::Sql(sql) => format!("{};", sql.trim_end().trim_end_matches(';')),
        Statement::Engine { operation, arguments } => format!("-- {operation}({})", arguments.join(", ")),
    }
}
