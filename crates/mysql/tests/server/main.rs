//! What the connector does on real servers: those of `WHIMBREL_TEST_MARIADB` and `WHIMBREL_TEST_MYSQL`, or ones that the tests start.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod catalog;
mod check;
mod conformance;
mod connect;
mod copy;
mod faults;
mod harness;
mod ledger;
mod profile;
mod read;
mod snapshot;
mod split;
mod target;
mod wire;
