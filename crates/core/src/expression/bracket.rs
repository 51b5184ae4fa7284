//! Brackets where engines disagree which operator binds tighter. A tree is printed without any of its own.
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not listed is one word")]

use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

use super::node::{nested, take};

/// How tight an expression binds, as far as all engines agree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bind {
    Or,
    And,
    Not,
    /// Comparisons, LIKE, IN, BETWEEN, IS: none may stand beside another.
    Compare,
    /// Bits, concatenation and whatever engines rank in ways of their own: none may stand beside anything.
    Own,
    Add,
    Multiply,
    Sign,
    Word,
}

fn bind(expr: &Expr) -> Bind {
    match expr {
        Expr::BinaryOp { op, .. } => of_operator(op),
        Expr::UnaryOp { op, .. } => match op {
            UnaryOperator::Not => Bind::Not,
            _ => Bind::Sign,
        },
        Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsTrue(_)
        | Expr::IsNotTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::IsDistinctFrom(..)
        | Expr::IsNotDistinctFrom(..)
        | Expr::InList { .. }
        | Expr::InSubquery { .. }
        | Expr::Between { .. }
        | Expr::Like { .. }
        | Expr::ILike { .. }
        | Expr::RLike { .. }
        | Expr::AnyOp { .. }
        | Expr::AllOp { .. } => Bind::Compare,
        Expr::Collate { .. } | Expr::AtTimeZone { .. } => Bind::Own,
        _ => Bind::Word,
    }
}

fn of_operator(op: &BinaryOperator) -> Bind {
    use BinaryOperator as Op;
    match op {
        Op::Or => Bind::Or,
        Op::And => Bind::And,
        Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq | Op::Spaceship => Bind::Compare,
        Op::Plus | Op::Minus => Bind::Add,
        Op::Multiply | Op::Divide | Op::Modulo => Bind::Multiply,
        _ => Bind::Own,
    }
}

/// Puts brackets around the parts of an expression that could be read otherwise without them.
pub fn bracket(expr: &mut Expr) {
    let whole = bind(expr);
    match expr {
        Expr::BinaryOp { left, op, right } => {
            let chained = matches!(whole, Bind::Or | Bind::And | Bind::Add | Bind::Multiply)
                || *op == BinaryOperator::StringConcat && is_concatenation(left);
            part(left, whole, chained);
            part(right, whole, false);
        }
        Expr::UnaryOp { expr, .. } => part(expr, whole, false),
        Expr::IsNull(expr)
        | Expr::IsNotNull(expr)
        | Expr::IsTrue(expr)
        | Expr::IsNotTrue(expr)
        | Expr::IsFalse(expr)
        | Expr::IsNotFalse(expr)
        | Expr::IsUnknown(expr)
        | Expr::IsNotUnknown(expr) => part(expr, whole, false),
        Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
            part(left, whole, false);
            part(right, whole, false);
        }
        Expr::InList { expr, .. } | Expr::InSubquery { expr, .. } => part(expr, whole, false),
        Expr::Between { expr, low, high, .. } => {
            part(expr, whole, false);
            part(low, whole, false);
            part(high, whole, false);
        }
        Expr::Like { expr, pattern, .. }
        | Expr::ILike { expr, pattern, .. }
        | Expr::RLike { expr, pattern, .. } => {
            part(expr, whole, false);
            part(pattern, whole, false);
        }
        Expr::Collate { expr, .. } => part(expr, whole, false),
        _ => {}
    }
}

fn is_concatenation(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::BinaryOp {
            op: BinaryOperator::StringConcat,
            ..
        }
    )
}

fn part(expr: &mut Expr, whole: Bind, chained: bool) {
    let inner = bind(expr);
    let is_clear = match inner {
        Bind::Word => true,
        // What engines rank in ways of their own stands alone, but in a list of conditions.
        Bind::Own => whole <= Bind::Not || chained && whole == Bind::Own,
        inner => inner > whole && whole != Bind::Own || chained && inner == whole,
    };
    if !is_clear {
        *expr = nested(take(expr));
    }
}
