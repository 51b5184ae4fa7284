//! Partitioned tables, and tables that inherit, under a mapping: every row arrives where the rules say, or the rule is refused.

use whimbrel_testkit::{mysql, postgres};

use crate::bench::{Desk, joined};

const EVENTS: &str = "
CREATE TABLE events (id integer, day date NOT NULL, kind text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY RANGE (day);
CREATE TABLE events_2025_rest PARTITION OF events_2025 DEFAULT;
CREATE TABLE old_events (id integer, day date NOT NULL, kind text, PRIMARY KEY (id, day));
INSERT INTO events SELECT i, date '2024-01-01' + i, 'k' || i FROM generate_series(1, 600) AS i;
INSERT INTO old_events VALUES (1000, '2020-02-02', 'old');
CREATE TABLE animals (id integer PRIMARY KEY, name text);
CREATE TABLE birds (wings integer) INHERITS (animals);
INSERT INTO animals VALUES (1, 'cat'), (2, 'dog');
INSERT INTO birds VALUES (3, 'owl', 2);
";

const SPLIT: &str = "
[[table]]
from = \"events\"
to = \"odd_events\"
where = \"id % 2 = 1\"
[[table]]
from = \"events\"
to = \"even_events\"
where = \"id % 2 = 0\"
[[table]]
from = \"animals\"
to = \"cats\"
where = \"name = 'cat'\"
[[table]]
from = \"animals\"
to = \"others\"
where = \"name <> 'cat'\"
";

#[test]
fn a_split_takes_the_rows_of_all_partitions_and_leaves_those_that_only_inherit() {
    let (Some(source), Some(target)) = (
        postgres::TestDatabase::create("mapping_parted"),
        postgres::TestDatabase::create("mapping_parted_split"),
    ) else {
        return;
    };
    source.execute(EVENTS);
    let desk = Desk::with(SPLIT);
    desk.moved(source.url(), target.url());
    assert_eq!(
        joined(target.query_text(
            "SELECT (SELECT count(*) FROM odd_events), (SELECT count(*) FROM even_events), (SELECT count(*) FROM cats), (SELECT count(*) FROM others)"
        )),
        ["300|300|1|1"]
    );
    assert_eq!(
        joined(target.query_text("SELECT id, name, wings FROM birds")),
        ["3|owl|2"]
    );
    assert_eq!(
        joined(target.query_text(
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'events%' AND relkind IN ('r', 'p')"
        )),
        ["0"]
    );
    let plan = desk.plan_text();
    assert!(
        plan.contains("`public.events` is partitioned; what the mapping makes of it is not"),
        "{plan}"
    );
    assert!(
        plan.contains("`public.birds` does not inherit any more"),
        "{plan}"
    );
}

#[test]
fn a_merge_takes_the_rows_of_all_partitions_whatever_the_target() {
    let (Some(source), Some(equal), Some(other)) = (
        postgres::TestDatabase::create("mapping_parted_merge"),
        postgres::TestDatabase::create("mapping_parted_equal"),
        mysql::TestDatabase::create(mysql::Flavour::MariaDb, "mapping_parted_other"),
    ) else {
        return;
    };
    source.execute(EVENTS);
    let settings = "[tables]\ninclude = [\"all_events\"]\n\
                    [[table]]\nfrom = [\"events\", \"old_events\"]\nto = \"all_events\"\n";
    let count = "SELECT count(*), sum(id) FROM all_events";
    Desk::with(settings).moved(source.url(), equal.url());
    assert_eq!(joined(equal.query_text(count)), ["601|181300"]);
    Desk::with(settings).moved(source.url(), other.url());
    assert_eq!(joined(other.query_text(count)), ["601|181300"]);
}

#[test]
fn what_makes_other_values_of_the_dividing_column_makes_a_plain_table() {
    let (Some(source), Some(target)) = (
        postgres::TestDatabase::create("mapping_parted_key"),
        postgres::TestDatabase::create("mapping_parted_plain"),
    ) else {
        return;
    };
    source.execute(EVENTS);
    let desk = Desk::with("[[table]]\nfrom = \"events\"\ncompute = { day = \"day + 4000\" }\n");
    desk.moved(source.url(), target.url());
    assert_eq!(
        joined(target.query_text("SELECT count(*), min(day) FROM events")),
        ["600|2034-12-15"]
    );
}

#[test]
fn a_rule_for_a_partition_alone_is_refused_or_said_to_mean_nothing() {
    let (Some(source), Some(target), Some(other)) = (
        postgres::TestDatabase::create("mapping_parted_alone"),
        postgres::TestDatabase::create("mapping_parted_none"),
        mysql::TestDatabase::create(mysql::Flavour::MariaDb, "mapping_parted_idle"),
    ) else {
        return;
    };
    source.execute(EVENTS);
    let torn =
        "[[table]]\nfrom = \"events_2024\"\nto = \"x\"\n[[table]]\nfrom = \"old_events\"\nto = \"x\"\n";
    let beside = format!("{SPLIT}[[table]]\nfrom = \"events_2024\"\nto = \"first\"\n");
    for settings in [torn, &beside] {
        let refused = Desk::with(settings).run(&["plan", source.url(), target.url()]);
        assert!(
            refused
                .stderr
                .contains("`public.events_2024` and not for `public.events`, whose partition it is"),
            "{}",
            refused.stderr
        );
    }
    let desk = Desk::with("[[table]]\nfrom = \"events_2024\"\nto = \"first\"\n");
    desk.moved(source.url(), target.url());
    assert_eq!(joined(target.query_text("SELECT count(*) FROM first")), ["365"]);
    let desk = Desk::with("[[table]]\nfrom = \"events_2024\"\nto = \"first\"\n");
    desk.planned(source.url(), other.url());
    assert!(
        desk.plan_text().contains("which says nothing here"),
        "{}",
        desk.plan_text()
    );
}
