//! How a value of a mapped column is computed, filled in and hidden.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use whimbrel_core::{Error, LogicalType, MaskRule, Result, Room};

use super::exact::Exact;
use super::fill::Fill;
use super::room::{refuse_unheld, refuse_unlabelled};
use crate::{Evaluated, Expression, InputColumn, Lookups, Mask, MaskKey, MaskKind};

/// How a value is computed.
#[derive(Clone)]
pub(crate) struct Computed {
    /// From the table's columns.
    pub(crate) expression: Expression,
    /// As it was compiled, for messages.
    pub(crate) text: String,
    /// What hides it.
    pub(crate) mask: Option<Mask>,
    /// The kind of mask, to compare what two keys do.
    pub(crate) masked: Option<MaskRule>,
    /// The column whose place it takes, when it does nothing but hide it or give it another form.
    pub(crate) of: Option<usize>,
    /// What watches over a cast that may change values.
    pub(crate) exact: Option<Exact>,
    /// What the wanted type takes, where that is not all of the form of the values.
    pub(crate) room: Option<Room>,
    /// The form of the wanted type, where that is not the form of the values.
    pub(crate) wanted: Option<LogicalType>,
    /// What keeps the column's own values as they are, where only NULL gets another one.
    pub(crate) fill: Option<Fill>,
    /// True when every value means what the column's own means.
    pub(crate) keeps_values: bool,
}

impl Computed {
    /// What the expression gives, with nothing hidden.
    ///
    /// # Errors
    /// As [`Expression::compile`].
    pub(crate) fn new(text: String, inputs: &[InputColumn], lookups: &Lookups) -> Result<Self> {
        Ok(Self {
            expression: Expression::compile(&text, inputs, lookups)?,
            text,
            mask: None,
            masked: None,
            of: None,
            exact: None,
            room: None,
            wanted: None,
            fill: None,
            keeps_values: false,
        })
    }

    /// The form of the values.
    pub(crate) fn form(&self) -> &LogicalType {
        match &self.fill {
            Some(fill) => fill.form(),
            None => self.expression.logical(),
        }
    }

    /// Computes the values of the rows, with nothing hidden.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub(crate) fn evaluate(&self, inputs: &RecordBatch) -> Result<Evaluated> {
        if let Some(fill) = &self.fill {
            return fill.evaluate(inputs);
        }
        let mut evaluated = self.expression.evaluate(inputs)?;
        if let Some(exact) = &self.exact {
            exact.refuse_changed(inputs, &mut evaluated)?;
        }
        if let Some(room) = self.room {
            refuse_unheld(room, &mut evaluated);
        }
        if let Some(wanted) = &self.wanted {
            refuse_unlabelled(wanted, &mut evaluated);
        }
        Ok(evaluated)
    }

    /// Tries a value that does not depend on the row before any row is read.
    ///
    /// # Errors
    /// `Invalid` when it fails, or does not fit the wanted type.
    pub(crate) fn refuse_unfit(&self, native: &str) -> Result<()> {
        if !self.expression.reads().is_empty() {
            return Ok(());
        }
        match self.evaluate(&any_row()?)?.failed.into_iter().next() {
            Some((_, why)) => Err(
                Error::invalid(format!("the value does not fit `{native}`: {why}"))
                    .with_hint("name a value that the type holds, or another type"),
            ),
            None => Ok(()),
        }
    }

    /// Hides the values of the column.
    ///
    /// # Errors
    /// As [`Mask::new`].
    pub(crate) fn hide(&mut self, column: &Masked<'_>, rule: MaskRule, key: &MaskKey) -> Result<()> {
        let input = InputColumn {
            name: column.name.to_owned(),
            logical: self.form().clone(),
            nullable: column.takes_null && self.expression.nullable(),
        };
        self.mask = Some(match column.own_texts {
            Some(native) => Mask::of_own_texts(kind(rule), native, &input)?,
            None => Mask::new(kind(rule), key, &input)?.within(column.room)?,
        });
        self.masked = Some(rule);
        Ok(())
    }
}

/// A column that a mask hides.
pub(crate) struct Masked<'a> {
    pub(crate) name: &'a str,
    /// True when the type in the target does not forbid NULL.
    pub(crate) takes_null: bool,
    /// The type that it keeps, where that reads only texts of its own, of which no mask makes one.
    pub(crate) own_texts: Option<&'a str>,
    /// What its type takes, where that is not all of the form.
    pub(crate) room: Option<Room>,
}

impl<'a> Masked<'a> {
    /// A column that takes whatever its form holds.
    pub(crate) fn plain(name: &'a str) -> Self {
        Self {
            name,
            takes_null: true,
            own_texts: None,
            room: None,
        }
    }
}

fn kind(rule: MaskRule) -> MaskKind {
    match rule {
        MaskRule::Hash => MaskKind::Hash,
        MaskRule::Redact => MaskKind::Redact,
        MaskRule::KeepLast(count) => MaskKind::KeepLast(count),
    }
}

/// A row that stands for all, for what depends on none.
///
/// # Errors
/// `Bug` when it cannot be made.
pub(super) fn any_row() -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options)
        .map_err(|error| Error::bug("a row without columns cannot be made").with_cause(error))
}
