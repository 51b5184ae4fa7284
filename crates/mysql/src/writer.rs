//! Writes a chunk in one transaction: LOAD DATA from memory, or INSERT where the server forbids it.
