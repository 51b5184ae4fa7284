//! The time that queries of a person's own may take at each server: the statement is ended there, and everything else goes on.

use whimbrel_testkit::{mysql, postgres};

use crate::desk::Desk;

const NUMBERS: &str = "create table number (id int primary key)";
const ROWS: [&str; 3] = [
    "insert into number values (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)",
    "insert into number select a.id + 10 * b.id from number a, number b",
    "insert into number select 1000 + a.id + 100 * b.id from number a, number b where a.id < 100 and b.id <= 10",
];

/// Takes hours at any server; the name tells it from what others run.
fn endless(mark: &str) -> String {
    format!(
        "select count(*) as {mark} from number a, number b, number c, number d, number e, number f where a.id + b.id + c.id + d.id + e.id + f.id < 0"
    )
}

/// Migrates with a rule that a server answers at once behind one that takes too long at the source, and one that does at the target.
fn report(source: &str, target: &str, mark: &str) -> String {
    let desk = Desk::set_up();
    let long = endless(mark);
    let text = format!(
        "[[validation]]\nname = \"a\"\nsource = \"{long}\"\ntarget = \"select 1\"\ntimeout = 1\n\
         [[validation]]\nname = \"b\"\nsource = \"select 1\"\ntarget = \"{long}\"\ntimeout = 1\n\
         [[validation]]\nname = \"c\"\nquery = \"select count(*) from number\"\ntimeout = 60\n"
    );
    std::fs::write(desk.folder().join("whimbrel.toml"), text).unwrap();
    desk.run(&format!("migrate {source} {target} --yes --accept-suggested"))
        .expect_code(3);
    let folders = std::fs::read_dir(desk.files()).unwrap();
    let reports = folders.filter_map(|entry| {
        std::fs::read_to_string(entry.unwrap().path().join("verification_report.md")).ok()
    });
    reports.collect()
}

/// Both queries were given up for their time, on the side that they ran on, and the third one was answered.
fn check_given_up(report: &str) {
    assert!(
        report.contains("Validation rules: 1 PASS, 2 NOT CHECKED"),
        "{report}"
    );
    for side in ["source", "target"] {
        let said = report
            .lines()
            .any(|line| line.contains(side) && line.contains("longer than 1 second"));
        assert!(said, "{side}: {report}");
    }
}

#[test]
fn a_query_that_takes_too_long_is_ended_at_every_kind_of_server() {
    for flavour in mysql::Flavour::ALL {
        let server = mysql::TestDatabase::create(flavour, "rule_time");
        let other = postgres::TestDatabase::create("rule_time");
        let (Some(server), Some(other)) = (server, other) else {
            continue;
        };
        server.execute(NUMBERS);
        for rows in ROWS {
            server.execute(rows);
        }
        for mark in ["there", "back"] {
            let mark = format!("{mark}_{}", flavour.scheme());
            match mark.starts_with("there") {
                true => check_given_up(&report(server.url(), other.url(), &mark)),
                false => {
                    let Some(target) = mysql::TestDatabase::create(flavour, "rule_time_back") else {
                        continue;
                    };
                    check_given_up(&report(other.url(), target.url(), &mark));
                }
            }
            let running = server.query_text(&format!(
                "select count(*) from information_schema.processlist where id <> connection_id() and info like '%{mark}%'"
            ));
            assert_eq!(running, [[Some("0".to_owned())]], "{flavour:?} still runs {mark}");
            let running = other.query_text(&format!(
                "select count(*)::text from pg_stat_activity where pid <> pg_backend_pid() and state = 'active' and query like '%{mark}%'"
            ));
            assert_eq!(running, [[Some("0".to_owned())]], "PostgreSQL still runs {mark}");
        }
    }
}
