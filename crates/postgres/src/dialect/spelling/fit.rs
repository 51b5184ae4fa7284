//! Literals and words of now in a place of a known type.

use sqlparser::ast::{Expr, Value};
use whimbrel_core::expression::{self, of_logical, without_brackets};
use whimbrel_core::{ExpressionContext, LogicalType, Untranslated};

use super::calls;

/// Makes a value that goes into a place of the expected type (a default) one of that type.
pub(in super::super) fn fit(
    expr: Expr,
    expected: &LogicalType,
    context: &ExpressionContext,
) -> Result<Expr, Untranslated> {
    let expr = without_brackets(expr);
    if let LogicalType::Set { .. } = expected
        && let Expr::Value(value) = &expr
        && let Value::SingleQuotedString(labels) = &value.value
    {
        return Ok(Expr::value(Value::SingleQuotedString(array(labels))));
    }
    match calls::now_as(&expr, of_logical(expected))? {
        Some(now) => Ok(now),
        None => expression::fit(expr, expected, context),
    }
}

/// The labels of a set, which commas join, as the server writes an array.
fn array(labels: &str) -> String {
    let quoted = |label: &str| format!("\"{}\"", label.replace('\\', "\\\\").replace('"', "\\\""));
    let labels = labels.split(',').filter(|label| !label.is_empty());
    format!("{{{}}}", labels.map(quoted).collect::<Vec<_>>().join(","))
}
