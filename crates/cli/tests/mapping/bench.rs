//! A folder with settings, the program in it, and what it left behind.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use whimbrel_testkit::binary::{Output, Whimbrel};

/// A folder in which migrations with a mapping are made.
pub(crate) struct Desk {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Desk {
    pub(crate) fn with(settings: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("whimbrel.toml"), settings).unwrap();
        Self {
            folder,
            environment: Vec::new(),
        }
    }

    /// Sets a variable; an empty value takes it away.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.environment.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut program = Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.folder.path());
        for (name, value) in &self.environment {
            program = program.env(name, value);
        }
        program.args(arguments.iter().copied()).run()
    }

    /// Plans with every suggested choice; returns the migration and the hash.
    pub(crate) fn planned(&self, source: &str, target: &str) -> (String, String) {
        let planned = self
            .run(&["plan", source, target, "--accept-suggested", "--json"])
            .expect_code(0);
        let made: serde_json::Value = serde_json::from_str(&planned.stdout).unwrap();
        let member = |name: &str| made[name].as_str().unwrap().to_owned();
        (member("migration_id"), member("plan_hash"))
    }

    /// Plans and runs; the run must end with every row verified. Returns the migration.
    pub(crate) fn moved(&self, source: &str, target: &str) -> String {
        let (id, hash) = self.planned(source, target);
        let mut arguments = vec!["run", "--approve", &hash, "--target", target];
        if source != "sources" {
            arguments.extend(["--source", source]);
        }
        self.run(&arguments).expect_code(0);
        id
    }

    /// The tables in the order in which they were done.
    pub(crate) fn copied(&self) -> Vec<String> {
        let files = self.files();
        let mut logs = files.iter().filter(|(path, _)| path.ends_with("events.ndjson"));
        let events = String::from_utf8_lossy(&logs.next().unwrap().1).into_owned();
        let events = events
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let done = events.filter(|event| event["type"] == "TABLE_COMPLETE");
        done.map(|event| event["payload"]["table"].as_str().unwrap().to_owned())
            .collect()
    }

    /// The page of the plan.
    pub(crate) fn plan_text(&self) -> String {
        self.page("data-migration.md")
    }

    /// A page of the migration's, without its backslashes before underscores.
    pub(crate) fn page(&self, name: &str) -> String {
        let files = self.files();
        let mut pages = files.iter().filter(|(path, _)| path.ends_with(name));
        String::from_utf8_lossy(&pages.next().unwrap().1).replace("\\_", "_")
    }

    /// Every file that the program left, whole.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        collect(&self.folder.path().join(".whimbrel"), &mut found);
        assert!(!found.is_empty(), "the program left no file");
        found
    }
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.push((path.clone(), std::fs::read(&path).unwrap()));
        }
    }
}

/// The rows of a query, values joined by `|`, NULL as `-`.
pub(crate) fn joined(rows: Vec<Vec<Option<String>>>) -> Vec<String> {
    let shown = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    rows.into_iter()
        .map(|row| row.into_iter().map(shown).collect::<Vec<_>>().join("|"))
        .collect()
}
