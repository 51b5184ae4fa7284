//! The second witness: what the engine itself says about a column, by SQL alone, exactly or not at all.

use rusqlite::{Connection, Row};
use whimbrel_core::{ColumnAggregate, LogicalType, ReadColumn, Result, Table, TableAggregate};

use crate::catalog::pragma_text;
use crate::error::During;
use crate::sql::quote;

/// Columns that are asked for in one statement; each takes several terms, and the engine has a limit for those.
const COLUMNS_MAX: usize = 100;

/// Returns the aggregates of the columns.
pub(super) fn aggregate(
    connection: &Connection,
    table: &Table,
    columns: &[ReadColumn],
) -> Result<TableAggregate> {
    let what = || format!("sum up `{}`", table.id);
    let is_utf8 = pragma_text(connection, "encoding")? == "UTF-8";
    let rows = connection
        .query_row(
            &format!("SELECT count(*) FROM {}", quote(&table.id.name)),
            [],
            |row| row.get::<_, i64>(0),
        )
        .during(what)?
        .unsigned_abs();
    let mut found = TableAggregate {
        rows,
        ..TableAggregate::default()
    };
    for some in columns.chunks(COLUMNS_MAX) {
        let asked: Vec<Asked> = some.iter().map(|column| Asked::of(column, is_utf8)).collect();
        let terms: Vec<String> = asked.iter().flat_map(|asked| asked.terms.clone()).collect();
        let sql = format!("SELECT {} FROM {} t", terms.join(", "), quote(&table.id.name));
        connection
            .query_row(&sql, [], |row| {
                let mut at = 0;
                for (column, asked) in some.iter().zip(&asked) {
                    let aggregate = asked.answer(row, at)?;
                    found.columns.insert(column.name.clone(), aggregate);
                    at += asked.terms.len();
                }
                Ok(())
            })
            .during(what)?;
    }
    Ok(found)
}

/// What is asked about a column: two counts first, then what its kind needs.
struct Asked {
    kind: Kind,
    terms: Vec<String>,
}

/// How a column can be summed up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Two halves of the sum, so that it cannot overflow; smallest and largest.
    Integer,
    /// The true ones.
    Boolean,
    /// Lengths, smallest and largest.
    Text,
    /// Lengths.
    Bytes,
    /// Smallest and largest, when every text is in the canonical form.
    Moment,
    /// Nothing but NULLs.
    Counted,
}

impl Asked {
    fn of(column: &ReadColumn, is_utf8: bool) -> Self {
        let c = format!("t.{}", quote(&column.name));
        let (kind, fits, more) = match &column.logical {
            LogicalType::Integer { .. } | LogicalType::Decimal { .. } => (
                Kind::Integer,
                format!("typeof({c}) = 'integer'"),
                vec![
                    format!("ifnull(sum({c} >> 32), 0)"),
                    format!("ifnull(sum({c} & 4294967295), 0)"),
                    format!("min({c})"),
                    format!("max({c})"),
                ],
            ),
            LogicalType::Boolean => (
                Kind::Boolean,
                format!("typeof({c}) = 'integer' AND {c} IN (0, 1)"),
                vec![format!("count(*) FILTER (WHERE {c} = 1)")],
            ),
            LogicalType::Text { .. } if is_utf8 => (
                Kind::Text,
                format!("typeof({c}) = 'text'"),
                vec![
                    format!("ifnull(sum(octet_length({c})), 0)"),
                    format!("CAST(min({c} COLLATE BINARY) AS BLOB)"),
                    format!("CAST(max({c} COLLATE BINARY) AS BLOB)"),
                ],
            ),
            LogicalType::Bytes => (
                Kind::Bytes,
                format!("typeof({c}) = 'blob'"),
                vec![format!("ifnull(sum(octet_length({c})), 0)")],
            ),
            LogicalType::Any if is_utf8 => (
                Kind::Bytes,
                "1".to_owned(),
                vec![format!("ifnull(sum(octet_length({c})), 0)")],
            ),
            LogicalType::Date => moment(&c, canonical_date(&c)),
            LogicalType::Time => moment(&c, canonical_time(&c, 1, "")),
            LogicalType::Timestamp { zoned } => {
                let zone = if *zoned { "+00:00" } else { "" };
                let date = canonical_date(&format!("substr({c}, 1, 10)"));
                let time = canonical_time(&c, 12, zone);
                moment(&c, format!("{date} AND substr({c}, 11, 1) = ' ' AND {time}"))
            }
            LogicalType::Float { .. }
            | LogicalType::Text { .. }
            | LogicalType::Bits { .. }
            | LogicalType::TimeZoned
            | LogicalType::Interval
            | LogicalType::Uuid
            | LogicalType::Json
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. }
            | LogicalType::Any
            | LogicalType::Wire { .. } => (Kind::Counted, "1".to_owned(), Vec::new()),
        };
        let counts = [
            format!("count(*) FILTER (WHERE {c} IS NULL)"),
            format!("count(*) FILTER (WHERE {c} IS NOT NULL AND NOT ({fits}))"),
        ];
        Self {
            kind,
            terms: counts.into_iter().chain(more).collect(),
        }
    }

    fn answer(&self, row: &Row<'_>, at: usize) -> rusqlite::Result<ColumnAggregate> {
        let mut aggregate = ColumnAggregate {
            nulls: row.get::<_, i64>(at)?.unsigned_abs(),
            ..ColumnAggregate::default()
        };
        let all_fit = row.get::<_, i64>(at + 1)? == 0;
        if !all_fit {
            return Ok(aggregate);
        }
        let number = |at: usize| row.get::<_, i64>(at);
        let bytes_as_text = |at: usize| {
            let bytes: Option<Vec<u8>> = row.get(at)?;
            Ok::<_, rusqlite::Error>(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
        };
        match self.kind {
            Kind::Integer => {
                let sum = (i128::from(number(at + 2)?) << 32) + i128::from(number(at + 3)?);
                aggregate.sum = Some(sum.to_string());
                aggregate.min = row.get::<_, Option<i64>>(at + 4)?.map(|min| min.to_string());
                aggregate.max = row.get::<_, Option<i64>>(at + 5)?.map(|max| max.to_string());
            }
            Kind::Boolean => aggregate.trues = Some(number(at + 2)?.unsigned_abs()),
            Kind::Text => {
                aggregate.bytes = Some(number(at + 2)?.unsigned_abs());
                aggregate.min = bytes_as_text(at + 3)?;
                aggregate.max = bytes_as_text(at + 4)?;
            }
            Kind::Bytes => aggregate.bytes = Some(number(at + 2)?.unsigned_abs()),
            Kind::Moment => {
                aggregate.min = row.get(at + 2)?;
                aggregate.max = row.get(at + 3)?;
            }
            Kind::Counted => {}
        }
        Ok(aggregate)
    }
}

/// In canonical form, with years of four digits, the order of the texts is the order of the moments.
fn moment(c: &str, canonical: String) -> (Kind, String, Vec<String>) {
    (
        Kind::Moment,
        format!("typeof({c}) = 'text' AND {canonical}"),
        vec![
            format!("min({c} COLLATE BINARY)"),
            format!("max({c} COLLATE BINARY)"),
        ],
    )
}

fn canonical_date(c: &str) -> String {
    format!("{c} GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'")
}

/// `HH:MM:SS` from the position on, a fraction without trailing zeros, then the zone.
fn canonical_time(c: &str, from: usize, zone: &str) -> String {
    let clock = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]";
    let tail = format!("substr({c}, {})", from + 8);
    let fraction = (1..=6).map(|digits| {
        let free = "[0-9]".repeat(digits - 1);
        format!("{tail} GLOB '.{free}[1-9]{zone}'")
    });
    let tails: Vec<String> = [format!("{tail} = '{zone}'")]
        .into_iter()
        .chain(fraction)
        .collect();
    format!(
        "substr({c}, {from}, 8) GLOB '{clock}' AND ({})",
        tails.join(" OR ")
    )
}
