//! Builds Whimbrel, plans a migration with it, and says how the approved plan is run. Only the run is measured.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::measure::Script;
use super::place::Place;
use crate::cargo::{self, Failure, cargo};

/// The variables that hold the passwords, so that no argument does.
const SOURCE_PASSWORD: &str = "WHIMBREL_BENCH_SOURCE_PASSWORD";
const TARGET_PASSWORD: &str = "WHIMBREL_BENCH_TARGET_PASSWORD";

/// How Whimbrel is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) verify: bool,
    /// The value of `--memory`, when it is not the default.
    pub(super) memory: Option<&'static str>,
}

/// A program that moves databases.
#[derive(Debug)]
pub(super) struct Whimbrel {
    pub(super) program: PathBuf,
}

/// A plan that waits for its approval.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) script: Script,
    /// The exit codes of success: without verification there is no better one than 3.
    pub(super) good: &'static [i32],
}

impl Whimbrel {
    /// Builds the program as it is released.
    pub(super) fn build() -> Result<Self, Failure> {
        let folder = cargo::root().join("target");
        let mut command = cargo(&["build", "--release", "-p", "whimbrel", "--target-dir"]);
        command.arg(&folder);
        cargo::run(command, "cargo build")?;
        Ok(Self {
            program: folder.join("release").join("whimbrel"),
        })
    }

    pub(super) fn version(&self) -> String {
        let told = Command::new(&self.program).arg("--version").output();
        told.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
            .unwrap_or_default()
    }

    /// Makes the plan in the folder and returns the script that runs it.
    pub(super) fn plan(
        &self,
        settings: Settings,
        source: &Place,
        target: &Place,
        folder: &Path,
    ) -> Result<Planned, String> {
        let config = folder.join("whimbrel.toml");
        let verify = format!("[policies]\nverify = {}\n", settings.verify);
        fs::write(&config, verify).map_err(|error| error.to_string())?;
        let passwords = [
            (SOURCE_PASSWORD, &source.password),
            (TARGET_PASSWORD, &target.password),
        ];
        let [source, target] = [(source, SOURCE_PASSWORD), (target, TARGET_PASSWORD)]
            .map(|(place, variable)| place.url_with(&format!("${{{variable}}}")));
        let mut command = Command::new(&self.program);
        command
            .args(["plan", &source, &target])
            .args(["--accept-suggested", "--json", "--config"])
            .arg(&config)
            .arg("--dir")
            .arg(folder.join("plans"))
            .envs(passwords);
        let output = command
            .output()
            .map_err(|error| format!("cannot start it: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let (Some(id), Some(hash)) = (text_of(&text, "migration_id"), text_of(&text, "plan_hash")) else {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("it made no plan: {}", said.trim()));
        };
        let memory = settings
            .memory
            .map_or(String::new(), |memory| format!(" --memory {memory}"));
        let text = format!(
            "exec \"$WHIMBREL\" run {id} --approve {hash} --dir plans --config whimbrel.toml --quiet{memory} \\\n\
             --source '{source}' --target '{target}'"
        );
        let mut script = Script::new(text).with("WHIMBREL", self.program.to_string_lossy());
        for (name, password) in passwords {
            script = script.with(name, password);
        }
        Ok(Planned {
            script,
            good: if settings.verify { &[0] } else { &[0, 3] },
        })
    }
}

/// Reads a member of a document whose members stand on lines of their own.
fn text_of<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("\"{name}\": \"");
    json.lines()
        .find_map(|line| line.trim().strip_prefix(&start))
        .map(|rest| rest.trim_end_matches(',').trim_end_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_read_whether_or_not_another_follows() {
        let json = "{\n  \"a\": \"x\",\n  \"b\": \"y\"\n}";
        assert_eq!(text_of(json, "a"), Some("x"));
        assert_eq!(text_of(json, "b"), Some("y"));
        assert_eq!(text_of(json, "c"), None);
    }
}
