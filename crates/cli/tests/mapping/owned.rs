//! What a database has of its own besides tables (domains, classes of operators, collations, types of extensions) when it is one of several
//! sources of the same engine as the target: kept where the target knows it, said where it does not.

use whimbrel_testkit::postgres;

use crate::bench::{Desk, joined};

#[test]
fn domains_and_the_details_of_checks_and_indexes_stay_with_one_of_several_sources() {
    let (Some(source), Some(target)) = (
        postgres::TestDatabase::create("mapping_domains"),
        postgres::TestDatabase::create("mapping_domains_target"),
    ) else {
        return;
    };
    source.execute(
        "CREATE DOMAIN small AS int CHECK (VALUE < 100); CREATE DOMAIN pos AS small NOT NULL DEFAULT 3 CHECK (VALUE > 0);
         CREATE TABLE t (id int PRIMARY KEY, p pos, j jsonb, name text, n int, CONSTRAINT alone CHECK (n > 0) NO INHERIT, UNIQUE (name) INCLUDE (n));
         CREATE INDEX by_path ON t USING gin (j jsonb_path_ops); CREATE INDEX by_start ON t (name COLLATE \"C\" text_pattern_ops);
         INSERT INTO t (id, j) VALUES (1, '{}')",
    );
    let desk = Desk::with(&format!(
        "[[source]]\nname = \"app\"\nurl = \"{}\"\n",
        source.url()
    ));
    desk.moved("sources", target.url());
    target.execute("INSERT INTO app.t (id) VALUES (2)");
    assert_eq!(
        joined(target.query_text("SELECT id, p, pg_typeof(p)::text FROM app.t ORDER BY id")),
        ["1|3|integer", "2|3|integer"]
    );
    let words = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'app.t'::regclass AND contype = 'c' ORDER BY 1";
    assert_eq!(
        joined(target.query_text(words)),
        [
            "CHECK ((n > 0)) NO INHERIT",
            "CHECK ((p < 100))",
            "CHECK ((p > 0))"
        ]
    );
    let indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 't' AND indexname LIKE 'by%' ORDER BY 1";
    assert_eq!(
        joined(target.query_text(indexes)),
        [
            "CREATE INDEX by_path ON app.t USING gin (j jsonb_path_ops)",
            "CREATE INDEX by_start ON app.t USING btree (name COLLATE \"C\" text_pattern_ops)"
        ]
    );
    assert!(
        desk.plan_text()
            .contains("`app.t.t_name_n_key` loses covering columns"),
        "{}",
        desk.plan_text()
    );
}

#[test]
fn types_and_collations_that_the_target_does_not_know_become_what_it_knows() {
    let (Some(source), Some(target)) = (
        postgres::TestDatabase::create("mapping_strange"),
        postgres::TestDatabase::create("mapping_strange_target"),
    ) else {
        return;
    };
    source.execute(
        "CREATE EXTENSION citext; CREATE COLLATION german FROM \"C\";
         CREATE TABLE t (id int PRIMARY KEY, mail citext UNIQUE, name text COLLATE german, other text); CREATE INDEX by_other ON t (other COLLATE german);
         INSERT INTO t VALUES (1, 'A@x', 'n')",
    );
    let desk = Desk::with(&format!(
        "[[source]]\nname = \"app\"\nurl = \"{}\"\n",
        source.url()
    ));
    desk.moved("sources", target.url());
    assert_eq!(
        joined(target.query_text("SELECT mail, pg_typeof(mail)::text, name FROM app.t")),
        ["A@x|text|n"]
    );
    let plan = desk.plan_text();
    for said in [
        "`app.t.mail`: `public.citext` becomes `text`",
        "the order of collation `public.german` of `app.t.name` stays behind",
        "collation `public.german` of index `app.t.by_other` is replaced by the target's default",
    ] {
        assert!(plan.contains(said), "`{said}` is not in {plan}");
    }
}
