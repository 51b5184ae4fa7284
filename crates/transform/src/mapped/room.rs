//! Whether a column's type takes the values that a mapping makes for it: its form may hold more than the type does. The limits are the
//! dialect's.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array as _, ArrayRef};
use whimbrel_core::{
    DAY_MICROS, LogicalType, Room, canonical_decimal, format_date, format_interval, format_time,
    format_timestamp, shorten,
};

use crate::Evaluated;

/// The years that a calendar of years holds, besides 0.
const YEARS: std::ops::RangeInclusive<i128> = 1901..=2155;

/// Adds the rows whose value the type does not take to those that failed.
pub(crate) fn refuse_unheld(room: Room, made: &mut Evaluated) {
    refuse(made, |array, row| unheld(room, array, row));
}

/// Adds the rows whose value is none of the type's labels to those that failed; other types have none.
pub(crate) fn refuse_unlabelled(form: &LogicalType, made: &mut Evaluated) {
    if matches!(form, LogicalType::Enum { .. } | LogicalType::Set { .. }) {
        refuse(made, |array, row| {
            labelled(form, array.as_string_opt::<i32>()?.value(row))?.err()
        });
    }
}

/// The text as a type with labels wants it, in the order of the type; none for a type without labels.
pub(crate) fn labelled(form: &LogicalType, text: &str) -> Option<Result<String, String>> {
    let (LogicalType::Enum { labels, .. } | LogicalType::Set { labels }) = form else {
        return None;
    };
    let is_set = matches!(form, LogicalType::Set { .. });
    let given: Vec<&str> = match is_set {
        true => text.split(',').filter(|_| !text.is_empty()).collect(),
        false => vec![text],
    };
    let is_known = |part: &&str| labels.iter().any(|label| label == part);
    Some(match given.iter().all(is_known) {
        false => Err(format!(
            "`{}` is none of its labels: {}",
            shorten(text),
            labels.join(", ")
        )),
        true if is_set => {
            let in_order = labels.iter().map(String::as_str);
            Ok(in_order
                .filter(|label| given.contains(label))
                .collect::<Vec<_>>()
                .join(","))
        }
        true => Ok(text.to_owned()),
    })
}

fn refuse(made: &mut Evaluated, why: impl Fn(&ArrayRef, usize) -> Option<String>) {
    let array = &made.array;
    let known: Vec<usize> = made.failed.iter().map(|(row, _)| *row).collect();
    let rows = (0..array.len()).filter(|row| !array.is_null(*row) && known.binary_search(row).is_err());
    let found: Vec<(usize, String)> = rows.filter_map(|row| Some((row, why(array, row)?))).collect();
    made.failed.extend(found);
    made.failed.sort_by_key(|(row, _)| *row);
}

/// Says why the type does not take the value.
fn unheld(room: Room, array: &ArrayRef, row: usize) -> Option<String> {
    match room {
        Room::Bytes { most, is_fixed } => {
            let bytes = array.as_binary_opt::<i32>()?.value(row).len();
            if is_fixed && u32::try_from(bytes).is_ok_and(|bytes| bytes < most) {
                return Some(format!("it has {bytes} bytes; the column has {most}"));
            }
            is_over(bytes, most).then(|| format!("it has {bytes} bytes; {most} are the most"))
        }
        Room::TextBytes(most) => {
            let bytes = array.as_string_opt::<i32>()?.value(row).len();
            is_over(bytes, most).then(|| format!("text has {bytes} bytes; {most} are the most"))
        }
        Room::Years => {
            let year = i128::from(array.as_primitive_opt::<Int64Type>()?.value(row));
            (year != 0 && !YEARS.contains(&year)).then(|| {
                format!(
                    "`{year}` is out of range: 0, or {} to {}",
                    YEARS.start(),
                    YEARS.end()
                )
            })
        }
        Room::Whole { least, most } => {
            let number = number(array, row)?;
            let is_held = number
                .parse::<i128>()
                .is_ok_and(|number| (least..=most).contains(&number));
            (!is_held).then(|| format!("`{number}` is out of range: {least} to {most}"))
        }
        Room::Digits {
            whole,
            places,
            is_signed,
        } => {
            let number = number(array, row)?;
            unheld_digits(&number, (whole, places, is_signed))
        }
        Room::Moments { first, last, places } => {
            let (moment, shown) = moment(array, row)?;
            if matches!(moment, i64::MIN | i64::MAX) && (first, last) == (i64::MIN, i64::MAX) {
                return None;
            }
            if !(first..=last).contains(&moment) {
                return Some(format!(
                    "`{shown}` is out of range: {} to {}",
                    format_timestamp(first, false),
                    format_timestamp(last, false)
                ));
            }
            unheld_places(moment, places, &shown)
        }
        Room::Clock { most, places } => {
            if let Some(spans) = array.as_fixed_size_binary_opt() {
                return unheld_span(spans.value(row), most, places);
            }
            let time = array.as_primitive_opt::<Time64MicrosecondType>()?.value(row);
            unheld_places(time, places, &format_time(time))
        }
    }
}

fn is_over(bytes: usize, most: u32) -> bool {
    u32::try_from(bytes).map_or(true, |bytes| bytes > most)
}

/// The digits of a number; none for what is no number.
fn number(array: &ArrayRef, row: usize) -> Option<String> {
    if let Some(numbers) = array.as_primitive_opt::<Int64Type>() {
        return Some(numbers.value(row).to_string());
    }
    if let Some(floats) = array.as_primitive_opt::<Float64Type>() {
        return Some(floats.value(row).to_string());
    }
    if let Some(floats) = array.as_primitive_opt::<Float32Type>() {
        return Some(floats.value(row).to_string());
    }
    canonical_decimal(array.as_string_opt::<i32>()?.value(row))
}

fn unheld_digits(number: &str, (whole, places, is_signed): (u32, u32, bool)) -> Option<String> {
    let digits = number.trim_start_matches('-');
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return Some(format!("`{number}` is no number here"));
    }
    if !is_signed && number.starts_with('-') && digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        return Some(format!("`{number}` is out of range: 0 is the least"));
    }
    let (before, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let before = before.trim_start_matches('0');
    let behind = behind.trim_end_matches('0');
    if is_over(before.len(), whole) {
        return Some(format!(
            "`{number}` is out of range: {whole} digits before the point are the most"
        ));
    }
    is_over(behind.len(), places)
        .then(|| format!("`{number}` would be rounded: {places} digits behind the point are the most"))
}

/// A day or a moment in microseconds, and as a person writes it.
fn moment(array: &ArrayRef, row: usize) -> Option<(i64, String)> {
    if let Some(days) = array.as_primitive_opt::<Date32Type>() {
        let day = days.value(row);
        let micros = match day {
            i32::MIN => i64::MIN,
            i32::MAX => i64::MAX,
            day => i64::from(day) * DAY_MICROS,
        };
        return Some((micros, format_date(day)));
    }
    let moment = array.as_primitive_opt::<TimestampMicrosecondType>()?.value(row);
    Some((moment, format_timestamp(moment, false)))
}

/// A span of microseconds, days and months, of which a clock has only the first.
fn unheld_span(span: &[u8], most: i64, places: u8) -> Option<String> {
    let span: [u8; 16] = span.try_into().ok()?;
    let shown = format_interval(span);
    let (micros, rest) = span.split_first_chunk::<8>()?;
    let micros = i64::from_be_bytes(*micros);
    if rest.iter().any(|byte| *byte != 0) || !(-most..=most).contains(&micros) {
        return Some(format!(
            "`{shown}` is out of range: {} seconds are the most",
            most / 1_000_000
        ));
    }
    unheld_places(micros, places, &shown)
}

fn unheld_places(micros: i64, places: u8, shown: &str) -> Option<String> {
    let unit = 10_i64.pow(6_u32.saturating_sub(u32::from(places)));
    (micros % unit != 0)
        .then(|| format!("`{shown}` would be rounded: a second has {places} digits behind the point here"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BooleanArray, Int64Array, StringArray};

    use super::*;

    fn refused(room: Room, array: ArrayRef) -> Vec<usize> {
        let mut made = Evaluated {
            array,
            failed: vec![(1, "before".to_owned())],
        };
        refuse_unheld(room, &mut made);
        made.failed.into_iter().map(|(row, _)| row).collect()
    }

    #[test]
    fn a_number_beyond_the_type_fails_its_row() {
        let tiny = Room::Whole {
            least: -128,
            most: 127,
        };
        let numbers = vec![Some(127), None, Some(128), Some(-129), Some(-128)];
        assert_eq!(refused(tiny, Arc::new(Int64Array::from(numbers))), [1, 2, 3]);
        let truths = vec![Some(true), None];
        assert_eq!(refused(tiny, Arc::new(BooleanArray::from(truths))), [1]);
    }

    #[test]
    fn digits_and_signs_that_the_type_lacks_fail_their_row() {
        let room = |is_signed| Room::Digits {
            whole: 3,
            places: 2,
            is_signed,
        };
        let numbers = || -> ArrayRef {
            let texts = ["999.99", "", "1000", "0.005", "-1.50", "1.500", "-0"];
            Arc::new(StringArray::from(texts.to_vec()))
        };
        assert_eq!(refused(room(true), numbers()), [1, 2, 3]);
        assert_eq!(refused(room(false), numbers()), [1, 2, 3, 4]);
    }

    #[test]
    fn labels_are_put_in_the_order_of_their_type() {
        let set = LogicalType::Set {
            labels: vec!["a".to_owned(), "b".to_owned()],
        };
        assert_eq!(labelled(&set, "b,a"), Some(Ok("a,b".to_owned())));
        assert_eq!(labelled(&set, ""), Some(Ok(String::new())));
        assert!(matches!(labelled(&set, "a,c"), Some(Err(_))));
        assert_eq!(labelled(&LogicalType::text(), "c"), None);
    }
}
