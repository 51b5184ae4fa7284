//! What expressions call the forms that other values can be turned into.

use whimbrel_core::LogicalType;

/// The word of expressions for a form that other values can be turned into; none when they cannot.
pub(crate) fn word(logical: &LogicalType) -> Option<String> {
    Some(match logical {
        LogicalType::Boolean => "boolean".to_owned(),
        LogicalType::Integer { bits: 16 } => "smallint".to_owned(),
        LogicalType::Integer { bits: 32 } => "integer".to_owned(),
        LogicalType::Integer { .. } => "bigint".to_owned(),
        LogicalType::Decimal {
            precision: Some(precision),
            scale: Some(scale),
        } => format!("decimal({precision},{scale})"),
        LogicalType::Float { bits: 32 } => "real".to_owned(),
        LogicalType::Float { .. } => "double".to_owned(),
        LogicalType::Text { .. } | LogicalType::Enum { .. } | LogicalType::Set { .. } => "varchar".to_owned(),
        LogicalType::Date => "date".to_owned(),
        LogicalType::Timestamp { zoned: false } => "timestamp".to_owned(),
        LogicalType::Timestamp { zoned: true } => "timestamp with time zone".to_owned(),
        LogicalType::Decimal { .. } => "numeric".to_owned(),
        LogicalType::Bytes => "bytea".to_owned(),
        LogicalType::Time => "time".to_owned(),
        LogicalType::Uuid => "uuid".to_owned(),
        LogicalType::Json => "json".to_owned(),
        LogicalType::Bits { .. }
        | LogicalType::TimeZoned
        | LogicalType::Interval
        | LogicalType::Any
        | LogicalType::Wire { .. } => return None,
    })
}
