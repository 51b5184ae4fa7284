//! Functions that the engine has not: whether a text is a date or a time in canonical form. Then the order of texts is the order of moments,
//! so that the engine's own smallest and largest text are the first and the last moment.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;

/// A kind of canonical text: years have four digits, fractions at most six and no zero at their end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    /// The function that tells whether a value is such a text.
    pub(super) function: &'static str,
    /// Each digit stands for itself and those below it, anything else for itself.
    largest: &'static [u8],
    has_fraction: bool,
    zone: &'static [u8],
}

/// `YYYY-MM-DD`.
pub(super) const DATE: Form = Form {
    function: "whimbrel_is_date",
    largest: b"9999-19-39",
    has_fraction: false,
    zone: b"",
};

/// `HH:MM:SS[.ffffff]`.
pub(super) const TIME: Form = Form {
    function: "whimbrel_is_time",
    largest: b"29:59:59",
    has_fraction: true,
    zone: b"",
};

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`.
pub(super) const TIMESTAMP: Form = Form {
    function: "whimbrel_is_timestamp",
    largest: b"9999-19-39 29:59:59",
    has_fraction: true,
    zone: b"",
};

/// `YYYY-MM-DD HH:MM:SS[.ffffff]+00:00`.
pub(super) const TIMESTAMP_ZONED: Form = Form {
    function: "whimbrel_is_timestamp_zoned",
    zone: b"+00:00",
    ..TIMESTAMP
};

/// Lets statements of the connection call the functions. Patterns of the engine's own take eight times as long.
pub(super) fn teach(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    for form in [DATE, TIME, TIMESTAMP, TIMESTAMP_ZONED] {
        let is_of_form = move |context: &Context<'_>| {
            let value = context.get_raw(0);
            Ok(matches!(value, ValueRef::Text(text) if form.holds(text)))
        };
        connection.create_scalar_function(form.function, 1, flags, is_of_form)?;
    }
    Ok(())
}

impl Form {
    fn holds(&self, text: &[u8]) -> bool {
        let Some((whole, rest)) = text.split_at_checked(self.largest.len()) else {
            return false;
        };
        let is_within = |(found, largest): (&u8, &u8)| match largest {
            b'0'..=b'9' => (b'0'..=*largest).contains(found),
            sign => found == sign,
        };
        let Some(fraction) = rest.strip_suffix(self.zone) else {
            return false;
        };
        whole.iter().zip(self.largest).all(is_within)
            && (fraction.is_empty() || (self.has_fraction && is_fraction(fraction)))
    }
}

/// A point and up to six digits, the last one not zero.
fn is_fraction(text: &[u8]) -> bool {
    let Some(digits) = text.strip_prefix(b".") else {
        return false;
    };
    let ends_well = digits.last().is_some_and(|last| *last != b'0');
    ends_well && digits.len() <= 6 && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use whimbrel_core::{DAY_MICROS, format_date, format_time, format_timestamp};

    use super::*;

    fn holds(form: &Form, text: &str) -> bool {
        let connection = Connection::open_in_memory().unwrap();
        teach(&connection).unwrap();
        let sql = format!("SELECT {}(?)", form.function);
        connection.query_row(&sql, [text], |row| row.get(0)).unwrap()
    }

    #[test]
    fn only_canonical_texts_are_moments() {
        assert!(holds(&DATE, "2024-02-29"));
        assert!(holds(&TIME, "23:59:59.000001"));
        assert!(holds(&TIMESTAMP, "0001-01-01 00:00:00"));
        assert!(holds(&TIMESTAMP_ZONED, "2024-02-29 12:00:00.5+00:00"));
        for (form, text) in [
            (&DATE, "2024-2-29"),
            (&DATE, "12024-02-29"),
            (&DATE, "2024-02-29 "),
            (&DATE, "2024-02-29.5"),
            (&DATE, ""),
            (&TIME, "1:00:00"),
            (&TIME, "12:00"),
            (&TIME, "12:00:00."),
            (&TIME, "12:00:00.50"),
            (&TIME, "12:00:00.1234567"),
            (&TIME, "12:00:00.1x2"),
            (&TIMESTAMP, "2024-02-29T12:00:00"),
            (&TIMESTAMP, "2024-02-29 12:00:00+00:00"),
            (&TIMESTAMP, "٢٠٢٤-02-29 12:00:00"),
            (&TIMESTAMP_ZONED, "2024-02-29 12:00:00"),
            (&TIMESTAMP_ZONED, "2024-02-29 12:00:00+01:00"),
        ] {
            assert!(!holds(form, text), "{text}");
        }
    }

    #[test]
    fn numbers_blobs_and_nothing_are_no_moments() {
        let connection = Connection::open_in_memory().unwrap();
        teach(&connection).unwrap();
        let sql = "SELECT whimbrel_is_date(NULL) + whimbrel_is_date(20240229) + whimbrel_is_date(x'323032342d30322d3239')";
        let found: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(found, 0);
    }

    proptest! {
        #[test]
        fn what_the_core_writes_is_canonical(days in -719_528..2_932_896, of_day in 0..DAY_MICROS) {
            let micros = i64::from(days) * DAY_MICROS + of_day;
            prop_assert!(DATE.holds(format_date(days).as_bytes()));
            prop_assert!(TIME.holds(format_time(of_day).as_bytes()));
            prop_assert!(TIMESTAMP.holds(format_timestamp(micros, false).as_bytes()));
            prop_assert!(TIMESTAMP_ZONED.holds(format_timestamp(micros, true).as_bytes()));
        }
    }
}
