//! The MySQL and MariaDB connectors: one dialect with two flavours, a source and a target, with the ledger in tables of the database itself.
//!
//! `flavour` and `native` say what a server and a column are; `connect` and `tls` open sessions; `catalog` describes, `dialect` speaks,
//! `codec` translates values; `source`, `snapshot`, `profile` and `aggregate` read; `target`, `writer` and `ledger` write; `check` says
//! what could hinder.

mod aggregate;
mod catalog;
mod check;
mod codec;
mod connect;
mod dialect;
mod error;
mod execute;
mod flavour;
mod foreign_keys;
mod ledger;
mod native;
mod profile;
mod quote;
mod range;
mod read;
mod snapshot;
mod source;
mod split;
mod target;
mod tls;
mod writer;

pub use flavour::{Flavour, Version};
