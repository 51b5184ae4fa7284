//! Values that break their type: replaced by a rule and counted, or rejected with the exact key; chunks that are added later.

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use arrow_array::Array as _;
use whimbrel_core::{Chunk, KeyRange, KeyValue, LogicalType, ReadColumn, TableId, ValueRule};
use world::{World, catalog, open, read, read_request, source, target};

fn column(name: &str, logical: LogicalType, rule: Option<ValueRule>) -> ReadColumn {
    ReadColumn {
        name: name.to_owned(),
        native: String::new(),
        logical,
        rule,
    }
}

#[tokio::test]
async fn a_value_without_a_form_becomes_what_the_rule_says_and_is_counted() {
    let world = World::new();
    let file = world.file(
        "a.db",
        "CREATE TABLE t (k TEXT NOT NULL, n INT NOT NULL, a, b, c, PRIMARY KEY (k, n));
         INSERT INTO t VALUES ('x', 1, 'word', 'soon', 1), ('y', 2, 'word', '2024-01-01', 'bad'), ('z', 3, 7, NULL, 3)",
    );
    let table = catalog(&file).await.table(&TableId::bare("t")).unwrap().clone();
    let day = ValueRule::InvalidTo {
        value: "1970-01-02".to_owned(),
    };
    let long = LogicalType::Integer { bits: 64 };
    let columns = [
        column("k", LogicalType::text(), None),
        column("n", long.clone(), None),
        column("a", long.clone(), Some(ValueRule::InvalidToNull)),
        column("b", LogicalType::Date, Some(day)),
        column("c", long, None),
    ];
    let snapshot = source(&file).await.snapshot(&[], 1).await.unwrap();
    let batches = read(&snapshot, read_request(&table, &columns, KeyRange::All))
        .await
        .unwrap();
    // The row that column c rejects is not counted for the others.
    assert_eq!(batches[0].ruled, [0, 0, 1, 1, 0]);
    assert!(batches[0].records.column(2).is_null(0));
    assert!(!batches[0].records.column(3).is_null(0));
    let exact = vec![KeyValue::Text("y".to_owned()), KeyValue::Integer(2)];
    assert_eq!(batches[0].rejects[0].exact, exact);
    let range = KeyRange::Exactly {
        columns: vec!["k".to_owned(), "n".to_owned()],
        keys: vec![
            exact,
            vec![KeyValue::Text("z".to_owned()), KeyValue::Integer(3)],
            vec![KeyValue::Text("z".to_owned()), KeyValue::Integer(4)],
        ],
    };
    let again = read(&snapshot, read_request(&table, &columns, range))
        .await
        .unwrap();
    assert_eq!((again[0].rows(), again[0].rejects.len()), (1, 1));
}

#[tokio::test]
async fn a_chunk_may_be_added_once() {
    let world = World::new();
    let target = target(&world.path("to.db")).await;
    let run = open(&target).await;
    let id = TableId::bare("t");
    let chunk = |index: u32, range: KeyRange| Chunk {
        table: id.clone(),
        index,
        range,
    };
    let exact = KeyRange::Exactly {
        columns: vec!["id".to_owned()],
        keys: vec![vec![KeyValue::Integer(7)]],
    };
    let ledger = target.ledger();
    ledger
        .store_split(&run, &id, &[chunk(0, KeyRange::All)])
        .await
        .unwrap();
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
    let chunks = ledger.chunks(&run.migration).await.unwrap();
    assert_eq!(chunks.len(), 2);
    assert_eq!(chunks[1].chunk, chunk(1, exact));
}
