//! Dates and times as text, written into a buffer that is used again. Years of four digits are written here; the others, and what the
//! texts mean, are the core's.

use whimbrel_core::{DAY_MICROS, civil_from_days, format_date, format_time, format_timestamp};

/// Days from 1970-01-01 to 0000-01-01 and to 9999-12-31.
const DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// Appends `YYYY-MM-DD`.
pub(super) fn put_date(days: i32, out: &mut Vec<u8>) {
    if !put_day(i64::from(days), out) {
        out.extend_from_slice(format_date(days).as_bytes());
    }
}

/// Appends `HH:MM:SS` and the fraction.
pub(super) fn put_time(micros: i64, out: &mut Vec<u8>) {
    if (0..DAY_MICROS).contains(&micros) {
        put_clock(micros, out);
    } else {
        out.extend_from_slice(format_time(micros).as_bytes());
    }
}

/// Appends `YYYY-MM-DD HH:MM:SS` and the fraction, with `+00:00` behind it when zoned.
pub(super) fn put_timestamp(micros: i64, zoned: bool, out: &mut Vec<u8>) {
    if !put_day(micros.div_euclid(DAY_MICROS), out) {
        out.extend_from_slice(format_timestamp(micros, zoned).as_bytes());
        return;
    }
    out.push(b' ');
    put_clock(micros.rem_euclid(DAY_MICROS), out);
    if zoned {
        out.extend_from_slice(b"+00:00");
    }
}

fn put_day(days: i64, out: &mut Vec<u8>) -> bool {
    if !DAYS.contains(&days) {
        return false;
    }
    let civil = civil_from_days(days);
    put_two(civil.year / 100, out);
    put_two(civil.year % 100, out);
    out.push(b'-');
    put_two(i64::from(civil.month), out);
    out.push(b'-');
    put_two(i64::from(civil.day), out);
    true
}

fn put_clock(micros: i64, out: &mut Vec<u8>) {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    put_two(seconds / 3600, out);
    out.push(b':');
    put_two(seconds / 60 % 60, out);
    out.push(b':');
    put_two(seconds % 60, out);
    if fraction != 0 {
        out.push(b'.');
        for pair in [fraction / 10_000, fraction / 100 % 100, fraction % 100] {
            put_two(pair, out);
        }
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

fn put_two(number: i64, out: &mut Vec<u8>) {
    let digit = |digit: i64| b'0' + u8::try_from(digit % 10).unwrap_or(0);
    out.extend_from_slice(&[digit(number / 10), digit(number)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(put: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn check(days: i32, micros: i64) {
        assert_eq!(text(|out| put_date(days, out)), format_date(days));
        assert_eq!(text(|out| put_time(micros, out)), format_time(micros));
        for zoned in [false, true] {
            assert_eq!(
                text(|out| put_timestamp(micros, zoned, out)),
                format_timestamp(micros, zoned)
            );
        }
    }

    #[test]
    fn the_ends_are_written_as_the_core_does() {
        for days in [-719_529, -719_528, 2_932_896, 2_932_897, i32::MIN, i32::MAX] {
            check(days, i64::from(days).saturating_mul(DAY_MICROS));
        }
        check(0, DAY_MICROS);
        check(-1, i64::MIN);
        check(1, i64::MAX);
    }

    proptest! {
        #[test]
        fn every_moment_is_written_as_the_core_does(days in any::<i32>(), near in -1_000_000..4_000_000, micros in any::<i64>(), of_day in 0..DAY_MICROS) {
            check(days, micros);
            check(near, i64::from(near) * DAY_MICROS + of_day);
            check(near, of_day);
        }
    }
}
