//! The source goes on living while it is copied: what arrives is the state that the run began with.

use std::time::Duration;

use whimbrel_testkit::proxy::Direction;

use crate::route::{Kind, Route};

const ROWS: u32 = 12_000;

/// Changes, takes away and adds rows of every kind.
const LIFE: &str = "update staff set name = 'later' where id % 7 = 0;
    delete from visit where staff_id % 5 = 0;
    insert into log (line, level) values ('later', 9);
    insert into vacant (id) values (77)";

fn keeps_to_its_snapshot(kind: Kind) {
    let Some(route) = Route::create((kind, Kind::Sqlite), "lively", ROWS, "") else {
        return;
    };
    let hash = route.plan();
    let proxy = route.proxy();
    // Slow enough that most of the rows are still in the source when it changes.
    proxy.delay(Duration::from_millis(60));
    let before = proxy.forwarded(Direction::ToClient);
    let mut running = route.start(&hash);
    running.wait_until("rows on their way", || {
        proxy.forwarded(Direction::ToClient) > before + 150_000
    });
    for change in LIFE.split(';') {
        route.source.database.execute(change);
    }
    let mut looks = 0..2;
    running.wait_until("it still runs", || looks.next().is_none());
    proxy.delay(Duration::ZERO);
    let output = running.wait().expect_code(0);
    assert!(
        output.stdout.contains("every row and column identical"),
        "{output:?}"
    );
    let count = |sql: &str| -> u32 {
        let rows = route.target.database.query_text(sql);
        rows[0][0].as_ref().unwrap().parse().unwrap()
    };
    assert_eq!(count("select count(*) from staff where name = 'later'"), 0);
    assert_eq!(count("select count(*) from visit"), ROWS);
    assert_eq!(count("select count(*) from log where line = 'later'"), 0);
    assert_eq!(count("select count(*) from vacant"), 0);
    // What is compared with is the state that was copied, not the source of now.
    route.program(&["verify"]).run().expect_code(0);
    let target = route.target.database.as_ref();
    target.execute("update staff set name = 'other' where id = 7");
    let verify = route.program(&["verify", "--json"]).run().expect_code(3);
    assert!(verify.stdout.contains("it has moved on"), "{}", verify.stdout);
}

#[test]
fn a_source_that_goes_on_living_arrives_as_it_was_at_the_beginning() {
    keeps_to_its_snapshot(Kind::Postgres);
}

#[test]
fn a_source_that_goes_on_living_arrives_as_it_was_whatever_the_protocol() {
    keeps_to_its_snapshot(Kind::MariaDb);
}
