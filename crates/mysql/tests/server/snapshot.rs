//! All readers see one state, and nothing shows through it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures::StreamExt as _;
use whimbrel_core::{BATCH_BYTES, ErrorClass, KeyRange, ReadRequest};
use whimbrel_testkit::mysql::{TestDatabase, try_query};

use crate::harness::*;

const SETUP: &str = "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a text) ENGINE = InnoDB;
    CREATE TABLE u (id int PRIMARY KEY, a text) ENGINE = InnoDB;
    INSERT INTO t (a) VALUES ('x'), ('x'), ('x'), ('x'); INSERT INTO t (a) SELECT a FROM t; INSERT INTO t (a) SELECT a FROM t;
    INSERT INTO u SELECT id, a FROM t";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_do_not_see_what_is_written_later() {
    for database in databases("isolation") {
        database.execute(SETUP);
        let table = table(&database, "t");
        let source = source(database.url()).await;
        let columns = wire_columns(&table);
        let snapshot = open(&*source, &table, 3).await;
        let before = digest(&read(&*snapshot, &table, &columns, KeyRange::All).await, &columns);
        database.execute("DELETE FROM t WHERE id < 5; UPDATE t SET a = 'new'; INSERT INTO t (a) VALUES ('')");
        let (one, two, three) = tokio::join!(
            read(&*snapshot, &table, &columns, KeyRange::All),
            read(&*snapshot, &table, &columns, KeyRange::All),
            read(&*snapshot, &table, &columns, KeyRange::All)
        );
        for batches in [one, two, three] {
            assert!(digest(&batches, &columns).same_rows(&before));
        }
        drop(snapshot);
        assert_eq!(whole(&*source, &table, &columns).await.rows, before.rows - 3);
    }
}

/// Moves a row from one table to another again and again, until told to stop.
async fn keep_moving(database: &TestDatabase, readers: usize) {
    database.execute(SETUP);
    database.execute("DELETE FROM u");
    let (t, u) = (table(database, "t"), table(database, "u"));
    let source = source(database.url()).await;
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let url = database.url().to_owned();
    let moves = Arc::new(AtomicUsize::new(0));
    let moved = Arc::clone(&moves);
    let mover = std::thread::spawn(move || {
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            let (from, to) = if moved.load(SeqCst).is_multiple_of(2) {
                ("t", "u")
            } else {
                ("u", "t")
            };
            let sql = format!(
                "START TRANSACTION; INSERT INTO {to} SELECT * FROM {from}; DELETE FROM {from}; COMMIT"
            );
            if try_query(&url, &sql).is_ok() {
                moved.fetch_add(1, SeqCst);
            }
        }
    });
    let mut snapshots = 0;
    while snapshots < 10 || (moves.load(SeqCst) <= 5 && snapshots < 1_000) {
        snapshots += 1;
        let ids = [t.id.clone(), u.id.clone()];
        let snapshot = source.snapshot(&ids, readers).await;
        let snapshot = snapshot.unwrap_or_else(|error| panic!("{}", error.chain()));
        let (ts, us) = (wire_columns(&t), wire_columns(&u));
        let reads = (0..readers).map(|at| {
            let (table, columns) = if at % 2 == 0 { (&t, &ts) } else { (&u, &us) };
            read(&*snapshot, table, columns, KeyRange::All)
        });
        let found: Vec<u64> = futures::future::join_all(reads)
            .await
            .iter()
            .map(|batches| digest(batches, &ts).rows)
            .collect();
        for pair in found.windows(2) {
            assert_eq!(pair.iter().sum::<u64>(), 16, "{found:?}");
        }
    }
    stop.send(()).unwrap();
    mover.join().unwrap();
    assert!(moves.load(SeqCst) > 5, "{} moves", moves.load(SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_readers_begin_in_one_state_while_others_write() {
    for database in databases("one_state") {
        keep_moving(&database, 4).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_may_lock_nothing_reads_with_one_reader() {
    for database in databases("one_reader") {
        database.execute(SETUP);
        let login = format!("r{:.30}", database.name().replace("t_one_reader", ""));
        database.execute(&format!(
            "CREATE USER '{login}'@'%' IDENTIFIED BY 'x'; GRANT SELECT ON `{}`.* TO '{login}'@'%'",
            database.name()
        ));
        let (scheme, rest) = database.url().split_once("://").unwrap();
        let (_, place) = rest.rsplit_once('@').unwrap();
        let source = source(&format!("{scheme}://{login}:x@{place}")).await;
        let table = table(&database, "t");
        let columns = wire_columns(&table);
        let snapshot = open(&*source, &table, 3).await;
        database.execute("DELETE FROM t WHERE id < 5");
        let (one, two) = tokio::join!(
            read(&*snapshot, &table, &columns, KeyRange::All),
            read(&*snapshot, &table, &columns, KeyRange::All)
        );
        for batches in [one, two] {
            assert_eq!(digest(&batches, &columns).rows, 16);
        }
        database.execute(&format!("DROP USER '{login}'@'%'"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn truncate_and_rewrites_wait_for_the_snapshot() {
    for database in databases("ddl_blocked") {
        database.execute(SETUP);
        let source = source(database.url()).await;
        let table = table(&database, "t");
        let snapshot = open(&*source, &table, 2).await;
        for sql in [
            "TRUNCATE t",
            "DROP TABLE t",
            "ALTER TABLE t MODIFY id bigint",
            "RENAME TABLE t TO v",
        ] {
            let sql = format!("SET lock_wait_timeout = 1; {sql}");
            let error = try_query(database.url(), &sql).unwrap_err();
            assert!(error.contains("1205"), "{sql}: {error}");
        }
        drop(snapshot);
        database.execute("SET lock_wait_timeout = 30; TRUNCATE t");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_whose_sessions_were_ended_is_lost() {
    for database in databases("snapshot_lost") {
        database.execute(SETUP);
        let source = source(database.url()).await;
        let table = table(&database, "t");
        let columns = wire_columns(&table);
        let snapshot = open(&*source, &table, 2).await;
        assert!(database.terminate_sessions() >= 2);
        let mut classes = Vec::new();
        while classes.last() != Some(&ErrorClass::SnapshotLost) {
            match try_read(&*snapshot, &table, &columns, KeyRange::All).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => classes.push(error.class()),
            }
        }
        assert!(classes.len() <= 2, "{classes:?}");
        assert_eq!(whole(&*source, &table, &columns).await.rows, 16);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_dropped_leaves_its_session_to_the_next() {
    for database in databases("dropped_stream") {
        database.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a longtext); INSERT INTO t (a) VALUES (repeat('x', 100000))");
        for _ in 0..9 {
            database.execute("INSERT INTO t (a) SELECT a FROM t");
        }
        let source = source(database.url()).await;
        let table = table(&database, "t");
        let columns = wire_columns(&table);
        let snapshot = open(&*source, &table, 1).await;
        for _ in 0..5 {
            let mut batches = snapshot.read(ReadRequest {
                table: table.clone(),
                columns: columns.clone(),
                range: KeyRange::All,
                batch_bytes: 200_000,
                packed: false,
            });
            assert!(batches.next().await.unwrap().unwrap().rows() > 0);
            drop(batches);
        }
        let all = read(&*snapshot, &table, &columns, KeyRange::All).await;
        assert_eq!(digest(&all, &columns).rows, 512);
        assert!(all.iter().all(|batch| batch.bytes() < 3 * BATCH_BYTES));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_session_cannot_write() {
    for database in databases("read_only") {
        database.execute(SETUP);
        database.execute("CREATE FUNCTION f() RETURNS int DETERMINISTIC MODIFIES SQL DATA BEGIN INSERT INTO u VALUES (1000, ''); RETURN 1; END");
        database.execute("CREATE VIEW v AS SELECT f() AS id");
        let source = source(database.url()).await;
        let view = table(&database, "v");
        let snapshot = open(&*source, &table(&database, "t"), 1).await;
        let read = try_read(&*snapshot, &view, &wire_columns(&view), KeyRange::All).await;
        assert!(read.is_err(), "the function could write");
        assert_eq!(
            database.query_text("SELECT COUNT(*) FROM u WHERE id = 1000")[0][0].as_deref(),
            Some("0")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_numbers_are_told() {
    for database in databases("next_numbers") {
        database.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 50;
            CREATE TABLE u (id bigint AUTO_INCREMENT PRIMARY KEY); INSERT INTO u VALUES (7), (9); DELETE FROM u WHERE id = 9");
        let source = source(database.url()).await;
        let snapshot = source.snapshot(&[], 1).await.unwrap();
        let wanted = ["missing", "t_id_seq", "u_id_seq"].map(whimbrel_core::TableId::bare);
        let found = snapshot.sequence_positions(&wanted).await.unwrap();
        let next: Vec<Option<(i64, bool)>> = found
            .iter()
            .map(|found| found.map(|found| (found.last_value, found.is_called)))
            .collect();
        assert_eq!(next, [None, Some((50, false)), Some((10, false))]);
    }
}
