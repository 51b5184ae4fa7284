//! Copying, resuming, rejecting, stopping.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use whimbrel_core::{Clock, LogicalType, OnReject, Plan, RunReport, RunStatus, SystemClock, Verdict};
use whimbrel_pipeline::{MigrationStatus, Observer, Progress, run};

use crate::database::{Database, Trouble, Value};
use crate::migration::{Migration, id, row};
use crate::target::REFUSED;

async fn completed(migration: &Migration) -> RunReport {
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(
        report.status,
        RunStatus::Completed,
        "{:?} {:?}",
        report.problem,
        report.verification
    );
    assert_equal(migration);
    report
}

fn assert_equal(migration: &Migration) {
    for table in ["users", "orders", "notes"] {
        assert_eq!(migration.rows(table), migration.source_rows(table), "{table}");
    }
}

/// Stops the run after so many chunks.
struct StopAfter {
    chunks: std::sync::Mutex<usize>,
    stop: tokio_util::sync::CancellationToken,
}

impl Observer for StopAfter {
    fn progress(&self, event: &Progress) {
        if matches!(event, Progress::TableProgress { .. }) {
            let mut left = self.chunks.lock().unwrap();
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.stop.cancel();
            }
        }
    }
}

/// A clock that somebody sets an hour forward and back all the time.
struct Leaping(std::sync::atomic::AtomicI64);

impl Clock for Leaping {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        let looks = self.0.fetch_add(1, Ordering::SeqCst);
        let hours = [0, 1, -1][usize::try_from(looks % 3).unwrap()];
        SystemClock.now() + chrono::Duration::hours(hours)
    }
}

#[tokio::test]
async fn a_clock_that_leaps_an_hour_changes_nothing() {
    let leaping = |migration: &Migration| {
        let mut context = migration.context();
        context.clock = Arc::new(Leaping(0.into()));
        context
    };
    let migration = Migration::new();
    let stopped = interrupted_after(&migration, 2).await;
    assert_eq!(stopped.status, RunStatus::Interrupted);
    // Trouble that is tried again, with waiting in between.
    migration.target.trouble(Trouble::WriteLost);
    let report = run(&leaping(&migration)).await.unwrap();
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.problem);
    assert!(report.seconds < 600.0, "{}", report.seconds);
    assert_equal(&migration);
    assert!(
        report
            .tables
            .iter()
            .all(|table| (0.0..600.0).contains(&table.seconds))
    );
}

async fn interrupted_after(migration: &Migration, chunks: usize) -> RunReport {
    let mut context = migration.context();
    context.stop = tokio_util::sync::CancellationToken::new();
    let stop = context.stop.clone();
    context.observer = Arc::new(StopAfter {
        chunks: chunks.into(),
        stop,
    });
    run(&context).await.unwrap()
}

#[tokio::test]
async fn everything_arrives_and_is_verified() {
    let migration = Migration::new();
    let report = completed(&migration).await;
    let rows: Vec<u64> = report.tables.iter().map(|table| table.rows).collect();
    assert_eq!(rows, [7, 3, 5]);
    assert_eq!(
        report
            .phases
            .iter()
            .map(|phase| phase.phase.as_str())
            .collect::<Vec<_>>(),
        ["schema", "data", "verify"]
    );
    let checkpoint = migration.dir().checkpoint().unwrap().unwrap();
    assert_eq!(checkpoint.status, MigrationStatus::Completed);
    assert_eq!(checkpoint.tables_completed.len(), 3);
    assert!(checkpoint.tables_pending.is_empty());
    assert_eq!(checkpoint.chunks, (8, 8));
    let state = migration.target.state();
    assert_eq!(state.catalog.sequences[0].position.unwrap().last_value, 40);
    assert_eq!(state.catalog.views.len(), 1);
}

#[tokio::test]
async fn the_last_event_says_what_was_done() {
    let migration = Migration::new();
    completed(&migration).await;
    let log = fs::read_to_string(migration.dir().path().join("events.ndjson")).unwrap();
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!(last["type"], "MIGRATION_COMPLETE");
    assert_eq!(last["payload"]["records_affected"], 15);
    assert_eq!(last["payload"]["status"], "success");
    assert_eq!(last["payload"]["version"], "mig_2026_001");
    let topic = last["event_id"].as_str().unwrap();
    assert!(
        topic.starts_with("evt_") && topic.contains("_migration"),
        "{topic}"
    );
}

#[tokio::test]
async fn a_run_that_is_done_changes_nothing_when_it_is_run_again() {
    let migration = Migration::new();
    completed(&migration).await;
    let before = migration.target.content();
    // The source may move on: the verdict is about the snapshot that was copied.
    migration.source.change(|state| {
        state
            .rows
            .get_mut(&id("users"))
            .unwrap()
            .push(row(99, "new", None));
    });
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::Completed);
    assert_eq!(migration.target.content(), before);
}

#[tokio::test]
async fn a_stopped_run_goes_on_where_it_was() {
    let migration = Migration::new();
    let report = interrupted_after(&migration, 3).await;
    assert_eq!(report.status, RunStatus::Interrupted);
    assert_eq!(report.rollback.unwrap().trigger, "user_interrupt");
    assert_eq!(
        migration.dir().checkpoint().unwrap().unwrap().status,
        MigrationStatus::Interrupted
    );
    let arrived: u64 = report.tables.iter().map(|table| table.rows).sum();
    assert!(arrived < 15);
    completed(&migration).await;
}

#[tokio::test]
async fn what_changed_at_the_source_since_is_copied_again_and_the_rest_is_kept() {
    let migration = Migration::new();
    interrupted_after(&migration, 6).await;
    let epoch_of_users = |migration: &Migration| -> Vec<i64> {
        let state = migration.target.state();
        let chunks = &state.ledger.as_ref().unwrap().chunks;
        let users = chunks
            .iter()
            .filter(|record| record.target == id("users") && record.result.is_some());
        users.map(|record| record.epoch.0).collect()
    };
    assert!(!epoch_of_users(&migration).is_empty());
    migration.source.change(|state| {
        let users = state.rows.get_mut(&id("users")).unwrap();
        users[0][1] = Value::Text("renamed".to_owned());
        users.push(row(50, "beyond the old split", None));
        users.insert(0, row(-5, "before it", None));
    });
    let report = completed(&migration).await;
    assert!(epoch_of_users(&migration).iter().all(|epoch| *epoch == 2));
    assert_eq!(
        report.verification.unwrap().position,
        format!("v{}", migration.source.state().version)
    );
}

#[tokio::test]
async fn unchanged_chunks_of_an_earlier_snapshot_are_kept() {
    let migration = Migration::new();
    interrupted_after(&migration, 6).await;
    migration.source.change(|_| {});
    completed(&migration).await;
    let state = migration.target.state();
    let chunks = &state.ledger.as_ref().unwrap().chunks;
    assert!(
        chunks.iter().any(|record| record.epoch.0 == 1),
        "a chunk of the first run was kept"
    );
    let position = format!("v{}", migration.source.state().version);
    assert!(
        chunks
            .iter()
            .all(|record| record.position.as_ref() == Some(&position))
    );
}

#[tokio::test]
async fn a_lost_snapshot_is_followed_by_a_new_one() {
    let migration = Migration::new();
    migration.source.trouble(Trouble::SnapshotLost);
    completed(&migration).await;
}

#[tokio::test]
async fn an_unclear_commit_is_settled_by_the_ledger() {
    for trouble in [
        Trouble::CommitUnknown,
        Trouble::CommitThenLost,
        Trouble::WriteLost,
    ] {
        let migration = Migration::new();
        migration.target.trouble(trouble);
        migration.target.trouble(trouble);
        completed(&migration).await;
    }
}

#[tokio::test]
async fn a_connection_that_stays_lost_ends_the_run_at_the_last_chunk() {
    let migration = Migration::new();
    for _ in 0..50 {
        migration.target.trouble(Trouble::WriteLost);
    }
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::Failed);
    let rollback = report.rollback.unwrap();
    assert_eq!(
        (rollback.trigger.as_str(), rollback.to.as_str()),
        ("connection_lost_during_write", "chunk")
    );
    let migration = Migration {
        target: without_troubles(&migration.target),
        ..migration
    };
    completed(&migration).await;
}

fn without_troubles(database: &Arc<Database>) -> Arc<Database> {
    let copy = Database::new();
    *copy.state() = database.state().clone();
    copy
}

#[tokio::test]
async fn the_first_reject_stops_the_table_and_names_the_value() {
    let refused = |source: &Database, _: &Database| {
        source.change(|state| {
            state.rows.get_mut(&id("users")).unwrap()[2][1] = Value::Text(REFUSED.to_owned());
        });
    };
    let migration = Migration::with(refused);
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::Failed);
    let problem = report.problem.unwrap();
    assert_eq!(problem.code, "data_integrity_error");
    for part in ["`users`", "`name`", REFUSED, "the target cannot hold it"] {
        assert!(problem.message.contains(part), "{}", problem.message);
    }
    assert_eq!(report.rollback.unwrap().emptied, [id("users")]);
    assert_eq!(migration.rows("users"), Vec::<Vec<Value>>::new());
    migration
        .source
        .change(|state| state.rows.get_mut(&id("users")).unwrap()[2][1] = Value::Text("good".to_owned()));
    completed(&migration).await;
}

#[tokio::test]
async fn rejects_go_to_the_file_once_and_are_no_success() {
    let refused = |source: &Database, _: &Database| {
        source.change(|state| {
            let users = state.rows.get_mut(&id("users")).unwrap();
            users[4][1] = Value::Text(REFUSED.to_owned());
            users[5][2] = Value::Text("no number".to_owned());
        });
    };
    let migration = Migration::planned(refused, |policies| policies.on_reject = OnReject::File);
    migration.target.trouble(Trouble::CommitThenLost);
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::NotVerified);
    assert_eq!(report.tables[0].rejected, 2);
    let rejects = migration.dir().rejects(&id("users")).unwrap();
    assert_eq!(rejects.len(), 2, "{rejects:?}");
    let verification = report.verification.unwrap();
    let users = &verification.tables[0];
    assert_eq!(
        (
            users.verdict,
            users.rejected,
            users.source_rows,
            users.target_rows
        ),
        (Verdict::Different, 2, 7, 5)
    );
    assert!(users.reason.as_ref().unwrap().contains("rejects/users.ndjson"));
    assert!(!users.witness.not_comparable.is_empty());
    assert_eq!(verification.tables[1].verdict, Verdict::Identical);
}

#[tokio::test]
async fn a_foreign_key_violation_empties_the_tables_concerned_and_keeps_the_others() {
    let orphan = |source: &Database, _: &Database| {
        source.change(|state| state.rows.get_mut(&id("orders")).unwrap()[0][2] = Value::Int(777));
    };
    let migration = Migration::with(orphan);
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::Failed);
    assert_eq!(report.problem.unwrap().code, "foreign_key_violation");
    let rollback = report.rollback.unwrap();
    assert_eq!(rollback.trigger, "foreign_key_violation");
    assert_eq!(rollback.emptied, [id("orders"), id("users")]);
    assert_eq!(migration.rows("notes"), migration.source_rows("notes"));
    let log = fs::read_to_string(migration.dir().path().join("events.ndjson")).unwrap();
    for kind in [
        "ROLLBACK_IDENTIFIED",
        "ROLLBACK_LOADED",
        "ROLLBACK_RESTORED",
        "ROLLBACK_NOTIFIED",
        "MIGRATION_FAILED",
    ] {
        assert!(log.contains(kind), "{kind}");
    }
    migration
        .source
        .change(|state| state.rows.get_mut(&id("orders")).unwrap()[0][2] = Value::Int(1));
    completed(&migration).await;
}

#[tokio::test]
async fn the_plan_can_send_a_trigger_back_to_the_start() {
    let orphan = |source: &Database, _: &Database| {
        source.change(|state| state.rows.get_mut(&id("orders")).unwrap()[0][2] = Value::Int(777));
    };
    let migration = Migration::planned(orphan, |policies| {
        policies
            .rollback
            .insert("foreign_key_violation".to_owned(), "start".to_owned());
    });
    let before = migration.target.content();
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::RolledBack);
    assert_eq!(migration.target.content(), before);
}

#[tokio::test]
async fn a_run_without_verification_is_no_success() {
    let migration = Migration::planned(|_, _| {}, |policies| policies.verify = false);
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::NotVerified);
    assert_equal(&migration);
}

#[tokio::test]
async fn a_damaged_checkpoint_does_not_matter_to_the_data() {
    let migration = Migration::new();
    interrupted_after(&migration, 4).await;
    for name in ["checkpoint.json", "checkpoint.json.bak"] {
        fs::write(migration.dir().path().join(name), b"{}").unwrap();
    }
    completed(&migration).await;
}

#[tokio::test]
async fn a_process_left_over_from_before_can_write_nothing() {
    let migration = Migration::new();
    interrupted_after(&migration, 2).await;
    let target = crate::target::FakeTarget(migration.target.clone());
    let old = whimbrel_core::RunKey {
        migration: migration.plan.migration_id.clone(),
        epoch: whimbrel_core::Epoch(1),
    };
    completed(&migration).await;
    let refused = whimbrel_core::Target::empty(&target, &old, &[id("users")])
        .await
        .unwrap_err();
    assert_eq!(refused.class(), whimbrel_core::ErrorClass::Conflict);
}

/// Lets every column travel in the fake engine's own form.
fn as_wire(plan: &mut Plan) {
    let columns = plan.tables.iter_mut().flat_map(|table| &mut table.columns);
    columns.for_each(|column| {
        column.logical = LogicalType::Wire {
            native: column.source_native.clone(),
            printed: false,
        };
    });
}

#[tokio::test]
async fn rows_that_need_no_look_pass_packed() {
    let migration = Migration::decided(|_, _| {}, as_wire);
    completed(&migration).await;
    let (read, written) = (&migration.source.packed.0, &migration.target.packed.1);
    assert_eq!(written.load(Ordering::SeqCst), read.load(Ordering::SeqCst));
    assert!(written.load(Ordering::SeqCst) > 8);
    assert!(
        migration.target.packed.0.load(Ordering::SeqCst) > 8,
        "read back packed, too"
    );
}

#[tokio::test]
async fn a_column_with_another_type_keeps_the_rows_of_its_table_from_passing_packed() {
    let other = |plan: &mut Plan| {
        as_wire(plan);
        let columns = plan.tables.iter_mut().map(|table| &mut table.columns[1]);
        columns.for_each(|column| column.target_native = "varchar".to_owned());
    };
    let migration = Migration::decided(|_, _| {}, other);
    completed(&migration).await;
    assert_eq!(migration.target.packed.1.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_packed_chunk_that_is_refused_comes_again_with_columns() {
    let refused = |source: &Database, _: &Database| {
        source.change(|state| {
            state.rows.get_mut(&id("users")).unwrap()[2][1] = Value::Text(REFUSED.to_owned());
        });
    };
    let migration = Migration::decided(refused, |plan| {
        as_wire(plan);
        plan.policies.on_reject = OnReject::File;
    });
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::NotVerified, "{:?}", report.problem);
    assert_eq!((report.tables[0].rows, report.tables[0].rejected), (6, 1));
    let rejects = migration.dir().rejects(&id("users")).unwrap();
    assert_eq!(rejects[0].reject.value, REFUSED);
}
