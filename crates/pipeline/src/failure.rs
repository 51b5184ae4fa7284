//! Why a phase ended early: the error, the tables it concerns, and which automatic rollback it sets off.

use whimbrel_core::{Error, ErrorClass, Problem, TableId};

/// A phase's failure.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Target tables that the failing step or chunk names.
    pub(crate) tables: Vec<TableId>,
    /// What it interrupted.
    pub(crate) work: Work,
}

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Rows were on their way into the target.
    Writing,
    /// A step was being done.
    Building,
    /// Neither.
    Other,
}

impl Failure {
    pub(crate) fn of_table(table: &TableId, error: Error) -> Self {
        Self {
            error,
            tables: vec![table.clone()],
            work: Work::Writing,
        }
    }

    pub(crate) fn interrupted() -> Self {
        interrupted().into()
    }

    pub(crate) fn is_interrupt(&self) -> bool {
        self.error.code() == USER_INTERRUPT
    }

    pub(crate) fn is_snapshot_lost(&self) -> bool {
        self.error.class() == ErrorClass::SnapshotLost
    }

    /// Tells whether a step that failed like this leaves the rest of the work unharmed: what does not need the step may go on.
    pub(crate) fn spares_others(&self) -> bool {
        match self.error.class() {
            ErrorClass::Transient | ErrorClass::Denied | ErrorClass::Unsupported | ErrorClass::Invalid => {
                true
            }
            ErrorClass::SnapshotLost | ErrorClass::Conflict | ErrorClass::Bug => false,
        }
    }

    /// Returns the automatic rollback that this sets off.
    pub(crate) fn trigger(&self) -> Option<Trigger> {
        match self.error.code() {
            USER_INTERRUPT => return Some(Trigger::UserInterrupt),
            "foreign_key_violation" => return Some(Trigger::ForeignKeyViolation),
            // A statement that stumbles over something says nothing about the rows that have arrived.
            DATA_INTEGRITY if self.work == Work::Building => {}
            DATA_INTEGRITY
            | "unique_violation"
            | "check_violation"
            | "not_null_violation"
            | "exclusion_violation" => return Some(Trigger::DataIntegrityError),
            _ => {}
        }
        match self.error.class() {
            ErrorClass::Transient | ErrorClass::SnapshotLost if self.work == Work::Writing => {
                Some(Trigger::ConnectionLostDuringWrite)
            }
            ErrorClass::Transient
            | ErrorClass::SnapshotLost
            | ErrorClass::Conflict
            | ErrorClass::Denied
            | ErrorClass::Unsupported
            | ErrorClass::Invalid
            | ErrorClass::Bug => None,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            tables: Vec::new(),
            work: Work::Other,
        }
    }
}

/// Code of an error: the source is no longer the one that was planned for.
pub const SOURCE_CHANGED: &str = "source_changed";
/// Code of an error: the target's structure is no longer the one that was planned for.
pub const TARGET_CHANGED: &str = "target_changed";
/// Code of an error: a table holds rows that did not come from here, or lacks some that did.
pub const FOREIGN_ROWS: &str = "foreign_rows";
/// Code of an error: the plan file was edited, or is another one.
pub const PLAN_CHANGED: &str = "plan_changed";
/// Code of an error: nobody confirmed this plan.
pub const NOT_APPROVED: &str = "not_approved";

const USER_INTERRUPT: &str = "user_interrupt";
const DATA_INTEGRITY: &str = "data_integrity_error";

/// The user wants to stop.
pub(crate) fn interrupted() -> Error {
    Error::new(ErrorClass::Conflict, "stopped by the user").with_code(USER_INTERRUPT)
}

/// Data that must not arrive like this.
pub(crate) fn data_integrity(message: impl Into<String>) -> Error {
    Error::invalid(message).with_code(DATA_INTEGRITY)
}

/// What sets off an automatic rollback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trigger {
    ForeignKeyViolation,
    DataIntegrityError,
    ConnectionLostDuringWrite,
    UserInterrupt,
}

impl Trigger {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ForeignKeyViolation => "foreign_key_violation",
            Self::DataIntegrityError => "data_integrity_error",
            Self::ConnectionLostDuringWrite => "connection_lost_during_write",
            Self::UserInterrupt => USER_INTERRUPT,
        }
    }

    /// Tells whether the tables concerned are emptied unless the plan says otherwise.
    pub(crate) fn empties_tables(self) -> bool {
        match self {
            Self::ForeignKeyViolation | Self::DataIntegrityError => true,
            Self::ConnectionLostDuringWrite | Self::UserInterrupt => false,
        }
    }
}

/// Says an error in a report.
pub(crate) fn problem(error: &Error) -> Problem {
    let class = || {
        serde_json::to_value(error.class())
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    Problem {
        code: if error.code().is_empty() {
            class()
        } else {
            error.code().to_owned()
        },
        message: error.chain(),
        hint: error
            .hint()
            .or_else(|| usual_hint(error.code()))
            .map(str::to_owned),
    }
}

/// What can be done about rows that the target refuses, when the engine does not say more: going on alone would fail again.
fn usual_hint(code: &str) -> Option<&'static str> {
    match code {
        "foreign_key_violation" => Some(
            "correct at the source what the rows refer to, and what was rejected, then go on with `whimbrel resume`; \
             or plan again and leave the key not validated",
        ),
        "unique_violation" | "check_violation" | "not_null_violation" | "exclusion_violation" => {
            Some("correct the rows at the source, then go on with `whimbrel resume`")
        }
        _ => None,
    }
}
