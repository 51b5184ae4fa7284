//! The canonical form of values and the hashes of rows: one module for the copier and the verifier alike.
//!
//! A value is `tag (1 byte) | length (u32, little-endian) | bytes`; NULL is tag 0 alone. A row is its columns in order.
//! The hashes are xxh3 (128 bits for rows, 64 bits for columns).

mod json;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, BinaryArray, BooleanArray, FixedSizeBinaryArray, RecordBatch, StringArray};
use arrow_buffer::NullBuffer;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use self::json::JsonForm;
use crate::decimal::put_plain_decimal;
use crate::{
    Error, LogicalType, Result, arrow_type, canonical_decimal, packed_rows, packed_values, parse_time,
};

/// The hashes of one row.
#[derive(Debug)]
pub struct RowHash<'a> {
    /// Number of the row in its batch.
    pub row: usize,
    /// Hash of the whole row.
    pub hash: u128,
    /// Hash of the key's columns; of the whole row when there is no key.
    pub key: u128,
    /// Per column, the value's hash seeded with the key's.
    pub columns: &'a [u64],
}

/// Hashes rows of batches whose columns have the given logical types. Keeps its buffers from row to row.
#[derive(Debug)]
pub struct RowHasher {
    types: Vec<LogicalType>,
    key: Vec<usize>,
    row: Vec<u8>,
    key_bytes: Vec<u8>,
    ends: Vec<usize>,
    columns: Vec<u64>,
    json: JsonForm,
}

impl RowHasher {
    /// Makes a hasher. `key` holds the positions of the columns that identify a row; empty when nothing does.
    pub fn new(types: Vec<LogicalType>, key: Vec<usize>) -> Self {
        Self {
            types,
            key,
            row: Vec::new(),
            key_bytes: Vec::new(),
            ends: Vec::new(),
            columns: Vec::new(),
            json: JsonForm::default(),
        }
    }

    /// Hashes the rows in order, but for those in `skip` (ascending), and hands each to `each`.
    ///
    /// # Errors
    /// `Bug` when a column's Arrow type is not the one that carries its logical type.
    pub fn hash(
        &mut self,
        records: &RecordBatch,
        skip: &[usize],
        mut each: impl FnMut(&RowHash<'_>),
    ) -> Result<()> {
        let mut skip = skip.iter().copied().peekable();
        if let Some(rows) = packed_rows(records) {
            for row in (0..rows.len()).filter(|row| skip.next_if_eq(row).is_none()) {
                self.unpack(rows.value(row))?;
                self.finish_row(row, &mut each);
            }
            return Ok(());
        }
        let columns = self.downcast(records)?;
        for row in (0..records.num_rows()).filter(|row| skip.next_if_eq(row).is_none()) {
            self.row.clear();
            self.ends.clear();
            for column in &columns {
                column.put(row, &mut self.row, &mut self.json);
                self.ends.push(self.row.len());
            }
            self.finish_row(row, &mut each);
        }
        Ok(())
    }

    /// Makes a packed row canonical: each value is in its wire form.
    fn unpack(&mut self, row: &[u8]) -> Result<()> {
        self.row.clear();
        self.ends.clear();
        for value in packed_values(row) {
            match value? {
                Some(value) => put(&mut self.row, tag::WIRE, value),
                None => self.row.push(tag::NULL),
            }
            self.ends.push(self.row.len());
        }
        match self.ends.len() == self.types.len() {
            true => Ok(()),
            false => Err(Error::bug(format!(
                "a packed row of {} columns arrived; {} were expected",
                self.ends.len(),
                self.types.len()
            ))),
        }
    }

    fn finish_row(&mut self, row: usize, each: &mut impl FnMut(&RowHash<'_>)) {
        let hash = xxh3_128(&self.row);
        let key = self.key_hash(hash);
        self.hash_columns(key);
        each(&RowHash {
            row,
            hash,
            key,
            columns: &self.columns,
        });
    }

    fn key_hash(&mut self, row_hash: u128) -> u128 {
        if self.key.is_empty() {
            return row_hash;
        }
        self.key_bytes.clear();
        for &column in &self.key {
            let from = column.checked_sub(1).map_or(0, |before| self.ends[before]);
            self.key_bytes
                .extend_from_slice(&self.row[from..self.ends[column]]);
        }
        xxh3_128(&self.key_bytes)
    }

    fn hash_columns(&mut self, key: u128) {
        let seed = low_half(key) ^ low_half(key >> 64);
        self.columns.clear();
        let mut from = 0;
        for &end in &self.ends {
            self.columns.push(xxh3_64_with_seed(&self.row[from..end], seed));
            from = end;
        }
    }

    fn downcast<'a>(&self, records: &'a RecordBatch) -> Result<Vec<Values<'a>>> {
        if records.num_columns() != self.types.len() {
            return Err(Error::bug(format!(
                "{} columns arrived; {} were expected",
                records.num_columns(),
                self.types.len()
            )));
        }
        self.types
            .iter()
            .zip(records.columns())
            .map(|(logical, array)| Values::new(logical, array.as_ref()))
            .collect()
    }
}

/// The low 64 bits.
pub(crate) fn low_half(value: u128) -> u64 {
    const MASK: u128 = u64::MAX as u128;
    u64::try_from(value & MASK).unwrap_or(u64::MAX)
}

mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const INTEGER: u8 = 1;
    pub(super) const DECIMAL: u8 = 2;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const TIMESTAMP_ZONED: u8 = 5;
    pub(super) const TEXT: u8 = 6;
    pub(super) const UUID: u8 = 7;
    pub(super) const JSON: u8 = 8;
    pub(super) const BYTES: u8 = 9;
    pub(super) const TIMESTAMP: u8 = 12;
    pub(super) const DATE: u8 = 13;
    pub(super) const TIME: u8 = 14;
    pub(super) const TIME_ZONED: u8 = 15;
    pub(super) const INTERVAL: u8 = 16;
    pub(super) const BITS: u8 = 17;
    pub(super) const ANY: u8 = 18;
    pub(super) const WIRE: u8 = 19;
}

/// A column's values with the type known.
struct Values<'a> {
    nulls: Option<&'a NullBuffer>,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a [i64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Date(&'a [i32]),
    Long(u8, &'a [i64]),
    Decimal(&'a StringArray),
    Json(&'a StringArray),
    TimeZoned(&'a StringArray),
    Text(u8, &'a StringArray),
    Bytes(u8, &'a BinaryArray),
    Fixed(u8, &'a FixedSizeBinaryArray),
}

impl<'a> Values<'a> {
    fn new(logical: &LogicalType, array: &'a dyn Array) -> Result<Self> {
        if array.data_type() != &arrow_type(logical) {
            return Err(Error::bug(format!(
                "a {logical} column arrived as {}",
                array.data_type()
            )));
        }
        Ok(Self {
            nulls: array.nulls(),
            kind: Kind::new(logical, array),
        })
    }

    #[inline]
    fn put(&self, row: usize, out: &mut Vec<u8>, json: &mut JsonForm) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            out.push(tag::NULL);
            return;
        }
        match &self.kind {
            Kind::Boolean(array) => put(out, tag::INTEGER, &i64::from(array.value(row)).to_le_bytes()),
            Kind::Integer(values) => put(out, tag::INTEGER, &values[row].to_le_bytes()),
            Kind::Float32(values) => put(out, tag::FLOAT, &float_bits(f64::from(values[row]))),
            Kind::Float64(values) => put(out, tag::FLOAT, &float_bits(values[row])),
            Kind::Date(values) => put(out, tag::DATE, &values[row].to_le_bytes()),
            Kind::Long(tag, values) => put(out, *tag, &values[row].to_le_bytes()),
            Kind::Decimal(array) => put_decimal(out, array.value(row)),
            Kind::Json(array) => put_json(out, array.value(row), json),
            Kind::TimeZoned(array) => put_time_zoned(out, array.value(row)),
            Kind::Text(tag, array) => put(out, *tag, array.value(row).as_bytes()),
            Kind::Bytes(tag, array) => put(out, *tag, array.value(row)),
            Kind::Fixed(tag, array) => put(out, *tag, array.value(row)),
        }
    }
}

impl<'a> Kind<'a> {
    /// The array has the Arrow type of the logical one.
    fn new(logical: &LogicalType, array: &'a dyn Array) -> Self {
        match logical {
            LogicalType::Boolean => Self::Boolean(array.as_boolean()),
            LogicalType::Integer { .. } => Self::Integer(array.as_primitive::<Int64Type>().values()),
            LogicalType::Float { bits: 32 } => Self::Float32(array.as_primitive::<Float32Type>().values()),
            LogicalType::Float { .. } => Self::Float64(array.as_primitive::<Float64Type>().values()),
            LogicalType::Date => Self::Date(array.as_primitive::<Date32Type>().values()),
            LogicalType::Time => {
                Self::Long(tag::TIME, array.as_primitive::<Time64MicrosecondType>().values())
            }
            LogicalType::Timestamp { zoned } => {
                let tag = if *zoned {
                    tag::TIMESTAMP_ZONED
                } else {
                    tag::TIMESTAMP
                };
                Self::Long(tag, array.as_primitive::<TimestampMicrosecondType>().values())
            }
            LogicalType::Decimal { scale: Some(_), .. } => Self::Decimal(array.as_string()),
            LogicalType::Decimal { scale: None, .. } => Self::Text(tag::DECIMAL, array.as_string()),
            LogicalType::Json => Self::Json(array.as_string()),
            LogicalType::Text { .. } | LogicalType::Enum { .. } | LogicalType::Set { .. } => {
                Self::Text(tag::TEXT, array.as_string())
            }
            LogicalType::Bits { .. } => Self::Text(tag::BITS, array.as_string()),
            LogicalType::TimeZoned => Self::TimeZoned(array.as_string()),
            LogicalType::Bytes => Self::Bytes(tag::BYTES, array.as_binary()),
            LogicalType::Any => Self::Bytes(tag::ANY, array.as_binary()),
            LogicalType::Wire { .. } => Self::Bytes(tag::WIRE, array.as_binary()),
            LogicalType::Interval => Self::Fixed(tag::INTERVAL, array.as_fixed_size_binary()),
            LogicalType::Uuid => Self::Fixed(tag::UUID, array.as_fixed_size_binary()),
        }
    }
}

fn put(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    // A value is below 4 GiB: every engine's limit is, and Arrow's 32-bit offsets are.
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.push(tag);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

fn float_bits(value: f64) -> [u8; 8] {
    let value = if value.is_nan() { f64::NAN } else { value };
    value.to_bits().to_le_bytes()
}

fn put_decimal(out: &mut Vec<u8>, text: &str) {
    let start = begin(out, tag::DECIMAL);
    if put_plain_decimal(text.as_bytes(), out) {
        return end(out, start);
    }
    out.truncate(start);
    match canonical_decimal(text) {
        Some(canonical) => put(out, tag::DECIMAL, canonical.as_bytes()),
        None => put(out, tag::TEXT, text.as_bytes()),
    }
}

/// Text that is no JSON hashes as text: it can then only equal itself.
fn put_json(out: &mut Vec<u8>, text: &str, json: &mut JsonForm) {
    let start = begin(out, tag::JSON);
    if json.put(text, out) {
        return end(out, start);
    }
    out.truncate(start);
    put(out, tag::TEXT, text.as_bytes());
}

/// Begins a value whose length is not known yet; returns where.
fn begin(out: &mut Vec<u8>, tag: u8) -> usize {
    let start = out.len();
    out.extend_from_slice(&[tag, 0, 0, 0, 0]);
    start
}

/// Ends a value that began at `start`.
fn end(out: &mut [u8], start: usize) {
    let length = u32::try_from(out.len() - start - 5).unwrap_or(u32::MAX);
    out[start + 1..start + 5].copy_from_slice(&length.to_le_bytes());
}

/// The time and its offset, however much of either is spelled out; text that is neither hashes as text.
fn put_time_zoned(out: &mut Vec<u8>, text: &str) {
    match time_zoned(text) {
        Some((micros, seconds)) => {
            let mut bytes = [0; 12];
            bytes[..8].copy_from_slice(&micros.to_le_bytes());
            bytes[8..].copy_from_slice(&seconds.to_le_bytes());
            put(out, tag::TIME_ZONED, &bytes);
        }
        None => put(out, tag::TEXT, text.as_bytes()),
    }
}

/// Microseconds of the day and seconds east of UTC.
fn time_zoned(text: &str) -> Option<(i64, i32)> {
    let at = text.find(['+', '-'])?;
    let (time, offset) = text.split_at(at);
    let mut seconds = 0;
    for (part, unit) in offset[1..].splitn(3, ':').zip([3600, 60, 1]) {
        let number: i32 = part
            .parse()
            .ok()
            .filter(|number| part.len() == 2 && (0..60).contains(number))?;
        seconds += number * unit;
    }
    let east = if offset.starts_with('-') {
        -seconds
    } else {
        seconds
    };
    Some((parse_time(time)?, east))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float64Array};

    use super::*;
    use crate::{Digest, PackedBuilder, arrow_schema};

    fn digest(logical: LogicalType, array: ArrayRef) -> Digest {
        let records = RecordBatch::try_new(arrow_schema([("a", &logical)]), vec![array]).unwrap();
        let mut digest = Digest::default();
        RowHasher::new(vec![logical], vec![])
            .hash(&records, &[], |row| digest.add_row(row))
            .unwrap();
        digest
    }

    fn text(logical: &LogicalType, values: &[Option<&str>]) -> Digest {
        digest(logical.clone(), Arc::new(StringArray::from(values.to_vec())))
    }

    #[test]
    fn order_carries_no_meaning_and_duplicates_count() {
        let plain = LogicalType::text();
        assert!(text(&plain, &[Some("a"), None]).same_rows(&text(&plain, &[None, Some("a")])));
        assert!(!text(&plain, &[Some("a"), Some("b")]).same_rows(&text(&plain, &[Some("c"), Some("c")])));
        assert!(!text(&plain, &[Some("a"), Some("a")]).same_rows(&text(&plain, &[])));
    }

    #[test]
    fn null_and_empty_text_differ() {
        let plain = LogicalType::text();
        assert!(!text(&plain, &[None]).same_rows(&text(&plain, &[Some("")])));
    }

    #[test]
    fn a_declared_scale_makes_trailing_zeros_mean_nothing() {
        let scaled = LogicalType::Decimal {
            precision: Some(10),
            scale: Some(2),
        };
        let free = LogicalType::Decimal {
            precision: None,
            scale: None,
        };
        assert!(text(&scaled, &[Some("1.10")]).same_rows(&text(&scaled, &[Some("1.1")])));
        assert!(!text(&free, &[Some("1.10")]).same_rows(&text(&free, &[Some("1.1")])));
    }

    #[test]
    fn json_is_compared_by_value() {
        let json = LogicalType::Json;
        let one = text(&json, &[Some(r#"{"b": 1.0, "a": [1e2]}"#)]);
        assert!(one.same_rows(&text(&json, &[Some(r#"{"a":[100],"b":1}"#)])));
        assert!(!one.same_rows(&text(&json, &[Some(r#"{"a":[100],"b":1.0000000000000000001}"#)])));
    }

    #[test]
    fn an_offset_is_the_same_however_much_of_it_is_spelled_out() {
        let zoned = LogicalType::TimeZoned;
        let one = text(&zoned, &[Some("10:00:00+05")]);
        assert!(one.same_rows(&text(&zoned, &[Some("10:00:00.000+05:00")])));
        assert!(!one.same_rows(&text(&zoned, &[Some("10:00:00-05:00")])));
        assert!(
            !one.same_rows(&text(&zoned, &[Some("05:00:00+00")])),
            "an instant is not a reading"
        );
        assert!(!one.same_rows(&text(&zoned, &[Some("10:00:00+05:00:01")])));
    }

    #[test]
    fn the_sign_of_zero_is_kept_and_every_nan_is_equal() {
        let float = LogicalType::Float { bits: 64 };
        let of = |values: Vec<f64>| digest(float.clone(), Arc::new(Float64Array::from(values)));
        assert!(!of(vec![0.0]).same_rows(&of(vec![-0.0])));
        assert!(of(vec![f64::NAN]).same_rows(&of(vec![f64::from_bits(0xfff8_0000_0000_0001)])));
    }

    #[test]
    fn packed_rows_hash_as_their_columns_do() {
        let wire = LogicalType::Wire {
            native: "anything".to_owned(),
            printed: false,
        };
        let columns: [Vec<Option<&[u8]>>; 2] = [vec![Some(b"1"), Some(b"2")], vec![None, Some(b"")]];
        let arrays = columns.map(|values| Arc::new(BinaryArray::from(values)) as ArrayRef);
        let schema = arrow_schema([("a", &wire), ("b", &wire)]);
        let records = RecordBatch::try_new(schema, arrays.into()).unwrap();
        let mut packed = PackedBuilder::default();
        packed.push(&[0, 2, 0, 0, 0, 1, b'1', 255, 255, 255, 255]);
        packed.push(&[0, 2, 0, 0, 0, 1, b'2', 0, 0, 0, 0]);
        let packed = packed.take().unwrap().records;
        let digest = |records: &RecordBatch| {
            let mut digest = Digest::default();
            RowHasher::new(vec![wire.clone(), wire.clone()], vec![0])
                .hash(records, &[], |row| digest.add_row(row))
                .unwrap();
            digest
        };
        assert_eq!(digest(&packed), digest(&records));
    }

    #[test]
    fn skipped_rows_are_not_counted() {
        let logical = LogicalType::text();
        let records = RecordBatch::try_new(
            arrow_schema([("a", &logical)]),
            vec![Arc::new(StringArray::from(vec!["x", "y", "z"])) as ArrayRef],
        )
        .unwrap();
        let mut rows = Vec::new();
        RowHasher::new(vec![logical], vec![0])
            .hash(&records, &[1], |row| rows.push(row.row))
            .unwrap();
        assert_eq!(rows, [0, 2]);
    }
}
