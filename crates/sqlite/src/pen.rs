//! The pen: the one connection that writes. Whoever writes takes a turn and waits for the one before; nothing is opened before it is needed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use std::time::Duration;

use rusqlite::{Connection, InterruptHandle, Transaction, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use whimbrel_core::{Error, Result, fault};

use crate::catalog::pragma_number;
use crate::error::During;
use crate::gate::{DatabaseFile, blocking};

/// The writing side of a file.
#[derive(Clone)]
pub(crate) struct Pen {
    file: DatabaseFile,
    connection: Arc<Mutex<Option<Connection>>>,
    /// Ends what the connection does.
    interrupt: Interrupt,
    is_new: Arc<AtomicBool>,
    left: Left,
    place: Arc<Semaphore>,
}

/// The data version that the connection saw when the ledger was opened: the engine changes it when others commit. It means nothing to another
/// connection.
type Left = Arc<Mutex<Option<i64>>>;

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
    is_new: &'a AtomicBool,
    left: &'a Left,
}

/// An interrupt ends the statement that runs, and none that begins later; so it is sent again until the work ends.
const INTERRUPT_AGAIN: Duration = Duration::from_millis(50);

/// Ends what the connection does when it is dropped before the answer is there: nobody waits for it any more.
struct Waiting {
    interrupt: Interrupt,
    is_over: Arc<Mutex<bool>>,
}

impl Waiting {
    fn new(interrupt: &Interrupt) -> Self {
        Self {
            interrupt: Arc::clone(interrupt),
            is_over: Arc::default(),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let (interrupt, is_over) = (Arc::clone(&self.interrupt), Arc::clone(&self.is_over));
        if *locked(&is_over) {
            return;
        }
        std::thread::spawn(move || {
            // The turn does not end while it is being interrupted, so that the next one is spared.
            while send(&interrupt, &is_over) {
                std::thread::sleep(INTERRUPT_AGAIN);
            }
        });
    }
}

/// Interrupts the connection, unless the work is over.
fn send(interrupt: &Interrupt, is_over: &Mutex<bool>) -> bool {
    let is_over = locked(is_over);
    if !*is_over && let Some(handle) = &*locked(interrupt) {
        handle.interrupt();
    }
    !*is_over
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pen {
    /// Makes the pen of a file; opens nothing.
    pub(crate) fn new(file: DatabaseFile) -> Self {
        Self {
            file,
            connection: Arc::default(),
            interrupt: Arc::default(),
            is_new: Arc::default(),
            left: Arc::default(),
            place: Arc::new(Semaphore::new(1)),
        }
    }

    /// Tells whether the file is new and nobody's but ours until it is settled: it held nothing before, and what is written stays in its place.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new.load(Ordering::Acquire)
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
        let waiting = Waiting::new(&self.interrupt);
        let is_over = Arc::clone(&waiting.is_over);
        blocking(move || {
            turn.do_whole(|hand| {
                hand.end_transaction();
                let done = work(hand);
                *locked(&is_over) = true;
                done
            })
        })
        .await
    }

    fn with<T>(&self, work: impl FnOnce(&mut Hand<'_>) -> T) -> T {
        let mut connection = locked(&self.connection);
        work(&mut Hand {
            file: &self.file,
            connection: &mut connection,
            interrupt: &self.interrupt,
            is_new: &self.is_new,
            left: &self.left,
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
            let mut interrupt = locked(self.interrupt);
            *interrupt = Some(opened.get_interrupt_handle());
            *self.connection = Some(opened);
        }
        self.connection
            .as_mut()
            .ok_or_else(|| Error::bug("the pen has no connection"))
    }

    /// Says whether the file is new, see [`Pen::is_new`].
    pub(crate) fn call_new(&self, is_new: bool) {
        self.is_new.store(is_new, Ordering::Release);
    }

    /// Remembers the file as it is now, for [`Hand::was_changed_by_others`].
    pub(crate) fn leave(&mut self) -> Result<()> {
        let version = pragma_number(self.connection()?, "data_version")?;
        *locked(self.left) = Some(version);
        Ok(())
    }

    /// Tells whether others committed anything since [`Hand::leave`], or may have because the connection is another one by now.
    pub(crate) fn was_changed_by_others(&mut self) -> Result<bool> {
        let Some(left) = *locked(self.left) else {
            return Ok(true);
        };
        Ok(pragma_number(self.connection()?, "data_version")? != left)
    }

    /// Closes the connection.
    pub(crate) fn close(&mut self) {
        self.connection.take();
        locked(self.left).take();
    }

    /// Rolls back a transaction that somebody left open.
    fn end_transaction(&mut self) {
        let Some(connection) = self.connection.as_ref() else {
            return;
        };
        if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
            // A new connection finds the file as the last commit left it.
            self.close();
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

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::task::{Context, Waker};

    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    #[tokio::test]
    async fn a_statement_that_nobody_waits_for_ends_whenever_it_begins_and_the_next_turn_is_spared() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        drop(Connection::open(&path).unwrap());
        let url = format!("sqlite:{}", path.display());
        let url = whimbrel_core::DatabaseUrl::parse(&url).unwrap();
        let pen = Pen::new(DatabaseFile::of_url(&url).unwrap());
        for pause in [0, 120] {
            let (say, heard) = std::sync::mpsc::channel();
            let mut endless = Box::pin(pen.write(move |hand| {
                let connection = hand.connection()?;
                say.send(()).unwrap();
                // The interrupt may come before the statement.
                std::thread::sleep(Duration::from_millis(pause));
                connection.query_row(ENDLESS, [], |_| Ok(())).during(|| "count")
            }));
            let mut context = Context::from_waker(Waker::noop());
            assert!(endless.as_mut().poll(&mut context).is_pending());
            heard.recv().unwrap();
            drop(endless);
            // Waits for its turn, which comes when the statement has ended.
            let next = pen.write(|hand| {
                let short = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) FROM n";
                let connection = hand.connection()?;
                connection.query_row(short, [], |row| row.get::<_, i64>(0)).during(|| "count")
            });
            assert_eq!(next.await.unwrap(), 400_000);
        }
    }
}
