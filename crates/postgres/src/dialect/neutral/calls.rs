//! Single calls of the engine in the neutral form: functions, lists behind ANY and ALL, the time of now.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

use sqlparser::ast::{BinaryOperator, Expr, Function, FunctionArguments};
use whimbrel_core::expression::{Kind, arguments, kind, no};
use whimbrel_core::{ExpressionContext, Untranslated};

use super::super::expression::{function_name, plain_name, text_of};

/// Functions of the same name and meaning.
const COMMON: &[&str] = &[
    "abs",
    "avg",
    "coalesce",
    "count",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "length",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "ntile",
    "nullif",
    "octet_length",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "string_agg",
    "strpos",
    "sum",
    "upper",
];

/// Functions that others know by another name.
const RENAMED: &[(&str, &str)] = &[
    ("btrim", "trim"),
    ("char_length", "length"),
    ("character_length", "length"),
    ("substr", "substr"),
    ("substring", "substr"),
];

pub(super) fn function(expr: &mut Expr, context: &ExpressionContext) -> Result<(), Untranslated> {
    let Expr::Function(call) = expr else {
        return Ok(());
    };
    let unknown = |call: &Function| {
        Err(Untranslated::new(format!(
            "function `{}` has no neutral form",
            call.name
        )))
    };
    let Some(name) = plain_name(&call.name) else {
        return unknown(call);
    };
    if matches!(call.args, FunctionArguments::None) {
        return match name.as_str() {
            "current_timestamp" | "current_date" | "current_time" => {
                call.name = function_name(&name.to_ascii_uppercase());
                Ok(())
            }
            _ => unknown(call),
        };
    }
    let given: Vec<Expr> = arguments(call).into_iter().cloned().collect();
    match (name.as_str(), given.as_slice()) {
        ("now" | "transaction_timestamp" | "statement_timestamp", []) => *expr = word("CURRENT_TIMESTAMP"),
        ("timezone", [zone, now]) if is_utc(zone) && is_now(now) => *expr = word("CURRENT_TIMESTAMP"),
        ("length", [only]) if kind(only, context) == Kind::Other => return unknown(call),
        ("min" | "max", [_, _, ..]) => return unknown(call),
        (name, _) => {
            let neutral = RENAMED
                .iter()
                .find(|(own, _)| *own == name)
                .map(|(_, neutral)| *neutral);
            match neutral.or_else(|| COMMON.contains(&name).then_some(name)) {
                Some(neutral) => call.name = function_name(neutral),
                None => return unknown(call),
            }
        }
    }
    Ok(())
}

/// `CURRENT_TIMESTAMP` and its like.
pub(super) fn word(name: &str) -> Expr {
    Expr::Function(Function {
        name: function_name(name),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn is_utc(zone: &Expr) -> bool {
    text_of(zone).is_some_and(|zone| zone.eq_ignore_ascii_case("utc"))
}

fn is_now(expr: &Expr) -> bool {
    match expr {
        Expr::Function(call) => plain_name(&call.name).is_some_and(|name| name == "current_timestamp"),
        Expr::Nested(inner) => is_now(inner),
        _ => false,
    }
}

/// The time of now in UTC, without its zone: a wall clock elsewhere.
pub(super) fn at_time_zone(expr: &mut Expr) -> Result<(), Untranslated> {
    if let Expr::AtTimeZone { timestamp, time_zone } = expr
        && is_utc(time_zone)
        && is_now(timestamp)
    {
        *expr = word("CURRENT_TIMESTAMP");
        return Ok(());
    }
    Err(no(format!("`{expr}`")))
}

/// `= ANY (ARRAY[...])` is how the server prints IN, `<> ALL (ARRAY[...])` NOT IN.
pub(super) fn list(expr: &mut Expr) -> Result<(), Untranslated> {
    let (left, right, negated) = match expr {
        Expr::AnyOp {
            left,
            compare_op: BinaryOperator::Eq,
            right,
            ..
        } => (left, right, false),
        Expr::AllOp {
            left,
            compare_op: BinaryOperator::NotEq,
            right,
        } => (left, right, true),
        other => return Err(no(format!("`{other}`"))),
    };
    let mut inner = &**right;
    while let Expr::Nested(next) | Expr::Cast { expr: next, .. } = inner {
        inner = next;
    }
    let Expr::Array(array) = inner else {
        return Err(no(format!("`{expr}`")));
    };
    *expr = Expr::InList {
        expr: left.clone(),
        list: array.elem.clone(),
        negated,
    };
    Ok(())
}
