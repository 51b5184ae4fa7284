//! What a mapping leaves behind: columns that no rule takes along, and what hangs on tables that are not there any more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use whimbrel_core::{Finding, ObjectId, ObjectKind, Severity, TableId};

use super::compose::Composed;
use super::numbering::renumber;
use super::part::{Part, Value};
use super::sources::Described;

/// Says which columns no rule takes along, and takes out what hangs on tables that are not there any more.
pub(crate) fn left_behind(
    composed: &mut Composed,
    databases: &[Described<'_>],
    origins: &BTreeMap<TableId, Vec<&TableId>>,
) {
    report_columns(composed, databases, origins);
    renumber(composed, origins);
    let there: BTreeSet<TableId> = composed.tables.keys().cloned().collect();
    composed.catalog.sequences.iter_mut().for_each(|sequence| {
        sequence.owned_by = sequence
            .owned_by
            .take()
            .filter(|(table, _)| there.contains(table));
    });
    let is_there = |id: &TableId| there.contains(id) || !origins.contains_key(id);
    take_out_views(composed, is_there);
    take_out_others(composed, is_there);
}

fn report_columns(
    composed: &mut Composed,
    databases: &[Described<'_>],
    origins: &BTreeMap<TableId, Vec<&TableId>>,
) {
    for described in databases {
        for table in &described.catalog.tables {
            let id = described.called(&table.id);
            let made = origins.get(&id).into_iter().flatten();
            let parts: Vec<&Arc<Part>> = made
                .filter_map(|made| composed.tables.get(*made))
                .flatten()
                .filter(|part| {
                    part.table.id == table.id
                        && databases[part.database].database.name == described.database.name
                })
                .collect();
            for column in &table.columns {
                let goes = parts.iter().any(|part| part.gives(&column.name));
                if !goes {
                    let subject = ObjectId::part(ObjectKind::Column, id.clone(), &column.name);
                    let message = format!("column `{subject}` is left out by the mapping");
                    composed
                        .findings
                        .push(Finding::new("not_moved", Severity::Info, subject, message));
                }
            }
        }
    }
}

fn take_out_views(composed: &mut Composed, is_there: impl Fn(&TableId) -> bool) {
    let views = std::mem::take(&mut composed.catalog.views);
    let (kept, gone): (Vec<_>, Vec<_>) = views
        .into_iter()
        .partition(|view| view.reads.iter().all(&is_there));
    composed.catalog.views = kept;
    for view in gone {
        let message = format!(
            "view `{}` is left out: a table that it reads is split or merged",
            view.id
        );
        let subject = ObjectId::whole(ObjectKind::View, view.id);
        composed
            .findings
            .push(Finding::new("not_moved", Severity::Warning, subject, message));
    }
}

fn take_out_others(composed: &mut Composed, is_there: impl Fn(&TableId) -> bool) {
    let others = std::mem::take(&mut composed.catalog.others);
    let (kept, gone): (Vec<_>, Vec<_>) = others.into_iter().partition(|other| {
        let table = other.table.as_ref();
        table.is_none_or(&is_there)
    });
    composed.catalog.others = kept;
    for other in gone {
        let (Some(table), kind) = (&other.table, &other.kind) else {
            continue;
        };
        let message = format!(
            "{kind} `{}` is not moved: the mapping splits or merges `{table}`",
            other.id
        );
        let subject = ObjectId::whole(ObjectKind::Other, other.id.clone());
        let mut finding = Finding::new("not_moved", Severity::Warning, subject, message);
        finding.evidence.extend(other.definition);
        composed.findings.push(finding);
    }
}

impl Part {
    /// Tells whether the column's values arrive somehow, as they are or in an expression.
    fn gives(&self, name: &str) -> bool {
        let at = self.inputs.iter().position(|input| input.name == name);
        self.columns.iter().any(|column| match &column.value {
            Value::Column { at: own, .. } => Some(*own) == at,
            Value::Computed(computed) => {
                computed.of.is_some() && computed.of == at
                    || at.is_some_and(|at| computed.expression.reads().contains(&at))
            }
        })
    }
}
