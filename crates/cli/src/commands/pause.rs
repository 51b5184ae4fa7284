//! `whimbrel pause`: holds a running migration at its next checkpoint.

use clap::Args;
use whimbrel_app::{in_folder, pause};
use whimbrel_core::Result;

use super::Session;
use crate::arguments::Which;
use crate::attendance::unless_interrupted;
use crate::exit::Exit;
use crate::text;

/// Hold a run in another process: nothing new begins until `resume`
#[derive(Debug, Args)]
pub(crate) struct Pause {
    #[command(flatten)]
    which: Which,
    /// Do not wait until it stands still
    #[arg(long)]
    no_wait: bool,
}

impl Pause {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        let id = self.which.id.as_deref();
        let asked = pause(&session.setup, id, !self.no_wait);
        let outcome = unless_interrupted(asked).await?;
        session.ui.result(&outcome, || {
            in_folder(&session.setup.base, &text::paused(&outcome))
        });
        Ok(Exit::Done)
    }
}
