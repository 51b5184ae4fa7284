//! What cannot follow a mapping is named before anything runs, and the run ends well without it.

use whimbrel_testkit::{mysql, postgres, sqlite};

use crate::bench::{Desk, joined};

const CALLS: &str = "
CREATE TABLE helper (id integer PRIMARY KEY, v integer);
INSERT INTO helper VALUES (1, 1);
CREATE FUNCTION twice(i integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT i * 2';
CREATE FUNCTION next_one() RETURNS integer LANGUAGE sql AS 'SELECT max(v) + 1 FROM helper';
CREATE FUNCTION next_two() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT max(v) + 2 FROM helper; END;
CREATE TABLE things (id integer PRIMARY KEY, a integer DEFAULT next_one(), b integer GENERATED ALWAYS AS (twice(id)) STORED, name text, born text);
CREATE FUNCTION shown(things) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1.name || $1.id';
CREATE INDEX things_shown ON things (shown(things));
CREATE VIEW loud AS SELECT id, upper(born) AS born FROM things;
CREATE VIEW names AS SELECT id, name FROM things;
CREATE FUNCTION ages() RETURNS text LANGUAGE sql AS 'SELECT max(substr(born, 1, 4)) FROM things';
INSERT INTO things (id, a, name, born) VALUES (1, 5, 'x', '2024-01-01');
";

const RULES: &str = "
[[table]]
from = \"helper\"
to = \"low\"
where = \"v < 5\"
[[table]]
from = \"helper\"
to = \"high\"
where = \"v >= 5\"
[[table]]
from = \"things\"
types = { born = \"date\" }
";

#[test]
fn what_calls_a_function_that_stays_behind_or_needs_another_kind_is_a_decision() {
    let (Some(source), Some(target)) = (
        postgres::TestDatabase::create("mapping_behind"),
        postgres::TestDatabase::create("mapping_behind_target"),
    ) else {
        return;
    };
    source.execute(CALLS);
    let desk = Desk::with(RULES);
    desk.moved(source.url(), target.url());
    let plan = desk.plan_text();
    for said in [
        "function `public.next_one()` may not do any more what it did: the mapping splits or merges `public.helper`",
        "function `public.next_two()` is not moved: it needs `public.helper`, which the mapping splits or merges",
        "`public.shown(public.things)` is made only after the tables, as it needs `public.things`",
        "the view `public.loud` cannot be carried over: the mapping changes the kind of `public.things.born`: text becomes date",
        "function `public.ages()` may not do any more what it did",
    ] {
        assert!(plan.contains(said), "{said} is missing in\n{plan}");
    }
    assert_eq!(
        joined(target.query_text("SELECT id, a, b, born FROM things JOIN names USING (id)")),
        ["1|5|2|2024-01-01"]
    );
}

#[test]
fn what_only_the_definition_of_a_table_says_is_named_when_it_is_made_anew() {
    let source = sqlite::TestFile::create(
        "mapping_anew",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, u TEXT UNIQUE ON CONFLICT REPLACE, v INT, g INT GENERATED ALWAYS AS (v * 2) STORED);
         CREATE TABLE b (id INTEGER PRIMARY KEY, u TEXT UNIQUE, v INT, g INT GENERATED ALWAYS AS (v * 2) STORED);
         CREATE TABLE c (k TEXT PRIMARY KEY, v INT) WITHOUT ROWID;
         CREATE TRIGGER a_insert AFTER INSERT ON a BEGIN UPDATE a SET v = 1 WHERE 0; END;
         INSERT INTO a (id, u, v) VALUES (1, 'x', 1);
         INSERT INTO b (id, u, v) VALUES (2, 'y', 2);
         INSERT INTO c VALUES ('k', 3);",
    );
    let target = sqlite::TestFile::create("mapping_anew_target", "");
    let desk = Desk::with(
        "[[table]]\nfrom = [\"a\", \"b\"]\nto = \"m\"\n[[table]]\nfrom = \"c\"\nexclude = [\"k\"]\n",
    );
    desk.moved(&source.url(), &target.url());
    let plan = desk.plan_text();
    for said in [
        "ON CONFLICT clauses of `a` stay behind",
        "of `m.g` stays behind: the values of merged tables are copied",
        "trigger `a_insert` is not moved: the mapping splits or merges `a`",
        "`c.without_rowid` stays behind: it has no primary key",
    ] {
        assert!(plan.contains(said), "{said} is missing in\n{plan}");
    }
    assert_eq!(
        joined(target.query_text("SELECT id, g FROM m ORDER BY id")),
        ["1|2", "2|4"]
    );
}

#[test]
fn the_tables_of_a_split_give_numbers_behind_those_of_the_whole() {
    let rules = "[[table]]\nfrom = \"t\"\nto = \"low\"\nwhere = \"v < 5\"\n[[table]]\nfrom = \"t\"\nto = \"high\"\nwhere = \"v >= 5\"\n";
    let plain = sqlite::TestFile::create(
        "mapping_numbers",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (7, 9);",
    );
    let counted = sqlite::TestFile::create(
        "mapping_counters",
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, v INT); INSERT INTO t VALUES (1, 1), (7, 9); DELETE FROM t WHERE id = 7;",
    );
    for (source, next) in [(&plain, "2"), (&counted, "8")] {
        let target = sqlite::TestFile::create("mapping_numbers_target", "");
        Desk::with(rules).moved(&source.url(), &target.url());
        target.execute("INSERT INTO low (v) VALUES (3)");
        assert_eq!(joined(target.query_text("SELECT max(id) FROM low")), [next]);
    }
    let Some(server) = postgres::TestDatabase::create("mapping_numbers_target") else {
        return;
    };
    Desk::with(rules).moved(&counted.url(), server.url());
    server.execute("INSERT INTO low (v) VALUES (3)");
    assert_eq!(joined(server.query_text("SELECT max(id) FROM low")), ["8"]);
    let (Some(identity), Some(serial)) = (
        postgres::TestDatabase::create("mapping_identity"),
        postgres::TestDatabase::create("mapping_serial"),
    ) else {
        return;
    };
    identity.execute("CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v int); INSERT INTO t (v) VALUES (1), (9)");
    serial.execute("CREATE TABLE t (id bigserial PRIMARY KEY, v int); INSERT INTO t (v) VALUES (1), (9)");
    for source in [&identity, &serial] {
        let again = postgres::TestDatabase::create("mapping_numbers_again").unwrap();
        Desk::with(rules).moved(source.url(), again.url());
        again.execute("INSERT INTO low (v) VALUES (3)");
        assert_eq!(joined(again.query_text("SELECT max(id) FROM low")), ["3"]);
        let file = sqlite::TestFile::create("mapping_numbers_file", "");
        Desk::with(rules).moved(source.url(), &file.url());
    }
    let create = |name: &str| mysql::TestDatabase::create(mysql::Flavour::MariaDb, name);
    let (Some(source), Some(target)) = (create("mapping_numbers"), create("mapping_numbers_target")) else {
        return;
    };
    source.execute(
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT); INSERT INTO t (v) VALUES (1), (9)",
    );
    Desk::with(rules).moved(source.url(), target.url());
    target.execute("INSERT INTO low (v) VALUES (3)");
    assert_eq!(joined(target.query_text("SELECT max(id) FROM low")), ["3"]);
}
