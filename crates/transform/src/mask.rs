//! Masks for copies into test environments: what stands in the place of values that must not be seen. The permutation of
//! integers is in `mask/permutation.rs`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most types have no padding and no characters to keep"
)]

mod digits;
mod permutation;

use std::fmt;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Float32Type, Float64Type, Int64Type};
use arrow_array::{Array as _, ArrayRef};
use datafusion_common::arrow::array::new_null_array;
use sha2::{Digest as _, Sha256};
use whimbrel_core::{ColumnBuilder, Error, LogicalType, Result, Room, arrow_type, hex};

use self::digits::Digits;
use self::permutation::Permutation;
use crate::column::InputColumn;

/// The characters of a hashed text: 80 bits, so that two texts do not become one by chance. They are as many in every column, since
/// a text must have one hash wherever it stands.
const HASH_CHARS: u32 = 16;

/// The bytes of hashed bytes, as many as keys of bytes mostly have.
const HASH_BYTES: usize = 16;

/// The first of January 2000 in days and in microseconds: a moment that every type for moments holds.
const REDACTED_DAY: i32 = 10_957;
const REDACTED_MOMENT: i64 = 946_684_800_000_000;

/// What a mask does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaskKind {
    /// Another value of the same type that the key decides: the same for the same value in every table, and not to be
    /// found out without the key.
    Hash,
    /// One fixed value of the type; NULL where the column allows it and the type has no fixed value that fits.
    Redact,
    /// All characters but the last so many become `*`.
    KeepLast(u32),
}

impl MaskKind {
    /// Reads `hash`, `redact` or `keep_last(n)`; none when it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "hash" => Some(Self::Hash),
            "redact" => Some(Self::Redact),
            _ => {
                let count = text.strip_prefix("keep_last(")?.strip_suffix(')')?;
                count.trim().parse().ok().map(Self::KeepLast)
            }
        }
    }
}

/// The secret that hashes depend on. It has no text form.
#[derive(Clone)]
pub struct MaskKey([u8; 32]);

impl MaskKey {
    /// Makes the key from secret text of any length.
    pub fn new(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Returns what tells the key from others: 32 bits of a hash that no mask uses, too few to find the key by.
    pub fn mark(&self) -> String {
        let hash = self.hash(b"mark", b"");
        hex(&hash[..4])
    }

    /// The keyed hash (HMAC-SHA-256) of a value, apart from the hashes of other kinds.
    fn hash(&self, kind: &[u8], value: &[u8]) -> [u8; 32] {
        let mut inner = [0x36_u8; 64];
        let mut outer = [0x5c_u8; 64];
        for (at, byte) in self.0.iter().enumerate() {
            inner[at] ^= byte;
            outer[at] ^= byte;
        }
        let inside = Sha256::new()
            .chain_update(inner)
            .chain_update(kind)
            .chain_update(value)
            .finalize();
        Sha256::new()
            .chain_update(outer)
            .chain_update(inside)
            .finalize()
            .into()
    }
}

impl fmt::Debug for MaskKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKey(***)")
    }
}

/// A mask of one column. NULL stays NULL.
#[derive(Clone)]
pub struct Mask {
    logical: LogicalType,
    way: Way,
    /// The bytes of every value of a type that takes no shorter ones.
    bytes: usize,
}

#[derive(Clone)]
enum Way {
    Integer(Permutation),
    Digits(Digits),
    Text(MaskKey),
    Bytes(MaskKey),
    Uuid(MaskKey),
    Fixed(Fixed),
    Null,
    KeepLast(usize),
}

/// The fixed values of the types.
#[derive(Debug, Clone, Copy)]
enum Fixed {
    False,
    Zero,
    Moment,
    Text(&'static str),
    Empty,
    Nil,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mask({})", self.logical)
    }
}

impl Mask {
    /// Makes the mask of a column.
    ///
    /// # Errors
    /// `Invalid` when the mask has no meaning for the column's type, or when the column is too short for it.
    pub fn new(kind: MaskKind, key: &MaskKey, column: &InputColumn) -> Result<Self> {
        let way = match kind {
            MaskKind::Hash => hash_way(key, column)?,
            MaskKind::Redact => redact_way(column)?,
            MaskKind::KeepLast(count) => keep_way(count, column)?,
        };
        Ok(Self {
            logical: column.logical.clone(),
            way,
            bytes: 0,
        })
    }

    /// Fits the mask to a column that takes only so many bytes, or only years.
    ///
    /// # Errors
    /// `Invalid` when no hash fits.
    pub fn within(mut self, room: Option<Room>) -> Result<Self> {
        let refused =
            |what: String, hint: &str| Err(Error::invalid(what).with_code("mask_invalid").with_hint(hint));
        match (room, &self.way) {
            (Some(Room::Bytes { most, .. }), Way::Bytes(_))
                if usize::try_from(most).is_ok_and(|most| most < HASH_BYTES) =>
            {
                refused(
                    format!("a column of {most} bytes cannot be hashed: a hash has {HASH_BYTES} bytes"),
                    "use `redact`, or give the column a longer type",
                )
            }
            (Some(Room::Years), Way::Integer(_)) => refused(
                "a column of years cannot be hashed: a hash is no year".to_owned(),
                "use `redact`, or make it a number first: types = { COLUMN = \"int\" }",
            ),
            (Some(Room::TextBytes(most)), Way::Text(_)) if most < HASH_CHARS => refused(
                format!("a column of {most} bytes cannot be hashed: a hash has {HASH_CHARS} characters"),
                "use `redact`, or give the column a longer type",
            ),
            (Some(Room::Bytes { most, is_fixed: true }), _) => {
                self.bytes = usize::try_from(most).unwrap_or(0);
                Ok(self)
            }
            // Hashes of numbers lie in the types that their numbers lie in, and what is redacted lies in all.
            (Some(_) | None, _) => Ok(self),
        }
    }

    /// Makes the mask of a column whose type reads only texts of its own: NULL is all that can stand in their place.
    ///
    /// # Errors
    /// `Invalid` unless the values are redacted and may be NULL.
    pub fn of_own_texts(kind: MaskKind, native: &str, column: &InputColumn) -> Result<Self> {
        let refused = |what: &str, hint: &str| {
            let name = &column.name;
            Error::invalid(format!(
                "column `{name}` of type `{native}` cannot be {what}, as the type does not take any text"
            ))
            .with_code("mask_invalid")
            .with_hint(hint)
        };
        match kind {
            MaskKind::Redact if column.nullable => Ok(Self {
                logical: column.logical.clone(),
                way: Way::Null,
                bytes: 0,
            }),
            MaskKind::Redact => Err(refused(
                "redacted, nor be NULL",
                "leave the column out: exclude = [...], or compute it",
            )),
            MaskKind::Hash | MaskKind::KeepLast(_) => Err(refused(
                "hidden like this",
                "use `redact`, or make it text first: types = { COLUMN = \"text\" }",
            )),
        }
    }

    /// Masks the values of the column.
    ///
    /// # Errors
    /// `Bug` when they are not in the form that carries the column's type.
    pub fn apply(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let wanted = arrow_type(&self.logical);
        if *array.data_type() != wanted {
            return Err(Error::bug(format!(
                "a masked column arrived as {}",
                array.data_type()
            )));
        }
        if let Way::Null = self.way {
            return Ok(new_null_array(&wanted, array.len()));
        }
        let mut column = ColumnBuilder::new(&self.logical);
        for row in 0..array.len() {
            match array.is_null(row) {
                true => column.push_null(),
                false => self.push(array, row, &mut column),
            }
        }
        column
            .take()
            .map_err(|error| Error::bug("a masked column cannot be made").with_cause(error))
    }

    /// The row holds a value.
    fn push(&self, array: &ArrayRef, row: usize, column: &mut ColumnBuilder) {
        match &self.way {
            Way::Integer(permutation) => {
                column.push_i64(permutation.apply(array.as_primitive::<Int64Type>().value(row)));
            }
            Way::Text(key) => {
                let text = self.unpadded(array.as_string::<i32>().value(row));
                let hash = letters(&key.hash(b"text", text.as_bytes()));
                column.push_written(|out| self.pad(&hash, out));
            }
            Way::Digits(digits) => {
                let number = digits.apply(array.as_string::<i32>().value(row));
                column.push_bytes(number.as_bytes());
            }
            Way::Bytes(key) => {
                let hash = key.hash(b"bytes", array.as_binary::<i32>().value(row));
                column.push_written(|out| self.push_sized(&hash[..HASH_BYTES], out));
            }
            Way::Fixed(Fixed::Empty) => column.push_written(|out| self.push_sized(b"", out)),
            Way::Uuid(key) => column.push_16(hashed_uuid(key, array.as_fixed_size_binary().value(row))),
            Way::Fixed(Fixed::Text(text)) => column.push_written(|out| self.pad(text.as_bytes(), out)),
            Way::Fixed(fixed) => push_fixed(*fixed, array, column),
            Way::KeepLast(count) => {
                let text = self.unpadded(array.as_string::<i32>().value(row));
                let masked = keep_last(text, *count);
                column.push_written(|out| self.pad(masked.as_bytes(), out));
            }
            Way::Null => column.push_null(),
        }
    }

    /// The length of a blank-padded type.
    fn padding(&self) -> Option<usize> {
        match &self.logical {
            LogicalType::Text {
                chars_max: Some(chars),
                padded: true,
            } => usize::try_from(*chars).ok(),
            _ => None,
        }
    }

    /// Padding is no part of the value: a reference may have a type without it.
    fn unpadded<'a>(&self, text: &'a str) -> &'a str {
        match self.padding() {
            Some(_) => text.trim_end_matches(' '),
            None => text,
        }
    }

    /// Zeros fill what a shorter value leaves.
    fn push_sized(&self, bytes: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(bytes);
        out.extend(std::iter::repeat_n(0, self.bytes.saturating_sub(bytes.len())));
    }

    fn pad(&self, text: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(text);
        if let Some(wanted) = self.padding() {
            // A byte that continues a character does not count as one.
            let chars = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
            out.extend(std::iter::repeat_n(b' ', wanted.saturating_sub(chars)));
        }
    }
}

fn no_mask(column: &InputColumn, what: &str, hint: &str) -> Error {
    let InputColumn { name, logical, .. } = column;
    Error::invalid(format!("column `{name}` of type {logical} cannot be {what}"))
        .with_code("mask_invalid")
        .with_hint(hint)
}

fn hash_way(key: &MaskKey, column: &InputColumn) -> Result<Way> {
    match &column.logical {
        LogicalType::Integer { .. } => Ok(Way::Integer(Permutation::new(&key.0))),
        LogicalType::Text {
            chars_max: Some(chars),
            ..
        } if *chars < HASH_CHARS => Err(no_mask(
            column,
            &format!("hashed: a hash has {HASH_CHARS} characters"),
            "use `redact` or `keep_last(n)`, or give the column a longer type",
        )),
        LogicalType::Text { .. } => Ok(Way::Text(key.clone())),
        LogicalType::Bytes => Ok(Way::Bytes(key.clone())),
        LogicalType::Uuid => Ok(Way::Uuid(key.clone())),
        LogicalType::Decimal { scale: Some(0), .. } => Ok(Way::Digits(Digits::new(key.clone()))),
        LogicalType::Boolean
        | LogicalType::Decimal { .. }
        | LogicalType::Float { .. }
        | LogicalType::Bits { .. }
        | LogicalType::Date
        | LogicalType::Time
        | LogicalType::TimeZoned
        | LogicalType::Timestamp { .. }
        | LogicalType::Interval
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. }
        | LogicalType::Any
        | LogicalType::Wire { .. } => Err(no_mask(
            column,
            "hashed",
            "whole numbers, text, bytes and UUIDs can be hashed; use `redact` for other types",
        )),
    }
}

fn redact_way(column: &InputColumn) -> Result<Way> {
    Ok(match &column.logical {
        LogicalType::Boolean => Way::Fixed(Fixed::False),
        LogicalType::Integer { .. } | LogicalType::Float { .. } | LogicalType::Time => {
            Way::Fixed(Fixed::Zero)
        }
        LogicalType::Date | LogicalType::Timestamp { .. } => Way::Fixed(Fixed::Moment),
        LogicalType::Decimal { .. } => Way::Fixed(Fixed::Text("0")),
        LogicalType::Text { chars_max, .. } => Way::Fixed(Fixed::Text(match chars_max {
            Some(0) => "",
            Some(1) => "x",
            Some(2) => "xx",
            Some(3) => "xxx",
            _ => "xxxx",
        })),
        LogicalType::Json => Way::Fixed(Fixed::Text("null")),
        LogicalType::TimeZoned => Way::Fixed(Fixed::Text("00:00:00+00")),
        LogicalType::Set { .. } => Way::Fixed(Fixed::Text("")),
        LogicalType::Bytes => Way::Fixed(Fixed::Empty),
        LogicalType::Interval | LogicalType::Uuid => Way::Fixed(Fixed::Nil),
        LogicalType::Bits { .. } | LogicalType::Enum { .. } | LogicalType::Any | LogicalType::Wire { .. }
            if column.nullable =>
        {
            Way::Null
        }
        LogicalType::Bits { .. } | LogicalType::Enum { .. } | LogicalType::Any | LogicalType::Wire { .. } => {
            return Err(no_mask(
                column,
                "redacted: no fixed value is sure to fit, and it cannot be NULL",
                "leave the column out, or derive it by an expression",
            ));
        }
    })
}

fn keep_way(count: u32, column: &InputColumn) -> Result<Way> {
    match &column.logical {
        LogicalType::Text { .. } => Ok(Way::KeepLast(usize::try_from(count).unwrap_or(usize::MAX))),
        _ => Err(no_mask(
            column,
            "masked by `keep_last`",
            "only text has characters; use `hash` or `redact`",
        )),
    }
}

fn push_fixed(fixed: Fixed, array: &ArrayRef, column: &mut ColumnBuilder) {
    match fixed {
        Fixed::False => column.push_bool(false),
        Fixed::Text(text) => column.push_bytes(text.as_bytes()),
        Fixed::Empty => column.push_bytes(b""),
        Fixed::Nil => column.push_16([0; 16]),
        Fixed::Moment if array.as_primitive_opt::<Date32Type>().is_some() => column.push_i32(REDACTED_DAY),
        Fixed::Moment => column.push_i64(REDACTED_MOMENT),
        Fixed::Zero if array.as_primitive_opt::<Float32Type>().is_some() => column.push_f32(0.0),
        Fixed::Zero if array.as_primitive_opt::<Float64Type>().is_some() => column.push_f64(0.0),
        Fixed::Zero => column.push_i64(0),
    }
}

/// A text of no more characters than are to be kept is hidden wholly.
fn keep_last(text: &str, count: usize) -> String {
    let chars = text.chars().count();
    let kept = if count < chars { count } else { 0 };
    let mut masked = "*".repeat(chars - kept);
    masked.extend(text.chars().skip(chars - kept));
    masked
}

/// The first 80 bits of a hash as letters and digits that every collation tells apart.
fn letters(hash: &[u8; 32]) -> Vec<u8> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = Vec::new();
    for five in hash[..10].chunks_exact(5) {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        text.extend((0..8).rev().map(|place| {
            let letter = usize::try_from(bits >> (5 * place) & 31).unwrap_or(0);
            LETTERS[letter]
        }));
    }
    text
}

/// The hash in the form of a random UUID (version 4).
fn hashed_uuid(key: &MaskKey, value: &[u8]) -> [u8; 16] {
    let hash = key.hash(b"uuid", value);
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&hash[..16]);
    uuid[6] = uuid[6] & 0x0f | 0x40;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

#[cfg(test)]
mod tests;
