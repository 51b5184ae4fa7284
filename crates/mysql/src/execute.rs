//! Runs steps where DDL commits by itself: an intent in the ledger first, then the statement, then the record. After a crash between
//! these the probe tells whether the statement ran: by then what is there under an intent of ours is ours.

pub(crate) mod aside;
mod foreign_key;
mod probe;
pub(crate) mod together;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Direction, Error, ErrorClass, Result, RunKey, Statement, Step, fault};

use self::probe::Presence;
use crate::connect::{Server, WRITER_MODES};
use crate::error::classify;
use crate::ledger::steps::{self, State};

/// How long a statement waits for whoever uses the table.
const LOCK_SECONDS: u32 = 60;

/// What the server says when what is to be made is there.
const EXISTS: &[u16] = &[1007, 1022, 1050, 1060, 1061, 1304, 1359, 1537, 1826, 3822];
/// What it says when what is to be dropped is not.
const MISSING: &[u16] = &[1008, 1051, 1054, 1091, 1146, 1305, 1360, 1539, 3821, 3940, 4091];

/// Does the step or takes it back, and records that.
pub(crate) async fn execute(
    conn: &mut Conn,
    server: &Server,
    run: &RunKey,
    step: &Step,
    direction: Direction,
) -> Result<()> {
    fault::point("mysql.step.before")?;
    set_up(conn).await?;
    let state = steps::state(conn, run, &step.id).await?;
    let unchecked = foreign_key::is_made_by(step) && direction == Direction::Do;
    if unchecked {
        foreign_key::set_checks(conn, false).await?;
    }
    let mut work = Work {
        conn,
        server,
        run,
        step,
    };
    match direction {
        Direction::Do => work.forward(state).await?,
        Direction::Undo => work.backward(state).await?,
    }
    if unchecked {
        foreign_key::set_checks(conn, true).await?;
    }
    fault::point("mysql.step.after")
}

/// Sets what the statements of steps need of their session.
async fn set_up(conn: &mut Conn) -> Result<()> {
    conn.query_drop(format!(
        "SET lock_wait_timeout = {LOCK_SECONDS}, sql_mode = '{WRITER_MODES},ALLOW_INVALID_DATES'"
    ))
    .await
    .map_err(classify)
}

/// A step at work.
struct Work<'a> {
    conn: &'a mut Conn,
    server: &'a Server,
    run: &'a RunKey,
    step: &'a Step,
}

/// What is known of the first statement that is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum First {
    /// It has not run.
    Fresh,
    /// It may have run.
    Unsure,
}

impl Work<'_> {
    async fn forward(&mut self, state: Option<State>) -> Result<()> {
        let (from, first) = match state {
            Some(State::Done) => return Ok(()),
            None => {
                self.refuse_foreign().await?;
                (0, First::Fresh)
            }
            Some(State::Refused(from)) => (from, First::Fresh),
            Some(State::Intent(from)) => (from, First::Unsure),
            Some(State::Undo(_)) => {
                // What is half taken back is taken back first.
                Box::pin(self.backward(state)).await?;
                (0, First::Fresh)
            }
        };
        if first == First::Unsure && is_single(&self.step.statements) {
            match probe::presence(self.conn, self.server, self.step).await? {
                Presence::There => return self.finish().await,
                Presence::Absent | Presence::Unknown => {}
            }
        }
        self.run_from(&self.step.statements, from, first, Direction::Do)
            .await?;
        self.finish().await
    }

    /// Records that all is there and holds. A foreign key that does not hold is taken back.
    async fn finish(&mut self) -> Result<()> {
        if foreign_key::is_made_by(self.step)
            && let Err(error) = foreign_key::validate(self.conn, self.step).await
        {
            if error.class() != ErrorClass::Transient {
                self.take_back_what_is_there().await?;
                self.note_refusal(0).await?;
            }
            return Err(error);
        }
        fault::point("mysql.step.validated")?;
        self.record(State::Done).await
    }

    async fn backward(&mut self, state: Option<State>) -> Result<()> {
        let (from, first) = match state {
            None => return Ok(()),
            Some(State::Done) => (0, First::Fresh),
            Some(State::Undo(from)) => (from, First::Unsure),
            Some(State::Intent(_) | State::Refused(_)) => (0, First::Unsure),
        };
        let one = is_single(&self.step.undo) && is_single(&self.step.statements);
        let gone = first == First::Unsure
            && one
            && probe::presence(self.conn, self.server, self.step).await? == Presence::Absent;
        if !gone {
            let interrupted = matches!(state, Some(State::Intent(_) | State::Refused(_)));
            if interrupted {
                self.take_back_what_is_there().await?;
            } else {
                self.run_from(&self.step.undo, from, first, Direction::Undo)
                    .await?;
            }
        }
        steps::remove(self.conn, self.run, &[self.step]).await
    }

    /// Any of the statements of a step that was interrupted may not have run.
    async fn take_back_what_is_there(&mut self) -> Result<()> {
        for statement in &self.step.undo {
            self.perform(statement, First::Unsure, MISSING).await?;
        }
        Ok(())
    }

    /// Runs the statements from the given one on; the state in the ledger goes before each.
    async fn run_from(
        &mut self,
        statements: &[Statement],
        from: usize,
        first: First,
        direction: Direction,
    ) -> Result<()> {
        for statement in statements
            .iter()
            .take(from)
            .filter(|statement| is_setting(statement))
        {
            self.perform(statement, First::Fresh, &[]).await?;
        }
        for (at, statement) in statements.iter().enumerate().skip(from) {
            let certainty = if at == from { first } else { First::Fresh };
            let (about, settled) = match direction {
                Direction::Do => (State::Intent(at), EXISTS),
                Direction::Undo => (State::Undo(at), MISSING),
            };
            self.record(about).await?;
            let Err(error) = self.perform(statement, certainty, settled).await else {
                continue;
            };
            if direction == Direction::Do && error.class() != ErrorClass::Transient {
                self.note_refusal(at).await?;
            }
            return Err(error);
        }
        Ok(())
    }

    /// The server said no, so nothing of the statement is there, and what is there under its name is not ours.
    async fn note_refusal(&mut self, at: usize) -> Result<()> {
        if at == 0 {
            steps::remove(self.conn, self.run, &[self.step]).await
        } else {
            self.record(State::Refused(at)).await
        }
    }

    async fn record(&mut self, state: State) -> Result<()> {
        steps::set(self.conn, self.run, &[self.step], state).await
    }

    /// Runs one statement. One that may have run already is settled when the server's refusal says so.
    async fn perform(&mut self, statement: &Statement, first: First, settled: &[u16]) -> Result<()> {
        fault::point("mysql.statement.before")?;
        match statement {
            Statement::Sql(sql) => match self.conn.query_drop(sql).await {
                Ok(()) => {}
                Err(mysql_async::Error::Server(answer))
                    if first == First::Unsure && settled.contains(&answer.code) => {}
                Err(error) => return Err(classify(error)),
            },
            Statement::Engine { operation, .. } => {
                return Err(Error::new(
                    ErrorClass::Unsupported,
                    format!("the operation `{operation}` is not known"),
                ));
            }
        }
        fault::point("mysql.statement.after")
    }

    /// Refuses a step whose object is there although the ledger does not know of it.
    async fn refuse_foreign(&mut self) -> Result<()> {
        if probe::presence(self.conn, self.server, self.step).await? != Presence::There {
            return Ok(());
        }
        let subject = &self.step.subject;
        Err(Error::new(
            ErrorClass::Conflict,
            format!(
                "the {} `{subject}` is in the target already, and not by this migration",
                subject.kind
            ),
        )
        .with_code("target_changed")
        .with_hint("look at it, then drop or rename it, or plan again"))
    }
}

/// Tells whether one statement makes the step's object, so that its presence tells whether that ran.
fn is_single(statements: &[Statement]) -> bool {
    statements
        .iter()
        .filter(|statement| !is_setting(statement))
        .count()
        == 1
}

/// Tells whether the statement only sets something for those behind it.
fn is_setting(statement: &Statement) -> bool {
    match statement {
        Statement::Sql(sql) => sql
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("SET ")),
        Statement::Engine { .. } => false,
    }
}

/// Tells whether the step leaves settings behind, so that its session is not used for anything else.
pub(crate) fn changes_settings(step: &Step) -> bool {
    step.statements.iter().chain(&step.undo).any(is_setting)
}
