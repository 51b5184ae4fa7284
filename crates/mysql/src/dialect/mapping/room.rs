//! What a type takes of the values that travel in its form, as far as that is not all of them: here where it can be said without a server, and
//! the question to a server where only that knows.

use whimbrel_core::{Column, DAY_MICROS, Room};

use super::charset;
use super::misfit::{DAYS, EPOCH_MICROS, MICROS};
use crate::dialect::MysqlDialect;
use crate::native::{Kind, TIME_MICROS_MAX, integer_range, numbers};
use crate::quote::literal;

/// Digits of a second that are kept at most.
const PLACES_MAX: u8 = 6;

/// Returns what the column takes; none when it takes all values of its form.
pub(in crate::dialect) fn room(column: &Column) -> Option<Room> {
    match Kind::parse(&column.native) {
        Kind::Integer { bits, unsigned, .. } => Some(whole(bits, unsigned)),
        Kind::Decimal {
            precision,
            scale,
            unsigned,
        } => Some(Room::Digits {
            whole: precision.saturating_sub(scale),
            places: scale,
            is_signed: !unsigned,
        }),
        Kind::Float { unsigned, .. } => float(&column.native, unsigned),
        Kind::Binary(most) => Some(Room::Bytes { most, is_fixed: true }),
        Kind::Varbinary(most) => Some(Room::Bytes {
            most,
            is_fixed: false,
        }),
        Kind::Blob(most) => Some(Room::Bytes {
            most: u32::try_from(most).unwrap_or(u32::MAX),
            is_fixed: false,
        }),
        // In another character set a text has another number of bytes.
        Kind::Text(most) if foreign_charset(column).is_none() => {
            Some(Room::TextBytes(u32::try_from(most).unwrap_or(u32::MAX)))
        }
        Kind::Date => Some(Room::Moments {
            first: DAYS.0 * DAY_MICROS,
            last: DAYS.1 * DAY_MICROS,
            places: PLACES_MAX,
        }),
        Kind::Time(places) => Some(Room::Clock {
            most: TIME_MICROS_MAX,
            places,
        }),
        Kind::Datetime(places) => Some(moments(MICROS, places)),
        Kind::Timestamp(places) => Some(moments(EPOCH_MICROS, places)),
        Kind::Year => Some(Room::Years),
        Kind::Text(_)
        | Kind::Char(_)
        | Kind::Varchar(_)
        | Kind::Bit(_)
        | Kind::Enum(_)
        | Kind::Set(_)
        | Kind::Json
        | Kind::Spatial(_)
        | Kind::Uuid
        | Kind::Inet4
        | Kind::Inet6
        | Kind::Vector(_)
        | Kind::Other(_) => None,
    }
}

fn moments((first, last): (i64, i64), places: u8) -> Room {
    Room::Moments { first, last, places }
}

fn whole(bits: u8, unsigned: bool) -> Room {
    let (least, most) = integer_range(bits, unsigned);
    Room::Whole { least, most }
}

/// A float with a number of digits is rounded to them.
fn float(native: &str, unsigned: bool) -> Option<Room> {
    let digits = native
        .split_once('(')
        .map(|(_, rest)| numbers(&format!("({rest}")));
    match digits.as_deref() {
        Some([all, places]) => Some(Room::Digits {
            whole: all.saturating_sub(*places),
            places: *places,
            is_signed: !unsigned,
        }),
        Some(_) | None => unsigned.then_some(Room::Digits {
            whole: u32::MAX,
            places: u32::MAX,
            is_signed: false,
        }),
    }
}

/// Returns the query for what a type or a character set makes of a text that only the server can read.
pub(in crate::dialect) fn reading(dialect: &MysqlDialect, column: &Column, text: &str) -> Option<String> {
    let given = literal(text);
    match Kind::parse(&column.native) {
        Kind::Inet4 | Kind::Inet6 if dialect.is_mariadb() => {
            Some(format!("SELECT CAST({given} AS {})", column.native))
        }
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) => {
            let charset = foreign_charset(column)?;
            Some(format!(
                "SELECT CONVERT(CONVERT({given} USING {charset}) USING utf8mb4)"
            ))
        }
        Kind::Integer { .. }
        | Kind::Decimal { .. }
        | Kind::Float { .. }
        | Kind::Bit(_)
        | Kind::Binary(_)
        | Kind::Varbinary(_)
        | Kind::Blob(_)
        | Kind::Enum(_)
        | Kind::Set(_)
        | Kind::Date
        | Kind::Time(_)
        | Kind::Datetime(_)
        | Kind::Timestamp(_)
        | Kind::Year
        | Kind::Json
        | Kind::Spatial(_)
        | Kind::Uuid
        | Kind::Inet4
        | Kind::Inet6
        | Kind::Vector(_)
        | Kind::Other(_) => None,
    }
}

/// The character set of the column's collation, where it does not hold every text.
fn foreign_charset(column: &Column) -> Option<&str> {
    let charset = charset(column.collation.as_deref()?)?;
    let is_word = charset.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_word && charset != "utf8mb4").then_some(charset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(native: &str) -> Option<Room> {
        room(&Column::new("c", native))
    }

    #[test]
    fn every_integer_has_its_limits() {
        let between = |least, most| Some(Room::Whole { least, most });
        assert_eq!(of("tinyint(4)"), between(-128, 127));
        assert_eq!(of("mediumint unsigned"), between(0, 16_777_215));
        assert_eq!(of("bigint(20) unsigned"), between(0, 18_446_744_073_709_551_615));
    }

    #[test]
    fn floats_with_digits_or_without_a_sign_are_limited() {
        let digits = |whole, places, is_signed| {
            Some(Room::Digits {
                whole,
                places,
                is_signed,
            })
        };
        assert_eq!(of("double"), None);
        assert_eq!(of("float(5,2)"), digits(3, 2, true));
        assert_eq!(of("double unsigned"), digits(u32::MAX, u32::MAX, false));
    }

    #[test]
    fn a_text_of_another_character_set_is_asked_of_the_server() {
        let mut column = Column::new("c", "varchar(9)");
        column.collation = Some("latin1_swedish_ci".to_owned());
        let dialect = MysqlDialect {
            version: crate::flavour::Version::parse("10.11.6-MariaDB"),
        };
        let asked = reading(&dialect, &column, "é");
        assert_eq!(
            asked.as_deref(),
            Some("SELECT CONVERT(CONVERT('é' USING latin1) USING utf8mb4)")
        );
        column.collation = Some("utf8mb4_bin".to_owned());
        assert_eq!(reading(&dialect, &column, "é"), None);
    }
}
