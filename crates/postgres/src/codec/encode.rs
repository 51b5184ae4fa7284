//! Writing: rows of Arrow columns into COPY, binary where every column has a binary form of ours, else text. A value that
//! the column cannot hold exactly makes its row a reject; the server is never left to round, cut or overflow.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the pairs with an encoder are listed"
)]

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use whimbrel_core::{
    LogicalType, Reject, format_date, format_timestamp, hex, named, parse_time, shorten, told, uuid_of_digits,
};

use super::cells::Cells;
use super::decode::{narrowed, whole_number};
use super::numeric::{self, Refused};
use super::wire::{Rewrite, Shape};
use super::{COPY_HEADER, EPOCH_DAYS, EPOCH_MICROS, text};
use crate::native::Kind;

/// Encoded rows go out in pieces of about this size.
pub(crate) const PIECE_BYTES: usize = 256 << 10;

/// A column to encode.
#[derive(Debug)]
pub(crate) struct EncodeColumn {
    pub(crate) name: String,
    pub(crate) logical: LogicalType,
    pub(crate) kind: Kind,
    pub(crate) shape: Shape,
    /// True when raw values are carried as text.
    pub(crate) raw_text: bool,
    /// True for a column that names the row in rejects.
    pub(crate) key: bool,
}

/// The format of COPY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Binary,
    Text,
}

/// Encodes batches of one table.
#[derive(Debug)]
pub(crate) struct Encoder {
    columns: Vec<EncodeColumn>,
    format: Format,
    value: Vec<u8>,
}

/// Why a value cannot be written: the rule it breaks.
pub(super) type Broken = String;

impl Encoder {
    /// Makes an encoder and chooses the format.
    pub(crate) fn new(columns: Vec<EncodeColumn>) -> Self {
        let binary = columns
            .iter()
            .all(|column| !column.raw_text && has_binary(column.kind, &column.logical));
        let format = if binary { Format::Binary } else { Format::Text };
        Self {
            columns,
            format,
            value: Vec::new(),
        }
    }

    /// Returns the format that COPY must be told.
    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Appends what stands before the first row.
    pub(crate) fn begin(&self, out: &mut Vec<u8>) {
        if self.format == Format::Binary {
            out.extend_from_slice(COPY_HEADER);
        }
    }

    /// Appends what stands behind the last row.
    pub(crate) fn end(&self, out: &mut Vec<u8>) {
        if self.format == Format::Binary {
            out.extend_from_slice(&(-1_i16).to_be_bytes());
        }
    }

    /// Appends rows from `row` on until the last one or until `out` is a whole piece, leaves out those that break a rule, and returns the number
    /// of the next row.
    pub(crate) fn rows(
        &mut self,
        records: &RecordBatch,
        mut row: usize,
        out: &mut Vec<u8>,
        rejects: &mut Vec<Reject>,
    ) -> usize {
        let cells: Vec<Cells<'_>> = match self.format {
            Format::Binary => self
                .columns
                .iter()
                .zip(records.columns())
                .map(|(column, array)| Cells::of(column, array.as_ref()))
                .collect(),
            Format::Text => Vec::new(),
        };
        while row < records.num_rows() && out.len() < PIECE_BYTES {
            let begin = out.len();
            let written = match self.format {
                Format::Binary => self.binary_row(&cells, row, out),
                Format::Text => self.text_row(records, row, out),
            };
            if let Err((at, rule)) = written {
                out.truncate(begin);
                rejects.push(self.reject(records, row, at, rule));
            }
            row += 1;
        }
        row
    }

    fn binary_row(&self, cells: &[Cells<'_>], row: usize, out: &mut Vec<u8>) -> Result<(), (usize, Broken)> {
        let count = i16::try_from(self.columns.len()).unwrap_or(i16::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for (at, (column, cells)) in self.columns.iter().zip(cells).enumerate() {
            cells.put(column, row, out).map_err(|rule| (at, rule))?;
        }
        Ok(())
    }

    fn text_row(
        &mut self,
        records: &RecordBatch,
        row: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), (usize, Broken)> {
        for (at, column) in self.columns.iter().enumerate() {
            if at > 0 {
                out.push(b'\t');
            }
            self.value.clear();
            let array = records.column(at).as_ref();
            put_text(column, array, row, &mut self.value, out).map_err(|rule| (at, rule))?;
        }
        out.push(b'\n');
        Ok(())
    }

    fn reject(&self, records: &RecordBatch, row: usize, at: usize, rule: String) -> Reject {
        let show = |at: usize| {
            let array = records.column(at).as_ref();
            if array.is_null(row) {
                return "NULL".to_owned();
            }
            text::of(&self.columns[at].logical, array, row).map_or_else(shown_bytes, |text| shorten(&text))
        };
        let key: Vec<String> = (0..self.columns.len())
            .filter(|&at| self.columns[at].key)
            .map(|at| named(&self.columns[at].name, show(at)))
            .collect();
        Reject {
            row: Some(row),
            key: key.join(", "),
            column: self.columns[at].name.clone(),
            value: told(&self.columns[at].name, show(at)).into_owned(),
            rule,
            expression: None,
            exact: Vec::new(),
        }
    }
}

fn shown_bytes(bytes: &[u8]) -> String {
    hex(&bytes[..bytes.len().min(40)])
}

fn put_text(
    column: &EncodeColumn,
    array: &dyn Array,
    row: usize,
    value: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Result<(), Broken> {
    if array.is_null(row) {
        out.extend_from_slice(b"\\N");
        return Ok(());
    }
    // The binary form is made for its checks even where the text is sent.
    if !column.raw_text && has_binary(column.kind, &column.logical) {
        encode(column, array, row, value)?;
    }
    match text::of(&column.logical, array, row) {
        Ok(labels) if column.kind == Kind::Other && matches!(column.logical, LogicalType::Set { .. }) => {
            escape(array_text(&labels).as_bytes(), out);
        }
        Ok(text) => {
            check_text(&text)?;
            escape(text.as_bytes(), out);
        }
        Err(bytes) if matches!(column.logical, LogicalType::Wire { .. }) => escape(bytes, out),
        Err(bytes) => {
            escape(format!("\\x{}", hex(bytes)).as_bytes(), out);
        }
    }
    Ok(())
}

/// The text of an array of these labels.
fn array_text(labels: &str) -> String {
    let quote = |label: &str| format!("\"{}\"", label.replace('\\', "\\\\").replace('"', "\\\""));
    let parts: Vec<String> = match labels {
        "" => Vec::new(),
        labels => labels.split(',').map(quote).collect(),
    };
    format!("{{{}}}", parts.join(","))
}

fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            other => out.push(*other),
        }
    }
}

fn check_text(text: &str) -> Result<(), Broken> {
    if text.contains('\0') {
        return Err("text holds U+0000, which the target cannot store".to_owned());
    }
    Ok(())
}

/// Tells whether values of the logical type have a binary form of ours for the native type.
pub(crate) fn has_binary(kind: Kind, logical: &LogicalType) -> bool {
    use LogicalType as L;
    match kind {
        Kind::Bool => matches!(logical, L::Boolean | L::Integer { .. } | L::Wire { .. }),
        Kind::Int2 | Kind::Int4 | Kind::Int8 => {
            matches!(
                logical,
                L::Integer { .. } | L::Boolean | L::Decimal { .. } | L::Wire { .. }
            )
        }
        Kind::Float4 | Kind::Float8 => matches!(logical, L::Float { .. } | L::Wire { .. }),
        Kind::Numeric(_) => matches!(logical, L::Decimal { .. } | L::Integer { .. } | L::Wire { .. }),
        Kind::Text | Kind::Varchar(_) | Kind::Bpchar(_) => {
            !matches!(logical, L::Bytes | L::Any | L::Interval)
        }
        Kind::Enum => matches!(logical, L::Enum { .. } | L::Text { .. } | L::Wire { .. }),
        Kind::Json | Kind::Jsonb => matches!(logical, L::Json | L::Text { .. } | L::Wire { .. }),
        Kind::Bytea => matches!(logical, L::Bytes | L::Any | L::Wire { .. }),
        Kind::Bit(_) | Kind::Varbit(_) => matches!(logical, L::Bits { .. } | L::Wire { .. }),
        Kind::Date => matches!(logical, L::Date | L::Wire { .. }),
        Kind::Time(_) => matches!(logical, L::Time | L::Wire { .. }),
        Kind::TimeTz(_) => matches!(logical, L::TimeZoned | L::Wire { .. }),
        Kind::Timestamp { zoned, .. } => {
            *logical == (L::Timestamp { zoned }) || matches!(logical, L::Wire { .. })
        }
        Kind::Interval { restricted } => {
            matches!(logical, L::Wire { .. }) || (*logical == L::Interval && !restricted)
        }
        Kind::Uuid => matches!(logical, L::Uuid | L::Wire { .. }),
        Kind::Money => matches!(logical, L::Wire { .. }),
        Kind::Other => matches!(logical, L::Wire { .. } | L::Set { .. }),
    }
}

/// Appends the binary form of a value that is not NULL.
pub(super) fn encode(
    column: &EncodeColumn,
    array: &dyn Array,
    row: usize,
    out: &mut Vec<u8>,
) -> Result<(), Broken> {
    match &column.logical {
        LogicalType::Wire { .. } => {
            let begin = out.len();
            out.extend_from_slice(array.as_binary::<i32>().value(row));
            if !column.shape.is_plain() && !column.shape.rewrite(&mut out[begin..], Rewrite::Local) {
                return Err("bytes are not of the target's type".to_owned());
            }
            Ok(())
        }
        LogicalType::Set { .. } if column.kind == Kind::Other => {
            encode_labels(array.as_string::<i32>().value(row), &column.shape, out)
        }
        LogicalType::Boolean if column.kind.is_integer() || column.kind == Kind::Bool => {
            encode_integer(i64::from(array.as_boolean().value(row)), column.kind, out)
        }
        LogicalType::Integer { .. } => {
            encode_integer(array.as_primitive::<Int64Type>().value(row), column.kind, out)
        }
        LogicalType::Float { bits: 32 } if column.kind.is_float() => encode_float(
            f64::from(array.as_primitive::<Float32Type>().value(row)),
            column.kind,
            out,
        ),
        LogicalType::Float { .. } if column.kind.is_float() => {
            encode_float(array.as_primitive::<Float64Type>().value(row), column.kind, out)
        }
        LogicalType::Bytes | LogicalType::Any => {
            out.extend_from_slice(array.as_binary::<i32>().value(row));
            Ok(())
        }
        LogicalType::Date if column.kind == Kind::Date => {
            encode_date(array.as_primitive::<Date32Type>().value(row), out)
        }
        LogicalType::Time if matches!(column.kind, Kind::Time(_)) => {
            let micros = array.as_primitive::<Time64MicrosecondType>().value(row);
            if let Kind::Time(digits) = column.kind {
                check_digits(micros, digits)?;
            }
            out.extend_from_slice(&micros.to_be_bytes());
            Ok(())
        }
        LogicalType::Timestamp { .. } if matches!(column.kind, Kind::Timestamp { .. }) => encode_timestamp(
            array.as_primitive::<TimestampMicrosecondType>().value(row),
            column.kind,
            out,
        ),
        // In a text column dates and times stand as they are read back, not as the server would print them.
        LogicalType::Date => encode_text(
            &format_date(array.as_primitive::<Date32Type>().value(row)),
            column.kind,
            out,
        ),
        LogicalType::Timestamp { zoned } => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            encode_text(&format_timestamp(micros, *zoned), column.kind, out)
        }
        LogicalType::Interval | LogicalType::Uuid if !column.kind.is_text() => {
            out.extend_from_slice(array.as_fixed_size_binary().value(row));
            Ok(())
        }
        _ => {
            let text = text::of(&column.logical, array, row).map_err(|_| "value has no text".to_owned())?;
            encode_text(&text, column.kind, out)
        }
    }
}

/// A set's labels as an array.
fn encode_labels(labels: &str, shape: &Shape, out: &mut Vec<u8>) -> Result<(), Broken> {
    let Shape::Array(part) = shape else {
        return Err("the target's type holds no set of labels".to_owned());
    };
    check_text(labels)?;
    let parts: Vec<&str> = if labels.is_empty() {
        Vec::new()
    } else {
        labels.split(',').collect()
    };
    let count = i32::try_from(parts.len()).map_err(|_| "too many labels".to_owned())?;
    out.extend_from_slice(&i32::from(count > 0).to_be_bytes());
    out.extend_from_slice(&0_i32.to_be_bytes());
    out.extend_from_slice(&part.oid.to_be_bytes());
    if count > 0 {
        out.extend_from_slice(&count.to_be_bytes());
        out.extend_from_slice(&1_i32.to_be_bytes());
    }
    for label in parts {
        let length = i32::try_from(label.len()).map_err(|_| "label is too long".to_owned())?;
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(label.as_bytes());
    }
    Ok(())
}

pub(super) fn encode_integer(value: i64, kind: Kind, out: &mut Vec<u8>) -> Result<(), Broken> {
    let beyond = |name: &str| format!("value lies beyond the range of {name}");
    match kind {
        Kind::Bool if value == 0 || value == 1 => out.push(u8::from(value == 1)),
        Kind::Bool => return Err("value is neither 0 nor 1".to_owned()),
        Kind::Int2 => out.extend_from_slice(
            &i16::try_from(value)
                .map_err(|_| beyond("smallint"))?
                .to_be_bytes(),
        ),
        Kind::Int4 => {
            out.extend_from_slice(&i32::try_from(value).map_err(|_| beyond("integer"))?.to_be_bytes());
        }
        Kind::Int8 => out.extend_from_slice(&value.to_be_bytes()),
        _ => return encode_text(&value.to_string(), kind, out),
    }
    Ok(())
}

pub(super) fn encode_float(value: f64, kind: Kind, out: &mut Vec<u8>) -> Result<(), Broken> {
    if kind == Kind::Float4 {
        let narrow = narrowed(value).ok_or("value has more digits than real holds")?;
        out.extend_from_slice(&narrow.to_be_bytes());
    } else {
        out.extend_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

pub(super) fn encode_date(days: i32, out: &mut Vec<u8>) -> Result<(), Broken> {
    // The server's calendar begins in 4714 BC and ends in 5874897.
    const FIRST: i32 = -2_440_588;
    const LAST: i32 = 2_145_042_905;
    let sent = match days {
        i32::MAX | i32::MIN => days,
        FIRST..=LAST => days - EPOCH_DAYS,
        _ => return Err("date lies beyond the target's calendar (4714 BC to 5874897)".to_owned()),
    };
    out.extend_from_slice(&sent.to_be_bytes());
    Ok(())
}

pub(super) fn encode_timestamp(micros: i64, kind: Kind, out: &mut Vec<u8>) -> Result<(), Broken> {
    // 4714-11-24 BC 00:00; the last possible microsecond since 1970 lies before the server's own end.
    const FIRST: i64 = -2_440_588 * 86_400_000_000;
    let sent = match micros {
        i64::MAX | i64::MIN => micros,
        FIRST.. => {
            if let Kind::Timestamp { digits, .. } = kind {
                check_digits(micros, digits)?;
            }
            micros - EPOCH_MICROS
        }
        _ => return Err("timestamp lies before the target's calendar begins (4714 BC)".to_owned()),
    };
    out.extend_from_slice(&sent.to_be_bytes());
    Ok(())
}

fn check_digits(micros: i64, digits: Option<u32>) -> Result<(), Broken> {
    let Some(digits) = digits.filter(|digits| *digits < 6) else {
        return Ok(());
    };
    if micros % 10_i64.pow(6 - digits) != 0 {
        return Err(format!("value has more than {digits} digits of a second"));
    }
    Ok(())
}

pub(super) fn encode_text(text: &str, kind: Kind, out: &mut Vec<u8>) -> Result<(), Broken> {
    match kind {
        Kind::Numeric(declared) => {
            numeric::append_binary(text, declared, out).map_err(|refused| match refused {
                Refused::Malformed => "text is no decimal number".to_owned(),
                Refused::Scale => format!(
                    "value has more digits behind the point than {} keeps",
                    shown(declared)
                ),
                Refused::Precision => format!(
                    "value has more digits before the point than {} keeps",
                    shown(declared)
                ),
                Refused::Infinite => format!("{} cannot hold an infinity", shown(declared)),
            })
        }
        Kind::Int2 | Kind::Int4 | Kind::Int8 => {
            let value = whole_number(text).ok_or("value is no whole number of 64 bits")?;
            encode_integer(value, kind, out)
        }
        Kind::Bit(length) => encode_bits(text, Some(length), true, out),
        Kind::Varbit(length) => encode_bits(text, length, false, out),
        Kind::TimeTz(digits) => encode_time_zoned(text, digits, out),
        Kind::Uuid => {
            out.extend_from_slice(&uuid_of_digits(text).ok_or("text is no uuid")?);
            Ok(())
        }
        Kind::Jsonb => {
            check_text(text)?;
            check_json(text)?;
            out.push(1);
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        Kind::Json => {
            check_text(text)?;
            serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map_err(|cause| format!("text is no JSON: {cause}"))?;
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        _ => {
            check_text(text)?;
            check_length(text, kind)?;
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
}

/// What the server's parsed form of JSON cannot hold although it is JSON: the escape of U+0000 and halves of surrogate pairs.
fn check_json(text: &str) -> Result<(), Broken> {
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|cause| format!("text is no JSON: {cause}"))?;
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        rest = &rest[at..];
        let unit = |text: &str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            u16::from_str_radix(digits, 16).ok()
        };
        let behind = match unit(rest) {
            Some(0) => return Err("JSON holds \\u0000, which the target cannot store".to_owned()),
            Some(0xd800..=0xdbff) => match rest.get(6..).and_then(unit) {
                Some(0xdc00..=0xdfff) => 12,
                _ => return Err("JSON holds half of a surrogate pair".to_owned()),
            },
            Some(0xdc00..=0xdfff) => return Err("JSON holds half of a surrogate pair".to_owned()),
            Some(_) => 6,
            None => 2,
        };
        rest = rest.get(behind..).unwrap_or_default();
    }
    Ok(())
}

fn shown(declared: Option<(u32, i32)>) -> String {
    declared.map_or_else(
        || "numeric".to_owned(),
        |(precision, scale)| format!("numeric({precision},{scale})"),
    )
}

/// Blanks at the end of a longer text would be cut by the server in silence, so they count here.
fn check_length(text: &str, kind: Kind) -> Result<(), Broken> {
    let (Kind::Varchar(Some(limit)) | Kind::Bpchar(Some(limit))) = kind else {
        return Ok(());
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // A text has at most as many characters as bytes.
    if text.len() > limit && text.chars().count() > limit {
        return Err(format!("text has more than {limit} characters"));
    }
    Ok(())
}

fn encode_bits(text: &str, length: Option<u32>, fixed: bool, out: &mut Vec<u8>) -> Result<(), Broken> {
    let bits = u32::try_from(text.len()).map_err(|_| "too many bits".to_owned())?;
    match length {
        Some(length) if fixed && bits != length => {
            return Err(format!("value has {bits} bits; must have {length}"));
        }
        Some(length) if bits > length => return Err(format!("value has {bits} bits; {length} are the most")),
        _ => {}
    }
    out.extend_from_slice(&i32::try_from(bits).unwrap_or(i32::MAX).to_be_bytes());
    for group in text.as_bytes().chunks(8) {
        let mut byte = 0_u8;
        for (at, bit) in group.iter().enumerate() {
            match bit {
                b'0' => {}
                b'1' => byte |= 0x80 >> at,
                _ => return Err("text is no string of bits".to_owned()),
            }
        }
        out.push(byte);
    }
    Ok(())
}

fn encode_time_zoned(text: &str, digits: Option<u32>, out: &mut Vec<u8>) -> Result<(), Broken> {
    let unfit = || "text is no time with an offset".to_owned();
    let at = text.find(['+', '-', 'Z']).ok_or_else(unfit)?;
    let micros = parse_time(&text[..at]).ok_or_else(unfit)?;
    check_digits(micros, digits)?;
    let mut seconds = 0;
    if text.as_bytes()[at] != b'Z' {
        for (part, unit) in text[at + 1..].split(':').zip([3600, 60, 1]) {
            let number: i32 = part
                .parse()
                .ok()
                .filter(|number| *number < 60)
                .ok_or_else(unfit)?;
            seconds += number * unit;
        }
    }
    // The server counts westwards.
    let west = if text.as_bytes()[at] == b'-' {
        seconds
    } else {
        -seconds
    };
    out.extend_from_slice(&micros.to_be_bytes());
    out.extend_from_slice(&west.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_into(text: &str, kind: Kind) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        encode_text(text, kind, &mut out).map(|()| out)
    }

    #[test]
    fn what_does_not_fit_is_refused_by_a_named_rule() {
        for (text, kind, part) in [
            ("a\0b", Kind::Text, "U+0000"),
            ("abcd", Kind::Varchar(Some(3)), "more than 3 characters"),
            ("abc  ", Kind::Varchar(Some(3)), "more than 3 characters"),
            ("40000", Kind::Int2, "smallint"),
            ("1.5", Kind::Int4, "whole number"),
            ("12.345", Kind::Numeric(Some((4, 2))), "numeric(4,2)"),
            ("101", Kind::Bit(4), "must have 4"),
            ("10:00", Kind::TimeTz(None), "offset"),
            (r#"["a\u0000"]"#, Kind::Jsonb, "\\u0000"),
            (r#""\ud800x""#, Kind::Jsonb, "surrogate"),
            (r#"{"a":"#, Kind::Jsonb, "no JSON"),
            ("[1", Kind::Json, "no JSON"),
            ("10:00:00.125+00", Kind::TimeTz(Some(2)), "2 digits"),
        ] {
            let broken = text_into(text, kind).unwrap_err();
            assert!(broken.contains(part), "{text}: {broken}");
        }
    }

    #[test]
    fn json_with_escapes_that_the_server_can_hold_passes() {
        for text in [r#""\\u0000""#, r#""\ud83d\ude00""#, r#""\u2400\n""#] {
            assert!(text_into(text, Kind::Jsonb).is_ok(), "{text}");
        }
        assert!(text_into(r#""\u0000""#, Kind::Json).is_ok());
    }

    #[test]
    fn labels_become_an_array_in_either_format() {
        assert_eq!(array_text("a,b\"c"), r#"{"a","b\"c"}"#);
        assert_eq!(array_text(""), "{}");
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(text_into("äöü", Kind::Varchar(Some(3))).is_ok());
        assert!(text_into("äöüß", Kind::Varchar(Some(3))).is_err());
    }

    #[test]
    fn an_offset_is_counted_westwards() {
        let east = text_into("01:00:00+05:30", Kind::TimeTz(None)).unwrap();
        assert_eq!(east[8..], (-19_800_i32).to_be_bytes());
    }

    #[test]
    fn text_format_escapes_its_own_marks() {
        let mut out = Vec::new();
        escape(b"a\tb\\N\nc\r", &mut out);
        assert_eq!(out, b"a\\tb\\\\N\\nc\\r");
    }
}
