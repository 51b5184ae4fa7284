//! Whole tables: emptying with the ledger rows in one transaction, statistics, and dropping what was moved aside.

use std::collections::HashSet;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, ErrorClass, Result, RunKey, Step, TableId, fault};

use crate::emptiness;
use crate::error::classify;
use crate::execute::aside::aside_of;
use crate::ledger::remove_of;
use crate::ledger::transaction::{begin, commit_surely, hold_epoch, rollback};
use crate::quote::{quoted, table_name};

/// Which tables refer to which, from this database or another.
const REFERENCES: &str =
    "SELECT DISTINCT TABLE_NAME, REFERENCED_TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE
    WHERE REFERENCED_TABLE_SCHEMA = DATABASE()";

const RELATIONS: &str = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()";

/// Whether a table refers to itself: asked of that table alone.
const TO_ITSELF: &str = "SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND REFERENCED_TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = ?";

/// Empties the tables. Of those that hold nothing only the ledger's rows go, in one transaction.
pub(super) async fn empty(conn: &mut Conn, run: &RunKey, tables: &[TableId]) -> Result<()> {
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    let empty = emptiness::of(conn, tables).await?;
    let (mut bare, mut filled) = (Vec::new(), Vec::new());
    for (table, is_empty) in tables.iter().zip(empty) {
        match is_empty {
            true => bare.push(table),
            false => filled.push(table),
        }
    }
    if bare.is_empty() {
        rollback(conn).await?;
    } else {
        remove_of(conn, run, &bare).await?;
        commit_surely(conn).await?;
    }
    for table in filled {
        let emptied = empty_filled(conn, run, table).await;
        emptied.map_err(|error| error.during(format!("empty table `{table}`")))?;
    }
    Ok(())
}

/// TRUNCATE would commit by itself, before the ledger's rows are gone.
async fn empty_filled(conn: &mut Conn, run: &RunKey, table: &TableId) -> Result<()> {
    // Rows that only refer to each other go together, which the server does not see row by row.
    let alone = refers_to_itself_alone(conn, table).await?;
    if alone {
        check_keys(conn, false).await?;
    }
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    conn.query_drop(format!("DELETE FROM {}", table_name(table)))
        .await
        .map_err(classify)?;
    fault::point("mysql.empty.emptied")?;
    remove_of(conn, run, &[table]).await?;
    commit_surely(conn).await?;
    if alone {
        check_keys(conn, true).await?;
    }
    Ok(())
}

/// Tells whether the table's rows refer to each other, and nobody else's to them.
async fn refers_to_itself_alone(conn: &mut Conn, table: &TableId) -> Result<bool> {
    let own: Option<u64> = conn
        .exec_first(TO_ITSELF, (&table.name, &table.name))
        .await
        .map_err(classify)?;
    if own == Some(0) {
        return Ok(false);
    }
    let all: Vec<(String, String)> = conn.query(REFERENCES).await.map_err(classify)?;
    // Whether the server minds case does not matter: a table that is taken for this one only makes it less alone.
    let mut referring = all
        .iter()
        .filter(|(_, referred)| referred.eq_ignore_ascii_case(&table.name));
    Ok(referring.all(|(from, _)| *from == table.name))
}

async fn check_keys(conn: &mut Conn, on: bool) -> Result<()> {
    conn.query_drop(format!("SET foreign_key_checks = {}", u8::from(on)))
        .await
        .map_err(classify)
}

/// Makes statistics of the tables with one statement. What goes wrong stands in the answer's rows.
pub(super) async fn analyze(conn: &mut Conn, tables: &[TableId]) -> Result<()> {
    let names: Vec<String> = tables.iter().map(table_name).collect();
    let said: Vec<(String, String, String, String)> = conn
        .query(format!("ANALYZE TABLE {}", names.join(", ")))
        .await
        .map_err(classify)?;
    match said
        .into_iter()
        .find(|(_, _, kind, _)| kind.eq_ignore_ascii_case("error"))
    {
        Some((table, _, _, message)) => Err(Error::invalid(message)
            .with_code("server_error")
            .during(format!("analyze table `{table}`"))),
        None => Ok(()),
    }
}

/// Drops only tables that the steps moved; all at once, because they may refer to each other.
pub(super) async fn discard(conn: &mut Conn, run: &RunKey, steps: &[Step]) -> Result<Vec<String>> {
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    rollback(conn).await?;
    let found: Vec<String> = conn.query(RELATIONS).await.map_err(classify)?;
    let found: HashSet<String> = found.iter().map(|name| name.to_lowercase()).collect();
    let asides = steps.iter().filter_map(aside_of);
    let there: Vec<String> = asides
        .filter(|aside| found.contains(&aside.to_lowercase()))
        .collect();
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let all: Vec<(String, String)> = conn.query(REFERENCES).await.map_err(classify)?;
    let ours: HashSet<String> = there.iter().map(|aside| aside.to_lowercase()).collect();
    let is_ours = |name: &str| ours.contains(&name.to_lowercase());
    let from_others = |(from, aside): &&(String, String)| is_ours(aside) && !is_ours(from);
    if let Some((other, aside)) = all.iter().find(from_others) {
        return Err(Error::new(
            ErrorClass::Invalid,
            format!("table `{other}` refers to `{aside}`, which was moved aside"),
        )
        .with_hint(format!("drop or change the foreign key of `{other}` first")));
    }
    // Older servers look at each table by itself.
    check_keys(conn, false).await?;
    let names: Vec<String> = there.iter().map(|aside| quoted(aside)).collect();
    conn.query_drop(format!("DROP TABLE {}", names.join(", ")))
        .await
        .map_err(classify)?;
    check_keys(conn, true).await?;
    Ok(there
        .into_iter()
        .map(|aside| format!("dropped table {aside}"))
        .collect())
}
