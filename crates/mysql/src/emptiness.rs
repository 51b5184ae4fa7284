//! Which tables hold no row: asked about many tables with one statement.

use mysql_async::{Row, Value};
use whimbrel_core::{Error, Result, Table};

use crate::quote::table_name;

/// Tables that one statement looks into.
const TABLES_AT_ONCE: usize = 100;

/// Returns the statements that ask about the tables, in order.
pub(crate) fn questions<'a>(tables: impl IntoIterator<Item = &'a Table>) -> Vec<String> {
    let look = |table: &Table| format!("NOT EXISTS (SELECT 1 FROM {})", table_name(&table.id));
    let looks: Vec<String> = tables.into_iter().map(look).collect();
    let statements = looks.chunks(TABLES_AT_ONCE);
    statements
        .map(|some| format!("SELECT {}", some.join(", ")))
        .collect()
}

/// Reads the answer to one statement: of each of its tables, whether it holds no row.
pub(crate) fn answers(row: Option<Row>) -> Result<Vec<bool>> {
    let row = row.ok_or_else(|| Error::bug("a query of conditions gave no row"))?;
    let is_true = |value: Value| value == Value::Bytes(b"1".to_vec());
    Ok(row.unwrap().into_iter().map(is_true).collect())
}
