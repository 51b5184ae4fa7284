//! Usage: how often tables are read and changed, as far as the engine counts it by itself.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::TableId;

/// How tables are used, or why that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usage {
    /// The engine does not count, or does not show it to this user.
    NotKnown {
        /// Why, in words for people.
        why: String,
    },
    /// What the engine counted.
    Counted {
        /// Where the counts stand, such as the name of a system view.
        place: String,
        /// Since when they are counted, as the engine says; none when it does not.
        since: Option<String>,
        /// Per table; a table that is not here was not used, or is not counted.
        tables: BTreeMap<TableId, TableUsage>,
    },
}

/// How a table is used. What the engine does not count is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableUsage {
    /// Times that the whole table was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_scans: Option<u64>,
    /// Times that an index of it was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_scans: Option<u64>,
    /// Rows that were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_read: Option<u64>,
    /// Rows that were inserted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_inserted: Option<u64>,
    /// Rows that were updated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_updated: Option<u64>,
    /// Rows that were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_deleted: Option<u64>,
    /// Rows that were changed in any way, where the engine does not tell which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_changed: Option<u64>,
    /// Blocks that were read from the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks_read: Option<u64>,
    /// Blocks that were found in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocks_hit: Option<u64>,
    /// Indexes that no query used, those of keys apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused_indexes: Vec<String>,
}

impl TableUsage {
    /// Adds what is counted of a part of the table; the part's indexes stay its own.
    pub fn add(&mut self, part: &Self) {
        let counts = [
            (&mut self.full_scans, part.full_scans),
            (&mut self.index_scans, part.index_scans),
            (&mut self.rows_read, part.rows_read),
            (&mut self.rows_inserted, part.rows_inserted),
            (&mut self.rows_updated, part.rows_updated),
            (&mut self.rows_deleted, part.rows_deleted),
            (&mut self.rows_changed, part.rows_changed),
            (&mut self.blocks_read, part.blocks_read),
            (&mut self.blocks_hit, part.blocks_hit),
        ];
        for (sum, more) in counts {
            *sum = match (*sum, more) {
                (Some(sum), Some(more)) => Some(sum + more),
                (sum, more) => sum.or(more),
            };
        }
    }
}
