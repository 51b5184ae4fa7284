//! `kill -9` and Ctrl-C at any moment of a real run, again and again, then resume.

use std::time::Duration;

use crate::engines::PAIRS;
use crate::shop::Move;

#[test]
fn a_run_killed_again_and_again_ends_identical() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "kill", 5_000) else {
            continue;
        };
        let hash = shop.plan();
        for moment in [5, 40, 90, 150, 220, 300, 400, 30, 600] {
            let running = shop.program(&["run", "--approve", &hash]).spawn();
            std::thread::sleep(Duration::from_millis(moment));
            running.kill_9();
        }
        shop.resume_to_the_end(&hash);
        shop.assert_arrived();
        shop.program(&["verify"]).run().expect_code(0);
    }
}

#[test]
fn ctrl_c_stops_at_a_checkpoint_and_the_run_goes_on_from_there() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "interrupt", 20_000) else {
            continue;
        };
        let hash = shop.plan();
        let running = shop.program(&["run", "--approve", &hash]).spawn();
        std::thread::sleep(Duration::from_millis(250));
        running.interrupt();
        let output = running.wait();
        assert!(matches!(output.code, Some(130 | 0)), "{pair:?}: {output:?}");
        shop.program(&["status"]).run().expect_code(0);
        shop.resume_to_the_end(&hash);
        shop.assert_arrived();
    }
}

#[test]
fn two_runs_of_one_migration_do_not_mix() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "twice", 5_000) else {
            continue;
        };
        let hash = shop.plan();
        let first = shop.program(&["run", "--approve", &hash]).spawn();
        let second = shop.program(&["run", "--approve", &hash]).run();
        let first = first.wait();
        let codes = [first.code, second.code];
        assert!(codes.contains(&Some(0)), "{pair:?}: {first:?} {second:?}");
        shop.assert_arrived();
        shop.program(&["verify"]).run().expect_code(0);
    }
}
