//! How findings were settled: the decisions, made ready to be looked up. What is asked and what may be chosen is the finding's to say.

use std::collections::HashMap;

use crate::{Decision, Finding};

/// Decisions by what they are about.
#[derive(Debug, Default)]
pub struct Settled<'a> {
    /// By code and subject.
    one: HashMap<(&'a str, &'a str), &'a Decision>,
    /// Those for a whole code, by it.
    all: HashMap<&'a str, Vec<&'a Decision>>,
}

impl<'a> Settled<'a> {
    /// Takes the decisions; the first of those about the same counts.
    pub fn new(decisions: &'a [Decision]) -> Self {
        let mut settled = Self::default();
        for decision in decisions {
            let place = (decision.code.as_str(), decision.subject.as_str());
            settled.one.entry(place).or_insert(decision);
            if decision.subject.is_empty() {
                settled.all.entry(&decision.code).or_default().push(decision);
            }
        }
        settled
    }

    /// Looks up how a finding was settled: by its own subject first, then for its whole code, which settles what offers that choice.
    pub fn of(&self, finding: &Finding) -> Option<&'a Decision> {
        if self.one.is_empty() {
            return None;
        }
        let subject = finding.subject.to_string();
        let own = self.one.get(&(finding.code.as_str(), subject.as_str()));
        own.copied().or_else(|| {
            let of_code = self.all.get(finding.code.as_str()).into_iter().flatten();
            of_code.copied().find(|decision| {
                finding
                    .choices
                    .iter()
                    .any(|choice| choice.name == decision.choice)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ObjectId, ObjectKind, Severity, TableId};

    fn decision(subject: &str, choice: &str) -> Decision {
        Decision {
            code: "collation".to_owned(),
            subject: subject.to_owned(),
            choice: choice.to_owned(),
            text: None,
            by: "person".to_owned(),
        }
    }

    #[test]
    fn a_subject_of_its_own_goes_before_the_code_which_settles_what_it_offers() {
        let subject = |name: &str| ObjectId::whole(ObjectKind::Table, TableId::bare(name));
        let finding = |name: &str| {
            Finding::new("collation", Severity::Decision, subject(name), "which")
                .with_choice("exact", "")
                .with_choice("same", "")
        };
        let decisions = [
            decision("", "none"),
            decision("", "same"),
            decision("a", "exact"),
            decision("a", "same"),
        ];
        let settled = Settled::new(&decisions);
        let choice = |finding: &Finding| settled.of(finding).map(|decision| decision.choice.as_str());
        assert_eq!(choice(&finding("a")), Some("exact"));
        assert_eq!(choice(&finding("b")), Some("same"));
        assert_eq!(
            choice(&Finding::new("collation", Severity::Decision, subject("c"), "")),
            None
        );
        assert_eq!(
            choice(&Finding::new("no_key", Severity::Info, subject("a"), "")),
            None
        );
    }
}
