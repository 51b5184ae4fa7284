//! What one pass finds in a column, over the Arrow arrays in which its values travel.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use serde::{Serialize, Serializer};
use whimbrel_core::{LogicalType, ReadColumn, format_date, format_time, format_timestamp};
use xxhash_rust::xxh3::xxh3_64;

use crate::distinct::{EXACT_MAX, Sketch, spread};
use crate::growth::Months;
use crate::order::Range;
use crate::text::{Order, PatternCount, ShapeCount, TextGauge};

/// What one pass found in a column.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnQuality {
    /// Its name.
    pub name: String,
    /// The form in which its values were read; as text, such as `decimal(12,2)`, where it is written.
    #[serde(serialize_with = "as_text")]
    pub read_as: LogicalType,
    /// Number of values, NULLs apart.
    pub values: u64,
    /// Number of NULLs.
    pub nulls: u64,
    /// Values that do not fit the type of the column; they are in no other number.
    #[serde(skip_serializing_if = "is_zero")]
    pub misfits: u64,
    /// How many different values there are.
    pub distinct: Distinct,
    /// The smallest value as text, long ones cut; none for types without an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// The largest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// Lengths, for texts and bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lengths: Option<Lengths>,
    /// Texts that begin or end with white space.
    pub untrimmed: u64,
    /// What the texts are, the most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<PatternCount>,
    /// The most frequent shapes of texts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shapes: Vec<ShapeCount>,
    /// How many texts have another shape, or are too long to have one.
    pub other_shapes: u64,
}

/// A number of different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Distinct {
    /// How many.
    pub count: u64,
    /// False for an estimate; its standard error is [`crate::STANDARD_ERROR`].
    pub exact: bool,
}

/// Lengths of values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lengths {
    /// What is counted.
    pub unit: Unit,
    /// The shortest.
    pub min: u64,
    /// The mean.
    pub mean: f64,
    /// The longest.
    pub max: u64,
}

/// What a length counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Characters.
    Characters,
    /// Bytes.
    Bytes,
}

/// Counts the values of a column.
#[derive(Debug, Clone)]
pub(crate) struct ColumnGauge {
    pub(crate) name: String,
    logical: LogicalType,
    values: u64,
    nulls: u64,
    misfits: u64,
    sketch: Sketch,
    kind: Kind,
    pub(crate) months: Option<Months>,
}

/// What else is counted, by the form of the values.
#[derive(Debug, Clone)]
enum Kind {
    Truth { seen: [bool; 2] },
    Integer(Range<i64>),
    Float(Range<f64>),
    Date(Range<i32>),
    Time(Range<i64>),
    Timestamp { range: Range<i64>, zoned: bool },
    Text(Box<TextGauge>),
    Bytes { min: u64, max: u64, total: u64 },
    Interval,
    Uuid,
}

impl ColumnGauge {
    pub(crate) fn new(column: &ReadColumn) -> Self {
        Self {
            name: column.name.clone(),
            logical: column.logical.clone(),
            values: 0,
            nulls: 0,
            misfits: 0,
            sketch: Sketch::new(EXACT_MAX),
            kind: Kind::new(&column.logical),
            months: None,
        }
    }

    /// Takes the values in, so many of the NULLs of which stand for one that does not fit; `rows` has a hash for each row, to which each
    /// value adds its own, or is empty.
    pub(crate) fn add(&mut self, array: &ArrayRef, misfits: u64, rows: &mut [u64]) {
        let nulls = array.null_count() as u64;
        self.nulls += nulls.saturating_sub(misfits);
        self.misfits += misfits;
        self.values += array.len() as u64 - nulls;
        let seen = Seen {
            sketch: &mut self.sketch,
            rows,
        };
        let months = &mut self.months;
        if let Some(months) = months {
            months.add_undated(nulls);
        }
        match &mut self.kind {
            Kind::Integer(range) => seen.numbers::<Int64Type>(array, |value| {
                range.add(value);
                value.cast_unsigned()
            }),
            Kind::Float(range) if matches!(self.logical, LogicalType::Float { bits: 32 }) => {
                seen.numbers::<Float32Type>(array, |value| float(range, f64::from(value)));
            }
            Kind::Float(range) => seen.numbers::<Float64Type>(array, |value| float(range, value)),
            Kind::Date(range) => seen.numbers::<Date32Type>(array, |value| {
                range.add(value);
                if let Some(months) = months {
                    months.add_days(i64::from(value));
                }
                u64::from(value.cast_unsigned())
            }),
            Kind::Time(range) => seen.numbers::<Time64MicrosecondType>(array, |value| {
                range.add(value);
                value.cast_unsigned()
            }),
            Kind::Timestamp { range, .. } => seen.numbers::<TimestampMicrosecondType>(array, |value| {
                range.add(value);
                if let Some(months) = months {
                    months.add_micros(value);
                }
                value.cast_unsigned()
            }),
            Kind::Truth { seen: both } => seen.hashed(array.as_boolean().iter(), |value| {
                both[usize::from(value)] = true;
                spread(u64::from(value))
            }),
            Kind::Text(gauge) => seen.all(array.as_string::<i32>().iter(), |value, sketch| {
                // What the type itself fills up is not part of the value.
                let value = if matches!(self.logical, LogicalType::Text { padded: true, .. }) {
                    value.trim_end_matches(' ')
                } else {
                    value
                };
                if let Some(months) = months {
                    months.add_text(value);
                }
                gauge.add(value, sketch)
            }),
            Kind::Bytes { min, max, total } => seen.hashed(array.as_binary::<i32>().iter(), |value| {
                let length = value.len() as u64;
                *min = (*min).min(length);
                *max = (*max).max(length);
                *total += length;
                xxh3_64(value)
            }),
            Kind::Interval | Kind::Uuid => seen.hashed(array.as_fixed_size_binary().iter(), xxh3_64),
        }
    }

    /// Takes in all that the gauge of a part of the column has seen; false, and nothing, when its values were read in another form.
    #[must_use]
    pub(crate) fn absorb(&mut self, part: &Self) -> bool {
        if self.logical != part.logical {
            return false;
        }
        match (&mut self.kind, &part.kind) {
            (Kind::Truth { seen }, Kind::Truth { seen: theirs }) => {
                *seen = [seen[0] || theirs[0], seen[1] || theirs[1]];
            }
            (Kind::Integer(range), Kind::Integer(theirs)) | (Kind::Time(range), Kind::Time(theirs)) => {
                range.absorb(theirs);
            }
            (Kind::Float(range), Kind::Float(theirs)) => range.absorb(theirs),
            (Kind::Date(range), Kind::Date(theirs)) => range.absorb(theirs),
            (Kind::Timestamp { range, .. }, Kind::Timestamp { range: theirs, .. }) => range.absorb(theirs),
            (Kind::Text(gauge), Kind::Text(theirs)) => gauge.absorb(theirs),
            (
                Kind::Bytes { min, max, total },
                Kind::Bytes {
                    min: least,
                    max: most,
                    total: all,
                },
            ) => {
                (*min, *max) = ((*min).min(*least), (*max).max(*most));
                *total += all;
            }
            (Kind::Interval, Kind::Interval) | (Kind::Uuid, Kind::Uuid) => {}
            (
                Kind::Truth { .. }
                | Kind::Integer(_)
                | Kind::Float(_)
                | Kind::Date(_)
                | Kind::Time(_)
                | Kind::Timestamp { .. }
                | Kind::Text(_)
                | Kind::Bytes { .. }
                | Kind::Interval
                | Kind::Uuid,
                _,
            ) => return false,
        }
        self.values += part.values;
        self.nulls += part.nulls;
        self.misfits += part.misfits;
        self.sketch.absorb(&part.sketch);
        if let (Some(months), Some(theirs)) = (&mut self.months, &part.months) {
            months.absorb(theirs);
        }
        true
    }

    /// Returns what was found.
    pub(crate) fn finish(&self) -> ColumnQuality {
        let (count, exact) = self.sketch.count();
        let mut quality = ColumnQuality {
            name: self.name.clone(),
            read_as: self.logical.clone(),
            values: self.values,
            nulls: self.nulls,
            misfits: self.misfits,
            distinct: Distinct {
                // An estimate may be above what is possible.
                count: count.min(self.values),
                exact,
            },
            min: None,
            max: None,
            lengths: None,
            untrimmed: 0,
            patterns: Vec::new(),
            shapes: Vec::new(),
            other_shapes: 0,
        };
        (quality.min, quality.max) = self.range();
        if self.values == 0 {
            return quality;
        }
        match &self.kind {
            Kind::Text(gauge) => {
                quality.lengths = Some(Lengths {
                    unit: Unit::Characters,
                    min: gauge.chars_min,
                    mean: gauge.chars_total as f64 / self.values as f64,
                    max: gauge.chars_max,
                });
                quality.untrimmed = gauge.untrimmed;
                quality.patterns = gauge.patterns();
                if !quality.patterns.is_empty() {
                    (quality.shapes, quality.other_shapes) = gauge.shapes();
                }
            }
            Kind::Bytes { min, max, total } => {
                quality.lengths = Some(Lengths {
                    unit: Unit::Bytes,
                    min: *min,
                    mean: *total as f64 / self.values as f64,
                    max: *max,
                });
            }
            Kind::Truth { .. }
            | Kind::Integer(_)
            | Kind::Float(_)
            | Kind::Date(_)
            | Kind::Time(_)
            | Kind::Timestamp { .. }
            | Kind::Interval
            | Kind::Uuid => {}
        }
        quality
    }

    /// Writes a float in as few digits as lead back to it, and in no more than a person counts.
    fn number(&self, value: f64) -> String {
        let is_long = value != 0.0 && !(1e-5..1e16).contains(&value.abs());
        let is_single = matches!(self.logical, LogicalType::Float { bits: 32 });
        #[expect(clippy::cast_possible_truncation, reason = "it was one of 32 bits")]
        let single = value as f32;
        match (is_single, is_long) {
            _ if value.is_infinite() => if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            (true, true) => format!("{single:e}"),
            (true, false) => single.to_string(),
            (false, true) => format!("{value:e}"),
            (false, false) => value.to_string(),
        }
    }

    fn range(&self) -> (Option<String>, Option<String>) {
        match &self.kind {
            Kind::Truth { seen: [no, yes] } => {
                let word = |value: bool| Some(value.to_string());
                match (*no, *yes) {
                    (false, false) => (None, None),
                    (no, yes) => (word(!no), word(yes)),
                }
            }
            Kind::Integer(range) => range.texts(|value| value.to_string()),
            Kind::Float(range) => range.texts(|value| self.number(value)),
            Kind::Date(range) => range.texts(format_date),
            Kind::Time(range) => range.texts(format_time),
            Kind::Timestamp { range, zoned } => range.texts(|value| format_timestamp(value, *zoned)),
            Kind::Text(gauge) if is_ordered(&self.logical) => gauge.range(),
            Kind::Text(_) | Kind::Bytes { .. } | Kind::Interval | Kind::Uuid => (None, None),
        }
    }
}

impl Kind {
    fn new(logical: &LogicalType) -> Self {
        let text = |order, has_patterns| Self::Text(Box::new(TextGauge::new(order, has_patterns)));
        match logical {
            LogicalType::Boolean => Self::Truth { seen: [false; 2] },
            LogicalType::Integer { .. } => Self::Integer(Range::default()),
            LogicalType::Float { .. } => Self::Float(Range::default()),
            LogicalType::Date => Self::Date(Range::default()),
            LogicalType::Time => Self::Time(Range::default()),
            LogicalType::Timestamp { zoned } => Self::Timestamp {
                range: Range::default(),
                zoned: *zoned,
            },
            LogicalType::Decimal { .. } => text(Order::Number, false),
            LogicalType::Text { .. } => text(Order::Text, true),
            LogicalType::Bits { .. }
            | LogicalType::TimeZoned
            | LogicalType::Json
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. } => text(Order::Text, false),
            LogicalType::Bytes | LogicalType::Any | LogicalType::Wire { .. } => Self::Bytes {
                min: u64::MAX,
                max: 0,
                total: 0,
            },
            LogicalType::Interval => Self::Interval,
            LogicalType::Uuid => Self::Uuid,
        }
    }
}

fn as_text<S: Serializer>(logical: &LogicalType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(logical)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Tells whether the smallest and the largest text say something.
fn is_ordered(logical: &LogicalType) -> bool {
    !matches!(logical, LogicalType::Json)
}

/// A number without its sign when it is zero, and one NaN, as equality has them; NaN has no place in the order.
fn float(range: &mut Range<f64>, value: f64) -> u64 {
    if value.is_nan() {
        return f64::NAN.to_bits();
    }
    range.add(value);
    (value + 0.0).to_bits()
}

/// Where the hashes of values go.
struct Seen<'a> {
    sketch: &'a mut Sketch,
    rows: &'a mut [u64],
}

impl Seen<'_> {
    fn numbers<T: ArrowPrimitiveType>(self, array: &ArrayRef, mut bits: impl FnMut(T::Native) -> u64) {
        let array = array.as_primitive::<T>();
        if array.null_count() == 0 && self.rows.is_empty() {
            // The straight way of nearly every column.
            for value in array.values() {
                self.sketch.add(spread(bits(*value)));
            }
            return;
        }
        self.hashed(array.iter(), |value| spread(bits(value)));
    }

    /// Takes in values by their hashes.
    fn hashed<V>(self, values: impl Iterator<Item = Option<V>>, mut hash: impl FnMut(V) -> u64) {
        self.all(values, |value, sketch| {
            let hash = hash(value);
            sketch.add(hash);
            hash
        });
    }

    /// Takes in values whose hashes are added by `hash` itself.
    fn all<V>(self, values: impl Iterator<Item = Option<V>>, mut hash: impl FnMut(V, &mut Sketch) -> u64) {
        let mut rows = self.rows.iter_mut();
        for value in values {
            let row = rows.next();
            let Some(value) = value else {
                if let Some(row) = row {
                    *row = spread(row.wrapping_add(1));
                }
                continue;
            };
            let hash = hash(value, self.sketch);
            if let Some(row) = row {
                *row = spread(*row ^ hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_with_which_a_type_fills_up_are_not_part_of_the_value() {
        let column = ReadColumn {
            name: "code".to_owned(),
            native: "char(5)".to_owned(),
            logical: LogicalType::Text {
                chars_max: Some(5),
                padded: true,
            },
            rule: None,
        };
        let mut gauge = ColumnGauge::new(&column);
        let texts: ArrayRef =
            std::sync::Arc::new(arrow_array::StringArray::from(vec!["ab   ", "ab", " b   "]));
        gauge.add(&texts, 0, &mut []);
        let found = gauge.finish();
        assert_eq!((found.distinct.count, found.untrimmed), (2, 1));
        assert_eq!(
            found.lengths.map(|lengths| (lengths.min, lengths.max)),
            Some((2, 2))
        );
    }

    #[test]
    fn a_float_is_written_as_people_write_it() {
        let gauge = |bits| {
            ColumnGauge::new(&ReadColumn {
                name: "f".to_owned(),
                native: "float".to_owned(),
                logical: LogicalType::Float { bits },
                rule: None,
            })
        };
        let written = [1.7e308, -2.5, 1e-7, 0.0, f64::NEG_INFINITY].map(|value| gauge(64).number(value));
        assert_eq!(written, ["1.7e308", "-2.5", "1e-7", "0", "-Infinity"]);
        let written = [1.1_f32, -3e38].map(|value| gauge(32).number(f64::from(value)));
        assert_eq!(written, ["1.1", "-3e38"]);
    }

    #[test]
    fn zeros_and_nans_are_one_value_each() {
        let mut range = Range::default();
        assert_eq!(float(&mut range, 0.0), float(&mut range, -0.0));
        assert_eq!(float(&mut range, f64::NAN), float(&mut range, -f64::NAN));
        assert_eq!(range.texts(|value| value.to_string()).1.as_deref(), Some("0"));
    }
}
