//! Copies between two databases of one flavour: every type arrives as it was, as another means of reading them shows.

use whimbrel_core::{
    ChunkResult, Committed, Digest, KeyRange, Position, ReadColumn, Table, TableId, WriteColumn, WriteRequest,
};
use whimbrel_testkit::mysql::{Flavour, TestDatabase};

use crate::harness::{digest, open, read, source, table, whole, wire_columns};
use crate::ledger::{chunk, open_run, target};

const EVERY_TYPE: &str = "
    CREATE TABLE t (id bigint unsigned PRIMARY KEY, i1 tinyint(1), i2 smallint unsigned, i3 mediumint, n decimal(65,30),
      f float, d double, b1 bit(1), b64 bit(64), c char(10), v varchar(50) CHARACTER SET latin1, w varchar(20) CHARACTER SET ucs2,
      g varchar(20) CHARACTER SET gbk, tx longtext, bi binary(5), vb varbinary(20), bl longblob,
      e enum('one','it''s','a,b') , s set('x','y','z'), dt date, tm time(6), dtm datetime(6), ts timestamp(3) NULL, y year,
      j json, ge geometry, p point) CHARACTER SET utf8mb4;
    INSERT INTO t (id) VALUES (0);
    INSERT INTO t VALUES (18446744073709551615, -128, 65535, -8388608, '-99999999999999999999999999999999999.999999999999999999999999999999',
      3.4028234e38, 1.7976931348623157e308, b'1', b'1111111111111111111111111111111111111111111111111111111111111110',
      ' ab', 'äöü\\\\\\t\\n', 'ab', 'ab', 'a\\tb\\nc\\\\d', x'00095c0a00', x'00ff', x'095c0a0d001aff',
      'it''s', 'x,z', '9999-12-31', '-838:59:59.000000', '9999-12-31 23:59:59.999999', '2038-01-19 03:14:07.999', 2155,
      '{\"a\": [1.5, \"\\\\u0000\", 18446744073709551615]}', ST_GeomFromText('LINESTRING(0 0,1 1.5)'), ST_GeomFromText('POINT(1 2)'));
    INSERT INTO t (id, f, d, e, s, dt, tm, dtm, ts, y, tx, bl, j) VALUES (5, 0.1, 0.1, 'one', '', '2020-01-01', '00:00:00.000001',
      '0001-01-01 00:00:00', '1970-01-01 00:00:01', 1901, '', '', 'null');
    SET sql_mode = 'ALLOW_INVALID_DATES';
    INSERT INTO t (id, e, dt, dtm, ts, y) VALUES (6, 'none of these', '0000-00-00', '2023-02-31 00:00:00', '0000-00-00 00:00:00', 0);
    INSERT INTO t (id, dt, f, tx) VALUES (7, '2020-00-15', 1e-45, REPEAT('\u{1f600}', 100000))";

/// Copies the table as one chunk.
async fn copy(from: &TestDatabase, to: &TestDatabase, table: &Table, columns: &[ReadColumn]) -> Digest {
    let (source, target) = (source(from.url()).await, target(to.url()).await);
    let run = open_run(&*target).await;
    let ledger = target.ledger();
    ledger.store_split(&run, &table.id, &[chunk(0)]).await.unwrap();
    let request = WriteRequest {
        run,
        table: table.clone(),
        columns: columns
            .iter()
            .map(|column| WriteColumn {
                name: column.name.clone(),
                native: column.native.clone(),
                logical: column.logical.clone(),
            })
            .collect(),
        chunk: chunk(0),
        replace: false,
        position: Position("here".to_owned()),
    };
    let mut writer = target
        .writer(request)
        .await
        .unwrap_or_else(|error| panic!("{}", error.chain()));
    let snapshot = open(&*source, table, 1).await;
    let batches = read(&*snapshot, table, columns, KeyRange::All).await;
    for batch in &batches {
        assert_eq!(batch.rejects, []);
        let rejects = writer
            .write(batch)
            .await
            .unwrap_or_else(|error| panic!("{}", error.chain()));
        assert_eq!(rejects, []);
    }
    let read = digest(&batches, columns);
    let result = ChunkResult {
        rows: read.rows,
        bytes: 1,
        rejected: 0,
        ruled: Vec::new(),
        digest: read.clone(),
    };
    assert_eq!(writer.commit(result).await.unwrap(), Committed::Done);
    read
}

/// What another program says about the table's rows.
fn dumped(database: &TestDatabase) -> Vec<String> {
    let dump = database.dump();
    let rows = dump.lines().filter(|line| line.starts_with("INSERT INTO `t`"));
    rows.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_arrives_as_it_was_between_equal_servers() {
    for flavour in Flavour::ALL {
        let Some(from) = TestDatabase::create(flavour, "copy from") else {
            continue;
        };
        let to = TestDatabase::create(flavour, "copy to").unwrap();
        from.execute(EVERY_TYPE);
        let definition = from.query_text("SHOW CREATE TABLE t")[0][1].clone().unwrap();
        to.execute(&definition);
        let table = table(&from, "t");
        let columns = wire_columns(&table);
        let read = copy(&from, &to, &table, &columns).await;
        assert_eq!(read.rows, 5);
        assert_eq!(dumped(&to), dumped(&from), "{flavour:?}");
        let back = whole(&*source(to.url()).await, &table, &columns).await;
        assert!(back.same_rows(&read), "{flavour:?}");
        assert_eq!(table.id, TableId::bare("t"));
    }
}
