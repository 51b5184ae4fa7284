//! The connector: what the engine is called, what it can do, and how its sides are opened.

use std::sync::Arc;

use async_trait::async_trait;
use whimbrel_core::{
    Capabilities, ConnectOptions, Connector, DatabaseUrl, Dialect, NameEquality, Result, Source, Target,
};

use crate::dialect::SqliteDialect;
use crate::error::missing;
use crate::gate::DatabaseFile;
use crate::source::SqliteSource;
use crate::target::SqliteTarget;

/// What the engine calls the file that was opened.
const MAIN: &str = "main";

/// SQLite.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqliteConnector;

#[async_trait]
impl Connector for SqliteConnector {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn doc(&self) -> &'static str {
        "SQLite 3 database files"
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["sqlite"]
    }

    fn is_file(&self) -> bool {
        true
    }

    fn example_url(&self) -> &'static str {
        "sqlite:path/to/file.db"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            writers: 1,
            transactional_ddl: true,
            constraints_inline: true,
            namespaces: false,
            default_namespace: None,
            user_types: false,
            name_limit: None,
            names: NameEquality::AsciiCase,
            table_names_in_lower_case: false,
            part_names: NameEquality::AsciiCase,
            foreign_key_names: NameEquality::AsciiCase,
            home: Some(MAIN.to_owned()),
            constraint_names_per_namespace: false,
            index_names_per_namespace: true,
            checks_share_names: false,
            foreign_keys_make_indexes: false,
        }
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        Arc::new(SqliteDialect)
    }

    async fn source(&self, url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Source>> {
        let each = options.memory_bytes / options.jobs.max(1) as u64;
        let file = DatabaseFile::of_url(url)?.within(each);
        if !file.exists() {
            return Err(missing(file.path()));
        }
        Ok(Arc::new(SqliteSource::existing(file)))
    }

    async fn target(&self, url: &DatabaseUrl, options: &ConnectOptions) -> Result<Arc<dyn Target>> {
        let file = DatabaseFile::of_url(url)?.within(options.memory_bytes);
        Ok(Arc::new(SqliteTarget::new(file)))
    }
}
