//! `whimbrel rollback`: takes a migration back.

use clap::Args;
use whimbrel_app::{Checkpoint, RollbackRequest, preview_rollback, refusal, rollback};
use whimbrel_core::Result;

use super::Session;
use crate::arguments::{Confirmation, Where, Which};
use crate::attendance::attended;
use crate::exit::Exit;
use crate::text;
use crate::wizard::{self, PlainAnswer};

/// Take the target back to a checkpoint: only what is recorded as ours is undone
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    which: Which,
    /// Where to: `start`, `schema` (also `checkpoint_2`) or `table:NAME`
    #[arg(long, value_name = "CHECKPOINT")]
    to: Checkpoint,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    place: Where,
}

impl Rollback {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        let Session { ui, setup, yes } = session;
        let mut request = RollbackRequest {
            id: self.which.id,
            to: self.to,
            databases: self.place.databases(),
            confirm_target: self.confirmation.confirm_target.clone(),
        };
        let answer = PlainAnswer {
            yes,
            confirm_target: self.confirmation.confirm_target.as_deref(),
        };
        let preview = preview_rollback(&setup, &request)?;
        let question = format!(
            "roll {} back to {} in {}?",
            preview.migration_id, request.to, preview.target
        );
        if !wizard::is_confirmed(&ui, &answer, &question)? {
            return Ok(Exit::Unconfirmed);
        }
        let first = attended(&ui, 0, async |attendance| {
            rollback(&setup, &request, attendance).await
        });
        let done = match first.await {
            Err(refused) if refused.code() == refusal::CONFIRMATION_MISSING && ui.is_interactive() => {
                ui.warning(&refused.chain());
                request.confirm_target = Some(wizard::typed_name(&preview.confirm_target)?);
                let second = attended(&ui, 0, async |attendance| {
                    rollback(&setup, &request, attendance).await
                });
                second.await?
            }
            first => first?,
        };
        Ok(done.map_or_else(
            |exit| exit,
            |outcome| {
                ui.result(&outcome, || text::rolled_back(&outcome));
                Exit::Done
            },
        ))
    }
}
