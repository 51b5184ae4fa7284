//! Decides each column's way: the form in which its values travel and the native type that holds them. Equal engines keep their types;
//! across engines the two dialects are asked, and what is lossy or has alternatives is a question.

use std::collections::{BTreeMap, BTreeSet};

use whimbrel_core::{ColumnUse, Fidelity, Finding, LogicalType, Mapped, Severity, TableId};

use crate::identity::Numbering;
use crate::key_types;
use crate::names::Names;
use crate::needs;
use crate::notes::{ACCEPT, Answer, LEAVE_OUT, Notes};
use crate::scope::{Scope, Spot};
use crate::select::Selection;
use crate::values;

/// One column's way.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// Name in the target.
    pub(crate) target: String,
    pub(crate) native: String,
    pub(crate) logical: LogicalType,
    pub(crate) fidelity: Fidelity,
    /// True for a column that stays behind.
    pub(crate) left_out: bool,
    /// What else the source offers, for columns that must agree with others.
    pub(crate) offers: Vec<Offer>,
    pub(crate) usage: ColumnUse,
}

/// A form in which the source can give a column's values.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) logical: LogicalType,
    pub(crate) fidelity: Fidelity,
}

/// The ways of all columns, by source table and column.
#[derive(Default)]
pub(crate) struct Ways(pub(crate) BTreeMap<TableId, BTreeMap<String, Way>>);

impl Ways {
    pub(crate) fn of(&self, table: &TableId, column: &str) -> Option<&Way> {
        self.0.get(table)?.get(column)
    }

    /// The way of a column that does not stay behind.
    pub(crate) fn moved(&self, table: &TableId, column: &str) -> Option<&Way> {
        self.of(table, column).filter(|way| !way.left_out)
    }
}

/// Decides for every column of the chosen tables.
pub(crate) fn map(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    names: &Names,
    numbering: &Numbering,
    notes: &mut Notes<'_>,
) -> Ways {
    let mut ways = Ways::default();
    for table in &selection.tables {
        needs::check_types(scope, table, notes);
        let of_table = table
            .columns
            .iter()
            .map(|column| {
                let spot = Spot { scope, table, column };
                let place = Place {
                    spot,
                    usage: usage(&spot, numbering),
                };
                let target = names.column(&table.id, &column.name);
                let way = match scope.equal {
                    true => place.kept(target),
                    false => place.settled(target, notes),
                };
                (column.name.clone(), way)
            })
            .collect();
        ways.0.insert(table.id.clone(), of_table);
    }
    if !scope.equal {
        key_types::unify(scope, selection, &mut ways, notes);
    }
    ways
}

/// The native type for a form, and how faithful the whole way is.
pub(crate) fn native(scope: &Scope<'_>, offer: &Offer, usage: &ColumnUse) -> (String, Fidelity) {
    let native = scope.target.dialect.native(&offer.logical, usage);
    (native.to, combine(&offer.fidelity, &native.fidelity))
}

/// The fidelity of one mapping after another: the worse of both; equally bad ones keep both reasons.
pub(crate) fn combine(first: &Fidelity, second: &Fidelity) -> Fidelity {
    let joined = |a: &str, b: &str| match (a.is_empty(), b.is_empty(), a == b) {
        (_, true, _) | (_, _, true) => a.to_owned(),
        (true, false, false) => b.to_owned(),
        (false, false, false) => format!("{a}; {b}"),
    };
    match (first, second) {
        (Fidelity::Unsupported(a), Fidelity::Unsupported(b)) => Fidelity::Unsupported(joined(a, b)),
        (Fidelity::Unsupported(why), _) | (_, Fidelity::Unsupported(why)) => {
            Fidelity::Unsupported(why.clone())
        }
        (Fidelity::Lossy(a), Fidelity::Lossy(b)) => Fidelity::Lossy(joined(a, b)),
        (Fidelity::Lossy(why), _) | (_, Fidelity::Lossy(why)) => Fidelity::Lossy(why.clone()),
        (Fidelity::Widened(a), Fidelity::Widened(b)) => Fidelity::Widened(joined(a, b)),
        (Fidelity::Widened(why), Fidelity::Exact) | (Fidelity::Exact, Fidelity::Widened(why)) => {
            Fidelity::Widened(why.clone())
        }
        (Fidelity::Exact, Fidelity::Exact) => Fidelity::Exact,
    }
}

/// What a column's type depends on besides its values.
fn usage(spot: &Spot<'_, '_>, numbering: &Numbering) -> ColumnUse {
    let (table, name) = (spot.table, &spot.column.name);
    let keys = table.primary_key.iter().chain(&table.uniques);
    let in_key = keys.flat_map(|key| &key.columns).any(|part| part == name);
    let in_index = table
        .indexes
        .iter()
        .flat_map(|index| &index.parts)
        .any(|part| part.column.as_ref() == Some(name));
    let refers = table
        .foreign_keys
        .iter()
        .flat_map(|key| &key.columns)
        .any(|part| part == name);
    let referred = spot
        .scope
        .source
        .catalog
        .tables
        .iter()
        .flat_map(|other| &other.foreign_keys)
        .any(|key| key.references == table.id && key.referred.contains(name));
    ColumnUse {
        indexed: in_key || in_index || refers || referred,
        identity: numbering.of(&table.id, name).is_some(),
        sole_primary_key: spot.is_sole_primary_key(),
    }
}

/// A column to settle.
struct Place<'s, 'a> {
    spot: Spot<'s, 'a>,
    usage: ColumnUse,
}

/// One answer to the question what a column becomes.
#[derive(Clone)]
struct Candidate {
    choice: String,
    meaning: String,
    offer: Offer,
    native: String,
    fidelity: Fidelity,
}

impl Place<'_, '_> {
    fn kept(&self, target: String) -> Way {
        Way {
            target,
            native: self.spot.column.native.clone(),
            logical: self.spot.scope.source.dialect.wire(self.spot.column),
            fidelity: Fidelity::Exact,
            left_out: false,
            offers: Vec::new(),
            usage: self.usage,
        }
    }

    fn settled(&self, target: String, notes: &mut Notes<'_>) -> Way {
        let mapped = self.spot.mapped();
        let candidates = self.candidates(&mapped);
        let answer = self.ask(&candidates, notes);
        let given = answer.as_ref().is_some_and(|answer| answer.given);
        let left_out = answer.as_ref().is_some_and(|answer| answer.is(LEAVE_OUT));
        let picked = candidates
            .iter()
            .find(|candidate| answer.as_ref().is_some_and(|answer| answer.is(&candidate.choice)))
            .unwrap_or(&candidates[0]);
        let mut way = Way {
            target,
            native: picked.native.clone(),
            logical: picked.offer.logical.clone(),
            fidelity: picked.fidelity.clone(),
            left_out,
            offers: vec![picked.offer.clone()],
            usage: self.usage,
        };
        // What a person chose is not changed again, not even to agree with other columns.
        if !given {
            let others = candidates.iter().map(|candidate| candidate.offer.clone());
            way.offers
                .extend(others.filter(|offer| offer.logical != picked.offer.logical));
        }
        if !left_out {
            values::settle(&self.spot, &mapped, &mut way, notes);
        }
        way
    }

    /// The recommended way first, then what the source could give instead, then what the target could hold it in instead.
    fn candidates(&self, mapped: &Mapped<LogicalType>) -> Vec<Candidate> {
        let recommended = Offer {
            logical: mapped.to.clone(),
            fidelity: mapped.fidelity.clone(),
        };
        let held = self.spot.scope.target.dialect.native(&mapped.to, &self.usage);
        let choice = [&mapped.choice, &held.choice]
            .into_iter()
            .find(|choice| !choice.is_empty())
            .map_or(ACCEPT, String::as_str);
        let mut candidates = vec![Candidate {
            choice: choice.to_owned(),
            meaning: String::new(),
            native: held.to.clone(),
            fidelity: combine(&mapped.fidelity, &held.fidelity),
            offer: recommended.clone(),
        }];
        for other in &mapped.alternatives {
            let offer = Offer {
                logical: other.to.clone(),
                fidelity: other.fidelity.clone(),
            };
            let (native, fidelity) = native(self.spot.scope, &offer, &self.usage);
            candidates.push(Candidate {
                choice: other.choice.clone(),
                meaning: other.meaning.clone(),
                offer,
                native,
                fidelity,
            });
        }
        for other in &held.alternatives {
            candidates.push(Candidate {
                choice: other.choice.clone(),
                meaning: other.meaning.clone(),
                offer: recommended.clone(),
                native: other.to.clone(),
                fidelity: combine(&mapped.fidelity, &other.fidelity),
            });
        }
        let mut seen = BTreeSet::new();
        candidates.retain(|candidate| seen.insert(candidate.choice.clone()));
        candidates
    }

    /// Says what is not exact, and asks where there is something to choose or to lose.
    fn ask(&self, candidates: &[Candidate], notes: &mut Notes<'_>) -> Option<Answer> {
        let recommended = &candidates[0];
        let plain = candidates.len() == 1;
        let subject = self.spot.subject();
        let (from, to) = (&self.spot.column.native, &recommended.native);
        let becomes = format!("`{subject}`: `{from}` becomes `{to}`");
        let code = self.code(&recommended.fidelity);
        let (severity, message) = match &recommended.fidelity {
            Fidelity::Exact if plain => return None,
            Fidelity::Widened(why) if plain => (Severity::Warning, format!("{becomes}: {why}")),
            Fidelity::Exact => (Severity::Decision, becomes),
            Fidelity::Widened(why) | Fidelity::Lossy(why) => {
                (Severity::Decision, format!("{becomes}: {why}"))
            }
            Fidelity::Unsupported(why) => (
                Severity::Decision,
                format!("`{subject}`: the target cannot hold `{from}`: {why}"),
            ),
        };
        let mut finding = Finding::new(code, severity, subject, message)
            .with_evidence(format!("values travel as {}", recommended.offer.logical));
        finding.evidence.extend(self.classes());
        if severity != Severity::Decision {
            notes.add(finding);
            return None;
        }
        Some(notes.ask(with_choices(finding, candidates)))
    }

    fn code(&self, fidelity: &Fidelity) -> &'static str {
        match fidelity {
            Fidelity::Unsupported(_) => "type_unsupported",
            _ if self.classes().is_some() => "mixed_classes",
            Fidelity::Lossy(_) => "type_lossy",
            Fidelity::Widened(_) => "type_widened",
            Fidelity::Exact => "assumption",
        }
    }

    /// The storage classes of a column that holds several.
    fn classes(&self) -> Option<String> {
        let classes = self.spot.profile()?.classes?;
        let counts = [
            ("integer", classes.integer),
            ("real", classes.real),
            ("text", classes.text),
            ("blob", classes.blob),
        ];
        let held: Vec<String> = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(class, count)| format!("{count} {class}"))
            .collect();
        (held.len() > 1).then(|| format!("holds {}", held.join(", ")))
    }
}

/// What cannot be done is no choice; where the recommended way cannot be done, the column can stay behind, but nobody recommends that.
fn with_choices(mut finding: Finding, candidates: &[Candidate]) -> Finding {
    let possible = |candidate: &&Candidate| !matches!(candidate.fidelity, Fidelity::Unsupported(_));
    for candidate in candidates.iter().filter(possible) {
        let mut meaning = match candidate.meaning.is_empty() {
            true => format!("`{}`", candidate.native),
            false => format!("{} (`{}`)", candidate.meaning, candidate.native),
        };
        if let Fidelity::Lossy(why) = &candidate.fidelity {
            meaning = format!("{meaning}; loses: {why}");
        }
        finding = finding.with_choice(&candidate.choice, meaning);
    }
    if matches!(candidates[0].fidelity, Fidelity::Unsupported(_)) {
        finding = finding.with_choice(LEAVE_OUT, "the column and its values stay behind");
    }
    match candidates.iter().find(possible) {
        Some(candidate) => finding.suggest(&candidate.choice),
        None => finding,
    }
}
