//! Chunks cover each row once, whatever the key.

use whimbrel_core::{KeyRange, Source, Table};
use whimbrel_testkit::postgres::TestDatabase;

use crate::harness::*;

/// Checks the chunks of a table, those of pages and, where it has a key, those of its key.
async fn check(name: &str, sql: &str, chunks_min: usize) {
    let Some(database) = TestDatabase::create(name) else {
        return;
    };
    database.execute(sql);
    let source = source(database.url()).await;
    let mut table = table(&source.catalog().await.unwrap(), "t");
    check_table(&*source, &table, chunks_min).await;
    if table.identity_key().is_some() {
        // Pages of partitions have numbers of their own, so such a table is split by its key.
        table.flattened = true;
        check_table(&*source, &table, chunks_min).await;
    }
}

async fn check_table(source: &dyn Source, table: &Table, chunks_min: usize) {
    let columns = wire_columns(table);
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let chunks = snapshot.split(table, 64 << 10).await.unwrap();
    assert!(chunks.len() >= chunks_min, "{} chunks", chunks.len());
    let mut parts = whimbrel_core::Digest::default();
    let mut largest = 0;
    for chunk in &chunks {
        let part = digest(
            &read(&*snapshot, table, &columns, chunk.range.clone()).await,
            &columns,
        );
        largest = largest.max(part.rows);
        parts.add(&part);
    }
    let all = digest(&read(&*snapshot, table, &columns, KeyRange::All).await, &columns);
    assert_eq!(parts.rows, all.rows);
    assert!(parts.same_rows(&all));
    if chunks_min > 4 {
        assert!(
            largest < all.rows / 2,
            "{largest} of {} rows in one chunk",
            all.rows
        );
    }
}

const FILL: &str = "repeat('x', 200)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integer_key_with_huge_gaps_is_covered_once() {
    let sql = format!("CREATE TABLE t (id bigint PRIMARY KEY, a text);
        INSERT INTO t SELECT CASE WHEN i % 2 = 0 THEN i ELSE i * 4611686018427 END, {FILL} FROM generate_series(1, 5000) i;
        INSERT INTO t VALUES (-9223372036854775808, ''), (9223372036854775807, '')");
    check("split_gaps", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_key_is_covered_once_in_its_own_collation() {
    let sql = format!("CREATE TABLE t (id text COLLATE \"und-x-icu\" PRIMARY KEY, a text);
        INSERT INTO t SELECT chr(97 + i % 26) || CASE WHEN i % 3 = 0 THEN 'Ä''\\' ELSE 'z ' END || i, {FILL} FROM generate_series(1, 5000) i");
    check("split_text", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_uuid_key_is_covered_once() {
    let sql = format!(
        "CREATE TABLE t (id uuid PRIMARY KEY, a text);
        INSERT INTO t SELECT gen_random_uuid(), {FILL} FROM generate_series(1, 5000)"
    );
    check("split_uuid", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_composite_key_is_covered_once() {
    let sql = format!("CREATE TABLE t (a integer, \"b b\" character(3), c text, PRIMARY KEY (a, \"b b\"));
        INSERT INTO t SELECT i % 7, chr(97 + i % 26) || chr(97 + i / 26 % 26) || chr(97 + i / 676), {FILL} FROM generate_series(1, 5000) i");
    check("split_composite", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numeric_timestamp_and_float_keys_are_covered_once() {
    for (name, key) in [
        ("numeric", "(i::numeric / 7)"),
        ("timestamptz", "(now() + i * interval '7 minutes')"),
        (
            "double precision",
            "CASE WHEN i = 1 THEN 'NaN' WHEN i = 2 THEN '-Infinity' ELSE i / 3.0::float8 END",
        ),
    ] {
        let sql = format!(
            "CREATE TABLE t (id {name} PRIMARY KEY, a text);
            INSERT INTO t SELECT {key}, {FILL} FROM generate_series(1, 5000) i"
        );
        check("split_others", &sql, 8).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_a_user_type_is_covered_once() {
    let sql = format!("CREATE TYPE mood AS ENUM ('c', 'b', 'a'); CREATE DOMAIN number AS integer;
        CREATE TABLE t (m mood, n number, a text, PRIMARY KEY (m, n));
        INSERT INTO t SELECT (ARRAY['a', 'b', 'c'])[1 + i % 3]::mood, i, {FILL} FROM generate_series(1, 5000) i");
    check("split_user_types", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_a_type_with_operators_of_its_own_is_covered_once() {
    for (kind, order) in [
        ("citext", "k, n"),
        ("folded", "k, n"),
        ("ltree", "k, n"),
        ("citext", "n, k"),
    ] {
        let sql = format!(
            "CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE DOMAIN folded AS citext;
            CREATE TABLE t (k {kind}, n integer, a text, PRIMARY KEY ({order}));
            INSERT INTO t SELECT (CASE WHEN i % 2 = 0 THEN 'K' ELSE 'k' END || i % 50)::{kind}, i, {FILL} FROM generate_series(1, 5000) i"
        );
        check("split_own_operators", &sql, if order == "n, k" { 8 } else { 1 }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_without_a_key_is_covered_once() {
    check(
        "split_keyless",
        &format!("CREATE TABLE t (a text); INSERT INTO t SELECT {FILL} FROM generate_series(1, 5000)"),
        8,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_were_emptied_and_rows_that_moved_are_covered_once() {
    let sql = format!(
        "CREATE TABLE t (id integer PRIMARY KEY, a text); INSERT INTO t SELECT i, {FILL} FROM generate_series(1, 9000) i;
        DELETE FROM t WHERE id BETWEEN 2000 AND 4000; UPDATE t SET a = a || 'y' WHERE id % 3 = 0;"
    );
    check("split_moved", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_read_with_its_partitions_is_split_by_its_key() {
    let Some(database) = TestDatabase::create("split_partitions") else {
        return;
    };
    database.execute(&format!(
        "CREATE TABLE t (id integer PRIMARY KEY, a text) PARTITION BY RANGE (id);
        CREATE TABLE t_low PARTITION OF t FOR VALUES FROM (0) TO (2500);
        CREATE TABLE t_high PARTITION OF t FOR VALUES FROM (2500) TO (100000);
        INSERT INTO t SELECT i, {FILL} FROM generate_series(1, 5000) i"
    ));
    let source = source(database.url()).await;
    let mut table = table(&source.catalog().await.unwrap(), "t");
    table.flattened = true;
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let chunks = snapshot.split(&table, 64 << 10).await.unwrap();
    assert!(chunks.len() > 4, "{} chunks", chunks.len());
    let columns = wire_columns(&table);
    let mut rows = 0;
    for chunk in &chunks {
        assert!(matches!(chunk.range, KeyRange::Keys(_)), "{:?}", chunk.range);
        let batches = read(&*snapshot, &table, &columns, chunk.range.clone()).await;
        rows += batches.iter().map(whimbrel_core::Batch::rows).sum::<usize>();
    }
    assert_eq!(rows, 5000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_and_empty_tables_are_one_chunk() {
    check("split_empty", "CREATE TABLE t (id integer PRIMARY KEY)", 1).await;
    check(
        "split_small",
        "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1)",
        1,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_rows_with_large_values_are_split_by_their_size() {
    let Some(database) = TestDatabase::create("split_large") else {
        return;
    };
    database.execute("CREATE TABLE t (id integer PRIMARY KEY, a bytea);
        ALTER TABLE t ALTER a SET STORAGE EXTERNAL;
        INSERT INTO t SELECT i, decode(repeat('00', CASE WHEN i <= 10 THEN 500000 ELSE 10 END), 'hex') FROM generate_series(1, 100) i");
    let source = source(database.url()).await;
    let table = table(&source.catalog().await.unwrap(), "t");
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let chunks = snapshot.split(&table, 1 << 20).await.unwrap();
    let rows = |chunk: &whimbrel_core::Chunk| {
        let KeyRange::Rows { from, to } = chunk.range else {
            panic!("{:?}", chunk.range)
        };
        (from, to)
    };
    // Ten rows of half a megabyte each stand on the first page: it is cut between them.
    let firsts: Vec<i64> = chunks.iter().filter_map(|chunk| rows(chunk).0).collect();
    assert!(
        firsts.len() >= 3 && firsts.iter().all(|first| *first <= 11),
        "{firsts:?}"
    );
    assert_eq!(chunks.last().map(|chunk| rows(chunk).1), Some(None));
    let columns = wire_columns(&table);
    let mut read_rows = 0;
    for chunk in &chunks {
        let batches = read(&*snapshot, &table, &columns, chunk.range.clone()).await;
        read_rows += batches.iter().map(whimbrel_core::Batch::rows).sum::<usize>();
    }
    assert_eq!(read_rows, 100);
}
