//! UUIDs that the target's own type does not hold: the plan counts them and chooses another type, for all columns that keys link.

use whimbrel_testkit::{mysql, mysql::Flavour, postgres};

use crate::bench::{Desk, joined};

/// All versions and variants, with both ends of the ninth bytes that are refused; the last two have version 8 or later and such a byte.
const VALUES: &str = "
CREATE TABLE devices (id uuid PRIMARY KEY);
CREATE TABLE visits (n int PRIMARY KEY, device uuid REFERENCES devices(id));
INSERT INTO devices SELECT ('12345678-1234-' || to_hex(v) || '234-' || lpad(to_hex(b), 2, '0') || '34-123456789abc')::uuid
    FROM generate_series(0, 15) v, unnest(ARRAY[0, 1, 64, 127, 128, 129, 191, 192, 255]) b WHERE v < 8 OR b NOT BETWEEN 1 AND 128;
INSERT INTO devices VALUES ('00000000-0000-0000-0000-000000000000'), ('ffffffff-ffff-ffff-ffff-ffffffffffff');
INSERT INTO visits SELECT 1, id FROM devices LIMIT 1;
";
const LATE: &str = "
INSERT INTO devices VALUES ('12345678-1234-8234-8034-123456789abc'), ('12345678-1234-f234-0134-123456789abc');
";
const TYPES: &str = "SELECT group_concat(column_type ORDER BY table_name) FROM information_schema.columns
    WHERE table_schema = database() AND column_name IN ('id', 'device') AND table_name IN ('devices', 'visits')";

#[test]
fn uuids_keep_their_type_where_the_target_holds_all_of_them() {
    let Some(source) = postgres::TestDatabase::create("uuids_held") else {
        return;
    };
    let Some(target) = mysql::TestDatabase::create(Flavour::MariaDb, "uuids_held") else {
        return;
    };
    source.execute(VALUES);
    Desk::with("").moved(source.url(), target.url());
    assert_eq!(joined(target.query_text(TYPES)), ["uuid,uuid"]);
}

#[test]
fn uuids_that_the_target_refuses_give_all_linked_columns_another_type() {
    let Some(source) = postgres::TestDatabase::create("uuids_late") else {
        return;
    };
    let Some(target) = mysql::TestDatabase::create(Flavour::MariaDb, "uuids_late") else {
        return;
    };
    source.execute(VALUES);
    source.execute(LATE);
    let desk = Desk::with("");
    desk.moved(source.url(), target.url());
    let plan = desk.plan_text();
    assert!(plan.contains("rows with such: 2"), "{plan}");
    assert_eq!(joined(target.query_text(TYPES)), ["binary(16),binary(16)"]);
    let joins = "SELECT count(*) FROM visits JOIN devices ON device = id";
    assert_eq!(joined(target.query_text(joins)), ["1"]);
}

#[test]
fn refused_uuids_become_counted_rejects_where_the_plan_says_so() {
    let Some(source) = postgres::TestDatabase::create("uuids_rejected") else {
        return;
    };
    let Some(target) = mysql::TestDatabase::create(Flavour::MariaDb, "uuids_rejected") else {
        return;
    };
    source.execute(VALUES);
    source.execute(LATE);
    let desk = Desk::with(
        "[policies]\non_reject = \"file\"\n[decisions]\n\"out_of_range:public.devices.id\" = \"reject\"\n",
    );
    let (migration, hash) = desk.planned(source.url(), target.url());
    let run = desk
        .run(&[
            "run",
            &migration,
            "--approve",
            &hash,
            "--source",
            source.url(),
            "--target",
            target.url(),
        ])
        .expect_code(3);
    assert!(
        run.stdout.contains("2 rows rejected") || run.stderr.contains("2 rows rejected"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert_eq!(joined(target.query_text(TYPES)), ["uuid,uuid"]);
}
