//! Looks once over the rows under a foreign key that was made while the server did not: its own look copies the whole table, row by row
//! and with all indexes, a join does not.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, ErrorClass, ObjectKind, Result, Step};

use crate::error::classify;
use crate::quote::quoted;

const COLUMNS: &str = "SELECT TABLE_NAME, COLUMN_NAME, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
    FROM information_schema.KEY_COLUMN_USAGE
    WHERE CONSTRAINT_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CONSTRAINT_NAME = ? AND REFERENCED_TABLE_NAME IS NOT NULL
    ORDER BY ORDINAL_POSITION";

/// Tells whether the step makes a foreign key.
pub(super) fn is_made_by(step: &Step) -> bool {
    step.subject.kind == ObjectKind::ForeignKey
}

/// Lets the session's statements make foreign keys without a look at the rows, or look again.
pub(super) async fn set_checks(conn: &mut Conn, on: bool) -> Result<()> {
    conn.query_drop(format!("SET foreign_key_checks = {}", u8::from(on)))
        .await
        .map_err(classify)
}

/// Tells whether all rows must fulfil the step's foreign key. One that is planned as not validated is made between settings of its own.
fn is_for_all_rows(step: &Step) -> bool {
    step.statements.len() == 1
}

/// Fails when a row under the step's foreign key refers to nothing, unless it was planned so.
pub(super) async fn validate(conn: &mut Conn, step: &Step) -> Result<()> {
    if !is_for_all_rows(step) {
        return Ok(());
    }
    let (table, name) = (&step.subject.owner.name, &step.subject.part);
    let columns: Vec<(String, String, String, String)> =
        conn.exec(COLUMNS, (table, name)).await.map_err(classify)?;
    let Some((_, _, parent, referred)) = columns.first() else {
        return Err(Error::new(
            ErrorClass::Invalid,
            format!("foreign key `{name}` was made and is not in the catalog"),
        )
        .with_code("missing_object"));
    };
    let pairs = |join: &str, pair: &dyn Fn(&str, &str) -> String| {
        let all: Vec<String> = columns
            .iter()
            .map(|(_, own, _, other)| pair(own, other))
            .collect();
        all.join(join)
    };
    let sql = format!(
        "SELECT COUNT(*) FROM {} c LEFT JOIN {} r ON {} WHERE {} AND r.{} IS NULL",
        quoted(table),
        quoted(parent),
        pairs(" AND ", &|own, other| format!(
            "r.{} = c.{}",
            quoted(other),
            quoted(own)
        )),
        pairs(" AND ", &|own, _| format!("c.{} IS NOT NULL", quoted(own))),
        quoted(referred),
    );
    let orphans: Option<u64> = conn.query_first(sql).await.map_err(classify)?;
    match orphans.unwrap_or(0) {
        0 => Ok(()),
        orphans => Err(Error::new(
            ErrorClass::Invalid,
            format!("{orphans} rows of `{table}` refer by `{name}` to rows that `{parent}` does not have"),
        )
        .with_code("foreign_key_violation")),
    }
}
