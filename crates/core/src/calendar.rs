//! Dates and times as text: ISO 8601, proleptic Gregorian, exact to the microsecond, any year; both ways.
//!
//! Years before 0000 carry a minus sign (astronomical: 0000 is 1 BC), years after 9999 a plus sign; `infinity` and
//! `-infinity` are the extremes of the carrying integers.

/// Microseconds of a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

/// A day of the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// Astronomical year; 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// Returns the day that lies `days` after 1970-01-01. Algorithm: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
pub fn civil_from_days(days: i64) -> Civil {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Civil {
        year,
        month: small(month),
        day: small(day),
    }
}

fn small(value: i64) -> u8 {
    u8::try_from(value).unwrap_or(0)
}

/// Returns the days from 1970-01-01, or none when there is no such day.
pub fn days_from_civil(date: Civil) -> Option<i64> {
    let Civil { year, month, day } = date;
    let leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if day == 0 || day > length || year.abs() > 1_000_000_000 {
        return None;
    }
    let (month, day) = (i64::from(month), i64::from(day));
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// Returns `YYYY-MM-DD`, `infinity` or `-infinity`.
pub fn format_date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        _ => civil_text(civil_from_days(i64::from(days))),
    }
}

fn civil_text(date: Civil) -> String {
    let Civil { year, month, day } = date;
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        10_000.. => format!("+{year}-{month:02}-{day:02}"),
        _ => format!("-{:04}-{month:02}-{day:02}", year.unsigned_abs()),
    }
}

/// Returns `HH:MM:SS` with as many fraction digits as needed, at most six. 24:00:00 is possible.
pub fn format_time(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let mut text = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    if fraction != 0 {
        let digits = format!("{fraction:06}");
        text.push('.');
        text.push_str(digits.trim_end_matches('0'));
    }
    text
}

/// Returns `YYYY-MM-DD HH:MM:SS[.ffffff]`, with `+00:00` behind it when zoned, or an infinity.
pub fn format_timestamp(micros: i64, zoned: bool) -> String {
    match micros {
        i64::MAX => return "infinity".to_owned(),
        i64::MIN => return "-infinity".to_owned(),
        _ => {}
    }
    let date = civil_text(civil_from_days(micros.div_euclid(DAY_MICROS)));
    let zone = if zoned { "+00:00" } else { "" };
    format!("{date} {}{zone}", format_time(micros.rem_euclid(DAY_MICROS)))
}

/// Reads `[+-]Y…-MM-DD`, `infinity` or `-infinity`; none when it is anything else or beyond the range.
pub fn parse_date(text: &str) -> Option<i32> {
    match text {
        "infinity" => return Some(i32::MAX),
        "-infinity" => return Some(i32::MIN),
        _ => {}
    }
    let days = i32::try_from(days_from_civil(parse_civil(text)?)?).ok()?;
    (days != i32::MAX && days != i32::MIN).then_some(days)
}

fn parse_civil(text: &str) -> Option<Civil> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let mut parts = rest.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let shaped =
        (4..=7).contains(&year.len()) && month.len() == 2 && day.len() == 2 && parts.next().is_none();
    if !(shaped && digits(year) && digits(month) && digits(day)) {
        return None;
    }
    let year: i64 = year.parse().ok()?;
    Some(Civil {
        year: if negative { -year } else { year },
        month: month.parse().ok()?,
        day: day.parse().ok()?,
    })
}

/// Reads `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f` with one to six fraction digits, up to 24:00:00; microseconds.
pub fn parse_time(text: &str) -> Option<i64> {
    let (clock, fraction) = text
        .split_once('.')
        .map_or((text, None), |(clock, fraction)| (clock, Some(fraction)));
    let mut numbers = [0_i64; 3];
    let mut count = 0;
    for part in clock.split(':') {
        if part.len() != 2 || !part.bytes().all(|byte| byte.is_ascii_digit()) || count == 3 {
            return None;
        }
        numbers[count] = part.parse().ok()?;
        count += 1;
    }
    let [hours, minutes, seconds] = numbers;
    if count < 2 || minutes > 59 || seconds > 59 || hours > 24 || (count == 2 && fraction.is_some()) {
        return None;
    }
    let micros = match fraction {
        None => 0,
        Some(digits)
            if (1..=6).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{digits:0<6}").parse().ok()?
        }
        Some(_) => return None,
    };
    let total = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros;
    (total <= DAY_MICROS).then_some(total)
}

/// Reads a date and a time joined by a space or `T`, with an offset (`Z`, `+HH`, `+HH:MM`, `+HHMM`) exactly when zoned; or a bare infinity.
/// Microseconds since 1970-01-01T00:00, in UTC when zoned.
pub fn parse_timestamp(text: &str, zoned: bool) -> Option<i64> {
    match text {
        "infinity" => return Some(i64::MAX),
        "-infinity" => return Some(i64::MIN),
        _ => {}
    }
    let (date, rest) = text.split_once([' ', 'T'])?;
    let days = days_from_civil(parse_civil(date)?)?;
    let (time, offset) = split_offset(rest);
    let offset = match (zoned, offset) {
        (true, Some(offset)) => parse_offset(offset)?,
        (false, None) => 0,
        (true, None) | (false, Some(_)) => return None,
    };
    let time = parse_time(time).filter(|micros| *micros < DAY_MICROS)?;
    let micros = days
        .checked_mul(DAY_MICROS)?
        .checked_add(time)?
        .checked_sub(offset)?;
    (micros != i64::MAX && micros != i64::MIN).then_some(micros)
}

fn split_offset(time: &str) -> (&str, Option<&str>) {
    match time.find(['Z', '+', '-']) {
        Some(at) => (&time[..at], Some(&time[at..])),
        None => (time, None),
    }
}

fn parse_offset(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i64 = digits[..2].parse().ok()?;
    let minutes: i64 = if digits.len() == 4 {
        digits[2..].parse().ok()?
    } else {
        0
    };
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_days_have_their_numbers() {
        for (text, days) in [
            ("1970-01-01", 0),
            ("2000-02-29", 11_016),
            ("0000-01-01", -719_528),
            ("-0043-03-15", -735_160),
        ] {
            assert_eq!(parse_date(text), Some(days), "{text}");
            assert_eq!(format_date(days), text);
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in [
            "2023-02-31",
            "2023-13-01",
            "0000-00-00",
            "2023-1-1",
            "20230101",
            "2023-01-01 ",
            "",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn an_offset_is_taken_exactly_when_zoned() {
        assert_eq!(parse_timestamp("1970-01-01T01:00:00+01:00", true), Some(0));
        assert_eq!(parse_timestamp("1970-01-01 00:00:00", true), None);
        assert_eq!(parse_timestamp("1970-01-01 00:00:00Z", false), None);
        assert_eq!(parse_timestamp("1970-01-01 00:00:00.5", false), Some(500_000));
    }

    proptest! {
        #[test]
        fn any_timestamp_comes_back(micros: i64, zoned: bool) {
            prop_assert_eq!(parse_timestamp(&format_timestamp(micros, zoned), zoned), Some(micros));
        }

        #[test]
        fn any_date_comes_back(days in -100_000_000_i32..100_000_000) {
            prop_assert_eq!(parse_date(&format_date(days)), Some(days));
        }

        #[test]
        fn any_time_comes_back(micros in 0..=DAY_MICROS) {
            prop_assert_eq!(parse_time(&format_time(micros)), Some(micros));
        }
    }
}
