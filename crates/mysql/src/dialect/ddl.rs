//! Statements for changes of structure, each with its undo.

use whimbrel_core::{Change, Error, ErrorClass, Result, Step};

use super::MysqlDialect;

pub(super) fn steps(_dialect: &MysqlDialect, _change: &Change) -> Result<Vec<Step>> {
    Err(Error::new(
        ErrorClass::Unsupported,
        "this change is not known here",
    ))
}
