//! The structures that the dialect makes: as text, and on real servers, which must accept every statement and its undo.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod servers;
mod shop;
mod statements;
