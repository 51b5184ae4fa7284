//! The plan's findings and decisions: what was noticed, what was settled and by whom, what is still open.

use std::collections::HashMap;

use whimbrel_core::{Choice, Decision, Finding, Plan, Settled, Severity, shell_word};

use super::markdown::{block, code, prose, table};

/// More facts than these per finding are left to `migration_plan.json`.
const EVIDENCE_MAX: usize = 8;

/// Returns the section with all findings, the gravest first, open ones before settled ones.
pub(super) fn findings(plan: &Plan) -> String {
    let mut text = "## Findings\n\n".to_owned();
    if plan.findings.is_empty() {
        text.push_str("None.\n");
        return text;
    }
    let mut sorted: Vec<&Finding> = plan.findings.iter().collect();
    // What is still open must not hide behind what is settled.
    let settled = plan.settled();
    sorted.sort_by_cached_key(|finding| {
        let is_settled = settled.of(finding).is_some();
        (std::cmp::Reverse(finding.severity), is_settled)
    });
    let rows: Vec<Vec<String>> = sorted
        .into_iter()
        .map(|finding| {
            vec![
                finding.severity.to_string(),
                code(&finding.code),
                code(&finding.subject.to_string()),
                prose(&finding.message),
                evidence(finding),
                state(&settled, finding),
            ]
        })
        .collect();
    let headings = [
        "Severity",
        "Code",
        "Subject",
        "What is the case",
        "Evidence",
        "Settled",
    ];
    text.push_str(&table(&headings, &rows));
    text
}

fn evidence(finding: &Finding) -> String {
    let mut facts: Vec<String> = finding
        .evidence
        .iter()
        .take(EVIDENCE_MAX)
        .map(|fact| prose(fact))
        .collect();
    let left = finding.evidence.len().saturating_sub(EVIDENCE_MAX);
    if left > 0 {
        facts.push(format!("{left} more in `migration_plan.json`"));
    }
    if facts.is_empty() {
        return "the definition itself".to_owned();
    }
    facts.join("; ")
}

fn state(settled: &Settled<'_>, finding: &Finding) -> String {
    match finding.severity {
        Severity::Info | Severity::Warning if !finding.choices.is_empty() => changeable(settled, finding),
        Severity::Info | Severity::Warning => "needs no decision".to_owned(),
        Severity::Blocker => "**forbids the run**".to_owned(),
        Severity::Decision => settled
            .of(finding)
            .map_or_else(|| "**open**".to_owned(), |decision| code(&decision.choice)),
    }
}

/// What holds unless somebody wants another choice, and how that is said.
fn changeable(settled: &Settled<'_>, finding: &Finding) -> String {
    let decided = settled.of(finding).map(|decision| &decision.choice);
    let holds = decided.or(finding.suggested.as_ref());
    let others: Vec<String> = finding
        .choices
        .iter()
        .filter(|choice| Some(&choice.name) != holds)
        .map(|choice| {
            let argument = shell_word(&format!("{}={}", finding.key(), choice.name));
            format!(
                "{} ({})",
                code(&format!("--decide {argument}")),
                prose(&choice.meaning)
            )
        })
        .collect();
    let holds = holds.map_or_else(|| "needs no decision".to_owned(), |choice| code(choice));
    if others.is_empty() {
        return holds;
    }
    format!("{holds}; can be changed with {}", others.join(", or "))
}

/// Returns the section with what was settled, and the open decisions with their choices and commands.
pub(super) fn decisions(plan: &Plan) -> String {
    let mut text = "## Decisions\n\n".to_owned();
    let meanings = Meanings::of(plan);
    let rows: Vec<Vec<String>> = plan
        .decisions
        .iter()
        .map(|decision| settled(&meanings, decision))
        .collect();
    if rows.is_empty() {
        text.push_str("None has been taken.\n");
    } else {
        text.push_str(&table(
            &["Code", "Subject", "Choice", "What it means", "Settled by"],
            &rows,
        ));
    }
    let open = plan.open_decisions();
    if open.is_empty() {
        text.push_str("\nNone is open.\n");
        return text;
    }
    text.push_str("\n### Open\n");
    for finding in open {
        text.push_str(&open_decision(finding));
    }
    text
}

fn settled(meanings: &Meanings<'_>, decision: &Decision) -> Vec<String> {
    let subject = match decision.subject.as_str() {
        "" => "every finding of this code".to_owned(),
        subject => code(subject),
    };
    let choice = decision.text.as_ref().map_or_else(
        || code(&decision.choice),
        |own| format!("{}: {}", code(&decision.choice), code(own)),
    );
    vec![
        code(&decision.code),
        subject,
        choice,
        meanings.meaning(decision),
        prose(&decision.by),
    ]
}

/// What the choices of all findings mean: by code and choice, and by the subject too.
struct Meanings<'a> {
    of_code: HashMap<(&'a str, &'a str), &'a str>,
    of_subject: HashMap<(&'a str, String, &'a str), &'a str>,
}

impl<'a> Meanings<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut meanings = Self {
            of_code: HashMap::new(),
            of_subject: HashMap::new(),
        };
        for finding in &plan.findings {
            for Choice { name, meaning } in &finding.choices {
                let subject = (finding.code.as_str(), finding.subject.to_string(), name.as_str());
                meanings.of_code.entry((&finding.code, name)).or_insert(meaning);
                meanings.of_subject.entry(subject).or_insert(meaning);
            }
        }
        meanings
    }

    fn meaning(&self, decision: &Decision) -> String {
        let (code, choice) = (decision.code.as_str(), decision.choice.as_str());
        let found = match decision.subject.as_str() {
            "" => self.of_code.get(&(code, choice)),
            subject => self.of_subject.get(&(code, subject.to_owned(), choice)),
        };
        found.map_or_else(
            || "given in advance; no finding of this plan asks for it".to_owned(),
            |meaning| prose(meaning),
        )
    }
}

fn open_decision(finding: &Finding) -> String {
    let mut text = format!("\n{}: {}\n\n", code(&finding.key()), prose(&finding.message));
    for choice in &finding.choices {
        let mark = if finding.suggested.as_ref() == Some(&choice.name) {
            " (suggested)"
        } else {
            ""
        };
        text.push_str(&format!(
            "- {}{mark}: {}\n",
            code(&choice.name),
            prose(&choice.meaning)
        ));
    }
    let choice = finding.suggested.as_deref().unwrap_or("CHOICE");
    let argument = shell_word(&format!("{}={choice}", finding.key()));
    text.push('\n');
    text.push_str(&block("sh", &format!("--decide {argument}")));
    text
}
