//! The way back, and its end.

use whimbrel_core::{RunStatus, Table};
use whimbrel_pipeline::{MigrationStatus, RollbackTo, cleanup, rollback, run, verify};

use crate::database::{Trouble, Value};
use crate::migration::{Migration, id, row};

async fn done(migration: &Migration) {
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(
        report.status,
        RunStatus::Completed,
        "{:?} {:?}",
        report.problem,
        report.verification
    );
}

fn replacing() -> Migration {
    Migration::with(|source, target| {
        let there: Table = source.state().catalog.table(&id("users")).unwrap().clone();
        target.add_table(there, vec![row(1, "was here before", None)]);
    })
}

#[tokio::test]
async fn start_brings_back_what_was_there() {
    let migration = replacing();
    let before = migration.target.content();
    done(&migration).await;
    assert_ne!(migration.target.content(), before);
    let report = rollback(&migration.context(), &RollbackTo::Start, false)
        .await
        .unwrap();
    assert_eq!(migration.target.content(), before);
    assert!(migration.target.state().ledger.is_none());
    assert_eq!((report.to.as_str(), report.undone.len()), ("start", 8));
    assert_eq!(
        migration.dir().checkpoint().unwrap().unwrap().status,
        MigrationStatus::RolledBack
    );
    // Once more changes nothing, least of all the table that is back in its place.
    let again = rollback(&migration.context(), &RollbackTo::Start, false)
        .await
        .unwrap();
    assert!(again.undone.is_empty());
    assert_eq!(migration.target.content(), before);
    done(&migration).await;
}

#[tokio::test]
async fn schema_keeps_the_tables_and_empties_them() {
    let migration = Migration::new();
    done(&migration).await;
    let report = rollback(&migration.context(), &RollbackTo::Schema, false)
        .await
        .unwrap();
    assert_eq!(report.emptied.len(), 3);
    {
        let state = migration.target.state();
        assert_eq!(state.catalog.tables.len(), 3);
        assert!(state.rows.values().all(Vec::is_empty));
        assert!(state.catalog.views.is_empty());
    }
    let checkpoint = migration.dir().checkpoint().unwrap().unwrap();
    assert_eq!(
        (checkpoint.phases_done, checkpoint.rollback_point),
        (vec!["schema".to_owned()], "checkpoint_2".to_owned())
    );
    done(&migration).await;
}

#[tokio::test]
async fn one_table_takes_only_what_hangs_on_it_along() {
    let migration = Migration::new();
    done(&migration).await;
    let to = RollbackTo::Table("orders".to_owned());
    let report = rollback(&migration.context(), &to, false).await.unwrap();
    assert_eq!(report.undone, ["foreign key orders"]);
    assert_eq!(migration.rows("orders").len(), 0);
    assert_eq!(migration.rows("users").len(), 7);
    assert_eq!(migration.target.state().catalog.views.len(), 1);
    done(&migration).await;
}

#[tokio::test]
async fn an_unknown_table_is_refused() {
    let migration = Migration::new();
    done(&migration).await;
    let to = RollbackTo::Table("nobody".to_owned());
    assert!(
        rollback(&migration.context(), &to, false)
            .await
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("`users`")
    );
}

#[tokio::test]
async fn rows_of_somebody_else_are_not_destroyed_unless_forced() {
    let changes: [fn(&mut Vec<Vec<Value>>); 3] = [
        |rows| rows.push(row(99, "foreign", None)),
        |rows| rows[0][1] = Value::Text("edited".to_owned()),
        |rows| drop(rows.pop()),
    ];
    for change in changes {
        let migration = Migration::new();
        let empty = migration.target.content();
        done(&migration).await;
        migration
            .target
            .change(|state| change(state.rows.get_mut(&id("users")).unwrap()));
        let before = migration.target.content();
        let error = rollback(&migration.context(), &RollbackTo::Start, false)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "foreign_rows");
        assert!(error.to_string().contains("`users`"), "{error}");
        assert_eq!(migration.target.content(), before);
        rollback(&migration.context(), &RollbackTo::Start, true)
            .await
            .unwrap();
        assert_eq!(migration.target.content(), empty);
    }
}

#[tokio::test]
async fn nothing_to_roll_back_before_the_first_run() {
    let migration = Migration::new();
    let report = rollback(&migration.context(), &RollbackTo::Start, false)
        .await
        .unwrap();
    assert!(report.undone.is_empty() && report.emptied.is_empty());
    assert!(migration.target.state().ledger.is_none());
}

#[tokio::test]
async fn a_ledger_whose_making_was_cut_off_is_taken_away() {
    let migration = Migration::new();
    let before = migration.target.content();
    // The tables are there; the migration is not in them yet.
    migration.target.state().ledger();
    rollback(&migration.context(), &RollbackTo::Start, false)
        .await
        .unwrap();
    assert!(migration.target.state().ledger.is_none());
    assert_eq!(migration.target.content(), before);
}

#[tokio::test]
async fn cleanup_destroys_the_way_back_and_verify_then_asks_the_source() {
    let migration = replacing();
    let unfinished = cleanup(&migration.context()).await.unwrap_err();
    assert_eq!(unfinished.code(), "not_finished");
    done(&migration).await;
    let report = cleanup(&migration.context()).await.unwrap();
    assert_eq!(report.removed, ["users", "the ledger in the target"]);
    assert!(migration.target.state().aside.is_empty());
    let refused = rollback(&migration.context(), &RollbackTo::Start, true)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "no_way_back");
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(found.verdict(), whimbrel_core::Verdict::Identical);
    assert_eq!(
        cleanup(&migration.context()).await.unwrap().removed,
        Vec::<String>::new()
    );
    migration.source.change(|state| {
        state
            .rows
            .get_mut(&id("users"))
            .unwrap()
            .push(row(99, "new", None));
    });
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(found.tables[0].verdict, whimbrel_core::Verdict::Different);
}

#[tokio::test]
async fn what_somebody_else_removed_needs_no_undo() {
    let migration = Migration::new();
    let empty = migration.target.content();
    done(&migration).await;
    migration
        .target
        .change(|state| state.table(&id("users")).unwrap().indexes.clear());
    migration.target.change(|state| state.catalog.views.clear());
    rollback(&migration.context(), &RollbackTo::Start, false)
        .await
        .unwrap();
    assert_eq!(migration.target.content(), empty);
}

#[tokio::test]
async fn an_undo_that_fails_for_another_reason_stops_the_rollback() {
    let migration = Migration::new();
    done(&migration).await;
    migration.target.trouble(Trouble::UndoRefused);
    let error = rollback(&migration.context(), &RollbackTo::Start, false)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("something depends on it"), "{error}");
    rollback(&migration.context(), &RollbackTo::Start, false)
        .await
        .unwrap();
}
