//! Single calls of the engine in the neutral form: functions, LIKE and GLOB, substrings.

use sqlparser::ast::{
    BinaryOperator, DataType, DateTimeField, Expr, ExtractSyntax, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, TrimWhereField,
};
use whimbrel_core::expression::{
    Kind, arguments, call as plain_call, case, cast, count_of, digits, function_name, kind, no, plain_name,
    text_literal, text_of as text, word,
};
use whimbrel_core::{
    ExpressionContext, Untranslated, format_date, format_timestamp, parse_date, parse_timestamp,
};

/// Functions that mean the same everywhere for the kinds of arguments they are given.
const COMMON: [&str; 13] = [
    "lower",
    "upper",
    "replace",
    "ltrim",
    "rtrim",
    "coalesce",
    "nullif",
    "count",
    "sum",
    "avg",
    "row_number",
    "rank",
    "dense_rank",
];
const WINDOWS: [&str; 5] = ["lag", "lead", "first_value", "last_value", "ntile"];

/// Turns a call into the neutral form.
pub(super) fn function(expr: &mut Expr, context: &ExpressionContext) -> Result<(), Untranslated> {
    let Expr::Function(call) = expr else {
        return Ok(());
    };
    let Some(name) = plain_name(&call.name) else {
        return Err(no(format!("function `{}`", call.name)));
    };
    set_name(call, &name);
    if matches!(call.args, FunctionArguments::None) {
        return moment_word(call, &name);
    }
    let given: Vec<Expr> = arguments(call).into_iter().cloned().collect();
    let kinds: Vec<Kind> = given.iter().map(|argument| kind(argument, context)).collect();
    let refuse = |call: &Function| Err(no(format!("`{call}`")));
    match (name.as_str(), kinds.as_slice()) {
        (name, _) if COMMON.contains(&name) || WINDOWS.contains(&name) => Ok(()),
        ("min" | "max", [_]) => Ok(()),
        ("min" | "max", [first, _, ..]) if first.is_number() && kinds.iter().all(|kind| kind == first) => {
            set_name(call, if name == "max" { "greatest" } else { "least" });
            Ok(())
        }
        ("substr" | "substring", [_, _, ..]) => {
            let fits = count_of(&given[1]).is_some_and(|from| from >= 1)
                && given.get(2).is_none_or(|length| count_of(length).is_some());
            set_name(call, "substr");
            if fits { Ok(()) } else { refuse(call) }
        }
        ("sign", [kind]) if kind.is_number() => Ok(()),
        ("floor" | "ceil", [Kind::Integer | Kind::Real]) => Ok(()),
        ("concat_ws", [Kind::Text, ..]) if kinds.iter().all(|kind| *kind == Kind::Text) => Ok(()),
        ("abs" | "round", [kind, ..]) if kind.is_number() || kind.is_open() => Ok(()),
        ("length", [Kind::Text | Kind::Bytes | Kind::Unknown]) => Ok(()),
        ("octet_length", [Kind::Text | Kind::Bytes]) => Ok(()),
        ("ifnull", [_, _]) => {
            set_name(call, "coalesce");
            Ok(())
        }
        ("instr", [Kind::Text, Kind::Text]) => {
            set_name(call, "strpos");
            Ok(())
        }
        ("iif" | "if", [_, _, _]) => {
            let [condition, result, otherwise] = given.as_slice() else {
                return refuse(call);
            };
            *expr = case(condition.clone(), result.clone(), otherwise.clone());
            Ok(())
        }
        ("group_concat" | "string_agg", [Kind::Text | Kind::Integer, ..]) => {
            concatenation(call, &given, kinds[0] == Kind::Integer)
        }
        ("total", [kind]) if kind.is_number() => {
            set_name(call, "sum");
            let sum = expr.clone();
            *expr = plain_call("coalesce", vec![sum, digits("0")]);
            Ok(())
        }
        ("date" | "datetime" | "time", _) => now_or_part(expr, &name, &given, &kinds),
        ("strftime", _) => {
            *expr = formatted_now(&given).ok_or_else(|| no(format!("`{call}`")))?;
            Ok(())
        }
        _ => Err(Untranslated::new(format!(
            "function `{name}` is not known to other engines"
        ))),
    }
}

fn set_name(call: &mut Function, name: &str) {
    call.name = function_name(name);
}

fn moment_word(call: &mut Function, name: &str) -> Result<(), Untranslated> {
    match name {
        "current_timestamp" | "current_date" | "current_time" => {
            set_name(call, &name.to_ascii_uppercase());
            Ok(())
        }
        _ => Err(no(format!("`{name}`"))),
    }
}

fn is_now(expr: &Expr) -> bool {
    text(expr).is_some_and(|text| text.eq_ignore_ascii_case("now"))
}

/// The time of now in the form in which it is stored.
fn formatted_now(given: &[Expr]) -> Option<Expr> {
    let [format, now] = given else { return None };
    match text(format)? {
        "%Y-%m-%d %H:%M:%S" if is_now(now) => Some(word("CURRENT_TIMESTAMP")),
        "%Y-%m-%d" if is_now(now) => Some(word("CURRENT_DATE")),
        _ => None,
    }
}

/// `datetime('now')` is the word; `date(x)` of a point in time is its day. A modifier such as `'localtime'` changes the meaning.
fn now_or_part(expr: &mut Expr, name: &str, given: &[Expr], kinds: &[Kind]) -> Result<(), Untranslated> {
    let now = match name {
        "date" => "CURRENT_DATE",
        "time" => "CURRENT_TIME",
        _ => "CURRENT_TIMESTAMP",
    };
    match (given, kinds) {
        ([], _) => *expr = word(now),
        ([only], _) if is_now(only) => *expr = word(now),
        ([only], _) if text(only).is_some() => {
            *expr = moment_literal(expr, name, text(only).unwrap_or_default())?;
        }
        ([only], [Kind::Date]) if name == "date" => *expr = only.clone(),
        ([only], [Kind::Timestamp(false)]) if name == "datetime" => *expr = only.clone(),
        ([only], [Kind::Timestamp(false)]) if name == "date" => {
            *expr = cast(only.clone(), DataType::Date);
        }
        _ => return Err(no(format!("`{expr}`"))),
    }
    Ok(())
}

/// `datetime('2020-01-01')` is the literal of that moment.
fn moment_literal(whole: &Expr, name: &str, text: &str) -> Result<Expr, Untranslated> {
    let day = parse_date(text).map(format_date);
    let moment = || parse_timestamp(text, false).map(|micros| format_timestamp(micros, false));
    let found = match name {
        "date" => day.or_else(|| moment().and_then(|moment| moment.split(' ').next().map(str::to_owned))),
        "datetime" => moment().or_else(|| day.map(|day| format!("{day} 00:00:00"))),
        _ => None,
    };
    found
        .map(|text| text_literal(&text))
        .ok_or_else(|| no(format!("`{whole}`")))
}

fn concatenation(call: &mut Function, given: &[Expr], of_numbers: bool) -> Result<(), Untranslated> {
    set_name(call, "string_agg");
    if given.len() > 2 {
        return Err(no(format!("`{call}`")));
    }
    let FunctionArguments::List(FunctionArgumentList { args, .. }) = &mut call.args else {
        return Ok(());
    };
    if given.len() == 1 {
        args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(text_literal(","))));
    }
    if let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = args.first_mut()
        && of_numbers
    {
        *first = cast(first.clone(), DataType::Text);
    }
    Ok(())
}

/// `CAST(strftime('%Y', x) AS INTEGER)` is `EXTRACT(YEAR FROM x)` when x is a day or time.
pub(super) fn extract_of_cast(
    inner: &Expr,
    data_type: &DataType,
    kind_of: impl Fn(&Expr) -> Kind,
) -> Option<Expr> {
    let Expr::Function(call) = inner else { return None };
    let given = arguments(call);
    let [format, of] = given.as_slice() else {
        return None;
    };
    let is_strftime = call.name.to_string().eq_ignore_ascii_case("strftime");
    let field = match (text(format)?, kind_of(of)) {
        ("%Y", Kind::Date | Kind::Timestamp(false)) => DateTimeField::Year,
        ("%m", Kind::Date | Kind::Timestamp(false)) => DateTimeField::Month,
        ("%d", Kind::Date | Kind::Timestamp(false)) => DateTimeField::Day,
        ("%H", Kind::Timestamp(false) | Kind::Time) => DateTimeField::Hour,
        ("%M", Kind::Timestamp(false) | Kind::Time) => DateTimeField::Minute,
        _ => return None,
    };
    let is_integer = super::cast_kind(data_type) == Kind::Integer;
    (is_strftime && is_integer).then(|| Expr::Extract {
        field,
        syntax: ExtractSyntax::From,
        expr: Box::new((*of).clone()),
    })
}

/// The engine's LIKE minds no ASCII case, and has no escape character unless told.
pub(super) fn like(expr: &mut Expr, context: &ExpressionContext) -> Result<(), Untranslated> {
    let Expr::Like {
        negated,
        expr: inner,
        pattern,
        escape_char,
        ..
    } = expr
    else {
        return Ok(());
    };
    let is_text = |expr: &Expr| matches!(kind(expr, context), Kind::Text | Kind::Unknown);
    if !is_text(inner) {
        return Err(no(format!("LIKE on `{inner}`, which is no text,")));
    }
    let holds_backslash = text(pattern).is_none_or(|text| text.contains('\\'));
    if escape_char.is_none() && holds_backslash {
        return Err(no(format!("LIKE with the pattern `{pattern}`")));
    }
    *expr = Expr::ILike {
        negated: *negated,
        any: false,
        expr: inner.clone(),
        pattern: pattern.clone(),
        escape_char: escape_char.clone(),
    };
    Ok(())
}

/// GLOB with `*` and `?` alone is a LIKE that minds case.
pub(super) fn glob(expr: &mut Expr) -> Result<(), Untranslated> {
    let Expr::BinaryOp {
        left,
        op: BinaryOperator::Glob,
        right,
    } = expr
    else {
        return Ok(());
    };
    let pattern = text(right)
        .filter(|pattern| !pattern.contains(['[', ']', '%', '_', '\\']))
        .ok_or_else(|| no(format!("GLOB with the pattern `{right}`")))?
        .replace('*', "%")
        .replace('?', "_");
    *expr = Expr::Like {
        negated: false,
        any: false,
        expr: left.clone(),
        pattern: Box::new(text_literal(&pattern)),
        escape_char: None,
    };
    Ok(())
}

/// Trimming other characters is a clause of the standard's, and a second argument here.
pub(super) fn trim(expr: &mut Expr) -> Result<(), Untranslated> {
    let Expr::Trim {
        trim_where,
        trim_what,
        trim_characters,
        ..
    } = expr
    else {
        return Ok(());
    };
    match trim_characters.take().as_deref() {
        None | Some([]) => Ok(()),
        Some([characters]) => {
            *trim_where = Some(TrimWhereField::Both);
            *trim_what = Some(Box::new(characters.clone()));
            Ok(())
        }
        Some(_) => Err(no("trim with several characters")),
    }
}
