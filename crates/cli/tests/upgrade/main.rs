//! Moves between PostgreSQL servers: what arrives is compared as `pg_dump` prints both sides.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod mover;
mod partitions;
mod roles;
mod whole;
