//! What the connector does on a real server: `WHIMBREL_TEST_POSTGRES`, or one that the tests start.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod as_json;
mod catalog;
mod conformance;
mod connect;
mod copy;
mod durability;
mod every_type;
mod faults;
mod harness;
mod packed;
mod profile;
mod rules;
mod snapshot;
mod split;
