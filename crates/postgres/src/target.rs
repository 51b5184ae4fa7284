//! The target: steps with their ledger row in one transaction, writers from a pool, and the small operations of a run.
//! Writing rows is `writer.rs`, whole tables and sequences are `whole.rs`.

mod whole;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures::{TryStreamExt as _, stream};
use tokio::sync::Semaphore;
use whimbrel_core::{
    ConnectOptions, DatabaseUrl, Direction, Error, ErrorClass, Finding, Ledger, Result, RunKey,
    SequencePosition, Source, Statement, Step, StepPhase, TableId, Target, WriteRequest, Writer, fault,
};

use crate::check;
use crate::columns::Known;
use crate::connect::{Idle, Role, Session, Settings};
use crate::dialect::DROP_NAMESPACE_IF_EMPTY;
use crate::durability::Undurable;
use crate::error::from_driver;
use crate::ledger::PostgresLedger;
use crate::quote::{literal, quoted, table_name};
use crate::records::STEPS;
use crate::source::PostgresSource;
use crate::transaction::{OWN_SEARCH_PATH, begin_steps, commit_with};
use crate::writer::{self, PostgresWriter};

/// More writers than that bring nothing to one server.
pub(crate) const WRITERS_MAX: usize = 64;

/// A database that is written.
#[derive(Debug)]
pub(crate) struct PostgresTarget {
    settings: Settings,
    source: Arc<PostgresSource>,
    ledger: PostgresLedger,
    idle: Arc<Idle>,
    places: Arc<Semaphore>,
    /// Statistics of so many tables are gathered at once.
    jobs: usize,
    /// The tables' columns, until a step may have changed them: what comes after the data (keys, indexes) leaves columns as they are, and
    /// comes between the chunks, so that all tables would be asked for again and again.
    columns: Mutex<Arc<Known>>,
    /// Tables whose statistics were gathered ahead.
    analyzed: Mutex<BTreeSet<TableId>>,
    undurable: Arc<Undurable>,
    /// Steps that run now.
    steps: AtomicUsize,
}

impl PostgresTarget {
    /// Connects once, so that a wrong address or password is said at once.
    pub(crate) async fn open(url: &DatabaseUrl, options: &ConnectOptions) -> Result<Self> {
        let settings = Settings::new(url, &options.environment)?;
        let idle = Idle::new();
        idle.put(settings.open(Role::Writer).await?);
        Ok(Self {
            source: Arc::new(PostgresSource::with(settings.clone())),
            ledger: PostgresLedger::new(settings.clone()),
            idle: Arc::new(idle),
            places: Arc::new(Semaphore::new(options.jobs.clamp(1, WRITERS_MAX))),
            jobs: options.jobs.clamp(1, WRITERS_MAX),
            columns: Mutex::default(),
            analyzed: Mutex::default(),
            undurable: Arc::default(),
            steps: AtomicUsize::new(0),
            settings,
        })
    }

    async fn session(&self) -> Result<Session> {
        match self.idle.take() {
            Some(session) => Ok(session),
            None => {
                let session = self.settings.open(Role::Writer).await?;
                // All sessions end with the server, so one that went down is noticed here.
                self.undurable.check(&session).await?;
                Ok(session)
            }
        }
    }

    /// How many tables one transaction may lock.
    async fn locking(&self, session: &Session) -> Result<usize> {
        let sql = "SELECT current_setting('max_locks_per_transaction')::int8 * current_setting('max_connections')::int8";
        let row = session.query_one(sql, &[]).await.map_err(from_driver)?;
        let locks = usize::try_from(row.get::<_, i64>(0)).unwrap_or(0);
        Ok(together(locks, self.jobs))
    }

    /// The tables whose statistics are those of the rows that they have.
    fn analyzed(&self) -> MutexGuard<'_, BTreeSet<TableId>> {
        self.analyzed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.columns.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn forget_columns(&self) {
        *self.columns.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    /// Refreshes the statistics of a table.
    async fn analyze(&self, table: String) -> Result<()> {
        let session = self.session().await?;
        let analyzed = session.batch_execute(&format!("ANALYZE {table}")).await;
        // A function of an index may not find what it names; the server's own analysis does without such statistics too.
        match analyzed.map_err(from_driver) {
            Err(error) if error.class() != ErrorClass::Invalid => {
                return Err(error.during(format!("analyze table {table}")));
            }
            Ok(()) | Err(_) => {}
        }
        self.idle.put(session);
        Ok(())
    }
}

#[async_trait]
impl Target for PostgresTarget {
    fn as_source(&self) -> Arc<dyn Source> {
        Arc::<PostgresSource>::clone(&self.source)
    }

    fn guarantees_foreign_keys(&self) -> bool {
        true
    }

    async fn check(&self, _bytes: u64) -> Result<Vec<Finding>> {
        let session = self.session().await?;
        let findings = check::target(&session).await?;
        self.idle.put(session);
        Ok(findings)
    }

    async fn execute(&self, run: &RunKey, step: &Step, direction: Direction) -> Result<()> {
        let done = self.execute_together(run, &[step], direction).await;
        done.map_err(|error| error.during(&step.title))
    }

    async fn steps_together(&self) -> Result<usize> {
        let session = self.session().await?;
        let together = self.locking(&session).await?;
        self.idle.put(session);
        Ok(together)
    }

    async fn execute_together(&self, run: &RunKey, steps: &[&Step], direction: Direction) -> Result<()> {
        let session = self.session().await?;
        self.undurable.settle(&session).await?;
        let running = Running::begin(&self.steps);
        let others = running.before + self.jobs.saturating_sub(self.places.available_permits());
        let done = Box::pin(execute(&session, run, steps, direction, others)).await;
        drop(running);
        if steps.iter().any(|step| step.phase == StepPhase::Schema) {
            self.forget_columns();
        }
        done?;
        self.idle.put(session);
        Ok(())
    }

    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    async fn writer(&self, request: WriteRequest) -> Result<Box<dyn Writer>> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|cause| Error::bug("the target was closed while in use").with_cause(cause))?;
        let session = self.session().await?;
        let what = format!("write table `{}`", request.table.id);
        let writer = Box::pin(PostgresWriter::begin(
            session,
            writer::Shared {
                idle: Arc::clone(&self.idle),
                columns: self.known(),
                undurable: Arc::clone(&self.undurable),
            },
            place,
            request,
        ))
        .await;
        Ok(Box::new(writer.map_err(|error| error.during(what))?))
    }

    async fn empty(&self, run: &RunKey, tables: &[TableId]) -> Result<()> {
        fault::point("postgres.empty.before")?;
        let session = self.session().await?;
        let together = self.locking(&session).await?;
        for some in tables.chunks(together) {
            whole::empty(&session, run, some).await?;
            for table in some {
                self.undurable.forget(&run.migration, table);
                self.analyzed().remove(table);
            }
        }
        self.idle.put(session);
        fault::point("postgres.empty.after")
    }

    async fn furthest_number(&self, table: &TableId, column: &str, increment: i64) -> Result<Option<i64>> {
        let session = self.session().await?;
        let found = whole::furthest_number(&session, table, column, increment).await?;
        self.idle.put(session);
        Ok(found)
    }

    async fn set_sequences(&self, run: &RunKey, positions: &[(TableId, SequencePosition)]) -> Result<()> {
        fault::point("postgres.sequence.before")?;
        let session = self.session().await?;
        let together = self.locking(&session).await?;
        for some in positions.chunks(together) {
            whole::set_sequences(&session, run, some).await?;
        }
        self.idle.put(session);
        fault::point("postgres.sequence.after")
    }

    async fn gather_statistics(&self, table: &TableId) -> Result<()> {
        self.analyze(table_name(table)).await?;
        self.analyzed().insert(table.clone());
        Ok(())
    }

    async fn settle(&self, tables: &[TableId]) -> Result<()> {
        fault::point("postgres.settle.before")?;
        let session = self.session().await?;
        self.undurable.settle(&session).await?;
        let analyzed = std::mem::take(&mut *self.analyzed());
        let left = tables.iter().filter(|table| !analyzed.contains(table));
        let names: Vec<String> = left.map(table_name).collect();
        // An empty table has nothing to count. The largest come first, so that none of them is the only one left in the end.
        let sql = "SELECT name FROM unnest($1::text[]) AS t(name), coalesce(pg_relation_size(to_regclass(name)), 0) AS size
            WHERE size > 0 OR EXISTS (SELECT FROM pg_inherits WHERE inhparent = to_regclass(name)) ORDER BY size DESC, name";
        let filled = session.query(sql, &[&names]).await.map_err(from_driver)?;
        self.idle.put(session);
        stream::iter(filled.iter().map(|row| Ok(row.get::<_, String>(0))))
            .try_for_each_concurrent(self.jobs, |table| self.analyze(table))
            .await?;
        fault::point("postgres.settle.after")
    }

    async fn discard(&self, run: &RunKey, steps: &[Step]) -> Result<Vec<String>> {
        fault::point("postgres.discard.before")?;
        let session = self.session().await?;
        let dropped = whole::discard(&session, run, steps)
            .await
            .map_err(|error| error.during("drop what was moved aside"))?;
        self.idle.put(session);
        fault::point("postgres.discard.after")?;
        Ok(dropped)
    }
}

/// One of the steps that run now.
struct Running<'a> {
    count: &'a AtomicUsize,
    /// How many ran when it began.
    before: usize,
}

impl<'a> Running<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        let before = count.fetch_add(1, Ordering::Relaxed);
        Self { count, before }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many steps one transaction takes, where the server has room for so many locks and so many transactions run at once: a table, what it
/// keeps large values in, and their indexes are locked until the transaction ends, and others need locks, too.
fn together(locks: usize, transactions: usize) -> usize {
    const STEPS_MAX: usize = 64;
    const LOCKS_EACH: usize = 8;
    const PART: usize = 8;
    (locks / PART / transactions.max(1) / LOCKS_EACH).clamp(1, STEPS_MAX)
}

/// How much memory an index may be built in: as much as the server keeps pages in, and never less than it would take by itself. Parallel
/// workers help a step that runs alone; beside other steps and writers they only take turns.
fn room(others: usize) -> String {
    let workers = match others {
        0 => "",
        _ => "SET LOCAL max_parallel_maintenance_workers = 0;",
    };
    format!(
        "SELECT set_config('maintenance_work_mem', greatest(pg_size_bytes(current_setting('maintenance_work_mem')),
           least(pg_size_bytes(current_setting('shared_buffers')), 1073741824)) / 1024 || 'kB', true);
         {workers}"
    )
}

/// Runs the statements of all steps that are not recorded as the direction wants it, and records them, in one transaction.
async fn execute(
    session: &Session,
    run: &RunKey,
    steps: &[&Step],
    direction: Direction,
    others: usize,
) -> Result<()> {
    fault::point("postgres.step.before")?;
    let builds = |step: &&Step| step.phase == StepPhase::AfterData;
    let settings = match direction {
        Direction::Do if steps.iter().any(builds) => format!("{OWN_SEARCH_PATH}; {}", room(others)),
        Direction::Do | Direction::Undo => OWN_SEARCH_PATH.to_owned(),
    };
    let recorded = begin_steps(session, run, steps, &settings).await?;
    let is_left = |step: &&&Step| recorded.contains(&step.id) != (direction == Direction::Do);
    let left: Vec<&Step> = steps.iter().filter(is_left).copied().collect();
    if left.is_empty() {
        return session.batch_execute("ROLLBACK").await.map_err(from_driver);
    }
    let record = record(run, &left, direction);
    let statements = left.iter().flat_map(|step| match direction {
        Direction::Do => &step.statements,
        Direction::Undo => &step.undo,
    });
    // What is SQL goes in one message, the last of it with the record.
    let mut message = String::new();
    for statement in statements {
        fault::point("postgres.statement.before")?;
        match statement {
            Statement::Sql(sql) => message.extend([sql, "\n;"]),
            Statement::Engine { operation, arguments } => {
                let before = std::mem::take(&mut message);
                session.batch_execute(&before).await.map_err(from_driver)?;
                operate(session, operation, arguments).await?;
            }
        }
        fault::point("postgres.statement.after")?;
    }
    commit_with(session, &format!("{message}{record}")).await?;
    fault::point("postgres.step.after")
}

/// The statement that records what becomes of the steps.
fn record(run: &RunKey, steps: &[&Step], direction: Direction) -> String {
    let (migration, epoch) = (literal(&run.migration.0), run.epoch.0);
    let ids = steps.iter().map(|step| literal(&step.id));
    match direction {
        Direction::Do => {
            let rows: Vec<String> = ids.map(|id| format!("({migration}, {id}, {epoch})")).collect();
            format!(
                "INSERT INTO {STEPS} (migration, step, epoch) VALUES {}",
                rows.join(", ")
            )
        }
        Direction::Undo => {
            let ids: Vec<String> = ids.collect();
            format!(
                "DELETE FROM {STEPS} WHERE migration = {migration} AND step IN ({}) AND epoch <= {epoch}",
                ids.join(", ")
            )
        }
    }
}

async fn operate(session: &Session, operation: &str, arguments: &[String]) -> Result<()> {
    match (operation, arguments) {
        (DROP_NAMESPACE_IF_EMPTY, [namespace]) => drop_if_empty(session, namespace).await,
        _ => Err(Error::new(
            ErrorClass::Unsupported,
            format!("the operation `{operation}` is not known"),
        )),
    }
}

async fn drop_if_empty(session: &Session, namespace: &str) -> Result<()> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = n.oid)
           OR EXISTS (SELECT 1 FROM pg_type t WHERE t.typnamespace = n.oid)
           OR EXISTS (SELECT 1 FROM pg_proc p WHERE p.pronamespace = n.oid)
        FROM pg_namespace n WHERE n.nspname = $1";
    let row = session.query_opt(sql, &[&namespace]).await.map_err(from_driver)?;
    if row.is_some_and(|row| !row.get::<_, bool>(0)) {
        session
            .batch_execute(&format!("DROP SCHEMA {}", quoted(namespace)))
            .await
            .map_err(from_driver)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_go_together_leave_most_of_the_locks_to_others() {
        for (locks, transactions, steps) in [
            (64 * 100, 2, 50),
            (64 * 100, 8, 12),
            (32 * 20, 2, 5),
            (10, 2, 1),
            (1 << 20, 2, 64),
        ] {
            assert_eq!(
                together(locks, transactions),
                steps,
                "{locks} locks for {transactions}"
            );
        }
    }
}
