//! What a constraint's own words ask for and its other fields do not say: periods, and that nothing enforces it. Only a target that
//! takes these words makes the same constraint; of the fields alone another one would come.

use whimbrel_core::{Feature, Finding, LEAVE_OUT, ObjectId, Severity, Table};

use crate::draft::Draft;
use crate::expressions::respelled;
use crate::notes::Notes;

/// What only words say.
const SAID_BY_WORDS: &[Feature] = &[Feature::Periods, Feature::NotEnforced];
/// The choice to make a constraint of one that nothing enforces.
const ENFORCE: &str = "enforce";

/// Tells whether the target understands the words of a constraint.
pub(crate) fn understands(draft: &Draft<'_>, table: &Table, words: &str) -> bool {
    let (from, to) = (draft.scope.dialect_of(table), draft.scope.target.dialect);
    let mut asked = SAID_BY_WORDS
        .iter()
        .filter(|feature| from.asks_for(words, **feature));
    draft.scope.equal && asked.all(|feature| to.has(*feature))
}

/// The words of the target's constraint; none when it is made of its fields.
pub(crate) fn words(draft: &Draft<'_>, table: &Table, words: Option<&str>) -> Option<String> {
    let words = words.filter(|words| understands(draft, table, words))?;
    respelled(draft, words, Some(&table.id)).ok()
}

/// Tells whether the constraint asks for periods that the target's would not have.
pub(crate) fn loses_periods(draft: &Draft<'_>, table: &Table, own: Option<&str>) -> bool {
    let dialect = draft.scope.dialect_of(table);
    let has_some = own.is_some_and(|own| dialect.asks_for(own, Feature::Periods));
    has_some && words(draft, table, own).is_none()
}

/// Tells whether a constraint stays behind that nothing enforces: the target's would refuse rows that the source takes.
pub(crate) fn stays_unenforced(
    draft: &Draft<'_>,
    table: &Table,
    (subject, own): (&ObjectId, Option<&str>),
    notes: &mut Notes<'_>,
) -> bool {
    let dialect = draft.scope.dialect_of(table);
    let Some(own) = own.filter(|own| dialect.asks_for(own, Feature::NotEnforced)) else {
        return false;
    };
    if understands(draft, table, own) {
        return false;
    }
    let kind = subject.kind;
    let message = format!(
        "nothing enforces the {kind} `{subject}` in the source, and the target cannot say so: it stays behind unless the target \
         shall enforce it"
    );
    let finding = Finding::new("feature_left_out", Severity::Warning, subject.clone(), message)
        .with_evidence(own.to_owned())
        .with_choice(
            LEAVE_OUT,
            format!("all rows arrive; the {kind} stays behind, and the target takes the new rows that the source takes"),
        )
        .with_choice(
            ENFORCE,
            format!("the {kind} is made, and the target refuses new rows that break it"),
        )
        .suggest(LEAVE_OUT);
    notes.offer(finding).is(LEAVE_OUT)
}
