//! Spells numbers and moments straight into a growing buffer: what the hot ways of reading and writing share.

use std::io::Write as _;

/// Appends an integer.
#[inline]
pub(crate) fn integer(number: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends the shortest text that reads back to the same number.
pub(crate) fn float64(number: f64, out: &mut Vec<u8>) {
    let size = number.abs();
    // A buffer in memory takes everything.
    drop(match size == 0.0 || (1e-5..1e17).contains(&size) {
        true => write!(out, "{number}"),
        false => write!(out, "{number:e}"),
    });
}

/// As [`float64`], for 32 bits.
pub(crate) fn float32(number: f32, out: &mut Vec<u8>) {
    let size = number.abs();
    drop(match size == 0.0 || (1e-5..1e9).contains(&size) {
        true => write!(out, "{number}"),
        false => write!(out, "{number:e}"),
    });
}

/// Appends two digits.
#[inline]
fn two(number: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + number / 10 % 10, b'0' + number % 10]);
}

/// Appends four digits.
#[inline]
pub(crate) fn four(number: u16, out: &mut Vec<u8>) {
    let digit = |unit: u16| b'0' + u8::try_from(number / unit % 10).unwrap_or(0);
    out.extend_from_slice(&[digit(1000), digit(100), digit(10), digit(1)]);
}

/// Appends `YYYY-MM-DD`; days that do not exist are spelled like any other.
#[inline]
pub(crate) fn date(year: u16, month: u8, day: u8, out: &mut Vec<u8>) {
    four(year, out);
    out.push(b'-');
    two(month, out);
    out.push(b'-');
    two(day, out);
}

/// Appends `:MM:SS` and so many digits of the fraction.
#[inline]
pub(crate) fn rest_of_clock(minutes: u8, seconds: u8, micros: u32, digits: u8, out: &mut Vec<u8>) {
    out.push(b':');
    two(minutes, out);
    out.push(b':');
    two(seconds, out);
    if digits > 0 {
        out.push(b'.');
        let mut unit = 100_000;
        for _ in 0..digits.min(6) {
            out.push(b'0' + u8::try_from(micros / unit % 10).unwrap_or(0));
            unit /= 10;
        }
    }
}

/// Appends `HH:MM:SS` with a fraction.
#[inline]
pub(crate) fn clock((hour, minute, second, micros): (u8, u8, u8, u32), digits: u8, out: &mut Vec<u8>) {
    two(hour, out);
    rest_of_clock(minute, second, micros, digits, out);
}

/// Appends hours, as many as there are but at least two digits.
#[inline]
pub(crate) fn hours(hours: u64, out: &mut Vec<u8>) {
    match u8::try_from(hours) {
        Ok(few @ 0..=99) => two(few, out),
        _ => integer(hours, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn moments_have_the_digits_that_are_asked_for() {
        assert_eq!(spelled(|out| date(7, 2, 31, out)), "0007-02-31");
        assert_eq!(spelled(|out| clock((1, 2, 3, 45_600), 6, out)), "01:02:03.045600");
        assert_eq!(spelled(|out| clock((23, 59, 59, 999_999), 1, out)), "23:59:59.9");
        assert_eq!(spelled(|out| clock((0, 0, 0, 0), 0, out)), "00:00:00");
        assert_eq!(spelled(|out| hours(838, out)), "838");
        assert_eq!(spelled(|out| hours(5, out)), "05");
    }

    #[test]
    fn floats_are_the_shortest_that_read_back() {
        for (number, text) in [(0.1, "0.1"), (-0.0, "-0"), (1e300, "1e300"), (5e-324, "5e-324")] {
            assert_eq!(spelled(|out| float64(number, out)), text);
        }
        assert_eq!(spelled(|out| float32(0.1, out)), "0.1");
    }
}
