//! Decimals: from digits to scaled integers and back, and the arithmetic that must not round without being asked to.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Decimal256Type};
use arrow_array::{Array, ArrayRef, StringArray};
use arrow_buffer::i256;
use arrow_schema::DataType;
use whimbrel_core::{canonical_decimal, shorten};

use crate::kernel::{OnRefusal, numbers, texts};
use crate::node::DIGITS_MAX;

/// What becomes of digits beyond the scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    /// The row fails.
    Refuse,
    /// To the nearest, half away from zero.
    Round,
}

/// Reads a decimal as an integer scaled by `scale`; at most 76 digits.
pub(crate) fn read(text: &str, scale: u8, excess: Excess) -> Result<i256, String> {
    if let Some(value) = read_short(text.as_bytes(), scale) {
        return Ok(i256::from_i128(value));
    }
    let plain = canonical_decimal(text).ok_or_else(|| format!("`{}` is not a number", shorten(text)))?;
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{plain}` cannot be computed with as a decimal"));
    }
    let places = usize::from(scale);
    let kept = &fraction[..fraction.len().min(places)];
    if excess == Excess::Refuse && kept.len() < fraction.len() {
        return Err(format!(
            "`{}` has more than {scale} digits after the point",
            shorten(text)
        ));
    }
    let scaled = format!("{whole}{kept:0<places$}");
    let scaled = scaled.trim_start_matches('0');
    if scaled.len() > usize::from(DIGITS_MAX) {
        return Err(format!("`{}` has too many digits", shorten(text)));
    }
    let value = match scaled {
        "" => i256::ZERO,
        scaled => i256::from_string(scaled).ok_or_else(|| format!("`{plain}` has too many digits"))?,
    };
    let up = fraction
        .as_bytes()
        .get(places)
        .is_some_and(|digit| *digit >= b'5');
    let value = if up { value.wrapping_add(i256::ONE) } else { value };
    Ok(match plain.starts_with('-') {
        true => value.wrapping_neg(),
        false => value,
    })
}

/// Reads plain digits that fit 128 bits and the scale; none when another way must be taken.
#[inline]
pub(crate) fn read_short(text: &[u8], scale: u8) -> Option<i128> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 37 {
        return None;
    }
    // Eighteen digits fit a word, which is much faster.
    let wide = digits.len() + usize::from(scale) > 18;
    let value = if wide {
        read_digits::<i128>(digits, scale, 10, i128::from)?
    } else {
        i128::from(read_digits::<i64>(digits, scale, 10, i64::from)?)
    };
    Some(if negative { -value } else { value })
}

#[inline]
fn read_digits<T>(digits: &[u8], scale: u8, ten: T, of: impl Fn(u8) -> T) -> Option<T>
where
    T: Copy + std::ops::Mul<Output = T> + std::ops::Add<Output = T>,
{
    let mut value = of(0);
    let mut places = None;
    if digits.len() + usize::from(scale) > 38 {
        return None;
    }
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                value = value * ten + of(byte - b'0');
                places = places.map(|places: u8| places + 1);
            }
            b'.' if places.is_none() => places = Some(0),
            _ => return None,
        }
    }
    if digits.len() == 1 && places.is_some() {
        return None;
    }
    for _ in 0..scale.checked_sub(places.unwrap_or(0))? {
        value = value * ten;
    }
    Some(value)
}

/// Writes an integer scaled by `scale` with all its digits.
pub(crate) fn write(value: i256, scale: u8, out: &mut String) {
    match value.to_i128() {
        Some(value) => write_short(value, scale, out),
        None => place(
            value < i256::ZERO,
            value.to_string().trim_start_matches('-'),
            scale,
            out,
        ),
    }
}

/// Writes a scaled integer of 128 bits.
#[inline]
pub(crate) fn write_short(value: i128, scale: u8, out: &mut String) {
    let mut buffer = itoa::Buffer::new();
    let digits = match u64::try_from(value.unsigned_abs()) {
        Ok(short) => buffer.format(short),
        Err(_) => buffer.format(value.unsigned_abs()),
    };
    place(value < 0, digits, scale, out);
}

fn place(negative: bool, digits: &str, scale: u8, out: &mut String) {
    let scale = usize::from(scale);
    if negative {
        out.push('-');
    }
    if scale == 0 {
        out.push_str(digits);
        return;
    }
    if digits.len() > scale {
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        out.push_str(whole);
        out.push('.');
        out.push_str(fraction);
    } else {
        let _ = write!(out, "0.{digits:0>scale$}");
    }
}

/// Reads a column of digits as decimals.
pub(crate) fn read_column(
    rows: &StringArray,
    precision: u8,
    scale: u8,
    how: (Excess, OnRefusal),
) -> Result<ArrayRef, String> {
    let (excess, refusal) = how;
    make(rows, precision, scale, refusal, |row| {
        let text = rows.value(row);
        match read_short(text.as_bytes(), scale) {
            Some(value) => Ok(Scaled::Short(value)),
            None => read(text, scale, excess).map(Scaled::Long),
        }
    })
}

/// Writes a column of decimals as digits; `trimmed` leaves out zeros at the end of the fraction.
pub(crate) fn write_column(rows: &ArrayRef, trimmed: bool) -> Result<ArrayRef, String> {
    let (_, scale) = digits_of(rows.data_type());
    let array = match rows.as_primitive_opt::<Decimal128Type>() {
        Some(short) => texts(rows, OnRefusal::Fail, |row, out| {
            write_short(short.value(row), scale, out);
            trim(trimmed, out);
            Ok(())
        })?,
        None => {
            let long = rows.as_primitive::<Decimal256Type>();
            texts(rows, OnRefusal::Fail, |row, out| {
                write(long.value(row), scale, out);
                trim(trimmed, out);
                Ok(())
            })?
        }
    };
    Ok(Arc::new(array))
}

fn trim(trimmed: bool, out: &mut String) {
    if trimmed && out.contains('.') {
        let end = out.trim_end_matches('0').trim_end_matches('.').len();
        out.truncate(end);
    }
}

/// A scaled integer of either width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scaled {
    Short(i128),
    Long(i256),
}

impl Scaled {
    pub(crate) fn long(self) -> i256 {
        match self {
            Self::Short(value) => i256::from_i128(value),
            Self::Long(value) => value,
        }
    }
}

/// Makes a column of decimals, each checked against the number of digits.
pub(crate) fn make(
    rows: &dyn Array,
    precision: u8,
    scale: u8,
    refusal: OnRefusal,
    value: impl Fn(usize) -> Result<Scaled, String>,
) -> Result<ArrayRef, String> {
    let places = i8::try_from(scale).unwrap_or(i8::MAX);
    let too_many = || {
        format!(
            "the number has more than {} digits before the point",
            precision - scale
        )
    };
    if precision <= 38 {
        let limit = 10_i128.pow(u32::from(precision));
        let array = numbers::<Decimal128Type>(rows, refusal, |row| {
            let value = match value(row)? {
                Scaled::Short(value) => Some(value),
                Scaled::Long(value) => value.to_i128(),
            };
            value
                .filter(|value| (-limit < *value) && (*value < limit))
                .ok_or_else(too_many)
        })?;
        let array = array.with_precision_and_scale(precision, places);
        return Ok(Arc::new(array.map_err(|error| error.to_string())?));
    }
    let limit = power(precision).ok_or_else(too_many)?;
    let array = numbers::<Decimal256Type>(rows, refusal, |row| {
        let value = value(row)?.long();
        match value < limit && value > limit.wrapping_neg() {
            true => Ok(value),
            false => Err(too_many()),
        }
    })?;
    let array = array.with_precision_and_scale(precision, places);
    Ok(Arc::new(array.map_err(|error| error.to_string())?))
}

/// Returns a reader of the scaled integers of a column of decimals.
pub(crate) fn scaled(rows: &ArrayRef) -> Box<dyn Fn(usize) -> Scaled + '_> {
    match rows.as_primitive_opt::<Decimal128Type>() {
        Some(short) => Box::new(|row| Scaled::Short(short.value(row))),
        None => {
            let long = rows.as_primitive::<Decimal256Type>();
            Box::new(|row| Scaled::Long(long.value(row)))
        }
    }
}

/// Returns precision and scale of an Arrow decimal.
pub(crate) fn digits_of(data_type: &DataType) -> (u8, u8) {
    if let DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) = data_type {
        return (*precision, u8::try_from(*scale).unwrap_or(0));
    }
    (DIGITS_MAX, 0)
}

/// Ten to the power.
pub(crate) fn power(exponent: u8) -> Option<i256> {
    i256::from_i128(10).checked_pow(u32::from(exponent))
}

/// Changes the scale; digits that go are rounded half away from zero.
pub(crate) fn rescale(value: i256, from: u8, to: u8) -> Option<i256> {
    if to >= from {
        return value.checked_mul(power(to - from)?);
    }
    divide_rounding(value, power(from - to)?)
}

/// Divides to the nearest integer, half away from zero; none on division by zero and overflow.
pub(crate) fn divide_rounding(value: i256, by: i256) -> Option<i256> {
    if let (Some(value), Some(by)) = (value.to_i128(), by.to_i128()) {
        let (quotient, rest) = (value.checked_div(by)?, value.checked_rem(by)?);
        let up = rest.unsigned_abs() >= by.unsigned_abs() - rest.unsigned_abs() && rest != 0;
        let sign = if (value < 0) == (by < 0) { 1 } else { -1 };
        return Some(i256::from_i128(quotient.checked_add(if up {
            sign
        } else {
            0
        })?));
    }
    let (quotient, rest) = (value.checked_div(by)?, value.checked_rem(by)?);
    let (rest_size, by_size) = (rest.wrapping_abs(), by.wrapping_abs());
    let up = rest != i256::ZERO && rest_size >= by_size.wrapping_sub(rest_size);
    let negative = (value < i256::ZERO) != (by < i256::ZERO);
    match (up, negative) {
        (false, _) => Some(quotient),
        (true, false) => quotient.checked_add(i256::ONE),
        (true, true) => quotient.checked_sub(i256::ONE),
    }
}

/// The way in which digits are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    Nearest,
    Up,
    Down,
    TowardsZero,
}

/// Rounds a scaled integer to a number of digits after the point; the scale stays.
pub(crate) fn round(value: i256, scale: u8, places: i64, how: Rounding) -> Option<i256> {
    let drop = i64::from(scale) - places;
    let Ok(drop) = u8::try_from(drop.max(0)) else {
        return Some(i256::ZERO);
    };
    let Some(unit) = power(drop) else {
        return Some(i256::ZERO);
    };
    if drop == 0 {
        return Some(value);
    }
    let rest = value.checked_rem(unit)?;
    let floor = value.checked_sub(rest)?;
    match how {
        Rounding::TowardsZero => Some(floor),
        Rounding::Nearest => divide_rounding(value, unit)?.checked_mul(unit),
        Rounding::Up if rest > i256::ZERO => floor.checked_add(unit),
        Rounding::Down if rest < i256::ZERO => floor.checked_sub(unit),
        Rounding::Up | Rounding::Down => Some(floor),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: i256, scale: u8) -> String {
        let mut out = String::new();
        write(value, scale, &mut out);
        out
    }

    #[test]
    fn digits_beyond_the_scale_are_refused_or_rounded() {
        assert!(read("1.005", 2, Excess::Refuse).is_err());
        assert_eq!(read("1.005", 2, Excess::Round).unwrap(), i256::from_i128(101));
        assert_eq!(read("-1.005", 2, Excess::Round).unwrap(), i256::from_i128(-101));
        assert_eq!(read("1.500000", 1, Excess::Refuse).unwrap(), i256::from_i128(15));
        for text in [
            "NaN",
            "Infinity",
            "-Infinity",
            "abc",
            "",
            "-",
            ".",
            "1.2.3",
            "1e999",
        ] {
            assert!(read(text, 2, Excess::Round).is_err(), "{text}");
        }
        assert_eq!(read("1e3", 2, Excess::Refuse).unwrap(), i256::from_i128(100_000));
    }

    #[test]
    fn rounding_goes_the_way_it_is_told() {
        let round = |value, how| round(i256::from_i128(value), 2, 0, how).and_then(i256::to_i128);
        assert_eq!(round(150, Rounding::Nearest), Some(200));
        assert_eq!(round(-150, Rounding::Nearest), Some(-200));
        assert_eq!(round(149, Rounding::Nearest), Some(100));
        assert_eq!(round(-101, Rounding::Up), Some(-100));
        assert_eq!(round(101, Rounding::Up), Some(200));
        assert_eq!(round(-101, Rounding::Down), Some(-200));
        assert_eq!(round(-199, Rounding::TowardsZero), Some(-100));
    }

    proptest! {
        #[test]
        fn any_decimal_comes_back(value: i128, scale in 0_u8..38) {
            let text = written(i256::from_i128(value), scale);
            prop_assert_eq!(read(&text, scale, Excess::Refuse), Ok(i256::from_i128(value)));
        }

        #[test]
        fn the_short_way_reads_the_same(text in "-?[0-9]{0,12}[.]?[0-9]{0,12}", scale in 0_u8..16) {
            if let Some(short) = read_short(text.as_bytes(), scale) {
                let canonical = canonical_decimal(&text).unwrap();
                let again = written(i256::from_i128(short), scale);
                prop_assert_eq!(canonical_decimal(&again), Some(canonical));
            }
        }
    }
}
