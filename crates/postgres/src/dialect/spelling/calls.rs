//! Single calls of the neutral form in the engine's words: functions, parts of times, the time of now.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

use sqlparser::ast::{
    CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, TimezoneInfo,
};
use whimbrel_core::Untranslated;
use whimbrel_core::expression::{Kind, arguments, no};

use super::super::expression::{function_name, plain_name, text_literal};
use super::Speller;

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
    "substr",
    "sum",
    "trim",
    "upper",
];

pub(super) fn function(expr: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let Expr::Function(call) = expr else {
        return Ok(());
    };
    let Some(name) = plain_name(&call.name) else {
        return Err(no(format!("function `{}`", call.name)));
    };
    if matches!(call.args, FunctionArguments::None) {
        return word(expr, &name);
    }
    let given: Vec<Expr> = arguments(call).into_iter().cloned().collect();
    let kinds: Vec<Kind> = given.iter().map(|argument| speller.kind(argument)).collect();
    let refuse = |expr: &Expr| Err(no(format!("`{expr}`")));
    match (name.as_str(), kinds.as_slice()) {
        ("current_timestamp" | "now", []) => return word(expr, "current_timestamp"),
        ("current_date" | "current_time", []) => return word(expr, &name),
        ("coalesce" | "nullif", _) => speller.one_kind(given.iter())?,
        ("ifnull", [_, _]) => {
            speller.one_kind(given.iter())?;
            call.name = function_name("coalesce");
            return Ok(());
        }
        ("instr", [_, _]) => {
            call.name = function_name("strpos");
            return Ok(());
        }
        // Of our own making, for the time of now as text.
        ("to_char", _) if given.first().is_some_and(is_utc_clock) => return Ok(()),
        ("round", [Kind::Real, ..]) => return round(call),
        ("round", [_, _]) if kinds[0] == Kind::Unknown => return refuse(expr),
        ("sum" | "avg" | "abs" | "round" | "mod", [first, ..]) if !first.is_number() && !first.is_open() => {
            return refuse(expr);
        }
        // The engine neither orders truth values by these nor takes several arguments.
        ("min" | "max", [Kind::Boolean | Kind::Uuid | Kind::Json | Kind::Bytes]) => return refuse(expr),
        ("min" | "max", [_, _, ..]) => return refuse(expr),
        ("length" | "octet_length", [first])
            if !matches!(first, Kind::Text | Kind::Bytes | Kind::Unknown) =>
        {
            return refuse(expr);
        }
        (
            "lower" | "upper" | "trim" | "ltrim" | "rtrim" | "replace" | "substr" | "string_agg" | "strpos",
            [first, ..],
        ) if !matches!(first, Kind::Text | Kind::Null | Kind::Unknown) => {
            return refuse(expr);
        }
        _ => {}
    }
    if !COMMON.contains(&name.as_str()) {
        return Err(Untranslated::new(format!(
            "function `{name}` is not known to the target"
        )));
    }
    // `trim` is a clause here; the function of the same meaning has another name.
    call.name = function_name(if name == "trim" { "btrim" } else { &name });
    Ok(())
}

/// A float is rounded half to even here and half up elsewhere; its decimal is rounded half up.
fn round(call: &mut Function) -> Result<(), Untranslated> {
    if let FunctionArguments::List(FunctionArgumentList { args, .. }) = &mut call.args
        && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(first))) = args.first_mut()
    {
        *first = cast(first.clone(), DataType::Numeric(ExactNumberInfo::None));
    }
    call.name = function_name("round");
    Ok(())
}

/// The words of now: the day and time of now are those of UTC, whatever the session's zone.
fn word(expr: &mut Expr, name: &str) -> Result<(), Untranslated> {
    let wanted = match name {
        "current_timestamp" => Kind::Timestamp(true),
        "current_date" => Kind::Date,
        "current_time" => Kind::Time,
        _ => return Err(no(format!("`{expr}`"))),
    };
    *expr = now(wanted).ok_or_else(|| no(format!("`{name}`")))?;
    Ok(())
}

/// The time of now as a value of the kind.
fn now(wanted: Kind) -> Option<Expr> {
    let word = Expr::Function(Function {
        name: function_name("CURRENT_TIMESTAMP"),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::None,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    });
    let wall_clock = |word: Expr| {
        Expr::Nested(Box::new(Expr::AtTimeZone {
            timestamp: Box::new(word),
            time_zone: Box::new(text_literal("UTC")),
        }))
    };
    match wanted {
        Kind::Timestamp(true) => Some(word),
        Kind::Timestamp(false) => Some(wall_clock(word)),
        Kind::Date => Some(cast(wall_clock(word), DataType::Date)),
        Kind::Time => Some(cast(wall_clock(word), DataType::Time(None, TimezoneInfo::None))),
        _ => None,
    }
}

/// Returns the words of now in a place of the wanted kind; none when the expression is no such word.
pub(super) fn now_as(expr: &Expr, wanted: Kind) -> Result<Option<Expr>, Untranslated> {
    let Expr::Function(call) = expr else {
        return Ok(None);
    };
    let name = plain_name(&call.name).unwrap_or_default();
    let format = match name.as_str() {
        "current_timestamp" | "now" => "YYYY-MM-DD HH24:MI:SS",
        "current_date" => "YYYY-MM-DD",
        "current_time" => "HH24:MI:SS",
        _ => return Ok(None),
    };
    if wanted == Kind::Text {
        // As the engines that keep times in text write them.
        return Ok(now(Kind::Timestamp(false)).map(|clock| to_char(clock, format)));
    }
    let is_whole = matches!(name.as_str(), "current_timestamp" | "now");
    let spelled = match wanted {
        Kind::Timestamp(_) if is_whole => now(wanted),
        Kind::Date => now(wanted),
        Kind::Time if name != "current_date" => now(wanted),
        _ => None,
    };
    spelled
        .map(Some)
        .ok_or_else(|| no(format!("`{expr}` as a value of another kind")))
}

/// Tells whether it is the time of now.
pub(super) fn is_now(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(call)
        if plain_name(&call.name).is_some_and(|name| name == "current_timestamp" || name == "now"))
}

fn is_utc_clock(expr: &Expr) -> bool {
    matches!(expr, Expr::Nested(inner) if matches!(&**inner, Expr::AtTimeZone { .. }))
}

/// Makes the time of now a wall clock in UTC.
pub(super) fn utc(expr: &mut Expr) {
    if let Some(clock) = now(Kind::Timestamp(false)) {
        *expr = clock;
    }
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Nested(Box::new(expr))),
        data_type,
        format: None,
    }
}

fn to_char(clock: Expr, format: &str) -> Expr {
    let arguments = [clock, text_literal(format)];
    let args = arguments
        .into_iter()
        .map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)))
        .collect();
    Expr::Function(Function {
        name: function_name("to_char"),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A part of a time is a whole number elsewhere.
pub(super) fn extract(expr: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let Expr::Extract { expr: of, .. } = expr else {
        return Ok(());
    };
    if !matches!(speller.kind(of), Kind::Date | Kind::Time | Kind::Timestamp(false)) {
        return Err(no(format!("`{expr}`")));
    }
    Ok(())
}
