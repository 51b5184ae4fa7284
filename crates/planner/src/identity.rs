//! Columns that number themselves: identity, auto-increment and defaults that take from a sequence, and what they become in the target.

use std::collections::BTreeMap;

use whimbrel_core::{
    Column, Deferral, Feature, Finding, Identity, Key, LEAVE_OUT, LogicalType, OWN_TEXT, Sequence, Severity,
    Table, TableId, UNTRANSLATED,
};

use crate::names::Names;
use crate::needs::mentions;
use crate::notes::Notes;
use crate::scope::{Scope, Spot};
use crate::select::Selection;

/// How a column numbers itself in the target.
pub(crate) struct Numbered {
    /// GENERATED ALWAYS.
    pub(crate) always: bool,
    /// True when numbers are never used again.
    pub(crate) never_reused: bool,
    /// The sequence behind it, as the source names it.
    pub(crate) source_sequence: TableId,
    /// The same, as the target names it.
    pub(crate) target_sequence: TableId,
}

impl Numbered {
    /// The column's identity in the target's terms. An engine without named sequences has none to point to.
    pub(crate) fn identity(&self, scope: &Scope<'_>, source: &Column) -> Identity {
        let named = match (scope.equal, &source.identity) {
            (true, Some(identity)) => identity.sequence.is_some(),
            (true | false, _) => scope.target.capabilities.user_types,
        };
        Identity {
            always: self.always,
            never_reused: self.never_reused,
            sequence: named.then(|| self.target_sequence.clone()),
        }
    }
}

/// What becomes of the columns that number themselves, by source table and column.
#[derive(Default)]
pub(crate) struct Numbering {
    pub(crate) columns: BTreeMap<(TableId, String), Numbered>,
    /// Sequence defaults that could not become an identity: the text to use instead, if any.
    pub(crate) defaults: BTreeMap<(TableId, String), Option<String>>,
}

impl Numbering {
    pub(crate) fn of(&self, table: &TableId, column: &str) -> Option<&Numbered> {
        self.columns.get(&(table.clone(), column.to_owned()))
    }
}

/// Decides for every chosen column.
pub(crate) fn number<'a>(
    scope: &Scope<'a>,
    selection: &Selection<'a>,
    names: &mut Names,
    notes: &mut Notes<'_>,
) -> Numbering {
    let mut numbering = Numbering::default();
    let columns = selection.tables.iter().flat_map(|table| &table.columns);
    let takers = Takers::of(scope, columns);
    for table in &selection.tables {
        let only = only_one(scope, table);
        let has_room = |spot: &Spot<'_, '_>| only.as_ref().is_none_or(|only| only == &spot.column.name);
        for column in &table.columns {
            let spot = Spot { scope, table, column };
            if let Some(identity) = &column.identity {
                let has_room = scope.equal || has_room(&spot);
                let numbered = from_identity(&spot, (identity, has_room), names, notes);
                if let Some(numbered) = numbered {
                    numbering.columns.insert(spot.place(), numbered);
                }
            } else if let Some(sequence) = sequence_of_default(&spot) {
                if can_number(&spot) && has_room(&spot) && !takers.share(sequence) {
                    let numbered = from_sequence(&spot, sequence, names);
                    numbering.columns.insert(spot.place(), numbered);
                } else {
                    let text = ask_for_default(&spot, sequence, notes);
                    numbering.defaults.insert(spot.place(), text);
                }
            }
        }
    }
    numbering
}

/// The one column that numbers itself, where the target has only one in each table: the first of the primary key, else the first of all. None
/// where there is room for all of them.
fn only_one(scope: &Scope<'_>, table: &Table) -> Option<String> {
    if scope.target.capabilities.user_types {
        return None;
    }
    let numbered = || {
        let spots = table.columns.iter().map(|column| Spot { scope, table, column });
        spots.filter(|spot| spot.column.identity.is_some() || sequence_of_default(spot).is_some())
    };
    let leads_primary_key = |spot: &Spot<'_, '_>| {
        let key = table.primary_key.as_ref();
        key.is_some_and(|key| key.columns.first() == Some(&spot.column.name))
    };
    let able = || numbered().filter(can_number);
    let found = able().find(leads_primary_key).or_else(|| able().next());
    found.map(|spot| spot.column.name.clone())
}

fn from_identity(
    spot: &Spot<'_, '_>,
    (identity, has_room): (&Identity, bool),
    names: &mut Names,
    notes: &mut Notes<'_>,
) -> Option<Numbered> {
    let (scope, subject) = (spot.scope, spot.subject());
    let is_kept = (scope.equal && is_still_numbered(spot)) || (has_room && can_number(spot));
    if !is_kept {
        notes.ask(
            Finding::new(
                "feature_left_out",
                Severity::Decision,
                subject.clone(),
                format!("column `{subject}` cannot number itself in the target"),
            )
            .with_choice(LEAVE_OUT, "the values arrive; new rows must bring their own")
            .suggest(LEAVE_OUT),
        );
        return None;
    }
    let always = identity.always && scope.keeps(Feature::IdentityAlways);
    if identity.always && !always {
        notes.warn(
            "feature_left_out",
            subject.clone(),
            format!("column `{subject}` will accept values of the user's own"),
        );
    }
    let source_sequence = identity
        .sequence
        .clone()
        .unwrap_or_else(|| default_sequence(&spot.table.id, &spot.column.name));
    let target_sequence = target_sequence(spot, &source_sequence, names);
    Some(Numbered {
        always,
        never_reused: identity.never_reused,
        source_sequence,
        target_sequence,
    })
}

/// Tells whether the same engine numbers the column: a mapping may have taken away the key that it needs.
fn is_still_numbered(spot: &Spot<'_, '_>) -> bool {
    let scope = spot.scope;
    let has_key = || match scope.inline() {
        true => spot.is_sole_primary_key(),
        false => leads_key(spot),
    };
    spot.table.parts.is_empty() || scope.target.capabilities.user_types || has_key()
}

fn from_sequence(spot: &Spot<'_, '_>, sequence: &Sequence, names: &mut Names) -> Numbered {
    Numbered {
        always: false,
        never_reused: true,
        source_sequence: sequence.id.clone(),
        target_sequence: target_sequence(spot, &sequence.id, names),
    }
}

fn target_sequence(spot: &Spot<'_, '_>, source: &TableId, names: &mut Names) -> TableId {
    let scope = spot.scope;
    let target = names.table(&spot.table.id);
    let target_column = names.column(&spot.table.id, &spot.column.name);
    if scope.equal {
        return names.sequence(source);
    }
    let wanted = default_sequence(&target, &target_column);
    match scope.target.capabilities.user_types {
        true => names.implicit_sequence(scope, &target, &wanted.name, &target_column),
        false => wanted,
    }
}

/// The name of what plays a sequence's part where sequences have no names.
fn default_sequence(table: &TableId, column: &str) -> TableId {
    TableId {
        namespace: table.namespace.clone(),
        name: format!("{}_{column}_seq", table.name),
    }
}

/// The sequence that a column's default takes from; only asked across engines, where such a default means nothing to the target.
fn sequence_of_default<'a>(spot: &Spot<'_, 'a>) -> Option<&'a Sequence> {
    let default = spot.column.default.as_deref().filter(|_| !spot.scope.equal)?;
    if !takes_from_sequence(default) {
        return None;
    }
    if let Some(sequence) = plainly_named(spot.scope, default) {
        return Some(sequence);
    }
    let sequences = &spot.scope.source.catalog.sequences;
    let is_owned = |sequence: &&Sequence| {
        sequence.owned_by.as_ref() == Some(&spot.place()) && mentions(default, &sequence.id.name)
    };
    let is_qualified = |sequence: &&Sequence| {
        let namespace = sequence.id.namespace.as_deref().unwrap_or_default();
        mentions(default, &sequence.id.name) && mentions(default, namespace)
    };
    sequences
        .iter()
        .find(is_owned)
        .or_else(|| sequences.iter().find(is_qualified))
        .or_else(|| {
            sequences
                .iter()
                .find(|sequence| mentions(default, &sequence.id.name))
        })
}

fn takes_from_sequence(default: &str) -> bool {
    default.to_ascii_lowercase().contains("nextval")
}

/// Tells whether the target can let the column number itself: an engine with sequences any integer, another the first column of any key, or
/// only its sole integer primary key. Flavours of one server number what the other does.
fn can_number(spot: &Spot<'_, '_>) -> bool {
    let target = spot.scope.target;
    let is_kin = spot.scope.is_kin(spot.table.origin.as_deref());
    let is_integer = matches!(spot.mapped().to, LogicalType::Integer { .. }) || is_wanted_so(spot);
    (is_kin && leads_key(spot))
        || (is_integer
            && (target.capabilities.user_types
                || spot.is_sole_primary_key()
                || (numbers_any_key(spot) && leads_key(spot))))
}

/// Tells whether a mapping wants a type for the column that can number itself.
fn is_wanted_so(spot: &Spot<'_, '_>) -> bool {
    let types = &spot.scope.input.wishes.renames.types;
    let wanted = types
        .get(&spot.table.id)
        .and_then(|types| types.get(&spot.column.name));
    wanted.is_some_and(|native| spot.scope.target.dialect.numbering_type(native).is_some())
}

/// Asks the dialect whether a key of any kind is enough for a column that numbers itself.
fn numbers_any_key(spot: &Spot<'_, '_>) -> bool {
    let mut probe = Table::empty(spot.table.id.clone());
    probe.columns = vec![Column {
        identity: Some(Identity {
            always: false,
            never_reused: true,
            sequence: None,
        }),
        ..spot.column.clone()
    }];
    probe.uniques = vec![Key {
        name: "probe".to_owned(),
        columns: vec![spot.column.name.clone()],
        deferral: Deferral::Never,
        nulls_equal: false,
        definition: None,
    }];
    !spot.scope.target.dialect.keys_within(&probe).is_empty()
}

/// Tells whether a key or an ordinary index over all rows begins with the column.
fn leads_key(spot: &Spot<'_, '_>) -> bool {
    let name = &spot.column.name;
    let table = spot.table;
    let mut keys = table.primary_key.iter().chain(&table.uniques);
    let mut indexes = table
        .indexes
        .iter()
        .filter(|index| index.predicate.is_none() && matches!(index.method.as_str(), "" | "btree"));
    keys.any(|key| key.columns.first() == Some(name))
        || indexes.any(|index| {
            let first = index.parts.first();
            first.is_some_and(|part| part.column.as_ref() == Some(name) && part.prefix.is_none())
        })
}

/// The defaults that take numbers from sequences.
struct Takers<'a> {
    /// How many name each sequence, and nothing else.
    plain: BTreeMap<&'a TableId, usize>,
    /// All others.
    others: Vec<&'a str>,
}

impl<'a> Takers<'a> {
    fn of(scope: &Scope<'a>, columns: impl Iterator<Item = &'a Column>) -> Self {
        let mut takers = Self {
            plain: BTreeMap::new(),
            others: Vec::new(),
        };
        let defaults = columns.filter_map(|column| column.default.as_deref());
        for default in defaults.filter(|default| takes_from_sequence(default)) {
            match plainly_named(scope, default) {
                Some(sequence) => *takers.plain.entry(&sequence.id).or_default() += 1,
                None => takers.others.push(default),
            }
        }
        takers
    }

    /// Tells whether more than one column takes its numbers from the sequence.
    fn share(&self, sequence: &Sequence) -> bool {
        let plain = self.plain.get(&sequence.id).copied().unwrap_or(0);
        let others = self.others.iter();
        plain
            + others
                .filter(|default| mentions(default, &sequence.id.name))
                .count()
            > 1
    }
}

/// The sequence of a default that is a call with its qualified name, such as `nextval('shop.orders_id_seq'::regclass)`.
fn plainly_named<'a>(scope: &Scope<'a>, default: &str) -> Option<&'a Sequence> {
    let named = default.strip_prefix("nextval('")?.strip_suffix("'::regclass)")?;
    let is_plain = |part: &str| {
        let mut letters = part.bytes();
        !part.is_empty() && letters.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    let (namespace, name) = named.split_once('.')?;
    let id = (is_plain(namespace) && is_plain(name)).then(|| TableId::new(namespace, name))?;
    scope.source.catalog.sequence(&id)
}

fn ask_for_default(spot: &Spot<'_, '_>, sequence: &Sequence, notes: &mut Notes<'_>) -> Option<String> {
    let finding = Finding::new(
        UNTRANSLATED,
        Severity::Decision,
        spot.subject(),
        format!(
            "the default of `{}` takes from sequence `{}`, which the target cannot do",
            spot.subject(),
            sequence.id
        ),
    )
    .with_evidence(spot.column.default.clone().unwrap_or_default())
    .with_choice(LEAVE_OUT, "the values arrive; new rows must bring their own")
    .with_choice(OWN_TEXT, "the default in the target's words")
    .suggest(LEAVE_OUT);
    notes.ask(finding).own_text().map(str::to_owned)
}
