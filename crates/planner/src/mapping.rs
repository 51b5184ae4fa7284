//! Decides each column's way: the form in which its values travel and the native type that holds them. Equal engines keep their types;
//! across engines the two dialects are asked, and what is lossy or has alternatives is a question.

use std::collections::BTreeSet;

use whimbrel_core::{ColumnUse, Fidelity, Finding, OnReject, Severity, TableId};

use crate::identity::Numbering;
use crate::key_types;
use crate::names::Names;
use crate::needs;
use crate::notes::{ACCEPT, Answer, LEAVE_OUT, Notes};
use crate::scope::{Scope, Spot};
use crate::select::Selection;
use crate::values::{self, Trouble};
use crate::ways::{Offer, Way, Ways, combine, native};

/// The choice to take a form that does not carry every row.
const REJECT: &str = "reject";

/// Decides for every column of the chosen tables.
pub(crate) fn map(
    scope: &Scope<'_>,
    selection: &Selection<'_>,
    names: &Names,
    numbering: &Numbering,
    notes: &mut Notes<'_>,
) -> Ways {
    let mut ways = Ways::default();
    let referred = referred(scope);
    for table in &selection.tables {
        needs::check_types(scope, table, notes);
        let of_table = table
            .columns
            .iter()
            .map(|column| {
                let spot = Spot { scope, table, column };
                let place = Place {
                    spot,
                    usage: usage(&spot, numbering, &referred),
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

/// The columns that foreign keys refer to.
type Referred<'a> = BTreeSet<(&'a TableId, &'a str)>;

fn referred<'a>(scope: &Scope<'a>) -> Referred<'a> {
    let tables = &scope.source.catalog.tables;
    let keys = tables.iter().flat_map(|table| &table.foreign_keys);
    keys.flat_map(|key| {
        key.referred
            .iter()
            .map(|column| (&key.references, column.as_str()))
    })
    .collect()
}

/// What a column's type depends on besides its values.
fn usage(spot: &Spot<'_, '_>, numbering: &Numbering, referred: &Referred<'_>) -> ColumnUse {
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
    let referred = referred.contains(&(&table.id, name.as_str()));
    ColumnUse {
        indexed: in_key || in_index || refers || referred,
        identity: numbering.of(&table.id, name).is_some(),
        sole_primary_key: spot.is_sole_primary_key(),
        length_seen: None,
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
    /// Which rows do not arrive in this form.
    rejects: Vec<String>,
}

impl Candidate {
    /// What choosing it means.
    fn said(&self) -> String {
        let mut said = match self.meaning.is_empty() {
            true => format!("`{}`", self.native),
            false => format!("{} (`{}`)", self.meaning, self.native),
        };
        if let Fidelity::Lossy(why) = &self.fidelity {
            said = format!("{said}; loses: {why}");
        }
        for rows in &self.rejects {
            said = format!("{said}; {rows}");
        }
        said
    }
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
        let candidates = self.candidates();
        let answer = self.ask(&candidates, notes);
        let is = |choice: &str| answer.as_ref().is_some_and(|answer| answer.is(choice));
        let picked = candidates
            .iter()
            .find(|candidate| is(&candidate.choice))
            .unwrap_or(&candidates[0]);
        let mut offers = vec![picked.offer.clone()];
        // What a person chose is not changed again, not even to agree with other columns; and nothing else may lose anything.
        if !answer.as_ref().is_some_and(|answer| answer.given) {
            let lossless = |other: &&Candidate| {
                matches!(other.fidelity, Fidelity::Exact | Fidelity::Widened(_)) && other.rejects.is_empty()
            };
            let others = candidates
                .iter()
                .filter(lossless)
                .map(|other| other.offer.clone());
            offers.extend(others.filter(|offer| offer.logical != picked.offer.logical));
        }
        Way {
            target,
            native: picked.native.clone(),
            logical: picked.offer.logical.clone(),
            fidelity: picked.fidelity.clone(),
            left_out: is(LEAVE_OUT),
            offers,
            usage: self.usage,
        }
    }

    /// The recommended way first, then what the source could give instead, then what the target could hold it in instead.
    fn candidates(&self) -> Vec<Candidate> {
        let mapped = self.spot.mapped();
        let offer = Offer {
            logical: mapped.to.clone(),
            fidelity: mapped.fidelity.clone(),
        };
        let held = self.spot.scope.target.dialect.native(&mapped.to, &self.usage);
        let named = [&mapped.choice, &held.choice];
        let named = named.into_iter().find(|choice| !choice.is_empty());
        let recommended = self.candidate(named.cloned(), String::new(), &offer);
        let mut candidates = vec![recommended];
        for other in &mapped.alternatives {
            let offer = Offer {
                logical: other.to.clone(),
                fidelity: other.fidelity.clone(),
            };
            candidates.push(self.candidate(Some(other.choice.clone()), other.meaning.clone(), &offer));
        }
        for other in &held.alternatives {
            candidates.push(Candidate {
                native: other.to.clone(),
                fidelity: combine(&mapped.fidelity, &other.fidelity),
                ..self.candidate(Some(other.choice.clone()), other.meaning.clone(), &offer)
            });
        }
        let mut seen = BTreeSet::new();
        candidates.retain(|candidate| seen.insert(candidate.choice.clone()));
        candidates
    }

    /// A form in the target's recommended type for it. Without a name of its own it is called by what it does to the rows.
    fn candidate(&self, choice: Option<String>, meaning: String, offer: &Offer) -> Candidate {
        let (native, fidelity) = native(self.spot.scope, offer, &self.usage);
        let rejects: Vec<String> = values::troubles(&self.spot)
            .iter()
            .filter(|trouble| !trouble.is_carried_by(&offer.logical))
            .map(|trouble| trouble.consequence(self.spot.scope))
            .collect();
        let unnamed = if rejects.is_empty() { ACCEPT } else { REJECT };
        Candidate {
            choice: choice.unwrap_or_else(|| unnamed.to_owned()),
            meaning,
            offer: offer.clone(),
            native,
            fidelity,
            rejects,
        }
    }

    /// Says what is not exact, and asks where there is something to choose or to lose: one question for each column.
    fn ask(&self, candidates: &[Candidate], notes: &mut Notes<'_>) -> Option<Answer> {
        let recommended = &candidates[0];
        let plain = candidates.len() == 1 && recommended.rejects.is_empty();
        let subject = self.spot.subject();
        let from = match self.spot.column.native.as_str() {
            "" => "no declared type".to_owned(),
            native => format!("`{native}`"),
        };
        let becomes = format!("`{subject}`: {from} becomes `{}`", recommended.native);
        let (severity, message) = match &recommended.fidelity {
            Fidelity::Exact if plain => return None,
            Fidelity::Widened(why) if plain => (Severity::Warning, format!("{becomes}: {why}")),
            Fidelity::Exact => (Severity::Decision, becomes),
            Fidelity::Widened(why) | Fidelity::Lossy(why) => {
                (Severity::Decision, format!("{becomes}: {why}"))
            }
            Fidelity::Unsupported(why) => (
                Severity::Decision,
                format!("`{subject}`: the target cannot hold {from}: {why}"),
            ),
        };
        let mut finding = Finding::new(self.code(&recommended.fidelity), severity, subject, message)
            .with_evidence(format!("values travel as {}", recommended.offer.logical));
        finding.evidence.extend(self.classes());
        let troubles = values::troubles(&self.spot);
        finding.evidence.extend(troubles.iter().map(Trouble::fact));
        if severity != Severity::Decision {
            notes.add(finding);
            return None;
        }
        let on_reject = self.spot.scope.input.wishes.policies.on_reject;
        Some(notes.ask(with_choices(finding, candidates, on_reject)))
    }

    /// The weightiest reason to speak of the column.
    fn code(&self, fidelity: &Fidelity) -> &'static str {
        let trouble = values::troubles(&self.spot).first().map(|trouble| trouble.code);
        match (fidelity, trouble) {
            (Fidelity::Unsupported(_), _) => "type_unsupported",
            _ if self.classes().is_some() => "mixed_classes",
            (_, Some(code)) => code,
            (Fidelity::Lossy(_), None) => "type_lossy",
            (Fidelity::Widened(_), None) => "type_widened",
            (Fidelity::Exact, None) => "assumption",
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
fn with_choices(mut finding: Finding, candidates: &[Candidate], on_reject: OnReject) -> Finding {
    let possible = |candidate: &&Candidate| !matches!(candidate.fidelity, Fidelity::Unsupported(_));
    for candidate in candidates.iter().filter(possible) {
        finding = finding.with_choice(&candidate.choice, candidate.said());
    }
    if matches!(candidates[0].fidelity, Fidelity::Unsupported(_)) {
        finding = finding.with_choice(LEAVE_OUT, "the column and its values stay behind");
    }
    // Nobody recommends a run that is bound to stop.
    let goes_through = |candidate: &&Candidate| candidate.rejects.is_empty() || on_reject == OnReject::File;
    let mut usable = candidates.iter().filter(possible);
    let keeps_all = usable.clone().find(|candidate| candidate.rejects.is_empty());
    match keeps_all.or_else(|| usable.find(goes_through)) {
        Some(candidate) => finding.suggest(&candidate.choice),
        None => finding,
    }
}
