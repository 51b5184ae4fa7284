//! Values as text, for reports of differences.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use whimbrel_core::{
    LogicalType, ReadColumn, Source, TablePlan, WITHHELD, format_date, format_time, format_timestamp, shorten,
};

/// Returns a value shortened, none for NULL. `side` knows the engine's own forms.
fn value_text(side: &dyn Source, column: &ReadColumn, array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(shorten(&match &column.logical {
        LogicalType::Boolean => array.as_boolean().value(row).to_string(),
        LogicalType::Integer { .. } => array.as_primitive::<Int64Type>().value(row).to_string(),
        LogicalType::Float { bits: 32 } => array.as_primitive::<Float32Type>().value(row).to_string(),
        LogicalType::Float { .. } => array.as_primitive::<Float64Type>().value(row).to_string(),
        LogicalType::Decimal { .. }
        | LogicalType::Text { .. }
        | LogicalType::Bits { .. }
        | LogicalType::TimeZoned
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. } => array.as_string::<i32>().value(row).to_owned(),
        LogicalType::Bytes => hex(array.as_binary::<i32>().value(row)),
        LogicalType::Any | LogicalType::Wire { .. } => {
            let bytes = array.as_binary::<i32>().value(row);
            side.show(column, bytes).unwrap_or_else(|| hex(bytes))
        }
        LogicalType::Date => format_date(array.as_primitive::<Date32Type>().value(row)),
        LogicalType::Time => format_time(array.as_primitive::<Time64MicrosecondType>().value(row)),
        LogicalType::Timestamp { zoned } => format_timestamp(
            array.as_primitive::<TimestampMicrosecondType>().value(row),
            *zoned,
        ),
        LogicalType::Interval | LogicalType::Uuid => hex(array.as_fixed_size_binary().value(row)),
    }))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    const SHOWN: usize = 64;
    let mut text = String::from("x'");
    for byte in bytes.iter().take(SHOWN) {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
    text.push('\'');
    if bytes.len() > SHOWN {
        let _ = write!(text, "… ({} bytes)", bytes.len());
    }
    text
}

/// Returns the values of a row of the side.
pub(super) fn row_texts(
    side: &dyn Source,
    columns: &[ReadColumn],
    records: &RecordBatch,
    row: usize,
) -> Vec<Option<String>> {
    let arrays = columns.iter().zip(records.columns());
    arrays
        .map(|(column, array)| value_text(side, column, array.as_ref(), row))
        .collect()
}

/// Returns `a=1, b=x` for the columns at the positions; for all columns when there are none.
pub(super) fn key_text(plan: &TablePlan, key: &[usize], values: &[Option<String>]) -> String {
    let all: Vec<usize> = (0..plan.columns.len()).collect();
    let positions = if key.is_empty() { &all } else { key };
    let part = |at: &usize| {
        let value = values[*at].as_deref().unwrap_or("NULL");
        format!("{}={}", plan.columns[*at].target, told(plan, *at, value))
    };
    let text = positions.iter().map(part).collect::<Vec<_>>().join(", ");
    if key.is_empty() { shorten(&text) } else { text }
}

/// Returns a value of a column as it may be told.
pub(super) fn told<'v>(plan: &TablePlan, at: usize, value: &'v str) -> &'v str {
    match plan.columns[at].is_secret() {
        true => WITHHELD,
        false => value,
    }
}
