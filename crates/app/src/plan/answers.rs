//! The answers of a conversation: which of them still fit while other answers change what is asked. What a decision means is the
//! planner's.

use std::collections::BTreeSet;

use whimbrel_core::{Decision, Finding, Plan, Result, Settled};
use whimbrel_planner::Wishes;

/// Returns the wishes with those answers that fit something of theirs that has choices and is not settled, and the plan that comes of it.
///
/// An answer may raise the question that another one settles, so it is planned until nothing more fits. `latest` is an answer that must fit:
/// it is given as soon as its question is asked, which only an answer before it may have raised.
///
/// # Errors
/// Those of `make`; also when `latest` fits nothing.
pub(super) fn fitted(
    wishes: &Wishes,
    answers: &[Decision],
    mut latest: Option<&Decision>,
    make: impl Fn(&Wishes) -> Result<Plan>,
) -> Result<Plan> {
    if answers.is_empty() && latest.is_none() {
        return make(wishes);
    }
    let known = Settled::new(answers);
    let mut tried: BTreeSet<(String, String)> = BTreeSet::new();
    let mut fitting = Wishes {
        accept_suggested: false,
        ..wishes.clone()
    };
    loop {
        let plan = make(&fitting)?;
        if let Some(decision) = latest.take_if(|decision| is_asked(&plan, decision)) {
            tried.insert((decision.code.clone(), decision.subject.clone()));
            put(&mut fitting.decisions, decision.clone());
            continue;
        }
        let settled = plan.settled();
        let unsettled = plan
            .findings
            .iter()
            .filter(|finding| !finding.choices.is_empty() && settled.of(finding).is_none());
        let fit: Vec<Decision> = unsettled
            .filter_map(|finding| answered(finding, known.of(finding)?))
            .filter(|answer| tried.insert((answer.code.clone(), answer.subject.clone())))
            .collect();
        if fit.is_empty() {
            if let Some(decision) = latest {
                // Nothing asks for it: the planner says so, and what is asked.
                put(&mut fitting.decisions, decision.clone());
                return make(&fitting);
            }
            fitting.accept_suggested = wishes.accept_suggested;
            return if fitting.accept_suggested {
                make(&fitting)
            } else {
                Ok(plan)
            };
        }
        // They are about what nothing settles, so that none takes the place of another.
        fitting.decisions.extend(fit);
    }
}

/// Adds a decision in the place of an earlier one about the same.
pub(super) fn put(decisions: &mut Vec<Decision>, decision: Decision) {
    decisions.retain(|other| (&other.code, &other.subject) != (&decision.code, &decision.subject));
    decisions.push(decision);
}

/// Tells whether the plan has choices by the decision's name.
fn is_asked(plan: &Plan, decision: &Decision) -> bool {
    let is_its = |finding: &Finding| {
        finding.code == decision.code
            && finding.subject.to_string() == decision.subject
            && !finding.choices.is_empty()
    };
    plan.findings.iter().any(is_its)
}

/// Returns the answer as one to this finding alone, when it settles it.
fn answered(finding: &Finding, answer: &Decision) -> Option<Decision> {
    let subject = finding.subject.to_string();
    let is_about = answer.code == finding.code && (answer.subject.is_empty() || answer.subject == subject);
    let is_offered = finding.choices.iter().any(|choice| choice.name == answer.choice);
    (is_about && is_offered).then(|| Decision {
        subject,
        ..answer.clone()
    })
}
