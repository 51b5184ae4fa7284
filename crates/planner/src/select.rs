//! Chooses what moves: tables by the wishes' patterns, then the views, sequences and types that go with them. What stays behind is a finding.

use std::collections::BTreeSet;

use whimbrel_core::{
    Finding, LEAVE_OUT, ObjectId, ObjectKind, OtherObject, Sequence, Severity, Table, TableId, UserType, View,
};

use crate::Wishes;
use crate::needs::mentions;
use crate::notes::Notes;
use crate::scope::{Scope, table_subject};
use crate::{flattening, user_types};

/// What moves, in the order of the source's catalog.
pub(crate) struct Selection<'a> {
    pub(crate) tables: Vec<&'a Table>,
    /// The tables' names, to look them up.
    table_ids: BTreeSet<&'a TableId>,
    pub(crate) views: Vec<&'a View>,
    view_ids: BTreeSet<&'a TableId>,
    pub(crate) sequences: Vec<&'a Sequence>,
    pub(crate) types: Vec<&'a UserType>,
    /// Namespaces that the chosen objects live in; all of them when nothing is filtered.
    pub(crate) namespaces: BTreeSet<String>,
}

impl Selection<'_> {
    pub(crate) fn has_table(&self, id: &TableId) -> bool {
        self.table_ids.contains(id)
    }

    pub(crate) fn has_view(&self, id: &TableId) -> bool {
        self.view_ids.contains(id)
    }
}

/// Tells whether the wishes include the table, by its name or by those of the tables that a mapping makes it of.
pub fn is_wanted(wishes: &Wishes, table: &TableId) -> bool {
    if matches_any(&wishes.exclude, table) {
        return false;
    }
    let is_named = wishes.tables.is_empty() || matches_any(&wishes.tables, table);
    match wishes.renames.origins.get(table) {
        None => is_named,
        Some(origins) => origins.iter().any(|own| is_part_wanted(wishes, is_named, own)),
    }
}

/// Tells whether the wishes include a table that another one is made of.
fn is_part_wanted(wishes: &Wishes, is_named: bool, own: &TableId) -> bool {
    (is_named || matches_any(&wishes.tables, own)) && !matches_any(&wishes.exclude, own)
}

/// A filter that takes some of the tables that become one, and not the others, would move rows that it leaves out.
fn refuse_halves(scope: &Scope<'_>, notes: &mut Notes<'_>) {
    let wishes = scope.input.wishes;
    for (table, origins) in &wishes.renames.origins {
        if !is_wanted(wishes, table) {
            continue;
        }
        let is_named = wishes.tables.is_empty() || matches_any(&wishes.tables, table);
        let mut left = origins
            .iter()
            .filter(|own| !is_part_wanted(wishes, is_named, own));
        if let Some(own) = left.next() {
            notes.block(
                "not_moved",
                table_subject(table),
                format!(
                    "the table filter leaves out `{own}`, which becomes a part of `{table}`: let it through, or take its rule out of the mapping"
                ),
            );
        }
    }
}

/// Tells whether the id is a table's that the wishes leave out.
pub(crate) fn is_filtered_out(scope: &Scope<'_>, table: &TableId) -> bool {
    scope.source.catalog.table(table).is_some() && !is_wanted(scope.input.wishes, table)
}

/// Chooses what moves.
pub(crate) fn select<'a>(scope: &Scope<'a>, notes: &mut Notes<'_>) -> Selection<'a> {
    let catalog = scope.source.catalog;
    report_idle_patterns(scope, notes);
    refuse_halves(scope, notes);
    let is_wanted_here = |id: &TableId| is_wanted(scope.input.wishes, id);
    let tables: Vec<&Table> = catalog
        .tables
        .iter()
        .filter(|table| !flattening::is_part_of_another(scope, table, is_wanted_here))
        .filter(|table| is_wished(scope, table, notes) && is_movable(scope, table, notes))
        .collect();
    flattening::report(scope, &tables, notes, is_wanted_here);
    let mut selection = Selection {
        table_ids: tables.iter().map(|table| &table.id).collect(),
        tables,
        views: Vec::new(),
        view_ids: BTreeSet::new(),
        sequences: Vec::new(),
        types: Vec::new(),
        namespaces: BTreeSet::new(),
    };
    selection.views = views(scope, &selection, notes);
    selection.view_ids = selection.views.iter().map(|view| &view.id).collect();
    selection.sequences = sequences(scope, &selection);
    selection.types = user_types::used(scope, &selection.tables);
    selection.namespaces = namespaces(scope, &selection);
    report_others(scope, &selection, notes);
    selection
}

fn is_wished(scope: &Scope<'_>, table: &Table, notes: &mut Notes<'_>) -> bool {
    let wished = is_wanted(scope.input.wishes, &table.id);
    if !wished {
        notes.info(
            "not_moved",
            table_subject(&table.id),
            format!("table `{}` is left out by the table filter", table.id),
        );
    }
    wished
}

fn is_movable(scope: &Scope<'_>, table: &Table, notes: &mut Notes<'_>) -> bool {
    let why = match &table.unmovable {
        Some(why) => why,
        None if table.columns.is_empty() && !scope.equal => {
            "it has no columns, which other engines do not allow"
        }
        None => return true,
    };
    let question = Finding::new(
        "unmovable_table",
        Severity::Decision,
        table_subject(&table.id),
        format!("table `{}` cannot be moved: {why}", table.id),
    )
    .with_choice(LEAVE_OUT, "the table and its rows stay behind");
    // Nobody loses rows by following suggestions.
    notes.ask(match table.bytes {
        Some(bytes) if bytes > 0 => question.with_evidence(format!("it holds {bytes} bytes")),
        _ => question.suggest(LEAVE_OUT),
    });
    false
}

/// A pattern that matches nothing is most likely a slip; an include pattern would leave rows behind.
fn report_idle_patterns(scope: &Scope<'_>, notes: &mut Notes<'_>) {
    let catalog = scope.source.catalog;
    let idle = |pattern: &str, with_views: bool| {
        let tables = catalog.tables.iter().map(|table| &table.id);
        let views = catalog.views.iter().map(|view| &view.id).filter(|_| with_views);
        let parts = scope.input.wishes.renames.origins.values().flatten();
        !tables.chain(views).chain(parts).any(|id| id.matches(pattern))
    };
    let subject = |pattern: &str| ObjectId::whole(ObjectKind::Other, TableId::bare(pattern));
    for pattern in &scope.input.wishes.tables {
        if idle(pattern, false) {
            notes.block(
                "not_moved",
                subject(pattern),
                format!("no table matches `{pattern}`"),
            );
        }
    }
    for pattern in &scope.input.wishes.exclude {
        if idle(pattern, true) {
            notes.warn(
                "not_moved",
                subject(pattern),
                format!("no table or view matches `{pattern}`"),
            );
        }
    }
}

/// Views whose whole reading moves too. The catalog lists views so that each stands after those it reads.
fn views<'a>(scope: &Scope<'a>, selection: &Selection<'a>, notes: &mut Notes<'_>) -> Vec<&'a View> {
    let mut chosen: Vec<&View> = Vec::new();
    let mut ids: BTreeSet<&TableId> = BTreeSet::new();
    for view in &scope.source.catalog.views {
        let missing = if matches_any(&scope.input.wishes.exclude, &view.id) {
            Some("it is left out by the table filter".to_owned())
        } else {
            view.reads
                .iter()
                .find(|id| !selection.has_table(id) && !ids.contains(id) && is_known(scope, id))
                .map(|id| format!("it reads `{id}`, which does not move"))
        };
        match missing {
            None => {
                ids.insert(&view.id);
                chosen.push(view);
            }
            Some(why) => notes.warn(
                "not_moved",
                ObjectId::whole(ObjectKind::View, view.id.clone()),
                format!("view `{}` is left out: {why}", view.id),
            ),
        }
    }
    chosen
}

/// Tells whether the catalog knows the object; what it does not know is the engine's own and is there on both sides.
fn is_known(scope: &Scope<'_>, id: &TableId) -> bool {
    scope.source.catalog.table(id).is_some()
        || scope.lookup.is_source_view(id)
        || scope
            .lookup
            .source_others(id)
            .iter()
            .any(|other| !(scope.equal && other.making.is_some()))
}

fn is_filtered(scope: &Scope<'_>) -> bool {
    !scope.input.wishes.tables.is_empty() || !scope.input.wishes.exclude.is_empty()
}

/// Sequences of the chosen tables; those that no table owns when nothing is filtered, or when a chosen table's default mentions them.
fn sequences<'a>(scope: &Scope<'a>, selection: &Selection<'a>) -> Vec<&'a Sequence> {
    let columns = selection.tables.iter().flat_map(|table| &table.columns);
    let defaults: BTreeSet<&str> = columns.filter_map(|column| column.default.as_deref()).collect();
    let used = |sequence: &Sequence| {
        let mut defaults = defaults.iter();
        defaults.any(|default| mentions(default, &sequence.id.name))
    };
    let chosen = |sequence: &&Sequence| match &sequence.owned_by {
        Some((table, _)) => selection.has_table(table) || used(sequence),
        None => !is_filtered(scope) || used(sequence),
    };
    scope.source.catalog.sequences.iter().filter(chosen).collect()
}

fn namespaces(scope: &Scope<'_>, selection: &Selection<'_>) -> BTreeSet<String> {
    let all = scope
        .source
        .catalog
        .namespaces
        .iter()
        .map(|namespace| namespace.name.clone())
        .filter(|_| !is_filtered(scope));
    let of_tables = selection.tables.iter().map(|table| &table.id);
    let of_views = selection.views.iter().map(|view| &view.id);
    let of_sequences = selection.sequences.iter().map(|sequence| &sequence.id);
    let of_types = selection.types.iter().map(|user_type| &user_type.id);
    of_tables
        .chain(of_views)
        .chain(of_sequences)
        .chain(of_types)
        .filter_map(|id| id.namespace.clone())
        .chain(all)
        .collect()
}

/// Lists what the catalog knows but nobody moves, unless the target has it already or it hangs on a table that does not move.
fn report_others(scope: &Scope<'_>, selection: &Selection<'_>, notes: &mut Notes<'_>) {
    let stays_with_its_table = |other: &OtherObject| {
        other
            .table
            .as_ref()
            .is_some_and(|table| !selection.has_table(table) && scope.source.catalog.table(table).is_some())
    };
    let is_there = |other: &OtherObject| {
        scope.equal
            && scope
                .lookup
                .target_others(&other.id)
                .iter()
                .any(|there| (&there.kind, &there.table) == (&other.kind, &other.table))
    };
    for other in &scope.source.catalog.others {
        let is_made = scope.equal && other.making.is_some();
        if is_made || stays_with_its_table(other) || is_there(other) {
            continue;
        }
        let on = other
            .table
            .as_ref()
            .map(|table| format!(" on `{table}`"))
            .unwrap_or_default();
        let mut finding = Finding::new(
            "not_moved",
            Severity::Warning,
            ObjectId::whole(ObjectKind::Other, other.id.clone()),
            format!("{} `{}`{on} is not moved", other.kind, other.id),
        );
        if let Some(definition) = &other.definition {
            finding = finding.with_evidence(definition.clone());
        }
        notes.add(finding);
    }
}

fn matches_any(patterns: &[String], id: &TableId) -> bool {
    patterns.iter().any(|pattern| id.matches(pattern))
}
