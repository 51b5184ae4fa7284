//! The way of a column's values from the row into its Arrow column, decided once for a result: the common pairs go straight, all others by
//! way of `value.rs`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "only the pairs that go straight are listed"
)]

use whimbrel_core::{Civil, ColumnBuilder, DAY_MICROS, LogicalType, days_from_civil};

use super::cell::{Moment, Sent, Span, fixed};
use super::form::Form;
use super::spell;
use super::value::{self, Broken, clock_micros, without_padding};

/// A way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Long,
    Truth,
    Float32,
    Float64,
    Day,
    Stamp,
    Clock,
    /// Bytes as they are.
    AsIs,
    Text,
    Digits,
    Sixteen,
    /// Spelled as text: a number, a year of four digits, a day, a day and its time, a time.
    Number,
    Year,
    SpelledDay,
    SpelledStamp(u8),
    SpelledTime(u8),
    /// Whatever else there is.
    General,
}

impl Way {
    /// Returns the way of values that are sent, read and wanted in these forms.
    pub(super) fn of(sent: Sent, form: &Form, logical: &LogicalType) -> Self {
        match (sent, logical) {
            (_, LogicalType::Wire { .. } | LogicalType::Any) => Self::spelled(sent, form),
            (Sent::F32, LogicalType::Float { bits: 32 }) => Self::Float32,
            (Sent::F64, LogicalType::Float { bits }) if *bits != 32 => Self::Float64,
            (Sent::Date, LogicalType::Date) => Self::Day,
            (Sent::Date, LogicalType::Timestamp { .. }) => Self::Stamp,
            (Sent::Time, LogicalType::Time) => Self::Clock,
            (Sent::Bytes, _) => Self::of_bytes(form, logical),
            (Sent::F32 | Sent::F64 | Sent::Date | Sent::Time, _) => Self::General,
            (_, LogicalType::Integer { .. }) => Self::Long,
            (_, LogicalType::Boolean) => Self::Truth,
            (_, LogicalType::Decimal { .. }) => Self::Number,
            _ => Self::General,
        }
    }

    fn of_bytes(form: &Form, logical: &LogicalType) -> Self {
        match (form, logical) {
            (Form::Bit(_) | Form::Spatial | Form::Vector | Form::Ascii, _) => Self::General,
            (_, LogicalType::Bytes) | (Form::Json, LogicalType::Json) => Self::AsIs,
            (Form::Decimal, LogicalType::Decimal { .. }) => Self::Digits,
            (Form::Bytes, LogicalType::Uuid) => Self::Sixteen,
            (_, LogicalType::Text { .. }) => Self::Text,
            _ => Self::General,
        }
    }

    fn spelled(sent: Sent, form: &Form) -> Self {
        match (sent, form) {
            (Sent::Bytes, _) => Self::AsIs,
            (Sent::Date, Form::Date) => Self::SpelledDay,
            (Sent::Date, Form::Datetime(digits)) => Self::SpelledStamp(*digits),
            (Sent::Time, Form::Time(digits)) => Self::SpelledTime(*digits),
            (Sent::Date | Sent::Time, _) => Self::General,
            (Sent::F32 | Sent::F64, _) => Self::Number,
            (_, Form::Year) => Self::Year,
            _ => Self::Number,
        }
    }
}

/// Pushes a value that is not NULL.
#[inline]
pub(super) fn push(
    way: Way,
    sent: Sent,
    (form, logical): (&Form, &LogicalType),
    bytes: &[u8],
    out: &mut ColumnBuilder,
) -> Result<(), Broken> {
    match way {
        Way::AsIs => out.push_bytes(bytes),
        Way::Text => match std::str::from_utf8(bytes) {
            Ok(_) => out.push_bytes(bytes),
            Err(_) => return Err("text is not valid UTF-8".to_owned()),
        },
        Way::Long => match sent.integer(bytes) {
            Some(number) => out.push_i64(number),
            None => return Err("value is beyond 64 bits with a sign".to_owned()),
        },
        Way::Digits => out.push_bytes(without_padding(bytes)),
        Way::Stamp => {
            let moment = Moment::read(bytes);
            out.push_i64(day(moment)? * DAY_MICROS + clock(moment));
        }
        Way::Float32 => out.push_f32(f32::from_le_bytes(fixed(bytes))),
        Way::Float64 => out.push_f64(f64::from_le_bytes(fixed(bytes))),
        Way::Number | Way::Year | Way::SpelledDay | Way::SpelledStamp(_) | Way::SpelledTime(_) => {
            out.push_written(|out| spell(way, sent, bytes, out));
        }
        Way::Truth | Way::Day | Way::Clock | Way::Sixteen => return push_checked(way, sent, bytes, out),
        Way::General if sent == Sent::Bytes => return value::push_bytes(form, bytes, logical, out),
        Way::General => return value::push(form, logical, &sent.value(Some(bytes)), out),
    }
    Ok(())
}

fn push_checked(way: Way, sent: Sent, bytes: &[u8], out: &mut ColumnBuilder) -> Result<(), Broken> {
    match way {
        Way::Day => {
            let moment = Moment::read(bytes);
            let day = i32::try_from(day(moment)?);
            match day {
                Ok(day) if clock(moment) == 0 => out.push_i32(day),
                _ => return Err("value is no date".to_owned()),
            }
        }
        Way::Clock => {
            let span = Span::read(bytes);
            let time = clock_micros(span.hours, span.minutes, span.seconds, span.micros);
            match i64::from(span.days) * DAY_MICROS + time {
                // Midnight at the end of the day is one of its moments, and has no sign at its beginning.
                micros @ 0..=DAY_MICROS if !span.negative || micros == 0 => out.push_i64(micros),
                _ => return Err("value is no time of day".to_owned()),
            }
        }
        Way::Sixteen => match bytes.try_into() {
            Ok(value) => out.push_16(value),
            Err(_) => return Err("value is not 16 bytes long".to_owned()),
        },
        _ => match sent.integer(bytes) {
            Some(number @ (0 | 1)) => out.push_bool(number == 1),
            _ => return Err("value is neither 0 nor 1".to_owned()),
        },
    }
    Ok(())
}

#[inline]
fn day(moment: Moment) -> Result<i64, Broken> {
    let civil = Civil {
        year: i64::from(moment.year),
        month: moment.month,
        day: moment.day,
    };
    days_from_civil(civil).ok_or_else(|| "there is no such day".to_owned())
}

#[inline]
fn clock(moment: Moment) -> i64 {
    clock_micros(moment.hour, moment.minute, moment.second, moment.micros)
}

/// Appends the text of a value, for the ways that spell.
#[inline]
pub(super) fn spell(way: Way, sent: Sent, bytes: &[u8], out: &mut Vec<u8>) {
    match way {
        Way::SpelledDay | Way::SpelledStamp(_) => {
            let moment = Moment::read(bytes);
            spell::date(moment.year, moment.month, moment.day, out);
            if let Way::SpelledStamp(digits) = way {
                out.push(b' ');
                let time = (moment.hour, moment.minute, moment.second, moment.micros);
                spell::clock(time, digits, out);
            }
        }
        Way::SpelledTime(digits) => {
            let span = Span::read(bytes);
            if span.negative {
                out.push(b'-');
            }
            spell::hours(u64::from(span.days) * 24 + u64::from(span.hours), out);
            spell::rest_of_clock(span.minutes, span.seconds, span.micros, digits, out);
        }
        Way::Year => spell::four(u16::from_le_bytes(fixed(bytes)), out),
        _ => match sent {
            Sent::F32 => spell::float32(f32::from_le_bytes(fixed(bytes)), out),
            Sent::F64 => spell::float64(f64::from_le_bytes(fixed(bytes)), out),
            Sent::U64 => spell::integer(u64::from_le_bytes(fixed(bytes)), out),
            _ => spell::integer(sent.integer(bytes).unwrap_or(0), out),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All forms in which a column can be sent, with those in which it can be wanted.
    fn pairs() -> Vec<(Sent, Form, LogicalType)> {
        let wanted = [
            LogicalType::Boolean,
            LogicalType::Integer { bits: 64 },
            LogicalType::Float { bits: 32 },
            LogicalType::Float { bits: 64 },
            LogicalType::Decimal {
                precision: None,
                scale: None,
            },
            LogicalType::text(),
            LogicalType::Bytes,
            LogicalType::Date,
            LogicalType::Time,
            LogicalType::Timestamp { zoned: false },
            LogicalType::Interval,
            LogicalType::Uuid,
            LogicalType::Json,
            LogicalType::Any,
            LogicalType::Wire {
                native: "x".to_owned(),
                printed: false,
            },
        ];
        let sent = [
            (Sent::I8, Form::Integer),
            (Sent::U8, Form::Integer),
            (Sent::I16, Form::Integer),
            (Sent::U16, Form::Year),
            (Sent::I32, Form::Integer),
            (Sent::U32, Form::Integer),
            (Sent::I64, Form::Integer),
            (Sent::U64, Form::Integer),
            (Sent::F32, Form::Float),
            (Sent::F64, Form::Float),
            (Sent::Date, Form::Date),
            (Sent::Date, Form::Datetime(3)),
            (Sent::Time, Form::Time(2)),
            (Sent::Bytes, Form::Text),
            (Sent::Bytes, Form::Bytes),
            (Sent::Bytes, Form::Decimal),
            (Sent::Bytes, Form::Json),
            (Sent::Bytes, Form::Bit(16)),
            (Sent::Bytes, Form::Ascii),
        ];
        sent.into_iter()
            .flat_map(|(sent, form)| wanted.clone().map(|logical| (sent, form.clone(), logical)))
            .collect()
    }

    /// The bytes of a value that the form can have.
    fn sensible(sent: Sent, seed: &[u8]) -> Vec<u8> {
        let byte = |at: usize, limit: u8| seed.get(at).map_or(0, |byte| byte % limit);
        match sent {
            Sent::Date => {
                let day = vec![byte(0, 255), 7, byte(1, 14), byte(2, 33)];
                let time = vec![byte(3, 24), byte(4, 60), byte(5, 60)];
                match byte(6, 4) {
                    0 => Vec::new(),
                    1 => day,
                    2 => [day, time].concat(),
                    _ => [day, time, vec![byte(7, 255), 1, byte(8, 10), 0]].concat(),
                }
            }
            Sent::Time => match byte(6, 3) {
                0 => Vec::new(),
                1 => vec![
                    byte(0, 2),
                    byte(1, 3),
                    0,
                    0,
                    0,
                    byte(3, 24),
                    byte(4, 60),
                    byte(5, 60),
                ],
                _ => vec![
                    byte(0, 2),
                    byte(1, 35),
                    0,
                    0,
                    0,
                    byte(3, 24),
                    byte(4, 60),
                    byte(5, 60),
                    9,
                    8,
                    7,
                    0,
                ],
            },
            Sent::Bytes => seed.to_vec(),
            // Only years are sent in this form, and they have four digits.
            Sent::U16 => vec![byte(0, 255), byte(1, 39)],
            _ => seed
                .iter()
                .copied()
                .chain([0; 8])
                .take(sent_width(sent))
                .collect(),
        }
    }

    fn sent_width(sent: Sent) -> usize {
        match sent {
            Sent::I8 | Sent::U8 => 1,
            Sent::I16 | Sent::U16 => 2,
            Sent::I32 | Sent::U32 | Sent::F32 => 4,
            _ => 8,
        }
    }

    proptest! {
        #[test]
        fn the_straight_ways_lead_where_the_general_one_does(seed in proptest::collection::vec(any::<u8>(), 0..18)) {
            for (sent, form, logical) in pairs() {
                let bytes = sensible(sent, &seed);
                let pushed = |way| {
                    let mut out = ColumnBuilder::new(&logical);
                    push(way, sent, (&form, &logical), &bytes, &mut out).ok()?;
                    out.take().ok()
                };
                let way = Way::of(sent, &form, &logical);
                let general = {
                    let mut out = ColumnBuilder::new(&logical);
                    let done = value::push(&form, &logical, &sent.value(Some(&bytes)), &mut out);
                    done.ok().and_then(|()| out.take().ok())
                };
                prop_assert_eq!(pushed(way), general, "{:?} {:?} {} {:?}", sent, form, logical, bytes);
            }
        }
    }
}
