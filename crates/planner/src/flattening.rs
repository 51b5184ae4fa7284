//! Partitioned tables and those that inherit, where the target is of another engine: one plain table with all rows, or each with its own.

use whimbrel_core::{Finding, STOP, Severity, Table, TableId};

use crate::notes::Notes;
use crate::scope::{Scope, table_subject};

/// The choice that each table brings the rows that it holds itself.
const OWN_ROWS: &str = "own_rows";

/// Tells whether a table's rows arrive with those of its parent, so that it does not move by itself.
pub(crate) fn is_part_of_another(
    scope: &Scope<'_>,
    table: &Table,
    is_wanted: impl Fn(&TableId) -> bool,
) -> bool {
    let mut parent = table.partition_of.as_ref().filter(|_| !scope.equal);
    while let Some(partition) = parent {
        if is_wanted(&partition.parent) {
            return true;
        }
        let above = scope.source.catalog.table(&partition.parent);
        parent = above.and_then(|table| table.partition_of.as_ref());
    }
    false
}

/// Says what becomes of a table that is divided, or that shows the rows of others, in an engine of another kind.
pub(crate) fn report(
    scope: &Scope<'_>,
    tables: &[&Table],
    notes: &mut Notes<'_>,
    is_wanted: impl Fn(&TableId) -> bool,
) {
    if scope.equal {
        return;
    }
    report_idle_names(scope, notes, is_wanted);
    for table in tables {
        if table.partitioned_by.is_some() {
            report_flattened(scope, table, notes);
        }
        if let Some(division) = table.division() {
            report_undivided(table, division, notes);
        }
        if !table.inherits.is_empty() {
            ask_about_parents(table, notes);
        }
    }
}

/// A name for a partition says nothing where its rows arrive with those of the whole.
fn report_idle_names(scope: &Scope<'_>, notes: &mut Notes<'_>, is_wanted: impl Fn(&TableId) -> bool) {
    for (id, to) in &scope.input.wishes.renames.tables {
        let table = scope.source.catalog.table(id);
        let Some(table) = table.filter(|table| is_part_of_another(scope, table, &is_wanted)) else {
            continue;
        };
        let whole = table
            .partition_of
            .as_ref()
            .map(|partition| partition.parent.to_string());
        notes.warn(
            "mapping",
            table_subject(id),
            format!(
                "the mapping calls the partition `{id}` `{to}`, which says nothing here: its rows arrive with those of `{}`",
                whole.unwrap_or_default()
            ),
        );
    }
}

fn report_undivided(table: &Table, division: &str, notes: &mut Notes<'_>) {
    let finding = Finding::new(
        "partitions",
        Severity::Info,
        table_subject(&table.id),
        format!(
            "`{}` is divided; it becomes one plain table with all rows",
            table.id
        ),
    );
    notes.add(finding.with_evidence(division));
}

fn report_flattened(scope: &Scope<'_>, table: &Table, notes: &mut Notes<'_>) {
    let parts = scope.lookup.source_families.partitions(&table.id);
    let leaves = parts.iter().filter(|part| part.partitioned_by.is_none()).count();
    let own: Vec<String> = parts
        .iter()
        .filter(|part| has_more_than(part, table))
        .map(|part| format!("`{}` has keys or checks that `{}` has not", part.id, table.id))
        .collect();
    let severity = match own.is_empty() {
        true => Severity::Info,
        false => Severity::Warning,
    };
    let mut finding = Finding::new(
        "partitions",
        severity,
        table_subject(&table.id),
        format!(
            "`{}` arrives as one table with all rows of its partitions ({leaves})",
            table.id
        ),
    );
    finding.evidence = own;
    notes.add(finding);
}

fn has_more_than(part: &Table, whole: &Table) -> bool {
    let has_check = |name: &str| whole.checks.iter().any(|check| check.name == name);
    part.uniques.len() > whole.uniques.len()
        || part.primary_key.is_some() && whole.primary_key.is_none()
        || part.checks.iter().any(|check| !has_check(&check.name))
}

fn ask_about_parents(table: &Table, notes: &mut Notes<'_>) {
    let parents: Vec<String> = table.inherits.iter().map(|id| format!("`{id}`")).collect();
    notes.ask(
        Finding::new(
            "inheritance",
            Severity::Decision,
            table_subject(&table.id),
            format!(
                "`{}` inherits from {}, which shows its rows too; the target has no such thing",
                table.id,
                parents.join(", ")
            ),
        )
        .with_choice(
            OWN_ROWS,
            "each table arrives with its own rows; a query of the parent no longer shows those of the other",
        )
        .with_choice(STOP, "nothing is done")
        .suggest(OWN_ROWS),
    );
}

/// The table as it is read: with the rows of its partitions where the target keeps them in one table.
pub(crate) fn as_read(scope: &Scope<'_>, table: &Table) -> Table {
    Table {
        flattened: !scope.equal && table.partitioned_by.is_some(),
        ..table.clone()
    }
}
