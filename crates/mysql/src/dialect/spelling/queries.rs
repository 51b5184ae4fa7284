//! The parts of a query that are no expressions: what a version has of them, limits, joins, and NULL in its place in an order.

#![expect(clippy::wildcard_enum_match_arm, reason = "what is not listed needs nothing")]

use sqlparser::ast::{
    Expr, JoinConstraint, JoinOperator, NamedWindowExpr, OrderByExpr, OrderByKind, OrderByOptions,
    OrderBySort, Query, Select, SelectItem, SetExpr, SetOperator, SetQuantifier, TableFactor, Value,
    WindowType,
};
use whimbrel_core::Untranslated;
use whimbrel_core::expression::{limit_of_fetch, no};

use super::{MysqlDialect, Speller};

/// All rows, where a limit must be said before an offset.
const ALL_ROWS: &str = "18446744073709551615";

pub(super) fn query(query: &mut Query, speller: &Speller<'_>) -> Result<(), Untranslated> {
    known_here(query, speller.dialect)?;
    limit_of_fetch(query, ALL_ROWS);
    for cte in query.with.iter_mut().flat_map(|with| &mut with.cte_tables) {
        cte.materialized = None;
    }
    let Some(order) = query.order_by.as_mut() else {
        return Ok(());
    };
    let OrderByKind::Expressions(order) = &mut order.kind else {
        return Err(no("`ORDER BY ALL`"));
    };
    if let SetExpr::Select(select) = &*query.body {
        return nulls(order, Some(&select.projection));
    }
    if order.iter().all(is_usual) {
        return nulls(order, None);
    }
    // What is put together can be ordered by its columns alone, so it is asked from as a whole.
    for by in order.iter_mut() {
        by.expr = column(&by.expr, &query.body)
            .ok_or_else(|| no(format!("the place of NULL in the order by `{}`", by.expr)))?;
    }
    nulls(order, Some(&[]))?;
    query.body = whole_of(query.body.clone())?;
    Ok(())
}

/// Tells whether NULL stands where it stands anyway.
fn is_usual(by: &OrderByExpr) -> bool {
    let descending = matches!(by.options.sort, Some(OrderBySort::Desc));
    by.options.nulls_first != Some(descending)
}

/// Returns the column that an order over several queries names.
fn column(by: &Expr, body: &SetExpr) -> Option<Expr> {
    match body {
        SetExpr::SetOperation { left, .. } => column(by, left),
        SetExpr::Query(query) => column(by, &query.body),
        SetExpr::Select(select) => {
            if !matches!(by, Expr::Value(_)) {
                return matches!(by, Expr::Identifier(_)).then(|| by.clone());
            }
            let at = whimbrel_core::expression::count_of(by)?.checked_sub(1)?;
            let name = match select.projection.get(usize::try_from(at).ok()?)? {
                SelectItem::ExprWithAlias { alias, .. } => alias.clone(),
                SelectItem::UnnamedExpr(Expr::Identifier(name)) => name.clone(),
                SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last()?.clone(),
                _ => return None,
            };
            Some(Expr::Identifier(name))
        }
        _ => None,
    }
}

/// `SELECT * FROM (...) AS whole`.
fn whole_of(body: Box<SetExpr>) -> Result<Box<SetExpr>, Untranslated> {
    use whimbrel_core::expression::{parser, read_query};
    let generic = &sqlparser::dialect::GenericDialect {};
    let mut outer = read_query("SELECT * FROM (SELECT 1) AS \"whole\"", |text| {
        parser(generic, text)
    })?;
    if let SetExpr::Select(select) = &mut *outer.body
        && let Some(table) = select.from.first_mut()
        && let TableFactor::Derived { subquery, .. } = &mut table.relation
    {
        subquery.body = body;
    }
    Ok(outer.body)
}

/// Refuses what the server's version does not have.
pub(super) fn known_here(query: &Query, dialect: &MysqlDialect) -> Result<(), Untranslated> {
    let version = dialect.version;
    if query.with.is_some() && !(version.is_mysql(8, 0, 0) || version.is_mariadb(10, 2, 2)) {
        return Err(no("a WITH query"));
    }
    known_body(&query.body, dialect)
}

fn known_body(body: &SetExpr, dialect: &MysqlDialect) -> Result<(), Untranslated> {
    let SetExpr::SetOperation {
        left,
        op,
        set_quantifier,
        right,
    } = body
    else {
        return match body {
            SetExpr::Values(_) => Err(no("VALUES as a query")),
            _ => Ok(()),
        };
    };
    let version = dialect.version;
    let is_known = match op {
        SetOperator::Union => true,
        _ if *set_quantifier == SetQuantifier::All => {
            version.is_mysql(8, 0, 31) || version.is_mariadb(10, 5, 0)
        }
        _ => version.is_mysql(8, 0, 31) || version.is_mariadb(10, 3, 0),
    };
    if !is_known {
        return Err(no(format!("`{op} {set_quantifier}`")));
    }
    known_body(left, dialect)?;
    known_body(right, dialect)
}

pub(super) fn select(select: &mut Select, speller: &Speller<'_>) -> Result<(), Untranslated> {
    for table in &mut select.from {
        named(&table.relation)?;
        for join in &mut table.joins {
            named(&join.relation)?;
            joined(&join.join_operator)?;
        }
    }
    for condition in [&select.selection, &select.having].into_iter().flatten() {
        speller.condition(condition)?;
    }
    for window in &mut select.named_window {
        if let NamedWindowExpr::WindowSpec(spec) = &mut window.1 {
            nulls(&mut spec.order_by, Some(&[]))?;
        }
    }
    // `*` with something behind it must be that of a table.
    let stars = select
        .projection
        .iter()
        .filter(|item| matches!(item, SelectItem::Wildcard(_)));
    if stars.count() > 0 && select.projection.len() > 1 {
        return Err(no("`*` beside other columns"));
    }
    Ok(())
}

/// A query in FROM must have a name here.
fn named(table: &TableFactor) -> Result<(), Untranslated> {
    match table {
        TableFactor::Derived { alias: None, .. } => Err(no("a query in FROM without a name")),
        TableFactor::NestedJoin { table_with_joins, .. } => {
            named(&table_with_joins.relation)?;
            table_with_joins.joins.iter().try_for_each(|join| {
                named(&join.relation)?;
                joined(&join.join_operator)
            })
        }
        _ => Ok(()),
    }
}

fn joined(operator: &JoinOperator) -> Result<(), Untranslated> {
    match operator {
        JoinOperator::Join(_)
        | JoinOperator::Inner(_)
        | JoinOperator::Left(_)
        | JoinOperator::LeftOuter(_)
        | JoinOperator::Right(_)
        | JoinOperator::RightOuter(_)
        | JoinOperator::CrossJoin(JoinConstraint::None) => Ok(()),
        JoinOperator::FullOuter(_) => Err(no("`FULL JOIN`")),
        _ => Err(no("a join of another engine")),
    }
}

/// NULL is smaller than everything here. Where it shall stand elsewhere, that is ordered by first.
pub(super) fn nulls(order: &mut Vec<OrderByExpr>, items: Option<&[SelectItem]>) -> Result<(), Untranslated> {
    let mut spelled = Vec::with_capacity(order.len());
    for mut by in order.drain(..) {
        let descending = matches!(by.options.sort, Some(OrderBySort::Desc));
        let first = by.options.nulls_first.take().unwrap_or(!descending);
        if first == descending {
            let of = meant(&by.expr, items)
                .ok_or_else(|| no(format!("the place of NULL in the order by `{}`", by.expr)))?;
            spelled.push(OrderByExpr {
                expr: Expr::IsNull(Box::new(of)),
                options: OrderByOptions {
                    sort: first.then_some(OrderBySort::Desc),
                    nulls_first: None,
                },
                with_fill: None,
            });
        }
        spelled.push(by);
    }
    *order = spelled;
    Ok(())
}

/// Returns the expression that an order names by its position; none where only positions can be named.
fn meant(expr: &Expr, items: Option<&[SelectItem]>) -> Option<Expr> {
    let Expr::Value(value) = expr else {
        return items.is_some().then(|| expr.clone());
    };
    let Value::Number(position, _) = &value.value else {
        return None;
    };
    let at = position.parse::<usize>().ok()?.checked_sub(1)?;
    match items?.get(at)? {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr.clone()),
        _ => None,
    }
}

/// NULL in the order of a window.
pub(super) fn window(over: &mut WindowType) -> Result<(), Untranslated> {
    match over {
        WindowType::WindowSpec(spec) => nulls(&mut spec.order_by, Some(&[])),
        WindowType::NamedWindow(_) => Ok(()),
    }
}
