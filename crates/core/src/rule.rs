//! Value rules: what becomes of a value that cannot arrive as it is. A rule stands in the plan, is applied to what the source gives, to
//! the copy and to the comparison alike, and every value it changes is counted.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
};
use serde::{Deserialize, Serialize};

use crate::{
    Batch, Error, LogicalType, Result, is_decimal, parse_date, parse_time, parse_timestamp, unhex,
    uuid_of_digits,
};

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
        LogicalType::Bytes => unhex(text.strip_prefix("\\x").unwrap_or(text)).map(RuleValue::Bytes),
        LogicalType::Bits { .. } => as_text(text.bytes().all(|bit| matches!(bit, b'0' | b'1'))),
        LogicalType::Date => parse_date(text).map(RuleValue::Days),
        LogicalType::Time => parse_time(text).map(RuleValue::Long),
        LogicalType::TimeZoned => as_text(text.contains(['+', '-'])),
        LogicalType::Timestamp { zoned } => parse_timestamp(text, *zoned).map(RuleValue::Long),
        LogicalType::Uuid => uuid_of_digits(text).map(RuleValue::Fixed),
        LogicalType::Json => as_text(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()),
        LogicalType::Enum { labels, .. } => as_text(labels.iter().any(|label| label == text)),
        LogicalType::Set { labels } => {
            let known = |part: &str| labels.iter().any(|label| label == part);
            as_text(text.is_empty() || text.split(',').all(known))
        }
        LogicalType::Interval | LogicalType::Any | LogicalType::Wire { .. } => None,
    }
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
        ValueRule::NotFiniteToNull => not_finite_to_null(logical, array),
        ValueRule::OutsideToNull { min, max } => outside_to_null(logical, array, &(*min..=*max)),
        ValueRule::StripNul => nul_becomes(array, logical, "", ""),
        ValueRule::ReplaceNul => nul_becomes(array, logical, "\u{2400}", "\\u2400"),
    })
}

fn not_finite_to_null(logical: &LogicalType, array: &dyn Array) -> Option<(ArrayRef, u64)> {
    if matches!(logical, LogicalType::Decimal { .. }) {
        return texts(array, |digits| match digits {
            "NaN" | "Infinity" | "-Infinity" => Text::Null,
            _ => Text::Kept,
        });
    }
    // An array is of one of these types, or of none.
    without::<Float32Type>(array, |value| !value.is_finite(), logical)
        .or_else(|| without::<Float64Type>(array, |value| !value.is_finite(), logical))
}

fn outside_to_null(
    logical: &LogicalType,
    array: &dyn Array,
    range: &RangeInclusive<i64>,
) -> Option<(ArrayRef, u64)> {
    let outside = |value: i64| !range.contains(&value);
    without::<Date32Type>(array, |days| outside(i64::from(days)), logical)
        .or_else(|| without::<TimestampMicrosecondType>(array, outside, logical))
        .or_else(|| without::<Time64MicrosecondType>(array, outside, logical))
        .or_else(|| without::<Int64Type>(array, outside, logical))
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

#[cfg(test)]
mod tests {
    use arrow_array::{Float64Array, Int64Array, TimestampMicrosecondArray};
    use proptest::prelude::*;

    use super::*;
    use crate::arrow_schema;

    const STAMP: LogicalType = LogicalType::Timestamp { zoned: true };
    const FLOAT: LogicalType = LogicalType::Float { bits: 64 };
    const LONG: LogicalType = LogicalType::Integer { bits: 64 };

    fn batch(columns: Vec<(LogicalType, ArrayRef)>) -> Batch {
        let names = ["a", "b", "c", "d", "e"];
        let schema = arrow_schema(names.into_iter().zip(columns.iter().map(|(logical, _)| logical)));
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        Batch {
            records: RecordBatch::try_new(schema, arrays).unwrap(),
            rejects: Vec::new(),
            ruled: Vec::new(),
        }
    }

    fn text_under(rule: &ValueRule, logical: &LogicalType, text: &str) -> (Option<String>, u64) {
        let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
        let ruled = apply(batch(vec![(logical.clone(), array)]), &[(logical, Some(rule))]).unwrap();
        let array = ruled.records.column(0).as_string::<i32>();
        (array.iter().next().flatten().map(str::to_owned), ruled.ruled[0])
    }

    #[test]
    fn nul_is_stripped_or_shown_in_text_and_in_json_escapes_alike() {
        let text = LogicalType::text();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(text_under(&ValueRule::StripNul, &text, "a\0b\0"), (some("ab"), 1));
        assert_eq!(
            text_under(&ValueRule::ReplaceNul, &text, "a\0b"),
            (some("a\u{2400}b"), 1)
        );
        assert_eq!(
            text_under(&ValueRule::StripNul, &text, r"a\u0000b"),
            (some(r"a\u0000b"), 0)
        );
        let json = LogicalType::Json;
        assert_eq!(
            text_under(&ValueRule::StripNul, &json, r#"["a\u0000b\\u0000"]"#),
            (some(r#"["ab\\u0000"]"#), 1)
        );
        assert_eq!(
            text_under(&ValueRule::ReplaceNul, &json, r#""\u0000""#),
            (some(r#""\u2400""#), 1)
        );
    }

    #[test]
    fn a_decimal_that_is_no_number_becomes_null() {
        let decimal = LogicalType::Decimal {
            precision: None,
            scale: None,
        };
        for (digits, kept) in [("NaN", false), ("-Infinity", false), ("-1.50", true)] {
            let (value, count) = text_under(&ValueRule::NotFiniteToNull, &decimal, digits);
            assert_eq!((value.is_some(), count == 0), (kept, kept), "{digits}");
        }
    }

    #[test]
    fn an_infinity_lies_outside_every_range() {
        let array = TimestampMicrosecondArray::from(vec![i64::MIN, 0, 5, 6, i64::MAX]).with_timezone("UTC");
        let rule = ValueRule::OutsideToNull { min: 0, max: 5 };
        let ruled = apply(batch(vec![(STAMP, Arc::new(array))]), &[(&STAMP, Some(&rule))]).unwrap();
        assert_eq!(ruled.ruled, [3]);
        let nulls: Vec<bool> = (0..5).map(|row| ruled.records.column(0).is_null(row)).collect();
        assert_eq!(nulls, [true, false, false, true, true]);
    }

    #[test]
    fn the_value_of_a_rule_is_read_in_its_types_text_form() {
        let date = |value: &str| {
            ValueRule::InvalidTo {
                value: value.to_owned(),
            }
            .replacement(&LogicalType::Date)
        };
        assert_eq!(date("1970-01-02").unwrap(), Some(RuleValue::Days(1)));
        assert_eq!(date("-infinity").unwrap(), Some(RuleValue::Days(i32::MIN)));
        assert!(date("soon").unwrap_err().hint().is_some());
        assert_eq!(parse("40000", &LogicalType::Integer { bits: 16 }), None);
        assert_eq!(parse("-7", &LONG), Some(RuleValue::Long(-7)));
        let set = LogicalType::Set {
            labels: vec!["a".to_owned(), "b".to_owned()],
        };
        assert!(parse("a,b", &set).is_some() && parse("", &set).is_some() && parse("a,c", &set).is_none());
        assert!(parse("00112233-4455-6677-8899-aabbccddeeff", &LogicalType::Uuid).is_some());
    }

    fn rules() -> impl Strategy<Value = Option<ValueRule>> {
        prop_oneof![
            Just(None),
            Just(Some(ValueRule::InvalidToNull)),
            Just(Some(ValueRule::NotFiniteToNull)),
            Just(Some(ValueRule::StripNul)),
            Just(Some(ValueRule::ReplaceNul)),
            (-9_i64..9, 0_i64..9).prop_map(|(min, width)| Some(ValueRule::OutsideToNull {
                min,
                max: min + width
            })),
        ]
    }

    type Cells = (Option<i64>, Option<f64>, Option<String>);

    fn cells() -> impl Strategy<Value = Cells> {
        let float = prop_oneof![any::<f64>(), Just(f64::NAN), Just(f64::INFINITY)];
        (
            proptest::option::of(-20_i64..20),
            proptest::option::of(float),
            proptest::option::of("[a\\x00\\\\u0]{0,8}"),
        )
    }

    proptest! {
        #[test]
        fn a_rule_applied_twice_changes_nothing_more_and_touches_no_other_column(
            rows in proptest::collection::vec(cells(), 0..20), rule in rules(), at in 0_usize..4,
        ) {
            let text = LogicalType::text();
            let columns = [&STAMP, &FLOAT, &text, &LONG];
            let longs: Vec<Option<i64>> = rows.iter().map(|row| row.0).collect();
            let before = batch(vec![
                (STAMP, Arc::new(TimestampMicrosecondArray::from(longs.clone()).with_timezone("UTC"))),
                (FLOAT, Arc::new(Float64Array::from(rows.iter().map(|row| row.1).collect::<Vec<_>>()))),
                (text.clone(), Arc::new(StringArray::from(rows.iter().map(|row| row.2.clone()).collect::<Vec<_>>()))),
                (LONG, Arc::new(Int64Array::from(longs))),
            ]);
            let ruled: Vec<(&LogicalType, Option<&ValueRule>)> = columns
                .iter()
                .enumerate()
                .map(|(column, logical)| (*logical, rule.as_ref().filter(|_| column == at)))
                .collect();
            let once = apply(before.clone(), &ruled).unwrap();
            let again = apply(Batch { ruled: Vec::new(), ..once.clone() }, &ruled).unwrap();
            prop_assert_eq!(format!("{:?}", again.records), format!("{:?}", once.records));
            prop_assert_eq!(again.ruled.iter().sum::<u64>(), 0);
            for column in (0..4).filter(|column| *column != at) {
                prop_assert_eq!(
                    format!("{:?}", once.records.column(column)), format!("{:?}", before.records.column(column))
                );
            }
            let changed = (0..rows.len()).filter(|row| {
                let one = |batch: &Batch| format!("{:?}", batch.records.column(at).slice(*row, 1));
                one(&before) != one(&once)
            });
            prop_assert_eq!(once.ruled.iter().sum::<u64>(), changed.count() as u64);
        }
    }
}
