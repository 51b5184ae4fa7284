//! Runs a step exactly once although DDL is not transactional: intent, probe, statement, record.
