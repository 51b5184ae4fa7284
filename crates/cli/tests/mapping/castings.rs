//! `types` in the target's words: values become what the type holds, and a type that cannot be is refused when it is planned.

use whimbrel_testkit::mysql::Flavour;
use whimbrel_testkit::{mysql, postgres, sqlite};

use crate::bench::{Desk, joined};

const WORDS: &str = "
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE words (id int PRIMARY KEY, v text, m mood);
";

#[test]
fn texts_become_values_of_the_types_that_a_person_names() {
    let Some(source) = postgres::TestDatabase::create("mapping_types") else {
        return;
    };
    source.execute(WORDS);
    for (value, wanted, type_name, arrived) in [
        (
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            "uuid",
            "uuid",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        ),
        ("{\"a\":1}", "jsonb", "jsonb", "{\"a\": 1}"),
        ("hex", "bytea", "bytea", "\\x686578"),
        (
            "2024-01-01 10:00:00+02",
            "TIMESTAMPTZ",
            "timestamp with time zone",
            "2024-01-01 08:00:00+00",
        ),
        ("10:11:12", "time", "time without time zone", "10:11:12"),
        ("1.50", "numeric(10, 2)", "numeric(10,2)", "1.50"),
        ("1.5", "decimal", "numeric", "1.5"),
        ("true", "bool", "boolean", "true"),
        ("ok", "mood", "mood", "ok"),
    ] {
        let Some(target) = postgres::TestDatabase::create("mapping_types_target") else {
            return;
        };
        source.execute(&format!(
            "TRUNCATE words; INSERT INTO words VALUES (1, '{value}', NULL)"
        ));
        let desk = Desk::with(&format!(
            "[[table]]\nfrom = \"words\"\ntypes = {{ v = \"{wanted}\" }}\n"
        ));
        desk.moved(source.url(), target.url());
        let query = "SELECT format_type(atttypid, atttypmod), (SELECT v::text FROM words) FROM pg_attribute \
            WHERE attrelid = 'words'::regclass AND attname = 'v'";
        target.execute(&format!(
            "ALTER DATABASE \"{}\" SET timezone = 'UTC'",
            target.name()
        ));
        assert_eq!(
            joined(target.query_text(query)),
            [format!("{type_name}|{arrived}")],
            "{wanted}"
        );
    }
}

#[test]
fn a_type_that_values_cannot_be_turned_into_is_refused_when_it_is_planned() {
    let Some(source) = postgres::TestDatabase::create("mapping_no_types") else {
        return;
    };
    let Some(target) = postgres::TestDatabase::create("mapping_no_types_target") else {
        return;
    };
    source.execute(WORDS);
    for wanted in ["inet", "text[]", "nonsense", "interval"] {
        let desk = Desk::with(&format!(
            "[[table]]\nfrom = \"words\"\ntypes = {{ v = \"{wanted}\" }}\n"
        ));
        let refused = desk.run(&["plan", source.url(), target.url()]);
        assert_ne!(refused.code, Some(0), "{wanted}");
        for said in [
            format!("`{wanted}`"),
            "`public.words.v`".to_owned(),
            "hint: ".to_owned(),
        ] {
            assert!(refused.stderr.contains(&said), "{wanted}: {}", refused.stderr);
        }
    }
}

/// Types of which only the server knows the text, beside one that travels in binary.
const OWN_TEXTS: &str = "
CREATE TYPE pair AS (a int, b text);
CREATE TABLE odd (id int PRIMARY KEY, at timestamptz, price numeric(10,2), nick name, ip inet, list int[], span int4range, mark xml,
    duo pair, cash money);
INSERT INTO odd VALUES (1, '2024-01-01 10:00+00', 1.50, 'Bob', '10.0.0.1', '{1,2}', '[1,5)', '<a/>', '(1,x)', 3),
    (2, 'infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
";

#[test]
fn types_of_which_only_the_server_knows_the_text_take_what_the_mapping_makes() {
    let Some(source) = postgres::TestDatabase::create("mapping_odd") else {
        return;
    };
    source.execute(OWN_TEXTS);
    let cases = [
        (
            "mask = { nick = \"hash\" }",
            "nick <> 'Bob' AND length(nick) = 16",
            "nick IS NULL",
        ),
        (
            "mask = { nick = \"keep_last(1)\" }",
            "nick = '**b'",
            "nick IS NULL",
        ),
        (
            "mask = { ip = \"redact\", list = \"redact\", duo = \"redact\" }",
            "ip IS NULL AND list IS NULL",
            "duo IS NULL",
        ),
        ("default = { nick = \"'none'\" }", "nick = 'Bob'", "nick = 'none'"),
        (
            "default = { ip = \"'127.0.0.1'\", list = \"'{7}'\", span = \"'[3,4)'\" }",
            "ip = '10.0.0.1'",
            "ip = '127.0.0.1' AND list = '{7}' AND span = '[3,4)'",
        ),
        (
            "default = { mark = \"'<b/>'\", duo = \"'(2,y)'\" }",
            "mark::text = '<a/>'",
            "mark::text = '<b/>' AND (duo).b = 'y'",
        ),
    ];
    for (words, first, second) in cases {
        let Some(target) = postgres::TestDatabase::create("mapping_odd_target") else {
            return;
        };
        let desk = Desk::with(&format!("[[table]]\nfrom = \"odd\"\n{words}\n"));
        desk.moved(source.url(), target.url());
        let query = format!(
            "SELECT (SELECT {first} FROM odd WHERE id = 1), (SELECT {second} FROM odd WHERE id = 2),
                (SELECT price = 1.5 AND at = '2024-01-01 10:00+00' FROM odd WHERE id = 1)"
        );
        assert_eq!(joined(target.query_text(&query)), ["t|t|t"], "{words}");
    }
}

#[test]
fn a_mask_that_makes_no_value_of_the_type_is_refused_when_it_is_planned() {
    let Some(source) = postgres::TestDatabase::create("mapping_no_mask") else {
        return;
    };
    let Some(target) = postgres::TestDatabase::create("mapping_no_mask_target") else {
        return;
    };
    source.execute(OWN_TEXTS);
    source.execute("ALTER TABLE odd ADD must inet NOT NULL DEFAULT '10.0.0.1'");
    for (column, mask) in [
        ("ip", "hash"),
        ("list", "keep_last(2)"),
        ("span", "hash"),
        ("mark", "hash"),
        ("must", "redact"),
    ] {
        let desk = Desk::with(&format!(
            "[[table]]\nfrom = \"odd\"\nmask = {{ {column} = \"{mask}\" }}\n"
        ));
        let refused = desk.run(&["plan", source.url(), target.url()]).expect_code(2);
        assert!(
            refused.stderr.contains(&format!("column `{column}`")),
            "{}",
            refused.stderr
        );
        assert!(refused.stderr.contains("hint: "), "{}", refused.stderr);
    }
}

const LOSSY: &str = "
CREATE TABLE sums (id int PRIMARY KEY, amt decimal(12,4), x double, ts datetime(6), tx varchar(20), big bigint, yes int);
INSERT INTO sums VALUES (1, 12.3456, 2.7, '2024-01-01 10:11:12.5', '20.25', 9007199254740993, 5),
    (2, 12.34, 2, '2024-01-01', '20.2', 9007199254740992, 1), (3, NULL, NULL, NULL, '1.50', 7, 0);
";

#[test]
fn a_value_that_a_type_would_change_is_asked_about_and_never_changed_silently() {
    let Some(source) = mysql::TestDatabase::create(Flavour::MariaDb, "mapping_lossy") else {
        return;
    };
    source.execute(LOSSY);
    for (column, wanted, refused, example) in [
        ("amt", "numeric(12,2)", 1, "`12.3456` would become `12.35`"),
        ("x", "integer", 1, "`2.7` would become `3`"),
        ("ts", "date", 1, "would become `2024-01-01"),
        ("ts", "time", 2, "would become `10:11:12.5`"),
        ("tx", "numeric(5,1)", 1, "`20.25` would become `20.3`"),
        ("tx", "numeric(5)", 3, "`20.25` would become `20`"),
        ("tx", "integer", 3, "`20.25`"),
        ("tx", "real", 1, "`20.2` would become"),
        (
            "big",
            "real",
            1,
            "`9007199254740993` would become `9007199254740992`",
        ),
        ("yes", "boolean", 1, "`5` would become `1`"),
    ] {
        let Some(target) = postgres::TestDatabase::create("mapping_lossy_target") else {
            return;
        };
        let desk = Desk::with(&format!(
            "[policies]\non_reject = \"file\"\n[[table]]\nfrom = \"sums\"\ntypes = {{ {column} = \"{wanted}\" }}\n"
        ));
        let planned = desk.run(&["plan", source.url(), target.url(), "--accept-suggested"]);
        let open = format!("open decision type_lossy:sums.{column}");
        let said = &planned.stdout;
        assert!(
            said.contains(&open),
            "{column} as {wanted}: {said}{}",
            planned.stderr
        );
        assert!(
            said.contains(&format!("`: {refused}; ")) && said.contains(example),
            "{column} as {wanted}: {said}"
        );
        let page = desk.plan_text();
        assert!(page.contains("**lossy**"), "{column} as {wanted}: {page}");
    }
}

#[test]
fn the_hint_to_a_type_that_would_change_values_can_be_followed() {
    let source = sqlite::TestFile::create(
        "mapping_hint",
        "CREATE TABLE sums (id INTEGER PRIMARY KEY, amt DECIMAL(12,4)); INSERT INTO sums VALUES (1, 12.3456), (2, 1.5);",
    );
    let target = sqlite::TestFile::create("mapping_hinted", "");
    let rule = "[[table]]\nfrom = \"sums\"\ntypes = { amt = \"numeric(12,2)\" }\n";
    let compute = "compute = { amt = 'CAST(\"amt\" AS decimal(12,2))' }";
    let desk = Desk::with(rule);
    let said = desk.run(&["plan", &source.url(), &target.url()]).stdout;
    assert!(
        said.contains("would be another value as `decimal(12,2)`: 1"),
        "{said}"
    );
    assert!(said.contains(compute), "{said}");
    Desk::with(&format!("{rule}{compute}\n")).moved(&source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT CAST(amt AS REAL) FROM sums ORDER BY id")),
        ["12.35", "1.5"]
    );
}

#[test]
fn values_that_a_persons_own_expression_has_rounded_fit_the_type() {
    let Some(source) = mysql::TestDatabase::create(Flavour::MariaDb, "mapping_rounded") else {
        return;
    };
    let Some(target) = postgres::TestDatabase::create("mapping_rounded_target") else {
        return;
    };
    source.execute(LOSSY);
    let desk = Desk::with(
        "[[table]]\nfrom = \"sums\"\ntypes = { amt = \"numeric(12,2)\", x = \"integer\", ts = \"date\", tx = \"numeric(5,1)\", big = \"numeric(20,4)\" }\n\
         compute = { amt = 'round(amt, 2)', x = 'round(x)', ts = 'CAST(ts AS date)', tx = 'CAST(\"tx\" AS numeric(5,1))' }\n",
    );
    desk.moved(source.url(), target.url());
    assert_eq!(
        joined(target.query_text("SELECT amt, x, ts, tx, big FROM sums ORDER BY id")),
        [
            "12.35|3|2024-01-01|20.3|9007199254740993.0000",
            "12.34|2|2024-01-01|20.2|9007199254740992.0000",
            "-|-|-|1.5|7.0000"
        ]
    );
}

#[test]
fn a_row_whose_value_would_change_is_rejected_and_the_others_arrive() {
    let Some(source) = postgres::TestDatabase::create("mapping_refused") else {
        return;
    };
    let Some(target) = mysql::TestDatabase::create(Flavour::MariaDb, "mapping_refused_target") else {
        return;
    };
    source.execute(
        "CREATE TABLE sums (id int PRIMARY KEY, d numeric);
         INSERT INTO sums VALUES (1, 1.50), (2, 2), (3, NULL);",
    );
    let desk = Desk::with(
        "[policies]\non_reject = \"file\"\n[decisions]\n\"type_lossy:public.sums.d\" = \"reject\"\n\
         [[table]]\nfrom = \"sums\"\ntypes = { d = \"decimal\" }\n",
    );
    let (_, hash) = desk.planned(source.url(), target.url());
    desk.run(&[
        "run",
        "--approve",
        &hash,
        "--target",
        target.url(),
        "--source",
        source.url(),
    ]);
    assert_eq!(
        joined(target.query_text("SELECT id, d FROM sums ORDER BY id")),
        ["2|2", "3|-"]
    );
}

#[test]
fn a_type_goes_by_any_name_that_its_server_knows() {
    let Some(source) = postgres::TestDatabase::create("mapping_synonyms") else {
        return;
    };
    source.execute("CREATE TABLE words (id int PRIMARY KEY, v text); INSERT INTO words VALUES (1, '1')");
    for (wanted, printed) in [
        ("numeric(40,12)", "decimal(40,12)"),
        ("integer", "int(11)"),
        ("boolean", "tinyint(1)"),
        ("double precision", "double"),
        ("character varying(20)", "varchar(20)"),
        ("dec", "decimal(10,0)"),
        ("bit", "bit(1)"),
    ] {
        let Some(target) = mysql::TestDatabase::create(Flavour::MariaDb, "mapping_synonyms_target") else {
            return;
        };
        let desk = Desk::with(&format!(
            "[[table]]\nfrom = \"words\"\ntypes = {{ v = \"{wanted}\" }}\n"
        ));
        desk.moved(source.url(), target.url());
        let query = "SELECT column_type FROM information_schema.columns WHERE table_schema = database() AND table_name = 'words' AND column_name = 'v'";
        assert_eq!(joined(target.query_text(query)), [printed], "{wanted}");
    }
}

#[test]
fn decimals_and_documents_that_a_file_would_change_become_text() {
    let Some(source) = postgres::TestDatabase::create("mapping_held") else {
        return;
    };
    source.execute(
        "CREATE TABLE t (id int PRIMARY KEY, a numeric, b text, j text); INSERT INTO t VALUES (1, 1234567890123456789012345678.5, '2.50', '1.50')",
    );
    let target = sqlite::TestFile::create("mapping_held_target", "");
    let desk = Desk::with(
        "[[table]]\nfrom = \"t\"\ntypes = { a = \"numeric(40,12)\", b = \"decimal(10,2)\", j = \"json\" }\n",
    );
    desk.moved(source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT a, b, j, typeof(a), typeof(b), typeof(j) FROM t")),
        ["1234567890123456789012345678.500000000000|2.50|1.50|text|text|text"]
    );
}
