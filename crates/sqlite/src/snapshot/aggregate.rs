//! The second witness: what the engine itself says about a column, by SQL, exactly or not at all. One pass over the table for up to
//! hundreds of columns, with as few terms as prove what is said: the order of storage classes tells from the smallest and the largest
//! value what all of them are.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use whimbrel_core::{ColumnAggregate, LogicalType, ReadColumn, Result, Table, TableAggregate, text_head};

use super::moments::{self, Form};
use crate::catalog::pragma_text;
use crate::codec::real_text;
use crate::declared::{Affinity, affinity};
use crate::error::During;
use crate::sql::quote;

/// Columns that are asked for in one statement; each takes several terms, and the engine has a limit for those.
const COLUMNS_MAX: usize = 300;

/// Returns the aggregates of the columns; without any, the count alone, for which the engine takes the smallest index.
pub(super) fn aggregate(
    connection: &Connection,
    table: &Table,
    columns: &[ReadColumn],
) -> Result<TableAggregate> {
    let what = || format!("sum up `{}`", table.id);
    let is_utf8 = pragma_text(connection, "encoding")? == "UTF-8";
    let mut found = TableAggregate::default();
    let mut parts: Vec<&[ReadColumn]> = columns.chunks(COLUMNS_MAX).collect();
    if parts.is_empty() {
        parts.push(&[]);
    }
    for some in parts {
        let summed = match sum(connection, table, some, |column| Kind::of(column, is_utf8)) {
            // A sum passed 64 bits: two halves of it cannot.
            Err(cause) if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown) => {
                sum(connection, table, some, |column| {
                    Kind::of(column, is_utf8).halved()
                })
            }
            summed => summed,
        };
        let summed = summed.during(what)?;
        found.rows = summed.rows;
        found.columns.extend(summed.columns);
    }
    Ok(found)
}

fn sum(
    connection: &Connection,
    table: &Table,
    columns: &[ReadColumn],
    kind: impl Fn(&ReadColumn) -> Kind,
) -> rusqlite::Result<TableAggregate> {
    let kinds: Vec<Kind> = columns.iter().map(kind).collect();
    let asked: Vec<Vec<String>> = kinds
        .iter()
        .zip(columns)
        .map(|(kind, column)| {
            let found = table.column(&column.name);
            kind.terms(
                &format!("t.{}", quote(&column.name)),
                found.is_none_or(|found| found.nullable),
            )
        })
        .collect();
    let mut terms = vec!["count(*)".to_owned()];
    terms.extend(asked.iter().flatten().cloned());
    let sql = format!("SELECT {} FROM {} t", terms.join(", "), quote(&table.id.name));
    connection.query_row(&sql, [], |row| {
        let rows = row.get::<_, i64>(0)?.unsigned_abs();
        let mut at = 1;
        let mut found = TableAggregate {
            rows,
            ..TableAggregate::default()
        };
        for ((kind, column), asked) in kinds.iter().zip(columns).zip(&asked) {
            let answer = kind.answer(&Answer { row, at, rows })?;
            found.columns.insert(column.name.clone(), answer);
            at += asked.len();
        }
        Ok(found)
    })
}

/// How a column can be summed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The sum, smallest and largest.
    Integer,
    /// The same; smallest and largest also where some are reals.
    Number,
    /// The same as of integers with two halves of the sum, so that it cannot overflow.
    Halves,
    /// Smallest and largest.
    Real,
    /// The true ones.
    Boolean,
    /// Lengths, smallest and largest.
    Text,
    /// Lengths.
    Bytes,
    /// Lengths, where every class but numbers has one.
    Lengths,
    /// Lengths, where numbers are stored beside what has one.
    MixedLengths,
    Date,
    Time,
    /// A timestamp, and whether it is zoned.
    Moment(bool),
    /// Nothing but NULLs.
    Counted,
}

impl Kind {
    fn of(column: &ReadColumn, is_utf8: bool) -> Self {
        let affinity = affinity(&column.native);
        match &column.logical {
            // Text is never stored as an integer.
            // With places behind the point most are reals, of which no sum is exact.
            LogicalType::Decimal { scale: Some(1..), .. } => Self::Counted,
            LogicalType::Integer { .. } | LogicalType::Decimal { .. } if affinity != Affinity::Text => {
                Self::Integer
            }
            LogicalType::Boolean => Self::Boolean,
            LogicalType::Text { .. } if is_utf8 => Self::Text,
            LogicalType::Bytes => Self::Bytes,
            LogicalType::Any => match affinity {
                Affinity::Integer | Affinity::Numeric => Self::Number,
                Affinity::Real => Self::Real,
                Affinity::Text if is_utf8 => Self::Lengths,
                Affinity::Blob if is_utf8 => Self::MixedLengths,
                Affinity::Text | Affinity::Blob => Self::Counted,
            },
            LogicalType::Date => Self::Date,
            LogicalType::Time => Self::Time,
            LogicalType::Timestamp { zoned } => Self::Moment(*zoned),
            LogicalType::Integer { .. }
            | LogicalType::Decimal { .. }
            | LogicalType::Float { .. }
            | LogicalType::Text { .. }
            | LogicalType::Bits { .. }
            | LogicalType::TimeZoned
            | LogicalType::Interval
            | LogicalType::Uuid
            | LogicalType::Json
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. }
            | LogicalType::Wire { .. } => Self::Counted,
        }
    }

    fn halved(self) -> Self {
        if matches!(self, Self::Integer | Self::Number) {
            Self::Halves
        } else {
            self
        }
    }

    /// The terms for a column, the count of what is not NULL first: where nothing can be NULL, that of the rows, which is asked for anyway.
    fn terms(self, c: &str, nullable: bool) -> Vec<String> {
        let smallest_and_largest = || [format!("min({c})"), format!("max({c})")];
        let of_class = |class: &str| format!("count(*) FILTER (WHERE typeof({c}) = '{class}')");
        let counted = if nullable { c } else { "*" };
        let mut terms = vec![format!("count({counted})")];
        match self {
            Self::Integer | Self::Number => {
                terms.push(format!("sum({c})"));
                terms.extend(smallest_and_largest());
            }
            Self::Halves => {
                terms.push(of_class("integer"));
                terms.push(format!("sum({c} >> 32)"));
                terms.push(format!("sum({c} & 4294967295)"));
                terms.extend(smallest_and_largest());
            }
            Self::Real => terms.extend(smallest_and_largest()),
            Self::Boolean => {
                terms.extend([0, 1].map(|value| {
                    format!("count(*) FILTER (WHERE typeof({c}) = 'integer' AND {c} = {value})")
                }));
            }
            Self::Text => terms.extend([
                format!("sum(octet_length({c}))"),
                format!("typeof(min({c} COLLATE BINARY)) || typeof(max({c} COLLATE BINARY))"),
                format!("CAST(min({c} COLLATE BINARY) AS BLOB)"),
                format!("CAST(max({c} COLLATE BINARY) AS BLOB)"),
            ]),
            Self::Bytes => terms.extend([of_class("blob"), format!("sum(octet_length({c}))")]),
            Self::Lengths => terms.push(format!("sum(octet_length({c}))")),
            Self::MixedLengths => terms.push(format!(
                "sum(octet_length({c})) FILTER (WHERE typeof({c}) = 'text' OR typeof({c}) = 'blob')"
            )),
            Self::Date => terms.extend(first_and_last(c, &moments::DATE)),
            Self::Time => terms.extend(first_and_last(c, &moments::TIME)),
            Self::Moment(false) => terms.extend(first_and_last(c, &moments::TIMESTAMP)),
            Self::Moment(true) => terms.extend(first_and_last(c, &moments::TIMESTAMP_ZONED)),
            Self::Counted => {}
        }
        terms
    }

    fn answer(self, found: &Answer<'_>) -> rusqlite::Result<ColumnAggregate> {
        let count = found.number(0)?;
        let mut aggregate = ColumnAggregate {
            nulls: found.rows - count,
            ..ColumnAggregate::default()
        };
        match self {
            Self::Integer | Self::Number | Self::Real => found.numbers(&mut aggregate, self)?,
            Self::Halves if found.number(1)? == count => {
                let half = |at: usize| {
                    found
                        .row
                        .get::<_, Option<i64>>(found.at + at)
                        .map(Option::unwrap_or_default)
                };
                let sum = (i128::from(half(2)?) << 32) + i128::from(half(3)?);
                aggregate.sum = Some(sum.to_string());
                aggregate.min = found.number_text(4)?;
                aggregate.max = found.number_text(5)?;
            }
            Self::Boolean => {
                let (falses, trues) = (found.number(1)?, found.number(2)?);
                aggregate.trues = (falses + trues == count).then_some(trues);
            }
            Self::Text => {
                let classes: String = found.row.get(found.at + 2)?;
                if count == 0 || classes == "texttext" {
                    aggregate.bytes = Some(found.number(1)?);
                    aggregate.min = found.bytes_as_text(3)?;
                    aggregate.max = found.bytes_as_text(4)?;
                }
            }
            Self::Bytes if found.number(1)? == count => aggregate.bytes = Some(found.number(2)?),
            Self::Lengths | Self::MixedLengths => aggregate.bytes = Some(found.number(1)?),
            Self::Date | Self::Time | Self::Moment(_) if found.number(1)? == count => {
                aggregate.min = found.row.get(found.at + 2)?;
                aggregate.max = found.row.get(found.at + 3)?;
            }
            Self::Halves | Self::Bytes | Self::Date | Self::Time | Self::Moment(_) | Self::Counted => {}
        }
        Ok(aggregate)
    }
}

/// The terms of one column in the row of answers.
struct Answer<'a> {
    row: &'a Row<'a>,
    at: usize,
    rows: u64,
}

impl Answer<'_> {
    /// A count, or a sum of which nothing may be NULL.
    fn number(&self, at: usize) -> rusqlite::Result<u64> {
        let number: Option<i64> = self.row.get(self.at + at)?;
        Ok(number.unwrap_or(0).unsigned_abs())
    }

    /// Fills in smallest and largest when all values are numbers, and the sum when all are integers: the sum of anything else is no
    /// integer, and text and blobs come behind all numbers.
    fn numbers(&self, aggregate: &mut ColumnAggregate, kind: Kind) -> rusqlite::Result<()> {
        let summed = kind != Kind::Real;
        let (min, max) = if summed { (2, 3) } else { (1, 2) };
        let largest = self.row.get_ref(self.at + max)?;
        if matches!(largest, ValueRef::Text(_) | ValueRef::Blob(_)) {
            return Ok(());
        }
        if summed {
            aggregate.sum = match self.row.get_ref(self.at + 1)? {
                ValueRef::Integer(sum) => Some(sum.to_string()),
                ValueRef::Null => Some("0".to_owned()),
                ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
            };
        }
        if kind != Kind::Integer || aggregate.sum.is_some() {
            aggregate.min = self.number_text(min)?;
            aggregate.max = self.number_text(max)?;
        }
        Ok(())
    }

    fn number_text(&self, at: usize) -> rusqlite::Result<Option<String>> {
        Ok(match self.row.get_ref(self.at + at)? {
            ValueRef::Integer(number) => Some(number.to_string()),
            // Zero is the smallest with either sign.
            ValueRef::Real(real) => Some(real_text(real + 0.0)),
            ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => None,
        })
    }

    fn bytes_as_text(&self, at: usize) -> rusqlite::Result<Option<String>> {
        let bytes: Option<Vec<u8>> = self.row.get(self.at + at)?;
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.map(|text| text_head(&text).to_owned()))
    }
}

/// How many values are moments in canonical form, and the smallest and the largest text: the first and the last, when all are.
fn first_and_last(c: &str, form: &Form) -> [String; 3] {
    [
        format!("count(*) FILTER (WHERE {}({c}))", form.function),
        format!("min({c} COLLATE BINARY)"),
        format!("max({c} COLLATE BINARY)"),
    ]
}
