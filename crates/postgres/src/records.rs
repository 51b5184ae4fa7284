//! What the ledger and its writers share: the names of its tables and of the writers, and the error when somebody else has the run.

use whimbrel_core::{Error, ErrorClass, MigrationId, RunKey, TableId, hash_of};

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

/// What writers of a run are called on the server, so that a later run can end those that were left behind.
pub(crate) fn writer_name(run: &RunKey) -> String {
    format!("{}{}", writer_prefix(&run.migration), run.epoch.0)
}

/// What the names of a migration's writers begin with.
pub(crate) fn writer_prefix(migration: &MigrationId) -> String {
    // The server cuts names at 63 bytes.
    if migration.0.len() <= 24 && migration.0.is_ascii() {
        format!("whimbrel writer {migration} ")
    } else {
        format!("whimbrel writer {} ", &hash_of(migration)[..16])
    }
}
