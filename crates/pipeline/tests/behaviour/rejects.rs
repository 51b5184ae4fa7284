//! Replaying rejected rows, value rules and computed columns.

use whimbrel_core::{LogicalType, OnReject, RunReport, RunStatus, ValueRule, Verdict};
use whimbrel_pipeline::{RejectLine, replay, run, verify};

use crate::database::{Database, Value};
use crate::migration::{Migration, id, row};
use crate::target::{COMPUTED, REFUSED};

/// Gives the users and orders a key that names each row.
fn with_keys(source: &Database) {
    source.change(|state| {
        for table in ["users", "orders"] {
            state.table(&id(table)).unwrap().columns[0].nullable = false;
        }
    });
}

fn set(database: &Database, table: &str, at: usize, column: usize, value: Value) {
    database.change(|state| state.rows.get_mut(&id(table)).unwrap()[at][column] = value);
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// Three rejected users: one that the source cannot give, two that the target refuses.
async fn with_rejects() -> Migration {
    let bad = |source: &Database, _: &Database| {
        with_keys(source);
        set(source, "users", 1, 1, text(REFUSED));
        set(source, "users", 4, 1, text(REFUSED));
        set(source, "users", 5, 2, text("no number"));
    };
    let migration = Migration::planned(bad, |policies| policies.on_reject = OnReject::File);
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::NotVerified, "{:?}", report.problem);
    assert_eq!(rejected(&migration, "users").len(), 3);
    migration
}

fn rejected(migration: &Migration, table: &str) -> Vec<RejectLine> {
    migration.dir().rejects(&id(table)).unwrap()
}

fn heal(migration: &Migration) {
    set(&migration.source, "users", 1, 1, text("healed"));
    set(&migration.source, "users", 4, 1, text("healed"));
    set(&migration.source, "users", 5, 2, Value::Int(3));
}

async fn replayed(migration: &Migration, wanted: RunStatus) -> RunReport {
    let report = replay(&migration.context()).await.unwrap();
    assert_eq!(
        report.status, wanted,
        "{:?} {:?}",
        report.problem, report.verification
    );
    report
}

fn assert_equal(migration: &Migration) {
    for table in ["users", "orders", "notes"] {
        assert_eq!(migration.rows(table), migration.source_rows(table), "{table}");
    }
}

#[tokio::test]
async fn rejected_rows_arrive_once_they_are_mended() {
    let migration = with_rejects().await;
    heal(&migration);
    let report = replayed(&migration, RunStatus::Completed).await;
    assert_equal(&migration);
    assert_eq!(rejected(&migration, "users"), []);
    assert_eq!((report.tables[0].rows, report.tables[0].rejected), (7, 0));
    let verdict = &report.verification.unwrap().tables[0];
    assert_eq!((verdict.verdict, verdict.rejected), (Verdict::Identical, 0));
    // Nothing is left to do, and nothing is done twice.
    replayed(&migration, RunStatus::Completed).await;
    assert_equal(&migration);
    assert_eq!(
        run(&migration.context()).await.unwrap().status,
        RunStatus::Completed
    );
    assert_equal(&migration);
}

#[tokio::test]
async fn what_still_does_not_fit_stays_in_the_file() {
    let migration = with_rejects().await;
    set(&migration.source, "users", 4, 1, text("healed"));
    for _ in 0..2 {
        let report = replayed(&migration, RunStatus::NotVerified).await;
        assert_eq!((report.tables[0].rows, report.tables[0].rejected), (5, 2));
        let left = rejected(&migration, "users");
        assert_eq!(left.len(), 2, "{left:?}");
        assert!(left.iter().any(|line| line.reject.value == REFUSED));
    }
    heal(&migration);
    replayed(&migration, RunStatus::Completed).await;
    assert_equal(&migration);
}

#[tokio::test]
async fn a_row_that_is_gone_leaves_the_file_only_when_the_count_says_so() {
    let migration = with_rejects().await;
    let gone = |at: usize| {
        migration
            .source
            .change(|state| drop(state.rows.get_mut(&id("users")).unwrap().remove(at)));
    };
    gone(5);
    replayed(&migration, RunStatus::NotVerified).await;
    assert_eq!(rejected(&migration, "users").len(), 2);
    gone(4);
    // Somebody adds a row meanwhile: nobody knows whether the missing one was only renamed.
    migration.source.change(|state| {
        let rows = state.rows.get_mut(&id("users")).unwrap();
        rows.push(row(50, "new", None));
    });
    replayed(&migration, RunStatus::NotVerified).await;
    assert_eq!(rejected(&migration, "users").len(), 2);
    assert!(
        rejected(&migration, "users")
            .iter()
            .any(|line| line.reject.rule.contains("count"))
    );
}

#[tokio::test]
async fn a_table_without_a_key_is_copied_again_whole() {
    let bad = |source: &Database, _: &Database| set(source, "notes", 0, 1, text(REFUSED));
    let migration = Migration::planned(bad, |policies| policies.on_reject = OnReject::File);
    run(&migration.context()).await.unwrap();
    assert_eq!(rejected(&migration, "notes").len(), 1);
    replayed(&migration, RunStatus::NotVerified).await;
    assert_eq!(rejected(&migration, "notes").len(), 1);
    set(&migration.source, "notes", 0, 1, text("healed"));
    replayed(&migration, RunStatus::Completed).await;
    assert_equal(&migration);
}

#[tokio::test]
async fn a_lost_reject_file_costs_a_copy_and_no_row() {
    let migration = with_rejects().await;
    std::fs::remove_file(migration.dir().path().join("rejects/users.ndjson")).unwrap();
    heal(&migration);
    replayed(&migration, RunStatus::Completed).await;
    assert_equal(&migration);
}

#[tokio::test]
async fn a_replay_that_fails_leaves_what_had_arrived() {
    let migration = with_rejects().await;
    heal(&migration);
    // Somebody else has taken the key meanwhile.
    migration.target.change(|state| {
        let rows = state.rows.get_mut(&id("users")).unwrap();
        rows.push(row(2, "somebody else's", None));
    });
    let before = migration.rows("users");
    let report = replay(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::Failed);
    let problem = report.problem.unwrap();
    assert_eq!(problem.code, "replay_failed");
    assert!(problem.message.contains("twice"), "{}", problem.message);
    assert!(report.rollback.is_none());
    assert_eq!(migration.rows("users"), before);
    assert_eq!(rejected(&migration, "users").len(), 3);
}

#[tokio::test]
async fn a_run_that_goes_on_after_a_replay_under_a_new_snapshot_is_right() {
    let migration = with_rejects().await;
    heal(&migration);
    replayed(&migration, RunStatus::Completed).await;
    // The files are gone, so that only a new snapshot can tell.
    for name in ["snapshot.json", "as_built.json"] {
        std::fs::remove_file(migration.dir().path().join(name)).unwrap();
    }
    migration.source.change(|state| {
        let users = state.rows.get_mut(&id("users")).unwrap();
        users.push(row(60, "later", None));
    });
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.problem);
    assert_equal(&migration);
}

#[tokio::test]
async fn a_column_that_was_widened_for_the_rows_is_expected_like_that_from_then_on() {
    let migration = with_rejects().await;
    heal(&migration);
    let retype = |native: &str| {
        let native = native.to_owned();
        migration
            .target
            .change(|state| state.table(&id("users")).unwrap().columns[1].native = native);
    };
    retype("wide text");
    let found = verify(&migration.context()).await.unwrap();
    assert!(
        found
            .objects
            .iter()
            .any(|object| object.verdict == Verdict::Different)
    );
    replayed(&migration, RunStatus::Completed).await;
    assert_equal(&migration);
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(found.verdict(), Verdict::Identical, "{:?}", found.objects);
    retype("wider text");
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(found.verdict(), Verdict::Different);
}

#[tokio::test]
async fn nothing_is_replayed_before_the_copy_has_ended() {
    let migration = Migration::new();
    let refused = replay(&migration.context()).await.unwrap_err();
    assert_eq!(refused.code(), "not_copied");
    assert!(refused.hint().unwrap().contains("whimbrel resume"));
}

fn stripping() -> Migration {
    let nul = |source: &Database, _: &Database| {
        set(source, "users", 1, 1, text("a\0b"));
        set(source, "users", 3, 1, text("\0"));
    };
    Migration::decided(nul, |plan| {
        plan.tables[0].columns[1].rule = Some(ValueRule::StripNul);
    })
}

#[tokio::test]
async fn a_rule_changes_what_arrives_and_its_values_are_counted() {
    let migration = stripping();
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.verification);
    assert_eq!(migration.rows("users")[1][1], text("ab"));
    let ruled = &report.tables[0].ruled;
    assert_eq!((ruled[0].column.as_str(), ruled[0].values), ("name", 2));
    let verdict = &report.verification.unwrap().tables[0];
    let name = &verdict.columns[1];
    assert_eq!(
        (name.verdict, name.changes_values, name.rule_rows),
        (Verdict::Identical, true, 2)
    );
    assert!(verdict.witness.not_comparable[0].contains("`name`"));
    // Without the ledger the source is read again, under the same rule.
    migration.target.change(|state| state.ledger = None);
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(found.verdict(), Verdict::Identical, "{found:?}");
    assert_eq!(found.tables[0].columns[1].rule_rows, 2);
}

#[tokio::test]
async fn a_rule_never_touches_what_the_target_says() {
    let migration = stripping();
    run(&migration.context()).await.unwrap();
    set(&migration.target, "users", 1, 1, text("a\0b"));
    let found = verify(&migration.context()).await.unwrap();
    let users = &found.tables[0];
    assert_eq!((users.verdict, users.differences_total), (Verdict::Different, 1));
    assert_eq!(users.differences[0].values[0].source.as_deref(), Some("ab"));
}

#[tokio::test]
async fn a_resumed_run_compares_under_the_rule() {
    let migration = stripping();
    run(&migration.context()).await.unwrap();
    for name in ["snapshot.json", "as_built.json"] {
        std::fs::remove_file(migration.dir().path().join(name)).unwrap();
    }
    migration.source.change(|_| {});
    let epochs = |migration: &Migration| -> Vec<i64> {
        let state = migration.target.state();
        let chunks = &state.ledger.as_ref().unwrap().chunks;
        chunks.iter().map(|record| record.epoch.0).collect()
    };
    let before = epochs(&migration);
    assert_eq!(
        run(&migration.context()).await.unwrap().status,
        RunStatus::Completed
    );
    assert_eq!(epochs(&migration), before, "no chunk was copied again");
}

#[tokio::test]
async fn a_computed_column_is_compared_and_not_written() {
    let computed = |source: &Database, _: &Database| {
        source.change(|state| {
            let users = state.rows.get_mut(&id("users")).unwrap();
            for user in users {
                user[1] = text(COMPUTED);
            }
        });
    };
    let migration = Migration::decided(computed, |plan| plan.tables[0].columns[1].computed = true);
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.verification);
    assert_eq!(migration.rows("users"), migration.source_rows("users"));
    assert!(report.verification.unwrap().tables[0].columns[1].computed);
    set(&migration.target, "users", 2, 1, text("computed otherwise"));
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(found.tables[0].verdict, Verdict::Different);
    assert_eq!(migration.plan.tables[0].columns[1].logical, LogicalType::text());
}
