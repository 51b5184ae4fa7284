//! Who looks on while a migration runs: progress bars, lines on a terminal, tests.

use std::time::Duration;

use whimbrel_core::TableId;

use crate::outlook::Outlook;

/// Looks on. Called from several tasks at once; must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn progress(&self, event: &Progress);
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _event: &Progress) {}
}

/// What happened. Rows and bytes of a table are those so far, not those since the last event.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each name says it")]
pub enum Progress {
    PhaseStarted {
        phase: &'static str,
    },
    PhaseEnded {
        phase: &'static str,
        summary: String,
    },
    TableStarted {
        table: TableId,
        rows: u64,
        bytes: u64,
    },
    TableProgress {
        table: TableId,
        rows: u64,
        bytes: u64,
    },
    TableEnded {
        table: TableId,
        rows: u64,
    },
    VerifyProgress {
        table: TableId,
        rows: u64,
    },
    StepStarted {
        step: String,
        title: String,
    },
    StepEnded {
        step: String,
    },
    /// How far the run is; about twice a second.
    Outlook(Box<Outlook>),
    Retry {
        what: String,
        attempt: u32,
        wait: Duration,
        error: String,
    },
    Notice {
        text: String,
    },
}
