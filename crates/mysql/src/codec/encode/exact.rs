//! What a column holds exactly: one function per family of types, each appends the text that the server reads, or names the rule that
//! the value breaks. What the server would round, cut or pad without a word is refused here.

use serde_json::Value;
use whimbrel_core::{Civil, DAY_MICROS, canonical_decimal, civil_from_days, format_time};

use super::Broken;
use crate::codec::print::float64;
use crate::codec::spell;
use crate::codec::text::parts;
use crate::native::{Kind, TIME_MICROS_MAX, integer_range};

pub(super) fn integer(kind: &Kind, value: i128, out: &mut Vec<u8>) -> Result<(), Broken> {
    let Kind::Integer { bits, unsigned, .. } = *kind else {
        return Err("the column takes no integers".to_owned());
    };
    let (min, max) = integer_range(bits, unsigned);
    if value < min || value > max {
        return Err(format!(
            "value lies beyond the range of the column, {min} to {max}"
        ));
    }
    spell::integer(value, out);
    Ok(())
}

pub(super) fn decimal(kind: &Kind, text: &str, out: &mut Vec<u8>) -> Result<(), Broken> {
    let Kind::Decimal {
        precision,
        scale,
        unsigned,
    } = *kind
    else {
        return Err("the column takes no decimals".to_owned());
    };
    let canonical;
    let (negative, whole, fraction) = match plain(text) {
        Some(parts) => parts,
        None => {
            canonical = canonical_decimal(text).ok_or("text is no decimal number")?;
            plain(&canonical).ok_or_else(|| format!("a decimal column cannot hold {canonical}"))?
        }
    };
    let fits = |part: &str, limit: u32| u32::try_from(part.len()).is_ok_and(|length| length <= limit);
    if !fits(fraction, scale) {
        return Err(format!(
            "value has more digits behind the point than decimal({precision},{scale}) keeps"
        ));
    }
    if !fits(whole, precision - scale.min(precision)) {
        return Err(format!(
            "value has more digits before the point than decimal({precision},{scale}) keeps"
        ));
    }
    if unsigned && negative {
        return Err("value is negative and the column unsigned".to_owned());
    }
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole.as_bytes() });
    if !fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(fraction.as_bytes());
    }
    Ok(())
}

/// Takes a decimal without an exponent apart: whether it is below zero, and its digits before and behind the point without the zeros that
/// mean nothing.
fn plain(text: &str) -> Option<(bool, &str, &str)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let is_zero = whole.is_empty() && fraction.is_empty();
    Some((digits.len() < text.len() && !is_zero, whole, fraction))
}

/// A float's text in a text column is the shortest of its own width; a float column reads it as a double first, so it gets all digits.
pub(super) fn float(kind: &Kind, value: f64, text: String, out: &mut Vec<u8>) -> Result<(), Broken> {
    let spelled = match kind {
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) => text,
        Kind::Float { .. } if value.is_nan() => return Err("the column cannot hold NaN".to_owned()),
        Kind::Float { .. } if value.is_infinite() => {
            return Err("the column cannot hold an infinity".to_owned());
        }
        Kind::Float { unsigned: true, .. } if value < 0.0 => {
            return Err("value is negative and the column unsigned".to_owned());
        }
        Kind::Float { bits: 32, .. } if !is_narrow(value) => {
            return Err("value has more digits than float holds".to_owned());
        }
        Kind::Float { .. } => float64(value),
        Kind::Decimal { .. } => return decimal(kind, &format!("{value}"), out),
        _ => return Err("the column takes no floats".to_owned()),
    };
    out.extend_from_slice(spelled.as_bytes());
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "whether anything is lost is what is asked"
)]
fn is_narrow(value: f64) -> bool {
    f64::from(value as f32).to_bits() == value.to_bits()
}

/// An integer for a float column.
pub(super) fn whole(kind: &Kind, value: i64, out: &mut Vec<u8>) -> Result<(), Broken> {
    let limit = match kind {
        Kind::Float { bits: 32, .. } => 1 << 24,
        _ => 1_u64 << 53,
    };
    if value.unsigned_abs() > limit {
        return Err("value has more digits than the column's floats hold".to_owned());
    }
    spell::integer(value, out);
    Ok(())
}

/// Four digits: of fewer the server would guess the century.
pub(super) fn year(value: i64, out: &mut Vec<u8>) -> Result<(), Broken> {
    if value != 0 && !(1901..=2155).contains(&value) {
        return Err("value is no year of 1901 to 2155".to_owned());
    }
    out.extend_from_slice(format!("{value:04}").as_bytes());
    Ok(())
}

/// Bits as the bytes of a number, highest first.
pub(super) fn bits(kind: &Kind, text: &str, out: &mut Vec<u8>) -> Result<(), Broken> {
    let Kind::Bit(declared) = *kind else {
        return Err("the column takes no bits".to_owned());
    };
    let declared = usize::try_from(declared).unwrap_or(usize::MAX);
    let number = match text {
        // One bit may come from a truth value or a number, which has no zeros in front.
        "0" | "1" => u64::from(text == "1"),
        _ if text.len() != declared => {
            return Err(format!("value has {} bits; must have {declared}", text.len()));
        }
        _ => u64::from_str_radix(text, 2).map_err(|_| "text is no string of bits".to_owned())?,
    };
    let bytes = number.to_be_bytes();
    out.extend_from_slice(&bytes[8 - declared.div_ceil(8).min(8)..]);
    Ok(())
}

pub(super) fn length(kind: &Kind, bytes: &[u8]) -> Result<(), Broken> {
    let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    match kind {
        // A shorter value would be filled with zeros.
        Kind::Binary(declared) if count != u64::from(*declared) => {
            Err(format!("value has {count} bytes; must have {declared}"))
        }
        Kind::Varbinary(most) if count > u64::from(*most) => {
            Err(format!("value has {count} bytes; {most} are the most"))
        }
        Kind::Blob(most) if count > *most => Err(format!("value has {count} bytes; {most} are the most")),
        Kind::Binary(_) | Kind::Varbinary(_) | Kind::Blob(_) => Ok(()),
        Kind::Spatial(_) | Kind::Vector(_) | Kind::Other(_) => Ok(()),
        _ => Err("the column takes no bytes".to_owned()),
    }
}

/// Spaces at the end of a text that is too long would be cut without a word, and so are all at the end of a CHAR.
pub(super) fn chars(kind: &Kind, charset: Option<&str>, text: &str, padded: bool) -> Result<(), Broken> {
    match kind {
        Kind::Char(most) | Kind::Varchar(most) => {
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            // A text has at most as many characters as bytes.
            if text.len() > most && text.chars().count() > most {
                return Err(format!("text has more than {most} characters"));
            }
            if matches!(kind, Kind::Char(_)) && !padded && text.ends_with(' ') {
                return Err("text has spaces at its end, which the column does not keep".to_owned());
            }
            Ok(())
        }
        Kind::Text(most) if charset.is_some_and(|charset| charset.starts_with("utf8")) => {
            let count = u64::try_from(text.len()).unwrap_or(u64::MAX);
            if count > *most {
                return Err(format!("text has {count} bytes; {most} bytes are the most"));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The server keeps integers of 64 bits, and every other number as a double.
pub(super) fn json(text: &str) -> Result<(), Broken> {
    if !may_change(text) {
        return Ok(());
    }
    // What is no JSON the server says itself.
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return Ok(());
    };
    match changed(&value) {
        Some(number) => Err(format!("the number {number} in it would change")),
        None => Ok(()),
    }
}

/// Fifteen digits without an exponent pass through a double unchanged.
fn may_change(text: &str) -> bool {
    let mut digits = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'.' => digits += 1,
            b'e' | b'E' if digits > 0 => return true,
            _ => digits = 0,
        }
        if digits > 15 {
            return true;
        }
    }
    false
}

fn changed(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            let is_kept = number.as_i64().is_some()
                || number.as_u64().is_some()
                || text.parse::<f64>().is_ok_and(|double| {
                    double.is_finite()
                        && canonical_decimal(&format!("{double:e}")) == canonical_decimal(&text)
                });
            (!is_kept).then_some(text)
        }
        Value::Array(values) => values.iter().find_map(changed),
        Value::Object(members) => members.values().find_map(changed),
        Value::Null | Value::Bool(_) | Value::String(_) => None,
    }
}

pub(super) fn date(kind: &Kind, days: i32, out: &mut Vec<u8>) -> Result<(), Broken> {
    let day = in_calendar(i64::from(days), matches!(days, i32::MIN | i32::MAX))?;
    match kind {
        Kind::Date => put_day(day, out),
        Kind::Datetime(_) | Kind::Timestamp(_) => {
            put_day(day, out);
            out.extend_from_slice(b" 00:00:00");
        }
        _ => return Err("the column takes no dates".to_owned()),
    }
    Ok(())
}

fn in_calendar(days: i64, infinite: bool) -> Result<Civil, Broken> {
    if infinite {
        return Err("the column cannot hold an infinity".to_owned());
    }
    let day = civil_from_days(days);
    match (0..=9999).contains(&day.year) {
        true => Ok(day),
        false => Err(format!(
            "the year {} lies beyond the target's calendar, 0 to 9999",
            day.year
        )),
    }
}

fn put_day(day: Civil, out: &mut Vec<u8>) {
    spell::date(u16::try_from(day.year).unwrap_or(0), day.month, day.day, out);
}

/// Appends a time of less than a hundred hours with as many digits of its fraction as it has.
fn put_clock(micros: i64, out: &mut Vec<u8>) {
    let part = |number: i64| u8::try_from(number).unwrap_or(0);
    let seconds = micros / 1_000_000;
    let fraction = u32::try_from(micros % 1_000_000).unwrap_or(0);
    let time = (
        part(seconds / 3600),
        part(seconds / 60 % 60),
        part(seconds % 60),
        fraction,
    );
    spell::clock(time, if fraction == 0 { 0 } else { 6 }, out);
}

pub(super) fn clock(kind: &Kind, micros: i64, out: &mut Vec<u8>) -> Result<(), Broken> {
    let Kind::Time(digits) = *kind else {
        return Err("the column takes no times".to_owned());
    };
    fraction(micros, digits)?;
    out.extend_from_slice(format_time(micros).as_bytes());
    Ok(())
}

pub(super) fn moment(kind: &Kind, micros: i64, out: &mut Vec<u8>) -> Result<(), Broken> {
    let days = micros.div_euclid(DAY_MICROS);
    let day = in_calendar(days, matches!(micros, i64::MIN | i64::MAX))?;
    let time = micros.rem_euclid(DAY_MICROS);
    match *kind {
        Kind::Datetime(digits) | Kind::Timestamp(digits) => fraction(micros, digits)?,
        Kind::Date if time == 0 => {
            put_day(day, out);
            return Ok(());
        }
        Kind::Date => return Err("the column holds no time of day".to_owned()),
        _ => return Err("the column takes no timestamps".to_owned()),
    }
    put_day(day, out);
    out.push(b' ');
    put_clock(time, out);
    Ok(())
}

/// An interval for a TIME column.
pub(super) fn span(kind: &Kind, bytes: [u8; 16], out: &mut Vec<u8>) -> Result<(), Broken> {
    let Kind::Time(digits) = *kind else {
        return Err("the column takes no intervals".to_owned());
    };
    let (micros, days, months) = parts(bytes);
    if days != 0 || months != 0 || !(-TIME_MICROS_MAX..=TIME_MICROS_MAX).contains(&micros) {
        return Err("the column holds times from -838:59:59 to 838:59:59".to_owned());
    }
    fraction(micros, digits)?;
    if micros < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(format_time(micros.abs()).as_bytes());
    Ok(())
}

fn fraction(micros: i64, digits: u8) -> Result<(), Broken> {
    if digits < 6 && micros % 10_i64.pow(6 - u32::from(digits)) != 0 {
        return Err(format!("value has more than {digits} digits of a second"));
    }
    Ok(())
}
