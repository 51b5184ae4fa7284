//! Splits a table into chunks of about equal bytes. Bounds are real keys from a sample of pages, weighted by what the
//! rows weigh, so gaps and skew do not matter; the first and the last chunk are open, so rows outside the sample are covered.

use tokio_postgres::Client;
use whimbrel_core::{Chunk, Key, KeyBound, KeyRange, KeyValue, Result, Table};

use crate::error::from_driver;
use crate::large_objects;
use crate::native::Kind;
use crate::quote::{literal, quoted, rows_of, table_name};

/// Pages looked at for each chunk, and at most in all: a large table needs fewer for each.
const PAGES_PER_CHUNK: u64 = 32;
const PAGES_MAX: u64 = 50_000;

/// More chunks than that bring nothing; they grow instead.
const CHUNKS_MAX: u64 = 20_000;

pub(crate) async fn split(client: &Client, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
    let whole = || {
        vec![Chunk {
            table: table.id.clone(),
            index: 0,
            range: KeyRange::All,
        }]
    };
    if large_objects::is_store(&table.id) {
        return Ok(whole());
    }
    let Some(key) = table.identity_key().filter(|key| !key.columns.is_empty()) else {
        return Ok(whole());
    };
    let (bytes, pages) = size(client, table).await?;
    let wanted = bytes.div_ceil(chunk_bytes.max(1)).min(CHUNKS_MAX);
    if wanted < 2 {
        return Ok(whole());
    }
    let bounds = bounds(client, table, key, wanted, pages).await?;
    if bounds.is_empty() {
        return Ok(whole());
    }
    Ok(chunks(table, key, bounds))
}

/// Bytes of the table with its large values, and pages of the table alone.
async fn size(client: &Client, table: &Table) -> Result<(u64, u64)> {
    let further = if table.flattened {
        "UNION SELECT i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid"
    } else {
        "UNION SELECT NULL WHERE false"
    };
    let sql = format!(
        "WITH RECURSIVE part(oid) AS (SELECT {}::regclass::oid {further})
         SELECT coalesce(sum(pg_table_size(oid)), 0)::int8, coalesce(sum(pg_relation_size(oid) / current_setting('block_size')::int8), 0)::int8
         FROM part",
        literal(&table_name(&table.id))
    );
    let row = client.query_one(&sql, &[]).await.map_err(from_driver)?;
    let number = |at: usize| u64::try_from(row.get::<_, i64>(at)).unwrap_or(0);
    Ok((number(0), number(1)))
}

async fn bounds(
    client: &Client,
    table: &Table,
    key: &Key,
    wanted: u64,
    pages: u64,
) -> Result<Vec<Vec<KeyValue>>> {
    let names: Vec<String> = key.columns.iter().map(|name| quoted(name)).collect();
    let order = names.join(", ");
    let texts: Vec<String> = names.iter().map(|name| format!("format('%s', {name})")).collect();
    let weights: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.generated.as_ref().is_none_or(|generated| generated.stored))
        .map(|column| format!("coalesce(pg_column_size({}), 0)", quoted(&column.name)))
        .collect();
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
        weight = weights.join(" + "),
        table = rows_of(table),
        texts = texts.join(", "),
    );
    let rows = client.query(&sql, &[]).await.map_err(from_driver)?;
    let is_integer: Vec<bool> = key
        .columns
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

fn chunks(table: &Table, key: &Key, bounds: Vec<Vec<KeyValue>>) -> Vec<Chunk> {
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
