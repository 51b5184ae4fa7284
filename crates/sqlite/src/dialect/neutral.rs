//! x
use sqlparser::ast::{Expr, Query};
use whimbrel_core::{ExpressionContext, Untranslated};
pub(super) fn expression(text: &str, _context: &ExpressionContext) -> Result<Expr, Untranslated> {
    Err(Untranslated::new(format!("`{text}`")))
}
pub(super) fn query(text: &str, _context: &ExpressionContext) -> Result<Query, Untranslated> {
    Err(Untranslated::new(format!("`{text}`")))
}
