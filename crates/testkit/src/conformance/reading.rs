//! Claims about values, batches, snapshots and the database's own aggregates.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::types::Int64Type;
use arrow_array::{PrimitiveArray, StringArray};
use whimbrel_core::{BATCH_BYTES, Committed, KeyRange, LogicalType};

use super::bench::{Bench, Made, digest, result};
use super::forms;
use super::random::{self, Lots};

/// A table of every form, filled.
async fn filled(bench: &Bench) -> (Made, whimbrel_core::Digest) {
    let run = bench.run().await;
    let forms = forms::of_engine(&*bench.connector.dialect());
    let types: Vec<(&str, LogicalType)> = forms
        .iter()
        .map(|(name, logical, _)| (*name, logical.clone()))
        .collect();
    let described = bench.describe("forms", &types);
    let made = bench.make(&run, described).await;
    let ids: ArrayRef = Arc::new(PrimitiveArray::<Int64Type>::from_iter_values(1..5));
    let arrays = std::iter::once(ids).chain(forms.into_iter().map(|(_, _, array)| array));
    let batch = bench.batch(&made, arrays.collect());
    let written = bench.fill(&run, &made, &batch).await;
    (made, written.digest)
}

pub(super) async fn every_form_arrives_as_it_was(bench: Bench) {
    let (made, sent) = filled(&bench).await;
    let found = bench.content(&made).await;
    for (at, column) in made.columns.iter().enumerate() {
        assert_eq!(
            found.columns[at], sent.columns[at],
            "column `{}` as {}",
            column.name, column.logical
        );
    }
    assert!(found.same_rows(&sent), "{found:?} {sent:?}");
}

/// Enough that every form meets its awkward values in most rounds.
const RANDOM_ROWS: usize = 400;

pub(super) async fn random_rows_arrive_as_they_were(bench: Bench) {
    let dialect = bench.connector.dialect();
    let forms = random::forms(&*dialect);
    let run = bench.run().await;
    let made = bench.make(&run, bench.describe("random", &forms)).await;
    let mut lots = Lots::new(&*dialect);
    let ids = (1..).take(RANDOM_ROWS);
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(PrimitiveArray::<Int64Type>::from_iter_values(ids))];
    arrays.extend(forms.iter().map(|(_, logical)| lots.column(logical, RANDOM_ROWS)));
    let batch = bench.batch(&made, arrays);
    let sent = bench.fill(&run, &made, &batch).await.digest;
    let found = bench.content(&made).await;
    let differing: Vec<&str> = made
        .columns
        .iter()
        .enumerate()
        .filter(|(at, _)| found.columns[*at] != sent.columns[*at])
        .map(|(_, column)| column.name.as_str())
        .collect();
    assert!(differing.is_empty(), "columns arrived differently: {differing:?}");
    assert!(found.same_rows(&sent), "{found:?} {sent:?}");
}

pub(super) async fn the_database_itself_counts_the_same(bench: Bench) {
    let (made, _) = filled(&bench).await;
    let snapshot = bench.snapshot(&made, 1).await;
    let counted = bench.good(snapshot.aggregate(&made.table, &made.columns).await);
    assert_eq!(counted.rows, 4);
    for column in &made.columns {
        let found = &counted.columns[&column.name];
        let nulls = u64::from(column.name != "id");
        assert_eq!(found.nulls, nulls, "NULLs of `{}`", column.name);
    }
    let id = &counted.columns["id"];
    assert_eq!(
        (id.sum.as_deref(), id.min.as_deref(), id.max.as_deref()),
        (Some("10"), Some("1"), Some("4"))
    );
    // What an engine cannot say exactly is none; what it says is true.
    let (words, truth) = (&counted.columns["words"], &counted.columns["truth"]);
    assert!(matches!(words.bytes, None | Some(24)), "{words:?}");
    assert!(matches!(truth.trues, None | Some(2)), "{truth:?}");
    let profile = bench.good(bench.target.as_source().profile(&made.table).await);
    assert_eq!(profile.rows, 4);
    assert_eq!(profile.columns["words"].nulls, 1);
}

pub(super) async fn all_readers_of_a_snapshot_see_one_state(bench: Bench) {
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let first = bench.notes(&made, 0..50, "first");
    let chunk = bench.plan_whole(&run, &made).await;
    let writer = bench.write(&run, &made, &chunk, &first).await;
    let written = result(&made, &first);
    // An engine with one writer may make it wait for the readers.
    let readers_first = bench.connector.capabilities().writers > 1;
    let mut waiting = Some(writer);
    if !readers_first && let Some(writer) = waiting.take() {
        assert_eq!(bench.good(writer.commit(written.clone()).await), Committed::Done);
    }
    let snapshot = bench.snapshot(&made, 3).await;
    let position = snapshot.position();
    if let Some(writer) = waiting.take() {
        assert_eq!(bench.good(writer.commit(written.clone()).await), Committed::Done);
    }
    let read = || bench.read(&*snapshot, &made, KeyRange::All, BATCH_BYTES);
    let (one, two, three) = futures::join!(read(), read(), read());
    let seen = digest(&made, &one);
    assert_eq!(seen.rows, if readers_first { 0 } else { 50 });
    assert!(seen.same_rows(&digest(&made, &two)) && seen.same_rows(&digest(&made, &three)));
    assert_eq!(snapshot.position(), position);
    drop(snapshot);
    assert!(bench.content(&made).await.same_rows(&written.digest));
}

pub(super) async fn a_batch_closes_at_its_size(bench: Bench) {
    const CLOSES_AT: usize = 64 << 10;
    let run = bench.run().await;
    let made = bench.make_notes(&run).await;
    let large = "x".repeat(4 * CLOSES_AT);
    let texts = (0..200).map(|id| {
        if id == 100 {
            large.clone()
        } else {
            "y".repeat(2_000)
        }
    });
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(PrimitiveArray::<Int64Type>::from_iter_values(0..200)),
        Arc::new(StringArray::from_iter_values(texts)),
    ];
    let batch = bench.batch(&made, arrays);
    let _written = bench.fill(&run, &made, &batch).await;
    let snapshot = bench.snapshot(&made, 1).await;
    let batches = bench.read(&*snapshot, &made, KeyRange::All, CLOSES_AT).await;
    let rows: usize = batches.iter().map(whimbrel_core::Batch::rows).sum();
    assert_eq!(rows, 200);
    for batch in &batches {
        assert!(batch.rows() > 0, "no batch is empty");
        assert!(
            batch.bytes() < 3 * CLOSES_AT || batch.rows() == 1,
            "{} rows in {} bytes",
            batch.rows(),
            batch.bytes()
        );
    }
}

pub(super) async fn a_state_knows_its_empty_tables(bench: Bench) {
    let run = bench.run().await;
    let full = bench.make_notes(&run).await;
    bench.fill(&run, &full, &bench.notes(&full, 0..3, "row")).await;
    let described = bench.describe("nothing", &[("note", LogicalType::text())]);
    let empty = bench.make(&run, described).await;
    let source = bench.target.as_source();
    let ids = [full.table.id.clone(), empty.table.id.clone()];
    let snapshot = bench.good(source.snapshot(&ids, 2).await);
    let asked = snapshot.aggregate(&empty.table, &empty.columns).await;
    let found = bench.good(snapshot.are_empty(&[&full.table, &empty.table]).await);
    assert!(!found[0], "a table with rows is not empty");
    let known = snapshot.aggregate(&empty.table, &empty.columns).await;
    assert_eq!(
        bench.good(known),
        bench.good(asked),
        "what is known equals what is asked"
    );
    assert_eq!(bench.content(&empty).await.rows, 0);
    let counted = bench.good(snapshot.aggregate(&full.table, &full.columns).await);
    assert_eq!(counted.rows, 3);
}
