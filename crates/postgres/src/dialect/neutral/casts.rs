//! Casts and typed literals: what they mean without the type's name.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

use sqlparser::ast::{CastKind, DataType, ExactNumberInfo, Expr, TimezoneInfo, Value};
use whimbrel_core::expression::{
    Kind, is_now, is_number_literal, kind, no, number_literal, of_type, text_literal, text_of, word,
};
use whimbrel_core::{ExpressionContext, Untranslated, parse_date, parse_time, parse_timestamp};

pub(super) fn read(whole: &mut Expr, context: &ExpressionContext) -> Result<(), Untranslated> {
    let neutral = match whole {
        Expr::TypedString(typed) => {
            let text = typed.value.value.clone().into_string().unwrap_or_default();
            of_text(&text, &typed.data_type)?
        }
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type,
            ..
        } => of_cast(expr, data_type, context)?,
        other => return Err(no(format!("`{other}`"))),
    };
    *whole = neutral;
    Ok(())
}

fn of_cast(inner: &Expr, data_type: &DataType, context: &ExpressionContext) -> Result<Expr, Untranslated> {
    if let Some(text) = text_of(inner) {
        return of_text(text, data_type);
    }
    let to = target(data_type);
    let from = kind(inner, context);
    // An array's elements have lost their casts already; the list is what counts.
    if matches!(data_type, DataType::Array(_)) && holds_array(inner) {
        return Ok(inner.clone());
    }
    let refuse = || Err(no(format!("`CAST({inner} AS {data_type})`")));
    let keep = |data_type: DataType| {
        Ok(Expr::Cast {
            kind: CastKind::Cast,
            expr: Box::new(inner.clone()),
            data_type,
            format: None,
        })
    };
    if has_limit(data_type) {
        return refuse();
    }
    match (from, to) {
        (Kind::Null, _) => Ok(inner.clone()),
        (from, to) if is_number_literal(inner) && from.is_number() && to.is_number() => Ok(inner.clone()),
        (from, to) if from == to && to != Kind::Unknown && to != Kind::Other => Ok(inner.clone()),
        (Kind::Integer, Kind::Decimal) => keep(DataType::Numeric(ExactNumberInfo::None)),
        (Kind::Integer | Kind::Decimal, Kind::Real) => keep(DataType::DoublePrecision),
        (Kind::Integer | Kind::Date | Kind::Uuid, Kind::Text) => keep(DataType::Text),
        (Kind::Boolean, Kind::Integer) => keep(DataType::BigInt(None)),
        (Kind::Timestamp(false), Kind::Date) => keep(DataType::Date),
        (Kind::Timestamp(true), Kind::Date) if is_now(inner) => Ok(word("CURRENT_DATE")),
        _ => refuse(),
    }
}

fn holds_array(expr: &Expr) -> bool {
    match expr {
        Expr::Array(_) => true,
        Expr::Nested(inner) => holds_array(inner),
        _ => false,
    }
}

/// Types with a length or precision cut or round.
fn has_limit(data_type: &DataType) -> bool {
    data_type.to_string().contains('(')
}

/// The kind of a type, the server's own words included.
fn target(data_type: &DataType) -> Kind {
    match of_type(data_type) {
        Kind::Unknown => match data_type.to_string().trim_matches('"') {
            "bpchar" | "name" | "char" => Kind::Text,
            _ => Kind::Unknown,
        },
        known => known,
    }
}

/// What a text literal of the type means.
fn of_text(text: &str, data_type: &DataType) -> Result<Expr, Untranslated> {
    let refuse = || Err(no(format!("`'{text}'::{data_type}`")));
    let printed = data_type.to_string().to_lowercase();
    // A limit on a literal's type cuts or rounds it only when it is too long, which the printed literal is not.
    let fits = match target(data_type) {
        Kind::Boolean => match text {
            "t" | "true" => return Ok(Expr::value(Value::Boolean(true))),
            "f" | "false" => return Ok(Expr::value(Value::Boolean(false))),
            _ => false,
        },
        Kind::Integer | Kind::Real | Kind::Decimal => match number_literal(text) {
            Some(number) => return Ok(number),
            None => false,
        },
        Kind::Text | Kind::Json | Kind::Uuid => true,
        Kind::Date => parse_date(text).is_some(),
        Kind::Time => parse_time(text).is_some(),
        Kind::Timestamp(zoned) => parse_timestamp(text, zoned).is_some(),
        Kind::Bytes => {
            let hex = text
                .strip_prefix("\\x")
                .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
            match hex {
                Some(hex) => return Ok(Expr::value(Value::HexStringLiteral(hex.to_owned()))),
                None => false,
            }
        }
        // A label of an enum is plain text elsewhere; what only looks like text is not.
        Kind::Unknown => {
            matches!(data_type, DataType::Custom(..))
                && !printed.starts_with("reg")
                && !printed.contains("interval")
        }
        Kind::Other | Kind::Null => false,
    };
    let is_zoned_time = matches!(
        data_type,
        DataType::Time(_, TimezoneInfo::WithTimeZone | TimezoneInfo::Tz)
    );
    if fits && !is_zoned_time {
        Ok(text_literal(text))
    } else {
        refuse()
    }
}
