//! Partitioned tables and those that inherit, between equal engines: each keeps its place in its family. In which order they are made, and
//! what hangs on a whole family. Other engines get them by `flattening`.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{Column, Families, Table, TableId};

use crate::draft::{Draft, TableDraft};

/// The option of a column that stands in a table only because a parent has it.
const INHERITED: &str = "inherited";

/// The option of such a column that is NOT NULL although the parent's is not.
const NOT_NULL_HERE: &str = "not_null_here";

/// The option of a column of the table's own that is computed as the parent's is.
const COMPUTED_ABOVE: &str = "computed_above";

/// Gives a target table its place in its family, as far as the family moves.
pub(crate) fn keep(draft: &Draft<'_>, table: &mut TableDraft<'_>) {
    if !draft.scope.equal {
        return;
    }
    let (source, target) = (table.source, &mut table.target);
    let moved = |id: &TableId| draft.selection.has_table(id).then(|| draft.names.table(id));
    // A text that cannot follow names nothing that changes in it.
    let text = |text: &String| {
        let new = draft.respelling.text(&draft.scope, text, Some(&source.id));
        new.unwrap_or_else(|_| text.clone())
    };
    target.partitioned_by = source.partitioned_by.as_ref().map(text);
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
        let is_inherited = |from: &&Column| {
            from.name == column.name && from.options.iter().any(|option| option == INHERITED)
        };
        column.options.retain(|option| option != INHERITED);
        if whole_family && !target.inherits.is_empty() && source.columns.iter().find(is_inherited).is_some() {
            column.options.push(INHERITED.to_owned());
            if !column.nullable && may_be_null(&column.name) {
                column.options.push(NOT_NULL_HERE.to_owned());
            }
        } else if whole_family && is_computed_above(&parents, source.column(&column.name)) {
            column.options.push(COMPUTED_ABOVE.to_owned());
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

/// Returns true where a parent computes the column by the same expression.
fn is_computed_above(parents: &[&Table], column: Option<&Column>) -> bool {
    let Some(column) = column.filter(|column| column.generated.is_some()) else {
        return false;
    };
    let mut theirs = parents.iter().filter_map(|parent| parent.column(&column.name));
    theirs.any(|above| above.generated == column.generated)
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
pub(crate) fn whole(families: &Families<'_>, id: &TableId) -> Vec<TableId> {
    let parts = families.partitions(id).into_iter();
    std::iter::once(id.clone())
        .chain(parts.map(|part| part.id.clone()))
        .collect()
}

fn parents(table: &Table) -> impl Iterator<Item = &TableId> {
    let partition = table.partition_of.iter().map(|partition| &partition.parent);
    partition.chain(&table.inherits)
}
