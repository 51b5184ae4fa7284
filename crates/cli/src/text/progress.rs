//! What a run under way looks like: how far it is, how fast, and how long it will take.

use whimbrel_app::{InWork, Kind, Outlook};

use super::{count, duration, size};

/// How many rows the phase has brought so far, and of how many.
pub(crate) fn rows_of_phase(outlook: &Outlook) -> (u64, u64) {
    match outlook.phase.as_str() {
        "verify" => (outlook.rows_verified, outlook.rows.max(outlook.rows_verified)),
        _ => (outlook.rows, outlook.rows_planned),
    }
}

/// Returns one line about the whole run, such as `1,200,000 of 5,200,000 rows, 210,000 rows/s, 41 MB/s, 19 s left`.
pub(crate) fn outlook(outlook: &Outlook) -> String {
    let (rows, all) = rows_of_phase(outlook);
    let mut parts = vec![format!("{} of {} rows", count(rows), count(all))];
    parts.extend(speed(outlook.rows_per_second));
    if outlook.bytes_per_second >= 1.0 {
        parts.push(format!("{}/s", size(whole(outlook.bytes_per_second))));
    }
    parts.extend(outlook.seconds_left.map(time_left));
    parts.join(", ")
}

/// Returns one line about a table or a step in work, such as `orders: 20,000 of 50,000 rows, 9,000 rows/s, 3 s left`.
pub(crate) fn in_work(work: &InWork) -> String {
    let mut parts = Vec::new();
    if let (Some(rows), Some(planned)) = (work.rows, work.rows_planned) {
        parts.push(format!("{} of {} rows", count(rows), count(planned)));
    }
    if work.work == Kind::Verify {
        parts.push("verifying".to_owned());
    }
    parts.extend(speed(work.rows_per_second));
    parts.extend(work.seconds_left.map(time_left));
    if parts.is_empty() {
        work.what.clone()
    } else {
        format!("{}: {}", work.what, parts.join(", "))
    }
}

/// Returns a remaining time, such as `19 s left`.
pub(crate) fn time_left(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s left"),
        60.. => format!("{} left", duration(seconds_as_float(seconds))),
    }
}

fn seconds_as_float(seconds: u64) -> f64 {
    u32::try_from(seconds).map_or(f64::MAX, f64::from)
}

fn speed(rows_per_second: f64) -> Option<String> {
    (rows_per_second >= 1.0).then(|| format!("{} rows/s", count(whole(rows_per_second))))
}

fn whole(number: f64) -> u64 {
    format!("{number:.0}").parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let copied = InWork {
            what: "orders".to_owned(),
            work: Kind::Copy,
            rows: Some(20_000),
            rows_planned: Some(50_000),
            rows_per_second: 9_000.4,
            seconds_left: Some(3),
        };
        let all = Outlook {
            phase: "data".to_owned(),
            rows: 1_200_000,
            rows_planned: 5_200_000,
            rows_verified: 30_000,
            bytes: 0,
            rows_per_second: 210_000.0,
            bytes_per_second: 41_000_000.0,
            seconds_left: Some(79),
            in_work: vec![copied.clone()],
        };
        let compared = Outlook {
            phase: "verify".to_owned(),
            bytes_per_second: 0.0,
            ..all.clone()
        };
        assert_eq!(
            outlook(&compared),
            "30,000 of 1,200,000 rows, 210,000 rows/s, 1 min 19 s left"
        );
        assert_eq!(
            outlook(&all),
            "1,200,000 of 5,200,000 rows, 210,000 rows/s, 41 MB/s, 1 min 19 s left"
        );
        assert_eq!(
            in_work(&copied),
            "orders: 20,000 of 50,000 rows, 9,000 rows/s, 3 s left"
        );
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let begun = Outlook {
            rows_planned: 7,
            ..Outlook::default()
        };
        assert_eq!(outlook(&begun), "0 of 7 rows");
        let step = InWork {
            what: "create index a".to_owned(),
            work: Kind::Step,
            rows: None,
            rows_planned: None,
            rows_per_second: 0.0,
            seconds_left: None,
        };
        assert_eq!(in_work(&step), "create index a");
    }
}
