//! MariaDB and MySQL databases for tests: a fresh one per test on the server of `WHIMBREL_TEST_MARIADB` or `WHIMBREL_TEST_MYSQL`, or on a
//! server that this process starts. Starting one is `private_mysql.rs`.

use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, Row, Value};

use crate::private_mysql::{PrivateServer, Programs};
use crate::private_server::random;

/// A row of a query, each value as the server's text; bytes that are no UTF-8 in hex behind `0x`.
pub type TextRow = Vec<Option<String>>;

/// The two families of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// MariaDB, which the tests always have.
    MariaDb,
    /// MySQL, which needs `cargo xtask mysql` or a server of one's own.
    MySql,
}

impl Flavour {
    /// Both.
    pub const ALL: [Self; 2] = [Self::MariaDb, Self::MySql];

    /// Returns the variable that says where the tests' server is; `cargo xtask test` sets it.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::MariaDb => "WHIMBREL_TEST_MARIADB",
            Self::MySql => "WHIMBREL_TEST_MYSQL",
        }
    }

    /// Returns the scheme of its URLs.
    #[must_use]
    pub fn scheme(self) -> &'static str {
        match self {
            Self::MariaDb => "mariadb",
            Self::MySql => "mysql",
        }
    }

    fn programs(self) -> Option<Programs> {
        match self {
            Self::MariaDb => Programs::find_mariadb(),
            Self::MySql => Programs::find_mysql(&mysql_root()),
        }
    }
}

/// Where `cargo xtask mysql` keeps its server.
fn mysql_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/mysql")
}

/// A fresh, empty database that is dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    admin_url: String,
    url: String,
    name: String,
}

impl TestDatabase {
    /// Creates a database of its own for the calling test on the tests' common server.
    ///
    /// Returns `None`, and says so aloud, when there is no server; panics instead where `CI=true` is set and the flavour is one that every
    /// machine can install.
    #[must_use]
    pub fn create(flavour: Flavour, name: &str) -> Option<Self> {
        Self::create_with(flavour, name, "CHARACTER SET utf8mb4")
    }

    /// Does the same with further options of `CREATE DATABASE`, such as `CHARACTER SET latin1`.
    #[must_use]
    pub fn create_with(flavour: Flavour, name: &str, options: &str) -> Option<Self> {
        let admin_url = common_server_url(flavour)?;
        let letters = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        };
        let readable: String = name.to_lowercase().chars().map(letters).take(40).collect();
        let name = format!("t_{readable}_{:012x}", random() >> 16);
        execute(&admin_url, &format!("CREATE DATABASE `{name}` {options}"));
        Some(Self {
            url: with_database(&admin_url, &name, flavour.scheme()),
            admin_url,
            name,
        })
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
            "SELECT id FROM information_schema.processlist WHERE db = '{}'",
            self.name
        );
        let sessions = try_query(&self.admin_url, &sql).unwrap_or_default();
        for id in sessions.iter().flatten().flatten() {
            // It may have ended by itself.
            if let Err(error) = try_query(&self.admin_url, &format!("KILL {id}"))
                && !error.contains("1094")
            {
                writeln!(io::stderr(), "cannot end session {id}: {error}").ok();
            }
        }
        sessions.len()
    }

    /// Returns the whole content and catalog as `mariadb-dump` sees them, without what differs between two dumps of the same state.
    #[must_use]
    pub fn dump(&self) -> String {
        let opts = Opts::from_url(&driver_url(&self.url)).expect("the url is ours");
        let output = Command::new("mariadb-dump")
            .args([
                "--no-defaults",
                "--skip-comments",
                "--skip-dump-date",
                "--order-by-primary",
            ])
            .args([
                "--hex-blob",
                "--routines",
                "--triggers",
                "--events",
                "--skip-extended-insert",
            ])
            .args(["--default-character-set=utf8mb4", "--single-transaction"])
            .arg(format!("--host={}", opts.ip_or_hostname()))
            .arg(format!("--port={}", opts.tcp_port()))
            .arg(format!("--user={}", opts.user().unwrap_or_default()))
            .arg(&self.name)
            .env("MYSQL_PWD", opts.pass().unwrap_or_default())
            .output()
            .unwrap_or_else(|error| panic!("cannot start mariadb-dump: {error}"));
        assert!(
            output.status.success(),
            "mariadb-dump failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // An open transaction of a session that is about to end would hold the drop up, and with it every other session's catalog.
        self.terminate_sessions();
        let sql = format!("DROP DATABASE IF EXISTS `{}`", self.name);
        if let Err(error) = try_query(&self.admin_url, &sql) {
            writeln!(io::stderr(), "cannot drop test database {}: {error}", self.name).ok();
        }
    }
}

/// Runs statements at `url` on a connection of their own.
pub fn execute(url: &str, sql: &str) {
    if let Err(error) = try_query(url, sql) {
        panic!("{error}\nin: {sql}");
    }
}

/// Runs a query at `url` and returns its rows as the server's text.
#[must_use]
pub fn query_text(url: &str, sql: &str) -> Vec<TextRow> {
    try_query(url, sql).unwrap_or_else(|error| panic!("{error}\nin: {sql}"))
}

/// Runs statements at `url` and returns the rows of the first, or what the server said against any of them.
pub fn try_query(url: &str, sql: &str) -> Result<Vec<TextRow>, String> {
    let rows = on_connection(url, |mut session| async move {
        let mut result = session.query_iter(sql).await?;
        let rows: Vec<Row> = result.collect().await?;
        // The statements behind the first may fail too.
        while !result.is_empty() {
            drop(result.collect::<Row>().await?);
        }
        drop(result);
        session.disconnect().await?;
        Ok(rows)
    });
    let rows = rows.map_err(|error| error.to_string())?;
    Ok(rows.into_iter().map(text_row).collect())
}

fn text_row(row: Row) -> TextRow {
    let text = |value: Value| match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let digits = error.as_bytes().iter().map(|byte| format!("{byte:02x}"));
                format!("0x{}", digits.collect::<String>())
            }
        }),
        other @ (Value::Int(_)
        | Value::UInt(_)
        | Value::Float(_)
        | Value::Double(_)
        | Value::Date(..)
        | Value::Time(..)) => Some(other.as_sql(false)),
    };
    row.unwrap().into_iter().map(text).collect()
}

/// Runs one piece of work on a thread and runtime of its own, so that asynchronous tests can call it as well.
fn on_connection<T, F, W>(url: &str, work: W) -> Result<T, mysql_async::Error>
where
    T: Send,
    F: Future<Output = Result<T, mysql_async::Error>> + Send,
    W: FnOnce(Conn) -> F + Send,
{
    let opts = Opts::from_url(&driver_url(url))?;
    let conversation = async { work(Conn::new(opts).await?).await };
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

/// The driver knows one scheme only.
fn driver_url(url: &str) -> String {
    url.replacen("mariadb://", "mysql://", 1)
}

/// Returns the address of the server that all tests of this process share.
fn common_server_url(flavour: Flavour) -> Option<String> {
    static OWN_SERVERS: [OnceLock<Result<PrivateServer, String>>; 2] = [OnceLock::new(), OnceLock::new()];
    if let Some(url) = std::env::var_os(flavour.variable()).filter(|url| !url.is_empty()) {
        return Some(url.into_string().expect("a database url is UTF-8"));
    }
    let server = OWN_SERVERS[flavour as usize].get_or_init(|| {
        let programs = flavour.programs().ok_or("no such server is installed")?;
        PrivateServer::start(&programs).map_err(|error| error.to_string())
    });
    match server {
        Ok(server) => Some(server.url().to_owned()),
        Err(why) => {
            skip(flavour, why);
            None
        }
    }
}

fn skip(flavour: Flavour, why: &str) {
    let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(
        !in_ci || flavour == Flavour::MySql,
        "this test needs a MariaDB server: {why}"
    );
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    let (server, how) = match flavour {
        Flavour::MariaDb => ("MariaDB", "cargo xtask test"),
        Flavour::MySql => ("MySQL", "cargo xtask mysql, then cargo xtask test"),
    };
    // Not `eprintln!`: the test harness would keep that to itself.
    writeln!(
        io::stderr(),
        "SKIPPED: {test} needs a {server} server (run {how}): {why}"
    )
    .ok();
}

/// A server's address with a database, a scheme of its own, and the parameters that the server's address had.
fn with_database(url: &str, name: &str, scheme: &str) -> String {
    let (address, parameters) = url
        .split_once('?')
        .map_or((url, String::new()), |(a, p)| (a, format!("?{p}")));
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or(rest);
    format!("{scheme}://{host}/{name}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(name: &str, check: fn(TestDatabase)) {
        for flavour in Flavour::ALL {
            if let Some(database) = TestDatabase::create(flavour, name) {
                check(database);
            }
        }
    }

    #[test]
    fn a_database_is_fresh_and_gone_afterwards() {
        each("Gone Afterwards", |database| {
            database.execute(
                "CREATE TABLE shop (id int PRIMARY KEY, name text); INSERT INTO shop VALUES (1, NULL)",
            );
            let rows = database.query_text("SELECT id, name FROM shop");
            assert_eq!(rows, [[Some("1".to_owned()), None]]);
            let (admin, name) = (database.admin_url.clone(), database.name().to_owned());
            drop(database);
            let sql = format!("SELECT 1 FROM information_schema.schemata WHERE schema_name = '{name}'");
            assert!(query_text(&admin, &sql).is_empty());
        });
    }

    #[test]
    fn an_error_in_a_later_statement_is_told() {
        each("error", |database| {
            let error = try_query(database.url(), "SELECT 1; SELECT nothing").unwrap_err();
            assert!(error.contains("1054"), "{error}");
        });
    }

    #[test]
    fn a_dump_shows_content_and_catalog() {
        each("dump", |database| {
            database.execute(
                "CREATE TABLE shop (id int PRIMARY KEY, name text); INSERT INTO shop VALUES (1, 'a')",
            );
            let before = database.dump();
            assert!(before.contains("CREATE TABLE `shop`"), "{before}");
            assert_eq!(database.dump(), before);
            database.execute("UPDATE shop SET name = ''");
            assert_ne!(database.dump(), before);
        });
    }

    #[test]
    fn the_database_of_an_address_is_replaced() {
        for (url, expected) in [
            ("mysql://u:p@h:1/mysql", "mariadb://u:p@h:1/x"),
            ("mysql://h", "mariadb://h/x"),
            ("mysql://h/a?sslmode=disabled", "mariadb://h/x?sslmode=disabled"),
        ] {
            assert_eq!(with_database(url, "x", "mariadb"), expected);
        }
    }
}
