//! Tables of a new file that are whole are read back while others are written.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use std::sync::Arc;
use std::time::Duration;

use whimbrel_core::{
    Batch, Change, Chunk, ChunkResult, Committed, Digest, Direction, KeyRange, ReadColumn, RunKey, Snapshot,
    Table, TableId, Target, Writer,
};
use world::{World, catalog, create, create_table, dialect, digest, open, read, read_request, run, target};

/// Rows of more bytes than a connection keeps in memory, so that a transaction is in the file before it is committed.
const TABLES: &str =
    "CREATE TABLE a (id INTEGER PRIMARY KEY, v TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT);
    CREATE INDEX b_v ON b (v);
    WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO a SELECT i, printf('%0300d', i * 7919 % 20011) FROM n; INSERT INTO b SELECT * FROM a";

/// A file that is written, and what is written into it.
struct Scene {
    target: Arc<dyn Target>,
    run: RunKey,
    tables: Vec<Table>,
    columns: Vec<ReadColumn>,
    from: Arc<dyn Snapshot>,
    world: World,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new();
        let from = world.file("from.db", TABLES);
        let tables = catalog(&from).await.tables;
        let target = target(&world.path("to.db")).await;
        let run = open(&target).await;
        let changes: Vec<Change> = tables.iter().map(create_table).collect();
        create(&target, &run, &changes).await;
        let ids: Vec<TableId> = tables.iter().map(|table| table.id.clone()).collect();
        Self {
            columns: world::wire_columns(&tables[0]),
            from: world::source(&from).await.snapshot(&ids, 1).await.unwrap(),
            target,
            run,
            tables,
            world,
        }
    }

    async fn batches(&self, snapshot: &Arc<dyn Snapshot>, table: usize) -> Vec<Batch> {
        let request = read_request(&self.tables[table], &self.columns, KeyRange::All);
        read(snapshot, request).await.unwrap()
    }

    async fn digest(&self, snapshot: &Arc<dyn Snapshot>, table: usize) -> Digest {
        digest(&self.columns, &self.batches(snapshot, table).await)
    }

    /// Writes the rows of a table, and leaves the chunk open.
    async fn write(&self, table: usize) -> (Box<dyn Writer>, ChunkResult) {
        let table_id = &self.tables[table].id;
        let chunk = Chunk {
            table: table_id.clone(),
            index: 0,
            range: KeyRange::All,
        };
        let ledger = self.target.ledger();
        let chunks = std::slice::from_ref(&chunk);
        ledger.store_split(&self.run, table_id, chunks).await.unwrap();
        let request = world::write_request(&self.run, &self.tables[table], &self.columns, chunk);
        let mut writer = self.target.writer(request).await.unwrap();
        let batches = self.batches(&self.from, table).await;
        for batch in &batches {
            assert_eq!(writer.write(batch).await.unwrap(), []);
        }
        let digest = digest(&self.columns, &batches);
        let result = ChunkResult {
            rows: digest.rows,
            bytes: 0,
            rejected: 0,
            digest,
            ruled: Vec::new(),
        };
        (writer, result)
    }

    async fn copy(&self, table: usize) {
        let (writer, result) = self.write(table).await;
        assert_eq!(writer.commit(result).await.unwrap(), Committed::Done);
    }

    async fn whole(&self, table: usize) -> Arc<dyn Snapshot> {
        let tables = [self.tables[table].id.clone()];
        self.target.snapshot_while_writing(&tables).await.unwrap()
    }
}

#[tokio::test]
async fn a_whole_table_reads_the_same_whatever_is_written_beside_it() {
    let scene = Scene::new().await;
    assert!(scene.target.reads_while_writing());
    scene.copy(0).await;
    let expected = scene.digest(&scene.from, 0).await;
    let before = scene.whole(0).await;
    let (writer, result) = scene.write(1).await;
    assert_eq!(scene.digest(&before, 0).await, expected, "a transaction is open");
    assert_eq!(writer.commit(result).await.unwrap(), Committed::Done);
    let index = Change::CreateIndex {
        table: scene.tables[1].id.clone(),
        index: scene.tables[1].indexes[0].clone(),
    };
    for step in dialect().steps(&index).unwrap() {
        let executed = scene.target.execute(&scene.run, &step, Direction::Do).await;
        executed.unwrap();
    }
    assert_eq!(scene.digest(&before, 0).await, expected, "an index was built");
    let after = scene.whole(1).await;
    let of_other = scene.digest(&scene.from, 1).await;
    assert_eq!(scene.digest(&after, 1).await, of_other);
    scene.target.settle(&[]).await.unwrap();
    assert!(!scene.target.reads_while_writing());
}

#[tokio::test]
async fn a_table_is_looked_at_only_while_no_transaction_is_open() {
    let scene = Scene::new().await;
    scene.copy(0).await;
    let (writer, result) = scene.write(1).await;
    let mut waiting = Box::pin(scene.whole(0));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut waiting).await;
    assert!(early.is_err());
    assert_eq!(writer.commit(result).await.unwrap(), Committed::Done);
    let whole = waiting.await;
    assert_eq!(scene.digest(&whole, 0).await, scene.digest(&scene.from, 0).await);
}

#[tokio::test]
async fn what_others_commit_is_told_and_what_the_run_commits_is_not() {
    let scene = Scene::new().await;
    scene.copy(0).await;
    let whole = scene.whole(0).await;
    scene.copy(1).await;
    drop(whole);
    scene.target.settle(&[]).await.unwrap();
    assert!(scene.target.is_as_we_left_it().await.unwrap());
    run(
        &scene.world.path("to.db"),
        "UPDATE a SET v = 'theirs' WHERE id = 7",
    );
    assert!(!scene.target.is_as_we_left_it().await.unwrap());
}

#[tokio::test]
async fn a_file_of_others_or_one_whose_rows_do_not_stay_in_place_is_left_to_the_writer() {
    for (sql, expected) in [
        ("PRAGMA user_version = 7", true),
        ("CREATE TABLE theirs (a)", false),
        ("PRAGMA journal_mode = wal", false),
        ("PRAGMA auto_vacuum = full; VACUUM", false),
        ("PRAGMA auto_vacuum = incremental; VACUUM", false),
    ] {
        let world = World::new();
        let path = world.path("to.db");
        run(&path, sql);
        let target = target(&path).await;
        assert!(!target.reads_while_writing(), "nothing is known of it yet");
        open(&target).await;
        assert_eq!(target.reads_while_writing(), expected, "{sql}");
    }
}
