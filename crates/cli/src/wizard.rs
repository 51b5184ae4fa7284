//! The conversation: shows what was found, asks for each decision, and at the end for the approval. What the answers mean is decided
//! by the use cases.

use std::borrow::Cow;
use std::io::ErrorKind;

use console::Term;
use dialoguer::{Confirm, Input, Select};
use tokio::signal::unix::{SignalKind, signal};
use whimbrel_app::{Approve, DecisionState, Draft, PlanSummary, refusal};
use whimbrel_core::{Decision, Error, OWN_VALUE, Result, Severity};

use crate::text;
use crate::ui::{Ui, harmless};

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
    ui.say(text::settled(&summary.decisions));
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
            Now::Show => ui.say(draft.page()),
            Now::Revise => revise_one(ui, draft)?,
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
    let mut before: Vec<String> = Vec::new();
    loop {
        let summary = draft.summary();
        let Some(state) = summary.decisions.iter().find(|state| state.decision.is_none()) else {
            return Ok(true);
        };
        let way = Way::Onward {
            left: summary.open_decisions,
            before: before.last().map(String::as_str),
        };
        match ask(ui, draft, state, &way)? {
            Asked::Settled(decision) => {
                if decide(ui, draft, decision)? {
                    before.push(state.key.clone());
                }
            }
            Asked::CodeSuggested => draft.accept_suggested_of(&state.finding.code)?,
            Asked::AllSuggested => {
                draft.accept_suggested()?;
                if state.finding.suggested.is_none() {
                    ui.say("nothing is suggested for this one: only a person can know");
                }
            }
            Asked::Back => {
                if let Some(key) = before.pop() {
                    revise(ui, draft, &key)?;
                }
            }
            Asked::Leave => return Ok(false),
        }
    }
}

/// Settles it and tells whether that was possible; a decision that cannot be taken is said, and the question stays.
fn decide(ui: &Ui, draft: &mut Draft, decision: Decision) -> Result<bool> {
    match draft.decide(decision) {
        Err(refused) if refused.code() == refusal::USAGE => {
            ui.warning(&refused.chain());
            Ok(false)
        }
        done => done.map(|()| true),
    }
}

/// How the person came to a decision.
enum Way<'a> {
    /// One of those that are open, after the one that was settled before it.
    Onward { left: usize, before: Option<&'a str> },
    /// Once more.
    Again { chosen: Option<String> },
}

#[derive(Clone)]
enum Asked {
    Settled(Decision),
    CodeSuggested,
    AllSuggested,
    Back,
    Leave,
}

/// One line of the menu below a decision.
#[derive(Clone, Copy)]
enum Item {
    Choice(usize),
    Deeper,
    CodeSuggested,
    AllSuggested,
    Back,
    Leave,
}

/// Asks for one decision; digging deeper shows everything that is known, then asks again.
fn ask(ui: &Ui, draft: &Draft, state: &DecisionState, way: &Way<'_>) -> Result<Asked> {
    let mut shown = state.clone();
    shown.finding.evidence.truncate(FACTS_SHOWN);
    ui.say(format!("\n{}", text::question(&shown).trim_end()));
    let (place, preferred) = match way {
        Way::Onward { left, .. } => (format!("{left} left"), state.finding.suggested.as_ref()),
        Way::Again { chosen } => ("revised".to_owned(), chosen.as_ref()),
    };
    let menu = menu(state, way);
    let lines: Vec<&str> = menu.iter().map(|(line, _)| line.as_str()).collect();
    let choices = state.finding.choices.iter();
    let default = choices
        .map(|choice| Some(&choice.name))
        .position(|name| name == preferred)
        .unwrap_or(0);
    loop {
        let chosen = select(&format!("{} ({place})", state.key), &lines, default)?;
        match menu[chosen].1 {
            Item::Choice(at) => return Ok(Asked::Settled(settled(state, at)?)),
            Item::Deeper => ui.say(text::deeper(state, &draft.steps_about(&state.finding.subject))),
            Item::CodeSuggested if state.finding.suggested.is_none() => {
                ui.say("nothing is suggested for it: only a person can know");
            }
            Item::CodeSuggested => return Ok(Asked::CodeSuggested),
            Item::AllSuggested => return Ok(Asked::AllSuggested),
            Item::Back => return Ok(Asked::Back),
            Item::Leave => return Ok(Asked::Leave),
        }
    }
}

fn menu(state: &DecisionState, way: &Way<'_>) -> Vec<(String, Item)> {
    let finding = &state.finding;
    let mut menu: Vec<(String, Item)> = finding
        .choices
        .iter()
        .enumerate()
        .map(|(at, choice)| {
            let mark = match &finding.suggested {
                Some(name) if *name == choice.name => " (suggested)",
                _ => "",
            };
            (
                format!("{}{mark}: {}", choice.name, choice.meaning),
                Item::Choice(at),
            )
        })
        .collect();
    menu.push(("dig deeper".to_owned(), Item::Deeper));
    match way {
        Way::Onward { before, .. } => {
            let every = format!("take the suggestion for every open `{}`", finding.code);
            menu.push((every, Item::CodeSuggested));
            let all = "take every suggestion from here on".to_owned();
            menu.push((all, Item::AllSuggested));
            if let Some(key) = before {
                menu.push((format!("go back to {key}"), Item::Back));
            }
            menu.push(("quit; nothing is changed".to_owned(), Item::Leave));
        }
        Way::Again { .. } => menu.push(("leave it as it is".to_owned(), Item::Leave)),
    }
    menu
}

fn settled(state: &DecisionState, chosen: usize) -> Result<Decision> {
    let choice = state.finding.choices[chosen].name.clone();
    let own = match choice.as_str() {
        OWN_VALUE => "the value",
        _ => "your own text",
    };
    let text = match state.finding.takes_text(&choice) {
        true => Some(prompt(|| Input::new().with_prompt(own).interact_text())?),
        false => None,
    };
    Ok(Decision {
        code: state.finding.code.clone(),
        subject: state.finding.subject.to_string(),
        choice,
        text,
        by: "person".to_owned(),
    })
}

#[derive(Clone, Copy)]
enum Now {
    Run,
    Show,
    Revise,
    Quit,
}

fn what_now(summary: &PlanSummary) -> Result<Now> {
    let mut menu = vec![("run it", Now::Run), ("read the whole plan", Now::Show)];
    if !summary.decisions.is_empty() || !summary.changeable.is_empty() {
        menu.push(("revise a decision", Now::Revise));
    }
    menu.push(("quit; nothing is changed", Now::Quit));
    let lines: Vec<&str> = menu.iter().map(|(line, _)| *line).collect();
    Ok(menu[select("what now?", &lines, 0)?].1)
}

/// Asks which decision is revised, then for it.
fn revise_one(ui: &Ui, draft: &mut Draft) -> Result<()> {
    let summary = draft.summary();
    let decisions: Vec<&DecisionState> = summary.decisions.iter().chain(&summary.changeable).collect();
    let mut lines: Vec<String> = decisions
        .iter()
        .map(|state| format!("{} = {}", state.key, chosen_of(state).unwrap_or("open")))
        .collect();
    lines.push("none of them".to_owned());
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    match decisions.get(select("revise which?", &lines, 0)?) {
        Some(state) => revise(ui, draft, &state.key),
        None => Ok(()),
    }
}

/// What holds: what somebody decided, else the suggestion for what needs no decision.
fn chosen_of(state: &DecisionState) -> Option<&str> {
    let decided = state.decision.as_ref().map(|decision| decision.choice.as_str());
    match state.finding.severity {
        Severity::Decision => decided,
        Severity::Blocker | Severity::Warning | Severity::Info => {
            decided.or(state.finding.suggested.as_deref())
        }
    }
}

fn revise(ui: &Ui, draft: &mut Draft, key: &str) -> Result<()> {
    let summary = draft.summary();
    let mut states = summary.decisions.iter().chain(&summary.changeable);
    let Some(state) = states.find(|state| state.key == key) else {
        ui.say(format!("{key} is not asked any more"));
        return Ok(());
    };
    let way = Way::Again {
        chosen: chosen_of(state).map(str::to_owned),
    };
    match ask(ui, draft, state, &way)? {
        Asked::Settled(decision) => decide(ui, draft, decision).map(|_taken| ()),
        Asked::CodeSuggested | Asked::AllSuggested | Asked::Back | Asked::Leave => Ok(()),
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
    prompt(|| {
        Input::new()
            .with_prompt(format!("type {name} to confirm"))
            .allow_empty(true)
            .interact_text()
    })
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
    prompt(|| Confirm::new().with_prompt(question).default(false).interact())
}

fn select(question: &str, items: &[&str], default: usize) -> Result<usize> {
    let items: Vec<Cow<'_, str>> = items.iter().map(|item| harmless(item)).collect();
    prompt(|| {
        Select::new()
            .with_prompt(harmless(question))
            .items(&items)
            .default(default)
            .interact()
    })
}

/// Asks; where the person presses Ctrl-C instead, or the terminal is gone, the cursor comes back before the program ends.
fn prompt<T>(ask: impl FnOnce() -> dialoguer::Result<T>) -> Result<T> {
    // Without a listener the signal would end the program in the middle of the menu.
    let _listener = signal(SignalKind::interrupt()).ok();
    ask().map_err(|cause| {
        let _gone = Term::stderr().show_cursor();
        let error = Error::invalid("the conversation was broken off; nothing was changed")
            .with_code(refusal::INTERRUPTED);
        match cause {
            dialoguer::Error::IO(cause) if cause.kind() == ErrorKind::Interrupted => error,
            dialoguer::Error::IO(_) => error.with_cause(cause),
        }
    })
}
