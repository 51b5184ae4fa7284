//! `whimbrel plan`: what a migration would do, written down and not done.

use std::path::PathBuf;

use clap::Args;
use whimbrel_app::settings::DEFAULT_FILE;
use whimbrel_app::{PlanRequest, draft, init_config, preview};
use whimbrel_core::Result;

use super::Session;
use crate::arguments::What;
use crate::attendance::unless_interrupted;
use crate::exit::Exit;
use crate::{progress, text};

/// Analyze both databases and write the plan; changes nothing in either
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    what: What,
    /// Show ten rows of the table before and after the mapping of the settings, and write no plan
    #[arg(long, value_name = "TABLE", conflicts_with = "init_config")]
    preview: Option<String>,
    /// Write a settings file with a block for each table of the source, and no plan
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = DEFAULT_FILE)]
    init_config: Option<PathBuf>,
}

impl Plan {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        if let Some(table) = &self.preview {
            let shown = preview(&session.setup, &self.what.source, &self.what.target, table);
            let shown = unless_interrupted(shown).await?;
            session.ui.result(&shown, || text::preview(&shown));
            return Ok(Exit::Done);
        }
        if let Some(file) = &self.init_config {
            let written = init_config(&session.setup, &self.what.source, &self.what.target, file);
            unless_interrupted(written).await?;
            let named = file.display().to_string();
            session.ui.result(&serde_json::json!({ "settings": named }), || {
                format!("settings  {named}\n")
            });
            return Ok(Exit::Done);
        }
        let request = PlanRequest::from(self.what);
        let watch = progress::analysis(&session.ui);
        let draft = unless_interrupted(draft(&session.setup, &request, &watch)).await?;
        drop(watch);
        let summary = draft.summary();
        session.ui.result(&summary, || text::plan_and_next(&summary));
        draft.refuse_blockers()?;
        Ok(Exit::Done)
    }
}

impl From<What> for PlanRequest {
    fn from(what: What) -> Self {
        Self {
            source: what.source,
            target: what.target,
            decisions: what.decide,
            accept_suggested: what.accept_suggested,
            keep_decisions: false,
        }
    }
}
