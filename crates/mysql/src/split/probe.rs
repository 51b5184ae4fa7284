//! Halves a range of keys by probes into the key's index: a place between the ends is named, the server says which key stands there and
//! about how many rows are on either side of it. The rows between are not read, however many there are.

use mysql_async::Row;
use whimbrel_core::{Error, KeyValue, Result};

use super::line::Line;
use crate::codec::key;
use crate::columns::ServerColumn;
use crate::error::classify;
use crate::native::Kind;
use crate::range::{self, Side};
use crate::wire::Session;

/// Places that are tried for one cut.
const TRIES: usize = 48;

/// The smaller half has at least so much of the whole, or another place is tried.
const UNEVEN: u64 = 4;

/// A key: one value per column.
pub(super) type KeyValues = Vec<KeyValue>;

/// A half-open range of keys.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub(super) from: Option<KeyValues>,
    pub(super) to: Option<KeyValues>,
    /// About how many rows it has.
    pub(super) rows: u64,
}

/// An index that is probed.
pub(super) struct Probe<'a> {
    pub(super) session: &'a mut Session,
    /// The table by way of the index.
    pub(super) from: String,
    /// The index's columns as they are spelled in ORDER BY.
    pub(super) order: Vec<String>,
    pub(super) columns: Vec<&'a ServerColumn>,
}

impl Probe<'_> {
    /// Tells whether places between keys can be named: the first column lies on a line.
    pub(super) fn is_able(&self) -> bool {
        self.columns.first().is_some_and(|first| match &first.kind {
            Kind::Integer { .. } | Kind::Binary(_) | Kind::Varbinary(_) => true,
            // Not all bytes are a text in other character sets.
            Kind::Char(_) | Kind::Varchar(_) => {
                first.is_stored_as_utf8() || first.charset.as_deref() == Some("latin1")
            }
            Kind::Decimal { .. }
            | Kind::Float { .. }
            | Kind::Bit(_)
            | Kind::Text(_)
            | Kind::Blob(_)
            | Kind::Enum(_)
            | Kind::Set(_)
            | Kind::Date
            | Kind::Time(_)
            | Kind::Datetime(_)
            | Kind::Timestamp(_)
            | Kind::Year
            | Kind::Json
            | Kind::Spatial(_)
            | Kind::Uuid
            | Kind::Inet4
            | Kind::Inet6
            | Kind::Vector(_)
            | Kind::Other(_) => false,
        })
    }

    /// Returns the condition of a part, with `WHERE`; empty for the whole table.
    pub(super) fn condition(&self, part: &Part) -> Result<String> {
        let from = part
            .from
            .as_ref()
            .map(|key| range::side(&self.columns, key, Side::From));
        let to = part
            .to
            .as_ref()
            .map(|key| range::side(&self.columns, key, Side::Before));
        let sides: Vec<String> = from.into_iter().chain(to).collect::<Result<_>>()?;
        Ok(match sides.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", sides.join(" AND ")),
        })
    }

    /// About how many rows the part has, as the server's optimizer sees it; none when it does not say.
    pub(super) async fn estimate(&mut self, part: &Part) -> Result<Option<u64>> {
        let sql = format!("EXPLAIN SELECT 1 FROM {} {}", self.from, self.condition(part)?);
        let row: Option<Row> = self.session.query_first(&sql).await.map_err(classify)?;
        Ok(row.and_then(|row| row.get_opt::<Option<u64>, _>("rows")?.ok()?))
    }

    /// The key of the first row of the part, or so many rows on.
    pub(super) async fn key(&mut self, condition: &str, offset: u64) -> Result<Option<KeyValues>> {
        self.key_of(condition, &self.order.join(", "), offset).await
    }

    async fn last_key(&mut self, condition: &str) -> Result<Option<KeyValues>> {
        let backwards = format!("{} DESC", self.order.join(" DESC, "));
        self.key_of(condition, &backwards, 0).await
    }

    async fn key_of(&mut self, condition: &str, order: &str, offset: u64) -> Result<Option<KeyValues>> {
        let keys: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.key_expression())
            .collect();
        let sql = format!(
            "SELECT {} FROM {} {condition} ORDER BY {order} LIMIT 1 OFFSET {offset}",
            keys.join(", "),
            self.from,
        );
        let found = self.session.values(&sql).await.map_err(classify)?;
        let Some(row) = found.first() else {
            return Ok(None);
        };
        let values: Option<KeyValues> = self
            .columns
            .iter()
            .zip(row)
            .map(|(column, value)| key::value(column, value))
            .collect();
        values
            .map(Some)
            .ok_or_else(|| Error::bug("a key's value has no exact form"))
    }

    /// Cuts the part in two of about the same size; none when no place for a cut is found.
    pub(super) async fn halve(&mut self, part: &Part) -> Result<Option<(Part, Part)>> {
        let condition = self.condition(part)?;
        let low = match &part.from {
            Some(key) => Some(key.clone()),
            None => self.key(&condition, 0).await?,
        };
        let high = match &part.to {
            Some(key) => Some(key.clone()),
            None => self.last_key(&condition).await?,
        };
        let ends = low.zip(high);
        let line = ends
            .as_ref()
            .and_then(|(low, high)| Line::through(low.first()?, high.first()?));
        let Some((line, mut low, mut high)) = line else {
            return Ok(None);
        };
        let mut best: Option<(Part, Part)> = None;
        for _ in 0..TRIES {
            if high - low < 2 {
                break;
            }
            let middle = low + (high - low) / 2;
            let Some(cut) = self.cut(part, &line, middle).await? else {
                high = middle;
                continue;
            };
            let (left, right) = (cut.0.rows, cut.1.rows);
            let smaller = |cut: &(Part, Part)| cut.0.rows.min(cut.1.rows);
            if best.as_ref().is_none_or(|best| smaller(best) < smaller(&cut)) {
                best = Some(cut);
            }
            if left.min(right) >= (left + right) / UNEVEN {
                break;
            }
            match left < right {
                true => low = middle,
                false => high = middle,
            }
        }
        Ok(best.filter(|(left, right)| left.rows > 0 && right.rows > 0))
    }

    /// Cuts the part at the first key at the place or behind it; none when there is no such key.
    async fn cut(&mut self, part: &Part, line: &Line, place: i128) -> Result<Option<(Part, Part)>> {
        let (Some(first), Some(value)) = (self.columns.first(), line.value(place)) else {
            return Ok(None);
        };
        let at_place = range::side(std::slice::from_ref(first), &[value], Side::From)?;
        let condition = match self.condition(part)?.as_str() {
            "" => format!("WHERE {at_place}"),
            condition => format!("{condition} AND {at_place}"),
        };
        let Some(key) = self.key(&condition, 0).await? else {
            return Ok(None);
        };
        let mut left = Part {
            from: part.from.clone(),
            to: Some(key.clone()),
            rows: 0,
        };
        let mut right = Part {
            from: Some(key),
            to: part.to.clone(),
            rows: 1,
        };
        if left.from == left.to {
            // Nothing is on the near side of the place.
            return Ok(Some((left, right)));
        }
        for half in [&mut left, &mut right] {
            let Some(rows) = self.estimate(half).await? else {
                return Ok(None);
            };
            half.rows = rows;
        }
        Ok(Some((left, right)))
    }
}
