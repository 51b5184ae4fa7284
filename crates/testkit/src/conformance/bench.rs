//! A bench to try a connector at: a table of every form that the engine has, rows for it, and the way of a chunk through the contracts.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, PrimitiveArray, RecordBatch, StringArray};
use futures::TryStreamExt as _;
use whimbrel_core::{
    BATCH_BYTES, Batch, Change, Chunk, ChunkRecord, ChunkResult, Column, ColumnUse, Committed,
    ConnectOptions, Connector, DatabaseUrl, Deferral, Digest, Direction, Error, ErrorClass, Key, KeyRange,
    LogicalType, MigrationId, Position, ReadColumn, ReadRequest, RowHasher, RunKey, Snapshot, Source, Step,
    Table, TableId, Target, WriteColumn, WriteRequest, Writer, arrow_schema,
};

/// A connector at work on an empty database.
pub(super) struct Bench {
    pub(super) connector: Arc<dyn Connector>,
    pub(super) url: DatabaseUrl,
    pub(super) target: Arc<dyn Target>,
    claim: &'static str,
}

/// A table with its columns as they travel.
pub(super) struct Made {
    pub(super) table: Table,
    pub(super) columns: Vec<ReadColumn>,
}

impl Bench {
    pub(super) async fn open(connector: Arc<dyn Connector>, url: DatabaseUrl, claim: &'static str) -> Self {
        let target = connector.target(&url, &options()).await;
        Self {
            target: target.unwrap_or_else(|error| panic!("{claim}: {}", error.chain())),
            connector,
            url,
            claim,
        }
    }

    /// Returns the value, or panics with the claim and the error.
    pub(super) fn good<T>(&self, result: Result<T, Error>) -> T {
        result.unwrap_or_else(|error| panic!("{}: {}", self.claim, error.chain()))
    }

    /// Panics unless it failed as a conflict.
    pub(super) fn conflict<T: Debug>(&self, what: &str, result: Result<T, Error>) {
        match result {
            Err(error) => assert_eq!(
                error.class(),
                ErrorClass::Conflict,
                "{}: {what}: {}",
                self.claim,
                error.chain()
            ),
            Ok(done) => panic!("{}: {what}: {done:?} instead of a conflict", self.claim),
        }
    }

    pub(super) fn migration(&self) -> MigrationId {
        MigrationId("mig_2026_001".to_owned())
    }

    /// Opens the ledger, and so raises the epoch.
    pub(super) async fn run(&self) -> RunKey {
        let ledger = self.target.ledger();
        let epoch = self.good(ledger.open(&self.migration(), "hash").await);
        RunKey {
            migration: self.migration(),
            epoch,
        }
    }

    pub(super) fn id(&self, name: &str) -> TableId {
        match self.connector.capabilities().default_namespace {
            Some(namespace) => TableId::new(namespace, name),
            None => TableId::bare(name),
        }
    }

    /// The steps of a change, with ids.
    pub(super) fn steps(&self, change: &Change) -> Vec<Step> {
        let mut steps = self.good(self.connector.dialect().steps(change));
        for (at, step) in steps.iter_mut().enumerate() {
            step.id = format!("{at:03}_{}", step.title.replace(' ', "_"));
        }
        steps
    }

    pub(super) async fn execute(&self, run: &RunKey, steps: &[Step], direction: Direction) {
        for step in steps {
            self.good(self.target.execute(run, step, direction).await);
        }
    }

    /// Describes a table with a key and a column of each of the forms.
    pub(super) fn describe(&self, name: &str, forms: &[(&str, LogicalType)]) -> Made {
        self.describe_with_key(name, &LogicalType::Integer { bits: 64 }, forms)
    }

    /// Does the same with a key of another form.
    pub(super) fn describe_with_key(
        &self,
        name: &str,
        key_form: &LogicalType,
        forms: &[(&str, LogicalType)],
    ) -> Made {
        let dialect = self.connector.dialect();
        let key = ColumnUse {
            indexed: true,
            sole_primary_key: true,
            ..ColumnUse::default()
        };
        let id = key_form.clone();
        let mut columns = vec![ReadColumn {
            name: "id".to_owned(),
            native: dialect.native(&id, &key).to,
            logical: id,
            rule: None,
        }];
        columns.extend(forms.iter().map(|(name, logical)| ReadColumn {
            name: (*name).to_owned(),
            native: dialect.native(logical, &ColumnUse::default()).to,
            logical: logical.clone(),
            rule: None,
        }));
        let mut table = Table::empty(self.id(name));
        table.columns = columns
            .iter()
            .map(|column| Column::new(&column.name, &column.native))
            .collect();
        table.columns[0].nullable = false;
        table.primary_key = Some(Key {
            name: format!("{name}_pkey"),
            columns: vec!["id".to_owned()],
            deferral: Deferral::Never,
            nulls_equal: false,
            definition: None,
        });
        Made { table, columns }
    }

    /// Makes the described table, and returns it as the catalog has it then.
    pub(super) async fn make(&self, run: &RunKey, described: Made) -> Made {
        let change = Change::CreateTable {
            table: described.table.clone(),
            sequences: Vec::new(),
            as_declared: false,
        };
        self.execute(run, &self.steps(&change), Direction::Do).await;
        let catalog = self.good(self.target.as_source().catalog().await);
        let table = catalog.table(&described.table.id).cloned();
        let table = table.unwrap_or_else(|| panic!("{}: `{}` was not made", self.claim, described.table.id));
        Made { table, ..described }
    }

    /// Makes a table with a number and a text.
    pub(super) async fn make_notes(&self, run: &RunKey) -> Made {
        let described = self.describe("notes", &[("note", LogicalType::text())]);
        self.make(run, described).await
    }

    /// Rows for a table of [`Bench::make_notes`].
    pub(super) fn notes(&self, made: &Made, ids: std::ops::Range<i64>, text: &str) -> Batch {
        let texts: Vec<String> = ids.clone().map(|id| format!("{text} {id}")).collect();
        self.batch(
            made,
            vec![
                Arc::new(PrimitiveArray::<Int64Type>::from_iter_values(ids)),
                Arc::new(StringArray::from(texts)),
            ],
        )
    }

    pub(super) fn batch(&self, made: &Made, arrays: Vec<ArrayRef>) -> Batch {
        let fields = made
            .columns
            .iter()
            .map(|column| (column.name.as_str(), &column.logical));
        let records = RecordBatch::try_new(arrow_schema(fields), arrays);
        Batch {
            records: records.unwrap_or_else(|error| panic!("{}: {error}", self.claim)),
            rejects: Vec::new(),
            ruled: Vec::new(),
        }
    }

    /// Stores a split of one chunk for the whole table.
    pub(super) async fn plan_whole(&self, run: &RunKey, made: &Made) -> Chunk {
        let chunk = Chunk {
            table: made.table.id.clone(),
            index: 0,
            range: KeyRange::All,
        };
        let chunks = std::slice::from_ref(&chunk);
        self.good(
            self.target
                .ledger()
                .store_split(run, &made.table.id, chunks)
                .await,
        );
        chunk
    }

    /// Opens a writer for the chunk and writes the batch.
    pub(super) async fn write(
        &self,
        run: &RunKey,
        made: &Made,
        chunk: &Chunk,
        batch: &Batch,
    ) -> Box<dyn Writer> {
        let mut writer = self.good(self.target.writer(write_request(run, made, chunk)).await);
        assert_eq!(
            self.good(writer.write(batch).await),
            [],
            "{}: no row is refused",
            self.claim
        );
        writer
    }

    /// Writes the batch as the table's only chunk.
    pub(super) async fn fill(&self, run: &RunKey, made: &Made, batch: &Batch) -> ChunkResult {
        let chunk = self.plan_whole(run, made).await;
        let writer = self.write(run, made, &chunk, batch).await;
        let result = result(made, batch);
        let committed = self.good(writer.commit(result.clone()).await);
        assert_eq!(committed, Committed::Done, "{}", self.claim);
        result
    }

    pub(super) async fn snapshot(&self, made: &Made, readers: usize) -> Arc<dyn Snapshot> {
        let tables = std::slice::from_ref(&made.table.id);
        self.good(self.target.as_source().snapshot(tables, readers).await)
    }

    pub(super) async fn read(
        &self,
        snapshot: &dyn Snapshot,
        made: &Made,
        range: KeyRange,
        batch_bytes: usize,
    ) -> Vec<Batch> {
        let request = ReadRequest {
            table: made.table.clone(),
            columns: made.columns.clone(),
            range,
            batch_bytes,
            packed: false,
        };
        let batches: Vec<Batch> = self.good(snapshot.read(request).try_collect().await);
        for batch in &batches {
            assert_eq!(batch.rejects, [], "{}: every row travels", self.claim);
        }
        batches
    }

    /// Digest of all rows of the table as they stand.
    pub(super) async fn content(&self, made: &Made) -> Digest {
        let snapshot = self.snapshot(made, 1).await;
        digest(
            made,
            &self.read(&*snapshot, made, KeyRange::All, BATCH_BYTES).await,
        )
    }

    pub(super) async fn chunks(&self) -> Vec<ChunkRecord> {
        self.good(self.target.ledger().chunks(&self.migration()).await)
    }

    /// Opens the database anew, for reading only.
    pub(super) async fn source(&self) -> Arc<dyn Source> {
        self.good(self.connector.source(&self.url, &options()).await)
    }
}

pub(super) fn options() -> ConnectOptions {
    ConnectOptions {
        jobs: 4,
        memory_bytes: 64 << 20,
        environment: BTreeMap::new(),
    }
}

pub(super) fn write_request(run: &RunKey, made: &Made, chunk: &Chunk) -> WriteRequest {
    let columns = made.columns.iter().map(|column| WriteColumn {
        name: column.name.clone(),
        native: column.native.clone(),
        logical: column.logical.clone(),
    });
    WriteRequest {
        run: run.clone(),
        table: made.table.clone(),
        columns: columns.collect(),
        chunk: chunk.clone(),
        replace: false,
        position: Position("here".to_owned()),
    }
}

pub(super) fn result(made: &Made, batch: &Batch) -> ChunkResult {
    ChunkResult {
        rows: batch.rows() as u64,
        bytes: batch.bytes() as u64,
        rejected: 0,
        digest: digest(made, std::slice::from_ref(batch)),
        ruled: Vec::new(),
    }
}

pub(super) fn digest(made: &Made, batches: &[Batch]) -> Digest {
    let types = made.columns.iter().map(|column| column.logical.clone()).collect();
    let mut hasher = RowHasher::new(types, vec![0]);
    let mut digest = Digest::default();
    for batch in batches {
        let hashed = hasher.hash(&batch.records, &[], |row| digest.add_row(row));
        hashed.unwrap_or_else(|error| panic!("{}", error.chain()));
    }
    digest
}
