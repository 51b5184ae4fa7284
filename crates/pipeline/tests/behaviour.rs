//! What a run, a verification, a rollback and a cleanup do, over a fake engine.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot do its work panics"
)]

#[path = "fake/database.rs"]
mod database;
#[path = "fake/migration.rs"]
mod migration;
#[path = "fake/source.rs"]
mod source;
#[path = "fake/target.rs"]
mod target;

#[path = "behaviour/begin.rs"]
mod begin;
#[path = "behaviour/copy.rs"]
mod copy;
#[path = "behaviour/rejects.rs"]
mod rejects;
#[path = "behaviour/rollback.rs"]
mod rollback;
#[path = "behaviour/verify.rs"]
mod verify;
