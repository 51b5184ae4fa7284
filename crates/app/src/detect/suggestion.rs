//! The command to run next: looking at the database that was found, with the password taken from a variable.

use std::path::Path;

use whimbrel_core::shell_word;

use super::evidence::{Engine, Evidence, printable};
use super::masked::command_scheme;
use super::verdict::Verdict;

/// Returns the command that looks at the most likely database; none when no engine here can read it.
pub(super) fn next(verdict: &Verdict, evidence: &[Evidence], folder: &Path) -> Option<String> {
    let engine = verdict.engine?;
    let scheme = command_scheme(engine)?;
    let addresses = evidence
        .iter()
        .filter(|each| each.database.map(Engine::family) == Some(engine.family()));
    let address = addresses.filter_map(|each| each.address.as_deref()).next();
    let address = match (engine, address) {
        (Engine::Sqlite, Some(file)) => of_file(&folder.join(file)),
        (Engine::Sqlite, None) => "sqlite:FILE".to_owned(),
        (_, Some(address)) => address.to_owned(),
        (_, None) => format!("{scheme}://USER:${{DATABASE_PASSWORD}}@HOST/DATABASE"),
    };
    Some(format!("whimbrel inspect {}", shell_word(&address)))
}

/// A name that a terminal would act on, or that is no text, cannot be printed, and without being printed as it is it cannot be run.
fn of_file(file: &Path) -> String {
    let name = file.display().to_string();
    if printable(&name) != name || name.contains(char::REPLACEMENT_CHARACTER) {
        return "sqlite:FILE".to_owned();
    }
    format!("sqlite:{}", name.strip_prefix("./").unwrap_or(&name))
}
