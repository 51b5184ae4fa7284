//! Transactions that write: begun by a statement, held under the run's epoch, and committed so that the outcome is known. A server that
//! rolled a transaction back by itself would answer COMMIT with success, so whether one is open is looked at first.

use mysql_async::Conn;
use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Committed, Epoch, Error, ErrorClass, MigrationId, Result, RunKey, fault};

use super::tables::{RUNS, conflict};
use crate::error::{classify, is_lost};

/// Begins a transaction.
pub(crate) async fn begin(conn: &mut Conn) -> Result<()> {
    conn.query_drop("START TRANSACTION READ WRITE")
        .await
        .map_err(classify)
}

/// Leaves the transaction without a trace.
pub(crate) async fn rollback(conn: &mut Conn) -> Result<()> {
    conn.query_drop("ROLLBACK").await.map_err(classify)
}

/// Keeps the run's epoch from being raised until the transaction ends; a `Conflict` when it is not ours any more.
pub(crate) async fn hold_epoch(conn: &mut Conn, run: &RunKey) -> Result<()> {
    // `FOR SHARE` is younger than the oldest servers.
    let sql = format!("SELECT epoch FROM {RUNS} WHERE migration = ? LOCK IN SHARE MODE");
    let epoch: std::result::Result<Option<i64>, _> = conn.exec_first(sql, (&run.migration.0,)).await;
    let epoch = epoch.map_err(|error| ledger_gone(error, &run.migration))?;
    check_epoch(epoch, run)
}

/// Compares the epoch that the ledger holds with the run's.
pub(crate) fn check_epoch(found: Option<i64>, run: &RunKey) -> Result<()> {
    match found.map(Epoch) {
        Some(epoch) if epoch == run.epoch => Ok(()),
        Some(epoch) => Err(conflict(format!(
            "migration `{}` is at epoch {}; this run holds {}",
            run.migration, epoch.0, run.epoch.0
        ))),
        None => Err(conflict(format!(
            "the ledger does not know migration `{}`",
            run.migration
        ))),
    }
}

/// Classifies an error of a statement on the ledger: without its tables, the run is somebody else's.
pub(crate) fn ledger_gone(error: mysql_async::Error, migration: &MigrationId) -> Error {
    let error = classify(error);
    if error.code() == "missing_object" {
        conflict(format!(
            "the ledger of migration `{migration}` is not in the target any more"
        ))
        .with_cause(error)
    } else {
        error
    }
}

/// Tells whether a transaction is open, by the answer to the last statement that changed something.
pub(crate) fn is_open(conn: &Conn) -> bool {
    conn.last_ok_packet().is_some_and(|answer| {
        answer
            .status_flags()
            .contains(StatusFlags::SERVER_STATUS_IN_TRANS)
    })
}

/// Makes the error that the server gave the transaction up.
pub(crate) fn given_up() -> Error {
    Error::new(
        ErrorClass::Transient,
        "the server rolled the transaction back by itself",
    )
    .with_code("rolled_back")
}

/// Commits and tells what became of it. An error means that nothing was committed.
pub(crate) async fn commit(conn: &mut Conn) -> Result<Committed> {
    if !is_open(conn) {
        return Err(given_up());
    }
    fault::point("mysql.commit.before")?;
    let answer = conn.query_drop("COMMIT").await;
    fault::point("mysql.commit.after")?;
    match answer {
        Ok(()) => Ok(Committed::Done),
        Err(error) if is_lost(&error) => Ok(Committed::Unknown),
        Err(error) => Err(classify(error)),
    }
}

/// Commits a transaction whose outcome must be known: an unclear one is a transient error, and repeating it changes nothing more.
pub(crate) async fn commit_surely(conn: &mut Conn) -> Result<()> {
    match commit(conn).await? {
        Committed::Done | Committed::AlreadyDone => Ok(()),
        Committed::Unknown => {
            Err(Error::new(ErrorClass::Transient, "the answer to COMMIT was lost")
                .with_code("connection_lost"))
        }
    }
}
