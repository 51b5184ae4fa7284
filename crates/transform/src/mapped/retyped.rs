//! What a column keeps of its own when a mapping gives it another type or other values: its default, its numbering, its collation. What it does
//! not keep is named, so that nothing goes in silence.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use datafusion_common::arrow::util::display::{ArrayFormatter, FormatOptions};
use sqlparser::ast::{Expr, UnaryOperator, Value as Literal};
use std::sync::Arc;
use whimbrel_core::expression::{number_literal, text_literal};
use whimbrel_core::{
    Column, Dialect, ExpressionContext, LogicalType, ObjectKind, Sequence, TableId, UserTypeKind,
};

use super::castable::word;
use super::keys::Gone;
use super::sources::Described;
use crate::{Expression, Lookups};

/// A column whose type or values a mapping changes.
pub(crate) struct Retyped<'a> {
    /// Its database.
    pub(crate) described: &'a Described<'a>,
    /// The table, as its database calls it.
    pub(crate) table: &'a TableId,
    /// The language of the target.
    pub(crate) target: &'a dyn Dialect,
    /// The form of the source's values.
    pub(crate) from: &'a LogicalType,
    /// The form of the new ones.
    pub(crate) to: &'a LogicalType,
    /// The type that a person wants for the source's own values; none where other values are computed.
    pub(crate) native: Option<&'a str>,
}

/// Tells whether a value means the same in both forms, to every expression and every key.
pub(crate) fn keeps_values(from: &LogicalType, to: &LogicalType) -> bool {
    use LogicalType as L;
    match (from, to) {
        (L::Integer { .. }, L::Integer { .. }) => true,
        (L::Text { padded: one, .. }, L::Text { padded: other, .. }) => one == other,
        (L::Decimal { scale: one, .. }, L::Decimal { scale: other, .. }) => {
            other.is_none() || one.is_some() && one <= other
        }
        (from, to) => from == to,
    }
}

impl Retyped<'_> {
    /// Takes out of the column what does not hold any more; returns the type that the target gives it instead of the wanted one, where only
    /// that one numbers itself, and what stays behind.
    pub(crate) fn settle(&self, column: &mut Column) -> (Option<String>, Vec<Gone>) {
        let own = std::mem::replace(column, bare(column));
        let mut gone = Vec::new();
        let mut leave = |what: String| gone.push(self.gone(&own.name, what));
        let is_text = |form: &LogicalType| matches!(form, LogicalType::Text { .. });
        if is_text(self.from) && is_text(self.to) {
            column.collation.clone_from(&own.collation);
            if self.native.is_some() && own.user_type.is_none() {
                column.native.clone_from(&own.native);
            }
        }
        if let Some(domain) = self.domain(&own) {
            leave(format!("domain `{domain}`"));
        }
        let sequence = self.sequence(&own).filter(|_| own.default.is_some());
        let is_numbered = own.identity.is_some() || sequence.is_some();
        let numbering = self.native.and_then(|native| self.target.numbering_type(native));
        let numbering = numbering.filter(|_| is_numbered && self.is_whole());
        match (is_numbered, &numbering) {
            (true, Some(_)) => {
                column.identity.clone_from(&own.identity);
                column.default = own.default.filter(|_| own.identity.is_none());
            }
            (true, None) => leave("numbering".to_owned()),
            (false, _) => {
                if let Some(default) = &own.default {
                    column.default = self.default(default);
                    if column.default.is_none() && !self.is_null(default) {
                        leave(format!("default {default}"));
                    }
                }
            }
        }
        let keeps = self.native.is_some() && keeps_values(self.from, self.to);
        if let Some(words) = own.on_update {
            match keeps {
                true => column.on_update = Some(words),
                false => leave(words),
            }
        }
        if let Some(generated) = own.generated {
            match keeps {
                true => column.generated = Some(generated),
                false => leave(format!("expression {}", generated.expression)),
            }
        }
        if keeps {
            column.options = own.options;
        } else if !own.options.is_empty() {
            leave(own.options.join(", "));
        }
        (numbering, gone)
    }

    fn gone(&self, column: &str, what: String) -> Gone {
        let why = match self.native {
            Some(native) => format!("the mapping wants `{native}` in place of {}", self.from),
            None => "the mapping computes the values".to_owned(),
        };
        Gone {
            kind: ObjectKind::Column,
            name: column.to_owned(),
            what: Some(what),
            why,
        }
    }

    /// Whole numbers stay what they are in every type for whole numbers.
    fn is_whole(&self) -> bool {
        let is_whole = |form: &LogicalType| {
            matches!(
                form,
                LogicalType::Integer { .. }
                    | LogicalType::Decimal {
                        scale: Some(0),
                        precision: Some(_)
                    }
            )
        };
        is_whole(self.from) && is_whole(self.to)
    }

    /// The sequence that belongs to the column.
    fn sequence(&self, own: &Column) -> Option<&Sequence> {
        let mut sequences = self.described.catalog.sequences.iter();
        sequences.find(|sequence| {
            let owner = sequence.owned_by.as_ref();
            owner.is_some_and(|(table, column)| table == self.table && *column == own.name)
        })
    }

    /// The type with rules of its own that the column had.
    fn domain(&self, own: &Column) -> Option<&TableId> {
        let id = own.user_type.as_ref()?;
        let mut types = self.described.catalog.types.iter();
        let found = types.find(|found| self.described.called(&found.id) == *id)?;
        match &found.kind {
            UserTypeKind::Domain {
                not_null,
                default,
                checks,
                ..
            } => (*not_null || default.is_some() || !checks.is_empty()).then_some(&found.id),
            UserTypeKind::Enum { .. } | UserTypeKind::Composite { .. } | UserTypeKind::Range { .. } => None,
        }
    }

    /// The default in the words of its database, where it surely means the same: the form stays, or it is a literal that can be turned into the
    /// new one as every value is.
    fn default(&self, default: &str) -> Option<String> {
        self.native?;
        if keeps_values(self.from, self.to) {
            return Some(default.to_owned());
        }
        let context = self.context(self.from);
        let literal = self.described.dialect.parse(default, &context).ok()?;
        if !is_literal(&literal) {
            return None;
        }
        let turned = self.turned(&literal)?;
        let context = self.context(self.to);
        self.described.dialect.render(&turned, &context).ok()
    }

    fn is_null(&self, default: &str) -> bool {
        let read = self.described.dialect.parse(default, &self.context(self.from));
        matches!(read, Ok(Expr::Value(value)) if value.value == Literal::Null)
    }

    fn context(&self, expected: &LogicalType) -> ExpressionContext {
        ExpressionContext {
            expected: Some(expected.clone()),
            ..ExpressionContext::default()
        }
    }

    /// The literal after the cast that its column's values go through.
    fn turned(&self, literal: &Expr) -> Option<Expr> {
        let (from, to) = (word(self.from)?, word(self.to)?);
        let text = format!("CAST(CAST({literal} AS {from}) AS {to})");
        let cast = Expression::compile(&text, &[], &Lookups::default()).ok()?;
        let row = RecordBatchOptions::new().with_row_count(Some(1));
        let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &row).ok()?;
        let made = cast.evaluate(&row).ok()?;
        if !made.failed.is_empty() || made.array.is_null(0) {
            return None;
        }
        let shown = ArrayFormatter::try_new(&made.array, &FormatOptions::default()).ok()?;
        let shown = shown.value(0).to_string();
        match self.to {
            LogicalType::Boolean => Some(Expr::value(Literal::Boolean(shown == "true"))),
            LogicalType::Integer { .. } | LogicalType::Decimal { .. } | LogicalType::Float { .. } => {
                number_literal(&shown)
            }
            LogicalType::Text { .. }
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. }
            | LogicalType::Uuid
            | LogicalType::Date => Some(text_literal(&shown)),
            LogicalType::Bytes
            | LogicalType::Bits { .. }
            | LogicalType::Json
            | LogicalType::Time
            | LogicalType::TimeZoned
            | LogicalType::Timestamp { .. }
            | LogicalType::Interval
            | LogicalType::Any
            | LogicalType::Wire { .. } => None,
        }
    }
}

/// The column with nothing but its name, its values and what is said of it.
fn bare(column: &Column) -> Column {
    Column {
        derived: column.derived.clone(),
        derivation: column.derivation.clone(),
        nullable: column.nullable,
        comment: column.comment.clone(),
        ..Column::new(&column.name, "")
    }
}

fn is_literal(expr: &Expr) -> bool {
    if let Expr::Nested(inner) = expr {
        return is_literal(inner);
    }
    if let Expr::UnaryOp { op, expr } = expr {
        return matches!(op, UnaryOperator::Minus | UnaryOperator::Plus) && is_literal(expr);
    }
    matches!(expr, Expr::Value(_))
}
