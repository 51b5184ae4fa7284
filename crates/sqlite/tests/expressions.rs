//! Expressions and queries: from the engine into the neutral form, and from the neutral form for the engine; or the reason why not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use std::collections::BTreeMap;

use sqlparser::ast::{Expr, Query, Statement};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use whimbrel_core::{ExpressionContext, LogicalType, TableId};
use world::dialect;

fn context() -> ExpressionContext {
    let decimal = LogicalType::Decimal {
        precision: Some(10),
        scale: Some(2),
    };
    let columns = [
        ("id", LogicalType::Integer { bits: 64 }),
        ("Name", LogicalType::text()),
        ("active", LogicalType::Boolean),
        ("price", decimal),
        ("ratio", LogicalType::Float { bits: 64 }),
        ("day", LogicalType::Date),
        ("at", LogicalType::Timestamp { zoned: false }),
        ("seen", LogicalType::Timestamp { zoned: true }),
        ("old", LogicalType::text()),
    ];
    ExpressionContext {
        columns: BTreeMap::from(columns.map(|(name, logical)| (name.to_owned(), logical))),
        renames: BTreeMap::from([("old".to_owned(), "new".to_owned())]),
        tables: BTreeMap::from([
            (TableId::bare("Items"), TableId::bare("items_2")),
            (TableId::bare("kinds"), TableId::bare("kinds")),
            (TableId::new("public", "far"), TableId::bare("far")),
        ]),
        ..ExpressionContext::default()
    }
}

fn expecting(expected: LogicalType) -> ExpressionContext {
    ExpressionContext {
        expected: Some(expected),
        ..ExpressionContext::default()
    }
}

/// What an expression of the engine's becomes, or `no: ` and the reason.
fn read(text: &str, context: &ExpressionContext) -> String {
    match dialect().parse(text, context) {
        Ok(expr) => expr.to_string(),
        Err(why) => format!("no: {why}"),
    }
}

fn read_query(text: &str) -> String {
    match dialect().parse_query(text, &context()) {
        Ok(query) => query.to_string(),
        Err(why) => format!("no: {why}"),
    }
}

fn neutral(text: &str) -> Expr {
    Parser::new(&GenericDialect {})
        .try_with_sql(text)
        .unwrap()
        .parse_expr()
        .unwrap()
}

fn neutral_query(text: &str) -> Query {
    let statements = Parser::parse_sql(&GenericDialect {}, text).unwrap();
    let [Statement::Query(query)] = statements.as_slice() else {
        panic!("{text} is no query");
    };
    (**query).clone()
}

/// How the engine spells a neutral expression.
fn spell(text: &str, context: &ExpressionContext) -> String {
    match dialect().render(&neutral(text), context) {
        Ok(text) => text,
        Err(why) => format!("no: {why}"),
    }
}

fn spell_query(text: &str) -> String {
    match dialect().render_query(&neutral_query(text), &context()) {
        Ok(text) => text,
        Err(why) => format!("no: {why}"),
    }
}

#[test]
fn checks_of_the_engine_become_neutral() {
    for (text, want) in [
        ("id > 0 AND name <> ''", r#""id" > 0 AND "Name" <> ''"#),
        ("[Name] IS NOT NULL", r#""Name" IS NOT NULL"#),
        ("active = 1", r#""active" = true"#),
        ("active IN (0, 1)", r#""active" IN (false, true)"#),
        ("1 = active AND NOT active", r#"true = "active" AND NOT "active""#),
        ("id", r#""id""#),
        ("id AND active", r#"("id" <> 0) AND "active""#),
        ("length(name) >= 3", r#"length("Name") >= 3"#),
        ("name LIKE 'a%'", r#""Name" ILIKE 'a%'"#),
        ("name GLOB 'a*b?'", r#""Name" LIKE 'a%b_'"#),
        (
            "id IS 3 OR id IS NOT 4",
            r#""id" IS NOT DISTINCT FROM 3 OR "id" IS DISTINCT FROM 4"#,
        ),
        ("day >= '2000-01-01'", r#""day" >= '2000-01-01'"#),
        ("name = \"text\"", r#""Name" = 'text'"#),
        ("id = '7'", r#""id" = 7"#),
        ("name = 7", r#""Name" = '7'"#),
        (
            "ifnull(id, 0) BETWEEN 1 AND 5",
            r#"coalesce("id", 0) BETWEEN 1 AND 5"#,
        ),
        (
            "iif(id > 1, 'a', 'b') = 'a'",
            r#"CASE WHEN "id" > 1 THEN 'a' ELSE 'b' END = 'a'"#,
        ),
        ("name || id", r#""Name" || CAST("id" AS TEXT)"#),
        (
            "CAST(strftime('%Y', day) AS INTEGER) > 2000",
            r#"EXTRACT(YEAR FROM "day") > 2000"#,
        ),
        (
            "trim(name) = substr(name, 1, 3)",
            r#"TRIM("Name") = substr("Name", 1, 3)"#,
        ),
        ("at > datetime('2020-01-01')", r#""at" > '2020-01-01 00:00:00'"#),
        ("day > date('2020-01-01 10:00')", r#""day" > '2020-01-01'"#),
        ("price * id > 1.5", r#""price" * "id" > 1.5"#),
    ] {
        assert_eq!(read(text, &context()), want, "{text}");
    }
}

#[test]
fn what_other_engines_do_not_know_is_said() {
    for (text, part) in [
        ("typeof(id) = 'integer'", "function `typeof`"),
        ("json_valid(name)", "function `json_valid`"),
        ("name GLOB '[A-Z]*'", "GLOB"),
        ("name LIKE 'a\\%'", "LIKE"),
        ("name REGEXP 'a'", "REGEXP"),
        ("name COLLATE NOCASE = 'a'", "NOCASE"),
        ("rowid > 1", "row number"),
        ("substr(name, -1)", "substr"),
        ("nothing > 1", "`nothing`"),
        ("active > 2", "truth value"),
        ("name + 1", "no numbers"),
        ("name > id", "of different kinds"),
        ("max(id, name) > 1", "max"),
        ("CAST(ratio AS INTEGER) = 1", "CAST"),
        ("id > 0 id", "goes on"),
        ("datetime('now', 'localtime') > at", "datetime"),
        ("id == 0x1F", "`0x1F`"),
        ("id >", "cannot be read"),
    ] {
        let found = read(text, &context());
        assert!(
            found.starts_with("no: ") && found.contains(part),
            "{text}: {found}"
        );
    }
}

#[test]
fn defaults_of_the_engine_become_values_of_their_column() {
    let integer = LogicalType::Integer { bits: 64 };
    let timestamp = LogicalType::Timestamp { zoned: false };
    for (text, expected, want) in [
        ("0", LogicalType::Boolean, "false"),
        ("'0'", integer.clone(), "0"),
        ("(-1)", integer.clone(), "-1"),
        ("\"text\"", LogicalType::text(), "'text'"),
        ("\"\"", LogicalType::text(), "''"),
        ("0", LogicalType::text(), "'0'"),
        ("NULL", integer.clone(), "NULL"),
        ("CURRENT_TIMESTAMP", timestamp.clone(), "CURRENT_TIMESTAMP"),
        ("datetime('now')", timestamp.clone(), "CURRENT_TIMESTAMP"),
        ("date('now')", LogicalType::Date, "CURRENT_DATE"),
        (
            "strftime('%Y-%m-%d %H:%M:%S', 'now')",
            timestamp.clone(),
            "CURRENT_TIMESTAMP",
        ),
        ("x'00ff'", LogicalType::Bytes, "X'00ff'"),
        ("TRUE", integer.clone(), "1"),
        ("'{}'", LogicalType::Json, "'{}'"),
        ("1.5", LogicalType::Float { bits: 64 }, "1.5"),
    ] {
        assert_eq!(read(text, &expecting(expected)), want, "{text}");
    }
    for (text, expected) in [
        ("CURRENT_TIMESTAMP", LogicalType::text()),
        ("'x'", integer.clone()),
        ("1.5", integer),
        ("2", LogicalType::Boolean),
        ("0", LogicalType::Date),
        ("'soon'", timestamp),
        ("strftime('%s', 'now')", LogicalType::Integer { bits: 64 }),
    ] {
        let found = read(text, &expecting(expected));
        assert!(found.starts_with("no: "), "{text}: {found}");
    }
}

#[test]
fn queries_of_the_engine_become_neutral() {
    for (text, want) in [
        (
            "select I.ID, name as N from items i join kinds using (id) where active order by N limit 5, 10",
            r#"SELECT "i"."id", "Name" AS "N" FROM "Items" "i" JOIN "kinds" USING("id") WHERE "active" ORDER BY "N" NULLS FIRST LIMIT 10 OFFSET 5"#,
        ),
        (
            "SELECT name, count(*), group_concat(name), total(id), group_concat(id) FROM main.items GROUP BY name HAVING count(*) > 1 ORDER BY 2 DESC",
            r#"SELECT "Name", count(*), string_agg("Name", ','), coalesce(sum("id"), 0), string_agg(CAST("id" AS TEXT), ',') FROM "Items" GROUP BY "Name" HAVING count(*) > 1 ORDER BY 2 DESC NULLS LAST"#,
        ),
        (
            "WITH x AS (SELECT id FROM items) SELECT * FROM x WHERE id IN (SELECT id FROM kinds)",
            r#"WITH "x" AS (SELECT "id" FROM "Items") SELECT * FROM "x" WHERE "id" IN (SELECT "id" FROM "kinds")"#,
        ),
    ] {
        assert_eq!(read_query(text), want, "{text}");
    }
    for (text, part) in [
        (
            "SELECT id, name FROM items GROUP BY id",
            "neither grouped nor aggregated",
        ),
        ("SELECT * FROM elsewhere", "`elsewhere` is not moved"),
        ("SELECT value FROM json_each('[]')", "json_each"),
        ("SELECT rowid FROM items", "row number"),
    ] {
        let found = read_query(text);
        assert!(
            found.starts_with("no: ") && found.contains(part),
            "{text}: {found}"
        );
    }
}

#[test]
fn neutral_checks_are_spelled_for_the_engine() {
    for (text, want) in [
        (r#""id" > 0 AND "old" <> ''"#, r#""id" > 0 AND "new" <> ''"#),
        (
            r#""active" = TRUE OR "active" IS TRUE"#,
            r#""active" = 1 OR "active" IS TRUE"#,
        ),
        (r#""Name" LIKE 'a\_%[x]'"#, r#""Name" GLOB 'a_*[[]x]'"#),
        (r#""Name" NOT LIKE 'a%'"#, r#"NOT ("Name" GLOB 'a*')"#),
        (r#""Name" ILIKE 'a%'"#, r#""Name" LIKE 'a%'"#),
        (r#""price" > 0"#, r#"CAST("price" AS NUMERIC) > 0"#),
        (
            r#""price" IN (1, 2.5)"#,
            r#"CAST("price" AS NUMERIC) IN (1, 2.5)"#,
        ),
        (r#""Name" = ANY (ARRAY['a', 'b'])"#, r#""Name" IN ('a', 'b')"#),
        (
            r#""Name" <> ALL (ARRAY['a', 'b'])"#,
            r#""Name" NOT IN ('a', 'b')"#,
        ),
        (r#""day" >= DATE '2000-01-01'"#, r#""day" >= '2000-01-01'"#),
        (r#""at" < '2000-01-01'"#, r#""at" < '2000-01-01 00:00:00'"#),
        (
            r#""seen" < '2000-01-01 02:00:00+02'"#,
            r#""seen" < '2000-01-01 00:00:00+00:00'"#,
        ),
        (r#"char_length("Name") > 1"#, r#"length("Name") > 1"#),
        (r#"POSITION('a' IN "Name") > 0"#, r#"instr("Name", 'a') > 0"#),
        (
            r#"EXTRACT(YEAR FROM "old_day") > 1"#,
            "no: `EXTRACT(YEAR FROM \"old_day\")` has no translation",
        ),
        (
            r#"EXTRACT(YEAR FROM "day") > 1"#,
            r#"CAST(strftime('%Y', "day") AS INTEGER) > 1"#,
        ),
        (r#"CAST('x' AS TEXT) = "Name""#, r#"'x' = "Name""#),
        (r#"TRIM(BOTH 'x' FROM "Name") = ''"#, r#"trim("Name", 'x') = ''"#),
        (r#""id" IS DISTINCT FROM 3"#, r#""id" IS DISTINCT FROM 3"#),
    ] {
        assert_eq!(spell(text, &context()), want, "{text}");
    }
    for (text, part) in [
        (
            r#"jsonb_path_exists("Name", '$')"#,
            "function `jsonb_path_exists` is not known to the target",
        ),
        (r#""at" > CURRENT_TIMESTAMP"#, "in a check or an index"),
        (r#""Name" SIMILAR TO 'a'"#, "SIMILAR"),
        (r#""at" + INTERVAL '1 day' > "at""#, "INTERVAL"),
        (r#""Name" COLLATE "de-DE" = 'a'"#, "collation"),
        (r#"greatest("Name", 'a') > 'b'"#, "greatest"),
    ] {
        let found = spell(text, &context());
        assert!(
            found.starts_with("no: ") && found.contains(part),
            "{text}: {found}"
        );
    }
}

#[test]
fn neutral_defaults_are_spelled_as_the_column_stores_them() {
    let decimal = LogicalType::Decimal {
        precision: Some(10),
        scale: Some(2),
    };
    for (text, expected, want) in [
        ("TRUE", LogicalType::Boolean, "1"),
        ("0.00", decimal, "'0.00'"),
        ("5", LogicalType::Integer { bits: 32 }, "5"),
        (
            "CURRENT_TIMESTAMP",
            LogicalType::Timestamp { zoned: false },
            "CURRENT_TIMESTAMP",
        ),
        (
            "now()",
            LogicalType::Timestamp { zoned: true },
            "CURRENT_TIMESTAMP || '+00:00'",
        ),
        ("CURRENT_DATE", LogicalType::Date, "CURRENT_DATE"),
        (
            "'2020-01-02 03:04:05.50'",
            LogicalType::Timestamp { zoned: false },
            "'2020-01-02 03:04:05.5'",
        ),
        ("'x'", LogicalType::text(), "'x'"),
        ("'{}'", LogicalType::Json, "'{}'"),
    ] {
        assert_eq!(spell(text, &expecting(expected)), want, "{text}");
    }
    for (text, expected) in [
        ("gen_random_uuid()", LogicalType::Uuid),
        ("CURRENT_TIMESTAMP", LogicalType::text()),
        ("'soon'", LogicalType::Date),
    ] {
        let found = spell(text, &expecting(expected));
        assert!(found.starts_with("no: "), "{text}: {found}");
    }
}

#[test]
fn neutral_queries_are_spelled_for_the_engine() {
    for (text, want) in [
        (
            r#"SELECT "Items"."id", "f"."old" FROM "Items" JOIN "public"."far" "f" ON "Items"."id" = "f"."id" ORDER BY "id""#,
            r#"SELECT "items_2"."id", "f"."new" FROM "items_2" JOIN "far" "f" ON "items_2"."id" = "f"."id" ORDER BY "id" NULLS LAST"#,
        ),
        (
            r#"SELECT max("price") FROM "Items" ORDER BY "price" DESC"#,
            r#"SELECT max(CAST("price" AS NUMERIC)) FROM "items_2" ORDER BY CAST("price" AS NUMERIC) DESC NULLS FIRST"#,
        ),
        (
            r#"SELECT string_agg("Name", ',') FROM "Items" WHERE "seen" < CURRENT_TIMESTAMP"#,
            r#"SELECT group_concat("Name", ',') FROM "items_2" WHERE "seen" < CURRENT_TIMESTAMP"#,
        ),
        (
            r#"SELECT "id" FROM "Items" OFFSET 1 FETCH FIRST 5 ROWS ONLY"#,
            r#"SELECT "id" FROM "items_2" LIMIT 5 OFFSET 1"#,
        ),
    ] {
        assert_eq!(spell_query(text), want, "{text}");
    }
    for (text, part) in [
        (r#"SELECT DISTINCT ON ("id") "id" FROM "Items""#, "DISTINCT ON"),
        (
            r#"SELECT "id" FROM "Items" INTERSECT ALL SELECT "id" FROM "kinds""#,
            "INTERSECT ALL",
        ),
        (r#"SELECT "id" FROM "nowhere""#, "`nowhere` is not moved"),
        (r#"SELECT "id" FROM "Items" FOR UPDATE"#, "locking"),
    ] {
        let found = spell_query(text);
        assert!(
            found.starts_with("no: ") && found.contains(part),
            "{text}: {found}"
        );
    }
}
