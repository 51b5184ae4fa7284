//! Defaults across engines: what a row gets that says nothing, in a column of the type that the target has for it.

use whimbrel_core::{ColumnUse, ExpressionContext, LogicalType};

use crate::bench::Engine;

/// A default, the type of its column, and what the row gets; nothing for what differs from row to row, which only has to be there.
type Case = (&'static str, LogicalType, Option<&'static str>);

fn decimal() -> LogicalType {
    LogicalType::Decimal {
        precision: Some(10),
        scale: Some(2),
    }
}

fn bits() -> LogicalType {
    LogicalType::Bits {
        length: Some(3),
        varying: false,
    }
}

fn short_text() -> LogicalType {
    LogicalType::Text {
        chars_max: Some(40),
        padded: false,
    }
}

const INTEGER: LogicalType = LogicalType::Integer { bits: 32 };
const INSTANT: LogicalType = LogicalType::Timestamp { zoned: true };
const READING: LogicalType = LogicalType::Timestamp { zoned: false };

fn of_mysql() -> Vec<Case> {
    vec![
        ("'5'", INTEGER, Some("5")),
        ("-5", INTEGER, Some("-5")),
        ("'0.00'", decimal(), Some("0")),
        ("1.5", LogicalType::Float { bits: 64 }, Some("1.5")),
        ("'1'", LogicalType::Boolean, Some("1")),
        ("b'1'", LogicalType::Boolean, Some("1")),
        ("b'0'", LogicalType::Boolean, Some("0")),
        (
            "'it''s \\\\ \"x\" '''''",
            LogicalType::text(),
            Some("it's \\ \"x\" ''"),
        ),
        ("_utf8mb4'it\\'s'", short_text(), Some("it's")),
        ("''", short_text(), Some("")),
        ("'2020-01-01 10:20:30'", READING, Some("2020-01-01 10:20:30")),
        ("'2020-01-01'", LogicalType::Date, Some("2020-01-01")),
        ("'08:00:00'", LogicalType::Time, Some("08:00:00")),
        ("NULL", INTEGER, None),
        ("concat('a', 'b')", short_text(), Some("ab")),
        ("1 + 2", INTEGER, Some("3")),
        ("CURRENT_TIMESTAMP(6)", READING, None),
        ("current_timestamp()", INSTANT, None),
        ("curdate()", LogicalType::Date, None),
        ("'2024'", LogicalType::Integer { bits: 16 }, Some("2024")),
    ]
}

fn of_postgres() -> Vec<Case> {
    vec![
        ("'x''y\\z'::text", LogicalType::text(), Some("x'y\\z")),
        ("'x'::character varying", short_text(), Some("x")),
        ("true", LogicalType::Boolean, Some("1")),
        ("'-1'::integer", INTEGER, Some("-1")),
        ("1.50", decimal(), Some("1.5")),
        ("now()", INSTANT, None),
        ("now()", READING, None),
        ("CURRENT_DATE", LogicalType::Date, None),
        ("'2020-02-29'::date", LogicalType::Date, Some("2020-02-29")),
        (
            "'2020-01-01 10:20:30.5'::timestamp without time zone",
            READING,
            Some("2020-01-01 10:20:30.5"),
        ),
        ("'{\"a\": 1}'::jsonb", LogicalType::Json, Some("{\"a\": 1}")),
        ("lower('ABC'::text)", short_text(), Some("abc")),
        ("('a'::text || 'b'::text)", LogicalType::text(), Some("ab")),
        ("(1 + 2)", INTEGER, Some("3")),
    ]
}

fn of_sqlite() -> Vec<Case> {
    vec![
        ("0", LogicalType::Boolean, Some("0")),
        ("'x'", LogicalType::text(), Some("x")),
        ("(1 + 2)", INTEGER, Some("3")),
        ("CURRENT_TIMESTAMP", READING, None),
        ("date('now')", LogicalType::Date, None),
        ("('a' || 'b')", LogicalType::text(), Some("ab")),
    ]
}

fn failure(source: &Engine, target: &Engine, (default, logical, want): &Case) -> Option<String> {
    let context = ExpressionContext {
        expected: Some(logical.clone()),
        ..ExpressionContext::default()
    };
    let said = |what: String| {
        Some(format!(
            "{} to {}: {default} of {logical}: {what}",
            source.name, target.name
        ))
    };
    let spelled = source
        .dialect
        .parse(default, &context)
        .and_then(|neutral| target.dialect.render(&neutral, &context));
    let spelled = match spelled {
        Ok(spelled) => spelled,
        Err(why) => return said(format!("refused: {why}")),
    };
    let native = target.dialect.native(logical, &ColumnUse::default()).to;
    // SQLite takes every default in brackets, and its statements put them there.
    let spelled = if target.name == "sqlite" {
        format!("({spelled})")
    } else {
        spelled
    };
    let create = format!("CREATE TABLE filled (id int, v {native} DEFAULT {spelled})");
    let made = target
        .try_execute("DROP TABLE IF EXISTS filled")
        .and_then(|()| target.try_execute(&create))
        .and_then(|()| target.try_execute("INSERT INTO filled (id) VALUES (1)"))
        .and_then(|()| target.column("SELECT v FROM filled"));
    match made {
        Err(why) => said(format!("{create}: {why}")),
        Ok(found) => match (&found[0], want) {
            (Some(found), Some(want)) if found == want => None,
            (Some(_), None) if *default != "NULL" => None,
            (None, None) if *default == "NULL" => None,
            (found, want) => said(format!("{create}: {found:?} instead of {want:?}")),
        },
    }
}

#[test]
fn rows_that_say_nothing_get_the_same_everywhere() {
    let engines = Engine::all();
    let mut failures = Vec::new();
    for source in &engines {
        let cases = match source.name {
            "postgres" => of_postgres(),
            "sqlite" => of_sqlite(),
            _ => of_mysql(),
        };
        let others = engines
            .iter()
            .filter(|target| target.name != source.name && !target.dialect.is_kin(source.name));
        for target in others {
            failures.extend(cases.iter().filter_map(|case| failure(source, target, case)));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failures\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn bits_and_ids_keep_their_form() {
    let engines = Engine::all();
    for source in engines.iter().filter(|engine| engine.is_mysql()) {
        for target in engines.iter().filter(|engine| engine.name == "postgres") {
            assert_eq!(failure(source, target, &("b'101'", bits(), Some("101"))), None);
            assert_eq!(failure(source, target, &("uuid()", short_text(), None)), None);
        }
    }
    for source in engines.iter().filter(|engine| engine.name == "postgres") {
        for target in engines.iter().filter(|engine| engine.is_mysql()) {
            let id = "'00112233-4455-6677-8899-aabbccddeeff'::uuid";
            assert_eq!(failure(source, target, &(id, LogicalType::Uuid, None)), None);
        }
    }
}
