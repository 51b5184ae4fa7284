//! A run that is held and let go on from another shell, and one that is told to end while a statement takes for ever.

use std::time::{Duration, Instant};

use serde_json::Value;
use whimbrel_testkit::binary::Running;

use crate::engines::{Engine, PAIRS};
use crate::shop::Move;

const TO_POSTGRES: (Engine, Engine) = PAIRS[1];

/// Makes every index and key after this take so many seconds at the target.
fn brake(shop: &Move, seconds: f64) {
    shop.target.execute(&format!(
        "create schema brake;
         create function brake.hold() returns event_trigger language plpgsql as $$ begin perform pg_sleep({seconds}); end $$;
         create event trigger brake on ddl_command_start when tag in ('CREATE INDEX', 'ALTER TABLE') execute function brake.hold()"
    ));
}

fn release(shop: &Move) {
    shop.target
        .execute("drop event trigger brake; drop schema brake cascade");
}

/// A run whose tables are there, and whose indexes and keys take so many seconds each.
fn braked(shop: &Move, hash: &str, seconds: f64) -> Running {
    let mut running = shop.program(&["run", "--approve", hash]).spawn();
    let there = "select count(*) from pg_class where relname = 'vacant'";
    running.wait_until("the tables are there", || shop.target.count(there) > 0);
    brake(shop, seconds);
    running
}

fn status(shop: &Move) -> Value {
    let output = shop.program(&["status", "--json"]).run().expect_code(0);
    serde_json::from_str(&output.stdout).unwrap()
}

/// A run that was paused while it had something left to do.
fn paused(shop: &Move, hash: &str) -> Running {
    let mut running = braked(shop, hash, 1.0);
    running.wait_until("the run says how far it is", || {
        status(shop)["running"].is_object()
    });
    let pause = shop.program(&["pause"]).run().expect_code(0);
    assert!(pause.stdout.contains("next: whimbrel resume"), "{pause:?}");
    running
}

/// What changes while anything happens: what has arrived, and what was made.
fn traces(shop: &Move) -> [i64; 3] {
    ["staff", "pg_index", "pg_constraint"]
        .map(|table| shop.target.count(&format!("select count(*) from {table}")))
}

#[test]
fn a_paused_run_stands_still_until_another_process_lets_it_go_on() {
    let Some(shop) = Move::create(TO_POSTGRES, "pause", 5_000) else {
        return;
    };
    let hash = shop.plan();
    let running = paused(&shop, &hash);
    let said = status(&shop);
    assert_eq!(said["status"], "paused", "{said}");
    assert_eq!(said["running"]["process"], running.id());
    let before = traces(&shop);
    // The process says twice that it is there and does nothing.
    let at = || status(&shop)["running"]["at"].clone();
    for _ in 0..2 {
        let last = at();
        let deadline = Instant::now() + Duration::from_secs(60);
        while at() == last {
            assert!(Instant::now() < deadline, "the process is silent");
        }
    }
    assert_eq!(traces(&shop), before);
    release(&shop);
    let resume = shop.program(&["resume"]).run().expect_code(0);
    assert!(resume.stdout.contains("goes on in process"), "{resume:?}");
    running.wait().expect_code(0);
    assert_eq!(status(&shop)["running"], Value::Null);
    shop.assert_arrived();
    shop.program(&["verify"]).run().expect_code(0);
}

#[test]
fn a_paused_run_that_is_killed_is_resumed_as_any_other() {
    let Some(shop) = Move::create(TO_POSTGRES, "pause_kill", 5_000) else {
        return;
    };
    let hash = shop.plan();
    paused(&shop, &hash).kill_9();
    release(&shop);
    assert_eq!(status(&shop)["running"], Value::Null);
    shop.program(&["resume"]).run().expect_code(0);
    shop.assert_arrived();
    shop.program(&["verify"]).run().expect_code(0);
}

#[test]
fn ctrl_c_ends_a_paused_run() {
    let Some(shop) = Move::create(TO_POSTGRES, "pause_stop", 5_000) else {
        return;
    };
    let hash = shop.plan();
    let running = paused(&shop, &hash);
    running.interrupt();
    running.wait().expect_code(130);
    release(&shop);
    shop.program(&["resume"]).run().expect_code(0);
    shop.assert_arrived();
}

#[test]
fn what_nobody_runs_cannot_be_paused() {
    let Some(shop) = Move::create(PAIRS[0], "pause_nobody", 50) else {
        return;
    };
    let _hash = shop.plan();
    let output = shop.program(&["pause"]).run();
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("no process runs migration"), "{output:?}");
    assert!(output.stderr.contains("whimbrel status"), "{output:?}");
}

/// The sessions of the program that the server works for.
const BUSY: &str = "select count(*) from pg_stat_activity
    where application_name like 'whimbrel%' and datname = current_database() and state <> 'idle'";

fn a_signal_ends_what_takes_for_ever(signal: &str, name: &str) {
    let Some(shop) = Move::create(TO_POSTGRES, name, 5_000) else {
        return;
    };
    let hash = shop.plan();
    let mut running = braked(&shop, &hash, 600.0);
    let asleep = format!("{BUSY} and wait_event = 'PgSleep'");
    running.wait_until("a statement takes for ever", || shop.target.count(&asleep) > 0);
    let told = Instant::now();
    running.signal(signal);
    running.wait().expect_code(130);
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    let deadline = Instant::now() + Duration::from_secs(10);
    while shop.target.count(BUSY) > 0 {
        assert!(Instant::now() < deadline, "the server still works for nobody");
    }
    release(&shop);
    shop.program(&["resume"]).run().expect_code(0);
    shop.assert_arrived();
    shop.program(&["verify"]).run().expect_code(0);
}

#[test]
fn sigterm_ends_a_run_whose_statement_takes_for_ever_and_the_statement() {
    a_signal_ends_what_takes_for_ever("TERM", "sigterm");
}

#[test]
fn the_first_ctrl_c_does_not_wait_for_a_statement_either() {
    a_signal_ends_what_takes_for_ever("INT", "sigint");
}
