//! The engine's words into the neutral form. The server prints every implied cast; those that say nothing go, and the rest is
//! kept only where it means the same everywhere. What has no neutral form is said, never passed on.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

mod calls;
mod casts;

use sqlparser::ast::{BinaryOperator, Expr, Ident, OrderByExpr, OrderBySort, UnaryOperator, Value};
use whimbrel_core::expression::{Kind, Translate, at_time_zone, check_call, is_plain, kind, list, no};
use whimbrel_core::{ExpressionContext, Untranslated};

/// Reads expressions whose parts are neutral already.
pub(super) struct Reader<'a> {
    context: &'a ExpressionContext,
}

impl<'a> Reader<'a> {
    pub(super) fn new(context: &'a ExpressionContext) -> Self {
        Self { context }
    }

    fn kind(&self, expr: &Expr) -> Kind {
        kind(expr, self.context)
    }
}

impl Translate for Reader<'_> {
    fn ident(&mut self, ident: &mut Ident) {
        if ident.quote_style.is_none() {
            ident.value = ident.value.to_lowercase();
        }
        ident.quote_style = Some('"');
    }

    fn order(&mut self, order: &mut OrderByExpr) -> Result<(), Untranslated> {
        // To this engine NULL is larger than everything.
        let descending = matches!(order.options.sort, Some(OrderBySort::Desc));
        order.options.nulls_first.get_or_insert(descending);
        Ok(())
    }

    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        self.read(expr)
    }
}

impl Reader<'_> {
    fn read(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::Like { any: false, .. }
            | Expr::ILike { any: false, .. }
            | Expr::Position { .. }
            | Expr::Trim { .. }
            | Expr::Substring { special: false, .. }
            | Expr::Extract { .. }
            // Only as the list of ANY and ALL, which is looked at next.
            | Expr::Array(_) => Ok(()),
            part if is_plain(part) => Ok(()),
            Expr::Value(value) => literal(&mut value.value),
            Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus, .. } => Ok(()),
            Expr::BinaryOp { .. } => self.operation(expr),
            Expr::AnyOp { .. } | Expr::AllOp { .. } => list(expr),
            Expr::Cast { .. } | Expr::TypedString(_) => casts::read(expr, self.context),
            Expr::AtTimeZone { .. } => at_time_zone(expr),
            Expr::Collate { expr: inner, collation } => {
                let name = collation.to_string();
                if ["\"C\"", "\"POSIX\"", "\"default\""].iter().any(|plain| name.ends_with(plain)) {
                    *expr = (**inner).clone();
                    return Ok(());
                }
                Err(no(format!("collation {name}")))
            }
            Expr::Function(call) => {
                check_call(call)?;
                calls::function(expr, self.context)
            }
            other => Err(no(format!("`{other}`"))),
        }
    }

    fn operation(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        use BinaryOperator as Op;
        let Expr::BinaryOp { left, op, right } = whole else {
            return Ok(());
        };
        let (a, b) = (self.kind(left), self.kind(right));
        let are_numbers = [a, b].iter().all(|kind| kind.is_number() || kind.is_open());
        match op {
            Op::And | Op::Or | Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => Ok(()),
            Op::StringConcat => Ok(()),
            // Decimals divide to as many digits as the engine likes.
            Op::Divide if a == Kind::Decimal || b == Kind::Decimal => {
                Err(no(format!("the division of decimals `{whole}`")))
            }
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo if are_numbers => Ok(()),
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => {
                Err(no(format!("`{whole}`, no numbers,")))
            }
            Op::BitwiseAnd | Op::BitwiseOr | Op::PGBitwiseShiftLeft | Op::PGBitwiseShiftRight => Ok(()),
            Op::PGLikeMatch | Op::PGNotLikeMatch | Op::PGILikeMatch | Op::PGNotILikeMatch => {
                *whole = matched(left, op, right);
                Ok(())
            }
            other => Err(no(format!("operator `{other}`"))),
        }
    }
}

/// `~~` is how the server prints LIKE.
fn matched(left: &Expr, op: &BinaryOperator, right: &Expr) -> Expr {
    let negated = matches!(
        op,
        BinaryOperator::PGNotLikeMatch | BinaryOperator::PGNotILikeMatch
    );
    let (expr, pattern) = (Box::new(left.clone()), Box::new(right.clone()));
    if matches!(op, BinaryOperator::PGLikeMatch | BinaryOperator::PGNotLikeMatch) {
        Expr::Like {
            negated,
            any: false,
            expr,
            pattern,
            escape_char: None,
        }
    } else {
        Expr::ILike {
            negated,
            any: false,
            expr,
            pattern,
            escape_char: None,
        }
    }
}

fn literal(value: &mut Value) -> Result<(), Untranslated> {
    match value {
        Value::Number(..) | Value::SingleQuotedString(_) | Value::Boolean(_) | Value::Null => Ok(()),
        Value::EscapedStringLiteral(text) => {
            *value = Value::SingleQuotedString(std::mem::take(text));
            Ok(())
        }
        other => Err(no(format!("`{other}`"))),
    }
}
