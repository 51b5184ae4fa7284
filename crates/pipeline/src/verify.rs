//! Verification: every row and column of every table, what the databases themselves say, foreign keys without orphans, and the structure.
//! The verdict is `identical` only for what was compared and is equal.

mod checks;
mod expected;
mod objects;
mod read;
pub(crate) mod read_back;
mod rows;
mod rules;
mod table;
mod values;
mod witness;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{
    Catalog, CheckResult, Error, ErrorClass, Result, Snapshot, TableId, TablePlan, TableVerdict, Verdict,
    Verification, Witness, fault,
};

use self::expected::Expected;
pub(crate) use self::objects::planned_part;
pub(crate) use self::read::{Reading, readable, totals};
use self::table::Check;
use crate::columns::Side;
use crate::context::RunContext;
use crate::failure::{Failure, interrupted};
use crate::found::{Found, Known};
use crate::planned::Planned;
use crate::pool::Job;
use crate::quantity::counted;
use crate::retry::retry;
use crate::running::Run;
use crate::store::{VERIFICATION, check_plan};
use crate::widened::as_widened;

const SWITCHED_OFF: &str = "verification is switched off in the plan";
/// How often a verification begins anew because the target's snapshot was lost.
const ATTEMPTS_MAX: u32 = 3;

/// Compares the target with what arrived, as the ledger has it; with the source as it is now when the ledger is gone. May be called at any
/// time after the data phase; changes nothing but the report's file and the audit log.
///
/// # Errors
/// When nothing could be compared at all: the plan was edited, a database cannot be reached, the user stopped it. A difference is no error.
pub async fn verify(ctx: &RunContext) -> Result<Verification> {
    let _lock = ctx.dir.lock()?;
    check_plan(&ctx.plan)?;
    let found = check(&Arc::new(as_widened(ctx)?), Before::default())
        .await
        .map_err(|failure| failure.error)?;
    save(ctx, &found)?;
    let events = ctx.dir.events()?.with_clock(ctx.clock.clone());
    events.append(
        "VERIFICATION_COMPLETE",
        json!({ "verdict": found.verdict(), "position": found.position }),
    )?;
    Ok(found)
}

/// The verify phase.
pub(crate) async fn phase(run: &Arc<Run>) -> Result<String, Failure> {
    let found = if run.plan().policies.verify {
        let before = Before {
            known: run.read_back.known(),
            catalog: run.take_as_built(),
        };
        check(&run.ctx, before).await?
    } else {
        switched_off(&run.ctx)
    };
    save(&run.ctx, &found)?;
    let summary = summary(&found);
    run.keep_verification(found);
    Ok(summary)
}

fn save(ctx: &RunContext, found: &Verification) -> Result<()> {
    fault::point("verification.before")?;
    ctx.dir.save(VERIFICATION, found)
}

fn summary(found: &Verification) -> String {
    let count = |verdict: Verdict| {
        found
            .tables
            .iter()
            .filter(|table| table.verdict == verdict)
            .count()
    };
    let objects = found
        .objects
        .iter()
        .filter(|object| object.verdict != Verdict::Identical)
        .count();
    let mut parts = vec![format!(
        "{} identical",
        counted(count(Verdict::Identical) as u64, "table")
    )];
    for (number, what) in [
        (count(Verdict::Different), "different"),
        (count(Verdict::NotChecked), "not checked"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {what}"));
        }
    }
    let rules = |result| found.rules.iter().filter(|rule| rule.result == result).count() as u64;
    for (result, what) in [
        (CheckResult::Fail, "failed"),
        (CheckResult::NotChecked, "not checked"),
    ] {
        if rules(result) > 0 {
            parts.push(format!("{} {what}", counted(rules(result), "rule")));
        }
    }
    if objects > 0 {
        parts.push(format!("{} different", counted(objects as u64, "object")));
    }
    parts.join(", ")
}

fn switched_off(ctx: &RunContext) -> Verification {
    let table = |plan: &TablePlan| not_checked(plan, SWITCHED_OFF.to_owned());
    Verification {
        verified_at: ctx.now(),
        position: String::new(),
        tables: ctx.plan.tables.iter().map(table).collect(),
        objects: Vec::new(),
        checks: Vec::new(),
        rules: rules::not_checked(&ctx.plan.policies.validation, SWITCHED_OFF),
        notes: Vec::new(),
        seconds: 0.0,
    }
}

fn not_checked(plan: &TablePlan, reason: String) -> TableVerdict {
    TableVerdict {
        source: plan.source.id.clone(),
        target: plan.target.id.clone(),
        verdict: Verdict::NotChecked,
        reason: Some(reason),
        source_rows: 0,
        target_rows: 0,
        rejected: 0,
        columns: Vec::new(),
        differences: Vec::new(),
        differences_total: 0,
        witness: Witness::default(),
        orphans: 0,
        seconds: 0.0,
    }
}

/// What the run has found out already.
#[derive(Default)]
struct Before {
    /// Tables that were read back.
    known: BTreeMap<TableId, Known>,
    /// The target's catalog, where it was read behind the last change.
    catalog: Option<Catalog>,
}

async fn check(ctx: &Arc<RunContext>, before: Before) -> Result<Verification, Failure> {
    let known = Arc::new(before.known);
    let mut catalog = before.catalog;
    let mut attempt = 1;
    loop {
        match check_once(ctx, &known, catalog.take()).await {
            Err(failure) if failure.is_snapshot_lost() && attempt < ATTEMPTS_MAX => {
                ctx.notice(format!("{}; verifying anew", failure.error.chain()));
                attempt += 1;
            }
            ended => return ended,
        }
    }
}

/// What one verification reads from.
pub(crate) struct Scene {
    pub(crate) ctx: Arc<RunContext>,
    /// The target's catalog.
    pub(crate) catalog: Catalog,
    /// One state of the target's tables that are there.
    pub(crate) target: Arc<dyn Snapshot>,
}

async fn check_once(
    ctx: &Arc<RunContext>,
    known: &Arc<BTreeMap<TableId, Known>>,
    catalog: Option<Catalog>,
) -> Result<Verification, Failure> {
    let started = Instant::now();
    let expected = Arc::new(expected::load(ctx).await?);
    let scene = Arc::new(match catalog {
        Some(catalog) => scene_of(ctx, catalog).await?,
        None => open_scene(ctx).await?,
    });
    let known = &Arc::new(still_known(ctx, known, &expected).await);
    let verdicts = check_tables(&scene, &expected, known).await?;
    let objects = objects::check(ctx, &scene.catalog);
    if ctx.stop.is_cancelled() {
        return Err(interrupted().into());
    }
    Ok(Verification {
        verified_at: ctx.now(),
        position: expected.position.clone(),
        checks: checks::of(&ctx.plan, &verdicts, &objects),
        rules: rules::check(ctx).await?,
        tables: verdicts,
        objects,
        notes: after_mapping(ctx)
            .into_iter()
            .chain(tables_of_others(ctx, &scene.catalog))
            .collect(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

/// Returns what need not be read again. To be asked when the state that is read in this phase is open, so that no change falls in between.
async fn still_known(
    ctx: &RunContext,
    known: &BTreeMap<TableId, Known>,
    expected: &Expected,
) -> BTreeMap<TableId, Known> {
    if known.is_empty() {
        return BTreeMap::new();
    }
    match ctx.target.is_as_we_left_it().await {
        Ok(true) => return agreeing(known, expected),
        Ok(false) => ctx.notice(
            "somebody else wrote to the target meanwhile; what was verified before is verified again"
                .to_owned(),
        ),
        Err(error) => ctx.notice(format!(
            "what was verified before is verified again: {}",
            error.chain()
        )),
    }
    BTreeMap::new()
}

/// Returns what was read back and is as expected. A difference is looked at again, now that nobody writes.
fn agreeing(known: &BTreeMap<TableId, Known>, expected: &Expected) -> BTreeMap<TableId, Known> {
    let agrees = |id: &TableId, known: &Known| {
        let expected = expected
            .tables
            .get(id)
            .and_then(|expected| expected.as_ref().ok());
        expected.is_some_and(|expected| known.found.digest.same_rows(&expected.digest))
    };
    let known = known.iter().filter(|(id, known)| agrees(id, known));
    known.map(|(id, known)| (id.clone(), known.clone())).collect()
}

/// Says which rows of the source were compared, where they are not those that it holds.
fn after_mapping(ctx: &RunContext) -> Option<String> {
    let note = "compared are the source's rows after the mapping";
    ctx.plan.mapping.changes_rows().then(|| note.to_owned())
}

/// Names the target's tables that are no part of the plan: nobody compared them.
fn tables_of_others(ctx: &RunContext, catalog: &Catalog) -> Option<String> {
    const NAMED: usize = 10;
    let planned = Planned::places(&ctx.plan);
    let others: Vec<String> = catalog
        .tables
        .iter()
        .filter(|table| !planned.contains_key(&table.id))
        .map(|table| format!("`{}`", table.id))
        .collect();
    if others.is_empty() {
        return None;
    }
    let more = match others.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "the target holds {} that {} no part of this migration and {} not compared: {}{more}",
        counted(others.len() as u64, "table"),
        if others.len() == 1 { "is" } else { "are" },
        if others.len() == 1 { "was" } else { "were" },
        others[..others.len().min(NAMED)].join(", ")
    ))
}

/// Opens the target for reading.
pub(crate) async fn open_scene(ctx: &Arc<RunContext>) -> Result<Scene, Failure> {
    let source = ctx.target.as_source();
    let catalog = retry(ctx, "read the target's catalog", || source.catalog()).await?;
    scene_of(ctx, catalog).await
}

async fn scene_of(ctx: &Arc<RunContext>, catalog: Catalog) -> Result<Scene, Failure> {
    let source = ctx.target.as_source();
    let there: Vec<TableId> = ctx
        .target_tables()
        .into_iter()
        .filter(|id| catalog.table(id).is_some())
        .collect();
    let readers = ctx.limits.jobs.max(1);
    let target = retry(ctx, "open a snapshot of the target", || {
        source.snapshot(&there, readers)
    })
    .await?;
    Ok(Scene {
        ctx: ctx.clone(),
        catalog,
        target,
    })
}

async fn check_tables(
    scene: &Arc<Scene>,
    expected: &Arc<Expected>,
    known: &Arc<BTreeMap<TableId, Known>>,
) -> Result<Vec<TableVerdict>, Failure> {
    let ctx = &scene.ctx;
    let unknown = Planned::all(&ctx.plan).filter(|plan| !known.contains_key(&plan.target.id));
    let readings = unknown.filter_map(|plan| {
        let table = readable(&scene.catalog, &plan).ok()?.clone();
        Some(Reading {
            plan,
            table,
            side: Side::Target,
        })
    });
    let mut found = totals(ctx, &scene.target, readings.collect()).await?;
    found.extend(
        known
            .iter()
            .map(|(id, known)| (id.clone(), Ok(known.found.clone()))),
    );
    let found = Arc::new(found);
    let mut verdicts: BTreeMap<usize, TableVerdict> = BTreeMap::new();
    let jobs = (0..ctx.plan.tables.len()).map(Job::light).collect();
    let task = |at: usize, cancel: CancellationToken| {
        let (scene, expected, found, known) = (scene.clone(), expected.clone(), found.clone(), known.clone());
        async move {
            let plan = &Planned::at(&scene.ctx.plan, at);
            let check = Check {
                scene: &scene,
                plan,
                expected: &expected,
                said: known.get(&plan.target.id).map(|known| &known.aggregate),
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Failure::interrupted()),
                verdict = Box::pin(verdict_of(&check, &found)) => Ok((at, verdict?)),
            }
        }
    };
    let each = |(at, verdict)| {
        verdicts.insert(at, verdict);
        Ok(())
    };
    ctx.pool().run(jobs, task, each).await?;
    Ok(verdicts.into_values().collect())
}

/// A table that cannot be read is not checked; the others go on. What must not be taken for a verdict is an error.
async fn verdict_of(
    check: &Check<'_>,
    found: &BTreeMap<TableId, Result<Found>>,
) -> Result<TableVerdict, Failure> {
    let error = match check.verdict(found.get(&check.plan.target.id)).await {
        Ok(verdict) => return Ok(verdict),
        Err(error) => error,
    };
    match error.class() {
        ErrorClass::SnapshotLost => Err(error.into()),
        ErrorClass::Transient
        | ErrorClass::Conflict
        | ErrorClass::Denied
        | ErrorClass::Unsupported
        | ErrorClass::Invalid
        | ErrorClass::Bug => Ok(not_checked(check.plan, Error::chain(&error))),
    }
}
