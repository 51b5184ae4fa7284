//! Claims about opening, the catalog, steps, names and sequences.

use whimbrel_core::{
    Change, Column, Direction, Identity, LogicalType, Sequence, SequencePosition, Step, Table, TableId,
};

use super::bench::{Bench, Made, options};

pub(super) async fn opening_a_target_changes_nothing(bench: Bench) {
    let target = &bench.target;
    assert_eq!(
        bench.good(target.check(1 << 20).await),
        [],
        "an empty database hinders nothing"
    );
    let catalog = bench.good(target.as_source().catalog().await);
    assert!(catalog.tables.is_empty() && catalog.views.is_empty());
    let ledger = target.ledger();
    assert_eq!(bench.good(ledger.epoch(&bench.migration()).await), None);
    assert_eq!(bench.good(ledger.steps(&bench.migration()).await), []);
    assert_eq!(bench.good(ledger.chunks(&bench.migration()).await), []);
    if bench.connector.is_file() {
        assert!(
            !std::path::Path::new(&bench.url.database).exists(),
            "no file is made"
        );
    }
}

pub(super) async fn the_ledger_is_in_no_catalog_and_leaves_nothing_behind(bench: Bench) {
    let source = bench.target.as_source();
    let before = bench.good(source.catalog().await);
    let first = bench.run().await;
    let again = bench.run().await;
    assert!(again.epoch > first.epoch, "opening raises the epoch");
    assert_eq!(
        bench.good(bench.target.ledger().epoch(&bench.migration()).await),
        Some(again.epoch)
    );
    assert_eq!(
        bench.good(source.catalog().await).fingerprint(),
        before.fingerprint()
    );
    for _ in 0..2 {
        bench.good(bench.target.ledger().forget(&bench.migration()).await);
        assert_eq!(
            bench.good(bench.target.ledger().epoch(&bench.migration()).await),
            None
        );
    }
    assert_eq!(
        bench.good(source.catalog().await).fingerprint(),
        before.fingerprint()
    );
    if bench.connector.is_file() {
        assert!(
            !std::path::Path::new(&bench.url.database).exists(),
            "the file was there for the ledger alone"
        );
    }
}

pub(super) async fn a_step_is_done_once_and_undone_once(bench: Bench) {
    let run = bench.run().await;
    let before = bench.good(bench.target.as_source().catalog().await).fingerprint();
    let described = bench.describe("made", &[("note", LogicalType::text())]);
    let steps = bench.steps(&Change::CreateTable {
        table: described.table.clone(),
        sequences: Vec::new(),
        as_declared: false,
    });
    for step in &steps {
        assert!(!step.undo.is_empty(), "{}: every step has its undo", step.title);
    }
    for _ in 0..2 {
        bench.execute(&run, &steps, Direction::Do).await;
    }
    let ids = |records: Vec<whimbrel_core::StepRecord>| -> Vec<String> {
        records.into_iter().map(|record| record.id).collect()
    };
    let wanted: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
    let ledger = bench.target.ledger();
    assert_eq!(ids(bench.good(ledger.steps(&bench.migration()).await)), wanted);
    let reversed: Vec<_> = steps.into_iter().rev().collect();
    for _ in 0..2 {
        bench.execute(&run, &reversed, Direction::Undo).await;
    }
    assert_eq!(bench.good(ledger.steps(&bench.migration()).await), []);
    let after = bench.good(bench.target.as_source().catalog().await).fingerprint();
    assert_eq!(after, before, "the undo leaves no trace");
}

pub(super) async fn steps_that_go_together_end_as_they_would_one_by_one(bench: Bench) {
    let run = bench.run().await;
    let target = &bench.target;
    let before = bench.good(target.as_source().catalog().await).fingerprint();
    assert!(bench.good(target.steps_together().await) > 0);
    let create = |name: &str, id: &str| {
        let described = bench.describe(name, &[("note", LogicalType::text())]);
        let mut steps = bench.steps(&Change::CreateTable {
            table: described.table,
            sequences: Vec::new(),
            as_declared: false,
        });
        steps.iter_mut().for_each(|step| step.id.insert_str(0, id));
        steps
    };
    let (first, second, third) = (create("one", "a"), create("two", "b"), create("three", "c"));
    // Makes again what the first one makes, so the target refuses it.
    let refused = create("one", "x");
    let ids = |steps: &[&Step]| steps.iter().map(|step| step.id.clone()).collect::<Vec<_>>();
    let recorded = async || {
        let records = bench.good(target.ledger().steps(&bench.migration()).await);
        records.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };

    let good: Vec<&Step> = first.iter().chain(&second).collect();
    bench.good(target.execute_together(&run, &good, Direction::Do).await);
    assert_eq!(recorded().await, ids(&good));

    let bad: Vec<&Step> = third.iter().chain(&refused).collect();
    assert!(target.execute_together(&run, &bad, Direction::Do).await.is_err());
    bench.execute(&run, &third, Direction::Do).await;
    assert!(target.execute(&run, &refused[0], Direction::Do).await.is_err());
    let all: Vec<&Step> = good.iter().copied().chain(&third).collect();
    assert_eq!(
        recorded().await,
        ids(&all),
        "the one that was refused is not recorded"
    );

    let reversed: Vec<&Step> = all.into_iter().rev().collect();
    bench.good(target.execute_together(&run, &reversed, Direction::Undo).await);
    assert_eq!(recorded().await, Vec::<String>::new());
    let after = bench.good(target.as_source().catalog().await).fingerprint();
    assert_eq!(after, before, "the undo leaves no trace");
}

pub(super) async fn every_name_can_be_quoted(bench: Bench) {
    let run = bench.run().await;
    for name in ["select", "We\"ird 'n`ame", "Ünï çödé", "a.b;--"] {
        let described = bench.describe(name, &[(name, LogicalType::text())]);
        let made = bench.make(&run, described).await;
        let batch = bench.notes(&made, 1..4, name);
        let written = bench.fill(&run, &made, &batch).await;
        assert!(bench.content(&made).await.same_rows(&written.digest), "{name}");
    }
}

pub(super) async fn a_database_knows_itself(bench: Bench) {
    let run = bench.run().await;
    let _made = bench.make_notes(&run).await;
    let source = bench.source().await;
    let identity = bench.good(source.identity().await);
    assert_eq!(bench.good(bench.target.as_source().identity().await), identity);
    let again = bench.good(bench.connector.source(&bench.url, &options()).await);
    assert_eq!(bench.good(again.identity().await), identity);
}

pub(super) async fn a_sequence_stands_where_it_was_put(bench: Bench) {
    let run = bench.run().await;
    let Made { mut table, columns } = bench.describe("counted", &[("note", LogicalType::text())]);
    let sequence = bench.id("counted_id_seq");
    table.columns[0].identity = Some(Identity {
        always: false,
        never_reused: true,
        sequence: Some(sequence.clone()),
    });
    let change = Change::CreateTable {
        sequences: vec![implicit(&sequence, &table)],
        table: table.clone(),
        as_declared: false,
    };
    bench.execute(&run, &bench.steps(&change), Direction::Do).await;
    let catalog = bench.good(bench.target.as_source().catalog().await);
    let made = Made {
        table: catalog.table(&table.id).cloned().expect("the table was made"),
        columns,
    };
    let _written = bench.fill(&run, &made, &bench.notes(&made, 1..4, "row")).await;
    let position = SequencePosition {
        last_value: 100,
        is_called: true,
    };
    bench.good(
        bench
            .target
            .set_sequences(&run, &[(sequence.clone(), position)])
            .await,
    );
    let snapshot = bench.snapshot(&made, 1).await;
    let positions = bench.good(snapshot.sequence_positions(std::slice::from_ref(&sequence)).await);
    // Some engines know only which number comes next.
    let next = |position: SequencePosition| position.last_value + i64::from(position.is_called);
    let positions: Vec<Option<i64>> = positions.into_iter().map(|found| found.map(next)).collect();
    assert_eq!(positions, [Some(next(position))]);
}

fn implicit(id: &TableId, table: &Table) -> Sequence {
    let Column { name, native, .. } = &table.columns[0];
    Sequence {
        id: id.clone(),
        native: native.clone(),
        start: 1,
        increment: 1,
        min: 1,
        max: i64::MAX,
        cache: 1,
        cycle: false,
        owned_by: Some((table.id.clone(), name.clone())),
        implicit: true,
        position: None,
        comment: None,
    }
}
