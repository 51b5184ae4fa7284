//! Two databases, the program between them, and what `pg_dump` says about each.

use serde_json::Value;
use tempfile::TempDir;
use whimbrel_testkit::binary::{Output, Whimbrel};
use whimbrel_testkit::postgres::TestDatabase;

/// Everything that moves.
pub(crate) const EVERYTHING: &str = include_str!("everything.sql");

/// Roles belong to the server, so all tests share them.
const ROLES: &str = "DO $$ BEGIN
    CREATE ROLE whimbrel_test_app; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
  DO $$ BEGIN
    CREATE ROLE whimbrel_test_owner; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;";

/// A planned migration.
pub(crate) struct Mover {
    pub(crate) source: TestDatabase,
    pub(crate) target: TestDatabase,
    folder: TempDir,
    id: String,
    pub(crate) plan: Value,
}

impl Mover {
    /// Plans with the suggested choices and those given; none, said aloud, without a server.
    pub(crate) fn plan(schema: &str, in_target: &str, decisions: &[&str]) -> Option<Self> {
        Self::plan_with("", schema, in_target, decisions)
    }

    /// As [`Self::plan`], with settings.
    pub(crate) fn plan_with(
        settings: &str,
        schema: &str,
        in_target: &str,
        decisions: &[&str],
    ) -> Option<Self> {
        let source = TestDatabase::create("upgrade_source")?;
        let target = TestDatabase::create("upgrade_target")?;
        source.execute(ROLES);
        source.execute(schema);
        target.execute(in_target);
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("whimbrel.toml"), settings).unwrap();
        let mut arguments = vec!["plan", "--accept-suggested", "--json"];
        for decision in decisions {
            arguments.extend(["--decide", decision]);
        }
        let output = Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder.path())
            .args(arguments)
            .args([source.url(), target.url()])
            .run()
            .expect_code(0);
        let made: Value = serde_json::from_str(&output.stdout).unwrap();
        let id = made["migration_id"].as_str().unwrap().to_owned();
        let file = folder
            .path()
            .join(".whimbrel")
            .join(&id)
            .join("migration_plan.json");
        let plan = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        Some(Self {
            source,
            target,
            folder,
            id,
            plan,
        })
    }

    /// Runs a command of the program on the migration.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        let urls = ["--source", self.source.url(), "--target", self.target.url()];
        Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.folder.path())
            .args([arguments[0], &self.id])
            .args(arguments[1..].iter().copied())
            .args(urls)
            .run()
    }

    /// Runs it; every row must arrive and be verified.
    pub(crate) fn run(&self) {
        let hash = self.plan["hash"].as_str().unwrap();
        self.command(&["run", "--approve", hash]).expect_code(0);
    }

    /// Compares what `pg_dump` prints of both, our own ledger apart.
    pub(crate) fn compare_dumps(&self) {
        let (source, target) = (parts(&self.source.dump()), parts(&self.target.dump()));
        let without = |these: &[String], those: &[String]| -> Vec<String> {
            these
                .iter()
                .filter(|part| !those.contains(part))
                .cloned()
                .collect()
        };
        let (missing, added) = (without(&source, &target), without(&target, &source));
        assert!(
            missing.is_empty() && added.is_empty(),
            "only at the source:\n{}\n\nonly in the target:\n{}",
            missing.join("\n"),
            added.join("\n")
        );
        assert!(source.len() > 3, "the dump was not read");
        assert_eq!(source.len(), target.len());
    }

    /// The choice that the plan recommends for a question.
    pub(crate) fn suggested(&self, code: &str, subject: &str) -> String {
        let findings = self.plan["findings"].as_array().unwrap();
        let is_it = |finding: &&Value| {
            finding["code"] == code && finding["subject"]["owner"]["name"].as_str() == Some(subject)
        };
        let found = findings.iter().find(is_it);
        let found = found.unwrap_or_else(|| panic!("the plan does not ask for {code}:{subject}"));
        found["suggested"].as_str().unwrap_or_default().to_owned()
    }
}

/// The entries of a dump, sorted: what is made in which order is not part of the comparison.
fn parts(dump: &str) -> Vec<String> {
    let mut parts: Vec<String> = dump
        .split("\n--\n-- ")
        .skip(1)
        .filter(|part| !part.lines().next().unwrap_or_default().contains("_whimbrel"))
        .map(|part| part.trim().to_owned())
        .filter(|part| !part.starts_with("PostgreSQL database dump"))
        .collect();
    parts.sort();
    parts
}
