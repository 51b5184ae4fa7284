//! Tables that become one: what all of them have stays, what only some have is named, and equal keys are noticed before anything runs.

use whimbrel_testkit::{postgres, sqlite};

use crate::bench::{Desk, joined};

const STAFF: &str = "
CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE staff (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL CHECK (name <> ''), mail TEXT UNIQUE,
    level INTEGER NOT NULL DEFAULT 3, pay DECIMAL(8,2) NOT NULL DEFAULT 0, room_id INTEGER REFERENCES rooms(id));
CREATE INDEX staff_by_level ON staff(level);
CREATE TABLE guests (nr INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL CHECK (name <> ''), mail TEXT UNIQUE,
    level INTEGER NOT NULL DEFAULT 3, pay INTEGER NOT NULL DEFAULT 1, room_id INTEGER REFERENCES rooms(id), CHECK (pay >= 0));
INSERT INTO rooms VALUES (1,'North');
INSERT INTO staff VALUES (1,'Ann','a@x',1,10.50,1),(2,'Bo',NULL,2,20,NULL);
INSERT INTO guests VALUES (101,'Cy','c@x',3,7,1),(150,'Di',NULL,3,0,NULL);
DELETE FROM guests WHERE nr = 150;
";

const PEOPLE: &str = "[[table]]\nfrom = \"staff\"\nto = \"people\"\n\
    [[table]]\nfrom = \"guests\"\nto = \"people\"\nrename = { nr = \"id\" }\n";

#[test]
fn what_all_merged_tables_have_stays_and_the_rest_is_named() {
    let source = sqlite::TestFile::create("mapping_shared", STAFF);
    let Some(target) = postgres::TestDatabase::create("mapping_shared") else {
        return;
    };
    let desk = Desk::with(PEOPLE);
    let id = desk.moved(&source.url(), target.url());
    assert_eq!(
        joined(target.query_text("SELECT id, name, mail, level, pay, room_id FROM people ORDER BY id")),
        ["1|Ann|a@x|1|10.50|1", "2|Bo|-|2|20.00|-", "101|Cy|c@x|3|7.00|1"]
    );
    desk.run(&["verify", &id, "--source", &source.url(), "--target", target.url()])
        .expect_code(0);
    let kept = "SELECT count(*) FILTER (WHERE contype = 'p'), count(*) FILTER (WHERE contype = 'u'), \
        count(*) FILTER (WHERE contype = 'c'), count(*) FILTER (WHERE contype = 'f'), \
        (SELECT count(*) FROM pg_indexes WHERE indexname = 'staff_by_level') FROM pg_constraint WHERE conrelid = 'people'::regclass";
    assert_eq!(joined(target.query_text(kept)), ["1|1|1|1|1"]);
    assert_eq!(
        joined(target.query_text("INSERT INTO people (name, pay) VALUES ('Eva', 1) RETURNING id, level")),
        ["151|3"],
        "numbers go on behind the greatest of both tables, and the default of both holds"
    );
    let plan = desk.plan_text();
    for said in [
        "the default 0 of `people.pay` stays behind: not all of the merged tables have it",
        "pay >= 0` stays behind: not all of the merged tables have it",
    ] {
        assert!(plan.contains(said), "`{said}` is not in {plan}");
    }
}

#[test]
fn keys_that_meet_are_a_decision_before_anything_runs() {
    let source = sqlite::TestFile::create(
        "mapping_meet",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE b (id INTEGER PRIMARY KEY, name TEXT);
         INSERT INTO a VALUES (1,'x'),(2,'y'); INSERT INTO b VALUES (2,'z'),(3,'w');",
    );
    let target = sqlite::TestFile::create("mapping_meet_target", "");
    let desk = Desk::with("[[table]]\nfrom = [\"a\", \"b\"]\nto = \"both\"\n");
    let planned = desk.run(&["plan", &source.url(), &target.url()]);
    for said in ["duplicates:both", "need", "id=2"] {
        assert!(
            planned.stdout.contains(said),
            "`{said}` is not in {}",
            planned.stdout
        );
    }
}

#[test]
fn rows_that_refer_to_a_row_that_stays_behind_are_counted_before_anything_runs() {
    let source = sqlite::TestFile::create(
        "mapping_orphans",
        "CREATE TABLE owners (id INTEGER PRIMARY KEY, gone INTEGER NOT NULL);
         CREATE TABLE pets (id INTEGER PRIMARY KEY, owner_id INTEGER REFERENCES owners(id));
         INSERT INTO owners VALUES (1,0),(2,1),(3,1); INSERT INTO pets VALUES (1,1),(2,2),(3,3),(4,NULL),(5,2);",
    );
    let Some(target) = postgres::TestDatabase::create("mapping_orphans") else {
        return;
    };
    let desk = Desk::with("[[table]]\nfrom = \"owners\"\nwhere = \"gone = 0\"\n");
    let planned = desk.run(&["plan", &source.url(), target.url()]);
    for said in ["does not exist: 3", "owner_id=2"] {
        assert!(
            planned.stdout.contains(said),
            "`{said}` is not in {}",
            planned.stdout
        );
    }
    let both = Desk::with(
        "[[table]]\nfrom = \"owners\"\nwhere = \"gone = 0\"\n[[table]]\nfrom = \"pets\"\nwhere = \"owner_id = 1\"\n",
    );
    let planned = both.run(&["plan", &source.url(), target.url()]);
    assert!(!planned.stdout.contains("does not exist"), "{}", planned.stdout);
    both.moved(&source.url(), target.url());
    assert_eq!(
        joined(target.query_text("SELECT count(*), (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated) FROM pets")),
        ["1|1"]
    );
}

#[test]
fn references_that_a_merge_makes_unclear_are_counted_with_what_to_write() {
    let make = |name: &str, second: i64| {
        let sql = format!(
            "PRAGMA foreign_keys = off; CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY);
             CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES a(id));
             INSERT INTO a VALUES (1),(2); INSERT INTO b VALUES ({second}),(9); INSERT INTO pets VALUES (1,1),(2,2),(3,NULL),(4,7);"
        );
        sqlite::TestFile::create(name, &sql)
    };
    let target = sqlite::TestFile::create("mapping_unkeyed_target", "");
    let rule = "[[table]]\nfrom = [\"a\", \"b\"]\nto = \"both\"\n";
    let planned = |source: &sqlite::TestFile, more: &str| {
        let desk = Desk::with(&format!("{rule}{more}"));
        let planned = desk.run(&["plan", &source.url(), &target.url(), "--accept-suggested"]);
        assert_eq!(planned.code, Some(0), "{}", planned.stderr);
        desk.plan_text()
    };
    let meeting = make("mapping_unkeyed", 1);
    let text = planned(&meeting, "source_column = \"origin\"\n");
    for said in [
        "`both` has no key of (id): the rows that are merged there are told apart by (origin, id)",
        "rows of `pets` that refer by it: 1 to one row, 1 to any of several, 1 to none",
        "owner=1",
        "with compute = { owner_origin = \"'a'\" }",
    ] {
        assert!(text.contains(said), "`{said}` is not in {text}");
    }
    // What was said can be written: the rows say which one they mean.
    let more =
        "source_column = \"origin\"\n[[table]]\nfrom = [\"pets\"]\ncompute = { owner_origin = \"'a'\" }\n";
    Desk::with(&format!("{rule}{more}")).moved(&meeting.url(), &target.url());
    assert_eq!(
        joined(target.query_text(
            "SELECT pets.id, both.origin FROM pets JOIN both ON (both.origin, both.id) = (owner_origin, owner) ORDER BY 1"
        )),
        ["1|a", "2|a"]
    );
    let apart = make("mapping_unkeyed_apart", 8);
    let text = planned(&apart, "source_column = \"origin\"\n");
    assert!(
        text.contains("no value of (id) occurs twice in `both`: write key = "),
        "{text}"
    );
    let text = planned(&apart, "source_column = \"origin\"\nkey = [\"id\"]\n");
    assert!(!text.contains("has no key of"), "{text}");
}

#[test]
fn keys_between_merged_tables_refer_by_the_source_too() {
    let of = |name: &str, city: &str| {
        let sql = format!(
            "CREATE TABLE clients (id INTEGER PRIMARY KEY, city TEXT); CREATE TABLE bills (id INTEGER PRIMARY KEY, client INTEGER REFERENCES clients(id));
             INSERT INTO clients VALUES (1,'{city}'),(2,'{city}'); INSERT INTO bills VALUES (1,1),(2,2),(3,NULL);"
        );
        sqlite::TestFile::create(name, &sql)
    };
    let (one, two) = (of("mapping_wide_one", "Oslo"), of("mapping_wide_two", "Bergen"));
    let Some(target) = postgres::TestDatabase::create("mapping_wide") else {
        return;
    };
    let desk = Desk::with(&format!(
        "[[source]]\nname = \"one\"\nurl = \"{}\"\n[[source]]\nname = \"two\"\nurl = \"{}\"\n\
         [[table]]\nfrom = [\"one.clients\", \"two.clients\"]\nto = \"public.clients\"\nsource_column = \"origin\"\n\
         [[table]]\nfrom = [\"one.bills\", \"two.bills\"]\nto = \"public.bills\"\nsource_column = \"origin\"\n",
        one.url(),
        two.url()
    ));
    desk.moved("sources", target.url());
    let text = desk.plan_text();
    assert!(
        text.contains("refers by (origin, client) to (origin, id) of `public.clients`"),
        "{text}"
    );
    assert_eq!(
        joined(target.query_text(
            "SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE contype = 'f'"
        )),
        ["FOREIGN KEY (origin, client) REFERENCES clients(origin, id)|t"]
    );
}

#[test]
fn equal_keys_of_sources_that_become_one_table_say_how_both_rows_stay() {
    let make = |name| {
        sqlite::TestFile::create(
            name,
            "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1);",
        )
    };
    let (one, two) = (make("mapping_equal_one"), make("mapping_equal_two"));
    let target = sqlite::TestFile::create("mapping_equal_target", "");
    let sources = format!(
        "[[source]]\nname = \"one\"\nurl = \"{}\"\n[[source]]\nname = \"two\"\nurl = \"{}\"\n",
        one.url(),
        two.url()
    );
    // Without a mapping each table has its source before its name.
    let desk = Desk::with(&sources);
    desk.moved("sources", &target.url());
    assert_eq!(
        joined(target.query_text("SELECT one_people.id, two_people.id FROM one_people, two_people")),
        ["1|1"]
    );
    let target = sqlite::TestFile::create("mapping_equal_merged", "");
    let rule = "[[table]]\nfrom = [\"one.people\", \"two.people\"]\nto = \"main.people\"\n";
    let planned = Desk::with(&format!("{sources}{rule}")).run(&["plan", "sources", &target.url()]);
    for said in [
        "values of `main.people` (id) that occur more than once",
        "write source_column = \"origin\" in every rule that leads from",
    ] {
        assert!(
            planned.stdout.contains(said),
            "`{said}` is not in {}",
            planned.stdout
        );
    }
    Desk::with(&format!("{sources}{rule}source_column = \"origin\"\n")).moved("sources", &target.url());
    assert_eq!(
        joined(target.query_text("SELECT origin, id FROM people ORDER BY 1")),
        ["one|1", "two|1"]
    );
}

#[test]
fn types_that_lose_nothing_are_put_together_and_others_show_what_to_write() {
    let source = postgres::TestDatabase::create("mapping_types");
    let target = postgres::TestDatabase::create("mapping_types_one");
    let (Some(source), Some(target)) = (source, target) else {
        return;
    };
    source.execute(
        "CREATE TABLE a (id int PRIMARY KEY, n int, m bigint, f int, day date, code uuid, doc json, raw bytea, ref uuid, at time);
         CREATE TABLE b (id int PRIMARY KEY, n numeric(6,2), m numeric, f float8, day timestamp(3), code text, doc text);
         INSERT INTO a VALUES (1, 7, 9007199254740993, 3, '2024-02-29', '00000000-0000-0000-0000-00000000000a', '{\"a\": 1}', '\\x00ff', '00000000-0000-0000-0000-00000000000b', '12:00:01');
         INSERT INTO b VALUES (2, 1.25, 0.000000000000000000000001, 0.5, '2024-03-01 10:00:00.123', 'none', 'no json');",
    );
    let desk = Desk::with("[[table]]\nfrom = [\"a\", \"b\"]\nto = \"c\"\n");
    desk.moved(source.url(), target.url());
    assert_eq!(
        joined(target.query_text(
            "SELECT id, n, m, f, day, code, doc, encode(raw, 'hex'), ref, at FROM c ORDER BY id"
        )),
        [
            "1|7.00|9007199254740993|3|2024-02-29 00:00:00|00000000-0000-0000-0000-00000000000a|{\"a\": 1}|00ff|00000000-0000-0000-0000-00000000000b|12:00:01",
            "2|1.25|0.000000000000000000000001|0.5|2024-03-01 10:00:00.123|none|no json|-|-|-",
        ]
    );
    source.execute(
        "CREATE TABLE d (id int PRIMARY KEY, day timestamptz, n boolean, code timestamptz);
         ALTER TABLE a ALTER code TYPE text",
    );
    for (columns, said) in [
        (
            "\"id\", \"code\"",
            "in the rule for `public.a`: compute = { code = 'CAST(\"code\" AS timestamptz)' }",
        ),
        (
            "\"id\", \"day\"",
            "in the rule for `public.d`: compute = { day = 'CAST(\"day\" AS timestamp)' }",
        ),
        (
            "\"id\", \"n\"",
            "in the rule for `public.a`: compute = { n = '\"n\" <> 0' }",
        ),
    ] {
        let refused = Desk::with(&format!(
            "[[table]]\nfrom = [\"a\", \"d\"]\nto = \"e\"\ncolumns = [{columns}]\n"
        ))
        .run(&["plan", source.url(), target.url()]);
        assert!(matches!(refused.code, Some(1 | 2)), "{}", refused.stderr);
        assert!(
            refused.stderr.contains(said),
            "`{said}` is not in {}",
            refused.stderr
        );
    }
}

#[test]
fn a_part_without_a_column_of_the_key_is_refused_when_it_is_planned() {
    let source = sqlite::TestFile::create("mapping_keyless", STAFF);
    let target = sqlite::TestFile::create("mapping_keyless_target", "");
    for (settings, said, hint) in [
        (
            PEOPLE.replace("rename = { nr = \"id\" }\n", ""),
            "needs `id`, which `guests` does not give",
            "rename = { COLUMN = \"id\" }",
        ),
        (
            format!("{PEOPLE}source_column = \"origin\"\n"),
            "needs `origin`, which `staff` does not give",
            "source_column = \"origin\"",
        ),
    ] {
        let refused = Desk::with(&settings).run(&["plan", &source.url(), &target.url()]);
        assert!(
            matches!(refused.code, Some(1 | 2)),
            "{settings}: {}",
            refused.stderr
        );
        for said in [said, hint] {
            assert!(refused.stderr.contains(said), "{settings}: {}", refused.stderr);
        }
    }
}

#[test]
fn a_key_of_texts_that_one_part_calls_equal_and_another_does_not_keeps_them_apart() {
    let source = sqlite::TestFile::create(
        "mapping_nocase",
        "CREATE TABLE a (id TEXT PRIMARY KEY COLLATE nocase, mood TEXT); CREATE TABLE b (id TEXT PRIMARY KEY, mood TEXT);
         INSERT INTO a VALUES ('lem','x'); INSERT INTO b VALUES ('LEM','y'),('Lem','z');",
    );
    let target = sqlite::TestFile::create("mapping_nocase_target", "");
    let desk = Desk::with("[[table]]\nfrom = [\"a\", \"b\"]\nto = \"c\"\n");
    desk.moved(&source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT id FROM c ORDER BY mood")),
        ["lem", "LEM", "Lem"]
    );
}

#[test]
fn what_becomes_of_merged_columns_is_said_by_their_form() {
    let Some(source) = postgres::TestDatabase::create("mapping_moods") else {
        return;
    };
    let target = sqlite::TestFile::create("mapping_moods_target", "");
    source.execute(
        "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TYPE state AS ENUM ('new', 'old');
         CREATE TABLE a (id int PRIMARY KEY, m mood, at timestamptz); CREATE TABLE b (id int PRIMARY KEY, m state, at timestamptz);
         INSERT INTO a VALUES (1, 'glad', now()); INSERT INTO b VALUES (2, 'old', now());",
    );
    let desk = Desk::with("[[table]]\nfrom = [\"a\", \"b\"]\nto = \"c\"\n");
    desk.moved(source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT m FROM c ORDER BY id")),
        ["glad", "old"]
    );
    let plan = desk.plan_text();
    assert!(!plan.contains("no declared type"), "{plan}");
}

#[test]
fn texts_that_the_target_calls_equal_meet_in_a_key_and_find_the_row_they_refer_to() {
    let source = sqlite::TestFile::create(
        "mapping_equal_texts",
        "CREATE TABLE a (id TEXT PRIMARY KEY NOT NULL COLLATE nocase); CREATE TABLE b (id TEXT PRIMARY KEY NOT NULL COLLATE nocase);
         CREATE TABLE uses (id INTEGER PRIMARY KEY, a TEXT COLLATE nocase REFERENCES a(id));
         INSERT INTO a VALUES ('lem'),('capek'); INSERT INTO b VALUES ('LEM'),('dick'); INSERT INTO uses VALUES (1,'Capek');",
    );
    let target = sqlite::TestFile::create("mapping_equal_texts_target", "");
    let plan = |settings: &str| {
        let desk = Desk::with(settings);
        desk.run(&["plan", &source.url(), &target.url()]).expect_code(0);
        desk.plan_text()
    };
    let text = plan("[[table]]\nfrom = [\"a\", \"b\"]\nto = \"c\"\n");
    assert!(text.contains("occur more than once"), "{text}");
    // `Capek` finds `capek`, which the filter leaves in.
    let text = plan("[[table]]\nfrom = \"a\"\nwhere = \"id <> 'lem'\"\n");
    assert!(!text.contains("does not exist: 1"), "{text}");
    let text = plan("[[table]]\nfrom = \"a\"\nwhere = \"id = 'lem'\"\n");
    assert!(text.contains("does not exist: 1"), "{text}");
}

#[test]
fn null_in_a_key_that_the_mapping_makes_is_refused_when_it_is_planned() {
    let source = sqlite::TestFile::create(
        "mapping_null_key",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, code TEXT); CREATE TABLE b (id INTEGER, code TEXT);
         INSERT INTO a VALUES (1,'x'),(2,NULL); INSERT INTO b VALUES (3,'y'),(NULL,'z');",
    );
    let target = sqlite::TestFile::create("mapping_null_key_target", "");
    for (settings, said) in [
        ("[[table]]\nfrom = [\"a\", \"b\"]\nto = \"c\"\n", "`id`"),
        ("[[table]]\nfrom = \"a\"\nkey = [\"code\"]\n", "`code`"),
    ] {
        let desk = Desk::with(settings);
        let refused = desk.run(&["plan", &source.url(), &target.url(), "--accept-suggested"]);
        assert_ne!(refused.code, Some(0), "{settings}: {}", refused.stdout);
        let said = format!("makes {said} a part of the key");
        assert!(
            desk.plan_text().contains(&said),
            "{settings}: {}",
            desk.plan_text()
        );
    }
    // A column that the new key leaves without the one that numbers it in this engine keeps its values.
    let mended = "[[table]]\nfrom = \"a\"\nkey = [\"code\"]\ndefault = { code = \"'none'\" }\n";
    Desk::with(mended).moved(&source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT id, code FROM a ORDER BY id")),
        ["1|x", "2|none"]
    );
}

#[test]
fn blanks_that_fill_up_a_text_do_not_become_part_of_a_merged_one() {
    let Some(source) = postgres::TestDatabase::create("mapping_blanks") else {
        return;
    };
    source.execute(
        "CREATE TABLE a (code char(5) PRIMARY KEY); INSERT INTO a VALUES ('ab'), ('');
         CREATE TABLE b (code varchar(8) PRIMARY KEY); INSERT INTO b VALUES ('zz ');
         CREATE TABLE c (code char(5)); INSERT INTO c VALUES ('ab')",
    );
    let target = sqlite::TestFile::create("mapping_blanks_target", "");
    let desk = Desk::with(
        "[[table]]\nfrom = [\"a\", \"b\"]\nto = \"main.codes\"\n\
         [[table]]\nfrom = \"c\"\nto = \"main.filled\"\n[[table]]\nfrom = \"a\"\nto = \"main.filled\"\n",
    );
    desk.moved(source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT '<' || code || '>' FROM codes ORDER BY code")),
        ["<>", "<ab>", "<zz >"]
    );
    // Where all parts are filled up to one length, that stays the type.
    assert_eq!(
        joined(target.query_text("SELECT '<' || code || '>' FROM filled ORDER BY code")),
        ["<     >", "<ab   >", "<ab   >"]
    );
}
