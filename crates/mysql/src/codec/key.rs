//! Values of keys: exact, so that a bound of a range or the key of a rejected row leads back to its row.

use mysql_async::Value;
use whimbrel_core::{KeyValue, hex};

use super::print;
use crate::columns::ServerColumn;
use crate::native::Kind;

/// Returns the value of a key column as its [`ServerColumn::key_expression`] sends it; none for a type that no key can have.
pub(crate) fn value(column: &ServerColumn, value: &Value) -> Option<KeyValue> {
    match (value, &column.kind) {
        (Value::Int(number), _) => Some(KeyValue::Integer(*number)),
        (Value::UInt(number), _) => Some(natural(*number)),
        (Value::Float(number), _) => Some(KeyValue::Real(f64::from(*number).to_bits())),
        (Value::Double(number), _) => Some(KeyValue::Real(number.to_bits())),
        (Value::Date(..), Kind::Date) => print::date(value, None).map(KeyValue::Text),
        (Value::Date(..), _) => print::date(value, Some(6)).map(KeyValue::Text),
        (Value::Time(..), _) => print::time(value, 6).map(KeyValue::Text),
        (Value::Bytes(bytes), Kind::Bit(_)) => Some(natural(bits(bytes))),
        (Value::Bytes(bytes), kind) => match std::str::from_utf8(bytes) {
            Ok(text) if is_text(kind) && column.is_stored_as_utf8() => Some(KeyValue::Text(text.to_owned())),
            _ if matches!(kind, Kind::Json | Kind::Spatial(_)) => None,
            _ => Some(KeyValue::Bytes(hex(bytes))),
        },
        (Value::NULL, _) => None,
    }
}

/// Types whose values arrive as text, though they need not be.
fn is_text(kind: &Kind) -> bool {
    kind.is_text()
        || matches!(
            kind,
            Kind::Decimal { .. } | Kind::Uuid | Kind::Inet4 | Kind::Inet6
        )
}

fn natural(number: u64) -> KeyValue {
    i64::try_from(number).map_or_else(|_| KeyValue::Text(number.to_string()), KeyValue::Integer)
}

/// The number that big-endian bits are.
pub(super) fn bits(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}
