//! The MySQL and MariaDB connectors: one dialect with two flavours, a source and a target, with the ledger in tables of the database itself.
//!
//! `flavour` and `native` say what a server and a column are; `connect` and `tls` open sessions, those that read rows are `wire`'s; `catalog` describes, `dialect` speaks,
//! `codec` translates values; `source`, `snapshot`, `profile` and `aggregate` read; `target`, `writer` and `ledger` write; `check` says
//! what could hinder.

mod aggregate;
mod catalog;
mod check;
mod codec;
mod columns;
mod connect;
mod dialect;
mod emptiness;
mod error;
mod execute;
mod flavour;
mod foreign_keys;
mod handshake;
mod ledger;
mod native;
mod place;
mod profile;
mod quote;
mod range;
mod read;
mod readers;
mod scalar;
mod snapshot;
mod source;
mod split;
mod target;
mod tls;
mod usage;
mod wire;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use whimbrel_core::{
    Capabilities, Catalog, ConnectOptions, Connector, DatabaseUrl, Dialect, Handshake, NameEquality,
    NameLimit, Result, Source, Target,
};

pub use dialect::MysqlDialect;
pub use flavour::{Flavour, Version};

/// MySQL or MariaDB. Either leads to whatever server stands behind the URL; the name is what the user expects there.
#[derive(Debug, Clone, Copy)]
pub struct MysqlConnector {
    /// The family.
    pub flavour: Flavour,
}

impl MysqlConnector {
    /// The family of the server behind the catalog, whatever the URL says.
    fn flavour_of(self, catalog: &Catalog) -> Flavour {
        let mut flavours = [Flavour::MySql, Flavour::MariaDb].into_iter();
        let told = flavours.find(|flavour| flavour.name() == catalog.engine);
        told.unwrap_or(self.flavour)
    }

    /// The oldest version that can be a target: what is known of no server in particular must hold for all.
    fn oldest(self) -> Version {
        let number = match self.flavour {
            Flavour::MySql => (8, 0, 0),
            Flavour::MariaDb => (10, 5, 0),
        };
        Version {
            flavour: self.flavour,
            number,
        }
    }
}

/// How the server writes and compares the names of tables: `0` as they are, `1` in lower case, `2` written as they are and compared in lower
/// case (manual of MySQL, 11.2.3).
fn case_of_tables(catalog: &Catalog) -> &str {
    let setting = catalog.settings.get("lower_case_table_names");
    setting.map_or("0", String::as_str)
}

#[async_trait]
impl Connector for MysqlConnector {
    fn name(&self) -> &'static str {
        self.flavour.name()
    }

    fn doc(&self) -> &'static str {
        match self.flavour {
            Flavour::MySql => "MySQL 8.0 and later, as a source also 5.7",
            Flavour::MariaDb => "MariaDB 10.5 and later, as a source also 10.3",
        }
    }

    fn schemes(&self) -> &'static [&'static str] {
        match self.flavour {
            Flavour::MySql => &["mysql"],
            Flavour::MariaDb => &["mariadb"],
        }
    }

    fn memory_settings(&self) -> &'static [(&'static str, &'static str)] {
        // Left alone, the driver keeps up to 128 buffers of 4 MiB that have held large rows.
        &[
            ("MYSQL_ASYNC_BUFFER_SIZE_CAP", "131072"),
            ("MYSQL_ASYNC_BUFFER_POOL_CAP", "32"),
        ]
    }

    fn handshake(&self) -> Option<Handshake> {
        Some(handshake::HANDSHAKE)
    }

    fn example_url(&self) -> &'static str {
        match self.flavour {
            Flavour::MySql => "mysql://user@localhost/database",
            Flavour::MariaDb => "mariadb://user@localhost/database",
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            writers: target::WRITERS_MAX,
            transactional_ddl: false,
            constraints_inline: false,
            namespaces: false,
            default_namespace: None,
            user_types: false,
            name_limit: Some(NameLimit::Chars(64)),
            names: NameEquality::Exact,
            table_names_in_lower_case: false,
            part_names: NameEquality::Case,
            foreign_key_names: self.flavour.foreign_key_names(),
            home: None,
            constraint_names_per_namespace: true,
            index_names_per_namespace: false,
            checks_share_names: self.flavour == Flavour::MariaDb,
            foreign_keys_make_indexes: true,
        }
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::new(MysqlDialect {
            version: self.oldest(),
        })
    }

    fn capabilities_of(&self, catalog: &Catalog) -> Capabilities {
        let flavour = self.flavour_of(catalog);
        Capabilities {
            names: match case_of_tables(catalog) {
                "0" => NameEquality::Exact,
                _ => NameEquality::Case,
            },
            table_names_in_lower_case: case_of_tables(catalog) == "1",
            home: Some(catalog.database.clone()).filter(|name| !name.is_empty()),
            ..Self { flavour }.capabilities()
        }
    }

    fn dialect_of(&self, catalog: &Catalog) -> Arc<dyn Dialect> {
        Arc::new(MysqlDialect {
            version: Version {
                flavour: self.flavour_of(catalog),
                number: Version::parse(&catalog.version).number,
            },
        })
    }

    async fn source(&self, url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Source>> {
        let source = source::MysqlSource::open(url, options).await?;
        Ok(Arc::new(source))
    }

    async fn target(&self, url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Target>> {
        let target = target::MysqlTarget::open(url, options).await?;
        Ok(Arc::new(target))
    }
}
