//! What a plan looks like: the headline, the decisions, the findings.

use std::collections::BTreeMap;

use whimbrel_app::{DecisionState, PlanSummary};
use whimbrel_core::{CODES, Finding, Severity, Statement, Step};

use super::{count, counted, size};

/// Findings and decisions of one code that are written out; the rest is only counted, the plan holds them all.
const PER_CODE: usize = 3;

/// Returns `24 tables, about 5.2 M rows, 1.4 GB, about 3 min; 2 decisions`.
pub(crate) fn headline(plan: &PlanSummary) -> String {
    let mut text = format!(
        "{}, about {}, {}, about {}",
        counted(usize::try_from(plan.tables).unwrap_or(usize::MAX), "table"),
        match plan.rows {
            1 => "1 row".to_owned(),
            rows => format!("{} rows", rounded(rows)),
        },
        size(plan.size_bytes),
        roughly(plan.estimate_seconds),
    );
    if !plan.decisions.is_empty() {
        text.push_str(&format!("; {}", counted(plan.decisions.len(), "decision")));
    }
    if plan.blockers > 0 {
        text.push_str(&format!("; {}", counted(plan.blockers, "blocker")));
    }
    text
}

/// Returns everything that a person needs to decide about the plan.
pub(crate) fn plan_summary(plan: &PlanSummary) -> String {
    let mut text = format!(
        "migration  {}\nsource     {}\ntarget     {}\nto do      {}\nplan       {}/data-migration.md\nhash       {}\n",
        plan.migration_id,
        plan.source,
        plan.target,
        headline(plan),
        plan.dir,
        plan.plan_hash,
    );
    if plan.destructive {
        text.push_str(&format!(
            "caution    moves aside what is in {} already; confirm with --confirm-target {}\n",
            plan.confirm_target, plan.confirm_target
        ));
    }
    for state in plan.decisions.iter().filter(|state| state.decision.is_none()) {
        text.push('\n');
        text.push_str(&decision(state));
    }
    text.push_str(&settled(&plan.decisions));
    text.push_str(&settled(&plan.changeable));
    text.push_str(&findings(&plan.findings));
    text
}

/// Returns the plan's summary with what to do next.
pub(crate) fn plan_and_next(plan: &PlanSummary) -> String {
    format!("{}\nnext: {}\n", plan_summary(plan), plan.next_command)
}

/// Returns the decisions that were made, a few of each code.
pub(crate) fn settled(decisions: &[DecisionState]) -> String {
    let mut by_code: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for state in decisions {
        let Some(decision) = &state.decision else { continue };
        let own = decision.text.as_ref().map(|text| format!("={text}"));
        by_code.entry(&state.finding.code).or_default().push(format!(
            "  {} = {}{} (by {}): {}\n",
            state.key,
            decision.choice,
            own.unwrap_or_default(),
            decision.by,
            state.finding.message
        ));
    }
    let number: usize = by_code.values().map(Vec::len).sum();
    if number == 0 {
        return String::new();
    }
    let mut text = format!("\n{} made\n", counted(number, "decision"));
    for (code, lines) in by_code {
        text.extend(lines.iter().take(PER_CODE).map(String::as_str));
        if lines.len() > PER_CODE {
            text.push_str(&format!("  {code}: and {} more\n", lines.len() - PER_CODE));
        }
    }
    text
}

/// Returns one finding that needs a decision, as [`question`] does, with its choices while it is open.
pub(crate) fn decision(state: &DecisionState) -> String {
    let mut text = question(state);
    if state.decision.is_none() {
        for choice in &state.finding.choices {
            let mark = match &state.finding.suggested {
                Some(name) if *name == choice.name => " (suggested)",
                _ => "",
            };
            text.push_str(&format!("  choice {}{mark}: {}\n", choice.name, choice.meaning));
        }
    }
    text
}

/// Returns one finding that needs a decision: what is the case, and the facts.
pub(crate) fn question(state: &DecisionState) -> String {
    let finding = &state.finding;
    let head = match &state.decision {
        None => format!("open decision {}\n", state.key),
        Some(decision) => {
            let own = decision
                .text
                .as_ref()
                .map(|text| format!("={text}"))
                .unwrap_or_default();
            format!(
                "decision {} = {}{own} (by {})\n",
                state.key, decision.choice, decision.by
            )
        }
    };
    let mut text = format!("{head}  {}\n", finding.message);
    for fact in &finding.evidence {
        text.push_str(&format!("  - {fact}\n"));
    }
    text
}

/// Returns everything that is known about a decision: what its code means, all facts, and the statements of its object.
pub(crate) fn deeper(state: &DecisionState, steps: &[&Step]) -> String {
    let mut text = decision(state);
    if let Some(code) = CODES.iter().find(|code| code.code == state.finding.code) {
        text.push_str(&format!("  {} means: {}\n", code.code, code.doc));
    }
    for step in steps {
        text.push_str(&format!("  {} ({})\n", step.title, step.id));
        for statement in &step.statements {
            text.push_str(&match statement {
                Statement::Sql(sql) => format!("    {}\n", sql.replace('\n', "\n    ")),
                Statement::Engine { operation, arguments } => {
                    format!("    {operation} {}\n", arguments.join(" "))
                }
            });
        }
    }
    text
}

/// Returns the findings, worst first, a few of each code.
pub(crate) fn findings(findings: &[Finding]) -> String {
    let mut text = String::new();
    for severity in [Severity::Blocker, Severity::Warning, Severity::Info] {
        let of_severity: Vec<&Finding> = findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .collect();
        if !of_severity.is_empty() {
            text.push_str(&format!("\n{}\n", counted(of_severity.len(), heading(severity))));
            text.push_str(&by_code(&of_severity));
        }
    }
    text
}

fn heading(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocker => "blocker",
        Severity::Decision => "decision",
        Severity::Warning => "warning",
        Severity::Info => "remark",
    }
}

fn by_code(findings: &[&Finding]) -> String {
    let mut text = String::new();
    let mut codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    codes.sort_unstable();
    codes.dedup();
    for code in codes {
        let same: Vec<&&Finding> = findings.iter().filter(|finding| finding.code == code).collect();
        // What forbids the run is never left out.
        let shown = match same.first().map(|finding| finding.severity) {
            Some(Severity::Blocker) => same.len(),
            _ => same.len().min(PER_CODE),
        };
        for finding in &same[..shown] {
            text.push_str(&format!("  {code} {}: {}\n", finding.subject, finding.message));
            text.push_str(&changeable(finding));
        }
        if shown < same.len() {
            text.push_str(&format!(
                "  {code}: and {} more\n",
                count((same.len() - shown) as u64)
            ));
        }
    }
    text
}

/// What else could be chosen for a finding that needs no decision; empty when nothing can.
fn changeable(finding: &Finding) -> String {
    if finding.severity == Severity::Blocker {
        return String::new();
    }
    let others: Vec<&str> = finding
        .choices
        .iter()
        .map(|choice| choice.name.as_str())
        .filter(|name| finding.suggested.as_deref() != Some(name))
        .collect();
    if others.is_empty() {
        return String::new();
    }
    format!(
        "    can be changed with --decide '{}={}'\n",
        finding.key(),
        others.join("|")
    )
}

/// Returns a count in at most two figures where it is large: `5.2 M`.
fn rounded(number: u64) -> String {
    for (unit, factor) in [("G", 1_000_000_000), ("M", 1_000_000)] {
        if number >= factor {
            let tenths = number / (factor / 10);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    count(number)
}

/// Returns a duration in one unit.
fn roughly(seconds: u64) -> String {
    match seconds {
        0..=1 => "1 s".to_owned(),
        2..=90 => format!("{seconds} s"),
        91..=5400 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_where_they_are_large() {
        assert_eq!(
            [0, 999, 200_000, 5_249_000, 1_949_000_000].map(rounded),
            ["0", "999", "200,000", "5.2 M", "1.9 G"]
        );
        assert_eq!([0, 90, 170, 7200].map(roughly), ["1 s", "90 s", "3 min", "2 h"]);
    }
}
