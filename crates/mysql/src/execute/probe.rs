//! Tells whether what a step makes is there, by the step's subject. Names are compared as the server compares them.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{ObjectKind, Result, Step};

use super::aside::aside_of;
use crate::connect::Server;
use crate::error::classify;
use crate::quote::literal;

/// Whether an object is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    Absent,
    /// Nothing in the catalog tells; the statement can be repeated.
    Unknown,
}

/// Looks for what the step makes; for a table that is moved aside, for the place it goes to.
pub(super) async fn presence(conn: &mut Conn, server: &Server, step: &Step) -> Result<Presence> {
    if let Some(aside) = aside_of(step) {
        return found(conn, server, RELATIONS, &[&aside], Compare::Table).await;
    }
    let subject = &step.subject;
    let (owner, part) = (subject.owner.name.as_str(), subject.part.as_str());
    match subject.kind {
        ObjectKind::Table | ObjectKind::View | ObjectKind::Sequence => {
            found(conn, server, RELATIONS, &[owner], Compare::Table).await
        }
        ObjectKind::Column => found(conn, server, COLUMNS, &[owner, part], Compare::Part).await,
        ObjectKind::PrimaryKey => found(conn, server, INDEXES, &[owner, "PRIMARY"], Compare::Part).await,
        ObjectKind::Unique | ObjectKind::Index => {
            found(conn, server, INDEXES, &[owner, part], Compare::Part).await
        }
        ObjectKind::ForeignKey => found(conn, server, FOREIGN_KEYS, &[owner, part], Compare::Part).await,
        ObjectKind::Check => found(conn, server, CHECKS, &[owner, part], Compare::Part).await,
        ObjectKind::Other => other(conn, server, step).await,
        ObjectKind::Namespace | ObjectKind::Type | ObjectKind::Exclusion | ObjectKind::Comment => {
            Ok(Presence::Unknown)
        }
    }
}

const RELATIONS: &str =
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
const COLUMNS: &str = "SELECT TABLE_NAME FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND COLUMN_NAME = ?";
const INDEXES: &str = "SELECT TABLE_NAME FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND INDEX_NAME = ?";
// A unique key of the table may have the same name.
const FOREIGN_KEYS: &str = "SELECT TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CONSTRAINT_NAME = ? AND CONSTRAINT_TYPE = 'FOREIGN KEY'";
const CHECKS: &str = "SELECT TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CONSTRAINT_NAME = ? AND CONSTRAINT_TYPE = 'CHECK'";
const TRIGGERS: &str = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS
    WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME = ?";
const ROUTINES: &str = "SELECT ROUTINE_NAME FROM information_schema.ROUTINES
    WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_NAME = ? AND ROUTINE_TYPE = ?";
const EVENTS: &str =
    "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() AND EVENT_NAME = ?";

/// Tells whether anything is there that the steps make, or may be: with one question, and names compared as loosely as the catalog does.
/// What cannot be looked for may be there.
pub(super) async fn any_there(conn: &mut Conn, steps: &[&Step]) -> Result<bool> {
    let question = |step: &&Step| {
        let subject = &step.subject;
        let owner = literal(&subject.owner.name);
        let looked_for = match subject.kind {
            ObjectKind::Table => RELATIONS.replacen('?', &owner, 1),
            ObjectKind::ForeignKey => part(FOREIGN_KEYS, &owner, &literal(&subject.part)),
            ObjectKind::PrimaryKey => part(INDEXES, &owner, "'PRIMARY'"),
            ObjectKind::Index | ObjectKind::Unique => part(INDEXES, &owner, &literal(&subject.part)),
            ObjectKind::Namespace
            | ObjectKind::Type
            | ObjectKind::Sequence
            | ObjectKind::Column
            | ObjectKind::Check
            | ObjectKind::Exclusion
            | ObjectKind::View
            | ObjectKind::Comment
            | ObjectKind::Other => return None,
        };
        Some(format!("({looked_for} LIMIT 1)"))
    };
    let Some(questions) = steps.iter().map(question).collect::<Option<Vec<String>>>() else {
        return Ok(true);
    };
    let found: Option<String> = conn
        .query_first(questions.join(" UNION ALL "))
        .await
        .map_err(classify)?;
    Ok(found.is_some())
}

/// The question for a part of a table.
fn part(sql: &str, owner: &str, name: &str) -> String {
    let mut places = sql.split('?');
    let mut asked = String::new();
    for value in [owner, name] {
        asked.push_str(places.next().unwrap_or_default());
        asked.push_str(value);
    }
    places.for_each(|rest| asked.push_str(rest));
    asked
}

/// How the first name is compared: the catalog's own comparison is looser than the server's in some versions.
#[derive(Debug, Clone, Copy)]
enum Compare {
    /// As names of tables.
    Table,
    /// By the table, and its part without regard to case.
    Part,
    /// Without regard to case.
    Folded,
}

async fn found(
    conn: &mut Conn,
    server: &Server,
    sql: &str,
    names: &[&str],
    compare: Compare,
) -> Result<Presence> {
    let parameters: Vec<mysql_async::Value> = names.iter().map(|name| (*name).into()).collect();
    let rows: Vec<String> = conn.exec(sql, parameters).await.map_err(classify)?;
    let exactly = match compare {
        Compare::Table | Compare::Part => !server.folds_table_names(),
        Compare::Folded => false,
    };
    let is_there = rows
        .iter()
        .any(|name| !exactly || names.first().is_some_and(|wanted| wanted == name));
    Ok(if is_there {
        Presence::There
    } else {
        Presence::Absent
    })
}

/// Triggers, routines and events: which of them it is, the statement that makes it says.
async fn other(conn: &mut Conn, server: &Server, step: &Step) -> Result<Presence> {
    let name = match step.subject.part.as_str() {
        "" => step.subject.owner.name.as_str(),
        part => part,
    };
    let made = step.statements.iter().find_map(|statement| match statement {
        whimbrel_core::Statement::Sql(sql) => what_it_makes(sql),
        whimbrel_core::Statement::Engine { .. } => None,
    });
    match made {
        Some("TRIGGER") => found(conn, server, TRIGGERS, &[name], Compare::Folded).await,
        Some("EVENT") => found(conn, server, EVENTS, &[name], Compare::Folded).await,
        Some(routine @ ("PROCEDURE" | "FUNCTION")) => {
            found(conn, server, ROUTINES, &[name, routine], Compare::Folded).await
        }
        _ => Ok(Presence::Unknown),
    }
}

/// The first word of a CREATE statement that says what it makes. A definer stands before it, and may be called anything in backticks.
fn what_it_makes(sql: &str) -> Option<&'static str> {
    const WORDS: [&str; 4] = ["TRIGGER", "PROCEDURE", "FUNCTION", "EVENT"];
    let mut words = sql.split_whitespace();
    if !words.next()?.eq_ignore_ascii_case("CREATE") {
        return None;
    }
    words
        .take(12)
        .find_map(|word| WORDS.into_iter().find(|known| word.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_says_what_it_makes() {
        for (sql, made) in [
            (
                "CREATE DEFINER=`a`@`%` TRIGGER `t` BEFORE INSERT",
                Some("TRIGGER"),
            ),
            ("create procedure p() begin end", Some("PROCEDURE")),
            ("CREATE EVENT e ON SCHEDULE", Some("EVENT")),
            ("SET sql_mode = ''", None),
            ("CREATE VIEW v AS SELECT 1", None),
        ] {
            assert_eq!(what_it_makes(sql), made, "{sql}");
        }
    }
}
