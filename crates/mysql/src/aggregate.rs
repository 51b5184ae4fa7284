//! The second witness: what the server itself says about a table.
