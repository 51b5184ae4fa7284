//! The catalog: everything in a file is found and described, whatever way it was written.

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use whimbrel_core::{Catalog, Deferral, SequencePosition, Table, TableId};
use world::{World, catalog, run, source_error};

const SCHEMA: &str = r#"
PRAGMA application_id = 7;
CREATE TABLE parents (a INT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, "AUTOINCREMENT" TEXT DEFAULT "a string");
CREATE TABLE plain (id INTEGER PRIMARY KEY, x);
CREATE TABLE no_alias (id INTEGER PRIMARY KEY DESC);
CREATE TABLE [odd "name' -- ] (
    "a b" VARCHAR(10) NOT NULL DEFAULT ('x' || 'y') COLLATE NOCASE CONSTRAINT len CHECK (length("a b") > 1),
    c INT CONSTRAINT to_plain REFERENCES Plain ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    d TEXT UNIQUE,
    e, /* a , comment ( */
    g INT GENERATED ALWAYS AS (c * 2) STORED,
    v AS (c + 1),
    CONSTRAINT both UNIQUE (c, d)
    CONSTRAINT to_parents FOREIGN KEY (C, d) REFERENCES PARENTS ON UPDATE SET NULL,
    CHECK (c > 0 OR e IS NULL)
);
CREATE UNIQUE INDEX part ON [odd "name' -- ] (lower(d) DESC, c COLLATE NOCASE) WHERE c > 0;
CREATE VIEW second AS SELECT * FROM First WHERE x > 0;
CREATE VIEW first (x) AS SELECT id FROM plain;
CREATE VIEW broken AS SELECT gone FROM nowhere;
CREATE VIEW foreign_words AS SELECT st_area(x) FROM plain;
CREATE TRIGGER trig AFTER INSERT ON plain BEGIN SELECT 1; END;
CREATE VIRTUAL TABLE search USING fts5(body);
CREATE TABLE strict_one (a INT, b ANY, c TEXT PRIMARY KEY) STRICT;
CREATE TABLE _whimbrel_mine (a);
"#;

fn table<'a>(catalog: &'a Catalog, name: &str) -> &'a Table {
    catalog
        .table(&TableId::bare(name))
        .unwrap_or_else(|| panic!("{name} is missing"))
}

async fn described() -> Catalog {
    let world = World::new();
    catalog(&world.file("a.db", SCHEMA)).await
}

#[tokio::test]
async fn every_object_is_a_table_a_view_or_listed() {
    let catalog = described().await;
    let tables: Vec<&str> = catalog
        .tables
        .iter()
        .map(|table| table.id.name.as_str())
        .collect();
    assert_eq!(
        tables,
        [
            "counted",
            "no_alias",
            "odd \"name' -- ",
            "parents",
            "plain",
            "search",
            "strict_one"
        ]
    );
    let views: Vec<&str> = catalog.views.iter().map(|view| view.id.name.as_str()).collect();
    assert_eq!(views, ["first", "foreign_words", "second"]);
    let others: Vec<(&str, &str)> = catalog
        .others
        .iter()
        .map(|other| (other.kind.as_str(), other.id.name.as_str()))
        .collect();
    assert_eq!(
        others,
        [
            ("broken view", "broken"),
            ("pragma", "application_id"),
            ("shadow table", "search_config"),
            ("shadow table", "search_content"),
            ("shadow table", "search_data"),
            ("shadow table", "search_docsize"),
            ("shadow table", "search_idx"),
            ("trigger", "trig"),
        ]
    );
}

#[tokio::test]
async fn a_table_is_described_in_full() {
    let catalog = described().await;
    let odd = table(&catalog, "odd \"name' -- ");
    let columns: Vec<(&str, &str, bool)> = odd
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.native.as_str(), column.nullable))
        .collect();
    assert_eq!(
        columns,
        [
            ("a b", "VARCHAR(10)", false),
            ("c", "INT", true),
            ("d", "TEXT", true),
            ("e", "", true),
            ("g", "INT", true),
            ("v", "", true),
        ]
    );
    assert_eq!(odd.columns[0].default.as_deref(), Some("'x' || 'y'"));
    assert_eq!(odd.columns[0].collation.as_deref(), Some("NOCASE"));
    let generated: Vec<(&str, bool)> = odd
        .columns
        .iter()
        .filter_map(|column| column.generated.as_ref())
        .map(|generated| (generated.expression.as_str(), generated.stored))
        .collect();
    assert_eq!(generated, [("c * 2", true), ("c + 1", false)]);
    let checks: Vec<(&str, &str)> = odd
        .checks
        .iter()
        .map(|check| (check.name.as_str(), check.expression.as_str()))
        .collect();
    assert_eq!(
        checks,
        [("len", "length(\"a b\") > 1"), ("", "c > 0 OR e IS NULL")]
    );
    let uniques: Vec<(&str, &[String])> = odd
        .uniques
        .iter()
        .map(|key| (key.name.as_str(), key.columns.as_slice()))
        .collect();
    assert_eq!(
        uniques,
        [
            ("", &["d".to_owned()][..]),
            ("both", &["c".to_owned(), "d".to_owned()][..])
        ]
    );
}

#[tokio::test]
async fn foreign_keys_are_resolved_and_keep_their_order() {
    let catalog = described().await;
    let keys = &table(&catalog, "odd \"name' -- ").foreign_keys;
    assert_eq!(
        (
            keys[0].name.as_str(),
            &keys[0].columns,
            &keys[0].references.name,
            &keys[0].referred
        ),
        (
            "to_plain",
            &vec!["c".to_owned()],
            &"plain".to_owned(),
            &vec!["id".to_owned()]
        )
    );
    assert_eq!(
        (keys[0].on_delete.as_str(), keys[0].deferral),
        ("CASCADE", Deferral::Deferred)
    );
    assert_eq!(
        (
            keys[1].name.as_str(),
            &keys[1].columns,
            &keys[1].references.name,
            &keys[1].referred
        ),
        (
            "to_parents",
            &vec!["c".to_owned(), "d".to_owned()],
            &"parents".to_owned(),
            &vec!["a".to_owned(), "b".to_owned()]
        )
    );
    assert_eq!(
        (keys[1].on_update.as_str(), keys[1].deferral),
        ("SET NULL", Deferral::Never)
    );
}

#[tokio::test]
async fn an_index_keeps_expressions_order_collation_and_condition() {
    let catalog = described().await;
    let index = &table(&catalog, "odd \"name' -- ").indexes[0];
    assert!(index.unique);
    assert_eq!(index.predicate.as_deref(), Some("c > 0"));
    assert_eq!(index.parts[0].expression.as_deref(), Some("lower(d)"));
    assert!(index.parts[0].descending);
    assert_eq!(index.parts[1].column.as_deref(), Some("c"));
    assert_eq!(index.parts[1].collation.as_deref(), Some("NOCASE"));
}

#[tokio::test]
async fn key_columns_are_nullable_only_where_the_engine_lets_them() {
    let catalog = described().await;
    let nullable = |name: &str| table(&catalog, name).columns[0].nullable;
    assert!(!nullable("parents"));
    assert!(!nullable("plain"));
    assert!(nullable("no_alias"));
    let strict = table(&catalog, "strict_one");
    assert!(strict.has_option("strict") && !strict.columns[2].nullable);
}

#[tokio::test]
async fn a_sequence_stands_behind_every_row_number() {
    let world = World::new();
    let path = world.file("a.db", SCHEMA);
    let positions = |catalog: &Catalog| {
        let sequences = catalog.sequences.iter();
        sequences
            .map(|sequence| {
                (
                    sequence.id.name.clone(),
                    sequence.position.map(|at| at.last_value),
                )
            })
            .collect::<Vec<_>>()
    };
    let none = [
        ("counted_id_seq".to_owned(), None),
        ("plain_id_seq".to_owned(), None),
    ];
    assert_eq!(positions(&catalog(&path).await), none);
    run(
        &path,
        "INSERT INTO counted (id) VALUES (7); UPDATE sqlite_sequence SET seq = 100; INSERT INTO plain VALUES (-5, 1)",
    );
    let some = [
        ("counted_id_seq".to_owned(), Some(100)),
        ("plain_id_seq".to_owned(), Some(-5)),
    ];
    let found = catalog(&path).await;
    assert_eq!(positions(&found), some);
    assert_eq!(
        found.sequences[0].position,
        Some(SequencePosition {
            last_value: 100,
            is_called: true
        })
    );
    let identity = |name: &str| table(&found, name).columns[0].identity.clone();
    assert!(identity("counted").unwrap().never_reused);
    assert!(!identity("plain").unwrap().never_reused);
    assert_eq!(identity("no_alias"), None);
}

#[tokio::test]
async fn a_virtual_table_is_not_movable_and_its_shadows_are_listed() {
    let catalog = described().await;
    let search = table(&catalog, "search");
    assert_eq!(
        search.unmovable.as_deref(),
        Some("a virtual table of the module `fts5`")
    );
    assert_eq!(search.columns[0].name, "body");
}

#[tokio::test]
async fn a_virtual_table_of_an_unknown_module_is_still_listed() {
    let world = World::new();
    let path = world.file("a.db", "CREATE TABLE t (a)");
    run(
        &path,
        "PRAGMA writable_schema = 1;
         INSERT INTO sqlite_schema VALUES ('table', 'geo', 'geo', 0, 'CREATE VIRTUAL TABLE geo USING spatial(a)')",
    );
    let catalog = catalog(&path).await;
    assert_eq!(
        table(&catalog, "geo").unmovable.as_deref(),
        Some("a virtual table of the module `spatial`")
    );
}

#[tokio::test]
async fn the_fingerprint_does_not_depend_on_rows() {
    let world = World::new();
    let path = world.file("a.db", SCHEMA);
    let before = catalog(&path).await.fingerprint();
    run(
        &path,
        "INSERT INTO counted DEFAULT VALUES; INSERT INTO parents VALUES (1, 'x')",
    );
    assert_eq!(catalog(&path).await.fingerprint(), before);
    run(&path, "CREATE INDEX more ON plain (x)");
    assert_ne!(catalog(&path).await.fingerprint(), before);
}

#[tokio::test]
async fn a_missing_file_is_not_created() {
    let world = World::new();
    let path = world.path("nothing.db");
    let error = source_error(&path).await;
    assert_eq!(error.code(), "file_missing");
    assert!(error.to_string().contains("does not exist") && error.hint().is_some());
    assert!(world.names().is_empty());
}

#[tokio::test]
async fn what_is_no_database_is_said_to_be_damaged() {
    let world = World::new();
    let path = world.path("text.db");
    std::fs::write(&path, "this is a letter, not a database, and long enough to have a header of one hundred bytes or more ....")
        .unwrap();
    let error = source_error(&path).await;
    assert_eq!(error.code(), "corrupt");
    assert!(error.hint().is_some_and(|hint| hint.contains(".recover")));
}
