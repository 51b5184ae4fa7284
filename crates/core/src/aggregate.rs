//! The second witness: aggregates that each database computes itself, so that a bug in our own decoder cannot hide.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a database says about a table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableAggregate {
    /// Number of rows.
    pub rows: u64,
    /// Per column, by the name the request gave it.
    pub columns: BTreeMap<String, ColumnAggregate>,
}

/// What a database says about a column. A field is none when the engine cannot say it exactly for this type;
/// only fields that both sides fill are compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnAggregate {
    /// Number of NULLs; always known.
    pub nulls: u64,
    /// Exact sum of integers and exact numerics as canonical decimal text, see [`crate::canonical_decimal`].
    pub sum: Option<String>,
    /// Smallest value in canonical text (decimal, ISO date or time, or text under a binary order).
    pub min: Option<String>,
    /// Largest value, as `min`.
    pub max: Option<String>,
    /// Sum of the lengths in bytes of text (UTF-8) or bytes.
    pub bytes: Option<u64>,
    /// Number of true values of a boolean.
    pub trues: Option<u64>,
}
