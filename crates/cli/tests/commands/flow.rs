//! The scriptable way, from plan to cleanup.

use std::path::Path;

use crate::desk::{Desk, document, hinted};

fn assert_files(folder: &Path, names: &[&str]) {
    for name in names {
        assert!(
            folder.join(name).exists(),
            "{name} is not in {}",
            folder.display()
        );
    }
}

#[test]
fn a_plan_is_written_and_run_by_its_hash_and_leaves_its_files() {
    let desk = Desk::set_up();
    let plan = desk.plan();
    let folder = desk.files().join(plan["migration_id"].as_str().unwrap());
    assert_eq!(plan["decisions"].as_array().unwrap().len(), 0);
    assert_files(
        &folder,
        &["migration_plan.json", "schema_mapping.json", "data-migration.md"],
    );
    assert!(!desk.target().exists(), "planning changes nothing");

    let hash = plan["plan_hash"].as_str().unwrap();
    let run = desk.run(&format!("run --approve {hash} --approved-by ann --json"));
    let result = document(&run.expect_code(0));
    assert_eq!(result["status"], "success");
    let stored = std::fs::read_to_string(folder.join("result.json")).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&stored).unwrap(),
        result
    );
    assert_files(
        &folder,
        &[
            "final_report.md",
            "verification_report.md",
            "verification_report.json",
            "checkpoint.json",
            "events.ndjson",
        ],
    );

    let status = document(&desk.run("status --json").expect_code(0));
    assert_eq!(
        (status["status"].as_str(), status["approved_by"].as_str()),
        (Some("completed"), Some("ann (flag)"))
    );
    assert_eq!(status["tables_completed"].as_array().unwrap().len(), 2);
    assert!(desk.run("verify").expect_code(0).stdout.contains("identical"));
    assert!(
        desk.run("report")
            .expect_code(0)
            .stdout
            .contains("Mission accomplished")
    );
    assert!(
        desk.run("report --check-log")
            .expect_code(0)
            .stdout
            .contains("intact")
    );
}

#[test]
fn a_migration_is_taken_back_to_the_start_run_again_and_cleaned_up() {
    let desk = Desk::set_up();
    let plan = desk.plan();
    let run = format!("run --approve {}", plan["plan_hash"].as_str().unwrap());
    let _done = desk.run(&run).expect_code(0);
    let _back = desk.run("rollback --to start --yes").expect_code(0);
    assert!(!desk.target().exists(), "the target is as it was: not there");
    let status = document(&desk.run("status --json").expect_code(0));
    assert_eq!(status["status"], "rolled_back");
    let _again = desk.run(&run).expect_code(0);
    let _clean = desk.run("cleanup --yes").expect_code(0);
    let _verified = desk.run("verify").expect_code(0);
}

#[test]
fn the_plan_is_shown_with_everything_to_decide_on() {
    let desk = Desk::set_up();
    let output = desk.run("plan SOURCE TARGET").expect_code(0);
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("[0-9a-f]{64}", "[hash]");
    settings.add_filter(r"mig_\d{4}_", "mig_[year]_");
    settings.add_filter(r"sqlite:\S+books\.db", "sqlite:books.db");
    settings.add_filter(r"\d+(\.\d)? k?B", "[size]");
    settings.bind(|| {
        insta::assert_snapshot!(output.stdout, @r"
        migration  mig_[year]_001
        source     sqlite:books.db
        target     sqlite:new.db
        to do      2 tables, about 5 rows, [size], about 1 s
        plan       .whimbrel/mig_[year]_001/data-migration.md
        hash       [hash]

        1 remark
          snapshot books.db: other programs cannot commit to `books.db` while it is read

        next: whimbrel run mig_[year]_001 --approve [hash]
        ");
    });
}

#[test]
fn an_empty_target_takes_everything_in_one_go() {
    let desk = Desk::set_up();
    let output = desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    assert!(
        output.stdout.contains("every row and column identical"),
        "{output:?}"
    );
    assert!(output.stderr.contains("2 tables"), "{output:?}");
}

#[test]
fn a_difference_is_named_on_standard_error() {
    let desk = Desk::set_up();
    let _moved = desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    desk.in_target("update book set title = 'Other' where id = 2");
    let output = desk.run("verify --json").expect_code(3);
    for name in ["book", "title", "id=2", "Solaris", "Other"] {
        assert!(
            output.stderr.contains(name),
            "`{name}` is not in {}",
            output.stderr
        );
    }
    assert_eq!(document(&output)["verdict"], "different");
}

#[test]
fn planning_again_keeps_the_id_until_the_plan_was_run() {
    let desk = Desk::set_up();
    let (first, second) = (desk.plan(), desk.plan());
    assert_eq!(first["migration_id"], second["migration_id"]);
    assert_eq!(first["plan_hash"], second["plan_hash"]);
    let hash = second["plan_hash"].as_str().unwrap();
    let _done = desk.run(&format!("run --approve {hash}")).expect_code(0);
    let _back = desk.run("rollback --to start --yes").expect_code(0);
    assert_ne!(first["migration_id"], desk.plan()["migration_id"]);
    let refused = desk.run("verify").expect_code(2);
    assert!(
        refused.stderr.contains("mig_"),
        "the ids are listed: {}",
        refused.stderr
    );
    assert_eq!(
        document(&desk.run("status --json").expect_code(0))
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn after_a_rollback_no_report_speaks_of_success() {
    let desk = Desk::set_up();
    let _done = desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    for to in ["table:book", "schema", "start"] {
        let _back = desk.run(&format!("rollback --to {to} --yes")).expect_code(0);
        let page = document(&desk.run("report --json").expect_code(0));
        let text = page["page"].as_str().unwrap();
        assert!(text.contains("Taken back to"), "{text}");
        assert!(!text.contains("Mission accomplished"), "{text}");
        assert_eq!(page["result"]["status"], "rolled_back");
        let status = document(&desk.run("status --json").expect_code(0));
        assert_eq!(status["status"], "rolled_back");
        assert_eq!(status["rows"], if to == "table:book" { 2 } else { 0 }, "{to}");
    }
}

#[test]
fn the_way_back_is_not_thrown_away_while_a_table_is_still_to_come() {
    let desk = Desk::set_up();
    let _done = desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    let _back = desk.run("rollback --to table:book --yes").expect_code(0);
    let refused = desk.run("cleanup --yes").expect_code(1);
    assert!(refused.stderr.contains("not finished"), "{refused:?}");
    let _whole = desk.run("resume").expect_code(0);
    let _clean = desk.run("cleanup --yes").expect_code(0);
}

#[test]
fn what_never_ran_is_not_verified() {
    let desk = Desk::set_up();
    let _plan = desk.plan();
    let refused = desk.run("verify").expect_code(2);
    assert!(hinted(&refused).starts_with("run mig_"), "{refused:?}");
}

#[test]
fn a_checkpoint_that_does_not_exist_is_refused_before_anybody_is_asked() {
    let desk = Desk::set_up();
    let _done = desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    let refused = desk.run("rollback --to table:nowhere").expect_code(2);
    assert!(refused.stderr.contains("`book`"), "{refused:?}");
}

#[test]
fn settings_name_databases_leave_tables_out_and_are_no_place_for_mistakes() {
    let desk = Desk::set_up();
    let settings = desk.folder().join("whimbrel.toml");
    let text = format!(
        "[database.old]\nurl = \"${{OLD}}\"\nenvironment = \"production\"\n[database.new]\nurl = \"sqlite:new.db\"\n[tables]\nexclude = [\"{}\"]\n",
        "nothing_like_it"
    );
    std::fs::write(&settings, text.replace("nothing_like_it", "shelf")).unwrap();
    let output = desk
        .program("migrate old new --yes")
        .env("OLD", desk.source.url())
        .run()
        .expect_code(0);
    assert!(output.stderr.contains("tables"), "{output:?}");
    // The URL comes from the variable again; the plan alone leads there, too.
    let _verified = desk
        .program("verify")
        .env("OLD", desk.source.url())
        .run()
        .expect_code(0);
    let _unset = desk.run("plan old new").expect_code(2);
    std::fs::write(&settings, "[policies]\non_reject = \"skip\"\n").unwrap();
    let refused = desk.run("status").expect_code(2);
    assert!(
        refused.stderr.contains("whimbrel.toml:2, `on_reject`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn an_inventory_counts_rows_and_objects() {
    let desk = Desk::set_up();
    let inventory = document(&desk.run("inspect SOURCE --json").expect_code(0));
    assert_eq!(inventory["rows"], 5);
    let tables = inventory["tables"].as_array().unwrap();
    let book = tables.iter().find(|table| table["table"] == "book").unwrap();
    assert_eq!(
        (&book["rows"], &book["indexes"], &book["foreign_keys"]),
        (&3.into(), &1.into(), &1.into())
    );
    let text = desk.run("inspect SOURCE").expect_code(0).stdout;
    assert!(text.contains("2 tables, 5 rows"), "{text}");
}

#[test]
fn a_table_that_is_replaced_may_be_spelled_otherwise() {
    let desk = Desk::set_up();
    desk.in_target("create table Book (own text); insert into Book values ('mine')");
    let flags = "--accept-suggested --decide target_table_exists=replace --confirm-target new.db --yes";
    let ran = desk.run(&format!("migrate SOURCE TARGET {flags}")).expect_code(0);
    assert!(ran.stdout.contains("every row and column identical"), "{ran:?}");
}
