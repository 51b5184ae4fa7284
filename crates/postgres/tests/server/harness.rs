//! Opens both sides and copies tables chunk by chunk as a run does, so that tests say only what they are about.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::TryStreamExt as _;
use whimbrel_core::{
    BATCH_BYTES, Batch, Catalog, Change, Chunk, ChunkResult, Committed, ConnectOptions, Connector,
    DatabaseUrl, Digest, Direction, Epoch, KeyRange, LogicalType, MigrationId, Position, ReadColumn,
    ReadRequest, Reject, RowHasher, RunKey, Snapshot, Source, Step, Table, TableId, Target, WriteColumn,
    WriteRequest,
};
use whimbrel_postgres::PostgresConnector;

pub(crate) fn options() -> ConnectOptions {
    ConnectOptions {
        jobs: 4,
        memory_bytes: 64 << 20,
        environment: BTreeMap::new(),
    }
}

pub(crate) async fn source(url: &str) -> Arc<dyn Source> {
    PostgresConnector
        .source(&DatabaseUrl::parse(url).unwrap(), &options())
        .await
        .unwrap()
}

pub(crate) async fn target(url: &str) -> Arc<dyn Target> {
    PostgresConnector
        .target(&DatabaseUrl::parse(url).unwrap(), &options())
        .await
        .unwrap()
}

pub(crate) fn migration() -> MigrationId {
    MigrationId("mig_test".to_owned())
}

/// Opens the ledger under the test's migration.
pub(crate) async fn open_run(target: &dyn Target) -> RunKey {
    let epoch: Epoch = target.ledger().open(&migration(), "hash").await.unwrap();
    RunKey {
        migration: migration(),
        epoch,
    }
}

pub(crate) fn id(name: &str) -> TableId {
    TableId::new("public", name)
}

pub(crate) fn table(catalog: &Catalog, name: &str) -> Table {
    catalog
        .table(&id(name))
        .unwrap_or_else(|| panic!("table {name}"))
        .clone()
}

/// Runs the steps of a change, numbered by the caller.
pub(crate) async fn apply(target: &dyn Target, run: &RunKey, name: &str, change: &Change) -> Vec<Step> {
    let mut steps = PostgresConnector.dialect().steps(change).unwrap();
    for (at, step) in steps.iter_mut().enumerate() {
        step.id = format!("{name}_{at}");
        target
            .execute(run, step, Direction::Do)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
    }
    steps
}

/// Stores the split of a table into one chunk, and returns the chunk.
pub(crate) async fn whole_chunk(target: &dyn Target, run: &RunKey, table: &Table) -> Chunk {
    let chunk = Chunk {
        table: table.id.clone(),
        index: 0,
        range: KeyRange::All,
    };
    let chunks = std::slice::from_ref(&chunk);
    target.ledger().store_split(run, &table.id, chunks).await.unwrap();
    chunk
}

/// The columns of a table that are copied, in the form for equal engines.
pub(crate) fn wire_columns(table: &Table) -> Vec<ReadColumn> {
    let dialect = PostgresConnector.dialect();
    let copied = table.columns.iter().filter(|column| column.generated.is_none());
    copied
        .map(|column| ReadColumn {
            name: column.name.clone(),
            native: column.native.clone(),
            logical: dialect.wire(column),
            rule: None,
        })
        .collect()
}

/// The same columns in the form for other engines.
pub(crate) fn typed_columns(table: &Table, catalog: &Catalog) -> Vec<ReadColumn> {
    let dialect = PostgresConnector.dialect();
    let copied = table.columns.iter().filter(|column| column.generated.is_none());
    copied
        .map(|column| ReadColumn {
            name: column.name.clone(),
            native: column.native.clone(),
            logical: dialect.logical(column, catalog, None).to,
            rule: None,
        })
        .collect()
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

/// The whole table as a run between two databases of this engine asks for it, in batches of 64 KiB.
pub(crate) async fn read_packed(
    snapshot: &dyn Snapshot,
    table: &Table,
    columns: &[ReadColumn],
) -> Vec<Batch> {
    let request = ReadRequest {
        table: table.clone(),
        columns: columns.to_vec(),
        range: KeyRange::All,
        batch_bytes: 64 << 10,
        packed: true,
    };
    snapshot.read(request).try_collect().await.unwrap()
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
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    digest(&read(&*snapshot, table, columns, KeyRange::All).await, columns)
}

/// Everything a chunk needs to be written.
pub(crate) fn write_request(
    run: &RunKey,
    table: &Table,
    columns: &[ReadColumn],
    chunk: Chunk,
) -> WriteRequest {
    let natives = |name: &str| table.column(name).unwrap().native.clone();
    WriteRequest {
        run: run.clone(),
        table: table.clone(),
        columns: columns
            .iter()
            .map(|column| WriteColumn {
                name: column.name.clone(),
                native: natives(&column.name),
                logical: column.logical.clone(),
            })
            .collect(),
        chunk,
        replace: false,
        position: Position("test".to_owned()),
    }
}

pub(crate) fn result(rows: u64, digest: Digest) -> ChunkResult {
    ChunkResult {
        rows,
        bytes: 0,
        rejected: 0,
        digest,
        ruled: Vec::new(),
    }
}

/// Copies a table under one snapshot, chunk by chunk; returns the rejected rows.
pub(crate) async fn copy(
    source: &dyn Source,
    target: &dyn Target,
    run: &RunKey,
    table: &Table,
    columns: &[ReadColumn],
) -> Vec<Reject> {
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 2).await.unwrap();
    let chunks = snapshot.split(table, 1 << 20).await.unwrap();
    target
        .ledger()
        .store_split(run, &table.id, &chunks)
        .await
        .unwrap();
    let mut rejects = Vec::new();
    for chunk in chunks {
        let batches = read(&*snapshot, table, columns, chunk.range.clone()).await;
        let mut writer = target
            .writer(write_request(run, table, columns, chunk))
            .await
            .unwrap();
        for batch in &batches {
            rejects.extend(batch.rejects.iter().cloned());
            let refused = writer
                .write(batch)
                .await
                .unwrap_or_else(|error| panic!("{}", error.chain()));
            rejects.extend(refused);
        }
        let rows = batches
            .iter()
            .map(|batch| u64::try_from(batch.rows()).unwrap())
            .sum();
        let committed = writer
            .commit(result(rows, digest(&batches, columns)))
            .await
            .unwrap();
        assert_eq!(committed, Committed::Done);
    }
    rejects
}
