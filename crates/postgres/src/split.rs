//! Splits a table into chunks of about equal bytes: ranges of pages where the server can scan these, which costs nothing and needs no key.
//! Elsewhere bounds are real keys from a sample of pages, weighted by what the rows weigh, so gaps and skew do not matter. The first and
//! the last chunk are open, so rows outside the sample, and pages that come later, are covered.

use tokio_postgres::Client;
use whimbrel_core::{Chunk, Key, KeyBound, KeyRange, KeyValue, Result, Table};

use crate::error::from_driver;
use crate::extent::{Extent, Extents};
use crate::large_objects;
use crate::native::Kind;
use crate::quote::{literal, quoted, rows_of, table_name};
use crate::range;

/// Pages looked at for each chunk, and at most in all: a large table needs fewer for each.
const PAGES_PER_CHUNK: u64 = 32;
const PAGES_MAX: u64 = 50_000;

/// More chunks than that bring nothing; they grow instead.
const CHUNKS_MAX: u64 = 20_000;

pub(crate) async fn split(
    client: &Client,
    extents: &Extents,
    table: &Table,
    chunk_bytes: u64,
) -> Result<Vec<Chunk>> {
    let whole = || vec![chunk(table, 0, KeyRange::All)];
    if large_objects::is_store(&table.id) {
        return Ok(whole());
    }
    let extent = extents.of(client, table).await?;
    let wanted = extent.bytes.div_ceil(chunk_bytes.max(1)).min(CHUNKS_MAX);
    if wanted < 2 {
        return Ok(whole());
    }
    if extent.by_page {
        let starts = starts(client, table, extent, wanted).await?;
        return Ok(by_place(table, starts));
    }
    let Some(key) = table.identity_key().filter(|key| !key.columns.is_empty()) else {
        return Ok(whole());
    };
    let columns = ordered(client, table, key).await?;
    if columns.is_empty() {
        return Ok(whole());
    }
    let bounds = bounds(client, table, &columns, wanted, extent.pages).await?;
    if bounds.is_empty() {
        return Ok(whole());
    }
    Ok(chunks(table, &columns, bounds))
}

fn chunk(table: &Table, index: u32, range: KeyRange) -> Chunk {
    Chunk {
        table: table.id.clone(),
        index,
        range,
    }
}

/// The place of the first row of each chunk but the first one. Pages weigh the same unless much of the table is stored apart: then a sample
/// of them says what hangs on each row.
async fn starts(client: &Client, table: &Table, extent: Extent, wanted: u64) -> Result<Vec<i64>> {
    if extent.apart < extent.bytes / 2 {
        let wanted = wanted.min(extent.pages.max(1));
        return Ok((1..wanted)
            .map(|part| range::place(part * extent.pages / wanted))
            .collect());
    }
    let sampled = (wanted * PAGES_PER_CHUNK).min(PAGES_MAX.max(wanted * 2));
    // A row belongs to the part of the whole weight in which it begins; the first row of each part is a bound.
    let sql = format!(
        "WITH sample AS (SELECT {place} AS place, (24 + {weight})::int8 AS weight
           FROM {table} TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)),
         placed AS (
           SELECT place, floor((sum(weight) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) - weight) * {wanted} / sum(weight) OVER ()) AS part
           FROM sample)
         SELECT min(place) FROM placed GROUP BY part ORDER BY 1 OFFSET 1",
        place = range::PLACE,
        weight = weight(table),
        table = rows_of(table),
        percent = percent(sampled, extent.pages),
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn by_place(table: &Table, starts: Vec<i64>) -> Vec<Chunk> {
    let ends = starts.into_iter().map(Some).chain(std::iter::once(None));
    let mut from = None;
    (0_u32..)
        .zip(ends)
        .map(|(index, to)| {
            let from = std::mem::replace(&mut from, to);
            chunk(table, index, KeyRange::Rows { from, to })
        })
        .collect()
}

/// The expression for what a row's values weigh, without reading those that are stored apart.
fn weight(table: &Table) -> String {
    let weights: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.generated.as_ref().is_none_or(|generated| generated.stored))
        .map(|column| format!("coalesce(pg_column_size({}), 0)", quoted(&column.name)))
        .collect();
    match weights.is_empty() {
        true => "0".to_owned(),
        false => weights.join(" + "),
    }
}

/// The first columns of the key that a condition compares in the order that they are sorted in. A type of an extension sorts by operators of
/// its own, and with an empty `search_path` a comparison finds others, or none.
async fn ordered(client: &Client, table: &Table, key: &Key) -> Result<Vec<String>> {
    let sql = format!(
        "WITH RECURSIVE typed(name, type) AS (
           SELECT attname::text, atttypid FROM pg_attribute WHERE attrelid = {}::regclass AND attname = ANY($1)
           UNION ALL
           SELECT name, y.typbasetype FROM typed JOIN pg_type y ON y.oid = type WHERE y.typtype = 'd')
         SELECT name FROM typed JOIN pg_type y ON y.oid = type
         WHERE y.typtype = 'b' AND y.typcategory <> 'A' AND y.typnamespace <> 'pg_catalog'::regnamespace",
        literal(&table_name(&table.id))
    );
    let found = client.query(&sql, &[&key.columns]).await.map_err(from_driver)?;
    let foreign: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    let columns = key.columns.iter().take_while(|name| !foreign.contains(name));
    Ok(columns.cloned().collect())
}

async fn bounds(
    client: &Client,
    table: &Table,
    columns: &[String],
    wanted: u64,
    pages: u64,
) -> Result<Vec<Vec<KeyValue>>> {
    let names: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
    let order = names.join(", ");
    let texts: Vec<String> = names.iter().map(|name| format!("format('%s', {name})")).collect();
    let sampled = (wanted * PAGES_PER_CHUNK).min(PAGES_MAX.max(wanted * 2));
    let percent = percent(sampled, pages);
    // A row belongs to the part of the whole weight in which it begins; the first row of each part is a bound.
    let sql = format!(
        "WITH sample AS (
           SELECT {order}, (24 + {weight})::numeric AS \"whimbrel weight\"
           FROM {table} TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)),
         placed AS (
           SELECT {order}, floor((sum(\"whimbrel weight\") OVER (ORDER BY {order} ROWS UNBOUNDED PRECEDING)
               - \"whimbrel weight\") * {wanted} / sum(\"whimbrel weight\") OVER ()) AS \"whimbrel part\"
           FROM sample),
         firsts AS (
           SELECT {order}, \"whimbrel part\", lag(\"whimbrel part\") OVER (ORDER BY {order}) AS \"whimbrel before\" FROM placed)
         SELECT {texts} FROM firsts WHERE \"whimbrel part\" > \"whimbrel before\" ORDER BY {order}",
        weight = weight(table),
        table = rows_of(table),
        texts = texts.join(", "),
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    let is_integer: Vec<bool> = columns
        .iter()
        .map(|name| {
            table
                .column(name)
                .is_some_and(|column| Kind::parse(&column.native).is_integer())
        })
        .collect();
    let mut bounds: Vec<Vec<KeyValue>> = Vec::with_capacity(rows.len());
    for row in &rows {
        let bound = is_integer
            .iter()
            .enumerate()
            .map(|(at, is_integer)| value(row.get(at), *is_integer))
            .collect();
        if bounds.last() != Some(&bound) {
            bounds.push(bound);
        }
    }
    Ok(bounds)
}

/// The share of the pages in percent, with as many digits as a large table needs.
fn percent(sampled: u64, pages: u64) -> String {
    let millionths = (100_000_000 * u128::from(sampled))
        .div_ceil(u128::from(pages.max(1)))
        .min(100_000_000);
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
}

fn value(text: String, is_integer: bool) -> KeyValue {
    match text.parse() {
        Ok(number) if is_integer => KeyValue::Integer(number),
        _ => KeyValue::Text(text),
    }
}

fn chunks(table: &Table, columns: &[String], bounds: Vec<Vec<KeyValue>>) -> Vec<Chunk> {
    let ends = bounds.into_iter().map(Some).chain(std::iter::once(None));
    let mut from = None;
    (0_u32..)
        .zip(ends)
        .map(|(index, to)| {
            let bound = KeyBound {
                columns: columns.to_vec(),
                from: std::mem::replace(&mut from, to.clone()),
                to,
            };
            chunk(table, index, KeyRange::Keys(bound))
        })
        .collect()
}
