//! Digests: sums of row hashes that prove two sets of rows equal, whatever their order.

use serde::{Deserialize, Serialize};

use crate::canonical::{RowHash, low_half};

/// Count and wrapping sums of row hashes, and one sum per column. Order-free; duplicates count.
///
/// Two digests are equal when the multisets of rows are, up to a chance of about 2^-128.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Number of rows.
    pub rows: u64,
    /// Sum of the row hashes, in hex when stored.
    #[serde(with = "hex128")]
    pub sum: u128,
    /// Sum of a second, non-linear function of the row hashes, so that crafted cancellations need two coincidences.
    #[serde(with = "hex128")]
    pub sum_mixed: u128,
    /// Per column, the sum of the values' hashes seeded with the hash of the row's key.
    pub columns: Vec<u64>,
}

impl Digest {
    /// Adds a row.
    pub fn add_row(&mut self, row: &RowHash<'_>) {
        let low = u128::from(low_half(row.hash));
        self.rows = self.rows.wrapping_add(1);
        self.sum = self.sum.wrapping_add(row.hash);
        self.sum_mixed = self
            .sum_mixed
            .wrapping_add(row.hash.wrapping_mul(low.wrapping_mul(2).wrapping_add(1)));
        self.widen(row.columns.len());
        for (sum, hash) in self.columns.iter_mut().zip(row.columns) {
            *sum = sum.wrapping_add(*hash);
        }
    }

    /// Adds the rows of another digest.
    pub fn add(&mut self, other: &Self) {
        self.rows = self.rows.wrapping_add(other.rows);
        self.sum = self.sum.wrapping_add(other.sum);
        self.sum_mixed = self.sum_mixed.wrapping_add(other.sum_mixed);
        self.widen(other.columns.len());
        for (sum, other) in self.columns.iter_mut().zip(&other.columns) {
            *sum = sum.wrapping_add(*other);
        }
    }

    /// Tells whether the rows are the same (columns sums follow from them and only locate a difference).
    pub fn same_rows(&self, other: &Self) -> bool {
        (self.rows, self.sum, self.sum_mixed) == (other.rows, other.sum, other.sum_mixed)
    }

    fn widen(&mut self, columns: usize) {
        if self.columns.len() < columns {
            self.columns.resize(columns, 0);
        }
    }
}

mod hex128 {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(value: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}
