//! Spells neutral expressions for the engine.

use sqlparser::ast::{Expr, Query};
use whimbrel_core::{ExpressionContext, Untranslated};

use super::MysqlDialect;

pub(super) fn render(
    _dialect: &MysqlDialect,
    expression: &Expr,
    _context: &ExpressionContext,
) -> Result<String, Untranslated> {
    Err(Untranslated::new(format!("`{expression}` cannot be spelled yet")))
}

pub(super) fn render_query(
    _dialect: &MysqlDialect,
    _query: &Query,
    _context: &ExpressionContext,
) -> Result<String, Untranslated> {
    Err(Untranslated::new("the query cannot be spelled yet"))
}
