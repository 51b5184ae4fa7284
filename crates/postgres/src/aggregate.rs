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
    // What the server keeps with its row fits a page.
    let in_page = !table.flattened && {
        let extent = extents.of(client, table).await?;
        extent.stored && extent.apart == 0
    };
    let mut questions = Questions::of(table, columns);
    for column in columns {
        let kind = find(&found, &table.id, &column.name)?.kind;
        let measure = measure(kind, &column.logical, is_utf8);
        questions.ask(column, measure, in_page || is_short(kind));
    }
    let values = match is_empty {
        // No aggregate of no rows has a value but the counts.
        true => Vec::new(),
        false => texts(client, &questions.from(), &questions.expressions).await?,
    };
    let mut values = values.into_iter();
    let rows = count(values.next().flatten().as_ref());
    let mut result = TableAggregate {
        rows,
        ..TableAggregate::default()
    };
    for (column, measure) in columns.iter().zip(questions.measures) {
        let aggregate = read(measure, &mut || values.next().flatten());
        result.columns.insert(column.name.clone(), aggregate);
    }
    Ok(result)
}

/// What is asked of the server about a table, in one statement.
struct Questions<'a> {
    table: &'a Table,
    expressions: Vec<String>,
    measures: Vec<Measure>,
    names: Vec<String>,
    /// What no column's name begins with.
    prefix: String,
    /// Heads of texts that may be large, made once for each row: every evaluation would fetch and unpack the value again.
    heads: Vec<String>,
}

impl<'a> Questions<'a> {
    fn of(table: &'a Table, columns: &[ReadColumn]) -> Self {
        let mut prefix = "head".to_owned();
        while columns.iter().any(|column| column.name.starts_with(&prefix)) {
            prefix.push('_');
        }
        Self {
            table,
            prefix,
            expressions: vec!["count(*)".to_owned()],
            measures: Vec::new(),
            names: Vec::new(),
            heads: Vec::new(),
        }
    }

    /// Asks for a column; `is_small` when its texts may be compared whole.
    fn ask(&mut self, column: &ReadColumn, measure: Measure, is_small: bool) {
        let name = quoted(&column.name);
        // The server vouches that such a column holds no NULL.
        let nullable = self
            .table
            .column(&column.name)
            .is_none_or(|column| column.nullable);
        self.expressions.push(match nullable {
            true => format!("count(*) - count({name})"),
            false => "0".to_owned(),
        });
        let head = match measure {
            Measure::Text if !is_small => {
                let head = quoted(&format!("{}{}", self.prefix, self.heads.len()));
                self.heads.push(format!("{} AS {head}", cut(&name)));
                head
            }
            _ => format!("{name}::text"),
        };
        self.expressions.extend(asked(measure, &name, &head));
        self.measures.push(measure);
        self.names.push(name);
    }

    /// What stands behind FROM. Without OFFSET the server would put the heads where they are named.
    fn from(&self) -> String {
        let rows = rows_of(self.table);
        if self.heads.is_empty() {
            return rows;
        }
        let (heads, names) = (self.heads.join(", "), self.names.join(", "));
        format!("(SELECT {heads}, {names} FROM {rows} OFFSET 0) rows")
    }
}

/// The text that is compared instead of a large one.
fn cut(name: &str) -> String {
    format!(
        "CASE WHEN octet_length({name}) > {HEAD_BYTES_MAX} THEN left({name}::text, {TEXT_HEAD_CHARS}) ELSE {name}::text END"
    )
}

/// Tells whether no value of the type needs to be cut.
fn is_short(kind: Kind) -> bool {
    matches!(kind, Kind::Varchar(Some(limit)) if limit as usize <= TEXT_HEAD_CHARS)
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

/// What is asked of the server for a column behind the number of its NULLs; `head` is the text to compare.
fn asked(measure: Measure, name: &str, head: &str) -> Vec<String> {
    let range = |value: &str| [format!("min({value})"), format!("max({value})")];
    match measure {
        Measure::Number => {
            // The server sums bigint and numeric exactly, and the others in more bits than they have.
            let [min, max] = range(name);
            vec![format!("sum({name})"), min, max]
        }
        Measure::Date | Measure::Time | Measure::Timestamp { .. } => range(name).into(),
        Measure::Text => {
            let [min, max] = range(&format!("{head} COLLATE \"C\""));
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
