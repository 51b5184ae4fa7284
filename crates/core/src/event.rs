//! Events: the audit log's lines. Chaining and writing them is the pipeline's work.

use serde::{Deserialize, Serialize};

use crate::MigrationId;

/// One line of `events.ndjson`, fields in this order. A payload that is a struct keeps the order of its fields, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event<P = serde_json::Value> {
    /// `evt_<timestamp>_<topic>`; a repeated id gets `_2`, `_3` ...
    pub event_id: String,
    /// The type, such as `MIGRATION_COMPLETE`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who wrote it: `whimbrel`.
    pub agent: String,
    /// Whole seconds since 1970-01-01 UTC.
    pub timestamp: i64,
    /// Facts.
    pub payload: P,
    /// The migration.
    pub migration_id: MigrationId,
    /// Number of the line, from 1.
    pub seq: u64,
    /// SHA-256 in hex of the previous line without its line end; of the empty string for the first.
    pub prev_hash: String,
}
