//! What needs a person's word: exit code 4 until it is given, with the command that gives it.

use crate::desk::{Desk, document, hinted};

#[test]
fn a_run_without_the_right_hash_touches_nothing() {
    let desk = Desk::set_up();
    let _plan = desk.plan();
    for line in ["run", "run --approve 0000", "resume"] {
        let output = desk.run(line).expect_code(4);
        assert!(!desk.target().exists(), "{line}");
        assert!(hinted(&output).starts_with("run mig_"), "{output:?}");
    }
}

#[test]
fn the_hinted_command_goes_on() {
    let desk = Desk::set_up();
    let refused = desk.run("migrate SOURCE TARGET").expect_code(4);
    assert!(!desk.target().exists());
    let _done = desk.run(&hinted(&refused)).expect_code(0);
}

#[test]
fn an_open_decision_stops_everything_until_it_is_settled() {
    let desk = Desk::set_up();
    desk.in_target("create table book (own text); insert into book values ('mine')");
    let plan = document(&desk.run("plan SOURCE TARGET --json").expect_code(0));
    assert!(plan["open_decisions"].as_u64().unwrap() > 0, "{plan:#}");
    let hash = plan["plan_hash"].as_str().unwrap().to_owned();
    let refused = desk.run(&format!("run --approve {hash}")).expect_code(4);
    assert!(refused.stderr.contains("target_table_exists:book"), "{refused:?}");
    let refused = desk.run("migrate SOURCE TARGET --yes").expect_code(4);
    assert!(
        refused.stderr.contains("target_table_exists:book=replace|stop"),
        "{refused:?}"
    );
}

#[test]
fn what_is_replaced_needs_the_targets_name_typed_out() {
    let desk = Desk::set_up();
    desk.in_target("create table book (own text); insert into book values ('mine')");
    let line = "plan SOURCE TARGET --json --decide target_table_exists=replace --accept-suggested";
    let plan = document(&desk.run(line).expect_code(0));
    let run = format!("run --approve {}", plan["plan_hash"].as_str().unwrap());
    let refused = desk.run(&run).expect_code(4);
    assert!(
        hinted(&refused).contains("--confirm-target new.db"),
        "{refused:?}"
    );
    let _other = desk.run(&format!("{run} --confirm-target old.db")).expect_code(4);
    let _done = desk.run(&hinted(&refused)).expect_code(0);
    let _refused = desk.run("cleanup --yes").expect_code(4);
    let _back = desk.run("rollback --to start --yes").expect_code(0);
    let connection = rusqlite::Connection::open(desk.target()).unwrap();
    let own: String = connection
        .query_row("select own from book", [], |row| row.get(0))
        .unwrap();
    assert_eq!(own, "mine");
}

#[test]
fn rows_of_somebody_else_are_thrown_away_only_by_name() {
    let desk = Desk::set_up();
    let _moved = desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    desk.in_target("insert into book values (9, null, 'new here', 1)");
    let refused = desk.run("rollback --to start --yes").expect_code(4);
    assert!(refused.stderr.contains("book"), "{refused:?}");
    assert!(desk.target().exists());
    let _done = desk.run(&hinted(&refused)).expect_code(0);
    assert!(!desk.target().exists());
}

#[test]
fn a_question_that_nobody_can_answer_is_no_yes() {
    let desk = Desk::set_up();
    let _moved = desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    for line in ["rollback --to start", "cleanup"] {
        let refused = desk.run(line).expect_code(4);
        assert!(refused.stderr.contains("--yes"), "{refused:?}");
    }
    assert!(desk.target().exists());
}

#[test]
fn an_edited_plan_and_a_changed_source_are_refused_before_anything_runs() {
    let desk = Desk::set_up();
    let plan = desk.plan();
    let run = format!("run --approve {}", plan["plan_hash"].as_str().unwrap());
    let file = desk
        .files()
        .join(plan["migration_id"].as_str().unwrap())
        .join("migration_plan.json");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("book_title", "book_other")).unwrap();
    let refused = desk.run(&run).expect_code(1);
    assert!(
        refused.stderr.contains("edited") && refused.stderr.contains("hint:"),
        "{refused:?}"
    );
    std::fs::write(&file, text).unwrap();
    desk.source.execute("alter table book add column isbn text");
    let refused = desk.run(&run).expect_code(1);
    assert!(
        refused.stderr.contains("isbn") && refused.stderr.contains("hint:"),
        "{refused:?}"
    );
    assert!(!desk.target().exists());
    let _planned = desk.plan();
    let _stale = desk.run(&run).expect_code(4);
}
