//! Runs a plan: one run loop over phases, with chunks, checkpoints, retry, verification and the way back.
//! Knows the contracts of [`whimbrel_core`] and no engine; planning, rendering for people and the command line are elsewhere.

mod budget;
mod columns;
mod context;
mod failure;
mod journal;
mod observer;
mod pool;
mod retry;

mod store;

mod run;

mod begin;
mod data;
mod report;
mod resume;
mod schema;
mod steps;
mod verify;

mod cleanup;
mod rollback;

pub use cleanup::{CleanupReport, cleanup};
pub use context::{Limits, RunContext};
pub use failure::{FOREIGN_ROWS, NOT_APPROVED, PLAN_CHANGED, SOURCE_CHANGED, TARGET_CHANGED};
pub use observer::{Observer, Progress, Silent};
pub use rollback::{RollbackTo, rollback};
pub use run::run;
pub use store::{
    Approval, Checkpoint, DirLock, EventLog, LogCheck, LogProblem, MigrationDir, MigrationStatus, RejectLine,
    check_log,
};
pub use verify::verify;
