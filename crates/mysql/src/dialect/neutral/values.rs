//! Literals and casts: character sets before a text, bits, bytes that are numbers or text by their place, days that are none.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

use sqlparser::ast::{CastKind, DataType, ExactNumberInfo, Expr, Value};
use whimbrel_core::expression::{
    Kind, cast, is_now, is_number_literal, no, number_literal, take, text_literal, text_of, word,
};
use whimbrel_core::{
    LogicalType, Untranslated, format_timestamp, hex, parse_date, parse_time, parse_timestamp, unhex,
};

use super::Reader;

/// Character sets in whose literals the text stands as it is.
const PLAIN_SETS: &[&str] = &["utf8mb4", "utf8mb3", "utf8"];

/// Brings a literal's spelling to the standard's.
pub(super) fn literal(expr: &mut Expr) -> Result<(), Untranslated> {
    match expr {
        Expr::Prefixed { prefix, value } => {
            let set = prefix.value.trim_start_matches('_').to_ascii_lowercase();
            let is_plain = |text: &str| {
                PLAIN_SETS.contains(&set.as_str())
                    || (text.is_ascii() && !["ucs2", "utf16", "utf16le", "utf32"].contains(&set.as_str()))
            };
            match text_of(value) {
                Some(text) if set == "binary" && text.is_ascii() => *expr = hex_of(text),
                Some(text) if set != "binary" && is_plain(text) => *expr = text_literal(text),
                _ => return Err(no(format!("the character set of `{expr}`"))),
            }
            Ok(())
        }
        Expr::Value(value) => match &mut value.value {
            Value::Number(..)
            | Value::SingleQuotedString(_)
            | Value::HexStringLiteral(_)
            | Value::Boolean(_)
            | Value::Null => Ok(()),
            Value::DoubleQuotedString(text) => {
                value.value = Value::SingleQuotedString(std::mem::take(text));
                Ok(())
            }
            other => Err(no(format!("`{other}`"))),
        },
        _ => Ok(()),
    }
}

fn hex_of(text: &str) -> Expr {
    Expr::value(Value::HexStringLiteral(hex(text.as_bytes())))
}

/// Reads a whole literal by the type of its place: `b'101'` and `0x41` are bits, numbers, bytes or text.
pub(super) fn expect(expr: &mut Expr, expected: &LogicalType) -> Result<(), Untranslated> {
    if matches!(expr, Expr::Prefixed { .. }) {
        literal(expr)?;
    }
    let Expr::Value(value) = &*expr else {
        return Ok(());
    };
    let spelled = match (&value.value, expected) {
        (Value::SingleQuotedByteStringLiteral(bits), LogicalType::Bits { length, .. }) => {
            let width = length.unwrap_or(1) as usize;
            Some(text_literal(&format!("{bits:0>width$}")))
        }
        (Value::SingleQuotedByteStringLiteral(bits), LogicalType::Boolean) => {
            match bits.trim_start_matches('0') {
                "" => number_literal("0"),
                "1" => number_literal("1"),
                _ => None,
            }
        }
        (
            Value::SingleQuotedByteStringLiteral(bits),
            LogicalType::Integer { .. } | LogicalType::Decimal { .. },
        ) => u64::from_str_radix(bits, 2)
            .ok()
            .and_then(|number| number_literal(&number.to_string())),
        (Value::HexStringLiteral(hex), LogicalType::Integer { .. } | LogicalType::Decimal { .. }) => {
            u64::from_str_radix(hex, 16)
                .ok()
                .and_then(|number| number_literal(&number.to_string()))
        }
        (Value::HexStringLiteral(hex), LogicalType::Text { .. }) => {
            let text = unhex(hex).and_then(|bytes| String::from_utf8(bytes).ok());
            text.map(|text| text_literal(&text))
        }
        (Value::SingleQuotedString(text), LogicalType::Bytes) if text.is_ascii() => Some(hex_of(text)),
        (Value::SingleQuotedString(text), LogicalType::Decimal { .. } | LogicalType::Float { .. }) => {
            number_literal(text)
        }
        (Value::SingleQuotedByteStringLiteral(_) | Value::HexStringLiteral(_), LogicalType::Bytes) => {
            return Ok(());
        }
        (Value::SingleQuotedByteStringLiteral(_) | Value::HexStringLiteral(_), _) => None,
        _ => return Ok(()),
    };
    *expr = spelled.ok_or_else(|| no(format!("`{expr}` as a value of type {expected}")))?;
    Ok(())
}

/// `DATE'2020-01-01'` and its like are plain text of that kind.
pub(super) fn typed(expr: &mut Expr) -> Result<(), Untranslated> {
    let Expr::TypedString(typed) = expr else {
        return Ok(());
    };
    let text = typed.value.value.clone().into_string().unwrap_or_default();
    check_zero_date(&text)?;
    let is_known = match typed.data_type {
        DataType::Date => parse_date(&text).is_some(),
        DataType::Time(..) => parse_time(&text).is_some(),
        DataType::Timestamp(..) | DataType::Datetime(_) => parse_timestamp(&text, false).is_some(),
        _ => false,
    };
    if !is_known {
        return Err(no(format!("`{expr}`")));
    }
    *expr = text_literal(&text);
    Ok(())
}

/// Days with a zero in them exist on these servers alone.
pub(super) fn check_zero_date(text: &str) -> Result<(), Untranslated> {
    let is_zero = text.starts_with("0000-")
        || text
            .get(4..)
            .is_some_and(|rest| rest.starts_with("-00-") || rest.get(3..6).is_some_and(|day| day == "-00"));
    if is_zero {
        return Err(no(format!(
            "the zero date `'{text}'`, which is no day elsewhere,"
        )));
    }
    Ok(())
}

/// Returns the day of a midnight: `'2020-01-01 00:00:00'` beside a day.
pub(super) fn day_of_midnight(text: &str) -> Option<Expr> {
    let micros = parse_timestamp(text, false)?;
    let printed = format_timestamp(micros, false);
    printed.strip_suffix(" 00:00:00").map(text_literal)
}

/// Casts: those that keep the value stay or go, those that cut or round it are refused.
pub(super) fn cast_to(whole: &mut Expr, reader: &Reader<'_>) -> Result<(), Untranslated> {
    let refuse = |whole: &Expr| Err(no(format!("`{whole}`")));
    let (inner, to) = match whole {
        Expr::Cast {
            kind: CastKind::Cast,
            expr,
            data_type,
            ..
        } => (expr, data_type.clone()),
        Expr::Convert {
            expr,
            data_type: None,
            charset: Some(charset),
            ..
        } if charset
            .to_string()
            .trim_matches('"')
            .to_ascii_lowercase()
            .starts_with("utf8") =>
        {
            (expr, DataType::Char(None))
        }
        other => return refuse(other),
    };
    let from = reader.kind(inner);
    if let (Some(text), Some(moment)) = (text_of(inner), moment_of(&to)) {
        check_zero_date(text)?;
        let fits = match moment {
            Kind::Date => parse_date(text).is_some(),
            Kind::Time => parse_time(text).is_some(),
            _ => parse_timestamp(text, false).is_some(),
        };
        if fits {
            *whole = text_literal(text);
            return Ok(());
        }
        return refuse(whole);
    }
    let spelled = match (from, &to) {
        (Kind::Null, _) => take(inner),
        (Kind::Integer | Kind::Boolean, DataType::Signed | DataType::SignedInteger) => {
            reader.number(inner)?;
            take(inner)
        }
        // A negative number would become a huge one.
        (Kind::Integer, DataType::Unsigned | DataType::UnsignedInteger)
            if is_number_literal(inner) && !inner.to_string().starts_with('-') =>
        {
            take(inner)
        }
        (Kind::Integer | Kind::Boolean | Kind::Text, DataType::Char(None)) => {
            reader.text(inner)?;
            take(inner)
        }
        (Kind::Date | Kind::Uuid, DataType::Char(None)) => cast(take(inner), DataType::Text),
        (Kind::Integer, DataType::Decimal(info)) if holds_whole(*info) => {
            cast(take(inner), DataType::Numeric(ExactNumberInfo::None))
        }
        (Kind::Integer | Kind::Decimal | Kind::Real, DataType::Double(_) | DataType::DoublePrecision) => {
            cast(take(inner), DataType::DoublePrecision)
        }
        (Kind::Date, DataType::Date) => take(inner),
        (Kind::Timestamp(false), DataType::Date) => cast(take(inner), DataType::Date),
        (Kind::Timestamp(_), DataType::Date) if is_now(inner) => word("CURRENT_DATE"),
        (Kind::Timestamp(false), DataType::Datetime(Some(6))) => take(inner),
        _ => return refuse(whole),
    };
    *whole = spelled;
    Ok(())
}

fn moment_of(data_type: &DataType) -> Option<Kind> {
    match data_type {
        DataType::Date => Some(Kind::Date),
        DataType::Time(..) => Some(Kind::Time),
        DataType::Datetime(_) => Some(Kind::Timestamp(false)),
        _ => None,
    }
}

/// Whole numbers of 64 bits have up to 19 digits, or 20 without a sign.
fn holds_whole(info: ExactNumberInfo) -> bool {
    match info {
        ExactNumberInfo::PrecisionAndScale(precision, scale) => {
            i64::try_from(precision).is_ok_and(|precision| precision - scale >= 20)
        }
        ExactNumberInfo::Precision(precision) => precision >= 20,
        ExactNumberInfo::None => false,
    }
}
