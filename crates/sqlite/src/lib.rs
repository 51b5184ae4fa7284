//! SQLite as a source and as a target. `SqliteConnector` is the crate's one public thing; the contracts are in `whimbrel-core`.

mod error;
mod files;
mod sql;

mod gate;
mod pen;

mod declared;
mod definition;

mod catalog;
mod range;

mod aside;
mod codec;
mod foreign_keys;
mod profile;
mod scalar;
mod snapshot;

mod dialect;

mod check;
mod source;

mod insert;
mod ledger;
mod target;
mod writer;

mod connector;

pub use connector::SqliteConnector;
