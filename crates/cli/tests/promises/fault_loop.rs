//! Fail the k-th operation, for every k, then go on: nothing lost, nothing twice, and the verifier agrees. With a server on either side some
//! k are tried, spread over the whole run; `WHIMBREL_FAULT_STRIDE=1` tries all.

use std::sync::atomic::{AtomicUsize, Ordering};

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

/// The variable that says how far apart the points are that are tried with a server; `1` tries all, which takes an hour.
const STRIDE_VARIABLE: &str = "WHIMBREL_FAULT_STRIDE";

/// How many points are tried with a server unless the variable says otherwise.
const POINTS_TRIED: u64 = 40;

/// Files are quick, so that every point both fails and kills. With a server, points that lie apart fail and kill in turns.
fn tries(pair: (Engine, Engine), points: u64) -> Vec<(u64, &'static str)> {
    if pair.0.is_file() && pair.1.is_file() {
        return (1..=points)
            .flat_map(|at| [(at, "abort"), (at, "error")])
            .collect();
    }
    let wanted = std::env::var_os(STRIDE_VARIABLE).and_then(|text| text.to_str()?.parse().ok());
    let stride: u64 = wanted.unwrap_or(points / POINTS_TRIED).max(1);
    let offsets = (1..=points).step_by(usize::try_from(stride).unwrap());
    offsets
        .enumerate()
        .map(|(number, at)| {
            (
                at,
                if number.is_multiple_of(2) {
                    "abort"
                } else {
                    "error"
                },
            )
        })
        .collect()
}

/// The points are tried side by side; what waits for a disk or a server costs nothing then.
fn survives_everywhere(pair: (Engine, Engine)) {
    const SIDE_BY_SIDE: usize = 4;
    let Some(points) = count_points(pair) else { return };
    let tries = tries(pair, points);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((at, fault)) = tries.get(next.fetch_add(1, Ordering::Relaxed)) {
                    eprintln!("{pair:?}: {fault} at point {at} of {points}");
                    survives(pair, *at, fault);
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
fn a_file_to_a_server_survives_faults() {
    survives_everywhere(PAIRS[1]);
}

#[test]
fn a_server_to_a_server_survives_faults() {
    survives_everywhere(PAIRS[2]);
}

#[test]
fn a_server_to_a_file_survives_faults() {
    survives_everywhere(PAIRS[3]);
}

#[test]
fn a_move_between_kinds_of_servers_survives_faults() {
    survives_everywhere(PAIRS[4]);
}

#[test]
fn a_server_without_transactions_around_its_structure_survives_faults() {
    survives_everywhere(PAIRS[5]);
    survives_everywhere(PAIRS[6]);
}
