//! Where the data set goes: parses the URL and tells what the engines' own clients have to be given.

use std::path::PathBuf;
use std::process::Command;

use crate::cargo::Failure;

/// A database to fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres(Server),
    /// MariaDB or MySQL.
    MariaDb(Server),
}

/// A server and a database on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) database: String,
    /// The file or folder of the socket to use instead of host and port.
    pub(crate) socket: Option<String>,
}

impl Target {
    /// Parses `sqlite:PATH`, `postgres://...`, `mariadb://...` or `mysql://...`.
    pub(crate) fn parse(url: &str) -> Result<Self, Failure> {
        let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
        let found = match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                (!path.is_empty()).then(|| Self::Sqlite(path.into()))
            }
            "postgres" | "postgresql" => Server::parse(rest, "postgres", "5432").map(Self::Postgres),
            "mariadb" | "mysql" => Server::parse(rest, "root", "3306").map(Self::MariaDb),
            _ => None,
        };
        found.ok_or_else(|| {
            Failure::usage(format!(
                "cannot use `{scheme}` URL; must be `sqlite:PATH`, `postgres://user:password@host:port/database` \
                 or `mariadb://user:password@host:port/database`"
            ))
        })
    }
}

impl Server {
    fn parse(rest: &str, user: &str, port: &str) -> Option<Self> {
        let rest = rest.strip_prefix("//")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/')?;
        let (login, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (name, password) = match login.split_once(':') {
            Some((name, password)) => (name, Some(decode(password))),
            None => (login, None),
        };
        let (host, given_port) = address.rsplit_once(':').unwrap_or((address, port));
        let socket = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| matches!(*name, "host" | "socket"));
        let or = |text: &str, otherwise: &str| {
            if text.is_empty() {
                otherwise.to_owned()
            } else {
                decode(text)
            }
        };
        (!database.is_empty()).then(|| Self {
            user: or(name, user),
            password,
            host: or(host, "127.0.0.1"),
            port: or(given_port, port),
            database: decode(database),
            socket: socket.map(|(_, path)| decode(path)),
        })
    }

    /// Returns the client of PostgreSQL, ready to be given a command.
    pub(super) fn psql(&self) -> Command {
        let mut command = Command::new("psql");
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .env("PGHOST", self.socket.as_ref().unwrap_or(&self.host))
            .env("PGPORT", &self.port)
            .env("PGUSER", &self.user)
            .env("PGDATABASE", &self.database)
            .env("PGCLIENTENCODING", "UTF8")
            .env("PGOPTIONS", "-c client_min_messages=error");
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        command
    }

    /// Returns the client of MariaDB, ready to be given a command.
    pub(super) fn mariadb(&self) -> Command {
        let mut command = Command::new("mariadb");
        command.args([
            "--no-defaults",
            "--batch",
            "--skip-column-names",
            "--local-infile=1",
        ]);
        command.args(["--default-character-set=utf8mb4", "--user", &self.user]);
        match &self.socket {
            Some(socket) => command.args(["--socket", socket]),
            None => command.args(["--protocol=tcp", "--host", &self.host, "--port", &self.port]),
        };
        command.arg(&self.database);
        if let Some(password) = &self.password {
            command.env("MYSQL_PWD", password);
        }
        command
    }
}

/// Decodes `%41` and its like.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        let code = after
            .get(..2)
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = match code {
            Some(code) => {
                bytes.push(code);
                &after[2..]
            }
            None => {
                bytes.push(b'%');
                after
            }
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Server, Target};

    #[test]
    fn finds_the_parts_of_a_url() {
        let server = Server {
            user: "me".into(),
            password: Some("p@:ss".into()),
            host: "db".into(),
            port: "77".into(),
            database: "shop".into(),
            socket: None,
        };
        let parsed = Target::parse("mariadb://me:p%40%3Ass@db:77/shop").unwrap();
        assert_eq!(parsed, Target::MariaDb(server));
        let server = Server {
            user: "postgres".into(),
            password: None,
            host: "127.0.0.1".into(),
            port: "5432".into(),
            database: "a".into(),
            socket: Some("/tmp/x".into()),
        };
        let parsed = Target::parse("postgres:///a?host=/tmp/x").unwrap();
        assert_eq!(parsed, Target::Postgres(server));
        for url in ["sqlite:some/file.db", "sqlite://some/file.db"] {
            assert_eq!(Target::parse(url).unwrap(), Target::Sqlite("some/file.db".into()));
        }
    }

    #[test]
    fn refuses_a_url_without_a_database() {
        for url in [
            "postgres://host:1/",
            "mysql://host",
            "sqlite:",
            "oracle://a/b",
            "file.db",
        ] {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
