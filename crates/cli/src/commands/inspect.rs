//! `whimbrel inspect`: what one database holds.

use clap::Args;
use whimbrel_app::inspect;
use whimbrel_core::Result;

use super::Session;
use crate::attendance::unless_interrupted;
use crate::exit::Exit;
use crate::{progress, text};

/// Show what a database holds, with exact counts and sizes, and what could hinder moving it
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The database: a URL, or a name from the settings
    #[arg(value_name = "DATABASE")]
    database: String,
}

impl Inspect {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        let watch = progress::analysis(&session.ui);
        let inventory = unless_interrupted(inspect(&session.setup, &self.database, &watch)).await?;
        drop(watch);
        session.ui.result(&inventory, || text::inventory(&inventory));
        Ok(Exit::Done)
    }
}
