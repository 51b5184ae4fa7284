//! `whimbrel run`: does what an approved plan says.

use clap::Args;
use whimbrel_app::{Approve, RunOutcome, RunRequest, replay_rejects, rows_planned, run};
use whimbrel_core::{Result, RunStatus};

use super::Session;
use crate::arguments::{Where, Which};
use crate::attendance::attended;
use crate::exit::Exit;
use crate::text;
use crate::ui::Ui;

/// Run a plan whose hash you approve
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    which: Which,
    /// The hash of the plan that you have read
    #[arg(long, value_name = "HASH")]
    approve: Option<String>,
    /// Who approves it [default: the login name]
    #[arg(long, value_name = "NAME")]
    approved_by: Option<String>,
    /// The target's name, typed out: confirms that something in it is moved aside
    #[arg(long, value_name = "NAME")]
    confirm_target: Option<String>,
    /// Try the rows again that an ended run rejected: mend them at the source, or widen the target's column, before
    #[arg(long, conflicts_with_all = ["approve", "confirm_target"])]
    rejects: bool,
    #[command(flatten)]
    place: Where,
}

impl Run {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        if self.rejects {
            return replay(session, &self.which, &self.place).await;
        }
        let request = RunRequest {
            id: self.which.id,
            approve: Approve::Given {
                hash: self.approve.unwrap_or_default(),
                by: self.approved_by,
                how: "flag".to_owned(),
                confirm_target: self.confirm_target,
            },
            databases: self.place.databases(),
        };
        execute(session, &request).await
    }
}

/// Runs the request with progress, and presents what it came to.
pub(super) async fn execute(session: Session, request: &RunRequest) -> Result<Exit> {
    let Session { ui, setup, .. } = session;
    let rows = rows_planned(&setup, request.id.as_deref())?;
    let work = attended(&ui, rows, async |attendance| {
        run(&setup, request, attendance).await
    });
    Ok(work
        .await?
        .map_or_else(|exit| exit, |outcome| present(&ui, &outcome)))
}

/// Replays rejected rows with progress, and presents what it came to.
async fn replay(session: Session, which: &Which, place: &Where) -> Result<Exit> {
    let Session { ui, setup, .. } = session;
    let id = which.id.as_deref();
    let rows = rows_planned(&setup, id)?;
    let databases = place.databases();
    let work = attended(&ui, rows, async |attendance| {
        replay_rejects(&setup, id, &databases, attendance).await
    });
    Ok(work
        .await?
        .map_or_else(|exit| exit, |outcome| present(&ui, &outcome)))
}

/// Prints what a run came to; what is not as it should be goes to the person, too.
pub(super) fn present(ui: &Ui, outcome: &RunOutcome) -> Exit {
    let report = &outcome.report;
    if let Some(verification) = &report.verification {
        for line in text::differences(verification) {
            ui.finding(&line);
        }
    }
    ui.result(&outcome.result, || text::run_outcome(outcome));
    match &report.problem {
        // Who stopped it knows why.
        Some(_) if report.status == RunStatus::Interrupted => {}
        Some(problem) => ui.problem(problem, &outcome.next_command),
        None => {}
    }
    Exit::from(report.status)
}
