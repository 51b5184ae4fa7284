//! x
use sqlparser::ast::Query;
use whimbrel_core::{ExpressionContext, Untranslated};
pub(super) fn parse(text: &str, _context: &ExpressionContext) -> Result<Query, Untranslated> {
    Err(Untranslated::new(format!("`{text}`")))
}
pub(super) fn render(text: &Query, _context: &ExpressionContext) -> Result<String, Untranslated> {
    Err(Untranslated::new(format!("`{text}`")))
}
