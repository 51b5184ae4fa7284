//! Single calls of the engine in the neutral form: functions, lists behind ANY and ALL, the time of now.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

use sqlparser::ast::{BinaryOperator, DataType, Expr, Function, FunctionArguments};
use whimbrel_core::expression::{
    Kind, arguments, call, cast, count_of, digits, function_name, is_common, is_now, kind, no, plain_name,
    text_literal, text_of, word,
};
use whimbrel_core::{ExpressionContext, Untranslated};

/// Functions of the same name and meaning beside those that all engines have.
const KNOWN: &[&str] = &[
    "ceil",
    "floor",
    "gen_random_uuid",
    "length",
    "mod",
    "reverse",
    "string_agg",
    "strpos",
];

/// Functions that others know by another name.
const RENAMED: &[(&str, &str)] = &[
    ("btrim", "trim"),
    ("ceiling", "ceil"),
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
    if let Some(neutral) = otherwise(&name, &given, context)? {
        *expr = neutral;
        return Ok(());
    }
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
            match neutral.or_else(|| (is_common(name) || KNOWN.contains(&name)).then_some(name)) {
                Some(neutral) => call.name = function_name(neutral),
                None => return unknown(call),
            }
        }
    }
    Ok(())
}

/// Returns what a function becomes that means something else elsewhere; none for all others.
fn otherwise(name: &str, given: &[Expr], context: &ExpressionContext) -> Result<Option<Expr>, Untranslated> {
    let refuse = || Err(no(format!("`{name}` with these arguments")));
    let count = given.get(1).and_then(count_of);
    let is_text = |expr: &Expr| kind(expr, context) == Kind::Text;
    Ok(Some(match (name, given) {
        ("left", [text, _]) if count.is_some() && is_text(text) => {
            call("substr", vec![text.clone(), digits("1"), given[1].clone()])
        }
        ("right", [text, _]) if count.is_some() && is_text(text) => call(name, given.to_vec()),
        ("lpad" | "rpad", [text, _]) if count.is_some() && is_text(text) => {
            call(name, vec![text.clone(), given[1].clone(), text_literal(" ")])
        }
        ("lpad" | "rpad", [text, _, pad])
            if count.is_some() && is_text(text) && text_of(pad).is_some_and(|pad| !pad.is_empty()) =>
        {
            call(name, given.to_vec())
        }
        // NULL is left out here.
        ("greatest" | "least", [a, b]) => {
            call("coalesce", vec![call(name, given.to_vec()), a.clone(), b.clone()])
        }
        ("concat", [_, ..]) => concatenation(given, context)?,
        ("left" | "right" | "lpad" | "rpad" | "greatest" | "least" | "concat", _) => return refuse(),
        _ => return Ok(None),
    }))
}

/// `concat` leaves NULLs out.
fn concatenation(given: &[Expr], context: &ExpressionContext) -> Result<Expr, Untranslated> {
    let mut whole: Option<Expr> = None;
    for part in given {
        let text = match kind(part, context) {
            Kind::Text => part.clone(),
            Kind::Integer => cast(part.clone(), DataType::Text),
            _ => return Err(no(format!("the text of `{part}`"))),
        };
        let never_null = text_of(&text).is_some();
        let next = if never_null {
            text
        } else {
            call("coalesce", vec![text, text_literal("")])
        };
        whole = Some(match whole {
            None => next,
            Some(before) => Expr::BinaryOp {
                left: Box::new(before),
                op: BinaryOperator::StringConcat,
                right: Box::new(next),
            },
        });
    }
    Ok(whole.unwrap_or_else(|| text_literal("")))
}

fn is_utc(zone: &Expr) -> bool {
    text_of(zone).is_some_and(|zone| zone.eq_ignore_ascii_case("utc"))
}
