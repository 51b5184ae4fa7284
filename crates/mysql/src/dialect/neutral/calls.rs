//! Functions of the servers in the neutral form. Those that are not listed are refused by name, before anything inside them is.

use sqlparser::ast::{
    DataType, DateTimeField, Expr, ExtractSyntax, Function, FunctionArg, FunctionArgExpr, FunctionArguments,
};
use whimbrel_core::Untranslated;
use whimbrel_core::expression::{
    Kind, arguments, call, case, cast, check_call, count_of, digits, function_name, has_part, no, plain_name,
    truth_literal, word,
};

use super::{Reader, texts};

/// Functions of the same name and meaning, for arguments of these kinds.
const OF_NUMBERS: &[&str] = &["abs", "ceil", "floor", "sign", "sum", "avg"];
const OF_TEXTS: &[&str] = &["lower", "upper", "replace", "ltrim", "rtrim", "trim", "reverse"];
const OF_ANYTHING: &[&str] = &[
    "coalesce",
    "count",
    "dense_rank",
    "first_value",
    "lag",
    "last_value",
    "lead",
    "max",
    "min",
    "ntile",
    "nullif",
    "rank",
    "row_number",
];

/// Functions that others know by another name.
const RENAMED: &[(&str, &str)] = &[
    ("ceiling", "ceil"),
    ("ifnull", "coalesce"),
    ("lcase", "lower"),
    ("nvl", "coalesce"),
    ("pow", "power"),
    ("ucase", "upper"),
    ("mid", "substr"),
    ("substring", "substr"),
    ("character_length", "char_length"),
    ("day", "dayofmonth"),
    ("localtimestamp", "current_timestamp"),
    ("localtime", "current_timestamp"),
    ("now", "current_timestamp"),
    ("utc_timestamp", "current_timestamp"),
    ("curdate", "current_date"),
    ("utc_date", "current_date"),
    ("curtime", "current_time"),
    ("utc_time", "current_time"),
    ("length", "octet_length"),
];

/// Functions with a branch of their own in [`function`].
const OWN: &[&str] = &[
    "char_length",
    "concat",
    "concat_ws",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "dayofmonth",
    "greatest",
    "group_concat",
    "hour",
    "if",
    "instr",
    "isnull",
    "json_valid",
    "least",
    "left",
    "locate",
    "lpad",
    "minute",
    "mod",
    "month",
    "octet_length",
    "power",
    "quarter",
    "right",
    "round",
    "rpad",
    "substr",
    "uuid",
    "year",
];

fn neutral_name(call: &Function) -> Option<String> {
    let name = plain_name(&call.name)?;
    let found = RENAMED.iter().find(|(own, _)| *own == name);
    Some(found.map_or(name, |(_, neutral)| (*neutral).to_owned()))
}

/// Refuses a function that nobody else knows.
pub(super) fn check(call: &Function) -> Result<(), Untranslated> {
    let known = |name: &String| {
        let name = name.as_str();
        [OF_NUMBERS, OF_TEXTS, OF_ANYTHING, OWN]
            .iter()
            .any(|list| list.contains(&name))
    };
    match neutral_name(call).filter(known) {
        Some(_) => Ok(()),
        None => Err(Untranslated::new(format!(
            "function `{}` has no neutral form",
            call.name
        ))),
    }
}

pub(super) fn function(expr: &mut Expr, reader: &Reader<'_>) -> Result<(), Untranslated> {
    let Expr::Function(call) = expr else {
        return Ok(());
    };
    let Some(name) = neutral_name(call) else {
        return Err(no(format!("function `{}`", call.name)));
    };
    call.name = function_name(&name);
    if name == "group_concat" {
        return texts::joined(call, reader);
    }
    check_call(call)?;
    if matches!(
        name.as_str(),
        "current_timestamp" | "current_date" | "current_time"
    ) {
        // How many digits of the second are kept is a matter of the column.
        *expr = word(&name.to_ascii_uppercase());
        return Ok(());
    }
    if name == "count" {
        count(call);
        return Ok(());
    }
    each(call, |argument| match name.as_str() {
        name if OF_NUMBERS.contains(&name) => reader.number(argument),
        name if OF_TEXTS.contains(&name) => reader.text(argument),
        _ => Ok(()),
    })?;
    if OF_NUMBERS.contains(&name.as_str())
        || OF_TEXTS.contains(&name.as_str())
        || OF_ANYTHING.contains(&name.as_str())
    {
        return Ok(());
    }
    let given: Vec<Expr> = arguments(call).into_iter().cloned().collect();
    match own(&name, given, reader)? {
        Some(neutral) => {
            *expr = neutral;
            Ok(())
        }
        None => Err(no(format!("`{expr}`"))),
    }
}

fn each(
    call: &mut Function,
    mut change: impl FnMut(&mut Expr) -> Result<(), Untranslated>,
) -> Result<(), Untranslated> {
    if let FunctionArguments::List(list) = &mut call.args {
        for argument in &mut list.args {
            if let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument {
                change(expr)?;
            }
        }
    }
    Ok(())
}

/// `count(0)` is how the servers print `count(*)`.
fn count(call: &mut Function) {
    let is_constant = arguments(call)
        .first()
        .is_some_and(|argument| whimbrel_core::expression::is_number_literal(argument));
    if let FunctionArguments::List(list) = &mut call.args
        && is_constant
        && list.duplicate_treatment.is_none()
    {
        list.args = vec![FunctionArg::Unnamed(FunctionArgExpr::Wildcard)];
    }
}

/// Returns what a function becomes that is more than a name; none for arguments that change its meaning.
fn own(name: &str, mut given: Vec<Expr>, reader: &Reader<'_>) -> Result<Option<Expr>, Untranslated> {
    let kinds: Vec<Kind> = given.iter().map(|argument| reader.kind(argument)).collect();
    let count = |at: usize| given.get(at).and_then(count_of);
    let spelled = match (name, kinds.as_slice()) {
        ("if", [_, _, _]) => {
            reader.condition(&mut given[0])?;
            let otherwise = given.remove(2);
            let result = given.remove(1);
            case(given.remove(0), result, otherwise)
        }
        ("isnull", [_]) => Expr::IsNull(Box::new(given.remove(0))),
        ("concat", [_, ..]) => texts::concatenation(given, reader)?,
        ("concat_ws", [_, _, ..]) => {
            given.iter_mut().try_for_each(|part| reader.text(part))?;
            call("concat_ws", given)
        }
        ("char_length", [Kind::Text]) => call("length", given),
        ("octet_length", [Kind::Bytes]) => call(name, given),
        ("octet_length", [Kind::Text]) if is_unicode(&given[0], reader) => call(name, given),
        ("octet_length", [Kind::Text]) => {
            return Err(no(format!(
                "the length in bytes of `{}`, whose characters have other bytes elsewhere,",
                given[0]
            )));
        }
        ("locate", [Kind::Text, Kind::Text]) => texts::find(given.remove(0), given.remove(0), reader)?,
        ("instr", [Kind::Text, Kind::Text]) => texts::find(given.remove(1), given.remove(0), reader)?,
        ("left", [Kind::Text, _]) if count(1).is_some() => {
            given.insert(1, digits("1"));
            call("substr", given)
        }
        ("right", [Kind::Text, _]) if count(1).is_some() => call(name, given),
        ("lpad" | "rpad", [Kind::Text, _, Kind::Text]) if count(1).is_some() && is_pad(&given[2]) => {
            call(name, given)
        }
        ("substr", [_, _, ..])
            if count(1).is_some_and(|from| from >= 1) && (given.len() == 2 || count(2).is_some()) =>
        {
            reader.text(&mut given[0])?;
            call(name, given)
        }
        ("greatest" | "least", [first, _, ..]) if alike(*first, &kinds) => call(name, given),
        ("round", [Kind::Integer | Kind::Decimal]) => call(name, given),
        ("round", [Kind::Integer | Kind::Decimal, _]) if count(1).is_some() => call(name, given),
        ("mod", [Kind::Integer, Kind::Integer]) => {
            let divisor = given.remove(1);
            let mut whole =
                super::operators::compared(given.remove(0), sqlparser::ast::BinaryOperator::Modulo, divisor);
            reader.operation(&mut whole)?;
            whole
        }
        ("power", [a, b]) if a.is_number() && b.is_number() => power(given),
        ("date", [Kind::Timestamp(false)]) => cast(given.remove(0), DataType::Date),
        ("date", [Kind::Date]) => given.remove(0),
        ("year" | "month" | "dayofmonth" | "hour" | "minute" | "quarter", [_]) => {
            let mut part = Expr::Extract {
                field: field(name),
                syntax: ExtractSyntax::From,
                expr: Box::new(given.remove(0)),
            };
            extract(&mut part, reader)?;
            part
        }
        // The type says so already.
        ("json_valid", [Kind::Json]) => truth_literal(true),
        ("json_valid", [Kind::Text]) => call(name, given),
        ("uuid", []) => call("gen_random_uuid", given),
        _ => return Ok(None),
    };
    Ok(Some(spelled))
}

/// The servers compute powers as floats.
fn power(mut given: Vec<Expr>) -> Expr {
    let exponent = cast(given.remove(1), DataType::DoublePrecision);
    call(
        "power",
        vec![cast(given.remove(0), DataType::DoublePrecision), exponent],
    )
}

fn alike(first: Kind, kinds: &[Kind]) -> bool {
    let is_number = |kind: &Kind| matches!(kind, Kind::Integer | Kind::Decimal);
    kinds.iter().all(is_number) || first.is_moment() && kinds.iter().all(|kind| *kind == first)
}

fn is_pad(expr: &Expr) -> bool {
    whimbrel_core::expression::text_of(expr).is_some_and(|text| !text.is_empty())
}

/// Tells whether the column is kept in the bytes that it has elsewhere.
fn is_unicode(expr: &Expr, reader: &Reader<'_>) -> bool {
    let columns = whimbrel_core::expression::columns_of(expr);
    columns.iter().all(|name| {
        let collation = reader.context.collations.get(name);
        collation.is_some_and(|collation| collation.starts_with("utf8") || collation.starts_with("ascii"))
    })
}

fn field(name: &str) -> DateTimeField {
    match name {
        "year" => DateTimeField::Year,
        "month" => DateTimeField::Month,
        "hour" => DateTimeField::Hour,
        "minute" => DateTimeField::Minute,
        "quarter" => DateTimeField::Quarter,
        _ => DateTimeField::Day,
    }
}

/// A part of a time that has no zone.
pub(super) fn extract(whole: &mut Expr, reader: &Reader<'_>) -> Result<(), Untranslated> {
    let Expr::Extract { field, expr, .. } = whole else {
        return Ok(());
    };
    let of = reader.kind(expr);
    let fits = has_part(field, of);
    if fits {
        return Ok(());
    }
    Err(no(format!("`{whole}`")))
}
