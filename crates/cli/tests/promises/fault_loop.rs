//! Fail the k-th operation, for every k, then go on: nothing lost, nothing twice, and the verifier agrees.

use crate::shop::{Engine, Move, PAIRS};

/// How many fault points a whole run passes.
fn count_points(pair: (Engine, Engine)) -> Option<u64> {
    let shop = Move::create(pair, "count", 40)?;
    let hash = shop.plan();
    let file = shop.folder().join("points");
    shop.program(&["run", "--approve", &hash])
        .env("WHIMBREL_FAULT", "count")
        .env("WHIMBREL_FAULT_COUNT", &file)
        .run()
        .expect_code(0);
    let points: u64 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    assert!(points > 50, "only {points} fault points were passed");
    Some(points)
}

/// Runs with the k-th point failing or killed, then goes on to the end.
fn survives(pair: (Engine, Engine), at: u64, fault: &str) {
    let Some(shop) = Move::create(pair, "fault", 40) else {
        return;
    };
    let hash = shop.plan();
    let output = shop
        .program(&["run", "--approve", &hash])
        .env("WHIMBREL_FAULT", format!("{at}:{fault}"))
        .run();
    if output.code != Some(0) {
        shop.resume_to_the_end(&hash);
    }
    shop.assert_arrived();
    shop.program(&["verify"]).run().expect_code(0);
    shop.program(&["report", "--check-log"]).run().expect_code(0);
}

fn survives_everywhere(pair: (Engine, Engine)) {
    let Some(points) = count_points(pair) else { return };
    for at in 1..=points {
        for fault in ["abort", "error"] {
            eprintln!("{pair:?}: {fault} at point {at} of {points}");
            survives(pair, at, fault);
        }
    }
}

#[test]
fn a_file_to_a_file_survives_a_fault_at_every_point() {
    survives_everywhere(PAIRS[0]);
}

#[test]
fn a_file_to_a_server_survives_a_fault_at_every_point() {
    survives_everywhere(PAIRS[1]);
}

#[test]
fn a_server_to_a_server_survives_a_fault_at_every_point() {
    survives_everywhere(PAIRS[2]);
}

#[test]
fn a_server_to_a_file_survives_a_fault_at_every_point() {
    survives_everywhere(PAIRS[3]);
}
