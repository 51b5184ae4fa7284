//! The target: steps one by one with their intent, writers from a pool, and the small operations of a run. Writing rows is `writer.rs`,
//! running steps `execute.rs`.

mod sequence;
mod tables;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use mysql_async::Conn;
use tokio::sync::Semaphore;
use whimbrel_core::{
    ConnectOptions, DatabaseUrl, Direction, Error, Finding, Ledger, Result, RunKey, SequencePosition, Source,
    Step, TableId, Target, WriteRequest, Writer, fault,
};

use crate::check;
use crate::connect::Server;
use crate::execute::{self, together};
use crate::ledger::MysqlLedger;
use crate::ledger::sessions::Sessions;
pub(crate) use crate::ledger::writers::WRITERS_MAX;
use crate::source::MysqlSource;
use crate::writer::{MysqlWriter, Shared};

/// Tables that are looked into, and whose ledger rows go, in one transaction.
const EMPTIED_TOGETHER: usize = 256;
/// Tables whose statistics one statement makes.
const ANALYZED_TOGETHER: usize = 32;

/// A database that is written.
#[derive(Debug)]
pub(crate) struct MysqlTarget {
    source: Arc<MysqlSource>,
    ledger: MysqlLedger,
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
}

impl MysqlTarget {
    /// Connects once, so that a wrong address or password is said at once.
    pub(crate) async fn open(url: &DatabaseUrl, options: &ConnectOptions) -> Result<Self> {
        let server = Box::pin(Server::open(url, options)).await?;
        let sessions = Arc::new(Sessions::new(server.clone()));
        Ok(Self {
            source: Arc::new(MysqlSource::with(server)),
            ledger: MysqlLedger::new(Arc::clone(&sessions)),
            shared: Arc::new(Shared {
                sessions,
                no_load: AtomicBool::new(false),
            }),
            places: Arc::new(Semaphore::new(options.jobs.clamp(1, WRITERS_MAX))),
        })
    }

    fn sessions(&self) -> &Sessions {
        &self.shared.sessions
    }
}

#[async_trait]
impl Target for MysqlTarget {
    fn as_source(&self) -> Arc<dyn Source> {
        Arc::<MysqlSource>::clone(&self.source)
    }

    async fn check(&self, bytes: u64) -> Result<Vec<Finding>> {
        let server = self.sessions().server();
        let work = async |conn: &mut Conn| check::target(conn, server, bytes).await;
        self.sessions().with(work).await
    }

    async fn execute(&self, run: &RunKey, step: &Step, direction: Direction) -> Result<()> {
        let mut conn = self.sessions().take().await?;
        let server = self.sessions().server();
        let lookout = server.lookout(conn.id());
        let done = lookout
            .during(Box::pin(execute::execute(
                &mut conn, server, run, step, direction,
            )))
            .await;
        done.map_err(|error| error.during(&step.title))?;
        if !execute::changes_settings(step) {
            self.sessions().put(conn);
        }
        Ok(())
    }

    async fn steps_together(&self) -> Result<usize> {
        Ok(together::STEPS_MAX)
    }

    async fn execute_together(&self, run: &RunKey, steps: &[&Step], direction: Direction) -> Result<()> {
        for some in steps.chunk_by(|one, next| together::go(one, next)) {
            if let [step] = some {
                self.execute(run, step, direction).await?;
                continue;
            }
            let work = async |conn: &mut Conn| match direction {
                Direction::Do => together::execute(conn, run, some).await,
                Direction::Undo => together::take_back(conn, run, some).await,
            };
            self.sessions().with(work).await?;
        }
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
        let conn = self.sessions().take().await?;
        let what = format!("write table `{}`", request.table.id);
        let lookout = self.sessions().server().lookout(conn.id());
        let writer = lookout
            .during(Box::pin(MysqlWriter::begin(
                conn,
                Arc::clone(&self.shared),
                place,
                request,
            )))
            .await;
        Ok(Box::new(writer.map_err(|error| error.during(what))?))
    }

    async fn empty(&self, run: &RunKey, tables: &[TableId]) -> Result<()> {
        fault::point("mysql.empty.before")?;
        for some in tables.chunks(EMPTIED_TOGETHER) {
            let work = async |conn: &mut Conn| tables::empty(conn, run, some).await;
            self.sessions().with(work).await?;
        }
        fault::point("mysql.empty.after")
    }

    async fn set_sequences(&self, run: &RunKey, positions: &[(TableId, SequencePosition)]) -> Result<()> {
        fault::point("mysql.sequence.before")?;
        let work = async |conn: &mut Conn| sequence::set(conn, run, positions).await;
        self.sessions().with(work).await?;
        fault::point("mysql.sequence.after")
    }

    async fn settle(&self, tables: &[TableId]) -> Result<()> {
        fault::point("mysql.settle.before")?;
        let work = async |conn: &mut Conn| {
            for some in tables.chunks(ANALYZED_TOGETHER) {
                tables::analyze(conn, some).await?;
            }
            Ok(())
        };
        self.sessions().with(work).await?;
        fault::point("mysql.settle.after")
    }

    async fn discard(&self, run: &RunKey, steps: &[Step]) -> Result<Vec<String>> {
        fault::point("mysql.discard.before")?;
        let work = async |conn: &mut Conn| tables::discard(conn, run, steps).await;
        let dropped = self.sessions().with(work).await;
        let dropped = dropped.map_err(|error| error.during("drop what was moved aside"))?;
        fault::point("mysql.discard.after")?;
        Ok(dropped)
    }
}
