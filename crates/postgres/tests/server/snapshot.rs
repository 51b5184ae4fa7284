//! All readers see one state, and nothing shows through it.

use whimbrel_core::{ErrorClass, KeyRange, ReadColumn};
use whimbrel_testkit::postgres::{TestDatabase, try_query};

use crate::harness::*;

const SETUP: &str = "CREATE TABLE t (id integer PRIMARY KEY, a text);
    INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 2000) i;
    CREATE SEQUENCE s START 5; SELECT setval('s', 17, false)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_do_not_see_what_is_written_later() {
    let Some(database) = TestDatabase::create("isolation") else {
        return;
    };
    database.execute(SETUP);
    let source = source(database.url()).await;
    let table = table(&source.catalog().await.unwrap(), "t");
    let columns = wire_columns(&table);
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 3).await.unwrap();
    let before = digest(&read(&*snapshot, &table, &columns, KeyRange::All).await, &columns);
    database.execute("DELETE FROM t WHERE id < 500; UPDATE t SET a = 'new'; INSERT INTO t VALUES (0, '')");
    let (one, two, three) = tokio::join!(
        read(&*snapshot, &table, &columns, KeyRange::All),
        read(&*snapshot, &table, &columns, KeyRange::All),
        read(&*snapshot, &table, &columns, KeyRange::All)
    );
    for batches in [one, two, three] {
        assert!(digest(&batches, &columns).same_rows(&before));
    }
    assert_eq!(snapshot.aggregate(&table, &columns).await.unwrap().rows, 2000);
    drop(snapshot);
    assert_eq!(whole(&*source, &table, &columns).await.rows, 1502);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncate_and_rewrites_wait_for_the_snapshot() {
    let Some(database) = TestDatabase::create("truncate_blocked") else {
        return;
    };
    database.execute(SETUP);
    let source = source(database.url()).await;
    let table = table(&source.catalog().await.unwrap(), "t");
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    for sql in ["TRUNCATE t", "DROP TABLE t", "ALTER TABLE t ALTER id TYPE bigint"] {
        let error = try_query(database.url(), &format!("SET lock_timeout = '200ms'; {sql}")).unwrap_err();
        assert!(error.starts_with("55P03"), "{sql}: {error}");
    }
    drop(snapshot);
    database.execute("TRUNCATE t");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_whose_session_was_ended_is_lost() {
    let Some(database) = TestDatabase::create("snapshot_lost") else {
        return;
    };
    database.execute(SETUP);
    let source = source(database.url()).await;
    let table = table(&source.catalog().await.unwrap(), "t");
    let columns = wire_columns(&table);
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    assert!(database.terminate_sessions() >= 1);
    let error = loop {
        // The client learns of the end a moment later.
        match try_read(&*snapshot, &table, &columns, KeyRange::All).await {
            Ok(_) => tokio::task::yield_now().await,
            Err(error) => break error,
        }
    };
    assert_eq!(error.class(), ErrorClass::SnapshotLost, "{}", error.chain());
    assert_eq!(whole(&*source, &table, &columns).await.rows, 2000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_session_cannot_write() {
    let Some(database) = TestDatabase::create("read_only") else {
        return;
    };
    database.execute(
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'INSERT INTO public.t VALUES (1); SELECT 1';
        ALTER FUNCTION f() VOLATILE; CREATE TABLE t (id integer, a integer GENERATED ALWAYS AS (id) STORED)"
            .split(';')
            .next_back()
            .unwrap(),
    );
    database.execute("CREATE FUNCTION f() RETURNS integer LANGUAGE sql VOLATILE AS 'INSERT INTO public.t VALUES (1) RETURNING id';
        CREATE VIEW v AS SELECT public.f() AS id");
    let source = source(database.url()).await;
    let mut view = table(&source.catalog().await.unwrap(), "t");
    let columns: Vec<ReadColumn> = wire_columns(&view);
    view.id = id("v");
    let snapshot = source.snapshot(&[id("t")], 1).await.unwrap();
    let error = try_read(&*snapshot, &view, &columns, KeyRange::All)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Denied, "{}", error.chain());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequences_are_told_with_whether_they_were_called() {
    let Some(database) = TestDatabase::create("sequence_positions") else {
        return;
    };
    database.execute(SETUP);
    let source = source(database.url()).await;
    let snapshot = source.snapshot(&[], 1).await.unwrap();
    let found = snapshot
        .sequence_positions(&[id("missing"), id("s")])
        .await
        .unwrap();
    assert_eq!(found[0], None);
    let position = found[1].unwrap();
    assert_eq!((position.last_value, position.is_called), (17, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_heads_of_texts_are_the_same_wherever_the_server_keeps_them() {
    let Some(database) = TestDatabase::create("heads") else {
        return;
    };
    // The names are those that the statement might give to heads.
    let fill = |table: &str, length: u32, storage: &str| {
        format!(
            "CREATE TABLE {table} (head0 text, head1 varchar(9000), head varchar(200), n integer);
             ALTER TABLE {table} ALTER head0 SET STORAGE {storage}, ALTER head1 SET STORAGE {storage};
             INSERT INTO {table} SELECT repeat('ä', {length}) || i, repeat('b', {length}) || i, repeat('c', 200), i
             FROM generate_series(1, 3) i; INSERT INTO {table} VALUES (NULL, NULL, NULL, 4)"
        )
    };
    database.execute(&fill("near", 300, "MAIN"));
    database.execute(&fill("apart", 4000, "EXTERNAL"));
    let source = source(database.url()).await;
    let catalog = source.catalog().await.unwrap();
    for (name, bytes) in [("near", 1803), ("apart", 24_003)] {
        let table = table(&catalog, name);
        let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
        let told = snapshot.aggregate(&table, &wire_columns(&table)).await.unwrap();
        let text = |column: &str| {
            let told = &told.columns[column];
            (told.nulls, told.min.clone().unwrap(), told.max.clone().unwrap())
        };
        assert_eq!(told.columns["head0"].bytes, Some(bytes), "{name}");
        assert_eq!(text("head0"), (1, "ä".repeat(256), "ä".repeat(256)), "{name}");
        assert_eq!(text("head1"), (1, "b".repeat(256), "b".repeat(256)), "{name}");
        assert_eq!(text("head"), (1, "c".repeat(200), "c".repeat(200)), "{name}");
    }
}
