//! The ledger in tables of the target database.
