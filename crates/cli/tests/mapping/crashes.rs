//! A crash in a migration with a mapping: `resume` goes on, nothing is lost, nothing comes twice.

use whimbrel_testkit::{postgres, sqlite};

use crate::bench::{Desk, joined};

/// Points of the run at which the program dies, from the first statements to the verification.
const POINTS: [u32; 6] = [3, 12, 25, 40, 55, 70];

const PEOPLE: &str = "
CREATE TABLE staff (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE guests (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO staff SELECT i, 'staff ' || i FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO guests SELECT i, 'guest ' || i FROM n;
";

const SETTINGS: &str = "[policies]\nchunk_size = \"64KiB\"\n\
    [[table]]\nfrom = [\"staff\", \"guests\"]\nto = \"people\"\nwhere = \"id % 2 = 0\"\n\
    compute = { loud = \"upper(name)\", kind = \"split_part(name, ' ', 1)\" }\nkey = [\"kind\", \"id\"]\n";

#[test]
fn a_merged_and_filtered_table_arrives_exactly_once_wherever_the_program_dies() {
    let source = sqlite::TestFile::create("mapping_crash", PEOPLE);
    let mut crashed = 0;
    for at in POINTS {
        let Some(target) = postgres::TestDatabase::create("mapping_crash") else {
            return;
        };
        let desk = Desk::with(SETTINGS);
        let (_, hash) = desk.planned(&source.url(), target.url());
        let databases = ["--source", &source.url(), "--target", target.url()].map(str::to_owned);
        let mut run = vec!["run", "--approve", &hash];
        run.extend(databases.iter().map(String::as_str));
        let desk = desk.env("WHIMBREL_FAULT", &format!("{at}:abort"));
        crashed += usize::from(desk.run(&run).code != Some(0));
        let desk = desk.env("WHIMBREL_FAULT", "");
        let mut resume = vec!["resume"];
        resume.extend(databases.iter().map(String::as_str));
        desk.run(&resume).expect_code(0);
        assert_eq!(
            joined(target.query_text(
                "SELECT count(*), count(DISTINCT (kind, id)), sum(id), min(loud), max(kind) FROM people"
            )),
            ["20000|20000|200020000|GUEST 10|staff"],
            "after a crash at point {at}"
        );
    }
    assert!(crashed > 3, "only {crashed} of the points were reached");
}
