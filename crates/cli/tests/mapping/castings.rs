//! `types` in the target's words: values become what the type holds, and a type that cannot be is refused when it is planned.

use whimbrel_testkit::postgres;

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
