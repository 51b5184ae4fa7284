//! What `default` puts in the place of NULL. All other values of the column stay what they are, to the last digit and blank, and the new ones
//! have the column's own form, so that it keeps its type.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, BooleanArray, RecordBatch, StringArray};
use datafusion_common::arrow::compute::kernels::zip::zip;
use std::sync::Arc;
use whimbrel_core::{Error, LogicalType, Result, Room, arrow_type, canonical_decimal, shorten};

use super::castable::word;
use super::computed::any_row;
use super::exact::Exact;
use super::room::{labelled, refuse_unheld};
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
    /// What the column's type takes, where that is not all of the form.
    room: Option<Room>,
    /// What the column's database has still to be asked.
    pub(crate) question: Option<Question>,
    /// What its type made of the text that is given to every row.
    read: Option<String>,
}

/// A text of which only a server knows what a type makes of it.
#[derive(Clone)]
pub(crate) struct Question {
    /// What it is asked.
    pub(crate) query: String,
    /// The text.
    given: String,
    /// True where the type reads texts of its own, and may print them otherwise.
    has_own_texts: bool,
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
        room: Option<Room>,
    ) -> Result<Option<Self>> {
        let form = inputs[at].logical.clone();
        // Bits, and times of day with a zone, travel as texts.
        let is_text = matches!(form, LogicalType::Bits { .. } | LogicalType::TimeZoned);
        let Some(word) = word(&form).or(is_text.then(|| "varchar".to_owned())) else {
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
            room,
            question: None,
            read: None,
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
        if let Some(room) = self.room {
            refuse_unheld(room, &mut given);
        }
        if let (Some(read), Some(texts)) = (&self.read, given.array.as_string_opt::<i32>()) {
            let read: StringArray = texts.iter().map(|text| text.map(|_| read.as_str())).collect();
            given.array = Arc::new(read);
        } else if let Some(texts) = given.array.as_string_opt::<i32>() {
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
        match self
            .of_every_row()?
            .and_then(|made| made.failed.into_iter().next())
        {
            Some((_, why)) => Err(unfit(&self.form.to_string(), &why)),
            None => Ok(()),
        }
    }

    /// What is given to every row alike; none where it depends on the row.
    fn of_every_row(&self) -> Result<Option<Evaluated>> {
        if !self.given.reads().is_empty() {
            return Ok(None);
        }
        self.given(&any_row()?).map(Some)
    }

    /// The text that is given to every row; none where it depends on the row, is NULL or travels as no text.
    fn text(&self) -> Result<Option<String>> {
        let made = self.of_every_row()?;
        Ok(made.and_then(|made| {
            let texts = made.array.as_string_opt::<i32>()?;
            (!texts.is_null(0)).then(|| texts.value(0).to_owned())
        }))
    }

    /// Keeps what the server has to be asked before the texts can be given: `question` makes a query of a text. Where the type reads
    /// only texts of its own, others than those that can be asked are refused.
    ///
    /// # Errors
    /// `Invalid` for a value that depends on the row, in such a column.
    pub(crate) fn ask(
        &mut self,
        has_own_texts: bool,
        native: &str,
        question: impl Fn(&str) -> Option<String>,
    ) -> Result<()> {
        let given = self.text()?;
        let query = given.as_deref().and_then(question);
        let is_null = self.of_every_row()?.is_some_and(|made| made.array.is_null(0));
        if has_own_texts && query.is_none() && !is_null {
            // What its server stores of a geometry or a vector is nothing that a person writes.
            let hint = match matches!(self.form, LogicalType::Bytes) {
                true => "give it a column of the same type, or leave NULL where it is",
                false => {
                    "give it a text in quotes, or a column of the same type; or make it text first: types = { COLUMN = \"text\" }"
                }
            };
            return Err(Error::invalid(format!(
                "whether the default is a value of `{native}` cannot be told before the rows are there"
            ))
            .with_hint(hint));
        }
        self.question = given.zip(query).map(|(given, query)| Question {
            query,
            given,
            has_own_texts,
        });
        Ok(())
    }

    /// Takes what the server made of the text.
    ///
    /// # Errors
    /// `Invalid` when the type makes another value of it, or none.
    pub(crate) fn answer(&mut self, question: &Question, read: Option<String>) -> Result<()> {
        let given = &question.given;
        let Some(read) = read else {
            return Err(unfit(
                &self.form.to_string(),
                &format!("`{}` is no value of its type", shorten(given)),
            ));
        };
        let is_number = matches!(self.form, LogicalType::Decimal { .. });
        let is_one = question.has_own_texts
            || *given == read
            || is_number && canonical_decimal(given) == canonical_decimal(&read);
        if !is_one {
            let why = format!("`{}` would become `{}`", shorten(given), shorten(&read));
            return Err(unfit(&self.form.to_string(), &why));
        }
        if question.has_own_texts {
            self.read = Some(read);
        }
        Ok(())
    }

    /// Says why the server refuses the text.
    pub(crate) fn refused(&self, cause: Error) -> Error {
        unfit(&self.form.to_string(), "its database does not take the value").with_cause(cause)
    }
}

fn unfit(what: &str, why: &str) -> Error {
    Error::invalid(format!("the default does not fit the column ({what}): {why}")).with_hint(
        "name a value that the column's type holds, or give it another type: types = { COLUMN = \"...\" }",
    )
}

/// The text as the form wants it.
fn fit(form: &LogicalType, text: &str) -> Result<String, String> {
    if let Some(labelled) = labelled(form, text) {
        return labelled;
    }
    if let LogicalType::Bits { length, varying } = form {
        return fit_bits(text, *length, *varying);
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

/// Digits 0 and 1, as many as the form wants.
fn fit_bits(text: &str, length: Option<u32>, varying: bool) -> Result<String, String> {
    if !text.bytes().all(|digit| matches!(digit, b'0' | b'1')) {
        return Err(format!("`{}` is not made of the digits 0 and 1", shorten(text)));
    }
    let digits = text.len();
    let wanted = length.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    let is_fit = wanted.is_none_or(|wanted| digits == wanted || varying && digits < wanted);
    match (is_fit, wanted) {
        (false, Some(wanted)) => Err(format!("it has {digits} bits; the column has {wanted}")),
        _ => Ok(text.to_owned()),
    }
}
