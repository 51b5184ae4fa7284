//! What a mapping cannot mean is refused when it is planned; what fails on one row is named with its row.

use whimbrel_testkit::{mysql, postgres, sqlite};

use crate::bench::{Desk, joined};

const NUMBERS: &str = "
CREATE TABLE numbers (id INTEGER PRIMARY KEY, total INTEGER NOT NULL, parts INTEGER NOT NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
INSERT INTO numbers SELECT i, i * 10, CASE i WHEN 4321 THEN 0 ELSE 5 END FROM n;
";

#[test]
fn a_wrong_table_column_or_type_fails_at_planning_time() {
    let source = sqlite::TestFile::create("mapping_wrong", NUMBERS);
    let target = sqlite::TestFile::create("mapping_wrong_target", "");
    for (rule, said) in [
        (
            "[[table]]\nfrom = \"number\"\nto = \"n\"\n",
            "did you mean `numbers`",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\nrename = { totl = \"t\" }\n",
            "did you mean `total`",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\ncompute = { x = \"totl + 1\" }\n",
            "`totl`",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\ncompute = { x = \"upper(total) + 1\" }\n",
            "upper",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\nwhere = \"total\"\n",
            "must be boolean",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\nwhere = \"total > random()\"\n",
            "random",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\nwhere = \"total =\"\n",
            "cannot be read",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\nrename = { total = \"n\", parts = \"n\" }\n",
            "`total` and `parts` both become it",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\nrename = { total = \"n\" }\ncompute = { n = \"1\" }\n",
            "two columns called `n`",
        ),
        ("[[table]]\nfrom = \"nothing*\"\n", "`nothing*`"),
        (
            "[[table]]\nfrom = \"*\"\nmask = { totl = \"redact\" }\n",
            "did you mean `total`",
        ),
        ("[[table]]\nfrom = \"numbers\"\nkey = [\"nope\"]\n", "`nope`"),
        ("[[table]]\nfrom = \"numbers\"\nto = \"\"\n", "is no name"),
        (
            "[[table]]\nfrom = \"numbers\"\nexclude = [\"*\"]\n",
            "no column of `numbers` is left",
        ),
        ("[namespaces]\npublik = \"app\"\n", "namespace `publik`"),
    ] {
        let refused = Desk::with(rule).run(&["plan", &source.url(), &target.url()]);
        assert!(matches!(refused.code, Some(1 | 2)), "{rule}: {}", refused.stderr);
        assert!(refused.stderr.contains(said), "{rule}: {}", refused.stderr);
    }
}

#[test]
fn what_a_rule_says_of_a_column_in_vain_is_refused() {
    let source = sqlite::TestFile::create("mapping_in_vain", NUMBERS);
    let target = sqlite::TestFile::create("mapping_in_vain_target", "");
    for (rule, said) in [
        (
            "[[table]]\nfrom = \"numbers\"\ncolumns = [\"id\"]\ncompute = { total = \"total + 1\" }\n",
            "name `total` among the columns, too",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\nexclude = [\"to*\"]\ncompute = { total = \"total + 1\" }\n",
            "computes column `total` of `numbers`, and leaves it out",
        ),
        (
            "[[table]]\nfrom = \"*\"\nexclude = [\"total\"]\n[[table]]\nfrom = \"numbers\"\ncompute = { total = \"total + 1\" }\n",
            "take `total` out of exclude",
        ),
        (
            "[[table]]\nfrom = \"numbers\"\nrename = { \"to*\" = \"n\" }\n",
            "takes no pattern",
        ),
    ] {
        let refused = Desk::with(rule).run(&["plan", &source.url(), &target.url()]);
        let refused = refused.expect_code(2).stderr;
        assert!(refused.contains(said), "{rule}: {refused}");
    }
}

#[test]
fn a_column_that_is_new_gets_its_default_and_its_name_like_any_other() {
    let source = sqlite::TestFile::create("mapping_new", NUMBERS);
    let target = sqlite::TestFile::create("mapping_new_target", "");
    let desk = Desk::with(
        "[[table]]\nfrom = \"*\"\ncompute = { total = \"1\" }\n\
         [[table]]\nfrom = \"numbers\"\nto = \"n\"\ncompute = { share = \"total / nullif(parts, 0)\" }\n\
         default = { share = \"-1\" }\nrename = { share = \"part\" }\nexclude = [\"total\"]\n",
    );
    desk.moved(&source.url(), &target.url());
    assert_eq!(
        joined(target.query_text("SELECT id, part FROM n WHERE id IN (4320, 4321)")),
        ["4320|8640", "4321|-1"]
    );
    assert_eq!(
        joined(target.query_text("SELECT group_concat(name) FROM pragma_table_info('n')")),
        ["id,parts,part"]
    );
}

#[test]
fn a_name_that_the_target_keeps_for_itself_is_refused_at_planning_time() {
    let source = sqlite::TestFile::create("mapping_reserved", NUMBERS);
    let plan = |rule: &str, target: &str| Desk::with(rule).run(&["plan", &source.url(), target]);
    let check = |target: &str, kept: &[&str], free: &[&str]| {
        let rule = |to: &str| format!("[[table]]\nfrom = \"numbers\"\nto = \"{to}\"\n");
        for to in kept {
            let refused = plan(&rule(to), target).expect_code(2).stderr;
            let fact = format!("calls `numbers` `{to}`, a name that the target keeps for itself");
            assert!(refused.contains(&fact), "{to} in {target}: {refused}");
            assert!(
                refused.contains("`to` in [[table]] 1 of whimbrel.toml, from `numbers`"),
                "{refused}"
            );
        }
        for to in free {
            plan(&rule(to), target).expect_code(0);
        }
    };
    let file = sqlite::TestFile::create("mapping_reserved_target", "");
    let kept = [
        "_whimbrel_runs",
        "_WHIMBREL_Runs",
        "sqlite_x",
        "SQLITE_sequence",
        "sqlite.x",
    ];
    check(&file.url(), &kept, &["whimbrel_runs", "main.sqlite"]);
    if let Some(target) = postgres::TestDatabase::create("mapping_reserved") {
        let kept = [
            "_whimbrel_runs",
            "_whimbrel.x",
            "public._whimbrel_chunks",
            "pg_catalog.x",
            "pg_toast.x",
            "information_schema.x",
        ];
        // This engine tells upper from lower case.
        check(
            target.url(),
            &kept,
            &["Information_Schema.x", "sqlite_x", "app.pg_x"],
        );
        let column = "[[table]]\nfrom = \"numbers\"\nrename = { total = \"ctid\" }\n";
        let refused = plan(column, target.url()).expect_code(2).stderr;
        assert!(refused.contains("a column of `numbers` `ctid`"), "{refused}");
        let settings = format!(
            "[[source]]\nname = \"old\"\nurl = \"{}\"\nnamespace = \"pg_old\"\n",
            source.url()
        );
        let refused = Desk::with(&settings).run(&["plan", "sources", target.url()]);
        let refused = refused.expect_code(2).stderr;
        assert!(
            refused.contains("source `old` come into namespace `pg_old`"),
            "{refused}"
        );
    }
    for flavour in mysql::Flavour::ALL {
        let Some(target) = mysql::TestDatabase::create(flavour, "mapping_reserved") else {
            continue;
        };
        let kept = [
            "_whimbrel_steps",
            "_Whimbrel_x",
            "mysql.user",
            "Performance_Schema.x",
            "sys.x",
            "information_schema.x",
        ];
        check(target.url(), &kept, &["pg_catalog.x", "sys_x"]);
    }
}

#[test]
fn two_tables_and_two_columns_swap_their_names() {
    let source = sqlite::TestFile::create(
        "mapping_swap",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT, y TEXT, other INTEGER REFERENCES b(id));
         CREATE TABLE b (id INTEGER PRIMARY KEY, z TEXT);
         CREATE VIEW v AS SELECT a.x, a.y, b.z FROM a JOIN b ON b.id = a.other;
         INSERT INTO b VALUES (1, 'z'); INSERT INTO a VALUES (1, 'x', 'y', 1);",
    );
    let target = sqlite::TestFile::create("mapping_swap_target", "");
    let desk = Desk::with(
        "[[table]]\nfrom = \"a\"\nto = \"b\"\nrename = { x = \"y\", y = \"x\" }\n[[table]]\nfrom = \"b\"\nto = \"a\"\n",
    );
    desk.moved(&source.url(), &target.url());
    assert_eq!(joined(target.query_text("SELECT y, x, other FROM b")), ["x|y|1"]);
    assert_eq!(joined(target.query_text("SELECT x, y, z FROM v")), ["x|y|z"]);
    assert_eq!(
        joined(target.query_text("SELECT count(*) FROM pragma_foreign_key_list('b') WHERE \"table\" = 'a'")),
        ["1"]
    );
}

#[test]
fn a_row_on_which_an_expression_fails_is_named_with_table_key_and_value() {
    let source = sqlite::TestFile::create("mapping_fails", NUMBERS);
    let target = sqlite::TestFile::create("mapping_fails_target", "");
    let desk = Desk::with("[[table]]\nfrom = \"numbers\"\ncompute = { share = \"total / parts\" }\n");
    let (_, hash) = desk.planned(&source.url(), &target.url());
    let failed = desk.run(&["run", "--approve", &hash]);
    assert_ne!(failed.code, Some(0));
    for said in [
        "table `numbers`, row `id=4321`, where ",
        "parts=0: the expression `total / parts` fails",
        "hint: mend the expression",
    ] {
        assert!(
            failed.stderr.contains(said),
            "`{said}` is not in {}",
            failed.stderr
        );
    }
}

#[test]
fn a_row_without_a_sure_key_is_named_too_when_an_expression_fails_on_it() {
    let source = sqlite::TestFile::create(
        "mapping_loose",
        "CREATE TABLE pairs (a TEXT, b INTEGER, n INTEGER, PRIMARY KEY (a, b));
         INSERT INTO pairs VALUES ('x', 1, 2), ('y', 2, 0);
         CREATE TABLE plain (pin TEXT, word TEXT, n INTEGER, more TEXT, last TEXT);
         INSERT INTO plain VALUES ('1234', 'ja', 0, 'more', 'last');",
    );
    for (table, said) in [
        (
            "pairs",
            "table `pairs`, row `a=y, b=2`, where n=0: the expression `1 / n` fails",
        ),
        (
            "plain",
            "table `plain`, row `word=ja, n=0, more=more`, where n=0: the expression `1 / n` fails",
        ),
    ] {
        let target = sqlite::TestFile::create("mapping_loose_target", "");
        let desk = Desk::with(&format!(
            "[tables]\ninclude = [\"{table}\"]\n[[table]]\nfrom = \"{table}\"\ncompute = {{ share = \"1 / n\" }}\n"
        ));
        let (_, hash) = desk.planned(&source.url(), &target.url());
        let failed = desk.run(&["run", "--approve", &hash]);
        assert!(failed.stderr.contains(said), "{}", failed.stderr);
    }
}

#[test]
fn a_row_on_which_an_expression_failed_is_brought_over_alone_once_it_is_mended() {
    let source = sqlite::TestFile::create("mapping_replay", NUMBERS);
    let target = sqlite::TestFile::create("mapping_replay_target", "");
    let desk = Desk::with(
        "[policies]\non_reject = \"file\"\nchunk_size = \"16KiB\"\n\
         [[table]]\nfrom = \"numbers\"\nto = \"shares\"\nrename = { id = \"nr\" }\ncompute = { share = \"total / parts\" }\n",
    );
    let (_, hash) = desk.planned(&source.url(), &target.url());
    desk.run(&["run", "--approve", &hash]).expect_code(3);
    let count = || joined(target.query_text("SELECT count(*), count(DISTINCT nr) FROM shares"));
    assert_eq!(count(), ["4999|4999"]);
    source.execute("UPDATE numbers SET parts = 5 WHERE id = 4321");
    let replayed = desk.run(&["run", "--rejects"]).expect_code(0);
    assert!(
        replayed.stdout.contains("1 row arrived, 0 still rejected"),
        "{}",
        replayed.stdout
    );
    assert_eq!(count(), ["5000|5000"]);
    assert_eq!(
        joined(target.query_text("SELECT share FROM shares WHERE nr = 4321")),
        ["8642"]
    );
}

#[test]
fn a_rejected_row_is_not_looked_for_by_a_key_that_the_mapping_puts_in_place_of_its_own() {
    let source = sqlite::TestFile::create(
        "mapping_other_key",
        "CREATE TABLE parts (id INTEGER PRIMARY KEY, code INTEGER NOT NULL, made DATE);
         INSERT INTO parts VALUES (1, 2, '2024-01-01'), (2, 3, '2024-01-02'), (3, 1, '2024-01-03');",
    );
    let Some(target) = postgres::TestDatabase::create("mapping_other_key") else {
        return;
    };
    let desk =
        Desk::with("[policies]\non_reject = \"file\"\n[[table]]\nfrom = \"parts\"\nkey = [\"code\"]\n");
    let (_, hash) = desk.planned(&source.url(), target.url());
    source.execute("UPDATE parts SET made = 'soon' WHERE id = 2");
    let databases = ["--source", &source.url(), "--target", target.url()].map(str::to_owned);
    let line = |first: &[&str]| -> Vec<String> {
        let first = first.iter().map(|word| (*word).to_owned());
        first.chain(databases.clone()).collect()
    };
    let run = |words: Vec<String>| desk.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    run(line(&["run", "--approve", &hash])).expect_code(3);
    source.execute("UPDATE parts SET made = '2024-02-02' WHERE id = 2");
    run(line(&["run", "--rejects"])).expect_code(0);
    assert_eq!(
        joined(target.query_text("SELECT id, code, made::text FROM parts ORDER BY id")),
        ["1|2|2024-01-01", "2|3|2024-02-02", "3|1|2024-01-03"]
    );
}
