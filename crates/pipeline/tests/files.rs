//! Whole migrations between database files: copied, verified, changed, taken back.
#![expect(clippy::unwrap_used, reason = "a test that cannot do its work panics")]

#[path = "files/shop.rs"]
#[expect(dead_code, reason = "the kill loop uses the rest")]
mod shop;

use shop::{Shop, folder};
use whimbrel_core::{RunStatus, Verdict, Verification};
use whimbrel_pipeline::{RollbackTo, cleanup, rollback, run, verify};

async fn done(shop: &Shop) {
    let report = run(&shop.context().await).await.unwrap();
    let found = report.verification.as_ref().map(bad);
    assert_eq!(
        report.status,
        RunStatus::Completed,
        "{:?}\n{found:?}",
        report.problem
    );
}

/// What is not identical, as text.
fn bad(found: &Verification) -> Vec<String> {
    let tables = found
        .tables
        .iter()
        .filter(|table| table.verdict != Verdict::Identical);
    let objects = found
        .objects
        .iter()
        .filter(|object| object.verdict != Verdict::Identical);
    let table = |table: &whimbrel_core::TableVerdict| {
        format!(
            "table {}: {} {:?}",
            table.target,
            table.reason.clone().unwrap_or_default(),
            table.differences
        )
    };
    let object = |object: &whimbrel_core::ObjectVerdict| {
        format!(
            "{} {}: {} -> {}",
            object.object.kind, object.object, object.expected, object.found
        )
    };
    tables.map(table).chain(objects.map(object)).collect()
}

#[tokio::test]
async fn a_file_arrives_whole_and_goes_without_a_trace() {
    let folder = folder();
    let shop = Shop::make(folder.path(), None).await;
    let before = shop.files();
    done(&shop).await;
    assert_eq!(shop.content("target.db"), shop.content("source.db"));
    rollback(&shop.context().await, &RollbackTo::Start, false)
        .await
        .unwrap();
    assert_eq!(shop.files(), before);
    done(&shop).await;
}

#[tokio::test]
async fn what_was_there_is_brought_back() {
    const THERE: &str =
        "CREATE TABLE customer (a, b); CREATE INDEX c ON customer (a); INSERT INTO customer VALUES (1, 'x');
        CREATE TABLE other (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO other VALUES (7);";
    let folder = folder();
    let shop = Shop::make(folder.path(), Some(THERE)).await;
    let before = (shop.target(), shop.files());
    done(&shop).await;
    rollback(&shop.context().await, &RollbackTo::Start, false)
        .await
        .unwrap();
    assert_eq!((shop.target(), shop.files()), before);
    done(&shop).await;
    let removed = cleanup(&shop.context().await).await.unwrap().removed;
    assert_eq!(removed.len(), 2, "{removed:?}");
    assert_eq!(shop.files(), ["migrations", "source.db", "target.db"]);
    assert_eq!(
        verify(&shop.context().await).await.unwrap().verdict(),
        Verdict::Identical
    );
}

#[tokio::test]
async fn every_kind_of_change_in_the_target_is_named() {
    let cases = [
        ("UPDATE customer SET score = 0.5 WHERE id = 2", "score"),
        ("UPDATE orders SET note = '4' WHERE note = 4", "note"),
        ("UPDATE customer SET name = 'a' || char(0) WHERE id = 1", "name"),
        ("DELETE FROM log WHERE rowid = 1", "Missing"),
        ("INSERT INTO log VALUES (2, 'extra')", "Extra"),
        ("DROP INDEX customer_name", "index customer.customer_name"),
        (
            "DROP INDEX orders_by_customer; CREATE INDEX orders_by_customer ON orders (customer)",
            "orders_by_customer",
        ),
        ("DROP VIEW debtors", "view debtors"),
        ("ALTER TABLE log ADD COLUMN more DEFAULT 7", "column log.more"),
        ("UPDATE sqlite_sequence SET seq = 3", "sequence customer_id_seq"),
        (
            "CREATE TRIGGER t AFTER INSERT ON log BEGIN SELECT 1; END",
            "trigger",
        ),
        ("DROP TABLE log", "table log"),
    ];
    let folder = folder();
    let shop = Shop::make(folder.path(), None).await;
    done(&shop).await;
    let original = folder.path().join("original.db");
    std::fs::copy(folder.path().join("target.db"), &original).unwrap();
    for (sql, named) in cases {
        std::fs::copy(&original, folder.path().join("target.db")).unwrap();
        shop.execute("target.db", sql);
        let found = verify(&shop.context().await).await.unwrap();
        assert_eq!(found.verdict(), Verdict::Different, "{sql}");
        let bad = bad(&found).join("\n");
        assert!(bad.contains(named), "{sql}: {bad}");
        if found.tables.iter().any(|table| table.differences_total > 0) {
            let refused = rollback(&shop.context().await, &RollbackTo::Schema, false)
                .await
                .unwrap_err();
            assert_eq!(refused.code(), "foreign_rows", "{sql}");
        }
    }
}
