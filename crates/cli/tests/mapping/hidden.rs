//! What else tells of masked values: bounds of chunks in the ledger, examples of rows that refer to nothing, columns that the database
//! computes from masked ones.

use whimbrel_testkit::mysql::Flavour;
use whimbrel_testkit::{mysql, postgres, sqlite};

use crate::bench::{Desk, joined};

/// No value that a mask hides has these characters; every original has.
const LEAK: &str = "leak.example";

/// Numbers that are hidden begin so.
const NUMBER: &str = "771234";

const SETTINGS: &str = "[policies]\nchunk_size = \"16KiB\"\n[masking]\nkey = \"${MASK_KEY}\"\n\
    [[table]]\nfrom = \"*\"\nmask = { em = \"hash\", \"secret*\" = \"hash\" }\n";

/// By text, by a number, by both, and with another key beside.
const TABLES: &str = "
CREATE TABLE by_text (em varchar(60) NOT NULL PRIMARY KEY, note varchar(60));
CREATE TABLE by_number (secret_id bigint NOT NULL PRIMARY KEY, note varchar(60));
CREATE TABLE by_both (n int NOT NULL, em varchar(60) NOT NULL, note varchar(60), PRIMARY KEY (n, em));
CREATE TABLE by_other (em varchar(60) NOT NULL PRIMARY KEY, n int NOT NULL, note varchar(60), UNIQUE (n));
";

fn filled(series: &str) -> String {
    let note = "'some words that have a length of their own'";
    let address = "concat('Mail', n, '@leak.example')";
    format!(
        "INSERT INTO by_text SELECT {address}, {note} FROM {series};
         INSERT INTO by_number SELECT 771234000000 + n, {note} FROM {series};
         INSERT INTO by_number VALUES (880000000000, {note});
         INSERT INTO by_both SELECT n % 7, {address}, {note} FROM {series};
         INSERT INTO by_other SELECT {address}, n, {note} FROM {series};"
    )
}

/// Moves everything into a file, of which the whole content is looked at, with the ledger.
fn moved_unseen(settings: &str, name: &str, source: &str, tables: usize) -> sqlite::TestFile {
    let target = sqlite::TestFile::create(&format!("hidden_{name}"), "");
    let desk = Desk::with(settings).env("MASK_KEY", "correct horse");
    desk.moved(source, &target.url());
    let chunks = "SELECT count(DISTINCT target) FROM _whimbrel_chunks";
    assert_eq!(joined(target.query_text(chunks)), [tables.to_string()], "{name}");
    assert_unseen(&desk, &target, name);
    target
}

fn assert_unseen(desk: &Desk, target: &sqlite::TestFile, name: &str) {
    let dump = target.dump();
    for original in [LEAK, NUMBER] {
        assert!(!dump.contains(original), "{name}: `{original}` is in the target");
        for (path, bytes) in desk.files() {
            let text = String::from_utf8_lossy(&bytes);
            let at = text.find(original);
            assert!(
                at.is_none(),
                "{name}: {}: {}",
                path.display(),
                &text[at.unwrap().saturating_sub(200)..]
            );
        }
    }
}

#[test]
fn bounds_of_chunks_tell_no_masked_value_of_mariadb() {
    let Some(source) = mysql::TestDatabase::create(Flavour::MariaDb, "hidden_bounds") else {
        return;
    };
    source.execute(TABLES);
    source.execute(&filled("(SELECT seq AS n FROM seq_1_to_2000) s"));
    let target = moved_unseen(SETTINGS, "mariadb", source.url(), 4);
    let other = "SELECT count(*) > 1 FROM _whimbrel_chunks WHERE target LIKE '%by_other'";
    assert_eq!(
        joined(target.query_text(other)),
        ["1"],
        "another key divides the table"
    );
}

#[test]
fn bounds_of_chunks_tell_no_masked_value_of_postgres() {
    let Some(source) = postgres::TestDatabase::create("hidden_bounds") else {
        return;
    };
    source.execute(TABLES);
    source.execute(
        "ALTER TABLE by_text RENAME TO gone; DROP TABLE gone;
         CREATE TABLE by_text (em varchar(60) NOT NULL PRIMARY KEY, note varchar(60)) PARTITION BY HASH (em);
         CREATE TABLE by_text_0 PARTITION OF by_text FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE by_text_1 PARTITION OF by_text FOR VALUES WITH (MODULUS 2, REMAINDER 1);",
    );
    source.execute(&filled("generate_series(1, 2000) n"));
    moved_unseen(SETTINGS, "postgres", source.url(), 4);
}

#[test]
fn bounds_of_chunks_tell_no_masked_value_of_sqlite() {
    let tables = TABLES
        .replace(
            "secret_id bigint NOT NULL PRIMARY KEY",
            "secret_id INTEGER PRIMARY KEY",
        )
        .replace("PRIMARY KEY (n, em));", "PRIMARY KEY (n, em)) WITHOUT ROWID;");
    let source = sqlite::TestFile::create("hidden_bounds", &tables);
    let series =
        "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) SELECT n FROM s)";
    source.execute(&filled(series).replace(
        "concat('Mail', n, '@leak.example')",
        "'Mail' || n || '@leak.example'",
    ));
    moved_unseen(SETTINGS, "sqlite", &source.url(), 4);
}

#[test]
fn bounds_of_the_parts_of_a_merged_table_tell_no_masked_value() {
    let Some(source) = mysql::TestDatabase::create(Flavour::MariaDb, "hidden_merge") else {
        return;
    };
    source.execute(TABLES);
    source.execute(&filled("(SELECT seq AS n FROM seq_1_to_2000) s"));
    let settings = SETTINGS.to_owned()
        + "[[table]]\nfrom = \"by_text\"\nto = \"people\"\nwhere = \"em LIKE '%1%'\"\nsource_column = \"kind\"\n\
           [[table]]\nfrom = \"by_text\"\nto = \"others\"\nwhere = \"em NOT LIKE '%1%'\"\nexclude = [\"em\"]\n";
    moved_unseen(&settings, "merge", source.url(), 5);
}

#[test]
fn rows_that_refer_to_nothing_show_no_masked_value() {
    let source = sqlite::TestFile::create(
        "hidden_orphans",
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE by_text (em TEXT PRIMARY KEY);
         CREATE TABLE visits (id INTEGER PRIMARY KEY, em TEXT REFERENCES by_text(em));
         INSERT INTO by_text VALUES ('a@leak.example');
         INSERT INTO visits VALUES (1, 'a@leak.example'), (2, 'lost@leak.example');",
    );
    let target = sqlite::TestFile::create("hidden_orphans_target", "");
    let desk = Desk::with(&SETTINGS.replace(", \"secret*\" = \"hash\"", "")).env("MASK_KEY", "correct horse");
    desk.run(&["plan", &source.url(), &target.url(), "--accept-suggested"]);
    assert_unseen(&desk, &target, "orphans");
    assert!(desk.plan_text().contains("refer"), "{}", desk.plan_text());
}

#[test]
fn a_column_that_the_database_computes_from_a_masked_one_is_asked_about() {
    let Some(source) = postgres::TestDatabase::create("hidden_generated") else {
        return;
    };
    source.execute(
        "CREATE TABLE people (id int PRIMARY KEY, em text, size int GENERATED ALWAYS AS (id * 2) STORED,
             dom text GENERATED ALWAYS AS (lower(em)) STORED);
         INSERT INTO people VALUES (1, 'Mail1@leak.example'), (2, 'Mail2@leak.example');",
    );
    let Some(target) = postgres::TestDatabase::create("hidden_generated_target") else {
        return;
    };
    let desk = Desk::with(&SETTINGS.replace(", \"secret*\" = \"hash\"", "")).env("MASK_KEY", "correct horse");
    let refused = desk.run(&["plan", source.url(), target.url(), "--accept-suggested"]);
    let said = refused.stdout + &refused.stderr;
    assert!(said.contains("open decision mapping:public.people.dom"), "{said}");
    assert!(
        !said.contains("public.people.size") && !said.contains(LEAK),
        "{said}"
    );
    for word in [
        "mask = { em = \"hash\", dom = \"redact\" }",
        "mask = { em = \"hash\" }\nexclude = [\"dom\"]",
    ] {
        let Some(target) = postgres::TestDatabase::create("hidden_generated_target") else {
            return;
        };
        let settings = SETTINGS.replace("mask = { em = \"hash\", \"secret*\" = \"hash\" }", word);
        let desk = Desk::with(&settings).env("MASK_KEY", "correct horse");
        desk.moved(source.url(), target.url());
        assert!(!target.dump().contains(LEAK), "{word}");
        for (path, bytes) in desk.files() {
            assert!(
                !String::from_utf8_lossy(&bytes).contains(LEAK),
                "{}",
                path.display()
            );
        }
        assert_eq!(joined(target.query_text("SELECT sum(size) FROM people")), ["6"]);
    }
}

#[test]
fn texts_that_only_a_collation_calls_equal_are_counted_as_orphans_of_a_hashed_key() {
    let Some(source) = mysql::TestDatabase::create(Flavour::MariaDb, "hidden_collation") else {
        return;
    };
    source.execute(
        "CREATE TABLE people (em varchar(60) COLLATE utf8mb4_general_ci PRIMARY KEY);
         CREATE TABLE visits (id int PRIMARY KEY, em varchar(60) COLLATE utf8mb4_general_ci,
             CONSTRAINT whose FOREIGN KEY (em) REFERENCES people (em));
         INSERT INTO people VALUES ('Bob@leak.example'), ('ann@leak.example');
         INSERT INTO visits VALUES (1, 'bob@leak.example'), (2, 'ann@leak.example');",
    );
    let Some(target) = mysql::TestDatabase::create(Flavour::MariaDb, "hidden_collation_target") else {
        return;
    };
    let desk = Desk::with(&SETTINGS.replace(", \"secret*\" = \"hash\"", "")).env("MASK_KEY", "correct horse");
    desk.moved(source.url(), target.url());
    let said = desk.plan_text();
    assert!(said.contains("whose row of `people` does not exist: 1"), "{said}");
    assert_eq!(
        joined(target.query_text("SELECT count(*) FROM people JOIN visits USING (em)")),
        ["1"]
    );
}
