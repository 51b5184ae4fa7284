//! Makes the statements: one list of changes in the order in which they run, which the target's dialect turns into steps with their undo.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{
    Change, Check, Families, ForeignKey, Key, Namespace, ObjectId, ObjectKind, Sequence, Step, StepPhase,
    TableId, UserType, View,
};

use crate::draft::{Draft, TableDraft};
use crate::making::{self, Makings};
use crate::notes::Notes;
use crate::partitions;
use crate::sequences::in_target;

/// Characters of a step's title that its id takes.
const SLUG_CHARS_MAX: usize = 60;

/// A change, when it runs and which target tables it depends on.
struct Planned {
    phase: StepPhase,
    change: Change,
    subject: ObjectId,
    tables: Vec<TableId>,
}

/// Returns all steps in the order in which they run, numbered.
pub(crate) fn steps(
    draft: &Draft<'_>,
    tables: &[&TableDraft<'_>],
    views: &[View],
    notes: &mut Notes<'_>,
) -> Vec<Step> {
    let mut planned = Vec::new();
    move_aside(draft, &mut planned);
    let makings = making::choose(draft, notes);
    create_containers(draft, &makings, (&mut planned, notes));
    for table in partitions::top_down(tables) {
        create_table(draft, table, &mut planned);
    }
    add_keys(draft, tables, &mut planned);
    own_sequences(draft, &mut planned);
    add_stamps(tables, &mut planned);
    for (change, subject, on) in making::after_data(draft, views, makings) {
        planned.push(after(change, subject, &on));
    }
    for planned in &mut planned {
        if making::comes_before_rows(draft, &planned.change) {
            planned.phase = StepPhase::Schema;
        }
    }
    let mut steps = Vec::new();
    for planned in planned {
        match draft.scope.target.dialect.steps(&planned.change) {
            Ok(made) => steps.extend(made.into_iter().map(|step| placed(step, &planned))),
            Err(error) => notes.block(
                "feature_left_out",
                planned.subject.clone(),
                format!(
                    "the target cannot make the {} `{}`: {}",
                    planned.subject.kind,
                    planned.subject,
                    error.chain()
                ),
            ),
        }
    }
    number(steps)
}

fn whole(kind: ObjectKind, id: &TableId) -> ObjectId {
    ObjectId::whole(kind, id.clone())
}

fn before(change: Change, subject: ObjectId, tables: &[TableId]) -> Planned {
    Planned {
        phase: StepPhase::Schema,
        change,
        subject,
        tables: tables.to_vec(),
    }
}

fn after(change: Change, subject: ObjectId, tables: &[TableId]) -> Planned {
    Planned {
        phase: StepPhase::AfterData,
        ..before(change, subject, tables)
    }
}

fn move_aside(draft: &Draft<'_>, planned: &mut Vec<Planned>) {
    for table in &draft.existing.replaced {
        let change = Change::MoveAside {
            table: (*table).clone(),
            migration: draft.scope.input.migration.to_string(),
        };
        planned.push(before(
            change,
            whole(ObjectKind::Table, &table.id),
            std::slice::from_ref(&table.id),
        ));
    }
}

/// Namespaces, types and sequences: what tables stand on.
fn create_containers(
    draft: &Draft<'_>,
    makings: &Makings,
    (planned, notes): (&mut Vec<Planned>, &mut Notes<'_>),
) {
    for namespace in new_namespaces(draft) {
        let subject = whole(ObjectKind::Namespace, &TableId::bare(namespace.name.clone()));
        planned.push(before(Change::CreateNamespace(namespace), subject, &[]));
    }
    for object in &makings.first {
        let subject = whole(ObjectKind::Other, &object.id);
        planned.push(before(Change::CreateOther(object.clone()), subject, &[]));
    }
    for collation in &draft.collations.made {
        let subject = whole(ObjectKind::Other, &TableId::bare(collation.name.clone()));
        let change = Change::CreateCollation(collation.clone());
        planned.push(before(change, subject, &[]));
    }
    for sequence in new_sequences(draft) {
        let subject = whole(ObjectKind::Sequence, &sequence.id);
        planned.push(before(Change::CreateSequence(sequence), subject, &[]));
    }
    for (change, subject) in making::before_tables(new_types(draft, notes), makings) {
        planned.push(before(change, subject, &[]));
    }
}

/// Namespaces that the target does not have yet, in the target's terms.
fn new_namespaces(draft: &Draft<'_>) -> Vec<Namespace> {
    let (scope, to) = (&draft.scope, draft.scope.target);
    if !to.capabilities.namespaces {
        return Vec::new();
    }
    let comment = |name: &str| {
        let namespaces = &scope.source.catalog.namespaces;
        let found = namespaces.iter().find(|namespace| namespace.name == name);
        found.and_then(|namespace| namespace.comment.clone())
    };
    // An engine without namespaces has its tables in the target's default one.
    let default = to.capabilities.default_namespace.map(str::to_owned);
    let default = default.filter(|_| !scope.source.capabilities.namespaces);
    let renames = &scope.input.wishes.renames;
    let called = |name: &String| renames.namespaces.get(name).unwrap_or(name).clone();
    let wished = renames
        .tables
        .values()
        .filter_map(|table| table.namespace.clone());
    let wanted: BTreeSet<String> = draft
        .selection
        .namespaces
        .iter()
        .map(called)
        .chain(default)
        .chain(wished)
        .collect();
    wanted
        .into_iter()
        .filter(|name| !to.catalog.namespaces.iter().any(|there| &there.name == name))
        .map(|name| Namespace {
            comment: comment(&name),
            name,
        })
        .collect()
}

/// Types that the target does not have yet; across engines only those that the plan makes for enums.
fn new_types(draft: &Draft<'_>, notes: &mut Notes<'_>) -> Vec<UserType> {
    if !draft.scope.equal {
        let ways = draft.ways.0.values().flat_map(|of_table| of_table.values());
        let own = ways
            .filter(|way| !way.left_out)
            .filter_map(|way| way.own_type.as_ref());
        let by_name: BTreeMap<&TableId, &UserType> = own.map(|own| (&own.id, own)).collect();
        return by_name.into_values().cloned().collect();
    }
    draft
        .selection
        .types
        .iter()
        .filter(|user_type| !draft.existing.types_kept.contains(&user_type.id))
        .map(|user_type| UserType {
            id: draft.names.user_type(&user_type.id),
            ..in_new_words(draft, user_type, notes)
        })
        .collect()
}

fn in_new_words(draft: &Draft<'_>, user_type: &UserType, notes: &mut Notes<'_>) -> UserType {
    draft
        .respelling
        .user_type(&draft.scope, user_type)
        .unwrap_or_else(|why| {
            let message = format!("type `{}` cannot be made: {why}", user_type.id);
            notes.block(
                "type_unsupported",
                whole(ObjectKind::Type, &user_type.id),
                message,
            );
            user_type.clone()
        })
}

/// Sequences with a statement of their own, not yet owned by their columns.
fn new_sequences(draft: &Draft<'_>) -> Vec<Sequence> {
    let named = draft.scope.equal && draft.scope.target.capabilities.user_types;
    draft
        .selection
        .sequences
        .iter()
        .filter(|sequence| named && !sequence.implicit)
        .map(|sequence| Sequence {
            id: draft.names.sequence(&sequence.id),
            owned_by: None,
            position: None,
            ..(*sequence).clone()
        })
        .collect()
}

/// CREATE TABLE takes what the engine wants inside; the rest follows after the data, where it is made faster and checked at once.
fn create_table(draft: &Draft<'_>, table: &TableDraft<'_>, planned: &mut Vec<Planned>) {
    let within = draft.scope.target.dialect.keys_within(&table.target);
    let mut bare = table.target.clone();
    bare.indexes.retain(|index| within.contains(&index.name));
    if !draft.scope.inline() {
        bare.uniques.retain(|key| within.contains(&key.name));
        bare.foreign_keys.clear();
        bare.exclusions.clear();
        bare.checks.retain(|check| check.validated);
    }
    if let Some(key) = added_primary_key(draft, table) {
        bare.primary_key = None;
        let within = bare
            .columns
            .iter_mut()
            .filter(|column| key.columns.contains(&column.name));
        within.for_each(|column| column.nullable = false);
    }
    let id = &table.target.id;
    let change = Change::CreateTable {
        table: bare,
        sequences: table.sequences.clone(),
        as_declared: draft.scope.equal,
    };
    planned.push(before(
        change,
        whole(ObjectKind::Table, id),
        std::slice::from_ref(id),
    ));
}

/// The primary key that the target adds after the rows.
fn added_primary_key<'d>(draft: &Draft<'_>, table: &'d TableDraft<'_>) -> Option<&'d Key> {
    let adds = !draft.scope.inline() && draft.scope.target.dialect.adds_primary_key(&table.target);
    table.target.primary_key.as_ref().filter(|_| adds)
}

/// Keys and indexes of all tables first: foreign keys may stand on them.
fn add_keys(draft: &Draft<'_>, tables: &[&TableDraft<'_>], planned: &mut Vec<Planned>) {
    let inline = draft.scope.inline();
    let families = Families::of(tables.iter().map(|table| &table.target));
    let whole = |id: &TableId| partitions::whole(&families, id);
    for table in partitions::bottom_up(tables) {
        let id = &table.target.id;
        let part = |kind, name: &str| ObjectId::part(kind, id.clone(), name);
        let on = whole(id);
        let within = draft.scope.target.dialect.keys_within(&table.target);
        let follows = |name: &String| !within.contains(name);
        if let Some(key) = added_primary_key(draft, table) {
            let change = Change::AddPrimaryKey {
                table: id.clone(),
                key: key.clone(),
            };
            planned.push(after(change, part(ObjectKind::PrimaryKey, &key.name), &on));
        }
        for key in table
            .target
            .uniques
            .iter()
            .filter(|key| !inline && follows(&key.name))
        {
            let change = Change::AddUnique {
                table: id.clone(),
                key: key.clone(),
            };
            planned.push(after(change, part(ObjectKind::Unique, &key.name), &on));
        }
        for exclusion in table.target.exclusions.iter().filter(|_| !inline) {
            let change = Change::AddExclusion {
                table: id.clone(),
                name: exclusion.name.clone(),
                definition: exclusion.definition.clone(),
            };
            planned.push(after(change, part(ObjectKind::Exclusion, &exclusion.name), &on));
        }
        let unvalidated = |check: &&Check| !inline && !check.validated;
        for check in table.target.checks.iter().filter(unvalidated) {
            let change = Change::AddCheck {
                table: id.clone(),
                check: check.clone(),
            };
            planned.push(after(change, part(ObjectKind::Check, &check.name), &on));
        }
        for index in table.target.indexes.iter().filter(|index| follows(&index.name)) {
            let change = Change::CreateIndex {
                table: id.clone(),
                index: index.clone(),
            };
            planned.push(after(change, part(ObjectKind::Index, &index.name), &on));
        }
    }
    for table in tables.iter().filter(|_| !inline) {
        let id = &table.target.id;
        // An engine that makes the table anew for each key would check the rows of those before, also where they are not to be checked.
        let (validated, others): (Vec<&ForeignKey>, Vec<&ForeignKey>) =
            table.target.foreign_keys.iter().partition(|key| key.validated);
        for key in validated.into_iter().chain(others) {
            let change = Change::AddForeignKey {
                table: id.clone(),
                key: key.clone(),
            };
            let subject = ObjectId::part(ObjectKind::ForeignKey, id.clone(), key.name.clone());
            let mut on = whole(id);
            on.extend(whole(&key.references));
            planned.push(after(change, subject, &on));
        }
    }
}

fn add_stamps(tables: &[&TableDraft<'_>], planned: &mut Vec<Planned>) {
    for table in tables {
        let id = &table.target.id;
        for column in &table.stamps {
            let change = Change::StampOnUpdate {
                table: id.clone(),
                column: column.clone(),
            };
            let subject = ObjectId::part(ObjectKind::Other, id.clone(), column.clone());
            planned.push(after(change, subject, std::slice::from_ref(id)));
        }
    }
}

fn own_sequences(draft: &Draft<'_>, planned: &mut Vec<Planned>) {
    if !draft.scope.equal || !draft.scope.target.capabilities.user_types {
        return;
    }
    for sequence in draft
        .selection
        .sequences
        .iter()
        .filter(|sequence| !sequence.implicit)
    {
        let owner = sequence
            .owned_by
            .as_ref()
            .and_then(|owner| in_target(draft, owner));
        let Some((table, column)) = owner else {
            continue;
        };
        let id = draft.names.sequence(&sequence.id);
        let change = Change::OwnSequence {
            sequence: id.clone(),
            table: table.clone(),
            column,
        };
        planned.push(after(change, whole(ObjectKind::Sequence, &id), &[table]));
    }
}

/// When a step runs and what it depends on is the planner's to say.
fn placed(mut step: Step, planned: &Planned) -> Step {
    step.phase = planned.phase;
    for table in &planned.tables {
        if !step.tables.contains(table) {
            step.tables.push(table.clone());
        }
    }
    step.destructive |= matches!(planned.change, Change::MoveAside { .. });
    step
}

/// Gives each step its id: its number and its title.
fn number(mut steps: Vec<Step>) -> Vec<Step> {
    let digits = steps.len().to_string().len().max(3);
    for (number, step) in steps.iter_mut().enumerate() {
        step.id = format!("{:0digits$}_{}", number + 1, slug(&step.title));
    }
    steps
}

fn slug(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
        if slug.len() >= SLUG_CHARS_MAX {
            break;
        }
    }
    slug.trim_end_matches('_').to_owned()
}
