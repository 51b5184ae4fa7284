//! A server goes away in the middle of a run and comes back.

use whimbrel_testkit::postgres::TestServer;
use whimbrel_testkit::proxy::Direction;

use crate::route::{Kind, Route, Side, fill};

const ROWS: u32 = 5_000;

/// What happens to a server.
type Event = fn(&TestServer);

const RESTART: Event = TestServer::restart;
const CRASH: Event = |server| {
    server.stop_at_once();
    server.start_again();
};

/// Moves between a file and a server; the event comes when so many bytes have gone in the direction.
fn survives(server: &TestServer, is_source: bool, event: Event, bytes: u64) {
    let database = || Side::through_proxy(Box::new(server.create_database("restarted")), "");
    let file = || Side::direct(Kind::Sqlite.create("restarted").unwrap());
    let (route, direction) = match is_source {
        true => (Route::between(database(), file()), Direction::ToClient),
        false => (Route::between(file(), database()), Direction::ToServer),
    };
    let kind = if is_source { Kind::Postgres } else { Kind::Sqlite };
    fill(kind, route.source.database.as_ref(), ROWS);
    let hash = route.plan();
    let proxy = route.proxy();
    let before = proxy.forwarded(direction);
    let mut running = route.start(&hash);
    running.wait_until("bytes on their way", || {
        proxy.forwarded(direction) > before + bytes
    });
    event(server);
    route.finish(&hash, running.wait());
}

#[test]
fn a_source_that_restarts_or_crashes_is_survived() {
    let Some(server) = TestServer::start(&[]) else {
        return;
    };
    survives(&server, true, RESTART, 40_000);
    survives(&server, true, CRASH, 120_000);
}

#[test]
fn a_target_that_restarts_or_crashes_is_survived() {
    let Some(server) = TestServer::start(&[]) else {
        return;
    };
    survives(&server, false, RESTART, 40_000);
    survives(&server, false, CRASH, 100_000);
}
