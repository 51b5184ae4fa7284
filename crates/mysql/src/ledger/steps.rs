//! The states of steps: `intent` before a statement runs, `done` behind the last, `undo` while it is taken back. DDL commits by itself
//! here, so a state is its own transaction, and how many statements are known to have run stands beside it.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Epoch, MigrationId, Result, RunKey, Step, StepRecord, fault};

use super::tables::STEPS;
use super::transaction::{begin, commit_surely, hold_epoch, rollback};
use crate::error::classify;
use crate::quote::literal;

/// What the ledger says of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// This many of its statements have run, and the next one may have.
    Intent(usize),
    /// This many of its statements have run, and the server refused the next one.
    Refused(usize),
    /// It is done.
    Done,
    /// It is being taken back: this many statements of the undo have run, and the next one may have.
    Undo(usize),
}

impl State {
    fn parts(self) -> (&'static str, usize) {
        match self {
            Self::Intent(statements) => ("intent", statements),
            Self::Refused(statements) => ("refused", statements),
            Self::Done => ("done", 0),
            Self::Undo(statements) => ("undo", statements),
        }
    }
}

/// Returns the steps that are done, in the order in which they were. One that is half done or half taken back is not: whoever does it
/// or takes it back finds its state here.
pub(super) async fn recorded(conn: &mut Conn, migration: &MigrationId) -> Result<Vec<StepRecord>> {
    let sql =
        format!("SELECT step, epoch FROM {STEPS} WHERE migration = ? AND state = 'done' ORDER BY number");
    let rows: Vec<(String, i64)> = conn.exec(sql, (&migration.0,)).await.map_err(classify)?;
    Ok(rows
        .into_iter()
        .map(|(id, epoch)| StepRecord {
            id,
            epoch: Epoch(epoch),
        })
        .collect())
}

/// Returns what the ledger says of the step, under the run's epoch; none when it does not know it.
pub(crate) async fn state(conn: &mut Conn, run: &RunKey, step: &str) -> Result<Option<State>> {
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    let sql = format!("SELECT state, statements FROM {STEPS} WHERE migration = ? AND step = ?");
    let found: Option<(String, usize)> = conn
        .exec_first(sql, (&run.migration.0, step))
        .await
        .map_err(classify)?;
    conn.query_drop("ROLLBACK").await.map_err(classify)?;
    Ok(found.map(|(state, statements)| match state.as_str() {
        "done" => State::Done,
        "refused" => State::Refused(statements),
        "undo" => State::Undo(statements),
        _ => State::Intent(statements),
    }))
}

/// Tells whether the ledger knows any of the steps, under the run's epoch.
pub(crate) async fn any_known(conn: &mut Conn, run: &RunKey, steps: &[&Step]) -> Result<bool> {
    Ok(count(conn, run, steps, "TRUE").await? != Some(0))
}

/// Tells whether the ledger has each of the steps as done, under the run's epoch.
pub(crate) async fn all_done(conn: &mut Conn, run: &RunKey, steps: &[&Step]) -> Result<bool> {
    Ok(count(conn, run, steps, "state = 'done'").await? == Some(steps.len()))
}

/// Counts those of the steps whose row in the ledger fulfils a condition.
async fn count(conn: &mut Conn, run: &RunKey, steps: &[&Step], condition: &str) -> Result<Option<usize>> {
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    let sql = format!(
        "SELECT COUNT(*) FROM {STEPS} WHERE migration = {} AND {condition} AND step IN ({})",
        literal(&run.migration.0),
        ids(steps)
    );
    let found: Option<usize> = conn.query_first(sql).await.map_err(classify)?;
    rollback(conn).await?;
    Ok(found)
}

/// Records the state of each of the steps. Steps that run side by side may be in each other's way here; whoever had to yield does it again.
pub(crate) async fn set(conn: &mut Conn, run: &RunKey, steps: &[&Step], state: State) -> Result<()> {
    const TRIES: usize = 10;
    fault::point("mysql.step.record.before")?;
    for _ in 1..TRIES {
        match put(conn, run, steps, state).await {
            Err(error) if error.code() == "serialization" => rollback(conn).await?,
            done => {
                done?;
                return fault::point("mysql.step.record.after");
            }
        }
    }
    put(conn, run, steps, state).await?;
    fault::point("mysql.step.record.after")
}

async fn put(conn: &mut Conn, run: &RunKey, steps: &[&Step], state: State) -> Result<()> {
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    let (migration, epoch) = (literal(&run.migration.0), run.epoch.0);
    let (word, statements) = state.parts();
    let row = |step: &&Step| {
        let id = literal(&step.id);
        format!("({migration}, {id}, '{word}', {statements}, {epoch})")
    };
    let rows: Vec<String> = steps.iter().map(row).collect();
    let sql = format!(
        "INSERT INTO {STEPS} (migration, step, state, statements, epoch) VALUES {}
         ON DUPLICATE KEY UPDATE state = '{word}', statements = {statements}, epoch = {epoch}, changed_at = CURRENT_TIMESTAMP(6)",
        rows.join(", ")
    );
    conn.query_drop(sql).await.map_err(classify)?;
    commit_surely(conn).await
}

fn ids(steps: &[&Step]) -> String {
    let ids: Vec<String> = steps.iter().map(|step| literal(&step.id)).collect();
    ids.join(", ")
}

/// Forgets the steps.
pub(crate) async fn remove(conn: &mut Conn, run: &RunKey, steps: &[&Step]) -> Result<()> {
    fault::point("mysql.step.record.before")?;
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    let sql = format!(
        "DELETE FROM {STEPS} WHERE migration = {} AND step IN ({})",
        literal(&run.migration.0),
        ids(steps)
    );
    conn.query_drop(sql).await.map_err(classify)?;
    commit_surely(conn).await?;
    fault::point("mysql.step.record.after")
}
