//! What to do next with a migration, as a fact and as a command that can be run.

use std::collections::BTreeMap;
use std::path::Path;

use whimbrel_core::{Finding, Plan, RunReport, RunStatus, shell_word};

use crate::setup::Setup;

/// Decisions that a printed command spells out; with more, the wizard asks for them.
const FLAGS_MAX: usize = 6;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Look at what forbids the run, mend it, and plan again.
    Mend,
    /// Settle what is open, and plan again.
    Decide,
    /// Approve the plan and run it.
    Run,
    /// Go on where it stopped.
    Resume,
    /// Bring over what was rejected, after mending it.
    Rejects,
    /// Look at the differences again after mending them.
    Verify,
    /// Throw away what was kept for the way back.
    Cleanup,
}

impl Next {
    /// Returns what to do with a plan that never ran.
    pub(crate) fn of_plan(plan: &Plan) -> Self {
        if !plan.blockers().is_empty() {
            Self::Mend
        } else if plan.open_decisions().is_empty() {
            Self::Run
        } else {
            Self::Decide
        }
    }

    /// Returns what to do after a run.
    pub(crate) fn of_run(report: &RunReport) -> Self {
        match report.status {
            RunStatus::Completed => Self::Cleanup,
            RunStatus::NotVerified if report.tables.iter().any(|table| table.rejected > 0) => Self::Rejects,
            RunStatus::NotVerified => Self::Verify,
            RunStatus::Failed | RunStatus::Interrupted | RunStatus::RolledBack => Self::Resume,
        }
    }

    /// Returns the command that does it.
    pub(crate) fn command(self, setup: &Setup, plan: &Plan) -> String {
        let id = &plan.migration_id;
        let prefix = prefix(setup);
        match self {
            Self::Mend | Self::Decide => {
                let pair = format!("{} {}", named(&plan.source), named(&plan.target));
                let mut flags = settled(plan);
                if self == Self::Decide {
                    flags.extend(open(plan));
                }
                match (self, flags.len() <= FLAGS_MAX) {
                    (Self::Decide, false) => format!("{prefix} migrate {pair}"),
                    (_, false) => format!("{prefix} plan {pair}"),
                    (_, true) => format!("{prefix} plan {pair}{}", flags.concat()),
                }
            }
            Self::Run => {
                let mut command = format!("{prefix} run {id} --approve {}", plan.hash);
                if plan.is_destructive() {
                    command.push_str(&format!(
                        " --confirm-target {}",
                        shell_word(&plan.target.database)
                    ));
                }
                command
            }
            Self::Rejects => format!("{prefix} run {id} --rejects"),
            Self::Resume => format!("{prefix} resume {id}"),
            Self::Verify => format!("{prefix} verify {id}"),
            Self::Cleanup => format!("{prefix} cleanup {id}"),
        }
    }
}

/// What the command line settled already: planning again forgets it otherwise. The settings are read again by themselves.
fn settled(plan: &Plan) -> Vec<String> {
    let decisions = plan.decisions.iter().filter(|decision| decision.by != "settings");
    decisions
        .map(|decision| {
            let subject = match decision.subject.as_str() {
                "" => String::new(),
                subject => format!(":{subject}"),
            };
            let text = decision.text.as_ref().map(|text| format!("={text}"));
            flag(&format!(
                "{}{subject}={}{}",
                decision.code,
                decision.choice,
                text.unwrap_or_default()
            ))
        })
        .collect()
}

/// What is open, with the suggestion or else all choices; questions of a code that are alike are settled together.
fn open(plan: &Plan) -> Vec<String> {
    let mut by_code: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in plan.open_decisions() {
        by_code.entry(&finding.code).or_default().push(finding);
    }
    let mut flags = Vec::new();
    for (code, findings) in by_code {
        let choices: Vec<String> = findings.iter().map(|finding| choice(finding)).collect();
        let are_alike = choices.iter().all(|choice| *choice == choices[0]);
        if findings.len() > 1 && are_alike {
            flags.push(flag(&format!("{code}={}", choices[0])));
        } else {
            let each = findings.iter().zip(choices);
            flags.extend(each.map(|(finding, choice)| flag(&format!("{}={choice}", finding.key()))));
        }
    }
    flags
}

fn choice(finding: &Finding) -> String {
    let names = || -> Vec<&str> {
        finding
            .choices
            .iter()
            .map(|choice| choice.name.as_str())
            .collect()
    };
    finding.suggested.clone().unwrap_or_else(|| names().join("|"))
}

fn flag(decision: &str) -> String {
    format!(" --decide {}", shell_word(decision))
}

/// Returns the program with the options that every later command of the same migration needs.
pub(crate) fn prefix(setup: &Setup) -> String {
    prefix_of(&setup.base)
}

fn prefix_of(base: &Path) -> String {
    if base.as_os_str() == crate::setup::BASE {
        "whimbrel".to_owned()
    } else {
        format!("whimbrel --dir {}", shell_word(&base.display().to_string()))
    }
}

/// The commands that need to know the folder of the migrations.
const COMMANDS: [&str; 9] = [
    "run", "pause", "resume", "plan", "migrate", "verify", "rollback", "cleanup", "status",
];

/// Returns the text with the options that its commands need in this folder: `whimbrel resume` becomes `whimbrel --dir FOLDER resume`.
pub fn in_folder(base: &Path, text: &str) -> String {
    with_prefix(&prefix_of(base), text)
}

fn with_prefix(prefix: &str, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("whimbrel ") {
        let (before, behind) = (&rest[..at], &rest[at + "whimbrel ".len()..]);
        let is_word = !before.ends_with(|letter: char| letter.is_alphanumeric() || "-_./".contains(letter));
        let next = behind.split(|letter: char| !letter.is_ascii_lowercase()).next();
        out.push_str(before);
        out.push_str(match next {
            Some(next) if is_word && COMMANDS.contains(&next) => prefix,
            Some(_) | None => "whimbrel",
        });
        out.push(' ');
        rest = behind;
    }
    out.push_str(rest);
    out
}

fn named(endpoint: &whimbrel_core::Endpoint) -> String {
    shell_word(endpoint.name.as_deref().unwrap_or(&endpoint.url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_texts_name_the_folder_of_their_migration() {
        let text = "hint: `whimbrel resume mig` or whimbrel run x --rejects; whimbrel moves; ./whimbrel run";
        assert_eq!(with_prefix("whimbrel", text), text);
        assert_eq!(
            with_prefix("whimbrel --dir 'a b'", text),
            "hint: `whimbrel --dir 'a b' resume mig` or whimbrel --dir 'a b' run x --rejects; whimbrel moves; ./whimbrel run"
        );
    }
}
