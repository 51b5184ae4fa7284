//! Ranges of rows as conditions: by row number, by key. Splitting a table into ranges is `snapshot/split.rs`.

use rusqlite::Connection;
use rusqlite::types::Value;
use whimbrel_core::{Error, KeyBound, KeyRange, KeyValue, Result, Table, unhex};

use crate::error::During;
use crate::sql::quote;

/// Names under which the engine offers the row number, unless a column has taken them.
const ROW_NUMBER_NAMES: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// Returns the name under which the table's row number can be had, quoted; none without one.
pub(crate) fn row_number(table: &Table) -> Option<String> {
    if table.has_option("without_rowid") {
        return None;
    }
    if let Some(column) = table.columns.iter().find(|column| column.identity.is_some()) {
        return Some(quote(&column.name));
    }
    let taken = |name: &str| {
        table
            .columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case(name))
    };
    ROW_NUMBER_NAMES
        .iter()
        .find(|name| !taken(name))
        .map(|name| (*name).to_owned())
}

/// A condition on the rows of a table named `t`, with its parameters, and the order of its key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    /// The text after WHERE; empty for all rows.
    pub(crate) text: String,
    /// Its parameters.
    pub(crate) parameters: Vec<Value>,
    /// The text after ORDER BY; empty for any order.
    pub(crate) order: String,
}

/// Returns the condition for a range of the table's rows.
///
/// # Errors
/// `Unsupported` for row numbers of a table that has none.
pub(crate) fn condition(connection: &Connection, table: &Table, range: &KeyRange) -> Result<Condition> {
    match range {
        KeyRange::All => Ok(Condition {
            text: String::new(),
            parameters: Vec::new(),
            order: row_number(table)
                .map(|name| format!("t.{name}"))
                .unwrap_or_default(),
        }),
        KeyRange::Rows { from, to } => {
            let name = row_number(table).ok_or_else(|| {
                Error::new(
                    whimbrel_core::ErrorClass::Unsupported,
                    format!("table `{}` has no row numbers", table.id),
                )
            })?;
            let key = format!("t.{name}");
            let bound = |number: &Option<i64>| number.map(|number| vec![Value::Integer(number)]);
            Ok(between(&key, bound(from), bound(to), 1))
        }
        KeyRange::Keys(bound) => keys(connection, table, bound),
        KeyRange::Exactly { columns, keys } => exactly(connection, table, columns, keys),
        KeyRange::Part { .. } => Err(Error::bug("an engine was asked for a part of a mapped table")),
    }
}

/// The rows of these keys, each as a condition of its own, so that an index serves them.
fn exactly(
    connection: &Connection,
    table: &Table,
    columns: &[String],
    keys: &[Vec<KeyValue>],
) -> Result<Condition> {
    let parts = key_order(connection, table, columns)?;
    let one: Vec<String> = parts.iter().map(|part| format!("{part} = ?")).collect();
    let one = format!("({})", one.join(" AND "));
    let rows = match keys.len() {
        0 => "0".to_owned(),
        several => vec![one; several].join(" OR "),
    };
    Ok(Condition {
        text: rows,
        parameters: keys.iter().flatten().map(value).collect::<Result<_>>()?,
        order: parts.join(", "),
    })
}

fn keys(connection: &Connection, table: &Table, bound: &KeyBound) -> Result<Condition> {
    let parts = key_order(connection, table, &bound.columns)?;
    let key = match parts.as_slice() {
        [only] => only.clone(),
        several => format!("({})", several.join(", ")),
    };
    let values = |values: &Option<Vec<KeyValue>>| -> Result<Option<Vec<Value>>> {
        values
            .as_ref()
            .map(|values| values.iter().map(value).collect())
            .transpose()
    };
    let mut condition = between(&key, values(&bound.from)?, values(&bound.to)?, parts.len());
    condition.order = parts.join(", ");
    Ok(condition)
}

fn between(key: &str, from: Option<Vec<Value>>, to: Option<Vec<Value>>, width: usize) -> Condition {
    let marks = match width {
        1 => "?".to_owned(),
        _ => format!("({})", vec!["?"; width].join(", ")),
    };
    let mut parts = Vec::new();
    if from.is_some() {
        parts.push(format!("{key} >= {marks}"));
    }
    if to.is_some() {
        parts.push(format!("{key} < {marks}"));
    }
    Condition {
        text: parts.join(" AND "),
        parameters: from.into_iter().chain(to).flatten().collect(),
        order: key.to_owned(),
    }
}

/// Returns the key's columns as terms of an order, each with the collation that the key's index has.
pub(crate) fn key_order(connection: &Connection, table: &Table, columns: &[String]) -> Result<Vec<String>> {
    let what = || format!("read the key of `{}`", table.id);
    let mut statement = connection
        .prepare(
            "SELECT x.name, x.coll FROM pragma_index_list(?1) l, pragma_index_xinfo(l.name) x WHERE l.origin = 'pk' AND x.key = 1",
        )
        .during(what)?;
    let collations: Vec<(String, String)> = statement
        .query_map([&table.id.name], |row| Ok((row.get(0)?, row.get(1)?)))
        .during(what)?
        .collect::<rusqlite::Result<_>>()
        .during(what)?;
    Ok(columns
        .iter()
        .map(|column| {
            let found = collations.iter().find(|(name, _)| name == column);
            match found {
                Some((_, collation)) => format!("t.{} COLLATE {}", quote(column), quote(collation)),
                None => format!("t.{}", quote(column)),
            }
        })
        .collect())
}

fn value(key: &KeyValue) -> Result<Value> {
    Ok(match key {
        KeyValue::Integer(number) => Value::Integer(*number),
        KeyValue::Real(bits) => Value::Real(f64::from_bits(*bits)),
        KeyValue::Text(text) => Value::Text(text.clone()),
        KeyValue::Bytes(hex) => {
            Value::Blob(unhex(hex).ok_or_else(|| Error::invalid(format!("the key bound `{hex}` is no hex")))?)
        }
    })
}
