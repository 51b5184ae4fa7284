//! Columns that every update of their row sets to the time: kept where the target has them, else done by a trigger or left out.

use whimbrel_core::{Column, Feature, Finding, LEAVE_OUT, Severity, Table};

use crate::draft::Draft;
use crate::notes::Notes;
use crate::scope::column_subject;

/// The choice to let a trigger set the column.
const TRIGGER: &str = "trigger";

/// What becomes of it.
pub(crate) enum Stamp {
    /// The column has none, or loses it.
    Nothing,
    /// The target's column says it itself, in these words.
    Kept(String),
    /// A trigger follows after the data.
    Trigger,
}

/// Decides for one column.
pub(crate) fn settle(draft: &Draft<'_>, table: &Table, column: &Column, notes: &mut Notes<'_>) -> Stamp {
    let Some(words) = &column.on_update else {
        return Stamp::Nothing;
    };
    if draft.scope.keeps(Feature::OnUpdate) {
        return Stamp::Kept(words.clone());
    }
    let subject = column_subject(&table.id, &column.name);
    let mut question = Finding::new(
        "on_update",
        Severity::Decision,
        subject.clone(),
        format!(
            "every update of a row sets `{subject}` to the time (`{words}`), which the target does not do by itself"
        ),
    );
    let by_trigger = draft.scope.target.dialect.has(Feature::StampTriggers);
    if by_trigger {
        question = question.with_choice(TRIGGER, "a trigger of the target sets it");
    }
    question = question.with_choice(LEAVE_OUT, "the values arrive; programs must set it from now on");
    let suggested = if by_trigger { TRIGGER } else { LEAVE_OUT };
    match notes.ask(question.suggest(suggested)).is(TRIGGER) {
        true => Stamp::Trigger,
        false => Stamp::Nothing,
    }
}
