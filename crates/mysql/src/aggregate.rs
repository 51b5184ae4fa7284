//! The second witness: what the server itself says about a table, in the text forms that all engines share. It does not go through our
//! decoder, because it is there to catch its mistakes.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the pairs that compare exactly are listed"
)]

use mysql_async::{Row, Value};
use whimbrel_core::{
    ColumnAggregate, Error, LogicalType, ReadColumn, Result, TEXT_HEAD_CHARS, Table, TableAggregate,
    ValueRule, canonical_decimal, format_date, format_time, format_timestamp, parse_date, parse_time,
    parse_timestamp, text_head,
};

use crate::columns::{ServerColumn, find};
use crate::error::classify;
use crate::native::Kind;
use crate::profile::{count, is_no_day};
use crate::quote::{quoted, table_name};
use crate::wire::Session;

/// The head of a text is within as many bytes.
const HEAD_BYTES_MAX: usize = 4 * TEXT_HEAD_CHARS;

/// A sum of decimals has 22 digits more than these, and 65 at most.
const SUMMED_DIGITS_MAX: u32 = 43;

/// The server takes at most 4,096 expressions in one list.
const EXPRESSIONS_MAX: usize = 4_000;

/// What is compared about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    /// Smallest, largest, and the sum where it is exact.
    Number {
        sum: bool,
    },
    /// Smallest and largest in the server's words, for another server of the same kind.
    Printed,
    Date,
    Time,
    Timestamp {
        zoned: bool,
    },
    /// Text as it travels to other engines.
    Text,
    /// Blank-padded text, whose length depends on the engine.
    Padded,
    Bytes,
    Boolean,
    Nulls,
}

/// Returns what the server says about the columns, in the state that the session sees.
pub(crate) async fn aggregate(
    session: &mut Session,
    found: &[ServerColumn],
    table: &Table,
    columns: &[ReadColumn],
) -> Result<TableAggregate> {
    let mut expressions = vec!["COUNT(*)".to_owned()];
    let mut measures = Vec::with_capacity(columns.len());
    for column in columns {
        let server = find(found, &table.id, &column.name)?;
        let measure = measure(server, column);
        let value = value(server, column);
        // The server vouches that such a column holds no NULL; a rule may make some.
        let is_filled =
            column.rule.is_none() && table.column(&column.name).is_some_and(|column| !column.nullable);
        expressions.push(match is_filled {
            true => "0".to_owned(),
            false => format!("COUNT(*) - COUNT({value})"),
        });
        expressions.extend(asked(measure, server, &value));
        measures.push(measure);
    }
    let values = texts(session, table, &expressions).await?;
    Ok(gathered(columns, measures, values))
}

/// Returns what the server would say about the columns of a table without rows.
pub(crate) fn of_nothing(table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate> {
    let described: Vec<ServerColumn> = table.columns.iter().map(ServerColumn::described).collect();
    let mut measures = Vec::with_capacity(columns.len());
    for column in columns {
        measures.push(measure(find(&described, &table.id, &column.name)?, column));
    }
    // No aggregate of no rows has a value but the counts.
    Ok(gathered(columns, measures, Vec::new()))
}

fn gathered(columns: &[ReadColumn], measures: Vec<Measure>, values: Vec<Option<String>>) -> TableAggregate {
    let mut values = values.into_iter();
    let mut result = TableAggregate {
        rows: count(values.next().flatten().as_ref()),
        ..TableAggregate::default()
    };
    for (column, measure) in columns.iter().zip(measures) {
        let aggregate = read(measure, &mut || values.next().flatten());
        result.columns.insert(column.name.clone(), aggregate);
    }
    result
}

/// Returns the text of each expression over the table, in order: one pass for as many as a statement takes.
async fn texts(session: &mut Session, table: &Table, expressions: &[String]) -> Result<Vec<Option<String>>> {
    let mut found = Vec::with_capacity(expressions.len());
    for group in expressions.chunks(EXPRESSIONS_MAX) {
        let sql = format!("SELECT {} FROM {}", group.join(", "), table_name(&table.id));
        let row: Option<Row> = session.query_first(&sql).await.map_err(classify)?;
        let row = row.ok_or_else(|| Error::bug("a query of aggregates gave no row"))?;
        found.extend(row.unwrap().into_iter().map(|value| match value {
            Value::Bytes(text) => Some(String::from_utf8_lossy(&text).into_owned()),
            _ => None,
        }));
    }
    Ok(found)
}

/// The column, or what its rule makes of it where that can be said in SQL.
fn value(server: &ServerColumn, column: &ReadColumn) -> String {
    let name = quoted(&column.name);
    let is_date = matches!(server.kind, Kind::Date | Kind::Datetime(_) | Kind::Timestamp(_));
    match (&column.rule, &column.logical) {
        (_, LogicalType::Wire { .. }) | (None, _) => name,
        (Some(ValueRule::InvalidToNull), _) if is_date => {
            format!("CASE WHEN NOT {} THEN {name} END", is_no_day(&name))
        }
        (Some(_), _) => name,
    }
}

fn measure(server: &ServerColumn, column: &ReadColumn) -> Measure {
    let kind = &server.kind;
    let of_kind = of_kind(kind);
    let wanted = match &column.logical {
        LogicalType::Wire { .. } if has_range(kind) => Measure::Printed,
        LogicalType::Wire { .. } => of_kind,
        LogicalType::Boolean if matches!(kind, Kind::Integer { .. } | Kind::Bit(1)) => Measure::Boolean,
        LogicalType::Integer { .. } | LogicalType::Decimal { .. }
            if matches!(of_kind, Measure::Number { .. }) =>
        {
            of_kind
        }
        LogicalType::Date => of_kind,
        // Shapes travel in another form than they are stored in; text as bytes is not converted.
        LogicalType::Bytes if matches!(kind, Kind::Spatial(_)) => Measure::Nulls,
        LogicalType::Bytes if kind.is_text() => Measure::Bytes,
        LogicalType::Bytes => of_kind,
        LogicalType::Time if matches!(kind, Kind::Time(_)) => Measure::Time,
        LogicalType::Timestamp { zoned } if matches!(kind, Kind::Datetime(_) | Kind::Timestamp(_)) => {
            Measure::Timestamp { zoned: *zoned }
        }
        LogicalType::Text { padded: true, .. } => Measure::Padded,
        LogicalType::Text { .. } | LogicalType::Enum { .. } if kind.is_text() => Measure::Text,
        _ => Measure::Nulls,
    };
    match (&column.rule, wanted) {
        (None | Some(ValueRule::InvalidToNull), wanted) => wanted,
        // What the rule makes of a value is known to who applies it.
        (Some(_), _) => Measure::Nulls,
    }
}

fn of_kind(kind: &Kind) -> Measure {
    match kind {
        Kind::Integer { .. } | Kind::Year => Measure::Number { sum: true },
        Kind::Decimal { precision, .. } => Measure::Number {
            sum: *precision <= SUMMED_DIGITS_MAX,
        },
        Kind::Date => Measure::Date,
        Kind::Time(_) => Measure::Time,
        Kind::Datetime(_) => Measure::Timestamp { zoned: false },
        Kind::Timestamp(_) => Measure::Timestamp { zoned: true },
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) | Kind::Enum(_) | Kind::Set(_) => Measure::Text,
        Kind::Binary(_) | Kind::Varbinary(_) | Kind::Blob(_) | Kind::Spatial(_) | Kind::Vector(_) => {
            Measure::Bytes
        }
        Kind::Float { .. }
        | Kind::Bit(_)
        | Kind::Json
        | Kind::Uuid
        | Kind::Inet4
        | Kind::Inet6
        | Kind::Other(_) => Measure::Nulls,
    }
}

/// Tells whether the server orders values that other engines print or hold in another way.
fn has_range(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Float { .. } | Kind::Date | Kind::Time(_) | Kind::Datetime(_) | Kind::Timestamp(_)
    )
}

/// What is asked of the server for a column behind the number of its NULLs.
fn asked(measure: Measure, server: &ServerColumn, value: &str) -> Vec<String> {
    let mut list = Vec::new();
    let range = |value: &str| [format!("MIN({value})"), format!("MAX({value})")];
    match measure {
        Measure::Number { sum } => {
            // Only a year needs to be made one; each addition costs as much as the sum.
            let number = match server.kind {
                Kind::Year => format!("{value} + 0"),
                _ => value.to_owned(),
            };
            list.push(match sum {
                true => format!("SUM({number})"),
                false => "NULL".to_owned(),
            });
            list.extend(range(&number));
        }
        // Addition shows all digits of a short float, which is printed with six.
        Measure::Printed if matches!(server.kind, Kind::Float { .. }) => {
            list.extend(range(&format!("{value} + 0e0")));
        }
        Measure::Printed | Measure::Date | Measure::Time | Measure::Timestamp { .. } => {
            list.extend(range(value));
        }
        Measure::Text => {
            let bytes = match server.is_stored_as_utf8() {
                true => format!("CAST({value} AS BINARY)"),
                false => format!("CAST(CONVERT({value} USING utf8mb4) AS BINARY)"),
            };
            let cut = |found: &String| format!("LEFT({found}, {HEAD_BYTES_MAX})");
            let measured = if server.is_stored_as_utf8() { value } else { &bytes };
            list.push(format!("SUM(LENGTH({measured}))"));
            list.extend(range(&bytes).iter().map(cut));
        }
        Measure::Bytes => list.push(format!("SUM(LENGTH({value}))")),
        Measure::Boolean => list.push(format!("SUM({value} + 0 <> 0)")),
        Measure::Padded | Measure::Nulls => {}
    }
    list
}

fn read(measure: Measure, next: &mut dyn FnMut() -> Option<String>) -> ColumnAggregate {
    let mut aggregate = ColumnAggregate {
        nulls: count(next().as_ref()),
        ..ColumnAggregate::default()
    };
    let bytes = |text: Option<String>| text.and_then(|text| text.parse().ok()).or(Some(0));
    let mut range = |aggregate: &mut ColumnAggregate, common: &dyn Fn(&str) -> Option<String>| {
        aggregate.min = next().as_deref().and_then(common);
        aggregate.max = next().as_deref().and_then(common);
    };
    match measure {
        Measure::Number { .. } => {
            aggregate.sum = next().as_deref().and_then(canonical_decimal);
            let mut next_number = || next().as_deref().and_then(canonical_decimal);
            (aggregate.min, aggregate.max) = (next_number(), next_number());
        }
        Measure::Printed => range(&mut aggregate, &|text| Some(text.to_owned())),
        Measure::Date => range(&mut aggregate, &|text| parse_date(text).map(format_date)),
        Measure::Time => range(&mut aggregate, &|text| parse_time(text).map(format_time)),
        Measure::Timestamp { zoned } => range(&mut aggregate, &|text| {
            parse_timestamp(text, false).map(|micros| format_timestamp(micros, zoned))
        }),
        Measure::Text => {
            aggregate.bytes = bytes(next());
            let mut extreme = || next().map(|text| text_head(&text).to_owned());
            (aggregate.min, aggregate.max) = (extreme(), extreme());
        }
        Measure::Bytes => aggregate.bytes = bytes(next()),
        Measure::Boolean => aggregate.trues = Some(count(next().as_ref())),
        Measure::Padded | Measure::Nulls => {}
    }
    aggregate
}
