//! Reads the rows of a range as batches.
