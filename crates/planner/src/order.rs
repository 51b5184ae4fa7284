//! Puts the tables in the order of their foreign keys and says which of them refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{TableId, cycles, sort_by_dependency};

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
    let sources: BTreeMap<&TableId, &TableId> = tables
        .iter()
        .map(|table| (&table.target.id, &table.source.id))
        .collect();
    for cycle in cycles(edges) {
        let mut members: Vec<&TableId> = cycle.iter().filter_map(|id| sources.get(id).copied()).collect();
        members.sort();
        let names: Vec<String> = members.iter().map(|id| format!("`{id}`")).collect();
        if let Some(first) = members.first() {
            notes.info(
                "foreign_key_cycle",
                table_subject(first),
                format!("tables {} refer to each other", names.join(", ")),
            );
        }
    }
}
