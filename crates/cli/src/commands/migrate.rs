//! `whimbrel migrate`: the wizard, or one go where nobody can be asked.

use clap::Args;
use whimbrel_app::{PlanRequest, Unattended, draft, run_draft, run_unattended};
use whimbrel_core::Result;

use super::Session;
use super::run::present;
use crate::arguments::{Confirmation, What};
use crate::attendance::{attended, unless_interrupted};
use crate::exit::Exit;
use crate::wizard::{Answer, converse};
use crate::{progress, text};

/// Analyze, decide, copy and verify a whole database, step by step with you
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    confirmation: Confirmation,
    /// Who approves the plan [default: the login name]
    #[arg(long, value_name = "NAME")]
    approved_by: Option<String>,
}

impl Migrate {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        let Session { ui, setup, yes } = session;
        let is_asked = ui.is_interactive() && !yes;
        let request = PlanRequest {
            keep_decisions: is_asked,
            ..PlanRequest::from(self.what)
        };
        let watch = progress::analysis(&ui);
        let mut draft = unless_interrupted(draft(&setup, &request, &watch)).await?;
        drop(watch);
        let rows = draft.plan().estimate.rows;
        let outcome = if is_asked {
            let approve = match converse(&ui, &mut draft, self.approved_by)? {
                Answer::Go(approve) => approve,
                Answer::Quit => return Ok(Exit::Unconfirmed),
            };
            let work = attended(&ui, rows, async |attendance| {
                run_draft(&setup, draft, &approve, attendance).await
            });
            work.await?
        } else {
            ui.say(text::headline(&draft.summary()));
            let script = Unattended {
                yes,
                by: self.approved_by,
                confirm_target: self.confirmation.confirm_target,
            };
            let work = attended(&ui, rows, async |attendance| {
                Box::pin(run_unattended(&setup, draft, &script, attendance)).await
            });
            work.await?
        };
        Ok(outcome.map_or_else(|exit| exit, |outcome| present(&ui, &outcome)))
    }
}
