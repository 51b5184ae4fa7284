//! An index or a key cannot be made at the end: the rows stay, everything else goes on, and a resumed run makes only what is left.

use whimbrel_testkit::binary::Output;
use whimbrel_testkit::mysql::{Flavour, TestDatabase};
use whimbrel_testkit::sqlite::TestFile;

use crate::engines::Private;
use crate::route::{Kind, Route, Side, fill};

const ROWS: u32 = 3_000;

/// What the ledger says of the chunks: a chunk that is copied again gets another moment.
fn arrivals(target: &dyn Private, ledger: &str) -> Vec<Vec<Option<String>>> {
    let sql = format!("select * from {ledger}_whimbrel_chunks");
    let mut rows = target.query_text(&sql);
    rows.sort();
    rows
}

/// After a run that could not make an index, all rows are there; after the cause is gone, a resumed run copies none of them again.
fn goes_on_where_it_failed(route: &Route, first: &Output, ledger: &str, repair: impl FnOnce()) {
    assert_eq!(first.code, Some(1), "{first:?}");
    let target = route.target.database.as_ref();
    for table in ["team", "staff", "visit", "log", "vacant"] {
        let sql = format!("select count(*) from {table}");
        let counts = [&route.source, &route.target].map(|side| side.database.query_text(&sql));
        assert_eq!(counts[0], counts[1], "{table} did not arrive: {}", first.stderr);
    }
    let before = arrivals(target, ledger);
    assert!(before.len() >= 4, "{before:?}");
    repair();
    let resumed = route.program(&["resume"]).run().expect_code(0);
    assert_eq!(arrivals(target, ledger), before, "{resumed:?}");
    route.assert_arrived();
}

#[test]
fn an_index_that_is_refused_leaves_all_rows_and_only_it_is_made_when_the_cause_is_gone() {
    let Some(route) = Route::create((Kind::Sqlite, Kind::Postgres), "refused", ROWS, "") else {
        return;
    };
    // The trigger stays: a target that has changed since the plan was made is refused.
    let target = route.target.database.as_ref();
    target.execute(
        "create schema guard; create table guard.awake as select 1 as yes;
         create function guard.refuse() returns event_trigger language plpgsql as $$ begin
             if exists (select from guard.awake) then raise exception 'no index today'; end if;
         end $$;
         create event trigger guard on ddl_command_start when tag in ('CREATE INDEX') execute function guard.refuse()",
    );
    let hash = route.plan();
    route.without_retries();
    let first = route.run(&hash);
    assert!(first.stderr.contains("no index today"), "{}", first.stderr);
    assert!(first.stderr.contains("whimbrel resume"), "{}", first.stderr);
    goes_on_where_it_failed(&route, &first, "_whimbrel.", || {
        target.execute("delete from guard.awake");
    });
}

#[test]
fn a_right_that_is_missing_leaves_all_rows_and_only_the_rest_is_made_when_it_is_given() {
    let Some(target) = TestDatabase::create(Flavour::MariaDb, "no_right") else {
        return;
    };
    let (name, user) = (
        target.name().to_owned(),
        format!("builder_{}", std::process::id()),
    );
    target.execute(&format!(
        "create user {user}@'%' identified by 'pass'; grant all on `{name}`.* to {user}@'%';
         revoke alter on `{name}`.* from {user}@'%'; grant alter on *.* to {user}@'%'"
    ));
    let url = target.url().to_owned();
    let (_, address) = url.split_once('@').unwrap();
    let route = Route::between(
        Side::direct(Kind::Sqlite.create("no_right").unwrap()),
        Side::direct(Box::new(Login {
            url: format!("mariadb://{user}:pass@{address}"),
            database: target,
        })),
    );
    let mut route = route;
    route.decisions = &["--decide", "feature_left_out=leave_out"];
    fill(Kind::Sqlite, route.source.database.as_ref(), ROWS);
    let hash = route.plan();
    route.without_retries();
    let admin = route.target.database.as_ref();
    admin.execute(&format!("revoke alter on *.* from {user}@'%'"));
    let first = route.run(&hash);
    assert!(first.stderr.contains("denied"), "{}", first.stderr);
    goes_on_where_it_failed(&route, &first, "", || {
        admin.execute(&format!("grant alter on *.* to {user}@'%'"));
    });
    admin.execute(&format!("drop user {user}@'%'"));
}

/// A database that the program knows by another login's URL.
struct Login {
    url: String,
    database: TestDatabase,
}

impl Private for Login {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn execute(&self, sql: &str) {
        self.database.execute(sql);
    }

    fn query_text(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.database.query_text(sql)
    }

    fn dump(&self) -> String {
        self.database.dump()
    }

    fn name(&self) -> String {
        self.database.name().to_owned()
    }
}

#[test]
fn a_file_that_is_full_at_its_last_index_keeps_all_rows_and_gets_only_the_index_when_there_is_room() {
    let route = |limit: &str| {
        let source = TestFile::create("full_index", "");
        fill(Kind::Sqlite, &source, ROWS);
        Private::execute(
            &source,
            "update staff set name = name || hex(zeroblob(400)) || id; vacuum",
        );
        let mut target = Side::direct(Box::new(TestFile::create("full_index_target", "")));
        target.parameters = limit.to_owned();
        Route::between(Side::direct(Box::new(source)), target)
    };
    let pages = |route: &Route| -> u32 {
        let pages = route.target.database.query_text("pragma page_count");
        pages[0][0].as_ref().unwrap().parse().unwrap()
    };
    let whole = route("");
    let hash = whole.plan();
    whole.run(&hash).expect_code(0);
    // The index over the names is as large as the names, and two fifths of the file.
    let small = route(&format!("?max_page_count={}", pages(&whole) * 4 / 5));
    let hash = small.plan();
    small.without_retries();
    let first = small.run(&hash);
    assert!(first.stderr.contains("full"), "{}", first.stderr);
    let mut small = small;
    let repaired = |route: &mut Route| route.target.parameters.clear();
    let counts = arrivals(small.target.database.as_ref(), "");
    repaired(&mut small);
    goes_on_where_it_failed(&small, &first, "", || {});
    assert_eq!(arrivals(small.target.database.as_ref(), ""), counts);
}
