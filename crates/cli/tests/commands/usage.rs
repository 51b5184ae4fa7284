//! Wrong requests: exit code 2, an error with a hint, no secret, and one document with `--json`.

use crate::desk::{Desk, document};

#[test]
fn a_wrong_request_ends_with_exit_code_2() {
    let desk = Desk::set_up();
    for (line, said) in [
        ("", "Usage"),
        ("fly SOURCE", "unrecognized subcommand"),
        ("plan SOURCE", "TARGET"),
        ("plan SOURCE oracle://db/x", "`oracle`"),
        ("plan SOURCE staging", "`staging`"),
        ("plan SOURCE SOURCE", "same database"),
        ("plan SOURCE TARGET --memory lots", "`lots`"),
        ("plan SOURCE TARGET --jobs 0", "0"),
        ("plan SOURCE TARGET --decide no_such=x", "`no_such`"),
        ("plan SOURCE TARGET --decide orphans:nowhere=x", "orphans"),
        ("plan SOURCE TARGET --config missing.toml", "missing.toml"),
        ("status", "no migration"),
        ("status mig_1999_001", "mig_1999_001"),
        ("rollback --to heaven", "`heaven`"),
    ] {
        let output = desk.run(line).expect_code(2);
        assert!(output.stderr.contains(said), "{line}: {}", output.stderr);
        assert_eq!(output.stdout, "", "{line}");
    }
    assert!(!desk.target().exists());
}

#[test]
fn another_database_than_the_planned_one_is_refused() {
    let desk = Desk::set_up();
    let plan = desk.plan();
    let hash = plan["plan_hash"].as_str().unwrap();
    let refused = desk
        .run(&format!("run --approve {hash} --target sqlite:other.db"))
        .expect_code(2);
    assert!(refused.stderr.contains("sqlite:other.db"), "{refused:?}");
    assert!(!desk.folder().join("other.db").exists());
}

#[test]
fn one_database_under_two_names_is_not_moved_into_itself() {
    let desk = Desk::set_up();
    let (file, link) = (desk.source.path(), desk.folder().join("link.db"));
    std::fs::hard_link(file, &link)
        .or_else(|_| std::os::unix::fs::symlink(file, &link))
        .unwrap();
    let refused = desk.run("plan SOURCE sqlite:link.db").expect_code(2);
    assert!(refused.stderr.contains("same database"), "{refused:?}");
}

#[test]
fn an_error_is_one_document_too() {
    let desk = Desk::set_up();
    let output = desk.run("inspect sqlite:missing.db --json").expect_code(1);
    let document = document(&output);
    assert_eq!(document["status"], "error");
    assert!(
        document["error"]["message"]
            .as_str()
            .unwrap()
            .contains("missing.db")
    );
    assert!(output.stderr.starts_with("error: "), "{output:?}");
}

#[test]
fn a_plan_with_blockers_is_one_document_and_its_error_is_for_people() {
    let desk = Desk::set_up();
    desk.run("migrate SOURCE TARGET --yes --accept-suggested")
        .expect_code(0);
    let output = desk
        .run("plan SOURCE TARGET --json --decide target_table_exists=stop")
        .expect_code(1);
    let document = document(&output);
    assert!(document["blockers"].as_u64().unwrap() > 0, "{document}");
    assert!(document["plan_hash"].is_string(), "{document}");
    assert!(output.stderr.contains("error: "), "{output:?}");
    assert!(output.stderr.contains("hint: "), "{output:?}");
}

#[test]
fn arguments_that_are_refused_are_one_document_too_and_keep_their_hint() {
    let desk = Desk::set_up();
    for line in [
        "fly",
        "plan SOURCE",
        "plan SOURCE TARGET --decide no_such=x",
        "status --memory lots",
    ] {
        let output = desk.run(&format!("{line} --json")).expect_code(2);
        assert_eq!(document(&output)["error"]["code"], "usage", "{line}");
    }
    let output = desk.run("plan SOURCE TARGET --decide no_such=x").expect_code(2);
    assert!(output.stderr.contains("hint: the codes are "), "{output:?}");
}

#[test]
fn a_password_in_an_argument_is_warned_about_and_never_repeated() {
    let desk = Desk::set_up();
    let output = desk
        .run("inspect postgres://ann:canary@127.0.0.1:1/shop")
        .expect_code(1);
    assert!(output.stderr.contains("password_in_argument"), "{output:?}");
    assert!(!format!("{output:?}").contains("canary"), "{output:?}");
    let output = desk
        .program("inspect postgres://ann:${SECRET}@127.0.0.1:1/shop")
        .env("SECRET", "canary")
        .run()
        .expect_code(1);
    assert!(!output.stderr.contains("password_in_argument"), "{output:?}");
    assert!(!format!("{output:?}").contains("canary"), "{output:?}");
}

#[test]
fn quiet_leaves_only_results_and_errors() {
    let desk = Desk::set_up();
    let output = desk.run("migrate SOURCE TARGET --yes --quiet").expect_code(0);
    assert_eq!(output.stderr, "");
    assert!(output.stdout.contains("identical"), "{output:?}");
}
