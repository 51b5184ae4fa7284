//! Parses the engine's expressions into the neutral form.

use sqlparser::ast::{Expr, Query};
use whimbrel_core::{ExpressionContext, Untranslated};

use super::MysqlDialect;

pub(super) fn parse(
    _dialect: &MysqlDialect,
    expression: &str,
    _context: &ExpressionContext,
) -> Result<Expr, Untranslated> {
    Err(Untranslated::new(format!("`{expression}` cannot be read yet")))
}

pub(super) fn parse_query(
    _dialect: &MysqlDialect,
    _query: &str,
    _context: &ExpressionContext,
) -> Result<Query, Untranslated> {
    Err(Untranslated::new("the query cannot be read yet"))
}
