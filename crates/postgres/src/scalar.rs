//! The answer to a query of a person's: one statement in a transaction that cannot write, on a session that is closed afterwards.

use std::time::Duration;

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Statement};
use whimbrel_core::validation::{bare_query, not_one_value, took_too_long};
use whimbrel_core::{Error, Result};

use crate::error::from_driver;

/// Parses a query without running it, in a transaction that cannot write, and returns one around it that gives its value as text.
pub(crate) async fn parsed(client: &Client, query: &str) -> Result<Statement> {
    let query = bare_query(query);
    // A person's names are looked up where that person's other sessions do.
    client
        .batch_execute("SET search_path TO DEFAULT; BEGIN TRANSACTION READ ONLY")
        .await
        .map_err(from_driver)?;
    // Parsing alone refuses more than one statement, and tells what comes back without running anything.
    let parsed = client.prepare(query).await.map_err(refused)?;
    match parsed.columns() {
        [_] => {}
        [] => return Err(not_one_value("gives nothing back")),
        columns => return Err(not_one_value(format!("gives {} columns", columns.len()))),
    }
    // Within another query nothing but a query can stand.
    let asked = format!("SELECT answer.value::text FROM (\n{query}\n) AS answer (value) LIMIT 2");
    client.prepare(&asked).await.map_err(refused)
}

/// Returns the one value of a query as text.
pub(crate) async fn scalar(client: &Client, query: &str, limit: Option<Duration>) -> Result<Option<String>> {
    let asked = parsed(client, query).await?;
    let setting = format!(
        "SET LOCAL statement_timeout = {}",
        limit.unwrap_or_default().as_millis()
    );
    client.batch_execute(&setting).await.map_err(from_driver)?;
    let rows = client.query(&asked, &[]).await;
    let rows = rows.map_err(|error| match error.code() {
        Some(code) if limit.is_some() && *code == SqlState::QUERY_CANCELED => took_too_long(limit),
        _ => refused(error),
    })?;
    match rows.as_slice() {
        [] => Ok(None),
        [row] => row.try_get(0).map_err(from_driver),
        _ => Err(not_one_value("gives more than one row")),
    }
}

fn refused(error: tokio_postgres::Error) -> Error {
    from_driver(error).during("ask the query of a rule")
}
