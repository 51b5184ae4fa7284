//! The sessions that read one state: one holds it, the others join it, and each is lent to one reader at a time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use whimbrel_core::{Error, ErrorClass, Position, Result};

use crate::columns::Known;
use crate::connect::{Idle, Role, Session, Settings};
use crate::error::{from_driver, snapshot_lost};
use crate::extent::Extents;
use crate::quote::literal;

/// What all readers of the state share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    /// Holds the locks and the exported snapshot; none when it is the only reader itself.
    pub(crate) main: Option<Session>,
    pub(crate) exported: String,
    pub(crate) position: Position,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) idle: Idle,
    /// What the tables' columns are in the state.
    pub(crate) columns: Known,
    /// How large the tables are.
    pub(crate) extents: Extents,
}

/// A session in the snapshot's state. Dropping it closes the session; only one that is between statements is given back.
pub(crate) struct Reader {
    pub(crate) session: Session,
    shared: Arc<Shared>,
    _place: OwnedSemaphorePermit,
}

impl Shared {
    /// Takes a session in the state, when there is a place.
    pub(crate) async fn reader(self: &Arc<Self>) -> Result<Reader> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|cause| Error::bug("the snapshot was closed while in use").with_cause(cause))?;
        let session = match self.idle.take() {
            Some(session) => session,
            None => self.join().await?,
        };
        Ok(Reader {
            session,
            shared: Arc::clone(self),
            _place: place,
        })
    }

    /// Opens a session in the exported state.
    async fn join(&self) -> Result<Session> {
        let Some(main) = &self.main else {
            return Err(snapshot_lost(Error::new(
                ErrorClass::Transient,
                "its only session was lost",
            )));
        };
        if main.is_closed() {
            return Err(snapshot_lost(Error::new(
                ErrorClass::Transient,
                "its session was closed",
            )));
        }
        let session = self.settings.open(Role::Reader).await?;
        let sql = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}",
            literal(&self.exported)
        );
        let joined = session.batch_execute(&sql).await.map_err(from_driver);
        // Whatever the server says here, it does not have the snapshot any more.
        joined.map_err(|error| {
            self.classify(if error.class() == ErrorClass::Transient {
                error
            } else {
                snapshot_lost(error)
            })
        })?;
        Ok(session)
    }

    /// A lost connection ends the snapshot when it was the one that holds it.
    pub(crate) fn classify(&self, error: Error) -> Error {
        let gone = self.main.as_ref().is_none_or(|main| main.is_closed());
        if gone && error.class() == ErrorClass::Transient {
            snapshot_lost(error)
        } else {
            error
        }
    }
}

impl Reader {
    /// Gives the session back. Only for one whose last statement ended well.
    pub(crate) fn done(self) {
        let Self {
            session,
            shared,
            _place,
        } = self;
        shared.idle.put(session);
    }
}
