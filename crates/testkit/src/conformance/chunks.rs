//! Claims about splitting a table, and about the transaction that writes a chunk.

use whimbrel_core::{BATCH_BYTES, Chunk, ColumnUse, Committed, Digest, Fidelity, LogicalType};

use super::bench::{Bench, digest, result};
use super::random::Lots;

pub(super) async fn the_chunks_of_a_split_cover_each_row_once(bench: Bench) {
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let snapshot = bench.snapshot(&made, 1).await;
    let of_nothing = bench.good(snapshot.split(&made.table, 1 << 20).await);
    assert!(!of_nothing.is_empty(), "an empty table has a chunk");
    drop(snapshot);
    let written = bench
        .fill(
            &run,
            &made,
            &bench.notes(&made, -500..4_500, "a row of some length"),
        )
        .await;
    let snapshot = bench.snapshot(&made, 2).await;
    let catalog = bench.good(bench.target.as_source().catalog().await);
    let table = catalog.table(&made.table.id).expect("the table is there");
    let chunks = bench.good(snapshot.split(table, 16 << 10).await);
    assert!(chunks.len() > 1, "5,000 rows are more than one chunk of 16 KiB");
    let mut sum = Digest::default();
    for (at, chunk) in chunks.iter().enumerate() {
        assert_eq!(
            (usize::try_from(chunk.index), &chunk.table),
            (Ok(at), &made.table.id)
        );
        let json = serde_json::to_string(chunk).unwrap_or_default();
        let elsewhere: Chunk =
            serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error} in {json}"));
        assert_eq!(&elsewhere, chunk, "any worker can copy it");
        sum.add(&digest(
            &made,
            &bench.read(&*snapshot, &made, elsewhere.range, BATCH_BYTES).await,
        ));
    }
    assert!(sum.same_rows(&written.digest), "{sum:?} {written:?}");
}

/// Forms that can be a key, by the name of their table.
fn key_forms() -> Vec<(&'static str, LogicalType)> {
    let decimal = LogicalType::Decimal {
        precision: Some(14),
        scale: Some(2),
    };
    let text = LogicalType::Text {
        chars_max: Some(40),
        padded: false,
    };
    vec![
        ("by_integer", LogicalType::Integer { bits: 64 }),
        ("by_decimal", decimal),
        ("by_text", text),
        ("by_day", LogicalType::Date),
        ("by_uuid", LogicalType::Uuid),
    ]
}

pub(super) async fn a_split_covers_each_row_once_whatever_the_key(bench: Bench) {
    const ROWS: usize = 2_000;
    let run = bench.run().await;
    let dialect = bench.connector.dialect();
    let mut lots = Lots::new(&*dialect);
    let key_use = ColumnUse {
        indexed: true,
        sole_primary_key: true,
        ..ColumnUse::default()
    };
    for (name, key) in key_forms() {
        if !matches!(
            dialect.native(&key, &key_use).fidelity,
            Fidelity::Exact | Fidelity::Widened(_)
        ) {
            continue;
        }
        let described = bench.describe_with_key(name, &key, &[("note", LogicalType::text())]);
        let made = bench.make(&run, described).await;
        let arrays = vec![lots.keys(&key, ROWS), lots.column(&LogicalType::text(), ROWS)];
        let written = bench.fill(&run, &made, &bench.batch(&made, arrays)).await;
        let snapshot = bench.snapshot(&made, 2).await;
        let chunks = bench.good(snapshot.split(&made.table, 16 << 10).await);
        assert!(
            chunks.len() > 1,
            "{name}: {ROWS} rows are more than one chunk of 16 KiB"
        );
        let mut sum = Digest::default();
        for chunk in chunks {
            sum.add(&digest(
                &made,
                &bench.read(&*snapshot, &made, chunk.range, BATCH_BYTES).await,
            ));
        }
        assert!(
            sum.same_rows(&written.digest),
            "{name}: {sum:?} {:?}",
            written.digest
        );
    }
}

pub(super) async fn a_chunk_is_there_with_its_record_or_not_at_all(bench: Bench) {
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let chunk = bench.plan_whole(&run, &made).await;
    let batch = bench.notes(&made, 0..10, "row");
    drop(bench.write(&run, &made, &chunk, &batch).await);
    assert_eq!(bench.content(&made).await.rows, 0, "dropping the writer aborts");
    assert_eq!(bench.chunks().await[0].result, None);
    let writer = bench.write(&run, &made, &chunk, &batch).await;
    assert_eq!(
        bench.good(writer.commit(result(&made, &batch)).await),
        Committed::Done
    );
    let records = bench.chunks().await;
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].result, Some(result(&made, &batch)));
    assert_eq!((&records[0].chunk, &records[0].target), (&chunk, &made.table.id));
    assert_eq!(records[0].position.as_deref(), Some("here"));
    assert!(
        bench
            .content(&made)
            .await
            .same_rows(&result(&made, &batch).digest)
    );
}

pub(super) async fn a_chunk_commits_once(bench: Bench) {
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let chunk = bench.plan_whole(&run, &made).await;
    let (first, second) = (
        bench.notes(&made, 0..10, "first"),
        bench.notes(&made, 10..15, "second"),
    );
    let writer = bench.write(&run, &made, &chunk, &first).await;
    assert_eq!(
        bench.good(writer.commit(result(&made, &first)).await),
        Committed::Done
    );
    let writer = bench.write(&run, &made, &chunk, &second).await;
    let again = bench.good(writer.commit(result(&made, &second)).await);
    assert_eq!(again, Committed::AlreadyDone);
    assert_eq!(bench.chunks().await[0].result, Some(result(&made, &first)));
    assert!(
        bench
            .content(&made)
            .await
            .same_rows(&result(&made, &first).digest)
    );
}

pub(super) async fn emptying_a_table_takes_its_records_along(bench: Bench) {
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let batch = bench.notes(&made, 0..10, "row");
    let _written = bench.fill(&run, &made, &batch).await;
    for _ in 0..2 {
        bench.good(
            bench
                .target
                .empty(&run, std::slice::from_ref(&made.table.id))
                .await,
        );
        assert_eq!(bench.content(&made).await.rows, 0);
        assert_eq!(bench.chunks().await, []);
    }
    let written = bench.fill(&run, &made, &batch).await;
    bench.good(bench.target.settle(std::slice::from_ref(&made.table.id)).await);
    assert!(bench.content(&made).await.same_rows(&written.digest));
}
