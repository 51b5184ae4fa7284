//! Operators: comparison, arithmetic that fails rather than wraps or rounds, joining of text; and the one kind of values that
//! meet each other.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "operators name the kinds that they take"
)]

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array as _, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use arrow_buffer::i256;
use datafusion_common::ScalarValue;
use datafusion_expr::Operator;
use datafusion_physical_expr::expressions::{BinaryExpr, NegativeExpr, not};
use sqlparser::ast::{BinaryOperator, Expr, Spanned, UnaryOperator};
use whimbrel_core::Result;

use super::Binder;
use crate::cast::{as_text, convert, in_library};
use crate::functions::moments;
use crate::kernel::{Kernel, OnRefusal, Tree, all_valid};
use crate::kinds::{common, decimal, digits, mismatch};
use crate::node::{Kind, Node, folded};
use crate::number::{self, Scaled};

/// Digits that a quotient has beyond those of the numbers divided.
const QUOTIENT_DIGITS: u8 = 6;

impl Binder<'_> {
    pub(super) fn binary(
        &mut self,
        part: &Expr,
        left: &Expr,
        operator: &BinaryOperator,
        right: &Expr,
    ) -> Result<Node> {
        let operator = match operator {
            BinaryOperator::And => return self.connected(part, left, Operator::And, right),
            BinaryOperator::Or => return self.connected(part, left, Operator::Or, right),
            BinaryOperator::Eq => return self.compared(part, left, Operator::Eq, right),
            BinaryOperator::NotEq => return self.compared(part, left, Operator::NotEq, right),
            BinaryOperator::Lt => return self.compared(part, left, Operator::Lt, right),
            BinaryOperator::LtEq => return self.compared(part, left, Operator::LtEq, right),
            BinaryOperator::Gt => return self.compared(part, left, Operator::Gt, right),
            BinaryOperator::GtEq => return self.compared(part, left, Operator::GtEq, right),
            BinaryOperator::Spaceship => {
                return self.compared(part, left, Operator::IsNotDistinctFrom, right);
            }
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::Modulo => Operator::Modulo,
            BinaryOperator::BitwiseAnd => Operator::BitwiseAnd,
            BinaryOperator::BitwiseOr => Operator::BitwiseOr,
            BinaryOperator::BitwiseXor => Operator::BitwiseXor,
            BinaryOperator::StringConcat => return self.joined(left, right),
            other => return self.refuse(part, format!("operator `{other}` is not known in expressions")),
        };
        let (left, right) = (self.value(left)?, self.value(right)?);
        self.at(part, arithmetic(left, operator, right))
    }

    pub(super) fn unary(&mut self, part: &Expr, operator: UnaryOperator, inner: &Expr) -> Result<Node> {
        let node = self.value(inner)?;
        match operator {
            UnaryOperator::Not => {
                let node = match node.kind {
                    Kind::Boolean => node,
                    Kind::Null => self.at(part, convert(node, &Kind::Boolean))?,
                    _ => return self.refuse(inner, format!("this is {}; must be a condition", node.kind)),
                };
                let made = not(node.tree.clone()).map_err(|error| error.strip_backtrace());
                let tree = self.at(part, made)?;
                Ok(Node::of(tree, Kind::Boolean, &[&node]))
            }
            UnaryOperator::Plus if node.kind.is_number() => Ok(node),
            UnaryOperator::Minus if node.kind.is_number() => Ok(negative(node)),
            UnaryOperator::Minus if node.kind == Kind::Null => Ok(node),
            _ => self.refuse(part, format!("operator `{operator}` does not take {}", node.kind)),
        }
    }

    /// Compares two parts, in the one kind that holds the values of both.
    pub(super) fn compared(
        &mut self,
        part: &impl Spanned,
        left: &Expr,
        operator: Operator,
        right: &Expr,
    ) -> Result<Node> {
        let nodes = vec![self.value(left)?, self.value(right)?];
        let nodes = self.unified(part, nodes)?;
        let [left, right] = &nodes[..] else {
            return self.refuse(part, "a comparison has two sides");
        };
        if left.kind == Kind::Interval {
            return self.refuse(
                part,
                "intervals have no order: a month has no fixed number of days",
            );
        }
        let (left, right) = (comparable(left.clone()), comparable(right.clone()));
        let tree = Arc::new(BinaryExpr::new(left.tree.clone(), operator, right.tree.clone()));
        let node = Node::of(tree, Kind::Boolean, &[&left, &right]);
        let total = matches!(operator, Operator::IsDistinctFrom | Operator::IsNotDistinctFrom);
        Ok(Node {
            nullable: node.nullable && !total,
            ..node
        })
    }

    /// Joins two texts; NULL on either side makes NULL.
    fn joined(&mut self, left: &Expr, right: &Expr) -> Result<Node> {
        let mut sides = Vec::new();
        for side in [left, right] {
            let node = self.value(side)?;
            if node.kind == Kind::Bytes {
                return self.refuse(side, "bytes are not text; write `encode(value, 'hex')`");
            }
            sides.push(self.at(side, as_text(node))?);
        }
        let [left, right] = &sides[..] else {
            return self.refuse(right, "`||` joins two texts");
        };
        let length = |node: &Node| match node.kind {
            Kind::Text { chars_max } => chars_max,
            _ => None,
        };
        let chars_max = length(left)
            .zip(length(right))
            .and_then(|(left, right)| left.checked_add(right));
        let tree = BinaryExpr::new(left.tree.clone(), Operator::StringConcat, right.tree.clone());
        Ok(Node::of(Arc::new(tree), Kind::Text { chars_max }, &[left, right]))
    }

    /// Brings values that meet each other to one kind.
    pub(super) fn unified(&self, part: &impl Spanned, nodes: Vec<Node>) -> Result<Vec<Node>> {
        let kind = self.at(part, common(&nodes))?;
        let nodes = nodes.into_iter().map(|node| convert(node, &kind));
        self.at(part, nodes.collect::<Result<Vec<_>, String>>())
    }
}

/// Makes floats comparable: zeros are equal, and every NaN is the same one, above all numbers.
pub(super) fn comparable(node: Node) -> Node {
    let Kind::Float { bits } = node.kind else {
        return node;
    };
    let narrow = bits == 32;
    let work = move |columns: &[ArrayRef]| -> Result<ArrayRef, String> {
        Ok(match narrow {
            true => Arc::new(
                columns[0]
                    .as_primitive::<Float32Type>()
                    .unary::<_, Float32Type>(|value| if value.is_nan() { f32::NAN } else { value + 0.0 }),
            ),
            false => Arc::new(
                columns[0]
                    .as_primitive::<Float64Type>()
                    .unary::<_, Float64Type>(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }),
            ),
        })
    };
    let tree = Kernel::tree(
        "comparable",
        vec![node.tree.clone()],
        node.kind.arrow(),
        Arc::new(work),
    );
    folded(Node::of(tree, node.kind.clone(), &[&node]))
}

fn negative(node: Node) -> Node {
    if let Kind::Integer { bits } = node.kind {
        let zero = Node::constant(ScalarValue::Int64(Some(0)), Kind::INTEGER);
        let tree = checked(&zero, Operator::Minus, &node);
        let bits = if node.constant { bits } else { 64 };
        return Node::of(tree, Kind::Integer { bits }, &[&node]).fallible();
    }
    Node::of(
        Arc::new(NegativeExpr::new(node.tree.clone())),
        node.kind.clone(),
        &[&node],
    )
}

fn checked(left: &Node, operator: Operator, right: &Node) -> Tree {
    let tree = BinaryExpr::new(left.tree.clone(), operator, right.tree.clone());
    Arc::new(tree.with_fail_on_overflow(true))
}

fn symbol(operator: Operator) -> String {
    operator.to_string()
}

/// Computes with numbers and moments.
pub(super) fn arithmetic(left: Node, operator: Operator, right: Node) -> Result<Node, String> {
    if let Some(made) = moments::arithmetic(&left, operator, &right) {
        return made.map(Node::fallible);
    }
    let (left, right) = numbers_of(left, operator, right)?;
    let bits = matches!(
        operator,
        Operator::BitwiseAnd | Operator::BitwiseOr | Operator::BitwiseXor
    );
    Ok(match (&left.kind, &right.kind) {
        (Kind::Integer { .. }, Kind::Integer { .. }) => {
            let tree = checked(&left, operator, &right);
            let node = Node::of(tree, Kind::INTEGER, &[&left, &right]);
            if bits { node } else { node.fallible() }
        }
        _ if bits => return Err(format!("operator `{}` takes integers", symbol(operator))),
        (Kind::Float { bits: 32 }, Kind::Float { bits: 32 }) => {
            floats::<Float32Type>(&left, operator, &right, Kind::Float { bits: 32 })
        }
        (Kind::Float { .. }, _) | (_, Kind::Float { .. }) => {
            let (left, right) = (convert(left, &Kind::FLOAT)?, convert(right, &Kind::FLOAT)?);
            floats::<Float64Type>(&left, operator, &right, Kind::FLOAT)
        }
        _ => decimals(&left, operator, &right)?.fallible(),
    })
}

/// Both sides as numbers: a literal in quotes and NULL take the kind of the other.
fn numbers_of(left: Node, operator: Operator, right: Node) -> Result<(Node, Node), String> {
    let becomes = |node: &Node, other: &Node| {
        let open = node.kind == Kind::Null || node.literal.is_some();
        match other.kind.is_number() {
            true if open => Some(other.kind.clone()),
            _ if node.kind == Kind::Null => Some(Kind::INTEGER),
            _ => None,
        }
    };
    let (first, second) = (becomes(&left, &right), becomes(&right, &left));
    let left = first.map_or(Ok(left.clone()), |kind| convert(left, &kind))?;
    let right = second.map_or(Ok(right.clone()), |kind| convert(right, &kind))?;
    for node in [&left, &right] {
        if !node.kind.is_number() {
            let hint = match node.kind.is_text() {
                true => "; use `||` to join text, or `CAST(… AS …)` to make it a number",
                false => "",
            };
            return Err(format!(
                "operator `{}` does not take {}{hint}",
                symbol(operator),
                node.kind
            ));
        }
    }
    Ok((left, right))
}

/// Float arithmetic in which finite numbers never become infinite or no number.
fn floats<T>(left: &Node, operator: Operator, right: &Node, kind: Kind) -> Node
where
    T: ArrowPrimitiveType,
    T::Native: num_ops::Float,
{
    use num_ops::Float as _;
    let compute: fn(T::Native, T::Native) -> T::Native = match operator {
        Operator::Plus => T::Native::plus,
        Operator::Minus => T::Native::minus,
        Operator::Multiply => T::Native::times,
        Operator::Modulo => T::Native::modulo,
        _ => T::Native::over,
    };
    let divides = matches!(operator, Operator::Divide | Operator::Modulo);
    let work = move |columns: &[ArrayRef]| -> Result<ArrayRef, String> {
        let (left, right) = (columns[0].as_primitive::<T>(), columns[1].as_primitive::<T>());
        let valid = all_valid(columns);
        let values: Vec<T::Native> = left
            .values()
            .iter()
            .zip(right.values())
            .map(|(left, right)| compute(*left, *right))
            .collect();
        let wrong = values.iter().enumerate().find(|(row, value)| {
            !value.finite()
                && valid.as_ref().is_none_or(|valid| valid.is_valid(*row))
                && left.value(*row).finite()
                && right.value(*row).finite()
        });
        match wrong {
            Some((row, _)) if divides && right.value(row).zero() => Err("division by zero".to_owned()),
            Some(_) => Err("the number is out of range".to_owned()),
            None => Ok(Arc::new(PrimitiveArray::<T>::new(values.into(), valid))),
        }
    };
    let trees = vec![left.tree.clone(), right.tree.clone()];
    let tree = Kernel::tree(
        format!("float {}", symbol(operator)),
        trees,
        kind.arrow(),
        Arc::new(work),
    );
    Node::of(tree, kind, &[left, right]).fallible()
}

/// The operations that floats of both widths share.
mod num_ops {
    pub(super) trait Float: Copy {
        fn plus(self, other: Self) -> Self;
        fn minus(self, other: Self) -> Self;
        fn times(self, other: Self) -> Self;
        fn over(self, other: Self) -> Self;
        fn modulo(self, other: Self) -> Self;
        fn finite(self) -> bool;
        fn zero(self) -> bool;
    }

    macro_rules! float {
        ($float:ty) => {
            impl Float for $float {
                fn plus(self, other: Self) -> Self {
                    self + other
                }
                fn minus(self, other: Self) -> Self {
                    self - other
                }
                fn times(self, other: Self) -> Self {
                    self * other
                }
                fn over(self, other: Self) -> Self {
                    self / other
                }
                fn modulo(self, other: Self) -> Self {
                    self % other
                }
                fn finite(self) -> bool {
                    self.is_finite()
                }
                fn zero(self) -> bool {
                    self == 0.0
                }
            }
        };
    }
    float!(f32);
    float!(f64);
}

fn decimals(left: &Node, operator: Operator, right: &Node) -> Result<Node, String> {
    let (Some(one), Some(two)) = (digits(left), digits(right)) else {
        return Err(mismatch(&left.kind, &right.kind));
    };
    let unbounded = one.2 || two.2;
    let (p1, s1, p2, s2) = (
        u32::from(one.0),
        u32::from(one.1),
        u32::from(two.0),
        u32::from(two.1),
    );
    let scale = s1.max(s2);
    let whole = (p1 - s1).max(p2 - s2);
    let shape = match operator {
        Operator::Plus | Operator::Minus => (whole + scale + 1, scale),
        Operator::Multiply => (p1 + p2, s1 + s2),
        Operator::Modulo => (whole + scale, scale),
        _ => {
            // The quotient of whole numbers by a fraction has more whole digits.
            let places = scale + u32::from(QUOTIENT_DIGITS);
            let places = if unbounded { scale } else { places };
            (p1 - s1 + s2 + places, places)
        }
    };
    let kind = decimal(shape, unbounded)?;
    let Kind::Decimal { precision, scale, .. } = kind else {
        return Err(mismatch(&left.kind, &right.kind));
    };
    let exact = shape.0 <= 38 && matches!(operator, Operator::Plus | Operator::Minus | Operator::Multiply);
    if exact {
        // So few digits cannot overflow, and the library's rule for the result is the same.
        let sides = [(left, one), (right, two)].map(|(node, digits)| as_decimal(node, digits));
        let [first, second] = &sides;
        return Ok(Node::of(checked(first, operator, second), kind, &[first, second]));
    }
    let sides = [(left, one), (right, two)].map(|(node, digits)| as_decimal(node, digits));
    let (from_left, from_right) = (one.1, two.1);
    let work = move |columns: &[ArrayRef]| -> Result<ArrayRef, String> {
        let (left, right) = (number::scaled(&columns[0]), number::scaled(&columns[1]));
        let rows = arrow_array::BooleanArray::new(
            arrow_buffer::BooleanBuffer::new_unset(columns[0].len()),
            all_valid(columns),
        );
        number::make(&rows, precision, scale, OnRefusal::Fail, |row| {
            let (left, right) = (left(row).long(), right(row).long());
            compute(operator, (left, from_left), (right, from_right), scale).map(Scaled::Long)
        })
    };
    let trees = sides.iter().map(|side| side.tree.clone()).collect();
    let tree = Kernel::tree(
        format!("decimal {}", symbol(operator)),
        trees,
        kind.arrow(),
        Arc::new(work),
    );
    Ok(Node::of(tree, kind, &[&sides[0], &sides[1]]))
}

fn as_decimal(node: &Node, (precision, scale, unbounded): (u8, u8, bool)) -> Node {
    let kind = Kind::Decimal {
        precision,
        scale,
        unbounded,
    };
    if node.kind == kind {
        return node.clone();
    }
    let tree = in_library(node.tree.clone(), &kind);
    folded(Node::of(tree, kind, &[node]))
}

/// Computes with scaled integers; the result has the scale.
fn compute(
    operator: Operator,
    (left, from_left): (i256, u8),
    (right, from_right): (i256, u8),
    scale: u8,
) -> Result<i256, String> {
    let divides = matches!(operator, Operator::Divide | Operator::Modulo);
    if divides && right == i256::ZERO {
        return Err("division by zero".to_owned());
    }
    let value = match operator {
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide => {
            // left / right at the scale is left * 10^(scale - from_left + from_right) / right.
            let up = scale + from_right - from_left;
            number::power(up)
                .and_then(|power| left.checked_mul(power))
                .and_then(|left| number::divide_rounding(left, right))
        }
        _ => {
            let left = number::rescale(left, from_left, scale);
            let right = number::rescale(right, from_right, scale);
            left.zip(right).and_then(|(left, right)| match operator {
                Operator::Plus => left.checked_add(right),
                Operator::Minus => left.checked_sub(right),
                _ => left.checked_rem(right),
            })
        }
    };
    value.ok_or_else(|| "the number is out of range".to_owned())
}
