//! What `default` puts in the place of NULL. All other values of the column stay what they are, to the last digit and blank, and the new ones
//! have the column's own form, so that it keeps its type.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::Schema;
use datafusion_common::arrow::compute::kernels::zip::zip;
use std::sync::Arc;
use whimbrel_core::{Error, LogicalType, Result, arrow_type};

use super::castable::word;
use super::exact::Exact;
use crate::{Evaluated, Expression, InputColumn, Lookups};

/// A value for the rows that have none.
#[derive(Clone)]
pub(crate) struct Fill {
    /// The column, by place among the inputs.
    at: usize,
    /// Its form.
    form: LogicalType,
    /// What is put in the place of NULL.
    given: Expression,
    /// What watches over its cast into the form.
    exact: Option<Exact>,
}

impl Fill {
    /// Puts the value of the expression where the column has none; no fill where expressions do not make values of the column's form.
    ///
    /// # Errors
    /// `Invalid` as [`Expression::compile`], and when the same value is given to every row and does not fit the column.
    pub(crate) fn new(
        (at, inputs): (usize, &[InputColumn]),
        text: &str,
        lookups: &Lookups,
    ) -> Result<Option<Self>> {
        let form = inputs[at].logical.clone();
        let Some(word) = word(&form) else {
            return Ok(None);
        };
        let before = Expression::compile(&format!("({text})"), inputs, lookups)?;
        let given = Expression::compile(&format!("CAST(({text}) AS {word})"), inputs, lookups)?;
        if arrow_type(given.logical()) != arrow_type(&form) {
            return Ok(None);
        }
        let exact = Exact::watch(before, &form);
        let fill = Self {
            at,
            form,
            given,
            exact,
        };
        fill.refuse_unfit()?;
        Ok(Some(fill))
    }

    /// The form of all values.
    pub(crate) fn form(&self) -> &LogicalType {
        &self.form
    }

    /// The columns' values with those that are given in the place of NULL.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub(crate) fn evaluate(&self, inputs: &RecordBatch) -> Result<Evaluated> {
        let own = inputs.column(self.at);
        if own.null_count() == 0 {
            return Ok(Evaluated {
                array: Arc::clone(own),
                failed: Vec::new(),
            });
        }
        let mut given = self.given(inputs)?;
        given.failed.retain(|(row, _)| own.is_null(*row));
        let has_own = BooleanArray::from_iter((0..own.len()).map(|row| Some(!own.is_null(row))));
        given.array = zip(&has_own, own, &given.array)
            .map_err(|error| Error::bug("a default has another form than its column").with_cause(error))?;
        Ok(given)
    }

    /// What is given to every row, in the column's form.
    fn given(&self, inputs: &RecordBatch) -> Result<Evaluated> {
        let mut given = self.given.evaluate(inputs)?;
        if let Some(exact) = &self.exact {
            exact.refuse_changed(inputs, &mut given)?;
        }
        if let Some(texts) = given.array.as_string_opt::<i32>() {
            let (array, unfit) = self.fitted(texts);
            given.array = array;
            given.failed.extend(unfit);
            given.failed.sort_by_key(|(row, _)| *row);
            given.failed.dedup_by_key(|(row, _)| *row);
        }
        Ok(given)
    }

    /// Texts as long as the form wants them, and the rows of those that do not fit it.
    fn fitted(&self, texts: &StringArray) -> (ArrayRef, Vec<(usize, String)>) {
        let mut unfit = Vec::new();
        let fitted: StringArray = texts
            .iter()
            .enumerate()
            .map(|(row, text)| {
                let text = text?;
                match fit(&self.form, text) {
                    Ok(fit) => Some(fit),
                    Err(why) => {
                        unfit.push((row, why));
                        None
                    }
                }
            })
            .collect();
        (Arc::new(fitted), unfit)
    }

    /// A value that does not depend on the row is tried before any row is read.
    fn refuse_unfit(&self) -> Result<()> {
        if !self.given.reads().is_empty() {
            return Ok(());
        }
        let row = RecordBatchOptions::new().with_row_count(Some(1));
        let row = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &row)
            .map_err(|error| Error::bug("a row without columns cannot be made").with_cause(error))?;
        let Some((_, why)) = self.given(&row)?.failed.into_iter().next() else {
            return Ok(());
        };
        Err(
            Error::invalid(format!("the default does not fit the column ({}): {why}", self.form))
                .with_hint("name a value that the column's type holds, or give it another type: types = { COLUMN = \"...\" }"),
        )
    }
}

/// The text as the form wants it.
fn fit(form: &LogicalType, text: &str) -> Result<String, String> {
    if let LogicalType::Enum { labels, .. } | LogicalType::Set { labels } = form {
        let is_label = |part: &str| labels.iter().any(|label| label == part);
        let is_set = matches!(form, LogicalType::Set { .. });
        let is_fit = match is_set {
            true => text.is_empty() || text.split(',').all(is_label),
            false => is_label(text),
        };
        return match is_fit {
            true => Ok(text.to_owned()),
            false => Err(format!("`{text}` is none of its labels: {}", labels.join(", "))),
        };
    }
    let LogicalType::Text {
        chars_max: Some(most),
        padded,
    } = form
    else {
        return Ok(text.to_owned());
    };
    let most = usize::try_from(*most).unwrap_or(usize::MAX);
    let chars = text.chars().count();
    if chars > most {
        return Err(format!("text has {chars} characters; {most} are the most"));
    }
    let blanks = if *padded { most - chars } else { 0 };
    Ok(format!("{text}{}", " ".repeat(blanks)))
}
