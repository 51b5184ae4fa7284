//! The one visible list of engines. Whoever needs an engine asks here for its connector; nobody else names one.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use whimbrel_core::{Connector, DatabaseUrl, Error, Result};
use whimbrel_mysql::{Flavour, MysqlConnector};

use crate::refusal;

/// Returns every engine there is.
pub fn connectors() -> Vec<Arc<dyn Connector>> {
    vec![
        Arc::new(whimbrel_sqlite::SqliteConnector),
        Arc::new(whimbrel_postgres::PostgresConnector),
        Arc::new(MysqlConnector {
            flavour: Flavour::MySql,
        }),
        Arc::new(MysqlConnector {
            flavour: Flavour::MariaDb,
        }),
    ]
}

/// Returns the engine that a URL's scheme selects.
///
/// # Errors
/// A usage error that lists the schemes there are.
pub fn connector(scheme: &str) -> Result<Arc<dyn Connector>> {
    let all = connectors();
    let schemes: Vec<String> = all
        .iter()
        .flat_map(|each| each.schemes())
        .map(|scheme| format!("`{scheme}`"))
        .collect();
    let example = all.first().map_or("", |each| each.example_url()).to_owned();
    let found = all.into_iter().find(|each| each.schemes().contains(&scheme));
    found.ok_or_else(|| {
        let message = format!("the scheme is `{scheme}`; must be one of {}", schemes.join(", "));
        refusal::usage(message).with_hint(format!("write the database as a URL such as `{example}`"))
    })
}

/// Parses a URL the way its engine writes it.
///
/// # Errors
/// As [`DatabaseUrl::parse`] and [`connector`].
pub fn parse_url(text: &str) -> Result<DatabaseUrl> {
    if connector(&DatabaseUrl::scheme_of(text)?)?.is_file() {
        DatabaseUrl::parse_file(text)
    } else {
        DatabaseUrl::parse(text)
    }
}

/// Returns the engine with the name, as plans store it.
///
/// # Errors
/// A usage error when this build does not have it.
pub fn connector_named(name: &str) -> Result<Arc<dyn Connector>> {
    let found = connectors().into_iter().find(|each| each.name() == name);
    found.ok_or_else(|| {
        refusal::usage(format!(
            "the plan needs the engine `{name}`; this build does not have it"
        ))
        .with_hint("run the version of whimbrel that made the plan")
    })
}

/// Returns the URL of a database file of the embedded engine.
pub fn file_url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// How long a server is waited for before somebody looks what else is there.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a server that speaks first may take for its first word, and any for an answer.
const FIRST_WORD: Duration = Duration::from_secs(2);
/// Asks a PostgreSQL server for TLS; the answer is one letter.
const ASK_FOR_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Opens a database, unless a server of another engine answers at the address: some wait for the client's first word and some speak first, so
/// that a client of the one kind and a server of the other would wait for each other.
///
/// # Errors
/// Those of opening; and that another scheme must be written.
pub async fn unless_another<T>(url: &DatabaseUrl, opening: impl Future<Output = Result<T>>) -> Result<T> {
    let mut opening = pin!(opening);
    let error = match timeout(PATIENCE, &mut opening).await {
        Ok(Err(error)) if matches!(error.code(), "connection" | "tls") => Some(error),
        Ok(done) => return done,
        Err(_) => None,
    };
    match (scheme_at(url).await, error) {
        (Some(scheme), error) => Err(is_another(url, scheme, error)),
        (None, Some(error)) => Err(error),
        (None, None) => opening.await,
    }
}

fn is_another(url: &DatabaseUrl, scheme: &str, cause: Option<Error>) -> Error {
    let right = DatabaseUrl {
        scheme: scheme.to_owned(),
        ..url.clone()
    };
    let message = format!(
        "cannot connect to {}: the scheme is `{}`; must be `{scheme}`, as such a server answers there",
        url.masked(),
        url.scheme
    );
    let error = Error::invalid(message)
        .with_code("connection")
        .with_hint(format!("whimbrel inspect '{}'", right.masked()));
    match cause {
        Some(cause) => error.with_cause(cause),
        None => error,
    }
}

/// The scheme of the server at the address, when it is of another kind than the URL says.
async fn scheme_at(url: &DatabaseUrl) -> Option<&'static str> {
    let connector = connector(&url.scheme).ok()?;
    let host = url.host.as_deref().filter(|host| !host.starts_with('/'))?;
    let waits = connector.name() == "postgres";
    if connector.is_file() {
        return None;
    }
    let port = url.port.unwrap_or(if waits { 5432 } else { 3306 });
    let mut stream = timeout(PATIENCE, TcpStream::connect((host, port)))
        .await
        .ok()?
        .ok()?;
    let mut first = [0; 96];
    let Ok(greeting) = timeout(FIRST_WORD, stream.read(&mut first)).await else {
        stream.write_all(&ASK_FOR_TLS).await.ok()?;
        let answer = timeout(FIRST_WORD, stream.read_u8()).await.ok()?.ok()?;
        return (!waits && matches!(answer, b'S' | b'N')).then_some("postgres");
    };
    greeted(&first[..greeting.ok()?]).filter(|_| waits)
}

/// The scheme of a server that greets like this: three bytes of length, a number of the packet, the version of the protocol, its own version.
fn greeted(greeting: &[u8]) -> Option<&'static str> {
    let (head, version) = greeting.split_at_checked(5)?;
    let is_ours = head[3] == 0 && head[4] == 10;
    let is_mariadb = String::from_utf8_lossy(version).contains("MariaDB");
    is_ours.then_some(if is_mariadb { "mariadb" } else { "mysql" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_scheme_is_refused_with_the_schemes_there_are() {
        let Err(error) = connector("oracle") else {
            panic!("there is no such engine")
        };
        let text = error.to_string();
        assert_eq!(error.code(), refusal::USAGE);
        for scheme in ["`oracle`", "`sqlite`", "`postgres`", "`mysql`", "`mariadb`"] {
            assert!(text.contains(scheme), "{text}");
        }
    }

    #[test]
    fn a_file_may_be_written_with_slashes_too() {
        for text in ["sqlite:a b.db", "sqlite://a b.db"] {
            assert_eq!(parse_url(text).unwrap().database, "a b.db");
        }
        assert_eq!(parse_url("postgres://h/d").unwrap().host.as_deref(), Some("h"));
    }

    #[test]
    fn names_and_schemes_select_one_engine_each() {
        let mut schemes: Vec<_> = connectors()
            .iter()
            .flat_map(|each| each.schemes().to_vec())
            .collect();
        let all = schemes.len();
        schemes.sort_unstable();
        schemes.dedup();
        assert_eq!(schemes.len(), all);
        for each in connectors() {
            assert_eq!(connector_named(each.name()).unwrap().name(), each.name());
        }
    }
}
