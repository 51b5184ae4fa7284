//! The ledger: epochs, writers that were left behind, and what is forgotten.

use std::sync::Arc;

use whimbrel_core::{
    Batch, Chunk, ChunkResult, Committed, DatabaseUrl, Digest, ErrorClass, KeyRange, LogicalType,
    MigrationId, Position, RunKey, Table, TableId, Target, WriteColumn, WriteRequest, arrow_schema,
};
use whimbrel_testkit::mysql::TestDatabase;

use crate::harness::{connector, databases, options, table};

pub(crate) async fn target(url: &str) -> Arc<dyn Target> {
    connector(url)
        .target(&DatabaseUrl::parse(url).unwrap(), &options())
        .await
        .unwrap_or_else(|error| panic!("{}", error.chain()))
}

pub(crate) async fn open_run(target: &dyn Target) -> RunKey {
    let migration = MigrationId("mig_2026_001".to_owned());
    let epoch = target.ledger().open(&migration, "hash").await.unwrap();
    RunKey { migration, epoch }
}

/// A table `t` of numbers, its only chunk in the ledger, and a batch for it.
pub(crate) struct Work {
    pub(crate) table: Table,
    pub(crate) chunk: Chunk,
    pub(crate) batch: Batch,
}

impl Work {
    pub(crate) fn new(database: &TestDatabase, rows: i64) -> Self {
        database.execute("CREATE TABLE t (id bigint PRIMARY KEY)");
        let numbers: arrow_array::Int64Array = (0..rows).collect();
        let schema = arrow_schema([("id", &LogicalType::Integer { bits: 64 })]);
        let records = arrow_array::RecordBatch::try_new(schema, vec![Arc::new(numbers)]).unwrap();
        Self {
            table: table(database, "t"),
            chunk: chunk(0),
            batch: Batch {
                records,
                rejects: Vec::new(),
                ruled: Vec::new(),
            },
        }
    }

    pub(crate) async fn plan(&self, target: &dyn Target, run: &RunKey) {
        let chunks = std::slice::from_ref(&self.chunk);
        target
            .ledger()
            .store_split(run, &self.table.id, chunks)
            .await
            .unwrap();
    }

    pub(crate) fn request(&self, run: &RunKey) -> WriteRequest {
        WriteRequest {
            run: run.clone(),
            table: self.table.clone(),
            columns: vec![WriteColumn {
                name: "id".to_owned(),
                native: "bigint".to_owned(),
                logical: LogicalType::Integer { bits: 64 },
            }],
            chunk: self.chunk.clone(),
            replace: false,
            position: Position("here".to_owned()),
        }
    }

    pub(crate) fn result(&self) -> ChunkResult {
        ChunkResult {
            rows: self.batch.rows() as u64,
            bytes: 8,
            rejected: 0,
            ruled: vec![3, 0],
            digest: Digest::default(),
        }
    }

    /// Writes and commits the chunk.
    pub(crate) async fn write(&self, target: &dyn Target, run: &RunKey) -> whimbrel_core::Result<Committed> {
        let mut writer = target.writer(self.request(run)).await?;
        let rejects = writer.write(&self.batch).await?;
        assert_eq!(rejects, []);
        writer.commit(self.result()).await
    }
}

pub(crate) fn chunk(index: u32) -> Chunk {
    Chunk {
        table: TableId::bare("t"),
        index,
        range: KeyRange::All,
    }
}

pub(crate) fn count(database: &TestDatabase) -> String {
    database.query_text("SELECT count(*) FROM t")[0][0]
        .clone()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_left_behind_is_ended_when_the_next_run_opens_the_ledger() {
    for database in databases("left behind") {
        let target = target(database.url()).await;
        let work = Work::new(&database, 100);
        let old = open_run(&*target).await;
        work.plan(&*target, &old).await;
        let mut stopped = target.writer(work.request(&old)).await.unwrap();
        assert_eq!(stopped.write(&work.batch).await.unwrap(), []);

        let new = open_run(&*target).await;
        assert_eq!(new.epoch.0, old.epoch.0 + 1);
        // Its rows are gone, and so are its locks.
        assert_eq!(work.write(&*target, &new).await.unwrap(), Committed::Done);
        let late = stopped.commit(work.result()).await;
        assert!(late.is_err(), "{late:?}");
        assert_eq!(count(&database), "100");
        let records = target.ledger().chunks(&new.migration).await.unwrap();
        assert_eq!(records[0].result, Some(work.result()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_an_older_epoch_can_commit_nothing() {
    for database in databases("epoch") {
        let target = target(database.url()).await;
        let work = Work::new(&database, 10);
        let old = open_run(&*target).await;
        work.plan(&*target, &old).await;
        let mut writer = target.writer(work.request(&old)).await.unwrap();
        assert_eq!(writer.write(&work.batch).await.unwrap(), []);
        // As another run raises it that could not end this session.
        database.execute("UPDATE _whimbrel_runs SET epoch = epoch + 1");
        let error = writer.commit(work.result()).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Conflict, "{}", error.chain());
        let Err(error) = target.writer(work.request(&old)).await else {
            panic!("a writer of an old epoch began");
        };
        assert_eq!(error.class(), ErrorClass::Conflict);
        assert_eq!(count(&database), "0");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_goes_with_the_last_migration_that_it_knows() {
    for database in databases("forget") {
        let target = target(database.url()).await;
        let ledger = target.ledger();
        let other = MigrationId("mig_ö".to_owned());
        assert_eq!(ledger.epoch(&other).await.unwrap(), None);
        let run = open_run(&*target).await;
        ledger.open(&other, "x").await.unwrap();
        let work = Work::new(&database, 1);
        work.plan(&*target, &run).await;
        ledger.forget(&run.migration).await.unwrap();
        assert_eq!(ledger.epoch(&run.migration).await.unwrap(), None);
        assert_eq!(ledger.chunks(&run.migration).await.unwrap(), []);
        assert!(ledger.epoch(&other).await.unwrap().is_some());
        // A crash while the tables were dropped leaves the one that knows the migration.
        database.execute("DROP TABLE _whimbrel_chunks, _whimbrel_steps");
        assert!(ledger.epoch(&other).await.unwrap().is_some());
        assert_eq!(ledger.chunks(&other).await.unwrap(), []);
        assert_eq!(ledger.steps(&other).await.unwrap(), []);
        for _ in 0..2 {
            ledger.forget(&other).await.unwrap();
            let left = database.query_text(
                "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()",
            );
            assert_eq!(left, [[Some("t".to_owned())]]);
        }
        let gone = work.write(&*target, &run).await.unwrap_err();
        assert_eq!(gone.class(), ErrorClass::Conflict, "{}", gone.chain());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_are_added_once_and_stand_in_their_order() {
    for database in databases("add") {
        let target = target(database.url()).await;
        let run = open_run(&*target).await;
        let id = TableId::bare("t");
        let many: Vec<Chunk> = (0..1200).map(chunk).collect();
        target.ledger().store_split(&run, &id, &many).await.unwrap();
        for _ in 0..2 {
            target.ledger().add_chunk(&run, &id, &chunk(1200)).await.unwrap();
        }
        let mut other = chunk(1200);
        other.range = KeyRange::Rows {
            from: None,
            to: Some(1),
        };
        let error = target.ledger().add_chunk(&run, &id, &other).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Conflict);
        let records = target.ledger().chunks(&run.migration).await.unwrap();
        let indexes: Vec<u32> = records.iter().map(|record| record.chunk.index).collect();
        assert_eq!(indexes, (0..=1200).collect::<Vec<u32>>());
    }
}
