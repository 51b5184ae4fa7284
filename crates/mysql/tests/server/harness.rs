//! Opens databases of both flavours and reads tables as a run does, so that tests say only what they are about.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt as _;
use whimbrel_core::{
    BATCH_BYTES, Batch, Column, ConnectOptions, Connector, DatabaseUrl, Deferral, Digest, Key, KeyRange,
    LogicalType, ReadColumn, ReadRequest, RowHasher, Snapshot, Source, Table, TableId, ValueRule,
};
use whimbrel_mysql::MysqlConnector;
use whimbrel_testkit::mysql::{Flavour, TestDatabase};

/// A fresh database of each flavour that the machine has.
pub(crate) fn databases(name: &str) -> Vec<TestDatabase> {
    Flavour::ALL
        .into_iter()
        .filter_map(|flavour| TestDatabase::create(flavour, name))
        .collect()
}

pub(crate) fn connector(url: &str) -> Arc<dyn Connector> {
    let flavour = match url.starts_with("mariadb:") {
        true => whimbrel_mysql::Flavour::MariaDb,
        false => whimbrel_mysql::Flavour::MySql,
    };
    Arc::new(MysqlConnector { flavour })
}

pub(crate) fn options() -> ConnectOptions {
    ConnectOptions {
        jobs: 4,
        memory_bytes: 64 << 20,
        environment: BTreeMap::new(),
    }
}

pub(crate) async fn source(url: &str) -> Arc<dyn Source> {
    try_source(url)
        .await
        .unwrap_or_else(|error| panic!("{}", error.chain()))
}

pub(crate) async fn try_source(url: &str) -> whimbrel_core::Result<Arc<dyn Source>> {
    connector(url)
        .source(&DatabaseUrl::parse(url).unwrap(), &options())
        .await
}

/// The table as the server describes it, without the catalog's help: columns, primary key and unique keys.
pub(crate) fn table(database: &TestDatabase, name: &str) -> Table {
    let mut table = Table::empty(TableId::bare(name));
    let rows = database.query_text(&format!(
        "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE FROM information_schema.COLUMNS
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{name}' ORDER BY ORDINAL_POSITION"
    ));
    for row in rows {
        let [Some(name), Some(native), Some(nullable)] = row.as_slice() else {
            panic!("{row:?}")
        };
        let mut column = Column::new(name, native);
        column.nullable = nullable == "YES";
        table.columns.push(column);
    }
    let rows = database.query_text(&format!(
        "SELECT INDEX_NAME, GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX SEPARATOR '\n') FROM information_schema.STATISTICS
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{name}' AND NON_UNIQUE = 0 GROUP BY INDEX_NAME"
    ));
    for row in rows {
        let [Some(name), Some(columns)] = row.as_slice() else {
            panic!("{row:?}")
        };
        let key = Key {
            name: name.clone(),
            columns: columns.split('\n').map(str::to_owned).collect(),
            deferral: Deferral::Never,
            nulls_equal: false,
            definition: None,
        };
        match name.as_str() {
            "PRIMARY" => table.primary_key = Some(key),
            _ => table.uniques.push(key),
        }
    }
    table
}

/// All columns in the form for equal engines.
pub(crate) fn wire_columns(table: &Table) -> Vec<ReadColumn> {
    table
        .columns
        .iter()
        .map(|column| {
            let wire = LogicalType::Wire {
                native: column.native.clone(),
                printed: false,
            };
            read_column(column, wire)
        })
        .collect()
}

pub(crate) fn read_column(column: &Column, logical: LogicalType) -> ReadColumn {
    ReadColumn {
        name: column.name.clone(),
        native: column.native.clone(),
        logical,
        rule: None,
    }
}

/// One column as the logical type.
pub(crate) fn reading(table: &Table, name: &str, logical: LogicalType) -> ReadColumn {
    read_column(table.column(name).unwrap(), logical)
}

/// One column as the logical type, under a rule.
pub(crate) fn ruled(table: &Table, name: &str, logical: LogicalType, rule: ValueRule) -> ReadColumn {
    ReadColumn {
        rule: Some(rule),
        ..reading(table, name, logical)
    }
}

pub(crate) async fn open(source: &dyn Source, table: &Table, readers: usize) -> Arc<dyn Snapshot> {
    source
        .snapshot(std::slice::from_ref(&table.id), readers)
        .await
        .unwrap_or_else(|error| panic!("{}", error.chain()))
}

pub(crate) async fn read(
    snapshot: &dyn Snapshot,
    table: &Table,
    columns: &[ReadColumn],
    range: KeyRange,
) -> Vec<Batch> {
    try_read(snapshot, table, columns, range)
        .await
        .unwrap_or_else(|error| panic!("{}", error.chain()))
}

pub(crate) async fn try_read(
    snapshot: &dyn Snapshot,
    table: &Table,
    columns: &[ReadColumn],
    range: KeyRange,
) -> whimbrel_core::Result<Vec<Batch>> {
    let request = ReadRequest {
        table: table.clone(),
        columns: columns.to_vec(),
        range,
        batch_bytes: BATCH_BYTES,
        packed: false,
    };
    snapshot.read(request).try_collect().await
}

/// The digest of all rows of all batches.
pub(crate) fn digest(batches: &[Batch], columns: &[ReadColumn]) -> Digest {
    let types: Vec<LogicalType> = columns.iter().map(|column| column.logical.clone()).collect();
    let mut hasher = RowHasher::new(types, vec![]);
    let mut digest = Digest::default();
    for batch in batches {
        hasher
            .hash(&batch.records, &[], |row| digest.add_row(row))
            .unwrap();
    }
    digest
}

pub(crate) async fn whole(source: &dyn Source, table: &Table, columns: &[ReadColumn]) -> Digest {
    let snapshot = open(source, table, 1).await;
    digest(&read(&*snapshot, table, columns, KeyRange::All).await, columns)
}
