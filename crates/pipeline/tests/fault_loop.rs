//! The k-th side effect fails, for every k; then the migration is run again and ends verified, with nothing lost and nothing twice.
//! Alone in its process: fault points are counted process-wide.
#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that cannot do its work panics"
)]

#[path = "fake/database.rs"]
#[expect(dead_code, reason = "troubles are other tests' business")]
mod database;
#[path = "fake/migration.rs"]
mod migration;
#[path = "fake/source.rs"]
mod source;
#[path = "fake/target.rs"]
mod target;

use migration::Migration;
use whimbrel_core::fault::{Fault, arm, passed};
use whimbrel_core::{RunReport, RunStatus};
use whimbrel_pipeline::{RollbackTo, check_log, rollback, run};

async fn check(migration: &Migration, at: u64) {
    let mut report = run(&migration.context()).await;
    for _ in 0..2 {
        if report
            .as_ref()
            .is_ok_and(|report| report.status == RunStatus::Completed)
        {
            break;
        }
        report = run(&migration.context()).await;
    }
    let report = report.unwrap_or_else(|error| panic!("point {at}: {}", error.chain()));
    assert_eq!(
        report.status,
        RunStatus::Completed,
        "point {at}: {:?}",
        report.problem
    );
    for table in ["users", "orders", "notes"] {
        assert_eq!(migration.rows(table), migration.source_rows(table), "point {at}");
    }
    let log = check_log(&migration.dir()).unwrap();
    assert_eq!(log.problems, [], "point {at}");
}

#[tokio::test]
async fn any_failed_operation_is_survived() {
    let from = passed();
    let first = Migration::new();
    check(&first, 0).await;
    let points = passed() - from;
    assert!(points > 100, "only {points} points were passed");
    for retries in [0, 3] {
        for at in 1..=points {
            let migration = Migration::new();
            let setup = passed();
            let mut context = migration.context();
            context.limits.retries = retries;
            arm(at, Fault::Error);
            let outcome = run(&context).await;
            arm(0, Fault::Error);
            assert!(passed() > setup);
            assert_survived(outcome, retries > 0, at);
            check(&migration, at).await;
        }
    }
    rollbacks_survive_too(points).await;
}

/// Nothing else goes wrong because of the fault, and a fault of the databases is not even noticed when there are retries.
fn assert_survived(outcome: whimbrel_core::Result<RunReport>, retried: bool, at: u64) {
    let message = match outcome {
        Ok(report) if report.status == RunStatus::Completed => return,
        Ok(report) => report
            .problem
            .map_or_else(|| format!("{:?}", report.verification), |problem| problem.message),
        Err(error) => error.chain(),
    };
    assert!(message.contains("fault injected"), "point {at}: {message}");
    assert!(!retried || !message.contains("`fake."), "point {at}: {message}");
}

async fn rollbacks_survive_too(points: u64) {
    for at in 1..=points {
        let migration = Migration::new();
        let before = migration.target.content();
        check(&migration, at).await;
        let mut context = migration.context();
        context.limits.retries = 0;
        arm(at, Fault::Error);
        let first = rollback(&context, &RollbackTo::Start, false).await;
        let done = first.is_ok();
        arm(0, Fault::Error);
        rollback(&migration.context(), &RollbackTo::Start, false)
            .await
            .unwrap_or_else(|error| panic!("point {at}: {}", error.chain()));
        assert_eq!(migration.target.content(), before, "point {at}");
        assert!(migration.target.state().ledger.is_none());
        check(&migration, at).await;
        if done {
            break;
        }
    }
}
