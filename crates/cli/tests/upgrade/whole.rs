//! A database with everything in it: it arrives, it can be taken back, and it can be made again in part.

use crate::mover::{EVERYTHING, Mover};

#[test]
fn everything_arrives_as_pg_dump_prints_it() {
    let Some(mover) = Mover::plan(EVERYTHING, "", &[]) else {
        return;
    };
    mover.run();
    mover.compare_dumps();
    // A trigger that had fired during the load would have written here.
    let rows = |sql: &str| mover.target.query_text(sql);
    assert_eq!(rows("SELECT count(*) FROM app.audit"), [[Some("0".to_owned())]]);
    let filled = "SELECT string_agg(relname || ' ' || relispopulated, ', ' ORDER BY relname) FROM pg_class WHERE relkind = 'm'";
    assert_eq!(
        rows(filled),
        [[Some("a_mv2 true, mv_empty false, mv_hosts true".to_owned())]]
    );
    assert_eq!(rows("SELECT n FROM app.mv_hosts"), [[Some("1000".to_owned())]]);
    // The function of an index found what it names without a namespace.
    assert_eq!(
        rows("SELECT slug FROM app.users WHERE id = 1"),
        [[Some("user-b-".to_owned())]]
    );
}

#[test]
fn rollback_takes_back_every_object() {
    let Some(mover) = Mover::plan(EVERYTHING, "", &[]) else {
        return;
    };
    let before = mover.target.dump();
    mover.run();
    mover
        .command(&["rollback", "--to", "start", "--yes"])
        .expect_code(0);
    assert_eq!(mover.target.dump(), before);
}

#[test]
fn what_hangs_on_an_emptied_table_is_made_again() {
    let Some(mover) = Mover::plan(EVERYTHING, "", &[]) else {
        return;
    };
    mover.run();
    for table in ["table:app.users", "table:app.events_2024_a", "table:app.events"] {
        mover
            .command(&["rollback", "--to", table, "--yes"])
            .expect_code(0);
    }
    mover.command(&["resume"]).expect_code(0);
    mover.compare_dumps();
}

#[test]
fn everything_follows_renamed_namespaces_and_is_made_again_there() {
    let settings = "[namespaces]\napp = \"shop\"\n\"Odd Schema\" = \"even\"\n";
    let Some(mover) = Mover::plan_with(settings, EVERYTHING, "", &[]) else {
        return;
    };
    mover.run();
    mover
        .command(&["rollback", "--to", "table:shop.users", "--yes"])
        .expect_code(0);
    mover.command(&["resume"]).expect_code(0);
    let named = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('app', 'Odd Schema')";
    assert_eq!(mover.target.query_text(named), [[Some("0".to_owned())]]);
    mover
        .command(&["rollback", "--to", "start", "--yes"])
        .expect_code(0);
}

#[test]
fn another_function_of_the_target_stays_only_when_a_person_says_so() {
    let schema = "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE TABLE t (x integer DEFAULT f());
        CREATE FUNCTION same() RETURNS integer LANGUAGE sql AS 'SELECT 3'";
    let there = "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 2';
        CREATE FUNCTION same() RETURNS integer LANGUAGE sql AS 'SELECT 3'";
    let Some(mover) = Mover::plan(schema, there, &["target_not_empty:public.f()=keep"]) else {
        return;
    };
    assert_eq!(mover.suggested("target_not_empty", "f()"), "");
    mover.run();
    assert_eq!(
        mover.target.query_text("SELECT f(), same()"),
        [[Some("2".to_owned()), Some("3".to_owned())]]
    );
}
