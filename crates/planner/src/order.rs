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
    let reached: BTreeMap<&TableId, BTreeSet<&TableId>> =
        edges.keys().map(|id| (id, reached(edges, id))).collect();
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
