//! What the catalog says about a database with everything odd in it.

use std::collections::BTreeMap;

use whimbrel_core::{
    Catalog, Column, Deferral, Generated, Identity, IndexPart, Key, MakingStage, OtherObject,
    SequencePosition, Table, TableId,
};
use whimbrel_testkit::mysql::{Flavour, TestDatabase};

use crate::harness::{connector, source};

const COMMON: &str = include_str!("torture/common.sql");
const OF_MYSQL: &str = include_str!("torture/mysql.sql");
const OF_MARIADB: &str = include_str!("torture/mariadb.sql");

/// A database with everything in it, and its catalog, for each flavour.
async fn tortured(name: &str) -> Vec<(Flavour, TestDatabase, Catalog)> {
    let mut found = Vec::new();
    for flavour in Flavour::ALL {
        let Some(database) = TestDatabase::create_with(flavour, name, "CHARACTER SET latin1") else {
            continue;
        };
        database.execute(COMMON);
        database.execute(match flavour {
            Flavour::MySql => OF_MYSQL,
            Flavour::MariaDb => OF_MARIADB,
        });
        let catalog = source(database.url()).await.catalog().await.unwrap();
        found.push((flavour, database, catalog));
    }
    found
}

fn table<'a>(catalog: &'a Catalog, name: &str) -> &'a Table {
    catalog
        .table(&TableId::bare(name))
        .unwrap_or_else(|| panic!("no table {name}"))
}

fn column<'a>(catalog: &'a Catalog, table_name: &str, name: &str) -> &'a Column {
    table(catalog, table_name)
        .column(name)
        .unwrap_or_else(|| panic!("no column {table_name}.{name}"))
}

fn other<'a>(catalog: &'a Catalog, kind: &str, name: &str) -> &'a OtherObject {
    catalog
        .others
        .iter()
        .find(|other| other.kind == kind && other.id.name == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_catalog_says_what_the_server_is() {
    for (flavour, database, catalog) in tortured("catalog_server").await {
        assert_eq!(catalog.engine, flavour.scheme());
        assert_eq!(catalog.database, database.name());
        assert_eq!(
            (catalog.encoding.as_str(), catalog.collation.as_str()),
            ("latin1", "latin1_swedish_ci")
        );
        assert!(catalog.settings.contains_key("lower_case_table_names"));
        assert!(catalog.settings.contains_key("sql_mode"));
        // Either name of the engine opens either server.
        let url = database.url().replacen(
            flavour.scheme(),
            if flavour == Flavour::MySql {
                "mariadb"
            } else {
                "mysql"
            },
            1,
        );
        let same = source(&url).await.catalog().await.unwrap();
        assert_eq!(same.engine, catalog.engine);
        assert_ne!(connector(&url).name(), connector(database.url()).name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_comments_are_read_as_they_are() {
    for (_, _, catalog) in tortured("catalog_names").await {
        let odd = table(&catalog, "a`b \"c\" 'd' `");
        assert_eq!(odd.comment.as_deref(), Some(r#"it's a \ "test""#));
        let names: Vec<&str> = odd.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["se`lect", "from", "ünï ©"]);
        assert_eq!(odd.indexes[0].name, "order`by");
        assert_eq!(
            column(&catalog, "texts", "doc").comment.as_deref(),
            Some("a document")
        );
        let long = "_2345678901234567890123456789012345678901234567890123456789_1234";
        assert_eq!(table(&catalog, long).columns[0].name, "A");
        assert!(catalog.tables.is_sorted_by(|a, b| a.id < b.id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn types_lose_their_comments_and_texts_have_collations() {
    for (flavour, _, catalog) in tortured("catalog_types").await {
        assert_eq!(
            column(&catalog, "texts", "e").native,
            r"enum('a,b','it''s','','x\\y')"
        );
        assert_eq!(column(&catalog, "texts", "comma").native, "enum('a/*b','c')");
        assert_eq!(column(&catalog, "numbers", "tiny").native, "tinyint(1)");
        assert_eq!(column(&catalog, "numbers", "small").native, "smallint");
        assert_eq!(
            column(&catalog, "texts", "latin").collation.as_deref(),
            Some("latin1_german2_ci")
        );
        assert_eq!(column(&catalog, "texts", "blob_").collation, None);
        let doc = column(&catalog, "texts", "doc");
        match flavour {
            Flavour::MySql => {
                assert_eq!((doc.native.as_str(), doc.collation.as_deref()), ("json", None));
                let place = column(&catalog, "newer", "place");
                assert_eq!(place.options, ["srid=4326"]);
            }
            Flavour::MariaDb => {
                assert_eq!(doc.native, "json");
                assert_eq!(doc.options, ["json"]);
                // A check of one's own is no promise of JSON.
                assert!(column(&catalog, "newer", "doc").options.is_empty());
                let short = column(&catalog, "newer", "short");
                assert_eq!(
                    (short.native.as_str(), short.options.as_slice()),
                    ("varchar(90)", ["compressed".to_owned()].as_slice())
                );
            }
        }
        assert_eq!(column(&catalog, "newer", "hidden").options, ["invisible"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_default_is_an_expression_that_the_server_takes() {
    for (flavour, _, catalog) in tortured("catalog_defaults").await {
        let now = match flavour {
            Flavour::MySql => ("CURRENT_TIMESTAMP(6)", "CURRENT_TIMESTAMP"),
            Flavour::MariaDb => ("current_timestamp(6)", "current_timestamp()"),
        };
        for (of, name, default) in [
            ("numbers", "tiny", Some("1")),
            ("numbers", "tinyu", None),
            ("numbers", "small", Some("-5")),
            ("numbers", "money", Some("1.500000000000000000000000000000")),
            ("numbers", "d", Some("10000000000")),
            ("numbers", "bits", Some("b'101'")),
            ("numbers", "year_", Some("2000")),
            ("texts", "key", Some(r#"'it''s\\x "y"'"#)),
            ("texts", "latin", Some("''")),
            ("texts", "fixed", None),
            ("texts", "lines_", Some("'a?\n\\\\'")),
            ("texts", "e", Some("'it''s'")),
            ("texts", "s", Some("'a,b'")),
            ("texts", "b", Some("'abc'")),
            // The letter is beyond what the servers print.
            ("texts", "smile", Some("'?😀'")),
            ("times", "d", Some("'0000-00-00'")),
            ("times", "t", Some("'-10:00:00.000'")),
            ("times", "dt", Some(now.0)),
            ("times", "ts", Some("'2020-02-03 04:05:06'")),
            ("times", "plain", Some(now.1)),
            ("newer", "n", Some("(1 + 2)")),
        ] {
            assert_eq!(
                column(&catalog, of, name).default.as_deref(),
                default,
                "{of}.{name}"
            );
        }
        let on_update = column(&catalog, "times", "dt").on_update.as_deref();
        assert_eq!(on_update, Some(now.0));
        let own: &[(&str, &str)] = match flavour {
            Flavour::MySql => &[("a", r"(upper(_utf8mb4'x\'y'))"), ("doc", "(json_array())")],
            Flavour::MariaDb => &[
                ("id", "nextval(`counter`)"),
                ("named", "uuid()"),
                ("words", "'x'"),
            ],
        };
        for (name, default) in own {
            assert_eq!(
                column(&catalog, "newer", name).default.as_deref(),
                Some(*default),
                "{name}"
            );
        }
        // Bytes that are no text, and a zero among them.
        let raw = column(&catalog, "texts", "raw").default.clone().unwrap();
        assert_eq!(
            raw.to_lowercase().replace("0x", "x'").trim_matches('\''),
            "x'ff00fe"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generated_columns_have_the_expression_that_was_meant() {
    for (flavour, _, catalog) in tortured("catalog_generated").await {
        let generated = |expression: &str, stored| {
            Some(Generated {
                expression: expression.to_owned(),
                stored,
            })
        };
        let (stored, computed) = match flavour {
            Flavour::MySql => ("(`small` + 1)", r#"concat(`small`,_utf8mb4'q\'\\"')"#),
            Flavour::MariaDb => ("`small` + 1", r#"concat(`small`,'q\'\\"')"#),
        };
        assert_eq!(
            column(&catalog, "numbers", "g").generated,
            generated(stored, true)
        );
        assert_eq!(
            column(&catalog, "numbers", "v").generated,
            generated(computed, false)
        );
        assert_eq!(column(&catalog, "numbers", "g").default, None);
        if flavour == Flavour::MySql {
            assert_eq!(
                column(&catalog, "newer", "g").generated,
                generated(r"concat(`a`,_utf8mb4'n\nl\\')", false)
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_stands_behind_every_number_that_was_given() {
    for (flavour, _, catalog) in tortured("catalog_counter").await {
        let id = TableId::bare("numbers_id_seq");
        assert_eq!(
            column(&catalog, "numbers", "id").identity,
            Some(Identity {
                always: false,
                never_reused: true,
                sequence: Some(id.clone()),
            })
        );
        let sequence = catalog.sequences.iter().find(|other| other.id == id).unwrap();
        assert!(sequence.implicit);
        // An UPDATE went beyond the server's own counter.
        let next = SequencePosition {
            last_value: 91,
            is_called: false,
        };
        assert_eq!(sequence.position, Some(next));
        let objects: Vec<_> = catalog.sequences.iter().filter(|other| !other.implicit).collect();
        if flavour == Flavour::MariaDb {
            let counter = objects[0];
            assert_eq!(
                (counter.start, counter.increment, counter.max, counter.cycle),
                (5, 2, 1000, true)
            );
            assert!(counter.position.unwrap().last_value > 5);
            assert!(catalog.table(&counter.id).is_none());
        } else {
            assert!(objects.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_keys_only_where_whole_columns_are_unique() {
    for (flavour, _, catalog) in tortured("catalog_keys").await {
        let texts = table(&catalog, "texts");
        let key = |name: &str, columns: &[&str]| Key {
            name: name.to_owned(),
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            deferral: Deferral::Never,
            nulls_equal: false,
            definition: None,
        };
        assert_eq!(texts.uniques, [key("whole", &["key"])]);
        assert_eq!(table(&catalog, "parent").primary_key, Some(key("", &["a", "b"])));
        let index = |name: &str| texts.indexes.iter().find(|index| index.name == name).unwrap();
        assert!(index("part").unique && index("part").parts[0].prefix == Some(4));
        assert!(index("said").unique && index("said").comment.as_deref() == Some("hi"));
        assert_eq!(index("words").method, "fulltext");
        let directions: Vec<bool> = index("back").parts.iter().map(|part| part.descending).collect();
        // MariaDB 10.5 reads DESC and forgets it.
        assert!(directions == [true, false] || flavour == Flavour::MariaDb);
        let place = &table(&catalog, "times").indexes[0];
        assert_eq!((place.method.as_str(), place.parts[0].prefix), ("spatial", None));
        let newer = table(&catalog, "newer");
        let unseen = newer.indexes.iter().find(|index| index.name == "unseen").unwrap();
        assert_eq!(unseen.options, ["invisible"]);
        if flavour == Flavour::MariaDb {
            assert!(newer.exclusions[0].definition.contains("WITHOUT OVERLAPS"));
            assert!(newer.uniques.is_empty());
            return;
        }
        let primary = newer.primary_key.as_ref().unwrap();
        assert_eq!(primary.definition.as_deref(), Some("PRIMARY KEY (`id` DESC)"));
        let expression = newer
            .indexes
            .iter()
            .find(|index| index.name == "expression")
            .unwrap();
        let parts: Vec<&str> = expression.parts.iter().filter_map(expression_of).collect();
        assert_eq!(parts, ["lower(`a`)", "(`n` + 1)"]);
        let words = newer.indexes.iter().find(|index| index.name == "words").unwrap();
        assert_eq!(words.options, ["parser=ngram"]);
    }
}

fn expression_of(part: &IndexPart) -> Option<&str> {
    part.expression.as_deref()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_keys_and_checks_are_complete() {
    for (flavour, database, catalog) in tortured("catalog_foreign").await {
        let child = table(&catalog, "child");
        let [itself, to_parent] = child.foreign_keys.as_slice() else {
            panic!("{:?}", child.foreign_keys)
        };
        assert_eq!((itself.name.as_str(), &itself.references), ("itself", &child.id));
        assert_eq!(
            (to_parent.columns.as_slice(), to_parent.referred.as_slice()),
            (
                ["a", "b"].map(str::to_owned).as_slice(),
                ["a", "b"].map(str::to_owned).as_slice()
            )
        );
        assert_eq!(
            (to_parent.on_delete.as_str(), to_parent.on_update.as_str()),
            ("CASCADE", "SET NULL")
        );
        assert_eq!(table(&catalog, "numbers").checks[0].name, "small`check");
        let newer = &table(&catalog, "newer").checks;
        match flavour {
            Flavour::MySql => {
                let loose = newer.iter().find(|check| check.name == "loose").unwrap();
                assert!(!loose.validated);
                assert_eq!(
                    loose.definition.as_deref(),
                    Some("CHECK ((`n` > 1)) NOT ENFORCED")
                );
                assert_eq!(newer[1].expression, r"(`a` <> _utf8mb4'z\'')");
            }
            Flavour::MariaDb => {
                let texts = &table(&catalog, "texts").checks;
                assert_eq!(
                    (texts[0].name.as_str(), texts[0].expression.as_str()),
                    ("", "json_valid(`doc`)")
                );
                // The check that a period brings is not listed again.
                assert_eq!(newer.len(), 1);
            }
        }
        let elsewhere = TestDatabase::create(flavour, "catalog_elsewhere").unwrap();
        elsewhere.execute("CREATE TABLE far (id INT PRIMARY KEY)");
        database.execute(&format!(
            "CREATE TABLE near (id INT, CONSTRAINT away FOREIGN KEY (id) REFERENCES {}.far (id))",
            elsewhere.name()
        ));
        let catalog = source(database.url()).await.catalog().await.unwrap();
        assert!(table(&catalog, "near").foreign_keys.is_empty());
        let away = other(&catalog, "foreign key", "away");
        assert!(away.definition.as_ref().unwrap().contains("`.`far` (`id`)"));
        database.execute("DROP TABLE near");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_say_what_a_plain_table_would_not_have() {
    for (flavour, _, catalog) in tortured("catalog_options").await {
        assert_eq!(
            table(&catalog, "plain_").options,
            ["collation=latin1_bin", "engine=MyISAM", "row_format=FIXED"]
        );
        assert!(table(&catalog, "parts").options[0].starts_with("partition by RANGE (`id`) (PARTITION "));
        assert!(table(&catalog, "child").options.is_empty());
        let definition = table(&catalog, "numbers").definition.as_ref().unwrap();
        assert!(!definition.contains("AUTO_INCREMENT="), "{definition}");
        if flavour == Flavour::MariaDb {
            assert_eq!(table(&catalog, "aged").options, ["with system versioning"]);
            assert!(other(&catalog, "row history", "aged").making.is_none());
            assert_eq!(
                table(&catalog, "newer").options,
                ["period for `life` (`here`, `until`)"]
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_come_in_an_order_in_which_they_can_be_made() {
    for (_, database, catalog) in tortured("catalog_views").await {
        let names: Vec<&str> = catalog.views.iter().map(|view| view.id.name.as_str()).collect();
        assert_eq!(names, ["b_first", "a_second", "with_function"]);
        assert_eq!(catalog.views[0].reads, [TableId::bare("texts")]);
        let second = &catalog.views[1];
        assert_eq!(second.columns, ["one", "two"]);
        assert_eq!(second.reads, [TableId::bare("b_first")]);
        assert_eq!(second.options, ["check_option=cascaded", "security=invoker"]);
        for view in &catalog.views {
            assert!(!view.query.contains(database.name()), "{}", view.query);
            assert!(!view.query.contains("CHECK OPTION"), "{}", view.query);
        }
        // A view of a table that is gone is listed, not lost.
        assert!(other(&catalog, "view", "broken").definition.is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_without_a_type_of_their_own_say_how_they_are_made() {
    for (_, _, catalog) in tortured("catalog_others").await {
        let second = other(&catalog, "trigger", "after_").making.as_ref().unwrap();
        assert_eq!(second.stage, MakingStage::Last);
        // It runs behind the other trigger of the same event.
        assert_eq!(second.after, [TableId::bare("child"), TableId::bare("first_")]);
        assert!(!second.statements[1].contains("DEFINER"));
        assert!(second.statements[0].contains("STRICT_ALL_TABLES"));
        assert_eq!(second.undo, ["DROP TRIGGER IF EXISTS `after_`"]);
        let theirs = other(&catalog, "trigger", "theirs").making.as_ref().unwrap();
        assert_eq!(theirs.asks.as_deref(), Some("definer"));
        assert!(theirs.statements[1].contains("DEFINER=`nobody`@`nowhere`"));
        let twice = other(&catalog, "function", "twice").making.as_ref().unwrap();
        assert_eq!(twice.stage, MakingStage::BeforeTables);
        let daily = other(&catalog, "event", "daily").making.as_ref().unwrap();
        assert!(
            daily.statements[1].starts_with("CREATE EVENT `daily`"),
            "{:?}",
            daily.statements
        );
        assert!(other(&catalog, "procedure", "nothing").making.is_some());
    }
}

/// What differs between two databases that are made of the same statements.
fn comparable(mut catalog: Catalog, name: &str) -> Catalog {
    catalog.database = String::new();
    for table in &mut catalog.tables {
        (table.rows_estimate, table.bytes) = (None, None);
    }
    for sequence in &mut catalog.sequences {
        sequence.position = None;
    }
    // A broken view names its database, and cannot be made.
    catalog.others.retain(|other| other.kind != "view");
    let text = serde_json::to_string(&catalog).unwrap();
    assert!(!text.contains(name), "the database's name stands in {text}");
    catalog
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_catalog_gives_makes_the_same_database_again() {
    for (flavour, database, catalog) in tortured("catalog_again").await {
        let again = TestDatabase::create_with(flavour, "catalog_again2", "CHARACTER SET latin1").unwrap();
        let mut makings: BTreeMap<MakingStage, Vec<String>> = BTreeMap::new();
        for other in &catalog.others {
            if let Some(making) = &other.making {
                makings
                    .entry(making.stage)
                    .or_default()
                    .push(making.statements.join(";\n"));
            }
        }
        let mut statements = vec!["SET foreign_key_checks = 0, sql_mode = 'ALLOW_INVALID_DATES'".to_owned()];
        for sequence in catalog.sequences.iter().filter(|sequence| !sequence.implicit) {
            statements.push(format!(
                "CREATE SEQUENCE `{}` START WITH {} INCREMENT BY {} MAXVALUE {} CYCLE",
                sequence.id.name, sequence.start, sequence.increment, sequence.max
            ));
        }
        statements.extend(makings.remove(&MakingStage::BeforeTables).unwrap());
        statements.extend(
            catalog
                .tables
                .iter()
                .map(|table| table.definition.clone().unwrap()),
        );
        statements.extend(catalog.views.iter().map(|view| view.definition.clone().unwrap()));
        let mut last = makings.remove(&MakingStage::Last).unwrap();
        last.sort_by_key(|text| text.contains("after_"));
        statements.extend(last);
        again.execute(&statements.join(";\n"));
        let made = source(again.url()).await.catalog().await.unwrap();
        assert_eq!(
            comparable(made, again.name()),
            comparable(catalog, database.name())
        );
    }
}
