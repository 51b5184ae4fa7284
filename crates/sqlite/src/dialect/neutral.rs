//! The engine's expressions and queries into the neutral form: names resolved, functions known, kinds of values agreeing.
//! What has no neutral form is said, never passed on. Single calls are in `neutral/calls.rs`.

mod calls;
mod names;
mod spoken;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, Ident, ObjectName, OrderByExpr, OrderBySort, Query, Select,
    UnaryOperator, Value,
};
use sqlparser::parser::{Parser, ParserError};
use whimbrel_core::expression::{
    self, Kind, Translate, cast, check_call, check_grouping, digits, is_literal, is_plain, kind,
    limit_before_offset, literal_as, nested, no, of_logical, parser, read_expression, read_query, take, walk,
    without_brackets,
};
use whimbrel_core::{ExpressionContext, LogicalType, Untranslated};

use self::names::Names;
use self::spoken::Spoken;

/// Parses an expression into the neutral form.
pub(super) fn expression(text: &str, context: &ExpressionContext) -> Result<Expr, Untranslated> {
    refuse_hex(text)?;
    let mut expr = read_expression(text, spoken)?;
    let names = Names::of_expression(context);
    walk(&mut expr, &mut Translator { names, context })?;
    match &context.expected {
        Some(expected) => fit(expr, expected),
        None => Ok(expr),
    }
}

/// Parses a query into the neutral form.
pub(super) fn query(text: &str, context: &ExpressionContext) -> Result<Query, Untranslated> {
    refuse_hex(text)?;
    let mut query = read_query(text, spoken)?;
    let names = Names::of_query(&query, context);
    walk(&mut query, &mut Translator { names, context })?;
    Ok(query)
}

fn spoken(text: &str) -> Result<Parser<'static>, ParserError> {
    parser(&Spoken, text)
}

/// The parser does not tell the number `0x1F` from the blob `x'1F'`.
fn refuse_hex(text: &str) -> Result<(), Untranslated> {
    let tokens = crate::sql::tokens(text).unwrap_or_default();
    let is_hex = |text: &str| text.starts_with("0x") || text.starts_with("0X");
    match tokens.iter().find(|token| is_hex(token.text)) {
        Some(number) => Err(no(format!("`{}`", number.text))),
        None => Ok(()),
    }
}

struct Translator<'a> {
    names: Names,
    context: &'a ExpressionContext,
}

impl Translate for Translator<'_> {
    fn query(&mut self, query: &mut Query) -> Result<(), Untranslated> {
        limit_before_offset(query);
        Ok(())
    }

    fn selected(&mut self, select: &mut Select) -> Result<(), Untranslated> {
        for condition in [&mut select.selection, &mut select.having].into_iter().flatten() {
            self.condition(condition)?;
        }
        check_grouping(select)
    }

    fn relation(&mut self, relation: &mut ObjectName) -> Result<(), Untranslated> {
        self.names.relation(relation)
    }

    fn ident(&mut self, ident: &mut Ident) {
        self.names.spell(ident);
    }

    fn order(&mut self, order: &mut OrderByExpr) -> Result<(), Untranslated> {
        // To this engine NULL is smaller than everything.
        let descending = matches!(order.options.sort, Some(OrderBySort::Desc));
        order.options.nulls_first.get_or_insert(!descending);
        Ok(())
    }

    fn before(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        // Looked at as a whole, before the call inside is refused.
        if let Expr::Cast {
            expr: inner,
            data_type,
            ..
        } = expr
            && let Some(extract) = calls::extract_of_cast(inner, data_type, |of| self.kind_as_written(of))
        {
            *expr = extract;
        }
        self.names.column(expr)
    }

    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        self.translate(expr)
    }
}

impl Translator<'_> {
    fn kind(&self, expr: &Expr) -> Kind {
        kind(expr, self.context)
    }

    /// The kind of a column whose name is not yet spelled as it is declared.
    fn kind_as_written(&self, expr: &Expr) -> Kind {
        let ident = match expr {
            Expr::Identifier(ident) => Some(ident),
            Expr::CompoundIdentifier(parts) => parts.last(),
            _ => None,
        };
        ident.map_or(Kind::Unknown, |ident| {
            let mut ident = ident.clone();
            self.names.spell(&mut ident);
            self.kind(&Expr::Identifier(ident))
        })
    }

    /// Turns one expression, whose parts are neutral already, into the neutral form.
    fn translate(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Extract { .. } => Ok(()),
            Expr::Value(value) => literal(&mut value.value),
            Expr::IsDistinctFrom(left, right) | Expr::IsNotDistinctFrom(left, right) => {
                self.agree(left, right)
            }
            Expr::UnaryOp { op, expr } => match op {
                UnaryOperator::Not => self.condition(expr),
                UnaryOperator::Plus | UnaryOperator::Minus => Ok(()),
                other => Err(no(format!("operator `{other}`"))),
            },
            Expr::BinaryOp { left, op, right } => {
                if *op == BinaryOperator::Glob {
                    return calls::glob(expr);
                }
                self.operation(left, op, right)
            }
            Expr::Between { expr, low, high, .. } => {
                self.agree(expr, low)?;
                self.agree(expr, high)
            }
            Expr::InList { expr, list, .. } => list.iter_mut().try_for_each(|item| self.agree(expr, item)),
            Expr::Like { any: false, .. } => calls::like(expr, self.context),
            Expr::Case {
                operand, conditions, ..
            } => conditions.iter_mut().try_for_each(|when| match operand {
                Some(operand) => self.agree(operand, &mut when.condition),
                None => self.condition(&mut when.condition),
            }),
            Expr::Cast { .. } => self.cast(expr),
            Expr::Collate { collation, .. } => {
                let name = collation.to_string();
                Err(no(format!("collation `{name}`")))
            }
            Expr::Trim { .. } => calls::trim(expr),
            Expr::Function(function) => {
                check_call(function)?;
                calls::function(expr, self.context)
            }
            part if is_plain(part) => Ok(()),
            other => Err(no(format!("`{other}`"))),
        }
    }

    fn operation(
        &self,
        left: &mut Box<Expr>,
        op: &BinaryOperator,
        right: &mut Box<Expr>,
    ) -> Result<(), Untranslated> {
        use BinaryOperator as Op;
        match op {
            Op::And | Op::Or => {
                self.condition(left)?;
                self.condition(right)
            }
            Op::Eq | Op::NotEq | Op::Lt | Op::LtEq | Op::Gt | Op::GtEq => self.agree(left, right),
            Op::StringConcat => {
                self.as_text(left)?;
                self.as_text(right)
            }
            Op::Plus | Op::Minus | Op::Multiply | Op::Divide | Op::Modulo => {
                let fits = |kind: Kind| kind.is_number() || kind.is_open();
                if fits(self.kind(left)) && fits(self.kind(right)) {
                    return Ok(());
                }
                Err(no(format!("`{left} {op} {right}`, no numbers,")))
            }
            Op::BitwiseAnd | Op::BitwiseOr | Op::PGBitwiseShiftLeft | Op::PGBitwiseShiftRight => Ok(()),
            other => Err(no(format!("operator `{other}`"))),
        }
    }

    /// A number where a truth value is wanted: true when it is not zero.
    fn condition(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match self.kind(expr) {
            Kind::Boolean | Kind::Null | Kind::Unknown => Ok(()),
            kind if kind.is_number() => {
                if literal_as(expr, Kind::Boolean, self.context).is_some() {
                    return Ok(());
                }
                *expr = nested(Expr::BinaryOp {
                    left: Box::new(take(expr)),
                    op: BinaryOperator::NotEq,
                    right: Box::new(digits("0")),
                });
                Ok(())
            }
            _ => Err(no(format!("`{expr}` as a truth value"))),
        }
    }

    /// Makes both sides of a comparison of one kind, as the engine's affinity would.
    fn agree(&self, left: &mut Expr, right: &mut Expr) -> Result<(), Untranslated> {
        let (a, b) = (self.kind(left), self.kind(right));
        if a == b || a.is_open() || b.is_open() || (a.is_number() && b.is_number()) {
            return Ok(());
        }
        if matches!(
            (a, b),
            (Kind::Timestamp(_) | Kind::Date, Kind::Timestamp(_) | Kind::Date)
        ) {
            return Ok(());
        }
        // The affinity of the other side decides what a literal is.
        let meets = |expr: &mut Expr, wanted: Kind| {
            is_literal(expr) && literal_as(expr, wanted, self.context).is_some()
        };
        if meets(right, a) || meets(left, b) {
            return Ok(());
        }
        if a == Kind::Boolean || b == Kind::Boolean {
            return Err(no(format!("comparing a truth value: `{left}` with `{right}`")));
        }
        Err(no(format!(
            "comparing `{left}` with `{right}`, of different kinds,"
        )))
    }

    fn as_text(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match self.kind(expr) {
            Kind::Text | Kind::Null | Kind::Unknown => Ok(()),
            Kind::Integer => {
                *expr = cast(take(expr), DataType::Text);
                Ok(())
            }
            _ => Err(no(format!("the text of `{expr}`"))),
        }
    }

    fn cast(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        let Expr::Cast { expr, data_type, .. } = whole else {
            return Ok(());
        };
        let from = self.kind(expr);
        let to = cast_kind(data_type);
        let data_type = match (from, to) {
            (Kind::Integer, Kind::Integer) => DataType::BigInt(None),
            (Kind::Integer | Kind::Decimal | Kind::Real, Kind::Real) => DataType::DoublePrecision,
            (Kind::Integer | Kind::Text, Kind::Text) => DataType::Text,
            (Kind::Integer | Kind::Decimal, Kind::Decimal) => {
                DataType::Numeric(sqlparser::ast::ExactNumberInfo::None)
            }
            (Kind::Bytes, Kind::Bytes) => return Ok(()),
            _ => return Err(no(format!("`{whole}`"))),
        };
        if let Expr::Cast {
            data_type: old, kind, ..
        } = whole
        {
            *old = data_type;
            *kind = CastKind::Cast;
        }
        Ok(())
    }
}

/// The engine casts by the affinity of the type's name.
fn cast_kind(data_type: &DataType) -> Kind {
    use crate::declared::{Affinity, affinity};
    match affinity(&data_type.to_string()) {
        Affinity::Integer => Kind::Integer,
        Affinity::Text => Kind::Text,
        Affinity::Blob => Kind::Bytes,
        Affinity::Real => Kind::Real,
        Affinity::Numeric => Kind::Decimal,
    }
}

/// Brings a literal's spelling to the standard's.
fn literal(value: &mut Value) -> Result<(), Untranslated> {
    match value {
        Value::Number(digits, _) => {
            *digits = digits.replace('_', "");
            Ok(())
        }
        Value::SingleQuotedString(_) | Value::HexStringLiteral(_) | Value::Boolean(_) | Value::Null => Ok(()),
        other => Err(no(format!("`{other}`"))),
    }
}

/// Makes a value that goes into a place of the expected type one of that type.
fn fit(expr: Expr, expected: &LogicalType) -> Result<Expr, Untranslated> {
    if is_literal(&expr) {
        return expression::fit(without_brackets(expr), expected, &ExpressionContext::default());
    }
    fit_computed(expr, of_logical(expected))
}

fn fit_computed(expr: Expr, wanted: Kind) -> Result<Expr, Untranslated> {
    let have = kind(&expr, &ExpressionContext::default());
    let fits = match (wanted, have) {
        (wanted, have) if wanted == have || have.is_open() => true,
        (wanted, have) if wanted.is_number() && have.is_number() => true,
        (wanted, have) => wanted.is_moment() && have.is_moment(),
    };
    if fits {
        Ok(expr)
    } else {
        Err(no(format!("`{expr}` as a value of another kind")))
    }
}
