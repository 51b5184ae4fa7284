//! Spells the range of a chunk as a condition.
