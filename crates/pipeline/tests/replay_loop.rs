//! The k-th side effect of a replay fails, for every k; then it is done again: every mended row arrives, none is there twice, and the file
//! of the rejected rows is empty. Alone in its process: fault points are counted process-wide.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot do its work panics"
)]

#[path = "fake/database.rs"]
#[expect(dead_code, reason = "troubles are other tests' business")]
mod database;
#[path = "fake/migration.rs"]
#[expect(dead_code, reason = "other tests make other migrations")]
mod migration;
#[path = "fake/source.rs"]
mod source;
#[path = "fake/target.rs"]
mod target;

use database::{Database, Value};
use migration::{Migration, id};
use target::REFUSED;
use whimbrel_core::fault::{Fault, arm, passed};
use whimbrel_core::{OnReject, RunStatus};
use whimbrel_pipeline::{check_log, replay, run};

fn set(database: &Database, at: usize, column: usize, value: Value) {
    database.change(|state| state.rows.get_mut(&id("users")).unwrap()[at][column] = value);
}

/// Rejected by both sides, and mended all but one.
async fn with_rejects() -> Migration {
    let bad = |source: &Database, _: &Database| {
        source.change(|state| state.table(&id("users")).unwrap().columns[0].nullable = false);
        set(source, 1, 1, Value::Text(REFUSED.to_owned()));
        set(source, 3, 1, Value::Text(REFUSED.to_owned()));
        set(source, 5, 2, Value::Text("no number".to_owned()));
    };
    let migration = Migration::planned(bad, |policies| policies.on_reject = OnReject::File);
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.tables[0].rejected, 3);
    set(&migration.source, 1, 1, Value::Text("healed".to_owned()));
    set(&migration.source, 5, 2, Value::Int(3));
    migration
}

async fn check(migration: &Migration, at: u64) {
    let users = id("users");
    let report = replay(&migration.context()).await;
    let report = report.unwrap_or_else(|error| panic!("point {at}: {}", error.chain()));
    assert_eq!(
        report.status,
        RunStatus::NotVerified,
        "point {at}: {:?} {:?}",
        report.problem,
        report.verification
    );
    assert_eq!(
        (report.tables[0].rows, report.tables[0].rejected),
        (6, 1),
        "point {at}"
    );
    let left = migration.dir().rejects(&users).unwrap();
    assert_eq!(left.len(), 1, "point {at}: {left:?}");
    assert_eq!(left[0].reject.value, REFUSED, "point {at}");
    set(&migration.source, 3, 1, Value::Text("healed".to_owned()));
    let report = replay(&migration.context()).await.unwrap();
    assert_eq!(
        report.status,
        RunStatus::Completed,
        "point {at}: {:?} {:?}",
        report.problem,
        report.verification
    );
    assert_eq!(
        migration.rows("users"),
        migration.source_rows("users"),
        "point {at}"
    );
    assert_eq!(migration.dir().rejects(&users).unwrap(), [], "point {at}");
    assert_eq!(check_log(&migration.dir()).unwrap().problems, [], "point {at}");
}

#[tokio::test]
async fn any_failed_operation_of_a_replay_is_survived() {
    let first = with_rejects().await;
    let from = passed();
    assert_eq!(
        replay(&first.context()).await.unwrap().status,
        RunStatus::NotVerified
    );
    let points = passed() - from;
    assert!(points > 60, "only {points} points were passed");
    for at in 1..=points {
        let migration = with_rejects().await;
        let mut context = migration.context();
        context.limits.retries = 0;
        arm(at, Fault::Error);
        let _failed = replay(&context).await;
        arm(0, Fault::Error);
        check(&migration, at).await;
    }
}
