//! What expressions promise: per type and function, what is refused and what a failing row says.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod meaning;
mod properties;
mod reference;
mod refusals;
mod rows;
