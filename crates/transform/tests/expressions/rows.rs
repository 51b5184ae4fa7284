//! A table of one row per type to evaluate over, and values shown as text.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use whimbrel_core::{
    ColumnBuilder, LogicalType, LookupRule, arrow_schema, format_date, format_interval, format_time,
    format_timestamp, parse_date, parse_timestamp,
};
use whimbrel_transform::{Expression, InputColumn, Lookups};

pub(crate) fn decimal(precision: u32, scale: i32) -> LogicalType {
    LogicalType::Decimal {
        precision: Some(precision),
        scale: Some(scale),
    }
}

pub(crate) fn columns() -> Vec<InputColumn> {
    let free = LogicalType::Decimal {
        precision: None,
        scale: None,
    };
    let padded = LogicalType::Text {
        chars_max: Some(5),
        padded: true,
    };
    let types: Vec<(&str, LogicalType)> = vec![
        ("id", LogicalType::Integer { bits: 64 }),
        ("zero", LogicalType::Integer { bits: 32 }),
        ("big", LogicalType::Integer { bits: 64 }),
        ("price", decimal(10, 2)),
        ("wide", decimal(38, 10)),
        ("free", free),
        ("ratio", LogicalType::Float { bits: 64 }),
        ("First_Name", LogicalType::text()),
        ("code", padded),
        ("born", LogicalType::Date),
        ("seen", LogicalType::Timestamp { zoned: false }),
        ("logged", LogicalType::Timestamp { zoned: true }),
        ("never", LogicalType::Timestamp { zoned: false }),
        ("ok", LogicalType::Boolean),
        ("nothing", LogicalType::text()),
        ("key", LogicalType::Uuid),
        ("doc", LogicalType::Json),
        ("raw", LogicalType::Bytes),
        ("any", LogicalType::Any),
    ];
    types
        .into_iter()
        .map(|(name, logical)| InputColumn {
            name: name.to_owned(),
            logical,
            nullable: true,
        })
        .collect()
}

pub(crate) fn records() -> RecordBatch {
    let columns = columns();
    let arrays = columns.iter().map(|column| {
        let mut builder = ColumnBuilder::new(&column.logical);
        match column.name.as_str() {
            "id" => builder.push_i64(7),
            "zero" => builder.push_i64(0),
            "big" => builder.push_i64(i64::MAX),
            "price" => builder.push_bytes(b"12.50"),
            "wide" => builder.push_bytes(b"1234567890123456789012345678.0123456789"),
            "free" => builder.push_bytes(b"1.10"),
            "ratio" => builder.push_f64(0.25),
            "First_Name" => builder.push_bytes("  Åse Marie ".as_bytes()),
            "code" => builder.push_bytes(b"AB   "),
            "born" => builder.push_i32(parse_date("2024-02-29").unwrap()),
            "seen" | "logged" => {
                builder.push_i64(parse_timestamp("2024-02-29 13:14:15.25", false).unwrap());
            }
            "never" => builder.push_i64(i64::MAX),
            "ok" => builder.push_bool(true),
            "key" => builder.push_16([0xab; 16]),
            "doc" => builder.push_bytes(br#"{"a": 1}"#),
            "raw" => builder.push_bytes(&[0, 255]),
            "any" => builder.push_bytes(b"\x01x"),
            _ => builder.push_null(),
        }
        builder.take().unwrap()
    });
    let arrays: Vec<ArrayRef> = arrays.collect();
    let schema = arrow_schema(
        columns
            .iter()
            .map(|column| (column.name.as_str(), &column.logical)),
    );
    RecordBatch::try_new(schema, arrays).unwrap()
}

pub(crate) fn lookups() -> Lookups {
    let mut lookups = Lookups::default();
    let rule = |name: &str, key: &[&str]| LookupRule {
        name: name.to_owned(),
        key: key.iter().map(|key| (*key).to_owned()).collect(),
        ..LookupRule::default()
    };
    let sevens = "n,word,roman\n7,seven,VII\n";
    lookups.add_csv(&rule("sevens", &[]), sevens.as_bytes()).unwrap();
    let places = "land,code,title\nNO,7,Oslo\n";
    let of_two = rule("places", &["land", "code"]);
    lookups.add_csv(&of_two, places.as_bytes()).unwrap();
    lookups
}

pub(crate) fn compile(text: &str) -> whimbrel_core::Result<Expression> {
    Expression::compile(text, &columns(), &lookups())
}

/// The value of the one row as text, or `error:` and the reason.
pub(crate) fn value(text: &str) -> String {
    let expression = compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let evaluated = expression.evaluate(&records()).unwrap();
    match evaluated.failed.first() {
        Some((_, reason)) => format!("error: {reason}"),
        None => shown(&evaluated.array, expression.logical()),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what else there is travels as text"
)]
fn shown(array: &ArrayRef, logical: &LogicalType) -> String {
    if array.is_null(0) {
        return "NULL".to_owned();
    }
    match logical {
        LogicalType::Boolean => array.as_boolean().value(0).to_string(),
        LogicalType::Integer { .. } => array.as_primitive::<Int64Type>().value(0).to_string(),
        LogicalType::Float { .. } => array.as_primitive::<Float64Type>().value(0).to_string(),
        LogicalType::Date => format_date(array.as_primitive::<Date32Type>().value(0)),
        LogicalType::Time => format_time(array.as_primitive::<Time64MicrosecondType>().value(0)),
        LogicalType::Timestamp { zoned } => {
            format_timestamp(array.as_primitive::<TimestampMicrosecondType>().value(0), *zoned)
        }
        LogicalType::Interval => format_interval(array.as_fixed_size_binary().value(0).try_into().unwrap()),
        LogicalType::Uuid => format!("{:02x?}", array.as_fixed_size_binary().value(0)),
        LogicalType::Bytes | LogicalType::Any => format!("{:02x?}", array.as_binary::<i32>().value(0)),
        _ => array.as_string::<i32>().value(0).to_owned(),
    }
}

pub(crate) fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, wanted)| (text, value(text), wanted))
        .filter(|(_, got, wanted)| got != *wanted)
        .map(|(text, got, wanted)| format!("{text}: {got}; wanted {wanted}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

pub(crate) fn one_column(logical: &LogicalType, array: ArrayRef) -> RecordBatch {
    RecordBatch::try_new(arrow_schema([("a", logical)]), vec![Arc::clone(&array)]).unwrap()
}
