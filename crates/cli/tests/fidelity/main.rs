//! What every type and object must become, pair by pair, on real servers: one database holds all cases of a pair, one migration with the
//! suggested choices moves it, and each case asks the target with a query of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod mysql_to_postgres;
mod pair;
mod postgres_to_mysql;
mod round_trips;
