//! Claims about the demo's database.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::*;

fn ask<T: rusqlite::types::FromSql>(path: &Path, sql: &str) -> T {
    Connection::open(path)
        .unwrap()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn the_shop_has_the_rows_asked_for_and_every_kind_of_dirt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new folder/legacy.db");
    let summary = create_legacy(&path, 20_000).unwrap();
    assert_eq!((summary.tables, summary.rows), (25, 20_000));
    assert_eq!(summary.dirt.len(), DIRT.len(), "{:#?}", summary.dirt);
    assert_eq!(ask::<String>(&path, "PRAGMA integrity_check"), "ok");
    assert_eq!(
        ask::<i64>(
            &path,
            "SELECT count(*) FROM (SELECT DISTINCT parent FROM pragma_foreign_key_check)"
        ),
        3,
        "orphans only where they are meant to be"
    );
}

#[test]
fn even_the_smallest_shop_has_all_its_dirt() {
    let folder = tempfile::tempdir().unwrap();
    let summary = create_legacy(&folder.path().join("legacy.db"), 1).unwrap();
    assert!(summary.rows < 3_000, "{}", summary.rows);
    assert_eq!(summary.dirt.len(), DIRT.len(), "{:#?}", summary.dirt);
}

#[test]
fn two_shops_are_equal_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = ["one.db", "two.db"].map(|name| folder.path().join(name));
    create_legacy(&one, 2_000).unwrap();
    create_legacy(&two, 2_000).unwrap();
    assert_eq!(fs::read(one).unwrap(), fs::read(two).unwrap());
}

#[test]
fn an_earlier_shop_is_replaced_and_a_foreign_file_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("legacy.db");
    create_legacy(&path, 1_000).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch("DROP TABLE events")
        .unwrap();
    create_legacy(&path, 1_000).unwrap();
    assert!(ask::<i64>(&path, "SELECT count(*) FROM events") > 0);

    for content in ["not a database", ""] {
        let foreign = folder.path().join("foreign.db");
        fs::write(&foreign, content).unwrap();
        let error = create_legacy(&foreign, 1_000).unwrap_err();
        assert_eq!(error.code(), "file_exists");
        assert_eq!(fs::read_to_string(&foreign).unwrap(), content);
    }
}

#[test]
fn an_order_whose_status_changes_sets_off_the_trigger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("legacy.db");
    create_legacy(&path, 1_000).unwrap();
    let before: i64 = ask(&path, "SELECT count(*) FROM audit_log");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("UPDATE orders SET status = 'done' WHERE id = 1")
        .unwrap();
    assert_eq!(ask::<i64>(&path, "SELECT count(*) FROM audit_log"), before + 1);
    for view in ["open_orders", "customer_turnover", "product_overview"] {
        assert!(
            ask::<i64>(&path, &format!("SELECT count(*) FROM {view}")) > 0,
            "{view}"
        );
    }
}
