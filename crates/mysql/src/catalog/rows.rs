//! Rows of the server by the names of their columns: `SELECT *` of `information_schema` has more columns in newer versions, and what an
//! older one does not have reads as absent. Many small statements go to the server in one packet.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Row, Value};
use whimbrel_core::Result;

use crate::error::{classify, is_lost};

/// How many statements go in one packet.
const STATEMENTS_AT_ONCE: usize = 64;

/// One row.
pub(crate) struct Line {
    row: Row,
}

impl Line {
    /// Returns the bytes of a column; none for NULL and for a column that this version does not have.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        let at = self
            .row
            .columns_ref()
            .iter()
            .position(|column| column.name_str().eq_ignore_ascii_case(name))?;
        self.at(at)
    }

    /// Returns the bytes of the column at a position.
    pub(crate) fn at(&self, at: usize) -> Option<&[u8]> {
        match self.row.as_ref(at)? {
            Value::Bytes(bytes) => Some(bytes),
            // The text protocol sends nothing else.
            Value::NULL
            | Value::Int(_)
            | Value::UInt(_)
            | Value::Float(_)
            | Value::Double(_)
            | Value::Date(..)
            | Value::Time(..) => None,
        }
    }

    /// Returns the text of a column.
    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        self.bytes(name)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Returns the text of a column; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        self.optional(name).unwrap_or_default()
    }

    /// Returns the number in a column.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.optional(name)?.parse().ok()
    }

    /// Tells whether a column says this word, in any case.
    pub(crate) fn says(&self, name: &str, word: &str) -> bool {
        self.bytes(name)
            .is_some_and(|bytes| bytes.eq_ignore_ascii_case(word.as_bytes()))
    }
}

/// Runs a query.
pub(crate) async fn lines(conn: &mut Conn, sql: &str) -> Result<Vec<Line>> {
    let rows: Vec<Row> = conn.query(sql).await.map_err(classify)?;
    Ok(rows.into_iter().map(|row| Line { row }).collect())
}

/// Runs statements of one row each, and returns their rows in order; none for a statement that the server refuses.
pub(crate) async fn each(conn: &mut Conn, statements: &[String]) -> Result<Vec<Option<Line>>> {
    let mut found = Vec::with_capacity(statements.len());
    for group in statements.chunks(STATEMENTS_AT_ONCE) {
        match together(conn, group).await {
            Ok(rows) => found.extend(rows),
            Err(error) if is_lost(&error) => return Err(classify(error)),
            // One of them was refused, and the server stops there.
            Err(_) => {
                for statement in group {
                    match conn.query_first::<Row, _>(statement).await {
                        Ok(row) => found.push(row.map(|row| Line { row })),
                        Err(error) if is_lost(&error) => return Err(classify(error)),
                        Err(_) => found.push(None),
                    }
                }
            }
        }
    }
    Ok(found)
}

async fn together(conn: &mut Conn, group: &[String]) -> Result<Vec<Option<Line>>, mysql_async::Error> {
    let mut found = Vec::with_capacity(group.len());
    let mut result = conn.query_iter(group.join(";")).await?;
    while found.len() < group.len() {
        let rows: Vec<Row> = result.collect().await?;
        found.push(rows.into_iter().next().map(|row| Line { row }));
    }
    result.drop_result().await?;
    Ok(found)
}
