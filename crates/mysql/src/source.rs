//! The source: catalog, profile, checks and snapshots over sessions that only read.
