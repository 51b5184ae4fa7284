//! The planner's notebook: collects findings, answers each question from the decisions given or from the suggestion, and refuses
//! decisions that settle nothing.

use std::collections::BTreeSet;

use whimbrel_core::{
    CODES, Decision, Error, Finding, OWN_TEXT, OWN_VALUE, ObjectId, ObjectKind, Result, STOP, Settled,
    Severity, TableId,
};

/// How many valid subjects or codes a hint lists.
const HINT_ITEMS_MAX: usize = 12;

/// How a question was settled: by a decision, else by what is suggested, else not at all (an empty choice).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) choice: String,
    pub(crate) text: Option<String>,
    /// True when a decision settled it.
    pub(crate) given: bool,
}

impl Answer {
    pub(crate) fn is(&self, choice: &str) -> bool {
        self.choice == choice
    }

    /// The person's own text, when that is what was chosen.
    pub(crate) fn own_text(&self) -> Option<&str> {
        self.text.as_deref().filter(|_| self.is(OWN_TEXT))
    }

    /// The person's own value, when that is what was chosen.
    pub(crate) fn own_value(&self) -> Option<&str> {
        self.text.as_deref().filter(|_| self.is(OWN_VALUE))
    }
}

/// Collects findings.
pub(crate) struct Notes<'a> {
    decisions: &'a [Decision],
    /// The same, to look up how a question is settled.
    settled: Settled<'a>,
    findings: Vec<Finding>,
    /// `CODE:SUBJECT` of every question, also of those that a `stop` turned into blockers.
    asked: BTreeSet<String>,
    /// The first decision whose choice does not exist.
    refused: Option<Error>,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(decisions: &'a [Decision]) -> Self {
        Self {
            decisions,
            settled: Settled::new(decisions),
            findings: Vec::new(),
            asked: BTreeSet::new(),
            refused: None,
        }
    }

    /// Takes findings that others made; their questions are settled like our own. About what `is_out` they say no more than that it is so.
    pub(crate) fn take(&mut self, findings: &[Finding], is_out: impl Fn(&ObjectId) -> bool) {
        for finding in findings {
            let mut finding = finding.clone();
            if is_out(&finding.subject) {
                finding.severity = Severity::Info;
                finding.choices.clear();
                finding.suggested = None;
            }
            self.add(finding);
        }
    }

    pub(crate) fn info(&mut self, code: &str, subject: ObjectId, message: impl Into<String>) {
        self.add(Finding::new(code, Severity::Info, subject, message));
    }

    pub(crate) fn warn(&mut self, code: &str, subject: ObjectId, message: impl Into<String>) {
        self.add(Finding::new(code, Severity::Warning, subject, message));
    }

    pub(crate) fn block(&mut self, code: &str, subject: ObjectId, message: impl Into<String>) {
        self.add(Finding::new(code, Severity::Blocker, subject, message));
    }

    /// Adds a finding, and asks when there is something to choose.
    pub(crate) fn add(&mut self, finding: Finding) {
        if finding.severity == Severity::Decision || !finding.choices.is_empty() {
            self.ask(finding);
        } else {
            self.findings.push(finding);
        }
    }

    /// Says what the plan does and what else it could do, and returns what was chosen. Unlike a question it may stay unsettled: then the
    /// suggestion stands.
    pub(crate) fn offer(&mut self, finding: Finding) -> Answer {
        self.settle(finding)
    }

    /// Asks a question and returns how it is settled. A question that is `stop`ped becomes a blocker.
    pub(crate) fn ask(&mut self, finding: Finding) -> Answer {
        self.settle(finding)
    }

    /// Refuses a decision whose text is not what its choice takes.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.refused.get_or_insert(error);
    }

    fn settle(&mut self, mut finding: Finding) -> Answer {
        self.make_subject_unique(&mut finding);
        let decision = self.decision_for(&finding);
        let answer = match decision {
            Some(decision) => {
                let fits = offers(&finding, &decision.choice) && has_text(&finding, decision);
                if !fits {
                    self.refused.get_or_insert(unknown_choice(decision, &finding));
                }
                Answer {
                    choice: decision.choice.clone(),
                    text: decision.text.clone(),
                    given: true,
                }
            }
            None => Answer {
                choice: finding.suggested.clone().unwrap_or_default(),
                text: None,
                given: false,
            },
        };
        if answer.is(STOP) {
            finding.severity = Severity::Blocker;
            finding.choices.clear();
            finding.suggested = None;
        }
        self.findings.push(finding);
        answer
    }

    /// Returns the findings, heaviest first, and all decisions: those given, then the suggestions if they are to be taken.
    ///
    /// # Errors
    /// `Invalid` for a decision that names an unknown code, subject or choice.
    pub(crate) fn finish(mut self, accept_suggested: bool) -> Result<(Vec<Finding>, Vec<Decision>)> {
        let mut decisions = Vec::with_capacity(self.decisions.len());
        let mut idle = Vec::new();
        for decision in self.decisions {
            match self.refuse_unknown_name(decision) {
                Ok(()) => decisions.push(decision.clone()),
                // The settings are for many migrations; not all of them ask the same.
                Err(error) if is_standing(decision) && error.code() == "unknown_subject" => {
                    idle.push(not_asked(decision));
                }
                Err(refused) => return Err(refused),
            }
        }
        self.findings.extend(idle);
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if accept_suggested {
            decisions.extend(self.findings.iter().filter_map(|f| self.suggestion(f)));
        }
        self.findings.sort_by(|a, b| {
            let by_weight = b.severity.cmp(&a.severity);
            by_weight.then_with(|| (&a.code, &a.subject).cmp(&(&b.code, &b.subject)))
        });
        Ok((self.findings, decisions))
    }

    /// The decision that the suggestion amounts to, when nothing else settled the question.
    fn suggestion(&self, finding: &Finding) -> Option<Decision> {
        let open = finding.severity == Severity::Decision && self.decision_for(finding).is_none();
        let choice = finding.suggested.clone().filter(|_| open)?;
        Some(Decision {
            code: finding.code.clone(),
            subject: finding.subject.to_string(),
            choice,
            text: None,
            by: "suggested".to_owned(),
        })
    }

    /// As [`whimbrel_core::Plan::decision_for`] will find it.
    fn decision_for(&self, finding: &Finding) -> Option<&'a Decision> {
        self.settled.of(finding)
    }

    /// Two questions with one name could not be settled apart (a column and a check of the same name).
    fn make_subject_unique(&mut self, finding: &mut Finding) {
        let part = finding.subject.part.clone();
        let mut number = 2;
        while !self.asked.insert(finding.key()) {
            finding.subject.part = format!("{part}#{number}");
            number += 1;
        }
    }

    fn refuse_unknown_name(&self, decision: &Decision) -> Result<()> {
        if !CODES.iter().any(|code| code.code == decision.code) {
            let codes: BTreeSet<&str> = self.asked_names().map(|(code, _)| code).collect();
            return Err(Error::invalid(format!(
                "decision names the code `{}`, which is unknown",
                decision.code
            ))
            .with_code("unknown_code")
            .with_hint(listed("questions here have the codes", codes)));
        }
        let key = format!("{}:{}", decision.code, decision.subject);
        if decision.subject.is_empty() {
            return self.refuse_idle_choice(decision);
        }
        if self.asked.contains(&key) {
            return Ok(());
        }
        let subjects: BTreeSet<&str> = self
            .asked_names()
            .filter(|(code, _)| *code == decision.code)
            .map(|(_, subject)| subject)
            .collect();
        Err(
            Error::invalid(format!("decision names `{key}`, and there is no such question",))
                .with_code("unknown_subject")
                .with_hint(listed(&format!("`{}` is asked for", decision.code), subjects)),
        )
    }

    /// A decision for a whole code may find nothing to settle, but not questions that all offer something else.
    fn refuse_idle_choice(&self, decision: &Decision) -> Result<()> {
        let is_stopped = decision.choice == STOP;
        let questions = || {
            let settled = self.findings.iter().filter(|f| !f.choices.is_empty());
            settled.filter(|f| f.code == decision.code)
        };
        match questions().next() {
            Some(first) if !is_stopped && !questions().any(|f| offers(f, &decision.choice)) => {
                Err(unknown_choice(decision, first))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn asked_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.asked.iter().filter_map(|key| key.split_once(':'))
    }
}

/// Tells whether a decision stands in the settings for whatever asks for it.
fn is_standing(decision: &Decision) -> bool {
    decision.by == "settings"
}

fn not_asked(decision: &Decision) -> Finding {
    let key = format!("{}:{}", decision.code, decision.subject);
    Finding::new(
        "unused_decision",
        Severity::Info,
        ObjectId::whole(ObjectKind::Other, TableId::bare(key.clone())),
        format!("the settings decide `{key}`, which is not asked here"),
    )
}

fn offers(finding: &Finding, choice: &str) -> bool {
    finding.choices.iter().any(|offered| offered.name == choice)
}

fn has_text(finding: &Finding, decision: &Decision) -> bool {
    decision.text.is_some() || !finding.takes_text(&decision.choice)
}

fn unknown_choice(decision: &Decision, finding: &Finding) -> Error {
    let valid = |name: &String| {
        if finding.takes_text(name) {
            format!("`{name}=...`")
        } else {
            format!("`{name}`")
        }
    };
    let choices: Vec<String> = finding.choices.iter().map(|choice| valid(&choice.name)).collect();
    let first = finding.choices.first().map(|choice| &choice.name);
    let example = finding.suggested.as_ref().or(first).map_or("", String::as_str);
    Error::invalid(format!(
        "decision for `{}` is `{}`; must be {}",
        finding.key(),
        decision.choice,
        choices.join(" or ")
    ))
    .with_code("unknown_choice")
    .with_hint(format!("--decide {}={example}", finding.key()))
}

/// `what a, b and 3 more`, for hints.
fn listed(what: &str, names: BTreeSet<&str>) -> String {
    if names.is_empty() {
        return format!("{what}: none");
    }
    let shown: Vec<&str> = names.iter().copied().take(HINT_ITEMS_MAX).collect();
    let more = match names.len().saturating_sub(HINT_ITEMS_MAX) {
        0 => String::new(),
        left => format!(" and {left} more"),
    };
    format!("{what}: {}{more}", shown.join(", "))
}
