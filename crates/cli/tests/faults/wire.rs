//! The way to a server breaks: cut, half closed, silent, slow.

use std::time::Duration;

use whimbrel_testkit::proxy::{Direction, Fault, Weather};

use crate::route::{Kind, Route};

const ROWS: u32 = 2_000;

/// Pairs in which one side is on the other end of a wire.
const FROM_SERVERS: [(Kind, Kind); 2] = [(Kind::Postgres, Kind::Sqlite), (Kind::MariaDb, Kind::Sqlite)];
const TO_SERVERS: [(Kind, Kind); 2] = [(Kind::Sqlite, Kind::Postgres), (Kind::Sqlite, Kind::MariaDb)];

/// How many bytes a whole run forwards in that direction on the side that has a proxy.
fn bytes_of_a_run(kinds: (Kind, Kind), direction: Direction) -> Option<u64> {
    let route = Route::create(kinds, "whole", ROWS, "")?;
    let hash = route.plan();
    let proxy = route.proxy();
    let before = proxy.forwarded(direction);
    route.run(&hash).expect_code(0);
    Some(proxy.forwarded(direction) - before)
}

/// Breaks the way at some bytes of a run, once each.
fn survives_at(kinds: (Kind, Kind), direction: Direction, thousandths: &[u64], fault: Fault) {
    let Some(bytes) = bytes_of_a_run(kinds, direction) else {
        return;
    };
    for share in thousandths {
        let Some(route) = Route::create(kinds, "broken", ROWS, "") else {
            return;
        };
        let hash = route.plan();
        let proxy = route.proxy();
        proxy.strike_after(direction, bytes * share / 1000, fault);
        let output = route.run(&hash);
        assert!(!proxy.is_armed(), "{kinds:?}: the byte never came: {output:?}");
        proxy.resume();
        route.finish(&hash, output);
    }
}

#[test]
fn a_connection_cut_while_reading_is_survived() {
    for kinds in FROM_SERVERS {
        survives_at(kinds, Direction::ToClient, &[400], Fault::Cut);
        survives_at(kinds, Direction::ToClient, &[700], Fault::CutOne);
    }
}

#[test]
fn a_connection_cut_while_writing_is_survived() {
    for kinds in TO_SERVERS {
        survives_at(kinds, Direction::ToServer, &[500, 800], Fault::Cut);
    }
}

#[test]
fn an_answer_that_is_lost_on_the_way_back_settles_nothing_twice() {
    for kinds in TO_SERVERS {
        survives_at(kinds, Direction::ToClient, &[600, 850], Fault::CutOne);
    }
}

#[test]
fn a_half_closed_connection_is_survived() {
    survives_at(FROM_SERVERS[0], Direction::ToClient, &[600], Fault::HalfClose);
    survives_at(FROM_SERVERS[1], Direction::ToClient, &[600], Fault::HalfClose);
    survives_at(TO_SERVERS[0], Direction::ToServer, &[600], Fault::HalfClose);
    survives_at(TO_SERVERS[1], Direction::ToServer, &[600], Fault::HalfClose);
}

/// One connection falls silent at some bytes of a run, once each, and nobody is told.
fn notices_silence(kinds: (Kind, Kind), direction: Direction, thousandths: &[u64]) {
    let Some(bytes) = bytes_of_a_run(kinds, direction) else {
        return;
    };
    for share in thousandths {
        let parameters = "?stall_timeout=6&connect_timeout=4";
        let Some(route) = Route::create(kinds, "silent", ROWS, parameters) else {
            return;
        };
        let hash = route.plan();
        let proxy = route.proxy();
        proxy.strike_after(direction, bytes * share / 1000, Fault::StallOne);
        let output = route
            .program(&["run", "--approve", &hash])
            .timeout(Duration::from_secs(60))
            .run();
        assert!(!proxy.is_armed(), "{kinds:?}: the byte never came: {output:?}");
        proxy.resume();
        route.finish(&hash, output);
    }
}

#[test]
fn a_source_that_falls_silent_is_noticed() {
    notices_silence(FROM_SERVERS[0], Direction::ToClient, &[600]);
}

#[test]
fn a_target_that_falls_silent_is_noticed() {
    notices_silence(TO_SERVERS[0], Direction::ToServer, &[600]);
}

#[test]
fn a_source_that_falls_silent_is_noticed_whatever_the_protocol() {
    notices_silence(FROM_SERVERS[1], Direction::ToClient, &[600]);
}

#[test]
fn a_target_that_falls_silent_is_noticed_whatever_the_protocol() {
    notices_silence(TO_SERVERS[1], Direction::ToServer, &[600]);
}

/// Before and after the rows there are the catalog, the ledger, the structure, and the numbers that go on.
const AROUND_THE_ROWS: &[u64] = &[30, 100, 250, 960];

#[test]
fn silence_is_noticed_around_the_rows_of_a_source() {
    notices_silence(FROM_SERVERS[0], Direction::ToClient, AROUND_THE_ROWS);
}

#[test]
fn silence_is_noticed_around_the_rows_of_a_target() {
    notices_silence(TO_SERVERS[0], Direction::ToClient, AROUND_THE_ROWS);
}

#[test]
fn silence_is_noticed_around_the_rows_of_a_source_whatever_the_protocol() {
    notices_silence(FROM_SERVERS[1], Direction::ToClient, AROUND_THE_ROWS);
}

#[test]
fn silence_is_noticed_around_the_rows_of_a_target_whatever_the_protocol() {
    notices_silence(TO_SERVERS[1], Direction::ToClient, AROUND_THE_ROWS);
}

#[test]
fn a_whole_network_that_falls_silent_and_comes_back_is_survived() {
    let kinds = (Kind::Postgres, Kind::MariaDb);
    let Some(route) = Route::create(kinds, "outage", ROWS, "?stall_timeout=6&connect_timeout=2") else {
        return;
    };
    let hash = route.plan();
    let mut running = route.start(&hash);
    let proxies = [route.source.proxy(), route.target.proxy()];
    let before = proxies[1].forwarded(Direction::ToServer);
    running.wait_until("rows on their way", || {
        proxies[1].forwarded(Direction::ToServer) > before + 15_000
    });
    for proxy in proxies {
        proxy.stall();
    }
    std::thread::sleep(Duration::from_secs(7));
    for proxy in proxies {
        proxy.resume();
    }
    route.finish(&hash, running.wait());
}

/// A server that works for long, or waits for somebody else's lock, is alive.
fn waits_for_a_lock(kind: Kind, lock: &'static str) {
    let Some(route) = Route::create((kind, Kind::Sqlite), "locked", 50, "?stall_timeout=6") else {
        return;
    };
    let hash = route.plan();
    let database = route.source.database.as_ref();
    std::thread::scope(|scope| {
        let url = database.url();
        scope.spawn(move || match kind {
            Kind::MariaDb => whimbrel_testkit::mysql::execute(&url, lock),
            Kind::Postgres | Kind::Sqlite => whimbrel_testkit::postgres::execute(&url, lock),
        });
        std::thread::sleep(Duration::from_millis(300));
        let output = route.run(&hash).expect_code(0);
        assert!(!output.stderr.contains("lost"), "{}", output.stderr);
    });
    route.assert_arrived();
}

#[test]
fn a_server_that_waits_longer_than_the_time_out_is_not_taken_for_dead() {
    waits_for_a_lock(
        Kind::Postgres,
        "begin; lock table log in access exclusive mode; select pg_sleep(8); commit",
    );
}

#[test]
fn a_server_that_waits_for_a_lock_is_not_taken_for_dead_whatever_the_protocol() {
    waits_for_a_lock(
        Kind::MariaDb,
        "lock tables log write; select sleep(8); unlock tables",
    );
}

/// Half a second each way takes minutes for what a run says and hears; the variable sets it for a run by hand.
#[test]
fn a_slow_and_lossy_way_only_takes_longer() {
    let latency = std::env::var_os("WHIMBREL_TEST_LATENCY_MS")
        .and_then(|text| text.to_str()?.parse().ok())
        .unwrap_or(2);
    for kinds in [FROM_SERVERS[0], TO_SERVERS[1]] {
        let Some(route) = Route::create(kinds, "slow", 20, "") else {
            continue;
        };
        let proxy = route.proxy();
        proxy.weather(Weather {
            latency: Duration::from_millis(latency),
            jitter: Duration::from_millis(latency / 2),
            lost_one_in: 100,
        });
        let hash = route.plan();
        let output = route
            .program(&["run", "--approve", &hash])
            .timeout(Duration::from_secs(600))
            .run()
            .expect_code(0);
        assert!(!output.stderr.contains("lost"), "{}", output.stderr);
        proxy.weather(Weather::default());
        route.assert_arrived();
    }
}
