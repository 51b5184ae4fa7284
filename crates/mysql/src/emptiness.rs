//! Which tables hold no row: asked about many tables with one statement.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};
use whimbrel_core::{Error, Result, TableId};

use crate::error::classify;
use crate::quote::table_name;

/// Tables that one statement looks into.
const TABLES_AT_ONCE: usize = 100;

/// Returns the statements that ask about the tables, in order.
pub(crate) fn questions<'a>(tables: impl IntoIterator<Item = &'a TableId>) -> Vec<String> {
    let look = |id: &TableId| format!("NOT EXISTS (SELECT 1 FROM {})", table_name(id));
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

/// Tells of each table whether it holds no row.
pub(crate) async fn of<'a>(
    conn: &mut Conn,
    tables: impl IntoIterator<Item = &'a TableId>,
) -> Result<Vec<bool>> {
    let mut empty = Vec::new();
    for sql in questions(tables) {
        let row: Option<Row> = conn.query_first(sql).await.map_err(classify)?;
        empty.extend(answers(row)?);
    }
    Ok(empty)
}
