//! The profile: what one full pass over the source's values found. It feeds the planner; it is never a sample.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::TextEquality;

/// How much is asked about tables; whoever has less to say may say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// All that planning needs to know.
    Profile,
    /// The number of rows, what is wrong with the keys, of the columns what reading them needs ([`crate::Dialect::logical`]), and of the
    /// largest row that it is no larger than said: for whoever reads all values, and measures them while reading.
    Survey,
}

/// What one pass over a table found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TableProfile {
    /// Exact number of rows.
    pub rows: u64,
    /// Sum of the value sizes in bytes, as stored or as sent.
    pub bytes: u64,
    /// Size of the largest row in bytes.
    pub row_bytes_max: u64,
    /// Per column, by name.
    pub columns: BTreeMap<String, ColumnProfile>,
    /// Per foreign key, in the order of the table's foreign keys.
    pub foreign_keys: Vec<ForeignKeyProfile>,
    /// For each key or unique index whose duplicates were counted.
    pub uniques: Vec<UniqueProfile>,
}

/// What one pass over a column found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Number of NULLs.
    pub nulls: u64,
    /// Smallest value as text, where the engine orders the type.
    pub min: Option<String>,
    /// Largest value as text.
    pub max: Option<String>,
    /// Largest size in bytes of a value.
    pub bytes_max: u64,
    /// Largest number of characters of a text value.
    pub chars_max: u64,
    /// Rows whose text is not valid in the declared encoding.
    pub invalid_text: u64,
    /// Rows whose text holds U+0000.
    pub nul_text: u64,
    /// Rows with a float that is NaN or negative zero, which not every engine holds.
    #[serde(default)]
    pub odd_floats: u64,
    /// Rows with a value outside the travelling form of its type (timestamps beyond the microsecond range, 24:00:00 where it matters).
    pub out_of_range: u64,
    /// Storage classes found, for an engine that has them.
    pub classes: Option<StorageClasses>,
    /// Rows that a mapping refuses for this column: its expression fails, or the value would not be the same in the type that is wanted.
    #[serde(default, skip_serializing_if = "is_none")]
    pub refused: u64,
    /// One of them, with the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_example: Option<String>,
    /// Counts of further shapes the connector looks for, by name (`iso_date`, `iso_timestamp`, `json`, `decimal_places_max` ...).
    pub shapes: BTreeMap<String, u64>,
}

/// The shape under which UUIDs are counted that not every engine's own type holds: those of [`is_late_uuid`].
pub const LATE_UUIDS: &str = "late_uuids";

/// Tells whether a UUID has version 8 or a later one, and 01 to 80 in its ninth byte. A type that puts the digits of UUIDs in another order to
/// sort them takes such a value for one that it has turned round already.
pub fn is_late_uuid(bytes: &[u8; 16]) -> bool {
    bytes[6] >= 0x80 && (0x01..=0x80).contains(&bytes[8])
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// How many values of each storage class a loosely typed column holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each name says it")]
pub struct StorageClasses {
    pub integer: u64,
    pub real: u64,
    pub text: u64,
    pub blob: u64,
}

/// Orphans of a declared foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKeyProfile {
    /// The referring columns.
    pub columns: Vec<String>,
    /// Rows whose referred row does not exist.
    pub orphans: u64,
    /// Rows whose referred row exists only because the column's collation calls different texts equal; not among the orphans.
    #[serde(default)]
    pub inexact: u64,
    /// Some of them, for the report: key or row id and values.
    pub examples: Vec<String>,
}

/// Duplicates in what will be unique.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UniqueProfile {
    /// Constraint or index name, or empty.
    pub name: String,
    /// The columns.
    pub columns: Vec<String>,
    /// What a collation of the target ignores in each column, where that was counted; empty where values are the same to the source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equalities: Vec<TextEquality>,
    /// Groups of rows that share a value.
    pub duplicates: u64,
    /// Some of the values, for the report.
    pub examples: Vec<String>,
}
