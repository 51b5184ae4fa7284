//! The binary: reads the command line, starts the runtime and ends with the command's exit code.

mod arguments;
mod attendance;
mod commands;
mod exit;
mod fault;
mod progress;
mod text;
mod ui;
mod wizard;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use crate::arguments::Global;
use crate::commands::Command;
use crate::exit::Exit;
use crate::ui::Ui;

/// Move a live database to another engine without losing or silently changing a row, and be able to go back
#[derive(Debug, Parser)]
#[command(name = "whimbrel", version, max_term_width = 100, subcommand_required = true)]
#[command(after_help = "Start with: whimbrel demo")]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refusal) => {
            // Help and version come as an error, too; clap knows which stream is theirs.
            let _closed = refusal.print();
            return if refusal.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            }
            .into();
        }
    };
    let _fault = fault::arm();
    let ui = Arc::new(Ui::new(arguments.global.json, arguments.global.quiet));
    let exit = run(&ui, arguments).unwrap_or_else(|error| {
        ui.error(&error);
        Exit::from(&error)
    });
    exit.into()
}

fn run(ui: &Arc<Ui>, arguments: Arguments) -> whimbrel_core::Result<Exit> {
    let session = commands::Session::new(ui, &arguments.global)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(session.setup.jobs.clamp(2, 64))
        .enable_all()
        .build()
        .map_err(|cause| whimbrel_core::Error::invalid("the runtime cannot be started").with_cause(cause))?;
    let exit = runtime.block_on(arguments.command.run(session));
    // A reader that hangs in a system call must not hold up the end.
    runtime.shutdown_background();
    exit
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
