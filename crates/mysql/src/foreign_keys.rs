//! Counts the orphans of foreign keys.
