//! How far a run is, how fast, and how long it will take, as it is told. How that is known is `estimator.rs`.

use serde::{Deserialize, Serialize};

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    /// The phase.
    pub phase: String,
    /// Rows that have arrived, earlier runs included.
    pub rows: u64,
    /// Rows in the plan.
    pub rows_planned: u64,
    /// Rows that were read back and compared.
    pub rows_verified: u64,
    /// Bytes that have arrived.
    pub bytes: u64,
    /// Rows a second, lately; those that arrive, or in the verify phase those that are compared.
    pub rows_per_second: f64,
    /// Bytes a second, lately.
    pub bytes_per_second: f64,
    /// Seconds until the run ends; none while too little has run to tell.
    pub seconds_left: Option<u64>,
    /// What is in work, tables first.
    pub in_work: Vec<InWork>,
}

/// A table or a step in work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InWork {
    /// The table's name, or the step's title.
    pub what: String,
    /// `copy`, `verify` or `step`.
    pub work: Kind,
    /// Rows so far; none for a step.
    pub rows: Option<u64>,
    /// Rows in the plan; none for a step.
    pub rows_planned: Option<u64>,
    /// Rows a second, lately.
    pub rows_per_second: f64,
    /// Seconds until it is done, where that can be told.
    pub seconds_left: Option<u64>,
}

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Rows are copied.
    Copy,
    /// Rows are compared.
    Verify,
    /// An index, a key or another object is made.
    Step,
}
