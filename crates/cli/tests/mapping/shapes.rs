//! Renames, filters, computed columns, defaults, types, splits, merges and lookups from one source.

use whimbrel_testkit::{postgres, sqlite};

use crate::bench::{Desk, joined};

const SHOP: &str = "
CREATE TABLE customers (id INTEGER PRIMARY KEY, first TEXT NOT NULL, last TEXT NOT NULL, country TEXT, legacy TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), year INTEGER NOT NULL,
    total DECIMAL(10,2) NOT NULL, note TEXT);
CREATE INDEX orders_by_year ON orders(year);
INSERT INTO customers VALUES (1,'Ann','Berg','NO','x'),(2,'Bo','Dahl',NULL,'y'),(3,'Cy','Eng','SE',NULL);
INSERT INTO orders VALUES (1,1,2023,10.50,NULL),(2,1,2024,20.25,'late'),(3,2,2024,3.00,NULL),(4,3,2022,99.99,'');
";

#[test]
fn a_table_is_renamed_filtered_computed_and_looked_up() {
    let source = sqlite::TestFile::create("mapping_shape", SHOP);
    let Some(target) = postgres::TestDatabase::create("mapping_shape") else {
        return;
    };
    let desk = Desk::with(
        "[[table]]\nfrom = \"customers\"\nto = \"people\"\nwhere = \"id <> 3\"\nexclude = [\"legacy\"]\n\
         rename = { country = \"land\" }\ndefault = { country = \"'XX'\" }\n\
         compute = { full_name = \"first || ' ' || last\", land_name = \"lookup('countries', country, 'unknown')\" }\n\
         [[table]]\nfrom = \"orders\"\nwhere = \"customer_id <> 3\"\ntypes = { year = \"smallint\" }\n\
         [[lookup]]\nname = \"countries\"\nfile = \"countries.csv\"\n",
    );
    desk.write("countries.csv", "code,name\nNO,Norway\nSE,Sweden\n");
    desk.moved(&source.url(), target.url());
    assert_eq!(
        joined(
            target.query_text("SELECT id, first, last, land, full_name, land_name FROM people ORDER BY id")
        ),
        ["1|Ann|Berg|NO|Ann Berg|Norway", "2|Bo|Dahl|XX|Bo Dahl|-"]
    );
    assert_eq!(
        joined(target.query_text("SELECT id, year, total, note FROM orders ORDER BY id")),
        ["1|2023|10.50|-", "2|2024|20.25|late", "3|2024|3.00|-"]
    );
    let facts = "SELECT (SELECT data_type FROM information_schema.columns WHERE table_name = 'orders' AND column_name = 'year'), \
        (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confrelid = 'people'::regclass), \
        (SELECT count(*) FROM information_schema.columns WHERE column_name = 'legacy')";
    assert_eq!(joined(target.query_text(facts)), ["smallint|1|0"]);
}

#[test]
fn the_plan_says_how_many_rows_go_where_and_how_many_nowhere_or_twice() {
    let source = sqlite::TestFile::create("mapping_coverage", SHOP);
    let target = sqlite::TestFile::create("mapping_covered", "");
    let desk = Desk::with(
        "[[table]]\nfrom = \"customers\"\nwhere = \"country = 'NO'\"\n\
         [[table]]\nfrom = \"orders\"\nto = \"old_orders\"\nwhere = \"year between 2023 and 2024\"\n\
         [[table]]\nfrom = \"orders\"\nto = \"late_orders\"\nwhere = \"note = 'late'\"\n",
    );
    desk.planned(&source.url(), &target.url());
    let plan = desk.plan_text();
    for said in [
        "rows of `customers`: 3; 1 to `customers`, 2 nowhere",
        "rows of `orders`: 4; 1 to `late_orders`, 3 to `old_orders`, 1 nowhere, 1 to more than one table",
        "`late_orders` takes rows where note = 'late'",
    ] {
        assert!(plan.contains(said), "`{said}` is not in\n{plan}");
    }
}

#[test]
fn a_table_is_split_by_rows_and_by_columns_and_goes_back() {
    let source = sqlite::TestFile::create("mapping_split", SHOP);
    let Some(target) = postgres::TestDatabase::create("mapping_split") else {
        return;
    };
    let before = target.dump();
    let desk = Desk::with(
        "[[table]]\nfrom = \"orders\"\nto = \"old_orders\"\nwhere = \"year < 2024\"\nexclude = [\"note\"]\n\
         [[table]]\nfrom = \"orders\"\nto = \"new_orders\"\nwhere = \"year >= 2024\"\nexclude = [\"note\"]\n\
         [[table]]\nfrom = \"orders\"\nto = \"order_notes\"\nwhere = \"note is not null\"\ncolumns = [\"id\", \"note\"]\n",
    );
    let id = desk.moved(&source.url(), target.url());
    assert_eq!(
        joined(target.query_text("SELECT id, total FROM old_orders ORDER BY id")),
        ["1|10.50", "4|99.99"]
    );
    assert_eq!(
        joined(target.query_text("SELECT id, total FROM new_orders ORDER BY id")),
        ["2|20.25", "3|3.00"]
    );
    assert_eq!(
        joined(target.query_text("SELECT id, note FROM order_notes ORDER BY id")),
        ["2|late", "4|"]
    );
    assert_eq!(
        joined(target.query_text(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confrelid = 'customers'::regclass"
        )),
        ["2"],
        "both halves still refer to the customers"
    );
    desk.run(&["verify", &id, "--source", &source.url(), "--target", target.url()])
        .expect_code(0);
    let database = target.name().to_owned();
    desk.run(&[
        "rollback",
        &id,
        "--to",
        "start",
        "--source",
        &source.url(),
        "--target",
        target.url(),
        "--yes",
        "--confirm-target",
        &database,
    ])
    .expect_code(0);
    assert_eq!(
        target.dump(),
        before,
        "a migration with a mapping goes back like any other"
    );
}

#[test]
fn two_tables_of_one_database_are_merged() {
    let source = sqlite::TestFile::create(
        "mapping_merge",
        "CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT NOT NULL, room INTEGER);
         CREATE TABLE guests (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, host TEXT);
         INSERT INTO staff VALUES (1,'Ann',7),(2,'Bo',NULL);
         INSERT INTO guests VALUES (1,'Cy','Ann'),(2,'Di',NULL);",
    );
    let Some(target) = postgres::TestDatabase::create("mapping_merge") else {
        return;
    };
    let desk = Desk::with(
        "[[table]]\nfrom = \"staff\"\nto = \"people\"\ncompute = { kind = \"'staff'\" }\nkey = [\"kind\", \"id\"]\n\
         [[table]]\nfrom = \"guests\"\nto = \"people\"\nrename = { full_name = \"name\" }\ncompute = { kind = \"'guest'\" }\nkey = [\"kind\", \"id\"]\n",
    );
    desk.moved(&source.url(), target.url());
    assert_eq!(
        joined(target.query_text("SELECT kind, id, name, room, host FROM people ORDER BY kind, id")),
        [
            "guest|1|Cy|-|Ann",
            "guest|2|Di|-|-",
            "staff|1|Ann|7|-",
            "staff|2|Bo|-|-"
        ]
    );
}
