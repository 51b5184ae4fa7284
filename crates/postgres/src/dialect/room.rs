//! What a type takes of the values that travel in its form, as far as that is not all of them: here where it can be said without a server, and
//! the question to a server where only that knows.

use whimbrel_core::{Column, Room};

use crate::native::Kind;
use crate::quote::literal;

/// Digits of a second that a type without a size of its own keeps.
const PLACES_MAX: u32 = 6;
/// Digits of an amount before the point, and behind it in most currencies.
const AMOUNT: Room = Room::Digits {
    whole: 17,
    places: 2,
    is_signed: true,
};
/// Bytes of a `name`; a longer one is cut.
const NAME_BYTES: u32 = 63;

/// Returns what a column of the type takes; none when it takes all values of its form.
pub(super) fn room(native: &str) -> Option<Room> {
    let places = |digits: Option<u32>| {
        let digits = digits.filter(|digits| *digits < PLACES_MAX)?;
        u8::try_from(digits).ok()
    };
    if matches!(native, "name" | "\"char\"") {
        return Some(Room::TextBytes(if native == "name" { NAME_BYTES } else { 1 }));
    }
    match Kind::parse(native) {
        Kind::Money => Some(AMOUNT),
        Kind::Time(digits) => places(digits).map(|places| Room::Clock {
            most: i64::MAX,
            places,
        }),
        Kind::Timestamp { digits, .. } => places(digits).map(|places| Room::Moments {
            first: i64::MIN,
            last: i64::MAX,
            places,
        }),
        Kind::Bool
        | Kind::Int2
        | Kind::Int4
        | Kind::Int8
        | Kind::Float4
        | Kind::Float8
        | Kind::Numeric(_)
        | Kind::Text
        | Kind::Varchar(_)
        | Kind::Bpchar(_)
        | Kind::Bytea
        | Kind::Bit(_)
        | Kind::Varbit(_)
        | Kind::Date
        | Kind::TimeTz(_)
        | Kind::Interval { .. }
        | Kind::Uuid
        | Kind::Json
        | Kind::Jsonb
        | Kind::Enum
        | Kind::Other => None,
    }
}

/// Returns the query for what a type makes of a text that only the server can read.
pub(super) fn reading(column: &Column, text: &str) -> Option<String> {
    let given = literal(text);
    let native = &column.native;
    match Kind::parse(native) {
        // An amount that is written with the currency's own digits is read by the session's settings, a number is not.
        Kind::Money => Some(format!(
            "SELECT CAST(CAST(CAST({given} AS numeric) AS money) AS numeric)"
        )),
        // A cast to text may differ from what the server prints, as it does for addresses.
        Kind::Other | Kind::TimeTz(_) => Some(format!("SELECT format('%s', CAST({given} AS {native}))")),
        Kind::Bool
        | Kind::Int2
        | Kind::Int4
        | Kind::Int8
        | Kind::Float4
        | Kind::Float8
        | Kind::Numeric(_)
        | Kind::Text
        | Kind::Varchar(_)
        | Kind::Bpchar(_)
        | Kind::Bytea
        | Kind::Bit(_)
        | Kind::Varbit(_)
        | Kind::Date
        | Kind::Time(_)
        | Kind::Timestamp { .. }
        | Kind::Interval { .. }
        | Kind::Uuid
        | Kind::Json
        | Kind::Jsonb
        | Kind::Enum => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_with_limits_of_their_own_have_a_room() {
        assert_eq!(room("integer"), None);
        assert_eq!(room("timestamp with time zone"), None);
        let thousandths = room("time(3) without time zone");
        assert!(
            matches!(thousandths, Some(Room::Clock { places: 3, .. })),
            "{thousandths:?}"
        );
        assert_eq!(room("money"), Some(AMOUNT));
        let seconds = room("timestamp(0) without time zone");
        assert!(
            matches!(seconds, Some(Room::Moments { places: 0, .. })),
            "{seconds:?}"
        );
    }

    #[test]
    fn the_server_is_asked_for_what_only_it_can_read() {
        let asked = |native: &str| reading(&Column::new("c", native), "it's");
        assert_eq!(
            asked("inet").as_deref(),
            Some("SELECT format('%s', CAST('it''s' AS inet))")
        );
        assert_eq!(
            asked("integer[]").as_deref(),
            Some("SELECT format('%s', CAST('it''s' AS integer[]))")
        );
        assert_eq!(asked("text"), None);
    }
}
