//! Numbers that an engine gives by itself, where a split makes several tables of one: each gives on its own, behind what the one had given.

use std::collections::BTreeMap;

use whimbrel_core::{LogicalType, Sequence, TableId, signed_range};

use super::compose::Composed;

/// Puts sequences of the new tables in the place of those that belong to a column of a table that is not there any more.
pub(crate) fn renumber(composed: &mut Composed, origins: &BTreeMap<TableId, Vec<&TableId>>) {
    let all = std::mem::take(&mut composed.catalog.sequences);
    let is_split = |sequence: &Sequence| {
        let owner = sequence.owned_by.as_ref().filter(|_| sequence.implicit);
        owner.is_some_and(|(table, _)| !composed.tables.contains_key(table) && origins.contains_key(table))
    };
    let (split, kept): (Vec<_>, Vec<_>) = all.into_iter().partition(is_split);
    composed.catalog.sequences = kept;
    fit(composed);
    for sequence in split {
        let Some((owner, column)) = &sequence.owned_by else {
            continue;
        };
        for made in &origins[owner] {
            give_on(composed, &sequence, column, made);
        }
    }
    composed.catalog.sequences.sort_by(|a, b| a.id.cmp(&b.id));
}

/// A sequence gives the numbers that its column holds; one that belongs to a column that does not number itself any more is gone with that.
fn fit(composed: &mut Composed) {
    let tables = &composed.tables;
    let mapped = &composed.catalog.tables;
    composed.catalog.sequences.retain_mut(|sequence| {
        let Some((table, name)) = sequence.owned_by.clone() else {
            return true;
        };
        let Some([part]) = tables.get(&table).map(Vec::as_slice) else {
            return true;
        };
        let mut columns = part.columns.iter();
        let Some(column) = columns.find(|column| column.comes_from(part, &name)) else {
            return !sequence.implicit;
        };
        if let (Some(from), Some(wanted)) = (part.source_form(column), &column.wanted) {
            widen(sequence, from, &column.form(part), wanted);
        }
        let mut made = mapped.iter().filter(|made| made.id == table);
        let is_numbered = made.any(|made| {
            made.column(&column.name)
                .is_some_and(|own| own.identity.is_some())
        });
        is_numbered || !sequence.implicit
    });
}

/// Where the limits are those of the column's type, they become those of the new one.
fn widen(sequence: &mut Sequence, from: &LogicalType, to: &LogicalType, native: &str) {
    let LogicalType::Integer { bits: to } = to else {
        return;
    };
    let LogicalType::Integer { bits: from } = from else {
        return;
    };
    let (from, to) = (signed_range(*from), signed_range(*to));
    if sequence.max == *from.end() || sequence.max > *to.end() {
        sequence.max = *to.end();
    }
    if sequence.min == *from.start() || sequence.min < *to.start() {
        sequence.min = *to.start();
    }
    if !sequence.native.is_empty() {
        native.clone_into(&mut sequence.native);
    }
}

/// What the sequence of a column is called in a table that the mapping makes.
pub(crate) fn sequence_of(table: &TableId, column: &str) -> TableId {
    TableId {
        namespace: table.namespace.clone(),
        name: format!("{}_{column}_seq", table.name),
    }
}

/// A merged table has its numbering from all its parts; a column that is computed has none.
fn give_on(composed: &mut Composed, sequence: &Sequence, column: &str, made: &TableId) {
    let Some([part]) = composed.tables.get(made).map(Vec::as_slice) else {
        return;
    };
    let mut columns = part.columns.iter();
    let Some(name) = columns
        .find(|own| own.comes_from(part, column))
        .map(|own| own.name.clone())
    else {
        return;
    };
    let mut tables = composed.catalog.tables.iter_mut();
    let table = tables.find(|table| table.id == *made);
    let column = table.and_then(|table| table.columns.iter_mut().find(|own| own.name == name));
    let Some(identity) = column.and_then(|column| column.identity.as_mut()) else {
        return;
    };
    let id = sequence_of(made, &name);
    identity.sequence = identity.sequence.take().map(|_| id.clone());
    let behind = composed.sequences.get(&sequence.id).cloned().unwrap_or_default();
    composed.sequences.insert(id.clone(), behind);
    composed.catalog.sequences.push(Sequence {
        id,
        owned_by: Some((made.clone(), name)),
        ..sequence.clone()
    });
}
