//! Doing and undoing steps. A step's undo is on disk before the step runs; the ledger says which steps are done.

use std::collections::BTreeSet;
use std::future::Future;

use serde_json::json;
use whimbrel_core::{Direction, Error, ErrorClass, ObjectKind, Result, Step, StepPhase, TableId, fault};

use crate::failure::{Failure, Work, interrupted};
use crate::observer::Progress;
use crate::presence::is_there;
use crate::retry::retry;
use crate::running::Run;

/// So many undos are put on disk at once before the data: a sync for each of tens of thousands would take longer than the steps.
const UNDOS_TOGETHER: usize = 64;

/// Does the steps before the data that are not done yet, in order; returns how many there are.
pub(crate) async fn run_schema(run: &Run) -> Result<usize, Failure> {
    let done = run.steps_done().await?;
    let steps = run.plan().steps.iter();
    let steps: Vec<&Step> = steps.filter(|step| step.phase == StepPhase::Schema).collect();
    let left: Vec<&Step> = steps
        .iter()
        .filter(|step| !done.contains(&step.id))
        .copied()
        .collect();
    let together = together(run).await?;
    for group in left.chunks(UNDOS_TOGETHER) {
        // One write for all of them; one that never runs is none that could be taken back.
        run.journal.undo.before(group)?;
        for some in batches(group, together) {
            let Some(_pass) = run.ctx.gate.enter(&run.ctx.stop).await else {
                return Err(Failure::interrupted());
            };
            let (_, failure) = forward_all(run, some, &BTreeSet::new()).await;
            failure.map_or(Ok(()), Err)?;
        }
    }
    Ok(steps.len())
}

/// How many steps the target takes at once.
pub(crate) async fn together(run: &Run) -> Result<usize> {
    let target = &run.ctx.target;
    let most = retry(&run.ctx, "look at the target's limits", || {
        target.steps_together()
    })
    .await?;
    Ok(most.max(1))
}

/// Parts the steps into such as go together; one that moves something aside goes alone.
fn batches<'a, 'b>(steps: &'a [&'b Step], most: usize) -> impl Iterator<Item = &'a [&'b Step]> {
    let alike = steps.chunk_by(|one, next| !one.destructive && !next.destructive);
    alike.flat_map(move |some| some.chunks(most))
}

/// Does steps, in order; returns how many are done, and how the next one failed. They are done together where that goes well. Otherwise
/// each is done by itself, so that the one at fault is named and the others are spared.
pub(crate) async fn forward_all(
    run: &Run,
    steps: &[&Step],
    incomplete: &BTreeSet<TableId>,
) -> (usize, Option<Failure>) {
    if steps.len() > 1 && forward_together(run, steps).await.is_ok() {
        return (steps.len(), None);
    }
    for (done, step) in steps.iter().enumerate() {
        if let Err(failure) = forward_or_wait(run, step, incomplete).await {
            return (done, Some(failure));
        }
    }
    (steps.len(), None)
}

async fn forward_together(run: &Run, steps: &[&Step]) -> Result<()> {
    run.journal.undo.before(steps)?;
    let observer = &run.ctx.observer;
    for step in steps {
        observer.progress(&started(step));
    }
    let done = attempt(
        run,
        run.ctx.target.execute_together(&run.key, steps, Direction::Do),
    )
    .await;
    for step in steps {
        observer.progress(&ended(step));
    }
    done?;
    steps.iter().try_for_each(|step| run.journal.step_done(&step.id))
}

fn started(step: &Step) -> Progress {
    Progress::StepStarted {
        step: step.id.clone(),
        title: step.title.clone(),
    }
}

fn ended(step: &Step) -> Progress {
    Progress::StepEnded {
        step: step.id.clone(),
    }
}

/// Does a step. A foreign key that fails while one of its tables is `incomplete` (rows of it were rejected) waits: it is made once they
/// have arrived.
async fn forward_or_wait(run: &Run, step: &Step, incomplete: &BTreeSet<TableId>) -> Result<(), Failure> {
    match forward(run, step).await {
        Ok(()) => Ok(()),
        Err(error) if may_wait(step, &error, incomplete) => {
            run.ctx.notice(format!(
                "{} waits until the rejected rows have arrived: {}",
                step.subject,
                error.chain()
            ));
            Ok(())
        }
        Err(error) => Err(failed(step, error)),
    }
}

fn failed(step: &Step, error: Error) -> Failure {
    Failure {
        error: error.during(&step.title),
        tables: step.tables.clone(),
        work: Work::Building,
    }
}

fn may_wait(step: &Step, error: &Error, incomplete: &BTreeSet<TableId>) -> bool {
    step.subject.kind == ObjectKind::ForeignKey
        && error.code() == "foreign_key_violation"
        && step.tables.iter().any(|table| incomplete.contains(table))
}

async fn forward(run: &Run, step: &Step) -> Result<()> {
    if step.destructive {
        run.journal.event("CHECKPOINT", json!({ "before": step.title }))?;
        run.journal.checkpoint_now(|_| {})?;
    }
    run.journal.undo.before(&[step])?;
    let observer = &run.ctx.observer;
    observer.progress(&started(step));
    let target = &run.ctx.target;
    let done = retry(&run.ctx, &step.title, || {
        attempt(run, target.execute(&run.key, step, Direction::Do))
    })
    .await;
    observer.progress(&ended(step));
    done?;
    run.journal.step_done(&step.id)
}

/// Does a step once, or several. A stop does not wait for it: an index may take hours. The target then gives it up, and a resumed run finds
/// by the ledger whether it was done.
async fn attempt(run: &Run, execution: impl Future<Output = Result<()>>) -> Result<()> {
    fault::point("step.do.before")?;
    tokio::select! {
        biased;
        () = run.ctx.stop.cancelled() => return Err(interrupted()),
        done = execution => done?,
    }
    fault::point("step.do.after")
}

/// Takes back a step; one that is not recorded is left alone by the target. When the undo fails because somebody else has removed what
/// the step made, there is nothing to take back.
async fn backward(run: &Run, step: &Step) -> Result<()> {
    if let Err(error) = execute_undo(run, step).await {
        if step.destructive || error.class() != ErrorClass::Invalid || !is_gone(run, step).await? {
            return Err(error);
        }
        run.ctx
            .notice(format!("{} is gone already: {}", step.subject, error.chain()));
        let nothing = Step {
            undo: Vec::new(),
            ..step.clone()
        };
        execute_undo(run, &nothing).await?;
    }
    note_undone(run, &[step])
}

fn note_undone(run: &Run, steps: &[&Step]) -> Result<()> {
    run.journal.undo.undone(steps)?;
    steps
        .iter()
        .try_for_each(|step| run.journal.step_undone(&step.id))
}

/// Takes back steps, in the given order: together where that goes well, otherwise one by one, so that the one at fault is named and what
/// is gone already does not hold up the others.
async fn backward_all(run: &Run, steps: &[&Step]) -> Result<()> {
    if steps.len() > 1 && backward_together(run, steps).await.is_ok() {
        return Ok(());
    }
    for step in steps {
        backward(run, step)
            .await
            .map_err(|error| error.during(format!("undo `{}`", step.title)))?;
    }
    Ok(())
}

async fn backward_together(run: &Run, steps: &[&Step]) -> Result<()> {
    fault::point("step.undo.before")?;
    let target = &run.ctx.target;
    target.execute_together(&run.key, steps, Direction::Undo).await?;
    fault::point("step.undo.after")?;
    note_undone(run, steps)
}

async fn execute_undo(run: &Run, step: &Step) -> Result<()> {
    retry(&run.ctx, &format!("undo: {}", step.title), || async {
        fault::point("step.undo.before")?;
        run.ctx.target.execute(&run.key, step, Direction::Undo).await?;
        fault::point("step.undo.after")
    })
    .await
}

async fn is_gone(run: &Run, step: &Step) -> Result<bool> {
    let target = run.ctx.target.as_source();
    let catalog = retry(&run.ctx, "read the target's catalog", || target.catalog()).await?;
    Ok(!is_there(&catalog, &step.subject))
}

/// Takes back the chosen steps, last first; returns their titles. Only steps that the undo log or the ledger has are ours to undo.
pub(crate) async fn undo(run: &Run, chosen: impl Fn(&Step) -> bool) -> Result<Vec<String>> {
    let recorded = run.steps_done().await?;
    let ours = ours(run, &recorded)?;
    let back: Vec<&Step> = ours.iter().rev().filter(|step| chosen(step)).collect();
    let together = match back.len() {
        0 | 1 => 1,
        _ => together(run).await?,
    };
    let mut undone = Vec::new();
    for some in batches(&back, together) {
        backward_all(run, some).await?;
        let known = some.iter().filter(|step| recorded.contains(&step.id));
        undone.extend(known.map(|step| step.title.clone()));
    }
    Ok(undone)
}

/// The steps that may have run, in the order in which they ran: the undo log's, and before them those that only the ledger remembers.
fn ours(run: &Run, recorded: &BTreeSet<String>) -> Result<Vec<Step>> {
    let logged = run.journal.undo.steps()?;
    let known: BTreeSet<&str> = logged.iter().map(|step| step.id.as_str()).collect();
    let unlogged = run
        .plan()
        .steps
        .iter()
        .filter(|step| recorded.contains(&step.id) && !known.contains(step.id.as_str()));
    let unlogged: Vec<Step> = unlogged.cloned().collect();
    Ok(unlogged.into_iter().chain(logged).collect())
}

/// Tells whether emptying one of the tables undoes the step first.
pub(crate) fn hangs_on(step: &Step, tables: &[TableId]) -> bool {
    step.phase == StepPhase::AfterData && step.tables.iter().any(|table| tables.contains(table))
}
