//! What the server says about the columns of a table, as far as reading and comparing their values depends on it.

use std::collections::HashMap;

use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use whimbrel_core::{Column, Error, ErrorClass, Result, Table, TableId};

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

/// As [`columns_of`], of each of the tables of our database: asked for at once.
pub(crate) async fn columns_of_all(conn: &mut Conn, tables: &[Table]) -> Result<Vec<Vec<ServerColumn>>> {
    let names: Vec<String> = tables.iter().map(|table| literal(&table.id.name)).collect();
    let sql = format!(
        "{ALL} AND TABLE_NAME IN ({}) ORDER BY TABLE_NAME, ORDINAL_POSITION",
        names.join(", ")
    );
    let rows: Vec<NamedRow> = conn.query(sql).await.map_err(classify)?;
    let mut found = by_table(rows);
    Ok(tables
        .iter()
        .map(|table| found.remove(&table.id.name).unwrap_or_default())
        .collect())
}

/// Asks for the columns of all tables of our database, of a session that reads rows.
pub(crate) async fn all_columns_in(session: &mut Session) -> Result<HashMap<String, Vec<ServerColumn>>> {
    let sql = format!("{ALL} ORDER BY TABLE_NAME, ORDINAL_POSITION");
    let rows: Vec<NamedRow> = session.query(&sql).await.map_err(classify)?;
    Ok(by_table(rows))
}

const ALL: &str = "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, CHARACTER_SET_NAME, COLLATION_NAME
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()";

type NamedRow = (String, String, String, Option<String>, Option<String>);

fn by_table(rows: Vec<NamedRow>) -> HashMap<String, Vec<ServerColumn>> {
    let mut found: HashMap<String, Vec<ServerColumn>> = HashMap::new();
    for (table, name, native, charset, collation) in rows {
        let column = described((name, native, charset, collation));
        found.entry(table).or_default().push(column);
    }
    found
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
