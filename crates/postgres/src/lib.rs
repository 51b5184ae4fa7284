//! The PostgreSQL connector (14 and later, as a source also 10 to 13): a source and a target over COPY BINARY, with the ledger in a schema of its own.
//!
//! `connect` and `tls` open sessions; `catalog` describes, `dialect` speaks, `codec` translates values; `source`,
//! `snapshot`, `profile` and `aggregate` read; `target`, `writer` and `ledger` write; `check` says what could hinder.

mod aggregate;
mod calendar;
mod catalog;
mod check;
mod codec;
mod column_option;
mod columns;
mod connect;
mod dialect;
mod durability;
mod error;
mod extent;
mod foreign_keys;
mod handshake;
mod large_objects;
mod ledger;
mod native;
mod passes;
mod place;
mod profile;
mod quote;
mod range;
mod read;
mod readers;
mod records;
mod scalar;
mod snapshot;
mod source;
mod split;
mod target;
mod tls;
mod transaction;
mod usage;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use whimbrel_core::{
    Capabilities, Catalog, ConnectOptions, Connector, DatabaseUrl, Dialect, Handshake, NameEquality,
    NameLimit, Result, Source, Target,
};

pub use dialect::PostgresDialect;

/// PostgreSQL.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostgresConnector;

#[async_trait]
impl Connector for PostgresConnector {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn doc(&self) -> &'static str {
        "PostgreSQL 14 and later (10 to 13 as a source)"
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["postgres", "postgresql"]
    }

    fn handshake(&self) -> Option<Handshake> {
        Some(handshake::HANDSHAKE)
    }

    fn example_url(&self) -> &'static str {
        "postgres://user@localhost/database"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            writers: target::WRITERS_MAX,
            transactional_ddl: true,
            constraints_inline: false,
            namespaces: true,
            default_namespace: Some("public"),
            user_types: true,
            name_limit: Some(NameLimit::Bytes(63)),
            names: NameEquality::Exact,
            table_names_in_lower_case: false,
            part_names: NameEquality::Exact,
            foreign_key_names: NameEquality::Exact,
            home: None,
            constraint_names_per_namespace: false,
            index_names_per_namespace: true,
            checks_share_names: true,
            foreign_keys_make_indexes: false,
        }
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::new(PostgresDialect::newest())
    }

    fn dialect_of(&self, catalog: &Catalog) -> Arc<dyn Dialect> {
        Arc::new(PostgresDialect::of(catalog))
    }

    async fn source(&self, url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Source>> {
        let source = source::PostgresSource::open(url, options).await?;
        Ok(Arc::new(source))
    }

    async fn target(&self, url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Target>> {
        let target = target::PostgresTarget::open(url, options).await?;
        Ok(Arc::new(target))
    }
}
