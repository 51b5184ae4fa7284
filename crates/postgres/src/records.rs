//! What the ledger and its writers share: the names of its tables, and the error when somebody else has the run.

use whimbrel_core::{Error, ErrorClass, TableId};

/// The ledger's tables, spelled for statements.
pub(crate) const RUNS: &str = "_whimbrel._whimbrel_runs";
pub(crate) const STEPS: &str = "_whimbrel._whimbrel_steps";
pub(crate) const CHUNKS: &str = "_whimbrel._whimbrel_chunks";

/// Makes the error that somebody else has what we need.
pub(crate) fn conflict(message: String) -> Error {
    Error::new(ErrorClass::Conflict, message)
        .with_code("epoch_conflict")
        .with_hint("another run has taken over; `whimbrel status` shows it")
}

/// The parts of a table's name as the ledger keeps them.
pub(crate) fn named(table: &TableId) -> (&str, &str) {
    (table.namespace.as_deref().unwrap_or(""), &table.name)
}
