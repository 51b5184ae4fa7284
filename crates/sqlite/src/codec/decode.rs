//! The engine's values into a column's logical type: exactly, or with the rule that the value breaks.

use rusqlite::types::ValueRef;
use whimbrel_core::{
    Error, LogicalType, Result, canonical_decimal, hex, is_decimal, parse_date, parse_time, parse_timestamp,
    parse_uuid, shorten,
};

use super::columns::{Column, Values, end_of};
use super::{digits, tag};
use crate::declared::class_of;

/// What a value became: a thing of its column's Arrow type, or the rule that it breaks.
type Checked<T> = std::result::Result<T, String>;

/// Appends a value that is not NULL to the column. The inner error is the rule that the value breaks; nothing was appended then.
pub(super) fn append(column: &mut Column, value: ValueRef<'_>) -> Result<Checked<()>> {
    let logical = &column.logical;
    match &mut column.values {
        Values::Boolean(values) => Ok(boolean(value).map(|value| values.push(value))),
        Values::Int64(values) => Ok(int64(logical, value).map(|value| values.push(value))),
        Values::Int32(values) => Ok(text_of(value, "a date")
            .and_then(|text| parse_date(text).ok_or_else(|| broken("a date `YYYY-MM-DD`")))
            .map(|value| values.push(value))),
        Values::Float32(values) => Ok(float(value).and_then(narrow).map(|value| values.push(value))),
        Values::Float64(values) => Ok(float(value).map(|value| values.push(value))),
        Values::Fixed16(values) => Ok(fixed16(logical, value).map(|bytes| values.extend_from_slice(&bytes))),
        Values::Bytes { data, ends } => {
            let from = data.len();
            let done = bytes(logical, value, data);
            match done {
                Ok(()) => ends.push(end_of(data)?),
                Err(_) => data.truncate(from),
            }
            Ok(done)
        }
    }
}

fn broken(what: &str) -> String {
    format!("value must be {what}")
}

fn not_class(value: ValueRef<'_>, what: &str) -> String {
    format!("value is {}; must be {what}", class_of(value))
}

fn boolean(value: ValueRef<'_>) -> Checked<bool> {
    match value {
        ValueRef::Integer(0) => Ok(false),
        ValueRef::Integer(1) => Ok(true),
        ValueRef::Integer(_) => Err(broken("0 or 1")),
        other => Err(not_class(other, "the integer 0 or 1")),
    }
}

fn int64(logical: &LogicalType, value: ValueRef<'_>) -> Checked<i64> {
    match logical {
        LogicalType::Time => text_of(value, "a time of day")
            .and_then(|text| parse_time(text).ok_or_else(|| broken("a time `HH:MM:SS`"))),
        LogicalType::Timestamp { zoned } => {
            let shape = if *zoned {
                "a time `YYYY-MM-DD HH:MM:SS` with an offset"
            } else {
                "a time `YYYY-MM-DD HH:MM:SS`"
            };
            text_of(value, shape).and_then(|text| parse_timestamp(text, *zoned).ok_or_else(|| broken(shape)))
        }
        LogicalType::Integer { bits } => match value {
            ValueRef::Integer(number) => match bits {
                16 if i16::try_from(number).is_err() => Err(broken("an integer of 16 bits")),
                32 if i32::try_from(number).is_err() => Err(broken("an integer of 32 bits")),
                _ => Ok(number),
            },
            other => Err(not_class(other, "an integer")),
        },
        other => Err(format!("a {other} is no integer")),
    }
}

fn float(value: ValueRef<'_>) -> Checked<f64> {
    match value {
        ValueRef::Real(real) => Ok(real),
        ValueRef::Integer(number) => exact_real(number).ok_or_else(|| broken("exact as a 64-bit float")),
        other => Err(not_class(other, "a number")),
    }
}

/// Returns the float that is exactly the integer, when there is one.
#[expect(
    clippy::cast_precision_loss,
    reason = "the way back proves that nothing was lost"
)]
#[expect(clippy::cast_possible_truncation, reason = "as above")]
pub(crate) fn exact_real(number: i64) -> Option<f64> {
    let real = number as f64;
    (real.abs() < 9.3e18 && real as i128 == i128::from(number)).then_some(real)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the way back proves that nothing was lost"
)]
fn narrow(real: f64) -> Checked<f32> {
    let narrow = real as f32;
    if f64::from(narrow).to_bits() == real.to_bits() || (narrow.is_nan() && real.is_nan()) {
        Ok(narrow)
    } else {
        Err(broken("exact as a 32-bit float"))
    }
}

fn text_of<'a>(value: ValueRef<'a>, what: &str) -> Checked<&'a str> {
    match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|_| "text is not valid UTF-8".to_owned()),
        other => Err(not_class(other, what)),
    }
}

fn fixed16(logical: &LogicalType, value: ValueRef<'_>) -> Checked<[u8; 16]> {
    match logical {
        LogicalType::Interval => text_of(value, "an interval").and_then(|text| {
            whimbrel_core::parse_interval(text).ok_or_else(|| broken("an interval `P1M2DT3.5S`"))
        }),
        _ => text_of(value, "a UUID")
            .and_then(|text| lower_uuid(text).ok_or_else(|| broken("a UUID of 36 lower-case characters"))),
    }
}

/// Reads a UUID in its canonical form only, so that the text is known from the bytes.
pub(crate) fn lower_uuid(text: &str) -> Option<[u8; 16]> {
    parse_uuid(text).filter(|_| !text.bytes().any(|byte| byte.is_ascii_uppercase()))
}

#[inline]
fn bytes(logical: &LogicalType, value: ValueRef<'_>, out: &mut Vec<u8>) -> Checked<()> {
    match logical {
        LogicalType::Any => any(value, out)?,
        LogicalType::Bytes => match value {
            ValueRef::Text(bytes) | ValueRef::Blob(bytes) => out.extend_from_slice(bytes),
            other => out.extend_from_slice(plain_text(other, "bytes")?.as_bytes()),
        },
        LogicalType::Text { chars_max, .. } => {
            let from = out.len();
            match value {
                ValueRef::Text(_) => out.extend_from_slice(text_of(value, "text")?.as_bytes()),
                other => out.extend_from_slice(plain_text(other, "text")?.as_bytes()),
            }
            if let Some(limit) = chars_max {
                let text = std::str::from_utf8(&out[from..]).unwrap_or_default();
                if text
                    .chars()
                    .nth(usize::try_from(*limit).unwrap_or(usize::MAX))
                    .is_some()
                {
                    return Err(format!("text is longer than {limit} characters"));
                }
            }
        }
        LogicalType::Decimal { precision, scale } => {
            let limits = precision.zip(*scale);
            if !digits::put(value, limits, out) {
                let digits = decimal(value)?;
                if let Some((precision, scale)) = limits {
                    fits(&digits, precision, scale)?;
                }
                out.extend_from_slice(digits.as_bytes());
            }
        }
        LogicalType::Json => {
            let text = text_of(value, "JSON text")?;
            serde_json::from_str::<serde::de::IgnoredAny>(text)
                .map_err(|cause| format!("text is no JSON: {cause}"))?;
            out.extend_from_slice(text.as_bytes());
        }
        LogicalType::Enum { name, labels } => {
            let text = text_of(value, "text")?;
            if !labels.iter().any(|label| label == text) {
                return Err(format!("text is no label of `{name}`"));
            }
            out.extend_from_slice(text.as_bytes());
        }
        LogicalType::Set { labels } => {
            let text = text_of(value, "text")?;
            set(text, labels)?;
            out.extend_from_slice(text.as_bytes());
        }
        LogicalType::Bits { length, varying } => {
            let text = text_of(value, "text of 0 and 1")?;
            bits(text, *length, *varying)?;
            out.extend_from_slice(text.as_bytes());
        }
        LogicalType::TimeZoned => {
            let text = text_of(value, "a time of day with an offset")?;
            if !is_time_zoned(text) {
                return Err(broken("a time `HH:MM:SS+HH:MM`"));
            }
            out.extend_from_slice(text.as_bytes());
        }
        _ => return Err(format!("a {logical} cannot be read here")),
    }
    Ok(())
}

/// Checks that the text is some of the labels in their order, joined by commas.
fn set(text: &str, labels: &[String]) -> Checked<()> {
    let mut from = 0;
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let Some(at) = labels[from..].iter().position(|label| label == part) else {
            return Err("text is no set of the labels in their order".to_owned());
        };
        from += at + 1;
    }
    Ok(())
}

fn any(value: ValueRef<'_>, out: &mut Vec<u8>) -> Checked<()> {
    match value {
        ValueRef::Null => return Err("NULL has no tag".to_owned()),
        ValueRef::Integer(number) => {
            out.push(tag::INTEGER);
            out.extend_from_slice(&number.to_le_bytes());
        }
        ValueRef::Real(real) => {
            out.push(tag::REAL);
            out.extend_from_slice(&real.to_bits().to_le_bytes());
        }
        ValueRef::Text(bytes) => {
            out.push(tag::TEXT);
            out.extend_from_slice(bytes);
        }
        ValueRef::Blob(bytes) => {
            out.push(tag::BLOB);
            out.extend_from_slice(bytes);
        }
    }
    Ok(())
}

/// The text of a number where text is wanted: an integer's digits, a real's shortest form with a point or an exponent.
fn plain_text(value: ValueRef<'_>, wanted: &str) -> Checked<String> {
    match value {
        ValueRef::Integer(number) => Ok(number.to_string()),
        ValueRef::Real(real) => Ok(real_text(real)),
        other => Err(not_class(other, wanted)),
    }
}

/// Returns the shortest text that reads back as the same real: `1.0`, `0.1`, `1e300`, `inf`.
pub(crate) fn real_text(real: f64) -> String {
    format!("{real:?}")
}

/// Returns the digits of a decimal: an integer's, a real's shortest ones without exponent, or those of a text.
/// Signs and leading zeros are brought to one form, trailing zeros stay.
pub(crate) fn decimal(value: ValueRef<'_>) -> Checked<String> {
    match value {
        ValueRef::Integer(number) => Ok(number.to_string()),
        ValueRef::Real(real) if real.is_infinite() => {
            Ok(if real > 0.0 { "Infinity" } else { "-Infinity" }.to_owned())
        }
        ValueRef::Real(real) => canonical_decimal(&real_text(real)).ok_or_else(|| broken("a decimal")),
        ValueRef::Text(_) => {
            let text = text_of(value, "a decimal")?;
            decimal_text(text).ok_or_else(|| broken("a decimal such as `-12.50`"))
        }
        other => Err(not_class(other, "a decimal")),
    }
}

/// Returns the digits of a text that is a plain decimal, in the one form that keeps its trailing zeros; none when it is no decimal.
pub(crate) fn decimal_text(text: &str) -> Option<String> {
    if !is_decimal(text) {
        return None;
    }
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    let negative = text.starts_with('-');
    let digits = text.trim_start_matches(['-', '+']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let is_zero = whole == "0" && fraction.bytes().all(|byte| byte == b'0');
    let sign = if negative && !is_zero { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Checks the digits against a declared precision and scale; trailing zeros of the fraction do not count.
pub(crate) fn fits(digits: &str, precision: u32, scale: i32) -> Checked<()> {
    let rule = || format!("value does not fit decimal({precision},{scale})");
    match digits {
        "NaN" => return Ok(()),
        "Infinity" | "-Infinity" => return Err(rule()),
        _ => {}
    }
    let bare = digits.trim_start_matches('-');
    let (whole, fraction) = bare.split_once('.').unwrap_or((bare, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let count = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    // Where the first digit and the last one stand, counted from the point: in front of it, and behind it.
    let first = match whole {
        "" => count(fraction.trim_start_matches('0')) - count(fraction),
        _ => count(whole),
    };
    let last = match fraction {
        "" => count(whole.trim_end_matches('0')) - count(whole),
        _ => count(fraction),
    };
    let is_zero = whole.is_empty() && fraction.is_empty();
    let (precision, scale) = (i64::from(precision), i64::from(scale));
    if is_zero || (first <= precision - scale && last <= scale) {
        Ok(())
    } else {
        Err(rule())
    }
}

fn bits(text: &str, length: Option<u32>, varying: bool) -> Checked<()> {
    if !text.bytes().all(|byte| matches!(byte, b'0' | b'1')) {
        return Err(broken("text of 0 and 1"));
    }
    let have = u32::try_from(text.len()).unwrap_or(u32::MAX);
    match length {
        Some(length) if have > length || (have < length && !varying) => {
            Err(format!("value has {have} bits; must have {length}"))
        }
        _ => Ok(()),
    }
}

/// Tells whether the text is a time of day with an offset, `HH:MM:SS[.ffffff]+HH[:MM[:SS]]`.
pub(crate) fn is_time_zoned(text: &str) -> bool {
    let Some(at) = text.find(['+', '-']) else {
        return false;
    };
    let (time, offset) = text.split_at(at);
    let parts: Vec<&str> = offset[1..].split(':').collect();
    let two_digits = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    parse_time(time).is_some() && time.len() >= 8 && parts.len() <= 3 && parts.iter().all(two_digits)
}

/// Returns a value for people, shortened; bytes that are no text in hex.
pub(crate) fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(real) => real_text(real),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => shorten(text),
            Err(_) => shown_bytes(bytes),
        },
        ValueRef::Blob(bytes) => shown_bytes(bytes),
    }
}

fn shown_bytes(bytes: &[u8]) -> String {
    const SHOWN: usize = 32;
    let digits = hex(&bytes[..bytes.len().min(SHOWN)]);
    if bytes.len() > SHOWN {
        format!("x'{digits}…' ({} bytes)", bytes.len())
    } else {
        format!("x'{digits}'")
    }
}

/// Tells a bug of the caller: a column that arrived in another form than the one that was agreed.
pub(super) fn unexpected(logical: &LogicalType) -> Error {
    Error::bug(format!("a {logical} column arrived in another form"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_form_and_keep_their_trailing_zeros() {
        for (text, want) in [
            ("+01.50", Some("1.50")),
            (".5", Some("0.5")),
            ("7.", Some("7")),
            ("-0.00", Some("0.00")),
            ("NaN", Some("NaN")),
            ("1e3", None),
            ("", None),
        ] {
            assert_eq!(decimal_text(text).as_deref(), want, "{text}");
        }
        assert_eq!(decimal(ValueRef::Real(-0.0)).as_deref(), Ok("0"));
        assert_eq!(decimal(ValueRef::Real(1.1)).as_deref(), Ok("1.1"));
        assert_eq!(
            decimal(ValueRef::Real(1e21)).as_deref(),
            Ok("1000000000000000000000")
        );
    }

    #[test]
    fn a_set_is_labels_in_their_order() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        for (text, fit) in [
            ("", true),
            ("b", true),
            ("a,c", true),
            ("c,a", false),
            ("a,a", false),
            ("d", false),
            ("a,", false),
        ] {
            assert_eq!(set(text, &labels).is_ok(), fit, "{text}");
        }
    }

    #[test]
    fn precision_and_scale_are_kept_to() {
        for (digits, fit) in [
            ("12.34", true),
            ("123.4", false),
            ("1.235", false),
            ("1.2300", true),
            ("0.5", true),
        ] {
            assert_eq!(fits(digits, 4, 2).is_ok(), fit, "{digits}");
        }
    }

    #[test]
    fn an_integer_is_a_real_only_when_nothing_is_lost() {
        assert_eq!(exact_real(1 << 53), Some(9_007_199_254_740_992.0));
        assert_eq!(exact_real((1 << 53) + 1), None);
        assert_eq!(exact_real(i64::MIN), Some(-9_223_372_036_854_775_808.0));
        assert_eq!(exact_real(i64::MAX), None);
    }

    #[test]
    fn only_the_canonical_spelling_is_a_uuid() {
        assert!(lower_uuid("00112233-4455-6677-8899-aabbccddeeff").is_some());
        assert!(lower_uuid("00112233-4455-6677-8899-AABBCCDDEEFF").is_none());
        assert!(lower_uuid("00112233445566778899aabbccddeeff").is_none());
    }
}
