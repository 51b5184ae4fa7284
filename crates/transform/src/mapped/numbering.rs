//! Numbers that an engine gives by itself, where a split makes several tables of one: each gives on its own, behind what the one had given.

use std::collections::BTreeMap;

use whimbrel_core::{Sequence, TableId};

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
