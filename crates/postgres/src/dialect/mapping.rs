//! Types both ways: the form in which a column's values travel to another engine, and the native type for a logical one.

use whimbrel_core::{
    Catalog, Column, ColumnProfile, ColumnUse, LogicalType, Mapped, TableId, UserTypeKind, ValueRule,
};

use crate::native::Kind;

/// The server's limits of declared sizes.
const CHARACTERS_MAX: u32 = 10_485_760;
const PRECISION_MAX: u32 = 1_000;
/// `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128`.
const ADDRESS_CHARS: u32 = 49;
/// Digits that a number of no declared size gets where it needs one.
const ROOM_DIGITS_MIN: u32 = 18;
const ROOM_DIGITS_MAX: u32 = 38;
/// An amount has 64 bits, and up to three digits behind the point, as the currency has.
const MONEY: LogicalType = LogicalType::Decimal {
    precision: Some(22),
    scale: Some(3),
};
const VALUE_BYTES_MAX: u64 = 1_073_741_823;
/// 4714-11-24 BC to 5874897-12-31 in days, and as far as microseconds travel.
const DAYS: (i64, i64) = (-2_440_588, 2_145_042_905);
const MICROS: (i64, i64) = (-210_866_803_200_000_000, i64::MAX);

pub(super) fn logical(
    column: &Column,
    catalog: &Catalog,
    profile: Option<&ColumnProfile>,
) -> Mapped<LogicalType> {
    if column.native.ends_with("[]") {
        return text_or_json("an array travels as the server prints it, such as `{1,2}`");
    }
    match user_type(column, catalog) {
        Some(UserTypeKind::Enum { labels }) => {
            let name = column
                .user_type
                .as_ref()
                .map_or_else(|| column.native.clone(), ToString::to_string);
            Mapped::exact(LogicalType::Enum {
                name,
                labels: labels.clone(),
            })
        }
        Some(UserTypeKind::Domain { base, .. }) => {
            let mut behind = column.clone();
            behind.native.clone_from(base);
            behind.user_type = parse_name(base);
            logical(&behind, catalog, profile)
        }
        Some(UserTypeKind::Composite { .. }) => {
            text_or_json("a composite value travels as the server prints it, such as `(1,a)`")
        }
        Some(UserTypeKind::Range { .. }) => range_text(),
        None => built_in(&column.native, profile),
    }
}

fn user_type<'a>(column: &Column, catalog: &'a Catalog) -> Option<&'a UserTypeKind> {
    let id = column.user_type.as_ref()?;
    catalog.user_type(id).map(|found| &found.kind)
}

fn widened_text(why: &str) -> Mapped<LogicalType> {
    Mapped::widened(LogicalType::text(), why)
}

/// Values with parts, as the server prints them or as documents.
fn text_or_json(why: &str) -> Mapped<LogicalType> {
    widened_text(why).named("text").or(
        "json",
        "arrays and objects of JSON, as `to_json` makes them",
        Mapped::widened(
            LogicalType::Json,
            "values travel as JSON; lower bounds of arrays are not kept",
        ),
    )
}

fn range_text() -> Mapped<LogicalType> {
    widened_text("a range travels as the server prints it, such as `[1,10)`")
}

fn built_in(native: &str, profile: Option<&ColumnProfile>) -> Mapped<LogicalType> {
    let out_of_range = profile.is_some_and(|profile| profile.out_of_range > 0);
    Mapped::exact(match Kind::parse(native) {
        Kind::Bool => LogicalType::Boolean,
        Kind::Int2 => LogicalType::Integer { bits: 16 },
        Kind::Int4 => LogicalType::Integer { bits: 32 },
        Kind::Int8 => LogicalType::Integer { bits: 64 },
        Kind::Float4 => return float(32, profile),
        Kind::Float8 => return float(64, profile),
        // A whole number may travel as an integer, and `NaN` is none.
        Kind::Numeric(Some((_, 0))) if is_not_finite(profile) => LogicalType::Decimal {
            precision: None,
            scale: None,
        },
        Kind::Numeric(Some((precision, scale))) => LogicalType::Decimal {
            precision: Some(precision),
            scale: Some(scale),
        },
        Kind::Numeric(None) => return unbounded(profile),
        Kind::Text => LogicalType::text(),
        Kind::Varchar(chars_max) => LogicalType::Text {
            chars_max,
            padded: false,
        },
        Kind::Bpchar(chars_max) => LogicalType::Text {
            chars_max,
            padded: chars_max.is_some(),
        },
        Kind::Bytea => LogicalType::Bytes,
        Kind::Bit(length) => LogicalType::Bits {
            length: Some(length),
            varying: false,
        },
        Kind::Varbit(length) => LogicalType::Bits {
            length,
            varying: true,
        },
        Kind::Date => LogicalType::Date,
        Kind::Time(_) => LogicalType::Time,
        Kind::TimeTz(_) => LogicalType::TimeZoned,
        Kind::Timestamp { .. } if out_of_range => {
            return widened_text("some timestamps lie beyond the year 294246; all travel as text");
        }
        Kind::Timestamp { zoned, .. } => LogicalType::Timestamp { zoned },
        Kind::Interval { .. } => LogicalType::Interval,
        Kind::Uuid => LogicalType::Uuid,
        Kind::Json | Kind::Jsonb => LogicalType::Json,
        Kind::Money => {
            let decimal = LogicalType::Decimal {
                precision: None,
                scale: None,
            };
            let why = "an amount travels as a number, without the currency's sign";
            return Mapped::widened(decimal, why).named("numeric").or(
                "decimal",
                "a number with three digits behind the point, which every currency fits",
                Mapped::widened(MONEY, why),
            );
        }
        Kind::Enum | Kind::Other => return other(native),
    })
}

/// A number without a declared size has the one that its values need, for an engine that wants one.
fn unbounded(profile: Option<&ColumnProfile>) -> Mapped<LogicalType> {
    let exact = Mapped::exact(LogicalType::Decimal {
        precision: None,
        scale: None,
    });
    let size = profile.filter(|_| !is_not_finite(profile)).and_then(digits_seen);
    let Some((whole, places)) = size else {
        return exact;
    };
    let sized = LogicalType::Decimal {
        precision: Some(whole + places),
        scale: i32::try_from(places).ok(),
    };
    exact.named("numeric").or(
        "decimal",
        format!("numbers with up to {whole} digits before the point and {places} behind it"),
        Mapped::widened(
            sized,
            "each number gets the same number of digits behind the point",
        ),
    )
}

/// Digits before the point, with room for more, and behind it.
fn digits_seen(profile: &ColumnProfile) -> Option<(u32, u32)> {
    let places = profile.shapes.get("decimal_places_max").copied().unwrap_or(0);
    let whole = |text: &String| text.trim_start_matches('-').split('.').next().map_or(1, str::len);
    let ends = profile.min.iter().chain(&profile.max);
    let whole = u32::try_from(ends.map(whole).max()?).ok()?;
    let places = u32::try_from(places).ok()?;
    // Twice what was seen, so that tomorrow's values fit too, but no more than every engine holds.
    let room = (whole * 2).max(ROOM_DIGITS_MIN);
    Some((
        whole.max(room.min(ROOM_DIGITS_MAX.saturating_sub(places))),
        places,
    ))
}

fn is_not_finite(profile: Option<&ColumnProfile>) -> bool {
    profile.is_some_and(|profile| profile.shapes.get("not_finite").is_some_and(|rows| *rows > 0))
}

/// Values that not every engine holds can travel as text.
fn float(bits: u8, profile: Option<&ColumnProfile>) -> Mapped<LogicalType> {
    let exact = Mapped::exact(LogicalType::Float { bits });
    if profile.is_none_or(|profile| profile.odd_floats == 0) {
        return exact;
    }
    exact.named("float").or(
        "text",
        "all numbers of the column as text, exactly as the server prints them",
        widened_text("a float travels as the server prints it, such as `NaN`"),
    )
}

fn other(native: &str) -> Mapped<LogicalType> {
    if native.ends_with("range") {
        return range_text();
    }
    if native.rsplit('.').next() == Some("hstore") {
        return text_or_json("pairs travel as the server prints them, such as `\"a\"=>\"1\"`");
    }
    let address_chars = match native {
        "inet" | "cidr" => Some(ADDRESS_CHARS),
        "macaddr" => Some(17),
        "macaddr8" => Some(23),
        _ => None,
    };
    if address_chars.is_some() {
        let to = LogicalType::Text {
            chars_max: address_chars,
            padded: false,
        };
        return Mapped::widened(to, "an address travels as the server prints it");
    }
    let plain = ["name", "citext", "xml", "\"char\""];
    let bare = native.rsplit('.').next().unwrap_or(native);
    if plain.contains(&bare) {
        return widened_text("the text is the same; the type's own rules stay behind");
    }
    widened_text(&format!("`{native}` travels as the server prints it"))
}

/// Reads a printed name such as `public."My type"`; none for a bare one, which is the server's.
fn parse_name(printed: &str) -> Option<TableId> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    let mut letters = printed.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if inside && letters.peek() == Some(&'"') => {
                letters.next();
                parts.last_mut()?.push('"');
            }
            '"' => inside = !inside,
            '.' if !inside => parts.push(String::new()),
            other => parts.last_mut()?.push(other),
        }
    }
    match parts.as_slice() {
        [namespace, name] => Some(TableId::new(namespace, name)),
        _ => None,
    }
}

/// Says why some of the values do not fit, and which rules would let their rows arrive.
pub(super) fn misfit(
    native: &str,
    logical: &LogicalType,
    profile: &ColumnProfile,
) -> Option<(String, Vec<ValueRule>)> {
    if profile.bytes_max > VALUE_BYTES_MAX {
        let why = format!(
            "values have up to {} bytes; a value has less than 1 GiB here",
            profile.bytes_max
        );
        return Some((why, Vec::new()));
    }
    let ends = || profile.min.iter().chain(&profile.max);
    match (Kind::parse(native), logical) {
        (Kind::Date, LogicalType::Date) => {
            let strange =
                ends().find(|text| year(text).is_some_and(|year| !(-4712..=5_874_897).contains(&year)))?;
            Some(outside(strange, DAYS))
        }
        (Kind::Timestamp { .. }, LogicalType::Timestamp { .. }) => {
            let strange =
                ends().find(|text| year(text).is_some_and(|year| !(-4712..=294_276).contains(&year)))?;
            Some(outside(strange, MICROS))
        }
        (Kind::Varchar(Some(limit)) | Kind::Bpchar(Some(limit)), _)
            if profile.chars_max > u64::from(limit) =>
        {
            let why = format!(
                "values have up to {} characters, more than `{native}` holds",
                profile.chars_max
            );
            Some((why, Vec::new()))
        }
        _ => None,
    }
}

fn outside(strange: &str, (min, max): (i64, i64)) -> (String, Vec<ValueRule>) {
    let why = format!("`{strange}` lies outside of the calendar here");
    (why, vec![ValueRule::OutsideToNull { min, max }])
}

/// The astronomical year that a printed date begins with; none for what is no date, such as `infinity`.
fn year(text: &str) -> Option<i64> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let year: i64 = rest.split('-').next()?.parse().ok()?;
    match text.ends_with("BC") {
        true => Some(1 - year),
        false => Some(sign * year),
    }
}

pub(super) fn native(logical: &LogicalType, _usage: &ColumnUse) -> Mapped<String> {
    match logical {
        LogicalType::Boolean => exact("boolean"),
        LogicalType::Integer { bits: 16 } => exact("smallint"),
        LogicalType::Integer { bits: 32 } => exact("integer"),
        LogicalType::Integer { .. } => exact("bigint"),
        LogicalType::Decimal { precision, scale } => decimal(*precision, *scale),
        LogicalType::Float { bits: 32 } => exact("real"),
        LogicalType::Float { .. } => exact("double precision"),
        LogicalType::Text { chars_max, padded } => text(*chars_max, *padded),
        LogicalType::Bytes => exact("bytea"),
        LogicalType::Bits {
            length: Some(length),
            varying: false,
        } => Mapped::exact(format!("bit({length})")),
        LogicalType::Bits {
            length: Some(length),
            varying: true,
        } => Mapped::exact(format!("bit varying({length})")),
        LogicalType::Bits { length: None, .. } => exact("bit varying"),
        LogicalType::Date => exact("date"),
        LogicalType::Time => exact("time without time zone"),
        LogicalType::TimeZoned => exact("time with time zone"),
        LogicalType::Timestamp { zoned: false } => exact("timestamp without time zone"),
        LogicalType::Timestamp { zoned: true } => exact("timestamp with time zone"),
        LogicalType::Interval => exact("interval"),
        LogicalType::Uuid => exact("uuid"),
        LogicalType::Json => exact("json").named("json").or(
            "jsonb",
            "can be indexed; spaces, the order of keys and repeated keys are not kept",
            Mapped::widened("jsonb".to_owned(), "documents are kept by value, not by spelling"),
        ),
        LogicalType::Enum { name, .. } => Mapped::widened(
            "text".to_owned(),
            format!("labels of `{name}` arrive as text; any text is accepted"),
        ),
        LogicalType::Set { .. } => exact("text[]"),
        LogicalType::Any => Mapped::lossy(
            "bytea".to_owned(),
            "values of several storage classes arrive as tagged bytes, which no query can use",
        ),
        LogicalType::Wire { native, .. } => Mapped::exact(native.clone()),
    }
}

fn exact(native: &str) -> Mapped<String> {
    Mapped::exact(native.to_owned())
}

fn decimal(precision: Option<u32>, scale: Option<i32>) -> Mapped<String> {
    match (precision, scale) {
        (None, _) => exact("numeric"),
        // Before version 15 the scale had to lie between 0 and the precision.
        (Some(precision), scale)
            if (1..=PRECISION_MAX).contains(&precision)
                && u32::try_from(scale.unwrap_or(0)).is_ok_and(|scale| scale <= precision) =>
        {
            Mapped::exact(format!("numeric({precision},{})", scale.unwrap_or(0)))
        }
        (Some(_), _) => Mapped::widened(
            "numeric".to_owned(),
            "the declared size cannot be kept; any number is accepted",
        ),
    }
}

fn text(chars_max: Option<u32>, padded: bool) -> Mapped<String> {
    match chars_max {
        None => exact("text"),
        Some(1..=CHARACTERS_MAX) => {
            let chars_max = chars_max.unwrap_or(1);
            let name = if padded { "character" } else { "character varying" };
            Mapped::exact(format!("{name}({chars_max})"))
        }
        Some(limit) => Mapped::widened(
            "text".to_owned(),
            format!("the limit of {limit} characters cannot be kept"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dialect_makes_it_reads_back_the_same() {
        for logical_type in [
            LogicalType::Boolean,
            LogicalType::Integer { bits: 16 },
            LogicalType::Integer { bits: 64 },
            LogicalType::Decimal {
                precision: Some(10),
                scale: Some(2),
            },
            LogicalType::Decimal {
                precision: None,
                scale: None,
            },
            LogicalType::Float { bits: 32 },
            LogicalType::text(),
            LogicalType::Text {
                chars_max: Some(20),
                padded: false,
            },
            LogicalType::Text {
                chars_max: Some(3),
                padded: true,
            },
            LogicalType::Bytes,
            LogicalType::Bits {
                length: Some(3),
                varying: false,
            },
            LogicalType::Date,
            LogicalType::Time,
            LogicalType::TimeZoned,
            LogicalType::Timestamp { zoned: true },
            LogicalType::Timestamp { zoned: false },
            LogicalType::Interval,
            LogicalType::Uuid,
            LogicalType::Json,
        ] {
            let native = native(&logical_type, &ColumnUse::default()).to;
            let column = Column::new("a", native.clone());
            assert_eq!(
                logical(&column, &Catalog::default(), None).to,
                logical_type,
                "{native}"
            );
        }
    }

    #[test]
    fn numbers_without_a_size_have_that_of_their_values() {
        let mut profile = ColumnProfile {
            min: Some("-1234.5".to_owned()),
            max: Some("99.125".to_owned()),
            ..ColumnProfile::default()
        };
        profile.shapes.insert("decimal_places_max".to_owned(), 3);
        let sized = |profile: &ColumnProfile| {
            let mapped = built_in("numeric", Some(profile));
            mapped.alternatives.first().map(|other| other.to.to_string())
        };
        assert_eq!(sized(&profile).as_deref(), Some("decimal(21,3)"));
        profile.shapes.insert("not_finite".to_owned(), 1);
        assert_eq!(sized(&profile), None);
    }

    #[test]
    fn dates_beyond_the_calendar_are_found() {
        let fits = |native: &str, logical: &LogicalType, end: &str| {
            let profile = ColumnProfile {
                max: Some(end.to_owned()),
                ..ColumnProfile::default()
            };
            misfit(native, logical, &profile).is_none()
        };
        assert!(fits("date", &LogicalType::Date, "9999-12-31"));
        assert!(fits("date", &LogicalType::Date, "infinity"));
        assert!(fits("date", &LogicalType::Date, "-4712-01-01"));
        assert!(!fits("date", &LogicalType::Date, "-4713-12-31"));
        assert!(!fits("date", &LogicalType::Date, "5874898-01-01"));
        let local = LogicalType::Timestamp { zoned: false };
        assert!(!fits(
            "timestamp without time zone",
            &local,
            "294277-01-01 00:00:00"
        ));
    }

    #[test]
    fn a_printed_name_is_read() {
        assert_eq!(parse_name("public.mood"), Some(TableId::new("public", "mood")));
        assert_eq!(
            parse_name("\"A.b\".\"c\"\"d\""),
            Some(TableId::new("A.b", "c\"d"))
        );
        assert_eq!(parse_name("integer"), None);
    }

    #[test]
    fn whole_numbers_with_nan_travel_as_digits() {
        let mut profile = ColumnProfile::default();
        let column = |native: &str, profile: &ColumnProfile| built_in(native, Some(profile)).to;
        assert_eq!(
            column("numeric(9,0)", &profile),
            LogicalType::Decimal {
                precision: Some(9),
                scale: Some(0),
            }
        );
        profile.shapes.insert("not_finite".to_owned(), 1);
        assert_eq!(
            column("numeric(9,0)", &profile),
            LogicalType::Decimal {
                precision: None,
                scale: None,
            }
        );
    }
}
