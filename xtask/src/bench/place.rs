//! A database in a server of ours or in a file: its URL, its engine's own client, and how it is emptied.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::measure::Script;
use super::pair::Engine;

/// The user in both servers.
pub(super) const USER: &str = "bench";

/// A database.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) engine: Engine,
    /// Zero for a file.
    pub(super) port: u16,
    /// Empty for a file.
    pub(super) password: String,
    /// The database's name, or the file's path.
    pub(super) name: String,
}

impl Place {
    pub(super) fn file(path: PathBuf) -> Self {
        Self {
            engine: Engine::Sqlite,
            port: 0,
            password: String::new(),
            name: path.to_string_lossy().into_owned(),
        }
    }

    /// Returns the URL, password included.
    pub(super) fn url(&self) -> String {
        self.url_with(&self.password)
    }

    /// Returns the URL with the given text in the place of the password.
    pub(super) fn url_with(&self, password: &str) -> String {
        let Self {
            engine, port, name, ..
        } = self;
        let scheme = engine.id();
        match engine {
            Engine::Sqlite => format!("sqlite:{name}"),
            Engine::Postgres | Engine::MariaDb => {
                format!("{scheme}://{USER}:{password}@127.0.0.1:{port}/{name}")
            }
        }
    }

    /// Gives a script what the engine's clients look for in the environment.
    pub(super) fn environment(&self, script: Script) -> Script {
        match self.engine {
            Engine::Sqlite => script,
            Engine::Postgres => script
                .with("PGHOST", "127.0.0.1")
                .with("PGPORT", self.port.to_string())
                .with("PGUSER", USER)
                .with("PGPASSWORD", &self.password)
                .with("PGCLIENTENCODING", "UTF8"),
            Engine::MariaDb => script.with("MYSQL_PWD", &self.password),
        }
    }

    /// Returns the options that tell a client of MariaDB where the server is.
    pub(super) fn mariadb_options(&self) -> String {
        let port = self.port;
        format!("--no-defaults --protocol=tcp --host=127.0.0.1 --port={port} --user={USER}")
    }

    fn client(&self, database: &str) -> Command {
        let mut command = match self.engine {
            Engine::Sqlite => {
                let mut command = Command::new("sqlite3");
                command.args(["-batch", "-bail", "-noheader", "-separator", "\t", database]);
                command
            }
            Engine::Postgres => {
                let mut command = Command::new("psql");
                command.args(["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1"]);
                command.args(["-d", database]);
                command
            }
            Engine::MariaDb => {
                let mut command = Command::new("mariadb");
                command.args(self.mariadb_options().split(' '));
                command.args(["--batch", "--raw", "--skip-column-names", database]);
                command
            }
        };
        command.envs(self.environment(Script::default()).variables);
        command
    }

    /// Runs statements in the database and returns what they print, columns separated by tabs.
    pub(super) fn query(&self, sql: &str) -> Result<String, String> {
        feed(self.client(&self.name), sql)
    }

    /// Runs a statement outside of the database.
    fn administrate(&self, sql: &str) -> Result<String, String> {
        let database = match self.engine {
            Engine::Postgres => "postgres",
            Engine::MariaDb => "mysql",
            Engine::Sqlite => &self.name,
        };
        feed(self.client(database), sql)
    }

    /// Drops the database where it is.
    pub(super) fn drop(&self) -> Result<(), String> {
        let name = &self.name;
        match self.engine {
            Engine::Sqlite => {
                for suffix in ["", "-wal", "-shm", "-journal"] {
                    std::fs::remove_file(format!("{name}{suffix}")).ok();
                }
            }
            Engine::Postgres => {
                self.administrate(&format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE);"))?;
            }
            Engine::MariaDb => {
                self.administrate(&format!("DROP DATABASE IF EXISTS `{name}`;"))?;
            }
        }
        Ok(())
    }

    /// Makes the database anew and empty, and lets the server write down what it has not yet written.
    pub(super) fn empty(&self) -> Result<(), String> {
        self.drop()?;
        let name = &self.name;
        match self.engine {
            Engine::Sqlite => {}
            Engine::Postgres => {
                self.administrate(&format!("CREATE DATABASE \"{name}\" TEMPLATE template0;"))?;
                self.administrate("CHECKPOINT;")?;
            }
            Engine::MariaDb => {
                self.administrate(&format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4;"))?;
            }
        }
        Ok(())
    }

    /// Tells whether the server answers.
    pub(super) fn answers(&self) -> bool {
        self.administrate("SELECT 1;").is_ok()
    }

    /// Returns the version that the engine tells of itself.
    pub(super) fn version(&self) -> String {
        let question = match self.engine {
            Engine::Postgres => "SHOW server_version;",
            Engine::MariaDb => "SELECT version();",
            Engine::Sqlite => "SELECT sqlite_version();",
        };
        let told = self.administrate(question).unwrap_or_default();
        told.trim().to_owned()
    }
}

/// Runs a client with the statements on its standard input.
fn feed(mut command: Command, sql: &str) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("cannot run {name}: {error}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // A client that stops early has said why.
        input.write_all(sql.as_bytes()).ok();
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name} failed: {}", said.trim()))
}
