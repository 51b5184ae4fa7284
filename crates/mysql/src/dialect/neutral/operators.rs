//! Operators: those that are words here, and those whose results the servers make of other kinds than the neutral form does.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

use sqlparser::ast::{BinaryOperator, Expr};
use whimbrel_core::expression::{Kind, call, digits, is_literal, is_number_literal, no, take};
use whimbrel_core::{LogicalType, Untranslated};

use super::Reader;

/// Makes a comparison.
pub(super) fn compared(left: Expr, op: BinaryOperator, right: Expr) -> Expr {
    Expr::BinaryOp {
        left: Box::new(left),
        op,
        right: Box::new(right),
    }
}

/// Divisors other than zero need no guard against it.
fn guarded(divisor: Expr) -> Expr {
    let is_zero = divisor
        .to_string()
        .bytes()
        .all(|byte| matches!(byte, b'0' | b'.'));
    if is_number_literal(&divisor) && !is_zero {
        return divisor;
    }
    call("nullif", vec![divisor, digits("0")])
}

impl Reader<'_> {
    pub(super) fn operation(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        use BinaryOperator as Op;
        let Expr::BinaryOp { left, op, right } = whole else {
            return Ok(());
        };
        match op {
            Op::And | Op::Or => {
                self.condition(left)?;
                self.condition(right)
            }
            Op::Xor => {
                self.condition(left)?;
                self.condition(right)?;
                let (left, right) = (take(left), take(right));
                *whole = compared(left, Op::NotEq, right);
                Ok(())
            }
            Op::Eq | Op::NotEq => self.agree(left, right),
            Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => {
                self.ordered(left)?;
                self.ordered(right)?;
                self.agree(left, right)
            }
            Op::Spaceship => {
                self.agree(left, right)?;
                *whole = Expr::IsNotDistinctFrom(Box::new(take(left)), Box::new(take(right)));
                Ok(())
            }
            Op::Plus | Op::Minus | Op::Multiply => {
                self.number(left)?;
                self.number(right)
            }
            Op::Divide | Op::MyIntegerDivide | Op::Modulo => self.division(whole),
            // The servers' bits are unsigned; only what cannot reach the sign is the same.
            Op::BitwiseAnd if is_count(left) || is_count(right) => {
                self.number(left)?;
                self.number(right)
            }
            other => Err(no(format!("operator `{other}`"))),
        }
    }

    fn division(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        use BinaryOperator as Op;
        let Expr::BinaryOp { left, op, right } = whole else {
            return Ok(());
        };
        self.number(left)?;
        self.number(right)?;
        let (a, b) = (self.kind(left), self.kind(right));
        let meant = match (&*op, a, b) {
            (Op::MyIntegerDivide, Kind::Integer, Kind::Integer) => Op::Divide,
            (Op::Modulo, Kind::Integer | Kind::Decimal, Kind::Integer | Kind::Decimal) => Op::Modulo,
            (Op::Divide, Kind::Real, b) if b.is_number() => Op::Divide,
            (Op::Divide, a, Kind::Real) if a.is_number() => Op::Divide,
            (Op::Divide, ..) => {
                return Err(no(format!(
                    "the division `{whole}`, whose digits differ from engine to engine,"
                )));
            }
            _ => return Err(no(format!("`{whole}`"))),
        };
        let divisor = guarded(take(right));
        *whole = compared(take(left), meant, divisor);
        Ok(())
    }

    /// Labels are in the order of their list here, and sets have none.
    fn ordered(&self, expr: &Expr) -> Result<(), Untranslated> {
        let name = match expr {
            Expr::Identifier(ident) => &ident.value,
            Expr::CompoundIdentifier(parts) if !parts.is_empty() => &parts[parts.len() - 1].value,
            _ => return Ok(()),
        };
        match self.context.columns.get(name) {
            Some(LogicalType::Set { .. } | LogicalType::Enum { .. }) => {
                Err(no(format!("the order of the labels of `{name}`")))
            }
            _ => Ok(()),
        }
    }
}

/// Tells whether it is a plain number without a sign.
fn is_count(expr: &Expr) -> bool {
    is_literal(expr) && whimbrel_core::expression::count_of(expr).is_some()
}
