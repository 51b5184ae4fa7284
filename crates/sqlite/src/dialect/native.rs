//! Logical types into the types of strict tables, in the one form that reads back equal.

use whimbrel_core::{ColumnUse, LogicalType, Mapped};

/// Most digits that always fit a 64-bit integer.
const INTEGER_DIGITS: u32 = 18;

/// Returns the type that holds the logical type.
pub(super) fn native(logical: &LogicalType, _usage: &ColumnUse) -> Mapped<String> {
    let exact = |native: &str| Mapped::exact(native.to_owned());
    let text = |why: &str| Mapped::widened("TEXT".to_owned(), why);
    match logical {
        LogicalType::Boolean => Mapped::widened("INTEGER".to_owned(), "true and false are stored as 1 and 0"),
        LogicalType::Integer { .. } => exact("INTEGER"),
        LogicalType::Float { bits: 32 } => Mapped::widened("REAL".to_owned(), "stored as 64-bit floats"),
        LogicalType::Float { .. } => exact("REAL"),
        LogicalType::Decimal {
            precision: Some(precision),
            scale: Some(0),
        } if *precision <= INTEGER_DIGITS => {
            Mapped::widened("INTEGER".to_owned(), "stored as 64-bit integers")
        }
        LogicalType::Decimal { .. } => {
            text("exact digits are stored as text; compare them with CAST(... AS NUMERIC)")
                .named("text")
                .or(
                    "real",
                    "64-bit floats; rows with more digits than those keep are rejected",
                    Mapped::lossy("REAL".to_owned(), "trailing zeros, and digits beyond the 15th"),
                )
        }
        LogicalType::Text {
            chars_max: Some(_), ..
        } => text("the length limit is not enforced"),
        LogicalType::Text { padded: true, .. } => text("values are not padded by the engine"),
        LogicalType::Text { .. } => exact("TEXT"),
        LogicalType::Bytes => exact("BLOB"),
        LogicalType::Bits { .. } => text("stored as text of 0 and 1"),
        LogicalType::Date | LogicalType::Time | LogicalType::Timestamp { .. } | LogicalType::TimeZoned => {
            text("stored as ISO 8601 text")
        }
        LogicalType::Interval => text("stored as text such as `P1M2DT3.5S`"),
        LogicalType::Uuid => text("stored as 36 lower-case characters"),
        LogicalType::Json => text("stored as JSON text"),
        LogicalType::Enum { .. } | LogicalType::Set { .. } => {
            text("labels are stored as text; the engine does not enforce them")
        }
        LogicalType::Any => exact("ANY"),
        LogicalType::Wire { native, .. } => Mapped::unsupported(
            "BLOB".to_owned(),
            format!("the binary form of `{native}` means nothing here"),
        ),
    }
}
