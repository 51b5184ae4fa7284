//! Meets what is in the target already: tables that can be replaced by decision, what hangs on them, and objects that stand in the way.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{
    ACCEPT, Finding, ForeignKey, ObjectId, ObjectKind, OtherObject, STOP, Severity, Table, TableId, View,
};

use crate::lookup::There;
use crate::names::{Names, folded};
use crate::notes::Notes;
use crate::scope::{Scope, table_subject};
use crate::select::Selection;

/// What is there already, and what becomes of it.
#[derive(Default)]
pub(crate) struct Existing<'a> {
    /// Target tables that are moved aside.
    pub(crate) replaced: Vec<&'a Table>,
    replaced_ids: BTreeSet<&'a TableId>,
    /// Source views that are left out because the target's own of the same name stays.
    pub(crate) views_kept: BTreeSet<TableId>,
    /// Source types that the target has already, equally defined.
    pub(crate) types_kept: BTreeSet<TableId>,
}

impl Existing<'_> {
    pub(crate) fn replaces(&self, target: &TableId) -> bool {
        self.replaced_ids.contains(target)
    }
}

/// Compares the planned names with the target's catalog.
pub(crate) fn meet<'a>(
    scope: &Scope<'a>,
    selection: &Selection<'_>,
    names: &mut Names,
    notes: &mut Notes<'_>,
) -> Existing<'a> {
    let mut existing = Existing::default();
    report_inhabitants(scope, notes);
    for table in &selection.tables {
        let target = names.table(&table.id);
        match scope.lookup.there(&target) {
            Some(There::Table(found)) if asks_to_replace(scope, &table.id, found, notes) => {
                existing.replaced.push(found);
                existing.replaced_ids.insert(&found.id);
            }
            Some(There::Table(_)) | None => {}
            Some(other) => block(table_subject(&table.id), &other, notes),
        }
    }
    meet_views(scope, selection, names, &mut existing, notes);
    if scope.equal {
        meet_types(scope, selection, names, &mut existing, notes);
    }
    if scope.equal && scope.target.capabilities.user_types {
        meet_sequences(scope, selection, names, &existing, notes);
    }
    let dependents = Dependents::new(scope, &existing);
    for table in &existing.replaced {
        dependents.ask(&table.id, notes);
    }
    reserve_names(scope, &existing, names);
    existing
}

fn block(subject: ObjectId, found: &There<'_>, notes: &mut Notes<'_>) {
    let kind = match found {
        There::Table(_) => "table",
        There::View => "view",
        There::Sequence => "sequence",
        There::Type => "type",
    };
    let message =
        format!("the target has a {kind} with the name of `{subject}`; it must be renamed or removed first");
    notes.block("target_not_empty", subject, message);
}

fn asks_to_replace(scope: &Scope<'_>, source: &TableId, found: &Table, notes: &mut Notes<'_>) -> bool {
    let mut finding = Finding::new(
        "target_table_exists",
        Severity::Decision,
        table_subject(source),
        format!("the target has a table `{}` already", found.id),
    )
    .with_choice(
        "replace",
        "the target's table is moved aside, restored by a rollback, and dropped only by cleanup",
    )
    .with_choice(STOP, "nothing is done");
    if let Some(rows) = rows_about(scope, found) {
        finding = finding.with_evidence(format!("about {rows} rows"));
    }
    notes.ask(finding).is("replace")
}

/// About how many rows a table of the target has, with those of its partitions.
fn rows_about(scope: &Scope<'_>, found: &Table) -> Option<u64> {
    if found.partitioned_by.is_none() {
        return found.rows_estimate;
    }
    let leaves = scope.lookup.target_families.leaves(&found.id);
    leaves.iter().map(|leaf| leaf.rows_estimate).sum()
}

fn meet_views(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    names: &Names,
    existing: &mut Existing<'_>,
    notes: &mut Notes<'_>,
) {
    for view in &selection.views {
        let subject = ObjectId::whole(ObjectKind::View, view.id.clone());
        match scope.lookup.there(&names.view(&view.id)) {
            None => {}
            Some(There::View) => {
                let answer = notes.ask(
                    Finding::new(
                        "target_table_exists",
                        Severity::Decision,
                        subject,
                        format!("the target has a view with the name of `{}` already", view.id),
                    )
                    .with_choice("keep", "the target's view stays; the source's is left out")
                    .with_choice(STOP, "nothing is done"),
                );
                if answer.is("keep") {
                    existing.views_kept.insert(view.id.clone());
                }
            }
            Some(other) => block(subject, &other, notes),
        }
    }
}

fn meet_types(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    names: &Names,
    existing: &mut Existing<'_>,
    notes: &mut Notes<'_>,
) {
    for user_type in &selection.types {
        let target = names.user_type(&user_type.id);
        let subject = ObjectId::whole(ObjectKind::Type, user_type.id.clone());
        match scope.target.catalog.user_type(&target) {
            Some(found) if found.kind == user_type.kind => {
                notes.info(
                    "target_not_empty",
                    subject,
                    format!("the target has the type `{target}` already, equally defined"),
                );
                existing.types_kept.insert(user_type.id.clone());
            }
            Some(_) => notes.block(
                "target_not_empty",
                subject,
                format!(
                    "the target's type `{target}` is defined differently; it must be renamed or removed first"
                ),
            ),
            None => {
                if let Some(other @ (There::View | There::Sequence)) = scope.lookup.there(&target) {
                    block(subject, &other, notes);
                }
            }
        }
    }
}

fn meet_sequences(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    names: &Names,
    existing: &Existing<'_>,
    notes: &mut Notes<'_>,
) {
    let there = scope.target.catalog.sequences.iter();
    let moving: Vec<&TableId> = there
        .filter(|found| {
            found
                .owned_by
                .as_ref()
                .is_some_and(|(table, _)| existing.replaces(table))
        })
        .map(|found| &found.id)
        .collect();
    let moving: BTreeSet<(&Option<String>, String)> = moving
        .into_iter()
        .map(|id| (&id.namespace, folded(scope, &id.name)))
        .collect();
    for sequence in selection.sequences.iter().filter(|sequence| !sequence.implicit) {
        let target = names.sequence(&sequence.id);
        let moves_with_its_table = moving.contains(&(&target.namespace, folded(scope, &target.name)));
        if let Some(found) = scope.lookup.there(&target).filter(|_| !moves_with_its_table) {
            block(
                ObjectId::whole(ObjectKind::Sequence, sequence.id.clone()),
                &found,
                notes,
            );
        }
    }
}

/// What hangs on the tables that are moved aside, by table.
struct Dependents<'a> {
    views: BTreeMap<&'a TableId, Vec<&'a View>>,
    keys: BTreeMap<&'a TableId, Vec<(&'a Table, &'a ForeignKey)>>,
    others: BTreeMap<&'a TableId, Vec<&'a OtherObject>>,
}

impl<'a> Dependents<'a> {
    fn new(scope: &Scope<'a>, existing: &Existing<'a>) -> Self {
        let catalog = scope.target.catalog;
        let mut found = Self {
            views: BTreeMap::new(),
            keys: BTreeMap::new(),
            others: BTreeMap::new(),
        };
        for view in &catalog.views {
            for id in view.reads.iter().filter(|id| existing.replaces(id)) {
                found.views.entry(id).or_default().push(view);
            }
        }
        for table in catalog
            .tables
            .iter()
            .filter(|table| !existing.replaces(&table.id))
        {
            for key in table
                .foreign_keys
                .iter()
                .filter(|key| existing.replaces(&key.references))
            {
                found.keys.entry(&key.references).or_default().push((table, key));
            }
        }
        for other in &catalog.others {
            if let Some(table) = other.table.as_ref().filter(|table| existing.replaces(table)) {
                found.others.entry(table).or_default().push(other);
            }
        }
        found
    }

    /// Views, keys, triggers and grants stay with the table that is moved aside: only a person can know whether that is what they want.
    fn ask(&self, replaced: &TableId, notes: &mut Notes<'_>) {
        let mut ask = |subject: ObjectId, message: String, meaning: &str| {
            notes.ask(
                Finding::new("target_dependents", Severity::Decision, subject, message)
                    .with_choice(ACCEPT, meaning)
                    .with_choice(STOP, "nothing is done"),
            );
        };
        for view in self.views.get(replaced).into_iter().flatten() {
            ask(
                ObjectId::whole(ObjectKind::View, view.id.clone()),
                format!(
                    "the target's view `{}` reads `{replaced}`, which is replaced",
                    view.id
                ),
                "the view may go on reading the table that was moved aside, or read the new one; look at it afterwards",
            );
        }
        for (table, key) in self.keys.get(replaced).into_iter().flatten() {
            ask(
                ObjectId::part(ObjectKind::ForeignKey, table.id.clone(), key.name.clone()),
                format!(
                    "the target's table `{}` refers to `{replaced}`, which is replaced",
                    table.id
                ),
                "the key may go on pointing to the table that was moved aside; make it anew afterwards",
            );
        }
        for other in self.others.get(replaced).into_iter().flatten() {
            ask(
                ObjectId::whole(ObjectKind::Other, other.id.clone()),
                format!(
                    "the target's {} `{}` hangs on `{replaced}`, which is replaced",
                    other.kind, other.id
                ),
                "it stays with the table that was moved aside; make it anew afterwards",
            );
        }
    }
}

fn report_inhabitants(scope: &Scope<'_>, notes: &mut Notes<'_>) {
    let catalog = scope.target.catalog;
    let (tables, views) = (catalog.tables.len(), catalog.views.len());
    let said = scope
        .input
        .preflight
        .iter()
        .any(|finding| finding.code == "target_not_empty");
    if tables + views > 0 && !said {
        notes.info(
            "target_not_empty",
            ObjectId::whole(ObjectKind::Other, TableId::bare(scope.target.database.clone())),
            format!("the target holds {tables} tables and {views} views of its own"),
        );
    }
}

/// A table keeps its checks and foreign keys with their names wherever it goes.
fn reserve_rules(scope: &Scope<'_>, names: &mut Names) {
    for table in &scope.target.catalog.tables {
        for check in table.checks.iter().filter(|check| !check.name.is_empty()) {
            names.reserve_rule(scope, ObjectKind::Check, &table.id, &check.name);
        }
        for key in table.foreign_keys.iter().filter(|key| !key.name.is_empty()) {
            names.reserve_rule(scope, ObjectKind::ForeignKey, &table.id, &key.name);
        }
    }
}

/// What stays in the target keeps its names; new indexes, keys and sequences go around them.
fn reserve_names(scope: &Scope<'_>, existing: &Existing<'_>, names: &mut Names) {
    reserve_rules(scope, names);
    let catalog = scope.target.catalog;
    let mut reserve = |namespace: &Option<String>, name: &str| {
        names.reserve(
            scope,
            &TableId {
                namespace: namespace.clone(),
                name: name.to_owned(),
            },
        );
    };
    for table in catalog
        .tables
        .iter()
        .filter(|table| !existing.replaces(&table.id))
    {
        let namespace = &table.id.namespace;
        reserve(namespace, &table.id.name);
        for index in &table.indexes {
            reserve(namespace, &index.name);
        }
        if !scope.inline() {
            for key in table.primary_key.iter().chain(&table.uniques) {
                reserve(namespace, &key.name);
            }
            for exclusion in &table.exclusions {
                reserve(namespace, &exclusion.name);
            }
        }
    }
    for view in &catalog.views {
        reserve(&view.id.namespace, &view.id.name);
    }
    for user_type in &catalog.types {
        reserve(&user_type.id.namespace, &user_type.id.name);
    }
    for sequence in &catalog.sequences {
        let moves = sequence
            .owned_by
            .as_ref()
            .is_some_and(|(table, _)| existing.replaces(table));
        if !moves {
            reserve(&sequence.id.namespace, &sequence.id.name);
        }
    }
}
