//! `whimbrel plan`: what a migration would do, written down and not done.

use clap::Args;
use whimbrel_app::{PlanRequest, draft};
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
}

impl Plan {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
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
