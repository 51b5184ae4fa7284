//! Why a use case does not begin: the errors with their stable codes, by which a face chooses its answer.

use whimbrel_core::{Error, ErrorClass};

/// The request itself is wrong: an argument, a setting, a name that does not exist.
pub const USAGE: &str = "usage";
/// The mapping in the settings means nothing for these databases: a table, column, type or expression is wrong.
pub const MAPPING: [&str; 3] = ["mapping", "expression_invalid", "mask_invalid"];
/// Nobody approved the plan, or another one.
pub const APPROVAL_MISSING: &str = "not_approved";
/// A finding needs a decision.
pub const DECISION_MISSING: &str = "decision_open";
/// Something that was there is touched, and the database's name was not typed.
pub const CONFIRMATION_MISSING: &str = "confirmation_missing";
/// A finding forbids the run.
pub const BLOCKED: &str = "blocked";
/// The person stopped it before anything was changed.
pub const INTERRUPTED: &str = "interrupted";
/// A password stands in an argument.
pub const PASSWORD_IN_ARGUMENT: &str = "password_in_argument";

/// Makes the error for a request that is wrong in itself.
pub fn usage(message: impl Into<String>) -> Error {
    Error::invalid(message).with_code(USAGE)
}

/// Makes the error for a plan that nobody approved.
pub(crate) fn unapproved(message: impl Into<String>) -> Error {
    Error::invalid(message).with_code(APPROVAL_MISSING)
}

/// Makes the error for findings without a decision.
pub(crate) fn undecided(message: impl Into<String>) -> Error {
    Error::invalid(message).with_code(DECISION_MISSING)
}

/// Makes the error for a database's name that was not typed.
pub(crate) fn unconfirmed(message: impl Into<String>) -> Error {
    Error::invalid(message).with_code(CONFIRMATION_MISSING)
}

/// Makes the error for findings that forbid the run.
pub(crate) fn blocked(message: impl Into<String>) -> Error {
    Error::new(ErrorClass::Unsupported, message).with_code(BLOCKED)
}
