//! Columns under construction: Arrow's layout in plain vectors, so that a row that turns out bad can be taken back.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, RecordBatch,
    RecordBatchOptions, StringArray,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, Schema};
use rusqlite::types::ValueRef;
use whimbrel_core::{
    BATCH_ROWS, Batch, Error, KeyValue, LogicalType, ReadColumn, Reject, Result, RuleValue, arrow_schema,
    told,
};

use super::decode;

/// The values of one column.
#[derive(Debug)]
pub(super) enum Values {
    Boolean(Vec<bool>),
    Int64(Vec<i64>),
    Int32(Vec<i32>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    /// Text or bytes: the bytes of all values, and where each ends.
    Bytes {
        data: Vec<u8>,
        ends: Vec<i32>,
    },
    /// Values of 16 bytes.
    Fixed16(Vec<u8>),
}

/// One column under construction.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) logical: LogicalType,
    pub(super) values: Values,
    valid: Vec<bool>,
}

impl Column {
    fn new(logical: LogicalType) -> Result<Self> {
        let values = match &logical {
            LogicalType::Boolean => Values::Boolean(Vec::new()),
            LogicalType::Integer { .. } | LogicalType::Time | LogicalType::Timestamp { .. } => {
                Values::Int64(Vec::new())
            }
            LogicalType::Date => Values::Int32(Vec::new()),
            LogicalType::Float { bits: 32 } => Values::Float32(Vec::new()),
            LogicalType::Float { .. } => Values::Float64(Vec::new()),
            LogicalType::Interval | LogicalType::Uuid => Values::Fixed16(Vec::new()),
            LogicalType::Decimal { .. }
            | LogicalType::Text { .. }
            | LogicalType::Bytes
            | LogicalType::Bits { .. }
            | LogicalType::TimeZoned
            | LogicalType::Json
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. }
            | LogicalType::Any => Values::Bytes {
                data: Vec::new(),
                ends: vec![0],
            },
            LogicalType::Wire { native, .. } => {
                return Err(Error::bug(format!(
                    "a column cannot be read as `{native}` in binary form"
                )));
            }
        };
        Ok(Self {
            logical,
            values,
            valid: Vec::new(),
        })
    }

    /// Appends NULL.
    fn append_null(&mut self) -> Result<()> {
        match &mut self.values {
            Values::Boolean(values) => values.push(false),
            Values::Int64(values) => values.push(0),
            Values::Int32(values) => values.push(0),
            Values::Float32(values) => values.push(0.0),
            Values::Float64(values) => values.push(0.0),
            Values::Bytes { data, ends } => ends.push(end_of(data)?),
            Values::Fixed16(values) => values.extend_from_slice(&[0; 16]),
        }
        self.valid.push(false);
        Ok(())
    }

    /// Appends the value of a rule.
    fn append_rule(&mut self, value: &RuleValue) -> Result<()> {
        match (&mut self.values, value) {
            (_, RuleValue::Null) => return self.append_null(),
            (Values::Boolean(values), RuleValue::Boolean(value)) => values.push(*value),
            (Values::Int64(values), RuleValue::Long(value)) => values.push(*value),
            (Values::Int32(values), RuleValue::Days(value)) => values.push(*value),
            (Values::Float32(values), RuleValue::Float32(value)) => values.push(*value),
            (Values::Float64(values), RuleValue::Float64(value)) => values.push(*value),
            (Values::Fixed16(values), RuleValue::Fixed(value)) => values.extend_from_slice(value),
            (Values::Bytes { data, ends }, RuleValue::Text(text)) => {
                data.extend_from_slice(text.as_bytes());
                ends.push(end_of(data)?);
            }
            (Values::Bytes { data, ends }, RuleValue::Bytes(bytes)) => {
                data.extend_from_slice(bytes);
                ends.push(end_of(data)?);
            }
            (_, _) => return Err(Error::bug("the value of a rule is not of its column's form")),
        }
        self.valid.push(true);
        Ok(())
    }

    /// Keeps the first `rows` values only.
    fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Boolean(values) => values.truncate(rows),
            Values::Int64(values) => values.truncate(rows),
            Values::Int32(values) => values.truncate(rows),
            Values::Float32(values) => values.truncate(rows),
            Values::Float64(values) => values.truncate(rows),
            Values::Bytes { data, ends } => {
                ends.truncate(rows + 1);
                let end = ends.last().and_then(|end| usize::try_from(*end).ok());
                data.truncate(end.unwrap_or(0));
            }
            Values::Fixed16(values) => values.truncate(rows * 16),
        }
        self.valid.truncate(rows);
    }

    /// Returns the array and leaves an empty column with room for as many values again, up to `room_max` bytes.
    fn finish(&mut self, room_max: usize) -> Result<ArrayRef> {
        let rows = self.valid.len();
        let valid = std::mem::replace(&mut self.valid, Vec::with_capacity(rows));
        let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
        let array: ArrayRef = match &mut self.values {
            Values::Boolean(values) => Arc::new(BooleanArray::new(BooleanBuffer::from(fresh(values)), nulls)),
            Values::Int64(values) => long(&self.logical, fresh(values), nulls),
            Values::Int32(values) => Arc::new(PrimitiveArray::<Date32Type>::new(fresh(values).into(), nulls)),
            Values::Float32(values) => {
                Arc::new(PrimitiveArray::<Float32Type>::new(fresh(values).into(), nulls))
            }
            Values::Float64(values) => {
                Arc::new(PrimitiveArray::<Float64Type>::new(fresh(values).into(), nulls))
            }
            Values::Bytes { data, ends } => {
                let room = Vec::with_capacity(data.len().min(room_max));
                let data = Buffer::from_vec(std::mem::replace(data, room));
                let ends = OffsetBuffer::new(ScalarBuffer::from(fresh(ends)));
                if matches!(self.logical, LogicalType::Bytes | LogicalType::Any) {
                    Arc::new(BinaryArray::try_new(ends, data, nulls).map_err(broken)?)
                } else {
                    Arc::new(StringArray::try_new(ends, data, nulls).map_err(broken)?)
                }
            }
            Values::Fixed16(values) => {
                let values = Buffer::from_vec(fresh(values));
                Arc::new(FixedSizeBinaryArray::try_new(16, values, nulls).map_err(broken)?)
            }
        };
        if let Values::Bytes { ends, .. } = &mut self.values {
            ends.push(0);
        }
        Ok(array)
    }
}

fn fresh<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    std::mem::replace(values, room)
}

fn long(logical: &LogicalType, values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
    if matches!(logical, LogicalType::Time) {
        return Arc::new(PrimitiveArray::<Time64MicrosecondType>::new(values.into(), nulls));
    }
    if let LogicalType::Timestamp { zoned } = logical {
        let array = PrimitiveArray::<TimestampMicrosecondType>::new(values.into(), nulls);
        return Arc::new(array.with_timezone_opt(zoned.then(|| Arc::from("UTC"))));
    }
    Arc::new(PrimitiveArray::<Int64Type>::new(values.into(), nulls))
}

fn broken(cause: ArrowError) -> Error {
    Error::bug("a batch could not be built").with_cause(cause)
}

/// The offset behind the bytes; a batch never comes near the limit, a single value cannot pass it.
pub(super) fn end_of(data: &[u8]) -> Result<i32> {
    i32::try_from(data.len()).map_err(|cause| Error::bug("a batch passed 2 GiB").with_cause(cause))
}

/// A batch under construction.
#[derive(Debug)]
pub(crate) struct RowBatch {
    names: Vec<String>,
    schema: Arc<Schema>,
    columns: Vec<Column>,
    /// Per column, what stands in the place of a value that breaks a rule; without it the row is rejected.
    instead: Vec<Option<RuleValue>>,
    /// Per column, how many values were replaced; empty when none would be.
    ruled: Vec<u64>,
    rejects: Vec<Reject>,
    rows: usize,
    bytes: usize,
    bytes_max: usize,
}

impl RowBatch {
    /// Makes an empty batch of the columns that closes at `bytes_max`.
    ///
    /// # Errors
    /// `Bug` for a logical type that this engine never offers.
    pub(crate) fn new(columns: &[ReadColumn], bytes_max: usize) -> Result<Self> {
        let instead = |column: &ReadColumn| match &column.rule {
            Some(rule) => rule.replacement(&column.logical),
            None => Ok(None),
        };
        let instead: Vec<Option<RuleValue>> = columns.iter().map(instead).collect::<Result<_>>()?;
        Ok(Self {
            ruled: no_counts(&instead),
            instead,
            names: columns.iter().map(|column| column.name.clone()).collect(),
            schema: arrow_schema(
                columns
                    .iter()
                    .map(|column| (column.name.as_str(), &column.logical)),
            ),
            columns: columns
                .iter()
                .map(|column| Column::new(column.logical.clone()))
                .collect::<Result<_>>()?,
            rejects: Vec::new(),
            rows: 0,
            bytes: 0,
            bytes_max,
        })
    }

    /// Returns the number of rows so far, rejected ones included.
    pub(crate) fn len(&self) -> usize {
        self.rows + self.rejects.len()
    }

    /// Appends a row, or notes it as rejected when a value does not fit; `key` names the row then. False, and nothing is appended, when the
    /// batch holds rows and would pass its size: the row belongs into the next one.
    ///
    /// # Errors
    /// When the engine cannot hand out a value.
    pub(crate) fn append<'a>(
        &mut self,
        value: impl Fn(usize) -> Result<ValueRef<'a>>,
        key: impl FnOnce() -> (String, Vec<KeyValue>),
    ) -> Result<bool> {
        let room = match self.len() {
            0 => usize::MAX,
            BATCH_ROWS.. => return Ok(false),
            _ => self.bytes_max.saturating_sub(self.bytes),
        };
        let mut bytes = 0;
        let mut replaced = Vec::new();
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = value(at)?;
            bytes += size_of(value);
            // Before the value is copied: a long one would make the whole batch move.
            if bytes > room {
                self.cut_back();
                return Ok(false);
            }
            if matches!(value, ValueRef::Null) {
                column.append_null()?;
                continue;
            }
            if let Err(rule) = decode::append(column, value)? {
                if let Some(instead) = &self.instead[at] {
                    column.append_rule(instead)?;
                    replaced.push(at);
                    continue;
                }
                let (key, exact) = key();
                let reject = Reject {
                    row: None,
                    key,
                    expression: None,
                    exact,
                    column: self.names[at].clone(),
                    value: told(&self.names[at], decode::shown(value)).into_owned(),
                    rule,
                };
                self.rejects.push(reject);
                self.cut_back();
                return Ok(true);
            }
            column.valid.push(true);
        }
        for at in replaced {
            self.ruled[at] += 1;
        }
        self.rows += 1;
        self.bytes += bytes;
        Ok(true)
    }

    /// Takes away what was appended of an unfinished row.
    fn cut_back(&mut self) {
        let rows = self.rows;
        self.columns.iter_mut().for_each(|column| column.truncate(rows));
    }

    /// Returns the finished batch and leaves an empty one.
    ///
    /// # Errors
    /// `Bug` when the columns do not fit together.
    pub(crate) fn take(&mut self) -> Result<Batch> {
        let room_max = self.bytes_max;
        let arrays = self
            .columns
            .iter_mut()
            .map(|column| column.finish(room_max))
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let records =
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map_err(broken)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(Batch {
            records,
            rejects: std::mem::take(&mut self.rejects),
            ruled: std::mem::replace(&mut self.ruled, no_counts(&self.instead)),
        })
    }
}

fn no_counts(instead: &[Option<RuleValue>]) -> Vec<u64> {
    match instead.iter().any(Option::is_some) {
        true => vec![0; instead.len()],
        false => Vec::new(),
    }
}

/// Returns the bytes that a value takes.
#[inline]
pub(crate) fn size_of(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null => 1,
        ValueRef::Integer(_) | ValueRef::Real(_) => 8,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() + 4,
    }
}
