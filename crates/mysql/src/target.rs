//! The target: steps, tables, sequences.
