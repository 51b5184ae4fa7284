//! Chunks: the parts of a table that are read, written, verified and recorded one by one.

use arrow_array::Array;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use serde::{Deserialize, Serialize};

use crate::{LogicalType, TableId, format_date, format_time, format_timestamp, format_uuid, hex};

/// A part of a table. Serialisable, so that any worker can copy it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The source table.
    pub table: TableId,
    /// Number within the table, from 0; the split of a table is never recomputed once stored.
    pub index: u32,
    /// Which rows.
    pub range: KeyRange,
}

/// Which rows of a table a chunk holds. The ranges of one split cover each row exactly once, NULL keys included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KeyRange {
    /// The whole table.
    All,
    /// Rows whose key is in the half-open range, compared as a row value in the source's own order.
    Keys(KeyBound),
    /// Rows in a half-open range of the engine's own row number.
    Rows {
        /// First row number; none means from the beginning.
        from: Option<i64>,
        /// First row number of the next chunk; none means to the end.
        to: Option<i64>,
    },
    /// The rows of these very keys, those that are there; never part of a split. Rows that were rejected are read again by it.
    Exactly {
        /// Key columns.
        columns: Vec<String>,
        /// Keys, each with one value per column; at most [`KeyRange::EXACT_MAX`].
        keys: Vec<Vec<KeyValue>>,
    },
    /// Rows of one of the parts that a mapped table is made of; no engine is ever asked for it.
    Part {
        /// Which part, from 0.
        part: u32,
        /// Which rows of it.
        range: Box<Self>,
    },
}

impl KeyRange {
    /// How many keys one range names at most.
    pub const EXACT_MAX: usize = 200;

    /// Tells whether the range names its rows one by one: then it holds rows that were rejected by the split's chunks.
    pub fn is_exact(&self) -> bool {
        matches!(self, Self::Exactly { .. })
    }
}

/// A half-open range of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyBound {
    /// Key columns.
    pub columns: Vec<String>,
    /// First key; none means from minus infinity.
    pub from: Option<Vec<KeyValue>>,
    /// First key of the next chunk; none means to plus infinity.
    pub to: Option<Vec<KeyValue>>,
}

/// One value of a key bound, as exact as its engine prints it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", content = "value", rename_all = "snake_case")]
pub enum KeyValue {
    /// An integer.
    Integer(i64),
    /// A float, by its bits.
    Real(u64),
    /// Text, or the engine's text form of any other type.
    Text(String),
    /// Bytes in hex.
    Bytes(String),
}

impl KeyValue {
    /// Returns the value of a row in a column of the logical type; none for NULL, and for a form that only its engine can read.
    pub fn of(logical: &LogicalType, array: &dyn Array, row: usize) -> Option<Self> {
        if array.is_null(row) {
            return None;
        }
        Some(match logical {
            LogicalType::Boolean => Self::Integer(array.as_boolean().value(row).into()),
            LogicalType::Integer { .. } => Self::Integer(array.as_primitive::<Int64Type>().value(row)),
            LogicalType::Float { bits: 32 } => {
                Self::Real(f64::from(array.as_primitive::<Float32Type>().value(row)).to_bits())
            }
            LogicalType::Float { .. } => Self::Real(array.as_primitive::<Float64Type>().value(row).to_bits()),
            LogicalType::Decimal { .. }
            | LogicalType::Text { .. }
            | LogicalType::Bits { .. }
            | LogicalType::TimeZoned
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. } => Self::Text(array.as_string::<i32>().value(row).to_owned()),
            LogicalType::Bytes => Self::Bytes(hex(array.as_binary::<i32>().value(row))),
            LogicalType::Date => Self::Text(format_date(array.as_primitive::<Date32Type>().value(row))),
            LogicalType::Time => Self::Text(format_time(
                array.as_primitive::<Time64MicrosecondType>().value(row),
            )),
            LogicalType::Timestamp { zoned } => Self::Text(format_timestamp(
                array.as_primitive::<TimestampMicrosecondType>().value(row),
                *zoned,
            )),
            LogicalType::Uuid => Self::Text(format_uuid(array.as_fixed_size_binary().value(row))),
            LogicalType::Json | LogicalType::Interval | LogicalType::Any | LogicalType::Wire { .. } => {
                return None;
            }
        })
    }
}
