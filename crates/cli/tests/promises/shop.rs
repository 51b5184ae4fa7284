//! The shop's move from one database to another, and the commands that do it: what all promises share.

use std::path::PathBuf;

use tempfile::TempDir;
use whimbrel_testkit::binary::{Output, Whimbrel};

use crate::engines::{Database, Engine};

/// A migration between two databases, with a directory of its own.
pub(crate) struct Move {
    pub(crate) source: Database,
    pub(crate) target: Database,
    folder: TempDir,
}

impl Move {
    /// Creates both databases and fills the source; none where there is no server.
    pub(crate) fn create(pair: (Engine, Engine), name: &str, rows: u32) -> Option<Self> {
        let source = Database::create(pair.0, &format!("{name}_source"))?;
        let target = Database::create(pair.1, &format!("{name}_target"))?;
        source.fill(rows);
        Some(Self::between(source, target))
    }

    /// A move between databases that are there already.
    pub(crate) fn between(source: Database, target: Database) -> Self {
        Self {
            source,
            target,
            folder: TempDir::new().unwrap(),
        }
    }

    /// Where the program runs: `.whimbrel` is in here.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Prepares the program; later commands take the URLs again since no password is stored.
    pub(crate) fn program(&self, arguments: &[&str]) -> Whimbrel {
        let program =
            Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.folder.path()).args(arguments.iter().copied());
        match arguments[0] {
            "plan" | "migrate" => program.args([self.source.url(), self.target.url()]),
            "status" | "report" | "pause" => program,
            _ => program.args([
                "--source".to_owned(),
                self.source.url(),
                "--target".to_owned(),
                self.target.url(),
            ]),
        }
    }

    /// Plans with every suggested choice and returns the plan's hash.
    pub(crate) fn plan(&self) -> String {
        self.plan_with(&[])
    }

    /// Plans with further arguments and returns the plan's hash.
    pub(crate) fn plan_with(&self, arguments: &[&str]) -> String {
        let mut all = vec!["plan", "--accept-suggested", "--json"];
        all.extend(self.target.engine().settles());
        all.extend(arguments);
        let output = self.program(&all).run().expect_code(0);
        let plan: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        plan["plan_hash"].as_str().unwrap().to_owned()
    }

    /// Runs the approved plan.
    pub(crate) fn run(&self, hash: &str) -> Output {
        self.program(&["run", "--approve", hash]).run()
    }

    /// Goes on with the migration until it succeeds; panics after twenty tries.
    pub(crate) fn resume_to_the_end(&self, hash: &str) {
        let mut last = None;
        for _ in 0..20 {
            let output = self.run(hash);
            if output.code == Some(0) {
                return;
            }
            last = Some(output);
        }
        panic!("never done: {last:?}");
    }

    /// Plans, runs and expects success.
    pub(crate) fn migrate(&self) -> String {
        let hash = self.plan();
        self.run(&hash).expect_code(0);
        hash
    }

    /// Checks by counts of its own that the target holds what the source holds.
    pub(crate) fn assert_arrived(&self) {
        for table in ["team", "staff", "visit", "log", "vacant"] {
            let sql = format!("select count(*) from {table}");
            assert_eq!(self.source.count(&sql), self.target.count(&sql), "{table}");
        }
        for sql in [
            "select coalesce(sum(id * team_id), 0) from staff",
            "select coalesce(sum(staff_id * day), 0) from visit",
            "select count(*) from visit where note is null",
            "select sum({characters}(name)) from staff",
            "select sum(people) from crowd",
        ] {
            assert_eq!(self.source.count(sql), self.target.count(sql), "{sql}");
        }
    }
}
