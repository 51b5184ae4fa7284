//! Decodes the protocol's values into Arrow columns.
