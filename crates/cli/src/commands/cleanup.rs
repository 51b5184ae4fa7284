//! `whimbrel cleanup`: throws away what was kept for the way back.

use clap::Args;
use whimbrel_app::{CleanupRequest, cleanup, preview_cleanup};
use whimbrel_core::Result;

use super::Session;
use crate::arguments::{Confirmation, Where, Which};
use crate::attendance::attended;
use crate::exit::Exit;
use crate::text;
use crate::wizard::{self, PlainAnswer};

/// Drop the ledger and what was moved aside; there is no way back afterwards
#[derive(Debug, Args)]
pub(crate) struct Cleanup {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    place: Where,
}

impl Cleanup {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        let Session { ui, setup, yes } = session;
        let mut request = CleanupRequest {
            id: self.which.id,
            databases: self.place.databases(),
            confirm_target: self.confirmation.confirm_target.clone(),
        };
        let answer = PlainAnswer {
            yes,
            confirm_target: self.confirmation.confirm_target.as_deref(),
        };
        let preview = preview_cleanup(&setup, &request)?;
        if preview.destructive && request.confirm_target.is_none() && ui.is_interactive() {
            ui.say(format!(
                "what was moved aside in {} is dropped for good",
                preview.target
            ));
            request.confirm_target = Some(wizard::typed_name(&preview.confirm_target)?);
        }
        let question = format!("drop what {} kept for the way back?", preview.migration_id);
        if !wizard::is_confirmed(&ui, &answer, &question)? {
            return Ok(Exit::Unconfirmed);
        }
        let work = attended(&ui, 0, async |attendance| {
            cleanup(&setup, &request, attendance).await
        });
        Ok(work.await?.map_or_else(
            |exit| exit,
            |outcome| {
                ui.result(&outcome, || text::cleaned_up(&outcome));
                Exit::Done
            },
        ))
    }
}
