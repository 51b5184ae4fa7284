//! Many tables: what is asked of the servers does not grow with their number where one statement does for all, and a server's locks last.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use whimbrel_testkit::binary::Whimbrel;
use whimbrel_testkit::many;
use whimbrel_testkit::mysql::{Flavour, TestDatabase};
use whimbrel_testkit::postgres::TestServer;
use whimbrel_testkit::sqlite::TestFile;

/// A server that writes down every statement.
struct Listening {
    server: TestServer,
    log: TempDir,
}

impl Listening {
    fn start() -> Option<Self> {
        let log = TempDir::new().unwrap();
        // The server may run as another user.
        std::fs::set_permissions(log.path(), Permissions::from_mode(0o777)).unwrap();
        let folder = format!("log_directory = '{}'", log.path().display());
        let server = TestServer::start(&[
            "log_statement = 'all'",
            "logging_collector = 'on'",
            "log_filename = 'statements.log'",
            "log_file_mode = '0644'",
            &folder,
        ])?;
        Some(Self { server, log })
    }

    /// How many statements there have been.
    fn statements(&self) -> usize {
        let file: PathBuf = self.log.path().join("statements.log");
        let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        let is_one = |line: &&str| line.contains("LOG:  statement: ") || line.contains("LOG:  execute ");
        text.lines().filter(is_one).count()
    }
}

/// A folder to run in, and the databases.
struct Copy {
    folder: TempDir,
    source: String,
    target: String,
}

impl Copy {
    fn between(source: &str, target: &str) -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            source: source.to_owned(),
            target: target.to_owned(),
        }
    }

    fn plan(&self) -> Value {
        let arguments = ["plan", "--accept-suggested", "--json", "--jobs", "2"];
        let output = Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.folder.path())
            .args(arguments)
            .args([&self.source, &self.target])
            .run()
            .expect_code(0);
        serde_json::from_str(&output.stdout).unwrap()
    }

    fn run(&self, plan: &Value) {
        Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.folder.path())
            .args([
                "run",
                "--jobs",
                "2",
                "--approve",
                plan["plan_hash"].as_str().unwrap(),
            ])
            .args(["--source", &self.source, "--target", &self.target])
            .run()
            .expect_code(0);
    }

    fn rollback(&self) {
        Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.folder.path())
            .args(["rollback", "--to", "start", "--yes"])
            .args(["--source", &self.source, "--target", &self.target])
            .run()
            .expect_code(0);
    }
}

#[test]
fn planning_asks_as_much_about_hundreds_of_tables_as_about_twenty_and_many_are_made_and_taken_back_together()
{
    const FEW: usize = 20;
    const MANY: usize = 200;
    let Some(listening) = Listening::start() else {
        return;
    };
    let mut asked = Vec::new();
    for tables in [FEW, MANY] {
        let source = listening.server.create_database(&format!("source_{tables}"));
        let target = listening.server.create_database(&format!("target_{tables}"));
        source.execute(&many::postgres(tables, 0));
        let copy = Copy::between(source.url(), target.url());
        let begun = listening.statements();
        let plan = copy.plan();
        let planned = listening.statements();
        copy.run(&plan);
        let ran = listening.statements();
        copy.rollback();
        asked.push([planned - begun, ran - planned, listening.statements() - ran]);
    }
    let [few, many] = asked[..] else { unreachable!() };
    // Groups of tables have two statements each, and there are as many groups as the jobs want.
    assert!(many[0] <= few[0] + 8, "planning: {few:?} and {many:?}");
    // What is made or taken back goes in messages of dozens.
    for at in [1, 2] {
        let each = (many[at] - few[at]) as f64 / (MANY - FEW) as f64;
        assert!(each <= 1.0, "{each} messages for a table: {few:?} and {many:?}");
    }
}

/// A login of a MariaDB server that counts what it is asked; it goes with this value.
struct Counted {
    database: TestDatabase,
    login: String,
}

impl Counted {
    fn create(name: &str) -> Option<Self> {
        let database = TestDatabase::create(Flavour::MariaDb, name)?;
        let login = format!("counted_{}", &database.name()[database.name().len() - 12..]);
        database.execute(&format!(
            "set global userstat = 1; create user {login}@'%' identified by 'secret';
             grant all on {}.* to {login}@'%'",
            database.name()
        ));
        Some(Self { database, login })
    }

    fn url(&self) -> String {
        let (_, place) = self.database.url().rsplit_once('@').unwrap();
        format!("mariadb://{}:secret@{place}", self.login)
    }

    /// How many statements there have been; the server counts them when a connection ends.
    fn statements(&self) -> f64 {
        let sql = format!(
            "select coalesce(sum(SELECT_COMMANDS + UPDATE_COMMANDS + OTHER_COMMANDS), 0)
             from information_schema.USER_STATISTICS where USER = '{}'",
            self.login
        );
        let rows = self.database.query_text(&sql);
        rows[0][0].as_deref().unwrap().parse().unwrap()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.database.execute(&format!("drop user {}@'%'", self.login));
    }
}

#[test]
fn a_mariadb_server_is_asked_once_about_many_tables_and_once_for_each_thing_that_is_made() {
    const FEW: usize = 20;
    const MANY: usize = 200;
    let mut asked = Vec::new();
    for tables in [FEW, MANY] {
        let (Some(source), Some(target)) = (
            Counted::create(&format!("source_{tables}")),
            Counted::create(&format!("target_{tables}")),
        ) else {
            return;
        };
        source.database.execute(&many::mysql(tables, 0));
        let copy = Copy::between(&source.url(), &target.url());
        let plan = copy.plan();
        let planned = source.statements();
        copy.run(&plan);
        let [asked_of_source, made] = [source.statements(), target.statements()];
        copy.rollback();
        asked.push([
            planned,
            asked_of_source - planned,
            made,
            target.statements() - made,
        ]);
    }
    // What the source is asked stands in a few messages, each about many tables.
    for at in [0, 1] {
        assert!(asked[1][at] <= asked[0][at] + 24.0, "reading: {asked:?}");
    }
    // A table, its two indexes and its foreign key commit by themselves, and so does taking each of them back, after a look whether it is there.
    for (at, most) in [(2, 5.5), (3, 6.5)] {
        let each = (asked[1][at] - asked[0][at]) / (MANY - FEW) as f64;
        assert!(each <= most, "{each} statements for a table: {asked:?}");
    }
}

#[test]
fn tables_with_rows_are_profiled_together() {
    let Some(listening) = Listening::start() else {
        return;
    };
    let mut asked = Vec::new();
    for tables in [20, 200] {
        let source = listening.server.create_database(&format!("filled_{tables}"));
        source.execute(&many::postgres(tables, 1));
        let target = TempDir::new().unwrap();
        let target = format!("sqlite:{}", target.path().join("target.db").display());
        let copy = Copy::between(source.url(), &target);
        let begun = listening.statements();
        let plan = copy.plan();
        assert_eq!(plan["rows"], tables);
        asked.push(listening.statements() - begun);
    }
    assert!(asked[1] <= asked[0] + 12, "{asked:?}");
}

#[test]
fn a_server_with_few_locks_serves_more_tables_than_it_has_locks_for_their_indexes() {
    const TABLES: usize = 500;
    let few = ["max_connections = 20", "max_locks_per_transaction = 32"];
    let Some(server) = TestServer::start(&few) else {
        return;
    };
    let source = server.create_database("source");
    let target = server.create_database("target");
    let made = many::postgres(TABLES, 1);
    let statements: Vec<&str> = made.split_inclusive(';').collect();
    // All of them in one transaction would need more locks than there are.
    for some in statements.chunks(40) {
        source.execute(&some.concat());
    }
    let copy = Copy::between(source.url(), target.url());
    let plan = copy.plan();
    copy.run(&plan);
    let counted = target.query_text("select count(*) from pg_class where relname ~ '^t[0-9]{5}$'");
    assert_eq!(counted[0][0].as_deref(), Some("500"));
}

/// How often something was committed to a file: the engine counts it in the file's head.
fn commits(file: &TestFile) -> u32 {
    let head = std::fs::read(file.path()).unwrap();
    u32::from_be_bytes(head[24..28].try_into().unwrap())
}

#[test]
fn a_file_of_a_thousand_tables_arrives_in_another_and_goes_again_with_a_commit_for_dozens_of_them() {
    const FEW: usize = 100;
    const MANY: usize = 1_000;
    let mut committed = Vec::new();
    for tables in [FEW, MANY] {
        let source = TestFile::create(&format!("source_{tables}"), &many::sqlite(tables, 0));
        // A file that was there stays when all is taken back.
        let target = TestFile::create(&format!("target_{tables}"), "create table before(x)");
        let copy = Copy::between(&source.url(), &target.url());
        let plan = copy.plan();
        assert_eq!(plan["tables"], tables);
        let begun = commits(&target);
        copy.run(&plan);
        let ran = commits(&target);
        copy.rollback();
        committed.push([ran - begun, commits(&target) - ran]);
    }
    let [few, many] = committed[..] else {
        unreachable!()
    };
    for at in [0, 1] {
        // A table and its two indexes are three steps.
        let most = few[at] + u32::try_from((MANY - FEW) * 3 / 32).unwrap();
        assert!(many[at] <= most, "{few:?} and {many:?}");
    }
}
