//! Splits a table into chunks by walking its key once: the engine tells each row's key and size without reading long values.

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use whimbrel_core::{Chunk, KeyBound, KeyRange, KeyValue, Result, Table};

use crate::catalog::pragma_number;
use crate::error::During;
use crate::range::{key_order, row_number};
use crate::sql::quote;

/// What identifies the place of a row in the table's order.
enum Order {
    /// A column that is the row number, so that other engines can name the same range.
    NumberColumn(String),
    /// The row number under the name by which it can be had.
    RowNumber(String),
    /// The key of a table without row numbers.
    Key(Vec<String>),
}

/// Returns the chunks of a table.
pub(super) fn split(connection: &Connection, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
    let whole = || {
        vec![Chunk {
            table: table.id.clone(),
            index: 0,
            range: KeyRange::All,
        }]
    };
    let pages = pragma_number(connection, "page_count")?;
    let file_bytes = pages.saturating_mul(pragma_number(connection, "page_size")?);
    let Some(order) = order_of(table) else {
        return Ok(whole());
    };
    if file_bytes.unsigned_abs() <= chunk_bytes {
        return Ok(whole());
    }
    let bounds = walk(connection, table, &order, chunk_bytes)?;
    if bounds.is_empty() {
        return Ok(whole());
    }
    let ends = bounds.iter().cloned().map(Some).chain([None]);
    let starts = [None].into_iter().chain(bounds.iter().cloned().map(Some));
    Ok((0..)
        .zip(starts.zip(ends))
        .map(|(index, (from, to))| Chunk {
            table: table.id.clone(),
            index,
            range: range(&order, from, to),
        })
        .collect())
}

fn order_of(table: &Table) -> Option<Order> {
    if let Some(column) = table.columns.iter().find(|column| column.identity.is_some()) {
        return Some(Order::NumberColumn(column.name.clone()));
    }
    match row_number(table) {
        Some(name) => Some(Order::RowNumber(name)),
        None if table.has_option("without_rowid") => table
            .primary_key
            .as_ref()
            .map(|key| Order::Key(key.columns.clone())),
        None => None,
    }
}

fn range(order: &Order, from: Option<Vec<KeyValue>>, to: Option<Vec<KeyValue>>) -> KeyRange {
    let number = |bound: Option<Vec<KeyValue>>| match bound?.first()? {
        KeyValue::Integer(number) => Some(*number),
        KeyValue::Real(_) | KeyValue::Text(_) | KeyValue::Bytes(_) => None,
    };
    match order {
        Order::RowNumber(_) => KeyRange::Rows {
            from: number(from),
            to: number(to),
        },
        Order::NumberColumn(column) => KeyRange::Keys(KeyBound {
            columns: vec![column.clone()],
            from,
            to,
        }),
        Order::Key(columns) => KeyRange::Keys(KeyBound {
            columns: columns.clone(),
            from,
            to,
        }),
    }
}

/// Returns the key of the first row of every chunk but the first.
fn walk(
    connection: &Connection,
    table: &Table,
    order: &Order,
    chunk_bytes: u64,
) -> Result<Vec<Vec<KeyValue>>> {
    let what = || format!("split `{}`", table.id);
    let (keys, ordered) = match order {
        Order::NumberColumn(name) => (
            vec![format!("t.{}", quote(name))],
            vec![format!("t.{}", quote(name))],
        ),
        Order::RowNumber(name) => (vec![format!("t.{name}")], vec![format!("t.{name}")]),
        Order::Key(columns) => (
            columns.iter().map(|name| format!("t.{}", quote(name))).collect(),
            key_order(connection, table, columns)?,
        ),
    };
    let sizes: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.generated.is_none())
        .map(|column| format!("ifnull(octet_length(t.{}), 0)", quote(&column.name)))
        .collect();
    // A deep sum would pass the engine's limit of expression depth.
    let size = sizes
        .chunks(500)
        .map(|part| part.join(" + "))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!(
        "SELECT {}, {size} FROM {} t ORDER BY {}",
        keys.join(", "),
        quote(&table.id.name),
        ordered.join(", ")
    );
    let mut statement = connection.prepare(&sql).during(what)?;
    let width = statement.column_count();
    let mut rows = statement.query([]).during(what)?;
    let mut bounds = Vec::new();
    let mut filled: u64 = 0;
    while let Some(row) = rows.next().during(what)? {
        let mut bytes = 0;
        for at in keys.len()..width {
            bytes += row.get::<_, i64>(at).during(what)?.unsigned_abs();
        }
        if filled > 0 && filled + bytes > chunk_bytes {
            let key: Option<Vec<KeyValue>> = (0..keys.len())
                .map(|at| row.get_ref(at).ok().and_then(key_value))
                .collect();
            // A key that cannot be written down (text that is not valid UTF-8) is no bound; the next row's will be.
            if let Some(key) = key {
                bounds.push(key);
                filled = 0;
            }
        }
        filled += bytes.max(1);
    }
    Ok(bounds)
}

fn key_value(value: ValueRef<'_>) -> Option<KeyValue> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(KeyValue::Integer(number)),
        ValueRef::Real(real) => Some(KeyValue::Real(real.to_bits())),
        ValueRef::Text(bytes) => Some(KeyValue::Text(std::str::from_utf8(bytes).ok()?.to_owned())),
        ValueRef::Blob(bytes) => Some(KeyValue::Bytes(
            bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        )),
    }
}
