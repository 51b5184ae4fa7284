//! Decimals without a detour: the digits of the usual ones straight from the stored value, and of a text the real that has them. What is
//! unusual is left to the careful way.

use rusqlite::types::ValueRef;

/// So many digits every decimal keeps on the way through a real and back.
const REAL_DIGITS: u32 = 15;
const POWERS: [f64; 7] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];
const WHOLES: [u64; 7] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/// Appends the digits of a decimal within the limits (precision and scale), and returns true; false, and nothing is appended, when it is
/// not one of the usual.
pub(crate) fn put(value: ValueRef<'_>, limits: Option<(u32, i32)>, out: &mut Vec<u8>) -> bool {
    match value {
        ValueRef::Integer(number) => put_integer(number, limits, out),
        ValueRef::Real(real) => put_real(real, limits, out),
        ValueRef::Text(text) => put_text(text, limits, out),
        ValueRef::Null | ValueRef::Blob(_) => false,
    }
}

fn put_integer(number: i64, limits: Option<(u32, i32)>, out: &mut Vec<u8>) -> bool {
    let digits = number.unsigned_abs().checked_ilog10().map_or(0, |log| log + 1);
    // Digits that a negative scale takes away are looked at with care.
    if let Some((precision, scale)) = limits
        && (scale < 0 || i64::from(digits) > i64::from(precision) - i64::from(scale))
    {
        return false;
    }
    put_whole(number < 0, number.unsigned_abs(), out);
    true
}

/// A real that is a number of the scale's units, and has few enough digits, is written with those: there is no other decimal as short
/// that is the same real.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the way back proves that nothing was lost"
)]
fn put_real(real: f64, limits: Option<(u32, i32)>, out: &mut Vec<u8>) -> bool {
    let (precision, scale) = limits.unwrap_or((REAL_DIGITS, 6));
    let Some(scale) = usize::try_from(scale).ok().filter(|scale| *scale < POWERS.len()) else {
        return false;
    };
    let size = real.abs();
    let units = (size * POWERS[scale]).round();
    let is_short = (1.0..1e15).contains(&units) && units / POWERS[scale] == size;
    let units = units as u64;
    if !is_short || units >= 10_u64.pow(precision.min(REAL_DIGITS)) {
        return false;
    }
    put_whole(real < 0.0, units / WHOLES[scale], out);
    let mut rest = units % WHOLES[scale];
    if rest > 0 {
        out.push(b'.');
        for at in (0..scale).rev() {
            if rest == 0 {
                break;
            }
            out.push(b'0' + (rest / WHOLES[at]) as u8);
            rest %= WHOLES[at];
        }
    }
    true
}

/// A text in the one form that keeps its trailing zeros is taken as it is.
fn put_text(text: &[u8], limits: Option<(u32, i32)>, out: &mut Vec<u8>) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = match &digits[whole..] {
        [] => 0,
        [b'.', fraction @ ..] if !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit) => {
            fraction.len()
        }
        _ => return false,
    };
    let is_plain = match digits {
        [b'0', b'.', ..] | [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', ..] => true,
        _ => return false,
    };
    // Zeros may stand behind the scale, and a negative one may be zero: both are looked at with care.
    let fits = limits.is_none_or(|(precision, scale)| {
        i64::try_from(fraction).is_ok_and(|fraction| fraction <= i64::from(scale))
            && i64::try_from(whole).is_ok_and(|whole| whole <= i64::from(precision) - i64::from(scale))
    });
    if is_plain && fits {
        out.extend_from_slice(text);
    }
    is_plain && fits
}

fn put_whole(negative: bool, mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if negative {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Returns the real of a plain decimal that is known to keep all its digits; none when that takes a closer look.
pub(super) fn real_of(digits: &str) -> Option<f64> {
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    if !is_plain || count > usize::try_from(REAL_DIGITS).unwrap_or(0) {
        return None;
    }
    digits.parse().ok().filter(|real: &f64| *real != 0.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::types::ValueRef;

    use super::super::decode::{decimal, fits};
    use super::*;

    /// What the careful way says.
    fn carefully(value: ValueRef<'_>, limits: Option<(u32, i32)>) -> Option<String> {
        let digits = decimal(value).ok()?;
        let fit = limits.is_none_or(|(precision, scale)| fits(&digits, precision, scale).is_ok());
        fit.then_some(digits)
    }

    fn check(value: ValueRef<'_>, limits: Option<(u32, i32)>) {
        let mut out = Vec::new();
        if put(value, limits, &mut out) {
            let text = String::from_utf8(out).unwrap();
            assert_eq!(carefully(value, limits), Some(text), "{value:?} {limits:?}");
        } else {
            assert_eq!(out, b"", "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_says_what_the_careful_one_does(
            number in any::<i64>(), small in -1_000_000_i64..1_000_000, real in any::<f64>(), places in 0_u32..9,
            text in "-?[0-9]{0,4}(\\.[0-9]{0,4})?", precision in 1_u32..20, scale in -2_i32..9, limited in any::<bool>(),
        ) {
            let limits = limited.then_some((precision, scale));
            let rounded = format!("{small}e-{places}").parse::<f64>().unwrap();
            check(ValueRef::Integer(number), limits);
            check(ValueRef::Integer(small), limits);
            check(ValueRef::Real(real), limits);
            check(ValueRef::Real(rounded), limits);
            check(ValueRef::Text(text.as_bytes()), limits);
        }

        #[test]
        fn a_real_of_few_digits_keeps_them(number in -999_999_999_999_999_i64..999_999_999_999_999, places in 0_usize..15) {
            let text = whimbrel_core::canonical_decimal(&format!("{number}e-{places}")).unwrap();
            if let Some(real) = real_of(&text) {
                let back = decimal(ValueRef::Real(real)).unwrap();
                prop_assert_eq!(whimbrel_core::canonical_decimal(&back).unwrap(), text);
            }
        }
    }

    #[test]
    fn a_scale_beyond_the_precision_and_one_below_zero_count_from_the_point() {
        for (digits, precision, scale, fit) in [
            ("-0.008123", 5, 6, true),
            ("0.099999", 5, 6, true),
            ("0.1", 5, 6, false),
            ("0.0000001", 5, 6, false),
            ("0", 5, 6, true),
            ("12300", 3, -2, true),
            ("12345", 3, -2, false),
            ("100000", 3, -2, false),
            ("0.00", 3, -2, true),
            ("99.90", 3, 1, true),
            ("99.95", 3, 1, false),
            ("100", 3, 1, false),
        ] {
            assert_eq!(
                fits(digits, precision, scale).is_ok(),
                fit,
                "{digits} in ({precision},{scale})"
            );
        }
    }

    #[test]
    fn the_usual_decimals_take_the_short_way() {
        let limits = Some((12, 2));
        for (value, digits) in [
            (ValueRef::Real(1234.56), "1234.56"),
            (ValueRef::Real(-0.07), "-0.07"),
            (ValueRef::Real(5.0), "5"),
            (ValueRef::Integer(-42), "-42"),
            (ValueRef::Text(b"12.50"), "12.50"),
        ] {
            let mut out = Vec::new();
            assert!(put(value, limits, &mut out), "{digits}");
            assert_eq!(out, digits.as_bytes());
        }
    }
}
