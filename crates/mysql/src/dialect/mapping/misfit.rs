//! Values that have the logical form but not this engine's type: years beyond its calendar, numbers that are none, texts that are too long.

use whimbrel_core::{ColumnProfile, LATE_UUIDS, LogicalType, ValueRule};

use crate::native::Kind;

/// 0001-01-01 and 9999-12-31 in days.
pub(super) const DAYS: (i64, i64) = (-719_162, 2_932_896);
/// The same, to the last microsecond.
pub(super) const MICROS: (i64, i64) = (-62_135_596_800_000_000, 253_402_300_799_999_999);
/// What `timestamp` holds: 1970-01-01 00:00:01 to 2038-01-19 03:14:07 UTC.
pub(super) const EPOCH_MICROS: (i64, i64) = (1_000_000, 2_147_483_647_499_999);
const EPOCH_TEXT: (&str, &str) = ("1970-01-01 00:00:01", "2038-01-19 03:14:07.499999");

/// Says why some of the values do not fit a server that does not keep the sign of zero, and which rules would let their rows arrive.
pub(in crate::dialect) fn misfit_without_signed_zero(
    native: &str,
    logical: &LogicalType,
    profile: &ColumnProfile,
) -> Option<(String, Vec<ValueRule>)> {
    let found = misfit(native, logical, profile);
    // In the logical form the planner asks by itself, and NaN is counted too; the other flavour has no NaN.
    let is_lost = profile.odd_floats > 0
        && matches!(logical, LogicalType::Wire { .. })
        && matches!(Kind::parse(native), Kind::Float { .. });
    match found {
        None if is_lost => {
            let why = format!("-0 is not kept here; rows with it: {}", profile.odd_floats);
            Some((why, Vec::new()))
        }
        Some(_) | None => found,
    }
}

/// Says why some of the values do not fit, and which rules would let their rows arrive.
pub(in crate::dialect) fn misfit(
    native: &str,
    logical: &LogicalType,
    profile: &ColumnProfile,
) -> Option<(String, Vec<ValueRule>)> {
    let ends = || profile.min.iter().chain(&profile.max).map(String::as_str);
    let dates = |(min, max): (i64, i64)| {
        let strange = ends().find(|text| !is_common_era(text))?;
        let why = format!("dates lie between the years 1 and 9999 here; there is `{strange}`");
        Some((why, vec![ValueRule::OutsideToNull { min, max }]))
    };
    match (Kind::parse(native), logical) {
        (Kind::Date, LogicalType::Date) => dates(DAYS),
        (Kind::Datetime(_), LogicalType::Timestamp { .. }) => dates(MICROS),
        (Kind::Timestamp(_), LogicalType::Timestamp { .. }) => {
            let strange = ends().find(|text| !is_of_epoch(text))?;
            let why = format!("instants lie between 1970 and 2038 here; there is `{strange}`");
            let (min, max) = EPOCH_MICROS;
            Some((why, vec![ValueRule::OutsideToNull { min, max }]))
        }
        (
            Kind::Float { .. } | Kind::Decimal { .. },
            LogicalType::Float { .. } | LogicalType::Decimal { .. },
        ) if has_no_number(profile) => {
            let why = "NaN and the infinities are no numbers here".to_owned();
            Some((why, vec![ValueRule::NotFiniteToNull]))
        }
        (Kind::Uuid, LogicalType::Uuid) => {
            let rows = profile.shapes.get(LATE_UUIDS).filter(|rows| **rows > 0)?;
            let why = format!(
                "`uuid` refuses values of version 8 or later whose ninth byte is 01 to 80; rows with such: {rows}"
            );
            Some((why, Vec::new()))
        }
        (Kind::Char(limit) | Kind::Varchar(limit), _) if profile.chars_max > u64::from(limit) => {
            Some((too_long(profile.chars_max, "characters", native), Vec::new()))
        }
        (Kind::Binary(limit) | Kind::Varbinary(limit), LogicalType::Bytes)
            if profile.bytes_max > u64::from(limit) =>
        {
            Some((too_long(profile.bytes_max, "bytes", native), Vec::new()))
        }
        _ => None,
    }
}

fn too_long(longest: u64, unit: &str, native: &str) -> String {
    format!("values have up to {longest} {unit}, more than `{native}` holds")
}

fn has_no_number(profile: &ColumnProfile) -> bool {
    let counted = ["not_finite", "infinite"]
        .iter()
        .any(|shape| profile.shapes.get(*shape).is_some_and(|rows| *rows > 0));
    let ends = profile.min.iter().chain(&profile.max);
    counted
        || ends.into_iter().any(|text| {
            let text = text.trim_start_matches('-').to_ascii_lowercase();
            text.starts_with("inf") || text == "nan"
        })
}

/// A year of one to four digits after the birth of Christ.
fn is_common_era(text: &str) -> bool {
    let year = text.split('-').next().unwrap_or("");
    let is_number = !year.is_empty() && year.bytes().all(|byte| byte.is_ascii_digit());
    is_number && year.len() <= 4 && year.bytes().any(|byte| byte != b'0') && !text.ends_with("BC")
}

fn is_of_epoch(text: &str) -> bool {
    let plain = text.replace('T', " ");
    is_common_era(text) && (EPOCH_TEXT.0..=EPOCH_TEXT.1).contains(&plain.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: LogicalType = LogicalType::Timestamp { zoned: false };

    fn between(min: &str, max: &str) -> ColumnProfile {
        ColumnProfile {
            min: Some(min.to_owned()),
            max: Some(max.to_owned()),
            ..ColumnProfile::default()
        }
    }

    #[test]
    fn dates_outside_the_calendar_are_found() {
        let fits = |min: &str, max: &str| misfit("datetime(6)", &LOCAL, &between(min, max)).is_none();
        assert!(fits("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"));
        assert!(!fits("-infinity", "2020-01-01 00:00:00"));
        assert!(!fits("2020-01-01 00:00:00", "infinity"));
        assert!(!fits("0044-03-15 00:00:00 BC", "2020-01-01 00:00:00"));
        assert!(!fits("2020-01-01 00:00:00", "10000-01-01 00:00:00"));
        let (_, rules) = misfit("date", &LogicalType::Date, &between("infinity", "infinity")).unwrap();
        assert_eq!(
            rules,
            [ValueRule::OutsideToNull {
                min: -719_162,
                max: 2_932_896
            }]
        );
    }

    #[test]
    fn instants_after_2038_need_another_type() {
        let zoned = LogicalType::Timestamp { zoned: true };
        let late = between("1999-01-01 00:00:00+00", "2040-01-01 00:00:00+00");
        assert!(misfit("timestamp(6)", &zoned, &late).is_some());
        assert!(misfit("datetime(6)", &zoned, &late).is_none());
        let early = between("1999-01-01 00:00:00+00", "2038-01-01 00:00:00+00");
        assert!(misfit("timestamp(6)", &zoned, &early).is_none());
    }

    #[test]
    fn a_zero_with_a_sign_fits_only_where_it_is_kept() {
        let wire = |native: &str| LogicalType::Wire {
            native: native.to_owned(),
            printed: false,
        };
        let odd = ColumnProfile {
            odd_floats: 2,
            ..ColumnProfile::default()
        };
        for native in ["float", "double"] {
            assert!(misfit(native, &wire(native), &odd).is_none());
            let (why, rules) = misfit_without_signed_zero(native, &wire(native), &odd).unwrap();
            assert!(why.contains("rows with it: 2") && rules.is_empty(), "{why}");
            let plain = ColumnProfile::default();
            assert!(misfit_without_signed_zero(native, &wire(native), &plain).is_none());
        }
        assert!(misfit_without_signed_zero("decimal(5,2)", &wire("decimal(5,2)"), &odd).is_none());
    }

    #[test]
    fn what_is_no_number_is_found() {
        let float = LogicalType::Float { bits: 64 };
        let rule = |max: &str| misfit("double", &float, &between("0", max)).map(|(_, rules)| rules);
        assert_eq!(rule("1e308"), None);
        for odd in ["NaN", "Infinity"] {
            assert_eq!(rule(odd), Some(vec![ValueRule::NotFiniteToNull]), "{odd}");
        }
    }

    #[test]
    fn a_text_longer_than_the_type_is_found() {
        let profile = ColumnProfile {
            chars_max: 256,
            ..ColumnProfile::default()
        };
        assert!(misfit("varchar(255)", &LogicalType::text(), &profile).is_some());
        assert!(misfit("varchar(256)", &LogicalType::text(), &profile).is_none());
        assert!(misfit("longtext", &LogicalType::text(), &profile).is_none());
    }
}
