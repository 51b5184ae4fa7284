//! Where numbers go on: the counter behind an `AUTO_INCREMENT` column, or a sequence of MariaDB's.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, Result, RunKey, SequencePosition, TableId};

use crate::error::classify;
use crate::ledger::transaction::{begin, hold_epoch, rollback};
use crate::quote::{quoted, table_name};

const OBJECT: &str = "SELECT TABLE_NAME FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SEQUENCE' AND TABLE_NAME = ?";

const COUNTERS: &str = "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND EXTRA LIKE '%auto_increment%'";

/// Sets where the sequence stands; setting it again changes nothing.
pub(super) async fn set(
    conn: &mut Conn,
    run: &RunKey,
    sequence: &TableId,
    position: SequencePosition,
) -> Result<()> {
    // What follows commits by itself, so that the epoch can be looked at and not held.
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    rollback(conn).await?;
    let objects: Vec<String> = conn.exec(OBJECT, (&sequence.name,)).await.map_err(classify)?;
    if objects.contains(&sequence.name) {
        return set_object(conn, sequence, position).await;
    }
    let Some(table) = counted_table(conn, &sequence.name).await? else {
        return Err(
            Error::invalid(format!("the target has no sequence `{sequence}`")).with_code("sequence_missing")
        );
    };
    let next = match position.is_called {
        true => position.last_value.saturating_add(1),
        false => position.last_value,
    };
    let sql = format!("ALTER TABLE {} AUTO_INCREMENT = {}", quoted(&table), next.max(1));
    conn.query_drop(sql).await.map_err(classify)
}

async fn set_object(conn: &mut Conn, sequence: &TableId, position: SequencePosition) -> Result<()> {
    let name = table_name(sequence);
    let value = position.last_value;
    conn.query_drop(format!("ALTER SEQUENCE {name} RESTART {value}"))
        .await
        .map_err(classify)?;
    if position.is_called {
        let sql = format!("DO SETVAL({name}, {value}, 1)");
        conn.query_drop(sql).await.map_err(classify)?;
    }
    Ok(())
}

/// The table whose counter has the name `TABLE_COLUMN_seq`; behind it stand underscores where a sequence has that name.
async fn counted_table(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    let counters: Vec<(String, String)> = conn.query(COUNTERS).await.map_err(classify)?;
    let mut wanted = name;
    loop {
        let found = counters
            .iter()
            .find(|(table, column)| format!("{table}_{column}_seq") == wanted);
        if let Some((table, _)) = found {
            return Ok(Some(table.clone()));
        }
        let Some(shorter) = wanted.strip_suffix('_') else {
            return Ok(None);
        };
        wanted = shorter;
    }
}
