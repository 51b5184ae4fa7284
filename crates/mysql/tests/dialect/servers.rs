//! The statements on real servers.

use whimbrel_core::{Change, Check, Column, Dialect, Table, TableId};
use whimbrel_mysql::Flavour;
use whimbrel_testkit::mysql::{Flavour as Server, TestDatabase};

use crate::shop::{changes, dialect, fit, key, sql, steps};

const BOTH: [(Flavour, Server); 2] = [
    (Flavour::MySql, Server::MySql),
    (Flavour::MariaDb, Server::MariaDb),
];

fn version(database: &TestDatabase) -> String {
    database.query_text("SELECT VERSION()")[0][0].clone().unwrap()
}

/// Everything in the database that a person would see, its definitions as the server prints them.
fn everything(database: &TestDatabase) -> Vec<String> {
    let tables = database.query_text(
        "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1",
    );
    tables
        .into_iter()
        .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" "))
        .collect()
}

fn definition(database: &TestDatabase, table: &str) -> String {
    let shown = database.query_text(&format!("SHOW CREATE TABLE `{}`", table.replace('`', "``")));
    shown[0][1].clone().unwrap()
}

#[test]
fn servers_take_every_statement_and_its_undo() {
    for (flavour, server) in BOTH {
        let Some(database) = TestDatabase::create(server, "dialect_statements") else {
            continue;
        };
        let dialect = dialect(flavour, &version(&database));
        let steps = steps(dialect.as_ref(), &changes(dialect.as_ref(), flavour));
        for step in &steps {
            for statement in sql(&step.statements) {
                database.execute(statement);
            }
        }
        assert_eq!(
            everything(&database).len(),
            if flavour == Flavour::MySql { 3 } else { 4 }
        );
        for step in steps.iter().rev() {
            for statement in sql(&step.undo) {
                database.execute(statement);
            }
        }
        assert_eq!(everything(&database), Vec::<String>::new(), "{flavour:?}");
    }
}

#[test]
fn a_printed_table_is_made_again_the_same() {
    const PRINTED: &str = "CREATE TABLE `old``(` (
        `id` int NOT NULL, `no` int NOT NULL AUTO_INCREMENT, `kind` enum('a,b','it''s','FOREIGN KEY (') CHARACTER SET latin1 DEFAULT NULL,
        `note` varchar(20) DEFAULT 'KEY `x` (' COMMENT 'ENGINE=MyISAM', `words` text, `twice` int GENERATED ALWAYS AS (`id` * 2) VIRTUAL,
        PRIMARY KEY (`id`), UNIQUE KEY `by_kind` (`kind`,`id`), KEY `by_no` (`no`), KEY `by_note` (`note`(5) DESC),
        FULLTEXT KEY `by_words` (`words`), CONSTRAINT `self` FOREIGN KEY (`no`) REFERENCES `old``(` (`id`),
        CONSTRAINT `positive` CHECK (`id` > 0)
        ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='it''s' PARTITION_FREE";
    for (flavour, server) in BOTH {
        let Some(database) = TestDatabase::create(server, "dialect_printed") else {
            continue;
        };
        let dialect = dialect(flavour, &version(&database));
        database.execute(&PRINTED.replace(" PARTITION_FREE", ""));
        let printed = definition(&database, "old`(");
        let mut table = Table::empty(TableId::bare("new ` name"));
        table.definition = Some(printed.clone());
        table.uniques.push(key("by_no", &["no"]));
        table.checks.push(Check {
            name: "positive".to_owned(),
            expression: "`id` > 0".to_owned(),
            validated: true,
            definition: None,
        });
        database.execute("DROP TABLE `old``(`");
        run(&database, dialect.as_ref(), table);
        let made = definition(&database, "new ` name");
        let follows = ["`by_kind`", "`by_note`", "`by_words`", "FOREIGN KEY ("];
        for line in printed.lines().skip(1) {
            let line = line.trim_end_matches(',');
            let is_left =
                follows.iter().any(|word| line.contains(word)) && !line.trim().starts_with("`kind`");
            assert_eq!(made.contains(line), !is_left, "{line}\n---\n{made}");
        }
    }
}

#[test]
fn rows_of_an_engine_without_transactions_go_to_one_with() {
    for (flavour, server) in BOTH {
        let Some(database) = TestDatabase::create(server, "dialect_engine") else {
            continue;
        };
        let dialect = dialect(flavour, &version(&database));
        database.execute("CREATE TABLE old (a int) ENGINE=MyISAM ROW_FORMAT=FIXED COMMENT='ENGINE=MyISAM'");
        let mut table = Table::empty(TableId::bare("made"));
        table.definition = Some(definition(&database, "old"));
        run(&database, dialect.as_ref(), table);
        let made = definition(&database, "made");
        assert!(
            made.contains("ENGINE=InnoDB") && made.contains("COMMENT='ENGINE=MyISAM'"),
            "{made}"
        );
    }
}

#[test]
fn a_table_comes_back_from_aside_with_what_refers_to_it() {
    for (flavour, server) in BOTH {
        let Some(database) = TestDatabase::create(server, "dialect_aside") else {
            continue;
        };
        let dialect = dialect(flavour, &version(&database));
        database.execute("CREATE TABLE p (id int PRIMARY KEY)");
        database.execute("CREATE TABLE c (id int, CONSTRAINT k FOREIGN KEY (id) REFERENCES p (id))");
        let before = (definition(&database, "p"), definition(&database, "c"));
        let change = Change::MoveAside {
            table: Table::empty(TableId::bare("p")),
            migration: "m".to_owned(),
        };
        let step = dialect.steps(&change).unwrap().remove(0);
        database.execute(sql(&step.statements)[0]);
        assert!(!everything(&database).iter().any(|name| name.starts_with("p ")));
        database.execute(sql(&step.undo)[0]);
        assert_eq!((definition(&database, "p"), definition(&database, "c")), before);
    }
}

#[test]
fn every_collation_is_known_and_says_the_truth() {
    for (flavour, server) in BOTH {
        let Some(database) = TestDatabase::create(server, "dialect_collation") else {
            continue;
        };
        let dialect = dialect(flavour, &version(&database));
        for bits in 0..8_u8 {
            let asked = whimbrel_core::TextEquality {
                ignores_case: bits & 1 > 0,
                ignores_accents: bits & 2 > 0,
                ignores_padding: bits & 4 > 0,
            };
            let collation = dialect.collation(asked).unwrap();
            let name = &collation.name;
            let is_equal = |a: &str, b: &str| {
                let sql = format!("SELECT _utf8mb4'{a}' COLLATE {name} = _utf8mb4'{b}' COLLATE {name}");
                database.query_text(&sql)[0][0].as_deref() == Some("1")
            };
            assert_eq!(is_equal("a", "A"), collation.equality.ignores_case, "{name}");
            assert_eq!(is_equal("a", "á"), collation.equality.ignores_accents, "{name}");
            assert_eq!(is_equal("a", "a  "), collation.equality.ignores_padding, "{name}");
        }
    }
}

#[test]
fn a_wide_table_fits_once_its_columns_have_moved_out_of_the_row() {
    for (flavour, server) in BOTH {
        let Some(database) = TestDatabase::create(server, "dialect_wide") else {
            continue;
        };
        let dialect = dialect(flavour, &version(&database));
        for (native, count) in [
            ("varchar(63)", 190),
            ("varchar(4000)", 20),
            ("varbinary(9000)", 9),
        ] {
            let mut table = Table::empty(TableId::bare(format!("wide {native}")));
            table.columns = (0..count)
                .map(|number| Column::new(format!("c{number}"), native))
                .collect();
            fit(dialect.as_ref(), &mut table);
            run(&database, dialect.as_ref(), table);
        }
    }
}

fn run(database: &TestDatabase, dialect: &dyn Dialect, table: Table) {
    let change = Change::CreateTable {
        table,
        sequences: Vec::new(),
        as_declared: false,
    };
    for step in dialect.steps(&change).unwrap() {
        for statement in sql(&step.statements) {
            database.execute(statement);
        }
    }
}
