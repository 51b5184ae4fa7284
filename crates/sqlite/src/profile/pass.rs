//! One pass over the rows of a table: what each value adds to what is known of its column. How much is looked for is [`Looks`]'s to say.

use rusqlite::Row;
use rusqlite::types::ValueRef;
use whimbrel_core::{
    Column, ColumnProfile, Depth, StorageClasses, Table, TableProfile, is_decimal, is_late_uuid, parse_date,
    parse_time, parse_timestamp,
};

use super::shape;
use crate::codec::{decimal, exact_real, lower_uuid, put_decimal, real_text, size_of};
use crate::declared::Declared;

/// A shape by its place: what is counted for each value is not looked up by its name.
#[derive(Debug, Clone, Copy)]
enum Shape {
    Date,
    Time,
    Timestamp,
    TimestampZoned,
    TimestampOffset,
    Json,
    Uuid,
    LateUuid,
    Bit,
    Decimal,
    Inexact,
    Infinite,
    WholeDigits,
    Places,
}

impl Shape {
    /// All of them in the order of their places, with their names.
    const ALL: [(Self, &'static str); 14] = [
        (Self::Date, shape::DATE),
        (Self::Time, shape::TIME),
        (Self::Timestamp, shape::TIMESTAMP),
        (Self::TimestampZoned, shape::TIMESTAMP_ZONED),
        (Self::TimestampOffset, shape::TIMESTAMP_OFFSET),
        (Self::Json, shape::JSON),
        (Self::Uuid, shape::UUID),
        (Self::LateUuid, shape::LATE_UUIDS),
        (Self::Bit, shape::BIT),
        (Self::Decimal, shape::DECIMAL),
        (Self::Inexact, shape::INEXACT),
        (Self::Infinite, shape::INFINITE),
        (Self::WholeDigits, shape::WHOLE_DIGITS),
        (Self::Places, shape::PLACES),
    ];
}

/// Texts longer than this are kept out of smallest and largest.
const EDGE_BYTES_MAX: usize = 64;
/// Every integer up to here is a 64-bit float.
const EXACT_INTEGER: u64 = 1 << 53;
/// Dates and times are looked for in texts up to this length.
const MOMENT_BYTES_MAX: usize = 40;

/// The pass over the rows of a table.
pub(crate) struct Pass {
    found: TableProfile,
    columns: Vec<Scan>,
}

impl Pass {
    /// Begins a pass over rows that hold the table's columns first, in their order.
    pub(crate) fn over(table: &Table, depth: Depth) -> Self {
        Self {
            found: TableProfile::default(),
            columns: table
                .columns
                .iter()
                .map(|column| Scan::of(column, depth))
                .collect(),
        }
    }

    /// Looks at a row, and returns its size in bytes.
    pub(crate) fn see(&mut self, row: &Row<'_>) -> rusqlite::Result<u64> {
        let mut bytes = 0;
        for (at, column) in self.columns.iter_mut().enumerate() {
            let value = row.get_ref(at)?;
            let size = size_of(value) as u64;
            bytes += size;
            column.see(value, size);
        }
        self.found.rows += 1;
        self.found.bytes += bytes;
        self.found.row_bytes_max = self.found.row_bytes_max.max(bytes);
        Ok(bytes)
    }

    /// Returns what was found; of the keys nothing is known yet.
    pub(crate) fn finish(mut self) -> TableProfile {
        let columns = self.columns.into_iter();
        self.found.columns = columns.map(|scan| (scan.name.clone(), scan.finish())).collect();
        self.found
    }
}

/// What is looked for in the values of a column.
struct Looks {
    edges: bool,
    nul: bool,
    chars: bool,
    bits: bool,
    digits: bool,
    moments: bool,
    json: bool,
    uuids: bool,
}

impl Looks {
    /// A survey asks for what decides in what form the column is read: what is declared and might hold, or not.
    fn at(declared: &Declared, depth: Depth) -> Self {
        let is_whole = match depth {
            Depth::Profile => true,
            Depth::Survey => false,
        };
        let is_moment = declared.is_date() || declared.is_time() || declared.is_timestamp();
        Self {
            edges: is_whole,
            nul: is_whole,
            chars: is_whole || declared.chars_max().is_some(),
            bits: is_whole || declared.is_boolean(),
            digits: declared.is_decimal(),
            moments: is_whole || is_moment || declared.is_decimal(),
            json: declared.is_json(),
            uuids: is_whole || declared.is_uuid(),
        }
    }
}

/// The pass over one column.
struct Scan {
    name: String,
    looks: Looks,
    found: ColumnProfile,
    classes: StorageClasses,
    /// What was counted of each shape; none where it was not met.
    shapes: [Option<u64>; Shape::ALL.len()],
    numbers: Option<(Number, Number)>,
    texts: Option<(String, String)>,
    long_text: bool,
    /// The digits of the number that is looked at.
    digits: Vec<u8>,
}

/// A number of either class, ordered by value.
#[derive(Clone, Copy)]
enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    #[expect(
        clippy::cast_precision_loss,
        reason = "only the order of edges that are shown depends on it"
    )]
    fn is_below(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a < b,
            (Self::Integer(a), Self::Real(b)) => (a as f64) < b,
            (Self::Real(a), Self::Integer(b)) => a < b as f64,
            (Self::Real(a), Self::Real(b)) => a < b,
        }
    }

    fn text(self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Real(real) => real_text(real),
        }
    }
}

impl Scan {
    fn of(column: &Column, depth: Depth) -> Self {
        Self {
            name: column.name.clone(),
            looks: Looks::at(&Declared::new(&column.native), depth),
            found: ColumnProfile::default(),
            classes: StorageClasses::default(),
            shapes: [None; Shape::ALL.len()],
            numbers: None,
            texts: None,
            long_text: false,
            digits: Vec::new(),
        }
    }

    fn see(&mut self, value: ValueRef<'_>, size: u64) {
        self.found.bytes_max = self.found.bytes_max.max(size);
        match value {
            ValueRef::Null => self.found.nulls += 1,
            ValueRef::Integer(number) => self.see_integer(number),
            ValueRef::Real(real) => self.see_real(real),
            ValueRef::Text(bytes) => self.see_text(bytes),
            ValueRef::Blob(_) => self.classes.blob += 1,
        }
    }

    fn count(&mut self, shape: Shape) {
        *self.shapes[shape as usize].get_or_insert(0) += 1;
    }

    fn see_integer(&mut self, number: i64) {
        self.classes.integer += 1;
        if self.looks.edges {
            self.see_number(Number::Integer(number));
        }
        if self.looks.bits && matches!(number, 0 | 1) {
            self.count(Shape::Bit);
        }
        if number.unsigned_abs() > EXACT_INTEGER && exact_real(number).is_none() {
            self.count(Shape::Inexact);
        }
        if self.looks.digits {
            let digits = number.unsigned_abs().checked_ilog10();
            self.see_lengths(digits.map_or(0, |log| u64::from(log) + 1), 0);
        }
    }

    fn see_real(&mut self, real: f64) {
        self.classes.real += 1;
        if self.looks.edges {
            self.see_number(Number::Real(real));
        }
        if real.is_infinite() {
            self.count(Shape::Infinite);
        } else if self.looks.digits {
            let mut digits = std::mem::take(&mut self.digits);
            digits.clear();
            if !put_decimal(ValueRef::Real(real), None, &mut digits) {
                digits.extend(decimal(ValueRef::Real(real)).unwrap_or_default().bytes());
            }
            self.see_digits(&digits);
            self.digits = digits;
        }
    }

    fn see_number(&mut self, number: Number) {
        let (min, max) = self.numbers.get_or_insert((number, number));
        if number.is_below(*min) {
            *min = number;
        }
        if max.is_below(number) {
            *max = number;
        }
    }

    fn see_digits(&mut self, digits: &[u8]) {
        let digits = digits.strip_prefix(b"-").unwrap_or(digits);
        let point = digits.iter().position(|byte| *byte == b'.');
        let (whole, places) = digits.split_at(point.unwrap_or(digits.len()));
        let zeros = whole.iter().take_while(|byte| **byte == b'0').count();
        let places = places.iter().rposition(|byte| !matches!(byte, b'0' | b'.'));
        self.see_lengths((whole.len() - zeros) as u64, places.unwrap_or(0) as u64);
    }

    /// Takes in how many digits stand before the point and how many behind it.
    fn see_lengths(&mut self, whole: u64, places: u64) {
        for (shape, length) in [(Shape::WholeDigits, whole), (Shape::Places, places)] {
            let most = self.shapes[shape as usize].get_or_insert(0);
            *most = length.max(*most);
        }
    }

    fn see_text(&mut self, bytes: &[u8]) {
        self.classes.text += 1;
        if self.looks.nul {
            self.found.nul_text += u64::from(bytes.contains(&0));
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.found.invalid_text += 1;
            return;
        };
        // There are no more characters than bytes.
        if self.looks.chars && bytes.len() as u64 > self.found.chars_max {
            self.found.chars_max = self.found.chars_max.max(text.chars().count() as u64);
        }
        if self.looks.edges {
            self.see_edge(text);
        }
        if self.looks.json && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
            self.count(Shape::Json);
        }
        if self.looks.uuids
            && text.len() == 36
            && let Some(uuid) = lower_uuid(text)
        {
            self.count(Shape::Uuid);
            if is_late_uuid(&uuid) {
                self.count(Shape::LateUuid);
            }
        }
        if !self.looks.moments
            || text.len() > MOMENT_BYTES_MAX
            || !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        {
            return;
        }
        if is_decimal(text) {
            self.count(Shape::Decimal);
            self.see_digits(text.as_bytes());
        } else {
            self.see_moment(text);
        }
    }

    fn see_moment(&mut self, text: &str) {
        if parse_date(text).is_some() {
            self.count(Shape::Date);
        } else if parse_time(text).is_some() {
            self.count(Shape::Time);
        } else if parse_timestamp(text, false).is_some() {
            self.count(Shape::Timestamp);
        } else if parse_timestamp(text, true).is_some() {
            self.count(Shape::TimestampZoned);
            if !["Z", "+00:00", "+00", "+0000"]
                .iter()
                .any(|zero| text.ends_with(zero))
            {
                self.count(Shape::TimestampOffset);
            }
        }
    }

    fn see_edge(&mut self, text: &str) {
        if text.len() > EDGE_BYTES_MAX {
            self.long_text = true;
            self.texts = None;
        }
        if self.long_text {
            return;
        }
        match &mut self.texts {
            None => self.texts = Some((text.to_owned(), text.to_owned())),
            Some((min, _)) if text < min.as_str() => text.clone_into(min),
            Some((_, max)) if text > max.as_str() => text.clone_into(max),
            Some(_) => {}
        }
    }

    fn finish(mut self) -> ColumnProfile {
        let edges = match (self.numbers, self.texts) {
            (Some((min, max)), _) => Some((min.text(), max.text())),
            (None, texts) => texts,
        };
        (self.found.min, self.found.max) = edges.unzip();
        self.found.classes = Some(self.classes);
        let counted = Shape::ALL.iter().zip(self.shapes);
        let counted = counted.filter_map(|((_, name), count)| Some(((*name).to_owned(), count?)));
        self.found.shapes = counted.collect();
        self.found
    }
}
