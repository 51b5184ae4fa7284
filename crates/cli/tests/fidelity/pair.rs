//! Two private databases, the program between them, and questions to the target.

use tempfile::TempDir;
use whimbrel_testkit::binary::Whimbrel;
use whimbrel_testkit::{mysql, postgres, sqlite};

/// A kind of server or file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    MariaDb,
    MySql,
}

impl Engine {
    pub(crate) const ALL: [Self; 4] = [Self::Sqlite, Self::Postgres, Self::MariaDb, Self::MySql];
}

/// A private database.
pub(crate) enum Database {
    Sqlite(sqlite::TestFile),
    Postgres(postgres::TestDatabase),
    MySql(mysql::TestDatabase),
}

impl Database {
    /// Creates an empty one; none, said aloud, where there is no server.
    pub(crate) fn create(engine: Engine, name: &str) -> Option<Self> {
        Some(match engine {
            Engine::Sqlite => Self::Sqlite(sqlite::TestFile::create(name, "")),
            Engine::Postgres => Self::Postgres(postgres::TestDatabase::create(name)?),
            Engine::MariaDb => Self::MySql(mysql::TestDatabase::create(mysql::Flavour::MariaDb, name)?),
            Engine::MySql => Self::MySql(mysql::TestDatabase::create(mysql::Flavour::MySql, name)?),
        })
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => file.url(),
            Self::Postgres(server) => server.url().to_owned(),
            Self::MySql(server) => server.url().to_owned(),
        }
    }

    pub(crate) fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(file) => file.execute(sql),
            Self::Postgres(server) => server.execute(sql),
            Self::MySql(server) => server.execute(sql),
        }
    }

    /// The rows of a query, values joined by `|`, NULL as `∅`.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let rows = match self {
            Self::Sqlite(file) => file.query_text(sql),
            Self::Postgres(server) => server.query_text(sql),
            Self::MySql(server) => server.query_text(sql),
        };
        let shown = |value: Option<String>| value.unwrap_or_else(|| "∅".to_owned());
        rows.into_iter()
            .map(|row| row.into_iter().map(shown).collect::<Vec<_>>().join("|"))
            .collect()
    }
}

/// A migration that was made.
pub(crate) struct Moved {
    pub(crate) target: Database,
    /// The plan, for questions about findings.
    pub(crate) plan: serde_json::Value,
}

/// Moves the source into a new database with every suggested choice, those given apart; the run must end with every row verified.
pub(crate) fn move_into(source: &Database, engine: Engine, decisions: &[&str]) -> Option<Moved> {
    let target = Database::create(engine, "fidelity_target")?;
    let folder = TempDir::new().unwrap();
    let program = |arguments: &[&str]| {
        Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder.path()).args(arguments.iter().copied())
    };
    let mut planning = vec!["plan", "--accept-suggested", "--json"];
    for decision in decisions {
        planning.extend(["--decide", decision]);
    }
    let output = program(&planning)
        .args([source.url(), target.url()])
        .run()
        .expect_code(0);
    let made: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let (id, hash) = (
        made["migration_id"].as_str().unwrap(),
        made["plan_hash"].as_str().unwrap(),
    );
    let file = folder
        .path()
        .join(".whimbrel")
        .join(id)
        .join("migration_plan.json");
    let plan = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    program(&["run", "--approve", hash])
        .args([
            "--source".to_owned(),
            source.url(),
            "--target".to_owned(),
            target.url(),
        ])
        .run()
        .expect_code(0);
    Some(Moved { target, plan })
}

impl Moved {
    /// Asks the target; all wrong answers are told at once.
    pub(crate) fn check(&self, cases: &[(&str, &[&str])]) {
        let mut wrong = Vec::new();
        for (query, expected) in cases {
            let found = self.target.rows(query);
            if found != *expected {
                wrong.push(format!("{query}\n  expected {expected:?}\n  found    {found:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// Checks that the plan speaks of each `CODE SUBJECT`.
    pub(crate) fn check_findings(&self, wanted: &[(&str, &str)]) {
        let findings = self.plan["findings"].as_array().unwrap();
        let subject = |finding: &serde_json::Value| {
            let owner = finding["subject"]["owner"]["name"].as_str().unwrap_or_default();
            match finding["subject"]["part"].as_str() {
                Some(part) if !part.is_empty() => format!("{owner}.{part}"),
                _ => owner.to_owned(),
            }
        };
        let said: Vec<(String, String)> = findings
            .iter()
            .map(|finding| (finding["code"].as_str().unwrap().to_owned(), subject(finding)))
            .collect();
        let missing: Vec<_> = wanted
            .iter()
            .filter(|(code, about)| !said.iter().any(|(c, s)| c == code && s == about))
            .collect();
        assert!(
            missing.is_empty(),
            "the plan does not speak of {missing:?}; it says {said:#?}"
        );
    }
}
