//! Three databases of different engines become one: each with a namespace, customers of two of them merged, codes looked up.

use whimbrel_testkit::{mysql, postgres, sqlite};

use crate::bench::{Desk, joined};

const CRM: &str = "
CREATE TABLE customers (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(80) NOT NULL, land CHAR(2), since DATETIME(3));
CREATE TABLE calls (id INT PRIMARY KEY, customer_id INT NOT NULL, minutes SMALLINT UNSIGNED, FOREIGN KEY (customer_id) REFERENCES customers(id));
INSERT INTO customers VALUES (1,'Ann','NO','2020-01-02 03:04:05.678'),(2,'Bo','SE',NULL);
INSERT INTO calls VALUES (1,1,12),(2,2,65535);
";

const WEB: &str = "
CREATE TABLE clients (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, land TEXT);
CREATE TABLE pages (path TEXT PRIMARY KEY, hits INTEGER NOT NULL);
INSERT INTO clients VALUES (1,'Cy','NO'),(2,'Di',NULL),(3,'Eva','DK');
INSERT INTO pages VALUES ('/',10),('/shop',5);
";

const ERP: &str = "
CREATE TYPE state AS ENUM ('open', 'paid');
CREATE TABLE invoices (id bigserial PRIMARY KEY, amount numeric(12,2) NOT NULL, state state NOT NULL DEFAULT 'open', tags text[], at timestamptz);
CREATE INDEX invoices_state ON invoices (state) WHERE state = 'open';
INSERT INTO invoices (amount, state, tags, at) VALUES (10.50,'paid','{a,b}','2024-02-29 12:00+02'),(99.99,'open',NULL,NULL);
";

#[test]
fn three_databases_of_different_engines_become_one() {
    let Some(crm) = mysql::TestDatabase::create(mysql::Flavour::MariaDb, "mapping_crm") else {
        return;
    };
    let Some(erp) = postgres::TestDatabase::create("mapping_erp") else {
        return;
    };
    let Some(target) = postgres::TestDatabase::create("mapping_one") else {
        return;
    };
    crm.execute(CRM);
    erp.execute(ERP);
    let web = sqlite::TestFile::create("mapping_web", WEB);
    let desk = Desk::with(&format!(
        "[[source]]\nname = \"crm\"\nurl = \"{}\"\n[[source]]\nname = \"web\"\nurl = \"{}\"\n[[source]]\nname = \"erp\"\nurl = \"{}\"\n\
         [[table]]\nfrom = \"crm.customers\"\nto = \"main.people\"\ncompute = {{ country = \"lookup('lands', land, '?')\" }}\nexclude = [\"land\"]\nsource_column = \"origin\"\n\
         [[table]]\nfrom = \"web.clients\"\nto = \"main.people\"\nrename = {{ full_name = \"name\" }}\ncompute = {{ country = \"lookup('lands', land, '?')\" }}\nexclude = [\"land\"]\nsource_column = \"origin\"\n\
         [[lookup]]\nname = \"lands\"\nfile = \"lands.csv\"\n\
         [[wave]]\nname = \"reference\"\ntables = [\"web.pages\"]\n",
        crm.url(),
        web.url(),
        erp.url()
    ));
    desk.write("lands.csv", "code,name\nNO,Norway\nSE,Sweden\n");
    let id = desk.moved("sources", target.url());
    assert!(desk.plan_text().contains("the source's rows after the mapping"));
    assert_eq!(
        joined(target.query_text("SELECT origin, id, name, country FROM main.people ORDER BY origin, id")),
        [
            "crm|1|Ann|Norway",
            "crm|2|Bo|Sweden",
            "web|1|Cy|Norway",
            "web|2|Di|-",
            "web|3|Eva|?"
        ]
    );
    assert_eq!(
        joined(target.query_text("SELECT id, minutes FROM crm.calls ORDER BY id")),
        ["1|12", "2|65535"]
    );
    assert_eq!(
        joined(target.query_text("SELECT path, hits FROM web.pages ORDER BY path")),
        ["/|10", "/shop|5"]
    );
    assert_eq!(
        joined(target.query_text(
            "SELECT id, amount, state, tags, at AT TIME ZONE 'UTC' FROM erp.invoices ORDER BY id"
        )),
        ["1|10.50|paid|{a,b}|2024-02-29 10:00:00", "2|99.99|open|-|-"]
    );
    assert_eq!(
        joined(target.query_text("INSERT INTO erp.invoices (amount, state) VALUES (1, 'open') RETURNING id")),
        ["3"]
    );
    // Somebody wrote to the target: verifying says so.
    let verified = desk
        .run(&["verify", &id, "--target", target.url()])
        .expect_code(3);
    let note = "note: compared are the source's rows after the mapping";
    assert!(verified.stdout.contains(note), "{}", verified.stdout);
}

#[test]
fn what_is_said_of_several_sources_calls_each_by_its_name() {
    let crm = sqlite::TestFile::create("mapping_said_crm", WEB);
    let shop = sqlite::TestFile::create("mapping_said_shop", WEB);
    let target = sqlite::TestFile::create("mapping_said_target", "");
    let sources = format!(
        "[[source]]\nname = \"crm\"\nurl = \"{}\"\n[[source]]\nname = \"shop\"\nurl = \"{}\"\n",
        crm.url(),
        shop.url()
    );
    let desk = Desk::with(&sources);
    let inventory = desk.run(&["inspect", "sources"]).expect_code(0).stdout;
    assert!(
        inventory.starts_with("sources   crm, shop\nengines   sqlite "),
        "{inventory}"
    );
    assert!(
        inventory.contains("  snapshot crm: ") && inventory.contains("  snapshot shop: "),
        "{inventory}"
    );
    assert!(
        !inventory.contains("several") && !inventory.contains("crm.mapping"),
        "{inventory}"
    );
    let plan = desk.run(&["plan", "sources", &target.url()]);
    let plan = plan.expect_code(0).stdout;
    let named = "`crm.clients` becomes `crm_clients`, and all others of `crm` likewise";
    assert!(
        plan.contains(named) && plan.contains("  snapshot shop: "),
        "{plan}"
    );
    let text = desk.plan_text();
    assert!(text.starts_with("# Data Migration Plan: crm, shop to "), "{text}");
    assert!(text.contains("| Source | `crm, shop` (sqlite "), "{text}");
    assert!(!text.contains("several sqlite"), "{text}");
    let moving = Desk::with(&sources);
    moving.moved("sources", &target.url());
    let report = moving.page("final_report.md");
    assert!(
        report.contains("several databases to sqlite, big bang") && report.contains("`crm, shop` (sqlite "),
        "{report}"
    );
    // One rule for tables of two sources means one table, which must have a place.
    let rule = |to: &str| {
        format!(
            "{sources}[[table]]\nfrom = [\"crm.clients\", \"shop.clients\"]\nto = \"{to}\"\nsource_column = \"origin\"\n"
        )
    };
    let refused = Desk::with(&rule("people")).run(&["plan", "sources", &target.url()]);
    let refused = refused.expect_code(2).stderr;
    assert!(
        refused.contains("would be two tables") && refused.contains("to = \"main.people\""),
        "{refused}"
    );
    Desk::with(&rule("crm.people"))
        .run(&["plan", "sources", &target.url(), "--accept-suggested"])
        .expect_code(0);
}

#[test]
fn tables_of_an_earlier_wave_are_copied_before_those_of_a_later_one() {
    let many = |name: &str, rows: u32| {
        format!(
            "CREATE TABLE {name} (id INTEGER PRIMARY KEY, text TEXT); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
            INSERT INTO {name} SELECT i, 'row ' || i FROM n;"
        )
    };
    let one = sqlite::TestFile::create("mapping_wave_one", &many("countries", 10));
    let two = sqlite::TestFile::create("mapping_wave_two", &many("history", 4000));
    let Some(target) = postgres::TestDatabase::create("mapping_waves") else {
        return;
    };
    let sources = format!(
        "[limits]\njobs = 1\n[[source]]\nname = \"one\"\nurl = \"{}\"\n[[source]]\nname = \"two\"\nurl = \"{}\"\n",
        one.url(),
        two.url()
    );
    let waves = |first: &str, second: &str| {
        format!(
            "{sources}[[wave]]\nname = \"first\"\ntables = [\"{first}\"]\n[[wave]]\nname = \"second\"\ntables = [\"{second}\"]\n"
        )
    };
    // The bigger table goes first where no wave says otherwise.
    let desk = Desk::with(&waves("one.*", "two.history"));
    desk.moved("sources", target.url());
    assert_eq!(desk.copied(), ["one.countries", "two.history"]);
    assert!(
        desk.plan_text().contains("* Wave 1, first: `one.countries`"),
        "{}",
        desk.plan_text()
    );
    let refused = Desk::with(&waves("one.*", "two.histories")).run(&["plan", "sources", target.url()]);
    assert!(
        refused.stderr.contains("did you mean `two.history`"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_target_that_is_one_of_the_sources_is_refused_by_whatever_name() {
    let (Some(web), Some(crm)) = (
        postgres::TestDatabase::create("mapping_same_web"),
        postgres::TestDatabase::create("mapping_same_crm"),
    ) else {
        return;
    };
    let desk = Desk::with(&format!(
        "[[source]]\nname = \"crm\"\nurl = \"{}\"\n[[source]]\nname = \"web\"\nurl = \"{}\"\n",
        crm.url(),
        web.url()
    ));
    let other_name = web.url().replace("127.0.0.1", "localhost");
    let refused = desk.run(&["plan", "sources", &other_name]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("same database"), "{}", refused.stderr);
}

#[test]
fn the_plan_names_the_tables_of_each_database_and_asks_only_what_they_can_answer() {
    let (Some(crm), Some(target)) = (
        mysql::TestDatabase::create(mysql::Flavour::MariaDb, "mapping_named"),
        postgres::TestDatabase::create("mapping_named_target"),
    ) else {
        return;
    };
    crm.execute(
        "CREATE TABLE `Old Customers` (`Cust Id` INT PRIMARY KEY, nm VARCHAR(80)); INSERT INTO `Old Customers` VALUES (1, 'Ann');
         CREATE TABLE lands (code CHAR(2) PRIMARY KEY, name TEXT); INSERT INTO lands VALUES ('NO', 'Norway');",
    );
    let web = sqlite::TestFile::create("mapping_named_web", WEB);
    let desk = Desk::with(&format!(
        "[[source]]\nname = \"crm\"\nurl = \"{}\"\n[[source]]\nname = \"web\"\nurl = \"{}\"\n\
         [[table]]\nfrom = \"crm.Old Customers\"\nto = \"main.people\"\nrename = {{ \"Cust Id\" = \"id\", nm = \"name\" }}\nsource_column = \"origin\"\n\
         [[table]]\nfrom = \"web.clients\"\nto = \"main.people\"\nrename = {{ full_name = \"name\" }}\nsource_column = \"origin\"\n\
         [[table]]\nfrom = \"web.pages\"\nwhere = \"hits > 5\"\n",
        crm.url(),
        web.url()
    ));
    desk.moved("sources", target.url());
    let plan = desk.plan_text();
    for said in [
        "| mariadb crm, sqlite web | `crm.Old Customers`, `web.clients` | 4 |",
        "| `crm.Old Customers` | `Cust Id` | `main.people` | `id` | `int` to",
        "| `web.clients` | `full_name` | `main.people` | `name` | `TEXT` to",
        "| `crm.Old Customers` | none | `main.people` | `land` | NULL in every row of this table |",
        "| rows of `crm.lands` | `` SELECT count(*) FROM `lands` ``, in `crm` | `SELECT count(*) FROM \"crm\".\"lands\"` |",
        "| rows of `main.people` | none: the mapping puts its rows together from several tables |",
        "| rows of `web.pages` | `SELECT count(*) FROM \"pages\" WHERE \"hits\" > 5`, in `web` |",
    ] {
        assert!(plan.contains(said), "{said} is missing in\n{plan}");
    }
    let file = |name: &str| {
        let files = desk.files();
        let found = files.iter().find(|(path, _)| path.ends_with(name)).unwrap();
        String::from_utf8_lossy(&found.1).into_owned()
    };
    let (asked, web_asked) = (
        file("verification_queries_source_crm.sql"),
        file("verification_queries_source_web.sql"),
    );
    assert!(asked.contains("-- crm.lands\n"), "{asked}");
    assert!(
        asked.contains("count(*) AS total_records FROM `lands`;"),
        "{asked}"
    );
    for (text, not_there) in [(&asked, "pages"), (&web_asked, "lands")] {
        assert!(!text.contains(not_there), "a client could not run {text}");
    }
    let twin = file("verification_queries_target.sql");
    assert!(
        twin.contains("count(*) AS total_records FROM \"crm\".\"lands\";"),
        "{twin}"
    );
    assert!(twin.contains("-- crm.lands, from crm\n"), "{twin}");
    for text in [&asked, &web_asked, &twin] {
        assert!(text.contains("-- not asked: values of columns"), "{text}");
    }
    assert!(
        web_asked.contains("(SELECT count(*) FROM \"clients\") AS \"records_of_web\";"),
        "{web_asked}"
    );
    assert!(
        twin.contains("-- total_records must be records_of_crm + records_of_web"),
        "{twin}"
    );
}

#[test]
fn a_database_may_be_two_sources_and_the_rejects_of_each_are_told_apart() {
    let web = sqlite::TestFile::create("mapping_twice", WEB);
    let target = sqlite::TestFile::create("mapping_twice_target", "");
    let desk = Desk::with(&format!(
        "[policies]\non_reject = \"file\"\n[[source]]\nname = \"one\"\nurl = \"{0}\"\n[[source]]\nname = \"two\"\nurl = \"{0}\"\n\
         [tables]\ninclude = [\"people\"]\n\
         [[table]]\nfrom = [\"one.clients\", \"two.clients\"]\nto = \"one.people\"\ncompute = {{ half = \"10 / (id - 2)\" }}\nsource_column = \"origin\"\n",
        web.url()
    ));
    let (id, hash) = desk.planned("sources", &target.url());
    desk.run(&["run", "--approve", &hash, "--target", &target.url()])
        .expect_code(3);
    let rejects = desk
        .files()
        .into_iter()
        .find(|(path, _)| path.to_string_lossy().contains("rejects"))
        .unwrap()
        .1;
    let rejects = String::from_utf8(rejects).unwrap();
    for key in ["one.clients: id=2", "two.clients: id=2"] {
        assert!(rejects.contains(key), "{rejects}");
    }
    web.execute("UPDATE clients SET id = 7 WHERE id = 2");
    desk.run(&["run", &id, "--rejects", "--target", &target.url(), "-y"])
        .expect_code(0);
    assert_eq!(
        joined(target.query_text(
            "SELECT origin, count(*), sum(half) FROM one_people GROUP BY origin ORDER BY origin"
        )),
        ["one|3|2", "two|3|2"]
    );
}

#[test]
fn the_table_filter_knows_the_tables_that_a_merged_one_is_made_of() {
    let one = sqlite::TestFile::create(
        "mapping_filter_one",
        "CREATE TABLE customers (id INTEGER PRIMARY KEY); INSERT INTO customers VALUES (1); CREATE TABLE orders (id INTEGER PRIMARY KEY)",
    );
    let two = sqlite::TestFile::create(
        "mapping_filter_two",
        "CREATE TABLE clients (id INTEGER PRIMARY KEY); INSERT INTO clients VALUES (2)",
    );
    let planned = |filter: &str| {
        let target = sqlite::TestFile::create("mapping_filter_target", "");
        let desk = Desk::with(&format!(
            "[tables]\n{filter}\n[[source]]\nname = \"one\"\nurl = \"{}\"\n[[source]]\nname = \"two\"\nurl = \"{}\"\n\
             [[table]]\nfrom = [\"one.customers\", \"two.clients\"]\nto = \"main.people\"\nsource_column = \"origin\"\n",
            one.url(),
            two.url()
        ));
        let plan = desk.run(&["plan", "sources", &target.url(), "--json"]);
        let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
        let blockers: Vec<String> = plan["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["severity"] == "blocker")
            .map(|finding| finding["message"].as_str().unwrap().to_owned())
            .collect();
        (plan["rows"].as_u64().unwrap(), blockers)
    };
    let all = |rows: u64| (rows, Vec::new());
    assert_eq!(planned("include = [\"*.customers\", \"*.clients\"]"), all(2));
    assert_eq!(planned("include = [\"main.people\"]"), all(2));
    assert_eq!(planned("exclude = [\"*.customers\", \"*.clients\"]"), all(0));
    assert_eq!(planned("exclude = [\"people\"]"), all(0));
    let half = "the table filter leaves out `two.clients`, which becomes a part of `main.people`: \
                let it through, or take its rule out of the mapping";
    for filter in ["include = [\"one.*\"]", "exclude = [\"*.clients\"]"] {
        assert_eq!(planned(filter).1, [half], "{filter}");
    }
}
