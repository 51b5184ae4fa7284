//! Orphans: rows whose foreign key points to nothing, found by the operators that the key itself compares with.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Row};
use whimbrel_core::{ForeignKey, Result, Table, named, shorten};

use crate::error::from_driver;
use crate::quote::{quoted, rows_of, table_name};

/// Operators of the constraint's own, because with an empty `search_path` another `=` could be found.
const OPERATORS: &str = "SELECT o.conname::text, ARRAY(
      SELECT format('OPERATOR(%I.%s)', n.nspname, p.oprname)
      FROM unnest(o.conpfeqop) WITH ORDINALITY k(operator, at) JOIN pg_operator p ON p.oid = k.operator
        JOIN pg_namespace n ON n.oid = p.oprnamespace ORDER BY k.at)
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE o.contype = 'f' AND n.nspname = $1 AND c.relname = $2";

/// Returns the number of orphans of each of the given keys of the table, in order.
pub(crate) async fn orphans(client: &Client, table: &Table, keys: &[&ForeignKey]) -> Result<Vec<u64>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let operators = operators(client, table).await?;
    let mut counts = Vec::with_capacity(keys.len());
    for key in keys {
        let sql = format!(
            "SELECT count(*) {}",
            orphaned(table, key, operators.get(&key.name))
        );
        let row = client.query_one(&sql, &[]).await.map_err(from_driver)?;
        counts.push(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0));
    }
    Ok(counts)
}

/// Returns the values of some orphans, for people.
pub(crate) async fn examples(client: &Client, table: &Table, key: &ForeignKey) -> Result<Vec<String>> {
    let operators = operators(client, table).await?;
    let names: Vec<String> = key
        .columns
        .iter()
        .map(|name| format!("c.{}::text", quoted(name)))
        .collect();
    let sql = format!(
        "SELECT ARRAY[{}] {} LIMIT 3",
        names.join(", "),
        orphaned(table, key, operators.get(&key.name))
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    let example = |row: &Row| {
        let values: Vec<Option<String>> = row.get(0);
        let parts = key.columns.iter().zip(values);
        let parts = parts.map(|(column, value)| named(column, shorten(&value.unwrap_or_default())));
        parts.collect::<Vec<_>>().join(", ")
    };
    Ok(rows.iter().map(example).collect())
}

async fn operators(client: &Client, table: &Table) -> Result<BTreeMap<String, Vec<String>>> {
    let namespace = table.id.namespace.as_deref().unwrap_or("public");
    let rows = client
        .query(OPERATORS, &[&namespace, &table.id.name])
        .await
        .map_err(from_driver)?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn orphaned(table: &Table, key: &ForeignKey, operators: Option<&Vec<String>>) -> String {
    let operator = |at: usize| {
        operators
            .and_then(|found| found.get(at))
            .map_or("=", String::as_str)
    };
    let equal: Vec<String> = key
        .columns
        .iter()
        .zip(&key.referred)
        .enumerate()
        .map(|(at, (own, referred))| format!("r.{} {} c.{}", quoted(referred), operator(at), quoted(own)))
        .collect();
    let nulls = |word: &str, joint: &str| {
        let each: Vec<String> = key
            .columns
            .iter()
            .map(|name| format!("c.{} IS {word} NULL", quoted(name)))
            .collect();
        format!("({})", each.join(joint))
    };
    // MATCH SIMPLE lets a row go as soon as one column is NULL, MATCH FULL only when all are.
    let concerned = if key.match_full {
        nulls("NOT", " OR ")
    } else {
        nulls("NOT", " AND ")
    };
    format!(
        "FROM {} c WHERE {concerned} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {})",
        rows_of(table),
        table_name(&key.references),
        equal.join(" AND "),
    )
}
