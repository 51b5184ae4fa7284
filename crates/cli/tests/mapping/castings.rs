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
