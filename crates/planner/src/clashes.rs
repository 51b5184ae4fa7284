//! Names that a mapping gives and that become one in the target, which compares names in fewer letters than a person wrote. Unlike names of
//! the source's own they are refused: whoever gave them can give others, and two columns meant as one would stay half empty.

use std::collections::BTreeSet;

use whimbrel_core::{Finding, ObjectId, PartValue, Severity, Table, TableId};

use crate::notes::Notes;
use crate::scope::{Scope, column_subject};

/// Tells whether the table's name is a mapping's.
pub(crate) fn is_given(scope: &Scope<'_>, table: &Table) -> bool {
    let is_made = match table.parts.as_slice() {
        [] => false,
        [only] => only.table.name != table.id.name,
        _ => true,
    };
    is_made || scope.input.wishes.renames.tables.contains_key(&table.id)
}

/// Tells whether two columns of a table have their names from the database itself, beside each other.
fn are_own(scope: &Scope<'_>, table: &Table, columns: [&str; 2]) -> bool {
    let renamed = scope.input.wishes.renames.columns.get(&table.id);
    let is_renamed = |name: &&str| renamed.is_some_and(|renamed| renamed.contains_key(*name));
    if columns.iter().any(is_renamed) {
        return false;
    }
    let is_own = |value: Option<&PartValue>, column: &str| match value {
        Some(PartValue::Column { name, .. }) => name == column,
        // A value of the column's own, masked or with a default, is still the database's column.
        Some(PartValue::Computed(_)) | None => false,
    };
    let mut parts = table.parts.iter();
    table.parts.is_empty()
        || parts.any(|part| columns.iter().all(|name| is_own(part.columns.get(*name), name)))
}

/// A column and the name that it should have.
#[derive(Clone, Copy)]
pub(crate) struct Called<'a> {
    pub(crate) column: &'a str,
    pub(crate) name: &'a str,
}

/// The names of tables that a mapping gave, in the form in which the target compares them.
#[derive(Default)]
pub(crate) struct Given(BTreeSet<(Option<String>, String)>);

impl Given {
    /// Notes a name that a mapping gave.
    pub(crate) fn note(&mut self, namespace: Option<&String>, folded: String) {
        self.0.insert((namespace.cloned(), folded));
    }

    /// Tells whether a mapping gave the name.
    pub(crate) fn has(&self, namespace: Option<&String>, folded: &str) -> bool {
        self.0.contains(&(namespace.cloned(), folded.to_owned()))
    }
}

/// Refuses a table whose name is another's in the target.
pub(crate) fn refuse_table(subject: ObjectId, wanted: &TableId, notes: &mut Notes<'_>) {
    let message = format!(
        "the mapping calls two tables `{wanted}` as the target compares names: it does not tell upper from lower case there"
    );
    let hint = "give one of them another `to`, or both rules the very same `to` to merge them";
    notes.add(Finding::new("name_collision", Severity::Blocker, subject, message).with_evidence(hint));
}

/// Refuses the second of two columns when a mapping made them meet; tells whether it did.
pub(crate) fn refuse_column(
    scope: &Scope<'_>,
    table: &Table,
    [first, second]: [Called<'_>; 2],
    notes: &mut Notes<'_>,
) -> bool {
    if are_own(scope, table, [first.column, second.column]) {
        return false;
    }
    let subject = column_subject(&table.id, second.column);
    let (first, second) = (first.name, second.name);
    let message = format!(
        "the mapping gives table `{}` the columns `{first}` and `{second}`, which are one name in the target",
        table.id
    );
    let hint = match table.parts.len() {
        0 | 1 => "give one of them another name".to_owned(),
        _ => format!(
            "to put them together, write in the rule of the part that has it: rename = {{ \"{second}\" = \"{first}\" }}; else give one of them another name"
        ),
    };
    notes.add(Finding::new("name_collision", Severity::Blocker, subject, message).with_evidence(hint));
    true
}
