//! Splits a table into chunks by its key, inside the snapshot. Bounds are real keys, found by halving the table until what its rows weigh is
//! about a chunk, so gaps and skew do not matter; the first and the last chunk are open. How a cut is found is `split/probe.rs`.

mod line;
mod probe;

use mysql_async::Value;
use whimbrel_core::{Chunk, Key, KeyBound, KeyRange, Result, Table};

use self::probe::{KeyValues, Part, Probe};
use crate::columns::ServerColumn;
use crate::error::classify;
use crate::native::Kind;
use crate::quote::{literal, quoted, table_name};
use crate::range;
use crate::wire::Session;

/// More chunks than that bring nothing; they grow instead.
const CHUNKS_MAX: usize = 20_000;

/// Rows that are weighed at the beginning of a part.
const WEIGHED_MAX: u64 = 16;
const WEIGHED_MIN: u64 = 4;

/// A whole chunk's share.
const WHOLE_SHARE: u64 = 100;

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
    let mut split = Split {
        probe: Probe {
            session,
            from: from_clause(table, key),
            order: key.columns.iter().map(|name| quoted(name)).collect(),
            columns,
        },
        weight: weight(found, table),
        row_bytes_known: known.row_bytes,
        rows_known: known.rows,
        rows_min: known.rows / u64::try_from(CHUNKS_MAX).unwrap_or(u64::MAX),
        chunk_bytes: chunk_bytes.max(1),
    };
    let bounds = Box::pin(split.bounds()).await?;
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

/// A split that is going on.
struct Split<'a> {
    probe: Probe<'a>,
    weight: String,
    row_bytes_known: u64,
    /// What the server believes about the number of rows.
    rows_known: u64,
    /// Rows that a chunk has at least, so that there are not too many.
    rows_min: u64,
    chunk_bytes: u64,
}

/// A part that needs no further cut.
struct Leaf {
    from: Option<KeyValues>,
    /// How much of a chunk it is, in hundredths.
    share: u64,
}

impl Split<'_> {
    /// Returns the first keys of all chunks but the first.
    async fn bounds(&mut self) -> Result<Vec<KeyValues>> {
        let whole = Part::default();
        let rows = self.probe.estimate(&whole).await?;
        let able = rows.is_some() && self.probe.is_able();
        let mut open = vec![Part {
            rows: rows.unwrap_or(u64::MAX),
            ..whole
        }];
        let mut leaves: Vec<Leaf> = Vec::new();
        while let Some(part) = open.pop() {
            let Some(limit) = self.rows_of_chunk(&part).await? else {
                continue;
            };
            let share = part.rows.saturating_mul(WHOLE_SHARE) / limit;
            // Estimates are rough: what is seen to be little more than one chunk is one.
            let halves = if able && share <= WHOLE_SHARE + WHOLE_SHARE / 4 {
                if !self.is_larger(&part, limit + limit / 4).await? {
                    leaves.push(Leaf {
                        from: part.from,
                        share,
                    });
                    continue;
                }
                None
            } else if able {
                self.probe.halve(&part).await?
            } else {
                None
            };
            match halves {
                Some((left, right)) => open.extend([right, left]),
                None => leaves.extend(self.walk(part).await?),
            }
        }
        Ok(joined(leaves))
    }

    /// How many rows make a chunk, going by what the first rows of the part weigh; none when it has none.
    async fn rows_of_chunk(&mut self, part: &Part) -> Result<Option<u64>> {
        let condition = self.probe.condition(part)?;
        let mut weighed = WEIGHED_MAX;
        loop {
            let Some(row_bytes) = self.row_bytes(&condition, weighed).await? else {
                return Ok(None);
            };
            let fitting = self.chunk_bytes / row_bytes.max(self.row_bytes_known).max(1);
            // Rows far behind the chunk say nothing about it.
            let telling = fitting.saturating_mul(2).max(WEIGHED_MIN);
            if telling >= weighed {
                return Ok(Some(fitting.max(self.rows_min).max(1)));
            }
            weighed = telling;
        }
    }

    /// Tells whether the part has more rows than it seemed to have. The server's word is no more than half of what it last counted in the
    /// whole table, so a part that seems to be as large as that may be of any size.
    async fn is_larger(&mut self, part: &Part, rows: u64) -> Result<bool> {
        if part.rows + 1 < self.rows_known / 2 {
            return Ok(false);
        }
        let condition = self.probe.condition(part)?;
        Ok(self.probe.key(&condition, rows).await?.is_some())
    }

    /// Steps through the part by numbers of rows, for keys on no line: the index is read, though not the rows.
    async fn walk(&mut self, part: Part) -> Result<Vec<Leaf>> {
        let mut leaves = Vec::new();
        let mut rest = part;
        loop {
            let Some(rows) = self.rows_of_chunk(&rest).await? else {
                return Ok(leaves);
            };
            // Where there are many chunks already, each next one doubles the limit's overshoot.
            let crowded = u64::try_from(leaves.len() / CHUNKS_MAX).unwrap_or(0);
            let condition = self.probe.condition(&rest)?;
            let next = self.probe.key(&condition, rows << crowded.min(20)).await?;
            leaves.push(Leaf {
                from: rest.from.take(),
                share: WHOLE_SHARE,
            });
            if next.is_none() {
                return Ok(leaves);
            }
            rest.from = next;
        }
    }

    /// What the next rows weigh on the average; none when there are none.
    async fn row_bytes(&mut self, condition: &str, rows: u64) -> Result<Option<u64>> {
        let sql = format!(
            "SELECT CAST(CEILING(AVG(weight)) AS UNSIGNED) FROM (SELECT {} AS weight FROM {} {condition} ORDER BY {} LIMIT {rows}) weighed",
            self.weight,
            self.probe.from,
            self.probe.order.join(", ")
        );
        let found = self.probe.session.values(&sql).await.map_err(classify)?;
        Ok(match found.first().and_then(|row| row.first()) {
            Some(Value::UInt(bytes)) => Some(*bytes),
            Some(Value::Int(bytes)) => u64::try_from(*bytes).ok(),
            _ => None,
        })
    }
}

/// The bounds between leaves, of which neighbours that together are no more than a chunk become one.
fn joined(leaves: Vec<Leaf>) -> Vec<KeyValues> {
    let mut bounds = Vec::new();
    let mut filled = 0;
    for (at, leaf) in leaves.into_iter().enumerate() {
        filled += leaf.share;
        if at == 0 || filled <= WHOLE_SHARE {
            continue;
        }
        filled = leaf.share;
        bounds.extend(leaf.from);
    }
    bounds
}

fn chunks(table: &Table, key: &Key, bounds: Vec<KeyValues>) -> Vec<Chunk> {
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
