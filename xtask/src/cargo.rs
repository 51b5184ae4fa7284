//! Starts cargo as a person in the repository's folder would, and turns its exit code into a [`Failure`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a task stopped, and the code to leave with.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: u8,
    what: String,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            code: 1,
            what: what.into(),
        }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self {
            code: 2,
            what: what.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

/// Returns the folder that holds the workspace.
pub(crate) fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Returns a cargo command in the workspace's folder that uses the ordinary target folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    // What `cargo run` tells this program about itself must not reach the builds that it starts.
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let own = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if own.iter().any(|prefix| text.starts_with(prefix)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end with our own input and output.
pub(crate) fn run(mut command: Command, what: &str) -> Result<(), Failure> {
    let status = command
        .status()
        .map_err(|error| Failure::new(format!("cannot start {what}: {error}")))?;
    if status.success() {
        return Ok(());
    }
    // 128 + 2: ended by Ctrl-C, the only signal that ends a build on purpose.
    let code = status.code().map_or(130, |code| u8::try_from(code).unwrap_or(1));
    Err(Failure {
        code,
        what: format!("{what} failed"),
    })
}
