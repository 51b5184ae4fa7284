//! Rows reshaped on the way: renames, splits, merges, filters, expressions, lookups, masks and several sources, on real servers, each migration
//! verified and able to go back like any other.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod approvals;
mod behind;
mod bench;
mod castings;
mod crashes;
mod held;
mod hidden;
mod kept_types;
mod kin;
mod lookups;
mod masks;
mod merges;
mod names;
mod owned;
mod partitions;
mod places;
mod previews;
mod refusals;
mod retypes;
mod several;
mod shapes;
mod uuids;
mod way_back;
