//! Literals and the names of types.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser knows literals and types of many engines"
)]

use datafusion_common::ScalarValue;
use sqlparser::ast::{self, DataType, ExactNumberInfo, Expr, TimezoneInfo, Value};
use whimbrel_core::{Result, unhex};

use super::Binder;
use crate::calendar::interval_of;
use crate::node::{DIGITS_MAX, Kind, Node};
use crate::number::{self, Excess};

/// Makes the constant that a literal means.
pub(super) fn value(value: &Value) -> Result<Node, String> {
    match value {
        Value::Null => Ok(Node::null()),
        Value::Boolean(truth) => Ok(Node::constant(ScalarValue::Boolean(Some(*truth)), Kind::Boolean)),
        Value::SingleQuotedString(text) => Ok(Node::text(text)),
        Value::HexStringLiteral(digits) => {
            let bytes = unhex(digits).ok_or_else(|| format!("`{digits}` is not hex"))?;
            Ok(Node::constant(ScalarValue::Binary(Some(bytes)), Kind::Bytes))
        }
        Value::Number(digits, _) => number_of(digits),
        Value::DoubleQuotedString(text) => {
            Err(format!("\"{text}\" is no text; text stands in single quotes"))
        }
        Value::Placeholder(name) => Err(format!("`{name}` is a parameter; an expression has none")),
        other => Err(format!("`{other}` is not known in expressions")),
    }
}

/// Digits with an exponent are a float, with a point a decimal, and else an integer as long as it fits.
fn number_of(digits: &str) -> Result<Node, String> {
    if digits.contains(['e', 'E']) {
        let value: f64 = digits
            .parse()
            .map_err(|_| format!("`{digits}` is not a number"))?;
        return match value.is_finite() {
            true => Ok(Node::constant(ScalarValue::Float64(Some(value)), Kind::FLOAT)),
            false => Err(format!("`{digits}` is out of range")),
        };
    }
    if let Ok(value) = digits.parse::<i64>() {
        let bits = match (i16::try_from(value), i32::try_from(value)) {
            (Ok(_), _) => 16,
            (_, Ok(_)) => 32,
            _ => 64,
        };
        return Ok(Node::constant(
            ScalarValue::Int64(Some(value)),
            Kind::Integer { bits },
        ));
    }
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let whole = whole.trim_start_matches('0').len();
    let length = whole.max(usize::from(fraction.is_empty())) + fraction.len();
    let too_long = || format!("`{digits}` has more than {DIGITS_MAX} digits");
    let precision = u8::try_from(length)
        .ok()
        .filter(|length| *length <= DIGITS_MAX)
        .ok_or_else(too_long)?;
    let scale = u8::try_from(fraction.len()).map_err(|_| too_long())?;
    let value = number::read(digits, scale, Excess::Refuse)?;
    let precision = precision.max(1);
    let kind = Kind::Decimal {
        precision,
        scale,
        unbounded: false,
    };
    let places = i8::try_from(scale).map_err(|_| too_long())?;
    let scalar = match value.to_i128().filter(|_| precision <= 38) {
        Some(short) => ScalarValue::Decimal128(Some(short), precision, places),
        None => ScalarValue::Decimal256(Some(value), precision, places),
    };
    Ok(Node::constant(scalar, kind))
}

/// Returns the kind that the name of a type means.
pub(super) fn kind_of(data_type: &DataType) -> Result<Kind, String> {
    Ok(match data_type {
        DataType::Boolean | DataType::Bool => Kind::Boolean,
        DataType::SmallInt(None) | DataType::Int2(None) | DataType::Int16 => Kind::Integer { bits: 16 },
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) | DataType::Int32 => {
            Kind::Integer { bits: 32 }
        }
        DataType::BigInt(None) | DataType::Int8(None) | DataType::Int64 => Kind::INTEGER,
        DataType::Real | DataType::Float4 | DataType::Float32 => Kind::Float { bits: 32 },
        DataType::Float(_)
        | DataType::Double(_)
        | DataType::DoublePrecision
        | DataType::Float8
        | DataType::Float64 => Kind::FLOAT,
        DataType::Decimal(info) | DataType::Numeric(info) | DataType::Dec(info) => decimal(info)?,
        DataType::Text | DataType::String(None) => Kind::TEXT,
        DataType::Varchar(length) | DataType::CharVarying(length) | DataType::CharacterVarying(length) => {
            text(length.as_ref())?
        }
        DataType::Char(Some(length)) | DataType::Character(Some(length)) => text(Some(length))?,
        DataType::Bytea | DataType::Blob(None) | DataType::Varbinary(None) => Kind::Bytes,
        DataType::Date => Kind::Date,
        DataType::Time(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone) => Kind::Time,
        DataType::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
        | DataType::TimestampNtz(None)
        | DataType::Datetime(None) => Kind::Timestamp { zoned: false },
        DataType::Timestamp(None, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => {
            Kind::Timestamp { zoned: true }
        }
        DataType::Uuid => Kind::Uuid,
        DataType::JSON | DataType::JSONB => Kind::Json,
        other => {
            return Err(format!(
                "type `{other}` is not known; use boolean, smallint, integer, bigint, real, double, decimal(p,s), text, \
                 varchar(n), bytea, date, time, timestamp, timestamptz, uuid or json"
            ));
        }
    })
}

fn decimal(info: &ExactNumberInfo) -> Result<Kind, String> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => {
            return Ok(Kind::Decimal {
                precision: DIGITS_MAX,
                scale: crate::node::UNBOUNDED_SCALE,
                unbounded: true,
            });
        }
        ExactNumberInfo::Precision(precision) => (*precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (*precision, *scale),
    };
    let precision = u8::try_from(precision)
        .ok()
        .filter(|digits| (1..=DIGITS_MAX).contains(digits));
    let scale = u8::try_from(scale).ok();
    match (precision, scale) {
        (Some(precision), Some(scale)) if scale <= precision => Ok(Kind::Decimal {
            precision,
            scale,
            unbounded: false,
        }),
        _ => Err(format!(
            "a decimal has 1 to {DIGITS_MAX} digits, and no more of them after the point"
        )),
    }
}

fn text(length: Option<&ast::CharacterLength>) -> Result<Kind, String> {
    let chars_max = match length {
        None | Some(ast::CharacterLength::Max) => None,
        Some(ast::CharacterLength::IntegerLength { length, .. }) => {
            Some(u32::try_from(*length).map_err(|_| format!("length {length} is too great"))?)
        }
    };
    Ok(Kind::Text { chars_max })
}

impl Binder<'_> {
    pub(super) fn interval(&self, part: &Expr, interval: &ast::Interval) -> Result<Node> {
        let amount = match interval.value.as_ref() {
            Expr::Value(amount) => match &amount.value {
                Value::SingleQuotedString(text) | Value::Number(text, _) => text.clone(),
                _ => return self.refuse(part, "an interval is written like INTERVAL '2 days'"),
            },
            _ => return self.refuse(part, "an interval is written like INTERVAL '2 days'"),
        };
        let text = match &interval.leading_field {
            Some(unit) => format!("{amount} {unit}"),
            None => amount,
        };
        let bytes = self.at(part, interval_of(&text))?;
        let value = ScalarValue::FixedSizeBinary(16, Some(bytes.to_vec()));
        Ok(Node::constant(value, Kind::Interval))
    }
}
