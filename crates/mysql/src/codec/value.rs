//! Translates one value: from the form in which the server sends it to the form of its logical type, or says which rule it breaks.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the pairs with a translation are listed"
)]

use mysql_async::Value;
use whimbrel_core::{
    Civil, ColumnBuilder, DAY_MICROS, LogicalType, days_from_civil, is_decimal, parse_date, parse_interval,
    parse_time, parse_timestamp, uuid_of_digits,
};

use super::form::Form;
use super::{key, print};

/// Why a value does not travel: the rule that it breaks.
pub(super) type Broken = String;

/// Pushes the value, which is not NULL.
pub(super) fn push(
    form: &Form,
    logical: &LogicalType,
    value: &Value,
    out: &mut ColumnBuilder,
) -> Result<(), Broken> {
    if matches!(logical, LogicalType::Wire { .. } | LogicalType::Any) {
        let text = print::wire(form, value).ok_or_else(|| unfit(logical))?;
        out.push_bytes(&text);
        return Ok(());
    }
    match (form, value) {
        (Form::Year, Value::Int(_) | Value::UInt(_)) if matches!(logical, LogicalType::Text { .. }) => {
            push_text(&shown(form, value), logical, out)
        }
        (_, Value::Int(number)) => push_integer(i128::from(*number), logical, out),
        (_, Value::UInt(number)) => push_integer(i128::from(*number), logical, out),
        (_, Value::Float(number)) => push_float32(*number, logical, out),
        (_, Value::Double(number)) => push_float64(*number, logical, out),
        (_, Value::Date(..)) => push_date(form, value, logical, out),
        (_, Value::Time(..)) => push_time(form, value, logical, out),
        (_, Value::Bytes(bytes)) => push_bytes(form, bytes, logical, out),
        (_, Value::NULL) => {
            out.push_null();
            Ok(())
        }
    }
}

fn unfit(logical: &LogicalType) -> Broken {
    format!("value is no {logical}")
}

fn shown(form: &Form, value: &Value) -> String {
    print::shown(form, value)
}

fn push_integer(number: i128, logical: &LogicalType, out: &mut ColumnBuilder) -> Result<(), Broken> {
    match logical {
        LogicalType::Integer { .. } => match i64::try_from(number) {
            Ok(number) => out.push_i64(number),
            Err(_) => return Err("value is beyond 64 bits with a sign".to_owned()),
        },
        LogicalType::Boolean => match number {
            0 | 1 => out.push_bool(number == 1),
            _ => return Err("value is neither 0 nor 1".to_owned()),
        },
        LogicalType::Float { .. } => return push_text(&number.to_string(), logical, out),
        LogicalType::Decimal { .. } | LogicalType::Text { .. } | LogicalType::Json => {
            out.push_bytes(number.to_string().as_bytes());
        }
        _ => return Err(unfit(logical)),
    }
    Ok(())
}

fn push_float32(number: f32, logical: &LogicalType, out: &mut ColumnBuilder) -> Result<(), Broken> {
    match logical {
        LogicalType::Float { bits: 32 } => out.push_f32(number),
        LogicalType::Float { .. } => out.push_f64(f64::from(number)),
        _ => return push_text(&print::float32(number), logical, out),
    }
    Ok(())
}

fn push_float64(number: f64, logical: &LogicalType, out: &mut ColumnBuilder) -> Result<(), Broken> {
    match logical {
        LogicalType::Float { bits: 32 } => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the way back shows whether it was exact"
            )]
            let narrow = number as f32;
            if f64::from(narrow).to_bits() != number.to_bits() {
                return Err("value has more digits than 32 bits hold".to_owned());
            }
            out.push_f32(narrow);
        }
        LogicalType::Float { .. } => out.push_f64(number),
        _ => return push_text(&print::float64(number), logical, out),
    }
    Ok(())
}

fn push_date(
    form: &Form,
    value: &Value,
    logical: &LogicalType,
    out: &mut ColumnBuilder,
) -> Result<(), Broken> {
    let Value::Date(year, month, day, hour, minute, second, micros) = *value else {
        return Err(unfit(logical));
    };
    if matches!(logical, LogicalType::Text { .. }) {
        out.push_bytes(shown(form, value).as_bytes());
        return Ok(());
    }
    let civil = Civil {
        year: i64::from(year),
        month,
        day,
    };
    let days = days_from_civil(civil).ok_or_else(|| "there is no such day".to_owned())?;
    let clock = clock_micros(hour, minute, second, micros);
    match logical {
        LogicalType::Date if clock == 0 => {
            out.push_i32(i32::try_from(days).map_err(|_| unfit(logical))?);
        }
        LogicalType::Timestamp { .. } => out.push_i64(days * DAY_MICROS + clock),
        _ => return Err(unfit(logical)),
    }
    Ok(())
}

#[inline]
pub(super) fn clock_micros(hours: u8, minutes: u8, seconds: u8, micros: u32) -> i64 {
    ((i64::from(hours) * 60 + i64::from(minutes)) * 60 + i64::from(seconds)) * 1_000_000 + i64::from(micros)
}

fn push_time(
    form: &Form,
    value: &Value,
    logical: &LogicalType,
    out: &mut ColumnBuilder,
) -> Result<(), Broken> {
    let Value::Time(negative, days, hours, minutes, seconds, micros) = *value else {
        return Err(unfit(logical));
    };
    let size = i64::from(days) * DAY_MICROS + clock_micros(hours, minutes, seconds, micros);
    let total = if negative { -size } else { size };
    match logical {
        LogicalType::Time => {
            if !(0..=DAY_MICROS).contains(&total) {
                return Err("value is no time of day".to_owned());
            }
            out.push_i64(total);
        }
        LogicalType::Interval => out.push_16(interval(total)),
        LogicalType::Text { .. } => out.push_bytes(shown(form, value).as_bytes()),
        _ => return Err(unfit(logical)),
    }
    Ok(())
}

/// An interval of microseconds alone.
fn interval(micros: i64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&micros.to_be_bytes());
    bytes
}

/// Pushes a value that was sent as bytes.
pub(super) fn push_bytes(
    form: &Form,
    bytes: &[u8],
    logical: &LogicalType,
    out: &mut ColumnBuilder,
) -> Result<(), Broken> {
    match (form, logical) {
        (Form::Bit(length), _) => return push_bits(bytes, *length, logical, out),
        (Form::Spatial, LogicalType::Bytes) => {
            out.push_bytes(&ewkb(bytes).ok_or_else(|| "value is no geometry".to_owned())?);
        }
        (_, LogicalType::Bytes) => out.push_bytes(bytes),
        (Form::Bytes, LogicalType::Uuid) => match bytes.try_into() {
            Ok(value) => out.push_16(value),
            Err(_) => return Err("value is not 16 bytes long".to_owned()),
        },
        (Form::Vector, _) => {
            let text = print::vector(bytes).ok_or_else(|| unfit(logical))?;
            return push_text(&text, logical, out);
        }
        // A document that the server has parsed needs no second look.
        (Form::Json, LogicalType::Json) => out.push_bytes(bytes),
        (Form::Decimal, LogicalType::Decimal { .. }) => out.push_bytes(without_padding(bytes)),
        (Form::Ascii, _) if !bytes.is_ascii() => return Err("text is not ASCII".to_owned()),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => return push_text(text, logical, out),
            Err(_) => return Err("text is not valid UTF-8".to_owned()),
        },
    }
    Ok(())
}

/// The digits without the zeros that `ZEROFILL` puts before them.
#[inline]
pub(super) fn without_padding(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let is_whole_digit = |at: usize| digits.get(at).is_some_and(u8::is_ascii_digit);
    match zeros {
        0 => digits,
        _ if is_whole_digit(zeros) => &digits[zeros..],
        _ => &digits[zeros - 1..],
    }
}

fn push_bits(
    bytes: &[u8],
    length: u32,
    logical: &LogicalType,
    out: &mut ColumnBuilder,
) -> Result<(), Broken> {
    match logical {
        LogicalType::Bits { .. } => out.push_bytes(print::zeros_and_ones(bytes, length).as_bytes()),
        LogicalType::Bytes => out.push_bytes(bytes),
        LogicalType::Boolean | LogicalType::Integer { .. } | LogicalType::Decimal { .. } => {
            return push_integer(i128::from(key::bits(bytes)), logical, out);
        }
        _ => return push_text(&print::zeros_and_ones(bytes, length), logical, out),
    }
    Ok(())
}

fn push_text(text: &str, logical: &LogicalType, out: &mut ColumnBuilder) -> Result<(), Broken> {
    let unfit = || format!("text is no {logical}");
    let fits = match logical {
        LogicalType::Text { .. } | LogicalType::TimeZoned => true,
        LogicalType::Decimal { .. } => is_decimal(text),
        LogicalType::Bits { .. } => text.bytes().all(|bit| matches!(bit, b'0' | b'1')),
        LogicalType::Json => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
        LogicalType::Enum { labels, .. } => labels.iter().any(|label| label == text),
        LogicalType::Set { labels } => is_set_of(labels, text),
        _ => return push_parsed(text, logical, out).ok_or_else(unfit),
    };
    if !fits {
        return Err(unfit());
    }
    out.push_bytes(text.as_bytes());
    Ok(())
}

/// Tells whether the text is labels in their order, joined by commas.
fn is_set_of(labels: &[String], text: &str) -> bool {
    if text.is_empty() {
        return true;
    }
    let places: Option<Vec<usize>> = text
        .split(',')
        .map(|part| labels.iter().position(|label| label == part))
        .collect();
    places.is_some_and(|places| places.is_sorted_by(|one, next| one < next))
}

fn push_parsed(text: &str, logical: &LogicalType, out: &mut ColumnBuilder) -> Option<()> {
    match logical {
        LogicalType::Boolean => match text {
            "true" | "1" => out.push_bool(true),
            "false" | "0" => out.push_bool(false),
            _ => return None,
        },
        LogicalType::Integer { .. } => out.push_i64(whole_number(text)?),
        LogicalType::Float { bits: 32 } => out.push_f32(text.parse().ok()?),
        LogicalType::Float { .. } => out.push_f64(text.parse().ok()?),
        LogicalType::Date => out.push_i32(parse_date(text)?),
        LogicalType::Time => out.push_i64(parse_time(text)?),
        LogicalType::Timestamp { zoned } => out.push_i64(parse_timestamp(text, *zoned)?),
        LogicalType::Interval => out.push_16(parse_interval(text)?),
        LogicalType::Uuid => out.push_16(uuid_of_digits(text)?),
        _ => return None,
    }
    Some(())
}

/// The 64-bit integer of exactly this value.
fn whole_number(digits: &str) -> Option<i64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    fraction
        .bytes()
        .all(|digit| digit == b'0')
        .then(|| whole.parse().ok())
        .flatten()
}

/// The extended well-known binary of a stored geometry: the reference system, where there is one, stands behind the type.
fn ewkb(stored: &[u8]) -> Option<Vec<u8>> {
    const HAS_SYSTEM: u32 = 0x2000_0000;
    let (system, wkb) = stored.split_first_chunk::<4>()?;
    let system = u32::from_le_bytes(*system);
    let (order, rest) = wkb.split_first()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    if *order != 1 {
        return None;
    }
    if system == 0 {
        return Some(wkb.to_vec());
    }
    let mut extended = vec![1];
    extended.extend((u32::from_le_bytes(*kind) | HAS_SYSTEM).to_le_bytes());
    extended.extend(system.to_le_bytes());
    extended.extend(rest);
    Some(extended)
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::{Date32Type, Int64Type};

    use super::*;

    fn pushed(form: &Form, logical: &LogicalType, value: &Value) -> Result<arrow_array::ArrayRef, Broken> {
        let mut out = ColumnBuilder::new(logical);
        push(form, logical, value, &mut out)?;
        Ok(out.take().unwrap())
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in [(0, 0, 0), (2020, 0, 15), (2023, 2, 31), (2020, 5, 0)] {
            let value = Value::Date(year, month, day, 0, 0, 0, 0);
            assert!(pushed(&Form::Date, &LogicalType::Date, &value).is_err());
            let stamp = LogicalType::Timestamp { zoned: false };
            assert!(pushed(&Form::Datetime(0), &stamp, &value).is_err());
            let wire = LogicalType::Wire {
                native: "date".to_owned(),
                printed: false,
            };
            assert!(pushed(&Form::Date, &wire, &value).is_ok());
        }
        let day = Value::Date(1969, 12, 31, 0, 0, 0, 0);
        let array = pushed(&Form::Date, &LogicalType::Date, &day).unwrap();
        assert_eq!(array.as_primitive::<Date32Type>().value(0), -1);
    }

    #[test]
    fn a_time_beyond_a_day_is_an_interval_and_no_time_of_day() {
        let value = Value::Time(true, 34, 22, 59, 59, 0);
        assert!(pushed(&Form::Time(0), &LogicalType::Time, &value).is_err());
        let array = pushed(&Form::Time(0), &LogicalType::Interval, &value).unwrap();
        let micros = -(838 * 3600 + 59 * 60 + 59) * 1_000_000_i64;
        assert_eq!(array.as_fixed_size_binary().value(0), interval(micros));
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        let long = LogicalType::Integer { bits: 64 };
        assert!(pushed(&Form::Integer, &long, &Value::UInt(u64::MAX)).is_err());
        assert!(pushed(&Form::Integer, &LogicalType::Boolean, &Value::Int(2)).is_err());
        let array = pushed(&Form::Bit(9), &long, &Value::Bytes(vec![1, 1])).unwrap();
        assert_eq!(array.as_primitive::<Int64Type>().value(0), 257);
        let decimal = LogicalType::Decimal {
            precision: Some(20),
            scale: Some(0),
        };
        let array = pushed(&Form::Integer, &decimal, &Value::UInt(u64::MAX)).unwrap();
        assert_eq!(array.as_string::<i32>().value(0), "18446744073709551615");
    }

    #[test]
    fn zeros_that_fill_are_no_digits() {
        for (filled, digits) in [("000.50", "0.50"), ("0012", "12"), ("0", "0"), ("-0.10", "-0.10")] {
            assert_eq!(without_padding(filled.as_bytes()), digits.as_bytes());
        }
    }

    #[test]
    fn labels_stand_in_their_order() {
        let labels = ["a", "b", "c"].map(str::to_owned);
        for (text, fits) in [
            ("", true),
            ("a,c", true),
            ("c,a", false),
            ("a,x", false),
            ("a,a", false),
        ] {
            assert_eq!(is_set_of(&labels, text), fits, "{text}");
        }
    }

    #[test]
    fn a_geometry_keeps_its_reference_system() {
        let point = [1, 1, 0, 0, 0, 7, 7];
        let with = |system: u32| [&system.to_le_bytes()[..], &point].concat();
        assert_eq!(ewkb(&with(0)).unwrap(), point);
        assert_eq!(
            ewkb(&with(4326)).unwrap(),
            [1, 1, 0, 0, 0x20, 0xe6, 0x10, 0, 0, 7, 7]
        );
        assert_eq!(ewkb(&[0, 0]), None);
    }
}
