//! x
use sqlparser::ast::Expr;
use whimbrel_core::{ExpressionContext, Untranslated};
pub(super) fn parse(text: &str, _context: &ExpressionContext) -> Result<Expr, Untranslated> {
    Err(Untranslated::new(format!("`{text}`")))
}
pub(super) fn render(text: &Expr, _context: &ExpressionContext) -> Result<String, Untranslated> {
    Err(Untranslated::new(format!("`{text}`")))
}
