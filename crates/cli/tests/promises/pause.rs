//! A run that is held and let go on from another shell, and one that is told to end while a statement takes for ever.

use std::time::{Duration, Instant};

use serde_json::Value;
use whimbrel_testkit::binary::Running;

use crate::engines::{Engine, PAIRS};
use crate::shop::Move;

const TO_POSTGRES: (Engine, Engine) = PAIRS[1];

/// Makes every index and key take so many seconds at the target once the tables are there. The target decides when that is: on a busy
/// machine the run would be over before anyone else had seen them.
fn brake(shop: &Move, seconds: f64) {
    shop.target.execute(&format!(
        "create schema brake;
         create table brake.pulled as select {seconds}::double precision as seconds;
         create function brake.hold() returns event_trigger language plpgsql as $$ begin
             perform pg_sleep(seconds) from brake.pulled where exists (select from pg_class where relname = 'vacant');
         end $$;
         create event trigger brake on ddl_command_start when tag in ('CREATE INDEX', 'ALTER TABLE') execute function brake.hold()"
    ));
}

/// The brake itself stays, for a target that has changed since the plan was made is refused.
fn release(shop: &Move) {
    shop.target.execute("delete from brake.pulled");
}

/// A run whose indexes and keys take so many seconds each. It is planned with the brake in place.
fn braked(shop: &Move, seconds: f64) -> Running {
    brake(shop, seconds);
    let hash = shop.plan();
    shop.program(&["run", "--approve", &hash]).spawn()
}

fn status(shop: &Move) -> Value {
    let output = shop.program(&["status", "--json"]).run().expect_code(0);
    serde_json::from_str(&output.stdout).unwrap()
}

/// A run that was paused while it had something left to do.
fn paused(shop: &Move) -> Running {
    let mut running = braked(shop, 1.0);
    let there = "select count(*) from pg_class where relname = 'vacant'";
    running.wait_until("the tables are there", || shop.target.count(there) > 0);
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
    let running = paused(&shop);
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
    paused(&shop).kill_9();
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
    let running = paused(&shop);
    running.interrupt();
    running.wait().expect_code(130);
    release(&shop);
    shop.program(&["resume"]).run().expect_code(0);
    shop.assert_arrived();
}

#[test]
fn whoever_stops_waiting_for_a_pause_takes_the_wish_back() {
    let Some(shop) = Move::create(TO_POSTGRES, "pause_wish", 5_000) else {
        return;
    };
    let mut running = braked(&shop, 600.0);
    running.wait_until("the run says how far it is", || {
        status(&shop)["running"].is_object()
    });
    let asleep = format!("{BUSY} and wait_event = 'PgSleep'");
    running.wait_until("a statement takes for ever", || shop.target.count(&asleep) > 0);
    let state = || status(&shop)["status"].clone();
    let before = state();
    let mut pause = shop.program(&["pause"]).spawn();
    pause.wait_until("the run has heard the wish", || state() != before);
    pause.interrupt();
    let output = pause.wait();
    assert!(output.stderr.contains("nothing was changed"), "{output:?}");
    running.wait_until("the run has heard that nobody wishes it", || state() == before);
    running.signal("TERM");
    running.wait().expect_code(130);
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
    let mut running = braked(&shop, 600.0);
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
