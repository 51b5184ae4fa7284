//! Columns that keep a type with rules of its own while a mapping hides or fills in their values: domains, amounts, padded texts, bytes of a
//! length, years, numbers beyond 64 bits. Each arrives verified, or is refused when it is planned.

use whimbrel_testkit::{mysql, mysql::Flavour, postgres, sqlite};

use crate::bench::{Desk, joined};

const ODD: &str = "
CREATE DOMAIN above AS numeric(12,2) CHECK (value > 0);
CREATE DOMAIN mail AS text NOT NULL CHECK (value LIKE '%@%');
CREATE TABLE odd (id int PRIMARY KEY, above above, mail mail, price money DEFAULT 5, exact numeric, code char(6), short varchar(5),
    small smallint, at timestamptz);
INSERT INTO odd VALUES (1, 7, 'ann@hidden', 2.5, 1.50, 'c1', 'ab', 3, '2024-01-01 10:00+00'),
    (2, NULL, 'bo@hidden', NULL, NULL, NULL, NULL, NULL, NULL);
";

#[test]
fn hidden_values_leave_the_conditions_of_their_domain_behind() {
    let Some(source) = postgres::TestDatabase::create("kept_domain") else {
        return;
    };
    source.execute(ODD);
    let desk = || {
        Desk::with(
            "[[table]]\nfrom = \"odd\"\nmask = { above = \"redact\", mail = \"keep_last(2)\", price = \"redact\" }\n",
        )
    };
    let Some(target) = postgres::TestDatabase::create("kept_domain_target") else {
        return;
    };
    let plan = desk();
    plan.moved(source.url(), target.url());
    assert!(
        plan.plan_text()
            .contains("the domain `public.above` of `public.odd.above` stays behind")
    );
    assert_eq!(
        joined(target.query_text("SELECT above::text, mail::text, price::text FROM odd ORDER BY id")),
        ["0.00|********en|$0.00", "-|*******en|-"]
    );
    let nulls = "SELECT is_nullable FROM information_schema.columns WHERE table_name = 'odd' AND column_name = 'mail'";
    assert_eq!(
        joined(target.query_text(nulls)),
        ["NO"],
        "the domain's NOT NULL is the column's"
    );
    let Some(other) = mysql::TestDatabase::create(Flavour::MariaDb, "kept_domain") else {
        return;
    };
    desk().moved(source.url(), other.url());
}

#[test]
fn a_default_keeps_the_values_and_the_type_of_its_column() {
    let Some(source) = postgres::TestDatabase::create("kept_default") else {
        return;
    };
    let Some(target) = postgres::TestDatabase::create("kept_default_target") else {
        return;
    };
    source.execute(ODD);
    let desk = Desk::with(
        "[[table]]\nfrom = \"odd\"\ndefault = { price = \"7\", exact = \"7\", code = \"'zz'\", above = \"0\" }\n",
    );
    desk.moved(source.url(), target.url());
    assert_eq!(
        joined(target.query_text(
            "SELECT price::text, exact::text, format('%s', code), above::text FROM odd ORDER BY id"
        )),
        ["$2.50|1.50|c1    |7.00", "$7.00|7|zz    |0.00"]
    );
    let types = "SELECT string_agg(format_type(atttypid, atttypmod), ' ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = 'odd'::regclass AND attname IN ('price', 'exact', 'code')";
    assert_eq!(joined(target.query_text(types)), ["money numeric character(6)"]);
}

#[test]
fn a_default_that_does_not_fit_its_column_is_refused_when_it_is_planned() {
    let Some(source) = postgres::TestDatabase::create("kept_unfit") else {
        return;
    };
    source.execute(ODD);
    source.execute("CREATE TYPE mood AS ENUM ('sad', 'happy'); ALTER TABLE odd ADD mood mood");
    let target = sqlite::TestFile::create("kept_unfit", "");
    for (column, default, why) in [
        ("short", "'toolong'", "text has 7 characters; 5 are the most"),
        ("code", "'toolong'", "text has 7 characters; 6 are the most"),
        ("small", "40000", "out of range"),
        ("above", "0.005", "`0.005` would become"),
        ("mood", "'angry'", "none of its labels: sad, happy"),
    ] {
        let desk = Desk::with(&format!(
            "[[table]]\nfrom = \"odd\"\ndefault = {{ {column} = \"{default}\" }}\n"
        ));
        let refused = desk.run(&["plan", source.url(), &target.url()]).expect_code(2);
        assert!(refused.stderr.contains(why), "{column}: {}", refused.stderr);
        assert!(
            refused.stderr.contains("hint: name a value"),
            "{}",
            refused.stderr
        );
    }
}

const SIZED: &str = "
CREATE TABLE sized (id int PRIMARY KEY, device binary(16), digest binary(32) NOT NULL, token varbinary(40), tiny binary(4),
    made year, serial bigint unsigned, at timestamp NULL);
INSERT INTO sized VALUES (1, 'SECRET-OF-DEVICE', repeat('S', 32), 'SECRET', 'SECR', 2020, 18446744073709551615, '2024-01-01'),
    (2, NULL, repeat('T', 32), NULL, NULL, NULL, 7, NULL);
";

#[test]
fn hidden_bytes_and_numbers_fit_the_columns_that_they_were_in() {
    for flavour in [Flavour::MariaDb, Flavour::MySql] {
        let Some(source) = mysql::TestDatabase::create(flavour, "kept_sized") else {
            continue;
        };
        let Some(target) = mysql::TestDatabase::create(flavour, "kept_sized_target") else {
            continue;
        };
        source.execute(SIZED);
        let desk = Desk::with(
            "[masking]\nkey = \"${MASK_KEY}\"\n[[table]]\nfrom = \"sized\"\n\
             mask = { device = \"hash\", digest = \"hash\", token = \"hash\", tiny = \"redact\", made = \"redact\", serial = \"hash\", at = \"redact\" }\n",
        )
        .env("MASK_KEY", "k");
        desk.moved(source.url(), target.url());
        assert_eq!(
            joined(target.query_text(
                "SELECT length(device), length(digest), length(token), hex(tiny), CONCAT(made), serial > 9223372036854775807, year(at) FROM sized ORDER BY id"
            )),
            ["16|32|16|00000000|0000|1|2000", "-|32|-|-|-|0|-"]
        );
        let dump = target.dump();
        assert!(
            !dump.contains("SECR") && !dump.contains("18446744073709551615"),
            "{dump}"
        );
    }
}

#[test]
fn a_hash_that_its_column_cannot_hold_is_refused_when_it_is_planned() {
    let Some(source) = mysql::TestDatabase::create(Flavour::MariaDb, "kept_no_room") else {
        return;
    };
    let Some(target) = mysql::TestDatabase::create(Flavour::MariaDb, "kept_no_room_target") else {
        return;
    };
    source.execute(SIZED);
    for (column, why) in [("tiny", "a hash has 16 bytes"), ("made", "a hash is no year")] {
        let desk = Desk::with(&format!(
            "[[table]]\nfrom = \"sized\"\nmask = {{ {column} = \"hash\" }}\n"
        ));
        let refused = desk.run(&["plan", source.url(), target.url()]).expect_code(2);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
}

#[test]
fn a_standard_type_of_sqlite_may_be_written_in_any_case() {
    let source = sqlite::TestFile::create(
        "kept_case",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER); INSERT INTO t VALUES (1, 5);",
    );
    let target = sqlite::TestFile::create("kept_case_target", "");
    Desk::with("[[table]]\nfrom = \"t\"\ntypes = { n = \"text\" }\n").moved(&source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT typeof(n), n FROM t")),
        ["text|5"]
    );
}
