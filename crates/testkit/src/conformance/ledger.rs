//! Claims about the ledger and the epoch.

use whimbrel_core::{Change, Chunk, Direction, KeyRange, LogicalType};

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
    bench.conflict("emptying", target.empty(&old, table).await);
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
