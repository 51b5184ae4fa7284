//! Where numbers go on: the counters behind `AUTO_INCREMENT` columns, and sequences of MariaDB's. The catalog is asked once about all of them.

use std::collections::{HashMap, HashSet};

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Error, Result, RunKey, SequencePosition, TableId};

use crate::error::classify;
use crate::ledger::transaction::{begin, hold_epoch, rollback};
use crate::quote::{quoted, table_name};

const OBJECTS: &str = "SELECT TABLE_NAME FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SEQUENCE'";

const COLUMNS: &str = "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND EXTRA LIKE '%auto_increment%'";

const COUNTERS: &str = "SELECT TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES
    WHERE TABLE_SCHEMA = DATABASE() AND AUTO_INCREMENT IS NOT NULL";

/// Sets where the sequences stand; setting them again changes nothing.
pub(super) async fn set(
    conn: &mut Conn,
    run: &RunKey,
    positions: &[(TableId, SequencePosition)],
) -> Result<()> {
    // What follows commits by itself, so that the epoch can be looked at and not held.
    begin(conn).await?;
    hold_epoch(conn, run).await?;
    rollback(conn).await?;
    let objects: Vec<String> = conn.query(OBJECTS).await.map_err(classify)?;
    let objects: HashSet<String> = objects.into_iter().collect();
    let counters = match positions.iter().all(|(id, _)| objects.contains(&id.name)) {
        true => Counters::default(),
        false => Counters::read(conn).await?,
    };
    for (id, position) in positions {
        let set = match objects.contains(&id.name) {
            true => set_object(conn, id, *position).await,
            false => set_counter(conn, &counters, id, *position).await,
        };
        set.map_err(|error| error.during(format!("set sequence `{id}`")))?;
    }
    Ok(())
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

/// A counter that stands there already is left alone: to set it takes longer than to make its table.
async fn set_counter(
    conn: &mut Conn,
    counters: &Counters,
    sequence: &TableId,
    position: SequencePosition,
) -> Result<()> {
    let Some(table) = counters.table(&sequence.name) else {
        return Err(
            Error::invalid(format!("the target has no sequence `{sequence}`")).with_code("sequence_missing")
        );
    };
    let next = match position.is_called {
        true => position.last_value.saturating_add(1),
        false => position.last_value,
    };
    let next = u64::try_from(next).unwrap_or(0).max(1);
    if counters.next.get(table) == Some(&next) {
        return Ok(());
    }
    let sql = format!("ALTER TABLE {} AUTO_INCREMENT = {next}", quoted(table));
    conn.query_drop(sql).await.map_err(classify)
}

/// The counters of the database.
#[derive(Default)]
struct Counters {
    /// The table of each, by the counter's name `TABLE_COLUMN_seq`.
    tables: HashMap<String, String>,
    /// The number that each table gives next.
    next: HashMap<String, u64>,
}

impl Counters {
    async fn read(conn: &mut Conn) -> Result<Self> {
        let columns: Vec<(String, String)> = conn.query(COLUMNS).await.map_err(classify)?;
        let next: Vec<(String, u64)> = conn.query(COUNTERS).await.map_err(classify)?;
        let mut tables = HashMap::with_capacity(columns.len());
        for (table, column) in columns {
            tables.entry(format!("{table}_{column}_seq")).or_insert(table);
        }
        Ok(Self {
            tables,
            next: next.into_iter().collect(),
        })
    }

    /// Behind a counter's name stand underscores where a sequence has that name.
    fn table(&self, name: &str) -> Option<&String> {
        let mut wanted = name;
        loop {
            if let Some(table) = self.tables.get(wanted) {
                return Some(table);
            }
            wanted = wanted.strip_suffix('_')?;
        }
    }
}
