//! Approval: a plan runs only when a person confirmed its hash, every decision is made, and what is there already was named.

use serde_json::json;
use whimbrel_core::{Plan, Result};
use whimbrel_pipeline::{Approval, MigrationDir};

use crate::analyze::hint_of;
use crate::next::{Next, prefix};
use crate::refusal;
use crate::setup::Setup;

/// Open decisions that an error names; the plan holds them all.
const NAMED_MAX: usize = 8;

/// How a request approves a plan.
#[derive(Debug, Clone)]
pub enum Approve {
    /// A person gave the hash.
    Given {
        /// The plan's hash.
        hash: String,
        /// Who; the login name when nobody says.
        by: Option<String>,
        /// How, such as `flag` or `wizard`.
        how: String,
        /// The target's bare name, typed out.
        confirm_target: Option<String>,
    },
    /// The plan was approved before.
    Recorded,
}

/// How a script stands in for the person, where nobody can be asked.
#[derive(Debug, Clone, Default)]
pub struct Unattended {
    /// True when the script confirms what needs no typed name.
    pub yes: bool,
    /// Who; the login name when nobody says.
    pub by: Option<String>,
    /// The target's bare name, typed out.
    pub confirm_target: Option<String>,
}

/// Approves a plan where nobody can be asked: only for an empty target, or when its name was typed.
///
/// # Errors
/// Coded as in [`refusal`], with the exact command that goes on.
pub(crate) fn unattended(
    setup: &Setup,
    plan: &Plan,
    is_target_empty: bool,
    script: &Unattended,
) -> Result<Approve> {
    refuse_blockers(setup, plan)?;
    if !plan.open_decisions().is_empty() {
        let command = Next::Decide
            .command(setup, plan)
            .replacen(" plan ", " migrate --yes ", 1);
        return Err(undecided(plan, &command));
    }
    let go = Next::Run.command(setup, plan);
    let read = setup.base.join(&plan.migration_id.0).join("data-migration.md");
    let hint = format!("read the plan in {} first, then: {go}", read.display());
    if !script.yes && script.confirm_target.is_none() {
        return Err(refusal::unapproved("nobody can be asked to approve the plan").with_hint(hint));
    }
    if !is_target_empty && script.confirm_target.as_deref() != Some(plan.target.database.as_str()) {
        let message = format!(
            "the target `{}` is not empty; `--yes` alone does not do",
            plan.target.database
        );
        return Err(refusal::unconfirmed(message).with_hint(hint));
    }
    Ok(Approve::Given {
        hash: plan.hash.clone(),
        by: script.by.clone(),
        how: "flag".to_owned(),
        confirm_target: script.confirm_target.clone(),
    })
}

/// Checks that the plan may run. Writes nothing.
///
/// # Errors
/// Coded as in [`refusal`]: blockers, open decisions, a missing or other approval, a missing confirmation.
pub(crate) fn check(setup: &Setup, dir: &MigrationDir, plan: &Plan, approve: &Approve) -> Result<Approval> {
    refuse_blockers(setup, plan)?;
    refuse_open_decisions(setup, plan)?;
    match approve {
        Approve::Given {
            hash,
            by,
            how,
            confirm_target,
        } => {
            refuse_other_hash(setup, plan, hash)?;
            refuse_other_mapping(setup, plan)?;
            refuse_unnamed_target(setup, plan, confirm_target.as_deref())?;
            Ok(Approval {
                hash: hash.clone(),
                by: by.clone().unwrap_or_else(|| login(setup)),
                how: how.clone(),
                at: setup.timestamp(),
            })
        }
        Approve::Recorded => {
            let recorded = dir.load_approval()?;
            recorded
                .filter(|approval| approval.hash == plan.hash)
                .ok_or_else(|| unapproved(setup, plan))
        }
    }
}

/// Records the approval, in its file and in the audit log.
///
/// # Errors
/// As the file system says.
pub(crate) fn record(setup: &Setup, dir: &MigrationDir, approval: &Approval) -> Result<()> {
    if dir.load_approval()?.as_ref() == Some(approval) {
        return Ok(());
    }
    dir.save_approval(approval)?;
    let log = dir.events()?.with_clock(setup.clock.clone());
    log.append(
        "PLAN_APPROVED",
        json!({ "plan_hash": approval.hash, "by": approval.by, "how": approval.how }),
    )
}

fn login(setup: &Setup) -> String {
    let named = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| setup.environment.get(*name));
    named
        .cloned()
        .or_else(login_of_system)
        .unwrap_or_else(|| "unknown".to_owned())
}

/// Asks the system, where the environment does not say.
fn login_of_system() -> Option<String> {
    let output = std::process::Command::new("id").arg("-un").output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !name.is_empty()).then_some(name)
}

pub(crate) fn refuse_blockers(setup: &Setup, plan: &Plan) -> Result<()> {
    let blockers = plan.blockers();
    let Some(first) = blockers.first() else {
        return Ok(());
    };
    let more = match blockers.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let message = format!("{}: {}{more} [{}]", first.subject, first.message, first.code);
    let mend = hint_of(first).unwrap_or("mend it");
    Err(refusal::blocked(message).with_hint(format!(
        "{mend}; then plan again: {}",
        Next::Mend.command(setup, plan)
    )))
}

fn refuse_open_decisions(setup: &Setup, plan: &Plan) -> Result<()> {
    if plan.open_decisions().is_empty() {
        return Ok(());
    }
    Err(undecided(plan, &Next::Decide.command(setup, plan)))
}

fn undecided(plan: &Plan, command: &str) -> whimbrel_core::Error {
    let open = plan.open_decisions();
    let named = open.iter().take(NAMED_MAX);
    let mut keys: Vec<String> = named.map(|finding| format!("`{}`", finding.key())).collect();
    if open.len() > NAMED_MAX {
        keys.push(format!("and {} more", open.len() - NAMED_MAX));
    }
    let count = match open.len() {
        1 => "a decision is open".to_owned(),
        many => format!("{many} decisions are open"),
    };
    let suggested = open.iter().any(|finding| finding.suggested.is_some());
    let or_all = if suggested {
        "; or take every suggestion with --accept-suggested"
    } else {
        ""
    };
    refusal::undecided(format!("{count}: {}", keys.join(", ")))
        .with_hint(format!("settle what is open: {command}{or_all}"))
}

fn refuse_other_hash(setup: &Setup, plan: &Plan, hash: &str) -> Result<()> {
    if hash == plan.hash {
        return Ok(());
    }
    let message = format!("the approved hash is `{hash}`; the plan's is `{}`", plan.hash);
    Err(refusal::unapproved(message).with_hint(format!(
        "read the plan in {} first, then: {}",
        setup.base.join(&plan.migration_id.0).display(),
        Next::Run.command(setup, plan)
    )))
}

/// Whoever changes the mapping after the plan means that the run shall know it.
fn refuse_other_mapping(setup: &Setup, plan: &Plan) -> Result<()> {
    if setup.settings.mapping()? == plan.mapping.as_written() {
        return Ok(());
    }
    let message = "the mapping of the settings is not the one that the plan was approved for";
    let hint = match plan.mapping.sources.is_empty() {
        true => format!(
            "take the change back, or plan again: whimbrel plan '{}' '{}'",
            plan.source.url, plan.target.url
        ),
        false => format!(
            "take the change back, or plan again: whimbrel plan sources '{}'",
            plan.target.url
        ),
    };
    Err(refusal::unapproved(message).with_hint(hint))
}

fn refuse_unnamed_target(setup: &Setup, plan: &Plan, named: Option<&str>) -> Result<()> {
    if !plan.is_destructive() || named == Some(plan.target.database.as_str()) {
        return Ok(());
    }
    let said = named.map_or_else(
        || "nobody confirmed it".to_owned(),
        |name| format!("the confirmed name is `{name}`"),
    );
    let message = format!(
        "the plan moves aside what is in `{}` already; {said}",
        plan.target.database
    );
    Err(refusal::unconfirmed(message)
        .with_hint(format!("if that is wanted: {}", Next::Run.command(setup, plan))))
}

fn unapproved(setup: &Setup, plan: &Plan) -> whimbrel_core::Error {
    let id = &plan.migration_id;
    refusal::unapproved(format!("nobody approved the plan of `{id}`")).with_hint(format!(
        "read it with `{} report {id}`, then: {}",
        prefix(setup),
        Next::Run.command(setup, plan)
    ))
}
