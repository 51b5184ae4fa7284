//! Conditions, and what is computed only where its condition holds: CASE, COALESCE, NULLIF, AND, OR, IN, BETWEEN, LIKE.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser knows far more than can be computed from a row"
)]

use std::sync::Arc;

use datafusion_expr::Operator;
use datafusion_physical_expr::expressions::{
    BinaryExpr, CaseExpr, LikeExpr, Literal, in_list, is_not_null, is_null, not,
};
use sqlparser::ast::{CaseWhen, Expr, Spanned, Value};
use whimbrel_core::Result;

use super::Binder;
use super::operator::arithmetic;
use crate::carry::working;
use crate::cast::convert;
use crate::kernel::Tree;
use crate::node::{Kind, Node};

impl Binder<'_> {
    pub(super) fn bind_condition(&mut self, part: &Expr) -> Result<Node> {
        match part {
            Expr::IsNull(inner) => self.null_test(inner, true),
            Expr::IsNotNull(inner) => self.null_test(inner, false),
            Expr::IsTrue(inner) => self.truth_test(part, inner, (Some(true), false)),
            Expr::IsNotTrue(inner) => self.truth_test(part, inner, (Some(true), true)),
            Expr::IsFalse(inner) => self.truth_test(part, inner, (Some(false), false)),
            Expr::IsNotFalse(inner) => self.truth_test(part, inner, (Some(false), true)),
            Expr::IsUnknown(inner) => self.truth_test(part, inner, (None, false)),
            Expr::IsNotUnknown(inner) => self.truth_test(part, inner, (None, true)),
            Expr::IsDistinctFrom(left, right) => self.compared(part, left, Operator::IsDistinctFrom, right),
            Expr::IsNotDistinctFrom(left, right) => {
                self.compared(part, left, Operator::IsNotDistinctFrom, right)
            }
            Expr::Between {
                expr,
                negated,
                low,
                high,
            } => self.between(part, (expr, low, high), *negated),
            Expr::InList { expr, list, negated } => self.in_list(part, expr, list, *negated),
            Expr::Like {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => self.like(part, (expr, pattern, escape_char.as_deref()), (*negated, false)),
            Expr::ILike {
                negated,
                any: false,
                expr,
                pattern,
                escape_char,
            } => self.like(part, (expr, pattern, escape_char.as_deref()), (*negated, true)),
            Expr::Case {
                operand,
                conditions,
                else_result,
                ..
            } => self.case(part, operand.as_deref(), conditions, else_result.as_deref()),
            _ => self.refuse_kind(part),
        }
    }

    /// Binds the functions that do not compute all their arguments; none when the name is another.
    pub(super) fn lazy(&mut self, part: &impl Spanned, name: &str, parts: &[&Expr]) -> Result<Option<Node>> {
        Ok(Some(match (name, parts) {
            ("coalesce" | "ifnull" | "nvl", [_, ..]) => {
                if name != "coalesce" && parts.len() != 2 {
                    return self.refuse(part, format!("`{name}` takes 2 arguments"));
                }
                self.coalesce(part, parts)?
            }
            ("nullif", [value, other]) => {
                let bound = self.bind(value)?;
                let equal = self.compared(part, value, Operator::Eq, other)?;
                let tree = self.when(
                    part,
                    vec![(equal.tree.clone(), null_of(&bound))],
                    Some(bound.tree.clone()),
                )?;
                let fallible = bound.fallible || equal.fallible;
                Node {
                    tree,
                    nullable: true,
                    constant: false,
                    fallible,
                    literal: None,
                    ..bound
                }
            }
            ("if" | "iif", [condition, value, other]) => {
                let condition = self.condition(condition)?;
                let values = vec![self.bind(value)?, self.bind(other)?];
                self.choose(part, vec![condition], values)?
            }
            ("mod", [left, right]) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                self.at(part, arithmetic(left, Operator::Modulo, right))?
            }
            _ => return Ok(None),
        }))
    }

    /// Binds a part that must be true or false.
    fn condition(&mut self, part: &Expr) -> Result<Node> {
        let node = self.value(part)?;
        if node.kind != Kind::Boolean && node.kind != Kind::Null {
            return self.refuse(part, format!("this is {}; must be a condition", node.kind));
        }
        self.at(part, convert(node, &Kind::Boolean))
    }

    fn null_test(&mut self, inner: &Expr, wanted: bool) -> Result<Node> {
        let node = self.bind(inner)?;
        let made = match wanted {
            true => is_null(node.tree.clone()),
            false => is_not_null(node.tree.clone()),
        };
        let tree = self.at(inner, made.map_err(|error| error.strip_backtrace()))?;
        Ok(Node {
            nullable: false,
            ..Node::of(tree, Kind::Boolean, &[&node])
        })
    }

    fn truth_test(
        &mut self,
        part: &Expr,
        inner: &Expr,
        (wanted, negated): (Option<bool>, bool),
    ) -> Result<Node> {
        let node = self.condition(inner)?;
        let wanted: Tree = Arc::new(Literal::new(wanted.into()));
        let operator = match negated {
            true => Operator::IsDistinctFrom,
            false => Operator::IsNotDistinctFrom,
        };
        let tree = Arc::new(BinaryExpr::new(node.tree.clone(), operator, wanted));
        self.at(
            part,
            Ok(Node {
                nullable: false,
                ..Node::of(tree, Kind::Boolean, &[&node])
            }),
        )
    }

    fn between(
        &mut self,
        part: &Expr,
        (value, low, high): (&Expr, &Expr, &Expr),
        negated: bool,
    ) -> Result<Node> {
        let (first, second, join) = match negated {
            false => (Operator::GtEq, Operator::LtEq, Operator::And),
            true => (Operator::Lt, Operator::Gt, Operator::Or),
        };
        let above = self.compared(part, value, first, low)?;
        let below = self.compared(part, value, second, high)?;
        let tree = Arc::new(BinaryExpr::new(above.tree.clone(), join, below.tree.clone()));
        Ok(Node::of(tree, Kind::Boolean, &[&above, &below]))
    }

    fn in_list(&mut self, part: &Expr, value: &Expr, list: &[Expr], negated: bool) -> Result<Node> {
        let mut nodes = vec![self.value(value)?];
        for member in list {
            nodes.push(self.value(member)?);
        }
        let nodes = self.unified(part, nodes)?;
        let nodes: Vec<Node> = nodes.into_iter().map(super::operator::comparable).collect();
        let trees = nodes[1..].iter().map(|node| node.tree.clone()).collect();
        let made = in_list(nodes[0].tree.clone(), trees, &negated, &self.schema());
        let tree = self.at(part, made.map_err(|error| error.strip_backtrace()))?;
        Ok(Node::of(tree, Kind::Boolean, &nodes.iter().collect::<Vec<_>>()))
    }

    fn like(
        &mut self,
        part: &Expr,
        (value, pattern, escape): (&Expr, &Expr, Option<&Expr>),
        (negated, any_case): (bool, bool),
    ) -> Result<Node> {
        let escapes = escape.is_none_or(|escape| {
            matches!(escape, Expr::Value(value) if value.value == Value::SingleQuotedString("\\".to_owned()))
        });
        if !escapes {
            return self.refuse(part, "only a backslash can be the escape character of LIKE");
        }
        let mut nodes = Vec::new();
        for side in [value, pattern] {
            let node = self.value(side)?;
            if !node.kind.is_text() && node.kind != Kind::Null {
                return self.refuse(side, format!("LIKE takes text; this is {}", node.kind));
            }
            nodes.push(self.at(side, convert(node, &Kind::TEXT))?);
        }
        let [value, pattern] = &nodes[..] else {
            return self.refuse(part, "LIKE takes two texts");
        };
        let tree = LikeExpr::new(negated, any_case, value.tree.clone(), pattern.tree.clone());
        Ok(Node::of(Arc::new(tree), Kind::Boolean, &[value, pattern]))
    }

    fn case(
        &mut self,
        part: &Expr,
        operand: Option<&Expr>,
        branches: &[CaseWhen],
        otherwise: Option<&Expr>,
    ) -> Result<Node> {
        let (mut conditions, mut values) = (Vec::new(), Vec::new());
        for branch in branches {
            conditions.push(match operand {
                Some(operand) => self.compared(part, operand, Operator::Eq, &branch.condition)?,
                None => self.condition(&branch.condition)?,
            });
            values.push(self.bind(&branch.result)?);
        }
        values.push(match otherwise {
            Some(otherwise) => self.bind(otherwise)?,
            None => Node::null(),
        });
        self.choose(part, conditions, values)
    }

    fn coalesce(&mut self, part: &impl Spanned, parts: &[&Expr]) -> Result<Node> {
        let mut values = Vec::new();
        for value in parts {
            values.push(self.bind(value)?);
        }
        let mut conditions = Vec::new();
        for value in &values[..values.len() - 1] {
            let made = is_not_null(value.tree.clone()).map_err(|error| error.strip_backtrace());
            conditions.push(Node::of(self.at(part, made)?, Kind::Boolean, &[value]));
        }
        let nullable = values.iter().all(|value| value.nullable);
        if conditions.is_empty() {
            return Ok(values.remove(0));
        }
        let node = self.choose(part, conditions, values)?;
        Ok(Node { nullable, ..node })
    }

    /// The value whose condition is the first to hold, else the last value. Columns of one type stay as they travel.
    fn choose(&self, part: &impl Spanned, conditions: Vec<Node>, values: Vec<Node>) -> Result<Node> {
        let first = values.iter().find_map(|value| value.carried.clone());
        let alike = |value: &Node| value.kind == Kind::Null || value.carried == first;
        let as_they_travel = first.is_some() && values.iter().all(alike);
        let values = match as_they_travel {
            true => values,
            false => {
                let values = values
                    .into_iter()
                    .map(working)
                    .collect::<Result<Vec<_>, String>>();
                self.unified(part, self.at(part, values)?)?
            }
        };
        let kind = values
            .iter()
            .map(|value| value.kind.clone())
            .find(|kind| *kind != Kind::Null)
            .unwrap_or(Kind::Null);
        let mut trees = values.iter().map(|value| value.tree.clone());
        let branches: Vec<(Tree, Tree)> = conditions
            .iter()
            .map(|condition| condition.tree.clone())
            .zip(trees.by_ref())
            .collect();
        let last = values
            .last()
            .filter(|last| last.kind != Kind::Null)
            .map(|last| last.tree.clone());
        if kind == Kind::Null {
            return Ok(Node::null());
        }
        // A branch of NULL without a type takes the type of the others.
        let typed_null = values.iter().find(|value| value.kind != Kind::Null).map(null_of);
        let branches = branches
            .into_iter()
            .zip(&values)
            .map(|((when, then), value)| match (&value.kind, &typed_null) {
                (Kind::Null, Some(null)) => (when, null.clone()),
                _ => (when, then),
            })
            .collect();
        let tree = self.when(part, branches, last)?;
        let parts: Vec<&Node> = conditions.iter().chain(&values).collect();
        Ok(Node {
            nullable: values.iter().any(|value| value.nullable),
            carried: if as_they_travel { first } else { None },
            ..Node::of(tree, kind, &parts)
        })
    }

    pub(super) fn when(
        &self,
        part: &impl Spanned,
        branches: Vec<(Tree, Tree)>,
        otherwise: Option<Tree>,
    ) -> Result<Tree> {
        let made = CaseExpr::try_new(None, branches, otherwise).map_err(|error| error.strip_backtrace());
        Ok(Arc::new(self.at(part, made)?))
    }

    /// AND and OR: where the left side decides, the right one is not computed when it might fail.
    pub(super) fn connected(
        &mut self,
        part: &Expr,
        left: &Expr,
        operator: Operator,
        right: &Expr,
    ) -> Result<Node> {
        let left = self.condition(left)?;
        let right = self.condition(right)?;
        let both: Tree = Arc::new(BinaryExpr::new(left.tree.clone(), operator, right.tree.clone()));
        if !right.fallible {
            return Ok(Node::of(both, Kind::Boolean, &[&left, &right]));
        }
        let decides = operator == Operator::Or;
        let decided = match decides {
            true => left.tree.clone(),
            false => self.at(
                part,
                not(left.tree.clone()).map_err(|error| error.strip_backtrace()),
            )?,
        };
        let answer: Tree = Arc::new(Literal::new(Some(decides).into()));
        let tree = self.when(part, vec![(decided, answer)], Some(both))?;
        Ok(Node::of(tree, Kind::Boolean, &[&left, &right]))
    }
}

/// NULL in the form of the node.
fn null_of(node: &Node) -> Tree {
    let data_type = match &node.carried {
        Some(logical) => whimbrel_core::arrow_type(logical),
        None => node.kind.arrow(),
    };
    let null = datafusion_common::ScalarValue::try_new_null(&data_type)
        .unwrap_or(datafusion_common::ScalarValue::Null);
    Arc::new(Literal::new(null))
}
