//! Values in a place of a known kind: a literal takes that kind when its value has it, else there is no translation.

use sqlparser::ast::Expr;

use super::kind::{Kind, kind, of_logical};
use super::node::{
    is_literal, number_literal, text_literal, text_of, truth_literal, truth_of, without_brackets,
};
use super::shape::no;
use crate::{
    ExpressionContext, LogicalType, Untranslated, parse_date, parse_time, parse_timestamp, parse_uuid,
};

/// Gives a literal the wanted kind in place, when its value is of that kind; none when it is no such literal.
pub fn literal_as(expr: &mut Expr, wanted: Kind, context: &ExpressionContext) -> Option<()> {
    let spelled = match (wanted, kind(expr, context)) {
        (Kind::Boolean, Kind::Integer) => truth_literal(truth_of(expr)?),
        (Kind::Boolean, Kind::Text) => truth_literal(match text_of(expr)? {
            "t" | "true" | "1" => true,
            "f" | "false" | "0" => false,
            _ => return None,
        }),
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
        (Kind::Uuid, Kind::Text) => checked(expr, |text| parse_uuid(text).is_some())?,
        _ => return None,
    };
    *expr = spelled;
    Some(())
}

fn checked(expr: &Expr, fits: impl Fn(&str) -> bool) -> Option<Expr> {
    let text = text_of(expr)?;
    // Years beyond four digits are written in other ways by some.
    let begins = text.starts_with(|c: char| c.is_ascii_hexdigit());
    (fits(text) && begins).then(|| text_literal(text))
}

/// Makes a value that goes into a place of the expected type (a default) one of that type. Words of now are left as they are.
///
/// # Errors
/// [`Untranslated`] when the value is of another kind.
pub fn fit(expr: Expr, expected: &LogicalType, context: &ExpressionContext) -> Result<Expr, Untranslated> {
    let mut expr = without_brackets(expr);
    let wanted = of_logical(expected);
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
        let whole = kind(&expr, context) == Kind::Integer;
        return if wanted == Kind::Integer && !whole {
            refuse(&expr)
        } else {
            Ok(expr)
        };
    }
    let is_bits = matches!(expected, LogicalType::Bits { .. });
    match text_of(&expr) {
        Some(text) if is_bits && text.bytes().all(|bit| matches!(bit, b'0' | b'1')) => Ok(expr),
        Some(text) if wanted == Kind::Json && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
            Ok(expr)
        }
        _ if !is_literal(&expr)
            && have.is_moment()
            && matches!(wanted, Kind::Timestamp(_))
            && have != Kind::Time =>
        {
            Ok(expr)
        }
        _ => refuse(&expr),
    }
}
