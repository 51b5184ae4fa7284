//! The sessions that read one state. They all began in it, none can join later; each is lent to one reader at a time, and what a reader leaves
//! unread is cut off, so that its session serves the next.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mysql_async::prelude::Queryable as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use whimbrel_core::{Error, ErrorClass, Position, Result, TableId};

use crate::columns::{ServerColumn, all_columns_in, columns_in};
use crate::connect::Server;
use crate::error::classify;
use crate::wire::Session;

/// From so many tables on, one question about all columns is cheaper than one for each table.
const MANY_TABLES: usize = 16;

/// What all readers of the state share.
#[derive(Debug)]
pub(crate) struct Shared {
    server: Server,
    pub(crate) position: Position,
    places: Arc<Semaphore>,
    idle: Mutex<Vec<Lent>>,
    /// Sessions that still live, lent ones included.
    alive: AtomicUsize,
    columns: Mutex<HashMap<TableId, Arc<Vec<ServerColumn>>>>,
    /// True while the first question about columns is to be about those of all tables: the state is of many.
    asks_for_all: AtomicBool,
    /// Tables that hold no row in the state, as far as that was asked.
    empty: Mutex<HashSet<TableId>>,
    /// The streams that are being read.
    pub(crate) tasks: Mutex<JoinSet<()>>,
}

/// A session in the snapshot's state.
#[derive(Debug)]
pub(crate) struct Lent {
    session: Session,
    /// True while text arrives as it is stored, and not in the session's character set.
    raw: bool,
}

/// A lent session. Dropping it counts the session as lost; only one that is between statements is given back.
pub(crate) struct Reader {
    lent: Option<Lent>,
    shared: Arc<Shared>,
    place: Option<OwnedSemaphorePermit>,
}

impl Lent {
    /// Wraps a session whose transaction has begun.
    pub(crate) fn new(session: Session) -> Self {
        Self { session, raw: false }
    }

    async fn converted(&mut self) -> Result<&mut Session> {
        if self.raw {
            let sql = "SET character_set_results = utf8mb4";
            self.session.query_drop(sql).await.map_err(classify)?;
            self.raw = false;
        }
        Ok(&mut self.session)
    }

    async fn raw(&mut self) -> Result<&mut Session> {
        if !self.raw {
            let sql = "SET character_set_results = NULL";
            self.session.query_drop(sql).await.map_err(classify)?;
            self.raw = true;
        }
        Ok(&mut self.session)
    }
}

impl Shared {
    /// Shares sessions that are in one state.
    pub(crate) fn new(server: Server, position: Position, sessions: Vec<Lent>, tables: usize) -> Self {
        Self {
            server,
            position,
            places: Arc::new(Semaphore::new(sessions.len())),
            alive: AtomicUsize::new(sessions.len()),
            idle: Mutex::new(sessions),
            columns: Mutex::new(HashMap::new()),
            asks_for_all: AtomicBool::new(tables >= MANY_TABLES),
            empty: Mutex::new(HashSet::new()),
            tasks: Mutex::new(JoinSet::new()),
        }
    }

    /// Returns the server that is read.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Tells whether the table is known to hold no row.
    pub(crate) fn is_known_empty(&self, table: &TableId) -> bool {
        locked(&self.empty).contains(table)
    }

    /// Keeps in mind that the table holds no row.
    pub(crate) fn keep_empty(&self, table: TableId) {
        locked(&self.empty).insert(table);
    }

    /// Takes a session, when there is one to be had.
    pub(crate) async fn reader(self: &Arc<Self>) -> Result<Reader> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| gone())?;
        let lent = locked(&self.idle).pop().ok_or_else(gone)?;
        Ok(Reader {
            lent: Some(lent),
            shared: Arc::clone(self),
            place: Some(place),
        })
    }

    /// Counts a session as lost; when it was the last, nobody waits for another.
    fn lost(&self) {
        if self.alive.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.places.close();
        }
    }

    fn is_gone(&self) -> bool {
        self.alive.load(Ordering::SeqCst) == 0
    }
}

fn gone() -> Error {
    Error::snapshot_lost(Error::new(
        ErrorClass::Transient,
        "all of its connections were lost",
    ))
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Reader {
    /// Returns the session with text arriving as UTF-8.
    pub(crate) async fn converted(&mut self) -> Result<&mut Session> {
        self.lent_mut()?.converted().await
    }

    /// Returns the session with text arriving as it is stored.
    pub(crate) async fn raw(&mut self) -> Result<&mut Session> {
        self.lent_mut()?.raw().await
    }

    fn lent_mut(&mut self) -> Result<&mut Lent> {
        self.lent
            .as_mut()
            .ok_or_else(|| Error::bug("a session was given back while in use"))
    }

    /// Returns what the server says about the columns of a table, asked once.
    pub(crate) async fn columns(&mut self, table: &TableId) -> Result<Arc<Vec<ServerColumn>>> {
        let known = locked(&self.shared.columns).get(table).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        if self.shared.asks_for_all.swap(false, Ordering::SeqCst) {
            let all = all_columns_in(self.converted().await?).await?;
            let all = all
                .into_iter()
                .map(|(name, columns)| (TableId::bare(name), Arc::new(columns)));
            locked(&self.shared.columns).extend(all);
            let known = locked(&self.shared.columns).get(table).cloned();
            if let Some(known) = known {
                return Ok(known);
            }
        }
        let found = Arc::new(columns_in(self.converted().await?, table).await?);
        locked(&self.shared.columns).insert(table.clone(), Arc::clone(&found));
        Ok(found)
    }

    /// Gives the session back. Only for one whose last statement has ended.
    pub(crate) fn done(mut self) {
        if let Some(lent) = self.lent.take() {
            locked(&self.shared.idle).push(lent);
        }
        drop(self.place.take());
    }

    /// Gives the session back after a failure that leaves it usable, else counts it as lost; returns the error as the caller shall see it.
    pub(crate) fn failed(self, error: Error) -> Error {
        let shared = Arc::clone(&self.shared);
        let is_lost = error.class() == ErrorClass::SnapshotLost || error.code() == "connection_lost";
        if !is_lost {
            self.done();
            return error;
        }
        drop(self);
        match shared.is_gone() && error.class() == ErrorClass::Transient {
            true => Error::snapshot_lost(error),
            false => error,
        }
    }

    /// Cuts off the rest of a result that nobody wants, and gives the session back. The transaction stays.
    pub(crate) async fn stop(mut self) {
        if self.cut_off().await.is_ok() {
            self.done();
        }
    }

    async fn cut_off(&mut self) -> Result<()> {
        let server = self.shared.server.clone();
        let session = &mut self.lent_mut()?.session;
        let mut control = server.control().await?;
        let lookout = server.lookout(control.id());
        let number = session.id();
        let cut = async {
            // The statement may have ended by itself; then there is nothing to cut off.
            drop(control.query_drop(format!("KILL QUERY {number}")).await);
            drop(control.disconnect().await);
            Ok(())
        };
        lookout.during(Box::pin(cut)).await?;
        for _ in 0..3 {
            // What is left of the result comes first, and then the word that it was cut off.
            match session.query_drop("DO 0").await {
                Ok(()) => return Ok(()),
                Err(mysql_async::Error::Server(_)) => {}
                Err(error) => return Err(classify(error)),
            }
        }
        Err(Error::new(
            ErrorClass::Transient,
            "a session could not be used again",
        ))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A session that is still here was not given back: its state is unknown.
        if self.lent.take().is_some() {
            self.shared.lost();
            if let Some(place) = self.place.take() {
                place.forget();
            }
        }
    }
}
