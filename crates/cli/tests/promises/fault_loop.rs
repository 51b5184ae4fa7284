//! Fail the k-th operation, for every k, then go on: nothing lost, nothing twice, and the verifier agrees.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::engines::{Engine, PAIRS};
use crate::shop::Move;

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
    // The retry would hide the stop.
    std::fs::write(shop.folder().join("whimbrel.toml"), "[limits]\nretries = 0\n").unwrap();
    let hash = shop.plan();
    let output = shop
        .program(&["run", "--approve", &hash])
        .env("WHIMBREL_FAULT", format!("{at}:{fault}"))
        .run();
    if output.code != Some(0) {
        shop.resume_to_the_end(&hash);
    }
    shop.assert_arrived();
    shop.program(&["report", "--check-log"]).run().expect_code(0);
}

/// Files are quick, so that every point both fails and kills. With a server, points fail and kill in turns.
fn faults(pair: (Engine, Engine), at: u64) -> &'static [&'static str] {
    let quick = pair.0.is_file() && pair.1.is_file();
    match at.is_multiple_of(2) {
        _ if quick => &["abort", "error"],
        true => &["abort"],
        false => &["error"],
    }
}

/// The points are tried side by side; what waits for a disk or a server costs nothing then.
fn survives_everywhere(pair: (Engine, Engine)) {
    const SIDE_BY_SIDE: usize = 4;
    let Some(points) = count_points(pair) else { return };
    let next = AtomicU64::new(1);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                for at in std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed))
                    .take_while(|at| *at <= points)
                {
                    for fault in faults(pair, at) {
                        eprintln!("{pair:?}: {fault} at point {at} of {points}");
                        survives(pair, at, fault);
                    }
                }
            });
        }
    });
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
