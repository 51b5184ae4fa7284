//! Types both ways: the form in which a column's values travel to another engine, and the native type for a logical one.

use whimbrel_core::{Catalog, Column, ColumnProfile, ColumnUse, LogicalType, Mapped, TableId, UserTypeKind};

use crate::native::Kind;

/// The server's limits of declared sizes.
const CHARACTERS_MAX: u32 = 10_485_760;
const PRECISION_MAX: u32 = 1_000;

pub(super) fn logical(
    column: &Column,
    catalog: &Catalog,
    profile: Option<&ColumnProfile>,
) -> Mapped<LogicalType> {
    if column.native.ends_with("[]") {
        return widened_text("an array travels as the server prints it, such as `{1,2}`");
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
            widened_text("a composite value travels as the server prints it, such as `(1,a)`")
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
        Kind::Numeric(declared) => LogicalType::Decimal {
            precision: declared.map(|(precision, _)| precision),
            scale: declared.map(|(_, scale)| scale),
        },
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
            return Mapped::widened(
                decimal,
                "an amount travels as a number, without the currency's sign",
            );
        }
        Kind::Enum | Kind::Other => return other(native),
    })
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
        LogicalType::Wire { native } => Mapped::exact(native.clone()),
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
