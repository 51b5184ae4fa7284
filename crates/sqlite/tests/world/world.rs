//! What the tests of this crate share: files, sources and targets, and a copy through the contracts alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use rusqlite::Connection;
use tempfile::TempDir;
use whimbrel_core::{
    Batch, Catalog, Change, Chunk, ChunkResult, Committed, ConnectOptions, Connector, DatabaseUrl, Dialect,
    Digest, Direction, Epoch, KeyRange, MigrationId, ReadColumn, ReadRequest, Result, RowHasher, RunKey,
    Snapshot, Source, Table, TableId, Target, WriteColumn, WriteRequest,
};
use whimbrel_sqlite::SqliteConnector;

pub(crate) const BATCH_BYTES: usize = 1 << 20;

/// A folder for files that is removed at the end.
pub(crate) struct World {
    folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::with_prefix("whimbrel-sqlite-test-").unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    pub(crate) fn file(&self, name: &str, sql: &str) -> PathBuf {
        let path = self.path(name);
        run(&path, sql);
        path
    }
}

pub(crate) fn run(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = 0").unwrap();
    connection
        .execute_batch(sql)
        .unwrap_or_else(|error| panic!("{error}\nin {sql}"));
}

pub(crate) fn number(path: &Path, sql: &str) -> i64 {
    Connection::open(path)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{error}\nin {sql}"))
}

fn url(path: &Path) -> DatabaseUrl {
    DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap()
}

fn options() -> ConnectOptions {
    ConnectOptions {
        jobs: 2,
        memory_bytes: 64 << 20,
        environment: BTreeMap::new(),
    }
}

pub(crate) async fn source(path: &Path) -> Arc<dyn Source> {
    SqliteConnector.source(&url(path), &options()).await.unwrap()
}

pub(crate) async fn source_error(path: &Path) -> whimbrel_core::Error {
    match SqliteConnector.source(&url(path), &options()).await {
        Err(error) => error,
        Ok(source) => source.catalog().await.expect_err("the source cannot be read"),
    }
}

pub(crate) async fn target(path: &Path) -> Arc<dyn Target> {
    SqliteConnector.target(&url(path), &options()).await.unwrap()
}

pub(crate) async fn limited_target(path: &Path, pages: i64) -> Arc<dyn Target> {
    let url = DatabaseUrl::parse(&format!("sqlite:{}?max_page_count={pages}", path.display())).unwrap();
    SqliteConnector.target(&url, &options()).await.unwrap()
}

pub(crate) fn dialect() -> Arc<dyn Dialect> {
    SqliteConnector.dialect()
}

pub(crate) async fn catalog(path: &Path) -> Catalog {
    source(path).await.catalog().await.unwrap()
}

pub(crate) fn migration() -> MigrationId {
    MigrationId("mig_1".to_owned())
}

pub(crate) async fn open(target: &Arc<dyn Target>) -> RunKey {
    RunKey {
        migration: migration(),
        epoch: target.ledger().open(&migration(), "hash").await.unwrap(),
    }
}

pub(crate) fn stale(run: &RunKey) -> RunKey {
    RunKey {
        migration: run.migration.clone(),
        epoch: Epoch(run.epoch.0 - 1),
    }
}

/// The columns of a table in the form in which they travel between equal engines.
pub(crate) fn wire_columns(table: &Table) -> Vec<ReadColumn> {
    table
        .columns
        .iter()
        .filter(|column| column.generated.is_none())
        .map(|column| ReadColumn {
            name: column.name.clone(),
            native: column.native.clone(),
            logical: dialect().wire(column),
            rule: None,
        })
        .collect()
}

pub(crate) fn written(columns: &[ReadColumn]) -> Vec<WriteColumn> {
    columns
        .iter()
        .map(|column| WriteColumn {
            name: column.name.clone(),
            native: column.native.clone(),
            logical: column.logical.clone(),
        })
        .collect()
}

pub(crate) fn read_request(table: &Table, columns: &[ReadColumn], range: KeyRange) -> ReadRequest {
    ReadRequest {
        table: table.clone(),
        columns: columns.to_vec(),
        range,
        batch_bytes: BATCH_BYTES,
        packed: false,
    }
}

pub(crate) async fn read(snapshot: &Arc<dyn Snapshot>, request: ReadRequest) -> Result<Vec<Batch>> {
    let mut stream = snapshot.read(request);
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch?);
    }
    Ok(batches)
}

pub(crate) fn digest(columns: &[ReadColumn], batches: &[Batch]) -> Digest {
    let types = columns.iter().map(|column| column.logical.clone()).collect();
    let mut hasher = RowHasher::new(types, Vec::new());
    let mut digest = Digest::default();
    for batch in batches {
        hasher
            .hash(&batch.records, &[], |row| digest.add_row(row))
            .unwrap();
    }
    digest
}

pub(crate) async fn digest_of(path: &Path, table: &Table, columns: &[ReadColumn]) -> Digest {
    let snapshot = source(path)
        .await
        .snapshot(std::slice::from_ref(&table.id), 1)
        .await
        .unwrap();
    let batches = read(&snapshot, read_request(table, columns, KeyRange::All))
        .await
        .unwrap();
    assert!(batches.iter().all(|batch| batch.rejects.is_empty()));
    digest(columns, &batches)
}

pub(crate) fn write_request(
    run: &RunKey,
    table: &Table,
    columns: &[ReadColumn],
    chunk: Chunk,
) -> WriteRequest {
    WriteRequest {
        run: run.clone(),
        table: table.clone(),
        columns: written(columns),
        chunk,
        replace: false,
        position: whimbrel_core::Position("here".to_owned()),
    }
}

pub(crate) async fn create(target: &Arc<dyn Target>, run: &RunKey, changes: &[Change]) {
    for (at, change) in changes.iter().enumerate() {
        for mut step in dialect().steps(change).unwrap() {
            step.id = format!("{at:03}_{}", step.title);
            target.execute(run, &step, Direction::Do).await.unwrap();
        }
    }
}

pub(crate) fn create_table(table: &Table) -> Change {
    Change::CreateTable {
        table: table.clone(),
        sequences: Vec::new(),
        as_declared: false,
    }
}

/// Copies every table of a file into another, as the pipeline does; returns the number of rows.
pub(crate) async fn copy(from: &Path, to: &Path, chunk_bytes: u64) -> u64 {
    let source = source(from).await;
    let catalog = source.catalog().await.unwrap();
    let target = target(to).await;
    let run = open(&target).await;
    let mut changes: Vec<Change> = catalog.tables.iter().map(create_table).collect();
    create(&target, &run, &changes).await;
    let ids: Vec<TableId> = catalog.tables.iter().map(|table| table.id.clone()).collect();
    let snapshot = source.snapshot(&ids, 2).await.unwrap();
    let mut rows = 0;
    for table in &catalog.tables {
        let columns = wire_columns(table);
        let chunks = snapshot.split(table, chunk_bytes).await.unwrap();
        target
            .ledger()
            .store_split(&run, &table.id, &chunks)
            .await
            .unwrap();
        for chunk in chunks {
            let mut writer = target
                .writer(write_request(&run, table, &columns, chunk.clone()))
                .await
                .unwrap();
            let batches = read(&snapshot, read_request(table, &columns, chunk.range))
                .await
                .unwrap();
            for batch in &batches {
                assert_eq!(writer.write(batch).await.unwrap(), []);
            }
            let digest = digest(&columns, &batches);
            rows += digest.rows;
            let result = ChunkResult {
                rows: digest.rows,
                bytes: 0,
                rejected: 0,
                digest,
                ruled: Vec::new(),
            };
            assert_eq!(writer.commit(result).await.unwrap(), Committed::Done);
        }
    }
    changes = Vec::new();
    for table in &catalog.tables {
        changes.extend(table.indexes.iter().map(|index| Change::CreateIndex {
            table: table.id.clone(),
            index: index.clone(),
        }));
    }
    changes.extend(catalog.views.iter().cloned().map(Change::CreateView));
    for (at, change) in changes.iter().enumerate() {
        for mut step in dialect().steps(change).unwrap() {
            step.id = format!("after_{at}");
            target.execute(&run, &step, Direction::Do).await.unwrap();
        }
    }
    for sequence in &catalog.sequences {
        if let Some(position) = sequence.position {
            target
                .set_sequences(&run, &[(sequence.id.clone(), position)])
                .await
                .unwrap();
        }
    }
    target.settle(&ids).await.unwrap();
    rows
}
