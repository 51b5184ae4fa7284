//! What the engine refuses while many rows go into one statement, and which files are written without waiting for the disk.

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use whimbrel_core::{Chunk, KeyRange, TableId};
use world::{World, catalog, create, create_table, number, open, read, read_request, run, source, target};

#[tokio::test]
async fn the_row_that_is_refused_among_many_is_named_and_none_stays() {
    let world = World::new();
    let rows = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        INSERT INTO t SELECT i, CASE i WHEN 23 THEN 'u5' ELSE 'u' || i END FROM n";
    let from = world.file(
        "from.db",
        &format!("CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT); {rows}"),
    );
    // What the table itself would do to the earlier row must not happen.
    let like = world.file(
        "like.db",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT UNIQUE ON CONFLICT REPLACE)",
    );
    let path = world.path("to.db");
    let target = target(&path).await;
    let run = open(&target).await;
    let id = TableId::bare("t");
    let table = catalog(&like).await.table(&id).unwrap().clone();
    create(&target, &run, &[create_table(&table)]).await;
    let chunk = Chunk {
        table: id.clone(),
        index: 0,
        range: KeyRange::All,
    };
    target
        .ledger()
        .store_split(&run, &id, std::slice::from_ref(&chunk))
        .await
        .unwrap();
    let columns = world::wire_columns(&table);
    let snapshot = source(&from)
        .await
        .snapshot(std::slice::from_ref(&id), 1)
        .await
        .unwrap();
    let batches = read(&snapshot, read_request(&table, &columns, KeyRange::All))
        .await
        .unwrap();
    let mut writer = target
        .writer(world::write_request(&run, &table, &columns, chunk))
        .await
        .unwrap();
    let error = writer.write(&batches[0]).await.unwrap_err();
    assert_eq!(error.code(), "unique_violation");
    assert!(error.to_string().contains("id=23"), "{error}");
    drop(writer);
    // The ledger waits for the pen, so the writer has let go of it then.
    target.ledger().chunks(&run.migration).await.unwrap();
    assert_eq!(number(&path, "SELECT count(*) FROM t"), 0);
}

#[tokio::test]
async fn a_file_is_only_at_risk_when_it_held_nothing() {
    for (sql, settled) in [
        ("PRAGMA user_version = 7", 0),
        ("CREATE TABLE theirs (a)", 1),
        (
            "CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT); DROP TABLE t",
            1,
        ),
    ] {
        let world = World::new();
        let path = world.file("to.db", sql);
        let target = target(&path).await;
        open(&target).await;
        open(&target).await;
        let found = "SELECT settled FROM _whimbrel_runs";
        assert_eq!(number(&path, found), settled, "{sql}");
        target.settle(&[]).await.unwrap();
        assert_eq!(number(&path, found), 1, "{sql}");
    }
}

#[tokio::test]
async fn another_migration_does_not_put_what_has_arrived_at_risk() {
    let world = World::new();
    let path = world.path("to.db");
    let target = target(&path).await;
    open(&target).await;
    target.settle(&[]).await.unwrap();
    let other = whimbrel_core::MigrationId("mig_2".to_owned());
    target.ledger().open(&other, "hash").await.unwrap();
    assert_eq!(
        number(&path, "SELECT count(*) FROM _whimbrel_runs WHERE settled"),
        2
    );
    run(&path, "UPDATE _whimbrel_runs SET boot = 'before'");
    target.ledger().open(&other, "hash").await.unwrap();
}
