//! How counts, sizes and durations are written for people; one place, so that every page agrees.

const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];

/// Returns a size as people read it: `812 B`, `1.4 GB`, `125 MB`. A kB is 1,000 bytes.
pub fn size(bytes: u64) -> String {
    let (number, unit) = scaled(bytes);
    format!("{number} {unit}")
}

/// Returns a size without a space, as `result.json` has it: `125MB`.
pub fn size_compact(bytes: u64) -> String {
    let (number, unit) = scaled(bytes);
    format!("{number}{unit}")
}

fn scaled(bytes: u64) -> (String, &'static str) {
    let mut unit = 0;
    let mut divisor: u64 = 1;
    while bytes / divisor >= 1000 && unit + 1 < UNITS.len() {
        divisor *= 1000;
        unit += 1;
    }
    let tenths = u128::from(bytes) * 10 / u128::from(divisor);
    let number = if unit == 0 || tenths >= 100 {
        (tenths / 10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    (number, UNITS[unit])
}

/// Returns a count with its thousands set apart: `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a count with its noun: `1 table`, `24 tables`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// Returns a duration: `0.4 s`, `12.5 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{:.1} s", seconds.max(0.0));
    }
    let whole = format!("{seconds:.0}").parse::<u64>().unwrap_or_default();
    match whole {
        0..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600.. => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// Returns rows per second; none when no time passed.
pub(super) fn rows_per_second(rows: u64, seconds: f64) -> Option<u64> {
    let exact: f64 = rows.to_string().parse().ok()?;
    (seconds > 0.0).then(|| format!("{:.0}", exact / seconds).parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short_and_keep_one_decimal_below_ten() {
        let sizes = [0, 999, 1_000, 1_449_000_000, 9_990_000, 125_400_000, u64::MAX].map(size);
        assert_eq!(
            sizes,
            ["0 B", "999 B", "1.0 kB", "1.4 GB", "9.9 MB", "125 MB", "18446 PB"]
        );
        assert_eq!(size_compact(125_400_000), "125MB");
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!([1, 2].map(|n| counted(n, "table")), ["1 table", "2 tables"]);
    }

    #[test]
    fn durations_grow_in_unit() {
        assert_eq!(
            [0.04, 12.46, 59.9, 200.4, 7_500.0].map(duration),
            ["0.0 s", "12.5 s", "59.9 s", "3 min 20 s", "2 h 5 min"]
        );
        assert_eq!(rows_per_second(10_000, 4.0), Some(2_500));
        assert_eq!(rows_per_second(10_000, 0.0), None);
    }
}
