//! What one column could become across engines, and the question or offer that settles it. One question for each column: its forms, the
//! target's types for them, and the rules for values that would not arrive.

use std::collections::BTreeSet;

use whimbrel_core::{
    ACCEPT, ColumnUse, Error, Fidelity, Finding, LEAVE_OUT, LogicalType, Mapped, OWN_VALUE, OnReject,
    Severity, UserType, ValueRule,
};

use crate::notes::{Answer, Notes};
use crate::scope::Spot;
use crate::values::{self, Trouble};
use crate::ways::{Offer, Way, combine};

/// The choice to take a form that does not carry every row.
const REJECT: &str = "reject";
/// The choice to make a type of the target's own for an enum.
const ENUM: &str = "enum";

/// A column to settle.
pub(crate) struct Place<'s, 'a> {
    pub(crate) spot: Spot<'s, 'a>,
    pub(crate) usage: ColumnUse,
    /// The type that the plan can make for an enum.
    pub(crate) own_type: Option<&'s UserType>,
}

/// One answer to the question what a column becomes.
#[derive(Clone)]
struct Candidate {
    choice: String,
    meaning: String,
    offer: Offer,
    native: String,
    fidelity: Fidelity,
    rule: Option<ValueRule>,
    /// Which rows do not arrive in this form.
    rejects: Vec<String>,
    /// False for what only a person can want.
    suggested: bool,
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

    fn is_possible(&self) -> bool {
        !matches!(self.fidelity, Fidelity::Unsupported(_))
    }

    fn is_lossless(&self) -> bool {
        matches!(self.fidelity, Fidelity::Exact | Fidelity::Widened(_))
            && self.rejects.is_empty()
            && self.rule.is_none()
    }
}

/// Everything a column could become. The first candidate is what it becomes without any rule, alternatives and rules follow.
struct Candidates {
    all: Vec<Candidate>,
    /// True when the values narrowed the type.
    narrowed: bool,
    /// True when a rule is better than another form.
    prefers_rule: bool,
}

impl Place<'_, '_> {
    /// Decides the column's way, asking where there is something to choose or to lose.
    pub(crate) fn settled(&self, target: String, notes: &mut Notes<'_>) -> Way {
        let candidates = self.candidates();
        let answer = self.ask(&candidates, notes);
        let all = &candidates.all;
        let is = |choice: &str| answer.as_ref().is_some_and(|answer| answer.is(choice));
        let picked = all
            .iter()
            .find(|candidate| is(&candidate.choice))
            .unwrap_or(&all[0]);
        let mut offers = vec![picked.offer.clone()];
        // What a person chose is not changed again, not even to agree with other columns; and nothing else may lose anything.
        if !answer.as_ref().is_some_and(|answer| answer.given) {
            let others = all
                .iter()
                .filter(|other| other.is_lossless())
                .map(|other| other.offer.clone());
            offers.extend(others.filter(|offer| offer.logical != picked.offer.logical));
        }
        let own_type = self.own_type.filter(|own| self.spelled(own) == picked.native);
        Way {
            target,
            native: picked.native.clone(),
            logical: picked.offer.logical.clone(),
            fidelity: picked.fidelity.clone(),
            left_out: is(LEAVE_OUT),
            offers,
            usage: self.usage,
            rule: self.rule(picked, answer.as_ref(), notes),
            own_type: own_type.cloned(),
            meaning: None,
        }
    }

    /// The picked candidate's rule, with the person's own value where that is wanted.
    fn rule(&self, picked: &Candidate, answer: Option<&Answer>, notes: &mut Notes<'_>) -> Option<ValueRule> {
        let rule = picked.rule.clone()?;
        let Some(value) = answer
            .filter(|_| picked.choice == OWN_VALUE)
            .and_then(Answer::own_value)
        else {
            return Some(rule);
        };
        let logical = &picked.offer.logical;
        if let Some(value) = values::spelled(logical, value) {
            return Some(ValueRule::InvalidTo { value });
        }
        let subject = self.spot.subject();
        notes.refuse(
            Error::invalid(format!(
                "the fixed value for `{subject}` is `{value}`; must be a {logical}"
            ))
            .with_code("unknown_choice")
            .with_hint(format!("--decide invalid_date:{subject}=fixed=1970-01-01")),
        );
        None
    }

    /// The recommended way first, then what the source could give instead, what the target could hold it in instead, and the rules.
    fn candidates(&self) -> Candidates {
        let mut mapped = self.spot.mapped();
        if values::is_nul_held(&self.spot) {
            // They are there for the sake of U+0000 only.
            mapped.alternatives.retain(|other| other.to != LogicalType::Bytes);
        }
        let offer = Offer {
            logical: mapped.to.clone(),
            fidelity: mapped.fidelity.clone(),
        };
        let held = self.held(&mapped.to);
        let named = [&mapped.choice, &held.choice];
        let named = named.into_iter().find(|choice| !choice.is_empty());
        let mut base = self.candidate(named.cloned(), String::new(), &offer);
        let is_taken = mapped.alternatives.iter().any(|other| other.choice == REJECT);
        if !base.rejects.is_empty() && !is_taken {
            REJECT.clone_into(&mut base.choice);
        }
        let rules = self.rules(&base);
        let mut all = vec![base];
        for other in &mapped.alternatives {
            let offer = Offer {
                logical: other.to.clone(),
                fidelity: other.fidelity.clone(),
            };
            let form = self.candidate(Some(other.choice.clone()), other.meaning.clone(), &offer);
            let nulled = self.nulled(&form);
            all.push(form);
            all.extend(nulled);
        }
        for other in &held.alternatives {
            let mut held = Candidate {
                native: other.to.clone(),
                fidelity: combine(&mapped.fidelity, &other.fidelity),
                ..self.candidate(Some(other.choice.clone()), other.meaning.clone(), &offer)
            };
            held.rejects = self.rejects(&held);
            all.push(held);
        }
        all.extend(rules);
        let mut seen = BTreeSet::new();
        all.retain(|candidate| seen.insert(candidate.choice.clone()));
        Candidates {
            narrowed: !mapped.alternatives.is_empty() && mapped != self.spot.mapped_blindly(),
            prefers_rule: self
                .troubles(&all[0])
                .first()
                .is_some_and(|first| first.prefers_rule),
            all,
        }
    }

    /// The native types for a form; for an enum the type that the plan makes, where it can.
    fn held(&self, logical: &LogicalType) -> Mapped<String> {
        let held = self.spot.scope.target.dialect.native(logical, &self.usage);
        let Some(own) = self
            .own_type
            .filter(|_| matches!(logical, LogicalType::Enum { .. }))
        else {
            return held;
        };
        Mapped::exact(self.spelled(own)).named(ENUM).or(
            "text",
            "text, with a check that keeps other labels out",
            held,
        )
    }

    fn spelled(&self, own: &UserType) -> String {
        self.spot.scope.target.dialect.type_name(&own.id)
    }

    fn troubles(&self, candidate: &Candidate) -> Vec<Trouble> {
        values::troubles_in(&self.spot, &candidate.offer.logical, &candidate.native)
    }

    /// A form in the target's recommended type for it. Without a name of its own it is called by what it does to the rows.
    fn candidate(&self, choice: Option<String>, meaning: String, offer: &Offer) -> Candidate {
        let held = self.held(&offer.logical);
        let mut candidate = Candidate {
            choice: String::new(),
            meaning,
            offer: offer.clone(),
            native: held.to,
            fidelity: combine(&offer.fidelity, &held.fidelity),
            rule: None,
            rejects: Vec::new(),
            suggested: true,
        };
        candidate.rejects = self.rejects(&candidate);
        let unnamed = if candidate.rejects.is_empty() {
            ACCEPT
        } else {
            REJECT
        };
        candidate.choice = choice.unwrap_or_else(|| unnamed.to_owned());
        candidate
    }

    /// The rows that do not arrive in the candidate's form and type.
    fn rejects(&self, candidate: &Candidate) -> Vec<String> {
        let troubles = self.troubles(candidate);
        let consequences = troubles
            .iter()
            .map(|trouble| trouble.consequence(self.spot.scope));
        consequences.collect()
    }

    /// The form with each of the rules that would let more rows arrive.
    fn rules(&self, base: &Candidate) -> Vec<Candidate> {
        let troubles = self.troubles(base);
        troubles
            .iter()
            .flat_map(|trouble| &trouble.remedies)
            .map(|remedy| Candidate {
                choice: remedy.choice.to_owned(),
                meaning: remedy.meaning.to_owned(),
                rule: Some(remedy.rule.clone()),
                rejects: troubles
                    .iter()
                    .filter(|trouble| !trouble.is_solved_by(&remedy.rule))
                    .map(|trouble| trouble.consequence(self.spot.scope))
                    .collect(),
                suggested: remedy.suggested,
                ..base.clone()
            })
            .collect()
    }

    /// A form that takes one storage class only can take NULL for values of the others.
    fn nulled(&self, form: &Candidate) -> Option<Candidate> {
        let is_offered = form.choice == REJECT && self.classes().is_some() && !self.spot.is_in_primary_key();
        is_offered.then(|| Candidate {
            choice: "null".to_owned(),
            meaning: format!("as `{REJECT}`, but such values become NULL, counted"),
            rule: Some(ValueRule::InvalidToNull),
            suggested: false,
            ..form.clone()
        })
    }

    /// Says what is not exact, and asks where there is something to choose or to lose: one finding for each column.
    fn ask(&self, candidates: &Candidates, notes: &mut Notes<'_>) -> Option<Answer> {
        let recommended = &candidates.all[0];
        let is_plain = candidates.all.len() == 1 && recommended.rejects.is_empty();
        let subject = self.spot.subject();
        let from = match (self.spot.column.native.as_str(), &self.spot.column.derived) {
            // What a mapping makes has no declaration, but a form.
            ("", Some(form)) => form.to_string(),
            ("", None) => "no declared type".to_owned(),
            (native, _) => format!("`{native}`"),
        };
        let becomes = format!("`{subject}`: {from} becomes `{}`", recommended.native);
        let (mut severity, message) = match &recommended.fidelity {
            Fidelity::Exact if is_plain => return None,
            Fidelity::Exact | Fidelity::Widened(_) if !recommended.rejects.is_empty() => (
                Severity::Decision,
                format!("{becomes}, which does not hold all of its values"),
            ),
            Fidelity::Exact if candidates.narrowed => (
                Severity::Warning,
                format!("{becomes}, which its values allow; every row is checked"),
            ),
            Fidelity::Exact => (Severity::Info, becomes),
            Fidelity::Widened(why) => (Severity::Warning, format!("{becomes}: {why}")),
            Fidelity::Lossy(why) => (Severity::Decision, format!("{becomes}: {why}")),
            Fidelity::Unsupported(why) => (
                Severity::Decision,
                format!("`{subject}`: the target cannot hold {from}: {why}"),
            ),
        };
        if !recommended.rejects.is_empty() {
            severity = Severity::Decision;
        }
        let mut finding = Finding::new(self.code(candidates), severity, subject, message)
            .with_evidence(format!("values travel as {}", recommended.offer.logical));
        finding.evidence.extend(self.classes());
        finding
            .evidence
            .extend(self.all_troubles(recommended).iter().map(Trouble::fact));
        if is_plain && severity != Severity::Decision {
            notes.add(finding);
            return None;
        }
        let on_reject = self.spot.scope.input.wishes.policies.on_reject;
        let finding = with_choices(finding, candidates, on_reject);
        Some(match severity {
            Severity::Decision => notes.ask(finding),
            Severity::Info | Severity::Warning | Severity::Blocker => notes.offer(finding),
        })
    }

    /// The troubles that the candidate has, and those that it was made to carry.
    fn all_troubles(&self, candidate: &Candidate) -> Vec<Trouble> {
        let carried = values::troubles(&self.spot).into_iter();
        let carried = carried.filter(|trouble| trouble.is_carried_by(&candidate.offer.logical));
        self.troubles(candidate).into_iter().chain(carried).collect()
    }

    /// The weightiest reason to speak of the column.
    fn code(&self, candidates: &Candidates) -> &'static str {
        let recommended = &candidates.all[0];
        let trouble = self.all_troubles(recommended).first().map(|trouble| trouble.code);
        match (&recommended.fidelity, trouble) {
            (Fidelity::Unsupported(_), _) => "type_unsupported",
            _ if self.classes().is_some() => "mixed_classes",
            (_, Some(code)) => code,
            (Fidelity::Lossy(_), None) => "type_lossy",
            _ if candidates.narrowed => "assumption",
            (Fidelity::Widened(_) | Fidelity::Exact, None) => "type_widened",
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
fn with_choices(mut finding: Finding, candidates: &Candidates, on_reject: OnReject) -> Finding {
    let shown = shown(candidates);
    for candidate in &shown {
        finding = finding.with_choice(&candidate.choice, candidate.said());
    }
    if !candidates.all[0].is_possible() {
        finding = finding.with_choice(LEAVE_OUT, "the column and its values stay behind");
    }
    let keeps_all = |candidate: &&&Candidate| candidate.rejects.is_empty() && candidate.suggested;
    // Nobody recommends a run that is bound to stop.
    let goes_through = |candidate: &&&Candidate| on_reject == OnReject::File && candidate.rule.is_none();
    let first = shown.iter().find(keeps_all);
    match first.or_else(|| shown.iter().find(goes_through)) {
        Some(candidate) => finding.suggest(&candidate.choice),
        None => finding,
    }
}

/// The possible candidates, best first: forms or rules as the values want it, and a form that loses rows at the end.
fn shown(candidates: &Candidates) -> Vec<&Candidate> {
    let rank = |candidate: &&Candidate| match (candidate.rejects.is_empty(), &candidate.rule) {
        (false, None) => 3,
        (_, Some(_)) if candidates.prefers_rule => 0,
        (true, None) => 1,
        (_, Some(_)) => 2,
    };
    let mut shown: Vec<&Candidate> = candidates
        .all
        .iter()
        .filter(|candidate| candidate.is_possible())
        .collect();
    shown.sort_by_key(rank);
    shown
}
