//! PostgreSQL databases for tests: a fresh one per test on the server of `WHIMBREL_TEST_POSTGRES`, or on a server
//! that this process starts, and whole servers for tests that break them. Starting one is `private_server.rs`.

use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::private_server::{PrivateServer, Programs, random, run};

/// The variable that says where the tests' server is; `cargo xtask test` sets it.
pub const SERVER_VARIABLE: &str = "WHIMBREL_TEST_POSTGRES";

/// A row of a query, each value as the server's text.
pub type TextRow = Vec<Option<String>>;

/// A fresh, empty database that is dropped, sessions and all, with this value.
#[derive(Debug)]
pub struct TestDatabase {
    admin_url: String,
    url: String,
    name: String,
}

impl TestDatabase {
    /// Creates a database of its own for the calling test on the tests' common server.
    ///
    /// Returns `None`, and says so aloud, when there is no server; panics instead where `CI=true` is set.
    #[must_use]
    pub fn create(name: &str) -> Option<Self> {
        Some(Self::create_on(&common_server_url()?, name, ""))
    }

    /// Does the same with further options of `CREATE DATABASE`, such as `lc_collate 'C'`.
    #[must_use]
    pub fn create_with(name: &str, options: &str) -> Option<Self> {
        Some(Self::create_on(&common_server_url()?, name, options))
    }

    fn create_on(admin_url: &str, name: &str, options: &str) -> Self {
        let letters = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        };
        let readable: String = name.to_lowercase().chars().map(letters).take(40).collect();
        let name = format!("t_{readable}_{:012x}", random() >> 16);
        execute(
            admin_url,
            &format!("CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8' {options}"),
        );
        Self {
            url: with_database(admin_url, &name),
            admin_url: admin_url.to_owned(),
            name,
        }
    }

    /// Returns the database's address, password included.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the address with another host and port, such as those of a [`Proxy`](crate::proxy::Proxy).
    #[must_use]
    pub fn url_through(&self, address: std::net::SocketAddr) -> String {
        let (before, database) = self.url.rsplit_once('/').expect("a database url has a path");
        let credentials = before
            .rsplit_once('@')
            .map_or(before, |(credentials, _)| credentials);
        format!("{credentials}@{address}/{database}")
    }

    /// Returns the database's name on its server.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements, separated by semicolons, on a connection of their own.
    pub fn execute(&self, sql: &str) {
        execute(&self.url, sql);
    }

    /// Runs a query and returns its rows as the server's text.
    #[must_use]
    pub fn query_text(&self, sql: &str) -> Vec<TextRow> {
        query_text(&self.url, sql)
    }

    /// Ends every other session of this database, as a restart would, and returns how many there were.
    pub fn terminate_sessions(&self) -> usize {
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        );
        query_text(&self.admin_url, &sql).len()
    }

    /// Returns the whole content and catalog as `pg_dump` sees them, without what differs between two dumps of
    /// the same state. Rows are sorted, because a heap has no order.
    #[must_use]
    pub fn dump(&self) -> String {
        let program =
            Programs::find().map_or_else(|| PathBuf::from("pg_dump"), |found| found.folder.join("pg_dump"));
        let mut command = Command::new(program);
        command.arg("--dbname").arg(&self.url);
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("cannot start pg_dump: {error}"));
        assert!(
            output.status.success(),
            "pg_dump failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        comparable(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        if let Err(error) = try_query(&self.admin_url, &sql) {
            // The test may have stopped the server on purpose, and a panic here could hide its own.
            writeln!(io::stderr(), "cannot drop test database {}: {error}", self.name).ok();
        }
    }
}

/// A server that belongs to one test, which may stop, restart and kill it.
#[derive(Debug)]
pub struct TestServer {
    server: PrivateServer,
}

impl TestServer {
    /// Starts a server with its default configuration plus lines such as `wal_level = logical`.
    ///
    /// Returns `None`, and says so aloud, when no server is installed; panics instead where `CI=true` is set.
    #[must_use]
    pub fn start(configuration: &[&str]) -> Option<Self> {
        let Some(programs) = Programs::find() else {
            skip("no PostgreSQL server is installed");
            return None;
        };
        let server = PrivateServer::start(&programs).unwrap_or_else(|error| panic!("{error}"));
        let server = Self { server };
        for line in configuration {
            let (name, value) = line.split_once('=').expect("a setting reads `name = value`");
            let value = value.trim().trim_matches('\'');
            execute(
                server.server.url(),
                &format!("ALTER SYSTEM SET {} = '{value}'", name.trim()),
            );
        }
        if !configuration.is_empty() {
            server.restart();
        }
        Some(server)
    }

    /// Creates a database on this server.
    #[must_use]
    pub fn create_database(&self, name: &str) -> TestDatabase {
        TestDatabase::create_on(self.server.url(), name, "")
    }

    /// Returns the port on 127.0.0.1, which a restart keeps.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// Ends the server at once, as a power loss would: no checkpoint, no farewell to clients.
    pub fn stop_at_once(&self) {
        let mut command = self.server.pg_ctl("stop");
        command.args(["-m", "immediate"]);
        run(command, "", "pg_ctl stop").unwrap_or_else(|error| panic!("{error}"));
    }

    /// Starts the server again after [`stop_at_once`](Self::stop_at_once).
    pub fn start_again(&self) {
        self.server.boot().unwrap_or_else(|error| panic!("{error}"));
    }

    /// Restarts the server the way an administrator does; open transactions are rolled back.
    pub fn restart(&self) {
        let mut command = self.server.pg_ctl("stop");
        command.args(["-m", "fast"]);
        run(command, "", "pg_ctl stop").unwrap_or_else(|error| panic!("{error}"));
        self.start_again();
    }
}

/// Runs statements at `url` on a connection of their own.
pub fn execute(url: &str, sql: &str) {
    let outcome = on_connection(url, |client| async move { client.batch_execute(sql).await });
    outcome.unwrap_or_else(|error| panic!("{}\nin: {sql}", explain(&error)));
}

/// Runs a query at `url` and returns its rows as the server's text.
#[must_use]
pub fn query_text(url: &str, sql: &str) -> Vec<TextRow> {
    try_query(url, sql).unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
}

/// Runs a query at `url` and returns its rows, or what the server said against it.
pub fn try_query(url: &str, sql: &str) -> Result<Vec<TextRow>, String> {
    let messages = on_connection(url, |client| async move { client.simple_query(sql).await });
    let messages = messages.map_err(|error| explain(&error))?;
    let text_row = |message: &SimpleQueryMessage| {
        let SimpleQueryMessage::Row(row) = message else {
            return None;
        };
        Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
    };
    Ok(messages.iter().filter_map(text_row).collect())
}

fn explain(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(
        || error.to_string(),
        |answer| format!("{}: {}", answer.code().code(), answer.message()),
    )
}

/// Runs one piece of work on a thread and runtime of its own, so that asynchronous tests can call it as well.
fn on_connection<T, F, W>(url: &str, work: W) -> Result<T, tokio_postgres::Error>
where
    T: Send,
    F: Future<Output = Result<T, tokio_postgres::Error>> + Send,
    W: FnOnce(Client) -> F + Send,
{
    let conversation = async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        let (_, outcome) = tokio::join!(connection, work(client));
        outcome
    };
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime
                .expect("a runtime needs only a few file handles")
                .block_on(conversation)
        });
        worker
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Returns the address of the server that all tests of this process share.
fn common_server_url() -> Option<String> {
    static OWN_SERVER: OnceLock<Result<PrivateServer, String>> = OnceLock::new();
    if let Some(url) = std::env::var_os(SERVER_VARIABLE).filter(|url| !url.is_empty()) {
        return Some(url.into_string().expect("a database url is UTF-8"));
    }
    let server = OWN_SERVER.get_or_init(|| {
        let programs = Programs::find().ok_or("no PostgreSQL server is installed")?;
        PrivateServer::start(&programs).map_err(|error| error.to_string())
    });
    match server {
        Ok(server) => Some(server.url().to_owned()),
        Err(why) => {
            skip(why);
            None
        }
    }
}

fn skip(why: &str) {
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(!in_ci, "this test needs a PostgreSQL server: {why}");
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not `eprintln!`: the test harness would keep that to itself.
    writeln!(
        io::stderr(),
        "SKIPPED: {test} needs a PostgreSQL server (run cargo xtask test): {why}"
    )
    .ok();
}

fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url
        .split_once('?')
        .map_or((url, String::new()), |(a, p)| (a, format!("?{p}")));
    let start = address.find("://").map_or(0, |at| at + 3);
    let end = address[start..].find('/').map_or(address.len(), |at| start + at);
    format!("{}/{name}{parameters}", &address[..end])
}

/// Removes versions, dates and one-time tokens from a dump and sorts the rows within each table.
fn comparable(dump: &str) -> String {
    let noise = [
        "-- Dumped from",
        "-- Dumped by",
        "-- Started on",
        "-- Completed on",
        "\\restrict",
        "\\unrestrict",
    ];
    let mut lines: Vec<&str> = Vec::new();
    let mut rows_start = None;
    for line in dump
        .lines()
        .filter(|line| !noise.iter().any(|start| line.starts_with(start)))
    {
        if line == "\\."
            && let Some(start) = rows_start.take()
        {
            lines[start..].sort_unstable();
        }
        lines.push(line);
        if line.starts_with("COPY ") && line.ends_with(" FROM stdin;") {
            rows_start = Some(lines.len());
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop(name: &str) -> Option<TestDatabase> {
        let database = TestDatabase::create(name)?;
        database.execute(
            "CREATE TABLE shop (id int PRIMARY KEY, name text); INSERT INTO shop VALUES (2, 'b'), (1, NULL)",
        );
        Some(database)
    }

    #[test]
    fn a_database_is_fresh_and_gone_afterwards() {
        let Some(database) = shop("Gone Afterwards") else {
            return;
        };
        let rows = database.query_text("SELECT id, name FROM shop ORDER BY id");
        assert_eq!(
            rows,
            [
                [Some("1".to_owned()), None],
                [Some("2".to_owned()), Some("b".to_owned())]
            ]
        );
        let (admin, name) = (database.admin_url.clone(), database.name().to_owned());
        drop(database);
        let left = query_text(
            &admin,
            &format!("SELECT 1 FROM pg_database WHERE datname = '{name}'"),
        );
        assert!(left.is_empty());
    }

    #[tokio::test]
    async fn an_asynchronous_test_can_use_it() {
        let Some(database) = TestDatabase::create("asynchronous") else {
            return;
        };
        assert_eq!(database.query_text("SELECT 1"), [[Some("1".to_owned())]]);
    }

    #[test]
    fn a_dump_shows_content_and_catalog_but_not_row_order() {
        let Some(database) = shop("dump") else { return };
        let before = database.dump();
        assert!(before.contains("CREATE TABLE public.shop"), "{before}");
        database.execute("UPDATE shop SET name = name WHERE id = 2");
        assert_eq!(database.dump(), before);
        database.execute("UPDATE shop SET name = '' WHERE id = 1");
        assert_ne!(database.dump(), before);
        database.execute("UPDATE shop SET name = NULL WHERE id = 1; CREATE INDEX ON shop (name)");
        assert_ne!(database.dump(), before);
    }

    #[test]
    fn an_error_of_the_server_is_told() {
        let Some(database) = TestDatabase::create("error") else {
            return;
        };
        let error = try_query(database.url(), "SELECT 1 / 0").unwrap_err();
        assert!(error.starts_with("22012"), "{error}");
    }

    #[test]
    fn a_private_server_survives_its_end_and_takes_settings() {
        let Some(server) = TestServer::start(&["wal_level = logical"]) else {
            return;
        };
        let database = server.create_database("restart");
        database.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
        server.stop_at_once();
        assert!(try_query(database.url(), "SELECT 1").is_err());
        server.start_again();
        assert_eq!(database.query_text("SELECT a FROM t"), [[Some("1".to_owned())]]);
        assert_eq!(
            database.query_text("SHOW wal_level"),
            [[Some("logical".to_owned())]]
        );
    }

    #[test]
    fn a_stopped_server_leaves_no_folder() {
        let Some(server) = TestServer::start(&[]) else {
            return;
        };
        let folder = server.server.folder.clone();
        assert!(folder.exists());
        drop(server);
        assert!(!folder.exists());
    }

    #[test]
    fn the_database_of_an_address_is_replaced() {
        let cases = [
            ("postgres://u:p@h:1/postgres", "postgres://u:p@h:1/x"),
            ("postgres://h", "postgres://h/x"),
            ("postgres://h/a?sslmode=disable", "postgres://h/x?sslmode=disable"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_database(url, "x"), expected);
        }
    }
}
