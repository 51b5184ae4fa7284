//! `whimbrel resume`: goes on with a run that stopped.

use clap::Args;
use whimbrel_app::{Approve, RunRequest, let_go_on};
use whimbrel_core::Result;

use super::Session;
use super::run::execute;
use crate::arguments::{Where, Which};
use crate::exit::Exit;
use crate::text;

/// Go on with a run that stopped, whatever stopped it, or that pauses in another process
#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Where,
}

impl Resume {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        if let Some(outcome) = let_go_on(&session.setup, self.which.id.as_deref()).await? {
            session.ui.result(&outcome, || text::going_on(&outcome));
            return Ok(Exit::Done);
        }
        let request = RunRequest {
            id: self.which.id,
            approve: Approve::Recorded,
            databases: self.place.databases(),
        };
        execute(session, &request).await
    }
}
