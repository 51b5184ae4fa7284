//! Intervals as text: `P{months}M{days}DT{seconds}S`, each part present when not zero and with a sign of its own
//! (`P-1M2DT-0.5S`), seconds with at most six fraction digits; zero is `PT0S`. Exact both ways, one text per interval.

const MICROS: i128 = 1_000_000;

/// Returns the text of an interval: microseconds, days and months, big-endian.
pub fn format_interval(bytes: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bytes).cast_signed();
    let micros = number >> 64;
    let days = part(bytes, 8);
    let months = part(bytes, 12);
    let mut text = String::from("P");
    if months != 0 {
        text.push_str(&format!("{months}M"));
    }
    if days != 0 {
        text.push_str(&format!("{days}D"));
    }
    if micros != 0 || text.len() == 1 {
        text.push('T');
        text.push_str(&seconds(micros));
    }
    text
}

fn part(bytes: [u8; 16], at: usize) -> i32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    i32::from_be_bytes(four)
}

fn seconds(micros: i128) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (whole, fraction) = (micros.abs() / MICROS, micros.abs() % MICROS);
    if fraction == 0 {
        return format!("{sign}{whole}S");
    }
    let digits = format!("{fraction:06}");
    format!("{sign}{whole}.{}S", digits.trim_end_matches('0'))
}

/// Reads the text of an interval; none when it is not the text that [`format_interval`] writes.
pub fn parse_interval(text: &str) -> Option<[u8; 16]> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = rest
        .split_once('T')
        .map_or((rest, None), |(date, time)| (date, Some(time)));
    let (months, date) = date
        .split_once('M')
        .map_or(("0", date), |(months, rest)| (months, rest));
    let (days, date) = date
        .split_once('D')
        .map_or(("0", date), |(days, rest)| (days, rest));
    let micros = match time {
        None => 0,
        Some(time) => parse_seconds(time.strip_suffix('S')?)?,
    };
    let (months, days): (i32, i32) = (months.parse().ok()?, days.parse().ok()?);
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&micros.to_be_bytes());
    bytes[8..12].copy_from_slice(&days.to_be_bytes());
    bytes[12..].copy_from_slice(&months.to_be_bytes());
    (date.is_empty() && format_interval(bytes) == text).then_some(bytes)
}

fn parse_seconds(text: &str) -> Option<i64> {
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 6 {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let fraction: i128 = format!("{fraction:0<6}").parse().ok()?;
    let micros = whole * MICROS + fraction;
    i64::try_from(if negative { -micros } else { micros }).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interval(micros: i64, days: i32, months: i32) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&micros.to_be_bytes());
        bytes[8..12].copy_from_slice(&days.to_be_bytes());
        bytes[12..].copy_from_slice(&months.to_be_bytes());
        bytes
    }

    #[test]
    fn intervals_have_their_texts() {
        for (bytes, text) in [
            (interval(0, 0, 0), "PT0S"),
            (interval(-500_000, 2, -1), "P-1M2DT-0.5S"),
            (interval(0, 0, 14), "P14M"),
            (interval(3_600_000_000, 0, 0), "PT3600S"),
        ] {
            assert_eq!(format_interval(bytes), text);
            assert_eq!(parse_interval(text), Some(bytes));
        }
        for text in ["", "P", "PT", "P1Y", "P01M", "PT1.50S", "P1D2M", "PT0S ", "P0M"] {
            assert_eq!(parse_interval(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_interval_comes_back(micros: i64, days: i32, months: i32) {
            let bytes = interval(micros, days, months);
            prop_assert_eq!(parse_interval(&format_interval(bytes)), Some(bytes));
        }
    }
}
