//! Single calls of the neutral form in the engine's words: functions, LIKE, parts of times, lists.

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, TrimWhereField, UnaryOperator,
};
use whimbrel_core::expression::{
    Kind, arguments, call, count_of, digits, function_name, is_common, kind, nested, no, not, plain_name,
    text_literal, text_of,
};
use whimbrel_core::{ExpressionContext, Untranslated};

use super::{Place, Speller};

/// Functions of the same name and meaning beside those that all engines have.
const KNOWN: &[&str] = &["length", "substr", "trim", "json_valid"];

/// Smallest, largest and absolute values of decimals are taken of numbers, not of their text.
pub(super) fn numbers(call: &mut Function, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let name = plain_name(&call.name).unwrap_or_default();
    if !matches!(name.as_str(), "min" | "max" | "abs" | "round") {
        return Ok(());
    }
    if let FunctionArguments::List(list) = &mut call.args {
        for argument in &mut list.args {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                speller.as_number(expr);
            }
        }
    }
    Ok(())
}

/// Spells a function.
pub(super) fn function(expr: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let Expr::Function(function) = expr else {
        return Ok(());
    };
    let name = plain_name(&function.name).unwrap_or_default();
    let given: Vec<Expr> = arguments(function).into_iter().cloned().collect();
    match name.as_str() {
        "current_timestamp" | "now" | "current_date" | "current_time" => {
            return now(expr, &name, speller.place);
        }
        "char_length" | "character_length" => function.name = function_name("length"),
        "string_agg" => function.name = function_name("group_concat"),
        "strpos" => function.name = function_name("instr"),
        // Made by `extract`; the neutral form has no such function.
        "strftime" => function.name = function_name(&name),
        "substr" => return positions(expr, &given),
        "min" | "max" if given.len() > 1 => return Err(no(format!("`{expr}`"))),
        "greatest" | "least" => {
            let is_plain = |value: &Expr| matches!(kind(value, speller.context), Kind::Integer | Kind::Real);
            if !given.iter().all(is_plain) {
                return Err(no(format!("`{expr}`")));
            }
            function.name = function_name(if name == "greatest" { "max" } else { "min" });
        }
        "right" => *expr = last(&given).ok_or_else(|| no(format!("`{expr}`")))?,
        "round" if given.first().map(|value| kind(value, speller.context)) == Some(Kind::Decimal) => {
            return Err(no(format!("`{expr}`, a decimal,")));
        }
        "mod"
            if given.len() == 2
                && given
                    .iter()
                    .all(|value| kind(value, speller.context) == Kind::Integer) =>
        {
            *expr = nested(Expr::BinaryOp {
                left: Box::new(given[0].clone()),
                op: BinaryOperator::Modulo,
                right: Box::new(given[1].clone()),
            });
        }
        name if is_common(name) || KNOWN.contains(&name) => function.name = function_name(name),
        _ => {
            return Err(Untranslated::new(format!(
                "function `{name}` is not known to the target"
            )));
        }
    }
    Ok(())
}

/// The last letters; none are not the same as all but none.
fn last(given: &[Expr]) -> Option<Expr> {
    let [text, length] = given else { return None };
    Some(match count_of(length)? {
        0 => call("substr", vec![text.clone(), digits("1"), digits("0")]),
        _ => {
            let from = Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr: Box::new(length.clone()),
            };
            call("substr", vec![text.clone(), from])
        }
    })
}

/// Positions from 1 on mean the same; zero and negative ones do not.
fn positions(expr: &Expr, given: &[Expr]) -> Result<(), Untranslated> {
    let fits = match given {
        [_, from] => count_of(from).is_some_and(|from| from >= 1),
        [_, from, length] => count_of(from).is_some_and(|from| from >= 1) && count_of(length).is_some(),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(no(format!("`{expr}`")))
    }
}

/// The time of now in the form in which such a time is stored. The engine forbids it in checks and indexes.
fn now(expr: &mut Expr, name: &str, place: Place) -> Result<(), Untranslated> {
    let word = |name: &str| Expr::Identifier(Ident::new(name));
    let spelled = match (name, place) {
        (_, Place::Check) => return Err(no(format!("`{name}` in a check or an index"))),
        ("current_date", Place::Default(Kind::Date) | Place::Query) => word("CURRENT_DATE"),
        ("current_time", Place::Default(Kind::Time) | Place::Query) => word("CURRENT_TIME"),
        ("current_timestamp" | "now", Place::Default(Kind::Timestamp(false)) | Place::Query) => {
            word("CURRENT_TIMESTAMP")
        }
        ("current_timestamp" | "now", Place::Default(Kind::Timestamp(true))) => Expr::BinaryOp {
            left: Box::new(word("CURRENT_TIMESTAMP")),
            op: BinaryOperator::StringConcat,
            right: Box::new(text_literal("+00:00")),
        },
        ("current_timestamp" | "now", Place::Default(Kind::Date)) => word("CURRENT_DATE"),
        _ => return Err(no(format!("`{name}` as a value of another kind"))),
    };
    *expr = spelled;
    Ok(())
}

/// LIKE that minds case is GLOB, when its pattern is known.
pub(super) fn like(expr: &mut Expr) -> Result<(), Untranslated> {
    let Expr::Like {
        negated,
        any: false,
        expr: inner,
        pattern,
        escape_char,
    } = expr
    else {
        return Err(no(format!("`{expr}`")));
    };
    let escape = match escape_char.as_deref() {
        None => Some('\\'),
        Some(escape) => text_of(escape).and_then(|text| text.chars().next()),
    };
    let glob = text_of(pattern)
        .and_then(|pattern| glob_of(pattern, escape))
        .ok_or_else(|| no(format!("LIKE with the pattern `{pattern}`")))?;
    let matched = Expr::BinaryOp {
        left: inner.clone(),
        op: BinaryOperator::Glob,
        right: Box::new(text_literal(&glob)),
    };
    *expr = if *negated { not(matched) } else { matched };
    Ok(())
}

/// Returns the GLOB pattern of a LIKE pattern; none when it ends in its escape character.
fn glob_of(pattern: &str, escape: Option<char>) -> Option<String> {
    let mut glob = String::new();
    let mut characters = pattern.chars();
    while let Some(next) = characters.next() {
        let (character, plain) = if Some(next) == escape {
            (characters.next()?, true)
        } else {
            (next, false)
        };
        match character {
            '%' if !plain => glob.push('*'),
            '_' if !plain => glob.push('?'),
            '*' | '?' | '[' => {
                glob.push('[');
                glob.push(character);
                glob.push(']');
            }
            other => glob.push(other),
        }
    }
    Some(glob)
}

/// ILIKE is the engine's LIKE; a backslash escapes only when it is said.
pub(super) fn ilike(expr: &mut Expr) -> Result<(), Untranslated> {
    let Expr::ILike {
        negated,
        any: false,
        expr: inner,
        pattern,
        escape_char,
    } = expr
    else {
        return Err(no(format!("`{expr}`")));
    };
    let Some(text) = text_of(pattern) else {
        return Err(no(format!("ILIKE with the pattern `{pattern}`")));
    };
    let escape = match escape_char.take() {
        Some(escape) => Some(escape),
        None if text.contains('\\') => Some(Box::new(text_literal("\\"))),
        None => None,
    };
    *expr = Expr::Like {
        negated: *negated,
        any: false,
        expr: inner.clone(),
        pattern: pattern.clone(),
        escape_char: escape,
    };
    Ok(())
}

/// Parts of a time are cut out of its text by the engine's own function.
pub(super) fn extract(expr: &mut Expr, context: &ExpressionContext) -> Result<(), Untranslated> {
    let Expr::Extract { field, expr: of, .. } = expr else {
        return Ok(());
    };
    let format = match (&field, kind(of, context)) {
        (DateTimeField::Year, Kind::Date | Kind::Timestamp(false)) => "%Y",
        (DateTimeField::Month, Kind::Date | Kind::Timestamp(false)) => "%m",
        (DateTimeField::Day, Kind::Date | Kind::Timestamp(false)) => "%d",
        (DateTimeField::Hour, Kind::Timestamp(false) | Kind::Time) => "%H",
        (DateTimeField::Minute, Kind::Timestamp(false) | Kind::Time) => "%M",
        _ => return Err(no(format!("`{expr}`"))),
    };
    let cut = call("strftime", vec![text_literal(format), (**of).clone()]);
    *expr = Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(cut),
        data_type: DataType::Integer(None),
        format: None,
    };
    Ok(())
}

pub(super) fn position(expr: &mut Expr) -> Result<(), Untranslated> {
    if let Expr::Position {
        expr: what,
        r#in: within,
    } = expr
    {
        *expr = call("instr", vec![(**within).clone(), (**what).clone()]);
    }
    Ok(())
}

pub(super) fn substring(expr: &mut Expr) -> Result<(), Untranslated> {
    let Expr::Substring {
        expr: of,
        substring_from,
        substring_for,
        ..
    } = expr
    else {
        return Ok(());
    };
    let from = substring_from.clone().unwrap_or_else(|| Box::new(digits("1")));
    let mut given = vec![(**of).clone(), *from];
    given.extend(substring_for.clone().map(|length| *length));
    let spelled = call("substr", given.clone());
    positions(&spelled, &given)?;
    *expr = spelled;
    Ok(())
}

pub(super) fn trim(expr: &mut Expr) -> Result<(), Untranslated> {
    let Expr::Trim {
        trim_where,
        trim_what,
        expr: of,
        trim_characters,
    } = expr
    else {
        return Ok(());
    };
    let name = match trim_where {
        None | Some(TrimWhereField::Both) => "trim",
        Some(TrimWhereField::Leading) => "ltrim",
        Some(TrimWhereField::Trailing) => "rtrim",
    };
    let mut given = vec![(**of).clone()];
    given.extend(trim_what.clone().map(|what| *what));
    given.extend(trim_characters.clone().into_iter().flatten());
    *expr = call(name, given);
    Ok(())
}
