//! Arrow columns into the engine's values, column by column and without a copy where the engine can take what is there: exactly, or with
//! the rule that the value breaks. Binding them to an INSERT is `crate::insert`'s.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, BinaryArray, BooleanArray, FixedSizeBinaryArray, StringArray};
use arrow_buffer::NullBuffer;
use rusqlite::types::ValueRef;
use whimbrel_core::{Error, LogicalType, Result, WriteColumn, arrow_type, canonical_decimal};

use super::decode::{decimal, real_text, shown, unexpected};
use super::{digits, moments, tag};

/// A column of a batch whose form is known.
pub(crate) struct Lane<'a> {
    values: Values<'a>,
    nulls: Option<&'a NullBuffer>,
}

/// A column's values with the type known.
enum Values<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a [i64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Text(&'a StringArray),
    /// Digits for a column of integers.
    Whole(&'a StringArray),
    /// Digits for a column of reals.
    Real(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a [i32]),
    Time(&'a [i64]),
    Timestamp(&'a [i64], bool),
    Interval(&'a FixedSizeBinaryArray),
    Uuid(&'a FixedSizeBinaryArray),
    Any(&'a BinaryArray),
}

impl<'a> Lane<'a> {
    /// Looks at a column of a batch.
    ///
    /// # Errors
    /// `Bug` for a column that is not in its logical type's form.
    pub(crate) fn new(column: &WriteColumn, array: &'a dyn Array) -> Result<Self> {
        let logical = &column.logical;
        if array.data_type() != &arrow_type(logical) {
            return Err(unexpected(logical));
        }
        let values = match logical {
            LogicalType::Boolean => Values::Boolean(array.as_boolean()),
            LogicalType::Integer { .. } => Values::Integer(array.as_primitive::<Int64Type>().values()),
            LogicalType::Float { bits: 32 } => Values::Float32(array.as_primitive::<Float32Type>().values()),
            LogicalType::Float { .. } => Values::Float64(array.as_primitive::<Float64Type>().values()),
            LogicalType::Decimal { .. } if column.native.eq_ignore_ascii_case("INTEGER") => {
                Values::Whole(array.as_string())
            }
            LogicalType::Decimal { .. } if column.native.eq_ignore_ascii_case("REAL") => {
                Values::Real(array.as_string())
            }
            LogicalType::Decimal { .. }
            | LogicalType::Text { .. }
            | LogicalType::Bits { .. }
            | LogicalType::TimeZoned
            | LogicalType::Json
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. } => Values::Text(array.as_string()),
            LogicalType::Bytes => Values::Bytes(array.as_binary()),
            LogicalType::Date => Values::Date(array.as_primitive::<Date32Type>().values()),
            LogicalType::Time => Values::Time(array.as_primitive::<Time64MicrosecondType>().values()),
            LogicalType::Timestamp { zoned } => {
                let array = array.as_primitive::<TimestampMicrosecondType>();
                Values::Timestamp(array.values(), *zoned)
            }
            LogicalType::Interval => Values::Interval(array.as_fixed_size_binary()),
            LogicalType::Uuid => Values::Uuid(array.as_fixed_size_binary()),
            LogicalType::Any => Values::Any(array.as_binary()),
            LogicalType::Wire { .. } => return Err(unexpected(logical)),
        };
        Ok(Self {
            values,
            nulls: array.nulls(),
        })
    }

    /// Returns the value of a row as the engine stores it; the inner error is the rule that it breaks. What has to be made is made in `room`.
    ///
    /// # Errors
    /// `Bug` for a value that is not in its form.
    #[inline]
    pub(crate) fn value<'r>(
        &'r self,
        row: usize,
        room: &'r mut Vec<u8>,
    ) -> Result<std::result::Result<ValueRef<'r>, String>> {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(Ok(ValueRef::Null));
        }
        room.clear();
        match &self.values {
            Values::Boolean(array) => return Ok(Ok(ValueRef::Integer(array.value(row).into()))),
            Values::Integer(values) => return Ok(Ok(ValueRef::Integer(values[row]))),
            Values::Float32(values) => return Ok(real(values[row].into())),
            Values::Float64(values) => return Ok(real(values[row])),
            Values::Text(array) => return Ok(Ok(ValueRef::Text(array.value(row).as_bytes()))),
            Values::Whole(array) => return Ok(whole_of(array.value(row))),
            Values::Real(array) => return Ok(real_of(array.value(row))),
            Values::Bytes(array) => return Ok(Ok(ValueRef::Blob(array.value(row)))),
            Values::Any(array) => return Ok(Ok(tagged(array.value(row))?)),
            Values::Date(values) => moments::put_date(values[row], room),
            Values::Time(values) => moments::put_time(values[row], room),
            Values::Timestamp(values, zoned) => moments::put_timestamp(values[row], *zoned, room),
            Values::Interval(array) => {
                let text = whimbrel_core::format_interval(sixteen(array.value(row))?);
                room.extend_from_slice(text.as_bytes());
            }
            Values::Uuid(array) => put_uuid(sixteen(array.value(row))?, room),
        }
        Ok(Ok(ValueRef::Text(room)))
    }

    /// Returns the value for people.
    pub(crate) fn shown(&self, row: usize) -> String {
        match self.value(row, &mut Vec::new()) {
            Ok(Ok(value)) => shown(value),
            Ok(Err(_)) | Err(_) => match &self.values {
                Values::Whole(array) | Values::Real(array) => {
                    shown(ValueRef::Text(array.value(row).as_bytes()))
                }
                Values::Float32(values) => real_text(values[row].into()),
                Values::Float64(values) => real_text(values[row]),
                Values::Boolean(_)
                | Values::Integer(_)
                | Values::Text(_)
                | Values::Bytes(_)
                | Values::Date(_)
                | Values::Time(_)
                | Values::Timestamp(..)
                | Values::Interval(_)
                | Values::Uuid(_)
                | Values::Any(_) => String::new(),
            },
        }
    }
}

fn real(value: f64) -> std::result::Result<ValueRef<'static>, String> {
    if value.is_nan() {
        Err("NaN would become NULL".to_owned())
    } else {
        Ok(ValueRef::Real(value))
    }
}

/// A number where the column is one.
fn whole_of(digits: &str) -> std::result::Result<ValueRef<'static>, String> {
    let careful = || canonical_decimal(digits).and_then(|digits| digits.parse().ok());
    digits
        .parse()
        .ok()
        .or_else(careful)
        .map(ValueRef::Integer)
        .ok_or_else(|| "value is no integer of 64 bits".to_owned())
}

/// A real where the column is one and the real keeps the value.
fn real_of(digits: &str) -> std::result::Result<ValueRef<'static>, String> {
    let kept = |real: &f64| {
        let back = decimal(ValueRef::Real(*real)).ok();
        let back = back.and_then(|back| canonical_decimal(&back));
        back.is_some() && back == canonical_decimal(digits)
    };
    let careful = || digits.parse().ok().filter(kept);
    digits::real_of(digits)
        .or_else(careful)
        .map(ValueRef::Real)
        .ok_or_else(|| "value has more digits than a real keeps".to_owned())
}

fn sixteen(bytes: &[u8]) -> Result<[u8; 16]> {
    bytes
        .try_into()
        .map_err(|cause| Error::bug(format!("{} bytes arrived; must be 16", bytes.len())).with_cause(cause))
}

fn put_uuid(bytes: [u8; 16], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (at, byte) in bytes.into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// Takes a tagged value apart.
#[inline]
pub(crate) fn tagged(bytes: &[u8]) -> Result<ValueRef<'_>> {
    let eight = |rest: &[u8]| <[u8; 8]>::try_from(rest).ok();
    let value = match bytes {
        [tag::INTEGER, rest @ ..] => eight(rest).map(|eight| ValueRef::Integer(i64::from_le_bytes(eight))),
        [tag::REAL, rest @ ..] => {
            eight(rest).map(|eight| ValueRef::Real(f64::from_bits(u64::from_le_bytes(eight))))
        }
        [tag::TEXT, rest @ ..] => Some(ValueRef::Text(rest)),
        [tag::BLOB, rest @ ..] => Some(ValueRef::Blob(rest)),
        _ => None,
    };
    value.ok_or_else(|| Error::bug("a tagged value arrived without a known tag"))
}
