//! A crash in a migration with a mapping: `resume` goes on, nothing is lost, nothing comes twice.

use whimbrel_testkit::{mysql, postgres, sqlite};

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

const CRM: &str = "
CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, land CHAR(2));
CREATE TABLE calls (id INT PRIMARY KEY, customer_id INT NOT NULL, minutes INT);
INSERT INTO customers (name, land) SELECT concat('customer ', seq), IF(seq % 2, 'NO', 'SE') FROM seq_1_to_1500;
INSERT INTO calls SELECT seq, 1 + seq % 1500, seq % 60 FROM seq_1_to_1500;
";

const ERP: &str = "
CREATE TABLE invoices (id bigserial PRIMARY KEY, amount numeric(12,2) NOT NULL CHECK (amount > 0), note text);
CREATE TABLE lines (invoice bigint REFERENCES invoices (id), place int, PRIMARY KEY (invoice, place));
INSERT INTO invoices (amount, note) SELECT i + 0.25, 'note ' || i FROM generate_series(1, 1500) AS i;
INSERT INTO lines SELECT i, 1 FROM generate_series(1, 1500) AS i;
";

const WEB: &str = "
CREATE TABLE clients (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, land TEXT);
CREATE TABLE lands (code TEXT PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO lands VALUES ('NO', 'Norway'), ('SE', 'Sweden');
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO clients SELECT i, 'client ' || i, 'NO' FROM n;
";

/// What was in the target before, and must be there after a rollback.
const BEFORE: &str =
    "CREATE TABLE notes (id integer PRIMARY KEY, text text); INSERT INTO notes VALUES (1, 'keep me');";

fn three_into_one(crm: &str, erp: &str, web: &str) -> Desk {
    Desk::with(&format!(
        "[policies]\nchunk_size = \"16KiB\"\n\
         [[source]]\nname = \"crm\"\nurl = \"{crm}\"\n[[source]]\nname = \"erp\"\nurl = \"{erp}\"\n[[source]]\nname = \"web\"\nurl = \"{web}\"\n\
         [[table]]\nfrom = \"crm.customers\"\nto = \"main.people\"\ncompute = {{ country = \"lookup('lands', land)\" }}\nsource_column = \"origin\"\n\
         [[table]]\nfrom = \"web.clients\"\nto = \"main.people\"\nrename = {{ full_name = \"name\" }}\ncompute = {{ country = \"lookup('lands', land)\" }}\nsource_column = \"origin\"\n\
         [[table]]\nfrom = \"crm.calls\"\nto = \"main.short_calls\"\nwhere = \"minutes < 30\"\n\
         [[table]]\nfrom = \"crm.calls\"\nto = \"main.long_calls\"\nwhere = \"minutes >= 30\"\n\
         [[lookup]]\nname = \"lands\"\ntable = \"web.lands\"\nkey = \"code\"\nvalue = \"name\"\n\
         [[wave]]\nname = \"reference\"\ntables = [\"web.lands\"]\n"
    ))
}

#[test]
fn three_databases_in_one_arrive_exactly_once_after_a_crash_and_leave_nothing_after_a_rollback() {
    let (Some(crm), Some(erp)) = (
        mysql::TestDatabase::create(mysql::Flavour::MariaDb, "crash_crm"),
        postgres::TestDatabase::create("crash_erp"),
    ) else {
        return;
    };
    crm.execute(CRM);
    erp.execute(ERP);
    let web = sqlite::TestFile::create("crash_web", WEB);
    let sources = [crm.dump(), erp.dump(), web.dump()];
    let mut crashed = 0;
    for at in [20, 60, 110] {
        let Some(target) = postgres::TestDatabase::create("crash_one") else {
            return;
        };
        target.execute(BEFORE);
        let before = target.dump();
        let desk = three_into_one(crm.url(), erp.url(), &web.url());
        let (id, hash) = desk.planned("sources", target.url());
        let desk = desk.env("WHIMBREL_FAULT", &format!("{at}:abort"));
        let died = desk.run(&["run", "--approve", &hash, "--target", target.url()]);
        crashed += usize::from(died.code != Some(0));
        let desk = desk.env("WHIMBREL_FAULT", "");
        desk.run(&["resume", "--target", target.url()]).expect_code(0);
        desk.run(&["verify", &id, "--target", target.url()])
            .expect_code(0);
        assert_eq!(
            joined(target.query_text(
                "SELECT count(*), count(DISTINCT (origin, id)), sum(id), min(country), max(country) FROM main.people
                 UNION ALL SELECT count(*), count(DISTINCT id), sum(id), min(minutes)::text, max(minutes)::text FROM main.short_calls
                 UNION ALL SELECT count(*), count(DISTINCT id), sum(id), min(minutes)::text, max(minutes)::text FROM main.long_calls"
            )),
            [
                "3000|3000|2251500|Norway|Sweden",
                "750|750|552375|0|29",
                "750|750|573375|30|59"
            ],
            "after a crash at point {at}"
        );
        desk.run(&["rollback", &id, "--to", "start", "--target", target.url(), "-y"])
            .expect_code(0);
        assert_eq!(target.dump(), before, "rolled back after a crash at point {at}");
    }
    assert_eq!(crashed, 3, "a point was not reached");
    assert_eq!(
        [crm.dump(), erp.dump(), web.dump()],
        sources,
        "a source was written to"
    );
}
