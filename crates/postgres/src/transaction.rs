//! Transactions that write: begun under the run's epoch, and committed so that the outcome is known. A COMMIT of a failed
//! transaction is answered with ROLLBACK and no error, so the server is asked what became of the transaction.

use tokio_postgres::SimpleQueryMessage;
use whimbrel_core::{Committed, Epoch, Error, ErrorClass, MigrationId, Result, RunKey, fault};

use crate::connect::Session;
use crate::error::{from_driver, is_lost};
use crate::quote::literal;
use crate::records::{RUNS, STEPS, conflict};

/// Begins a transaction.
pub(crate) async fn begin(session: &Session) -> Result<()> {
    session
        .batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        .await
        .map_err(from_driver)
}

/// Lets the bodies of functions that defaults, checks, indexes and views call find what they name without a namespace, as in a session
/// of the user's own, until the transaction ends. Statements of ours name everything with its namespace.
pub(crate) const OWN_SEARCH_PATH: &str = "SET LOCAL search_path TO DEFAULT";

/// Begins the transaction of a chunk under the run's epoch, in one message. Its COMMIT does not wait for the disk, see `durability.rs`.
pub(crate) async fn begin_chunk(session: &Session, run: &RunKey, name: &str) -> Result<()> {
    let sql = format!(
        "SET application_name = {}; BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = off;
         {OWN_SEARCH_PATH}; SELECT epoch FROM {RUNS} WHERE migration = {}",
        literal(name),
        literal(&run.migration.0),
    );
    let answer = session.simple_query(&sql).await;
    let messages = answer.map_err(|error| ledger_gone(error, &run.migration))?;
    same_epoch(rows(&messages).next(), run)
}

/// Begins the transaction of a step and holds the run's epoch, in one message; tells whether the step is recorded.
pub(crate) async fn begin_step(session: &Session, run: &RunKey, step: &str, settings: &str) -> Result<bool> {
    let migration = literal(&run.migration.0);
    let sql = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT epoch FROM {RUNS} WHERE migration = {migration} FOR SHARE;
         SELECT count(*) FROM {STEPS} WHERE migration = {migration} AND step = {}; {settings}",
        literal(step),
    );
    let answer = session.simple_query(&sql).await;
    let messages = answer.map_err(|error| ledger_gone(error, &run.migration))?;
    let found: Vec<&str> = rows(&messages).collect();
    let [epoch, recorded, ..] = found[..] else {
        return compare(None, run).map(|()| false);
    };
    same_epoch(Some(epoch), run)?;
    Ok(recorded != "0")
}

/// Commits a step with the change of its record, in two messages.
pub(crate) async fn commit_step(session: &Session, change: &str) -> Result<()> {
    let sql = format!("{change}; SELECT pg_current_xact_id()::text");
    let messages = session.simple_query(&sql).await.map_err(from_driver)?;
    let number = rows(&messages).last().unwrap_or_default();
    surely(commit_number(session, number).await?)
}

/// Holds the run's epoch, changes the ledger and asks for the transaction's number, in one message; returns the rows changed and the number.
pub(crate) async fn record_chunk(session: &Session, run: &RunKey, change: &str) -> Result<(u64, String)> {
    let sql = format!(
        "SELECT epoch FROM {RUNS} WHERE migration = {} FOR SHARE; {change}; SELECT pg_current_xact_id()::text",
        literal(&run.migration.0),
    );
    let answer = session.simple_query(&sql).await;
    let messages = answer.map_err(|error| ledger_gone(error, &run.migration))?;
    let found: Vec<&str> = rows(&messages).collect();
    let [epoch, number] = found[..] else {
        return compare(None, run).map(|()| (0, String::new()));
    };
    same_epoch(Some(epoch), run)?;
    let mut counts = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::CommandComplete(count) => Some(*count),
        _ => None,
    });
    Ok((counts.nth(1).unwrap_or(0), number.to_owned()))
}

/// The first value of each row.
fn rows(messages: &[SimpleQueryMessage]) -> impl Iterator<Item = &str> {
    messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    })
}

fn same_epoch(found: Option<&str>, run: &RunKey) -> Result<()> {
    let epoch = found.and_then(|epoch| epoch.parse().ok()).map(Epoch);
    compare(epoch, run)
}

/// Keeps the run's epoch from being raised until the transaction ends; a `Conflict` when it is not ours any more.
pub(crate) async fn hold_epoch(session: &Session, run: &RunKey) -> Result<()> {
    let sql = format!("SELECT epoch FROM {RUNS} WHERE migration = $1 FOR SHARE");
    check_epoch(session, &sql, run).await
}

async fn check_epoch(session: &Session, sql: &str, run: &RunKey) -> Result<()> {
    let row = session
        .query_opt(sql, &[&run.migration.0])
        .await
        .map_err(|error| ledger_gone(error, &run.migration))?;
    compare(row.map(|row| Epoch(row.get(0))), run)
}

fn compare(found: Option<Epoch>, run: &RunKey) -> Result<()> {
    match found {
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
    commit_number(session, &number).await
}

/// Commits the transaction of the number and tells what became of it. An error means that nothing was committed.
pub(crate) async fn commit_number(session: &Session, number: &str) -> Result<Committed> {
    fault::point("postgres.commit.before")?;
    let committed = ask_to_commit(session, number).await;
    fault::point("postgres.commit.after")?;
    committed
}

async fn ask_to_commit(session: &Session, number: &str) -> Result<Committed> {
    let answer = session
        .simple_query(&format!("COMMIT; SELECT pg_xact_status('{number}'::xid8)"))
        .await;
    match answer {
        Err(error) if is_lost(&error) => Ok(Committed::Unknown),
        Err(error) => Err(from_driver(error)),
        Ok(messages) => match rows(&messages).next() {
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
    surely(commit(session).await?)
}

fn surely(committed: Committed) -> Result<()> {
    match committed {
        Committed::Done | Committed::AlreadyDone => Ok(()),
        Committed::Unknown => {
            Err(Error::new(ErrorClass::Transient, "the answer to COMMIT was lost")
                .with_code("connection_lost"))
        }
    }
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
