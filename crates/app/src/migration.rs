//! A migration that exists: found by its id, and its two databases opened again for the pipeline. Passwords are never stored; they
//! come again from the request, the settings, the engine's own password file or the person in front.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use whimbrel_core::{
    Catalog, Endpoint, Error, Finding, MigrationId, Plan, Result, Snapshot, Source, Table, TableId,
    TableProfile, Target,
};
use whimbrel_pipeline::{Limits, MigrationDir, Observer, RunContext};

use crate::address::Address;
use crate::analyze::Pair;
use crate::connectors::connector_named;
use crate::mapping;
use crate::refusal;
use crate::setup::Setup;

/// How often a transient failure is retried when nobody says.
const RETRIES: u32 = 5;
/// The first pause before a retry; each further one doubles.
const RETRY_BASE: Duration = Duration::from_millis(500);

/// Where the databases of an existing migration are, when the plan alone does not lead to them.
#[derive(Debug, Clone, Default)]
pub struct Databases {
    /// The source: a URL, or a name from the settings.
    pub source: Option<String>,
    /// The target.
    pub target: Option<String>,
}

/// A migration with its two databases, not open yet.
pub(crate) struct Migration {
    pub(crate) dir: MigrationDir,
    pub(crate) plan: Plan,
    pub(crate) pair: Pair,
}

impl Migration {
    /// Finds the migration, reads its plan, and where its databases are.
    ///
    /// # Errors
    /// As [`find`] and [`pair`], and when the plan was edited.
    pub(crate) fn read(setup: &Setup, id: Option<&str>, databases: &Databases) -> Result<Self> {
        let dir = find(setup, id)?;
        let plan = dir.load_plan()?;
        let pair = pair(setup, &plan, databases)?;
        Ok(Self { dir, plan, pair })
    }
}

/// A migration with its target, which is all that the way back needs: the source may be gone by then.
pub(crate) struct WayBack {
    dir: MigrationDir,
    pub(crate) plan: Plan,
    target: Address,
}

impl WayBack {
    /// Finds the migration, reads its plan, and where its target is.
    ///
    /// # Errors
    /// As [`Migration::read`], but for what concerns the source.
    pub(crate) fn read(setup: &Setup, id: Option<&str>, databases: &Databases) -> Result<Self> {
        let dir = find(setup, id)?;
        let plan = dir.load_plan()?;
        let target = address(setup, "target", &plan.target, databases.target.as_deref())?;
        Ok(Self { dir, plan, target })
    }

    /// Opens the target and gives the pipeline what it needs to undo.
    ///
    /// # Errors
    /// The connector's.
    pub(crate) async fn open(mut self, setup: &Setup, attendance: &Attendance) -> Result<RunContext> {
        let target = open_target(setup, &mut self.target).await?;
        given(
            setup,
            attendance,
            (self.dir, self.plan),
            Arc::new(Unopened),
            target,
        )
    }
}

/// A source that nobody has to reach.
struct Unopened;

impl Unopened {
    fn asked<T>() -> Result<T> {
        Err(Error::bug("the source was asked, and is not open"))
    }
}

#[async_trait]
impl Source for Unopened {
    async fn check(&self) -> Result<Vec<Finding>> {
        Self::asked()
    }

    async fn catalog(&self) -> Result<Catalog> {
        Self::asked()
    }

    async fn profile(&self, _table: &Table) -> Result<TableProfile> {
        Self::asked()
    }

    async fn snapshot(&self, _tables: &[TableId], _readers: usize) -> Result<Arc<dyn Snapshot>> {
        Self::asked()
    }
}

/// Follows the work of a use case, and can stop it.
#[derive(Clone)]
pub struct Attendance {
    /// Is told what happens.
    pub observer: Arc<dyn Observer>,
    /// Stops the work at the next checkpoint.
    pub stop: CancellationToken,
}

/// Finds the migration with the id; without one, the only one there is.
///
/// # Errors
/// A usage error when there is none, or more than one.
pub(crate) fn find(setup: &Setup, id: Option<&str>) -> Result<MigrationDir> {
    if let Some(id) = id {
        return MigrationDir::open(&setup.base, &MigrationId(id.to_owned()))
            .map_err(|error| error.with_code(refusal::USAGE));
    }
    let ids = ids(setup)?;
    match ids.as_slice() {
        [only] => MigrationDir::open(&setup.base, only),
        [] => Err(
            refusal::usage(format!("there is no migration in `{}`", setup.base.display()))
                .with_hint("make one: whimbrel plan SOURCE TARGET"),
        ),
        many => {
            let names: Vec<String> = many.iter().map(|id| format!("`{id}`")).collect();
            Err(refusal::usage(format!(
                "there are {} migrations in `{}`",
                many.len(),
                setup.base.display()
            ))
            .with_hint(format!("name one of {}", names.join(", "))))
        }
    }
}

/// Returns the migrations that have a plan, by id; planning that was killed leaves a folder without one.
///
/// # Errors
/// As the file system says.
pub(crate) fn ids(setup: &Setup) -> Result<Vec<MigrationId>> {
    let mut ids = MigrationDir::list(&setup.base)?;
    ids.retain(|id| setup.base.join(&id.0).join("migration_plan.json").exists());
    Ok(ids)
}

/// Tells whether a run of the migration began: its event is written before anything in the target, its checkpoint after.
pub(crate) fn has_begun(dir: &MigrationDir) -> Result<bool> {
    let log = std::fs::read_to_string(dir.path().join("events.ndjson")).unwrap_or_default();
    Ok(log.contains("\"MIGRATION_STARTED\"") || dir.checkpoint()?.is_some())
}

/// Reads which databases the plan means, as the request, the settings or the plan itself name them.
///
/// # Errors
/// A usage error when the request names other databases than the approved plan does.
fn pair(setup: &Setup, plan: &Plan, databases: &Databases) -> Result<Pair> {
    Ok(Pair {
        source: match plan.mapping.sources.is_empty() {
            true => address(setup, "source", &plan.source, databases.source.as_deref())?,
            false => mapping::several(setup, &plan.mapping)?,
        },
        target: address(setup, "target", &plan.target, databases.target.as_deref())?,
    })
}

fn address(setup: &Setup, side: &str, planned: &Endpoint, given: Option<&str>) -> Result<Address> {
    let by_plan = Address::of_url(&planned.url)?;
    let name = planned.name.as_deref();
    let named = name.filter(|name| setup.settings.database.contains_key(*name));
    let Some(text) = given.or(named) else {
        return Ok(by_plan);
    };
    let address = setup.address(text)?;
    if address.is_same_place(&by_plan) {
        return Ok(address);
    }
    let message = format!(
        "the {side} is `{}`; must be `{}`, which the plan was approved for",
        address.url.masked(),
        by_plan.url.masked()
    );
    Err(refusal::usage(message).with_hint("plan again for another database: whimbrel plan SOURCE TARGET"))
}

/// Opens both databases and gives the pipeline what it needs.
///
/// # Errors
/// The connectors'.
pub(crate) async fn context(
    setup: &Setup,
    migration: Migration,
    attendance: &Attendance,
) -> Result<RunContext> {
    let Migration { dir, plan, mut pair } = migration;
    let scheme = pair.target.url.scheme.clone();
    let opened = mapping::open(setup, &mut pair.source, &plan.mapping, &scheme).await;
    let opened = opened.map_err(|error| error.during(format_args!("source {}", pair.source.label())))?;
    let target = open_target(setup, &mut pair.target).await?;
    pair.refuse_one_database(&opened, &*target).await?;
    given(setup, attendance, (dir, plan), opened.source, target)
}

async fn open_target(setup: &Setup, address: &mut Address) -> Result<Arc<dyn Target>> {
    let target = setup.open_target(address).await;
    target.map_err(|error| error.during(format_args!("target {}", address.label())))
}

fn given(
    setup: &Setup,
    attendance: &Attendance,
    (dir, plan): (MigrationDir, Plan),
    source: Arc<dyn Source>,
    target: Arc<dyn Target>,
) -> Result<RunContext> {
    let capabilities = connector_named(&plan.target.engine)?.capabilities();
    Ok(RunContext {
        plan: Arc::new(plan),
        source,
        target,
        dir,
        limits: Limits {
            jobs: setup.jobs,
            writers: capabilities.writers.clamp(1, setup.jobs.max(1)),
            memory_bytes: setup.memory_bytes,
            retries: setup.settings.limits.retries.unwrap_or(RETRIES),
            retry_base: RETRY_BASE,
        },
        observer: Arc::clone(&attendance.observer),
        stop: attendance.stop.clone(),
        gate: whimbrel_pipeline::Gate::default(),
        clock: Arc::clone(&setup.clock),
    })
}
