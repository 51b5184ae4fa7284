//! `whimbrel inspect`: what one database holds, and how good its values are.

use std::path::{Path, PathBuf};

use clap::Args;
use whimbrel_app::{InspectRequest, PageFile, inspect};
use whimbrel_core::Result;

use super::Session;
use crate::attendance::unless_interrupted;
use crate::exit::Exit;
use crate::wizard::{PlainAnswer, is_confirmed};
use crate::{progress, text};

/// Show what a database holds, with exact counts and sizes, and what could hinder moving it
#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The database: a URL, or a name from the settings
    #[arg(value_name = "DATABASE")]
    database: String,
    /// Read every table once more and show how good its values are: NULLs, different values, ranges, lengths, patterns, growth
    #[arg(long)]
    profile: bool,
    /// Write all of it as one HTML page with charts and a diagram, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Inspect {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        let file = match &self.html {
            Some(path) => Some(page_file(&session, path)?),
            None => None,
        };
        let watch = progress::analysis(&session.ui);
        let request = InspectRequest {
            database: self.database,
            profile: self.profile || file.is_some(),
        };
        let inventory = unless_interrupted(inspect(&session.setup, &request, &watch)).await?;
        drop(watch);
        if let (Some(file), Some(path)) = (&file, &self.html) {
            file.write(&inventory)?;
            session.ui.say(format!("page      {}", path.display()));
        }
        session
            .ui
            .result(&inventory, || text::inventory(&inventory, self.profile));
        Ok(Exit::Done)
    }
}

/// A file that is there is replaced only when somebody said so.
fn page_file(session: &Session, path: &Path) -> Result<PageFile> {
    let answer = PlainAnswer {
        yes: session.yes,
        confirm_target: None,
    };
    let question = format!("`{}` exists already; replace it?", path.display());
    let may_replace = path.is_file() && is_confirmed(&session.ui, &answer, &question)?;
    PageFile::new(path, may_replace)
}
