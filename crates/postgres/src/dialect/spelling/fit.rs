//! Literals and words of now in a place of a known type.

use sqlparser::ast::{Expr, Value};
use whimbrel_core::expression::{Kind, kind, no, of_logical};
use whimbrel_core::{ExpressionContext, LogicalType, Untranslated, parse_date, parse_time, parse_timestamp};

use super::super::expression::{number_literal, text_literal, text_of};
use super::calls;

/// Makes a value that goes into a place of the expected type (a default) one of that type.
pub(in super::super) fn fit(
    mut expr: Expr,
    expected: &LogicalType,
    context: &ExpressionContext,
) -> Result<Expr, Untranslated> {
    let wanted = of_logical(expected);
    while let Expr::Nested(inner) = &expr {
        expr = (**inner).clone();
    }
    if let Some(now) = calls::now_as(&expr, wanted)? {
        return Ok(now);
    }
    let have = kind(&expr, context);
    let refuse = |expr: &Expr| Err(no(format!("`{expr}` as a value of type {expected}")));
    if have.is_open() {
        return Ok(expr);
    }
    if wanted == Kind::Integer && matches!(have, Kind::Decimal | Kind::Real) {
        // It would be rounded in silence.
        return refuse(&expr);
    }
    if have == wanted && wanted != Kind::Other || have.is_number() && wanted.is_number() {
        return Ok(expr);
    }
    if literal_as(&mut expr, wanted, context).is_some() {
        return Ok(expr);
    }
    let is_bits = matches!(expected, LogicalType::Bits { .. });
    match text_of(&expr) {
        Some(text) if is_bits && text.bytes().all(|bit| matches!(bit, b'0' | b'1')) => Ok(expr),
        Some(_) if wanted == Kind::Json => Ok(expr),
        _ => refuse(&expr),
    }
}

/// Gives a literal the wanted kind in place, when its value is of that kind; none when it is no such literal.
pub(super) fn literal_as(expr: &mut Expr, wanted: Kind, context: &ExpressionContext) -> Option<()> {
    let spelled = match (wanted, kind(expr, context)) {
        (Kind::Boolean, Kind::Integer) => Expr::value(Value::Boolean(match expr.to_string().as_str() {
            "0" => false,
            "1" => true,
            _ => return None,
        })),
        (Kind::Boolean, Kind::Text) => Expr::value(Value::Boolean(match text_of(expr)? {
            "t" | "true" | "1" => true,
            "f" | "false" | "0" => false,
            _ => return None,
        })),
        (wanted, Kind::Boolean) if wanted.is_number() => match expr.to_string().as_str() {
            "true" => number_literal("1")?,
            "false" => number_literal("0")?,
            _ => return None,
        },
        (wanted, Kind::Text) if wanted.is_number() => number_literal(text_of(expr)?)?,
        (Kind::Text, Kind::Integer) => {
            let digits = expr.to_string();
            number_literal(&digits)?;
            text_literal(&digits)
        }
        (Kind::Date, Kind::Text) => checked(expr, |text| parse_date(text).is_some())?,
        (Kind::Time, Kind::Text) => checked(expr, |text| parse_time(text).is_some())?,
        (Kind::Timestamp(zoned), Kind::Text) => checked(expr, |text| {
            parse_timestamp(text, zoned).is_some() || (!zoned && parse_date(text).is_some())
        })?,
        (Kind::Uuid, Kind::Text) => checked(expr, |text| crate::codec::decode::uuid(text).is_some())?,
        _ => return None,
    };
    *expr = spelled;
    Some(())
}

fn checked(expr: &Expr, fits: impl Fn(&str) -> bool) -> Option<Expr> {
    let text = text_of(expr)?;
    // Years beyond four digits are written in another way here.
    (fits(text) && text.starts_with(|c: char| c.is_ascii_digit())).then(|| text_literal(text))
}
