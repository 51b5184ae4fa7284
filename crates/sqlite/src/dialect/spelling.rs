//! x
use sqlparser::ast::{Expr, Query};
use whimbrel_core::{ExpressionContext, Untranslated};
pub(super) fn expression(text: &Expr, _context: &ExpressionContext) -> Result<String, Untranslated> {
    Err(Untranslated::new(format!("`{text}`")))
}
pub(super) fn query(text: &Query, _context: &ExpressionContext) -> Result<String, Untranslated> {
    Err(Untranslated::new(format!("`{text}`")))
}
