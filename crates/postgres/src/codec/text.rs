//! Values as the server's input functions read them: for columns that are written as text, and for rejects.

use std::borrow::Cow;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use whimbrel_core::{Civil, DAY_MICROS, LogicalType, civil_from_days, format_time, format_uuid};

/// Returns the text of a value that is not NULL; for bytes, these.
pub(crate) fn of<'a>(
    logical: &LogicalType,
    array: &'a dyn Array,
    row: usize,
) -> Result<Cow<'a, str>, &'a [u8]> {
    Ok(match logical {
        LogicalType::Boolean => Cow::Borrowed(if array.as_boolean().value(row) {
            "true"
        } else {
            "false"
        }),
        LogicalType::Integer { .. } => Cow::Owned(array.as_primitive::<Int64Type>().value(row).to_string()),
        LogicalType::Float { bits: 32 } => {
            Cow::Owned(array.as_primitive::<Float32Type>().value(row).to_string())
        }
        LogicalType::Float { .. } => Cow::Owned(array.as_primitive::<Float64Type>().value(row).to_string()),
        LogicalType::Date => Cow::Owned(date(array.as_primitive::<Date32Type>().value(row))),
        LogicalType::Time => Cow::Owned(format_time(
            array.as_primitive::<Time64MicrosecondType>().value(row),
        )),
        LogicalType::Timestamp { zoned } => Cow::Owned(timestamp(
            array.as_primitive::<TimestampMicrosecondType>().value(row),
            *zoned,
        )),
        LogicalType::Interval => Cow::Owned(interval(array.as_fixed_size_binary().value(row))),
        LogicalType::Uuid => Cow::Owned(format_uuid(array.as_fixed_size_binary().value(row))),
        LogicalType::Bytes | LogicalType::Any | LogicalType::Wire { .. } => {
            return Err(array.as_binary::<i32>().value(row));
        }
        LogicalType::Decimal { .. }
        | LogicalType::Text { .. }
        | LogicalType::Bits { .. }
        | LogicalType::TimeZoned
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. } => Cow::Borrowed(array.as_string::<i32>().value(row)),
    })
}

pub(super) fn date(days: i32) -> String {
    match days {
        i32::MAX => "infinity".to_owned(),
        i32::MIN => "-infinity".to_owned(),
        _ => {
            let (text, era) = civil(civil_from_days(i64::from(days)));
            format!("{text}{era}")
        }
    }
}

pub(super) fn timestamp(micros: i64, zoned: bool) -> String {
    match micros {
        i64::MAX => "infinity".to_owned(),
        i64::MIN => "-infinity".to_owned(),
        _ => {
            let (date, era) = civil(civil_from_days(micros.div_euclid(DAY_MICROS)));
            let zone = if zoned { "+00" } else { "" };
            format!("{date} {}{zone}{era}", format_time(micros.rem_euclid(DAY_MICROS)))
        }
    }
}

/// The date and its era: the server counts years before 1 as BC.
fn civil(date: Civil) -> (String, &'static str) {
    let Civil { year, month, day } = date;
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

pub(super) fn interval(bytes: &[u8]) -> String {
    let micros = bytes.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes));
    let word = |at: usize| {
        bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk())
            .map_or(0, |b| i32::from_be_bytes(*b))
    };
    format!("{} mons {} days {micros} microseconds", word(12), word(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_before_one_are_bc() {
        assert_eq!(date(-735_160), "0044-03-15 BC");
        assert_eq!(
            timestamp(-62_167_219_200_000_000, false),
            "0001-01-01 00:00:00 BC"
        );
    }
}
