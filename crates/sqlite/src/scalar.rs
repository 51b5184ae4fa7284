//! The answer to a query of a person's: one statement on a connection that cannot write.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement};
use whimbrel_core::Result;
use whimbrel_core::validation::{bare_query, not_one_value};

use crate::error::During;

fn what() -> String {
    "ask the query of a rule".to_owned()
}

/// Parses a query without running it.
pub(crate) fn parsed<'a>(connection: &'a Connection, query: &str) -> Result<Statement<'a>> {
    let query = bare_query(query);
    // Within another query nothing but a query can stand.
    let asked = format!("SELECT * FROM (\n{query}\n) LIMIT 2");
    let statement = connection.prepare(&asked).during(what)?;
    if statement.column_count() != 1 || !statement.readonly() {
        return Err(not_one_value(format!(
            "gives {} columns",
            statement.column_count()
        )));
    }
    Ok(statement)
}

/// Returns the one value of a query as text.
pub(crate) fn scalar(connection: &Connection, query: &str) -> Result<Option<String>> {
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
        ValueRef::Blob(bytes) => Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
    }
}
