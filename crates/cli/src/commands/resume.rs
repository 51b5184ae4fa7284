//! `whimbrel resume`: goes on with a run that stopped.

use clap::Args;
use whimbrel_app::{Approve, RunRequest};
use whimbrel_core::Result;

use super::Session;
use super::run::execute;
use crate::arguments::{Where, Which};
use crate::exit::Exit;

/// Go on with a run that stopped, whatever stopped it
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
        let request = RunRequest {
            id: self.which.id,
            approve: Approve::Recorded,
            databases: self.place.databases(),
        };
        execute(session, &request).await
    }
}
