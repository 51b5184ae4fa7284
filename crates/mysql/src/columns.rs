//! What the server says about the columns of a table, as far as reading and comparing their values depends on it.

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Column, Error, ErrorClass, Result, TableId};

use crate::error::classify;
use crate::native::Kind;
use crate::quote::{literal, quoted};
use crate::wire::Session;

/// A column of the server's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerColumn {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The character set of a text column.
    pub(crate) charset: Option<String>,
    /// The collation of a text column.
    pub(crate) collation: Option<String>,
}

impl ServerColumn {
    /// Takes a column as a catalog describes it, which does not tell the character set.
    pub(crate) fn described(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            kind: Kind::parse(&column.native),
            charset: None,
            collation: None,
        }
    }

    /// Tells whether the stored bytes are UTF-8, or would be.
    pub(crate) fn is_stored_as_utf8(&self) -> bool {
        self.charset
            .as_deref()
            .is_none_or(|charset| matches!(charset, "utf8mb4" | "utf8mb3" | "utf8"))
    }

    /// Returns the expression whose order is the column's own, and whose value [`crate::codec::key::value`] reads.
    pub(crate) fn key_expression(&self) -> String {
        let name = quoted(&self.name);
        // These are ordered by their numbers, but compared as text.
        match matches!(self.kind, Kind::Enum(_) | Kind::Set(_)) {
            true => format!("CAST({name} AS UNSIGNED)"),
            false => name,
        }
    }
}

/// Asks for the columns of a table, in order.
pub(crate) async fn columns_of(conn: &mut Conn, table: &TableId) -> Result<Vec<ServerColumn>> {
    let rows: Vec<ColumnRow> = conn.query(question(table)).await.map_err(classify)?;
    Ok(rows.into_iter().map(described).collect())
}

/// As [`columns_of`], of a session that reads rows.
pub(crate) async fn columns_in(session: &mut Session, table: &TableId) -> Result<Vec<ServerColumn>> {
    let rows: Vec<ColumnRow> = session.query(&question(table)).await.map_err(classify)?;
    Ok(rows.into_iter().map(described).collect())
}

type ColumnRow = (String, String, Option<String>, Option<String>);

fn question(table: &TableId) -> String {
    let schema = table
        .namespace
        .as_ref()
        .map_or_else(|| "DATABASE()".to_owned(), |namespace| literal(namespace));
    format!(
        "SELECT COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLUMNS
         WHERE TABLE_SCHEMA = {schema} AND TABLE_NAME = {} ORDER BY ORDINAL_POSITION",
        literal(&table.name)
    )
}

fn described((name, native, charset, collation): ColumnRow) -> ServerColumn {
    ServerColumn {
        name,
        kind: Kind::parse(&native),
        charset,
        collation,
    }
}

/// Looks up a column.
pub(crate) fn find<'a>(found: &'a [ServerColumn], table: &TableId, name: &str) -> Result<&'a ServerColumn> {
    found.iter().find(|column| column.name == name).ok_or_else(|| {
        Error::new(
            ErrorClass::Conflict,
            format!("table `{table}` has no column `{name}` any more"),
        )
        .with_code("source_changed")
        .with_hint("plan again: `whimbrel plan`")
    })
}
