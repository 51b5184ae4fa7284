//! Objects that have no type of their own in the catalog (functions, triggers, policies, grants …): between equal engines they are made
//! as their entries say. Which of them move, what a person decides about them, and the order among them, types and views.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{
    Change, Finding, LEAVE_OUT, Making, MakingStage, ObjectId, ObjectKind, OtherObject, STOP, Severity,
    TableId, UserType, UserTypeKind, View,
};

use crate::draft::Draft;
use crate::lookup::{self, QualifiedName};
use crate::needs;
use crate::notes::Notes;
use crate::views;

/// The choice that keeps what is asked about.
const KEEP: &str = "keep";

/// Objects that a question names as evidence.
const NAMED_MAX: usize = 8;

/// The objects that are made, by stage, each in an order in which they can be made.
#[derive(Default)]
pub(crate) struct Makings {
    pub(crate) first: Vec<OtherObject>,
    pub(crate) before_tables: Vec<OtherObject>,
    pub(crate) among_views: Vec<OtherObject>,
    pub(crate) last: Vec<OtherObject>,
}

/// One object on its way.
struct Candidate<'a> {
    object: &'a OtherObject,
    making: &'a Making,
    /// The object with all names in it as the target has them.
    made: OtherObject,
}

/// Chooses what is made, and says what is not.
pub(crate) fn choose(draft: &Draft<'_>, notes: &mut Notes<'_>) -> Makings {
    if !draft.scope.equal {
        return Makings::default();
    }
    let candidates = wanted(draft, notes);
    let candidates = meet_the_target(draft, candidates, notes);
    let candidates = ask(draft, candidates, notes);
    let candidates = drop_what_cannot_be(draft, candidates, notes);
    let mut makings = Makings::default();
    for candidate in candidates {
        let stage = match candidate.making.stage {
            MakingStage::First => &mut makings.first,
            MakingStage::BeforeTables => &mut makings.before_tables,
            MakingStage::AmongViews => &mut makings.among_views,
            MakingStage::Last => &mut makings.last,
        };
        stage.push(candidate.made);
    }
    // Whoever gives away an object can do nothing more with it.
    makings.last.sort_by_key(|object| {
        let making = object.making.as_ref();
        making.is_some_and(|making| making.asks.is_some())
    });
    makings
}

/// The objects that move with what was chosen.
fn wanted<'a>(draft: &Draft<'a>, notes: &mut Notes<'_>) -> Vec<Candidate<'a>> {
    let catalog = draft.scope.source.catalog;
    let makeable = catalog.others.iter().filter_map(|object| {
        let making = object.making.as_ref()?;
        Some((object, making))
    });
    let on_chosen = |table: &TableId| {
        draft.selection.has_table(table)
            || draft.selection.has_view(table)
            || catalog.table(table).is_none() && !draft.scope.lookup.is_source_view(table)
    };
    let on_chosen = makeable.filter(|(object, _)| object.table.as_ref().is_none_or(on_chosen));
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    for (object, making) in on_chosen {
        match draft.respelling.object(&draft.scope, object) {
            Ok(made) => {
                warn_of_changes(draft, object, making, notes);
                candidates.push(Candidate { object, making, made });
            }
            Err(why) => not_moved(object, &why.what, notes),
        }
    }
    let wishes = draft.scope.input.wishes;
    if wishes.tables.is_empty() && wishes.exclude.is_empty() {
        return candidates;
    }
    reached(draft, candidates)
}

/// An object may do with a column what cannot be done with its new kind, or read a table that is not there any more.
fn warn_of_changes(draft: &Draft<'_>, object: &OtherObject, making: &Making, notes: &mut Notes<'_>) {
    let renames = &draft.scope.input.wishes.renames;
    let is_unchanged = renames.turned.is_empty() && renames.dissolved.is_empty();
    if is_unchanged || needs::says_something(object) && object.table.is_none() {
        return;
    }
    let text = making.statements.join("\n");
    let is_met =
        |table: &&TableId| object.table.as_ref() == Some(*table) || needs::mentions(&text, &table.name);
    let tables: Vec<TableId> = renames.turned.keys().filter(is_met).cloned().collect();
    let mut gone = renames.dissolved.iter().filter(|id| draft.scope.is_dissolved(id));
    let gone = gone.find(|table| needs::mentions(&text, &table.name));
    let gone = gone.map(|table| format!("the mapping splits or merges `{table}`"));
    if let Some(why) = views::turned(draft, &text, &tables).or(gone) {
        let subject = ObjectId::whole(ObjectKind::Other, object.id.clone());
        let message = format!(
            "{} `{}` may not do any more what it did: {why}",
            object.kind, object.id
        );
        notes.add(Finding::new("mapping", Severity::Warning, subject, message));
    }
}

/// With a filter only what the chosen tables and views need moves, and what hangs on them.
fn reached<'a>(draft: &Draft<'a>, candidates: Vec<Candidate<'a>>) -> Vec<Candidate<'a>> {
    let mut named: BTreeSet<QualifiedName> = BTreeSet::new();
    let mut read = |text: &str| named.extend(needs::qualified_names(text));
    for table in &draft.selection.tables {
        for column in &table.columns {
            read(&column.native);
            column.default.iter().for_each(|text| read(text));
            column
                .generated
                .iter()
                .for_each(|generated| read(&generated.expression));
        }
        table.checks.iter().for_each(|check| read(&check.expression));
        let definitions = table
            .indexes
            .iter()
            .filter_map(|index| index.definition.as_deref());
        definitions.for_each(&mut read);
        table
            .exclusions
            .iter()
            .for_each(|exclusion| read(&exclusion.definition));
    }
    draft.selection.views.iter().for_each(|view| read(&view.query));
    for user_type in &draft.selection.types {
        type_texts(&user_type.kind).into_iter().for_each(&mut read);
    }
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    let is_root = |candidate: &Candidate<'_>| {
        let object = candidate.object;
        let is_global = object.id.namespace.is_none() && candidate.making.stage == MakingStage::First;
        object.table.is_some()
            || is_global
            || candidate.making.stage != MakingStage::Last && named.contains(&lookup::bare_name(&object.id))
    };
    let mut places: BTreeMap<&TableId, Vec<usize>> = BTreeMap::new();
    for (at, candidate) in candidates.iter().enumerate() {
        places.entry(&candidate.object.id).or_default().push(at);
    }
    let mut open: Vec<usize> = (0..candidates.len())
        .filter(|at| is_root(&candidates[*at]))
        .collect();
    while let Some(at) = open.pop() {
        if chosen.insert(at) {
            let after = candidates[at].making.after.iter();
            open.extend(after.filter_map(|id| places.get(id)).flatten().copied());
        }
    }
    let numbered = candidates.into_iter().enumerate();
    numbered
        .filter(|(at, _)| chosen.contains(at))
        .map(|(_, candidate)| candidate)
        .collect()
}

/// Leaves out what the target has already, and asks about what it has in another form.
fn meet_the_target<'a>(
    draft: &Draft<'a>,
    candidates: Vec<Candidate<'a>>,
    notes: &mut Notes<'_>,
) -> Vec<Candidate<'a>> {
    let stays = |candidate: &Candidate<'_>| {
        let object = candidate.object;
        let table = object.table.as_ref();
        if table.is_some_and(|table| draft.existing.replaces(&draft.names.table(table))) {
            return None;
        }
        let there = draft.scope.lookup.target_others(&candidate.made.id).iter();
        there
            .copied()
            .find(|found| (&found.kind, &found.table) == (&object.kind, &candidate.made.table))
    };
    let mut left = Vec::new();
    for candidate in candidates {
        let Some(found) = stays(&candidate) else {
            left.push(candidate);
            continue;
        };
        let statements = |object: &OtherObject| {
            let making = object.making.as_ref();
            making.map(|making| making.statements.clone())
        };
        if statements(found) == statements(&candidate.made) {
            continue;
        }
        let object = candidate.object;
        let mut question = Finding::new(
            "target_not_empty",
            Severity::Decision,
            ObjectId::whole(ObjectKind::Other, object.id.clone()),
            format!("the target has another {} `{}`", object.kind, object.id),
        );
        question
            .evidence
            .extend(found.definition.iter().map(|text| format!("target: {text}")));
        question
            .evidence
            .extend(object.definition.iter().map(|text| format!("source: {text}")));
        notes.ask(
            question
                .with_choice(KEEP, "the target's stays; the source's is left out")
                .with_choice(STOP, "nothing is done"),
        );
    }
    left
}

/// Asks once for all objects that ask the same and need the same.
fn ask<'a>(draft: &Draft<'_>, candidates: Vec<Candidate<'a>>, notes: &mut Notes<'_>) -> Vec<Candidate<'a>> {
    let mut groups: BTreeMap<(&str, &[String]), Vec<&OtherObject>> = BTreeMap::new();
    for candidate in &candidates {
        if let Some(code) = &candidate.making.asks {
            let group = groups.entry((code, &candidate.making.needs)).or_default();
            group.push(candidate.object);
        }
    }
    let mut left_out: BTreeSet<(String, Vec<String>)> = BTreeSet::new();
    for ((code, needed), objects) in groups {
        let missing = missing(draft, needed);
        let subject = match needed.is_empty() {
            true => objects[0].kind.clone(),
            false => needed.join(", "),
        };
        let state = match missing.is_empty() {
            true => "which the target has".to_owned(),
            false => format!("and the target lacks `{}`", missing.join("`, `")),
        };
        let mut question = Finding::new(
            code,
            Severity::Decision,
            ObjectId::whole(ObjectKind::Other, TableId::bare(subject.clone())),
            format!("objects that need `{subject}`, {state}: {}", objects.len()),
        )
        .with_choice(
            KEEP,
            "they are made in the target too, which must have what they need by then",
        )
        .with_choice(
            LEAVE_OUT,
            "they stay behind; who may do what in the target is settled there",
        )
        .suggest(match missing.is_empty() {
            true => KEEP,
            false => LEAVE_OUT,
        });
        question.evidence = objects
            .iter()
            .take(NAMED_MAX)
            .map(|object| {
                let definition = object.definition.as_deref().unwrap_or_default();
                format!("{} `{}` {definition}", object.kind, object.id)
                    .trim_end()
                    .to_owned()
            })
            .collect();
        if notes.ask(question).is(LEAVE_OUT) {
            left_out.insert((code.to_owned(), needed.to_vec()));
        }
    }
    candidates
        .into_iter()
        .filter(|candidate| {
            let making = candidate.making;
            let group = making.asks.clone().map(|code| (code, making.needs.clone()));
            group.is_none_or(|group| !left_out.contains(&group))
        })
        .collect()
}

fn missing<'n>(draft: &Draft<'_>, needed: &'n [String]) -> Vec<&'n str> {
    let offers = &draft.scope.target.catalog.offers;
    let is_missing = |need: &&String| !offers.contains(need);
    needed.iter().filter(is_missing).map(String::as_str).collect()
}

/// Leaves out what needs something that will not be there, again and again, because others may need that.
fn drop_what_cannot_be<'a>(
    draft: &Draft<'a>,
    mut candidates: Vec<Candidate<'a>>,
    notes: &mut Notes<'_>,
) -> Vec<Candidate<'a>> {
    loop {
        let made: BTreeSet<&TableId> = candidates.iter().map(|candidate| &candidate.object.id).collect();
        let why: Vec<Option<String>> = candidates
            .iter()
            .map(|candidate| hindrance(draft, candidate, &made))
            .collect();
        if why.iter().all(Option::is_none) {
            return candidates;
        }
        let mut left = Vec::new();
        for (candidate, why) in candidates.into_iter().zip(why) {
            let Some(why) = why else {
                left.push(candidate);
                continue;
            };
            not_moved(candidate.object, &why, notes);
        }
        candidates = left;
    }
}

fn not_moved(object: &OtherObject, why: &str, notes: &mut Notes<'_>) {
    let mut finding = Finding::new(
        "not_moved",
        Severity::Warning,
        ObjectId::whole(ObjectKind::Other, object.id.clone()),
        format!("{} `{}` is not moved: {why}", object.kind, object.id),
    );
    finding.evidence.extend(object.definition.iter().cloned());
    notes.add(finding);
}

/// Says what an object needs that the target will not have.
fn hindrance(draft: &Draft<'_>, candidate: &Candidate<'_>, made: &BTreeSet<&TableId>) -> Option<String> {
    let making = candidate.making;
    if making.asks.is_none() {
        let missing = missing(draft, &making.needs);
        if !missing.is_empty() {
            return Some(format!("the target lacks `{}`", missing.join("`, `")));
        }
    }
    let lookup = draft.scope.lookup;
    let on = candidate.object.table.iter().chain(&making.after);
    for id in on {
        if made.contains(id) {
            continue;
        }
        let mut others = lookup.source_others(id).iter();
        let is_other = others.any(|other| !needs::says_something(other));
        if is_other && lookup.target_others(id).is_empty() {
            return Some(format!("it needs `{id}`, which does not move"));
        }
        if draft.scope.is_dissolved(id) {
            return Some(format!("it needs `{id}`, which the mapping splits or merges"));
        }
        let moves = draft.selection.has_table(id) || draft.selection.has_view(id);
        if draft.scope.is_relation(id) && !moves {
            return Some(format!("it needs `{id}`, which does not move"));
        }
    }
    None
}

/// Types and the objects that tables may stand on, in order.
pub(crate) fn before_tables(types: Vec<UserType>, makings: &Makings) -> Vec<(Change, ObjectId)> {
    let types = types.into_iter().map(Change::CreateType);
    let objects = makings.before_tables.iter().cloned().map(Change::CreateOther);
    in_order(types.chain(objects).collect())
        .into_iter()
        .map(|change| {
            let subject = subject(&change);
            (change, subject)
        })
        .collect()
}

/// Views and the objects among them, then all that comes last, in order; with the tables whose rows they show or that they hang on.
pub(crate) fn after_data(
    draft: &Draft<'_>,
    views: &[View],
    makings: Makings,
) -> Vec<(Change, ObjectId, Vec<TableId>)> {
    let views = views.iter().cloned().map(Change::CreateView);
    let objects = |list: Vec<OtherObject>| list.into_iter().map(Change::CreateOther);
    let mut changes = in_order(views.chain(objects(makings.among_views)).collect());
    changes.extend(in_order(objects(makings.last).collect()));
    // What is made before the tables holds no rows.
    let others = draft.scope.source.catalog.others.iter();
    let mut behind: BTreeMap<TableId, BTreeSet<TableId>> = others
        .filter(|other| other.table.is_none() && !needs::says_something(other))
        .map(|other| (draft.respelling.id(&draft.scope, &other.id), BTreeSet::new()))
        .collect();
    let mut planned = Vec::with_capacity(changes.len());
    for change in changes {
        let mut on_table = None;
        if let Change::CreateOther(object) = &change {
            on_table = object.table.as_ref();
        }
        let mut tables: BTreeSet<TableId> = BTreeSet::new();
        for id in after(&change).into_iter().chain(on_table) {
            match behind.get(id) {
                Some(further) => tables.extend(further.iter().cloned()),
                None => drop(tables.insert(id.clone())),
            }
        }
        if let Some(id) = made(&change) {
            behind
                .entry(id.clone())
                .or_default()
                .extend(tables.iter().cloned());
        }
        let subject = subject(&change);
        planned.push((change, subject, tables.into_iter().collect()));
    }
    planned
}

/// Tells whether an index calls functions of the user's and must be made before the rows for that.
pub(crate) fn comes_before_rows(draft: &Draft<'_>, change: &Change) -> bool {
    let scope = &draft.scope;
    let Change::CreateIndex { index, .. } = change else {
        return false;
    };
    if !scope.equal || !scope.target.dialect.indexes_with_functions_come_first() {
        return false;
    }
    let names = needs::qualified_names(index.definition.as_deref().unwrap_or_default());
    let names: BTreeSet<QualifiedName> = names.into_iter().collect();
    scope.source.catalog.others.iter().any(|other| {
        let making = other.making.as_ref();
        let comes_first = making.is_some_and(|making| making.stage == MakingStage::BeforeTables);
        comes_first && names.contains(&lookup::bare_name(&draft.respelling.id(scope, &other.id)))
    })
}

fn subject(change: &Change) -> ObjectId {
    let kind = if matches!(change, Change::CreateType(_)) {
        ObjectKind::Type
    } else if matches!(change, Change::CreateView(_)) {
        ObjectKind::View
    } else {
        ObjectKind::Other
    };
    ObjectId::whole(kind, made(change).cloned().unwrap_or_else(|| TableId::bare("")))
}

/// Puts types, objects and views in an order in which each stands after what it needs; otherwise they stay in the order given.
fn in_order(changes: Vec<Change>) -> Vec<Change> {
    let mut by_id: BTreeMap<TableId, Vec<usize>> = BTreeMap::new();
    let mut by_name: BTreeMap<QualifiedName, Vec<usize>> = BTreeMap::new();
    for (at, change) in changes.iter().enumerate() {
        let Some(id) = made(change) else { continue };
        by_id.entry(id.clone()).or_default().push(at);
        by_name.entry(lookup::bare_name(id)).or_default().push(at);
    }
    let needed: Vec<BTreeSet<usize>> = changes
        .iter()
        .enumerate()
        .map(|(at, change)| {
            let ids = after(change).into_iter().filter_map(|id| by_id.get(id));
            let names: BTreeSet<QualifiedName> = texts(change)
                .into_iter()
                .flat_map(needs::qualified_names)
                .collect();
            let named = names.iter().filter_map(|name| by_name.get(name));
            let mut on: BTreeSet<usize> = ids.chain(named).flatten().copied().collect();
            on.remove(&at);
            on
        })
        .collect();
    let mut order = Vec::with_capacity(changes.len());
    let mut state = vec![false; changes.len()];
    for at in 0..changes.len() {
        place(at, &needed, &mut state, &mut order);
    }
    let mut changes: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| changes[at].take()).collect()
}

/// Places what is needed first; one of a circle comes as it stands.
fn place(at: usize, needed: &[BTreeSet<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    if std::mem::replace(&mut seen[at], true) {
        return;
    }
    for &other in &needed[at] {
        place(other, needed, seen, order);
    }
    order.push(at);
}

fn made(change: &Change) -> Option<&TableId> {
    match change {
        Change::CreateType(user_type) => Some(&user_type.id),
        Change::CreateOther(object) => Some(&object.id),
        Change::CreateView(view) => Some(&view.id),
        Change::CreateNamespace(_)
        | Change::CreateSequence(_)
        | Change::CreateTable { .. }
        | Change::OwnSequence { .. }
        | Change::AddPrimaryKey { .. }
        | Change::AddUnique { .. }
        | Change::AddCheck { .. }
        | Change::AddExclusion { .. }
        | Change::CreateIndex { .. }
        | Change::AddForeignKey { .. }
        | Change::CreateCollation(_)
        | Change::StampOnUpdate { .. }
        | Change::MoveAside { .. } => None,
    }
}

fn after(change: &Change) -> Vec<&TableId> {
    if let Change::CreateOther(object) = change {
        let making = object.making.as_ref();
        making
            .map(|making| making.after.iter().collect())
            .unwrap_or_default()
    } else if let Change::CreateView(view) = change {
        view.reads.iter().collect()
    } else {
        Vec::new()
    }
}

/// What can only be read out of definitions: the functions that a type or a view calls.
fn texts(change: &Change) -> Vec<&str> {
    if let Change::CreateType(user_type) = change {
        type_texts(&user_type.kind)
    } else if let Change::CreateView(view) = change {
        vec![&view.query]
    } else {
        Vec::new()
    }
}

fn type_texts(kind: &UserTypeKind) -> Vec<&str> {
    match kind {
        UserTypeKind::Enum { .. } => Vec::new(),
        UserTypeKind::Domain {
            base,
            default,
            checks,
            ..
        } => {
            let mut texts = vec![base.as_str()];
            texts.extend(default.as_deref());
            texts.extend(checks.iter().map(|check| check.expression.as_str()));
            texts
        }
        UserTypeKind::Composite { attributes } => {
            attributes.iter().map(|(_, native)| native.as_str()).collect()
        }
        UserTypeKind::Range { subtype, options } => vec![subtype, options],
    }
}
