//! The pen: the one connection that writes. Whoever writes takes a turn and waits for the one before; nothing is opened before it is needed.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, InterruptHandle, Transaction, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use whimbrel_core::{Error, Result, fault};

use crate::error::During;
use crate::gate::{DatabaseFile, blocking};

/// The writing side of a file.
#[derive(Clone)]
pub(crate) struct Pen {
    file: DatabaseFile,
    connection: Arc<Mutex<Option<Connection>>>,
    /// Ends what the connection does.
    interrupt: Interrupt,
    place: Arc<Semaphore>,
}

type Interrupt = Arc<Mutex<Option<InterruptHandle>>>;

/// A turn with the pen; the next one begins when it is dropped.
pub(crate) struct Turn {
    pen: Pen,
    _place: OwnedSemaphorePermit,
}

/// The pen in hand, on a blocking thread.
pub(crate) struct Hand<'a> {
    pub(crate) file: &'a DatabaseFile,
    connection: &'a mut Option<Connection>,
    interrupt: &'a Interrupt,
}

/// Ends what the connection does when it is dropped before the answer is there: nobody waits for it any more.
struct Waiting(Option<Interrupt>);

impl Drop for Waiting {
    fn drop(&mut self) {
        let interrupt = self.0.take();
        if let Some(interrupt) = interrupt
            && let Some(handle) = &*interrupt.lock().unwrap_or_else(PoisonError::into_inner)
        {
            handle.interrupt();
        }
    }
}

impl Pen {
    /// Makes the pen of a file; opens nothing.
    pub(crate) fn new(file: DatabaseFile) -> Self {
        Self {
            file,
            connection: Arc::default(),
            interrupt: Arc::default(),
            place: Arc::new(Semaphore::new(1)),
        }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self) -> Result<Turn> {
        let place = Arc::clone(&self.place)
            .acquire_owned()
            .await
            .map_err(|cause| Error::bug("the pen is gone").with_cause(cause))?;
        Ok(Turn {
            pen: self.clone(),
            _place: place,
        })
    }

    /// Waits for a turn and does the work in it. The work is interrupted when nobody waits for it any more.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hand<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = self.turn().await?;
        let mut waiting = Waiting(Some(Arc::clone(&self.interrupt)));
        let done = blocking(move || {
            turn.do_whole(|hand| {
                hand.end_transaction();
                work(hand)
            })
        })
        .await;
        waiting.0 = None;
        done
    }

    fn with<T>(&self, work: impl FnOnce(&mut Hand<'_>) -> T) -> T {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut Hand {
            file: &self.file,
            connection: &mut connection,
            interrupt: &self.interrupt,
        })
    }
}

impl Turn {
    /// Does a part of the work of this turn.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hand<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pen = self.pen.clone();
        blocking(move || pen.with(work)).await
    }

    /// Takes back what the turn has not committed, then ends it; needs no waiting for.
    pub(crate) fn abandon(self) {
        let end = move || {
            self.do_whole(|hand| {
                hand.end_transaction();
            });
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(end)),
            Err(_) => end(),
        }
    }

    /// Does the work and ends the turn only then. Takes the whole turn: a closure that names a part of it would take that part alone and
    /// let go of the place too early.
    fn do_whole<T>(self, work: impl FnOnce(&mut Hand<'_>) -> T) -> T {
        self.pen.with(work)
    }
}

impl Hand<'_> {
    /// Returns the connection, opened when it was not.
    pub(crate) fn connection(&mut self) -> Result<&mut Connection> {
        if self.connection.is_none() {
            let opened = self.file.open_to_write()?;
            let mut interrupt = self.interrupt.lock().unwrap_or_else(PoisonError::into_inner);
            *interrupt = Some(opened.get_interrupt_handle());
            *self.connection = Some(opened);
        }
        self.connection
            .as_mut()
            .ok_or_else(|| Error::bug("the pen has no connection"))
    }

    /// Closes the connection.
    pub(crate) fn close(&mut self) {
        self.connection.take();
    }

    /// Rolls back a transaction that somebody left open.
    fn end_transaction(&mut self) {
        let Some(connection) = self.connection.as_ref() else {
            return;
        };
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            // A new connection finds the file as the last commit left it.
            self.connection.take();
        }
    }

    /// Does the work in one transaction that holds the file's write lock from the beginning.
    pub(crate) fn transact<T>(
        &mut self,
        what: &'static str,
        points: &Points,
        work: impl FnOnce(&Transaction<'_>) -> Result<T>,
    ) -> Result<T> {
        let connection = self.connection()?;
        fault::point(points.begin)?;
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .during(|| what)?;
        let done = work(&transaction)?;
        fault::point(points.before)?;
        transaction.commit().during(|| what)?;
        fault::point(points.after)?;
        Ok(done)
    }
}

/// The fault points of a transaction.
pub(crate) struct Points {
    /// Before it begins.
    pub(crate) begin: &'static str,
    /// Before it commits.
    pub(crate) before: &'static str,
    /// After it committed.
    pub(crate) after: &'static str,
}
