//! `whimbrel detect`: which databases and migration tools a project folder uses.

use std::path::PathBuf;

use clap::Args;
use whimbrel_app::detect;
use whimbrel_core::Result;

use super::Session;
use crate::exit::Exit;
use crate::text;

/// Tell which databases and migration tools a project folder uses, with the evidence
#[derive(Debug, Args)]
pub(crate) struct Detect {
    /// The folder of the project
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
}

impl Detect {
    /// Runs the command.
    pub(crate) fn run(&self, session: &Session) -> Result<Exit> {
        let detection = detect(&self.path, &session.setup.environment)?;
        session.ui.result(&detection, || text::detection(&detection));
        // A script that asks for the type has not got one.
        Ok(if detection.is_unknown() {
            Exit::Failed
        } else {
            Exit::Done
        })
    }
}
