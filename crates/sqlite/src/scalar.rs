//! The answer to a query of a person's: one statement on a connection that cannot write.

use std::time::{Duration, Instant};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use whimbrel_core::validation::{bare_query, not_one_value, took_too_long};
use whimbrel_core::{Error, Result, hex};

use crate::error::During;

/// Steps of the engine between two looks at the clock: some thousandths of a second.
const STEPS_BETWEEN: i32 = 100_000;

fn what() -> String {
    "ask the query of a rule".to_owned()
}

/// The engine says what is missing in words only.
fn refused(cause: rusqlite::Error) -> Error {
    let said = cause.to_string();
    let is_missing = ["no such table", "no such column", "no such function"]
        .iter()
        .any(|words| said.contains(words));
    let error = crate::error::failed(what(), cause);
    if is_missing {
        error.with_code("missing_object")
    } else {
        error
    }
}

/// Parses a query without running it.
pub(crate) fn parsed<'a>(connection: &'a Connection, query: &str) -> Result<Statement<'a>> {
    let query = bare_query(query);
    // Within another query nothing but a query can stand.
    let asked = format!("SELECT * FROM (\n{query}\n) LIMIT 2");
    let statement = connection.prepare(&asked).map_err(refused)?;
    if statement.column_count() != 1 || !statement.readonly() {
        return Err(not_one_value(format!(
            "gives {} columns",
            statement.column_count()
        )));
    }
    Ok(statement)
}

/// Parses a query for a database that is not there yet.
pub(crate) fn parsed_by_nothing(query: &str) -> Result<()> {
    let nothing = Connection::open_in_memory().during(what)?;
    parsed(&nothing, query).map(drop)
}

/// Returns the one value of a query as text. The connection is used for nothing else afterwards: it stays limited.
pub(crate) fn scalar(
    connection: &mut Connection,
    query: &str,
    limit: Option<Duration>,
) -> Result<Option<String>> {
    let Some(time) = limit else {
        return answer(connection, query);
    };
    let deadline = Instant::now() + time;
    let is_over = move || Instant::now() >= deadline;
    connection
        .progress_handler(STEPS_BETWEEN, Some(is_over))
        .during(what)?;
    match answer(connection, query) {
        Err(_) if is_over() => Err(took_too_long(limit)),
        answered => answered,
    }
}

fn answer(connection: &Connection, query: &str) -> Result<Option<String>> {
    let mut statement = parsed(connection, query)?;
    let mut rows = statement.query([]).during(what)?;
    let Some(row) = rows.next().during(what)? else {
        return Ok(None);
    };
    let answer = shown(row.get_ref(0).during(what)?);
    match rows.next().during(what)? {
        None => Ok(answer),
        Some(_) => Err(not_one_value("gives more than one row")),
    }
}

fn shown(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Some(hex(bytes)),
    }
}
