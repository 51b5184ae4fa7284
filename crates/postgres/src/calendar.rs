//! Dates and times as the server prints them under `DateStyle = ISO`, into the one text form that all engines compare.

use whimbrel_core::{format_date, format_timestamp, parse_date, parse_timestamp};

/// Returns the common text of a printed date.
pub(crate) fn date_text(printed: &str) -> Option<String> {
    parse_date(&astronomical(printed)?).map(format_date)
}

/// Returns the common text of a printed timestamp; none beyond the range of 64-bit microseconds.
pub(crate) fn timestamp_text(printed: &str, zoned: bool) -> Option<String> {
    parse_timestamp(&astronomical(printed)?, zoned).map(|micros| format_timestamp(micros, zoned))
}

/// The server counts years before 1 as BC; astronomers call 1 BC the year 0.
fn astronomical(printed: &str) -> Option<String> {
    let Some(before) = printed.strip_suffix(" BC") else {
        return Some(printed.to_owned());
    };
    let (year, rest) = before.split_once('-')?;
    let year: i64 = year.parse().ok()?;
    let sign = if year > 1 { "-" } else { "" };
    Some(format!("{sign}{:04}-{rest}", year - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_prints_becomes_the_common_form() {
        for (printed, want) in [
            ("2024-02-29", "2024-02-29"),
            ("0044-03-15 BC", "-0043-03-15"),
            ("0001-12-31 BC", "0000-12-31"),
            ("12345-01-01", "+12345-01-01"),
            ("infinity", "infinity"),
        ] {
            assert_eq!(date_text(printed).as_deref(), Some(want));
        }
        let zoned = timestamp_text("0044-03-15 01:02:03.5+00 BC", true);
        assert_eq!(zoned.as_deref(), Some("-0043-03-15 01:02:03.5+00:00"));
        assert_eq!(timestamp_text("294276-12-31 23:59:59", false), None);
    }
}
