//! Arrow columns into the engine's values, bound to an INSERT: exactly, or with the rule that the value breaks.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Statement, ToSql};
use whimbrel_core::{
    Error, LogicalType, Reject, Result, WriteColumn, arrow_type, canonical_decimal, format_date, format_time,
    format_timestamp,
};

use super::decode::{decimal, real_text, shown, unexpected};
use super::tag;
use crate::declared::Keeping;
use crate::error::During;

/// Writes the rows of batches through a prepared INSERT whose parameters are the columns in order.
#[derive(Debug)]
pub(crate) struct Encoder {
    columns: Vec<WriteColumn>,
    keeping: Vec<Keeping>,
    key: Vec<usize>,
    bytes_max: usize,
}

/// A value on its way, owned where it had to be made.
enum Cell<'a> {
    Value(ValueRef<'a>),
    Made(String),
}

impl Cell<'_> {
    fn as_value(&self) -> ValueRef<'_> {
        match self {
            Self::Value(value) => *value,
            Self::Made(text) => ValueRef::Text(text.as_bytes()),
        }
    }
}

struct Bound<'a>(ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(self.0))
    }
}

impl Encoder {
    /// Makes an encoder. `key` holds the positions of the columns that name a row in a reject, `bytes_max` is the engine's limit for a value.
    pub(crate) fn new(columns: Vec<WriteColumn>, strict: bool, key: Vec<usize>, bytes_max: usize) -> Self {
        Self {
            keeping: columns
                .iter()
                .map(|column| Keeping::new(&column.native, strict))
                .collect(),
            columns,
            key,
            bytes_max,
        }
    }

    /// Inserts the rows that the columns can hold and returns the others.
    ///
    /// # Errors
    /// Whatever the engine says to an INSERT; `Bug` for a column that is not in its logical type's form.
    pub(crate) fn insert(
        &self,
        statement: &mut Statement<'_>,
        records: &RecordBatch,
        table: &str,
    ) -> Result<Vec<Reject>> {
        let arrays = records.columns();
        if arrays.len() != self.columns.len() {
            return Err(Error::bug(format!(
                "{} columns arrived; must be {}",
                arrays.len(),
                self.columns.len()
            )));
        }
        for (column, array) in self.columns.iter().zip(arrays) {
            if array.data_type() != &arrow_type(&column.logical) {
                return Err(unexpected(&column.logical));
            }
        }
        let mut rejects = Vec::new();
        for row in 0..records.num_rows() {
            match self.bind(statement, arrays, row)? {
                Some(reject) => rejects.push(reject),
                None => {
                    statement
                        .raw_execute()
                        .map_err(|cause| self.refused(cause, table, arrays, row))?;
                }
            }
        }
        Ok(rejects)
    }

    fn bind(&self, statement: &mut Statement<'_>, arrays: &[ArrayRef], row: usize) -> Result<Option<Reject>> {
        for (at, (column, array)) in self.columns.iter().zip(arrays).enumerate() {
            let cell = cell(column, array.as_ref(), row)?;
            let rule = match &cell {
                Ok(cell) => self.rule(at, cell.as_value()),
                Err(rule) => Some(rule.clone()),
            };
            if let Some(rule) = rule {
                return Ok(Some(Reject {
                    row: Some(row),
                    key: self.key_text(arrays, row),
                    column: column.name.clone(),
                    value: shown_of(column, array.as_ref(), row),
                    rule,
                    exact: Vec::new(),
                }));
            }
            let value = cell.as_ref().map_or(ValueRef::Null, Cell::as_value);
            statement
                .raw_bind_parameter(at + 1, Bound(value))
                .during(|| format!("bind column `{}`", column.name))?;
        }
        Ok(None)
    }

    fn rule(&self, at: usize, value: ValueRef<'_>) -> Option<String> {
        let bytes = match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => 0,
        };
        if bytes > self.bytes_max {
            return Some(format!(
                "value has {bytes} bytes; the target takes {}",
                self.bytes_max
            ));
        }
        self.keeping[at].change_of(value)
    }

    fn key_text(&self, arrays: &[ArrayRef], row: usize) -> String {
        let parts: Vec<String> = self
            .key
            .iter()
            .map(|at| {
                let column = &self.columns[*at];
                format!("{}={}", column.name, shown_of(column, arrays[*at].as_ref(), row))
            })
            .collect();
        if parts.is_empty() {
            format!("row {row} of its batch")
        } else {
            parts.join(", ")
        }
    }

    fn refused(&self, cause: rusqlite::Error, table: &str, arrays: &[ArrayRef], row: usize) -> Error {
        let key = self.key_text(arrays, row);
        crate::error::failed(format!("insert into `{table}` the row {key}"), cause)
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "other forms are shown as they are stored"
)]
fn shown_of(column: &WriteColumn, array: &dyn Array, row: usize) -> String {
    match cell(column, array, row) {
        Ok(Ok(cell)) => shown(cell.as_value()),
        Ok(Err(_)) | Err(_) => match array.data_type() {
            arrow_schema::DataType::Utf8 => {
                shown(ValueRef::Text(array.as_string::<i32>().value(row).as_bytes()))
            }
            arrow_schema::DataType::Float32 => {
                real_text(array.as_primitive::<Float32Type>().value(row).into())
            }
            arrow_schema::DataType::Float64 => real_text(array.as_primitive::<Float64Type>().value(row)),
            _ => String::new(),
        },
    }
}

/// Returns the value of a row as the engine stores it; the inner error is the rule that it breaks.
fn cell<'a>(
    column: &WriteColumn,
    array: &'a dyn Array,
    row: usize,
) -> Result<std::result::Result<Cell<'a>, String>> {
    if array.is_null(row) {
        return Ok(Ok(Cell::Value(ValueRef::Null)));
    }
    let integer = |number: i64| Cell::Value(ValueRef::Integer(number));
    Ok(Ok(match &column.logical {
        LogicalType::Boolean => integer(array.as_boolean().value(row).into()),
        LogicalType::Integer { .. } => integer(array.as_primitive::<Int64Type>().value(row)),
        LogicalType::Float { bits: 32 } => {
            return Ok(real(array.as_primitive::<Float32Type>().value(row).into()));
        }
        LogicalType::Float { .. } => return Ok(real(array.as_primitive::<Float64Type>().value(row))),
        LogicalType::Decimal { .. } => {
            return Ok(decimal_cell(&column.native, array.as_string::<i32>().value(row)));
        }
        LogicalType::Text { .. }
        | LogicalType::Bits { .. }
        | LogicalType::TimeZoned
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. } => {
            Cell::Value(ValueRef::Text(array.as_string::<i32>().value(row).as_bytes()))
        }
        LogicalType::Bytes => Cell::Value(ValueRef::Blob(array.as_binary::<i32>().value(row))),
        LogicalType::Date => Cell::Made(format_date(array.as_primitive::<Date32Type>().value(row))),
        LogicalType::Time => Cell::Made(format_time(
            array.as_primitive::<Time64MicrosecondType>().value(row),
        )),
        LogicalType::Timestamp { zoned } => Cell::Made(format_timestamp(
            array.as_primitive::<TimestampMicrosecondType>().value(row),
            *zoned,
        )),
        LogicalType::Interval => Cell::Made(whimbrel_core::format_interval(sixteen(array, row)?)),
        LogicalType::Uuid => Cell::Made(uuid_text(sixteen(array, row)?)),
        LogicalType::Any => Cell::Value(tagged(array.as_binary::<i32>().value(row))?),
        LogicalType::Wire { .. } => return Err(unexpected(&column.logical)),
    }))
}

fn real(value: f64) -> std::result::Result<Cell<'static>, String> {
    if value.is_nan() {
        Err("NaN would become NULL".to_owned())
    } else {
        Ok(Cell::Value(ValueRef::Real(value)))
    }
}

/// Digits as text; as a number where the column is one and the number keeps the value.
fn decimal_cell<'a>(native: &str, digits: &'a str) -> std::result::Result<Cell<'a>, String> {
    let kept = |value: ValueRef<'_>| {
        let back = decimal(value).ok().and_then(|back| canonical_decimal(&back));
        back.is_some() && back == canonical_decimal(digits)
    };
    if native.eq_ignore_ascii_case("INTEGER") {
        let whole = canonical_decimal(digits).and_then(|digits| digits.parse().ok());
        return whole
            .map(|number| Cell::Value(ValueRef::Integer(number)))
            .ok_or_else(|| "value is no integer of 64 bits".to_owned());
    }
    if native.eq_ignore_ascii_case("REAL") {
        let real: Option<f64> = digits.parse().ok().filter(|real| kept(ValueRef::Real(*real)));
        return real
            .map(|real| Cell::Value(ValueRef::Real(real)))
            .ok_or_else(|| "value has more digits than a real keeps".to_owned());
    }
    Ok(Cell::Value(ValueRef::Text(digits.as_bytes())))
}

fn sixteen(array: &dyn Array, row: usize) -> Result<[u8; 16]> {
    let bytes = array.as_fixed_size_binary().value(row);
    bytes
        .try_into()
        .map_err(|cause| Error::bug(format!("{} bytes arrived; must be 16", bytes.len())).with_cause(cause))
}

fn uuid_text(bytes: [u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(bytes));
    format!(
        "{}-{}-{}-{}-{}",
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..]
    )
}

/// Takes a tagged value apart.
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
