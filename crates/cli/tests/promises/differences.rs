//! The verifier: whatever is changed in the target, it says so and names it.

use crate::engines::PAIRS;
use crate::shop::Move;

/// A change of the target and the words by which the report must name it.
struct Tampering {
    file: &'static str,
    server: &'static str,
    /// For MySQL and MariaDB; none where they have no such thing, so that it does not come from them either.
    mysql: Option<&'static str>,
    names: &'static [&'static str],
}

const fn same(sql: &'static str, names: &'static [&'static str]) -> Tampering {
    Tampering {
        file: sql,
        server: sql,
        mysql: Some(sql),
        names,
    }
}

const TAMPERINGS: &[Tampering] = &[
    same(
        "update staff set name = 'other ' where id = 3",
        &["staff", "name", "id=3"],
    ),
    same(
        "update staff set score = score + 0.0000001 where id = 4",
        &["staff", "score", "id=4"],
    ),
    same(
        "update visit set note = '' where staff_id = 3",
        &["visit", "note", "staff_id=3"],
    ),
    same("delete from visit where staff_id = 5", &["visit", "staff_id=5"]),
    same("insert into log values ('same', 1)", &["log"]),
    same("insert into vacant values (1)", &["vacant", "id=1"]),
    same("update log set level = 2 where level = 0", &["log", "level"]),
    Tampering {
        file: "drop index staff_name",
        server: "drop index staff_name",
        mysql: Some("drop index staff_name on staff"),
        names: &["staff_name"],
    },
    same("create index extra on staff (score)", &["extra"]),
    same("drop view crowd", &["crowd"]),
    Tampering {
        file: "update sqlite_sequence set seq = 3 where name = 'staff'",
        server: "select setval(pg_get_serial_sequence('staff', 'id'), 3)",
        // The counter cannot be set behind the rows.
        mysql: Some("alter table staff auto_increment = 3000"),
        names: &["staff", "sequence"],
    },
    Tampering {
        file: "pragma writable_schema = on; update sqlite_schema set sql = replace(sql, 'it''''s', 'is') where name = 'visit'",
        server: "alter table visit alter column note set default 'is'",
        mysql: Some("alter table visit alter column day set default 7"),
        names: &["visit"],
    },
    Tampering {
        file: "drop index visit_day; create unique index visit_day on visit (day) where day > 1000001",
        server: "drop index visit_day; create unique index visit_day on visit (day) where day > 1000001",
        mysql: None,
        names: &["visit_day"],
    },
    Tampering {
        file: "alter table staff add column later text",
        server: "alter table visit drop constraint if exists visit_staff_id_fkey, drop constraint if exists visit_staff",
        mysql: Some("alter table team drop foreign key team_lead"),
        names: &[],
    },
];

#[test]
fn any_single_change_in_the_target_is_found_and_named() {
    for pair in PAIRS {
        for tampering in TAMPERINGS {
            let Some(shop) = Move::create(pair, "tamper", 20) else {
                continue;
            };
            shop.migrate();
            let sql = match (pair.1, tampering.mysql) {
                (engine, Some(sql)) if engine.is_mysql() => sql,
                // Neither side has what would be changed.
                (engine, None) if engine.is_mysql() || pair.0.is_mysql() => continue,
                (engine, _) if engine.is_file() => tampering.file,
                _ => tampering.server,
            };
            shop.target.execute(sql);
            let output = shop.program(&["verify"]).run();
            assert_eq!(output.code, Some(3), "{pair:?}: {sql}\n{output:?}");
            let said = format!("{}{}", output.stdout, output.stderr);
            for name in tampering.names {
                assert!(
                    said.contains(name),
                    "{pair:?}: {sql}: `{name}` is not named in\n{said}"
                );
            }
        }
    }
}

#[test]
fn an_untouched_target_is_identical_any_time_later() {
    for pair in PAIRS {
        let Some(shop) = Move::create(pair, "later", 20) else {
            continue;
        };
        shop.migrate();
        shop.source
            .execute("insert into log values ('the source moved on', 5)");
        shop.program(&["verify"]).run().expect_code(0);
    }
}
