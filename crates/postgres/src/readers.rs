//! The sessions that read one state: one holds it, the others join it, and each is lent to one reader at a time. A transaction keeps the
//! locks of every table and index that it has read, and the server has room for so many only; so a session begins a new one, in the same
//! state, after some tables. The session that holds the state keeps the tables as they are.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use whimbrel_core::{Error, ErrorClass, Position, Result, Table, TableId};

use crate::columns::Known;
use crate::connect::{Idle, Session, Settings};
use crate::error::from_driver;
use crate::extent::Extents;
use crate::quote::literal;

/// Tables and indexes whose locks a reader's transaction may gather: more than any one table has, and few beside what a server has room for.
const LOCKS_MAX: usize = 128;

/// What all readers of the state share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// Where sessions come from and go to: opening one takes the server longer than reading a small table.
    pub(crate) pool: Arc<Idle>,
    /// Holds the locks and the exported snapshot; none when it is the only reader itself.
    pub(crate) main: Option<Session>,
    pub(crate) exported: String,
    pub(crate) position: Position,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) idle: Mutex<Vec<Joined>>,
    /// What the tables' columns are in the state.
    pub(crate) columns: Known,
    /// How large the tables are.
    pub(crate) extents: Extents,
}

/// A session in the state, and what its transaction has locked.
#[derive(Debug)]
pub(crate) struct Joined {
    session: Session,
    /// The table that it read last.
    last: Option<TableId>,
    /// Tables and indexes that it has locked.
    locks: usize,
}

impl Joined {
    /// A session that has read nothing.
    pub(crate) fn new(session: Session) -> Self {
        Self {
            session,
            last: None,
            locks: 0,
        }
    }

    /// Notes that the table will be read; tells whether the transaction has gathered too many locks for that.
    fn notes(&mut self, table: &Table) -> bool {
        if self.last.as_ref() == Some(&table.id) {
            return false;
        }
        let locks = 1 + table.indexes.len() + table.uniques.len() + usize::from(table.primary_key.is_some());
        let is_full = self.locks > 0 && self.locks + locks > LOCKS_MAX;
        self.locks = if is_full { locks } else { self.locks + locks };
        self.last = Some(table.id.clone());
        is_full
    }
}

/// A session in the snapshot's state. Dropping it closes the session; only one that is between statements is given back.
pub(crate) struct Reader {
    pub(crate) session: Session,
    last: Option<TableId>,
    locks: usize,
    shared: Arc<Shared>,
    _place: OwnedSemaphorePermit,
}

impl Shared {
    /// Takes a session in the state that will read the table, when there is a place.
    pub(crate) async fn reader_of(self: &Arc<Self>, table: &Table) -> Result<Reader> {
        let (mut joined, place) = self.joined().await?;
        if joined.notes(table) && !self.exported.is_empty() {
            let anew = format!("COMMIT; {}", self.entry());
            let begun = joined.session.batch_execute(&anew).await.map_err(from_driver);
            begun.map_err(|error| self.lost_unless_transient(error))?;
        }
        Ok(self.lend(joined, place))
    }

    /// Takes a session in the state that reads no table of the user's, when there is a place.
    pub(crate) async fn reader(self: &Arc<Self>) -> Result<Reader> {
        let (joined, place) = self.joined().await?;
        Ok(self.lend(joined, place))
    }

    async fn joined(&self) -> Result<(Joined, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|cause| Error::bug("the snapshot was closed while in use").with_cause(cause))?;
        let joined = match self.take_idle() {
            Some(joined) => joined,
            None => Joined::new(self.join().await?),
        };
        Ok((joined, place))
    }

    fn lend(self: &Arc<Self>, joined: Joined, place: OwnedSemaphorePermit) -> Reader {
        Reader {
            session: joined.session,
            last: joined.last,
            locks: joined.locks,
            shared: Arc::clone(self),
            _place: place,
        }
    }

    /// Takes a session that still lives.
    fn take_idle(&self) -> Option<Joined> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        std::iter::from_fn(|| idle.pop()).find(|joined| !joined.session.is_closed())
    }

    /// The statements by which a session enters the state.
    fn entry(&self) -> String {
        format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}",
            literal(&self.exported)
        )
    }

    /// Opens a session in the exported state.
    async fn join(&self) -> Result<Session> {
        let Some(main) = &self.main else {
            return Err(Error::snapshot_lost(Error::new(
                ErrorClass::Transient,
                "its only session was lost",
            )));
        };
        if main.is_closed() {
            return Err(Error::snapshot_lost(Error::new(
                ErrorClass::Transient,
                "its session was closed",
            )));
        }
        let session = self.pool.take_or_open(&self.settings).await?;
        let joined = session.batch_execute(&self.entry()).await.map_err(from_driver);
        joined.map_err(|error| self.lost_unless_transient(error))?;
        Ok(session)
    }

    /// Whatever the server says of the state, it does not have it any more; what is wrong with a connection alone passes.
    fn lost_unless_transient(&self, error: Error) -> Error {
        self.classify(if error.class() == ErrorClass::Transient {
            error
        } else {
            Error::snapshot_lost(error)
        })
    }

    /// A lost connection ends the snapshot when it was the one that holds it.
    pub(crate) fn classify(&self, error: Error) -> Error {
        let gone = self.main.as_ref().is_none_or(|main| main.is_closed());
        if gone && error.class() == ErrorClass::Transient {
            Error::snapshot_lost(error)
        } else {
            error
        }
    }
}

impl Drop for Shared {
    /// Ends the transactions, which lets go of their locks, and keeps the sessions for the next state.
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let idle = std::mem::take(self.idle.get_mut().unwrap_or_else(PoisonError::into_inner));
        let joined = idle.into_iter().map(|joined| joined.session);
        for session in joined.chain(self.main.take()) {
            let pool = Arc::clone(&self.pool);
            drop(runtime.spawn(async move {
                if session.batch_execute("ROLLBACK").await.is_ok() {
                    pool.put(session);
                }
            }));
        }
    }
}

impl Reader {
    /// Gives the session back. Only for one whose last statement ended well.
    pub(crate) fn done(self) {
        let Self {
            session,
            last,
            locks,
            shared,
            _place,
        } = self;
        let mut idle = shared.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(Joined { session, last, locks });
    }
}
