//! The answer to a query of a person's: one statement in a transaction that cannot write, on a session that is closed afterwards.

use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row};
use whimbrel_core::validation::{bare_query, not_one_value, took_too_long};
use whimbrel_core::{Error, Result};

use crate::error::classify;
use crate::flavour::Flavour;
use crate::quote::quoted;

/// The errors of a statement that ran longer than the session allows.
const GIVEN_UP: [u16; 2] = [1969, 3024];

/// Parses a query without running it, in a transaction that cannot write, and returns one around it that gives its value as text.
pub(crate) async fn parsed(conn: &mut Conn, query: &str) -> Result<String> {
    let query = bare_query(query);
    conn.query_drop("START TRANSACTION READ ONLY")
        .await
        .map_err(classify)?;
    // Parsing alone refuses more than one statement, and tells what comes back without running anything.
    let parsed = conn.prep(query).await.map_err(refused)?;
    let columns = parsed.columns();
    let name = match columns.as_ref() {
        [column] => quoted(&column.name_str()),
        [] => return Err(not_one_value("gives nothing back")),
        columns => return Err(not_one_value(format!("gives {} columns", columns.len()))),
    };
    // Within another query nothing but a query can stand.
    let around =
        format!("SELECT CAST({name} AS CHAR CHARACTER SET utf8mb4) FROM (\n{query}\n) AS answer LIMIT 2");
    conn.prep(&*around).await.map_err(refused)?;
    Ok(around)
}

/// Returns the one value of a query as text.
pub(crate) async fn scalar(
    conn: &mut Conn,
    query: &str,
    flavour: Flavour,
    limit: Option<Duration>,
) -> Result<Option<String>> {
    let asked = parsed(conn, query).await?;
    let limited = limit.unwrap_or_default();
    let setting = match flavour {
        Flavour::MySql => format!("SET SESSION max_execution_time = {}", limited.as_millis()),
        Flavour::MariaDb => format!("SET SESSION max_statement_time = {}", limited.as_secs()),
    };
    conn.query_drop(setting).await.map_err(classify)?;
    let answer: Result<Vec<Row>, mysql_async::Error> = conn.exec(asked, ()).await;
    let is_given_up = |error: &mysql_async::Error| match error {
        mysql_async::Error::Server(answer) => GIVEN_UP.contains(&answer.code),
        mysql_async::Error::Driver(_)
        | mysql_async::Error::Io(_)
        | mysql_async::Error::Other(_)
        | mysql_async::Error::Url(_) => false,
    };
    let rows = answer.map_err(|error| match is_given_up(&error) {
        true => took_too_long(limit),
        false => refused(error),
    })?;
    let mut rows = rows.into_iter();
    match (rows.next(), rows.next()) {
        (None, _) => Ok(None),
        (Some(mut row), None) => Ok(row.take::<Option<Vec<u8>>, _>(0).flatten().map(text)),
        (Some(_), Some(_)) => Err(not_one_value("gives more than one row")),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn refused(error: mysql_async::Error) -> Error {
    classify(error).during("ask the query of a rule")
}
