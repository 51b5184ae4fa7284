//! Splits a table into chunks by its key, inside the snapshot.
