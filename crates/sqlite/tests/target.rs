//! The target: steps and chunks record themselves with their work, an older epoch changes nothing, and everything has a way back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use std::path::Path;
use std::sync::Arc;

use whimbrel_core::{
    Batch, Change, Chunk, ChunkResult, Committed, Digest, Direction, Epoch, ErrorClass, KeyRange, ObjectKind,
    ReadColumn, RunKey, SequencePosition, Step, Table, TableId, Target,
};
use world::{
    World, catalog, create, create_table, dialect, migration, number, open, read, read_request, run, source,
    stale, target, wire_columns, write_request,
};

fn steps(change: &Change, id: &str) -> Vec<Step> {
    let mut steps = dialect().steps(change).unwrap();
    steps.iter_mut().for_each(|step| id.clone_into(&mut step.id));
    steps
}

async fn table(path: &Path, name: &str) -> Table {
    catalog(path).await.table(&TableId::bare(name)).unwrap().clone()
}

/// A source with one table `t`, and a fresh target with the same table, its split stored.
struct Pair {
    world: World,
    target: Arc<dyn Target>,
    run: RunKey,
    table: Table,
    columns: Vec<ReadColumn>,
    chunk: Chunk,
    batches: Vec<Batch>,
}

impl Pair {
    async fn new() -> Self {
        let world = World::new();
        let from = world.file(
            "from.db",
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        );
        let table = table(&from, "t").await;
        let columns = wire_columns(&table);
        let snapshot = source(&from).await.snapshot(&[], 1).await.unwrap();
        let batches = read(&snapshot, read_request(&table, &columns, KeyRange::All))
            .await
            .unwrap();
        let target = target(&world.path("to.db")).await;
        let run = open(&target).await;
        create(&target, &run, &[create_table(&table)]).await;
        let chunk = Chunk {
            table: table.id.clone(),
            index: 0,
            range: KeyRange::All,
        };
        target
            .ledger()
            .store_split(&run, &table.id, std::slice::from_ref(&chunk))
            .await
            .unwrap();
        Self {
            world,
            target,
            run,
            table,
            columns,
            chunk,
            batches,
        }
    }

    fn result(&self) -> ChunkResult {
        ChunkResult {
            rows: 3,
            bytes: 30,
            rejected: 0,
            digest: Digest {
                rows: 3,
                sum: u128::MAX,
                ..Digest::default()
            },
            ruled: Vec::new(),
        }
    }

    async fn write(&self, run: &RunKey, replace: bool) -> whimbrel_core::Result<Committed> {
        let mut request = write_request(run, &self.table, &self.columns, self.chunk.clone());
        request.replace = replace;
        let mut writer = self.target.writer(request).await?;
        for batch in &self.batches {
            assert_eq!(writer.write(batch).await?, []);
        }
        writer.commit(self.result()).await
    }

    fn rows(&self) -> i64 {
        number(&self.world.path("to.db"), "SELECT count(*) FROM t")
    }
}

#[tokio::test]
async fn opening_a_target_changes_nothing_and_a_missing_file_is_an_empty_database() {
    let world = World::new();
    let target = target(&world.path("to.db")).await;
    assert_eq!(target.ledger().epoch(&migration()).await.unwrap(), None);
    assert!(target.ledger().steps(&migration()).await.unwrap().is_empty());
    assert!(target.as_source().catalog().await.unwrap().tables.is_empty());
    assert_eq!(target.check(1).await.unwrap(), []);
    assert!(world.names().is_empty());
}

#[tokio::test]
async fn a_chunk_arrives_once_with_its_ledger_row() {
    let pair = Pair::new().await;
    assert_eq!(pair.write(&pair.run, false).await.unwrap(), Committed::Done);
    assert_eq!(
        pair.write(&pair.run, false).await.unwrap(),
        Committed::AlreadyDone
    );
    assert_eq!(pair.rows(), 3);
    let chunks = pair.target.ledger().chunks(&migration()).await.unwrap();
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].result, Some(pair.result()));
    assert_eq!(chunks[0].position.as_deref(), Some("here"));
}

#[tokio::test]
async fn a_dropped_writer_leaves_nothing_and_lets_the_next_one_write() {
    let pair = Pair::new().await;
    for _ in 0..20 {
        let request = write_request(&pair.run, &pair.table, &pair.columns, pair.chunk.clone());
        let mut writer = pair.target.writer(request).await.unwrap();
        writer.write(&pair.batches[0]).await.unwrap();
        drop(writer);
    }
    assert_eq!(pair.write(&pair.run, false).await.unwrap(), Committed::Done);
    assert_eq!(pair.rows(), 3);
}

#[tokio::test]
async fn replacing_a_chunk_exchanges_its_rows() {
    let pair = Pair::new().await;
    pair.write(&pair.run, false).await.unwrap();
    run(
        &pair.world.path("to.db"),
        "UPDATE t SET v = 'other'; INSERT INTO t VALUES (9, 'more')",
    );
    assert_eq!(pair.write(&pair.run, true).await.unwrap(), Committed::Done);
    assert_eq!(pair.rows(), 3);
    assert_eq!(
        number(
            &pair.world.path("to.db"),
            "SELECT count(*) FROM t WHERE v IN ('a', 'b', 'c')"
        ),
        3
    );
}

#[tokio::test]
async fn an_older_epoch_changes_nothing() {
    let pair = Pair::new().await;
    let newer = open(&pair.target).await;
    assert_eq!(newer.epoch, Epoch(pair.run.epoch.0 + 1));
    assert_eq!(stale(&newer), pair.run);
    let conflict = |error: whimbrel_core::Error| {
        assert_eq!(
            (error.class(), error.code()),
            (ErrorClass::Conflict, "epoch_lost"),
            "{error}"
        );
    };
    conflict(pair.write(&pair.run, false).await.unwrap_err());
    conflict(
        pair.target
            .empty(&pair.run, std::slice::from_ref(&pair.table.id))
            .await
            .unwrap_err(),
    );
    let position = SequencePosition {
        last_value: 5,
        is_called: true,
    };
    let sequence = TableId::bare("t_id_seq");
    conflict(
        pair.target
            .set_sequences(&pair.run, &[(sequence.clone(), position)])
            .await
            .unwrap_err(),
    );
    let ledger = pair.target.ledger();
    conflict(
        ledger
            .confirm_chunk(&pair.run, &pair.table.id, 0, "there")
            .await
            .unwrap_err(),
    );
    conflict(
        ledger
            .store_split(&pair.run, &TableId::bare("u"), &[])
            .await
            .unwrap_err(),
    );
    let step = steps(&create_table(&pair.table), "other").remove(0);
    conflict(
        pair.target
            .execute(&pair.run, &step, Direction::Do)
            .await
            .unwrap_err(),
    );
    // The chunk was planned under the older epoch; the newer one finishes it all the same.
    assert_eq!(pair.write(&newer, false).await.unwrap(), Committed::Done);
}

#[tokio::test]
async fn a_writer_whose_epoch_was_lost_meanwhile_cannot_commit() {
    let pair = Pair::new().await;
    // The write lock keeps others out of the file, so the epoch can only change before the chunk begins or after it ended.
    let request = write_request(&pair.run, &pair.table, &pair.columns, pair.chunk.clone());
    let mut writer = pair.target.writer(request).await.unwrap();
    writer.write(&pair.batches[0]).await.unwrap();
    let other = rusqlite::Connection::open(pair.world.path("to.db")).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    other
        .execute_batch("UPDATE _whimbrel_runs SET epoch = 99")
        .expect_err("the chunk's transaction holds the file");
    assert_eq!(writer.commit(pair.result()).await.unwrap(), Committed::Done);
}

#[tokio::test]
async fn a_split_is_stored_once_and_a_plan_has_one_hash() {
    let pair = Pair::new().await;
    let ledger = pair.target.ledger();
    let error = ledger
        .store_split(&pair.run, &pair.table.id, &[])
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), error.code()),
        (ErrorClass::Conflict, "split_exists")
    );
    let error = ledger.open(&migration(), "another").await.unwrap_err();
    assert_eq!(
        (error.class(), error.code()),
        (ErrorClass::Conflict, "plan_changed")
    );
}

#[tokio::test]
async fn a_file_that_was_not_durable_is_not_trusted_after_a_restart() {
    let pair = Pair::new().await;
    let path = pair.world.path("to.db");
    assert_eq!(
        number(&path, "SELECT created_file AND NOT settled FROM _whimbrel_runs"),
        1
    );
    run(&path, "UPDATE _whimbrel_runs SET boot = 'before the power cut'");
    let error = pair.target.ledger().open(&migration(), "hash").await.unwrap_err();
    assert_eq!(
        (error.class(), error.code()),
        (ErrorClass::Conflict, "restart_needed")
    );
    run(&path, "UPDATE _whimbrel_runs SET settled = 1");
    pair.target.ledger().open(&migration(), "hash").await.unwrap();
}

#[tokio::test]
async fn emptying_a_table_takes_its_ledger_rows() {
    let pair = Pair::new().await;
    pair.write(&pair.run, false).await.unwrap();
    pair.target
        .empty(&pair.run, std::slice::from_ref(&pair.table.id))
        .await
        .unwrap();
    assert_eq!(pair.rows(), 0);
    assert!(
        pair.target
            .ledger()
            .chunks(&migration())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_sequence_goes_on_where_it_stood() {
    let pair = Pair::new().await;
    pair.write(&pair.run, false).await.unwrap();
    let sequence = TableId::bare("t_id_seq");
    for (last_value, is_called, next) in [(100, true, 101), (500, false, 500)] {
        let position = SequencePosition {
            last_value,
            is_called,
        };
        pair.target
            .set_sequences(&pair.run, &[(sequence.clone(), position)])
            .await
            .unwrap();
        let path = pair.world.path("to.db");
        let found = number(&path, "INSERT INTO t (v) VALUES ('new') RETURNING id");
        assert_eq!(found, next);
    }
    let unknown = TableId::bare("nobody_seq");
    let position = SequencePosition {
        last_value: 1,
        is_called: true,
    };
    let error = pair
        .target
        .set_sequences(&pair.run, &[(unknown.clone(), position)])
        .await
        .unwrap_err();
    assert_eq!(error.code(), "sequence_missing");
}

#[tokio::test]
async fn a_step_runs_once_and_is_undone_once() {
    let world = World::new();
    let path = world.file("to.db", "CREATE TABLE here (a)");
    let target = target(&path).await;
    let run = open(&target).await;
    let made = create_table(&Table {
        columns: vec![whimbrel_core::Column::new("a", "INTEGER")],
        ..Table::empty(TableId::bare("made"))
    });
    let step = steps(&made, "1").remove(0);
    for _ in 0..2 {
        target.execute(&run, &step, Direction::Do).await.unwrap();
    }
    assert_eq!(target.ledger().steps(&migration()).await.unwrap().len(), 1);
    for _ in 0..2 {
        target.execute(&run, &step, Direction::Undo).await.unwrap();
    }
    assert!(target.ledger().steps(&migration()).await.unwrap().is_empty());
    assert_eq!(
        number(&path, "SELECT count(*) FROM sqlite_schema WHERE name = 'made'"),
        0
    );
}

#[tokio::test]
async fn a_failed_step_leaves_nothing() {
    let world = World::new();
    let path = world.file("to.db", "CREATE TABLE here (a)");
    let target = target(&path).await;
    let run = open(&target).await;
    let mut step = steps(&create_table(&Table::empty(TableId::bare("x"))), "1").remove(0);
    step.statements = vec![
        whimbrel_core::Statement::Sql("CREATE TABLE first (a)".to_owned()),
        whimbrel_core::Statement::Sql("CREATE TABLE here (a)".to_owned()),
    ];
    let error = target.execute(&run, &step, Direction::Do).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Invalid);
    assert_eq!(
        number(&path, "SELECT count(*) FROM sqlite_schema WHERE name = 'first'"),
        0
    );
    assert!(target.ledger().steps(&migration()).await.unwrap().is_empty());
}

const OLD: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT, g AS (v || '!'), CHECK (length(v) < 5));
    INSERT INTO t (id, v) VALUES (1, 'x'), (7, 'y');
    PRAGMA ignore_check_constraints = 1; INSERT INTO t (id, v) VALUES (8, 'too long'); PRAGMA ignore_check_constraints = 0;
    UPDATE sqlite_sequence SET seq = 55;
    CREATE INDEX t_v ON t (v); CREATE TRIGGER trig AFTER INSERT ON t BEGIN DELETE FROM other; END;
    CREATE TABLE bare (a, b); INSERT INTO bare (rowid, a, b) VALUES (10, 1, 2), (99, CAST(x'ff' AS TEXT), x'00');
    CREATE TABLE other (a); INSERT INTO other VALUES (1);
    CREATE VIEW v AS SELECT * FROM t; ANALYZE;";

/// Everything in a file as one text, row numbers of tables included.
fn dump(path: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<String> = (0..columns)
                .map(|at| format!("{:?}", row.get_ref(at).unwrap()))
                .collect();
            found.push(format!("{sql}: {}", values.join(" ")));
        }
        found.sort();
        found
    };
    let mut all = texts("SELECT type, name, tbl_name, sql FROM sqlite_schema");
    for table in ["t", "bare", "other"] {
        all.extend(texts(&format!("SELECT rowid, * FROM {table}")));
    }
    for table in ["sqlite_sequence", "sqlite_stat1"] {
        all.extend(texts(&format!("SELECT * FROM {table}")));
    }
    all
}

async fn move_aside(target: &Arc<dyn Target>, path: &Path, name: &str) -> Step {
    let change = Change::MoveAside {
        table: table(path, name).await,
        migration: migration().0,
    };
    let step = steps(&change, &format!("aside_{name}")).remove(0);
    assert!(
        step.destructive
            && step.subject.kind == ObjectKind::Table
            && target.as_source().check().await.is_ok()
    );
    step
}

#[tokio::test]
async fn tables_moved_aside_come_back_as_they_were() {
    let world = World::new();
    let path = world.file("to.db", OLD);
    run(&path, "DELETE FROM sqlite_stat1 WHERE tbl = 'other'");
    let before = dump(&path);
    let target = target(&path).await;
    let run_key = open(&target).await;
    let asides = [
        move_aside(&target, &path, "t").await,
        move_aside(&target, &path, "bare").await,
    ];
    for step in &asides {
        target.execute(&run_key, step, Direction::Do).await.unwrap();
        target.execute(&run_key, step, Direction::Do).await.unwrap();
    }
    assert_eq!(world.names(), ["to.db", "to.db.whimbrel-mig_1"]);
    assert_eq!(
        number(
            &path,
            "SELECT count(*) FROM sqlite_schema WHERE name IN ('t', 'bare', 't_v', 'trig')"
        ),
        0
    );
    let table = Table {
        columns: vec![whimbrel_core::Column::new("id", "INTEGER")],
        ..Table::empty(TableId::bare("t"))
    };
    let made = steps(&create_table(&table), "made").remove(0);
    target.execute(&run_key, &made, Direction::Do).await.unwrap();
    for step in [&made, &asides[1], &asides[0]] {
        target.execute(&run_key, step, Direction::Undo).await.unwrap();
        target.execute(&run_key, step, Direction::Undo).await.unwrap();
    }
    target.ledger().forget(&migration()).await.unwrap();
    assert_eq!(dump(&path), before);
    assert_eq!(world.names(), ["to.db"]);
}

#[tokio::test]
async fn rows_written_between_the_copy_and_the_move_are_not_lost() {
    let world = World::new();
    let path = world.file("to.db", OLD);
    let target = target(&path).await;
    let run_key = open(&target).await;
    let first = move_aside(&target, &path, "t").await;
    let second = move_aside(&target, &path, "bare").await;
    target.execute(&run_key, &first, Direction::Do).await.unwrap();
    run(
        &path,
        "INSERT INTO bare VALUES ('late', 'row'); INSERT INTO other VALUES ('stays')",
    );
    target.execute(&run_key, &second, Direction::Do).await.unwrap();
    for step in [&second, &first] {
        target.execute(&run_key, step, Direction::Undo).await.unwrap();
    }
    assert_eq!(number(&path, "SELECT count(*) FROM bare WHERE a = 'late'"), 1);
    assert_eq!(number(&path, "SELECT count(*) FROM other"), 2);
}

#[tokio::test]
async fn cleanup_removes_the_copy_and_says_so() {
    let world = World::new();
    let path = world.file("to.db", OLD);
    let target = target(&path).await;
    let run_key = open(&target).await;
    let step = move_aside(&target, &path, "t").await;
    target.execute(&run_key, &step, Direction::Do).await.unwrap();
    let lines = target
        .discard(&run_key, std::slice::from_ref(&step))
        .await
        .unwrap();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("to.db.whimbrel-mig_1"));
    assert_eq!(
        target
            .discard(&run_key, std::slice::from_ref(&step))
            .await
            .unwrap(),
        Vec::<String>::new()
    );
    let error = target
        .execute(&run_key, &step, Direction::Undo)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "copy_missing");
}

#[tokio::test]
async fn forgetting_removes_a_file_of_our_own_and_only_when_nothing_else_is_in_it() {
    let pair = Pair::new().await;
    pair.target.ledger().forget(&migration()).await.unwrap();
    assert_eq!(pair.world.names(), ["from.db", "to.db"]);
    assert_eq!(
        number(
            &pair.world.path("to.db"),
            "SELECT count(*) FROM sqlite_schema WHERE name LIKE '_whim%'"
        ),
        0
    );

    let world = World::new();
    let target = target(&world.path("to.db")).await;
    open(&target).await;
    assert_eq!(world.names(), ["to.db"]);
    for _ in 0..2 {
        target.ledger().forget(&migration()).await.unwrap();
        assert!(world.names().is_empty());
    }
    open(&target).await;
    assert_eq!(world.names(), ["to.db"]);
}

#[tokio::test]
async fn a_full_file_is_a_clear_and_passing_failure() {
    let mut pair = Pair::new().await;
    let path = pair.world.path("to.db");
    pair.target = world::limited_target(&path, number(&path, "PRAGMA page_count") + 1).await;
    pair.run = open(&pair.target).await;
    let from = pair.world.file(
        "big.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v)",
    );
    run(&from, "INSERT INTO t VALUES (1, zeroblob(100000))");
    let snapshot = source(&from).await.snapshot(&[], 1).await.unwrap();
    let small = std::mem::take(&mut pair.batches);
    pair.batches = read(&snapshot, read_request(&pair.table, &pair.columns, KeyRange::All))
        .await
        .unwrap();
    let error = pair.write(&pair.run, false).await.unwrap_err();
    assert_eq!(
        (error.class(), error.code()),
        (ErrorClass::Transient, "disk_full")
    );
    assert!(error.hint().is_some());
    pair.batches = small;
    assert_eq!(pair.write(&pair.run, false).await.unwrap(), Committed::Done);
    assert_eq!(pair.rows(), 3);
}

#[tokio::test]
async fn a_target_that_others_hold_or_that_holds_tables_is_found_before() {
    let world = World::new();
    let path = world.file("to.db", "CREATE TABLE mine (a)");
    let target = target(&path).await;
    let codes = |findings: Vec<whimbrel_core::Finding>| -> Vec<String> {
        findings.into_iter().map(|finding| finding.code).collect()
    };
    assert_eq!(codes(target.check(1).await.unwrap()), ["target_not_empty"]);
    assert_eq!(
        codes(target.check(u64::MAX / 2).await.unwrap()),
        ["free_space", "target_not_empty"]
    );
    let nowhere = world::target(&world.path("no/such/folder/to.db")).await;
    assert_eq!(codes(nowhere.check(1).await.unwrap()), ["connection"]);
    std::fs::write(world.path("text.db"), vec![b'x'; 5000]).unwrap();
    let text = world::target(&world.path("text.db")).await;
    assert_eq!(codes(text.check(1).await.unwrap()), ["corrupt"]);
}

/// Copies a file in the middle of a transaction, as `kill -9` would leave it: with a journal that must be rolled back.
fn killed_while_writing(world: &World) -> std::path::PathBuf {
    let alive = world.file(
        "alive.db",
        "CREATE TABLE t (a); INSERT INTO t VALUES (zeroblob(500000))",
    );
    let connection = rusqlite::Connection::open(&alive).unwrap();
    connection
        .execute_batch("PRAGMA cache_size = 5; BEGIN; UPDATE t SET a = 1; INSERT INTO t VALUES (zeroblob(500000)); CREATE TABLE half (a)")
        .unwrap();
    let path = world.path("killed.db");
    for suffix in ["-journal", ""] {
        let of = |path: &Path| std::path::PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(of(&alive), of(&path)).unwrap();
    }
    path
}

#[tokio::test]
async fn a_target_left_by_a_killed_run_is_read_as_its_last_commit_left_it() {
    let world = World::new();
    let path = killed_while_writing(&world);
    let found = target(&path).await.as_source().catalog().await.unwrap();
    let names: Vec<&str> = found.tables.iter().map(|table| table.id.name.as_str()).collect();
    assert_eq!(names, ["t"]);
    assert_eq!(number(&path, "SELECT length(a) FROM t"), 500_000);
}

#[tokio::test]
async fn a_source_left_by_a_killed_program_is_not_touched_and_the_way_out_is_said() {
    let world = World::new();
    let path = killed_while_writing(&world);
    let journal = world.path("killed.db-journal");
    let before = (std::fs::read(&path).unwrap(), std::fs::read(&journal).unwrap());
    let error = source(&path).await.catalog().await.unwrap_err();
    assert_eq!(
        (error.class(), error.code()),
        (ErrorClass::Denied, "hot_journal"),
        "{error:?}"
    );
    assert!(error.hint().is_some());
    let findings = source(&path).await.check().await.unwrap();
    assert_eq!(findings[0].severity, whimbrel_core::Severity::Blocker);
    assert_eq!(
        (std::fs::read(&path).unwrap(), std::fs::read(&journal).unwrap()),
        before
    );
}
