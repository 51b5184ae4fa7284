//! Splits a table into chunks without reading it: the row numbers are probed through the B-tree, first the widest stretches that seem to
//! hold the most. Only a table without row numbers is walked, by its key and without its values.

use std::collections::BinaryHeap;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Statement, ToSql};
use whimbrel_core::{Chunk, Key, KeyBound, KeyRange, KeyValue, Result, Table, hex};

use crate::catalog::file_bytes;
use crate::error::During;
use crate::range::{key_order, row_number};
use crate::sql::quote;

/// Rows at each end of a stretch that are looked at to learn their size and how close together they are.
const PROBED_ROWS: usize = 8;
/// Rows that are looked at behind a key to learn how many make a chunk.
const SIZED_ROWS: usize = 64;
/// A stretch that holds less than this part of a chunk is not halved any more.
const STRETCHES_PER_CHUNK: u128 = 8;
/// So many stretches are made of every table, so that what lies in its midst is seen.
const STRETCHES_MIN: usize = 64;
/// So many stretches at most, each of a few probes.
const STRETCHES_MAX: usize = 8192;
/// Columns whose sizes are summed in one term; a deep sum would pass the engine's limit of expression depth.
const SUMMED_COLUMNS: usize = 500;

/// Returns the chunks of a table.
pub(super) fn split(connection: &Connection, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
    let chunk_bytes = chunk_bytes.max(1);
    let file_bytes = file_bytes(connection)?;
    let ranges = if file_bytes.unsigned_abs() <= chunk_bytes {
        Vec::new()
    } else if let Some(column) = table.columns.iter().find(|column| column.identity.is_some()) {
        // The column is the row number, so that other engines can name the same range.
        let number = |bound: Option<i64>| bound.map(|number| vec![KeyValue::Integer(number)]);
        let keys = |(from, to)| {
            KeyRange::Keys(KeyBound {
                columns: vec![column.name.clone()],
                from: number(from),
                to: number(to),
            })
        };
        let bounds = by_number(connection, table, &quote(&column.name), chunk_bytes)?;
        between(bounds).map(keys).collect()
    } else if let Some(name) = row_number(table) {
        let bounds = by_number(connection, table, &name, chunk_bytes)?;
        between(bounds)
            .map(|(from, to)| KeyRange::Rows { from, to })
            .collect()
    } else if let Some(key) = table.primary_key.as_ref().filter(|key| holds_no_null(table, key)) {
        let keys = |(from, to)| {
            KeyRange::Keys(KeyBound {
                columns: key.columns.clone(),
                from,
                to,
            })
        };
        let bounds = by_key(connection, table, &key.columns, chunk_bytes)?;
        between(bounds).map(keys).collect()
    } else {
        Vec::new()
    };
    let ranges: Vec<KeyRange> = match ranges.len() {
        0 | 1 => vec![KeyRange::All],
        _ => ranges,
    };
    let chunk = |(index, range)| Chunk {
        table: table.id.clone(),
        index,
        range,
    };
    Ok((0..).zip(ranges).map(chunk).collect())
}

/// Tells whether every row has a value in every column of the key: a comparison finds no row that has none.
fn holds_no_null(table: &Table, key: &Key) -> bool {
    let required = |name: &String| table.column(name).is_some_and(|column| !column.nullable);
    key.columns.iter().all(required)
}

/// The ranges that the bounds cut everything into.
fn between<T: Clone>(bounds: Vec<T>) -> impl Iterator<Item = (Option<T>, Option<T>)> {
    let ends: Vec<Option<T>> = bounds.into_iter().map(Some).chain([None]).collect();
    let starts: Vec<Option<T>> = [None].into_iter().chain(ends.iter().cloned()).collect();
    starts.into_iter().zip(ends)
}

/// A stretch of row numbers, a row at both ends, and what it seems to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stretch {
    bytes: u128,
    first: i64,
    last: i64,
}

impl Stretch {
    fn width(&self) -> u128 {
        u128::from(self.last.abs_diff(self.first)) + 1
    }

    /// The first number of the later half.
    fn middle(&self) -> i64 {
        // The wider half of the difference, so that a stretch of two numbers is cut.
        let half = self.last.abs_diff(self.first).div_ceil(2);
        self.first.saturating_add_unsigned(half)
    }
}

/// The statements that look into a table by row number.
struct Probes<'c> {
    from: Statement<'c>,
    before: Statement<'c>,
    head: Statement<'c>,
    tail: Statement<'c>,
}

impl<'c> Probes<'c> {
    fn new(connection: &'c Connection, table: &Table, number: &str) -> rusqlite::Result<Self> {
        let name = quote(&table.id.name);
        let key = format!("t.{number}");
        let sized = |side: &str, order: &str| {
            let sizes = sizes(table);
            connection.prepare(&format!(
                "SELECT {key}, {sizes} FROM {name} t WHERE {key} {side} ? ORDER BY {key} {order} LIMIT {PROBED_ROWS}"
            ))
        };
        Ok(Self {
            from: connection.prepare(&format!("SELECT min({key}) FROM {name} t WHERE {key} >= ?"))?,
            before: connection.prepare(&format!("SELECT max({key}) FROM {name} t WHERE {key} < ?"))?,
            head: sized(">=", "ASC")?,
            tail: sized("<=", "DESC")?,
        })
    }

    fn first_from(&mut self, number: i64) -> rusqlite::Result<Option<i64>> {
        self.from.query_row([number], |row| row.get(0))
    }

    fn last_before(&mut self, number: i64) -> rusqlite::Result<Option<i64>> {
        self.before.query_row([number], |row| row.get(0))
    }

    /// Estimates a stretch from the rows at its ends: they tell their sizes and how many numbers they spread over.
    fn weigh(&mut self, first: i64, last: i64) -> rusqlite::Result<Stretch> {
        let stretch = |bytes| Stretch { bytes, first, last };
        let head = End::of(&mut self.head, first, |number| number <= last)?;
        if head.reached == last {
            return Ok(stretch(head.bytes));
        }
        let tail = End::of(&mut self.tail, last, |number| number >= first)?;
        let half = stretch(0).width().div_ceil(2);
        let guess = half * head.bytes / head.width(first) + half * tail.bytes / tail.width(last);
        Ok(stretch(guess.max(head.bytes)))
    }
}

/// The rows at one end of a stretch.
struct End {
    bytes: u128,
    reached: i64,
}

impl End {
    fn of(statement: &mut Statement<'_>, from: i64, inside: impl Fn(i64) -> bool) -> rusqlite::Result<Self> {
        let mut end = Self {
            bytes: 0,
            reached: from,
        };
        let mut rows = statement.query([from])?;
        while let Some(row) = rows.next()? {
            let number = row.get(0)?;
            if inside(number) {
                end.reached = number;
                end.bytes += u128::from(row_size(row, 1)?);
            }
        }
        Ok(end)
    }

    fn width(&self, from: i64) -> u128 {
        u128::from(self.reached.abs_diff(from)) + 1
    }
}

/// Returns the row numbers at which all chunks but the first begin.
fn by_number(connection: &Connection, table: &Table, number: &str, chunk_bytes: u64) -> Result<Vec<i64>> {
    let bounds = || -> rusqlite::Result<Vec<i64>> {
        let mut probes = Probes::new(connection, table, number)?;
        let ends = (probes.first_from(i64::MIN)?, last(connection, table, number)?);
        let (Some(first), Some(last)) = ends else {
            return Ok(Vec::new());
        };
        let stretches = stretches(&mut probes, (first, last), u128::from(chunk_bytes))?;
        let mut bounds = Vec::new();
        for bound in cut(&stretches, u128::from(chunk_bytes)) {
            // A chunk begins with a row, so that none is empty.
            bounds.extend(probes.first_from(bound)?);
        }
        bounds.dedup();
        Ok(bounds)
    };
    bounds().during(|| format!("split `{}`", table.id))
}

/// Halves what seems to hold the most until nothing holds much of a chunk.
fn stretches(probes: &mut Probes<'_>, ends: (i64, i64), chunk_bytes: u128) -> rusqlite::Result<Vec<Stretch>> {
    let mut heap = BinaryHeap::from([probes.weigh(ends.0, ends.1)?]);
    let mut whole = Vec::new();
    while heap.len() + whole.len() < STRETCHES_MAX {
        let Some(stretch) = heap.pop() else { break };
        let is_small = stretch.bytes.saturating_mul(STRETCHES_PER_CHUNK) <= chunk_bytes;
        if stretch.width() == 1 {
            whole.push(stretch);
            continue;
        }
        if is_small && heap.len() + whole.len() >= STRETCHES_MIN {
            whole.push(stretch);
            break;
        }
        let middle = stretch.middle();
        if let (Some(before), Some(from)) = (probes.last_before(middle)?, probes.first_from(middle)?) {
            heap.push(probes.weigh(stretch.first, before)?);
            heap.push(probes.weigh(from, stretch.last)?);
        }
    }
    whole.extend(heap);
    whole.sort_by_key(|stretch| stretch.first);
    Ok(whole)
}

fn last(connection: &Connection, table: &Table, number: &str) -> rusqlite::Result<Option<i64>> {
    let sql = format!("SELECT max(t.{number}) FROM {} t", quote(&table.id.name));
    connection.query_row(&sql, [], |row| row.get(0))
}

/// Cuts the stretches into chunks; one that holds several is cut at equal distances.
fn cut(stretches: &[Stretch], chunk_bytes: u128) -> Vec<i64> {
    let mut bounds = Vec::new();
    let mut filled = 0;
    for stretch in stretches {
        if filled > 0 && filled + stretch.bytes > chunk_bytes {
            bounds.push(stretch.first);
            filled = 0;
        }
        let parts = stretch.bytes.div_ceil(chunk_bytes).clamp(1, stretch.width());
        for part in 1..parts {
            let distance = u64::try_from(stretch.width() * part / parts).unwrap_or(u64::MAX);
            bounds.push(stretch.first.saturating_add_unsigned(distance));
        }
        filled = if parts > 1 {
            stretch.bytes / parts
        } else {
            filled + stretch.bytes
        };
    }
    bounds
}

/// A part of a key as it is stored; text need not be UTF-8.
enum Part {
    Null,
    Integer(i64),
    Real(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Part {
    fn of(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Real(real) => Self::Real(real),
            ValueRef::Text(text) => Self::Text(text.to_vec()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }

    fn value(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }
    }
}

impl ToSql for Part {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.value()))
    }
}

/// Returns the keys at which all chunks but the first begin. Rows are stepped over by number; how many make a chunk is learned from the
/// sizes of those behind each bound.
fn by_key(
    connection: &Connection,
    table: &Table,
    columns: &[String],
    chunk_bytes: u64,
) -> Result<Vec<Vec<KeyValue>>> {
    let what = || format!("split `{}`", table.id);
    let order = key_order(connection, table, columns)?.join(", ");
    let terms: Vec<String> = columns.iter().map(|name| format!("t.{}", quote(name))).collect();
    let after = match columns.len() {
        1 => format!(" WHERE {order} > ?"),
        several => format!(" WHERE ({order}) > ({})", vec!["?"; several].join(", ")),
    };
    let name = quote(&table.id.name);
    let mut bounds = Vec::new();
    let mut at: Vec<Part> = Vec::new();
    loop {
        let after = if at.is_empty() { "" } else { after.as_str() };
        let sized = format!(
            "SELECT {} FROM {name} t{after} ORDER BY {order} LIMIT {SIZED_ROWS}",
            sizes(table)
        );
        let stepped = format!(
            "SELECT {} FROM {name} t{after} ORDER BY {order} LIMIT 1 OFFSET {}",
            terms.join(", "),
            (chunk_bytes / mean_size(connection, &sized, &at).during(what)?).max(1)
        );
        let parts = |row: &Row<'_>| {
            (0..columns.len())
                .map(|at| Ok(Part::of(row.get_ref(at)?)))
                .collect()
        };
        let next = connection
            .query_row(&stepped, rusqlite::params_from_iter(&at), parts)
            .optional()
            .during(what)?;
        let Some(next) = next else {
            return Ok(bounds);
        };
        at = next;
        // A key that cannot be written down (text that is not valid UTF-8) is no bound; a later row's will be.
        let key: Option<Vec<KeyValue>> = at.iter().map(|part| key_value(part.value())).collect();
        bounds.extend(key);
    }
}

/// The mean size of the rows of a query, at least 1.
fn mean_size(connection: &Connection, sql: &str, parameters: &[Part]) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(rusqlite::params_from_iter(parameters))?;
    let (mut count, mut bytes) = (0, 0);
    while let Some(row) = rows.next()? {
        count += 1;
        bytes += row_size(row, 0)?;
    }
    Ok((bytes / count.max(1)).max(1))
}

/// The terms that give the size of a row without reading long values.
fn sizes(table: &Table) -> String {
    let sizes: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.generated.is_none())
        .map(|column| format!("ifnull(octet_length(t.{}), 0)", quote(&column.name)))
        .collect();
    let sums: Vec<String> = sizes
        .chunks(SUMMED_COLUMNS)
        .map(|part| part.join(" + "))
        .collect();
    if sums.is_empty() {
        "1".to_owned()
    } else {
        sums.join(", ")
    }
}

/// Adds up the terms of [`sizes`], which begin at a column; no row takes nothing.
fn row_size(row: &Row<'_>, from: usize) -> rusqlite::Result<u64> {
    let mut bytes = 0;
    for at in from..row.as_ref().column_count() {
        bytes += row.get::<_, i64>(at)?.unsigned_abs();
    }
    Ok(bytes.max(1))
}

fn key_value(value: ValueRef<'_>) -> Option<KeyValue> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(KeyValue::Integer(number)),
        ValueRef::Real(real) => Some(KeyValue::Real(real.to_bits())),
        ValueRef::Text(bytes) => Some(KeyValue::Text(std::str::from_utf8(bytes).ok()?.to_owned())),
        ValueRef::Blob(bytes) => Some(KeyValue::Bytes(hex(bytes))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_of_any_two_numbers_is_cut_between_them() {
        for (first, last, middle) in [(0, 1, 1), (-1, 0, 0), (i64::MIN, i64::MAX, 0), (3, 9, 6)] {
            let stretch = Stretch {
                bytes: 0,
                first,
                last,
            };
            assert_eq!(stretch.middle(), middle, "{first} to {last}");
        }
    }

    #[test]
    fn bounds_ascend_and_lie_inside() {
        let stretch = |first, last, bytes| Stretch { bytes, first, last };
        let stretches = [
            stretch(i64::MIN, -5, 90),
            stretch(-4, -2, 1000),
            stretch(10, 10, 500),
            stretch(11, i64::MAX, 250),
        ];
        let bounds = cut(&stretches, 100);
        assert!(bounds.windows(2).all(|pair| pair[0] < pair[1]), "{bounds:?}");
        assert_eq!(bounds[..4], [-4, -3, -2, 10]);
        assert_eq!(bounds.len(), 7);
    }
}
