//! Chunks cover each row once, whatever the key.

use whimbrel_core::{Digest, KeyRange, KeyValue};

use crate::harness::*;

/// Numbers from 1 to 5,000, for `INSERT ... SELECT`.
const NUMBERS: &str = "(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 1 AS i FROM
    (SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) a,
    (SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) b,
    (SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) c,
    (SELECT 0 d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) e) n";

const FILL: &str = "repeat('x', 200)";

async fn check(name: &str, sql: &str, chunks_min: usize) {
    for database in databases(name) {
        database.execute(sql);
        let table = table(&database, "t");
        let source = source(database.url()).await;
        let columns = wire_columns(&table);
        let snapshot = open(&*source, &table, 2).await;
        let chunks = snapshot.split(&table, 64 << 10).await.unwrap();
        assert!(chunks.len() >= chunks_min, "{} chunks", chunks.len());
        let mut parts = Digest::default();
        let mut largest = 0;
        for chunk in &chunks {
            let part = digest(
                &read(&*snapshot, &table, &columns, chunk.range.clone()).await,
                &columns,
            );
            largest = largest.max(part.rows);
            parts.add(&part);
        }
        let all = digest(&read(&*snapshot, &table, &columns, KeyRange::All).await, &columns);
        assert_eq!(parts.rows, all.rows, "{name} {}", database.url());
        assert!(parts.same_rows(&all), "{name}");
        if chunks_min > 4 {
            assert!(
                largest < all.rows / 2,
                "{largest} of {} rows in one chunk",
                all.rows
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_integer_key_with_huge_gaps_is_covered_once() {
    let sql = format!(
        "CREATE TABLE t (id bigint PRIMARY KEY, a text);
        INSERT INTO t SELECT CASE WHEN i % 2 = 0 THEN i ELSE i * 1844674407370955 END, {FILL} FROM {NUMBERS};
        INSERT INTO t VALUES (-9223372036854775808, ''), (9223372036854775807, '')"
    );
    check("split_gaps", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unsigned_key_beyond_64_bits_with_a_sign_is_covered_once() {
    let sql = format!(
        "CREATE TABLE t (id bigint unsigned PRIMARY KEY, a text);
        INSERT INTO t SELECT 18446744073709551615 - i, {FILL} FROM {NUMBERS}; INSERT INTO t VALUES (0, '')"
    );
    check("split_unsigned", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_key_is_covered_once_in_its_own_collation() {
    for (charset, collation) in [
        ("utf8mb4", "utf8mb4_general_ci"),
        ("latin1", "latin1_german2_ci"),
        ("utf8mb4", "utf8mb4_bin"),
        ("utf16", "utf16_unicode_ci"),
    ] {
        let sql = format!("CREATE TABLE t (id varchar(60) CHARACTER SET {charset} COLLATE {collation} PRIMARY KEY, a text);
            INSERT INTO t SELECT concat(char(97 + i % 26 USING utf8mb4), CASE WHEN i % 3 = 0 THEN 'Ä''\\\\' ELSE 'z ' END, i), {FILL} FROM {NUMBERS}");
        check("split_text", &sql, 8).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_composite_key_is_covered_once() {
    let sql = format!("CREATE TABLE t (a int, `b ``b` char(3), c datetime(6) DEFAULT '2020-01-01', d text, PRIMARY KEY (a, `b ``b`, c));
        INSERT INTO t (a, `b ``b`, d) SELECT i % 7, concat(char(97 + i % 26), char(97 + i DIV 26 % 26), char(97 + i DIV 676)), {FILL} FROM {NUMBERS}");
    check("split_composite", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_other_types_are_covered_once() {
    for (native, key) in [
        ("decimal(20,4)", "i / 7"),
        ("double", "(i - 2500) / 3"),
        ("float", "i / 4"),
        ("datetime(6)", "'2020-01-01' + INTERVAL i * 7 MICROSECOND"),
        ("timestamp(3)", "'2020-01-01' + INTERVAL i MINUTE"),
        ("date", "'1000-01-01' + INTERVAL i DAY"),
        ("time(2)", "sec_to_time((i - 2500) * 1000 + 0.25)"),
        ("binary(16)", "unhex(left(sha2(i, 256), 32))"),
        ("varbinary(40)", "concat(char(i % 256), i)"),
        ("bit(64)", "cast(i as unsigned) * 3000000000000000"),
        (
            "char(36)",
            "insert(insert(left(sha2(i, 256), 32), 9, 0, '-'), 14, 0, '-')",
        ),
    ] {
        let sql = format!(
            "CREATE TABLE t (id {native} PRIMARY KEY, a text); INSERT INTO t SELECT {key}, {FILL} FROM {NUMBERS}"
        );
        check("split_others", &sql, 8).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enum_and_a_set_are_ordered_by_their_numbers() {
    let sql = format!(
        "CREATE TABLE t (m enum('c','b','a'), s set('z','y','x'), n int, a text, PRIMARY KEY (m, s, n));
        INSERT INTO t SELECT 1 + i % 3, i % 8, i, {FILL} FROM {NUMBERS};
        SET sql_mode = ''; INSERT INTO t VALUES ('not one', '', 1, 'x')"
    );
    check("split_enum", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zero_and_invalid_dates_are_keys_like_any_other() {
    let sql = format!("SET sql_mode = 'ALLOW_INVALID_DATES'; CREATE TABLE t (d date, n int, a text, PRIMARY KEY (d, n));
        INSERT INTO t SELECT CASE i % 4 WHEN 0 THEN '0000-00-00' WHEN 1 THEN '2023-02-31' WHEN 2 THEN '2020-00-15' ELSE '2021-05-05' END, i, {FILL} FROM {NUMBERS}");
    check("split_zero_dates", &sql, 8).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unique_key_serves_where_no_primary_key_is_and_one_with_nulls_does_not() {
    let sql = format!(
        "CREATE TABLE t (a text, k int NOT NULL, UNIQUE KEY `odd ``name` (k)); INSERT INTO t SELECT {FILL}, i FROM {NUMBERS}"
    );
    check("split_unique", &sql, 8).await;
    let sql = format!(
        "CREATE TABLE t (a text, k int, UNIQUE KEY (k)); INSERT INTO t SELECT {FILL}, i FROM {NUMBERS}; INSERT INTO t VALUES ('', NULL), ('', NULL)"
    );
    check("split_nulls", &sql, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_without_a_key_and_a_small_one_are_one_chunk() {
    let sql = format!("CREATE TABLE t (a text); INSERT INTO t SELECT {FILL} FROM {NUMBERS}");
    check("split_keyless", &sql, 1).await;
    check(
        "split_small",
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)",
        1,
    )
    .await;
    check("split_empty", "CREATE TABLE t (id int PRIMARY KEY)", 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_rows_with_large_values_are_split_by_their_size() {
    for database in databases("split_large") {
        database.execute(&format!(
            "CREATE TABLE t (id int PRIMARY KEY, a longblob);
            INSERT INTO t SELECT i, repeat('x', CASE WHEN i <= 10 THEN 500000 ELSE 10 END) FROM {NUMBERS} WHERE i <= 100"
        ));
        let table = table(&database, "t");
        let source = source(database.url()).await;
        let snapshot = open(&*source, &table, 1).await;
        let chunks = snapshot.split(&table, 1 << 20).await.unwrap();
        let first = |range: &KeyRange| {
            let KeyRange::Keys(bound) = range else {
                panic!("{range:?}")
            };
            bound.from.as_ref().map(|from| match from.as_slice() {
                [KeyValue::Integer(number)] => *number,
                other => panic!("{other:?}"),
            })
        };
        let firsts: Vec<i64> = chunks.iter().filter_map(|chunk| first(&chunk.range)).collect();
        let small = firsts.iter().filter(|first| **first <= 11).count();
        assert!(small >= 2, "{firsts:?}");
    }
}
