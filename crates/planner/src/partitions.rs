//! Partitioned tables and those that inherit: kept as they are between equal engines, one plain table each elsewhere. Which of them are
//! copied, in which order they are made, and what hangs on a whole family.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{Finding, Severity, Table, TableId};

use crate::draft::{Draft, TableDraft};
use crate::notes::{Notes, STOP};
use crate::scope::{Scope, table_subject};
use crate::select::is_wanted;

/// The choice that each table brings the rows that it holds itself.
const OWN_ROWS: &str = "own_rows";

/// The option of a column that stands in a table only because a parent has it.
const INHERITED: &str = "inherited";

/// The option of such a column that is NOT NULL although the parent's is not.
const NOT_NULL_HERE: &str = "not_null_here";

/// Tells whether a table's rows arrive with those of its parent, so that it does not move by itself.
pub(crate) fn is_part_of_another(scope: &Scope<'_>, table: &Table) -> bool {
    let mut parent = table.partition_of.as_ref().filter(|_| !scope.equal);
    while let Some(partition) = parent {
        if is_wanted(scope.input.wishes, &partition.parent) {
            return true;
        }
        let above = scope.source.catalog.table(&partition.parent);
        parent = above.and_then(|table| table.partition_of.as_ref());
    }
    false
}

/// Says what becomes of a table that is divided, or that shows the rows of others, in an engine of another kind.
pub(crate) fn report(scope: &Scope<'_>, tables: &[&Table], notes: &mut Notes<'_>) {
    if scope.equal {
        return;
    }
    for table in tables {
        if table.partitioned_by.is_some() {
            report_flattened(scope, table, notes);
        }
        if !table.inherits.is_empty() {
            ask_about_parents(table, notes);
        }
    }
}

fn report_flattened(scope: &Scope<'_>, table: &Table, notes: &mut Notes<'_>) {
    let parts: Vec<&Table> = descendants(&scope.source.catalog.tables, &table.id);
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

/// Gives a target table its place in its family, as far as the family moves.
pub(crate) fn keep(draft: &Draft<'_>, table: &mut TableDraft<'_>) {
    if !draft.scope.equal {
        return;
    }
    let (source, target) = (table.source, &mut table.target);
    let moved = |id: &TableId| draft.selection.has_table(id).then(|| draft.names.table(id));
    target.partitioned_by.clone_from(&source.partitioned_by);
    target.partition_of = source.partition_of.clone().and_then(|mut partition| {
        partition.parent = moved(&partition.parent)?;
        Some(partition)
    });
    target.inherits = source.inherits.iter().filter_map(moved).collect();
    let whole_family = target.inherits.len() == source.inherits.len();
    let parents: Vec<&Table> = source
        .inherits
        .iter()
        .filter_map(|id| draft.scope.source.catalog.table(id))
        .collect();
    let may_be_null = |name: &str| {
        let mut columns = parents.iter().filter_map(|parent| parent.column(name));
        columns.all(|column| column.nullable)
    };
    for column in &mut target.columns {
        let is_inherited = |from: &&whimbrel_core::Column| {
            from.name == column.name && from.options.iter().any(|option| option == INHERITED)
        };
        column.options.retain(|option| option != INHERITED);
        if whole_family && !target.inherits.is_empty() && source.columns.iter().find(is_inherited).is_some() {
            column.options.push(INHERITED.to_owned());
            if !column.nullable && may_be_null(&column.name) {
                column.options.push(NOT_NULL_HERE.to_owned());
            }
        }
    }
    let theirs: Vec<_> = parents.iter().flat_map(|parent| &parent.checks).collect();
    if whole_family {
        target.checks.retain(|check| {
            !theirs
                .iter()
                .any(|of_parent| of_parent.name == check.name && of_parent.definition == check.definition)
        });
    }
}

/// Returns the tables so that each stands after the one that it is a part of or inherits from.
pub(crate) fn top_down<'d, 'a>(tables: &[&'d TableDraft<'a>]) -> Vec<&'d TableDraft<'a>> {
    let by_id: BTreeMap<&TableId, &'d TableDraft<'a>> =
        tables.iter().map(|table| (&table.target.id, *table)).collect();
    let mut placed: BTreeSet<&TableId> = BTreeSet::new();
    let mut sorted = Vec::with_capacity(tables.len());
    for table in tables {
        let mut open = vec![*table];
        while let Some(next) = open.last().copied() {
            if placed.contains(&next.target.id) {
                open.pop();
                continue;
            }
            let waiting: Vec<_> = parents(&next.target)
                .filter(|id| !placed.contains(id))
                .filter_map(|id| by_id.get(id).copied())
                .collect();
            if waiting.is_empty() {
                placed.insert(&next.target.id);
                sorted.push(next);
                open.pop();
            } else {
                open.extend(waiting);
            }
        }
    }
    sorted
}

/// The other way round: keys of partitions are there when the partitioned table's take them over.
pub(crate) fn bottom_up<'d, 'a>(tables: &[&'d TableDraft<'a>]) -> Vec<&'d TableDraft<'a>> {
    if tables.iter().all(|table| table.target.partition_of.is_none()) {
        return tables.to_vec();
    }
    let mut sorted = top_down(tables);
    sorted.reverse();
    sorted
}

/// The table, and all of its partitions: emptying one of them concerns what hangs on the whole.
pub(crate) fn with_partitions(tables: &[&TableDraft<'_>], id: &TableId) -> Vec<TableId> {
    let mut family = vec![id.clone()];
    let mut at = 0;
    while at < family.len() {
        let parent = family[at].clone();
        let of_parent = tables.iter().filter(|table| {
            let partition = table.target.partition_of.as_ref();
            partition.is_some_and(|partition| partition.parent == parent)
        });
        family.extend(of_parent.map(|table| table.target.id.clone()));
        at += 1;
    }
    family
}

fn parents(table: &Table) -> impl Iterator<Item = &TableId> {
    let partition = table.partition_of.iter().map(|partition| &partition.parent);
    partition.chain(&table.inherits)
}

/// All partitions of a table, also those of its partitions.
fn descendants<'a>(tables: &'a [Table], id: &TableId) -> Vec<&'a Table> {
    let mut found: Vec<&Table> = Vec::new();
    let mut open = vec![id.clone()];
    while let Some(parent) = open.pop() {
        for table in tables {
            let partition = table.partition_of.as_ref();
            if partition.is_some_and(|partition| partition.parent == parent) {
                open.push(table.id.clone());
                found.push(table);
            }
        }
    }
    found
}
