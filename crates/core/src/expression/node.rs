//! Looking into nodes of a parsed expression and making new ones.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a node of another sort is simply not what is asked for"
)]

use sqlparser::ast::helpers::attached_token::AttachedToken;
use sqlparser::ast::{
    CaseWhen, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, UnaryOperator, Value,
};

/// Returns the text of a text literal.
pub fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        Expr::Nested(inner) => text_of(inner),
        _ => None,
    }
}

/// Makes a text literal.
pub fn text_literal(text: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(text.to_owned()))
}

/// Makes a number as it is written.
pub fn digits(text: &str) -> Expr {
    Expr::value(Value::Number(text.to_owned(), false))
}

/// Makes a number; none when the text is no plain one.
pub fn number_literal(text: &str) -> Option<Expr> {
    let text = text.trim();
    let (negative, whole) = text
        .strip_prefix('-')
        .map_or((false, text), |digits| (true, digits));
    let is_number = whole.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && crate::canonical_decimal(whole).is_some();
    let number = is_number.then(|| digits(whole))?;
    Some(if negative {
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: Box::new(number),
        }
    } else {
        number
    })
}

/// Makes a truth value.
pub fn truth_literal(truth: bool) -> Expr {
    Expr::value(Value::Boolean(truth))
}

/// Tells whether it is a number as written.
pub fn is_number_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Value(value) => matches!(value.value, Value::Number(..)),
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        }
        | Expr::Nested(expr) => is_number_literal(expr),
        _ => false,
    }
}

/// Tells whether it is a value as written.
pub fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::Nested(inner) => is_literal(inner),
        _ => is_number_literal(expr),
    }
}

/// Returns the truth value that the literal 0 or 1 stands for.
pub fn truth_of(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(digits, _) if digits == "0" => Some(false),
            Value::Number(digits, _) if digits == "1" => Some(true),
            _ => None,
        },
        Expr::Nested(inner) => truth_of(inner),
        _ => None,
    }
}

/// Returns the whole number from zero on that a literal says.
pub fn count_of(expr: &Expr) -> Option<u32> {
    match expr {
        Expr::Nested(inner) => count_of(inner),
        _ => expr.to_string().parse().ok(),
    }
}

/// Returns a function's bare name in small letters; none when it is qualified.
pub fn plain_name(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [only] => only.as_ident().map(|ident| ident.value.to_ascii_lowercase()),
        _ => None,
    }
}

/// Makes a bare name without quotes, for functions.
pub fn function_name(name: &str) -> ObjectName {
    ObjectName::from(vec![Ident::new(name)])
}

/// Makes a call.
pub fn call(name: &str, given: Vec<Expr>) -> Expr {
    let args = given
        .into_iter()
        .map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)))
        .collect();
    call_of(
        name,
        FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args,
            clauses: Vec::new(),
        }),
    )
}

/// Makes a call without brackets: `CURRENT_TIMESTAMP` and its like.
pub fn word(name: &str) -> Expr {
    call_of(name, FunctionArguments::None)
}

fn call_of(name: &str, args: FunctionArguments) -> Expr {
    Expr::Function(Function {
        name: function_name(name),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args,
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Tells whether it is the time of now.
pub fn is_now(expr: &Expr) -> bool {
    match expr {
        Expr::Function(call) => {
            plain_name(&call.name).is_some_and(|name| matches!(name.as_str(), "current_timestamp" | "now"))
        }
        Expr::Nested(inner) => is_now(inner),
        _ => false,
    }
}

/// Makes a standard cast.
pub fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(expr),
        data_type,
        format: None,
    }
}

/// Makes brackets.
pub fn nested(expr: Expr) -> Expr {
    Expr::Nested(Box::new(expr))
}

/// Makes the negation of a condition.
pub fn not(expr: Expr) -> Expr {
    Expr::UnaryOp {
        op: UnaryOperator::Not,
        expr: Box::new(nested(expr)),
    }
}

/// Makes a choice between two values.
pub fn case(condition: Expr, result: Expr, otherwise: Expr) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result }],
        else_result: Some(Box::new(otherwise)),
    }
}

/// Takes an expression out of its place, which must get another one.
pub fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, Expr::value(Value::Null))
}

/// Takes the brackets away that stand around a whole expression.
pub fn without_brackets(mut expr: Expr) -> Expr {
    while let Expr::Nested(inner) = expr {
        expr = *inner;
    }
    expr
}
