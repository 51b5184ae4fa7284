//! Counts the orphans of foreign keys: the server lets them in while `foreign_key_checks` is off. What is compared is what the key itself
//! compares, and once more byte by byte, because a collation calls different texts equal.

use mysql_async::Conn;
use whimbrel_core::{ForeignKey, ForeignKeyProfile, Result, Table, named, shorten};

use crate::catalog::rows::{Line, lines};
use crate::error::classify;
use crate::native::Kind;
use crate::quote::{quoted, table_name};
use crate::wire::Session;

/// How many orphans are shown.
const EXAMPLES_MAX: usize = 3;

/// Returns the number of orphans of each foreign key of the table, in order, in the state that the session sees.
pub(crate) async fn orphans(session: &mut Session, table: &Table) -> Result<Vec<u64>> {
    let mut counts = Vec::with_capacity(table.foreign_keys.len());
    for key in &table.foreign_keys {
        let found: Option<u64> = session
            .query_first(&count_of_orphans(table, key))
            .await
            .map_err(classify)?;
        counts.push(found.unwrap_or(0));
    }
    Ok(counts)
}

/// Returns what is wrong with the rows of each foreign key, in order.
pub(crate) async fn profile(conn: &mut Conn, table: &Table) -> Result<Vec<ForeignKeyProfile>> {
    let mut profiles = Vec::with_capacity(table.foreign_keys.len());
    for key in &table.foreign_keys {
        let orphans = number(conn, &count_of_orphans(table, key), "found").await?;
        let examples = match orphans {
            0 => Vec::new(),
            _ => examples(conn, table, key).await?,
        };
        profiles.push(ForeignKeyProfile {
            columns: key.columns.clone(),
            orphans,
            inexact: inexact(conn, table, key).await?,
            examples,
        });
    }
    Ok(profiles)
}

/// What is found where the table has no rows.
pub(crate) fn profile_of_nothing(table: &Table) -> Vec<ForeignKeyProfile> {
    let keys = table.foreign_keys.iter();
    keys.map(|key| ForeignKeyProfile {
        columns: key.columns.clone(),
        orphans: 0,
        inexact: 0,
        examples: Vec::new(),
    })
    .collect()
}

async fn examples(conn: &mut Conn, table: &Table, key: &ForeignKey) -> Result<Vec<String>> {
    let values: Vec<String> = key
        .columns
        .iter()
        .enumerate()
        .map(|(at, name)| format!("CONVERT(c.{} USING utf8mb4) AS found{at}", quoted(name)))
        .collect();
    let sql = format!(
        "SELECT {} {} LIMIT {EXAMPLES_MAX}",
        values.join(", "),
        orphaned(table, key)
    );
    let example = |line: &Line| {
        let parts = key.columns.iter().enumerate();
        let parts = parts.map(|(at, column)| named(column, shorten(&line.text(&format!("found{at}")))));
        parts.collect::<Vec<_>>().join(", ")
    };
    Ok(lines(conn, &sql).await?.iter().map(example).collect())
}

/// Counts the rows whose referred row is there, but not with the same bytes.
async fn inexact(conn: &mut Conn, table: &Table, key: &ForeignKey) -> Result<u64> {
    let is_text = |name: &String| {
        table
            .column(name)
            .is_some_and(|column| Kind::parse(&column.native).is_text())
    };
    if !key.columns.iter().any(is_text) {
        return Ok(0);
    }
    // A join and no subquery: MariaDB keeps the results of subqueries by their arguments, which it compares by the collation.
    let sql = format!(
        "SELECT COUNT(*) AS found FROM {} c JOIN {} r ON {} WHERE NOT ({})",
        table_name(&table.id),
        table_name(&key.references),
        equal(key, str::to_owned),
        equal(key, |side| format!("CAST({side} AS BINARY)")),
    );
    number(conn, &sql, "found").await
}

async fn number(conn: &mut Conn, sql: &str, name: &str) -> Result<u64> {
    let found = lines(conn, sql).await?;
    Ok(found.first().and_then(|line| line.number(name)).unwrap_or(0))
}

fn count_of_orphans(table: &Table, key: &ForeignKey) -> String {
    format!("SELECT COUNT(*) AS found {}", orphaned(table, key))
}

fn orphaned(table: &Table, key: &ForeignKey) -> String {
    format!(
        "FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} r WHERE {})",
        table_name(&table.id),
        concerned(key),
        table_name(&key.references),
        equal(key, str::to_owned),
    )
}

/// A row with a NULL among the columns refers to nothing.
fn concerned(key: &ForeignKey) -> String {
    let each: Vec<String> = key
        .columns
        .iter()
        .map(|name| format!("c.{} IS NOT NULL", quoted(name)))
        .collect();
    each.join(" AND ")
}

fn equal(key: &ForeignKey, side: impl Fn(&str) -> String) -> String {
    let each: Vec<String> = key
        .columns
        .iter()
        .zip(&key.referred)
        .map(|(own, referred)| {
            format!(
                "{} = {}",
                side(&format!("r.{}", quoted(referred))),
                side(&format!("c.{}", quoted(own)))
            )
        })
        .collect();
    each.join(" AND ")
}
