//! Rows reshaped on the way: renames, splits, merges, filters, expressions, lookups, masks and several sources, on real servers, each migration
//! verified and able to go back like any other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod crashes;
mod masks;
mod merges;
mod refusals;
mod several;
mod shapes;
