//! How a column is asked for, so that the server never rounds or replaces: what it sends is the stored value, and the last step is ours.

use whimbrel_core::LogicalType;

use super::print;
use crate::columns::ServerColumn;
use crate::native::Kind;
use crate::quote::quoted;

/// The form in which the server sends a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    Integer,
    Decimal,
    Float,
    /// Big-endian bytes of so many bits.
    Bit(u32),
    /// Text in UTF-8, or what should be.
    Text,
    /// Text in ASCII, or what should be.
    Ascii,
    /// Text that the server turned into UTF-8; the next value of the row is the stored bytes in hex where that failed.
    Converted,
    /// Text in a character set that is not asked about.
    Raw,
    Bytes,
    Date,
    /// With the digits of its fraction.
    Time(u8),
    Datetime(u8),
    Year,
    /// A document that the server has parsed.
    Json,
    /// Four bytes of the reference system, then WKB.
    Spatial,
    /// Little-endian floats.
    Vector,
}

/// How a column is read.
#[derive(Debug)]
pub(crate) struct Reading {
    /// What is selected, one expression, or two for [`Form::Converted`].
    pub(crate) expressions: Vec<String>,
    pub(crate) form: Form,
}

/// Returns how the column is read as the logical type.
pub(crate) fn reading(column: &ServerColumn, logical: &LogicalType) -> Reading {
    let name = quoted(&column.name);
    let form = natural(column, logical);
    let expressions = match (&form, &column.charset) {
        (Form::Converted, Some(charset)) => {
            let converted = format!("CONVERT({name} USING utf8mb4)");
            let failed = failed(&name, &converted, charset);
            vec![converted, failed]
        }
        _ => vec![name],
    };
    Reading { expressions, form }
}

fn natural(column: &ServerColumn, logical: &LogicalType) -> Form {
    match &column.kind {
        Kind::Integer { .. } => Form::Integer,
        Kind::Decimal { .. } => Form::Decimal,
        Kind::Float { .. } => Form::Float,
        Kind::Bit(bits) => Form::Bit(*bits),
        Kind::Char(_) | Kind::Varchar(_) | Kind::Text(_) | Kind::Enum(_) | Kind::Set(_) => {
            text(column, logical)
        }
        Kind::Binary(_) | Kind::Varbinary(_) | Kind::Blob(_) => Form::Bytes,
        Kind::Date => Form::Date,
        Kind::Time(digits) => Form::Time(*digits),
        Kind::Datetime(digits) | Kind::Timestamp(digits) => Form::Datetime(*digits),
        Kind::Year => Form::Year,
        Kind::Json => Form::Json,
        Kind::Spatial(_) => Form::Spatial,
        Kind::Uuid | Kind::Inet4 | Kind::Inet6 | Kind::Other(_) => Form::Text,
        Kind::Vector(_) => Form::Vector,
    }
}

fn text(column: &ServerColumn, logical: &LogicalType) -> Form {
    if matches!(logical, LogicalType::Wire { .. } | LogicalType::Bytes) {
        return Form::Raw;
    }
    match column.charset.as_deref() {
        _ if column.is_stored_as_utf8() => Form::Text,
        Some("ascii") => Form::Ascii,
        Some("binary") => Form::Bytes,
        _ => Form::Converted,
    }
}

/// Returns a value of the native type, in the form in which it travels between equal engines, as a person reads it.
pub(crate) fn shown_native(native: &str, value: &[u8]) -> String {
    let column = ServerColumn {
        name: String::new(),
        kind: Kind::parse(native),
        charset: None,
        collation: None,
    };
    let wire = LogicalType::Wire {
        native: native.to_owned(),
        printed: false,
    };
    print::shown_bytes(&natural(&column, &wire), value)
}

/// The stored bytes in hex where the conversion lost something. Either the way back gives the same bytes, or (where two codes stand for one
/// character) no question mark stands for what could not be read.
fn failed(name: &str, converted: &str, charset: &str) -> String {
    let stored = format!("CAST({name} AS BINARY)");
    let back = format!("CAST(CONVERT({converted} USING {charset}) AS BINARY)");
    let marks = |text: &str| format!("CHAR_LENGTH({text}) - CHAR_LENGTH(REPLACE({text}, '?', ''))");
    format!(
        "CASE WHEN {name} IS NULL OR {back} = {stored} OR {} = {} THEN NULL ELSE HEX(SUBSTRING({stored}, 1, 60)) END",
        marks(converted),
        marks(name),
    )
}
