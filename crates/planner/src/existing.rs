//! Meets what is in the target already: tables that can be replaced by decision, what hangs on them, and objects that stand in the way.

use std::collections::BTreeSet;

use whimbrel_core::{Finding, ObjectId, ObjectKind, Severity, Table, TableId};

use crate::names::{Names, same};
use crate::notes::{ACCEPT, Notes, STOP};
use crate::scope::{Scope, table_subject};
use crate::select::Selection;

/// What is there already, and what becomes of it.
#[derive(Default)]
pub(crate) struct Existing<'a> {
    /// Target tables that are moved aside.
    pub(crate) replaced: Vec<&'a Table>,
    /// Source views that are left out because the target's own of the same name stays.
    pub(crate) views_kept: BTreeSet<TableId>,
    /// Source types that the target has already, equally defined.
    pub(crate) types_kept: BTreeSet<TableId>,
}

impl Existing<'_> {
    pub(crate) fn replaces(&self, target: &TableId) -> bool {
        self.replaced.iter().any(|table| &table.id == target)
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
        match there(scope, &target) {
            Some(There::Table(found)) if asks_to_replace(&table.id, found, notes) => {
                existing.replaced.push(found);
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
    for table in &existing.replaced {
        ask_for_dependents(scope, table, &existing, notes);
    }
    reserve_names(scope, &existing, names);
    existing
}

/// An object of the target's that has a planned name.
enum There<'a> {
    Table(&'a Table),
    View,
    Sequence,
    Type,
}

fn there<'a>(scope: &Scope<'a>, target: &TableId) -> Option<There<'a>> {
    let catalog = scope.target.catalog;
    let is = |id: &TableId| same(scope, id, target);
    if let Some(table) = catalog.tables.iter().find(|table| is(&table.id)) {
        return Some(There::Table(table));
    }
    if catalog.views.iter().any(|view| is(&view.id)) {
        return Some(There::View);
    }
    if catalog
        .sequences
        .iter()
        .any(|sequence| !sequence.implicit && is(&sequence.id))
    {
        return Some(There::Sequence);
    }
    catalog
        .types
        .iter()
        .any(|user_type| is(&user_type.id))
        .then_some(There::Type)
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

fn asks_to_replace(source: &TableId, found: &Table, notes: &mut Notes<'_>) -> bool {
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
    if let Some(rows) = found.rows_estimate {
        finding = finding.with_evidence(format!("about {rows} rows"));
    }
    notes.ask(finding).is("replace")
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
        match there(scope, &names.view(&view.id)) {
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
                if let Some(other @ (There::View | There::Sequence)) = there(scope, &target) {
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
    for sequence in selection.sequences.iter().filter(|sequence| !sequence.implicit) {
        let target = names.sequence(&sequence.id);
        let moves_with_its_table = scope
            .target
            .catalog
            .sequences
            .iter()
            .filter(|found| same(scope, &found.id, &target))
            .filter_map(|found| found.owned_by.as_ref())
            .any(|(table, _)| existing.replaces(table));
        if let Some(found) = there(scope, &target).filter(|_| !moves_with_its_table) {
            block(
                ObjectId::whole(ObjectKind::Sequence, sequence.id.clone()),
                &found,
                notes,
            );
        }
    }
}

/// Views, keys, triggers and grants stay with the table that is moved aside: only a person can know whether that is what they want.
fn ask_for_dependents(scope: &Scope<'_>, replaced: &Table, existing: &Existing<'_>, notes: &mut Notes<'_>) {
    let catalog = scope.target.catalog;
    let mut ask = |subject: ObjectId, message: String, meaning: &str| {
        notes.ask(
            Finding::new("target_dependents", Severity::Decision, subject, message)
                .with_choice(ACCEPT, meaning)
                .with_choice(STOP, "nothing is done"),
        );
    };
    for view in catalog
        .views
        .iter()
        .filter(|view| view.reads.contains(&replaced.id))
    {
        let subject = ObjectId::whole(ObjectKind::View, view.id.clone());
        ask(
            subject,
            format!(
                "the target's view `{}` reads `{}`, which is replaced",
                view.id, replaced.id
            ),
            "the view may go on reading the table that was moved aside; make it anew afterwards",
        );
    }
    for table in catalog
        .tables
        .iter()
        .filter(|table| !existing.replaces(&table.id))
    {
        for key in table
            .foreign_keys
            .iter()
            .filter(|key| key.references == replaced.id)
        {
            ask(
                ObjectId::part(ObjectKind::ForeignKey, table.id.clone(), key.name.clone()),
                format!(
                    "the target's table `{}` refers to `{}`, which is replaced",
                    table.id, replaced.id
                ),
                "the key may go on pointing to the table that was moved aside; make it anew afterwards",
            );
        }
    }
    for other in catalog
        .others
        .iter()
        .filter(|other| other.table.as_ref() == Some(&replaced.id))
    {
        ask(
            ObjectId::whole(ObjectKind::Other, other.id.clone()),
            format!(
                "the target's {} `{}` hangs on `{}`, which is replaced",
                other.kind, other.id, replaced.id
            ),
            "it stays with the table that was moved aside; make it anew afterwards",
        );
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
