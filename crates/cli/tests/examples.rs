//! Runs every script in `examples/` with the program, each in a folder of its own. A script that no test here names is a
//! violation of the house rules.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use whimbrel_testkit::binary::{Output, Whimbrel};
use whimbrel_testkit::{mysql, postgres};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Runs a script in an empty folder, with more variables for it.
fn run(script: &str, variables: &[(&str, &str)]) -> Output {
    let work = tempfile::tempdir().unwrap();
    let mut call = Whimbrel::new("/bin/sh", work.path())
        .args([folder().join(script).into_os_string()])
        .env("WHIMBREL", env!("CARGO_BIN_EXE_whimbrel"));
    for (name, value) in variables {
        call = call.env(name, *value);
    }
    call.run()
}

#[test]
fn from_a_file_to_a_file() {
    run("01-sqlite-to-sqlite.sh", &[]).expect_code(0);
}

#[test]
fn a_plan_runs_only_with_its_hash() {
    let output = run("02-plan-and-approve.sh", &[]).expect_code(0);
    assert!(
        output.stdout.contains("Mission accomplished"),
        "{}",
        output.stdout
    );
}

#[test]
fn back_to_the_structure_on_again_and_back_to_the_start() {
    run("03-going-back.sh", &[]).expect_code(0);
}

#[test]
fn to_a_server_and_back_into_a_file() {
    let Some(database) = postgres::TestDatabase::create("example") else {
        return;
    };
    let url = database.url();
    run("04-sqlite-to-postgres.sh", &[("TARGET", url)]).expect_code(0);
}

#[test]
fn with_a_settings_file() {
    run("05-settings-file.sh", &[]).expect_code(0);
}

#[test]
fn a_changed_line_of_the_audit_log_is_found() {
    let output = run("06-audit-log.sh", &[]).expect_code(0);
    assert!(
        output.stdout.contains("the change was found"),
        "{}",
        output.stdout
    );
}

#[test]
fn from_one_server_to_another_with_a_rule_for_dates() {
    for flavour in mysql::Flavour::ALL {
        let source = mysql::TestDatabase::create(flavour, "example");
        let target = postgres::TestDatabase::create("example_target");
        let (Some(source), Some(target)) = (source, target) else {
            continue;
        };
        source.execute(
            "set sql_mode = '';
            create table customers (id int unsigned auto_increment primary key, name varchar(50) not null, active tinyint(1), since date,
              level enum('new', 'old'));
            insert into customers values (1, 'Zoë', 1, '0000-00-00', 'old'), (7, 'Bo', 0, '2024-02-29', 'new')",
        );
        let variables = [("SOURCE", source.url()), ("TARGET", target.url())];
        let output = run("07-mysql-to-postgres.sh", &variables).expect_code(0);
        assert!(
            output.stdout.contains("`1970-01-01`"),
            "the report names the rule: {}",
            output.stdout
        );
        let sql = "select string_agg(concat_ws(' ', id, name, active, since, level), ', ' order by id) from customers";
        let arrived = "1 Zoë t 1970-01-01 old, 7 Bo f 2024-02-29 new";
        assert_eq!(target.query_text(sql), [[Some(arrived.to_owned())]]);
    }
}

#[test]
fn every_script_says_in_its_second_line_what_it_shows() {
    let mut scripts = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sh") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(
                text.lines().nth(1).unwrap().starts_with("# "),
                "{}",
                path.display()
            );
            let index = std::fs::read_to_string(folder().join("README.md")).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(index.contains(name), "{name} is not in the list");
            scripts += 1;
        }
    }
    assert_eq!(scripts, 7);
}
