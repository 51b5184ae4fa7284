//! Expressions as the servers print them: what becomes of them, and why not. What the translations compute is compared with the servers' own
//! answers beside the planner.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::sync::Arc;

use whimbrel_core::{Catalog, Connector, Dialect, ExpressionContext, LogicalType, TableId};
use whimbrel_mysql::{Flavour, MysqlConnector};

fn dialect(version: &str) -> Arc<dyn Dialect> {
    let (engine, flavour) = match version.contains("MariaDB") {
        true => ("mariadb", Flavour::MariaDb),
        false => ("mysql", Flavour::MySql),
    };
    let catalog = Catalog {
        engine: engine.to_owned(),
        version: version.to_owned(),
        ..Catalog::default()
    };
    MysqlConnector { flavour }.dialect_of(&catalog)
}

fn mysql() -> Arc<dyn Dialect> {
    dialect("8.4.0")
}

fn mariadb() -> Arc<dyn Dialect> {
    dialect("10.11.6-MariaDB")
}

fn context() -> ExpressionContext {
    let decimal = LogicalType::Decimal {
        precision: Some(10),
        scale: Some(2),
    };
    let columns = [
        ("id", LogicalType::Integer { bits: 64 }),
        ("Name", LogicalType::text()),
        ("nick", LogicalType::text()),
        ("mail", LogicalType::text()),
        ("old", LogicalType::text()),
        ("active", LogicalType::Boolean),
        ("price", decimal),
        ("day", LogicalType::Date),
        ("at", LogicalType::Timestamp { zoned: false }),
        ("seen", LogicalType::Timestamp { zoned: true }),
        ("data", LogicalType::Json),
        (
            "mood",
            LogicalType::Enum {
                name: "mood".to_owned(),
                labels: vec!["ok".to_owned(), "bad".to_owned()],
            },
        ),
    ];
    let collations = [
        ("Name", "utf8mb4_bin"),
        ("nick", "utf8mb4_0900_as_ci"),
        ("mail", "utf8mb4_0900_ai_ci"),
        ("old", "latin1_bin"),
    ];
    ExpressionContext {
        columns: BTreeMap::from(columns.map(|(name, logical)| (name.to_owned(), logical))),
        renames: BTreeMap::from([("price".to_owned(), "cost".to_owned())]),
        tables: BTreeMap::from([(TableId::bare("items"), TableId::bare("Things"))]),
        collations: BTreeMap::from(
            collations.map(|(name, collation)| (name.to_owned(), collation.to_owned())),
        ),
        ..ExpressionContext::default()
    }
}

fn expecting(expected: LogicalType) -> ExpressionContext {
    ExpressionContext {
        expected: Some(expected),
        ..ExpressionContext::default()
    }
}

/// What an expression becomes, or `no: ` and the reason.
fn read(text: &str, context: &ExpressionContext) -> String {
    match mysql().parse(text, context) {
        Ok(expr) => expr.to_string(),
        Err(why) => format!("no: {why}"),
    }
}

/// How a dialect spells what this one reads between flavours.
fn passed(text: &str, to: &dyn Dialect) -> String {
    let context = ExpressionContext {
        kin: true,
        collations: BTreeMap::new(),
        ..context()
    };
    let spelled = mysql()
        .parse(text, &context)
        .and_then(|expr| to.render(&expr, &context));
    spelled.unwrap_or_else(|why| format!("no: {why}"))
}

#[test]
fn what_the_servers_print_becomes_neutral() {
    for (printed, want) in [
        (
            "((`id` > 0) and (`Name` <> _utf8mb4''))",
            r#"(("id" > 0) AND ("Name" <> ''))"#,
        ),
        ("`id` > 0 and `name` <> ''", r#""id" > 0 AND "Name" <> ''"#),
        ("(0 <> `active`)", r#"(false <> "active")"#),
        ("(0 = `active`)", r#"(false = "active")"#),
        ("`active` = 1 or `id`", r#""active" = true OR ("id" <> 0)"#),
        ("`id` | 1 = 3", "no: operator `|` has no translation"),
        ("`id` & 1 = 1", r#"("id" & 1) = 1"#),
        ("(`id` <=> 3)", r#"("id" IS NOT DISTINCT FROM 3)"#),
        ("`Name` like _utf8mb4'a\\_%'", r#""Name" LIKE 'a\_%'"#),
        ("`nick` like 'a%'", r#""nick" ILIKE 'a%'"#),
        ("`mail` like '%@%'", r#""mail" LIKE '%@%'"#),
        ("locate('a',`nick`)", r#"strpos(lower("nick"), lower('a'))"#),
        ("json_valid(`data`)", "true"),
        ("json_valid(`Name`)", r#"json_valid("Name")"#),
        (
            "concat(`Name`,_utf8mb4'-',`id`)",
            r#""Name" || '-' || CAST("id" AS TEXT)"#,
        ),
        ("length(`Name`) > 3", r#"octet_length("Name") > 3"#),
        ("year(`day`)", r#"EXTRACT(YEAR FROM "day")"#),
        ("cast(`at` as date)", r#"CAST("at" AS DATE)"#),
        ("`id` DIV 3", r#""id" / 3"#),
        ("`id` MOD 3 = 1", r#""id" % 3 = 1"#),
        ("!(`id` = 3)", r#"(NOT ("id" = 3))"#),
        ("`mood` in ('ok','bad')", r#""mood" IN ('ok', 'bad')"#),
        ("`day` <> '2020-01-01 00:00:00'", r#""day" <> '2020-01-01'"#),
        ("left(`Name`,2)", r#"substr("Name", 1, 2)"#),
        ("cast('2020-01-01' as date)", "'2020-01-01'"),
        ("isnull(`id`)", r#""id" IS NULL"#),
    ] {
        assert_eq!(read(printed, &context()), want, "{printed}");
    }
}

#[test]
fn what_other_engines_do_not_compute_alike_is_refused_with_its_reason() {
    for (printed, part) in [
        ("`mail` like 'a%'", "ignores accents"),
        ("locate('a',`mail`)", "ignores accents"),
        ("`id` / 3", "digits differ"),
        ("`Name` + 1", "no number"),
        ("`Name` = 0", "different kinds"),
        ("`Name`", ""),
        ("`Name` and `id`", "truth value"),
        ("date_format(`at`,'%Y')", "date_format"),
        ("unix_timestamp(`at`)", "unix_timestamp"),
        ("regexp_like(`Name`,'^a')", "regexp_like"),
        ("`Name` regexp '^a'", "regular expression"),
        ("`day` > '0000-00-00'", "zero date"),
        ("`day` > '2020-02-00'", "zero date"),
        ("`day` > '2020-01-01 10:00:00'", "different kinds"),
        ("`seen` > '2020-01-01 10:00:00'", "different kinds"),
        ("`mood` > 'ok'", "order of the labels"),
        ("`mood` = 1", "different kinds"),
        ("length(`old`)", "length in bytes"),
        ("`nick` collate utf8mb4_bin = 'a'", "collation"),
        ("cast(`price` as signed)", "CAST"),
        ("cast(`id` as unsigned)", "CAST"),
        ("`day` + interval 1 day", "INTERVAL"),
        ("_ucs2 x'00e4'", "character set"),
        ("json_extract(`data`,'$.a')", "json_extract"),
        ("`nothing` > 1", "`nothing`"),
        ("trim(both 'ab' from `Name`)", "TRIM"),
        ("substr(`Name`,-2)", "substr"),
        ("`id` > 1 `id`", "goes on"),
    ] {
        let said = read(printed, &context());
        if part.is_empty() {
            assert!(!said.starts_with("no: "), "{printed}: {said}");
        } else {
            assert!(
                said.starts_with("no: ") && said.contains(part),
                "{printed}: {said}"
            );
        }
    }
}

#[test]
fn defaults_become_values_of_their_column() {
    let integer = LogicalType::Integer { bits: 32 };
    let reading = LogicalType::Timestamp { zoned: false };
    let bits = LogicalType::Bits {
        length: Some(3),
        varying: false,
    };
    for (printed, expected, want) in [
        ("'5'", integer.clone(), "5"),
        ("'1'", LogicalType::Boolean, "true"),
        ("b'0'", LogicalType::Boolean, "false"),
        ("b'101'", bits, "'101'"),
        ("b'101'", integer.clone(), "5"),
        ("0x41", LogicalType::text(), "'A'"),
        ("'abc'", LogicalType::Bytes, "X'616263'"),
        ("CURRENT_TIMESTAMP(6)", reading.clone(), "CURRENT_TIMESTAMP"),
        ("uuid()", LogicalType::text(), "CAST(gen_random_uuid() AS TEXT)"),
        ("'0000-00-00 00:00:00'", reading.clone(), "no: the zero date"),
        ("'0000-00-00'", LogicalType::Date, "no: the zero date"),
        ("'x'", integer.clone(), "no: "),
        ("'1.5'", integer, "no: "),
        ("2", LogicalType::Boolean, "no: "),
        ("curdate()", reading, "CURRENT_DATE"),
        ("rand()", LogicalType::Float { bits: 64 }, "no: function `rand`"),
    ] {
        let said = read(printed, &expecting(expected));
        assert!(
            said == want || want.starts_with("no: ") && said.starts_with(want),
            "{printed}: {said}"
        );
    }
}

fn spelled(neutral: &str, context: &ExpressionContext, dialect: &dyn Dialect) -> String {
    use sqlparser::dialect::GenericDialect;
    use sqlparser::parser::Parser;
    let expr = Parser::new(&GenericDialect {})
        .try_with_sql(neutral)
        .unwrap()
        .parse_expr()
        .unwrap();
    dialect
        .render(&expr, context)
        .unwrap_or_else(|why| format!("no: {why}"))
}

#[test]
fn the_neutral_form_is_spelled_for_the_servers() {
    let exact = ExpressionContext {
        collations: BTreeMap::new(),
        ..context()
    };
    for (neutral, want) in [
        (
            r#""price" > 1 AND "Name" <> 'it''s \'"#,
            r"`cost` > 1 AND `Name` <> 'it''s \\'",
        ),
        (r#""Name" || '-' || "id""#, "concat(`Name`, '-', `id`)"),
        (r#""Name" LIKE 'a%'"#, "`Name` LIKE 'a%'"),
        (r#""Name" NOT ILIKE 'A%'"#, "lower(`Name`) NOT LIKE lower('A%')"),
        (
            r#"lower('A') LIKE 'a%'"#,
            "(lower('A') COLLATE utf8mb4_bin) LIKE 'a%'",
        ),
        (r#""id" IS DISTINCT FROM 3"#, "NOT (`id` <=> 3)"),
        (r#""id" / 2"#, "`id` DIV 2"),
        (
            r#""price" / 2"#,
            "no: the division of decimals `\"price\" / 2` has no translation",
        ),
        (r#"length("Name")"#, "char_length(`Name`)"),
        (r#"strpos("Name", 'b')"#, "locate('b', `Name`)"),
        (r#"CAST("at" AS DATE) = "day""#, "date(`at`) = `day`"),
        (r#"CAST("id" AS TEXT)"#, "CAST(`id` AS CHAR)"),
        (r#""day" = 'yesterday'"#, "no: comparing a time"),
        (r#""at" > CURRENT_TIMESTAMP"#, "no: "),
        (r#"("id" IS NULL) = "active""#, "(`id` IS NULL) = `active`"),
        (
            r#"md5("Name") = ''"#,
            "no: function `md5` is not known to the target",
        ),
        (r#""missing" = 1"#, "no: column `missing`"),
    ] {
        let said = spelled(neutral, &exact, &*mysql());
        assert!(
            said == want || want.starts_with("no: ") && said.starts_with(want),
            "{neutral}: {said}"
        );
    }
}

#[test]
fn defaults_stand_in_brackets_where_a_server_wants_them() {
    let uuid = spelled("gen_random_uuid()", &expecting(LogicalType::Uuid), &*mariadb());
    assert_eq!(uuid, "(uuid())");
    for (neutral, expected, on_mysql, on_mariadb) in [
        ("'x'", LogicalType::text(), "('x')", "'x'"),
        ("'{}'", LogicalType::Json, "('{}')", "'{}'"),
        ("5", LogicalType::Integer { bits: 32 }, "5", "5"),
        ("NULL", LogicalType::text(), "NULL", "NULL"),
        ("1 + 2", LogicalType::Integer { bits: 32 }, "(1 + 2)", "(1 + 2)"),
        (
            "CURRENT_TIMESTAMP",
            LogicalType::Timestamp { zoned: false },
            "CURRENT_TIMESTAMP(6)",
            "CURRENT_TIMESTAMP(6)",
        ),
        ("CURRENT_DATE", LogicalType::Date, "(utc_date())", "(utc_date())"),
    ] {
        let context = expecting(expected);
        assert_eq!(spelled(neutral, &context, &*mysql()), on_mysql, "{neutral}");
        assert_eq!(spelled(neutral, &context, &*mariadb()), on_mariadb, "{neutral}");
    }
}

#[test]
fn words_of_both_flavours_pass_as_they_are() {
    for (printed, want) in [
        ("(`id` / 3)", "(`id` / 3)"),
        ("date_format(`at`,_utf8mb4'%Y')", "date_format(`at`, '%Y')"),
        ("regexp_like(`Name`,_utf8mb4'^a')", "`Name` REGEXP '^a'"),
        ("(`price` + interval 1 day)", "(`cost` + INTERVAL 1 DAY)"),
        (
            "timestampdiff(SECOND,`at`,`day`)",
            "timestampdiff(SECOND, `at`, `day`)",
        ),
        (
            "json_extract(`data`,_utf8mb4'$.a')",
            "json_extract(`data`, '$.a')",
        ),
        ("(`mail` like _utf8mb4'a%')", "(`mail` LIKE 'a%')"),
        (
            "uuid_to_bin(`Name`)",
            "no: function `uuid_to_bin` is not known to the target",
        ),
        ("cast(`Name` as json)", "no: a cast to JSON has no translation"),
        ("(`Name` collate utf8mb4_0900_ai_ci)", "no: collation"),
    ] {
        let said = passed(printed, &*mariadb());
        assert!(
            said == want || want.starts_with("no: ") && said.starts_with(want),
            "{printed}: {said}"
        );
    }
}

#[test]
fn queries_take_the_targets_names_and_nothing_a_version_lacks() {
    let query = "select `i`.`price` AS `p`,count(0) AS `n` from `items` `i` group by `i`.`price`";
    let neutral = mysql().parse_query(query, &context()).unwrap();
    assert_eq!(
        mysql().render_query(&neutral, &context()).unwrap(),
        "SELECT `i`.`cost` AS `p`, count(*) AS `n` FROM `Things` `i` GROUP BY `i`.`cost`"
    );
    let with = "with `q` as (select `id` AS `id` from `items`) select `q`.`id` AS `id` from `q`";
    let neutral = mysql().parse_query(with, &context()).unwrap();
    assert!(mysql().render_query(&neutral, &context()).is_ok());
    let why = dialect("5.7.44").render_query(&neutral, &context()).unwrap_err();
    assert!(why.to_string().contains("WITH"), "{why}");
    for (query, part) in [
        ("select 1 AS `1` from `elsewhere`.`items`", "another database"),
        ("select `id` AS `id` from `items` for update", "locking"),
        ("select sql_calc_found_rows `id` AS `id` from `items`", ""),
    ] {
        let said = mysql()
            .parse_query(query, &context())
            .map(|query| query.to_string());
        assert!(
            said.is_err() && said.as_ref().unwrap_err().to_string().contains(part),
            "{query}: {said:?}"
        );
    }
}
