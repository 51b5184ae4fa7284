//! The commands, one file each: parse, call one use case, present what it returns.

mod cleanup;
mod demo;
mod detect;
mod inspect;
mod migrate;
mod pause;
mod plan;
mod report;
mod resume;
mod rollback;
mod run;
mod status;
mod verify;

use std::sync::Arc;

use clap::Subcommand;
use whimbrel_app::settings::{Settings, environment};
use whimbrel_app::{Face, MEMORY_BYTES, Setup};
use whimbrel_core::{Result, SystemClock};

use crate::arguments::Global;
use crate::exit::Exit;
use crate::scheduling::cores;
use crate::ui::Ui;

/// Every command there is.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Demo(demo::Demo),
    Detect(detect::Detect),
    Inspect(inspect::Inspect),
    Plan(plan::Plan),
    Migrate(migrate::Migrate),
    Run(run::Run),
    Pause(pause::Pause),
    Resume(resume::Resume),
    Status(status::Status),
    Verify(verify::Verify),
    Rollback(rollback::Rollback),
    Report(report::Report),
    Cleanup(cleanup::Cleanup),
}

impl Command {
    /// Runs the command.
    pub(crate) async fn run(self, session: Session) -> Result<Exit> {
        match self {
            Self::Demo(command) => command.run(session).await,
            Self::Detect(command) => command.run(&session),
            Self::Inspect(command) => command.run(session).await,
            Self::Plan(command) => command.run(session).await,
            Self::Migrate(command) => command.run(session).await,
            Self::Run(command) => command.run(session).await,
            Self::Pause(command) => command.run(session).await,
            Self::Resume(command) => command.run(session).await,
            Self::Status(command) => command.run(&session),
            Self::Verify(command) => command.run(session).await,
            Self::Rollback(command) => command.run(session).await,
            Self::Report(command) => command.run(&session),
            Self::Cleanup(command) => command.run(session).await,
        }
    }
}

/// What every command is given.
pub(crate) struct Session {
    /// The terminal.
    pub(crate) ui: Arc<Ui>,
    /// What the use cases are given.
    pub(crate) setup: Setup,
    /// True when plain questions are answered with yes.
    pub(crate) yes: bool,
}

impl Session {
    /// Reads the settings; the command line goes before them.
    pub(crate) fn new(ui: &Arc<Ui>, global: &Global) -> Result<Self> {
        let settings = Settings::read(global.config.as_deref())?;
        let memory = global.memory.or(settings.limits.memory);
        let setup = Setup {
            base: global.dir.clone(),
            jobs: global
                .jobs
                .map(usize::from)
                .or(settings.limits.jobs.map(|jobs| jobs.get().into()))
                .unwrap_or_else(default_jobs),
            memory_bytes: memory.map_or(MEMORY_BYTES, |size| size.0),
            settings,
            environment: environment(),
            face: Arc::clone(ui) as Arc<dyn Face>,
            clock: Arc::new(SystemClock),
        };
        Ok(Self {
            ui: Arc::clone(ui),
            setup,
            yes: global.yes,
        })
    }
}

/// One more than there are cores: while one waits for a disk or the network, each core has work.
fn default_jobs() -> usize {
    1 + cores()
}
