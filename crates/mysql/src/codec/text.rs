//! Arrow values as text: what stands in text columns, and what people are shown of a row that does not fit.

use std::borrow::Cow;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use whimbrel_core::{
    LogicalType, format_date, format_interval, format_time, format_timestamp, format_uuid, hex, shorten,
};

use super::print::{float32, float64};

/// Bytes that are shown at most.
const SHOWN_BYTES: usize = 40;

/// Returns the text of a value that is not NULL; for bytes, these.
pub(crate) fn of<'a>(
    logical: &LogicalType,
    array: &'a dyn Array,
    row: usize,
) -> Result<Cow<'a, str>, &'a [u8]> {
    Ok(match logical {
        LogicalType::Boolean => Cow::Borrowed(match array.as_boolean().value(row) {
            true => "true",
            false => "false",
        }),
        LogicalType::Integer { .. } => Cow::Owned(array.as_primitive::<Int64Type>().value(row).to_string()),
        LogicalType::Float { bits: 32 } => {
            Cow::Owned(float32(array.as_primitive::<Float32Type>().value(row)))
        }
        LogicalType::Float { .. } => Cow::Owned(float64(array.as_primitive::<Float64Type>().value(row))),
        LogicalType::Date => Cow::Owned(format_date(array.as_primitive::<Date32Type>().value(row))),
        LogicalType::Time => Cow::Owned(format_time(
            array.as_primitive::<Time64MicrosecondType>().value(row),
        )),
        LogicalType::Timestamp { zoned } => Cow::Owned(format_timestamp(
            array.as_primitive::<TimestampMicrosecondType>().value(row),
            *zoned,
        )),
        LogicalType::Interval => Cow::Owned(format_interval(sixteen(array, row))),
        LogicalType::Uuid => Cow::Owned(format_uuid(&sixteen(array, row))),
        LogicalType::Bytes | LogicalType::Any | LogicalType::Wire { .. } => {
            return Err(array.as_binary::<i32>().value(row));
        }
        LogicalType::Decimal { .. }
        | LogicalType::Text { .. }
        | LogicalType::Bits { .. }
        | LogicalType::TimeZoned
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. } => Cow::Borrowed(array.as_string::<i32>().value(row)),
    })
}

/// Returns a value as people are shown it: shortened, bytes that are no text in hex.
pub(crate) fn shown(logical: &LogicalType, array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "NULL".to_owned();
    }
    match of(logical, array, row) {
        Ok(text) => shorten(&text),
        Err(bytes) if matches!(logical, LogicalType::Wire { .. }) => match std::str::from_utf8(bytes) {
            Ok(text) => shorten(text),
            Err(_) => shown_bytes(bytes),
        },
        Err(bytes) => shown_bytes(bytes),
    }
}

fn shown_bytes(bytes: &[u8]) -> String {
    hex(&bytes[..bytes.len().min(SHOWN_BYTES)])
}

/// Returns the 16 bytes of a UUID or an interval.
pub(crate) fn sixteen(array: &dyn Array, row: usize) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(array.as_fixed_size_binary().value(row));
    bytes
}

/// Takes an interval apart: microseconds, days and months.
pub(crate) fn parts(bytes: [u8; 16]) -> (i64, i32, i32) {
    let (mut eight, mut days, mut months) = ([0; 8], [0; 4], [0; 4]);
    eight.copy_from_slice(&bytes[..8]);
    days.copy_from_slice(&bytes[8..12]);
    months.copy_from_slice(&bytes[12..]);
    (
        i64::from_be_bytes(eight),
        i32::from_be_bytes(days),
        i32::from_be_bytes(months),
    )
}
