//! `whimbrel report`: the page about a migration, and the check of its log.

use clap::Args;
use whimbrel_app::{check_log, report_page};
use whimbrel_core::Result;

use super::Session;
use crate::arguments::Which;
use crate::exit::Exit;
use crate::text;

/// Print the report of a migration, or its plan before the first run
#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(flatten)]
    which: Which,
    /// Check instead that no line of the audit log was changed, removed or reordered
    #[arg(long)]
    check_log: bool,
}

impl Report {
    /// Runs the command.
    pub(crate) fn run(self, session: &Session) -> Result<Exit> {
        let id = self.which.id.as_deref();
        if self.check_log {
            let verdict = check_log(&session.setup, id)?;
            session.ui.result(&verdict, || text::log_verdict(&verdict));
            return Ok(if verdict.intact { Exit::Done } else { Exit::Failed });
        }
        let page = report_page(&session.setup, id)?;
        session.ui.result(&page, || page.page.clone());
        Ok(Exit::Done)
    }
}
