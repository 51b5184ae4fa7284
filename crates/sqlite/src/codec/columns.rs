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
use arrow_schema::{ArrowError, DataType, Schema, TimeUnit};
use rusqlite::types::ValueRef;
use whimbrel_core::{
    Batch, Error, KeyValue, LogicalType, ReadColumn, Reject, Result, RuleValue, arrow_schema,
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
            LogicalType::Wire { native } => {
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

    fn finish(self) -> Result<ArrayRef> {
        let nulls = Some(NullBuffer::from(self.valid)).filter(|nulls| nulls.null_count() > 0);
        let array: ArrayRef = match (self.values, &self.logical) {
            (Values::Boolean(values), _) => Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls)),
            (Values::Int64(values), LogicalType::Time) => {
                Arc::new(PrimitiveArray::<Time64MicrosecondType>::new(values.into(), nulls))
            }
            (Values::Int64(values), LogicalType::Timestamp { zoned }) => {
                let array = PrimitiveArray::<TimestampMicrosecondType>::new(values.into(), nulls);
                let zone = zoned.then(|| Arc::from("UTC"));
                Arc::new(array.with_data_type(DataType::Timestamp(TimeUnit::Microsecond, zone)))
            }
            (Values::Int64(values), _) => Arc::new(PrimitiveArray::<Int64Type>::new(values.into(), nulls)),
            (Values::Int32(values), _) => Arc::new(PrimitiveArray::<Date32Type>::new(values.into(), nulls)),
            (Values::Float32(values), _) => {
                Arc::new(PrimitiveArray::<Float32Type>::new(values.into(), nulls))
            }
            (Values::Float64(values), _) => {
                Arc::new(PrimitiveArray::<Float64Type>::new(values.into(), nulls))
            }
            (Values::Bytes { data, ends }, LogicalType::Bytes | LogicalType::Any) => {
                Arc::new(BinaryArray::try_new(offsets(ends), Buffer::from_vec(data), nulls).map_err(broken)?)
            }
            (Values::Bytes { data, ends }, _) => {
                Arc::new(StringArray::try_new(offsets(ends), Buffer::from_vec(data), nulls).map_err(broken)?)
            }
            (Values::Fixed16(values), _) => {
                Arc::new(FixedSizeBinaryArray::try_new(16, Buffer::from_vec(values), nulls).map_err(broken)?)
            }
        };
        Ok(array)
    }
}

fn offsets(ends: Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(ends))
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
}

impl RowBatch {
    /// Makes an empty batch of the columns.
    ///
    /// # Errors
    /// `Bug` for a logical type that this engine never offers.
    pub(crate) fn new(columns: &[ReadColumn]) -> Result<Self> {
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
            columns: empty(columns.iter().map(|column| &column.logical))?,
            rejects: Vec::new(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Returns the number of rows so far, rejected ones included.
    pub(crate) fn len(&self) -> usize {
        self.rows + self.rejects.len()
    }

    /// Returns the bytes of the values so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a row, or notes it as rejected when a value does not fit; `key` names the row then.
    ///
    /// # Errors
    /// When the engine cannot hand out a value.
    pub(crate) fn append<'a>(
        &mut self,
        value: impl Fn(usize) -> Result<ValueRef<'a>>,
        key: impl FnOnce() -> (String, Vec<KeyValue>),
    ) -> Result<()> {
        let mut bytes = 0;
        let mut replaced = Vec::new();
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = value(at)?;
            bytes += size_of(value);
            if value == ValueRef::Null {
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
                    exact,
                    column: self.names[at].clone(),
                    value: decode::shown(value),
                    rule,
                };
                self.rejects.push(reject);
                self.columns
                    .iter_mut()
                    .for_each(|column| column.truncate(self.rows));
                return Ok(());
            }
            column.valid.push(true);
        }
        for at in replaced {
            self.ruled[at] += 1;
        }
        self.rows += 1;
        self.bytes += bytes;
        Ok(())
    }

    /// Returns the finished batch and leaves an empty one.
    ///
    /// # Errors
    /// `Bug` when the columns do not fit together.
    pub(crate) fn take(&mut self) -> Result<Batch> {
        let fresh = empty(self.columns.iter().map(|column| &column.logical))?;
        let arrays = std::mem::replace(&mut self.columns, fresh)
            .into_iter()
            .map(Column::finish)
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

fn empty<'a>(columns: impl Iterator<Item = &'a LogicalType>) -> Result<Vec<Column>> {
    columns.map(|logical| Column::new(logical.clone())).collect()
}

/// Returns the bytes that a value takes.
pub(crate) fn size_of(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Null => 1,
        ValueRef::Integer(_) | ValueRef::Real(_) => 8,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len() + 4,
    }
}
