//! The one visible list of engines. Whoever needs an engine asks here for its connector; nobody else names one.

use std::path::Path;
use std::sync::Arc;

use whimbrel_core::{Connector, DatabaseUrl, Result};
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

    #[test]
    fn every_server_is_known_by_its_handshake_and_files_have_none() {
        for each in connectors() {
            assert_eq!(each.handshake().is_none(), each.is_file(), "{}", each.name());
        }
    }
}
