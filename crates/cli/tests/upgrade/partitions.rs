//! Partitioned tables and inheritance: the same structure in another PostgreSQL, one table or several elsewhere.

use serde_json::Value;
use tempfile::TempDir;
use whimbrel_testkit::binary::Whimbrel;
use whimbrel_testkit::postgres::TestDatabase;
use whimbrel_testkit::sqlite;

use crate::mover::Mover;

const SCHEMA: &str = "CREATE TABLE e (id integer NOT NULL, kind text NOT NULL, note text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
    CREATE TABLE e_a PARTITION OF e FOR VALUES IN ('a');
    CREATE TABLE e_rest PARTITION OF e DEFAULT PARTITION BY HASH (id);
    CREATE TABLE e_0 PARTITION OF e_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE e_1 PARTITION OF e_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE INDEX e_note ON e (note);
    INSERT INTO e SELECT i, (ARRAY['a', 'b', 'c'])[1 + i % 3], 'n' || i FROM generate_series(1, 300) i;
    CREATE TABLE base (a integer NOT NULL CHECK (a > 0), b text DEFAULT 'b');
    CREATE TABLE child (c text, CHECK (c <> '')) INHERITS (base);
    INSERT INTO base VALUES (1), (2); INSERT INTO child VALUES (3, 'x', 'y')";

#[test]
fn partitions_and_children_stay_what_they_are() {
    let Some(mover) = Mover::plan(SCHEMA, "", &[]) else {
        return;
    };
    mover.run();
    mover.compare_dumps();
    let counts = "SELECT (SELECT count(*) FROM ONLY e), (SELECT count(*) FROM e_a), (SELECT count(*) FROM e),
        (SELECT count(*) FROM ONLY base), (SELECT count(*) FROM base)";
    let found: Vec<String> = mover.target.query_text(counts)[0]
        .iter()
        .flatten()
        .cloned()
        .collect();
    assert_eq!(found, ["0", "100", "300", "2", "3"]);
}

#[test]
fn another_engine_gets_a_partitioned_table_as_one_and_children_with_their_own_rows() {
    let Some(source) = TestDatabase::create("upgrade_flat") else {
        return;
    };
    source.execute(SCHEMA);
    let target = sqlite::TestFile::create("upgrade_flat", "");
    let folder = TempDir::new().unwrap();
    let program = |arguments: &[&str]| {
        Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder.path())
            .args(arguments.iter().copied())
            .run()
            .expect_code(0)
    };
    let planned = program(&[
        "plan",
        "--accept-suggested",
        "--json",
        source.url(),
        &target.url(),
    ]);
    let made: Value = serde_json::from_str(&planned.stdout).unwrap();
    let hash = made["plan_hash"].as_str().unwrap();
    program(&["run", "--approve", hash, "--source", source.url()]);
    let said = made["findings"].to_string() + &made["decisions"].to_string();
    assert!(
        said.contains("\"partitions\"") && said.contains("\"inheritance\""),
        "{said}"
    );
    let names = "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' ORDER BY 1)";
    let rows = |sql: &str| -> Vec<String> { target.query_text(sql)[0].iter().flatten().cloned().collect() };
    assert_eq!(rows(names), ["base child e"]);
    let counts = "SELECT (SELECT count(*) FROM e), (SELECT count(*) FROM base), (SELECT count(*) FROM child)";
    assert_eq!(rows(counts), ["300", "2", "1"]);
}
