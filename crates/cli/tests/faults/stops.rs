//! A run is told to stop, or killed, while a server works for it: the process ends soon, and so does the statement.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use whimbrel_testkit::binary::Running;
use whimbrel_testkit::{mysql, postgres};

use crate::engines::Private;
use crate::route::{Kind, Route};

/// Longer than the promise of five seconds, for a machine that is busy.
const SOON: Duration = Duration::from_secs(10);

/// How many sessions of this database wait for the lock of another one.
fn waiting(kind: Kind, database: &dyn Private) -> u32 {
    let sql = match kind {
        Kind::MariaDb => {
            "select count(*) from information_schema.processlist
             where db = database() and state like 'Waiting for table metadata lock%'"
        }
        Kind::Postgres | Kind::Sqlite => {
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        }
    };
    database.query_text(sql)[0][0].as_ref().unwrap().parse().unwrap()
}

/// Holds the lock in another session while the work is done, then ends the sessions of the database.
fn holding(kind: Kind, database: &dyn Private, lock: &str, work: impl FnOnce()) {
    let url = database.url();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let holder = scope.spawn(|| {
            // In the end it is ended, and says so. Before, an index that came to be since it began sends it back to its beginning.
            while !is_over.load(Ordering::Relaxed) {
                match kind {
                    Kind::MariaDb => drop(mysql::try_query(&url, lock)),
                    Kind::Postgres | Kind::Sqlite => drop(postgres::try_query(&url, lock)),
                }
            }
        });
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        is_over.store(true, Ordering::Relaxed);
        while !holder.is_finished() {
            database.terminate_sessions();
            std::thread::sleep(Duration::from_millis(50));
        }
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

/// How a run ends.
#[derive(Clone, Copy)]
enum End {
    /// It is told to stop, and says so to its servers.
    Told,
    /// It says nothing more to anybody.
    Killed,
}

/// Ends the run that waits for a lock, and looks for what it leaves at the server.
fn ends(kind: Kind, database: &dyn Private, mut running: Running, end: End) {
    running.wait_until("a statement that waits", || waiting(kind, database) > 0);
    let told = Instant::now();
    match end {
        End::Told => {
            running.signal("TERM");
            running.wait().expect_code(130);
        }
        End::Killed => drop(running.kill_9()),
    }
    assert!(told.elapsed() < SOON, "{:?}", told.elapsed());
    let deadline = Instant::now() + SOON;
    while waiting(kind, database) > 0 {
        assert!(Instant::now() < deadline, "the server still works for nobody");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn a_stop_ends_what_reads(kind: Kind, lock: &str, is_locked: &str) {
    let Some(route) = Route::create((kind, Kind::Sqlite), "stop_read", 500, "") else {
        return;
    };
    let hash = route.plan();
    let source = route.source.database.as_ref();
    for end in [End::Told, End::Killed] {
        holding(kind, source, lock, || {
            let begun = Instant::now();
            while source.query_text(is_locked) == [[Some("0".to_owned())]] {
                assert!(begun.elapsed() < SOON, "nobody holds the lock");
            }
            ends(kind, source, route.start(&hash), end);
        });
    }
    let output = route.run(&hash);
    route.finish(&hash, output);
}

#[test]
fn a_stop_ends_what_a_server_does_for_a_reader() {
    a_stop_ends_what_reads(
        Kind::Postgres,
        "begin; lock table log in access exclusive mode; select pg_sleep(100)",
        "select count(*) from pg_locks where relation = 'log'::regclass and mode = 'AccessExclusiveLock'",
    );
}

#[test]
fn a_stop_ends_what_a_server_does_for_a_reader_whatever_the_protocol() {
    a_stop_ends_what_reads(
        Kind::MariaDb,
        "lock tables log write; select sleep(100)",
        "select count(*) from information_schema.processlist where db = database() and info like 'select sleep%'",
    );
}

/// Somebody reads the tables in a transaction that stays open, so that no index can be added.
#[test]
fn a_stop_ends_what_a_server_builds() {
    let kinds = (Kind::Postgres, Kind::MariaDb);
    let Some(route) = Route::create(kinds, "stop_build", 5_000, "") else {
        return;
    };
    let hash = route.plan();
    let (source, target) = (route.source.proxy(), route.target.database.as_ref());
    // Slow enough that the tables are held before they are whole.
    source.delay(Duration::from_millis(60));
    let mut running = route.start(&hash);
    running.wait_until("the tables are there", || {
        let sql = "select count(*) from information_schema.tables
            where table_schema = database() and table_name in ('team', 'staff', 'visit')";
        target.query_text(sql) == [[Some("3".to_owned())]]
    });
    let lock = "start transaction; select count(*) from team; select count(*) from staff; select count(*) from visit; select sleep(100)";
    holding(kinds.1, target, lock, || {
        running.wait_until("somebody holds the tables", || {
            let sql = "select count(*) from information_schema.processlist where db = database() and info like 'select sleep%'";
            target.query_text(sql) != [[Some("0".to_owned())]]
        });
        source.delay(Duration::ZERO);
        ends(kinds.1, target, running, End::Told);
    });
    let output = route.run(&hash);
    route.finish(&hash, output);
}
