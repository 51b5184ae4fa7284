//! `whimbrel status`: where a migration stands, or all of them.

use clap::Args;
use whimbrel_app::{status, status_of_all};
use whimbrel_core::Result;

use super::Session;
use crate::arguments::Which;
use crate::exit::Exit;
use crate::text;

/// Show where a migration stands and what to do next
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    which: Which,
    /// Show every migration
    #[arg(long, conflicts_with = "id")]
    all: bool,
}

impl Status {
    /// Runs the command.
    pub(crate) fn run(self, session: &Session) -> Result<Exit> {
        if self.all {
            let all = status_of_all(&session.setup)?;
            session.ui.result(&all, || text::statuses(&all));
        } else {
            let status = status(&session.setup, self.which.id.as_deref())?;
            session.ui.result(&status, || text::status(&status));
        }
        Ok(Exit::Done)
    }
}
