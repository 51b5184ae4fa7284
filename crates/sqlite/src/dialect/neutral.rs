//! The engine's expressions and queries into the neutral form: names resolved, functions known, kinds of values agreeing.
//! What has no neutral form is said, never passed on. Single calls are in `neutral/calls.rs`.

mod calls;
mod names;
mod spoken;

use std::ops::ControlFlow;

use sqlparser::ast::{
    BinaryOperator, CastKind, DataType, Expr, GroupByExpr, LimitClause, Offset, OffsetRows, OrderByExpr,
    OrderBySort, Query, Select, Statement, TableFactor, UnaryOperator, Value, VisitMut, VisitorMut,
};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;
use whimbrel_core::expression::{
    Kind, check_call, check_grouping, check_query, check_select, check_table, kind, no, of_logical,
};
use whimbrel_core::{ExpressionContext, LogicalType, Untranslated, parse_date, parse_time, parse_timestamp};

use self::names::Names;
use self::spoken::Spoken;
use crate::declared::looks_numeric;

/// Parses an expression into the neutral form.
pub(super) fn expression(text: &str, context: &ExpressionContext) -> Result<Expr, Untranslated> {
    let unread = |cause: sqlparser::parser::ParserError| {
        Untranslated::new(format!("`{text}` cannot be read: {cause}"))
    };
    refuse_hex(text)?;
    let mut parser = Parser::new(&Spoken).try_with_sql(text).map_err(unread)?;
    let mut expr = parser.parse_expr().map_err(unread)?;
    if parser.peek_token().token != Token::EOF {
        return Err(Untranslated::new(format!("`{text}` goes on after an expression")));
    }
    walk(&mut expr, Names::of_expression(context), context)?;
    match &context.expected {
        Some(expected) => fit(expr, expected),
        None => Ok(expr),
    }
}

/// Parses a query into the neutral form.
pub(super) fn query(text: &str, context: &ExpressionContext) -> Result<Query, Untranslated> {
    refuse_hex(text)?;
    let statements = Parser::parse_sql(&Spoken, text)
        .map_err(|cause| Untranslated::new(format!("the query cannot be read: {cause}")))?;
    let [Statement::Query(query)] = statements.as_slice() else {
        return Err(no("a statement that is no query"));
    };
    let mut query = (**query).clone();
    let names = Names::of_query(&query, context);
    walk(&mut query, names, context)?;
    Ok(query)
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

fn walk(tree: &mut impl VisitMut, names: Names, context: &ExpressionContext) -> Result<(), Untranslated> {
    let mut translator = Translator { names, context };
    match tree.visit(&mut translator) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(why) => Err(why),
    }
}

struct Translator<'a> {
    names: Names,
    context: &'a ExpressionContext,
}

fn flow(done: Result<(), Untranslated>) -> ControlFlow<Untranslated> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(why) => ControlFlow::Break(why),
    }
}

impl VisitorMut for Translator<'_> {
    type Break = Untranslated;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Untranslated> {
        if let Some(LimitClause::OffsetCommaLimit { offset, limit }) = &query.limit_clause {
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(limit.clone()),
                offset: Some(Offset {
                    value: offset.clone(),
                    rows: OffsetRows::None,
                }),
                limit_by: Vec::new(),
            });
        }
        flow(check_query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Untranslated> {
        flow(check_select(select))
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Untranslated> {
        for condition in [&mut select.selection, &mut select.having].into_iter().flatten() {
            if let Err(why) = self.condition(condition) {
                return ControlFlow::Break(why);
            }
        }
        flow(check_grouping(select))
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<Untranslated> {
        flow(check_table(table))
    }

    fn post_visit_relation(
        &mut self,
        relation: &mut sqlparser::ast::ObjectName,
    ) -> ControlFlow<Untranslated> {
        flow(self.names.relation(relation))
    }

    fn pre_visit_ident(&mut self, ident: &mut sqlparser::ast::Ident) -> ControlFlow<Untranslated> {
        self.names.spell(ident);
        ControlFlow::Continue(())
    }

    fn pre_visit_order_by_expr(&mut self, order: &mut OrderByExpr) -> ControlFlow<Untranslated> {
        // To this engine NULL is smaller than everything.
        let descending = matches!(order.options.sort, Some(OrderBySort::Desc));
        order.options.nulls_first.get_or_insert(!descending);
        ControlFlow::Continue(())
    }

    fn pre_visit_group_by(&mut self, _group_by: &mut GroupByExpr) -> ControlFlow<Untranslated> {
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Untranslated> {
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
        flow(self.names.column(expr))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Untranslated> {
        flow(self.translate(expr))
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
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Nested(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::Exists { .. }
            | Expr::InSubquery { .. }
            | Expr::Subquery(_)
            | Expr::Tuple(_)
            | Expr::Wildcard(_)
            | Expr::QualifiedWildcard(..)
            | Expr::Extract { .. } => Ok(()),
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
            Expr::Substring { .. } => calls::substring(expr),
            Expr::Trim { .. } => calls::trim(expr),
            Expr::Function(function) => {
                check_call(function)?;
                calls::function(expr, self.context)
            }
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
                if let Some(truth) = truth(expr) {
                    *expr = Expr::value(Value::Boolean(truth));
                    return Ok(());
                }
                let number = Box::new(std::mem::replace(expr, Expr::value(Value::Null)));
                *expr = Expr::Nested(Box::new(Expr::BinaryOp {
                    left: number,
                    op: BinaryOperator::NotEq,
                    right: Box::new(number_literal("0")),
                }));
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
        match (a, b) {
            (Kind::Boolean, b) if b.is_number() => as_truth(right),
            (a, Kind::Boolean) if a.is_number() => as_truth(left),
            (a, Kind::Text) if is_literal(right) => literal_as(right, a),
            (Kind::Text, b) if is_literal(left) => literal_as(left, b),
            (Kind::Timestamp(_) | Kind::Date, Kind::Timestamp(_) | Kind::Date) => Ok(()),
            (Kind::Text, b) if b.is_number() && is_literal(right) => as_text_literal(right),
            (a, Kind::Text) if a.is_number() && is_literal(left) => as_text_literal(left),
            _ => Err(no(format!(
                "comparing `{left}` with `{right}`, of different kinds,"
            ))),
        }
    }

    fn as_text(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match self.kind(expr) {
            Kind::Text | Kind::Null | Kind::Unknown => Ok(()),
            Kind::Integer => {
                let inner = Box::new(std::mem::replace(expr, Expr::value(Value::Null)));
                *expr = Expr::Cast {
                    kind: CastKind::Cast,
                    expr: inner,
                    data_type: DataType::Text,
                    format: None,
                };
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

pub(super) fn number_literal(digits: &str) -> Expr {
    Expr::value(Value::Number(digits.to_owned(), false))
}

fn text_literal(text: &str) -> Expr {
    Expr::value(Value::SingleQuotedString(text.to_owned()))
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

fn is_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Value(_) => true,
        Expr::Nested(inner) => is_literal(inner),
        Expr::UnaryOp {
            op: UnaryOperator::Minus | UnaryOperator::Plus,
            expr,
        } => matches!(**expr, Expr::Value(_)),
        _ => false,
    }
}

/// Returns the truth value that the literal 0 or 1 stands for.
fn truth(expr: &Expr) -> Option<bool> {
    let Expr::Value(value) = expr else { return None };
    match &value.value {
        Value::Number(digits, _) if digits == "0" => Some(false),
        Value::Number(digits, _) if digits == "1" => Some(true),
        _ => None,
    }
}

fn as_truth(expr: &mut Expr) -> Result<(), Untranslated> {
    let truth = truth(expr).ok_or_else(|| no(format!("comparing a truth value with `{expr}`")))?;
    *expr = Expr::value(Value::Boolean(truth));
    Ok(())
}

/// Returns the text of a literal.
fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        Expr::Nested(inner) => text_of(inner),
        _ => None,
    }
}

/// Gives a text literal the kind of what it is compared with, when its text is of that kind.
fn literal_as(expr: &mut Expr, wanted: Kind) -> Result<(), Untranslated> {
    let refuse = |text: &str| Err(no(format!("comparing `'{text}'` with a value of another kind")));
    let Some(text) = text_of(expr).map(str::to_owned) else {
        return Err(no(format!("`{expr}`")));
    };
    let fits = match wanted {
        Kind::Integer | Kind::Decimal | Kind::Real if looks_numeric(text.as_bytes()) => {
            *expr = number_literal(text.trim());
            true
        }
        Kind::Date => parse_date(&text).is_some(),
        Kind::Time => parse_time(&text).is_some(),
        Kind::Timestamp(zoned) => parse_timestamp(&text, zoned).is_some() || parse_date(&text).is_some(),
        Kind::Uuid => crate::codec::parse_uuid(&text).is_some(),
        Kind::Text => true,
        Kind::Integer
        | Kind::Decimal
        | Kind::Real
        | Kind::Boolean
        | Kind::Bytes
        | Kind::Json
        | Kind::Other
        | Kind::Null
        | Kind::Unknown => false,
    };
    if fits { Ok(()) } else { refuse(&text) }
}

/// A plain whole number compared with text is compared as its digits.
fn as_text_literal(expr: &mut Expr) -> Result<(), Untranslated> {
    let digits = expr.to_string();
    if digits
        .trim_start_matches('-')
        .bytes()
        .all(|byte| byte.is_ascii_digit())
    {
        *expr = text_literal(&digits);
        return Ok(());
    }
    Err(no(format!("comparing text with `{digits}`")))
}

/// Makes a value that goes into a place of the expected type one of that type.
fn fit(mut expr: Expr, expected: &LogicalType) -> Result<Expr, Untranslated> {
    let wanted = of_logical(expected);
    if let Expr::Nested(inner) = &expr
        && is_literal(inner)
    {
        expr = (**inner).clone();
    }
    if !is_literal(&expr) {
        return fit_computed(expr, wanted);
    }
    let refuse = |expr: &Expr| Err(no(format!("`{expr}` as a value of type {expected}")));
    let have = kind(&expr, &ExpressionContext::default());
    match (wanted, have) {
        (_, Kind::Null) => Ok(expr),
        (wanted, have) if wanted == have || (wanted.is_number() && have.is_number()) => {
            if wanted == Kind::Integer && have != Kind::Integer {
                refuse(&expr)
            } else {
                Ok(expr)
            }
        }
        (Kind::Boolean, Kind::Integer) => match truth(&expr) {
            Some(truth) => Ok(Expr::value(Value::Boolean(truth))),
            None => refuse(&expr),
        },
        (wanted, Kind::Boolean) if wanted.is_number() => {
            let is_true = expr.to_string().eq_ignore_ascii_case("true");
            Ok(number_literal(if is_true { "1" } else { "0" }))
        }
        (Kind::Json, Kind::Text) => match text_of(&expr) {
            Some(text) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => Ok(expr),
            _ => refuse(&expr),
        },
        (Kind::Text, Kind::Integer) => {
            as_text_literal(&mut expr)?;
            Ok(expr)
        }
        (wanted, Kind::Text) => {
            literal_as(&mut expr, wanted)?;
            let is_whole = kind(&expr, &ExpressionContext::default()) == Kind::Integer;
            if wanted == Kind::Integer && !is_whole {
                refuse(&expr)
            } else {
                Ok(expr)
            }
        }
        _ => refuse(&expr),
    }
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
