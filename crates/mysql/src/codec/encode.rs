//! Writing: values of Arrow columns in the form in which the server takes them. A value that the column cannot hold exactly makes its
//! row a reject; the server is never left to round, cut, pad or guess. How rows are framed is `load.rs`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the pairs with an encoder are listed"
)]

mod exact;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use whimbrel_core::{Error, LogicalType, Reject, Result, arrow_type, is_late_uuid, named, parse_uuid, told};

use self::exact::{
    bits, chars, clock, date, decimal, float, integer, json, length, moment, span, whole, year,
};
use super::print::{float32, float64};
use super::text;
use crate::native::Kind;

/// A column to encode.
#[derive(Debug)]
pub(crate) struct EncodeColumn {
    pub(crate) name: String,
    pub(crate) logical: LogicalType,
    pub(crate) kind: Kind,
    /// The character set of a text column.
    pub(crate) charset: Option<String>,
    /// False when NULL is not allowed; the server would put another value in its place.
    pub(crate) nullable: bool,
    /// True for a column that names the row in rejects.
    pub(crate) key: bool,
    /// True where a float keeps the sign of zero.
    pub(crate) signed_zero: bool,
}

/// Why a value cannot be written: the rule it breaks.
pub(super) type Broken = String;

/// What a cell turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    /// Something stands in the buffer.
    Value,
    /// The value that an enum has when it is none of its labels; the server takes it with one warning.
    NoLabel,
}

impl EncodeColumn {
    /// Tells whether the bytes are the value's own, whatever they mean; otherwise they are text in UTF-8.
    pub(crate) fn is_raw(&self) -> bool {
        match &self.logical {
            LogicalType::Wire { .. } => !self.kind.is_plain_text_on_the_wire(),
            LogicalType::Bytes | LogicalType::Any => true,
            _ => match self.kind {
                Kind::Bit(_) => true,
                Kind::Binary(_) | Kind::Varbinary(_) | Kind::Blob(_) => self.logical == LogicalType::Uuid,
                _ => false,
            },
        }
    }

    /// Tells whether text for this column is understood when it is sent as bytes.
    pub(crate) fn takes_text_as_bytes(&self) -> bool {
        let is_utf8 = |charset: &str| matches!(charset, "utf8mb4" | "utf8mb3" | "utf8" | "ascii" | "binary");
        match self.kind {
            Kind::Json | Kind::Uuid | Kind::Inet4 | Kind::Inet6 => false,
            _ => self.is_raw() || self.charset.as_deref().is_none_or(is_utf8),
        }
    }
}

impl Kind {
    /// Tells whether the wire form is text in ASCII or UTF-8 whatever the column's character set is.
    fn is_plain_text_on_the_wire(&self) -> bool {
        match self {
            Self::Integer { .. }
            | Self::Decimal { .. }
            | Self::Float { .. }
            | Self::Date
            | Self::Time(_)
            | Self::Datetime(_)
            | Self::Timestamp(_)
            | Self::Year
            | Self::Json
            | Self::Uuid
            | Self::Inet4
            | Self::Inet6 => true,
            Self::Bit(_)
            | Self::Char(_)
            | Self::Varchar(_)
            | Self::Text(_)
            | Self::Binary(_)
            | Self::Varbinary(_)
            | Self::Blob(_)
            | Self::Enum(_)
            | Self::Set(_)
            | Self::Spatial(_)
            | Self::Vector(_)
            | Self::Other(_) => false,
        }
    }
}

/// Encodes the rows of one table.
#[derive(Debug)]
pub(crate) struct Encoder {
    columns: Vec<EncodeColumn>,
}

impl Encoder {
    pub(crate) fn new(columns: Vec<EncodeColumn>) -> Self {
        Self { columns }
    }

    /// Returns the columns in the order of the batches.
    pub(crate) fn columns(&self) -> &[EncodeColumn] {
        &self.columns
    }

    /// Makes sure that the batch has the columns in their forms.
    pub(crate) fn check(&self, records: &RecordBatch) -> Result<()> {
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
                return Err(Error::bug(format!(
                    "column `{}` arrived as {}; must be {}",
                    column.name,
                    array.data_type(),
                    column.logical
                )));
            }
        }
        Ok(())
    }

    /// Appends the value of a cell.
    pub(crate) fn cell(
        &self,
        records: &RecordBatch,
        row: usize,
        at: usize,
        out: &mut Vec<u8>,
    ) -> Result<Cell, Broken> {
        let column = &self.columns[at];
        let array = records.column(at).as_ref();
        if array.is_null(row) {
            if column.nullable {
                return Ok(Cell::Null);
            }
            return Err("the column is NOT NULL".to_owned());
        }
        let begin = out.len();
        put(column, array, row, out)?;
        let is_label = match &column.kind {
            Kind::Enum(labels) if out.len() == begin => labels.iter().any(String::is_empty),
            _ => true,
        };
        Ok(if is_label { Cell::Value } else { Cell::NoLabel })
    }

    /// Makes the reject of a row for one of its columns.
    pub(crate) fn reject(&self, records: &RecordBatch, row: usize, at: usize, rule: String) -> Reject {
        Reject {
            row: Some(row),
            key: self.key(records, row),
            column: self.columns[at].name.clone(),
            value: told(&self.columns[at].name, self.shown(records, row, at)).into_owned(),
            rule,
            expression: None,
            exact: Vec::new(),
        }
    }

    /// Returns what names the row, such as `id=17`.
    pub(crate) fn key(&self, records: &RecordBatch, row: usize) -> String {
        let key: Vec<String> = (0..self.columns.len())
            .filter(|&at| self.columns[at].key)
            .map(|at| named(&self.columns[at].name, self.shown(records, row, at)))
            .collect();
        if key.is_empty() {
            format!("row {row} of its batch")
        } else {
            key.join(", ")
        }
    }

    fn shown(&self, records: &RecordBatch, row: usize, at: usize) -> String {
        text::shown(&self.columns[at].logical, records.column(at).as_ref(), row)
    }
}

/// Appends a value that is not NULL.
fn put(column: &EncodeColumn, array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    match &column.logical {
        LogicalType::Wire { .. } => put_wire(column, array.as_binary::<i32>().value(row), out),
        LogicalType::Boolean => put_boolean(&column.kind, array.as_boolean().value(row), out),
        LogicalType::Integer { .. } => {
            put_integer(&column.kind, array.as_primitive::<Int64Type>().value(row), out)
        }
        LogicalType::Float { bits: 32 } => {
            let value = array.as_primitive::<Float32Type>().value(row);
            check_zero(column, f64::from(value))?;
            float(&column.kind, f64::from(value), float32(value), out)
        }
        LogicalType::Float { .. } => {
            let value = array.as_primitive::<Float64Type>().value(row);
            check_zero(column, value)?;
            float(&column.kind, value, float64(value), out)
        }
        LogicalType::Bytes | LogicalType::Any => {
            put_bytes(&column.kind, array.as_binary::<i32>().value(row), out)
        }
        LogicalType::Date if !column.kind.is_text() => {
            date(&column.kind, array.as_primitive::<Date32Type>().value(row), out)
        }
        LogicalType::Time if !column.kind.is_text() => clock(
            &column.kind,
            array.as_primitive::<Time64MicrosecondType>().value(row),
            out,
        ),
        LogicalType::Timestamp { .. } if !column.kind.is_text() => moment(
            &column.kind,
            array.as_primitive::<TimestampMicrosecondType>().value(row),
            out,
        ),
        LogicalType::Interval if !column.kind.is_text() => span(&column.kind, text::sixteen(array, row), out),
        LogicalType::Uuid if matches!(column.kind, Kind::Binary(_) | Kind::Varbinary(_) | Kind::Blob(_)) => {
            put_bytes(&column.kind, &text::sixteen(array, row), out)
        }
        LogicalType::Decimal { .. }
        | LogicalType::Text { .. }
        | LogicalType::Bits { .. }
        | LogicalType::Date
        | LogicalType::Time
        | LogicalType::TimeZoned
        | LogicalType::Timestamp { .. }
        | LogicalType::Interval
        | LogicalType::Uuid
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. } => {
            let text = text::of(&column.logical, array, row).map_err(|_| "value has no text".to_owned())?;
            let padded = matches!(column.logical, LogicalType::Text { padded: true, .. });
            put_text(column, &text, padded, out)
        }
    }
}

/// The wire form is what the server sent; only floats are looked at, and written out, since the server reads the shorter digits of a
/// FLOAT as a DOUBLE.
fn put_wire(column: &EncodeColumn, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    let Kind::Float { bits, .. } = column.kind else {
        out.extend_from_slice(bytes);
        return Ok(());
    };
    let text = std::str::from_utf8(bytes).map_err(|_| "text is no number".to_owned())?;
    let unfit = || "text is no number".to_owned();
    let value = match bits {
        32 => f64::from(text.parse::<f32>().map_err(|_| unfit())?),
        _ => text.parse::<f64>().map_err(|_| unfit())?,
    };
    check_zero(column, value)?;
    out.extend_from_slice(float64(value).as_bytes());
    Ok(())
}

fn check_zero(column: &EncodeColumn, value: f64) -> Result<(), Broken> {
    let is_lost = value == 0.0
        && value.is_sign_negative()
        && !column.signed_zero
        && matches!(column.kind, Kind::Float { .. });
    if is_lost {
        return Err("the column cannot hold -0".to_owned());
    }
    Ok(())
}

fn put_boolean(kind: &Kind, value: bool, out: &mut Vec<u8>) -> Result<(), Broken> {
    match kind {
        Kind::Bit(_) => bits(kind, if value { "1" } else { "0" }, out),
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) => {
            out.extend_from_slice(if value { b"true" } else { b"false" });
            Ok(())
        }
        _ => put_integer(kind, i64::from(value), out),
    }
}

fn put_integer(kind: &Kind, value: i64, out: &mut Vec<u8>) -> Result<(), Broken> {
    match kind {
        Kind::Integer { .. } => integer(kind, i128::from(value), out),
        Kind::Decimal { .. } => decimal(kind, &value.to_string(), out),
        Kind::Year => year(value, out),
        Kind::Bit(_) if value >= 0 => bits(kind, &format!("{value:b}"), out),
        Kind::Float { .. } => whole(kind, value, out),
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) | Kind::Json => {
            out.extend_from_slice(value.to_string().as_bytes());
            Ok(())
        }
        _ => Err("the column takes no integers".to_owned()),
    }
}

fn put_bytes(kind: &Kind, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
    length(kind, bytes)?;
    out.extend_from_slice(bytes);
    Ok(())
}

fn put_text(column: &EncodeColumn, text: &str, padded: bool, out: &mut Vec<u8>) -> Result<(), Broken> {
    match &column.kind {
        Kind::Decimal { .. } => return decimal(&column.kind, text, out),
        Kind::Integer { .. } => {
            let value = whimbrel_core::canonical_decimal(text).and_then(|digits| digits.parse().ok());
            return integer(&column.kind, value.ok_or("value is no whole number")?, out);
        }
        Kind::Bit(_) => return bits(&column.kind, text, out),
        Kind::Enum(labels) => {
            if !labels.iter().any(|label| label == text) {
                return Err("value is none of the column's labels".to_owned());
            }
        }
        Kind::Set(labels) => {
            let known = |part: &str| labels.iter().any(|label| label == part);
            if !text.is_empty() && !text.split(',').all(known) {
                return Err("value holds what is none of the column's labels".to_owned());
            }
        }
        Kind::Json => json(text)?,
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) => {
            chars(&column.kind, column.charset.as_deref(), text, padded)?;
        }
        Kind::Binary(_) | Kind::Varbinary(_) | Kind::Blob(_) => length(&column.kind, text.as_bytes())?,
        Kind::Uuid => {
            let bytes = parse_uuid(text).ok_or("text is no uuid")?;
            if is_late_uuid(&bytes) {
                return Err("value is a UUID of version 8 or later that `uuid` does not hold".to_owned());
            }
        }
        Kind::Inet4 | Kind::Inet6 => {}
        Kind::Float { .. }
        | Kind::Date
        | Kind::Time(_)
        | Kind::Datetime(_)
        | Kind::Timestamp(_)
        | Kind::Year
        | Kind::Spatial(_)
        | Kind::Vector(_)
        | Kind::Other(_) => return Err(format!("the column takes no {}", column.logical)),
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, BinaryArray, Float64Array, StringArray};

    use super::*;

    fn column(logical: LogicalType, native: &str) -> EncodeColumn {
        EncodeColumn {
            name: "c".to_owned(),
            logical,
            kind: Kind::parse(native),
            charset: Some("utf8mb4".to_owned()),
            nullable: true,
            key: false,
            signed_zero: true,
        }
    }

    fn one(logical: LogicalType, native: &str, array: ArrayRef) -> Result<String, String> {
        let mut out = Vec::new();
        put(&column(logical, native), array.as_ref(), 0, &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    }

    fn text(native: &str, text: &str) -> Result<String, String> {
        one(
            LogicalType::text(),
            native,
            Arc::new(StringArray::from(vec![text])),
        )
    }

    #[test]
    fn what_does_not_fit_is_refused_by_a_named_rule() {
        for (native, value, part) in [
            ("varchar(3)", "abcd", "more than 3 characters"),
            ("varchar(3)", "abc ", "more than 3 characters"),
            ("char(3)", "ab ", "spaces at its end"),
            ("tinytext", &"ä".repeat(128), "255 bytes"),
            ("enum('a','b')", "1", "none of the column's labels"),
            ("enum('a','b')", "A", "none of the column's labels"),
            ("set('a','b')", "a,c", "none of the column's labels"),
            ("decimal(4,2)", "12.345", "behind the point"),
            ("decimal(4,2)", "123.4", "before the point"),
            ("decimal(4,2) unsigned", "-1", "negative"),
            ("decimal(4,2)", "NaN", "NaN"),
            ("tinyint", "128", "range"),
            ("int unsigned", "-1", "range"),
            ("int", "1.5", "whole number"),
            ("bit(4)", "101", "must have 4"),
            ("uuid", "x", "no uuid"),
            (
                "uuid",
                "00000000-0000-8000-0100-000000000000",
                "version 8 or later",
            ),
            (
                "uuid",
                "ffffffff-ffff-ffff-80ff-ffffffffffff",
                "version 8 or later",
            ),
            (
                "json",
                "[1, 123456789012345678901234567890]",
                "123456789012345678901234567890",
            ),
            ("json", "0.1234567890123456789", "0.1234567890123456789"),
            ("json", "1e400", "1e+400"),
        ] {
            let broken = text(native, value).unwrap_err();
            assert!(broken.contains(part), "{native} {value}: {broken}");
        }
    }

    #[test]
    fn what_fits_is_written_as_it_is() {
        for (native, value, wanted) in [
            ("varchar(3)", "äöü", "äöü"),
            ("decimal(6,2)", "0012.50", "12.5"),
            ("decimal(6,2)", "-0.00", "0"),
            ("decimal(6,2)", "-00.10", "-0.1"),
            ("decimal(6,2)", "1.25e2", "125"),
            ("decimal(4,0)", "7.000", "7"),
            ("bigint unsigned", "18446744073709551615", "18446744073709551615"),
            ("set('a','b')", "", ""),
            ("set('a','b')", "a,b", "a,b"),
            (
                "json",
                "{\"a\": [1, 2.50, 18446744073709551615, \"1e999 12345678901234567890123\"]}",
                "",
            ),
            ("bit(9)", "100000001", "\u{1}\u{1}"),
        ] {
            let written = text(native, value).unwrap();
            assert_eq!(
                written,
                if wanted.is_empty() { value } else { wanted },
                "{native}"
            );
        }
    }

    #[test]
    fn floats_are_written_with_all_their_digits() {
        let double = |value: f64| {
            one(
                LogicalType::Float { bits: 64 },
                "double",
                Arc::new(Float64Array::from(vec![value])),
            )
        };
        assert_eq!(double(-0.0).unwrap(), "-0");
        assert_eq!(double(5e-324).unwrap(), "5e-324");
        assert!(double(f64::NAN).unwrap_err().contains("NaN"));
        assert!(double(f64::NEG_INFINITY).unwrap_err().contains("infinit"));
        let wire = LogicalType::Wire {
            native: "float".to_owned(),
            printed: false,
        };
        let written = one(wire, "float", Arc::new(BinaryArray::from(vec![&b"0.1"[..]]))).unwrap();
        assert_eq!(written, "0.10000000149011612");
    }

    #[test]
    fn a_null_is_refused_where_the_server_would_make_something_of_it() {
        let mut column = column(LogicalType::text(), "varchar(3)");
        column.nullable = false;
        let schema = whimbrel_core::arrow_schema([("c", &LogicalType::text())]);
        let nothing: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
        let records = RecordBatch::try_new(schema, vec![nothing]).unwrap();
        let encoder = Encoder::new(vec![column]);
        assert!(encoder.cell(&records, 0, 0, &mut Vec::new()).is_err());
    }
}
