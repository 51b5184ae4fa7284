//! Columns whose values a mapping hides or fills in, and that keep their types all the same: what these take.

use whimbrel_core::{Column, Dialect, LogicalType, Result, Room};

use super::domains;
use super::fill::Fill;
use super::sources::Described;

/// Columns of a database, on their way into a target.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a> {
    described: &'a Described<'a>,
    /// True when the target is of the database's engine, so that the types stay.
    is_kept: bool,
}

impl<'a> Kept<'a> {
    pub(crate) fn new(described: &'a Described<'a>, target_engine: &str) -> Self {
        Self {
            described,
            is_kept: described.catalog.engine == target_engine,
        }
    }

    fn dialect(&self) -> &'a dyn Dialect {
        &*self.described.dialect
    }

    /// What the type of the column takes, where it stays and that is not all of the form.
    pub(crate) fn room(&self, column: &Column) -> Option<Room> {
        let below = domains::below(self.described, column);
        self.dialect().room(&below).filter(|_| self.is_kept)
    }

    /// Tells whether the column keeps a type that travels as text or bytes and reads only some of its own.
    pub(crate) fn has_own_texts(&self, column: &Column) -> bool {
        let below = domains::below(self.described, column);
        let is_text = matches!(self.form(&below), LogicalType::Text { .. } | LogicalType::Bytes);
        self.is_kept && is_text && !self.dialect().takes_any_text(&below)
    }

    fn form(&self, below: &Column) -> LogicalType {
        self.dialect().logical(below, self.described.catalog, None).to
    }

    /// Notes what the database has to be asked before the values can stand in the column; `alike` tells whether a default is another column
    /// of the same type.
    ///
    /// # Errors
    /// `Invalid` for values of which nobody knows whether the type takes them.
    pub(crate) fn ask(
        &self,
        fill: &mut Fill,
        column: &Column,
        alike: impl Fn(&Column) -> bool,
    ) -> Result<()> {
        if !self.is_kept || alike(column) {
            return Ok(());
        }
        let below = domains::below(self.described, column);
        let question = |text: &str| self.dialect().reading(&below, text);
        // A time of day with a zone travels as text, too, though masks have one for it.
        let is_own = self.has_own_texts(column) || self.form(&below) == LogicalType::TimeZoned;
        fill.ask(is_own, &below.native, question)
    }
}
