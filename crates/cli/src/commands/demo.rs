//! `whimbrel demo`: the whole main job on a legacy database of its own.

use std::path::PathBuf;

use clap::Args;
use whimbrel_app::{Approve, DEMO_FOLDER, DemoRequest, Setup, plan_demo, run_draft, set_stage};
use whimbrel_core::Result;

use super::Session;
use super::run::present;
use crate::attendance::{attended, unless_interrupted};
use crate::exit::Exit;
use crate::{progress, text};

/// Make a believable legacy database, migrate it, verify it, and show what happened
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// About how many rows the legacy database gets
    #[arg(long, value_name = "NUMBER", default_value_t = 200_000)]
    rows: u64,
    /// Migrate into this database instead of a file
    #[arg(long, value_name = "DATABASE")]
    to: Option<String>,
    /// Folder for the demo's files
    #[arg(long, value_name = "FOLDER", default_value = DEMO_FOLDER)]
    folder: PathBuf,
    /// The target's name, typed out: confirms that something in it is moved aside
    #[arg(long, value_name = "NAME")]
    confirm_target: Option<String>,
}

impl Demo {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        let Session { ui, setup, .. } = session;
        let stage = set_stage(&DemoRequest {
            folder: self.folder,
            rows: self.rows,
            to: self.to,
        })?;
        ui.say(text::legacy(&stage));
        let setup = Setup {
            base: stage.base.clone(),
            ..setup
        };
        let watch = progress::analysis(&ui);
        let draft = unless_interrupted(plan_demo(&setup, &stage, &watch)).await?;
        drop(watch);
        let summary = draft.summary();
        ui.say(text::plan_summary(&summary));
        let approve = Approve::Given {
            hash: summary.plan_hash.clone(),
            by: None,
            how: "demo".to_owned(),
            confirm_target: self.confirm_target,
        };
        let outcome = attended(&ui, summary.rows, async |attendance| {
            run_draft(&setup, draft, &approve, attendance).await
        });
        match outcome.await? {
            Ok(outcome) => {
                let exit = present(&ui, &outcome);
                ui.say(text::where_to_look(&stage, &summary));
                Ok(exit)
            }
            Err(exit) => Ok(exit),
        }
    }
}
