//! Going back: the target equals what it was, and work of others is never undone.

use crate::engines::PAIRS;
use crate::shop::Move;

#[test]
fn rollback_to_start_restores_the_target_exactly() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "back", 200) else {
            continue;
        };
        shop.target.execute(
            "create table mine (id integer primary key, t text); insert into mine values (1, 'keep')",
        );
        let before = shop.target.dump();
        shop.migrate();
        assert_ne!(before, shop.target.dump());
        shop.program(&["rollback", "--to", "start", "--yes"])
            .run()
            .expect_code(0);
        assert_eq!(before, shop.target.dump(), "{pair:?}");
    }
}

#[test]
fn rollback_works_from_every_moment_of_a_run() {
    for pair in PAIRS {
        for at in [20, 45, 60, 75, 90, 110, 130, 160, 200] {
            let Some(shop) = Move::create(pair, "back_early", 40) else {
                continue;
            };
            let before = shop.target.dump();
            let hash = shop.plan();
            let died = shop
                .program(&["run", "--approve", &hash])
                .env("WHIMBREL_FAULT", format!("{at}:abort"));
            assert_eq!(died.run().code, None, "the run ended before fault point {at}");
            shop.program(&["rollback", "--to", "start", "--yes"])
                .run()
                .expect_code(0);
            assert_eq!(before, shop.target.dump(), "{pair:?} killed at {at}");
        }
    }
}

#[test]
fn a_rollback_that_dies_can_be_repeated() {
    for pair in PAIRS {
        for at in (1..60).step_by(4) {
            let Some(shop) = Move::create(pair, "back_twice", 20) else {
                continue;
            };
            let before = shop.target.dump();
            shop.migrate();
            let back = shop.program(&["rollback", "--to", "start", "--yes"]);
            let died = back.env("WHIMBREL_FAULT", format!("{at}:abort")).run();
            assert_eq!(died.code, None, "the rollback ended before fault point {at}");
            shop.program(&["rollback", "--to", "start", "--yes"])
                .run()
                .expect_code(0);
            assert_eq!(before, shop.target.dump(), "{pair:?} killed at {at}");
        }
    }
}

#[test]
fn rows_of_somebody_else_stop_the_rollback_unless_the_target_is_named() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "foreign", 20) else {
            continue;
        };
        shop.migrate();
        shop.target.execute("insert into log values ('foreign', 9)");
        let output = shop.program(&["rollback", "--to", "start", "--yes"]).run();
        assert_ne!(output.code, Some(0), "{pair:?}");
        assert!(output.stderr.contains("log"), "{}", output.stderr);
        assert_eq!(
            shop.target
                .count("select count(*) from log where line = 'foreign'"),
            1
        );
        let name = shop.target.name();
        shop.program(&["rollback", "--to", "start", "--confirm-target", &name])
            .run()
            .expect_code(0);
    }
}

#[test]
fn rollback_to_schema_or_a_table_leaves_the_rest_and_the_run_goes_on() {
    for pair in PAIRS {
        for to in ["schema", "checkpoint_2", "table:staff"] {
            let Some(shop) = Move::create(pair, "part", 100) else {
                continue;
            };
            let hash = shop.migrate();
            shop.program(&["rollback", "--to", to, "--yes"])
                .run()
                .expect_code(0);
            assert_eq!(
                shop.target.count("select count(*) from staff"),
                0,
                "{pair:?} {to}"
            );
            let left = if to == "table:staff" { 102 } else { 0 };
            assert_eq!(
                shop.target.count("select count(*) from log"),
                left,
                "{pair:?} {to}"
            );
            shop.run(&hash).expect_code(0);
            shop.assert_arrived();
        }
    }
}

#[test]
fn replaced_tables_come_back_with_everything_that_hung_on_them() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "replace", 50) else {
            continue;
        };
        shop.target.execute(
            "create table staff (id integer primary key, old varchar(40) unique); insert into staff values (1, 'old');
             create index staff_old on staff (old)",
        );
        let before = shop.target.dump();
        let refused = shop.program(&["migrate", "--yes", "--accept-suggested"]).run();
        assert_eq!(refused.code, Some(4), "{refused:?}");
        assert_eq!(before, shop.target.dump());
        let hash = shop.plan_with(&["--decide", "target_table_exists=replace"]);
        shop.program(&["run", "--approve", &hash]).run().expect_code(4);
        let name = shop.target.name();
        let output = shop
            .program(&["run", "--approve", &hash, "--confirm-target", &name])
            .run();
        output.expect_code(0);
        shop.assert_arrived();
        shop.program(&["rollback", "--to", "start", "--yes"])
            .run()
            .expect_code(0);
        assert_eq!(before, shop.target.dump(), "{pair:?}");
    }
}

#[test]
fn cleanup_removes_what_was_kept_and_leaves_the_data() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "clean", 50) else {
            continue;
        };
        shop.target.execute("create table staff (id integer primary key)");
        let hash = shop.plan_with(&["--decide", "target_table_exists=replace"]);
        let name = shop.target.name();
        shop.program(&["run", "--approve", &hash, "--confirm-target", &name])
            .run()
            .expect_code(0);
        shop.program(&["cleanup", "--yes", "--confirm-target", &name])
            .run()
            .expect_code(0);
        shop.assert_arrived();
        assert!(!shop.target.dump().contains("_whimbrel"), "{pair:?}");
        if pair.1.is_file() {
            let url = shop.target.url();
            let folder = std::path::Path::new(url.trim_start_matches("sqlite:"))
                .parent()
                .unwrap();
            assert_eq!(
                std::fs::read_dir(folder).unwrap().count(),
                1,
                "only the database file is left"
            );
        }
        let output = shop.program(&["rollback", "--to", "start", "--yes"]).run();
        assert_ne!(output.code, Some(0));
    }
}
