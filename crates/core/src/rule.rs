//! Value rules: what becomes of a value that cannot arrive as it is. A rule stands in the plan, is applied to what the source gives, to
//! the copy and to the comparison alike, and every value it changes is counted.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
};
use serde::{Deserialize, Serialize};

use crate::{Batch, Error, LogicalType, Result, is_decimal, parse_date, parse_time, parse_timestamp};

/// What becomes of values that would not arrive. Without a rule their row is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum ValueRule {
    /// A value that has no form in the column's logical type (a zero date, text in a number's place) arrives as NULL. Applied by the source
    /// while it decodes.
    InvalidToNull,
    /// As [`ValueRule::InvalidToNull`], but such a value arrives as this one, in the text form of the logical type (`1970-01-01`,
    /// `-infinity`).
    InvalidTo {
        /// The value.
        value: String,
    },
    /// NaN and the infinities of numbers arrive as NULL.
    NotFiniteToNull,
    /// Dates and timestamps outside the range (in the units in which they travel, both ends inside) arrive as NULL, the infinities too.
    OutsideToNull {
        /// The smallest that arrives.
        min: i64,
        /// The largest that arrives.
        max: i64,
    },
    /// U+0000 is left out of text.
    StripNul,
    /// U+0000 in text becomes U+2400, its visible sign.
    ReplaceNul,
}

impl ValueRule {
    /// Tells whether the source applies the rule while it decodes, since the value has no form in which it could travel.
    pub fn is_for_invalid(&self) -> bool {
        matches!(self, Self::InvalidToNull | Self::InvalidTo { .. })
    }

    /// Returns what a source puts where a value has no form in the logical type; none for the rules that [`apply`] knows.
    ///
    /// # Errors
    /// `Invalid` when the rule's value is none of the logical type.
    pub fn replacement(&self, logical: &LogicalType) -> Result<Option<RuleValue>> {
        match self {
            Self::InvalidToNull => Ok(Some(RuleValue::Null)),
            Self::InvalidTo { value } => parse(value, logical).map(Some).ok_or_else(|| {
                Error::invalid(format!("the value `{value}` of a rule is no {logical}"))
                    .with_hint("plan again with another value")
            }),
            Self::NotFiniteToNull | Self::OutsideToNull { .. } | Self::StripNul | Self::ReplaceNul => {
                Ok(None)
            }
        }
    }
}

/// A value of a rule, in the form in which its logical type travels.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleValue {
    /// NULL.
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer, or the microseconds of a time or timestamp.
    Long(i64),
    /// The days of a date.
    Days(i32),
    /// A float of 32 bits.
    Float32(f32),
    /// A float of 64 bits.
    Float64(f64),
    /// What travels as text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID.
    Fixed([u8; 16]),
}

/// Reads a value in the text form of the logical type; none when it is no such value, or the type has no text form.
pub fn parse(text: &str, logical: &LogicalType) -> Option<RuleValue> {
    let as_text = |fits: bool| fits.then(|| RuleValue::Text(text.to_owned()));
    match logical {
        LogicalType::Boolean => match text {
            "true" | "1" => Some(RuleValue::Boolean(true)),
            "false" | "0" => Some(RuleValue::Boolean(false)),
            _ => None,
        },
        LogicalType::Integer { bits } => {
            let number: i64 = text.parse().ok()?;
            let half = 1_i64.checked_shl(u32::from(*bits).saturating_sub(1));
            let fits = *bits >= 64 || half.is_some_and(|half| (-half..half).contains(&number));
            fits.then_some(RuleValue::Long(number))
        }
        LogicalType::Decimal { .. } => as_text(is_decimal(text)),
        LogicalType::Float { bits: 32 } => text.parse().ok().map(RuleValue::Float32),
        LogicalType::Float { .. } => text.parse().ok().map(RuleValue::Float64),
        LogicalType::Text { chars_max, .. } => {
            let chars = text.chars().count();
            as_text(chars_max.is_none_or(|limit| u32::try_from(chars).is_ok_and(|chars| chars <= limit)))
        }
        LogicalType::Bytes => hex(text).map(RuleValue::Bytes),
        LogicalType::Bits { .. } => as_text(text.bytes().all(|bit| matches!(bit, b'0' | b'1'))),
        LogicalType::Date => parse_date(text).map(RuleValue::Days),
        LogicalType::Time => parse_time(text).map(RuleValue::Long),
        LogicalType::TimeZoned => as_text(text.contains(['+', '-'])),
        LogicalType::Timestamp { zoned } => parse_timestamp(text, *zoned).map(RuleValue::Long),
        LogicalType::Uuid => {
            let digits = hex(&text.replace('-', ""))?;
            digits.try_into().ok().map(RuleValue::Fixed)
        }
        LogicalType::Json => as_text(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()),
        LogicalType::Enum { labels, .. } => as_text(labels.iter().any(|label| label == text)),
        LogicalType::Set { labels } => {
            let known = |part: &str| labels.iter().any(|label| label == part);
            as_text(text.is_empty() || text.split(',').all(known))
        }
        LogicalType::Interval | LogicalType::Any | LogicalType::Wire { .. } => None,
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x").unwrap_or(text).as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks_exact(2).map(pair).collect())
        .flatten()
}

/// Applies the columns' rules to a batch of the source and counts in [`Batch::ruled`] what they change. The rules that the source applies
/// itself are left to it. A batch whose columns have none of the others is returned as it came.
///
/// # Errors
/// `Bug` when a column's Arrow type is not the one that carries its logical type.
pub fn apply(batch: Batch, columns: &[(&LogicalType, Option<&ValueRule>)]) -> Result<Batch> {
    let is_ours = |rule: &&ValueRule| !rule.is_for_invalid();
    if !columns
        .iter()
        .any(|(_, rule)| rule.is_some_and(|rule| is_ours(&rule)))
    {
        return Ok(batch);
    }
    let Batch {
        records,
        rejects,
        mut ruled,
    } = batch;
    ruled.resize(columns.len(), 0);
    let mut arrays = records.columns().to_vec();
    for ((array, (logical, rule)), count) in arrays.iter_mut().zip(columns).zip(&mut ruled) {
        let Some(rule) = rule.filter(is_ours) else {
            continue;
        };
        if let Some((changed, values)) = changed(rule, logical, array.as_ref())? {
            *array = changed;
            *count += values;
        }
    }
    let options = RecordBatchOptions::new().with_row_count(Some(records.num_rows()));
    let records = RecordBatch::try_new_with_options(records.schema(), arrays, &options)
        .map_err(|cause| Error::bug("a rule changed a column's form").with_cause(cause))?;
    Ok(Batch {
        records,
        rejects,
        ruled,
    })
}

/// The column under the rule, and how many values differ; none when the rule touches nothing.
fn changed(rule: &ValueRule, logical: &LogicalType, array: &dyn Array) -> Result<Option<(ArrayRef, u64)>> {
    if array.data_type() != &crate::arrow_type(logical) {
        let arrived = array.data_type();
        return Err(Error::bug(format!("a {logical} column arrived as {arrived}")));
    }
    Ok(match rule {
        ValueRule::InvalidToNull | ValueRule::InvalidTo { .. } => None,
        ValueRule::NotFiniteToNull => match logical {
            LogicalType::Float { bits: 32 } => {
                without::<Float32Type>(array, |value| !value.is_finite(), logical)
            }
            LogicalType::Float { .. } => without::<Float64Type>(array, |value| !value.is_finite(), logical),
            LogicalType::Decimal { .. } => texts(array, |digits| match digits {
                "NaN" | "Infinity" | "-Infinity" => Text::Null,
                _ => Text::Kept,
            }),
            _ => None,
        },
        ValueRule::OutsideToNull { min, max } => {
            let outside = |value: i64| value < *min || value > *max;
            match logical {
                LogicalType::Date => without::<Date32Type>(array, |days| outside(i64::from(days)), logical),
                LogicalType::Timestamp { .. } => without::<TimestampMicrosecondType>(array, outside, logical),
                LogicalType::Time => without::<Time64MicrosecondType>(array, outside, logical),
                LogicalType::Integer { .. } => without::<Int64Type>(array, outside, logical),
                _ => None,
            }
        }
        ValueRule::StripNul => nul_becomes(array, logical, "", ""),
        ValueRule::ReplaceNul => nul_becomes(array, logical, "\u{2400}", "\\u2400"),
    })
}

/// The array with NULL in the place of the values that are out.
fn without<T: ArrowPrimitiveType>(
    array: &dyn Array,
    is_out: impl Fn(T::Native) -> bool,
    logical: &LogicalType,
) -> Option<(ArrayRef, u64)> {
    let array = array.as_primitive_opt::<T>()?;
    let out = array.iter().flatten().filter(|value| is_out(*value)).count();
    if out == 0 {
        return None;
    }
    let kept: PrimitiveArray<T> = array
        .iter()
        .map(|value| value.filter(|value| !is_out(*value)))
        .collect();
    let kept = kept.with_data_type(crate::arrow_type(logical));
    Some((Arc::new(kept), out as u64))
}

/// What becomes of a text.
enum Text {
    Kept,
    Null,
    Becomes(String),
}

fn texts(array: &dyn Array, change: impl Fn(&str) -> Text) -> Option<(ArrayRef, u64)> {
    let array = array.as_string_opt::<i32>()?;
    let touched = |text: &str| !matches!(change(text), Text::Kept);
    let count = array.iter().flatten().filter(|text| touched(text)).count();
    if count == 0 {
        return None;
    }
    let values: StringArray = array
        .iter()
        .map(|text| {
            text.and_then(|text| match change(text) {
                Text::Kept => Some(text.to_owned()),
                Text::Null => None,
                Text::Becomes(other) => Some(other),
            })
        })
        .collect();
    Some((Arc::new(values), count as u64))
}

/// Puts `by` in the place of U+0000; in JSON `escaped` in the place of its escape, too.
fn nul_becomes(array: &dyn Array, logical: &LogicalType, by: &str, escaped: &str) -> Option<(ArrayRef, u64)> {
    let is_json = *logical == LogicalType::Json;
    texts(array, |text| {
        let raw = text.contains('\0').then(|| text.replace('\0', by));
        let json = is_json
            .then(|| without_nul_escapes(raw.as_deref().unwrap_or(text), escaped))
            .flatten();
        json.or(raw).map_or(Text::Kept, Text::Becomes)
    })
}

/// The JSON text with the escapes of U+0000 replaced; none when it holds none.
fn without_nul_escapes(text: &str, by: &str) -> Option<String> {
    const ESCAPE: &str = "\\u0000";
    if !text.contains(ESCAPE) {
        return None;
    }
    let mut found = false;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(behind) = rest.strip_prefix(ESCAPE) {
            out.push_str(by);
            (rest, found) = (behind, true);
        } else {
            // The escaped character goes along, so that an escaped backslash begins nothing.
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
            out.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

impl fmt::Display for ValueRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidToNull => f.write_str("values that the type cannot hold become NULL"),
            Self::InvalidTo { value } => write!(f, "values that the type cannot hold become `{value}`"),
            Self::NotFiniteToNull => f.write_str("NaN and the infinities become NULL"),
            Self::OutsideToNull { .. } => f.write_str("values outside the target's range become NULL"),
            Self::StripNul => f.write_str("U+0000 is left out of text"),
            Self::ReplaceNul => f.write_str("U+0000 in text becomes U+2400"),
        }
    }
}
