//! Single calls of the neutral form in the servers' words: functions, parts of times, aggregates with a filter.

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments, Value,
};
use whimbrel_core::Untranslated;
use whimbrel_core::expression::{
    Kind, arguments, call, check_call, count_of, digits, function_name, has_part, is_common, no, plain_name,
    text_of,
};

use super::{Speller, queries, texts, values};

/// Functions of the same name and meaning beside those that all engines have.
const KNOWN: &[&str] = &[
    "ceil",
    "floor",
    "greatest",
    "json_valid",
    "least",
    "mod",
    "power",
    "reverse",
    "trim",
];

pub(super) fn function(expr: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let Expr::Function(function) = expr else {
        return Ok(());
    };
    let Some(name) = plain_name(&function.name) else {
        return Err(no(format!("function `{}`", function.name)));
    };
    if is_own(function, &name) {
        return Ok(());
    }
    if let Some(over) = &mut function.over {
        queries::window(over)?;
    }
    if matches!(
        name.as_str(),
        "current_timestamp" | "now" | "current_date" | "current_time"
    ) {
        *expr = values::now_in_query(&name, speller)?;
        return Ok(());
    }
    check_call(function)?;
    filtered(function);
    if name == "string_agg" {
        return joined(function, speller);
    }
    let given: Vec<Expr> = arguments(function).into_iter().cloned().collect();
    let kinds: Vec<Kind> = given.iter().map(|argument| speller.kind(argument)).collect();
    if let Some(spelled) = otherwise(&name, &given, &kinds, speller)? {
        *expr = spelled;
        return Ok(());
    }
    if has_other_meaning(&name, &kinds, speller) {
        return Err(no(format!("`{expr}`")));
    }
    match (name.as_str(), kinds.as_slice()) {
        ("length" | "char_length" | "character_length", [Kind::Text | Kind::Unknown]) => {
            function.name = function_name("char_length");
            return Ok(());
        }
        ("length", [Kind::Bytes]) => {
            function.name = function_name("octet_length");
            return Ok(());
        }
        ("substr", _) if texts::part(&given) => return Ok(()),
        ("right", [Kind::Text, _]) if count_of(&given[1]).is_some() => return Ok(()),
        ("lpad" | "rpad", [Kind::Text, _, Kind::Text])
            if count_of(&given[1]).is_some() && text_of(&given[2]).is_some_and(|text| !text.is_empty()) =>
        {
            return Ok(());
        }
        _ => {}
    }
    if !is_common(&name) && !KNOWN.contains(&name.as_str()) {
        return Err(Untranslated::new(format!(
            "function `{name}` is not known to the target"
        )));
    }
    function.name = function_name(&name);
    Ok(())
}

/// Returns what a function becomes that is more than a name here.
fn otherwise(
    name: &str,
    given: &[Expr],
    kinds: &[Kind],
    speller: &Speller<'_>,
) -> Result<Option<Expr>, Untranslated> {
    match (name, given) {
        ("strpos" | "instr", [within, what]) => texts::find(within.clone(), what.clone(), speller).map(Some),
        ("gen_random_uuid", []) => uuid(speller).map(Some),
        ("trim" | "ltrim" | "rtrim", [_, _]) if kinds[0] == Kind::Text => Ok(texts::trimmed(name, given)),
        _ => Ok(None),
    }
}

/// Tells whether the servers would make something else of such arguments.
fn has_other_meaning(name: &str, kinds: &[Kind], speller: &Speller<'_>) -> bool {
    match (name, kinds) {
        ("round", [Kind::Real | Kind::Unknown, ..])
        | ("min" | "max", [_, _, ..])
        | ("trim" | "ltrim" | "rtrim", [_, _]) => true,
        ("lag" | "lead", [_, _, _]) => speller.dialect.is_mariadb(),
        ("abs" | "ceil" | "floor" | "round" | "sum" | "avg" | "mod" | "power" | "sign", [first, ..]) => {
            !first.is_number() && !first.is_open()
        }
        (
            "lower" | "upper" | "replace" | "reverse" | "trim" | "ltrim" | "rtrim" | "concat_ws",
            [first, ..],
        ) => !matches!(first, Kind::Text | Kind::Null | Kind::Unknown),
        _ => false,
    }
}

/// Calls that the speller itself made; the neutral form has none of these.
fn is_own(function: &Function, name: &str) -> bool {
    matches!(
        name,
        "concat" | "locate" | "utc_timestamp" | "utc_date" | "utc_time" | "group_concat" | "date" | "uuid"
    ) || name == "current_timestamp" && arguments(function).len() == 1
}

fn uuid(speller: &Speller<'_>) -> Result<Expr, Untranslated> {
    let made = call("uuid", Vec::new());
    if values::is_text_uuid(speller) {
        return Ok(made);
    }
    Err(no("a new UUID in bytes"))
}

/// An aggregate over some of the rows is one over values that are NULL for the others.
fn filtered(function: &mut Function) {
    let Some(condition) = function.filter.take() else {
        return;
    };
    let FunctionArguments::List(list) = &mut function.args else {
        return;
    };
    let Some(first) = list.args.first_mut() else {
        return;
    };
    let value = match &*first {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => value.clone(),
        _ => digits("1"),
    };
    let none = Expr::value(Value::Null);
    let some = whimbrel_core::expression::case(*condition, value, none);
    *first = FunctionArg::Unnamed(FunctionArgExpr::Expr(some));
}

/// The separator is a clause here.
fn joined(function: &mut Function, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let refused = no(format!("`{function}`"));
    if function.over.is_some() {
        return Err(refused);
    }
    let FunctionArguments::List(list) = &mut function.args else {
        return Err(refused);
    };
    let separator = match list.args.as_slice() {
        [
            FunctionArg::Unnamed(FunctionArgExpr::Expr(value)),
            FunctionArg::Unnamed(FunctionArgExpr::Expr(separator)),
        ] if matches!(speller.kind(value), Kind::Text | Kind::Integer | Kind::Unknown) => {
            text_of(separator).map(str::to_owned)
        }
        _ => None,
    };
    let Some(separator) = separator else {
        return Err(refused);
    };
    list.args.truncate(1);
    for clause in &mut list.clauses {
        if let FunctionArgumentClause::OrderBy(order) = clause {
            queries::nulls(order, Some(&[]))?;
        }
    }
    list.clauses.push(FunctionArgumentClause::Separator(
        Value::SingleQuotedString(separator).into(),
    ));
    function.name = function_name("group_concat");
    Ok(())
}

/// A part of a time.
pub(super) fn extract(whole: &Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let Expr::Extract { field, expr, .. } = whole else {
        return Ok(());
    };
    let of = speller.kind(expr);
    let fits = has_part(field, of);
    if fits {
        Ok(())
    } else {
        Err(no(format!("`{whole}`")))
    }
}
