//! Exit codes: what each outcome means to a script.

use std::process::ExitCode;

use whimbrel_app::refusal;
use whimbrel_core::{Error, RunStatus, Verdict};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done, and verified where there was something to verify.
    Done = 0,
    /// Failed; the state is safe.
    Failed = 1,
    /// The request itself is wrong.
    Usage = 2,
    /// Differences, not checked, or verification switched off.
    NotVerified = 3,
    /// A confirmation or a decision is missing.
    Unconfirmed = 4,
    /// The run failed and was rolled back to `schema` or `start`.
    RolledBack = 5,
    /// Interrupted at a checkpoint.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error.code() {
            refusal::USAGE => Self::Usage,
            // Settings are part of the request.
            code if refusal::MAPPING.contains(&code) => Self::Usage,
            refusal::APPROVAL_MISSING | refusal::DECISION_MISSING | refusal::CONFIRMATION_MISSING => {
                Self::Unconfirmed
            }
            refusal::INTERRUPTED => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

impl From<RunStatus> for Exit {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Completed => Self::Done,
            RunStatus::NotVerified => Self::NotVerified,
            RunStatus::Failed => Self::Failed,
            RunStatus::Interrupted => Self::Interrupted,
            RunStatus::RolledBack => Self::RolledBack,
        }
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Identical => Self::Done,
            Verdict::Different | Verdict::NotChecked => Self::NotVerified,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_confirmation_is_told_apart_from_a_wrong_request() {
        for (code, exit) in [
            (refusal::USAGE, Exit::Usage),
            ("mapping", Exit::Usage),
            ("expression_invalid", Exit::Usage),
            (refusal::APPROVAL_MISSING, Exit::Unconfirmed),
            (refusal::DECISION_MISSING, Exit::Unconfirmed),
            (refusal::CONFIRMATION_MISSING, Exit::Unconfirmed),
            (refusal::BLOCKED, Exit::Failed),
            ("foreign_key_violation", Exit::Failed),
        ] {
            assert_eq!(Exit::from(&Error::invalid("x").with_code(code)), exit, "{code}");
        }
    }
}
