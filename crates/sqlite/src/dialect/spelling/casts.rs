//! Casts: those that say nothing here go, those that the engine can do exactly stay, the others are refused.

use sqlparser::ast::{CastKind, DataType, ExactNumberInfo, Expr, Value};
use whimbrel_core::expression::{
    Kind, call, digits, is_number_literal, kind, no, of_type, text_literal, text_of,
};
use whimbrel_core::{ExpressionContext, Untranslated};

use super::canonical_text;

/// Replaces a cast (or a typed literal) by what it means here.
pub(super) fn remove(expr: &mut Expr, context: &ExpressionContext) -> Result<(), Untranslated> {
    loop {
        let replaced = match expr {
            Expr::TypedString(typed) => {
                let text = typed.value.value.clone().into_string().unwrap_or_default();
                of_literal(&text_literal(&text), of_type(&typed.data_type))?
            }
            Expr::Cast {
                kind: CastKind::Cast | CastKind::DoubleColon,
                expr: inner,
                data_type,
                ..
            } => of_cast(inner, data_type, context)?,
            _ => return Ok(()),
        };
        match replaced {
            Some(plain) => *expr = plain,
            None => return Ok(()),
        }
    }
}

/// Returns what replaces the cast; none when it stays.
fn of_cast(
    inner: &Expr,
    data_type: &DataType,
    context: &ExpressionContext,
) -> Result<Option<Expr>, Untranslated> {
    let to = of_type(data_type);
    if text_of(inner).is_some() || is_number_literal(inner) {
        return of_literal(inner, to);
    }
    let from = kind(inner, context);
    let refuse = || Err(no(format!("`CAST({inner} AS {data_type})`")));
    match (from, to) {
        (Kind::Null, _) => Ok(Some(inner.clone())),
        // Decimals are stored as text: the cast is what makes them numbers.
        (Kind::Decimal, Kind::Decimal) if !has_limit(data_type) => {
            keep(inner, DataType::Numeric(ExactNumberInfo::None), data_type)
        }
        (from, to) if from == to && !has_limit(data_type) => Ok(Some(inner.clone())),
        (Kind::Integer, Kind::Decimal) if !has_limit(data_type) => Ok(Some(inner.clone())),
        (Kind::Integer | Kind::Decimal, Kind::Real) => keep(inner, DataType::Real, data_type),
        (Kind::Integer | Kind::Date | Kind::Uuid, Kind::Text) if !has_limit(data_type) => {
            keep(inner, DataType::Text, data_type)
        }
        (Kind::Boolean, Kind::Integer) => Ok(Some(inner.clone())),
        // The day is what the text of the time begins with.
        (Kind::Timestamp(false), Kind::Date) => {
            let (from, length) = (digits("1"), digits("10"));
            Ok(Some(call("substr", vec![inner.clone(), from, length])))
        }
        _ => refuse(),
    }
}

/// A cast that is spelled as it shall be stays.
fn keep(inner: &Expr, wanted: DataType, have: &DataType) -> Result<Option<Expr>, Untranslated> {
    if *have == wanted {
        return Ok(None);
    }
    Ok(Some(Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(inner.clone()),
        data_type: wanted,
        format: None,
    }))
}

/// Types with a length or precision cut or round; only those without are plain.
fn has_limit(data_type: &DataType) -> bool {
    data_type.to_string().contains('(')
}

fn of_literal(inner: &Expr, to: Kind) -> Result<Option<Expr>, Untranslated> {
    let Some(text) = text_of(inner) else {
        // Numbers cast to other sorts of numbers stay what they are.
        return match to {
            to if to.is_number() => Ok(Some(inner.clone())),
            Kind::Text => Ok(Some(text_literal(&inner.to_string()))),
            _ => Err(no(format!("`{inner}` cast to another kind"))),
        };
    };
    match to {
        to if to.is_moment() => match canonical_text(text, to) {
            Some(text) => Ok(Some(text_literal(&text))),
            None => Err(no(format!("the time `'{text}'`"))),
        },
        to if to.is_number() && crate::declared::looks_numeric(text.as_bytes()) => {
            Ok(Some(Expr::value(Value::Number(text.trim().to_owned(), false))))
        }
        Kind::Boolean => match text {
            "t" | "true" => Ok(Some(Expr::value(Value::Boolean(true)))),
            "f" | "false" => Ok(Some(Expr::value(Value::Boolean(false)))),
            _ => Err(no(format!("the truth value `'{text}'`"))),
        },
        Kind::Text | Kind::Json | Kind::Uuid | Kind::Unknown => Ok(Some(inner.clone())),
        Kind::Integer
        | Kind::Real
        | Kind::Decimal
        | Kind::Date
        | Kind::Time
        | Kind::Timestamp(_)
        | Kind::Bytes
        | Kind::Other
        | Kind::Null => Err(no(format!("`'{text}'` cast to another kind"))),
    }
}
