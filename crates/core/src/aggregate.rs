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
    /// Smallest value in canonical text (decimal, ISO date or time, or the [`text_head`] of text under a binary order).
    pub min: Option<String>,
    /// Largest value, as `min`.
    pub max: Option<String>,
    /// Sum of the lengths in bytes of text (UTF-8) or bytes.
    pub bytes: Option<u64>,
    /// Number of true values of a boolean.
    pub trues: Option<u64>,
}

impl TableAggregate {
    /// Takes out what is said of the values of a column: only how many are NULL and how long all are together remains.
    pub fn withhold(&mut self, column: &str) {
        if let Some(column) = self.columns.get_mut(column) {
            *column = ColumnAggregate {
                nulls: column.nulls,
                bytes: column.bytes,
                ..ColumnAggregate::default()
            };
        }
    }
}

/// The most characters of a smallest or largest text that are compared: more would be whole documents.
pub const TEXT_HEAD_CHARS: usize = 256;

/// Returns the first [`TEXT_HEAD_CHARS`] characters of a text. Cutting keeps a binary order, so the head of the smallest text is the smallest head:
/// an engine may cut each text before it compares them.
pub fn text_head(text: &str) -> &str {
    let end = text.char_indices().nth(TEXT_HEAD_CHARS);
    end.map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_cut_between_characters() {
        let long = "ä".repeat(TEXT_HEAD_CHARS + 1);
        assert_eq!(text_head(&long).chars().count(), TEXT_HEAD_CHARS);
        assert_eq!(text_head("ä"), "ä");
        assert_eq!(
            text_head(&long[..TEXT_HEAD_CHARS * 2]),
            &long[..TEXT_HEAD_CHARS * 2]
        );
    }
}
