//! Sessions that read rows: every way in, rows of any length, and connections that end between two bytes.

use arrow_array::cast::AsArray as _;
use futures::{StreamExt as _, TryStreamExt as _};
use whimbrel_core::{Batch, DatabaseUrl, ErrorClass, KeyRange, LogicalType, ReadRequest};
use whimbrel_testkit::mysql::{TestDatabase, try_query};
use whimbrel_testkit::proxy::{Direction, Fault, Proxy};

use crate::harness::*;

/// What the server lets in, as `CREATE USER` says it.
fn ways_in(database: &TestDatabase) -> Vec<(&'static str, &'static str)> {
    if database.url().starts_with("mysql") {
        return vec![
            ("IDENTIFIED WITH caching_sha2_password BY 'p@ss'", ":p%40ss"),
            ("IDENTIFIED WITH caching_sha2_password BY ''", ""),
        ];
    }
    let mut ways = vec![
        (
            "IDENTIFIED VIA mysql_native_password USING PASSWORD('p@ss')",
            ":p%40ss",
        ),
        ("IDENTIFIED BY ''", ""),
    ];
    // Another test may have installed it, which is as good.
    drop(try_query(database.url(), "INSTALL SONAME 'auth_ed25519'"));
    let installed = "SELECT COUNT(*) FROM information_schema.PLUGINS WHERE PLUGIN_NAME = 'ed25519'";
    if database.query_text(installed) == [[Some("1".to_owned())]] {
        ways.push(("IDENTIFIED VIA ed25519 USING PASSWORD('p@ss')", ":p%40ss"));
    }
    ways
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_read_by_a_login_of_every_kind_with_and_without_encryption() {
    for database in databases("wire logins") {
        database.execute("CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1), (2)");
        let table = table(&database, "t");
        let columns = [reading(&table, "a", LogicalType::Integer { bits: 32 })];
        let (scheme, rest) = database.url().split_once("://").unwrap();
        let (_, place) = rest.rsplit_once('@').unwrap();
        for (at, (identified, password)) in ways_in(&database).into_iter().enumerate() {
            let login = format!("w{at}{:.28}", database.name().replace("t_wire_logins", ""));
            database.execute(&format!(
                "CREATE USER '{login}'@'%' {identified}; GRANT SELECT, PROCESS ON *.* TO '{login}'@'%'"
            ));
            for mode in ["DISABLED", "PREFERRED"] {
                let url = format!("{scheme}://{login}{password}@{place}?ssl-mode={mode}");
                let source = source(&url).await;
                // The server forgets who was here, so that the sessions that read have to say it all.
                database.execute("FLUSH PRIVILEGES");
                let snapshot = open(&*source, &table, 1).await;
                let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
                assert_eq!(batches[0].rows(), 2, "{identified} {mode}");
            }
            database.execute(&format!("DROP USER '{login}'@'%'"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_longer_than_any_frame_arrives_whole_between_short_ones() {
    for database in databases("wire long") {
        database.execute(
            "CREATE TABLE t (a int PRIMARY KEY, b longblob, c longtext, d longblob);
             INSERT INTO t VALUES (1, 'x', 'y', 'z'), (2, REPEAT('b', 6291456), REPEAT('c', 6291456), REPEAT('d', 6291456)),
                (3, NULL, '', 'end')",
        );
        let table = table(&database, "t");
        let source = source(database.url()).await;
        let snapshot = open(&*source, &table, 1).await;
        let columns = [
            reading(&table, "a", LogicalType::Integer { bits: 32 }),
            reading(&table, "b", LogicalType::Bytes),
            reading(&table, "c", LogicalType::text()),
            reading(&table, "d", LogicalType::Bytes),
        ];
        let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
        let rows: Vec<usize> = batches.iter().map(Batch::rows).collect();
        assert_eq!(rows, [1, 1, 1], "a row beyond the size of a batch stands alone");
        let long = &batches[1].records;
        for (at, letter) in [(1, b'b'), (3, b'd')] {
            let value = long.column(at).as_binary::<i32>().value(0);
            assert!(value.len() == 6 << 20 && value.iter().all(|byte| *byte == letter));
        }
        let text = long.column(2).as_string::<i32>().value(0);
        assert!(text.len() == 6 << 20 && text.bytes().all(|byte| byte == b'c'));
        assert_eq!(batches[2].records.column(3).as_binary::<i32>().value(0), b"end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_at_any_byte_never_passes_for_the_end_of_the_rows() {
    for database in databases("wire cut") {
        database.execute("CREATE TABLE t (a int PRIMARY KEY, b varchar(20))");
        let rows: Vec<String> = (0..300).map(|at| format!("({at}, 'row {at}')")).collect();
        database.execute(&format!("INSERT INTO t VALUES {}", rows.join(", ")));
        let table = table(&database, "t");
        let columns = wire_columns(&table);
        let server = DatabaseUrl::parse(database.url()).unwrap();
        let address = format!("{}:{}", server.host.unwrap(), server.port.unwrap());
        let mut cuts = vec![u64::MAX];
        let mut whole = None;
        while let Some(bytes) = cuts.pop() {
            let proxy = Proxy::start(address.parse().unwrap()).unwrap();
            let url = format!("{}?ssl-mode=DISABLED", database.url_through(proxy.address()));
            let source = source(&url).await;
            let snapshot = open(&*source, &table, 1).await;
            let before = proxy.forwarded(Direction::ToClient);
            if bytes < u64::MAX {
                proxy.strike_after(Direction::ToClient, bytes, Fault::Cut);
            }
            let read = try_read(&*snapshot, &table, &columns, KeyRange::All).await;
            match (whole, read) {
                (None, read) => {
                    assert_eq!(read.unwrap()[0].rows(), 300);
                    let length = proxy.forwarded(Direction::ToClient) - before;
                    cuts.extend((1..length).step_by(97).chain(length - 12..length));
                    whole = Some(length);
                }
                (Some(_), Ok(_)) => panic!("the rows ended after {bytes} bytes"),
                (Some(_), Err(error)) => {
                    assert_eq!(error.class(), ErrorClass::SnapshotLost, "{}", error.chain());
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_killed_among_its_rows_is_an_error_and_the_others_read_on() {
    for database in databases("wire killed") {
        database.execute("CREATE TABLE t (a int AUTO_INCREMENT PRIMARY KEY, b varchar(200)); INSERT INTO t (b) VALUES (REPEAT('x', 200))");
        for _ in 0..16 {
            database.execute("INSERT INTO t (b) SELECT b FROM t");
        }
        let table = table(&database, "t");
        let source = source(database.url()).await;
        let snapshot = open(&*source, &table, 2).await;
        let request = ReadRequest {
            table: table.clone(),
            columns: wire_columns(&table),
            range: KeyRange::All,
            batch_bytes: 100_000,
            packed: false,
        };
        let mut batches = snapshot.read(request.clone());
        assert!(batches.next().await.unwrap().is_ok());
        let sessions = database.query_text(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND INFO LIKE 'SELECT %`b`%FROM%'",
        );
        let session = sessions[0][0].clone().unwrap();
        database.execute(&format!("KILL CONNECTION {session}"));
        let failed = loop {
            match batches.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break error,
                None => panic!("a killed session came to its end"),
            }
        };
        assert!(
            matches!(failed.class(), ErrorClass::Transient | ErrorClass::SnapshotLost),
            "{}",
            failed.chain()
        );
        let rest: Vec<Batch> = snapshot.read(request).try_collect().await.unwrap();
        assert_eq!(rest.iter().map(Batch::rows).sum::<usize>(), 65_536);
    }
}
