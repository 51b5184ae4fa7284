//! Rules of the user's own and queries to run by hand: what passes, what fails, what is refused, on files and on real servers.

use rusqlite::Connection;
use whimbrel_testkit::{mysql, postgres};

use crate::desk::{Desk, document};

fn rules(desk: &Desk, text: &str) {
    std::fs::write(desk.folder().join("whimbrel.toml"), text).unwrap();
}

/// The one migration's file.
fn file(desk: &Desk, name: &str) -> String {
    let mut folders = std::fs::read_dir(desk.files()).unwrap();
    let folder = folders.find_map(|entry| {
        let path = entry.unwrap().path();
        path.join("data-migration.md").exists().then_some(path)
    });
    std::fs::read_to_string(folder.unwrap().join(name)).unwrap()
}

#[test]
fn rules_that_hold_pass_and_stand_in_the_plan_and_the_reports() {
    let desk = Desk::set_up();
    let plain = desk.plan()["plan_hash"].clone();
    rules(
        &desk,
        "[[validation]]\nname = \"books\"\nquery = \"select count(*) from book;\"\nwhen = \"before\"\n\
         [[validation]]\nname = \"price\"\nsource = \"select sum(price) from book\"\n\
         target = \"select sum(price) + 0.01 from book -- a cent\"\ntolerance = \"1%\"\n",
    );
    assert_ne!(
        desk.plan()["plan_hash"],
        plain,
        "the rules are part of what is confirmed"
    );
    let page = file(&desk, "data-migration.md");
    assert!(page.contains("it said `3` when this plan was made"), "{page}");
    assert!(page.contains("1%"), "{page}");
    desk.run("migrate SOURCE TARGET --yes").expect_code(0);
    let report = file(&desk, "verification_report.md");
    assert!(report.contains("Validation rules: 2 PASS"), "{report}");
    for check in [
        "record_count_check",
        "uniqueness_check",
        "null_check",
        "checksum_check",
    ] {
        let line = report
            .lines()
            .find(|line| line.contains(check) && line.contains("`book`"));
        assert!(
            line.is_some_and(|line| line.contains("| PASS |")),
            "{check}: {line:?}"
        );
    }
    let author = report
        .lines()
        .find(|line| line.contains("foreign_key_check") && line.contains("`author`"));
    assert!(
        author.unwrap().contains("NOT CHECKED"),
        "it has no foreign key: {author:?}"
    );
    // What was said before holds when the source has moved on; what is asked now does not.
    let source = Connection::open(desk.source.path()).unwrap();
    source
        .execute_batch("insert into book values (9, 1, 'new', 90.0)")
        .unwrap();
    let verified = document(&desk.run("verify --json").expect_code(3));
    let results: Vec<&str> = verified["verification"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| rule["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["PASS", "FAIL"]);
}

#[test]
fn a_rule_that_fails_or_cannot_be_asked_is_no_success() {
    for (target, result) in [
        ("select count(*) + 1 from book", "FAIL"),
        ("select null", "FAIL"),
        ("select id from book", "NOT CHECKED"),
    ] {
        let desk = Desk::set_up();
        let text = format!(
            "[[validation]]\nname = \"a\"\nsource = \"select count(*) from book\"\ntarget = \"{target}\"\n"
        );
        rules(&desk, &text);
        let finished = desk.run("migrate SOURCE TARGET --yes").expect_code(3);
        assert!(
            finished.stderr.contains("rule a"),
            "the rule is named: {finished:?}"
        );
        assert!(
            finished.stdout.contains("; validation rule `a` did not pass"),
            "it is the reason: {finished:?}"
        );
        let report = file(&desk, "verification_report.md");
        assert!(
            report.contains(&format!("Validation rules: 1 {result}.")),
            "{target}: {report}"
        );
        let there = Connection::open(desk.target()).unwrap();
        let rows: i64 = there
            .query_row("select count(*) from book", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 3, "{target}");
    }
}

#[test]
fn a_query_that_the_target_refuses_stops_the_run_before_the_first_row() {
    for (target, code) in [
        ("select id, title from book", 1),
        ("select count(*) from nowhere", 1),
        ("select count(isbn) from book", 1),
        ("selec count(*) from book", 2),
        ("delete from book", 2),
        ("select 1; delete from book", 2),
        ("select 1) ; delete from book; select (1", 1),
    ] {
        let desk = Desk::set_up();
        let text = format!(
            "[[validation]]\nname = \"a\"\nsource = \"select count(*) from book\"\ntarget = \"{target}\"\n"
        );
        rules(&desk, &text);
        let finished = desk.run("migrate SOURCE TARGET --yes").expect_code(code);
        assert!(
            finished.stderr.contains("validation `a`: target"),
            "{target}: {finished:?}"
        );
        assert_eq!(desk.target().exists(), code == 1, "2 is said when planning");
        if code == 1 {
            let there = Connection::open(desk.target()).unwrap();
            let rows: i64 = there
                .query_row("select count(*) from book", [], |row| row.get(0))
                .unwrap();
            assert_eq!(rows, 0, "{target}");
        }
    }
}

#[test]
fn a_query_that_runs_too_long_is_given_up() {
    let desk = Desk::set_up();
    rules(
        &desk,
        "[[validation]]\nname = \"a\"\nsource = \"select 1\"\ntimeout = 1\n\
         target = \"with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n\"\n",
    );
    desk.run("migrate SOURCE TARGET --yes").expect_code(3);
    let report = file(&desk, "verification_report.md");
    assert!(
        report.contains("Validation rules: 1 NOT CHECKED") && report.contains("longer than 1 second"),
        "{report}"
    );
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_before_anything_happens() {
    for text in [
        "[[validation]]\nname = \"a\"\n",
        "[[validation]]\nname = \"a\"\nquery = \"select 1\"\nsource = \"select 1\"\n",
        "[[validation]]\nname = \"a\"\nsource = \"select 1\"\n",
        "[[validation]]\nname = \"a\"\nquery = \" \"\n",
        "[[validation]]\nname = \"a\"\nquery = \"select 1\"\ntolerance = -1\n",
        "[[validation]]\nname = \"a\"\nquery = \"select 1\"\n[[validation]]\nname = \"a\"\nquery = \"select 1\"\n",
        "[[validation]]\nname = \"a\"\nquery = \"select nothing\"\nwhen = \"before\"\n",
        "[[validation]]\nname = \"a\"\nquery = \"select nothing\"\n",
        "[[validation]]\nname = \"a\"\nquery = \"select 1, 2\"\n",
        "[[validation]]\nname = \"a\"\nof = \"crm\"\nquery = \"select 1\"\n",
    ] {
        let desk = Desk::set_up();
        rules(&desk, text);
        let refused = desk.run("plan SOURCE TARGET").expect_code(2);
        assert!(refused.stderr.starts_with("error: "), "{text}: {refused:?}");
        assert!(!desk.target().exists());
    }
}

/// The statements of a file of queries.
fn statements(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.starts_with("--")).collect();
    let code = code.join("\n");
    code.split(";\n")
        .map(|statement| statement.trim().trim_end_matches(';').to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

fn in_file(connection: &Connection, statement: &str) -> Vec<Option<String>> {
    let mut prepared = connection.prepare(statement).unwrap();
    let count = prepared.column_count();
    prepared
        .query_row([], |row| {
            (0..count)
                .map(|at| {
                    Ok(match row.get_ref(at)? {
                        rusqlite::types::ValueRef::Null => None,
                        rusqlite::types::ValueRef::Integer(number) => Some(number.to_string()),
                        other @ (rusqlite::types::ValueRef::Real(_)
                        | rusqlite::types::ValueRef::Text(_)
                        | rusqlite::types::ValueRef::Blob(_)) => {
                            Some(String::from_utf8_lossy(other.as_bytes().unwrap_or_default()).into_owned())
                        }
                    })
                })
                .collect()
        })
        .unwrap()
}

/// Texts whose bytes, characters and cases differ, NULLs and an empty text.
const TEXTS: &str = "insert into word values (1, 'Čapek'), (2, 'čapek'), (3, 'ČAPEK'), (4, null), (5, ''), (6, '😀'), (7, '😀')";

#[test]
fn the_queries_give_the_same_numbers_in_a_file_and_in_a_server() {
    let Some(database) = postgres::TestDatabase::create("queries") else {
        return;
    };
    let desk = Desk::set_up();
    let source = Connection::open(desk.source.path()).unwrap();
    source
        .execute_batch("create table word (id integer primary key, text varchar(20))")
        .unwrap();
    source.execute_batch(TEXTS).unwrap();
    // Sums that leave 64 bits, and decimals that floating point does not add exactly.
    source
        .execute_batch(
            "create table big (id integer primary key, n bigint, d decimal(10,2));
             insert into big values (1, 9223372036854775807, 0.1), (2, 9223372036854775806, 0.2), (3, -1999999999, 0.3), (4, null, null)",
        )
        .unwrap();
    desk.run(&format!("migrate SOURCE {} --yes", database.url()))
        .expect_code(0);
    let ours = statements(&file(&desk, "verification_queries_source.sql"));
    let theirs = statements(&file(&desk, "verification_queries_target.sql"));
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() >= 6, "{ours:?}");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(
            vec![in_file(&source, ours)],
            database.query_text(theirs),
            "{ours}\n{theirs}"
        );
    }
}

#[test]
fn a_sum_of_money_is_a_number() {
    let source = postgres::TestDatabase::create("money");
    let target = mysql::TestDatabase::create(mysql::Flavour::MariaDb, "money");
    let (Some(source), Some(target)) = (source, target) else {
        return;
    };
    source.execute("create table till (id int primary key, cash money)");
    source.execute("insert into till values (1, 1234.5), (2, -0.01), (3, null)");
    let desk = Desk::set_up();
    desk.run(&format!(
        "migrate {} {} --yes --accept-suggested",
        source.url(),
        target.url()
    ))
    .expect_code(0);
    let numbers = |rows: Vec<Vec<Option<String>>>| -> Vec<String> {
        let plain = |value: String| value.trim_end_matches('0').trim_end_matches('.').to_owned();
        rows.into_iter().flatten().flatten().map(plain).collect()
    };
    let ours = statements(&file(&desk, "verification_queries_source.sql"));
    let theirs = statements(&file(&desk, "verification_queries_target.sql"));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(
            numbers(source.query_text(ours)),
            numbers(target.query_text(theirs)),
            "{ours}"
        );
    }
    assert!(ours.iter().any(|sql| sql.contains("sum_cash")), "{ours:?}");
}

#[test]
fn hashes_are_the_same_numbers_in_two_kinds_of_servers_and_rules_cannot_write_there() {
    for flavour in mysql::Flavour::ALL {
        let source = mysql::TestDatabase::create(flavour, "queries");
        let target = postgres::TestDatabase::create("queries_target");
        let (Some(source), Some(target)) = (source, target) else {
            continue;
        };
        source.execute(
            "create table word (id int primary key, text varchar(20) character set utf8mb4) default charset utf8mb4",
        );
        source.execute(TEXTS);
        let desk = Desk::set_up();
        let text = "[[validation]]\nname = \"words\"\nquery = \"select count(*) from word\"\n".to_owned();
        rules(&desk, &text);
        let line = format!("migrate {} {} --yes --json", source.url(), target.url());
        desk.run(&line).expect_code(0);
        let report = file(&desk, "verification_report.md");
        assert!(report.contains("Validation rules: 1 PASS."), "{report}");
        let theirs = statements(&file(&desk, "verification_queries_target.sql"));
        let ours = statements(&file(&desk, "verification_queries_source.sql"));
        assert!(ours.iter().any(|sql| sql.contains("sha2")), "{ours:?}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(
                source.query_text(ours),
                target.query_text(theirs),
                "{ours}\n{theirs}"
            );
        }
        // The tables are there now: what would change them is refused where a plan is made.
        for query in WRITES {
            let write =
                format!("[[validation]]\nname = \"a\"\nsource = \"select 1\"\ntarget = \"{query}\"\n");
            rules(&desk, &write);
            let refused = desk.run(&format!("plan {} {}", source.url(), target.url()));
            assert_eq!(refused.code, Some(2), "{query}: {refused:?}");
        }
        assert_eq!(
            target.query_text("select count(*) from word"),
            [[Some("7".to_owned())]]
        );
    }
}

/// Names that must be quoted, and numbers that other engines keep as text.
const ODD: &str = "create table \"Od\"\"d; -- Ünï\" (\"sel'ect\" int primary key, \"Größe\" numeric(10,2), free numeric, \"text\" text, made timestamp);
    insert into \"Od\"\"d; -- Ünï\" values (1, 1.10, 1.10, 'a', '2024-01-01'), (2, 1.1, 1.1, 'A', null), (3, null, 'NaN', 'ä', '2024-01-01'), (4, -0.5, 1e30, null, 'infinity')";

#[test]
fn odd_names_and_numbers_are_asked_for_alike_in_every_server() {
    let Some(source) = postgres::TestDatabase::create("odd_queries") else {
        return;
    };
    source.execute(ODD);
    let both = |desk: &Desk, target: &str| {
        desk.run(&format!(
            "migrate {} {target} --yes --accept-suggested",
            source.url()
        ))
        .expect_code(0);
        let side = |name: &str| statements(&file(desk, name));
        let (ours, theirs) = (
            side("verification_queries_source.sql"),
            side("verification_queries_target.sql"),
        );
        assert_eq!(ours.len(), theirs.len());
        (ours, theirs)
    };
    if let Some(target) = postgres::TestDatabase::create("odd_queries_alike") {
        let (ours, theirs) = both(&Desk::set_up(), target.url());
        let all = ours.join("\n");
        for asked in ["sum_Größe", "sum_free", "hashes_text", "unique_made"] {
            assert!(all.contains(asked), "{asked}: {all}");
        }
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(
                source.query_text(ours),
                target.query_text(theirs),
                "{ours}\n{theirs}"
            );
        }
    }
    source.execute("update \"Od\"\"d; -- Ünï\" set made = null where made = 'infinity'");
    for flavour in mysql::Flavour::ALL {
        let Some(target) = mysql::TestDatabase::create(flavour, "odd_queries") else {
            continue;
        };
        let (ours, theirs) = both(&Desk::set_up(), target.url());
        let all = ours.join("\n");
        assert!(all.contains("sum_Größe") && all.contains("null_free"), "{all}");
        assert!(!all.contains("sum_free") && !all.contains("unique_free"), "{all}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(
                source.query_text(ours),
                target.query_text(theirs),
                "{ours}\n{theirs}"
            );
        }
    }
}

/// What would change a database.
const WRITES: [&str; 6] = [
    "delete from word",
    "select id from word; delete from word",
    "drop table word",
    "set @a = 1",
    "update word set text = 'x' where id = 1",
    "insert into word values (100, 'x')",
];

/// Refused where the plan is made, and nothing happened.
fn check_refused(desk: &Desk, source: &str, query: &str) {
    for when in ["before", "after"] {
        let text = format!("[[validation]]\nname = \"a\"\nquery = \"{query}\"\nwhen = \"{when}\"\n");
        rules(desk, &text);
        let refused = desk.run(&format!("plan {source} TARGET"));
        // What only running it tells is not known with `after`.
        let expected = if when == "before" || refused.code != Some(0) {
            2
        } else {
            0
        };
        refused.expect_code(expected);
    }
}

#[test]
fn a_rule_cannot_change_a_source() {
    for flavour in mysql::Flavour::ALL {
        let Some(source) = mysql::TestDatabase::create(flavour, "rule_source") else {
            continue;
        };
        source.execute("create table word (id int primary key, text varchar(20))");
        source.execute("insert into word values (1, 'a')");
        source.execute("create table log (a int) engine = MyISAM");
        source.execute("create function writes() returns int deterministic modifies sql data begin insert into log values (1); insert into word values (2, 'b'); return 1; end");
        let desk = Desk::set_up();
        for query in WRITES
            .iter()
            .copied()
            .chain(["select writes()", "select id from word for update"])
        {
            check_refused(&desk, source.url(), query);
        }
        let rows = source.query_text("select (select count(*) from word), (select count(*) from log)");
        assert_eq!(
            rows,
            [[Some("1".to_owned()), Some("0".to_owned())]],
            "{flavour:?}"
        );
    }
    let Some(source) = postgres::TestDatabase::create("rule_source") else {
        return;
    };
    source.execute(
        "create table word (id int primary key, text text); insert into word values (1, 'a'); create sequence s;
         create function writes() returns int language plpgsql as $$ begin
            set transaction_read_only to off; insert into word values (2, 'b'); return 1; end $$;",
    );
    let desk = Desk::set_up();
    for query in WRITES.iter().copied().chain([
        "select writes()",
        "select nextval('s')",
        "select setval('s', 9)",
        "with gone as (delete from word returning id) select count(*) from gone",
        "select id into other from word",
    ]) {
        check_refused(&desk, source.url(), query);
    }
    let rows = source.query_text("select (select count(*) from word), (select is_called::text from s)");
    assert_eq!(rows, [[Some("1".to_owned()), Some("false".to_owned())]]);
}

#[test]
fn a_rule_says_which_of_several_sources_answers() {
    let desk = Desk::set_up();
    let other = desk.folder().join("crm.db");
    Connection::open(&other)
        .unwrap()
        .execute_batch("create table client (id integer primary key); insert into client values (1), (2)")
        .unwrap();
    let sources = format!(
        "[[source]]\nname = \"crm\"\nurl = \"sqlite:{}\"\n[[source]]\nname = \"shop\"\nurl = \"sqlite:{}\"\n",
        other.display(),
        desk.source.path().display()
    );
    let rule = |of: &str| {
        format!(
            "{sources}[[validation]]\nname = \"clients\"\n{of}\nsource = \"select count(*) from client\"\ntarget = \"select 2\"\n"
        )
    };
    for (of, hint) in [("", "add `of"), ("of = \"erp\"", "`crm`, `shop`")] {
        rules(&desk, &rule(of));
        let refused = desk.run("plan sources TARGET").expect_code(2);
        assert!(refused.stderr.contains(hint), "{refused:?}");
    }
    for when in ["before", "after"] {
        rules(&desk, &rule(&format!("of = \"crm\"\nwhen = \"{when}\"")));
        desk.run("plan sources TARGET").expect_code(0);
    }
    desk.run("migrate sources TARGET --yes").expect_code(0);
    let report = file(&desk, "verification_report.md");
    assert!(report.contains("Validation rules: 1 PASS"), "{report}");
}

#[test]
fn the_queries_choose_the_rows_that_the_mapping_chooses() {
    let Some(target) = postgres::TestDatabase::create("mapped_queries") else {
        return;
    };
    let desk = Desk::set_up();
    let source = Connection::open(desk.source.path()).unwrap();
    source
        .execute_batch(
            "create table word (id integer primary key, text varchar(20) collate nocase, made date);
             insert into word values (1, 'lem', '2020-01-01'), (2, 'LEM', '2021-01-01'), (3, 'it''s', '2022-01-01'), (4, null, null);
             create table writer (id integer primary key, name text not null);
             insert into writer values (11, 'Capek'), (12, 'Lem'), (13, 'Dick')",
        )
        .unwrap();
    rules(
        &desk,
        "[[table]]\nfrom = \"word\"\nwhere = \"text = 'lem' or text in ('it''s', 'x') and not (id between 7 and 9)\"\n\
         [[table]]\nfrom = \"book\"\nto = \"cheap\"\nwhere = \"price < 2\"\n\
         [[table]]\nfrom = \"book\"\nto = \"nameless\"\nwhere = \"price is null or lower(title) = 'x'\"\n\
         [[table]]\nfrom = [\"author\", \"writer\"]\nto = \"people\"\nkey = [\"id\"]\n",
    );
    desk.run(&format!(
        "migrate SOURCE {} --yes --accept-suggested",
        target.url()
    ))
    .expect_code(0);
    let (ours, theirs) = (
        file(&desk, "verification_queries_source.sql"),
        file(&desk, "verification_queries_target.sql"),
    );
    assert!(
        ours.contains("-- not asked: the mapping chooses its rows by price is null or lower(title) = 'x'"),
        "{ours}"
    );
    let (ours, theirs) = (statements(&ours), statements(&theirs));
    assert_eq!(ours.len(), theirs.len());
    let mut totals = Vec::new();
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let answer = in_file(&source, ours);
        assert_eq!(
            vec![answer.clone()],
            target.query_text(theirs),
            "{ours}\n{theirs}"
        );
        if ours.contains("total_records") {
            totals.push(answer);
        }
    }
    for (table, rows) in [("word", "2"), ("cheap", "2"), ("people", "5")] {
        let told = totals
            .iter()
            .find(|total| total[0].as_ref().is_some_and(|name| name.ends_with(table)));
        assert_eq!(told.unwrap()[1].as_deref(), Some(rows), "{table}: {totals:?}");
    }
}
