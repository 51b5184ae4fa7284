//! Which texts are equal in the target: exactly equal ones, unless a person wants a key to go on ignoring case, accents or padding. One
//! question for each set of linked columns, and one warning for everything that is in no key.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{
    Column, Feature, Finding, LogicalType, ObjectId, ObjectKind, Severity, Table, TableId, TargetCollation,
    TextEquality, UniqueProfile,
};

use crate::key_types;
use crate::notes::Notes;
use crate::scope::{Scope, Spot, column_subject};
use crate::select::Selection;
use crate::ways::Ways;

/// The choice to compare texts exactly.
const EXACT: &str = "exact";
/// The choice to go on comparing as the source does.
const SAME: &str = "same";
/// How many columns of a table the evidence names.
const COLUMNS_NAMED_MAX: usize = 12;

/// A column of a source table.
type Place = (TableId, String);

/// The collations of the target's text columns, by source table and column.
#[derive(Default)]
pub(crate) struct Collations {
    names: BTreeMap<Place, String>,
    /// Columns that tell texts apart which the source takes for one.
    finer: BTreeSet<Place>,
    /// What those ignore that go on ignoring something in keys.
    kept: BTreeMap<Place, TextEquality>,
    /// Collations that must be made first.
    pub(crate) made: Vec<TargetCollation>,
}

impl Collations {
    /// The collation of a column; none for the target's default.
    pub(crate) fn of(&self, table: &TableId, column: &str) -> Option<&String> {
        self.names.get(&(table.clone(), column.to_owned()))
    }

    /// Tells whether values that were counted as one under such equalities are one in the target.
    pub(crate) fn cover(&self, table: &TableId, counted: &UniqueProfile) -> bool {
        let kept = |column: &String| {
            let place = (table.clone(), column.clone());
            self.kept.get(&place).copied().unwrap_or_default()
        };
        let mut both = counted.columns.iter().zip(&counted.equalities);
        both.all(|(column, equality)| kept(column).covers(*equality))
    }

    /// Tells whether one of the columns tells texts apart which the source takes for one.
    pub(crate) fn are_finer(&self, table: &TableId, columns: &[String]) -> bool {
        columns
            .iter()
            .any(|column| self.finer.contains(&(table.clone(), column.clone())))
    }
}

/// Decides for every text column that does not keep its type.
pub(crate) fn settle(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    ways: &Ways,
    notes: &mut Notes<'_>,
) -> Collations {
    let mut collations = Collations::default();
    if scope.equal {
        return collations;
    }
    let texts = texts(scope, selection, ways);
    let exact = scope.target.dialect.collation(TextEquality::default());
    if let Some(exact) = exact.filter(|exact| !exact.name.is_empty()) {
        let places = texts.keys().cloned();
        collations
            .names
            .extend(places.map(|place| (place, exact.name.clone())));
    }
    let (mut asked, mut plain, mut alike) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for group in groups(scope, selection, ways, &texts) {
        if group.equality.is_exact() {
            continue;
        }
        let ready = group
            .same(scope)
            .filter(|same| !same.made && same.equality == group.equality);
        match (group.decides, ready) {
            (true, _) => asked.push(group),
            (false, None) => plain.extend(group.places),
            (false, Some(same)) => {
                let places = group.places.iter().cloned();
                collations
                    .names
                    .extend(places.map(|place| (place, same.name.clone())));
                alike.extend(group.places);
            }
        }
    }
    report_alike(scope, &alike, notes);
    report_plain(scope, &plain, notes);
    collations.finer = plain;
    for group in asked {
        group.ask(scope, &mut collations, notes);
    }
    collations
}

/// What each text column's own engine calls equal. Labels are compared exactly by whoever knows them.
fn texts<'a>(
    scope: &Scope<'_>,
    selection: &Selection<'a>,
    ways: &Ways,
) -> BTreeMap<Place, (TextEquality, Spotted<'a>)> {
    let mut texts = BTreeMap::new();
    for table in &selection.tables {
        for column in &table.columns {
            let Some(way) = ways.moved(&table.id, &column.name) else {
                continue;
            };
            let is_text = matches!(way.logical, LogicalType::Text { .. });
            let is_labels = matches!(way.logical, LogicalType::Enum { .. } | LogicalType::Set { .. });
            let equality = if is_text {
                scope.dialect_of(table).equality(column)
            } else if is_labels && way.own_type.is_none() {
                TextEquality::default()
            } else {
                continue;
            };
            texts.insert(
                (table.id.clone(), column.name.clone()),
                (equality, Spotted { table, column }),
            );
        }
    }
    texts
}

/// A text column where it stands.
#[derive(Clone, Copy)]
struct Spotted<'a> {
    table: &'a Table,
    column: &'a Column,
}

/// Text columns that must compare alike.
struct Group {
    places: BTreeSet<Place>,
    equality: TextEquality,
    /// True when keys, unique indexes or foreign keys stand on one of them.
    decides: bool,
    /// The column after which the question is called: the first that is a key.
    name: Place,
}

fn groups(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    ways: &Ways,
    texts: &BTreeMap<Place, (TextEquality, Spotted<'_>)>,
) -> Vec<Group> {
    let moves = |table: &TableId, column: &str| ways.moved(table, column).is_some();
    let linked = key_types::components(scope, selection, moves);
    let seen: BTreeSet<Place> = linked.iter().flatten().cloned().collect();
    let alone = texts.keys().filter(|place| !seen.contains(*place));
    let sets = linked
        .iter()
        .cloned()
        .chain(alone.map(|place| BTreeSet::from([place.clone()])));
    sets.filter_map(|set| group(scope, set, texts)).collect()
}

fn group(
    scope: &Scope<'_>,
    set: BTreeSet<Place>,
    texts: &BTreeMap<Place, (TextEquality, Spotted<'_>)>,
) -> Option<Group> {
    let places: BTreeSet<Place> = set
        .into_iter()
        .filter(|place| texts.contains_key(place))
        .collect();
    let is_key = |place: &&Place| {
        texts
            .get(*place)
            .is_some_and(|(_, Spotted { table, column })| Spot { scope, table, column }.is_in_unique_key())
    };
    let name = places.iter().find(is_key).or(places.first())?.clone();
    let decides = places.len() > 1 || places.iter().any(|place| is_key(&place));
    let equalities = places
        .iter()
        .filter_map(|place| texts.get(place))
        .map(|(equality, _)| *equality);
    let equality = equalities.fold(TextEquality::default(), |all, one| TextEquality {
        ignores_case: all.ignores_case || one.ignores_case,
        ignores_accents: all.ignores_accents || one.ignores_accents,
        ignores_padding: all.ignores_padding || one.ignores_padding,
    });
    Some(Group {
        places,
        equality,
        decides,
        name,
    })
}

impl Group {
    fn ask(self, scope: &Scope<'_>, collations: &mut Collations, notes: &mut Notes<'_>) {
        let (table, column) = &self.name;
        let subject = column_subject(table, column);
        let mut finding = Finding::new(
            "collation",
            Severity::Decision,
            subject.clone(),
            format!(
                "the source ignores {} in the key column `{subject}`",
                said(self.equality)
            ),
        )
        .with_choice(
            EXACT,
            format!(
                "texts are equal only when they are the same; those that differ in {} become different values",
                said(self.equality)
            ),
        );
        finding.evidence.extend(self.evidence(scope));
        let same = self.same(scope);
        let meeting = same.as_ref().map_or(Vec::new(), |same| self.meeting(scope, same));
        finding.evidence.extend(meeting.iter().cloned());
        if let Some(same) = &same {
            finding = finding.with_choice(SAME, self.meaning(same));
        }
        // Flavours of one server mean the same by their collations, so that nothing is to be settled there.
        let is_alike = same.as_ref().is_some_and(|same| same.equality == self.equality)
            && scope.is_kin(
                scope
                    .source
                    .catalog
                    .table(table)
                    .and_then(|table| table.origin.as_deref()),
            );
        let answer = match is_alike && meeting.is_empty() {
            true => {
                finding.severity = Severity::Info;
                notes.offer(finding.suggest(SAME))
            }
            false if meeting.is_empty() => notes.ask(finding.suggest(self.suggested(same.as_ref()))),
            false => notes.ask(finding.suggest(EXACT)),
        };
        let Some(same) = same.filter(|_| answer.is(SAME)) else {
            collations.finer.extend(self.places);
            return;
        };
        for place in &self.places {
            collations.names.insert(place.clone(), same.name.clone());
            collations.kept.insert(place.clone(), same.equality);
            if !same.equality.covers(self.equality) {
                collations.finer.insert(place.clone());
            }
        }
        let there = scope.target.catalog.others.iter();
        let is_there = there
            .filter(|other| other.kind == "collation")
            .any(|other| other.id.to_string() == same.name || other.id.name == same.name);
        if same.made && !is_there && !collations.made.contains(&same) {
            collations.made.push(same);
        }
    }

    /// The values of keys that the target's collation calls equal and the source does not.
    fn meeting(&self, scope: &Scope<'_>, same: &TargetCollation) -> Vec<String> {
        let tables: BTreeSet<&TableId> = self.places.iter().map(|(table, _)| table).collect();
        let mut meeting = BTreeSet::new();
        for table in tables {
            let uniques = scope
                .profile(table)
                .into_iter()
                .flat_map(|profile| &profile.uniques);
            for counted in uniques.filter(|counted| counted.duplicates > 0) {
                let mut both = counted.columns.iter().zip(&counted.equalities);
                let is_asked = both.any(|(column, equality)| {
                    let place = (table.clone(), column.clone());
                    !equality.is_exact() && same.equality.covers(*equality) && self.places.contains(&place)
                });
                if is_asked {
                    let example = counted.examples.first();
                    let example = example.map_or(String::new(), |example| format!(", such as {example}"));
                    meeting.insert(format!(
                        "values of `{table}` ({}) that differ and would be one with `{SAME}`: {}{example}",
                        counted.columns.join(", "),
                        counted.duplicates
                    ));
                }
            }
        }
        meeting.into_iter().collect()
    }

    /// Spaces at the end are what a type pads with, so that whoever looks for such a value leaves them out.
    fn suggested(&self, same: Option<&TargetCollation>) -> &'static str {
        let padding_only = TextEquality {
            ignores_padding: true,
            ..TextEquality::default()
        };
        let is_same = same.is_some_and(|same| same.equality == self.equality);
        match self.equality == padding_only && is_same {
            true => SAME,
            false => EXACT,
        }
    }

    /// The target's collation that is nearest to the source's.
    fn same(&self, scope: &Scope<'_>) -> Option<TargetCollation> {
        let dialect = scope.target.dialect;
        dialect.collation(self.equality).filter(|same| {
            let can_be_had = !same.made || dialect.has(Feature::Collations);
            can_be_had && !same.name.is_empty() && !same.equality.is_exact()
        })
    }

    fn meaning(&self, same: &TargetCollation) -> String {
        let mut meaning = format!("collation `{}`, which ignores {}", same.name, said(same.equality));
        if !same.equality.covers(self.equality) {
            meaning.push_str("; the rest becomes different values");
        }
        if !self.equality.covers(same.equality) {
            meaning.push_str("; rows that differ in nothing else break the key, and are counted above where there are such");
        }
        meaning
    }

    /// The other columns of the question, and the rows that refer only by the source's notion of equality.
    fn evidence(&self, scope: &Scope<'_>) -> Vec<String> {
        let mut evidence: Vec<String> = self
            .places
            .iter()
            .filter(|place| **place != self.name)
            .map(|(table, column)| format!("linked with `{table}.{column}`"))
            .collect();
        for table in self
            .places
            .iter()
            .map(|(table, _)| table)
            .collect::<BTreeSet<_>>()
        {
            let profiles = scope
                .profile(table)
                .into_iter()
                .flat_map(|profile| &profile.foreign_keys);
            let inexact: u64 = profiles
                .filter(|key| {
                    key.columns
                        .iter()
                        .any(|column| self.places.contains(&(table.clone(), column.clone())))
                })
                .map(|key| key.inexact)
                .sum();
            if inexact > 0 {
                evidence.push(format!(
                    "rows of `{table}` that refer to a row only if that is ignored: {inexact}"
                ));
            }
        }
        evidence
    }
}

/// What an equality ignores, in words.
fn said(equality: TextEquality) -> String {
    let parts = [
        (equality.ignores_case, "case"),
        (equality.ignores_accents, "accents"),
        (equality.ignores_padding, "spaces at the end"),
    ];
    let ignored: Vec<&str> = parts
        .into_iter()
        .filter(|(is_ignored, _)| *is_ignored)
        .map(|(_, what)| what)
        .collect();
    match ignored.as_slice() {
        [] => "nothing".to_owned(),
        [only] => (*only).to_owned(),
        [first, second] => format!("{first} and {second}"),
        [first, rest @ ..] => format!("{first}, {}", rest.join(" and ")),
    }
}

fn columns(number: usize) -> String {
    match number {
        1 => "1 column".to_owned(),
        number => format!("{number} columns"),
    }
}

/// One warning for all columns that no key stands on.
fn report_plain(scope: &Scope<'_>, plain: &BTreeSet<Place>, notes: &mut Notes<'_>) {
    let message = format!(
        "the source ignores case, accents or spaces at the end when it compares texts, and the target does not: queries on {} may \
         find other rows and sort in another order",
        columns(plain.len())
    );
    report(scope, plain, Severity::Warning, message, notes);
}

/// One remark for all columns that a collation of the target compares as before.
fn report_alike(scope: &Scope<'_>, alike: &BTreeSet<Place>, notes: &mut Notes<'_>) {
    let message = format!(
        "collations of the target ignore in {} what the source ignores; the order there may differ",
        columns(alike.len())
    );
    report(scope, alike, Severity::Info, message, notes);
}

fn report(
    scope: &Scope<'_>,
    places: &BTreeSet<Place>,
    severity: Severity,
    message: String,
    notes: &mut Notes<'_>,
) {
    let mut by_table: BTreeMap<&TableId, Vec<&str>> = BTreeMap::new();
    for (table, column) in places {
        by_table.entry(table).or_default().push(column);
    }
    if by_table.is_empty() {
        return;
    }
    let database = TableId::bare(scope.source.database.clone());
    let subject = ObjectId::whole(ObjectKind::Other, database);
    let mut finding = Finding::new("collation", severity, subject, message);
    for (table, columns) in by_table {
        let named = columns[..columns.len().min(COLUMNS_NAMED_MAX)].join(", ");
        let more = match columns.len().saturating_sub(COLUMNS_NAMED_MAX) {
            0 => String::new(),
            left => format!(" and {left} more"),
        };
        finding = finding.with_evidence(format!("`{table}`: {named}{more}"));
    }
    notes.add(finding);
}
