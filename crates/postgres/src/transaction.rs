//! Transactions that write: begun under the run's epoch, and committed so that the outcome is known. A COMMIT of a failed
//! transaction is answered with ROLLBACK and no error, so the server is asked what became of the transaction.

use std::collections::BTreeSet;

use tokio_postgres::SimpleQueryMessage;
use whimbrel_core::{Committed, Epoch, Error, ErrorClass, MigrationId, Result, RunKey, Step, fault};

use crate::connect::Session;
use crate::error::{from_driver, is_lost};
use crate::quote::literal;
use crate::records::{RUNS, STEPS, conflict, writer_name};

/// Begins a transaction that writes.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Asks for the number of the transaction at hand.
const NUMBER: &str = "SELECT pg_current_xact_id()::text";

/// Begins a transaction.
pub(crate) async fn begin(session: &Session) -> Result<()> {
    session.batch_execute(BEGIN).await.map_err(from_driver)
}

/// Lets the bodies of functions that defaults, checks, indexes and views call find what they name without a namespace, as in a session
/// of the user's own, until the transaction ends. Statements of ours name everything with its namespace.
pub(crate) const OWN_SEARCH_PATH: &str = "SET LOCAL search_path TO DEFAULT";

/// Begins the transaction of a chunk under the run's epoch, in one message. Its COMMIT does not wait for the disk, see `durability.rs`.
pub(crate) async fn begin_chunk(session: &Session, run: &RunKey, name: &str) -> Result<()> {
    let sql = format!(
        "{BEGIN}; SET application_name = {}; SET LOCAL synchronous_commit = off; {OWN_SEARCH_PATH};
         SELECT epoch FROM {RUNS} WHERE migration = {}",
        literal(name),
        literal(&run.migration.0),
    );
    let answer = session.simple_query(&sql).await;
    let messages = answer.map_err(|error| ledger_gone(error, &run.migration))?;
    same_epoch(&answers(&messages), 4, run)
}

/// Holds the run's epoch, changes the ledger and asks for the transaction's number, in one message; returns the rows changed and the number.
pub(crate) async fn record_chunk(session: &Session, run: &RunKey, change: &str) -> Result<(u64, String)> {
    let sql = format!("{}; {change}; {NUMBER}", held_epoch(run));
    let answer = session.simple_query(&sql).await;
    let messages = answer.map_err(|error| ledger_gone(error, &run.migration))?;
    let answers = answers(&messages);
    same_epoch(&answers, 0, run)?;
    Ok((rows(&answers, 1), value(&answers, 2)))
}

/// Begins the transaction of steps and holds the run's epoch, in one message; tells which of the steps are recorded. The session has the
/// name of a writer of the run, so that a later run can end it.
pub(crate) async fn begin_steps(
    session: &Session,
    run: &RunKey,
    steps: &[&Step],
    settings: &str,
) -> Result<BTreeSet<String>> {
    let ids: Vec<String> = steps.iter().map(|step| literal(&step.id)).collect();
    let sql = format!(
        "{BEGIN}; {}; SELECT json_agg(step) FROM {STEPS} WHERE migration = {} AND step IN ({}); SET application_name = {}; {settings}",
        held_epoch(run),
        literal(&run.migration.0),
        ids.join(", "),
        literal(&writer_name(run)),
    );
    let answer = session.simple_query(&sql).await;
    let messages = answer.map_err(|error| ledger_gone(error, &run.migration))?;
    let answers = answers(&messages);
    same_epoch(&answers, 1, run)?;
    match value(&answers, 2).as_str() {
        "" => Ok(BTreeSet::new()),
        ids => serde_json::from_str(ids)
            .map_err(|cause| Error::invalid("a row of the ledger cannot be read").with_cause(cause)),
    }
}

/// Runs the last statements and commits, in two messages.
pub(crate) async fn commit_with(session: &Session, change: &str) -> Result<()> {
    let messages = session.simple_query(&format!("{change}; {NUMBER}")).await;
    let messages = messages.map_err(from_driver)?;
    let answers = answers(&messages);
    surely(commit_number(session, &value(&answers, answers.len().saturating_sub(1))).await?)
}

/// Runs one statement in a transaction of its own under the run's epoch and commits it, in two messages; returns the rows it changed.
pub(crate) async fn change(session: &Session, run: &RunKey, change: &str) -> Result<u64> {
    let sql = format!("{BEGIN}; {}; {change}; {NUMBER}", held_epoch(run));
    let answer = session.simple_query(&sql).await;
    let messages = answer.map_err(|error| ledger_gone(error, &run.migration))?;
    let answers = answers(&messages);
    same_epoch(&answers, 1, run)?;
    surely(commit_number(session, &value(&answers, 3)).await?)?;
    Ok(rows(&answers, 2))
}

fn held_epoch(run: &RunKey) -> String {
    let migration = literal(&run.migration.0);
    format!("SELECT epoch FROM {RUNS} WHERE migration = {migration} FOR SHARE")
}

/// What each statement of a message answered: the first value, and the number of rows.
fn answers(messages: &[SimpleQueryMessage]) -> Vec<(Option<&str>, u64)> {
    let (mut answers, mut first) = (Vec::new(), None);
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            first = first.or_else(|| row.get(0));
        } else if let SimpleQueryMessage::CommandComplete(rows) = message {
            answers.push((first.take(), *rows));
        }
    }
    answers
}

fn value(answers: &[(Option<&str>, u64)], at: usize) -> String {
    let found = answers.get(at).and_then(|answer| answer.0);
    found.unwrap_or_default().to_owned()
}

fn rows(answers: &[(Option<&str>, u64)], at: usize) -> u64 {
    answers.get(at).map_or(0, |answer| answer.1)
}

fn same_epoch(answers: &[(Option<&str>, u64)], at: usize, run: &RunKey) -> Result<()> {
    compare(value(answers, at).parse().ok().map(Epoch), run)
}

/// Keeps the run's epoch from being raised until the transaction ends; a `Conflict` when it is not ours any more.
pub(crate) async fn hold_epoch(session: &Session, run: &RunKey) -> Result<()> {
    let answer = session.simple_query(&held_epoch(run)).await;
    let messages = answer.map_err(|error| ledger_gone(error, &run.migration))?;
    same_epoch(&answers(&messages), 0, run)
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
    // The statement may name objects of the user's too.
    if error.code() == "missing_object" && error.to_string().contains("_whimbrel") {
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
    let messages = session.simple_query(NUMBER).await.map_err(from_driver)?;
    commit_number(session, &value(&answers(&messages), 0)).await
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
        Ok(messages) => match value(&answers(&messages), 1).as_str() {
            "committed" => Ok(Committed::Done),
            "aborted" => Err(Error::new(
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
