//! Puts the tables in the order of their foreign keys and says which of them refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{TableId, sort_by_dependency};

use crate::draft::TableDraft;
use crate::notes::Notes;
use crate::scope::table_subject;

/// Returns the tables so that each stands after those it refers to, with its depth.
pub(crate) fn sort<'a>(tables: Vec<TableDraft<'a>>, notes: &mut Notes<'_>) -> Vec<(TableDraft<'a>, u32)> {
    let edges: BTreeMap<TableId, BTreeSet<TableId>> = tables
        .iter()
        .map(|table| {
            let on = table.target.foreign_keys.iter().map(|key| key.references.clone());
            (table.target.id.clone(), on.collect())
        })
        .collect();
    report_cycles(&tables, &edges, notes);
    let mut by_id: BTreeMap<TableId, TableDraft<'a>> = tables
        .into_iter()
        .map(|table| (table.target.id.clone(), table))
        .collect();
    sort_by_dependency(&edges)
        .into_iter()
        .filter_map(|(id, level)| by_id.remove(&id).map(|table| (table, level)))
        .collect()
}

fn report_cycles(
    tables: &[TableDraft<'_>],
    edges: &BTreeMap<TableId, BTreeSet<TableId>>,
    notes: &mut Notes<'_>,
) {
    let reached: BTreeMap<&TableId, BTreeSet<&TableId>> = leading_to_cycles(edges)
        .into_iter()
        .map(|id| (id, reached(edges, id)))
        .collect();
    let mut told: BTreeSet<&TableId> = BTreeSet::new();
    for (id, others) in &reached {
        let cycle: Vec<&TableId> = others
            .iter()
            .filter(|other| reached.get(**other).is_some_and(|back| back.contains(id)))
            .copied()
            .collect();
        if cycle.len() < 2 || told.contains(id) {
            continue;
        }
        told.extend(&cycle);
        let sources = tables.iter().filter(|table| cycle.contains(&&table.target.id));
        let mut sources: Vec<&TableId> = sources.map(|table| &table.source.id).collect();
        sources.sort();
        let names: Vec<String> = sources.iter().map(|id| format!("`{id}`")).collect();
        notes.info(
            "foreign_key_cycle",
            table_subject(sources[0]),
            format!("tables {} refer to each other", names.join(", ")),
        );
    }
}

/// The tables from which keys lead into a cycle: what is left when those that refer to nothing are taken away, again and again.
fn leading_to_cycles(edges: &BTreeMap<TableId, BTreeSet<TableId>>) -> Vec<&TableId> {
    let mut referrers: BTreeMap<&TableId, Vec<&TableId>> = BTreeMap::new();
    let mut left: BTreeMap<&TableId, usize> = BTreeMap::new();
    for (id, on) in edges {
        let others = on
            .iter()
            .filter(|other| *other != id && edges.contains_key(*other));
        left.insert(id, others.clone().count());
        for other in others {
            referrers.entry(other).or_default().push(id);
        }
    }
    let mut free: Vec<&TableId> = left
        .iter()
        .filter(|(_, on)| **on == 0)
        .map(|(id, _)| *id)
        .collect();
    while let Some(id) = free.pop() {
        left.remove(id);
        for referrer in referrers.remove(id).unwrap_or_default() {
            if let Some(on) = left.get_mut(referrer) {
                *on -= 1;
                if *on == 0 {
                    free.push(referrer);
                }
            }
        }
    }
    left.into_keys().collect()
}

/// Every table that the keys lead to.
fn reached<'e>(edges: &'e BTreeMap<TableId, BTreeSet<TableId>>, from: &TableId) -> BTreeSet<&'e TableId> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&TableId> = edges.get(from).into_iter().flatten().collect();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(edges.get(id).into_iter().flatten());
        }
    }
    seen
}
