//! The promises, each tried on the real program with real databases, for every pair of engines.

mod differences;
mod failures;
mod fault_loop;
mod kill;
mod memory;
mod resume;
mod rollback;
mod secrets;
mod shop;
