//! The promises, each tried on the real program with real databases, for every pair of engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "a failed test shows how far it came")]

mod differences;
mod engines;
mod failures;
mod fault_loop;
mod kill;
mod many;
mod memory;
mod pause;
mod rejects;
mod resume;
mod rollback;
mod secrets;
mod shop;
