//! What one pass over the values finds, and what the server says about them as a witness.

use whimbrel_core::{Catalog, ColumnProfile, LogicalType, Table, TableId, TableProfile, ValueRule};
use whimbrel_testkit::mysql::TestDatabase;

use crate::harness::{databases, open, read_column, ruled, source, wire_columns};

const VALUES: &str = include_str!("torture/values.sql");

async fn loaded(name: &str) -> Vec<(TestDatabase, Catalog)> {
    let mut found = Vec::new();
    for database in databases(name) {
        database.execute(VALUES);
        let catalog = source(database.url()).await.catalog().await.unwrap();
        found.push((database, catalog));
    }
    found
}

fn table<'a>(catalog: &'a Catalog, name: &str) -> &'a Table {
    catalog.table(&TableId::bare(name)).unwrap()
}

async fn profile(database: &TestDatabase, catalog: &Catalog, name: &str) -> TableProfile {
    source(database.url())
        .await
        .profile(table(catalog, name))
        .await
        .unwrap_or_else(|error| panic!("{}", error.chain()))
}

fn range(column: &ColumnProfile) -> (&str, &str) {
    (
        column.min.as_deref().unwrap_or("-"),
        column.max.as_deref().unwrap_or("-"),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_have_their_exact_range() {
    for (database, catalog) in loaded("profile_numbers").await {
        let found = profile(&database, &catalog, "numbers").await;
        assert_eq!(found.rows, 3);
        assert!(found.row_bytes_max > 60 && found.bytes > found.row_bytes_max);
        for (name, want) in [
            ("flag", ("0", "1")),
            ("big", ("1", "18446744073709551615")),
            ("money", ("-0.05", "12.50")),
            ("f", ("-0.5", "1.100000023841858")),
            ("d", ("-1e-300", "1e300")),
            ("z", ("7", "42")),
        ] {
            assert_eq!(range(&found.columns[name]), want, "{name}");
            assert_eq!(found.columns[name].nulls, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dates_that_are_no_days_are_counted_and_are_no_extremes() {
    for (database, catalog) in loaded("profile_dates").await {
        let found = profile(&database, &catalog, "moments").await;
        let (d, dt, t, y) = (
            &found.columns["d"],
            &found.columns["dt"],
            &found.columns["t"],
            &found.columns["y"],
        );
        assert_eq!(
            (d.shapes["zero_dates"], d.shapes["invalid_dates"], d.out_of_range),
            (1, 2, 3)
        );
        assert_eq!(range(d), ("2000-02-29", "2000-02-29"));
        assert_eq!(
            (
                dt.shapes["zero_dates"],
                dt.shapes["invalid_dates"],
                dt.out_of_range
            ),
            (1, 1, 2)
        );
        assert_eq!(range(dt), ("2020-02-29 10:11:12.123", "9999-12-31 23:59:59.999"));
        assert_eq!(found.columns["ts"].out_of_range, 0);
        assert_eq!(
            (t.shapes["beyond_day"], range(t)),
            (3, ("-12:00:00.50", "838:59:59.00"))
        );
        assert_eq!((y.shapes["zero_years"], range(y)), (1, ("0", "2155")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_are_measured_as_they_will_arrive() {
    for (database, catalog) in loaded("profile_texts").await {
        let found = profile(&database, &catalog, "words").await;
        let column = |name: &str| &found.columns[name];
        assert_eq!((column("u").nul_text, column("w").nul_text), (1, 1));
        assert_eq!((column("u").bytes_max, column("u").chars_max), (4, 4));
        // Two bytes of latin1 take four of UTF-8, and two of UTF-16 four.
        assert_eq!((column("l").bytes_max, column("l").chars_max), (4, 2));
        assert_eq!(column("w").bytes_max, 4);
        assert_eq!(
            (
                column("u").shapes["double_encoded"],
                column("l").shapes["double_encoded"]
            ),
            (1, 1)
        );
        assert_eq!(column("u").shapes["trailing_space"], 1);
        assert_eq!(column("c").shapes["uuid"], 1);
        assert_eq!(column("e").shapes["enum_empty"], 1);
        assert!(found.columns.values().all(|column| column.invalid_text == 0));
        let found = profile(&database, &catalog, "documents").await;
        // A backslash before `u0000` may itself be escaped.
        assert_eq!(found.columns["j"].shapes["json_nul"], 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_cannot_arrive_is_counted() {
    for database in databases("profile_invalid") {
        database.execute(
            "CREATE TABLE t (id INT PRIMARY KEY, u VARBINARY(9), s VARBINARY(9), a VARBINARY(9));
             INSERT INTO t VALUES (1, x'c3a4', x'8341', x'61'), (2, x'c3', x'81', x'e9'), (3, x'ff61', x'61', x'62'), (4, NULL, NULL, NULL)",
        );
        // Bytes that were taken as they are become text that is none.
        let texts = "MODIFY u VARCHAR(9) CHARACTER SET utf8mb4, MODIFY s VARCHAR(9) CHARACTER SET sjis, MODIFY a VARCHAR(9) CHARACTER SET ascii";
        let changed = whimbrel_testkit::mysql::try_query(
            database.url(),
            &format!("SET sql_mode = ''; ALTER TABLE t {texts}"),
        );
        assert!(changed.is_ok(), "{changed:?}");
        let stored = database.query_text("SELECT HEX(u), HEX(s), HEX(a) FROM t ORDER BY id");
        let is_kept = |at: usize, bytes: &str| stored[1][at].as_deref() == Some(bytes);
        let catalog = source(database.url()).await.catalog().await.unwrap();
        let found = profile(&database, &catalog, "t").await;
        // Where the server lets such bytes in, they are counted.
        assert_eq!(
            found.columns["u"].invalid_text > 0,
            is_kept(0, "C3"),
            "{stored:?}"
        );
        assert_eq!(
            found.columns["a"].invalid_text > 0,
            is_kept(2, "E9"),
            "{stored:?}"
        );
        assert_eq!(found.columns["u"].nulls, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_refer_to_nothing_or_only_by_their_collation_are_counted() {
    for (database, catalog) in loaded("profile_orphans").await {
        let found = profile(&database, &catalog, "children").await;
        let key = &found.foreign_keys[0];
        assert_eq!((key.orphans, key.inexact), (2, 2));
        assert_eq!(key.examples, ["code=gone", "code=lost"]);
        let children = table(&catalog, "children");
        let snapshot = open(&*source(database.url()).await, children, 1).await;
        assert_eq!(snapshot.orphans(children).await.unwrap(), [2]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_without_rows_has_a_profile() {
    for (database, catalog) in loaded("profile_empty").await {
        let found = profile(&database, &catalog, "empty_").await;
        assert_eq!((found.rows, found.bytes, found.row_bytes_max), (0, 0, 0));
        assert_eq!(found.columns["d"].out_of_range, 0);
        assert_eq!(found.columns["id"].min, None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_says_sums_and_extremes_in_the_common_form() {
    for (database, catalog) in loaded("aggregate").await {
        let source = source(database.url()).await;
        let numbers = table(&catalog, "numbers");
        let snapshot = open(&*source, numbers, 1).await;
        let decimal = LogicalType::Decimal {
            precision: None,
            scale: None,
        };
        let columns: Vec<_> = ["big", "money", "exact_", "bad_sum"]
            .map(|name| read_column(numbers.column(name).unwrap(), decimal.clone()))
            .to_vec();
        let said = snapshot.aggregate(numbers, &columns).await.unwrap();
        assert_eq!(said.rows, 3);
        let big = &said.columns["big"];
        assert_eq!((big.nulls, big.sum.as_deref()), (1, Some("18446744073709551616")));
        assert_eq!(said.columns["money"].sum.as_deref(), Some("12.45"));
        // A sum of 65 digits may not be exact.
        assert_eq!(said.columns["exact_"].sum, None);
        assert_eq!(
            said.columns["exact_"].max.as_deref(),
            Some("0.000000000000000000000000000001")
        );
        assert_eq!(said.columns["bad_sum"].sum.as_deref(), Some("3.75"));
        let flag = read_column(numbers.column("flag").unwrap(), LogicalType::Boolean);
        let said = snapshot.aggregate(numbers, &[flag]).await.unwrap();
        assert_eq!(said.columns["flag"].trues, Some(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn texts_and_dates_are_summed_up_as_they_travel() {
    for (database, catalog) in loaded("aggregate_texts").await {
        let source = source(database.url()).await;
        let words = table(&catalog, "words");
        let snapshot = open(&*source, words, 1).await;
        let columns: Vec<_> = ["u", "l", "w"]
            .map(|name| read_column(words.column(name).unwrap(), LogicalType::text()))
            .to_vec();
        let said = snapshot.aggregate(words, &columns).await.unwrap();
        // By bytes, not by a collation.
        assert_eq!(said.columns["u"].min.as_deref(), Some("end "));
        assert_eq!(
            (said.columns["l"].bytes, said.columns["w"].bytes),
            (Some(7), Some(6))
        );
        let moments = table(&catalog, "moments");
        let zoned = read_column(
            moments.column("ts").unwrap(),
            LogicalType::Timestamp { zoned: true },
        );
        let date = ruled(moments, "d", LogicalType::Date, ValueRule::InvalidToNull);
        let snapshot = open(&*source, moments, 1).await;
        let said = snapshot.aggregate(moments, &[zoned, date]).await.unwrap();
        assert_eq!(
            said.columns["ts"].max.as_deref(),
            Some("2038-01-19 03:14:07+00:00")
        );
        // The rule makes three of them NULL.
        assert_eq!(
            (said.columns["d"].nulls, said.columns["d"].min.as_deref()),
            (4, Some("2000-02-29"))
        );
        let wire = snapshot.aggregate(moments, &wire_columns(moments)).await.unwrap();
        assert_eq!(wire.columns["d"].min.as_deref(), Some("0000-00-00"));
    }
}
