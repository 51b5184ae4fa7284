//! Names that one engine allows and another refuses, folds, cuts or keeps for itself: settled when the plan is made, never found in the run.

use whimbrel_testkit::mysql::{self, Flavour};
use whimbrel_testkit::{postgres, sqlite};

use crate::bench::{Desk, joined};

/// Names that SQLite takes. `~` stands for 63 letters of three bytes each.
const OF_SQLITE: &str = r##"
CREATE TABLE users (id INTEGER PRIMARY KEY, "É" INT, "é" INT, "İ" INT, i INT, cafe INT, "café" INT, "ß" INT, s INT);
CREATE TABLE "CAFÉ" (id INTEGER PRIMARY KEY); CREATE TABLE "café" (id INTEGER PRIMARY KEY);
CREATE TABLE "a ""q"" `t` 'n'" (id INTEGER PRIMARY KEY, "sel""ect" TEXT, "per%cent %s" TEXT, "trail " TEXT, " lead" TEXT, "emoji😀" TEXT,
  "select" TEXT, "a.b" TEXT, "back\slash" TEXT);
CREATE TABLE "empty" (id INTEGER PRIMARY KEY, "" TEXT); CREATE TABLE "trail " (id INTEGER PRIMARY KEY); CREATE TABLE "trail" (id INTEGER PRIMARY KEY);
CREATE TABLE "😀" (id INTEGER PRIMARY KEY); CREATE TABLE "😁" (id INTEGER PRIMARY KEY); CREATE TABLE "#sql-1" (id INTEGER PRIMARY KEY);
CREATE TABLE "~" (id INTEGER PRIMARY KEY, "~" TEXT); CREATE TABLE "~2" (id INTEGER PRIMARY KEY, "~~1" INT, "~~2" INT);
CREATE TABLE storage (id INTEGER PRIMARY KEY, DB_ROW_ID INT, db_trx_id INT, FTS_DOC_ID INT, ctid INT, oid INT, rowid INT, _rowid_ INT);
CREATE TABLE parent (id INTEGER PRIMARY KEY, z INT, CONSTRAINT same UNIQUE (z), CONSTRAINT same CHECK (z > 0));
CREATE TABLE child (id INTEGER PRIMARY KEY, p INT, q INT, CONSTRAINT same UNIQUE (q), CONSTRAINT same FOREIGN KEY (p) REFERENCES parent(id),
  CONSTRAINT same CHECK (q > 0));
CREATE INDEX "ÉÉ" ON child (p); CREATE INDEX "éé" ON child (q); CREATE INDEX "~i" ON child (p, q); CREATE INDEX "fts_doc_id_index" ON child (p);
CREATE VIEW v AS SELECT id AS "trail ", z AS "emoji😀" FROM parent;
CREATE VIEW v2 AS SELECT id AS "É", z AS "é" FROM parent; CREATE VIEW v3 AS SELECT "É" FROM v2;
INSERT INTO users VALUES (1,1,2,3,4,5,6,7,8); INSERT INTO "CAFÉ" VALUES (1); INSERT INTO "café" VALUES (1);
INSERT INTO "a ""q"" `t` 'n'" VALUES (1,'a','b','c','d','e','f','g','h'); INSERT INTO "empty" VALUES (1,'x'); INSERT INTO "trail " VALUES (1);
INSERT INTO "😀" VALUES (1); INSERT INTO "~" VALUES (1,'x'); INSERT INTO storage VALUES (1,1,1,1,1,1,1,1);
INSERT INTO parent VALUES (1,1); INSERT INTO child VALUES (1,1,1);
"##;

/// Names that PostgreSQL takes. `~` stands for 19 letters of three bytes each.
const OF_POSTGRES: &str = r##"
CREATE TABLE "Users" (id int PRIMARY KEY, "Name" text, name text);
CREATE TABLE users (id int PRIMARY KEY, cafe text, "café" text, "É" int, "é" int, "İ" int, i int, "K" int, k int);
CREATE TABLE cafe (id int PRIMARY KEY, v text); CREATE TABLE "café" (id int PRIMARY KEY, v text);
CREATE TABLE "a ""q"" `t` 'n'" (id int PRIMARY KEY, "sel""ect" text, "per%cent %s" text, "bl ank" text, "trail " text, " lead" text,
  "emoji😀" text, "select" text, "order" int, "back\slash" text, "semi;--" text, "tab	x" text, "dot.dot" text);
CREATE TABLE "group" (id int PRIMARY KEY, "table" text); CREATE TABLE "trail " (id int PRIMARY KEY); CREATE TABLE "😀" (id int PRIMARY KEY, v text);
CREATE TABLE "~" (id int PRIMARY KEY, "~" text); CREATE TABLE sqlite_x (id int PRIMARY KEY);
CREATE TABLE storage (id int PRIMARY KEY, "DB_ROW_ID" int, db_trx_id int, "FTS_DOC_ID" int);
CREATE TABLE parent (id int PRIMARY KEY, z int, CONSTRAINT "Same" UNIQUE (z), CONSTRAINT same CHECK (z > 0));
CREATE TABLE child (id int PRIMARY KEY, p int, q int, CONSTRAINT same UNIQUE (q), CONSTRAINT "SAME" FOREIGN KEY (p) REFERENCES parent(id));
CREATE TABLE child2 (id int PRIMARY KEY, p int, CONSTRAINT "SAME" FOREIGN KEY (p) REFERENCES parent(id), CONSTRAINT "sAME" CHECK (p > 0));
CREATE TABLE child3 (id int PRIMARY KEY, p int, CONSTRAINT "samé" FOREIGN KEY (p) REFERENCES parent(id), CONSTRAINT "saMÉ" CHECK (p > 0));
CREATE TABLE child4 (id int PRIMARY KEY, p int, q int, CONSTRAINT "fk_x " FOREIGN KEY (p) REFERENCES parent(id));
CREATE INDEX fk_idx ON child4 (p); ALTER TABLE child4 ADD CONSTRAINT fk_idx FOREIGN KEY (q) REFERENCES parent(id);
CREATE INDEX "ÉÉ" ON child3 (p); CREATE INDEX "éé" ON child3 (p);
CREATE VIEW "V" AS SELECT id AS "A", v AS a FROM cafe; CREATE VIEW v AS SELECT id AS "trail ", v AS "emoji😀" FROM cafe;
CREATE VIEW over_v AS SELECT "A" FROM "V";
INSERT INTO "Users" VALUES (1,'a','b'); INSERT INTO users VALUES (1,'a','b',1,2,3,4,5,6); INSERT INTO cafe VALUES (1,'x');
INSERT INTO "café" VALUES (1,'y'); INSERT INTO "a ""q"" `t` 'n'" VALUES (1,'a','b','c','d','e','f','g',1,'h','i','j','k');
INSERT INTO "group" VALUES (1,'x'); INSERT INTO "trail " VALUES (1); INSERT INTO "😀" VALUES (1,'v'); INSERT INTO "~" VALUES (1,'v');
INSERT INTO storage VALUES (1,2,3,4); INSERT INTO parent VALUES (1,1); INSERT INTO child VALUES (1,1,1); INSERT INTO child2 VALUES (1,1);
INSERT INTO child3 VALUES (1,1); INSERT INTO child4 VALUES (1,1,1);
"##;

/// Names that MySQL and MariaDB take. `~` stands for 30 letters of three bytes each.
const OF_MYSQL: &str = r##"
CREATE TABLE Users (id int PRIMARY KEY, `a "q" 't'` int, `per%cent %s` int, ` lead` int, `select` int, `back``tick` int, ctid int, xmin int, `~~` int);
CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE `café` (id int PRIMARY KEY); CREATE TABLE cafe (id int PRIMARY KEY);
CREATE TABLE `~1` (id int PRIMARY KEY, KEY `~~1` (id)); CREATE TABLE `~2` (id int PRIMARY KEY, KEY `~~1` (id)); CREATE TABLE sqlite_x (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, u int, KEY users (u), CONSTRAINT link FOREIGN KEY (u) REFERENCES users (id));
CREATE TABLE child2 (id int PRIMARY KEY, u int, KEY users (u), UNIQUE KEY link (u));
CREATE VIEW `a view` AS SELECT id AS `xmin`, ` lead` AS `~~` FROM Users;
INSERT INTO Users VALUES (1,2,3,4,5,6,7,8,9); INSERT INTO users VALUES (1); INSERT INTO `café` VALUES (1); INSERT INTO cafe VALUES (1);
INSERT INTO `~1` VALUES (1); INSERT INTO `~2` VALUES (1); INSERT INTO child VALUES (1,1); INSERT INTO child2 VALUES (1,1);
"##;

fn long(text: &str, letters: usize) -> String {
    text.replace('~', &"日".repeat(letters))
}

/// An empty database of an engine: its address, and what shows all of it.
struct Target {
    url: String,
    dump: Box<dyn Fn() -> String>,
}

fn targets(name: &str) -> Vec<Target> {
    let mut targets = Vec::new();
    let file = sqlite::TestFile::create(name, "");
    targets.push(Target {
        url: file.url(),
        dump: Box::new(move || file.dump()),
    });
    if let Some(database) = postgres::TestDatabase::create(name) {
        targets.push(Target {
            url: database.url().to_owned(),
            dump: Box::new(move || database.dump()),
        });
    }
    for flavour in Flavour::ALL {
        if let Some(database) = mysql::TestDatabase::create(flavour, name) {
            targets.push(Target {
                url: database.url().to_owned(),
                dump: Box::new(move || database.dump()),
            });
        }
    }
    targets
}

/// Moves the source into every engine and back to the start.
fn there_and_back(source: &str, name: &str) {
    for target in targets(name) {
        let before = (target.dump)();
        let desk = Desk::with("");
        let id = desk.moved(source, &target.url);
        desk.run(&["rollback", &id, "--to", "start", "--target", &target.url, "-y"])
            .expect_code(0);
        assert_eq!((target.dump)(), before, "{}", target.url);
    }
}

#[test]
fn whatever_sqlite_calls_things_arrives_everywhere() {
    let source = sqlite::TestFile::create("names_sqlite", &long(OF_SQLITE, 63));
    there_and_back(&source.url(), "names_of_sqlite");
}

#[test]
fn whatever_postgres_calls_things_arrives_everywhere() {
    let Some(source) = postgres::TestDatabase::create("names_postgres") else {
        return;
    };
    source.execute(&long(OF_POSTGRES, 19));
    there_and_back(source.url(), "names_of_postgres");
}

#[test]
fn whatever_mysql_calls_things_arrives_everywhere() {
    for flavour in Flavour::ALL {
        let Some(source) = mysql::TestDatabase::create(flavour, "names_mysql") else {
            continue;
        };
        source.execute(&long(OF_MYSQL, 30));
        there_and_back(source.url(), "names_of_mysql");
    }
}

#[test]
fn the_targets_own_name_for_its_only_namespace_is_no_prefix() {
    let source = sqlite::TestFile::create(
        "names_home",
        "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO a VALUES (1); INSERT INTO b VALUES (2);",
    );
    let target = sqlite::TestFile::create("names_home_target", "");
    let desk = Desk::with(
        "[[table]]\nfrom = [\"a\", \"b\"]\nto = \"main.both\"\n[[table]]\nfrom = \"a\"\nto = \"other.a\"\n",
    );
    let planned = desk.run(&["plan", &source.url(), &target.url()]);
    let said = "the target has no namespaces: the mapping's `other.a` becomes `other_a`";
    assert!(planned.stdout.contains(said), "{}", planned.stdout);
    desk.moved(&source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT id FROM both UNION ALL SELECT id + 10 FROM other_a ORDER BY 1")),
        ["1", "2", "11"]
    );
    let Some(database) = mysql::TestDatabase::create(Flavour::MariaDb, "names_home") else {
        return;
    };
    let settings = format!("[[table]]\nfrom = \"a\"\nto = \"{}.x\"\n", database.name());
    Desk::with(&settings).moved(&source.url(), database.url());
    assert_eq!(joined(database.query_text("SELECT id FROM x")), ["1"]);
}

#[test]
fn keys_that_only_the_targets_collation_calls_equal_are_counted_before_the_choice() {
    let source = sqlite::TestFile::create(
        "names_collide",
        "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT NOT NULL COLLATE nocase UNIQUE);
         INSERT INTO people VALUES (1,'Émile'),(2,'émile'),(3,'straße'),(4,'STRASSE'),(5,'x');",
    );
    for flavour in Flavour::ALL {
        let Some(target) = mysql::TestDatabase::create(flavour, "names_collide") else {
            continue;
        };
        let desk = Desk::with("");
        let planned = desk.run(&["plan", &source.url(), target.url()]);
        let said = "values of `people` (mail) that differ and would be one with `same`: 2";
        assert!(planned.stdout.contains(said), "{}", planned.stdout);
        desk.moved(&source.url(), target.url());
        desk.run(&["rollback", "--to", "start", "--target", target.url(), "-y"])
            .expect_code(0);
        let same = Desk::with("[decisions]\n\"collation:people.mail\" = \"same\"\n");
        let planned = same.run(&["plan", &source.url(), target.url()]);
        let said = "values of `people` (mail) that are one under the target's collation";
        assert!(planned.stdout.contains(said), "{}", planned.stdout);
        same.moved(&source.url(), target.url());
        assert_eq!(joined(target.query_text("SELECT count(*) FROM people")), ["5"]);
    }
}
