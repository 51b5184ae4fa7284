//! The conversation: shows what was found, asks for each decision, and at the end for the approval. What the answers mean is decided
//! by the use cases.

use dialoguer::{Confirm, Input, Select};
use whimbrel_app::{Approve, DecisionState, Draft, PlanSummary, refusal};
use whimbrel_core::{Decision, Error, Result};

use crate::text;
use crate::ui::Ui;

/// The name of the choice that takes a text of one's own.
const OWN_TEXT: &str = "text";
/// Facts that are shown before somebody digs deeper.
const FACTS_SHOWN: usize = 3;

/// What a script answered in the person's place.
pub(crate) struct PlainAnswer<'a> {
    pub(crate) yes: bool,
    pub(crate) confirm_target: Option<&'a str>,
}

/// What the person said in the end.
pub(crate) enum Answer {
    /// The plan is approved.
    Go(Approve),
    /// Not now.
    Quit,
}

/// Walks the person through the plan until it is approved or left.
///
/// # Errors
/// When something forbids the run, or the terminal is gone.
pub(crate) fn converse(ui: &Ui, draft: &mut Draft, by: Option<String>) -> Result<Answer> {
    let summary = draft.summary();
    ui.say(format!(
        "{} -> {}",
        draft.pair().source.label(),
        draft.pair().target.label()
    ));
    ui.say(text::headline(&summary));
    ui.say(text::findings(&summary.findings));
    draft.refuse_blockers()?;
    loop {
        if !settle_all(ui, draft)? {
            return Ok(quit(ui, &draft.summary()));
        }
        draft.refuse_blockers()?;
        let summary = draft.summary();
        ui.say(overview(draft, &summary));
        match what_now(&summary)? {
            Now::Run => return approve(ui, &summary, by),
            Now::Revise(key) => revise(ui, draft, &key)?,
            Now::Show => ui.say(draft.page()),
            Now::Quit => return Ok(quit(ui, &summary)),
        }
    }
}

fn overview(draft: &Draft, summary: &PlanSummary) -> String {
    let plan = draft.plan();
    let mut text = format!("\n{}: {}\n", summary.migration_id, text::headline(summary));
    text.push_str(&text::settled(&summary.decisions));
    text.push_str(&format!(
        "  {} steps, each with its undo; the whole plan is in {}/data-migration.md\n",
        plan.steps.len(),
        summary.dir
    ));
    text
}

fn quit(ui: &Ui, summary: &PlanSummary) -> Answer {
    ui.say(format!("nothing was changed; the plan stays in {}", summary.dir));
    ui.hint(&format!("go on with: {}", summary.next_command));
    Answer::Quit
}

/// Asks for every open decision; false when the person leaves.
fn settle_all(ui: &Ui, draft: &mut Draft) -> Result<bool> {
    loop {
        let summary = draft.summary();
        let Some(state) = summary.decisions.iter().find(|state| state.decision.is_none()) else {
            return Ok(true);
        };
        let place = format!("{} left", summary.open_decisions);
        match ask(ui, draft, state, &place)? {
            Asked::Settled(decision) => draft.decide(decision)?,
            Asked::CodeSuggested => draft.accept_suggested_of(&state.finding.code)?,
            Asked::AllSuggested => draft.accept_suggested()?,
            Asked::Quit => return Ok(false),
        }
    }
}

enum Asked {
    Settled(Decision),
    CodeSuggested,
    AllSuggested,
    Quit,
}

/// Asks for one decision; digging deeper shows everything that is known, then asks again.
fn ask(ui: &Ui, draft: &Draft, state: &DecisionState, place: &str) -> Result<Asked> {
    let mut shown = state.clone();
    shown.finding.evidence.truncate(FACTS_SHOWN);
    ui.say(format!("\n{}", text::decision(&shown).trim_end()));
    let finding = &state.finding;
    loop {
        let mut items: Vec<String> = finding
            .choices
            .iter()
            .map(|choice| format!("{}: {}", choice.name, choice.meaning))
            .collect();
        let choices = items.len();
        items.push("dig deeper".to_owned());
        items.push(format!("take the suggestion for every open `{}`", finding.code));
        items.push("take every suggestion from here on".to_owned());
        items.push("quit; nothing is changed".to_owned());
        let suggested = finding
            .choices
            .iter()
            .position(|choice| Some(&choice.name) == finding.suggested.as_ref());
        let chosen = select(
            &format!("{} ({place})", state.key),
            &items,
            suggested.unwrap_or(0),
        )?;
        if chosen < choices {
            return Ok(Asked::Settled(settled(state, chosen)?));
        }
        match chosen - choices {
            0 => ui.say(text::deeper(state, &draft.steps_about(&finding.subject))),
            1 if finding.suggested.is_some() => return Ok(Asked::CodeSuggested),
            1 => ui.say("nothing is suggested for it: only a person can know"),
            2 => return Ok(Asked::AllSuggested),
            _ => return Ok(Asked::Quit),
        }
    }
}

fn settled(state: &DecisionState, chosen: usize) -> Result<Decision> {
    let choice = state.finding.choices[chosen].name.clone();
    let text = if choice == OWN_TEXT {
        let text: String = Input::new()
            .with_prompt("your own text")
            .interact_text()
            .map_err(gone)?;
        Some(text)
    } else {
        None
    };
    Ok(Decision {
        code: state.finding.code.clone(),
        subject: state.finding.subject.to_string(),
        choice,
        text,
        by: "person".to_owned(),
    })
}

enum Now {
    Run,
    Revise(String),
    Show,
    Quit,
}

fn what_now(summary: &PlanSummary) -> Result<Now> {
    let mut items = vec![
        "run it".to_owned(),
        "read the whole plan".to_owned(),
        "quit; nothing is changed".to_owned(),
    ];
    items.extend(
        summary
            .decisions
            .iter()
            .map(|state| format!("revise {}", state.key)),
    );
    Ok(match select("what now?", &items, 0)? {
        0 => Now::Run,
        1 => Now::Show,
        2 => Now::Quit,
        other => Now::Revise(summary.decisions[other - 3].key.clone()),
    })
}

fn revise(ui: &Ui, draft: &mut Draft, key: &str) -> Result<()> {
    let summary = draft.summary();
    let Some(state) = summary.decisions.iter().find(|state| state.key == key) else {
        return Ok(());
    };
    let mut open = state.clone();
    open.decision = None;
    match ask(ui, draft, &open, "revised")? {
        Asked::Settled(decision) => draft.decide(decision),
        Asked::CodeSuggested => draft.accept_suggested_of(&state.finding.code),
        Asked::AllSuggested => draft.accept_suggested(),
        Asked::Quit => Ok(()),
    }
}

fn approve(ui: &Ui, summary: &PlanSummary, by: Option<String>) -> Result<Answer> {
    let confirm_target = if summary.destructive {
        ui.warning(&format!(
            "the plan moves aside what is in {} already; it can be brought back until cleanup",
            summary.confirm_target
        ));
        Some(typed_name(&summary.confirm_target)?)
    } else {
        None
    };
    Ok(Answer::Go(Approve::Given {
        hash: summary.plan_hash.clone(),
        by,
        how: "wizard".to_owned(),
        confirm_target,
    }))
}

/// Asks for the target's name; what was typed is returned as it is.
///
/// # Errors
/// When the terminal is gone.
pub(crate) fn typed_name(name: &str) -> Result<String> {
    Input::new()
        .with_prompt(format!("type {name} to confirm"))
        .allow_empty(true)
        .interact_text()
        .map_err(gone)
}

/// Asks a plain question, unless a flag answered it.
///
/// # Errors
/// Coded [`refusal::CONFIRMATION_MISSING`] where nobody can be asked.
pub(crate) fn is_confirmed(ui: &Ui, answer: &PlainAnswer<'_>, question: &str) -> Result<bool> {
    if answer.yes || answer.confirm_target.is_some() {
        return Ok(true);
    }
    if !ui.is_interactive() {
        return Err(Error::invalid(format!("nobody can be asked: {question}"))
            .with_code(refusal::CONFIRMATION_MISSING)
            .with_hint("answer with --yes"));
    }
    Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .map_err(gone)
}

fn select(question: &str, items: &[String], default: usize) -> Result<usize> {
    Select::new()
        .with_prompt(question)
        .items(items)
        .default(default)
        .interact()
        .map_err(gone)
}

/// The person pressed Ctrl-C, or the terminal is gone.
fn gone(cause: dialoguer::Error) -> Error {
    Error::invalid("the conversation was broken off; nothing was changed")
        .with_code(refusal::INTERRUPTED)
        .with_cause(cause)
}
