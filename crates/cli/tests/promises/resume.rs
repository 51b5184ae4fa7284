//! Resume when the world moved on between two runs.

use crate::engines::PAIRS;
use crate::shop::Move;

/// Runs until the fault point `at`, where the process dies.
fn run_until(shop: &Move, hash: &str, at: u64) {
    let died = shop
        .program(&["run", "--approve", hash])
        .env("WHIMBREL_FAULT", format!("{at}:abort"));
    assert_eq!(died.run().code, None, "the run ended before fault point {at}");
}

#[test]
fn a_source_that_changed_in_between_ends_identical_to_the_new_snapshot() {
    for pair in PAIRS {
        for at in [40, 70, 100, 130] {
            let Some(shop) = Move::create(pair, "moved", 200) else {
                continue;
            };
            let hash = shop.plan();
            run_until(&shop, &hash, at);
            shop.source.execute(
                "update staff set name = 'changed' where id = 7; delete from visit where staff_id = 9;
                 insert into log values ('new', 7); insert into visit (staff_id, day) values (11, 5)",
            );
            shop.resume_to_the_end(&hash);
            shop.assert_arrived();
            assert_eq!(
                shop.target
                    .count("select count(*) from staff where name = 'changed'"),
                1,
                "{pair:?} {at}"
            );
        }
    }
}

#[test]
fn a_source_whose_schema_changed_since_planning_is_refused() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "drift", 20) else {
            continue;
        };
        let hash = shop.plan();
        let before = shop.target.dump();
        shop.source.execute("alter table staff add column later text");
        let output = shop.run(&hash).expect_code(1);
        assert!(output.stderr.contains("staff"), "{}", output.stderr);
        assert!(output.stderr.contains("hint:"), "{}", output.stderr);
        assert_eq!(before, shop.target.dump());
    }
}

#[test]
fn a_target_that_changed_since_planning_is_refused() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "target_drift", 20) else {
            continue;
        };
        let hash = shop.plan();
        shop.target
            .execute("create table intruder (id integer primary key)");
        let output = shop.run(&hash).expect_code(1);
        assert!(output.stderr.contains("hint:"), "{}", output.stderr);
    }
}

#[test]
fn an_edited_plan_is_refused() {
    let Some(shop) = Move::create(PAIRS[0], "edited", 20) else {
        return;
    };
    let hash = shop.plan();
    let file = shop.folder().join(".whimbrel/mig_2026_001/migration_plan.json");
    let file = if file.exists() { file } else { plan_file(&shop) };
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("CREATE INDEX", "CREATE  INDEX")
            .replace("create index", "create  index"),
    )
    .unwrap();
    assert_ne!(text, std::fs::read_to_string(&file).unwrap());
    let output = shop.run(&hash);
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("hint:"), "{}", output.stderr);
}

fn plan_file(shop: &Move) -> std::path::PathBuf {
    let migrations = std::fs::read_dir(shop.folder().join(".whimbrel")).unwrap();
    let first = migrations
        .filter_map(Result::ok)
        .find(|entry| entry.path().is_dir())
        .unwrap();
    first.path().join("migration_plan.json")
}

#[test]
fn a_run_without_approval_touches_nothing() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "unapproved", 20) else {
            continue;
        };
        shop.plan();
        let before = shop.target.dump();
        shop.program(&["run"]).run().expect_code(4);
        shop.program(&["run", "--approve", "0123456789abcdef"])
            .run()
            .expect_code(4);
        assert_eq!(before, shop.target.dump());
    }
}
