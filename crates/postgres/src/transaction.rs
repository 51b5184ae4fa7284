//! Transactions that write: begun under the run's epoch, and committed so that the outcome is known. A COMMIT of a failed
//! transaction is answered with ROLLBACK and no error, so the server is asked what became of the transaction.

use tokio_postgres::SimpleQueryMessage;
use whimbrel_core::{Committed, Epoch, Error, ErrorClass, MigrationId, Result, RunKey, fault};

use crate::connect::Session;
use crate::error::{from_driver, is_lost};
use crate::records::{RUNS, conflict};

/// Begins a transaction.
pub(crate) async fn begin(session: &Session) -> Result<()> {
    session
        .batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        .await
        .map_err(from_driver)
}

/// Lets the bodies of functions that defaults, checks, indexes and views call find what they name without a namespace, as in a session
/// of the user's own, until the transaction ends. Statements of ours name everything with its namespace.
pub(crate) async fn use_own_search_path(session: &Session) -> Result<()> {
    let sql = "SELECT pg_catalog.set_config('search_path', reset_val, true) FROM pg_catalog.pg_settings WHERE name = 'search_path'";
    session.batch_execute(sql).await.map_err(from_driver)
}

/// Keeps the run's epoch from being raised until the transaction ends; a `Conflict` when it is not ours any more.
pub(crate) async fn hold_epoch(session: &Session, run: &RunKey) -> Result<()> {
    let sql = format!("SELECT epoch FROM {RUNS} WHERE migration = $1 FOR SHARE");
    check_epoch(session, &sql, run).await
}

/// Compares the run's epoch without holding it.
pub(crate) async fn compare_epoch(session: &Session, run: &RunKey) -> Result<()> {
    let sql = format!("SELECT epoch FROM {RUNS} WHERE migration = $1");
    check_epoch(session, &sql, run).await
}

async fn check_epoch(session: &Session, sql: &str, run: &RunKey) -> Result<()> {
    let row = session
        .query_opt(sql, &[&run.migration.0])
        .await
        .map_err(|error| ledger_gone(error, &run.migration))?;
    match row.map(|row| Epoch(row.get(0))) {
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

fn ledger_gone(error: tokio_postgres::Error, migration: &MigrationId) -> Error {
    let error = from_driver(error);
    if error.code() == "missing_object" {
        conflict(format!(
            "the ledger of migration `{migration}` is not in the target any more"
        ))
        .with_cause(error)
    } else {
        error
    }
}

/// Commits and tells what became of it. An error means that nothing was committed.
pub(crate) async fn commit(session: &Session) -> Result<Committed> {
    let row = session
        .query_one("SELECT pg_current_xact_id()::text", &[])
        .await
        .map_err(from_driver)?;
    let number: String = row.get(0);
    fault::point("postgres.commit.before")?;
    let committed = commit_number(session, &number).await;
    fault::point("postgres.commit.after")?;
    committed
}

/// Commits the transaction of the number.
async fn commit_number(session: &Session, number: &str) -> Result<Committed> {
    let answer = session
        .simple_query(&format!("COMMIT; SELECT pg_xact_status('{number}'::xid8)"))
        .await;
    match answer {
        Err(error) if is_lost(&error) => Ok(Committed::Unknown),
        Err(error) => Err(from_driver(error)),
        Ok(messages) => match status(&messages) {
            Some("committed") => Ok(Committed::Done),
            Some("aborted") => Err(Error::new(
                ErrorClass::Transient,
                "the server rolled the transaction back at COMMIT",
            )
            .with_code("rolled_back")),
            _ => Ok(Committed::Unknown),
        },
    }
}

/// Commits a transaction whose outcome must be known: an unclear one is a transient error, and repeating it changes nothing more.
pub(crate) async fn commit_surely(session: &Session) -> Result<()> {
    match commit(session).await? {
        Committed::Done | Committed::AlreadyDone => Ok(()),
        Committed::Unknown => {
            Err(Error::new(ErrorClass::Transient, "the answer to COMMIT was lost")
                .with_code("connection_lost"))
        }
    }
}

fn status(messages: &[SimpleQueryMessage]) -> Option<&str> {
    messages.iter().find_map(|message| {
        if let SimpleQueryMessage::Row(row) = message {
            row.get(0)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use whimbrel_core::DatabaseUrl;
    use whimbrel_testkit::postgres::TestDatabase;

    use super::*;
    use crate::connect::{Role, Settings};

    #[tokio::test]
    async fn the_commit_of_a_failed_transaction_is_no_success() {
        let Some(database) = TestDatabase::create("commit") else {
            return;
        };
        let url = DatabaseUrl::parse(database.url()).unwrap();
        let settings = Settings::new(&url, &BTreeMap::new()).unwrap();
        let session = settings.open(Role::Writer).await.unwrap();
        begin(&session).await.unwrap();
        session
            .batch_execute("CREATE TABLE public.a (x integer)")
            .await
            .unwrap();
        let row = session
            .query_one("SELECT pg_current_xact_id()::text", &[])
            .await
            .unwrap();
        let number: String = row.get(0);
        assert!(session.batch_execute("SELECT 1 / 0").await.is_err());
        // The server answers ROLLBACK, and no error.
        let error = commit_number(&session, &number).await.unwrap_err();
        assert_eq!(error.code(), "rolled_back");

        begin(&session).await.unwrap();
        session
            .batch_execute("CREATE TABLE public.a (x integer)")
            .await
            .unwrap();
        assert_eq!(commit(&session).await.unwrap(), Committed::Done);
    }
}
