//! The values of one column of a batch, made ready to be written one after the other in binary form: what they are is decided once per batch.
//! What a value may be, and what is refused, is `encode.rs`.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_buffer::NullBuffer;
use whimbrel_core::LogicalType;

use super::encode::{
    Broken, EncodeColumn, encode, encode_date, encode_float, encode_integer, encode_text, encode_timestamp,
};
use crate::native::Kind;

/// A column of a batch.
pub(super) struct Cells<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    /// Written as they are.
    Bytes(&'a BinaryArray),
    Text(&'a StringArray),
    Integers(&'a [i64]),
    Truths(&'a BooleanArray),
    Floats(&'a [f64]),
    Dates(&'a [i32]),
    Stamps(&'a [i64]),
    Sixteen(&'a FixedSizeBinaryArray),
    /// All others.
    Any(&'a dyn Array),
}

impl<'a> Cells<'a> {
    pub(super) fn of(column: &EncodeColumn, array: &'a dyn Array) -> Self {
        use LogicalType as L;
        let values = match (&column.logical, column.kind) {
            (L::Wire { .. }, _) if column.shape.is_plain() => Values::Bytes(array.as_binary()),
            (L::Bytes | L::Any, _) => Values::Bytes(array.as_binary()),
            (L::Text { .. } | L::Enum { .. } | L::Json, _) => Values::Text(array.as_string()),
            (L::Decimal { .. }, Kind::Numeric(_)) => Values::Text(array.as_string()),
            (L::Integer { .. }, _) => Values::Integers(array.as_primitive::<Int64Type>().values()),
            (L::Boolean, Kind::Bool) => Values::Truths(array.as_boolean()),
            (L::Float { bits }, kind) if *bits != 32 && kind.is_float() => {
                Values::Floats(array.as_primitive::<Float64Type>().values())
            }
            (L::Date, Kind::Date) => Values::Dates(array.as_primitive::<Date32Type>().values()),
            (L::Timestamp { .. }, Kind::Timestamp { .. }) => {
                Values::Stamps(array.as_primitive::<TimestampMicrosecondType>().values())
            }
            (L::Uuid, Kind::Uuid) => Values::Sixteen(array.as_fixed_size_binary()),
            _ => Values::Any(array),
        };
        Self {
            nulls: array.nulls(),
            values,
        }
    }

    /// Appends the length of a value and the value, or returns the rule that it breaks.
    #[inline]
    pub(super) fn put(&self, column: &EncodeColumn, row: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
        let begin = out.len();
        out.extend_from_slice(&(-1_i32).to_be_bytes());
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(());
        }
        match &self.values {
            Values::Bytes(array) => out.extend_from_slice(array.value(row)),
            Values::Text(array) => encode_text(array.value(row), column.kind, out)?,
            Values::Integers(values) => encode_integer(values[row], column.kind, out)?,
            Values::Truths(array) => out.push(u8::from(array.value(row))),
            Values::Floats(values) => encode_float(values[row], column.kind, out)?,
            Values::Dates(values) => encode_date(values[row], out)?,
            Values::Stamps(values) => encode_timestamp(values[row], column.kind, out)?,
            Values::Sixteen(array) => out.extend_from_slice(array.value(row)),
            Values::Any(array) => encode(column, *array, row, out)?,
        }
        let value = begin + 4;
        let length = i32::try_from(out.len() - value).map_err(|_| "value is larger than 2 GiB".to_owned())?;
        out[begin..value].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }
}
