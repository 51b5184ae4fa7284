//! Rows copied from server to server, raw and typed, arrive as they were.

use futures::TryStreamExt as _;
use whimbrel_core::{Batch, Catalog, Change, KeyRange, ReadColumn, ReadRequest, Source, Table};
use whimbrel_testkit::postgres::TestDatabase;

use crate::every_type;
use crate::harness::*;

/// A fresh pair; types and table are made on the target in another order, so that type numbers differ.
fn pair(name: &str) -> Option<(TestDatabase, TestDatabase)> {
    let source = TestDatabase::create(&format!("{name}_source"))?;
    let target = TestDatabase::create(&format!("{name}_target"))?;
    source.execute("CREATE TABLE public.shift_numbers (a integer, b integer[])");
    source.execute(every_type::TYPES);
    source.execute(every_type::TABLE);
    source.execute(every_type::ROWS);
    Some((source, target))
}

fn rows(database: &TestDatabase) -> Vec<Vec<Option<String>>> {
    database.query_text("SELECT t::text FROM public.every_type t ORDER BY id")
}

/// Copies the table of all types and compares what both servers print and what both sides read.
async fn check(name: &str, before: &str, columns_of: fn(&Table, &Catalog) -> Vec<ReadColumn>) {
    let Some((source_database, target_database)) = pair(name) else {
        return;
    };
    source_database.execute(before);
    let (source, target) = (
        source(source_database.url()).await,
        target(target_database.url()).await,
    );
    let run = open_run(&*target).await;
    let catalog = source.catalog().await.unwrap();
    let table = table(&catalog, "every_type");
    target_database.execute(every_type::TYPES);
    let change = Change::CreateTable {
        table: table.clone(),
        sequences: vec![],
        as_declared: false,
    };
    apply(&*target, &run, "table", &change).await;

    let columns = columns_of(&table, &catalog);
    assert_eq!(copy(&*source, &*target, &run, &table, &columns).await, []);
    assert_eq!(rows(&source_database), rows(&target_database));
    let before = whole(&*source, &table, &columns).await;
    let after = whole(&*target.as_source(), &table, &columns).await;
    assert_eq!(before.rows, 5);
    assert!(before.same_rows(&after), "{before:?} {after:?}");
    let of = async |source: &dyn Source| {
        let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
        snapshot.aggregate(&table, &columns).await.unwrap()
    };
    let witness = of(&*source).await;
    assert_eq!(witness, of(&*target.as_source()).await);
    assert_eq!(witness.columns["i4"].max.as_deref(), Some("2147483647"));
    assert_eq!(witness.columns["d"].min.as_deref(), Some("-infinity"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_arrives_raw_as_it_was() {
    check(
        "raw",
        "ALTER TABLE public.every_type DROP COLUMN tq",
        |table, _| wire_columns(table),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_arrives_as_text_where_one_has_no_other_form() {
    check("raw_text", "", |table, _| wire_columns(table)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_can_travel_typed_and_be_written_back() {
    check("typed", "", typed_columns).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_does_not_fit_rejects_its_row_alone() {
    let Some(source_database) = TestDatabase::create("reject_source") else {
        return;
    };
    let Some(target_database) = TestDatabase::create("reject_target") else {
        return;
    };
    source_database.execute("CREATE TABLE t (id integer PRIMARY KEY, a text, n numeric);
        INSERT INTO t VALUES (1, 'abc', 1.5), (2, 'abcd', 1.5), (3, NULL, 1.55), (4, 'x', 100), (5, NULL, NULL)");
    target_database.execute("CREATE TABLE t (id integer PRIMARY KEY, a varchar(3), n numeric(3,1))");
    let (source, target) = (
        source(source_database.url()).await,
        target(target_database.url()).await,
    );
    let run = open_run(&*target).await;
    let catalog = source.catalog().await.unwrap();
    let table = table(&catalog, "t");
    let columns = typed_columns(&table, &catalog);
    let rejects = copy(&*source, &*target, &run, &table, &columns).await;
    let said: Vec<_> = rejects
        .iter()
        .map(|r| (r.key.as_str(), r.column.as_str(), r.value.as_str()))
        .collect();
    assert_eq!(
        said,
        [("id=2", "a", "abcd"), ("id=3", "n", "1.55"), ("id=4", "n", "100")]
    );
    let there = target_database.query_text("SELECT id FROM t ORDER BY id");
    assert_eq!(there, [[Some("1".to_owned())], [Some("5".to_owned())]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_without_a_portable_form_makes_its_table_travel_as_text() {
    let Some(source_database) = TestDatabase::create("object_numbers") else {
        return;
    };
    let Some(target_database) = TestDatabase::create("object_numbers") else {
        return;
    };
    let sql = "CREATE TABLE public.shift (a int); DROP TABLE public.shift;
        CREATE TABLE t (id integer PRIMARY KEY, a regclass, b regtype[], c character(4), d bytea, e text)";
    source_database.execute(sql);
    target_database.execute(&sql.replace("public.shift", "public.other"));
    source_database.execute("INSERT INTO t VALUES (1, 't', '{integer,text}', 'a', '\\x5c00', E'\\\\.\\n'), (2, NULL, NULL, NULL, NULL, NULL)");
    let (source, target) = (
        source(source_database.url()).await,
        target(target_database.url()).await,
    );
    let run = open_run(&*target).await;
    let table = table(&source.catalog().await.unwrap(), "t");
    let columns = wire_columns(&table);
    assert_eq!(copy(&*source, &*target, &run, &table, &columns).await, []);
    let sql = "SELECT t::text FROM public.t ORDER BY id";
    assert_eq!(source_database.query_text(sql), target_database.query_text(sql));
    let after = whole(&*target.as_source(), &table, &columns).await;
    assert!(whole(&*source, &table, &columns).await.same_rows(&after));
}

/// Compressed or stored as they are, they come from a cursor.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_row_is_a_batch_of_its_own() {
    for storage in ["extended", "external"] {
        let Some(database) = TestDatabase::create(&format!("large_rows_{storage}")) else {
            return;
        };
        database.execute(&format!(
            "CREATE TABLE t (id integer PRIMARY KEY, a text); ALTER TABLE t ALTER a SET STORAGE {storage};
             INSERT INTO t SELECT i, CASE WHEN i % 10 = 0 THEN repeat('x', 3000000) ELSE 'y' END FROM generate_series(1, 100) i"
        ));
        let source = source(database.url()).await;
        let table = table(&source.catalog().await.unwrap(), "t");
        let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
        let request = ReadRequest {
            table: table.clone(),
            columns: wire_columns(&table),
            range: KeyRange::All,
            batch_bytes: 1 << 20,
            packed: false,
        };
        // Twice, because the second reader gets the first one's session.
        for _ in 0..2 {
            let batches: Vec<Batch> = snapshot.read(request.clone()).try_collect().await.unwrap();
            assert_eq!(batches.iter().map(Batch::rows).sum::<usize>(), 100);
            assert!(
                batches
                    .iter()
                    .all(|batch| batch.rows() == 1 || batch.bytes() < 2 << 20)
            );
            assert_eq!(batches.iter().filter(|batch| batch.bytes() > 2 << 20).count(), 10);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_without_columns_keeps_its_rows() {
    let Some(source_database) = TestDatabase::create("no_columns_source") else {
        return;
    };
    let Some(target_database) = TestDatabase::create("no_columns_target") else {
        return;
    };
    source_database.execute("CREATE TABLE t (); INSERT INTO t DEFAULT VALUES; INSERT INTO t DEFAULT VALUES");
    target_database.execute("CREATE TABLE t ()");
    let (source, target) = (
        source(source_database.url()).await,
        target(target_database.url()).await,
    );
    let run = open_run(&*target).await;
    let table = table(&source.catalog().await.unwrap(), "t");
    copy(&*source, &*target, &run, &table, &[]).await;
    assert_eq!(
        target_database.query_text("SELECT count(*) FROM t"),
        [[Some("2".to_owned())]]
    );
}
