//! The shapes of queries that both directions accept, and the names that a query makes for itself.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not listed is refused or plain"
)]

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::Untranslated;
use sqlparser::ast::{
    Distinct, Expr, Function, FunctionArgumentClause, GroupByExpr, LimitClause, Query, Select, SelectItem,
    SetExpr, TableFactor, Visit, Visitor,
};

/// Makes the reason that a part has no translation.
pub fn no(what: impl std::fmt::Display) -> Untranslated {
    Untranslated::new(format!("{what} has no translation"))
}

/// Checks the parts of a query that are not expressions.
///
/// # Errors
/// [`Untranslated`] names the part that has no neutral form.
pub fn check_query(query: &Query) -> Result<(), Untranslated> {
    if !query.locks.is_empty() || query.for_clause.is_some() {
        return Err(no("a locking clause"));
    }
    if query.settings.is_some() || query.format_clause.is_some() || !query.pipe_operators.is_empty() {
        return Err(no("a clause after the query"));
    }
    if let Some(LimitClause::LimitOffset { limit_by, .. }) = &query.limit_clause
        && !limit_by.is_empty()
    {
        return Err(no("`LIMIT BY`"));
    }
    if let Some(fetch) = &query.fetch
        && (fetch.with_ties || fetch.percent)
    {
        return Err(no("`FETCH WITH TIES`"));
    }
    check_body(&query.body)
}

fn check_body(body: &SetExpr) -> Result<(), Untranslated> {
    match body {
        SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) => Ok(()),
        SetExpr::SetOperation { left, right, .. } => {
            check_body(left)?;
            check_body(right)
        }
        SetExpr::Insert(_)
        | SetExpr::Update(_)
        | SetExpr::Delete(_)
        | SetExpr::Merge(_)
        | SetExpr::Table(_) => Err(no("a query that is no SELECT")),
    }
}

/// Checks the parts of a SELECT that are not expressions.
///
/// # Errors
/// [`Untranslated`] names the part that has no neutral form.
pub fn check_select(select: &Select) -> Result<(), Untranslated> {
    if select.projection.is_empty()
        || select.top.is_some()
        || select.into.is_some()
        || select.exclude.is_some()
        || !select.lateral_views.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.qualify.is_some()
        || select.value_table_mode.is_some()
    {
        return Err(no("a clause of another engine in SELECT"));
    }
    if matches!(select.distinct, Some(Distinct::On(_))) {
        return Err(no("`DISTINCT ON`"));
    }
    match &select.group_by {
        GroupByExpr::Expressions(_, modifiers) if modifiers.is_empty() => Ok(()),
        GroupByExpr::Expressions(..) | GroupByExpr::All(_) => Err(no("`GROUP BY` with a modifier")),
    }
}

/// Checks what stands in a FROM.
///
/// # Errors
/// [`Untranslated`] names the part that has no neutral form.
pub fn check_table(table: &TableFactor) -> Result<(), Untranslated> {
    match table {
        TableFactor::Table {
            name,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
            ..
        } => {
            let is_plain = args.is_none()
                && with_hints.is_empty()
                && version.is_none()
                && !with_ordinality
                && partitions.is_empty()
                && json_path.is_none()
                && sample.is_none()
                && index_hints.is_empty();
            if is_plain {
                Ok(())
            } else {
                Err(no(format!("the way `{name}` is read")))
            }
        }
        TableFactor::Derived {
            lateral: false,
            sample: None,
            ..
        }
        | TableFactor::NestedJoin { .. } => Ok(()),
        other => Err(no(format!("`{other}` in FROM"))),
    }
}

/// Checks a function's clauses: plain arguments, DISTINCT, ORDER BY, FILTER and OVER are known everywhere.
///
/// # Errors
/// [`Untranslated`] names the part that has no neutral form.
pub fn check_call(function: &Function) -> Result<(), Untranslated> {
    use sqlparser::ast::FunctionArguments;
    if function.null_treatment.is_some() || !function.within_group.is_empty() {
        return Err(no(format!("the way `{}` is called", function.name)));
    }
    match &function.args {
        FunctionArguments::List(list) => {
            let known =
                |clause: &FunctionArgumentClause| matches!(clause, FunctionArgumentClause::OrderBy(_));
            if list.clauses.iter().all(known) {
                Ok(())
            } else {
                Err(no(format!("the way `{}` is called", function.name)))
            }
        }
        FunctionArguments::None => Ok(()),
        FunctionArguments::Subquery(_) => Err(no(format!("the way `{}` is called", function.name))),
    }
}

/// Tells whether an expression holds an aggregate of its own SELECT (inner queries and windows apart).
pub fn has_aggregate(expr: &Expr) -> bool {
    struct Finder {
        queries: usize,
    }
    impl Visitor for Finder {
        type Break = ();

        fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            self.queries += 1;
            ControlFlow::Continue(())
        }

        fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
            self.queries -= 1;
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            match expr {
                Expr::Function(function)
                    if self.queries == 0
                        && function.over.is_none()
                        && is_aggregate(&function.name.to_string()) =>
                {
                    ControlFlow::Break(())
                }
                _ => ControlFlow::Continue(()),
            }
        }
    }
    expr.visit(&mut Finder { queries: 0 }).is_break()
}

fn is_aggregate(name: &str) -> bool {
    [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "string_agg",
        "group_concat",
        "total",
    ]
    .iter()
    .any(|aggregate| name.eq_ignore_ascii_case(aggregate))
}

/// Checks that a grouped SELECT shows nothing that is neither grouped nor aggregated: engines differ in what they make of that.
///
/// # Errors
/// [`Untranslated`] names the part that has no neutral form.
pub fn check_grouping(select: &Select) -> Result<(), Untranslated> {
    let GroupByExpr::Expressions(keys, _) = &select.group_by else {
        return Ok(());
    };
    let shown: Vec<&Expr> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
            SelectItem::ExprWithAliases { .. }
            | SelectItem::QualifiedWildcard(..)
            | SelectItem::Wildcard(_) => None,
        })
        .collect();
    let aggregated = shown.iter().any(|expr| has_aggregate(expr)) || select.having.is_some();
    if keys.is_empty() && !aggregated {
        return Ok(());
    }
    if shown.len() < select.projection.len() {
        return Err(no("`*` beside GROUP BY"));
    }
    let aliases: BTreeSet<&str> = select
        .projection
        .iter()
        .filter_map(|item| match item {
            SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.as_str()),
            SelectItem::UnnamedExpr(_)
            | SelectItem::ExprWithAliases { .. }
            | SelectItem::QualifiedWildcard(..)
            | SelectItem::Wildcard(_) => None,
        })
        .collect();
    // GROUP BY 1 and GROUP BY alias mean an item of the list; which one does not matter when they are all plain.
    let by_place = keys.iter().any(|key| match key {
        Expr::Value(_) => true,
        Expr::Identifier(ident) => aliases.contains(ident.value.as_str()),
        _ => false,
    });
    let grouped = |expr: &Expr| {
        keys.iter().any(|key| same(key, expr)) || has_aggregate(expr) || of_keys_alone(expr, keys) || by_place
    };
    match shown.iter().find(|expr| !grouped(expr)) {
        Some(expr) => Err(no(format!("`{expr}`, neither grouped nor aggregated,"))),
        None => Ok(()),
    }
}

/// `t.a` and `a` are the same column where both can be written.
fn same(a: &Expr, b: &Expr) -> bool {
    let last = |expr: &Expr| match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|ident| ident.value.clone()),
        _ => None,
    };
    a == b || (last(a).is_some() && last(a) == last(b))
}

/// Tells whether an expression is made of grouped columns and constants alone.
fn of_keys_alone(expr: &Expr, keys: &[Expr]) -> bool {
    use sqlparser::ast::visit_expressions;
    let found = visit_expressions(expr, |part| match part {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) if !keys.iter().any(|key| same(key, part)) => {
            ControlFlow::Break(())
        }
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    found == ControlFlow::Continue(())
}
