//! Dates and moments: their fields, their beginnings, and what lies so many months or days away. Infinities have none of these.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a field that a unit has not falls to the others"
)]

use whimbrel_core::{Civil, civil_from_days, days_from_civil, format_date, format_timestamp};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// A part of a date or a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    Hour,
    Minute,
    Second,
    Millisecond,
    Microsecond,
    Epoch,
}

impl Field {
    /// All fields by name.
    pub(crate) const ALL: [(&'static str, Self); 14] = [
        ("year", Self::Year),
        ("quarter", Self::Quarter),
        ("month", Self::Month),
        ("week", Self::Week),
        ("day", Self::Day),
        ("dow", Self::DayOfWeek),
        ("isodow", Self::IsoDayOfWeek),
        ("doy", Self::DayOfYear),
        ("hour", Self::Hour),
        ("minute", Self::Minute),
        ("second", Self::Second),
        ("millisecond", Self::Millisecond),
        ("microsecond", Self::Microsecond),
        ("epoch", Self::Epoch),
    ];

    /// Finds a field by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let wanted = name.to_ascii_lowercase();
        let wanted = match wanted.as_str() {
            "milliseconds" => "millisecond",
            "microseconds" => "microsecond",
            "dayofweek" => "dow",
            "dayofyear" => "doy",
            other => other,
        };
        let found = Self::ALL.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, field)| *field)
    }

    /// Tells whether the field lies within a day.
    pub(crate) fn is_clock(self) -> bool {
        matches!(
            self,
            Self::Hour | Self::Minute | Self::Second | Self::Millisecond | Self::Microsecond
        )
    }

    /// How many digits after the point the field has.
    pub(crate) fn places(self) -> u8 {
        match self {
            Self::Second | Self::Epoch => 6,
            Self::Millisecond => 3,
            _ => 0,
        }
    }
}

/// Returns the microseconds of a moment; an error for the infinities.
pub(crate) fn finite(micros: i64) -> Result<i64, String> {
    match micros {
        i64::MIN | i64::MAX => Err(format!(
            "`{}` is no moment that can be computed with",
            format_timestamp(micros, false)
        )),
        _ => Ok(micros),
    }
}

/// Returns the days of a date; an error for the infinities.
pub(crate) fn finite_date(days: i32) -> Result<i64, String> {
    match days {
        i32::MIN | i32::MAX => Err(format!(
            "`{}` is no day that can be computed with",
            format_date(days)
        )),
        _ => Ok(i64::from(days)),
    }
}

/// Returns the microseconds, unless they would be read as an infinity.
pub(crate) fn moment(micros: Option<i64>) -> Result<i64, String> {
    micros
        .filter(|micros| !matches!(*micros, i64::MIN | i64::MAX))
        .ok_or_else(|| "the moment is out of range".to_owned())
}

/// Returns the days, unless they are out of range.
pub(crate) fn date(days: Option<i64>) -> Result<i32, String> {
    days.and_then(|days| i32::try_from(days).ok())
        .filter(|days| !matches!(*days, i32::MIN | i32::MAX))
        .ok_or_else(|| "the date is out of range".to_owned())
}

/// Returns a field of a day; clock fields are 0, and the epoch is not a field of days.
pub(crate) fn of_day(field: Field, days: i64) -> i64 {
    let civil = civil_from_days(days);
    let weekday = (days + 4).rem_euclid(7);
    match field {
        Field::Year => civil.year,
        Field::Quarter => i64::from(civil.month - 1) / 3 + 1,
        Field::Month => i64::from(civil.month),
        Field::Week => iso_week(days),
        Field::Day => i64::from(civil.day),
        Field::DayOfWeek => weekday,
        Field::IsoDayOfWeek => (weekday + 6) % 7 + 1,
        Field::DayOfYear => days - first_of(civil.year, 1) + 1,
        Field::Epoch
        | Field::Hour
        | Field::Minute
        | Field::Second
        | Field::Millisecond
        | Field::Microsecond => 0,
    }
}

/// Returns a field of the time of a day, in units of its last digit.
pub(crate) fn of_time(field: Field, micros: i64) -> i64 {
    match field {
        Field::Hour => micros / (3600 * SECOND),
        Field::Minute => micros / (60 * SECOND) % 60,
        Field::Second | Field::Millisecond | Field::Microsecond => micros % (60 * SECOND),
        _ => micros,
    }
}

/// Returns a field of a moment, in units of its last digit.
pub(crate) fn of_moment(field: Field, micros: i64) -> i64 {
    match field {
        Field::Epoch => micros,
        _ if field.is_clock() => of_time(field, micros.rem_euclid(DAY)),
        _ => of_day(field, micros.div_euclid(DAY)),
    }
}

/// Returns the beginning of the year, quarter, month, ISO week, day, hour, minute, second or millisecond.
pub(crate) fn truncate(field: Field, micros: i64) -> Result<i64, String> {
    let clock = match field {
        Field::Hour => Some(3600 * SECOND),
        Field::Minute => Some(60 * SECOND),
        Field::Second => Some(SECOND),
        Field::Millisecond => Some(1000),
        Field::Microsecond => Some(1),
        _ => None,
    };
    if let Some(unit) = clock {
        return moment(micros.checked_sub(micros.rem_euclid(unit)));
    }
    moment(truncate_day(field, micros.div_euclid(DAY)).checked_mul(DAY))
}

/// Returns the first day of the year, quarter, month or ISO week.
pub(crate) fn truncate_day(field: Field, days: i64) -> i64 {
    let civil = civil_from_days(days);
    match field {
        Field::Year => first_of(civil.year, 1),
        Field::Quarter => first_of(civil.year, (civil.month - 1) / 3 * 3 + 1),
        Field::Month => first_of(civil.year, civil.month),
        Field::Week => days - (days + 3).rem_euclid(7),
        _ => days,
    }
}

/// Returns the day so many months later; the last of the month when it has no such day.
pub(crate) fn add_months(days: i64, months: i64) -> Option<i64> {
    let civil = civil_from_days(days);
    let month = civil
        .year
        .checked_mul(12)?
        .checked_add(i64::from(civil.month) - 1)?;
    let month = month.checked_add(months)?;
    let year = month.div_euclid(12);
    let month = u8::try_from(month.rem_euclid(12) + 1).ok()?;
    (civil.day.saturating_sub(3)..=civil.day)
        .rev()
        .find_map(|day| days_from_civil(Civil { year, month, day }))
}

fn first_of(year: i64, month: u8) -> i64 {
    days_from_civil(Civil { year, month, day: 1 }).unwrap_or(0)
}

/// The week of the year in ISO 8601: the one with the year's first Thursday is the first.
fn iso_week(days: i64) -> i64 {
    let thursday = days - (days + 3).rem_euclid(7) + 3;
    (thursday - first_of(civil_from_days(thursday).year, 1)) / 7 + 1
}

/// Reads amounts and units, such as `1 year 2 days` or `90 minutes`.
pub(crate) fn interval_of(text: &str) -> Result<[u8; 16], String> {
    let wrong = || format!("`{text}` is not an interval; write it like `1 year 2 days 30 minutes`");
    if let Some(interval) = whimbrel_core::parse_interval(text) {
        return Ok(interval);
    }
    let mut words = text.split_whitespace();
    let (mut months, mut days, mut micros) = (0_i64, 0_i64, 0_i64);
    let mut any = false;
    while let Some(amount) = words.next() {
        let amount: i64 = amount.parse().map_err(|_| wrong())?;
        let unit = words.next().ok_or_else(wrong)?.to_ascii_lowercase();
        let (sum, size) = match unit.trim_end_matches('s') {
            "year" => (&mut months, 12),
            "month" | "mon" => (&mut months, 1),
            "week" => (&mut days, 7),
            "day" => (&mut days, 1),
            "hour" => (&mut micros, DAY / 24),
            "minute" | "min" => (&mut micros, 60 * SECOND),
            "second" | "sec" => (&mut micros, SECOND),
            "millisecond" => (&mut micros, 1000),
            "microsecond" => (&mut micros, 1),
            _ => return Err(wrong()),
        };
        *sum = amount
            .checked_mul(size)
            .and_then(|size| sum.checked_add(size))
            .ok_or_else(wrong)?;
        any = true;
    }
    let (Ok(months), Ok(days), true) = (i32::try_from(months), i32::try_from(days), any) else {
        return Err(wrong());
    };
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&micros.to_be_bytes());
    bytes[8..12].copy_from_slice(&days.to_be_bytes());
    bytes[12..].copy_from_slice(&months.to_be_bytes());
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{parse_date, parse_timestamp};

    use super::*;

    fn day(text: &str) -> i64 {
        i64::from(parse_date(text).unwrap())
    }

    #[test]
    fn fields_are_those_of_the_calendar() {
        for (text, field, wanted) in [
            ("2024-02-29", Field::DayOfYear, 60),
            ("2024-02-29", Field::Quarter, 1),
            ("2024-12-30", Field::Week, 1),
            ("2021-01-03", Field::Week, 53),
            ("2021-01-03", Field::DayOfWeek, 0),
            ("2021-01-03", Field::IsoDayOfWeek, 7),
            ("1969-12-31", Field::Year, 1969),
            ("-0044-03-15", Field::Year, -44),
        ] {
            assert_eq!(of_day(field, day(text)), wanted, "{text} {field:?}");
        }
        let moment = parse_timestamp("1969-12-31 23:59:58.250001", false).unwrap();
        assert_eq!(of_moment(Field::Hour, moment), 23);
        assert_eq!(of_moment(Field::Second, moment), 58_250_001);
    }

    #[test]
    fn beginnings_lie_before_also_before_1970() {
        let moment = |text| parse_timestamp(text, false).unwrap();
        for (field, wanted) in [
            (Field::Year, "1969-01-01 00:00:00"),
            (Field::Quarter, "1969-10-01 00:00:00"),
            (Field::Week, "1969-12-29 00:00:00"),
            (Field::Hour, "1969-12-31 23:00:00"),
            (Field::Millisecond, "1969-12-31 23:59:58.25"),
        ] {
            let from = moment("1969-12-31 23:59:58.250001");
            assert_eq!(truncate(field, from), Ok(moment(wanted)), "{field:?}");
        }
    }

    #[test]
    fn a_month_without_the_day_ends_on_its_last() {
        assert_eq!(add_months(day("2024-01-31"), 1), Some(day("2024-02-29")));
        assert_eq!(add_months(day("2023-01-31"), 1), Some(day("2023-02-28")));
        assert_eq!(add_months(day("2024-03-31"), -13), Some(day("2023-02-28")));
        assert_eq!(add_months(day("2024-12-15"), 1), Some(day("2025-01-15")));
    }
}
