//! Splits a table into chunks by its key, inside the snapshot. Bounds are real keys, found by walking the key's index, and how many rows a
//! chunk has goes by what the rows behind the last bound weigh, so gaps and skew do not matter; the first and the last chunk are open.

use mysql_async::Value;
use whimbrel_core::{Chunk, Error, Key, KeyBound, KeyRange, KeyValue, Result, Table};

use crate::codec::key;
use crate::columns::ServerColumn;
use crate::error::classify;
use crate::native::Kind;
use crate::quote::{literal, quoted, table_name};
use crate::range::{self, Side};
use crate::wire::Session;

/// More chunks than that bring nothing; they grow instead.
const CHUNKS_MAX: usize = 20_000;

/// Rows that are weighed behind a bound, at most.
const WEIGHED_MAX: u64 = 64;

/// What a row weighs besides its values.
const ROW_BYTES: u64 = 16;

/// Below this size the server's own word about a table is mostly the size of its pages.
const SIZE_KNOWN_BYTES: u64 = 1 << 20;

/// Splits the table.
pub(crate) async fn split(
    session: &mut Session,
    found: &[ServerColumn],
    table: &Table,
    chunk_bytes: u64,
) -> Result<Vec<Chunk>> {
    let Some(key) = table.identity_key().filter(|key| !key.columns.is_empty()) else {
        return Ok(vec![whole(table)]);
    };
    let columns = range::key_columns(found, &table.id, &key.columns)?;
    if columns
        .iter()
        .any(|column| matches!(column.kind, Kind::Json | Kind::Spatial(_) | Kind::Other(_)))
    {
        return Ok(vec![whole(table)]);
    }
    let known = known_size(session, table).await?;
    let mut walk = Walk {
        session,
        from: from_clause(table, key),
        order: key.columns.iter().map(|name| quoted(name)).collect(),
        columns,
        weight: weight(found, table),
        row_bytes_known: known.row_bytes,
        rows_min: known.rows / u64::try_from(CHUNKS_MAX).unwrap_or(u64::MAX),
    };
    let bounds = walk.bounds(chunk_bytes.max(1)).await?;
    Ok(chunks(table, key, bounds))
}

fn whole(table: &Table) -> Chunk {
    Chunk {
        table: table.id.clone(),
        index: 0,
        range: KeyRange::All,
    }
}

/// The table, read by way of the key's index: the server might think that another way is shorter, and sort at each step.
fn from_clause(table: &Table, key: &Key) -> String {
    let is_primary = table.primary_key.as_ref() == Some(key);
    let index = match is_primary {
        true => "PRIMARY",
        false => key.name.as_str(),
    };
    match index {
        "" => table_name(&table.id),
        index => format!("{} FORCE INDEX ({})", table_name(&table.id), quoted(index)),
    }
}

/// What the server believes about a table's size.
struct KnownSize {
    rows: u64,
    /// Bytes of a row on the average, large values included; 0 when not known.
    row_bytes: u64,
}

async fn known_size(session: &mut Session, table: &Table) -> Result<KnownSize> {
    let sql = format!(
        "SELECT TABLE_ROWS, DATA_LENGTH FROM information_schema.TABLES
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {}",
        literal(&table.id.name)
    );
    let row: Option<(Option<u64>, Option<u64>)> = session.query_first(&sql).await.map_err(classify)?;
    let (rows, bytes) = row.unwrap_or((None, None));
    let (rows, bytes) = (rows.unwrap_or(0), bytes.unwrap_or(0));
    let row_bytes = match bytes >= SIZE_KNOWN_BYTES {
        true => bytes.checked_div(rows).unwrap_or(0),
        false => 0,
    };
    Ok(KnownSize { rows, row_bytes })
}

/// An expression for the bytes of a row.
fn weight(found: &[ServerColumn], table: &Table) -> String {
    let mut fixed = ROW_BYTES;
    let mut terms = Vec::new();
    for column in found {
        let computed = table
            .column(&column.name)
            .and_then(|column| column.generated.as_ref());
        if computed.is_some_and(|generated| !generated.stored) {
            continue;
        }
        match &column.kind {
            Kind::Char(_)
            | Kind::Varchar(_)
            | Kind::Text(_)
            | Kind::Binary(_)
            | Kind::Varbinary(_)
            | Kind::Blob(_)
            | Kind::Json
            | Kind::Spatial(_)
            | Kind::Vector(_)
            | Kind::Other(_) => terms.push(format!("COALESCE(LENGTH({}), 0)", quoted(&column.name))),
            Kind::Integer { .. }
            | Kind::Decimal { .. }
            | Kind::Float { .. }
            | Kind::Bit(_)
            | Kind::Enum(_)
            | Kind::Set(_)
            | Kind::Date
            | Kind::Time(_)
            | Kind::Datetime(_)
            | Kind::Timestamp(_)
            | Kind::Year
            | Kind::Uuid
            | Kind::Inet4
            | Kind::Inet6 => fixed += 8,
        }
    }
    terms.push(fixed.to_string());
    terms.join(" + ")
}

/// A walk over a key's index.
struct Walk<'a> {
    session: &'a mut Session,
    from: String,
    order: Vec<String>,
    columns: Vec<&'a ServerColumn>,
    weight: String,
    row_bytes_known: u64,
    /// Rows that a chunk has at least, so that there are not too many.
    rows_min: u64,
}

impl Walk<'_> {
    /// Returns the first keys of all chunks but the first.
    async fn bounds(&mut self, chunk_bytes: u64) -> Result<Vec<Vec<KeyValue>>> {
        let mut bounds: Vec<Vec<KeyValue>> = Vec::new();
        let mut weighed = WEIGHED_MAX / 4;
        loop {
            let condition = match bounds.last() {
                Some(bound) => format!("WHERE {}", range::side(&self.columns, bound, Side::From)?),
                None => String::new(),
            };
            let Some(row_bytes) = self.row_bytes(&condition, weighed).await? else {
                return Ok(bounds);
            };
            let fitting = chunk_bytes / row_bytes.max(self.row_bytes_known).max(1);
            // Where there are many chunks already, each next one doubles the limit's overshoot.
            let crowded = u64::try_from(bounds.len() / CHUNKS_MAX).unwrap_or(0);
            let rows = fitting.max(self.rows_min).max(1) << crowded.min(20);
            weighed = (rows * 2).clamp(4, WEIGHED_MAX);
            let Some(bound) = self.key_behind(&condition, rows).await? else {
                return Ok(bounds);
            };
            bounds.push(bound);
        }
    }

    /// What the next rows weigh on the average; none when there are none.
    async fn row_bytes(&mut self, condition: &str, rows: u64) -> Result<Option<u64>> {
        let sql = format!(
            "SELECT CAST(CEILING(AVG(weight)) AS UNSIGNED) FROM (SELECT {} AS weight FROM {} {condition} ORDER BY {} LIMIT {rows}) weighed",
            self.weight,
            self.from,
            self.order.join(", ")
        );
        let found = self.session.values(&sql).await.map_err(classify)?;
        Ok(match found.first().and_then(|row| row.first()) {
            Some(Value::UInt(bytes)) => Some(*bytes),
            Some(Value::Int(bytes)) => u64::try_from(*bytes).ok(),
            _ => None,
        })
    }

    /// The key of the row so many rows on.
    async fn key_behind(&mut self, condition: &str, rows: u64) -> Result<Option<Vec<KeyValue>>> {
        let keys: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.key_expression())
            .collect();
        let sql = format!(
            "SELECT {} FROM {} {condition} ORDER BY {} LIMIT 1 OFFSET {rows}",
            keys.join(", "),
            self.from,
            self.order.join(", ")
        );
        let found = self.session.values(&sql).await.map_err(classify)?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        let values: Option<Vec<KeyValue>> = self
            .columns
            .iter()
            .zip(row)
            .map(|(column, value)| key::value(column, value))
            .collect();
        values
            .map(Some)
            .ok_or_else(|| Error::bug("a key's value has no exact form"))
    }
}

fn chunks(table: &Table, key: &Key, bounds: Vec<Vec<KeyValue>>) -> Vec<Chunk> {
    if bounds.is_empty() {
        return vec![whole(table)];
    }
    let ends = bounds.into_iter().map(Some).chain(std::iter::once(None));
    let mut from = None;
    let mut chunks = Vec::new();
    for (index, to) in (0_u32..).zip(ends) {
        let bound = KeyBound {
            columns: key.columns.clone(),
            from: from.take(),
            to: to.clone(),
        };
        chunks.push(Chunk {
            table: table.id.clone(),
            index,
            range: KeyRange::Keys(bound),
        });
        from = to;
    }
    chunks
}
