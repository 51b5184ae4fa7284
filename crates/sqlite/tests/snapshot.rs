//! Snapshots: one state for all readers while others write, and chunks that hold each row once.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use whimbrel_core::{Chunk, KeyRange, LogicalType, ReadColumn, Snapshot, Table, TableId};
use world::{World, catalog, digest, digest_of, read, read_request, run, source, wire_columns};

async fn snapshot(path: &Path, readers: usize) -> Arc<dyn Snapshot> {
    source(path).await.snapshot(&[], readers).await.unwrap()
}

async fn table(path: &Path, name: &str) -> Table {
    catalog(path).await.table(&TableId::bare(name)).unwrap().clone()
}

async fn rows(snapshot: &Arc<dyn Snapshot>, table: &Table, range: KeyRange) -> usize {
    let batches = read(snapshot, read_request(table, &wire_columns(table), range))
        .await
        .unwrap();
    batches.iter().map(whimbrel_core::Batch::rows).sum()
}

/// Checks that the chunks of a split hold each row once, and returns how many there are.
async fn check_split(path: &Path, name: &str, chunk_bytes: u64) -> usize {
    let table = table(path, name).await;
    let snapshot = snapshot(path, 2).await;
    let chunks: Vec<Chunk> = snapshot.split(&table, chunk_bytes).await.unwrap();
    let columns = wire_columns(&table);
    let mut sum = whimbrel_core::Digest::default();
    for (at, chunk) in chunks.iter().enumerate() {
        assert_eq!(usize::try_from(chunk.index).unwrap(), at);
        let batches = read(&snapshot, read_request(&table, &columns, chunk.range.clone()))
            .await
            .unwrap();
        let part = digest(&columns, &batches);
        assert!(
            part.rows > 0 || chunks.len() == 1,
            "chunk {at} of {name} is empty"
        );
        sum.add(&part);
    }
    assert_eq!(sum, digest_of(path, &table, &columns).await, "{name}");
    assert_eq!(snapshot.aggregate(&table, &columns).await.unwrap().rows, sum.rows);
    chunks.len()
}

const MANY: &str = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3000) ";

#[tokio::test]
async fn chunks_hold_each_row_once_whatever_the_key() {
    let world = World::new();
    let path = world.file(
        "a.db",
        "CREATE TABLE numbered (id INTEGER PRIMARY KEY, v);
         CREATE TABLE gaps (id INTEGER PRIMARY KEY, v);
         CREATE TABLE bare (v);
         CREATE TABLE taken (rowid TEXT, v);
         CREATE TABLE all_taken (rowid, _rowid_, oid, v);
         CREATE TABLE all_taken_but_numbered (rowid, _rowid_, oid, id INTEGER PRIMARY KEY, v);
         CREATE TABLE by_text (k TEXT COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID;
         CREATE TABLE by_two (a TEXT, b, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE TABLE by_mixed (k PRIMARY KEY, v) WITHOUT ROWID;
         CREATE TABLE all_taken_but_keyed (rowid TEXT PRIMARY KEY, _rowid_, oid, v);
         CREATE TABLE all_taken_and_keyed (rowid TEXT PRIMARY KEY NOT NULL, _rowid_, oid, v);
         CREATE TABLE vacant (id INTEGER PRIMARY KEY);",
    );
    for insert in [
        "INSERT INTO numbered SELECT i - 1500, hex(randomblob(30)) FROM n",
        "INSERT INTO bare SELECT randomblob(40) FROM n",
        "INSERT INTO taken SELECT 'x' || (i % 7), randomblob(40) FROM n",
        "INSERT INTO all_taken SELECT 1, 2, 3, randomblob(40) FROM n",
        "INSERT INTO all_taken_but_numbered SELECT 1, 2, 3, i, randomblob(40) FROM n",
        "INSERT INTO all_taken_but_keyed SELECT CASE WHEN i % 100 THEN i END, 2, 3, randomblob(40) FROM n",
        "INSERT INTO all_taken_and_keyed SELECT i, 2, 3, randomblob(40) FROM n",
        "INSERT INTO by_text SELECT CASE i % 2 WHEN 0 THEN 'A' ELSE 'a' END || i, randomblob(40) FROM n",
        "INSERT INTO by_two SELECT 'k' || (i % 3), CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i / 7.0 WHEN 2 THEN 't' || i ELSE randomblob(8) END, randomblob(40) FROM n",
        "INSERT INTO by_mixed SELECT CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i / 7.0 WHEN 2 THEN CAST(x'ff' || i AS TEXT) ELSE randomblob(8) END, randomblob(40) FROM n",
    ] {
        run(&path, &format!("{MANY}{insert}"));
    }
    run(
        &path,
        &format!(
            "INSERT INTO gaps VALUES (1, 'first'), (4611686018427387904, 'last'), (-9223372036854775808, 'least'), (9223372036854775807, 'most');
             {MANY} INSERT INTO gaps SELECT i * 1000003 + 5, randomblob(40) FROM n"
        ),
    );
    for (name, several) in [
        ("numbered", true),
        ("gaps", true),
        ("bare", true),
        ("taken", true),
        ("all_taken", false),
        ("all_taken_but_numbered", true),
        ("all_taken_but_keyed", false),
        ("all_taken_and_keyed", true),
        ("by_text", true),
        ("by_two", true),
        ("by_mixed", true),
        ("vacant", false),
    ] {
        let chunks = check_split(&path, name, 10_000).await;
        assert_eq!(chunks > 3, several, "{name} has {chunks} chunks");
        assert_eq!(check_split(&path, name, 1 << 40).await, 1);
    }
}

#[tokio::test]
async fn chunks_are_sized_by_bytes_and_not_by_rows() {
    let world = World::new();
    let path = world.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
    run(
        &path,
        &format!(
            "{MANY} INSERT INTO t SELECT i, CASE WHEN i > 2990 THEN randomblob(100000) ELSE 1 END FROM n"
        ),
    );
    let table = table(&path, "t").await;
    let snapshot = snapshot(&path, 1).await;
    let chunks = snapshot.split(&table, 250_000).await.unwrap();
    let mut sizes = Vec::new();
    for chunk in &chunks {
        sizes.push(rows(&snapshot, &table, chunk.range.clone()).await);
    }
    assert!((4..=8).contains(&sizes.len()), "{sizes:?}");
    assert!(
        sizes[0] >= 2990 && sizes[1..].iter().all(|rows| *rows <= 4),
        "{sizes:?}"
    );
}

#[tokio::test]
async fn readers_see_one_state_while_another_program_writes() {
    let world = World::new();
    let path = world.file(
        "a.db",
        "PRAGMA journal_mode = wal; CREATE TABLE t (a INTEGER PRIMARY KEY, b)",
    );
    run(&path, &format!("{MANY} INSERT INTO t SELECT i, i FROM n"));
    let table = table(&path, "t").await;
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writer = std::thread::spawn({
        let (stop, path) = (stop.clone(), path.clone());
        move || {
            let connection = rusqlite::Connection::open(&path).unwrap();
            connection
                .busy_timeout(std::time::Duration::from_secs(5))
                .unwrap();
            let mut written = 0;
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                connection
                    .execute_batch("UPDATE t SET b = b + 1; INSERT INTO t (b) VALUES (0)")
                    .unwrap();
                written += 1;
            }
            written
        }
    });
    for _ in 0..20 {
        let snapshot = snapshot(&path, 3).await;
        let columns = wire_columns(&table);
        let digests = futures::future::join_all((0..3).map(|_| async {
            let batches = read(&snapshot, read_request(&table, &columns, KeyRange::All))
                .await
                .unwrap();
            digest(&columns, &batches)
        }))
        .await;
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]));
        let again = digest(
            &columns,
            &read(&snapshot, read_request(&table, &columns, KeyRange::All))
                .await
                .unwrap(),
        );
        assert_eq!(again, digests[0]);
    }
    stop.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(writer.join().unwrap() > 0);
}

#[tokio::test]
async fn a_writer_without_a_log_waits_for_the_readers() {
    let world = World::new();
    let path = world.file(
        "a.db",
        "PRAGMA journal_mode = delete; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
    );
    let table = table(&path, "t").await;
    let held = snapshot(&path, 2).await;
    let other = rusqlite::Connection::open(&path).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    other
        .execute_batch("INSERT INTO t VALUES (2)")
        .expect_err("the readers hold the file");
    assert_eq!(rows(&held, &table, KeyRange::All).await, 1);
    drop(held);
    other.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    assert_eq!(rows(&snapshot(&path, 2).await, &table, KeyRange::All).await, 2);
}

#[tokio::test]
async fn a_position_changes_with_the_state() {
    let world = World::new();
    for mode in ["wal", "delete"] {
        let path = world.file(
            &format!("{mode}.db"),
            &format!("PRAGMA journal_mode = {mode}; CREATE TABLE t (a)"),
        );
        let mut seen = Vec::new();
        for round in 0..20 {
            seen.push(snapshot(&path, 1).await.position());
            run(&path, &format!("INSERT INTO t VALUES ({round})"));
        }
        let mut distinct = seen.clone();
        distinct.dedup();
        assert_eq!(seen.len(), distinct.len(), "{mode}");
    }
}

#[tokio::test]
async fn reading_leaves_no_files_behind() {
    let world = World::new();
    let path = world.file(
        "a.db",
        "PRAGMA journal_mode = wal; CREATE TABLE t (a); INSERT INTO t VALUES (1)",
    );
    let before = std::fs::read(&path).unwrap();
    assert_eq!(world.names(), ["a.db"]);
    {
        let source = source(&path).await;
        let found = source.catalog().await.unwrap();
        source.check().await.unwrap();
        source.profile(&found.tables[0]).await.unwrap();
        let snapshot = source.snapshot(&[], 2).await.unwrap();
        assert_eq!(rows(&snapshot, &found.tables[0], KeyRange::All).await, 1);
    }
    assert_eq!(world.names(), ["a.db"]);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_batch_closes_at_its_bytes_and_a_larger_row_is_alone() {
    let world = World::new();
    let path = world.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
    run(
        &path,
        "INSERT INTO t VALUES (1, zeroblob(400)), (2, zeroblob(400)), (3, zeroblob(400)), (4, zeroblob(5000)), (5, 1), (6, 1)",
    );
    let table = table(&path, "t").await;
    let snapshot = snapshot(&path, 1).await;
    let mut request = read_request(&table, &wire_columns(&table), KeyRange::All);
    request.batch_bytes = 1000;
    let sizes: Vec<usize> = read(&snapshot, request)
        .await
        .unwrap()
        .iter()
        .map(whimbrel_core::Batch::rows)
        .collect();
    assert_eq!(sizes, [2, 1, 1, 2]);
}

#[tokio::test]
async fn a_reader_that_nobody_listens_to_goes_back() {
    let world = World::new();
    let path = world.file("a.db", "CREATE TABLE t (v)");
    run(
        &path,
        &format!("{MANY} INSERT INTO t SELECT randomblob(1000) FROM n"),
    );
    let table = table(&path, "t").await;
    let snapshot = snapshot(&path, 1).await;
    for _ in 0..5 {
        let mut request = read_request(&table, &wire_columns(&table), KeyRange::All);
        request.batch_bytes = 10_000;
        let mut stream = snapshot.read(request);
        stream.next().await.unwrap().unwrap();
        drop(stream);
    }
    assert_eq!(rows(&snapshot, &table, KeyRange::All).await, 3000);
}

#[tokio::test]
async fn a_row_that_does_not_fit_is_rejected_with_its_key_and_rule() {
    let world = World::new();
    let path = world.file(
        "a.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT);
         INSERT INTO t VALUES (1, 1, 'a'), (2, 'two', 'b'), (3, 3, CAST(x'ff' AS TEXT)), (4, 4, 'd')",
    );
    let table = table(&path, "t").await;
    let column = |name: &str, native: &str, logical: LogicalType| ReadColumn {
        name: name.to_owned(),
        native: native.to_owned(),
        logical,
        rule: None,
    };
    let columns = [
        column("s", "TEXT", LogicalType::text()),
        column("n", "INTEGER", LogicalType::Integer { bits: 64 }),
    ];
    let batches = read(
        &snapshot(&path, 1).await,
        read_request(&table, &columns, KeyRange::All),
    )
    .await
    .unwrap();
    assert_eq!(batches.iter().map(whimbrel_core::Batch::rows).sum::<usize>(), 2);
    let rejects: Vec<(&str, &str, &str, &str)> = batches
        .iter()
        .flat_map(|batch| &batch.rejects)
        .map(|reject| {
            (
                reject.key.as_str(),
                reject.column.as_str(),
                reject.value.as_str(),
                reject.rule.as_str(),
            )
        })
        .collect();
    assert_eq!(
        rejects,
        [
            ("id=2", "n", "two", "value is text; must be an integer"),
            ("id=3", "s", "x'ff'", "text is not valid UTF-8"),
        ]
    );
}

#[tokio::test]
async fn the_engine_itself_sums_up_exactly() {
    let world = World::new();
    let path = world.file(
        "a.db",
        "CREATE TABLE t (i INTEGER, b BOOLEAN, s TEXT, x BLOB, d DATE, z TEXT, m);
         INSERT INTO t VALUES (9223372036854775807, 1, 'é', x'0000', '2020-01-02', '2020-01-02 03:04:05.5+00:00', 1),
            (9223372036854775807, 0, 'a', x'', '1999-12-31', '2020-01-02 03:04:05+00:00', 'x'),
            (-1, 1, NULL, NULL, NULL, NULL, NULL), (-9223372036854775808, 1, '', x'01', '2020-01-01', '2020-01-02 03:04:05.25+00:00', 2)",
    );
    let table = table(&path, "t").await;
    let forms = BTreeMap::from([
        ("i", LogicalType::Integer { bits: 64 }),
        ("b", LogicalType::Boolean),
        ("s", LogicalType::text()),
        ("x", LogicalType::Bytes),
        ("d", LogicalType::Date),
        ("z", LogicalType::Timestamp { zoned: true }),
        ("m", LogicalType::Integer { bits: 64 }),
    ]);
    let columns: Vec<ReadColumn> = forms
        .into_iter()
        .map(|(name, logical)| ReadColumn {
            name: name.to_owned(),
            native: String::new(),
            logical,
            rule: None,
        })
        .collect();
    let found = snapshot(&path, 1)
        .await
        .aggregate(&table, &columns)
        .await
        .unwrap();
    assert_eq!(found.rows, 4);
    let of = |name: &str| found.columns[name].clone();
    assert_eq!(of("i").sum.as_deref(), Some("9223372036854775805"));
    assert_eq!(of("i").min.as_deref(), Some("-9223372036854775808"));
    assert_eq!((of("b").trues, of("b").nulls), (Some(3), 0));
    assert_eq!((of("s").bytes, of("s").nulls), (Some(3), 1));
    assert_eq!(
        (of("s").min.as_deref(), of("s").max.as_deref()),
        (Some(""), Some("é"))
    );
    assert_eq!(of("x").bytes, Some(3));
    assert_eq!(
        (of("d").min.as_deref(), of("d").max.as_deref()),
        (Some("1999-12-31"), Some("2020-01-02"))
    );
    assert_eq!(of("z").min.as_deref(), Some("2020-01-02 03:04:05+00:00"));
    assert_eq!(of("z").max.as_deref(), Some("2020-01-02 03:04:05.5+00:00"));
    assert_eq!((of("m").sum, of("m").nulls), (None, 1));
}
