//! Several steps of one statement each, with one intent for all of them before the first and one record behind the last. What a crash or a
//! refusal leaves is what it leaves of each step alone, so that doing them one by one goes on from there.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{
    Direction, Error, ErrorClass, ObjectKind, Result, RunKey, Statement, Step, TableId, fault,
};

use super::foreign_key;
use super::probe;
use crate::emptiness;
use crate::error::classify;
use crate::ledger::steps::{self, State};
use crate::quote::table_name;

/// Steps that have one intent.
pub(crate) const STEPS_MAX: usize = 64;

/// Tells whether two steps may have one intent.
pub(crate) fn go(one: &Step, next: &Step) -> bool {
    is_plain(one) && is_plain(next) && foreign_key::is_made_by(one) == foreign_key::is_made_by(next)
}

/// A step of one statement whose object the catalog has under a name, and that one statement takes back.
fn is_plain(step: &Step) -> bool {
    let kind = matches!(
        step.subject.kind,
        ObjectKind::Table
            | ObjectKind::Index
            | ObjectKind::PrimaryKey
            | ObjectKind::Unique
            | ObjectKind::ForeignKey
    );
    let is_one = |statements: &[Statement]| matches!(statements, [Statement::Sql(_)]);
    let one = is_one(&step.statements) && is_one(&step.undo);
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

/// Takes back steps that [`go`] together and that are done. What a crash leaves is half taken back, and the probe tells how far each is.
pub(crate) async fn take_back(conn: &mut Conn, run: &RunKey, steps: &[&Step]) -> Result<()> {
    fault::point("mysql.step.before")?;
    super::set_up(conn).await?;
    if !steps::all_done(conn, run, steps).await? {
        return Err(
            Error::new(ErrorClass::Conflict, "some of the steps are not done").with_code("target_changed")
        );
    }
    steps::set(conn, run, steps, State::Undo(0)).await?;
    let mut at = 0;
    for (count, sql) in statements(steps, Direction::Undo) {
        fault::point("mysql.statement.before")?;
        if let Err(error) = conn.query_drop(sql).await.map_err(classify) {
            if error.class() != ErrorClass::Transient {
                let (back, there) = steps.split_at(at);
                steps::set(conn, run, there, State::Done).await?;
                if !back.is_empty() {
                    steps::remove(conn, run, back).await?;
                }
            }
            return Err(error);
        }
        fault::point("mysql.statement.after")?;
        at += count;
    }
    steps::remove(conn, run, steps).await?;
    fault::point("mysql.step.after")
}

/// Runs the statements. When the server refuses one, the ledger forgets what was not made.
async fn make(conn: &mut Conn, run: &RunKey, steps: &[&Step], unsettled: Unsettled) -> Result<()> {
    let mut at = 0;
    for (count, sql) in statements(steps, Direction::Do) {
        fault::point("mysql.statement.before")?;
        if let Err(error) = conn.query_drop(sql).await.map_err(classify) {
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
        at += count;
    }
    Ok(())
}

/// What the steps come to, each statement with the number of steps that it does: indexes of one table, one behind the other, are made or
/// dropped by one statement, which is done whole or not at all.
fn statements(steps: &[&Step], direction: Direction) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::with_capacity(steps.len());
    let mut indexed: Option<&TableId> = None;
    for step in steps {
        let statements = match direction {
            Direction::Do => &step.statements,
            Direction::Undo => &step.undo,
        };
        let [Statement::Sql(sql)] = statements.as_slice() else {
            continue;
        };
        let owner = &step.subject.owner;
        let change = change_of_index(owner, sql);
        match (all.last_mut(), change) {
            (Some((count, before)), Some(change)) if indexed == Some(owner) => {
                *count += 1;
                before.push_str(", ");
                before.push_str(change);
            }
            _ => all.push((1, sql.clone())),
        }
        indexed = change.map(|_| owner);
    }
    all
}

/// What a statement does with an index, behind the table's name. Of indexes of words a statement makes one only.
fn change_of_index<'a>(table: &TableId, sql: &'a str) -> Option<&'a str> {
    let start = format!("ALTER TABLE {} ", table_name(table));
    let change = sql.strip_prefix(&start)?;
    let known = ["ADD KEY ", "ADD UNIQUE KEY ", "DROP INDEX "];
    known
        .iter()
        .any(|word| change.starts_with(word))
        .then_some(change)
}

/// Looks at the rows under each of the foreign keys; a table without rows has none that could refer to nothing. Those that hold are done
/// when one does not; that one keeps its intent.
async fn validate(conn: &mut Conn, run: &RunKey, steps: &[&Step]) -> Result<()> {
    let empty = emptiness::of(conn, steps.iter().map(|step| &step.subject.owner)).await?;
    for (at, (step, is_empty)) in steps.iter().zip(empty).enumerate() {
        if is_empty {
            continue;
        }
        if let Err(error) = foreign_key::validate(conn, step).await {
            if error.class() != ErrorClass::Transient && at > 0 {
                steps::set(conn, run, &steps[..at], State::Done).await?;
            }
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{ObjectId, StepPhase};

    use super::*;

    #[test]
    fn indexes_of_one_table_that_follow_each_other_are_one_statement() {
        let step = |table: &str, sql: &str| Step {
            id: String::new(),
            phase: StepPhase::AfterData,
            subject: ObjectId::part(ObjectKind::Index, TableId::bare(table), "i"),
            title: String::new(),
            statements: vec![Statement::Sql(sql.to_owned())],
            undo: Vec::new(),
            tables: Vec::new(),
            destructive: false,
        };
        let steps = [
            step("a", "ALTER TABLE `a` ADD KEY `i` (`x`)"),
            step("a", "ALTER TABLE `a` ADD UNIQUE KEY `j` (`y`)"),
            step("a", "ALTER TABLE `a` ADD FULLTEXT KEY `w` (`z`)"),
            step("a", "ALTER TABLE `a` ADD KEY `k` (`z`)"),
            step("b", "ALTER TABLE `b` ADD KEY `k` (`z`)"),
        ];
        let made = statements(&steps.iter().collect::<Vec<_>>(), Direction::Do);
        let made: Vec<(usize, &str)> = made.iter().map(|(count, sql)| (*count, sql.as_str())).collect();
        assert_eq!(
            made,
            [
                (2, "ALTER TABLE `a` ADD KEY `i` (`x`), ADD UNIQUE KEY `j` (`y`)"),
                (1, "ALTER TABLE `a` ADD FULLTEXT KEY `w` (`z`)"),
                (1, "ALTER TABLE `a` ADD KEY `k` (`z`)"),
                (1, "ALTER TABLE `b` ADD KEY `k` (`z`)"),
            ]
        );
    }
}
