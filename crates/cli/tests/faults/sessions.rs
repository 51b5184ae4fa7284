//! Other sessions and settings of the server: locks, deadlocks, time zones, passwords.

use std::sync::atomic::{AtomicBool, Ordering};

use whimbrel_testkit::postgres::{self, TestDatabase};
use whimbrel_testkit::proxy::Direction;

use crate::engines::Private;
use crate::route::{Kind, Route, Side, fill};

#[test]
fn settings_of_the_database_do_not_change_what_arrives() {
    const ODD: &str = "create table moment (id bigint primary key, at timestamptz, day date, took interval, raw bytea, x float8, price numeric);
        insert into moment values
          (1, '2024-03-31 01:59:59.999999+00', '2024-03-31', '1 year 2 mons -3 days 04:05:06.7', '\\x00ff5c', 0.1::float8 + 0.2, 12.340),
          (2, '2024-10-27 00:30:00+00', '0001-01-01 BC', '-1 day', '\\x', 1e-300, 'NaN'),
          (3, 'infinity', '-infinity', '0', null, 'NaN', 0)";
    let settings = [
        "timezone = 'Asia/Kolkata'",
        "datestyle = 'German, DMY'",
        "intervalstyle = 'sql_standard'",
        "bytea_output = 'escape'",
        "extra_float_digits = -5",
        "search_path = 'pg_catalog'",
        "statement_timeout = '2s'",
        "lock_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1s'",
        "standard_conforming_strings = off",
        "row_security = off",
    ];
    for kinds in [(Kind::Postgres, Kind::Postgres), (Kind::Postgres, Kind::Sqlite)] {
        let Some(route) = Route::create(kinds, "odd_settings", 500, "") else {
            return;
        };
        let database = |side: &Side| side.url().rsplit_once('/').unwrap().1.to_owned();
        route.source.database.execute(ODD);
        for (side, kind) in [(&route.source, kinds.0), (&route.target, kinds.1)] {
            for setting in settings.iter().filter(|_| kind == Kind::Postgres) {
                let name = database(side);
                side.database
                    .execute(&format!("alter database \"{name}\" set {setting}"));
            }
        }
        let hash = route.plan();
        let output = route.run(&hash).expect_code(0);
        assert!(!output.stderr.contains("lost"), "{}", output.stderr);
        route.program(&["verify"]).run().expect_code(0);
        if kinds.1 == Kind::Postgres {
            let sql = "set timezone = 'UTC'; set extra_float_digits = 3; set datestyle = 'ISO'; set bytea_output = 'hex';
                select * from public.moment order by id";
            let both = [&route.source, &route.target].map(|side| side.database.query_text(sql));
            assert_eq!(both[0], both[1]);
        }
    }
}

#[test]
fn locks_and_deadlocks_of_others_are_waited_for_or_tried_again() {
    // Takes the tables in the other order, for a moment each, all the time.
    const QUARREL: &str = "do $$ begin
        lock table visit in exclusive mode; perform pg_sleep(0.05); lock table staff in exclusive mode; perform pg_sleep(0.02);
        end $$";
    let Some(route) = Route::create((Kind::Sqlite, Kind::Postgres), "quarrel", 5_000, "") else {
        return;
    };
    let hash = route.plan();
    let url = route.target.database.url();
    let is_over = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                // Fails while the tables are not there yet, and when it is the one that the server chooses.
                drop(postgres::try_query(&url, QUARREL));
            }
        });
        let output = route.run(&hash);
        is_over.store(true, Ordering::Relaxed);
        output
    });
    assert!(matches!(output.code, Some(0 | 1)), "{output:?}");
    route.finish(&hash, output);
}

#[test]
fn a_password_that_changes_in_the_middle_stops_with_a_hint_and_the_new_one_goes_on() {
    let Some(admin) = TestDatabase::create("password_source") else {
        return;
    };
    let role = format!("mover_{}", std::process::id());
    fill(Kind::Postgres, &admin, 20_000);
    admin.execute(&format!(
        "create role {role} login superuser password 'one'; alter role {role} set application_name = 'mover'"
    ));
    let url = admin.url();
    let (_, address) = url.split_once('@').unwrap();
    let login = format!("postgres://{role}@{address}");
    let route = Route::between(
        Side::through_proxy(Box::new(Renamed(login)), ""),
        Side::direct(Kind::Sqlite.create("password").unwrap()),
    );
    let run = |hash: &str, password: &str| {
        let program = route.program(&["run", "--approve", hash]);
        program.env("PGPASSWORD", password).spawn()
    };
    let plan = route
        .program(&["plan", "--accept-suggested", "--json"])
        .env("PGPASSWORD", "one")
        .run()
        .expect_code(0);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    let hash = plan["plan_hash"].as_str().unwrap();
    let proxy = route.source.proxy();
    let before = proxy.forwarded(Direction::ToClient);
    let mut running = run(hash, "one");
    running.wait_until("rows on their way", || {
        proxy.forwarded(Direction::ToClient) > before + 100_000
    });
    admin.execute(&format!("alter role {role} password 'two'"));
    proxy.cut();
    let output = running.wait();
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.stderr.contains("password"), "{}", output.stderr);
    assert!(output.stderr.contains("hint:"), "{}", output.stderr);
    let output = run(hash, "two").wait().expect_code(0);
    assert!(
        output.stdout.contains("every row and column identical"),
        "{}",
        output.stdout
    );
    drop(route);
    admin.execute(&format!("drop role {role}"));
}

/// A database that is known by another login's URL; somebody else owns it.
struct Renamed(String);

impl Private for Renamed {
    fn url(&self) -> String {
        self.0.clone()
    }

    fn execute(&self, sql: &str) {
        postgres::execute(&self.0, sql);
    }

    fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        postgres::query_text(&self.0, sql)
    }

    fn dump(&self) -> String {
        String::new()
    }

    fn name(&self) -> String {
        String::new()
    }
}
