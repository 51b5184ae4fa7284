//! Every kind of change in the target is found and named.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use whimbrel_core::{DifferenceKind, ObjectKind, Plan, RunStatus, TableVerdict, Verdict, Verification};
use whimbrel_pipeline::{Observer, Progress, run, verify};

use crate::database::{Database, State, Trouble, Value};
use crate::migration::{Migration, id, row};

async fn changed(change: impl FnOnce(&mut State)) -> (Migration, Verification) {
    let migration = Migration::new();
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(
        report.status,
        RunStatus::Completed,
        "{:?} {:?}",
        report.problem,
        report.verification
    );
    assert_eq!(
        verify(&migration.context()).await.unwrap().verdict(),
        Verdict::Identical
    );
    migration.target.change(change);
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(found.verdict(), Verdict::Different);
    (migration, found)
}

async fn changed_table(name: &str, change: impl FnOnce(&mut Vec<Vec<Value>>)) -> TableVerdict {
    let (_, found) = changed(|state| change(state.rows.get_mut(&id(name)).unwrap())).await;
    let different: Vec<&TableVerdict> = found
        .tables
        .iter()
        .filter(|table| table.verdict != Verdict::Identical)
        .collect();
    assert_eq!(different.len(), 1);
    assert_eq!(different[0].target, id(name));
    different[0].clone()
}

/// The objects that differ, as `kind name: expected -> found`.
async fn changed_objects(change: impl FnOnce(&mut State)) -> Vec<String> {
    let (_, found) = changed(change).await;
    let different = found
        .objects
        .iter()
        .filter(|object| object.verdict != Verdict::Identical);
    let text = |verdict: &whimbrel_core::ObjectVerdict| {
        format!(
            "{} {}: {} -> {}",
            verdict.object.kind, verdict.object, verdict.expected, verdict.found
        )
    };
    different.map(text).collect()
}

#[tokio::test]
async fn a_changed_value_names_row_and_column() {
    let table = changed_table("users", |rows| {
        let at = rows.iter().position(|row| row[0] == Value::Int(3)).unwrap();
        rows[at][1] = Value::Text("other".to_owned());
    })
    .await;
    assert_eq!(table.differences_total, 1);
    let difference = &table.differences[0];
    assert_eq!(
        (difference.kind, difference.key.as_str()),
        (DifferenceKind::Differing, "id=3")
    );
    assert!(!difference.as_of_now);
    let value = &difference.values[0];
    assert_eq!(value.column, "name");
    assert_eq!(
        (value.source.as_deref(), value.target.as_deref()),
        (Some("user 3"), Some("other"))
    );
    assert_eq!(difference.values.len(), 1);
    let columns: Vec<(&str, Verdict)> = table
        .columns
        .iter()
        .map(|column| (column.column.as_str(), column.verdict))
        .collect();
    assert_eq!(
        columns,
        [
            ("id", Verdict::Identical),
            ("name", Verdict::Different),
            ("parent", Verdict::Identical)
        ]
    );
}

#[tokio::test]
async fn null_for_a_value_is_found() {
    let table = changed_table("users", |rows| rows[0][1] = Value::Null).await;
    assert_eq!(table.differences[0].values[0].target, None);
    assert!(
        table
            .witness
            .different
            .iter()
            .any(|text| text.contains("`name` nulls"))
    );
}

#[tokio::test]
async fn a_missing_and_an_extra_row_are_named() {
    let table = changed_table("orders", |rows| {
        rows.retain(|row| row[0] != Value::Int(2));
        rows.push(row(77, "extra", None));
    })
    .await;
    let found: Vec<(DifferenceKind, &str)> = table
        .differences
        .iter()
        .map(|difference| (difference.kind, difference.key.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (DifferenceKind::Missing, "id=2"),
            (DifferenceKind::Extra, "id=77")
        ]
    );
    assert_eq!(
        (table.source_rows, table.target_rows, table.differences_total),
        (5, 5, 2)
    );
}

#[tokio::test]
async fn a_doubled_row_without_a_key_is_found() {
    let table = changed_table("notes", |rows| {
        let double = rows.iter().find(|row| row[0] == Value::Int(1)).unwrap().clone();
        rows.push(double);
    })
    .await;
    assert_eq!(table.differences.len(), 1);
    assert_eq!(table.differences[0].kind, DifferenceKind::Extra);
    assert_eq!(table.differences[0].key, "id=1, name=twice");
}

#[tokio::test]
async fn an_orphan_is_counted() {
    let table = changed_table("orders", |rows| rows[0][2] = Value::Int(555)).await;
    assert_eq!(table.orphans, 1);
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_type_is_found() {
    let table = changed_table("orders", |rows| rows[0][2] = Value::Text("x".to_owned())).await;
    assert!(table.reason.unwrap().contains("does not fit"));
}

#[tokio::test]
async fn many_differences_are_all_counted_and_a_hundred_listed() {
    let migration = Migration::with(|source, _| {
        source.change(|state| {
            let users = state.rows.get_mut(&id("users")).unwrap();
            *users = (1..=1000).map(|key| row(key, "same", None)).collect();
        });
    });
    let mut migration = migration;
    migration.plan.policies.chunk_bytes = 2;
    assert_eq!(
        run(&migration.context()).await.unwrap().status,
        RunStatus::Completed
    );
    migration.target.change(|state| {
        for row in state.rows.get_mut(&id("users")).unwrap().iter_mut().take(400) {
            row[1] = Value::Text("edited".to_owned());
        }
    });
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(
        (
            found.tables[0].differences_total,
            found.tables[0].differences.len()
        ),
        (400, 100)
    );
}

#[tokio::test]
async fn rows_that_differ_are_found_and_named_in_two_passes() {
    let migration = Migration::with(|source, _| {
        source.change(|state| {
            let users = state.rows.get_mut(&id("users")).unwrap();
            *users = (1..=1000).map(|key| row(key, "same", None)).collect();
        });
    });
    run(&migration.context()).await.unwrap();
    for (edited, gone) in [(1, 0), (400, 0), (1, 300)] {
        migration.target.change(|state| {
            let users = state.rows.get_mut(&id("users")).unwrap();
            for row in users.iter_mut().take(edited) {
                row[1] = Value::Text("edited".to_owned());
            }
            users.truncate(1000 - gone);
        });
        let scans = |database: &Database| database.scans.load(Ordering::SeqCst);
        let before = scans(&migration.source);
        let found = verify(&migration.context()).await.unwrap();
        assert!(found.tables[0].differences_total >= edited as u64);
        assert_eq!(scans(&migration.source) - before, 2, "{edited} and {gone}");
    }
}

#[tokio::test]
async fn the_rows_of_a_source_that_moved_on_are_marked() {
    let migration = Migration::new();
    assert_eq!(
        run(&migration.context()).await.unwrap().status,
        RunStatus::Completed
    );
    migration.source.change(|state| {
        state
            .rows
            .get_mut(&id("users"))
            .unwrap()
            .push(row(99, "new", None));
    });
    assert_eq!(
        verify(&migration.context()).await.unwrap().verdict(),
        Verdict::Identical
    );
    let change = |table: &str| {
        let table = id(table);
        migration
            .target
            .change(|state| state.rows.get_mut(&table).unwrap()[0][1] = Value::Null);
    };
    change("users");
    change("orders");
    let found = verify(&migration.context()).await.unwrap();
    assert!(
        !found.tables[2].differences[0].as_of_now,
        "only the table of users has moved on"
    );
    assert!(
        found.tables[0]
            .differences
            .iter()
            .all(|difference| difference.as_of_now)
    );
    assert!(found.tables[0].reason.as_ref().unwrap().contains("moved on"));
}

#[tokio::test]
async fn a_dropped_table_is_named() {
    let (_, found) = changed(|state| {
        state.rows.remove(&id("notes"));
        state.catalog.tables.retain(|table| table.id != id("notes"));
    })
    .await;
    assert_eq!(found.tables[1].verdict, Verdict::Different);
    let object = found
        .objects
        .iter()
        .find(|object| object.object.owner == id("notes"))
        .unwrap();
    assert_eq!(
        (object.object.kind, object.verdict, object.found.as_str()),
        (ObjectKind::Table, Verdict::Different, "")
    );
}

#[tokio::test]
async fn a_dropped_column_is_named() {
    let (_, found) = changed(|state| drop(state.table(&id("users")).unwrap().columns.remove(2))).await;
    let users = &found.tables[0];
    assert_eq!(users.verdict, Verdict::Different);
    assert_eq!(users.columns[2].verdict, Verdict::Different);
    assert_eq!(found.tables[1].verdict, Verdict::Identical);
}

#[tokio::test]
async fn each_kind_of_structural_change_is_named() {
    type Change = fn(&mut State);
    let cases: &[(&str, Change)] = &[
        ("column users.name", |state| {
            state.table(&id("users")).unwrap().columns[1].default = Some("1".to_owned());
        }),
        ("column users.name", |state| {
            state.table(&id("users")).unwrap().columns[1].nullable = false;
        }),
        ("column users.name", |state| {
            state.table(&id("users")).unwrap().columns[1].native = "varchar".to_owned();
        }),
        ("index users.users_name", |state| {
            state.table(&id("users")).unwrap().indexes.clear();
        }),
        ("index users.users_name", |state| {
            state.table(&id("users")).unwrap().indexes[0].unique = true;
        }),
        ("foreign key orders.orders_parent", |state| {
            state.table(&id("orders")).unwrap().foreign_keys.clear();
        }),
        ("foreign key orders.orders_parent", |state| {
            state.table(&id("orders")).unwrap().foreign_keys[0].on_delete = "CASCADE".to_owned();
        }),
        ("primary key orders", |state| {
            state.table(&id("orders")).unwrap().primary_key = None;
        }),
        ("view names", |state| state.catalog.views.clear()),
        ("view names", |state| {
            state.catalog.views[0].query = "select 1".to_owned();
        }),
        ("sequence numbers", |state| {
            state.catalog.sequences[0].position.as_mut().unwrap().last_value = 3;
        }),
        ("sequence numbers", |state| state.catalog.sequences.clear()),
        ("table users", |state| {
            state
                .table(&id("users"))
                .unwrap()
                .options
                .push("unlogged".to_owned());
        }),
        ("column users.more", |state| {
            let column = whimbrel_core::Column::new("more", "int");
            state.table(&id("users")).unwrap().columns.push(column);
            state
                .rows
                .get_mut(&id("users"))
                .unwrap()
                .iter_mut()
                .for_each(|row| row.push(Value::Null));
        }),
    ];
    for (name, change) in cases {
        let objects = changed_objects(*change).await;
        assert!(
            objects
                .iter()
                .any(|object| object.starts_with(&format!("{name}: "))),
            "{name}: {objects:?}"
        );
    }
}

#[tokio::test]
async fn an_unfinished_migration_is_not_checked() {
    let migration = Migration::new();
    let found = verify(&migration.context()).await.unwrap();
    assert_ne!(found.verdict(), Verdict::Identical);
}

#[tokio::test]
async fn without_the_picture_of_what_was_built_nothing_is_identical() {
    let migration = Migration::new();
    assert_eq!(
        run(&migration.context()).await.unwrap().status,
        RunStatus::Completed
    );
    std::fs::remove_file(migration.dir().path().join("as_built.json")).unwrap();
    let found = verify(&migration.context()).await.unwrap();
    assert_eq!(found.verdict(), Verdict::NotChecked);
}

#[tokio::test]
async fn the_databases_own_aggregates_are_a_second_witness() {
    let migration = Migration::new();
    assert_eq!(
        run(&migration.context()).await.unwrap().status,
        RunStatus::Completed
    );
    let path = migration.dir().path().join("snapshot.json");
    let text = std::fs::read_to_string(&path).unwrap();
    // As if our own decoder had read the same wrong value on both sides.
    std::fs::write(&path, text.replace("\"28\"", "\"29\"")).unwrap();
    let found = verify(&migration.context()).await.unwrap();
    let users = &found.tables[0];
    assert_eq!(users.verdict, Verdict::Different);
    assert_eq!(
        users.witness.different,
        ["`id` sum: source says 29, target says 28"]
    );
    assert_eq!(found.tables[1].verdict, Verdict::Identical);
}

/// Notes which tables were read back in which phase.
#[derive(Default)]
struct ReadIn {
    phase: Mutex<&'static str>,
    tables: Mutex<BTreeSet<(&'static str, String)>>,
}

impl Observer for ReadIn {
    fn progress(&self, event: &Progress) {
        if let Progress::PhaseStarted { phase, .. } = event {
            *self.phase.lock().unwrap() = phase;
        }
        if let Progress::VerifyProgress { table, .. } = event {
            let phase = *self.phase.lock().unwrap();
            self.tables.lock().unwrap().insert((phase, table.to_string()));
        }
    }
}

#[tokio::test]
async fn a_large_table_is_read_back_while_others_are_copied_and_the_rest_later() {
    let large = |plan: &mut Plan| plan.tables[0].bytes = 8 << 20;
    let migration = Migration::decided(|_, _| {}, large);
    let mut context = migration.context();
    let observer = Arc::new(ReadIn::default());
    context.observer = observer.clone();
    let report = run(&context).await.unwrap();
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.verification);
    let read = observer.tables.lock().unwrap().clone();
    let read: Vec<(&str, &str)> = read
        .iter()
        .map(|(phase, table)| (*phase, table.as_str()))
        .collect();
    assert_eq!(
        read,
        [("data", "users"), ("verify", "notes"), ("verify", "orders")]
    );
}

#[tokio::test]
async fn a_large_table_that_differs_is_found_although_it_was_read_early() {
    let large = |plan: &mut Plan| plan.tables[0].bytes = 8 << 20;
    let migration = Migration::decided(|_, _| {}, large);
    migration.target.trouble(Trouble::WriteLied);
    let report = run(&migration.context()).await.unwrap();
    assert_eq!(report.status, RunStatus::NotVerified);
    let tables = report.verification.unwrap().tables;
    let different = tables.iter().filter(|table| table.verdict == Verdict::Different);
    assert_eq!(different.count(), 1);
}

/// Runs a migration with so much trouble while `users` is read early; returns who read it.
async fn read_with(trouble: Trouble, times: usize) -> BTreeSet<(&'static str, String)> {
    let large = |plan: &mut Plan| plan.tables[0].bytes = 8 << 20;
    let migration = Migration::decided(|_, _| {}, large);
    for _ in 0..times {
        migration.target.trouble(trouble);
    }
    let mut context = migration.context();
    let observer = Arc::new(ReadIn::default());
    context.observer = observer.clone();
    let report = run(&context).await.unwrap();
    assert_eq!(report.status, RunStatus::Completed, "{:?}", report.verification);
    observer.tables.lock().unwrap().clone()
}

#[tokio::test]
async fn a_difference_that_was_seen_while_others_were_written_is_looked_at_again() {
    // More than a table is read from at a time.
    let read = read_with(Trouble::EarlyReadLied, 8).await;
    for phase in ["data", "verify"] {
        assert!(read.contains(&(phase, "users".to_owned())), "{phase}: {read:?}");
    }
}

#[tokio::test]
async fn a_table_is_read_again_when_others_wrote_behind_its_early_reader() {
    let read = read_with(Trouble::OthersWrote, 1).await;
    for phase in ["data", "verify"] {
        assert!(read.contains(&(phase, "users".to_owned())), "{phase}: {read:?}");
    }
}

#[tokio::test]
async fn an_aggregate_that_differs_while_others_are_written_is_asked_for_again() {
    // The first reader splits the table, and then adds it up.
    read_with(Trouble::EarlyReadLied, 1).await;
}
