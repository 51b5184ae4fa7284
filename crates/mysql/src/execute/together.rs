//! Several steps of one statement each, with one intent for all of them before the first and one record behind the last. What a crash or a
//! refusal leaves is what it leaves of each step alone, so that doing them one by one goes on from there.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, ErrorClass, ObjectKind, Result, RunKey, Statement, Step, fault};

use super::foreign_key;
use super::probe;
use crate::error::classify;
use crate::ledger::steps::{self, State};

/// Steps that have one intent.
pub(crate) const STEPS_MAX: usize = 64;

/// Tells whether two steps may have one intent.
pub(crate) fn go(one: &Step, next: &Step) -> bool {
    is_plain(one) && is_plain(next) && foreign_key::is_made_by(one) == foreign_key::is_made_by(next)
}

/// A step of one statement whose object the catalog has under a name.
fn is_plain(step: &Step) -> bool {
    let kind = matches!(
        step.subject.kind,
        ObjectKind::Table
            | ObjectKind::Index
            | ObjectKind::PrimaryKey
            | ObjectKind::Unique
            | ObjectKind::ForeignKey
    );
    let one = matches!(step.statements.as_slice(), [Statement::Sql(_)]) && step.undo.len() == 1;
    kind && one && !step.destructive && !super::changes_settings(step)
}

/// Does steps that [`go`] together and that the ledger does not know.
pub(crate) async fn execute(conn: &mut Conn, run: &RunKey, steps: &[&Step]) -> Result<()> {
    fault::point("mysql.step.before")?;
    super::set_up(conn).await?;
    // Under an intent of ours, what is there counts as ours: nothing may be there before.
    if steps::any_known(conn, run, steps).await? || probe::any_there(conn, steps).await? {
        return Err(Error::new(
            ErrorClass::Conflict,
            "some of the steps were begun before, or what they make is there",
        )
        .with_code("target_changed"));
    }
    steps::set(conn, run, steps, State::Intent(0)).await?;
    let keys = steps.first().is_some_and(|step| foreign_key::is_made_by(step));
    if keys {
        foreign_key::set_checks(conn, false).await?;
        make(conn, run, steps, Unsettled::Made).await?;
        foreign_key::set_checks(conn, true).await?;
        validate(conn, run, steps).await?;
        fault::point("mysql.step.validated")?;
    } else {
        make(conn, run, steps, Unsettled::None).await?;
    }
    steps::set(conn, run, steps, State::Done).await?;
    fault::point("mysql.step.after")
}

/// What is still to be done with what was made before the server refused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unsettled {
    /// Nothing: it is done.
    None,
    /// Its rows were not looked at; the intent stays.
    Made,
}

/// Runs the statements. When the server refuses one, the ledger forgets what was not made.
async fn make(conn: &mut Conn, run: &RunKey, steps: &[&Step], unsettled: Unsettled) -> Result<()> {
    for (at, step) in steps.iter().enumerate() {
        fault::point("mysql.statement.before")?;
        for statement in &step.statements {
            let Statement::Sql(sql) = statement else { continue };
            let Err(error) = conn.query_drop(sql).await.map_err(classify) else {
                continue;
            };
            if error.class() != ErrorClass::Transient {
                let (made, not_made) = steps.split_at(at);
                steps::remove(conn, run, not_made).await?;
                if unsettled == Unsettled::None && !made.is_empty() {
                    steps::set(conn, run, made, State::Done).await?;
                }
            }
            return Err(error);
        }
        fault::point("mysql.statement.after")?;
    }
    Ok(())
}

/// Looks at the rows under each of the foreign keys. Those that hold are done when one does not; that one keeps its intent.
async fn validate(conn: &mut Conn, run: &RunKey, steps: &[&Step]) -> Result<()> {
    for (at, step) in steps.iter().enumerate() {
        if let Err(error) = foreign_key::validate(conn, step).await {
            if error.class() != ErrorClass::Transient && at > 0 {
                steps::set(conn, run, &steps[..at], State::Done).await?;
            }
            return Err(error);
        }
    }
    Ok(())
}
