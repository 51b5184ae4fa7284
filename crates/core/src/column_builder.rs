//! Growing columns that can be cut back, so that a row whose last value is refused leaves nothing behind. Decoders fill them.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "Arrow has many types; the logical ones use these"
)]

use std::sync::Arc;

use crate::{Error, LogicalType, RuleValue, arrow_type};
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::types::{Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};

/// A growing column. A push of another form than the column's changes nothing.
#[derive(Debug)]
pub struct ColumnBuilder {
    data_type: DataType,
    valid: Vec<bool>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Bool(Vec<bool>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    /// Text or bytes: offsets of the ends, and all bytes.
    Bytes(Vec<i32>, Vec<u8>),
    Fixed16(Vec<u8>),
}

impl ColumnBuilder {
    /// Makes a column that carries the logical type.
    pub fn new(logical: &LogicalType) -> Self {
        let data_type = arrow_type(logical);
        let values = match &data_type {
            DataType::Boolean => Values::Bool(Vec::new()),
            DataType::Date32 => Values::Int32(Vec::new()),
            DataType::Float32 => Values::Float32(Vec::new()),
            DataType::Float64 => Values::Float64(Vec::new()),
            DataType::FixedSizeBinary(_) => Values::Fixed16(Vec::new()),
            DataType::Utf8 | DataType::Binary => Values::Bytes(vec![0], Vec::new()),
            _ => Values::Int64(Vec::new()),
        };
        Self {
            data_type,
            valid: Vec::new(),
            values,
        }
    }

    /// Pushes NULL.
    #[inline]
    pub fn push_null(&mut self) {
        match &mut self.values {
            Values::Bool(values) => values.push(false),
            Values::Int32(values) => values.push(0),
            Values::Int64(values) => values.push(0),
            Values::Float32(values) => values.push(0.0),
            Values::Float64(values) => values.push(0.0),
            Values::Bytes(offsets, bytes) => offsets.push(offset(bytes)),
            Values::Fixed16(values) => values.extend_from_slice(&[0; 16]),
        }
        self.valid.push(false);
    }

    /// Pushes the value of a rule.
    ///
    /// # Errors
    /// `Bug` when it is not of the column's form.
    pub fn push(&mut self, value: &RuleValue) -> Result<(), Error> {
        let before = self.valid.len();
        match value {
            RuleValue::Null => self.push_null(),
            RuleValue::Boolean(value) => self.push_bool(*value),
            RuleValue::Long(value) => self.push_i64(*value),
            RuleValue::Days(value) => self.push_i32(*value),
            RuleValue::Float32(value) => self.push_f32(*value),
            RuleValue::Float64(value) => self.push_f64(*value),
            RuleValue::Text(value) => self.push_bytes(value.as_bytes()),
            RuleValue::Bytes(value) => self.push_bytes(value),
            RuleValue::Fixed(value) => self.push_16(*value),
        }
        match self.valid.len() > before {
            true => Ok(()),
            false => Err(Error::bug("the value of a rule is not of its column's form")),
        }
    }

    /// Pushes a truth value.
    #[inline]
    pub fn push_bool(&mut self, value: bool) {
        if let Values::Bool(values) = &mut self.values {
            values.push(value);
            self.valid.push(true);
        }
    }

    /// Pushes days.
    #[inline]
    pub fn push_i32(&mut self, value: i32) {
        if let Values::Int32(values) = &mut self.values {
            values.push(value);
            self.valid.push(true);
        }
    }

    /// Pushes an integer, or microseconds.
    #[inline]
    pub fn push_i64(&mut self, value: i64) {
        if let Values::Int64(values) = &mut self.values {
            values.push(value);
            self.valid.push(true);
        }
    }

    /// Pushes a float of 32 bits.
    #[inline]
    pub fn push_f32(&mut self, value: f32) {
        if let Values::Float32(values) = &mut self.values {
            values.push(value);
            self.valid.push(true);
        }
    }

    /// Pushes a float of 64 bits.
    #[inline]
    pub fn push_f64(&mut self, value: f64) {
        if let Values::Float64(values) = &mut self.values {
            values.push(value);
            self.valid.push(true);
        }
    }

    /// Pushes a value of 16 bytes.
    #[inline]
    pub fn push_16(&mut self, value: [u8; 16]) {
        if let Values::Fixed16(values) = &mut self.values {
            values.extend_from_slice(&value);
            self.valid.push(true);
        }
    }

    /// Pushes text or bytes.
    #[inline]
    pub fn push_bytes(&mut self, value: &[u8]) {
        self.push_bytes_with(value, |_| ());
    }

    /// Pushes the text or bytes that `write` appends.
    #[inline]
    pub fn push_written(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if let Values::Bytes(offsets, bytes) = &mut self.values {
            write(bytes);
            offsets.push(offset(bytes));
            self.valid.push(true);
        }
    }

    /// Pushes text or bytes and lets `change` work on them in place.
    pub fn push_bytes_with<T: Default>(&mut self, value: &[u8], change: impl FnOnce(&mut [u8]) -> T) -> T {
        let Values::Bytes(offsets, bytes) = &mut self.values else {
            return T::default();
        };
        let from = bytes.len();
        bytes.extend_from_slice(value);
        let result = change(&mut bytes[from..]);
        offsets.push(offset(bytes));
        self.valid.push(true);
        result
    }

    /// Cuts the column back to `rows` values.
    pub fn truncate(&mut self, rows: usize) {
        self.valid.truncate(rows);
        match &mut self.values {
            Values::Bool(values) => values.truncate(rows),
            Values::Int32(values) => values.truncate(rows),
            Values::Int64(values) => values.truncate(rows),
            Values::Float32(values) => values.truncate(rows),
            Values::Float64(values) => values.truncate(rows),
            Values::Bytes(offsets, bytes) => {
                offsets.truncate(rows + 1);
                let end = offsets.last().copied().unwrap_or(0);
                bytes.truncate(usize::try_from(end).unwrap_or(0));
            }
            Values::Fixed16(values) => values.truncate(rows * 16),
        }
    }

    /// Returns the array and leaves an empty column.
    ///
    /// # Errors
    /// Arrow's, when text is not UTF-8.
    pub fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let valid = std::mem::take(&mut self.valid);
        let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
        Ok(match &mut self.values {
            Values::Bool(values) => {
                let values = BooleanBuffer::from(std::mem::take(values));
                Arc::new(BooleanArray::new(values, nulls))
            }
            Values::Int32(values) => {
                let values = ScalarBuffer::from(std::mem::take(values));
                Arc::new(PrimitiveArray::<Date32Type>::try_new(values, nulls)?)
            }
            Values::Float32(values) => {
                let values = ScalarBuffer::from(std::mem::take(values));
                Arc::new(PrimitiveArray::<Float32Type>::try_new(values, nulls)?)
            }
            Values::Float64(values) => {
                let values = ScalarBuffer::from(std::mem::take(values));
                Arc::new(PrimitiveArray::<Float64Type>::try_new(values, nulls)?)
            }
            Values::Int64(values) => long(&self.data_type, std::mem::take(values), nulls)?,
            Values::Fixed16(values) => {
                let values = Buffer::from_vec(std::mem::take(values));
                Arc::new(FixedSizeBinaryArray::try_new(16, values, nulls)?)
            }
            Values::Bytes(offsets, bytes) => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(offsets, vec![0])));
                let bytes = Buffer::from_vec(std::mem::take(bytes));
                if self.data_type == DataType::Utf8 {
                    Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
                } else {
                    Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
                }
            }
        })
    }
}

fn long(data_type: &DataType, values: Vec<i64>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    let values = ScalarBuffer::from(values);
    Ok(match data_type {
        DataType::Time64(_) => Arc::new(PrimitiveArray::<Time64MicrosecondType>::try_new(values, nulls)?),
        DataType::Timestamp(_, zone) => {
            let array = PrimitiveArray::<TimestampMicrosecondType>::try_new(values, nulls)?;
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        _ => Arc::new(PrimitiveArray::<Int64Type>::try_new(values, nulls)?),
    })
}

/// A batch stays far below 2 GiB: it closes at its size, and a value is at most 1 GiB on the server.
fn offset(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap_or(i32::MAX)
}
