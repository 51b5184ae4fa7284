//! The binary: reads the command line, starts the runtime and ends with the command's exit code.

mod arguments;
mod attendance;
mod commands;
mod exit;
mod fault;
mod memory;
mod progress;
mod scheduling;
mod text;
mod ui;
mod wizard;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use clap::error::ContextKind;
use whimbrel_app::refusal;
use whimbrel_core::Error;

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
        Err(refusal) => return refuse(&refusal).into(),
    };
    memory::give_back_large_blocks();
    scheduling::wait_for_turns();
    let _fault = fault::arm();
    let ui = Arc::new(Ui::new(arguments.global.json, arguments.global.quiet));
    let folder = arguments.global.dir.clone();
    let exit = run(&ui, arguments).unwrap_or_else(|error| {
        let hint = error.hint().map(|hint| whimbrel_app::in_folder(&folder, hint));
        let error = match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        ui.error(&error);
        Exit::from(&error)
    });
    if exit == Exit::Done && !ui.is_heard() {
        return Exit::Failed.into();
    }
    exit.into()
}

/// Shows help and version, or why the arguments are refused: with the hint of whoever refused them, and with `--json` as a document.
fn refuse(refusal: &clap::Error) -> Exit {
    if !refusal.use_stderr() {
        let _closed = refusal.print();
        return Exit::Done;
    }
    let json = std::env::args_os().any(|argument| argument == "--json");
    let ours = std::error::Error::source(refusal).and_then(|cause| cause.downcast_ref::<Error>());
    if !json && ours.is_none() {
        let _closed = refusal.print();
        return Exit::Usage;
    }
    let error = match ours {
        Some(ours) => {
            let option = refusal.get(ContextKind::InvalidArg);
            let option = option.map_or_else(String::new, |option| format!("`{option}`: "));
            refusal::usage(format!("{option}{ours}")).with_hint(ours.hint().unwrap_or("whimbrel --help"))
        }
        None => {
            let text = refusal.to_string();
            let line = text.lines().next().unwrap_or_default();
            refusal::usage(line.trim_start_matches("error: ")).with_hint("whimbrel --help")
        }
    };
    Ui::new(json, false).error(&error);
    Exit::Usage
}

/// How long what is said last may take: longer than a server's crate takes for a message, which needs a connection of its own.
const LAST_WORDS: Duration = Duration::from_millis(2_500);

fn run(ui: &Arc<Ui>, arguments: Arguments) -> whimbrel_core::Result<Exit> {
    let session = commands::Session::new(ui, &arguments.global)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(session.setup.jobs.clamp(2, 64))
        .enable_all()
        .build()
        .map_err(|cause| Error::invalid("the runtime cannot be started").with_cause(cause))?;
    let exit = runtime.block_on(arguments.command.run(session));
    match exit {
        // A reader that hangs in a system call must not hold up the end.
        Ok(Exit::Done) => runtime.shutdown_background(),
        // Servers are told which statements nobody waits for any more.
        Ok(_) | Err(_) => runtime.shutdown_timeout(LAST_WORDS),
    }
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
