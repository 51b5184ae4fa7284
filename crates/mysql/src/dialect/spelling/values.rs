//! Values in a place of a known type: literals as the column stores them, the time of now with the digits and the zone of the column, and
//! brackets where a default needs them.

use sqlparser::ast::{Expr, Value};
use whimbrel_core::expression::{
    Kind, call, digits, fit, is_literal, is_now, kind, no, of_logical, plain_name, print, text_literal,
    text_of, word,
};
use whimbrel_core::{
    ColumnUse, Dialect, ExpressionContext, LogicalType, Untranslated, format_date, format_time,
    format_timestamp, parse_date, parse_time, parse_timestamp,
};

use super::{MysqlDialect, Speller};
use crate::quote::literal;

/// Returns the native type that holds the logical one where nothing else is known about the column.
fn native(dialect: &MysqlDialect, logical: &LogicalType) -> String {
    dialect.native(logical, &ColumnUse::default()).to
}

/// Tells whether UUIDs are kept so that they read as text.
pub(super) fn is_text_uuid(speller: &Speller<'_>) -> bool {
    let native = native(speller.dialect, &LogicalType::Uuid);
    native.starts_with("char") || native.starts_with("uuid")
}

/// Returns the words of now for a value of the kind.
fn now(wanted: Kind, dialect: &MysqlDialect) -> Option<Expr> {
    let of = |name: &str| call(name, vec![digits("6")]);
    match wanted {
        // An instant in a type without a zone is kept in UTC.
        Kind::Timestamp(true) => {
            let native = native(dialect, &LogicalType::Timestamp { zoned: true });
            Some(of(if native.starts_with("timestamp") {
                "CURRENT_TIMESTAMP"
            } else {
                "utc_timestamp"
            }))
        }
        Kind::Timestamp(false) => Some(of("CURRENT_TIMESTAMP")),
        Kind::Date => Some(call("utc_date", Vec::new())),
        Kind::Time => Some(of("utc_time")),
        _ => None,
    }
}

fn word_of_now(expr: &Expr) -> Option<String> {
    let Expr::Function(call) = expr else { return None };
    let name = plain_name(&call.name)?;
    matches!(
        name.as_str(),
        "current_timestamp" | "now" | "current_date" | "current_time"
    )
    .then_some(name)
}

/// Makes a value one of the expected type.
pub(super) fn stored(
    expr: Expr,
    expected: &LogicalType,
    speller: &Speller<'_>,
) -> Result<Expr, Untranslated> {
    let expr = whimbrel_core::expression::without_brackets(expr);
    let wanted = of_logical(expected);
    if let Some(name) = word_of_now(&expr) {
        let refused = no(format!("`{expr}` as a value of type {expected}"));
        let fits = match wanted {
            Kind::Timestamp(_) => name == "current_timestamp" || name == "now",
            Kind::Date => name != "current_time",
            Kind::Time => name != "current_date",
            _ => false,
        };
        return now(wanted, speller.dialect).filter(|_| fits).ok_or(refused);
    }
    if let (Some(text), true) = (text_of(&expr), wanted.is_moment()) {
        let spelled = canonical(text, wanted, speller.dialect);
        return spelled.ok_or_else(|| no(format!("'{text}' as a value of type {expected}")));
    }
    if wanted == Kind::Uuid && kind(&expr, speller.context) == Kind::Uuid {
        return Ok(expr);
    }
    let fitted = fit(expr, expected, speller.context)?;
    Ok(match (expected, text_of(&fitted)) {
        (LogicalType::Bits { .. }, Some(bits)) if native(speller.dialect, expected).starts_with("bit") => {
            Expr::value(Value::SingleQuotedByteStringLiteral(bits.to_owned()))
        }
        (LogicalType::Uuid, Some(text)) if !is_text_uuid(speller) => {
            Expr::value(Value::HexStringLiteral(text.replace('-', "")))
        }
        _ => fitted,
    })
}

/// Returns the text of a time as the servers read it whatever their version; none when it is no such time.
fn canonical(text: &str, wanted: Kind, dialect: &MysqlDialect) -> Option<Expr> {
    let spelled = match wanted {
        Kind::Date => parse_date(text).map(format_date),
        Kind::Time => parse_time(text).map(format_time),
        Kind::Timestamp(zoned) => {
            // The zone of a literal would be the session's.
            if zoned && native(dialect, &LogicalType::Timestamp { zoned }).starts_with("timestamp") {
                return None;
            }
            let midnight = || parse_timestamp(&format!("{text} 00:00:00"), false).filter(|_| !zoned);
            parse_timestamp(text, zoned)
                .or_else(midnight)
                .map(|micros| format_timestamp(micros, false))
        }
        _ => None,
    }?;
    let plain = spelled.len() >= 8 && spelled.starts_with(|c: char| c.is_ascii_digit());
    plain.then(|| text_literal(&spelled))
}

/// Spells a literal beside a value that is a time; true when it was one.
pub(super) fn moment(expr: &mut Expr, wanted: Kind, speller: &Speller<'_>) -> Result<bool, Untranslated> {
    let Some(text) = text_of(expr) else {
        return Ok(false);
    };
    match canonical(text, wanted, speller.dialect) {
        Some(spelled) => {
            *expr = spelled;
            Ok(true)
        }
        None => Err(no(format!("comparing a time with `{expr}`"))),
    }
}

/// A comparison with the time of now: of the other side's kind. Checks and indexes must not ask the clock.
pub(super) fn with_now(left: &mut Expr, right: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    if is_now(right) {
        return beside(right, left, speller);
    }
    beside(left, right, speller)
}

fn beside(word: &mut Expr, other: &Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let wanted = match speller.kind(other) {
        Kind::Date => Kind::Timestamp(false),
        other => other,
    };
    let spelled = now(wanted, speller.dialect).filter(|_| speller.names.in_query());
    *word = spelled.ok_or_else(|| no(format!("`{word}` beside `{other}`")))?;
    Ok(())
}

/// The words of now where nothing says of what kind the value shall be.
pub(super) fn now_in_query(name: &str, speller: &Speller<'_>) -> Result<Expr, Untranslated> {
    if !speller.names.in_query() {
        return Err(no(format!("`{name}` in a check or an index")));
    }
    match name {
        "current_timestamp" | "now" => Ok(call("CURRENT_TIMESTAMP", vec![digits("6")])),
        _ => Ok(word(&name.to_ascii_uppercase())),
    }
}

/// Prints an expression for its place. A default that is more than a literal or the time of now stands in brackets, and in MySQL so does
/// the literal of a type whose values have no bound.
pub(super) fn placed(dialect: &MysqlDialect, expr: Expr, context: &ExpressionContext) -> String {
    let Some(expected) = &context.expected else {
        return print(expr, literal);
    };
    let is_null = kind(&expr, context) == Kind::Null;
    let is_bare = match expected {
        LogicalType::Wire { native, .. } => !is_unbounded(native),
        _ => !is_unbounded(&native(dialect, expected)),
    } || dialect.is_mariadb();
    let is_clock = matches!(&expr, Expr::Function(call)
        if plain_name(&call.name).is_some_and(|name| name == "current_timestamp"));
    if is_null || is_clock || is_literal(&expr) && is_bare {
        return print(expr, literal);
    }
    format!(
        "({})",
        print(whimbrel_core::expression::without_brackets(expr), literal)
    )
}

fn is_unbounded(native: &str) -> bool {
    let native = native.to_ascii_lowercase();
    ["text", "blob", "json", "geom"]
        .iter()
        .any(|part| native.contains(part))
}
