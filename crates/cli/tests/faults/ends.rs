//! The program is told to stop, or is ended, at moments that are not its own; and what comes last in a run is interrupted.

use std::time::Duration;

use crate::route::{Kind, Route};

#[test]
fn the_second_ctrl_c_ends_at_once_and_nothing_is_lost() {
    let Some(route) = Route::create((Kind::Postgres, Kind::Sqlite), "twice", 20_000, "") else {
        return;
    };
    let hash = route.plan();
    for moment in [30, 120, 250, 400] {
        let running = route.start(&hash);
        std::thread::sleep(Duration::from_millis(moment));
        running.interrupt();
        running.interrupt();
        let output = running.wait();
        assert!(matches!(output.code, Some(0 | 130) | None), "{output:?}");
    }
    let output = route.run(&hash);
    route.finish(&hash, output);
}

#[test]
fn a_verifier_that_is_killed_says_nothing_and_can_be_asked_again() {
    let Some(route) = Route::create((Kind::Postgres, Kind::Sqlite), "verifier", 20_000, "") else {
        return;
    };
    let hash = route.plan();
    route.run(&hash).expect_code(0);
    for moment in [20, 90, 200] {
        let running = route.program(&["verify"]).spawn();
        std::thread::sleep(Duration::from_millis(moment));
        let output = running.kill_9();
        assert!(
            output.code == Some(0) || !output.stdout.contains("identical"),
            "{output:?}"
        );
    }
    route.assert_arrived();
    route
        .target
        .database
        .execute("update staff set name = name || '!' where id = 77");
    let output = route.program(&["verify"]).run();
    assert_eq!(output.code, Some(3), "{output:?}");
}

#[test]
fn sequences_go_on_behind_the_last_row_after_a_crash_between_data_and_sequences() {
    let Some(route) = Route::create((Kind::Sqlite, Kind::Postgres), "numbers", 300, "") else {
        return;
    };
    let hash = route.plan();
    for at in [150, 170, 190, 210] {
        let output = route
            .program(&["run", "--approve", &hash])
            .env("WHIMBREL_FAULT", format!("{at}:abort"))
            .run();
        if output.code == Some(0) {
            break;
        }
    }
    let output = route.run(&hash);
    route.finish(&hash, output);
    let target = route.target.database.as_ref();
    target.execute("insert into team (name) values ('next')");
    assert_eq!(
        target.query_text("select id from team where name = 'next'"),
        [[Some("4".to_owned())]]
    );
}
