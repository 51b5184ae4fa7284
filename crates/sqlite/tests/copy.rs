//! Whole files through the contracts: what arrives is what was there.

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use world::{World, catalog, copy, digest_of, run, wire_columns};

const AWKWARD: &str = r#"
CREATE TABLE plain (id INTEGER PRIMARY KEY, a, b TEXT, c REAL, d BLOB, e NUMERIC);
INSERT INTO plain VALUES (-9223372036854775808, 1, 'x', 1.5, x'00ff', 7), (0, 'text', NULL, -0.0, x'', 1.25),
    (9223372036854775807, x'31', CAST(x'ff00fe' AS TEXT), 9e999, NULL, 'seven'), (5, 2.0, 'a' || char(0) || 'b', 1, x'01', NULL);
CREATE TABLE no_key (a, b);
INSERT INTO no_key VALUES (1, 1), (1, 1), (NULL, NULL), ('1', 1.0);
CREATE TABLE "with""out ' rowid" ("k 1" TEXT COLLATE NOCASE, k2 INT, v, PRIMARY KEY ("k 1", k2)) WITHOUT ROWID;
INSERT INTO "with""out ' rowid" VALUES ('a', 1, 1), ('B', 2, 2), ('c', -1, 3);
CREATE TABLE rowid_taken (rowid TEXT, _rowid_ TEXT, oid TEXT, v);
INSERT INTO rowid_taken VALUES ('a', 'b', 'c', 1);
CREATE TABLE strict_one (i INT, r REAL, t TEXT, b BLOB, a ANY) STRICT;
INSERT INTO strict_one VALUES (1, 1.0, '1', x'31', '1'), (NULL, NULL, NULL, NULL, 1.0);
CREATE TABLE made (a INT, double INT GENERATED ALWAYS AS (a * 2) STORED, half AS (a / 2));
INSERT INTO made (a) VALUES (1), (2);
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, v DEFAULT "text");
INSERT INTO counted (id) VALUES (7);
UPDATE sqlite_sequence SET seq = 100;
CREATE INDEX plain_b ON plain (lower(b) DESC) WHERE a > 0;
CREATE VIEW v AS SELECT a FROM plain;
"#;

async fn assert_equal(from: &std::path::Path, to: &std::path::Path) {
    let (before, after) = (catalog(from).await, catalog(to).await);
    for (a, b) in before.tables.iter().zip(&after.tables) {
        assert_eq!(
            (&a.id, &a.columns, &a.definition),
            (&b.id, &b.columns, &b.definition)
        );
        assert_eq!(a.indexes, b.indexes);
        let columns = wire_columns(a);
        assert_eq!(
            digest_of(from, a, &columns).await,
            digest_of(to, b, &columns).await,
            "{}",
            a.id
        );
    }
    assert_eq!(before.tables.len(), after.tables.len());
    assert_eq!((before.sequences, before.views), (after.sequences, after.views));
}

#[tokio::test]
async fn every_storage_class_arrives_exactly() {
    let world = World::new();
    let from = world.file("from.db", AWKWARD);
    let to = world.path("to.db");
    assert_eq!(copy(&from, &to, 1 << 20).await, 17);
    assert_equal(&from, &to).await;
    assert_eq!(world.names(), ["from.db", "to.db"]);
}

#[tokio::test]
async fn a_database_in_utf16_arrives_exactly() {
    let world = World::new();
    let from = world.file(
        "from.db",
        "PRAGMA encoding = 'UTF-16be'; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('é😀'), ('');",
    );
    let to = world.path("to.db");
    copy(&from, &to, 1 << 20).await;
    assert_equal(&from, &to).await;
}

#[tokio::test]
async fn many_chunks_arrive_as_one_table() {
    let world = World::new();
    let from = world.file("from.db", AWKWARD);
    run(
        &from,
        "WITH RECURSIVE n(i) AS (VALUES (10) UNION ALL SELECT i + 7 FROM n WHERE i < 30000)
         INSERT INTO plain SELECT i, hex(randomblob(20)), i, i / 3.0, randomblob(50), i FROM n;
         INSERT INTO no_key SELECT a, b FROM plain;",
    );
    let to = world.path("to.db");
    copy(&from, &to, 10_000).await;
    assert_equal(&from, &to).await;
}
