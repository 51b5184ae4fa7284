//! Whether a value is still the same in the type that a person names for it: a cast rounds, cuts off a time of day, takes the nearest float.
//! Such a row is refused, unless the person's own expression has made the value fit before.

use std::borrow::Cow;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use whimbrel_core::{DAY_MICROS, LogicalType, Result, canonical_decimal, format_timestamp, shorten};

use crate::{Evaluated, Expression};

/// What stands before a cast that may change values.
#[derive(Clone)]
pub(crate) struct Exact {
    /// The value before.
    before: Expression,
    /// What the cast may do to it.
    loss: Loss,
}

/// What a cast may do to values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Digits are rounded, or the nearest number is taken.
    Digits,
    /// The time of day is cut off.
    TimeOfDay,
    /// The day is cut off.
    Day,
    /// Whoever writes a number for a float means the nearest one: only what no float is near to is lost.
    Range,
}

impl Exact {
    /// Watches over a cast of `before` into a type that holds `to`; none when nothing can be lost.
    pub(crate) fn watch(before: Expression, to: &LogicalType) -> Option<Self> {
        let loss = loss(before.logical(), to)?;
        let is_written = before.reads().is_empty() && matches!(to, LogicalType::Float { .. });
        let loss = if is_written { Loss::Range } else { loss };
        Some(Self { before, loss })
    }

    /// Says what a cast may do to the values of rows; none where it does nothing to them.
    pub(crate) fn why(&self) -> Option<&'static str> {
        match self.loss {
            Loss::Digits => Some("digits may be rounded away"),
            Loss::TimeOfDay => Some("the time of day is cut off"),
            Loss::Day => Some("the day is cut off"),
            Loss::Range => None,
        }
    }

    /// Adds the rows whose value is not the same any more to those that failed.
    ///
    /// # Errors
    /// As [`Expression::evaluate`].
    pub(crate) fn refuse_changed(&self, inputs: &RecordBatch, after: &mut Evaluated) -> Result<()> {
        let before = self.before.evaluate(inputs)?.array;
        let mut failed = std::mem::take(&mut after.failed);
        let known: Vec<usize> = failed.iter().map(|(row, _)| *row).collect();
        for row in 0..before.len() {
            if before.is_null(row) || after.array.is_null(row) || known.binary_search(&row).is_ok() {
                continue;
            }
            if let Some((had, gets)) = self.changed(&before, &after.array, row) {
                let why = format!("`{}` would become `{}`", shorten(&had), shorten(&gets));
                failed.push((row, why));
            }
        }
        failed.sort_by_key(|(row, _)| *row);
        after.failed = failed;
        Ok(())
    }

    /// The value before and after, when they differ.
    fn changed(&self, before: &ArrayRef, after: &ArrayRef, row: usize) -> Option<(String, String)> {
        match self.loss {
            Loss::Digits => {
                let (had, gets) = (digits(before, row), digits(after, row));
                (!is_one_number(&had, &gets)).then(|| (had.into_owned(), gets.into_owned()))
            }
            Loss::Range => {
                let (had, gets) = (digits(before, row), digits(after, row));
                let is_beyond = gets.contains("inf") && had.contains(|digit: char| digit.is_ascii_digit());
                is_beyond.then(|| (had.into_owned(), gets.into_owned()))
            }
            Loss::TimeOfDay | Loss::Day => {
                let moment = before.as_primitive_opt::<TimestampMicrosecondType>()?.value(row);
                let kept = if let Some(days) = after.as_primitive_opt::<Date32Type>() {
                    match days.value(row) {
                        i32::MAX => i64::MAX,
                        i32::MIN => i64::MIN,
                        days => i64::from(days) * DAY_MICROS,
                    }
                } else {
                    after.as_primitive_opt::<Time64MicrosecondType>()?.value(row)
                };
                let shown = match self.loss {
                    Loss::TimeOfDay => format_timestamp(kept, false),
                    Loss::Digits | Loss::Range | Loss::Day => whimbrel_core::format_time(kept),
                };
                (kept != moment).then(|| (format_timestamp(moment, false), shown))
            }
        }
    }
}

/// Tells whether two texts write one number; most are equal as they stand.
fn is_one_number(one: &str, other: &str) -> bool {
    one == other
        || match (canonical_decimal(one), canonical_decimal(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one.eq_ignore_ascii_case(other),
        }
}

/// The digits of a number, or of a text that is one.
fn digits(array: &ArrayRef, row: usize) -> Cow<'_, str> {
    if let Some(texts) = array.as_string_opt::<i32>() {
        return Cow::Borrowed(texts.value(row).trim());
    }
    Cow::Owned(if let Some(numbers) = array.as_primitive_opt::<Int64Type>() {
        numbers.value(row).to_string()
    } else if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        floats.value(row).to_string()
    } else if let Some(floats) = array.as_primitive_opt::<Float32Type>() {
        // The number that it is, and not the shortest text that means it.
        f64::from(floats.value(row)).to_string()
    } else if let Some(truths) = array.as_boolean_opt() {
        u8::from(truths.value(row)).to_string()
    } else {
        String::new()
    })
}

/// What the cast may lose; none when nothing, or when what does not fit is refused as it is.
fn loss(from: &LogicalType, to: &LogicalType) -> Option<Loss> {
    use LogicalType as L;
    match (from, to) {
        (L::Timestamp { .. }, L::Date) => Some(Loss::TimeOfDay),
        (L::Timestamp { .. }, L::Time) => Some(Loss::Day),
        (L::Integer { .. } | L::Decimal { .. } | L::Float { .. }, L::Boolean) => Some(Loss::Digits),
        (L::Decimal { .. } | L::Float { .. } | L::Text { .. }, L::Integer { .. }) => Some(Loss::Digits),
        (L::Float { .. } | L::Text { .. }, L::Decimal { .. }) => Some(Loss::Digits),
        (
            L::Decimal { scale: had, .. },
            L::Decimal {
                scale: Some(kept), ..
            },
        ) => had.is_none_or(|had| had > *kept).then_some(Loss::Digits),
        (L::Float { bits: 64 }, L::Float { bits: 32 }) => Some(Loss::Digits),
        (L::Integer { .. } | L::Decimal { .. } | L::Text { .. }, L::Float { .. }) => Some(Loss::Digits),
        _ => None,
    }
}
