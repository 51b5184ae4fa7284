//! Spells values as text: the form in which they travel between equal engines, and what a person reads.

use mysql_async::Value;
use whimbrel_core::hex;

use super::form::Form;
use super::key::bits;
use super::spell;

/// Returns the text of a value as the text protocol would send it (floats as the shortest text that reads back, bytes as they are); none for
/// a value that is not of the form.
pub(crate) fn wire(form: &Form, value: &Value) -> Option<Vec<u8>> {
    let text = match (form, value) {
        (_, Value::Bytes(bytes)) => return Some(bytes.clone()),
        (Form::Year, Value::Int(year)) => format!("{year:04}"),
        (Form::Year, Value::UInt(year)) => format!("{year:04}"),
        (_, Value::Int(number)) => number.to_string(),
        (_, Value::UInt(number)) => number.to_string(),
        (_, Value::Float(number)) => float32(*number),
        (_, Value::Double(number)) => float64(*number),
        (Form::Date, Value::Date(..)) => date(value, None)?,
        (Form::Datetime(digits), Value::Date(..)) => date(value, Some(*digits))?,
        (Form::Time(digits), Value::Time(..)) => time(value, *digits)?,
        _ => return None,
    };
    Some(text.into_bytes())
}

/// The shortest text that reads back to the same number.
pub(crate) fn float64(number: f64) -> String {
    let mut out = Vec::new();
    spell::float64(number, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// As [`float64`], for 32 bits.
pub(crate) fn float32(number: f32) -> String {
    let mut out = Vec::new();
    spell::float32(number, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// `YYYY-MM-DD`, and with a number of fraction digits also the time; days that do not exist are spelled like any other.
pub(crate) fn date(value: &Value, digits: Option<u8>) -> Option<String> {
    let Value::Date(year, month, day, hour, minute, second, micros) = value else {
        return None;
    };
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if let Some(digits) = digits {
        text.push_str(&format!(" {hour:02}:{minute:02}:{second:02}"));
        push_fraction(&mut text, *micros, digits);
    }
    Some(text)
}

/// `[-]HH:MM:SS`, hours as many as there are.
pub(crate) fn time(value: &Value, digits: u8) -> Option<String> {
    let Value::Time(negative, days, hours, minutes, seconds, micros) = value else {
        return None;
    };
    let hours = u64::from(*days) * 24 + u64::from(*hours);
    let sign = if *negative { "-" } else { "" };
    let mut text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
    push_fraction(&mut text, *micros, digits);
    Some(text)
}

fn push_fraction(text: &mut String, micros: u32, digits: u8) {
    let digits = usize::from(digits.min(6));
    if digits > 0 {
        text.push('.');
        text.push_str(&format!("{micros:06}")[..digits]);
    }
}

/// Zeros and ones, as many as are declared.
pub(crate) fn zeros_and_ones(bytes: &[u8], length: u32) -> String {
    let width = usize::try_from(length).unwrap_or(1);
    format!("{:0width$b}", bits(bytes))
}

/// The components as JSON has them; none when the bytes are no whole number of them.
pub(crate) fn vector(bytes: &[u8]) -> Option<String> {
    if !bytes.len().is_multiple_of(4) {
        return None;
    }
    let numbers: Vec<String> = bytes
        .chunks_exact(4)
        .filter_map(|four| four.try_into().ok())
        .map(|four| float32(f32::from_le_bytes(four)))
        .collect();
    Some(format!("[{}]", numbers.join(",")))
}

/// The value as a person reads it; bytes that are no text in hex.
pub(crate) fn shown(form: &Form, value: &Value) -> String {
    let Value::Bytes(bytes) = value else {
        return wire(form, value)
            .and_then(|text| String::from_utf8(text).ok())
            .unwrap_or_else(|| "NULL".to_owned());
    };
    shown_bytes(form, bytes)
}

/// As [`shown`], for the bytes in which a value travels between equal engines.
pub(crate) fn shown_bytes(form: &Form, bytes: &[u8]) -> String {
    let text = match form {
        Form::Bit(length) if bytes.len() <= 8 => Some(zeros_and_ones(bytes, *length)),
        Form::Vector => vector(bytes),
        Form::Bytes | Form::Spatial | Form::Bit(_) => None,
        Form::Integer
        | Form::Decimal
        | Form::Float
        | Form::Text
        | Form::Ascii
        | Form::Converted
        | Form::Raw
        | Form::Date
        | Form::Time(_)
        | Form::Datetime(_)
        | Form::Year
        | Form::Json => std::str::from_utf8(bytes).ok().map(str::to_owned),
    };
    text.unwrap_or_else(|| hex(&bytes[..bytes.len().min(64)]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_have_all_declared_digits() {
        let zero = Value::Date(0, 0, 0, 0, 0, 0, 0);
        assert_eq!(date(&zero, None).unwrap(), "0000-00-00");
        assert_eq!(date(&zero, Some(3)).unwrap(), "0000-00-00 00:00:00.000");
        let late = Value::Time(true, 34, 22, 59, 59, 500_000);
        assert_eq!(time(&late, 1).unwrap(), "-838:59:59.5");
        assert_eq!(wire(&Form::Year, &Value::UInt(0)).unwrap(), b"0000");
    }

    #[test]
    fn bits_are_as_many_as_declared() {
        assert_eq!(zeros_and_ones(&[0, 5], 9), "000000101");
        assert_eq!(zeros_and_ones(&[1], 1), "1");
    }

    proptest! {
        #[test]
        fn any_float_reads_back(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            prop_assert_eq!(float64(number).parse::<f64>().unwrap().to_bits(), bits);
        }

        #[test]
        fn any_narrow_float_reads_back_by_way_of_a_wide_one(bits: u32) {
            let number = f32::from_bits(bits);
            prop_assume!(number.is_finite());
            let text = float32(number);
            prop_assert_eq!(text.parse::<f32>().unwrap().to_bits(), bits);
            #[expect(clippy::cast_possible_truncation, reason = "the server does the same")]
            let narrowed = text.parse::<f64>().unwrap() as f32;
            prop_assert_eq!(narrowed.to_bits(), bits);
        }
    }
}
