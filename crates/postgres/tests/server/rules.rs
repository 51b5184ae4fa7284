//! Values that break their type: replaced by a rule, counted, or rejected with the exact key; sets as arrays of labels; chunks added later.

use whimbrel_core::{Chunk, KeyRange, KeyValue, LogicalType, ReadColumn, TableId, ValueRule};
use whimbrel_testkit::postgres::TestDatabase;

use crate::harness::*;

fn column(name: &str, native: &str, logical: LogicalType, rule: Option<ValueRule>) -> ReadColumn {
    ReadColumn {
        name: name.to_owned(),
        native: native.to_owned(),
        logical,
        rule,
    }
}

const LONG: LogicalType = LogicalType::Integer { bits: 64 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_without_a_form_becomes_what_the_rule_says_and_is_counted() {
    let Some(database) = TestDatabase::create("rules") else {
        return;
    };
    database.execute(
        "CREATE TABLE t (k text, d date, a text, b text, c text, PRIMARY KEY (k, d));
         INSERT INTO t VALUES ('x', '0044-03-15 BC', 'word', 'word', '1'), ('y', '2024-01-01', '1', '2', 'bad'), ('z', '2024-01-02', NULL, 'z', '3')",
    );
    let source = source(database.url()).await;
    let catalog = source.catalog().await.unwrap();
    let table = table(&catalog, "t");
    let seven = ValueRule::InvalidTo {
        value: "7".to_owned(),
    };
    let columns = [
        column("k", "text", LogicalType::text(), None),
        column("d", "date", LogicalType::Date, None),
        column("a", "text", LONG, Some(ValueRule::InvalidToNull)),
        column("b", "text", LONG, Some(seven)),
        column("c", "text", LONG, None),
    ];
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
    // The row that column c rejects is not counted for the others.
    assert_eq!(batches[0].ruled, [0, 0, 1, 2, 0]);
    let a = batches[0].records.column(2);
    assert!(a.is_null(0));
    let exact = vec![
        KeyValue::Text("y".to_owned()),
        KeyValue::Text("2024-01-01".to_owned()),
    ];
    assert_eq!(batches[0].rejects[0].exact, exact);
    let first = vec![
        KeyValue::Text("x".to_owned()),
        KeyValue::Text("0044-03-15 BC".to_owned()),
    ];
    let range = KeyRange::Exactly {
        columns: vec!["k".to_owned(), "d".to_owned()],
        keys: vec![
            exact,
            first,
            vec![
                KeyValue::Text("no".to_owned()),
                KeyValue::Text("2024-01-01".to_owned()),
            ],
        ],
    };
    let again = read(&*snapshot, &table, &columns, range).await;
    assert_eq!((again[0].rows(), again[0].rejects.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_set_is_an_array_of_its_labels_in_either_format() {
    let Some(from) = TestDatabase::create("sets_source") else {
        return;
    };
    let Some(to) = TestDatabase::create("sets_target") else {
        return;
    };
    let rows = r#"(1, '{}'), (2, NULL), (3, '{a}'), (4, ARRAY['a', 'b "c\'])"#;
    from.execute(&format!(
        "CREATE TABLE t (id integer PRIMARY KEY, s text[]); INSERT INTO t VALUES {rows}, (5, '{{a,NULL}}'), (6, '{{{{a}}}}')"
    ));
    let set = LogicalType::Set {
        labels: vec!["a".to_owned(), "b \"c\\".to_owned()],
    };
    let columns = [
        column("id", "integer", LogicalType::Integer { bits: 32 }, None),
        column("s", "text[]", set, None),
    ];
    // A column that has only a text form makes the whole table travel as text.
    for (name, more) in [("t", ""), ("t", ", m money")] {
        to.execute(&format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id integer PRIMARY KEY, s text[]{more})"
        ));
        let (source, target) = (source(from.url()).await, target(to.url()).await);
        let run = open_run(&*target).await;
        let catalog = source.catalog().await.unwrap();
        let table = table(&catalog, name);
        let rejects = copy(&*source, &*target, &run, &table, &columns).await;
        let keys: Vec<&str> = rejects.iter().map(|reject| reject.key.as_str()).collect();
        assert_eq!(keys, ["id=5", "id=6"]);
        let there = to.query_text("SELECT id, s FROM t ORDER BY id");
        let here = from.query_text("SELECT id, s FROM t WHERE id < 5 ORDER BY id");
        assert_eq!(there, here);
        let back = whole(&*target.as_source(), &table, &columns).await;
        assert_eq!(back.rows, 4);
        target.ledger().forget(&run.migration).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_may_be_added_once_and_keeps_its_counts() {
    let Some(database) = TestDatabase::create("added_chunk") else {
        return;
    };
    database.execute("CREATE TABLE t (id integer PRIMARY KEY)");
    let target = target(database.url()).await;
    let run = open_run(&*target).await;
    let id = TableId::new("public", "t");
    let chunk = |index: u32, range: KeyRange| Chunk {
        table: id.clone(),
        index,
        range,
    };
    let ledger = target.ledger();
    ledger
        .store_split(&run, &id, &[chunk(0, KeyRange::All)])
        .await
        .unwrap();
    let exact = KeyRange::Exactly {
        columns: vec!["id".to_owned()],
        keys: vec![vec![KeyValue::Integer(7)]],
    };
    for _ in 0..2 {
        ledger
            .add_chunk(&run, &id, &chunk(1, exact.clone()))
            .await
            .unwrap();
    }
    let other = ledger
        .add_chunk(&run, &id, &chunk(1, KeyRange::All))
        .await
        .unwrap_err();
    assert_eq!(other.code(), "split_exists");
    let source = target.as_source();
    let catalog = source.catalog().await.unwrap();
    let table = table(&catalog, "t");
    let columns = [column("id", "integer", LogicalType::Integer { bits: 32 }, None)];
    let writer = target
        .writer(write_request(&run, &table, &columns, chunk(1, exact.clone())))
        .await
        .unwrap();
    let mut done = result(0, Default::default());
    done.ruled = vec![3];
    writer.commit(done).await.unwrap();
    let chunks = ledger.chunks(&run.migration).await.unwrap();
    assert_eq!(chunks.len(), 2);
    assert_eq!(chunks[1].chunk, chunk(1, exact));
    assert_eq!(chunks[1].result.as_ref().unwrap().ruled, [3]);
}
