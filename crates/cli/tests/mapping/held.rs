//! What a column's type holds besides what its form says: a value that a mapping writes is taken by the target, or refused when it is planned;
//! rows that a mapping fails on are counted before anything runs.

use whimbrel_testkit::{mysql, mysql::Flavour, postgres, sqlite};

use crate::bench::{Desk, joined};

fn filled(column: &str, default: &str) -> Desk {
    Desk::with(&format!(
        "[[table]]\nfrom = \"t\"\ndefault = {{ {column} = \"{default}\" }}\n"
    ))
}

const SERVER: &str = "
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN address AS inet;
CREATE TABLE t (id int PRIMARY KEY, addr inet, net address, list int[], span int4range, moods mood[], clock timetz(0), bits bit(3),
    price money, seen timestamp(0), noon time(0), doc xml, spare inet);
INSERT INTO t (id, spare) VALUES (1, NULL), (2, '10.0.0.7');
";

#[test]
fn a_text_that_only_the_server_can_read_arrives_as_the_server_prints_it() {
    let Some(source) = postgres::TestDatabase::create("held_texts") else {
        return;
    };
    let Some(target) = postgres::TestDatabase::create("held_texts_target") else {
        return;
    };
    source.execute(SERVER);
    Desk::with(
        "[[table]]\nfrom = \"t\"\n[table.default]\naddr = \"spare\"\nnet = \"'10.0.0.1/32'\"\nlist = \"'{1, 2}'\"\n\
         span = \"'[1,5]'\"\nmoods = \"'{sad}'\"\nclock = \"'10:00:00+02'\"\nbits = \"'101'\"\n",
    )
    .moved(source.url(), target.url());
    assert_eq!(
        joined(target.query_text("SELECT format('%s', addr), format('%s', net), list::text, span::text, moods::text, clock::text, bits::text FROM t ORDER BY id")),
        [
            "|10.0.0.1|{1,2}|[1,6)|{sad}|10:00:00+02|101",
            "10.0.0.7|10.0.0.1|{1,2}|[1,6)|{sad}|10:00:00+02|101"
        ]
    );
}

#[test]
fn a_default_that_its_type_does_not_hold_is_refused_when_it_is_planned() {
    let Some(source) = postgres::TestDatabase::create("held_refused") else {
        return;
    };
    let Some(target) = postgres::TestDatabase::create("held_refused_target") else {
        return;
    };
    source.execute(SERVER);
    for (column, default, why) in [
        ("addr", "'nope'", "its database does not take the value"),
        ("net", "'nope'", "its database does not take the value"),
        ("list", "'{1,x}'", "its database does not take the value"),
        ("moods", "'{angry}'", "its database does not take the value"),
        ("doc", "'<a'", "its database does not take the value"),
        (
            "addr",
            "'10.0.0.' || id",
            "cannot be told before the rows are there",
        ),
        ("bits", "'1'", "it has 1 bits; the column has 3"),
        ("price", "1.005", "`1.005` would be"),
        ("seen", "'2024-01-01 10:00:00.7'", "would be rounded"),
        ("noon", "'10:00:00.7'", "would be rounded"),
    ] {
        let refused = filled(column, default).run(&["plan", source.url(), target.url()]);
        assert_eq!(refused.code, Some(2), "{column}: {}", refused.stderr);
        let said = refused.stderr;
        assert!(said.contains(why), "{column}: {said}");
        assert!(said.contains(&format!("t.{column}`")), "{column}: {said}");
        assert!(said.contains("hint: "), "{column}: {said}");
    }
}

const ODD: &str = "
CREATE TABLE t (id int PRIMARY KEY, tiny tinyint, plain int unsigned, sum decimal(5,2) unsigned, real4 float(5,2), short tinytext,
    old varchar(9) CHARACTER SET latin1, raw binary(4), some set('a','b'), noon time, at datetime, stamp timestamp NULL, made year,
    addr inet6, place point, light float, other int);
INSERT INTO t (id, other) VALUES (1, 100), (2, 300), (3, NULL);
";

#[test]
fn numbers_moments_and_texts_beyond_a_type_are_refused_when_they_are_planned() {
    let flavour = Flavour::MariaDb;
    let Some(source) = mysql::TestDatabase::create(flavour, "held_odd") else {
        return;
    };
    let Some(target) = mysql::TestDatabase::create(flavour, "held_odd_target") else {
        return;
    };
    source.execute(ODD);
    let long = format!("'{}'", "x".repeat(256));
    for (column, default, why) in [
        ("tiny", "300", "`300` is out of range: -128 to 127"),
        ("plain", "-1", "`-1` is out of range: 0 to 4294967295"),
        ("sum", "-1.5", "0 is the least"),
        ("real4", "1.239", "`1.239` would be rounded"),
        ("short", long.as_str(), "text has 256 bytes; 255 are the most"),
        ("old", "'語'", "would become"),
        ("raw", "X'0102'", "it has 2 bytes; the column has 4"),
        ("at", "'2024-01-01 10:00:00.7'", "would be rounded"),
        ("stamp", "'1900-01-01 00:00:00'", "is out of range"),
        ("made", "1800", "`1800` is out of range"),
        ("addr", "'nope'", "is no value of its type"),
        (
            "place",
            "'POINT(1 1)'",
            "cannot be told before the rows are there",
        ),
        ("light", "1e39", "is out of range"),
        ("light", "'1e400'", "would become"),
    ] {
        let refused = filled(column, default).run(&["plan", source.url(), target.url()]);
        assert_eq!(refused.code, Some(2), "{column}: {}", refused.stderr);
        let said = refused.stderr;
        assert!(said.contains(why), "{column}: {said}");
        assert!(said.contains("hint: "), "{column}: {said}");
    }
    Desk::with(
        "[[table]]\nfrom = \"t\"\n[table.default]\ntiny = \"127\"\nplain = \"4294967295\"\nsome = \"'b,a'\"\nold = \"'é'\"\n\
         addr = \"'::0001'\"\nmade = \"2024\"\nlight = \"0.1\"\n",
    )
    .moved(source.url(), target.url());
    assert_eq!(
        joined(target.query_text(
            "SELECT tiny, plain, CONCAT(some), HEX(old), CONCAT(addr), CONCAT(made), CONCAT(light) FROM t WHERE id = 1"
        )),
        ["127|4294967295|a,b|E9|::1|2024|0.1"]
    );
}

#[test]
fn rows_of_which_the_type_does_not_hold_the_value_are_counted_before_the_run_names_them() {
    let flavour = Flavour::MariaDb;
    let Some(source) = mysql::TestDatabase::create(flavour, "held_rows") else {
        return;
    };
    let Some(target) = mysql::TestDatabase::create(flavour, "held_rows_target") else {
        return;
    };
    source.execute(ODD);
    let rule = "[[table]]\nfrom = \"t\"\ndefault = { tiny = \"other\" }\n";
    let desk = Desk::with(rule);
    let (_, hash) = desk.planned(source.url(), target.url());
    let page = desk.plan_text();
    assert!(
        page.contains("rows on which the mapping of `t.tiny` fails: 1"),
        "{page}"
    );
    assert!(page.contains("`300` is out of range: -128 to 127"), "{page}");
    desk.run(&[
        "run",
        "--approve",
        &hash,
        "--source",
        source.url(),
        "--target",
        target.url(),
    ])
    .expect_code(1);
    let Some(target) = mysql::TestDatabase::create(flavour, "held_rows_filed") else {
        return;
    };
    let desk = Desk::with(&format!("[policies]\non_reject = \"file\"\n{rule}"));
    let (_, hash) = desk.planned(source.url(), target.url());
    desk.run(&[
        "run",
        "--approve",
        &hash,
        "--source",
        source.url(),
        "--target",
        target.url(),
    ])
    .expect_code(3);
    assert_eq!(
        joined(target.query_text("SELECT id, tiny FROM t ORDER BY id")),
        ["1|100", "3|-"]
    );
}

#[test]
fn a_value_that_the_wanted_type_does_not_hold_is_refused_or_counted() {
    let source = sqlite::TestFile::create(
        "held_wanted",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 5), (2, 300);",
    );
    let Some(target) = mysql::TestDatabase::create(Flavour::MariaDb, "held_wanted") else {
        return;
    };
    let wanted = |rule: &str| Desk::with(&format!("[[table]]\nfrom = \"t\"\n{rule}\n"));
    let refused = wanted("compute = { m = \"300\" }\ntypes = { m = \"tinyint\" }")
        .run(&["plan", &source.url(), target.url()])
        .expect_code(2);
    assert!(
        refused.stderr.contains("the value does not fit `tinyint`"),
        "{}",
        refused.stderr
    );
    let desk = wanted("types = { n = \"tinyint\" }");
    desk.planned(&source.url(), target.url());
    let page = desk.plan_text();
    assert!(
        page.contains("rows on which the mapping of `t.n` fails: 1"),
        "{page}"
    );
}

#[test]
fn a_filter_that_fails_on_a_row_is_in_the_plan_before_the_run_names_it() {
    let source = sqlite::TestFile::create(
        "held_filter",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 5), (2, 0);",
    );
    let target = sqlite::TestFile::create("held_filter_target", "");
    let desk = Desk::with("[[table]]\nfrom = \"t\"\nwhere = \"10 / n > 1\"\n");
    let (_, hash) = desk.planned(&source.url(), &target.url());
    let page = desk.plan_text();
    assert!(page.contains("1 on which a filter fails"), "{page}");
    let failed = desk.run(&["run", "--approve", &hash]).expect_code(1);
    assert!(
        failed.stderr.contains("row `id=2`, where n=0"),
        "{}",
        failed.stderr
    );
}
