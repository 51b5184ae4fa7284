//! What `inspect --profile` and `inspect --html` say: the same numbers for the same rows, whatever the engine.

use std::fmt::Write as _;

use serde_json::{Value, json};
use whimbrel_testkit::binary::Whimbrel;
use whimbrel_testkit::mysql::{self, Flavour};
use whimbrel_testkit::postgres::TestDatabase;
use whimbrel_testkit::sqlite::TestFile;

use crate::desk::{Desk, document};

/// Rows of the table with more different values than are counted one by one.
const MANY: u64 = 3000;

/// The same rows in words that every engine takes.
fn shop() -> String {
    let mut sql = "create table customer (id int primary key, email varchar(80), code varchar(10), note varchar(80), amount decimal(10,2), \
            born date, created_at timestamp null);
        create table visit (id int primary key, customer_id int references customer (id), page int);
        create table unused (id int primary key, word varchar(10));
        insert into customer values \
            (1, 'ann@example.com', 'AB-1001', ' padded', 10.50, '1990-01-02', '2024-01-05 10:00:00'), \
            (2, 'bob@example.com', 'CD-1002', '', 9.75, '1985-12-31', '2024-01-20 10:00:00'), \
            (3, null, 'EF-1003', null, -100.25, null, '2024-03-01 10:00:00'), \
            (4, 'ann@example.com', 'GH-1004', 'plain', null, '2001-06-15', null);
        insert into visit values "
        .to_owned();
    for id in 1..=MANY {
        let comma = if id == 1 { "" } else { ", " };
        write!(sql, "{comma}({id}, {}, {})", id % 4 + 1, id * 7).unwrap();
    }
    sql
}

fn inspected(url: &str) -> Value {
    let folder = tempfile::TempDir::new().unwrap();
    let program = Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder.path());
    let output = program.args(["inspect", url, "--profile", "--json"]).run();
    document(&output.expect_code(0))
}

/// Finds a thing of a list by its name.
fn named<'a>(list: &'a Value, key: &str, name: &str) -> &'a Value {
    let mut all = list.as_array().unwrap().iter();
    let is_it = |each: &&Value| {
        let said = each[key].as_str().unwrap_or_default();
        said == name || said.ends_with(&format!(".{name}"))
    };
    all.find(is_it).unwrap_or_else(|| panic!("{name} in {list}"))
}

fn check(url: &str) {
    let inventory = inspected(url);
    let table = |name: &str| &named(&inventory["tables"], "table", name)["detail"];
    let customer = table("customer");
    let column = |name: &str| &named(&customer["columns"], "name", name)["quality"];
    assert_eq!(column("born")["read_as"], "date");
    assert_eq!(column("email")["nulls"], 1);
    assert_eq!(column("email")["distinct"], json!({ "count": 2, "exact": true }));
    assert_eq!(
        column("email")["patterns"],
        json!([{ "pattern": "email", "count": 3 }])
    );
    let lengths = &column("email")["lengths"];
    assert_eq!((&lengths["min"], &lengths["max"]), (&json!(15), &json!(15)));
    assert_eq!(
        column("code")["shapes"],
        json!([{ "shape": "AA-9999", "count": 4 }])
    );
    assert_eq!(column("note")["untrimmed"], 1);
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let amount = column("amount");
    assert!((number(&amount["min"]) + 100.25).abs() < 1e-9 && (number(&amount["max"]) - 10.5).abs() < 1e-9);
    assert_eq!(
        (&column("born")["min"], &column("born")["max"]),
        (&json!("1985-12-31"), &json!("2001-06-15"))
    );
    let months: Vec<(&str, u64)> = customer["growth"]["months"]
        .as_array()
        .unwrap()
        .iter()
        .map(|month| (month["month"].as_str().unwrap(), month["rows"].as_u64().unwrap()))
        .collect();
    assert_eq!(months, [("2024-01", 2), ("2024-02", 0), ("2024-03", 1)]);
    assert_eq!(customer["growth"]["undated"], 1);
    let page = &named(&table("visit")["columns"], "name", "page")["quality"];
    assert_eq!(page["distinct"]["exact"], false);
    let estimate = page["distinct"]["count"].as_u64().unwrap();
    assert!(estimate.abs_diff(MANY) * 1000 < MANY * 35, "{estimate}");
    let word = &named(&table("unused")["columns"], "name", "word")["quality"];
    assert_eq!(
        (&word["values"], &word["distinct"]["count"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn a_file_is_profiled_exactly() {
    check(&TestFile::create("quality", &shop()).url());
}

#[test]
fn a_postgres_database_is_profiled_exactly() {
    if let Some(database) = TestDatabase::create("quality") {
        database.execute(&shop());
        check(database.url());
    }
}

#[test]
fn a_mysql_and_a_mariadb_database_are_profiled_exactly() {
    for flavour in [Flavour::MySql, Flavour::MariaDb] {
        if let Some(database) = mysql::TestDatabase::create(flavour, "quality") {
            database.execute(&shop());
            check(database.url());
        }
    }
}

#[test]
fn a_partitioned_table_shows_what_its_partitions_hold_once() {
    let Some(database) = TestDatabase::create("parts_profiled") else {
        return;
    };
    database.execute(
        "create table event (id int, kind text, size numeric(6,2), created_at date) partition by range (created_at);
        create table event_23 partition of event for values from ('2023-01-01') to ('2024-01-01') partition by list (kind);
        create table event_23_a partition of event_23 for values in ('a');
        create table event_23_rest partition of event_23 default;
        create table event_24 partition of event for values from ('2024-01-01') to ('2025-01-01');
        insert into event select i, case i % 2 when 0 then 'a' else 'b' end, i / 100.0, date '2023-11-01' + (i % 92)
            from generate_series(1, 4000) i;
        insert into event values (1, 'b', 7, '2023-12-05'), (1, 'b', 7, '2023-12-05'), (null, 'b', null, '2024-01-05');
        create table whole as select * from event;
        create table animal (id int primary key);
        create table dog (name text) inherits (animal);
        insert into animal values (1), (2);
        insert into dog values (3, 'rex');
        analyze",
    );
    let inventory = inspected(database.url());
    let table = |name: &str| named(&inventory["tables"], "table", name);
    let (event, half, whole) = (table("event"), table("event_23"), table("whole"));
    let leaves = ["event_23_a", "event_23_rest", "event_24"].map(table);
    let sum = |key: &str| leaves.iter().map(|leaf| leaf[key].as_u64().unwrap()).sum::<u64>();
    assert_eq!(event["rows"], 4003);
    assert_eq!(
        (&event["partitions"], &half["partitions"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(event["size_bytes"], sum("size_bytes"));
    assert_eq!(
        half["rows"].as_u64().unwrap() + leaves[2]["rows"].as_u64().unwrap(),
        4003
    );
    assert_eq!(leaves[1]["partition_of"], "public.event_23");
    // The whole has the values of one table with the same rows.
    assert_eq!(event["detail"]["columns"], whole["detail"]["columns"]);
    assert_eq!(event["detail"]["growth"], whole["detail"]["growth"]);
    assert_eq!(
        event["detail"]["repeated_rows"],
        json!({ "count": 1, "exact": true })
    );
    assert_eq!(event["detail"]["repeated_rows"], whole["detail"]["repeated_rows"]);
    let inserted = |table: &Value| table["detail"]["usage"]["rows_inserted"].as_u64().unwrap_or(0);
    assert_eq!(
        inserted(event),
        leaves.iter().map(|leaf| inserted(leaf)).sum::<u64>()
    );
    // A parent of tables that inherit has rows of its own.
    assert_eq!(
        (&table("animal")["rows"], &table("animal")["inherited_rows"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(inventory["rows"], 4003 * 2 + 3);
    let alone = [whole, table("animal"), table("dog")];
    let sizes = leaves.iter().chain(&alone);
    let all: u64 = sizes.map(|each| each["size_bytes"].as_u64().unwrap()).sum();
    assert_eq!(inventory["size_bytes"], all);
}

#[test]
fn a_column_that_one_partition_would_give_in_another_form_is_measured_in_all_of_them() {
    let Some(database) = TestDatabase::create("parts_formed") else {
        return;
    };
    database.execute(
        "create table event (id int, amount numeric(5,0), at timestamp) partition by range (id);
        create table event_1 partition of event for values from (1) to (10);
        create table event_2 partition of event for values from (10) to (20);
        insert into event values (1, 5, '2024-01-01'), (2, 7, '2024-01-02'), (11, 'NaN', '294270-01-01'), (12, 9, null);
        create table whole as select * from event;
        analyze",
    );
    let inventory = inspected(database.url());
    let table = |name: &str| named(&inventory["tables"], "table", name);
    let columns = &table("event")["detail"]["columns"];
    assert_eq!(columns.as_array().unwrap().len(), 3, "{columns}");
    assert_eq!(columns, &table("whole")["detail"]["columns"]);
}

#[test]
fn the_plan_and_the_page_say_where_the_rows_of_a_partitioned_table_are() {
    let create = TestDatabase::create;
    let (Some(source), Some(target)) = (create("parts_from"), create("parts_to")) else {
        return;
    };
    source.execute(
        "create table event (id int, at date) partition by range (at);
        create table event_23 partition of event for values from ('2023-01-01') to ('2024-01-01');
        create table event_24 partition of event for values from ('2024-01-01') to ('2025-01-01');
        insert into event select i, date '2023-07-01' + (i % 365) from generate_series(1, 3000) i",
    );
    let desk = Desk::set_up();
    let inspect = format!("inspect {} --html page.html", source.url());
    let text = desk.run(&inspect).expect_code(0).stdout;
    assert!(
        text.contains("in 2 partitions") && text.contains("partition of public.event"),
        "{text}"
    );
    assert!(text.contains("3 tables, 3,000 rows"), "{text}");
    let page = std::fs::read_to_string(desk.folder().join("page.html")).unwrap();
    assert!(page.contains("in 2 partitions"), "{page}");
    let plan = desk.run(&format!("plan {} {}", source.url(), target.url()));
    let plan = plan.expect_code(0).stdout;
    assert!(
        plan.contains("about 3,000 rows") && !plan.contains("no_key public.event:"),
        "{plan}"
    );
    let files = texts_below(&desk.files());
    let file = |name: &str| &files.iter().find(|(path, _)| path.ends_with(name)).unwrap().1;
    assert!(file("data-migration.md").contains("| `public.event` | 3,000 in 2 partitions |"));
    assert!(file("data_quality.md").contains("in 2 partitions, which follow by themselves"));
}

#[test]
fn orphans_and_repeated_rows_stand_out() {
    let source = TestFile::create(
        "broken",
        "pragma foreign_keys = off;
         create table parent (id integer primary key);
         create table child (id integer primary key, parent_id integer references parent (id));
         create table heap (a int, b text);
         insert into parent values (1);
         insert into child values (1, 1), (2, 7), (3, 8);
         insert into heap values (1, 'x'), (1, 'x'), (null, null), (null, null), (2, 'y')",
    );
    let inventory = inspected(&source.url());
    let detail = |name: &str| &named(&inventory["tables"], "table", name)["detail"];
    assert_eq!(detail("child")["references"][0]["orphans"], 2);
    assert_eq!(detail("child")["remarks"][0]["weight"], "broken");
    assert_eq!(
        detail("heap")["repeated_rows"],
        json!({ "count": 2, "exact": true })
    );
}

/// Tables whose references nobody declared, in words that every engine takes.
fn undeclared() -> String {
    let mut sql = "create table users (id int primary key, name varchar(20));
        create table country (code char(2) primary key);
        create table owner (id int primary key);
        create table post (id int primary key, user_id int, editor_user_id int, country_code char(2), \
            owner_id int, owner_type varchar(10), user_name varchar(20), country varchar(9));
        insert into users values (1, 'a'), (2, 'b'), (3, 'c');
        insert into country values ('DE'), ('FR');
        insert into owner values (1);
        insert into post values "
        .to_owned();
    for id in 1..=400 {
        let comma = if id == 1 { "" } else { ", " };
        let user = if id % 100 == 0 { 9 } else { id % 3 + 1 };
        let editor = if id % 4 == 0 { "1" } else { "null" };
        write!(
            sql,
            "{comma}({id}, {user}, {editor}, 'FR', 1, 'shop', 'a', 'France')"
        )
        .unwrap();
    }
    sql
}

fn check_suspected(url: &str) {
    let inventory = inspected(url);
    let detail = &named(&inventory["tables"], "table", "post")["detail"];
    let suspected: Vec<(&str, &str, u64, u64)> = detail["suspected"]
        .as_array()
        .unwrap_or_else(|| panic!("{url}: {detail}"))
        .iter()
        .map(|each| {
            let text = |key: &str| each[key].as_str().unwrap().rsplit('.').next().unwrap();
            let number = |key: &str| each[key].as_u64().unwrap();
            (text("column"), text("table"), number("orphans"), number("of"))
        })
        .collect();
    // Neither what says its kind beside, nor what holds no keys of the table.
    assert_eq!(
        suspected,
        [
            ("user_id", "users", 4, 400),
            ("editor_user_id", "users", 0, 100),
            ("country_code", "country", 0, 400)
        ],
        "{url}"
    );
    let remarks = detail["remarks"].to_string();
    assert!(remarks.contains("post.user_id -> "), "{remarks}");
    assert!(remarks.contains("users.id, 4 orphans (of 400)"), "{remarks}");
}

#[test]
fn references_that_nobody_declared_are_suspected_by_name_type_and_values() {
    let file = TestFile::create("suspected", &undeclared());
    check_suspected(&file.url());
    if let Some(database) = TestDatabase::create("suspected") {
        database.execute(&undeclared());
        check_suspected(database.url());
    }
    for flavour in Flavour::ALL {
        if let Some(database) = mysql::TestDatabase::create(flavour, "suspected") {
            database.execute(&undeclared());
            check_suspected(database.url());
        }
    }
    let desk = Desk::set_up();
    let inspect = format!("inspect {} --html page.html", file.url());
    desk.run(&inspect).expect_code(0);
    let page = std::fs::read_to_string(desk.folder().join("page.html")).unwrap();
    assert!(
        page.contains("post.user_id seems to refer to users, 4 orphans"),
        "{page}"
    );
    assert!(
        page.contains("class=\"suspected\"") && page.contains("A dotted one is only suspected"),
        "{page}"
    );
    // A hint decides nothing: no plan speaks of it.
    let plan = desk
        .run(&format!("plan {} sqlite:new.db", file.url()))
        .expect_code(0);
    assert!(!plan.stdout.contains("suspected relation"), "{}", plan.stdout);
}

#[test]
fn a_page_is_written_whole_and_never_over_another_unasked() {
    let desk = Desk::set_up();
    desk.run("inspect SOURCE --html page.html").expect_code(0);
    let page = std::fs::read_to_string(desk.folder().join("page.html")).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"),
        "{page}"
    );
    assert!(page.contains("author") && page.contains("R.U.R."));
    let refused = desk.run("inspect SOURCE --html page.html");
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
    desk.run("inspect SOURCE --html page.html --yes").expect_code(0);
    let nowhere = desk.run("inspect SOURCE --html no/such/page.html");
    assert!(
        nowhere.stderr.contains("folder `no/such` does not exist"),
        "{}",
        nowhere.stderr
    );
}

#[test]
fn no_line_is_wider_than_a_terminal() {
    let source = TestFile::create("quality", &shop());
    let desk = Desk::set_up();
    let text = desk
        .program("inspect --profile")
        .args([source.url()])
        .run()
        .expect_code(0)
        .stdout;
    let quality = text.split("\nquality ").nth(1).unwrap();
    for line in quality.lines().skip(1) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn values_of_columns_that_are_secret_by_name_are_in_no_report() {
    let desk = Desk::set_up();
    rusqlite::Connection::open(desk.source.path())
        .unwrap()
        .execute_batch(
            "pragma foreign_keys = off;
             create table account (id integer primary key, api_token text unique, pass text, city text);
             insert into account values (1, 'canary-a', 'canary-b', 'Prague');
             create table session (id integer primary key, api_token text references account (api_token));
             insert into session values (1, 'canary-c')",
        )
        .unwrap();
    let page = desk.folder().join("page.html");
    let html = format!("inspect SOURCE --html {}", page.display());
    for line in [
        "inspect SOURCE --profile",
        "inspect SOURCE --profile --json",
        &html,
    ] {
        let output = desk.run(line).expect_code(0);
        assert!(!output.stdout.contains("canary"), "{output:?}");
    }
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("Prague") && !page.contains("canary"));
    let planned = desk.run("plan SOURCE TARGET").expect_code(0);
    assert!(!planned.stdout.contains("canary"), "{planned:?}");
    let files = texts_below(&desk.files());
    let report = files.iter().find(|(name, _)| name.ends_with("data_quality.md"));
    assert!(report.unwrap().1.contains("withheld"));
    assert!(
        files
            .iter()
            .any(|(_, text)| text.contains("api_token=(withheld)"))
    );
    check_no_canary(&files);
    desk.run("migrate SOURCE TARGET --yes --decide orphans=not_validated")
        .expect_code(0);
    // What differs is told, but not how.
    rusqlite::Connection::open(desk.target())
        .unwrap()
        .execute_batch("update account set pass = 'canary-d', city = 'Brno'; delete from session")
        .unwrap();
    let verified = desk.run("verify").expect_code(3);
    assert!(!format!("{verified:?}").contains("canary"), "{verified:?}");
    let files = texts_below(&desk.files());
    assert!(files.iter().any(|(_, text)| text.contains("Brno")));
    check_no_canary(&files);
}

#[test]
fn a_rejected_row_shows_no_secret_and_is_brought_over_all_the_same() {
    let Some(target) = TestDatabase::create("secret_rejects") else {
        return;
    };
    let desk = Desk::set_up();
    let source = rusqlite::Connection::open(desk.source.path()).unwrap();
    source
        .execute_batch(
            "create table ticket (token text primary key, pass text);
             insert into ticket values ('canary-a', 'x'), ('canary-b', 'canary' || char(0) || 'c')",
        )
        .unwrap();
    std::fs::write(
        desk.folder().join("whimbrel.toml"),
        "[policies]\non_reject = \"file\"\n",
    )
    .unwrap();
    let line = format!("migrate SOURCE {} --yes --decide nul_text=reject", target.url());
    let output = desk.run(&line);
    assert_eq!(output.code, Some(3), "{output:?}");
    assert!(!format!("{output:?}").contains("canary"), "{output:?}");
    let files = texts_below(&desk.files());
    let rejects = files
        .iter()
        .find(|(name, _)| name.ends_with("ticket.ndjson"))
        .unwrap();
    assert!(rejects.1.contains("token=(withheld)"), "{}", rejects.1);
    check_no_canary(&files);
    source
        .execute_batch("update ticket set pass = 'mended' where token = 'canary-b'")
        .unwrap();
    let replay = format!("run --rejects --yes --target {}", target.url());
    desk.run(&replay).expect_code(0);
    assert_eq!(
        target.query_text("select count(*) from ticket"),
        [[Some("2".to_owned())]]
    );
}

/// Every file below the folder that is text, by its path.
fn texts_below(folder: &std::path::Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(texts_below(&path)),
            false => found.push((
                path.display().to_string(),
                String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
            )),
        }
    }
    found
}

fn check_no_canary(files: &[(String, String)]) {
    let told = files.iter().find(|(_, text)| text.contains("canary"));
    assert!(told.is_none(), "{told:?}");
}

#[test]
fn a_column_of_values_that_do_not_fit_is_not_said_to_be_empty() {
    for flavour in Flavour::ALL {
        let Some(database) = mysql::TestDatabase::create(flavour, "zero_dates") else {
            continue;
        };
        // Numbers as text, such as `65535999.5`, are no addresses of four parts either.
        database.execute("create table day (id int primary key, made date, figure varchar(40))");
        database.execute(
            "set sql_mode = ''; insert into day values (1, '0000-00-00', '1.5'), (2, null, '65535999.5')",
        );
        let found = inspected(database.url());
        let day = &found["tables"][0]["detail"];
        assert_eq!(day["misfits"], 1, "{flavour:?}: {day}");
        assert!(
            !day["remarks"].to_string().contains("nothing but NULL"),
            "{flavour:?}: {day}"
        );
        assert_counts(day, &[("id", 2, 0, 2), ("made", 0, 1, 0), ("figure", 2, 0, 2)]);
        assert!(
            day["misfit_examples"][0].to_string().contains("made (id=1)"),
            "{day}"
        );
    }
}

/// Checks values, NULLs and different values of the columns.
fn assert_counts(detail: &Value, wanted: &[(&str, u64, u64, u64)]) {
    let found = detail["columns"].as_array().unwrap().iter().map(|column| {
        let quality = &column["quality"];
        let number = |value: &Value| value.as_u64().unwrap();
        (
            column["name"].as_str().unwrap(),
            number(&quality["values"]),
            number(&quality["nulls"]),
            number(&quality["distinct"]["count"]),
        )
    });
    assert_eq!(found.collect::<Vec<_>>(), wanted, "{detail}");
}

#[test]
fn a_name_does_nothing_to_the_terminal() {
    let desk = Desk::set_up();
    let source = rusqlite::Connection::open(desk.source.path()).unwrap();
    source
        .execute_batch("create table \"red\u{1b}[31m\u{202e}\" (\"bell\u{7}\" text)")
        .unwrap();
    for line in [
        "inspect SOURCE --profile",
        "plan SOURCE TARGET",
        "run mig_2026_001 --approve no",
    ] {
        let said = desk.run(line);
        for text in [said.stdout, said.stderr] {
            let acts = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
            assert!(!text.contains(acts), "{line}: {text:?}");
        }
    }
    let inventory = desk.run("inspect SOURCE").expect_code(0).stdout;
    assert!(inventory.contains("red\\u{1b}[31m\\u{202e}"), "{inventory}");
}
