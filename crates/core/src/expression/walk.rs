//! The walk over an expression or a query that both directions share: shapes are checked here, words and names are the dialect's.

#![expect(clippy::wildcard_enum_match_arm, reason = "all other nodes stay as they are")]

use std::ops::ControlFlow;

use sqlparser::ast::{
    CeilFloorKind, DateTimeField, Expr, Ident, ObjectName, OrderByExpr, OrderBySort, Query, Select,
    TableFactor, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use sqlparser::dialect::Dialect as Parsed;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::bracket::bracket;
use super::node::{call, take};
use super::shape::{check_query, check_select, check_table, no};
use crate::Untranslated;

/// What a dialect makes of each part, in the order of the walk: a whole before its parts, then the parts, then the whole again.
pub trait Translate {
    /// Looks at a query before its shape is checked.
    ///
    /// # Errors
    /// [`Untranslated`] says what has no translation; so for every method here.
    fn query(&mut self, _query: &mut Query) -> Result<(), Untranslated> {
        Ok(())
    }

    /// Looks at a SELECT, whose shape is known to be plain, before its parts.
    ///
    /// # Errors
    /// As [`Self::query`].
    fn select(&mut self, _select: &mut Select) -> Result<(), Untranslated> {
        Ok(())
    }

    /// Looks at a SELECT after its parts.
    ///
    /// # Errors
    /// As [`Self::query`].
    fn selected(&mut self, _select: &mut Select) -> Result<(), Untranslated> {
        Ok(())
    }

    /// Spells the name of a table in a FROM.
    ///
    /// # Errors
    /// As [`Self::query`].
    fn relation(&mut self, _name: &mut ObjectName) -> Result<(), Untranslated> {
        Ok(())
    }

    /// Quotes a name.
    fn ident(&mut self, ident: &mut Ident);

    /// Says where NULL stands in an order.
    ///
    /// # Errors
    /// As [`Self::query`].
    fn order(&mut self, _order: &mut OrderByExpr) -> Result<(), Untranslated> {
        Ok(())
    }

    /// Looks at an expression before its parts.
    ///
    /// # Errors
    /// As [`Self::query`].
    fn before(&mut self, _expr: &mut Expr) -> Result<(), Untranslated> {
        Ok(())
    }

    /// Translates an expression whose parts are translated.
    ///
    /// # Errors
    /// As [`Self::query`].
    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated>;
}

/// Translates a tree in place.
///
/// # Errors
/// [`Untranslated`] says which part has no translation.
pub fn walk(tree: &mut impl VisitMut, by: &mut impl Translate) -> Result<(), Untranslated> {
    broken(tree.visit(&mut Walker(by)))
}

fn broken(done: ControlFlow<Untranslated>) -> Result<(), Untranslated> {
    match done {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(why) => Err(why),
    }
}

fn flow(done: Result<(), Untranslated>) -> ControlFlow<Untranslated> {
    match done {
        Ok(()) => ControlFlow::Continue(()),
        Err(why) => ControlFlow::Break(why),
    }
}

struct Walker<'a, T>(&'a mut T);

impl<T: Translate> VisitorMut for Walker<'_, T> {
    type Break = Untranslated;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Untranslated> {
        flow(self.0.query(query).and_then(|()| check_query(query)))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Untranslated> {
        flow(check_select(select).and_then(|()| self.0.select(select)))
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Untranslated> {
        flow(self.0.selected(select))
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<Untranslated> {
        flow(check_table(table))
    }

    fn post_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<Untranslated> {
        flow(self.0.relation(relation))
    }

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<Untranslated> {
        self.0.ident(ident);
        ControlFlow::Continue(())
    }

    fn pre_visit_order_by_expr(&mut self, order: &mut OrderByExpr) -> ControlFlow<Untranslated> {
        match order.options.sort {
            Some(OrderBySort::Using(_)) => ControlFlow::Break(no("`ORDER BY ... USING`")),
            Some(OrderBySort::Asc | OrderBySort::Desc) | None => flow(self.0.order(order)),
        }
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Untranslated> {
        as_call(expr);
        flow(self.0.before(expr))
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Untranslated> {
        let done = self.0.after(expr);
        // What binds how tight differs from engine to engine.
        bracket(expr);
        flow(done)
    }
}

/// The parser has nodes of their own for what are functions to everybody.
fn as_call(expr: &mut Expr) {
    let plain = CeilFloorKind::DateTimeField(DateTimeField::NoDateTime);
    let (name, of) = match expr {
        Expr::Ceil { expr, field } if *field == plain => ("ceil", vec![take(expr)]),
        Expr::Floor { expr, field } if *field == plain => ("floor", vec![take(expr)]),
        // With commas, that is.
        Expr::Substring {
            expr,
            substring_from: Some(from),
            substring_for,
            special: true,
            ..
        } => {
            let length = substring_for.take().map(|length| *length);
            (
                "substr",
                [take(expr), take(from)].into_iter().chain(length).collect(),
            )
        }
        _ => return,
    };
    *expr = call(name, of);
}

/// Parses the whole text as one expression.
///
/// # Errors
/// [`Untranslated`] when it is none.
pub fn read_expression(
    text: &str,
    parser: impl FnOnce(&str) -> Result<Parser<'static>, ParserError>,
) -> Result<Expr, Untranslated> {
    let unread = |cause: ParserError| Untranslated::new(format!("`{text}` cannot be read: {cause}"));
    let mut parser = parser(text).map_err(unread)?;
    let expr = parser.parse_expr().map_err(unread)?;
    if parser.peek_token().token != Token::EOF {
        return Err(Untranslated::new(format!("`{text}` goes on after an expression")));
    }
    Ok(expr)
}

/// Parses the whole text as one query.
///
/// # Errors
/// [`Untranslated`] when it is none.
pub fn read_query(
    text: &str,
    parser: impl FnOnce(&str) -> Result<Parser<'static>, ParserError>,
) -> Result<Query, Untranslated> {
    use sqlparser::ast::Statement;
    let statements = parser(text)
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|cause| Untranslated::new(format!("the query cannot be read: {cause}")))?;
    match <[Statement; 1]>::try_from(statements) {
        Ok([Statement::Query(query)]) => Ok(*query),
        Ok(_) | Err(_) => Err(no("a statement that is no query")),
    }
}

/// Makes a parser of the text in a dialect.
///
/// # Errors
/// The parser's, when the text has no words.
pub fn parser(dialect: &'static dyn Parsed, text: &str) -> Result<Parser<'static>, ParserError> {
    Parser::new(dialect).try_with_sql(text)
}

/// Prints a tree with each text literal spelled by the dialect: the parser's own printing takes a doubled quote in a text for an escape.
pub fn print<T>(mut tree: T, literal: fn(&str) -> String) -> String
where
    T: VisitMut + std::fmt::Display,
{
    struct Literals(fn(&str) -> String);
    impl VisitorMut for Literals {
        type Break = Untranslated;

        fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<Untranslated> {
            if let Value::SingleQuotedString(text) = &value.value {
                value.value = Value::Placeholder((self.0)(text));
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<Untranslated> {
            if let Some(quote) = ident.quote_style.take() {
                let doubled = ident.value.replace(quote, &format!("{quote}{quote}"));
                ident.value = format!("{quote}{doubled}{quote}");
            }
            ControlFlow::Continue(())
        }
    }
    let done = tree.visit(&mut Literals(literal));
    debug_assert!(done.is_continue());
    tree.to_string()
}
