//! Reading: rows of COPY BINARY into Arrow columns. Which expression is selected for a column is decided here, so that
//! the server never rounds: what it sends is the type's own form or its own text, and the last step is ours.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the pairs with a decoder are listed"
)]

use arrow_array::{RecordBatch, RecordBatchOptions};
use whimbrel_core::{
    Batch, ColumnBuilder, Error, KeyValue, LogicalType, Reject, Result, RuleValue, arrow_schema, format_date,
    format_time, format_timestamp, format_uuid, hex, is_decimal, named, parse_date, parse_time,
    parse_timestamp, shorten, told, uuid_of_digits,
};

use super::wire::{Rewrite, Shape};
use super::{COPY_HEADER, EPOCH_DAYS, EPOCH_MICROS, numeric, text};
use crate::native::Kind;

/// The binary form in which the server sends a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Bool,
    Integer,
    Float,
    Numeric,
    Text,
    /// A version byte, then text.
    Jsonb,
    Bytes,
    Date,
    Time,
    TimeTz,
    Timestamp {
        zoned: bool,
    },
    Interval,
    Uuid,
    /// An array of texts, which is read as a set of labels.
    Labels,
    Wire(Shape),
}

/// Returns the expression (for a quoted column) and the form in which a column is read as the logical type.
pub(crate) fn reading(kind: Kind, logical: &LogicalType, quoted: &str) -> (String, Form) {
    if kind == Kind::Money && matches!(logical, LogicalType::Decimal { .. }) {
        return (format!("{quoted}::numeric"), Form::Numeric);
    }
    if kind == Kind::Other && *logical == LogicalType::Json {
        return (json_of(quoted), Form::Text);
    }
    match natural(kind).filter(|form| can_become(form, logical)) {
        Some(form) => (quoted.to_owned(), form),
        None => (text_of(quoted), Form::Text),
    }
}

/// Returns the expression for the text of any type as its output function prints it. A cast to text could be the
/// user's own, and strips blanks; a plain `IS NULL` is true for a row of NULLs.
pub(crate) fn text_of(quoted: &str) -> String {
    format!("CASE WHEN {quoted} IS DISTINCT FROM NULL THEN format('%s', {quoted}) END")
}

/// Returns the expression for an array, a composite value or pairs as JSON, as the server makes it.
fn json_of(quoted: &str) -> String {
    format!("CASE WHEN {quoted} IS DISTINCT FROM NULL THEN pg_catalog.to_json({quoted})::text END")
}

fn natural(kind: Kind) -> Option<Form> {
    Some(match kind {
        Kind::Bool => Form::Bool,
        Kind::Int2 | Kind::Int4 | Kind::Int8 => Form::Integer,
        Kind::Float4 | Kind::Float8 => Form::Float,
        Kind::Numeric(_) => Form::Numeric,
        Kind::Text | Kind::Varchar(_) | Kind::Bpchar(_) | Kind::Json | Kind::Enum => Form::Text,
        Kind::Jsonb => Form::Jsonb,
        Kind::Bytea => Form::Bytes,
        Kind::Date => Form::Date,
        Kind::Time(_) => Form::Time,
        Kind::TimeTz(_) => Form::TimeTz,
        Kind::Timestamp { zoned, .. } => Form::Timestamp { zoned },
        Kind::Interval { .. } => Form::Interval,
        Kind::Uuid => Form::Uuid,
        Kind::Bit(_) | Kind::Varbit(_) | Kind::Money | Kind::Other => return None,
    })
}

fn can_become(form: &Form, logical: &LogicalType) -> bool {
    use LogicalType as L;
    match form {
        Form::Bool => matches!(logical, L::Boolean | L::Integer { .. }),
        Form::Integer => matches!(logical, L::Integer { .. } | L::Boolean | L::Decimal { .. }),
        Form::Float => matches!(logical, L::Float { .. }),
        Form::Numeric => matches!(logical, L::Decimal { .. } | L::Integer { .. }),
        Form::Text => !matches!(logical, L::Bytes | L::Any | L::Interval | L::Wire { .. }),
        Form::Jsonb => matches!(logical, L::Json | L::Text { .. }),
        Form::Bytes => matches!(logical, L::Bytes | L::Any),
        Form::Date => *logical == L::Date,
        Form::Time => *logical == L::Time,
        Form::TimeTz => *logical == L::TimeZoned,
        Form::Timestamp { zoned } => *logical == L::Timestamp { zoned: *zoned },
        Form::Interval => *logical == L::Interval,
        Form::Uuid => *logical == L::Uuid,
        Form::Labels => matches!(logical, L::Set { .. }),
        Form::Wire(_) => matches!(logical, L::Wire { .. }),
    }
}

/// A column to decode.
#[derive(Debug)]
pub(crate) struct DecodeColumn {
    pub(crate) name: String,
    pub(crate) logical: LogicalType,
    pub(crate) form: Form,
    /// What stands in the place of a value that breaks a rule; without it the row is rejected.
    pub(crate) instead: Option<RuleValue>,
}

/// Gathers rows into batches.
#[derive(Debug)]
pub(crate) struct Decoder {
    columns: Vec<DecodeColumn>,
    builders: Vec<ColumnBuilder>,
    key: Vec<usize>,
    rejects: Vec<Reject>,
    /// Per column, how many values were replaced; empty when none would be.
    ruled: Vec<u64>,
    /// The columns of the row at hand whose value was replaced.
    replaced: Vec<usize>,
    rows: usize,
    bytes: usize,
    scratch: Vec<u8>,
}

/// The values of a row; none for NULL.
#[derive(Clone)]
struct Fields<'a> {
    left: usize,
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Option<Option<&'a [u8]>>;

    /// The inner none says that the row is torn.
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let Some((value, behind)) = split_field(self.rest) else {
            return Some(None);
        };
        self.rest = behind;
        Some(Some(value))
    }
}

/// Why a value does not travel.
enum Fault {
    /// The value breaks the rule.
    Rule(String),
    /// The bytes are not what the form says.
    Malformed,
}

fn rule<T>(text: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Rule(text.into()))
}

impl Decoder {
    /// Makes a decoder; `key` holds the positions of the columns that name a row in rejects.
    pub(crate) fn new(columns: Vec<DecodeColumn>, key: Vec<usize>) -> Self {
        let builders = columns
            .iter()
            .map(|column| ColumnBuilder::new(&column.logical))
            .collect();
        Self {
            ruled: no_counts(&columns),
            replaced: Vec::new(),
            columns,
            builders,
            key,
            rejects: Vec::new(),
            rows: 0,
            bytes: 0,
            scratch: Vec::new(),
        }
    }

    /// Returns the bytes of the rows gathered so far, as they were sent.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of rows gathered so far, rejects included.
    pub(crate) fn rows(&self) -> usize {
        self.rows + self.rejects.len()
    }

    /// Adds the row (or rows) of one message of COPY; the stream's last message holds none.
    pub(crate) fn add(&mut self, message: &[u8]) -> Result<()> {
        let mut rest = message;
        while !rest.is_empty() {
            let (count, behind) = split_number::<2>(rest).ok_or_else(torn)?;
            let count = i16::from_be_bytes(count);
            if count == -1 {
                break;
            }
            if usize::try_from(count).ok() != Some(self.columns.len()) {
                return Err(Error::bug(format!(
                    "a row of {count} values arrived; {} were asked for",
                    self.columns.len()
                )));
            }
            let left = self.columns.len();
            rest = self.add_row(Fields { left, rest: behind })?.rest;
        }
        self.bytes += message.len();
        Ok(())
    }

    /// Adds the row of the given values.
    pub(crate) fn add_values(&mut self, values: &[Option<&[u8]>]) -> Result<()> {
        self.bytes += values.iter().flatten().map(|value| value.len()).sum::<usize>();
        self.add_row(values.iter().map(|value| Some(*value))).map(drop)
    }

    /// Returns what follows the row's values.
    fn add_row<'a, I>(&mut self, values: I) -> Result<I>
    where
        I: Iterator<Item = Option<Option<&'a [u8]>>> + Clone,
    {
        let (mut next, mut broken) = (values.clone(), None);
        for (at, (column, builder)) in self.columns.iter().zip(&mut self.builders).enumerate() {
            let Some(bytes) = next.next().flatten().ok_or_else(torn)? else {
                builder.push_null();
                continue;
            };
            match decode(column, bytes, builder, &mut self.scratch) {
                Ok(()) => {}
                Err(Fault::Malformed) => {
                    return Err(Error::bug(format!(
                        "column `{}` arrived in a form that is not its type's",
                        column.name
                    )));
                }
                Err(Fault::Rule(rule)) => match &column.instead {
                    Some(instead) => {
                        builder.push(instead)?;
                        self.replaced.push(at);
                    }
                    None => {
                        broken = Some((at, rule));
                        break;
                    }
                },
            }
        }
        if let Some((at, rule)) = broken {
            next.by_ref().take(self.columns.len() - at - 1).for_each(drop);
            let values: Vec<Option<&[u8]>> = values.take(self.columns.len()).map(Option::flatten).collect();
            self.reject(&values, at, rule);
            return Ok(next);
        }
        for at in self.replaced.drain(..) {
            self.ruled[at] += 1;
        }
        self.rows += 1;
        Ok(next)
    }

    fn reject(&mut self, values: &[Option<&[u8]>], at: usize, rule: String) {
        self.replaced.clear();
        for builder in &mut self.builders {
            builder.truncate(self.rows);
        }
        let show = |at: usize| {
            values[at].map_or_else(
                || "NULL".to_owned(),
                |value| shorten(&show(&self.columns[at].form, value)),
            )
        };
        let key: Vec<String> = self
            .key
            .iter()
            .map(|&at| named(&self.columns[at].name, show(at)))
            .collect();
        let exact = |at: &usize| values[*at].and_then(|value| exact_key(&self.columns[*at].form, value));
        let reject = Reject {
            row: None,
            key: key.join(", "),
            column: self.columns[at].name.clone(),
            value: told(&self.columns[at].name, show(at)).into_owned(),
            rule,
            expression: None,
            exact: self
                .key
                .iter()
                .map(exact)
                .collect::<Option<_>>()
                .unwrap_or_default(),
        };
        self.rejects.push(reject);
    }

    /// Returns what was gathered as a batch and begins a new one.
    pub(crate) fn take(&mut self) -> Result<Batch> {
        let schema = arrow_schema(
            self.columns
                .iter()
                .map(|column| (column.name.as_str(), &column.logical)),
        );
        let malformed = |cause| Error::bug("columns do not make a batch").with_cause(cause);
        let arrays: Result<Vec<_>> = self
            .builders
            .iter_mut()
            .map(|builder| builder.take().map_err(malformed))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let records = RecordBatch::try_new_with_options(schema, arrays?, &options).map_err(malformed)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(Batch {
            records,
            rejects: std::mem::take(&mut self.rejects),
            ruled: std::mem::replace(&mut self.ruled, no_counts(&self.columns)),
        })
    }
}

fn no_counts(columns: &[DecodeColumn]) -> Vec<u64> {
    match columns.iter().any(|column| column.instead.is_some()) {
        true => vec![0; columns.len()],
        false => Vec::new(),
    }
}

/// A key's value as `range.rs` spells it; none for a form that has no exact text.
fn exact_key(form: &Form, bytes: &[u8]) -> Option<KeyValue> {
    let date = || date(bytes).ok().map(text::date);
    let stamp = |zoned| Some(text::timestamp(timestamp(bytes).ok().flatten()?, zoned));
    let text = match form {
        Form::Integer => return integer(bytes).ok().map(KeyValue::Integer),
        Form::Bytes => {
            return Some(KeyValue::Bytes(hex(bytes)));
        }
        Form::Date => date(),
        Form::Timestamp { zoned } => stamp(*zoned),
        Form::Interval => Some(text::interval(bytes)),
        Form::Uuid => Some(format_uuid(bytes)),
        Form::Text => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Form::Bool | Form::Float | Form::Numeric | Form::Time | Form::TimeTz => Some(show(form, bytes)),
        Form::Jsonb | Form::Labels | Form::Wire(_) => None,
    };
    text.map(KeyValue::Text)
}

/// Removes the stream's header from its first message.
pub(crate) fn without_header(message: &[u8]) -> Result<&[u8]> {
    message
        .strip_prefix(COPY_HEADER.as_slice())
        .ok_or_else(|| Error::bug("the stream does not begin as COPY BINARY does"))
}

fn torn() -> Error {
    Error::bug("a row arrived torn")
}

fn split_number<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    let (number, rest) = bytes.split_at_checked(N)?;
    Some((number.try_into().ok()?, rest))
}

/// A value (none for NULL) and what follows it.
fn split_field(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = split_number::<4>(bytes)?;
    match i32::from_be_bytes(length) {
        -1 => Some((None, rest)),
        length => {
            let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
            Some((Some(value), rest))
        }
    }
}

fn exact<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Fault> {
    bytes.try_into().map_err(|_| Fault::Malformed)
}

fn decode(
    column: &DecodeColumn,
    bytes: &[u8],
    out: &mut ColumnBuilder,
    scratch: &mut Vec<u8>,
) -> Result<(), Fault> {
    match &column.form {
        Form::Bool => {
            let value = exact::<1>(bytes)?[0] != 0;
            match column.logical {
                LogicalType::Boolean => out.push_bool(value),
                _ => out.push_i64(i64::from(value)),
            }
        }
        Form::Integer => decode_integer(integer(bytes)?, &column.logical, out)?,
        Form::Float => decode_float(bytes, &column.logical, out)?,
        Form::Numeric => decode_numeric(bytes, &column.logical, out, scratch)?,
        Form::Text => decode_text(bytes, &column.logical, out)?,
        Form::Jsonb => {
            let text = bytes.strip_prefix(&[1]).ok_or(Fault::Malformed)?;
            decode_text(text, &column.logical, out)?;
        }
        Form::Bytes => out.push_bytes(bytes),
        Form::Date => out.push_i32(date(bytes)?),
        Form::Time => out.push_i64(i64::from_be_bytes(exact(bytes)?)),
        Form::TimeTz => out.push_bytes(time_zoned(bytes)?.as_bytes()),
        Form::Timestamp { .. } => match timestamp(bytes)? {
            Some(micros) => out.push_i64(micros),
            None => return rule("timestamp lies beyond the range of 64-bit microseconds"),
        },
        Form::Interval | Form::Uuid => out.push_16(exact(bytes)?),
        Form::Labels => {
            let mut labels = String::new();
            decode_labels(bytes, &mut labels)?;
            out.push_bytes(labels.as_bytes());
        }
        Form::Wire(shape) if shape.is_plain() => out.push_bytes(bytes),
        Form::Wire(shape) => {
            if !out.push_bytes_with(bytes, |value| shape.rewrite(value, Rewrite::Portable)) {
                return Err(Fault::Malformed);
            }
        }
    }
    Ok(())
}

/// The labels of an array, joined by commas. The array holds them in the order in which they were written.
fn decode_labels(bytes: &[u8], out: &mut String) -> Result<(), Fault> {
    out.clear();
    let (dimensions, rest) = split_number::<4>(bytes).ok_or(Fault::Malformed)?;
    // The flag for NULLs, the elements' type.
    let (_, rest) = split_number::<8>(rest).ok_or(Fault::Malformed)?;
    match i32::from_be_bytes(dimensions) {
        0 => return Ok(()),
        1 => {}
        _ => return rule("array has more than one dimension"),
    }
    // Its length and lower bound.
    let (_, mut rest) = split_number::<8>(rest).ok_or(Fault::Malformed)?;
    let mut first = true;
    while !rest.is_empty() {
        let (label, behind) = split_field(rest).ok_or(Fault::Malformed)?;
        let Some(label) = label else {
            return rule("array holds NULL, which is no label");
        };
        let Ok(label) = std::str::from_utf8(label) else {
            return rule("text is not valid UTF-8");
        };
        if label.contains(',') {
            return rule("a label of a set holds a comma");
        }
        if !first {
            out.push(',');
        }
        out.push_str(label);
        (rest, first) = (behind, false);
    }
    Ok(())
}

fn integer(bytes: &[u8]) -> Result<i64, Fault> {
    match *bytes {
        [a, b] => Ok(i64::from(i16::from_be_bytes([a, b]))),
        [a, b, c, d] => Ok(i64::from(i32::from_be_bytes([a, b, c, d]))),
        _ => Ok(i64::from_be_bytes(exact(bytes)?)),
    }
}

fn decode_integer(value: i64, logical: &LogicalType, out: &mut ColumnBuilder) -> Result<(), Fault> {
    match logical {
        LogicalType::Boolean => match value {
            0 | 1 => out.push_bool(value == 1),
            _ => return rule("value is neither 0 nor 1"),
        },
        LogicalType::Decimal { .. } => out.push_bytes(value.to_string().as_bytes()),
        _ => out.push_i64(value),
    }
    Ok(())
}

fn decode_float(bytes: &[u8], logical: &LogicalType, out: &mut ColumnBuilder) -> Result<(), Fault> {
    let narrow = matches!(logical, LogicalType::Float { bits: 32 });
    if let [a, b, c, d] = *bytes {
        let value = f32::from_be_bytes([a, b, c, d]);
        if narrow {
            out.push_f32(value);
        } else {
            out.push_f64(f64::from(value));
        }
        return Ok(());
    }
    let value = f64::from_be_bytes(exact(bytes)?);
    if !narrow {
        out.push_f64(value);
        return Ok(());
    }
    match narrowed(value) {
        Some(value) => out.push_f32(value),
        None => return rule("value has more digits than 32 bits hold"),
    }
    Ok(())
}

/// The 32-bit float of exactly this value.
pub(crate) fn narrowed(value: f64) -> Option<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the way back shows whether it was exact"
    )]
    let narrow = value as f32;
    (f64::from(narrow).to_bits() == value.to_bits() || value.is_nan()).then_some(narrow)
}

fn decode_numeric(
    bytes: &[u8],
    logical: &LogicalType,
    out: &mut ColumnBuilder,
    scratch: &mut Vec<u8>,
) -> Result<(), Fault> {
    scratch.clear();
    if !numeric::append_text(bytes, scratch) {
        return Err(Fault::Malformed);
    }
    if matches!(logical, LogicalType::Decimal { .. }) {
        out.push_bytes(scratch);
        return Ok(());
    }
    match std::str::from_utf8(scratch).ok().and_then(whole_number) {
        Some(value) => out.push_i64(value),
        None => return rule("value is no whole number of 64 bits"),
    }
    Ok(())
}

/// The 64-bit integer of exactly this value.
pub(crate) fn whole_number(digits: &str) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    fraction
        .bytes()
        .all(|digit| digit == b'0')
        .then(|| whole.parse().ok())
        .flatten()
}

fn decode_text(bytes: &[u8], logical: &LogicalType, out: &mut ColumnBuilder) -> Result<(), Fault> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return rule("text is not valid UTF-8");
    };
    let unfit = || Fault::Rule(format!("text is no {logical}"));
    match logical {
        LogicalType::Text { .. }
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. }
        | LogicalType::TimeZoned => {
            out.push_bytes(bytes);
        }
        LogicalType::Decimal { .. } if is_decimal(text) => out.push_bytes(bytes),
        LogicalType::Bits { .. } if text.bytes().all(|bit| matches!(bit, b'0' | b'1')) => {
            out.push_bytes(bytes);
        }
        LogicalType::Boolean => match text {
            "true" | "t" | "1" => out.push_bool(true),
            "false" | "f" | "0" => out.push_bool(false),
            _ => return Err(unfit()),
        },
        LogicalType::Integer { .. } => out.push_i64(whole_number(text).ok_or_else(unfit)?),
        LogicalType::Float { bits: 32 } => out.push_f32(text.parse().map_err(|_| unfit())?),
        LogicalType::Float { .. } => out.push_f64(text.parse().map_err(|_| unfit())?),
        LogicalType::Date => out.push_i32(parse_date(text).ok_or_else(unfit)?),
        LogicalType::Time => out.push_i64(parse_time(text).ok_or_else(unfit)?),
        LogicalType::Timestamp { zoned } => out.push_i64(parse_timestamp(text, *zoned).ok_or_else(unfit)?),
        LogicalType::Uuid => out.push_16(uuid_of_digits(text).ok_or_else(unfit)?),
        LogicalType::Wire { .. } => out.push_bytes(bytes),
        LogicalType::Decimal { .. }
        | LogicalType::Bits { .. }
        | LogicalType::Bytes
        | LogicalType::Any
        | LogicalType::Interval => return Err(unfit()),
    }
    Ok(())
}

fn date(bytes: &[u8]) -> Result<i32, Fault> {
    let days = i32::from_be_bytes(exact(bytes)?);
    Ok(match days {
        i32::MAX | i32::MIN => days,
        // The server's last day is far enough below the end of 32 bits.
        _ => days.checked_add(EPOCH_DAYS).ok_or(Fault::Malformed)?,
    })
}

/// None beyond the range of 64-bit microseconds since 1970, which the server counts since 2000.
fn timestamp(bytes: &[u8]) -> Result<Option<i64>, Fault> {
    let micros = i64::from_be_bytes(exact(bytes)?);
    Ok(match micros {
        i64::MAX | i64::MIN => Some(micros),
        _ => micros
            .checked_add(EPOCH_MICROS)
            .filter(|micros| *micros != i64::MAX),
    })
}

fn time_zoned(bytes: &[u8]) -> Result<String, Fault> {
    let (time, west) = split_number::<8>(bytes).ok_or(Fault::Malformed)?;
    let west = i32::from_be_bytes(exact(west)?);
    let seconds = west.unsigned_abs();
    let mut text = format_time(i64::from_be_bytes(time));
    text.push(if west > 0 { '-' } else { '+' });
    text.push_str(&format!("{:02}", seconds / 3600));
    if seconds % 3600 != 0 {
        text.push_str(&format!(":{:02}", seconds / 60 % 60));
    }
    if seconds % 60 != 0 {
        text.push_str(&format!(":{:02}", seconds % 60));
    }
    Ok(text)
}

/// Returns a value of the native type, in its binary form, as a person reads it; none for a type without a codec of ours.
pub(crate) fn shown(native: &str, bytes: &[u8]) -> Option<String> {
    natural(Kind::parse(native)).map(|form| show(&form, bytes))
}

/// The value as a person reads it; bytes that are no text in hex.
fn show(form: &Form, bytes: &[u8]) -> String {
    let shown = match form {
        Form::Bool => bytes.first().map(|byte| (*byte != 0).to_string()),
        Form::Integer => integer(bytes).ok().map(|value| value.to_string()),
        Form::Float => match *bytes {
            [a, b, c, d] => Some(f32::from_be_bytes([a, b, c, d]).to_string()),
            _ => exact(bytes)
                .ok()
                .map(|bytes| f64::from_be_bytes(bytes).to_string()),
        },
        Form::Numeric => {
            let mut text = Vec::new();
            let shown = numeric::append_text(bytes, &mut text);
            String::from_utf8(text).ok().filter(|_| shown)
        }
        Form::Text | Form::Jsonb => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Form::Date => date(bytes).ok().map(format_date),
        Form::Time => exact(bytes)
            .ok()
            .map(|bytes| format_time(i64::from_be_bytes(bytes))),
        Form::TimeTz => time_zoned(bytes).ok(),
        Form::Timestamp { zoned } => timestamp(bytes)
            .ok()
            .flatten()
            .map(|micros| format_timestamp(micros, *zoned)),
        Form::Labels => {
            let mut text = String::new();
            decode_labels(bytes, &mut text).ok().map(|()| text)
        }
        Form::Bytes | Form::Interval | Form::Uuid | Form::Wire(_) => None,
    };
    shown.unwrap_or_else(|| hex(&bytes[..bytes.len().min(64)]))
}
