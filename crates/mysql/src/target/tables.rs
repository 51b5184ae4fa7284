//! Whole tables: emptying with the ledger rows in one transaction, statistics, and dropping what was moved aside.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, ErrorClass, Result, RunKey, Step, TableId, fault};

use crate::error::classify;
use crate::execute::aside::aside_of;
use crate::ledger::remove_of;
use crate::ledger::transaction::{begin, commit_surely, hold_epoch, rollback};
use crate::quote::{quoted, table_name};

/// Tables that refer to a table, each once.
const REFERRING: &str = "SELECT DISTINCT TABLE_NAME FROM information_schema.KEY_COLUMN_USAGE
    WHERE REFERENCED_TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME = ?";

/// TRUNCATE would commit by itself, before the ledger's rows are gone.
pub(super) async fn empty(conn: &mut Conn, run: &RunKey, table: &TableId) -> Result<()> {
    let referring: Vec<String> = conn.exec(REFERRING, (&table.name,)).await.map_err(classify)?;
    // Rows that only refer to each other go together, which the server does not see row by row.
    let to_itself = !referring.is_empty() && referring.iter().all(|other| *other == table.name);
    if to_itself {
        check_keys(conn, false).await?;
    }
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    conn.query_drop(format!("DELETE FROM {}", table_name(table)))
        .await
        .map_err(classify)?;
    fault::point("mysql.empty.emptied")?;
    remove_of(conn, run, table).await?;
    commit_surely(conn).await?;
    if to_itself {
        check_keys(conn, true).await?;
    }
    Ok(())
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
    let mut there = Vec::new();
    for aside in steps.iter().filter_map(aside_of) {
        let sql = "SELECT TABLE_NAME FROM information_schema.TABLES
            WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
        let found: Vec<String> = conn.exec(sql, (&aside,)).await.map_err(classify)?;
        if !found.is_empty() {
            there.push(aside);
        }
    }
    if there.is_empty() {
        return Ok(Vec::new());
    }
    for aside in &there {
        let referring: Vec<String> = conn.exec(REFERRING, (aside,)).await.map_err(classify)?;
        if let Some(other) = referring.iter().find(|other| !there.contains(other)) {
            return Err(Error::new(
                ErrorClass::Invalid,
                format!("table `{other}` refers to `{aside}`, which was moved aside"),
            )
            .with_hint(format!("drop or change the foreign key of `{other}` first")));
        }
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
