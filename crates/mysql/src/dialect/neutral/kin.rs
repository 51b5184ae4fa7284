//! Between flavours of one server: the words stay as they are printed, only their names are looked at.

use sqlparser::ast::{Expr, Ident, ObjectName, Query, Select};
use whimbrel_core::Untranslated;
use whimbrel_core::expression::{Translate, no, text_literal, text_of};

/// Reads a tree for a related server.
pub(super) struct Reader;

impl Translate for Reader {
    fn query(&mut self, _query: &mut Query) -> Result<(), Untranslated> {
        Ok(())
    }

    fn select(&mut self, select: &mut Select) -> Result<(), Untranslated> {
        if select.select_modifiers.is_some() || !select.optimizer_hints.is_empty() {
            return Err(no("a modifier of SELECT"));
        }
        Ok(())
    }

    fn relation(&mut self, name: &mut ObjectName) -> Result<(), Untranslated> {
        if name.0.len() > 1 {
            return Err(no(format!("the table `{name}` of another database")));
        }
        Ok(())
    }

    /// Names are printed in quotes; what has none is a word of a function's (`SECOND`).
    fn ident(&mut self, ident: &mut Ident) {
        if ident.quote_style.is_some() {
            ident.quote_style = Some('"');
        }
    }

    fn after(&mut self, expr: &mut Expr) -> Result<(), Untranslated> {
        if let Expr::Prefixed { prefix, value } = expr {
            let is_unicode = prefix.value.to_ascii_lowercase().starts_with("_utf8");
            match text_of(value).filter(|text| is_unicode || text.is_ascii() && prefix.value != "_binary") {
                Some(text) => *expr = text_literal(text),
                None => return Err(no(format!("the character set of `{expr}`"))),
            }
        }
        Ok(())
    }
}
