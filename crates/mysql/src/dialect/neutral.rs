//! The servers' words into the neutral form: truth values that are numbers, operators that are words, texts whose collation ignores case.
//! Functions are in `neutral/calls.rs`, casts and literals in `neutral/values.rs`. Between flavours of one server only names are looked at.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "everything that is not listed is refused"
)]

mod calls;
mod kin;
mod operators;
mod spoken;
mod texts;
mod values;

use sqlparser::ast::{
    Expr, Ident, JoinConstraint, JoinOperator, ObjectName, OrderByExpr, OrderBySort, Query, Select,
    TableFactor, TableWithJoins, UnaryOperator,
};
use whimbrel_core::expression::{
    Kind, MadeNames, Translate, cast, check_grouping, digits, fit, is_literal, is_number_literal, is_plain,
    kind, known_or_null, limit_before_offset, literal_as, made_names, nested, no, of_logical,
    read_expression, read_query, take, text_of, walk,
};
use whimbrel_core::{ExpressionContext, LogicalType, TextEquality, Untranslated};

use super::MysqlDialect;

/// Parses an expression into the neutral form.
pub(super) fn parse(
    dialect: &MysqlDialect,
    expression: &str,
    context: &ExpressionContext,
) -> Result<Expr, Untranslated> {
    let mut expr = read_expression(expression, spoken::parser)?;
    if context.kin {
        walk(&mut expr, &mut kin::Reader)?;
        return Ok(expr);
    }
    let mut reader = Reader {
        dialect,
        context,
        made: MadeNames::default(),
        in_query: false,
    };
    if let Some(expected) = &context.expected {
        values::expect(&mut expr, expected)?;
    }
    walk(&mut expr, &mut reader)?;
    match &context.expected {
        Some(expected) => reader.fit(expr, expected),
        None => Ok(expr),
    }
}

/// Parses a query into the neutral form.
pub(super) fn parse_query(
    dialect: &MysqlDialect,
    query: &str,
    context: &ExpressionContext,
) -> Result<Query, Untranslated> {
    let mut query = read_query(query, spoken::parser)?;
    if context.kin {
        walk(&mut query, &mut kin::Reader)?;
        return Ok(query);
    }
    let mut reader = Reader {
        dialect,
        context,
        made: made_names(&query),
        in_query: true,
    };
    walk(&mut query, &mut reader)?;
    Ok(query)
}

/// Reads expressions whose parts are neutral already.
struct Reader<'a> {
    dialect: &'a MysqlDialect,
    context: &'a ExpressionContext,
    made: MadeNames,
    in_query: bool,
}

impl Translate for Reader<'_> {
    fn query(&mut self, query: &mut Query) -> Result<(), Untranslated> {
        limit_before_offset(query);
        Ok(())
    }

    fn select(&mut self, select: &mut Select) -> Result<(), Untranslated> {
        if select.select_modifiers.is_some() || !select.optimizer_hints.is_empty() {
            return Err(no("a modifier of SELECT"));
        }
        select.from.iter_mut().for_each(joins);
        Ok(())
    }

    fn selected(&mut self, select: &mut Select) -> Result<(), Untranslated> {
        for condition in [&mut select.selection, &mut select.having].into_iter().flatten() {
            self.condition(condition)?;
        }
        check_grouping(select)
    }

    fn relation(&mut self, name: &mut ObjectName) -> Result<(), Untranslated> {
        // The server prints the database of its own tables only when another one is asked from.
        if name.0.len() > 1 {
            return Err(no(format!("the table `{name}` of another database")));
        }
        Ok(())
    }

    fn ident(&mut self, ident: &mut Ident) {
        ident.quote_style = Some('"');
    }

    fn order(&mut self, order: &mut OrderByExpr) -> Result<(), Untranslated> {
        // To these servers NULL is smaller than everything.
        let descending = matches!(order.options.sort, Some(OrderBySort::Desc));
        order.options.nulls_first.get_or_insert(!descending);
        Ok(())
    }

    fn before(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Function(function) => calls::check(function),
            Expr::Identifier(ident) => self.column(ident),
            Expr::CompoundIdentifier(parts) if parts.len() > 2 => {
                Err(no(format!("the column `{expr}` of another database")))
            }
            Expr::CompoundIdentifier(parts) => match parts.last_mut() {
                Some(ident) => {
                    self.spell(ident);
                    Ok(())
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        self.read(expr)
    }
}

fn joins(table: &mut TableWithJoins) {
    let inner = |factor: &mut TableFactor| {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            joins(table_with_joins);
        }
    };
    inner(&mut table.relation);
    for join in &mut table.joins {
        inner(&mut join.relation);
        join_without_condition(&mut join.join_operator);
    }
}

/// A join without a condition takes every pair.
fn join_without_condition(operator: &mut JoinOperator) {
    if let JoinOperator::Join(JoinConstraint::None) | JoinOperator::Inner(JoinConstraint::None) = operator {
        *operator = JoinOperator::CrossJoin(JoinConstraint::None);
    }
    if let JoinOperator::CrossJoin(JoinConstraint::On(condition)) = operator {
        *operator = JoinOperator::Inner(JoinConstraint::On(condition.clone()));
    }
}

impl Reader<'_> {
    fn kind(&self, expr: &Expr) -> Kind {
        kind(expr, self.context)
    }

    /// Spells a column as it is declared: the servers mind no case in them.
    fn spell(&self, ident: &mut Ident) {
        let known = self.context.columns.keys().chain(self.context.renames.keys());
        let exact = |name: &String| *name == ident.value;
        if known.clone().any(exact) {
            return;
        }
        let found = known
            .filter(|name| name.to_lowercase() == ident.value.to_lowercase())
            .min();
        if let Some(name) = found {
            ident.value.clone_from(name);
        }
    }

    fn column(&self, ident: &mut Ident) -> Result<(), Untranslated> {
        self.spell(ident);
        let known = self.context.columns.contains_key(&ident.value)
            || self.context.renames.contains_key(&ident.value)
            || self.made.columns.contains(&ident.value);
        if known || self.in_query {
            return Ok(());
        }
        Err(Untranslated::new(format!(
            "column `{}` is not there",
            ident.value
        )))
    }

    fn read(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => Ok(()),
            Expr::IsTrue(inner) | Expr::IsNotTrue(inner) | Expr::IsFalse(inner) | Expr::IsNotFalse(inner) => {
                self.condition(inner)
            }
            Expr::IsUnknown(_) | Expr::IsNotUnknown(_) => {
                known_or_null(expr);
                Ok(())
            }
            Expr::Value(_) | Expr::Prefixed { .. } => values::literal(expr),
            Expr::TypedString(_) => values::typed(expr),
            Expr::UnaryOp { op, expr } => match op {
                UnaryOperator::Not => self.condition(expr),
                UnaryOperator::Plus | UnaryOperator::Minus => self.number(expr),
                other => Err(no(format!("operator `{other}`"))),
            },
            Expr::BinaryOp { .. } => self.operation(expr),
            Expr::Between { expr, low, high, .. } => {
                self.agree(expr, low)?;
                self.agree(expr, high)
            }
            Expr::InList { expr, list, .. } => list.iter_mut().try_for_each(|item| self.agree(expr, item)),
            Expr::Like { any: false, .. } => texts::like(expr, self),
            Expr::Case { .. } => self.case(expr),
            Expr::Cast { .. } | Expr::Convert { .. } => values::cast_to(expr, self),
            Expr::Collate { .. } => texts::collate(expr, self),
            Expr::Extract { .. } => calls::extract(expr, self),
            Expr::Position { .. } => texts::position(expr, self),
            Expr::Trim { .. } => texts::trim(expr, self),
            Expr::Substring { .. } => texts::substring(expr, self),
            Expr::Function(_) => calls::function(expr, self),
            part if is_plain(part) => Ok(()),
            Expr::RLike { .. } => Err(no(format!("the regular expression `{expr}`"))),
            other => Err(no(format!("`{other}`"))),
        }
    }

    fn case(&self, whole: &mut Expr) -> Result<(), Untranslated> {
        let Expr::Case {
            operand, conditions, ..
        } = whole
        else {
            return Ok(());
        };
        conditions.iter_mut().try_for_each(|when| match operand {
            Some(operand) => self.agree(operand, &mut when.condition),
            None => self.condition(&mut when.condition),
        })
    }

    /// A number where a truth value is wanted: true when it is not zero.
    fn condition(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match self.kind(expr) {
            Kind::Boolean | Kind::Null | Kind::Unknown => Ok(()),
            kind if kind.is_number() => {
                if literal_as(expr, Kind::Boolean, self.context).is_some() {
                    return Ok(());
                }
                *expr = nested(operators::compared(
                    take(expr),
                    sqlparser::ast::BinaryOperator::NotEq,
                    digits("0"),
                ));
                Ok(())
            }
            _ => Err(no(format!("`{expr}` as a truth value"))),
        }
    }

    /// A truth value where a number is wanted is 1 or 0.
    fn number(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match self.kind(expr) {
            Kind::Boolean => {
                if literal_as(expr, Kind::Integer, self.context).is_none() {
                    *expr = cast(take(expr), sqlparser::ast::DataType::BigInt(None));
                }
                Ok(())
            }
            kind if kind.is_number() || kind.is_open() => Ok(()),
            _ => Err(no(format!("`{expr}`, no number,"))),
        }
    }

    fn text(&self, expr: &mut Expr) -> Result<(), Untranslated> {
        match self.kind(expr) {
            Kind::Text | Kind::Null | Kind::Unknown => Ok(()),
            Kind::Boolean | Kind::Integer if !is_number_literal(expr) => {
                self.number(expr)?;
                *expr = cast(take(expr), sqlparser::ast::DataType::Text);
                Ok(())
            }
            Kind::Integer => {
                *expr = whimbrel_core::expression::text_literal(&expr.to_string());
                Ok(())
            }
            _ => Err(no(format!("the text of `{expr}`"))),
        }
    }

    /// Makes both sides of a comparison of one kind, as the servers do.
    fn agree(&self, left: &mut Expr, right: &mut Expr) -> Result<(), Untranslated> {
        let (a, b) = (self.kind(left), self.kind(right));
        if a == Kind::Json || b == Kind::Json {
            return Err(no("comparing JSON values"));
        }
        if a == b && a != Kind::Other || a.is_open() || b.is_open() || (a.is_number() && b.is_number()) {
            return Ok(());
        }
        if self.meet(right, a)? || self.meet(left, b)? {
            return Ok(());
        }
        match (a, b) {
            (Kind::Boolean, b) if b.is_number() => self.number(left),
            (a, Kind::Boolean) if a.is_number() => self.number(right),
            (Kind::Date, Kind::Timestamp(false)) | (Kind::Timestamp(false), Kind::Date) => Ok(()),
            (a, b) if a.is_moment() && whimbrel_core::expression::is_now(right) && b.is_moment() => Ok(()),
            (a, b) if b.is_moment() && whimbrel_core::expression::is_now(left) && a.is_moment() => Ok(()),
            _ => Err(no(format!(
                "comparing `{left}` with `{right}`, of different kinds,"
            ))),
        }
    }

    /// Gives a literal the kind of the other side; a text beside a number is one, but not the other way round (`'5 apples' = 5`).
    fn meet(&self, expr: &mut Expr, wanted: Kind) -> Result<bool, Untranslated> {
        if !is_literal(expr) {
            return Ok(false);
        }
        if let Some(text) = text_of(expr)
            && wanted.is_moment()
        {
            values::check_zero_date(text)?;
            if let Some(midnight) = values::day_of_midnight(text).filter(|_| wanted == Kind::Date) {
                *expr = midnight;
                return Ok(true);
            }
        }
        let is_number = self.kind(expr).is_number();
        Ok(!(wanted == Kind::Text && is_number) && literal_as(expr, wanted, self.context).is_some())
    }

    /// Returns which texts the comparison of the expression calls equal.
    fn equality(&self, expr: &Expr) -> TextEquality {
        texts::equality(expr, self)
    }

    /// Makes the whole a value of the expected type.
    fn fit(&self, mut expr: Expr, expected: &LogicalType) -> Result<Expr, Untranslated> {
        let wanted = of_logical(expected);
        let have = self.kind(&expr);
        if !is_literal(&expr) {
            match (wanted, have) {
                (Kind::Integer, Kind::Boolean) => {
                    self.number(&mut expr)?;
                    return Ok(expr);
                }
                (Kind::Boolean, Kind::Integer) => {
                    self.condition(&mut expr)?;
                    return Ok(expr);
                }
                (Kind::Text, Kind::Integer | Kind::Boolean) => {
                    self.text(&mut expr)?;
                    return Ok(expr);
                }
                (Kind::Text, Kind::Uuid) => {
                    return Ok(cast(expr, sqlparser::ast::DataType::Text));
                }
                _ => {}
            }
        }
        if let Some(text) = text_of(&expr)
            && wanted.is_moment()
        {
            values::check_zero_date(text)?;
            // A literal default of an instant was printed in the session's zone, which is UTC.
            if wanted == Kind::Timestamp(true) && whimbrel_core::parse_timestamp(text, false).is_some() {
                return Ok(whimbrel_core::expression::text_literal(&format!("{text}+00:00")));
            }
        }
        fit(expr, expected, self.context)
    }
}
