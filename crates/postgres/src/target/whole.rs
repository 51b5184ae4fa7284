//! Whole tables and sequences, many in one transaction: emptying them together with their ledger rows, setting where numbers go on, and
//! dropping what was moved aside.

use whimbrel_core::{Result, RunKey, SequencePosition, Step, TableId, fault};

use super::drop_if_empty;
use crate::connect::Session;
use crate::dialect::{aside_of, is_aside};
use crate::error::from_driver;
use crate::quote::{literal, quoted, table_name};
use crate::records::{CHUNKS, named};
use crate::transaction::{begin, change, commit_surely, hold_epoch};

/// What becomes of each table, in order: one that takes no room has no row. The server truncates neither a partitioned table alone, nor one
/// of its own, nor one that others refer to.
const WAYS: &str =
    "SELECT CASE WHEN c.relkind = 'p' OR c.relnamespace = 'pg_catalog'::regnamespace THEN 'delete'
       WHEN pg_relation_size(c.oid) = 0 THEN 'leave'
       WHEN EXISTS (SELECT 1 FROM pg_constraint WHERE contype = 'f' AND confrelid = c.oid) THEN 'delete' ELSE 'truncate' END
     FROM unnest($1::text[]) WITH ORDINALITY AS t(name, number) JOIN pg_class c ON c.oid = t.name::regclass ORDER BY t.number";

/// TRUNCATE gives the room back at once; a table that others refer to can only be emptied row by row.
pub(super) async fn empty(session: &Session, run: &RunKey, tables: &[TableId]) -> Result<()> {
    begin(session).await?;
    hold_epoch(session, run).await?;
    let names: Vec<String> = tables.iter().map(table_name).collect();
    let ways = session.query(WAYS, &[&names]).await.map_err(from_driver)?;
    for (table, (name, way)) in tables.iter().zip(names.iter().zip(&ways)) {
        let sql = match way.get::<_, &str>(0) {
            "leave" => continue,
            "truncate" => format!("TRUNCATE ONLY {name}"),
            _ => format!("DELETE FROM ONLY {name}"),
        };
        let emptied = session.batch_execute(&sql).await.map_err(from_driver);
        emptied.map_err(|error| error.during(format!("empty table `{table}`")))?;
    }
    fault::point("postgres.empty.emptied")?;
    let (namespaces, names): (Vec<&str>, Vec<&str>) = tables.iter().map(named).unzip();
    let forget = format!(
        "DELETE FROM {CHUNKS} WHERE migration = $1
           AND (namespace, name) IN (SELECT * FROM unnest($2::text[], $3::text[]))"
    );
    session
        .execute(&forget, &[&run.migration.0, &namespaces, &names])
        .await
        .map_err(from_driver)?;
    commit_surely(session).await
}

/// The number of a column that is furthest in the direction of the increment.
pub(super) async fn furthest_number(
    session: &Session,
    table: &TableId,
    column: &str,
    increment: i64,
) -> Result<Option<i64>> {
    let furthest = if increment < 0 { "min" } else { "max" };
    let sql = format!(
        "SELECT {furthest}({column})::bigint FROM {table}",
        column = quoted(column),
        table = table_name(table)
    );
    let row = session.query_one(&sql, &[]).await.map_err(from_driver)?;
    Ok(row.get(0))
}

/// Sets where the sequences stand, all in one statement.
pub(super) async fn set_sequences(
    session: &Session,
    run: &RunKey,
    positions: &[(TableId, SequencePosition)],
) -> Result<()> {
    let set = |(id, position): &(TableId, SequencePosition)| {
        let name = literal(&table_name(id));
        format!(
            "setval({name}::regclass, {}, {})",
            position.last_value, position.is_called
        )
    };
    let all: Vec<String> = positions.iter().map(set).collect();
    // With one of them the server's words are about that one.
    let what = match positions {
        [(id, _)] => format!("set sequence `{id}`"),
        _ => "set the sequences".to_owned(),
    };
    let changed = change(session, run, &format!("SELECT {}", all.join(", "))).await;
    changed.map(drop).map_err(|error| error.during(what))
}

/// Drops only tables that the steps moved, in namespaces that only hold such; all at once, because they may refer to each other.
pub(super) async fn discard(session: &Session, run: &RunKey, steps: &[Step]) -> Result<Vec<String>> {
    begin(session).await?;
    hold_epoch(session, run).await?;
    let moved: Vec<TableId> = steps
        .iter()
        .filter_map(aside_of)
        .filter(|id| {
            id.namespace
                .as_deref()
                .is_some_and(|namespace| is_aside(namespace, &run.migration.0))
        })
        .collect();
    let mut there = Vec::new();
    for id in &moved {
        let sql = format!("SELECT to_regclass({}) IS NOT NULL", literal(&table_name(id)));
        let row = session.query_one(&sql, &[]).await.map_err(from_driver)?;
        if row.get(0) {
            there.push(id);
        }
    }
    if !there.is_empty() {
        let names: Vec<String> = there.iter().map(|id| table_name(id)).collect();
        let dropped = session
            .batch_execute(&format!("DROP TABLE {}", names.join(", ")))
            .await;
        dropped.map_err(|error| {
            from_driver(error).with_hint(
                "something else depends on a table that was moved aside; drop or change that first",
            )
        })?;
    }
    let mut namespaces: Vec<&str> = moved.iter().filter_map(|id| id.namespace.as_deref()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    for namespace in namespaces {
        drop_if_empty(session, namespace).await?;
    }
    commit_surely(session).await?;
    Ok(there.iter().map(|id| format!("dropped table {id}")).collect())
}
