//! Claims about the ledger and the epoch.

use whimbrel_core::{Change, Chunk, Digest, Direction, KeyRange, LogicalType};

use super::bench::{Bench, result, write_request};

pub(super) async fn a_split_is_stored_once(bench: Bench) {
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let chunk = bench.plan_whole(&run, &made).await;
    let other = Chunk {
        index: 1,
        ..chunk.clone()
    };
    let ledger = bench.target.ledger();
    let again = ledger
        .store_split(&run, &made.table.id, &[chunk.clone(), other])
        .await;
    bench.conflict("a second split", again);
    let records = bench.chunks().await;
    assert_eq!(records.len(), 1, "the first split stays");
    assert_eq!((&records[0].chunk, &records[0].result), (&chunk, &None));
}

pub(super) async fn tables_without_rows_arrive_together_and_once(bench: Bench) {
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let whole = |name: &str| {
        let chunk = Chunk {
            table: bench.id(name),
            index: 0,
            range: KeyRange::All,
        };
        (bench.id(name), chunk)
    };
    let ledger = bench.target.ledger();
    let some = [whole("one"), whole("two")];
    bench.good(ledger.store_empty(&run, &some, "here").await);
    let records = bench.chunks().await;
    let found: Vec<_> = records
        .iter()
        .map(|record| (record.target.clone(), record.chunk.clone()))
        .collect();
    assert_eq!(found, some);
    for record in &records {
        let result = record.result.as_ref().expect("a stored table has a result");
        assert_eq!((result.rows, result.bytes, result.rejected), (0, 0, 0));
        assert_eq!(result.digest, Digest::default());
        assert_eq!(record.position.as_deref(), Some("here"));
    }
    // One of them has a split: nothing of the rest is stored.
    let chunk = bench.plan_whole(&run, &made).await;
    let more = [whole("three"), (made.table.id.clone(), chunk)];
    bench.conflict(
        "a split that is there",
        ledger.store_empty(&run, &more, "here").await,
    );
    bench.conflict(
        "an empty table again",
        ledger.store_empty(&run, &some, "here").await,
    );
    assert_eq!(bench.chunks().await.len(), 3);
    let _new = bench.run().await;
    let late = [whole("three")];
    bench.conflict("an older epoch", ledger.store_empty(&run, &late, "here").await);
    assert_eq!(bench.chunks().await.len(), 3);
}

pub(super) async fn a_confirmed_chunk_names_the_later_position(bench: Bench) {
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let written = bench.fill(&run, &made, &bench.notes(&made, 0..3, "row")).await;
    let ledger = bench.target.ledger();
    bench.good(ledger.confirm_chunk(&run, &made.table.id, 0, "later").await);
    let records = bench.chunks().await;
    assert_eq!(records[0].position.as_deref(), Some("later"));
    assert_eq!(records[0].result, Some(written));
}

pub(super) async fn another_plan_under_the_same_name_is_a_conflict(bench: Bench) {
    let run = bench.run().await;
    let ledger = bench.target.ledger();
    bench.conflict(
        "another plan",
        ledger.open(&bench.migration(), "other hash").await,
    );
    assert_eq!(
        bench.good(ledger.epoch(&bench.migration()).await),
        Some(run.epoch)
    );
}

pub(super) async fn an_older_epoch_can_change_nothing(bench: Bench) {
    let old = bench.run().await;
    let made = bench.make_notes(&old).await;
    let chunk = bench.plan_whole(&old, &made).await;
    let batch = bench.notes(&made, 0..10, "row");
    let new = bench.run().await;
    let (target, ledger, table) = (&bench.target, bench.target.ledger(), &made.table.id);
    // A writer may notice when it is opened, or when it commits.
    let late = match target.writer(write_request(&old, &made, &chunk)).await {
        Err(error) => Err(error),
        Ok(mut writer) => match writer.write(&batch).await {
            Err(error) => Err(error),
            Ok(_) => writer.commit(result(&made, &batch)).await,
        },
    };
    bench.conflict("a commit", late);
    bench.conflict("emptying", target.empty(&old, std::slice::from_ref(table)).await);
    bench.conflict("confirming", ledger.confirm_chunk(&old, table, 0, "later").await);
    let split = [Chunk {
        table: bench.id("other"),
        index: 0,
        range: KeyRange::All,
    }];
    bench.conflict(
        "a split",
        ledger.store_split(&old, &bench.id("other"), &split).await,
    );
    let described = bench.describe("other", &[("note", LogicalType::text())]);
    let step = &bench.steps(&Change::CreateTable {
        table: described.table,
        sequences: Vec::new(),
        as_declared: false,
    })[0];
    bench.conflict("a step", target.execute(&old, step, Direction::Do).await);
    assert_eq!(bench.content(&made).await.rows, 0);
    assert!(
        bench
            .good(target.as_source().catalog().await)
            .table(&bench.id("other"))
            .is_none()
    );
    // The newer one finishes what the older one planned.
    let writer = bench.write(&new, &made, &chunk, &batch).await;
    let _done = bench.good(writer.commit(result(&made, &batch)).await);
    assert_eq!(bench.content(&made).await.rows, 10);
}
