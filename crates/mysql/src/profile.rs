//! Profiles a table: one pass that counts what the planner needs to know.
