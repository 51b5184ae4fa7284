//! `whimbrel status`: where a migration stands, or all of them.

use clap::Args;
use whimbrel_app::statuses;
use whimbrel_core::Result;

use super::Session;
use crate::arguments::Which;
use crate::exit::Exit;
use crate::text;

/// Show where a migration stands and what to do next; without an ID, all of them
#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    which: Which,
}

impl Status {
    /// Runs the command.
    pub(crate) fn run(self, session: &Session) -> Result<Exit> {
        let statuses = statuses(&session.setup, self.which.id.as_deref())?;
        if let [only] = statuses.as_slice() {
            session.ui.result(only, || text::status(only));
        } else {
            session.ui.result(&statuses, || text::statuses(&statuses));
        }
        Ok(Exit::Done)
    }
}
