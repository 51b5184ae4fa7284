//! `whimbrel verify`: compares everything again.

use clap::Args;
use whimbrel_app::{VerifyRequest, rows_planned, verify};
use whimbrel_core::Result;

use super::Session;
use crate::arguments::{Where, Which};
use crate::attendance::attended;
use crate::exit::Exit;
use crate::text;

/// Compare every row, column and object of the target with the source
#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    place: Where,
}

impl Verify {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        let Session { ui, setup, .. } = session;
        let rows = rows_planned(&setup, self.which.id.as_deref())?;
        let request = VerifyRequest {
            id: self.which.id,
            databases: self.place.databases(),
        };
        let work = attended(&ui, rows, async |attendance| {
            verify(&setup, &request, attendance).await
        });
        let outcome = match work.await? {
            Ok(outcome) => outcome,
            Err(exit) => return Ok(exit),
        };
        for line in text::differences(&outcome.verification) {
            ui.finding(&line);
        }
        ui.result(&outcome, || text::verification(&outcome.verification));
        Ok(Exit::from(outcome.verdict))
    }
}
