//! The second witness: what the server itself says about columns, in the text forms that all engines share. It must not
//! go through our decoder, because it is there to catch its mistakes.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the pairs that compare exactly are listed"
)]

use tokio_postgres::Client;
use whimbrel_core::{
    ColumnAggregate, LogicalType, ReadColumn, Result, TEXT_HEAD_CHARS, Table, TableAggregate,
    canonical_decimal, text_head,
};

use crate::calendar::{date_text, timestamp_text};
use crate::codec::decode::text_of;
use crate::columns::{Known, find};
use crate::extent::Extents;
use crate::native::Kind;
use crate::passes::{count, texts};
use crate::quote::{quoted, rows_of};

/// A text of as many bytes is cut before it is compared, so that no document has to be unpacked for the order of its first words.
const HEAD_BYTES_MAX: usize = 4 * TEXT_HEAD_CHARS;

/// What is compared about a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Number,
    Date,
    Time,
    Timestamp {
        zoned: bool,
    },
    /// Text as stored.
    Text,
    /// The server's text of another type.
    Printed,
    /// Blank-padded text has no binary order of its own.
    Padded,
    Bytes,
    Boolean,
    Nulls,
}

pub(crate) async fn aggregate(
    client: &Client,
    (known, extents): (&Known, &Extents),
    table: &Table,
    columns: &[ReadColumn],
) -> Result<TableAggregate> {
    let is_empty = extents.is_known_empty(table);
    if is_empty && columns.is_empty() {
        return Ok(TableAggregate::default());
    }
    if columns.is_empty() {
        let counted = texts(client, &rows_of(table), &["count(*)".to_owned()]).await?;
        let rows = count(counted.first().and_then(Option::as_ref));
        return Ok(TableAggregate {
            rows,
            ..TableAggregate::default()
        });
    }
    let found = known.of(client, &table.id).await?;
    let is_utf8 = known.is_utf8(client).await?;
    let mut expressions = vec!["count(*)".to_owned()];
    let mut measures = Vec::with_capacity(columns.len());
    for column in columns {
        let kind = find(&found, &table.id, &column.name)?.kind;
        let name = quoted(&column.name);
        let measure = measure(kind, &column.logical, is_utf8);
        // The server vouches that such a column holds no NULL.
        let nullable = table.column(&column.name).is_none_or(|column| column.nullable);
        let nulls = if nullable {
            format!("count(*) - count({name})")
        } else {
            "0".to_owned()
        };
        expressions.push(nulls);
        expressions.extend(asked(measure, &name));
        measures.push(measure);
    }
    let values = match is_empty {
        // No aggregate of no rows has a value but the counts.
        true => Vec::new(),
        false => texts(client, &rows_of(table), &expressions).await?,
    };
    let mut values = values.into_iter();
    let rows = count(values.next().flatten().as_ref());
    let mut result = TableAggregate {
        rows,
        ..TableAggregate::default()
    };
    for (column, measure) in columns.iter().zip(measures) {
        let aggregate = read(measure, &mut || values.next().flatten());
        result.columns.insert(column.name.clone(), aggregate);
    }
    Ok(result)
}

fn measure(kind: Kind, logical: &LogicalType, is_utf8: bool) -> Measure {
    let wanted = match logical {
        LogicalType::Wire { .. } => of_kind(kind),
        LogicalType::Boolean if kind == Kind::Bool => Measure::Boolean,
        LogicalType::Integer { .. } | LogicalType::Decimal { .. }
            if kind.is_integer() || matches!(kind, Kind::Numeric(_)) =>
        {
            Measure::Number
        }
        LogicalType::Date | LogicalType::Time | LogicalType::Timestamp { .. } | LogicalType::Bytes => {
            of_kind(kind)
        }
        LogicalType::Text { padded: true, .. } => Measure::Padded,
        LogicalType::Text { .. } if matches!(kind, Kind::Bpchar(_)) => Measure::Padded,
        LogicalType::Text { .. } | LogicalType::Enum { .. } if kind.is_text() => Measure::Text,
        LogicalType::Text { .. } | LogicalType::Enum { .. } => Measure::Printed,
        _ => Measure::Nulls,
    };
    match wanted {
        Measure::Text | Measure::Printed | Measure::Padded if !is_utf8 => Measure::Nulls,
        other => other,
    }
}

fn of_kind(kind: Kind) -> Measure {
    match kind {
        Kind::Int2 | Kind::Int4 | Kind::Int8 | Kind::Numeric(_) => Measure::Number,
        Kind::Bool => Measure::Boolean,
        Kind::Date => Measure::Date,
        Kind::Time(_) => Measure::Time,
        Kind::Timestamp { zoned, .. } => Measure::Timestamp { zoned },
        Kind::Text | Kind::Varchar(_) => Measure::Text,
        Kind::Bpchar(_) => Measure::Padded,
        Kind::Bytea => Measure::Bytes,
        Kind::Enum | Kind::Other => Measure::Printed,
        Kind::Float4
        | Kind::Float8
        | Kind::Bit(_)
        | Kind::Varbit(_)
        | Kind::TimeTz(_)
        | Kind::Interval { .. }
        | Kind::Uuid
        | Kind::Json
        | Kind::Jsonb
        | Kind::Money => Measure::Nulls,
    }
}

/// What is asked of the server for a column behind the number of its NULLs.
fn asked(measure: Measure, name: &str) -> Vec<String> {
    let range = |value: &str| [format!("min({value})"), format!("max({value})")];
    match measure {
        Measure::Number => {
            // The server sums bigint and numeric exactly, and the others in more bits than they have.
            let [min, max] = range(name);
            vec![format!("sum({name})"), min, max]
        }
        Measure::Date | Measure::Time | Measure::Timestamp { .. } => range(name).into(),
        Measure::Text => {
            let value = format!("{name}::text");
            let cut = format!(
                "CASE WHEN octet_length({name}) > {HEAD_BYTES_MAX} THEN left({value}, {TEXT_HEAD_CHARS}) ELSE {value} END"
            );
            let [min, max] = range(&format!("({cut}) COLLATE \"C\""));
            vec![format!("sum(octet_length({name}))"), min, max]
        }
        Measure::Printed => {
            let value = format!("({})", text_of(name));
            let [min, max] = range(&format!("{value} COLLATE \"C\""))
                .map(|extreme| format!("left({extreme}, {TEXT_HEAD_CHARS})"));
            vec![format!("sum(octet_length({value}))"), min, max]
        }
        Measure::Padded | Measure::Bytes => vec![format!("sum(octet_length({name}))")],
        Measure::Boolean => vec![format!("count(*) FILTER (WHERE {name})")],
        Measure::Nulls => Vec::new(),
    }
}

fn read(measure: Measure, next: &mut dyn FnMut() -> Option<String>) -> ColumnAggregate {
    let mut aggregate = ColumnAggregate {
        nulls: count(next().as_ref()),
        ..ColumnAggregate::default()
    };
    let bytes = |text: Option<String>| text.and_then(|text| text.parse().ok()).or(Some(0));
    match measure {
        Measure::Number => {
            let number = |text: Option<String>| text.as_deref().and_then(canonical_decimal);
            aggregate.sum =
                number(next()).filter(|sum| !matches!(sum.as_str(), "NaN" | "Infinity" | "-Infinity"));
            (aggregate.min, aggregate.max) = (number(next()), number(next()));
        }
        Measure::Date => {
            let date = |text: Option<String>| text.as_deref().and_then(date_text);
            (aggregate.min, aggregate.max) = (date(next()), date(next()));
        }
        Measure::Time => (aggregate.min, aggregate.max) = (next(), next()),
        Measure::Timestamp { zoned } => {
            let timestamp =
                |text: Option<String>| text.as_deref().and_then(|text| timestamp_text(text, zoned));
            (aggregate.min, aggregate.max) = (timestamp(next()), timestamp(next()));
        }
        Measure::Text | Measure::Printed => {
            aggregate.bytes = bytes(next());
            let mut extreme = || next().map(|text| text_head(&text).to_owned());
            (aggregate.min, aggregate.max) = (extreme(), extreme());
        }
        Measure::Padded | Measure::Bytes => aggregate.bytes = bytes(next()),
        Measure::Boolean => aggregate.trues = Some(count(next().as_ref())),
        Measure::Nulls => {}
    }
    aggregate
}
