//! Gives every object its name in the target: namespaces, length limits, folded case, names that are taken or reserved.
//! Renames are deterministic, so that equal databases get equal plans.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{
    Dialect, Finding, NameLimit, ObjectId, ObjectKind, STOP, Severity, Table, TableId, View, hash_of,
};

use crate::clashes::{self, Called, Given};
use crate::notes::Notes;
use crate::scope::{Scope, column_subject, table_subject};
use crate::select::Selection;

/// Digits of the hash that tells shortened or clashing names apart.
const HASH_DIGITS: usize = 8;

/// The names in the target.
#[derive(Default)]
pub(crate) struct Names {
    /// Tables, views, sequences and types, by kind and name in the source.
    whole: BTreeMap<(ObjectKind, TableId), TableId>,
    /// Columns of each source table.
    columns: BTreeMap<TableId, BTreeMap<String, String>>,
    /// Names in use, by namespace, in the form in which the target compares them.
    taken: BTreeMap<Option<String>, BTreeSet<String>>,
    /// Those of them that a mapping gave.
    given: Given,
    /// Names of the constraints of each target table.
    constraints: BTreeMap<TableId, BTreeSet<String>>,
    /// Names of checks and foreign keys by namespace, where they are unique there.
    rules: BTreeMap<(ObjectKind, Option<String>), BTreeSet<String>>,
}

/// A part of a table that needs a name: a key, a constraint or an index.
pub(crate) struct Part<'p> {
    /// What it is at the source.
    pub(crate) subject: &'p ObjectId,
    /// The target table.
    pub(crate) table: &'p TableId,
    /// The name it should have.
    pub(crate) wanted: &'p str,
    /// Names of other parts of the table that it cannot have, besides those of its own space.
    pub(crate) beside: &'p [String],
}

impl Part<'_> {
    fn taken_beside(&self, scope: &Scope<'_>) -> BTreeSet<String> {
        let names = self.beside.iter();
        names
            .map(|name| folded_as(scope, self.subject.kind, name))
            .collect()
    }
}

/// Why a name had to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    TooLong,
    Taken,
    Reserved,
    LowerCase,
}

/// A name to give.
struct Wanted<'a> {
    kind: ObjectKind,
    name: &'a str,
    /// What makes the hash suffix differ: the whole name in the source.
    salt: String,
}

impl Names {
    pub(crate) fn table(&self, source: &TableId) -> TableId {
        self.of(ObjectKind::Table, source)
    }

    pub(crate) fn view(&self, source: &TableId) -> TableId {
        self.of(ObjectKind::View, source)
    }

    pub(crate) fn sequence(&self, source: &TableId) -> TableId {
        self.of(ObjectKind::Sequence, source)
    }

    /// What plays a sequence's part behind a column, in an engine without named ones.
    fn behind(&self, table: &TableId, column: &str) -> TableId {
        let (table, column) = (self.table(table), self.column(table, column));
        TableId {
            name: format!("{}_{column}_seq", table.name),
            ..table
        }
    }

    pub(crate) fn user_type(&self, source: &TableId) -> TableId {
        self.of(ObjectKind::Type, source)
    }

    pub(crate) fn column(&self, table: &TableId, column: &str) -> String {
        self.columns
            .get(table)
            .and_then(|columns| columns.get(column))
            .map_or_else(|| column.to_owned(), Clone::clone)
    }

    /// The columns of a table or view with their names in the target.
    pub(crate) fn columns(&self, table: &TableId) -> impl Iterator<Item = (&String, &String)> {
        self.columns.get(table).into_iter().flatten()
    }

    /// The columns of a table whose names change.
    pub(crate) fn renamed_columns(&self, table: &TableId) -> BTreeMap<String, String> {
        self.columns
            .get(table)
            .into_iter()
            .flatten()
            .filter(|(from, to)| from != to)
            .map(|(from, to)| (from.clone(), to.clone()))
            .collect()
    }

    /// The tables and views that are read, as the source and as the target names them.
    pub(crate) fn relations(&self, reads: &[TableId]) -> BTreeMap<TableId, TableId> {
        let named = |id: &TableId| {
            let kinds = [ObjectKind::Table, ObjectKind::View];
            let target = kinds
                .into_iter()
                .find_map(|kind| self.whole.get(&(kind, id.clone())));
            target.map(|target| (id.clone(), target.clone()))
        };
        reads.iter().filter_map(named).collect()
    }

    /// Marks a name of the target's own as taken.
    pub(crate) fn reserve(&mut self, scope: &Scope<'_>, id: &TableId) {
        let name = folded(scope, &id.name);
        self.taken.entry(id.namespace.clone()).or_default().insert(name);
    }

    /// Marks the name of a check or foreign key of the target's own as taken, where such names are unique in their namespace.
    pub(crate) fn reserve_rule(&mut self, scope: &Scope<'_>, kind: ObjectKind, table: &TableId, name: &str) {
        let place = (kind, table.namespace.clone());
        let name = folded_as(scope, kind, name);
        self.rules.entry(place).or_default().insert(name);
    }

    /// Names a constraint. Keys that make an index share the index's space.
    pub(crate) fn constraint(&mut self, scope: &Scope<'_>, part: &Part<'_>, notes: &mut Notes<'_>) -> String {
        let Part {
            subject,
            table: target,
            wanted,
            ..
        } = *part;
        if scope.inline() {
            return wanted.to_owned();
        }
        let request = Wanted {
            kind: subject.kind,
            name: wanted,
            salt: format!("{} {subject}", subject.kind),
        };
        let capabilities = scope.target.capabilities;
        let is_rule = matches!(subject.kind, ObjectKind::Check | ObjectKind::ForeignKey);
        let mut own = match is_rule && !capabilities.index_names_per_namespace {
            // Where indexes have names of their own table's only, rules share none with them.
            true => BTreeSet::new(),
            false => self.constraints.remove(target).unwrap_or_default(),
        };
        let mut none = BTreeSet::new();
        let space = if !is_rule && capabilities.index_names_per_namespace {
            self.taken.entry(target.namespace.clone()).or_default()
        } else if is_rule && capabilities.constraint_names_per_namespace {
            let place = (subject.kind, target.namespace.clone());
            self.rules.entry(place).or_default()
        } else {
            &mut none
        };
        let (name, change) = allot(scope, &request, &[&own, space, &part.taken_beside(scope)]);
        space.insert(folded_as(scope, subject.kind, &name));
        if !is_rule || capabilities.index_names_per_namespace {
            own.insert(folded_as(scope, subject.kind, &name));
            self.constraints.insert(target.clone(), own);
        }
        tell(subject, wanted, &name, change, notes);
        name
    }

    /// Names a column that the source does not have.
    pub(crate) fn helper_column(&self, scope: &Scope<'_>, table: &TableId, wanted: &str) -> String {
        let columns = self.columns.get(table).into_iter().flatten();
        let taken: BTreeSet<String> = columns
            .map(|(_, name)| folded_as(scope, ObjectKind::Column, name))
            .collect();
        let request = Wanted {
            kind: ObjectKind::Column,
            name: wanted,
            salt: format!("column {table} {wanted}"),
        };
        allot(scope, &request, &[&taken]).0
    }

    /// Names an index of a target table.
    pub(crate) fn index(&mut self, scope: &Scope<'_>, part: &Part<'_>, notes: &mut Notes<'_>) -> String {
        let Part {
            subject,
            table: target,
            wanted,
            ..
        } = *part;
        let request = Wanted {
            kind: ObjectKind::Index,
            name: wanted,
            salt: format!("index {subject}"),
        };
        let per_namespace = scope.target.capabilities.index_names_per_namespace;
        let space = match per_namespace {
            true => self.taken.entry(target.namespace.clone()).or_default(),
            false => self.constraints.entry(target.clone()).or_default(),
        };
        let (name, change) = allot(scope, &request, &[space, &part.taken_beside(scope)]);
        space.insert(folded_as(scope, ObjectKind::Index, &name));
        tell(subject, wanted, &name, change, notes);
        name
    }

    /// Names the sequence behind an identity column, which the source may not have.
    pub(crate) fn implicit_sequence(
        &mut self,
        scope: &Scope<'_>,
        target: &TableId,
        wanted: &str,
        column: &str,
    ) -> TableId {
        let request = Wanted {
            kind: ObjectKind::Sequence,
            name: wanted,
            salt: format!("sequence {target}.{column}"),
        };
        let space = self.taken.entry(target.namespace.clone()).or_default();
        let (name, _) = allot(scope, &request, &[space]);
        space.insert(folded(scope, &name));
        TableId {
            namespace: target.namespace.clone(),
            name,
        }
    }

    /// Names a type that the source does not have, beside a source table.
    pub(crate) fn enum_type(&mut self, scope: &Scope<'_>, table: &TableId, wanted: &str) -> TableId {
        let namespace = self.table(table).namespace;
        let request = Wanted {
            kind: ObjectKind::Type,
            name: wanted,
            salt: format!("type {table} {wanted}"),
        };
        let space = self.taken.entry(namespace.clone()).or_default();
        let (name, _) = allot(scope, &request, &[space]);
        space.insert(folded(scope, &name));
        TableId { namespace, name }
    }

    fn of(&self, kind: ObjectKind, source: &TableId) -> TableId {
        self.whole
            .get(&(kind, source.clone()))
            .map_or_else(|| source.clone(), Clone::clone)
    }

    /// Names a table. Where a mapping gave the name, or the one that it meets, none gives way to the other.
    fn whole_table(&mut self, scope: &Scope<'_>, table: &Table, notes: &mut Notes<'_>) {
        let wanted = home(scope, &table.id);
        let name = folded(scope, &wanted.name);
        let space = wanted.namespace.as_ref();
        let is_given = clashes::is_given(scope, table);
        let is_met = is_given || self.given.has(space, &name);
        if is_given {
            self.given.note(space, name);
        }
        match self.settle(scope, ObjectKind::Table, &table.id) {
            Some(Change::Taken) if is_met => {
                let subject = ObjectId::whole(ObjectKind::Table, table.id.clone());
                clashes::refuse_table(subject, &wanted, notes);
            }
            change => self.tell_of_whole(scope, (ObjectKind::Table, &table.id), change, notes),
        }
    }

    fn whole(&mut self, scope: &Scope<'_>, kind: ObjectKind, source: &TableId, notes: &mut Notes<'_>) {
        let change = self.settle(scope, kind, source);
        self.tell_of_whole(scope, (kind, source), change, notes);
    }

    fn tell_of_whole(
        &self,
        scope: &Scope<'_>,
        (kind, source): (ObjectKind, &TableId),
        change: Option<Change>,
        notes: &mut Notes<'_>,
    ) {
        let subject = ObjectId::whole(kind, source.clone());
        let (wanted, target) = (written(scope, source), self.of(kind, source));
        tell(&subject, &wanted.name, &target.name, change, notes);
    }

    /// Finds the name, and why it is not the wanted one.
    fn settle(&mut self, scope: &Scope<'_>, kind: ObjectKind, source: &TableId) -> Option<Change> {
        let wanted = home(scope, source);
        let request = Wanted {
            kind,
            name: &wanted.name,
            salt: format!("{kind} {source}"),
        };
        let space = self.taken.entry(wanted.namespace.clone()).or_default();
        let (name, change) = allot(scope, &request, &[space]);
        space.insert(folded(scope, &name));
        let is_lowered = wanted.name != written(scope, source).name;
        let target = TableId {
            namespace: wanted.namespace,
            name,
        };
        self.whole.insert((kind, source.clone()), target);
        change.or(is_lowered.then_some(Change::LowerCase))
    }
}

/// Names everything that has a name of its own: tables first, so that they keep theirs when something else wants it too.
pub(crate) fn name(scope: &Scope<'_>, selection: &Selection<'_>, notes: &mut Notes<'_>) -> Names {
    let mut names = Names::default();
    report_prefixes(scope, selection, notes);
    report_given_prefixes(scope, selection, notes);
    for table in &selection.tables {
        names.whole_table(scope, table, notes);
        let named = name_columns(scope, table, notes);
        names.columns.insert(table.id.clone(), named);
    }
    for view in &selection.views {
        names.whole(scope, ObjectKind::View, &view.id, notes);
        if !scope.equal {
            let named = name_view_columns(scope, view, notes);
            names.columns.insert(view.id.clone(), named);
        }
    }
    if scope.equal {
        for user_type in &selection.types {
            names.whole(scope, ObjectKind::Type, &user_type.id, notes);
        }
        for sequence in &selection.sequences {
            match &sequence.owned_by {
                // Without named sequences, what plays their part is called after its column, and nothing clashes with it.
                Some((table, column)) if !scope.target.capabilities.user_types => {
                    let called = names.behind(table, column);
                    names
                        .whole
                        .insert((ObjectKind::Sequence, sequence.id.clone()), called);
                }
                _ => names.whole(scope, ObjectKind::Sequence, &sequence.id, notes),
            }
        }
    }
    names
}

/// Where an object of the source's goes, before anything about its name had to change for others' sake.
pub(crate) fn home(scope: &Scope<'_>, source: &TableId) -> TableId {
    let written = written(scope, source);
    match scope.target.capabilities.table_names_in_lower_case {
        true => TableId {
            name: written.name.to_lowercase(),
            ..written
        },
        false => written,
    }
}

/// As [`home`], in the letters of whoever gave the name.
fn written(scope: &Scope<'_>, source: &TableId) -> TableId {
    let (from, to) = (scope.source.capabilities, scope.target.capabilities);
    let renames = &scope.input.wishes.renames;
    if let Some(wanted) = renames.tables.get(source) {
        let namespace = wanted.namespace.as_ref();
        let namespace = namespace.map(|name| renames.namespaces.get(name).unwrap_or(name));
        return match (namespace, to.namespaces) {
            (Some(namespace), false) if is_home(scope, namespace) => TableId::bare(wanted.name.clone()),
            (Some(namespace), false) if from.default_namespace != Some(namespace.as_str()) => {
                TableId::bare(format!("{namespace}_{}", wanted.name))
            }
            (Some(_), false) => TableId::bare(wanted.name.clone()),
            (None, true) => TableId {
                namespace: to.default_namespace.map(str::to_owned),
                name: wanted.name.clone(),
            },
            (Some(namespace), true) => TableId::new(namespace, &wanted.name),
            (None, false) => wanted.clone(),
        };
    }
    let namespace = source.namespace.as_ref();
    if let Some(wanted) = namespace.and_then(|namespace| renames.namespaces.get(namespace)) {
        return match to.namespaces {
            true => TableId::new(wanted, &source.name),
            false if is_home(scope, wanted) => TableId::bare(source.name.clone()),
            false => TableId::bare(format!("{wanted}_{}", source.name)),
        };
    }
    match (namespace, to.namespaces) {
        (Some(_), true) => source.clone(),
        (None, true) => TableId {
            namespace: to.default_namespace.map(str::to_owned),
            name: source.name.clone(),
        },
        (Some(namespace), false) if from.default_namespace != Some(namespace.as_str()) => {
            TableId::bare(format!("{namespace}_{}", source.name))
        }
        (Some(_) | None, false) => TableId::bare(source.name.clone()),
    }
}

/// Tells whether a mapping means the target's only namespace by the name.
fn is_home(scope: &Scope<'_>, namespace: &str) -> bool {
    let to = scope.target.capabilities;
    let home = to.home.as_deref();
    home.is_some_and(|home| to.names.folded(home) == to.names.folded(namespace))
}

/// A name in the form in which the target compares names.
pub(crate) fn folded(scope: &Scope<'_>, name: &str) -> String {
    scope.target.capabilities.names.folded(name)
}

/// As [`folded`], for a name of the kind: those of the parts of tables may be compared in fewer letters.
fn folded_as(scope: &Scope<'_>, kind: ObjectKind, name: &str) -> String {
    let capabilities = scope.target.capabilities;
    let names = match kind {
        ObjectKind::ForeignKey => capabilities.foreign_key_names,
        ObjectKind::Column
        | ObjectKind::Index
        | ObjectKind::PrimaryKey
        | ObjectKind::Unique
        | ObjectKind::Check => capabilities.part_names,
        ObjectKind::Namespace
        | ObjectKind::Type
        | ObjectKind::Sequence
        | ObjectKind::Table
        | ObjectKind::Exclusion
        | ObjectKind::View
        | ObjectKind::Comment
        | ObjectKind::Other => capabilities.names,
    };
    names.folded(name)
}

fn name_columns(scope: &Scope<'_>, table: &Table, notes: &mut Notes<'_>) -> BTreeMap<String, String> {
    let mut taken = BTreeSet::new();
    let mut holders: BTreeMap<String, Called<'_>> = BTreeMap::new();
    let mut named = BTreeMap::new();
    let renamed = scope.input.wishes.renames.columns.get(&table.id);
    for column in &table.columns {
        let column = column.name.as_str();
        let subject = column_subject(&table.id, column);
        let wanted = renamed.and_then(|renamed| renamed.get(column));
        let wanted = wanted.map_or(column, String::as_str);
        let request = Wanted {
            kind: ObjectKind::Column,
            name: wanted,
            salt: format!("column {subject}"),
        };
        let (name, change) = allot(scope, &request, &[&taken]);
        let own = Called { column, name: wanted };
        let holder = holders.get(&folded_as(scope, ObjectKind::Column, wanted));
        let holder = holder.filter(|_| change == Some(Change::Taken));
        let is_refused =
            holder.is_some_and(|holder| clashes::refuse_column(scope, table, [*holder, own], notes));
        let folded = folded_as(scope, ObjectKind::Column, &name);
        holders.insert(folded.clone(), own);
        taken.insert(folded);
        if !is_refused {
            tell(&subject, wanted, &name, change, notes);
        }
        named.insert(column.to_owned(), name);
    }
    named
}

/// Names the columns of a view. What the query calls them does not matter where the view lists them.
fn name_view_columns(scope: &Scope<'_>, view: &View, notes: &mut Notes<'_>) -> BTreeMap<String, String> {
    let mut taken = BTreeSet::new();
    let mut named = BTreeMap::new();
    for column in &view.columns {
        let subject = column_subject(&view.id, column);
        let request = Wanted {
            kind: ObjectKind::Column,
            name: column,
            salt: format!("column {subject}"),
        };
        let (name, change) = allot(scope, &request, &[&taken]);
        taken.insert(folded_as(scope, ObjectKind::Column, &name));
        tell(&subject, column, &name, change, notes);
        named.insert(column.clone(), name);
    }
    named
}

/// Finds a free name that fits: the wanted one, else one with a hash of where it comes from.
fn allot(scope: &Scope<'_>, wanted: &Wanted<'_>, spaces: &[&BTreeSet<String>]) -> (String, Option<Change>) {
    let room = Room::of(scope, wanted.kind);
    let is_free = |name: &str| {
        let name = folded_as(scope, wanted.kind, name);
        !spaces.iter().any(|space| space.contains(&name))
    };
    let reserved = |name: &str| !scope.equal && scope.target.dialect.reserves(wanted.kind, name);
    let change = if !room.takes(wanted.name) {
        Change::TooLong
    } else if reserved(wanted.name) {
        Change::Reserved
    } else if !is_free(wanted.name) {
        Change::Taken
    } else {
        return (wanted.name.to_owned(), None);
    };
    let base = match change {
        // A reserved prefix must not stay in front, nor a letter inside that no name may have.
        Change::Reserved => {
            let possible = |letter: char| match reserved(&format!("x{letter}x")) {
                true => '_',
                false => letter,
            };
            format!("x_{}", wanted.name.chars().map(possible).collect::<String>())
        }
        Change::TooLong | Change::Taken | Change::LowerCase => wanted.name.to_owned(),
    };
    let mut salt = wanted.salt.clone();
    loop {
        let name = with_suffix(&base, &hash_of(&salt)[..HASH_DIGITS], &room);
        if is_free(&name) {
            return (name, Some(change));
        }
        salt.push('+');
    }
}

/// `base_suffix`, with the base cut at a character so that the whole fits.
fn with_suffix(base: &str, suffix: &str, room: &Room<'_>) -> String {
    let mut base = base.to_owned();
    loop {
        let name = format!("{base}_{suffix}");
        if room.takes(&name) || base.pop().is_none() {
            return name;
        }
    }
}

/// How long a name of a kind may be.
struct Room<'a> {
    kind: ObjectKind,
    limit: Option<NameLimit>,
    dialect: &'a dyn Dialect,
}

impl<'a> Room<'a> {
    fn of(scope: &Scope<'a>, kind: ObjectKind) -> Self {
        Self {
            kind,
            limit: scope.target.capabilities.name_limit,
            dialect: scope.target.dialect,
        }
    }

    /// Tells whether a name is short enough.
    fn takes(&self, name: &str) -> bool {
        let is_short = match self.limit {
            None => true,
            Some(NameLimit::Bytes(max)) => name.len() <= max,
            Some(NameLimit::Chars(max)) => name.chars().count() <= max,
        };
        is_short && self.dialect.has_room_for(self.kind, name)
    }
}

/// Says that a name changed. A collision of tables or columns is a question, since programs use these names.
fn tell(subject: &ObjectId, wanted: &str, name: &str, change: Option<Change>, notes: &mut Notes<'_>) {
    let Some(change) = change else { return };
    let used_by_programs = matches!(
        subject.kind,
        ObjectKind::Table | ObjectKind::View | ObjectKind::Column
    );
    let kind = subject.kind;
    let why = match change {
        Change::TooLong => "is too long for the target",
        Change::Taken => "is taken in the target",
        Change::Reserved => "is reserved by the target",
        Change::LowerCase => "is kept in lower case by the target",
    };
    let message = format!("{kind} name `{wanted}` {why} and becomes `{name}`");
    if change == Change::Taken && used_by_programs {
        notes.ask(
            Finding::new("name_collision", Severity::Decision, subject.clone(), message)
                .with_choice("rename", format!("the {kind} is called `{name}`"))
                .with_choice(
                    STOP,
                    "the migration waits until the source has another name for it",
                )
                .suggest("rename"),
        );
    } else if used_by_programs {
        notes.warn("name_changed", subject.clone(), message);
    } else {
        notes.info("name_changed", subject.clone(), message);
    }
}

/// The place that a mapping names for a table, when it is not the table's own.
fn place_given<'a>(scope: &Scope<'a>, id: &TableId) -> Option<&'a TableId> {
    let given = scope.input.wishes.renames.tables.get(id)?;
    (given.namespace != id.namespace || given == id).then_some(given)
}

/// A namespace that a mapping names and the target does not have becomes a prefix, too.
fn report_given_prefixes(scope: &Scope<'_>, selection: &Selection<'_>, notes: &mut Notes<'_>) {
    let capabilities = scope.target.capabilities;
    if capabilities.namespaces {
        return;
    }
    for table in &selection.tables {
        let Some(given) = place_given(scope, &table.id) else {
            continue;
        };
        let becomes = written(scope, &table.id);
        if becomes.name == given.name {
            continue;
        }
        let message = format!("the target has no namespaces: the mapping's `{given}` becomes `{becomes}`");
        let instead = match &capabilities.home {
            Some(home) => TableId::new(home, &given.name),
            None => TableId::bare(&given.name),
        };
        let hint = format!("hint: for a table `{}` write to = \"{instead}\"", given.name);
        notes.add(
            Finding::new(
                "name_changed",
                Severity::Warning,
                table_subject(&table.id),
                message,
            )
            .with_evidence(hint),
        );
    }
}

/// Namespaces that the target does not have become prefixes; said once for each.
fn report_prefixes(scope: &Scope<'_>, selection: &Selection<'_>, notes: &mut Notes<'_>) {
    if scope.target.capabilities.namespaces || !scope.source.capabilities.namespaces {
        return;
    }
    for namespace in &selection.namespaces {
        if scope.source.capabilities.default_namespace == Some(namespace) {
            continue;
        }
        let lives_here =
            |id: &&TableId| id.namespace.as_ref() == Some(namespace) && place_given(scope, id).is_none();
        let tables = selection.tables.iter().map(|table| &table.id);
        let mut ids = tables.chain(selection.views.iter().map(|view| &view.id));
        let Some(first) = ids.find(lives_here) else {
            continue;
        };
        let subject = ObjectId::whole(ObjectKind::Namespace, TableId::bare(namespace.clone()));
        let example = format!("`{first}` becomes `{}`", home(scope, first));
        match scope.input.origins.is_empty() {
            true => notes.warn(
                "name_changed",
                subject,
                format!(
                    "the target has no namespaces: {example}, and so does all in namespace `{namespace}`"
                ),
            ),
            // A namespace is then how the tables of a source are told from those of others: nobody's programs know it.
            false => notes.info(
                "name_changed",
                subject,
                format!("the target has no namespaces: {example}, and all others of `{namespace}` likewise"),
            ),
        }
    }
}
