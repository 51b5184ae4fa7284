//! The plan's findings and decisions: what was noticed, what was settled and by whom, what is still open.

use whimbrel_core::{Decision, Finding, Plan, Severity};

use super::markdown::{block, code, prose, shell_word, table};

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
    sorted.sort_by_key(|finding| {
        let is_settled = plan.decision_for(finding).is_some();
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
                state(plan, finding),
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

fn state(plan: &Plan, finding: &Finding) -> String {
    match finding.severity {
        Severity::Info | Severity::Warning if !finding.choices.is_empty() => changeable(plan, finding),
        Severity::Info | Severity::Warning => "needs no decision".to_owned(),
        Severity::Blocker => "**forbids the run**".to_owned(),
        Severity::Decision => plan
            .decision_for(finding)
            .map_or_else(|| "**open**".to_owned(), |decision| code(&decision.choice)),
    }
}

/// What holds unless somebody wants another choice, and how that is said.
fn changeable(plan: &Plan, finding: &Finding) -> String {
    let decided = plan.decision_for(finding).map(|decision| &decision.choice);
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
    let rows: Vec<Vec<String>> = plan
        .decisions
        .iter()
        .map(|decision| settled(plan, decision))
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

fn settled(plan: &Plan, decision: &Decision) -> Vec<String> {
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
        meaning(plan, decision),
        prose(&decision.by),
    ]
}

fn meaning(plan: &Plan, decision: &Decision) -> String {
    let settles = |finding: &&Finding| {
        finding.code == decision.code
            && (decision.subject.is_empty() || finding.subject.to_string() == decision.subject)
    };
    plan.findings
        .iter()
        .filter(settles)
        .flat_map(|finding| &finding.choices)
        .find(|choice| choice.name == decision.choice)
        .map_or_else(
            || "given in advance; no finding of this plan asks for it".to_owned(),
            |choice| prose(&choice.meaning),
        )
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
