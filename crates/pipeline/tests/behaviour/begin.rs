//! When a run may not begin, nothing changes.

use whimbrel_core::{Column, ErrorClass, Table};
use whimbrel_pipeline::{Approval, run};

use crate::migration::{Migration, id};

async fn refused(migration: &Migration) -> whimbrel_core::Error {
    let before = migration.target.content();
    let error = run(&migration.context()).await.unwrap_err();
    assert_eq!(migration.target.content(), before);
    assert!(migration.target.state().ledger.is_none());
    error
}

#[tokio::test]
async fn an_edited_plan_is_refused() {
    let mut migration = Migration::new();
    migration.plan.policies.chunk_bytes = 1;
    assert_eq!(refused(&migration).await.code(), "plan_changed");
}

#[tokio::test]
async fn an_edited_plan_file_is_refused() {
    let migration = Migration::new();
    let path = migration.dir().path().join("migration_plan.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"chunk_bytes\": 2", "\"chunk_bytes\": 3")).unwrap();
    assert_eq!(refused(&migration).await.code(), "plan_changed");
}

#[tokio::test]
async fn a_plan_that_nobody_confirmed_is_refused_with_the_command_that_does_it() {
    let migration = Migration::new();
    std::fs::remove_file(migration.dir().path().join("approval.json")).unwrap();
    let error = refused(&migration).await;
    assert_eq!(error.code(), "not_approved");
    assert!(error.hint().unwrap().contains(&migration.plan.hash));
    let (by, how, at) = (String::new(), String::new(), String::new());
    migration
        .dir()
        .save_approval(&Approval {
            hash: "other".to_owned(),
            by,
            how,
            at,
        })
        .unwrap();
    assert_eq!(refused(&migration).await.code(), "not_approved");
}

#[tokio::test]
async fn a_changed_source_column_is_named() {
    let migration = Migration::new();
    migration
        .source
        .change(|state| state.table(&id("users")).unwrap().columns[1].native = "blob".to_owned());
    let error = refused(&migration).await;
    assert_eq!(error.code(), "source_changed");
    assert!(
        error
            .to_string()
            .contains("column `name` of table `users` is `blob`; it was `text`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_new_source_column_is_named() {
    let migration = Migration::new();
    let column = Column::new("age", "int");
    migration
        .source
        .change(|state| state.table(&id("notes")).unwrap().columns.push(column));
    let error = refused(&migration).await;
    assert!(
        error.to_string().contains("table `notes` has a new column `age`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_table_that_appeared_in_the_target_is_named() {
    let migration = Migration::new();
    migration.target.add_table(Table::empty(id("users")), Vec::new());
    let error = refused(&migration).await;
    assert_eq!(error.code(), "target_changed");
    assert!(error.to_string().contains("`users`"), "{error}");
}

#[tokio::test]
async fn two_runs_at_once_conflict() {
    let migration = Migration::new();
    let _held = migration.dir().lock().unwrap();
    assert_eq!(refused(&migration).await.class(), ErrorClass::Conflict);
}
