//! Single calls of the neutral form in the engine's words: functions, parts of times, the time of now.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, TimezoneInfo, Value,
};
use whimbrel_core::Untranslated;
use whimbrel_core::expression::{
    Kind, arguments, call, case, columns_of, function_name, is_common, nested, no, plain_name, text_literal,
    word,
};

use super::Speller;

/// Functions of the same name and meaning beside those that all engines have.
const KNOWN: &[&str] = &[
    "ceil",
    "floor",
    "gen_random_uuid",
    "greatest",
    "least",
    "length",
    "lpad",
    "mod",
    "power",
    "reverse",
    "right",
    "rpad",
    "string_agg",
    "strpos",
    "substr",
    "trim",
];

pub(super) fn function(expr: &mut Expr, speller: &Speller<'_>) -> Result<(), Untranslated> {
    let Expr::Function(call) = expr else {
        return Ok(());
    };
    let Some(name) = plain_name(&call.name) else {
        return Err(no(format!("function `{}`", call.name)));
    };
    if matches!(call.args, FunctionArguments::None) {
        return spelled_word(expr, &name);
    }
    let given: Vec<Expr> = arguments(call).into_iter().cloned().collect();
    let kinds: Vec<Kind> = given.iter().map(|argument| speller.kind(argument)).collect();
    let refuse = |expr: &Expr| Err(no(format!("`{expr}`")));
    match (name.as_str(), kinds.as_slice()) {
        ("current_timestamp" | "now", []) => return spelled_word(expr, "current_timestamp"),
        ("current_date" | "current_time", []) => return spelled_word(expr, &name),
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
        ("sum" | "avg" | "abs" | "round" | "mod" | "ceil" | "floor" | "sign" | "power", [first, ..])
            if !first.is_number() && !first.is_open() =>
        {
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
            "lower" | "upper" | "trim" | "ltrim" | "rtrim" | "replace" | "substr" | "string_agg" | "strpos"
            | "concat_ws" | "right" | "lpad" | "rpad" | "reverse",
            [first, ..],
        ) if !matches!(first, Kind::Text | Kind::Null | Kind::Unknown)
            // Counts bytes there as everywhere.
            && (name.as_str(), *first) != ("substr", Kind::Bytes) =>
        {
            return refuse(expr);
        }
        _ => {}
    }
    if !is_common(&name) && !KNOWN.contains(&name.as_str()) {
        return Err(Untranslated::new(format!(
            "function `{name}` is not known to the target"
        )));
    }
    if matches!(name.as_str(), "strpos" | "replace") {
        speller.plain_argument(call);
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
fn spelled_word(expr: &mut Expr, name: &str) -> Result<(), Untranslated> {
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
    let clock = word("CURRENT_TIMESTAMP");
    let wall_clock = |clock: Expr| {
        nested(Expr::AtTimeZone {
            timestamp: Box::new(clock),
            time_zone: Box::new(text_literal("UTC")),
        })
    };
    match wanted {
        Kind::Timestamp(true) => Some(clock),
        Kind::Timestamp(false) => Some(wall_clock(clock)),
        Kind::Date => Some(cast(wall_clock(clock), DataType::Date)),
        Kind::Time => Some(cast(wall_clock(clock), DataType::Time(None, TimezoneInfo::None))),
        _ => None,
    }
}

/// Returns the words of now in a place of the wanted kind; none when the expression is no such word.
pub(super) fn now_as(expr: &Expr, wanted: Kind) -> Result<Option<Expr>, Untranslated> {
    let Expr::Function(function) = expr else {
        return Ok(None);
    };
    let name = plain_name(&function.name).unwrap_or_default();
    let format = match name.as_str() {
        "current_timestamp" | "now" => "YYYY-MM-DD HH24:MI:SS",
        "current_date" => "YYYY-MM-DD",
        "current_time" => "HH24:MI:SS",
        _ => return Ok(None),
    };
    if wanted == Kind::Text {
        // As the engines that keep times in text write them.
        return Ok(
            now(Kind::Timestamp(false)).map(|clock| call("to_char", vec![clock, text_literal(format)]))
        );
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
        expr: Box::new(nested(expr)),
        data_type,
        format: None,
    }
}

/// The largest of several values leaves NULLs out here; elsewhere it is NULL beside one. Only what names a column can be NULL.
pub(super) fn extreme(expr: &mut Expr) {
    let Expr::Function(function) = &*expr else { return };
    let missing = arguments(function)
        .into_iter()
        .filter(|argument| !columns_of(argument).is_empty())
        .map(|argument| Expr::IsNull(Box::new(argument.clone())))
        .reduce(|a, b| Expr::BinaryOp {
            left: Box::new(a),
            op: BinaryOperator::Or,
            right: Box::new(b),
        });
    if let Some(missing) = missing {
        *expr = case(missing, Expr::value(Value::Null), expr.clone());
    }
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
