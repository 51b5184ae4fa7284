//! Runs a plan: one run loop over phases, with chunks, checkpoints, retry, verification and the way back.
//! Knows the contracts of [`whimbrel_core`] and no engine; planning, rendering for people and the command line are elsewhere.

mod failure;
mod gate;
mod limits;
mod observer;
mod outlook;

mod planned;

mod budget;
mod columns;
mod flow;
mod found;
mod pool;
mod presence;
mod store;

mod context;
mod estimator;
mod journal;
mod retry;
mod running;
mod watch;

mod arrived;
mod keys;
mod quantity;
mod widened;

mod begin;
mod run;

mod rules;
mod schema;
mod steps;

mod data;
mod rejects;
mod resume;

mod verify;

mod cleanup;
mod report;
mod rollback;

pub use cleanup::{CleanupReport, cleanup};
pub use context::RunContext;
pub use failure::{FOREIGN_ROWS, NOT_APPROVED, PLAN_CHANGED, SOURCE_CHANGED, TARGET_CHANGED};
pub use gate::Gate;
pub use limits::Limits;
pub use observer::{Observer, Progress, Silent};
pub use outlook::{InWork, Kind, Outlook};
pub use rollback::{RollbackTo, rollback};
pub use run::{replay, run};
pub use store::{
    Approval, Checkpoint, DirLock, EventLog, LogCheck, LogProblem, MigrationDir, MigrationStatus, PauseState,
    ProgressRecord, RejectLine, check_log,
};
pub use verify::verify;
