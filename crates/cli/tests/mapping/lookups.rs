//! Lookups: keys of several columns from files and tables, what is refused when it is planned, and tables of values that change on the way.

use whimbrel_testkit::{mysql, postgres, sqlite};

use crate::bench::{Desk, joined};

const SHOP: &str = "
CREATE TABLE prices (land CHAR(2) NOT NULL, article INT NOT NULL, price DECIMAL(8,2), unit VARCHAR(10), PRIMARY KEY (land, article));
INSERT INTO prices VALUES ('NO', 1, 10.50, 'kg'), ('NO', 2, 20.00, NULL), ('SE', 1, 11.00, 'l'), ('SE', 3, NULL, NULL);
CREATE TABLE sales (id INT PRIMARY KEY, land CHAR(2), article INT);
INSERT INTO sales VALUES (1, 'NO', 1), (2, 'NO', 2), (3, 'SE', 1), (4, NULL, 1), (5, 'DK', 1);
";

const BY_TABLE: &str = "[[lookup]]\nname = \"p\"\ntable = \"prices\"\nkey = [\"land\", \"article\"]\nvalue = [\"price\", \"unit\"]\n";

const BY_FILE: &str = "[[lookup]]\nname = \"p\"\nfile = \"prices.csv\"\nkey = [\"land\", \"article\"]\nvalue = [\"price\", \"unit\"]\n";

const RULE: &str = "[[table]]\nfrom = \"sales\"\n\
    compute = { price = \"lookup('p', land, article, '-')\", unit = \"lookup('p.unit', land, article, 'none')\" }\n";

fn priced(desk: &Desk, source: &str) -> Vec<String> {
    let target = sqlite::TestFile::create("lookup_target", "");
    desk.moved(source, &target.url());
    joined(target.query_text("SELECT id, price, unit FROM sales ORDER BY id"))
}

#[test]
fn a_key_of_several_columns_is_looked_up_in_a_file_and_in_a_table_of_each_engine() {
    let expected = ["1|10.50|kg", "2|20.00|none", "3|11.00|l", "4|-|-", "5|-|none"];
    let file = sqlite::TestFile::create("lookup_file", SHOP);
    let desk = Desk::with(&format!("{BY_FILE}{RULE}"));
    desk.write(
        "prices.csv",
        "unit,article,land,price\nkg,1,NO,10.50\nnone,2,NO,20.00\nl,1,SE,11.00\n",
    );
    assert_eq!(priced(&desk, &file.url()), expected);
    let by_table = Desk::with(&format!("{BY_TABLE}{RULE}"));
    if let Some(source) = postgres::TestDatabase::create("lookup") {
        source.execute(SHOP);
        assert_eq!(priced(&by_table, source.url()), expected);
    }
    for flavour in mysql::Flavour::ALL {
        let by_table = Desk::with(&format!("{BY_TABLE}{RULE}"));
        if let Some(source) = mysql::TestDatabase::create(flavour, "lookup") {
            source.execute(SHOP);
            assert_eq!(priced(&by_table, source.url()), expected, "{flavour:?}");
        }
    }
}

#[test]
fn a_wrong_column_count_or_type_of_a_key_is_refused_when_it_is_planned() {
    let source = sqlite::TestFile::create("lookup_wrong", SHOP);
    let target = sqlite::TestFile::create("lookup_wrong_target", "");
    let table = |keys: &str, values: &str| {
        format!("[[lookup]]\nname = \"p\"\ntable = \"prices\"\nkey = {keys}\nvalue = {values}\n")
    };
    let both = "[\"land\", \"article\"]";
    let rule = |call: &str| format!("[[table]]\nfrom = \"sales\"\ncompute = {{ x = \"{call}\" }}\n");
    for (lookup, call, said) in [
        (
            table("[\"land\", \"articel\"]", "\"price\""),
            "lookup('p', land, article)",
            "did you mean `article`",
        ),
        (
            table(both, "\"prise\""),
            "lookup('p', land, article)",
            "did you mean `price`",
        ),
        (
            table("[]", "\"price\""),
            "lookup('p', land)",
            "does not say where",
        ),
        (table(both, "\"price\""), "lookup('p', land)", "by 2 columns"),
        (
            table(both, "\"price\""),
            "lookup('p', land, article, 'x', 'y')",
            "by 2 columns",
        ),
        (
            table(both, "\"price\""),
            "lookup('p', article, land)",
            "`land` of table `p` is text, and the value is integer",
        ),
        (
            table(both, "\"price\""),
            "lookup('p', land, article + 0.5)",
            "`article` of table `p` is integer",
        ),
        (
            table("\"land\"", "\"price\""),
            "lookup('p', land)",
            "has the land `NO` twice",
        ),
        (
            table("[\"land\", \"land\"]", "\"price\""),
            "lookup('p', land, land)",
            "`land` twice",
        ),
        (
            BY_FILE.to_owned(),
            "lookup('p', land, article)",
            "no column `article`",
        ),
    ] {
        let settings = format!("{lookup}{}", rule(call));
        let desk = Desk::with(&settings);
        desk.write("prices.csv", "land,no,price,unit\nNO,1,2,x\n");
        let refused = desk.run(&["plan", &source.url(), &target.url()]);
        assert!(
            matches!(refused.code, Some(1 | 2)),
            "{settings}: {}",
            refused.stderr
        );
        assert!(refused.stderr.contains(said), "{settings}: {}", refused.stderr);
    }
}

const SONGS: &str = "
CREATE TABLE genres (code TEXT PRIMARY KEY, title TEXT NOT NULL);
INSERT INTO genres VALUES ('j', 'jazz'), ('r', 'rock'), ('f', 'folk');
CREATE TABLE songs (id INTEGER PRIMARY KEY, genre TEXT NOT NULL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO songs SELECT i, substr('jrf', 1 + i % 3, 1) FROM n;
";

#[test]
fn a_table_of_values_that_changes_before_a_resume_leaves_no_row_by_its_old_rows() {
    let settings = "[limits]\njobs = 1\n[policies]\nchunk_size = \"16KiB\"\n\
        [[lookup]]\nname = \"genres\"\ntable = \"genres\"\nkey = \"code\"\nvalue = \"title\"\n\
        [[table]]\nfrom = \"songs\"\ncompute = { genre = \"lookup('genres', genre)\" }\n";
    let mut begun = 0;
    // The copying passes far more points than lie between two tries.
    for at in (30..).step_by(15).take_while(|at| *at < 600) {
        let source = sqlite::TestFile::create("lookup_change", SONGS);
        let target = sqlite::TestFile::create("lookup_change_target", "");
        let desk = Desk::with(settings);
        let (_, hash) = desk.planned(&source.url(), &target.url());
        let desk = desk.env("WHIMBREL_FAULT", &format!("{at}:abort"));
        if begun == 2 || desk.run(&["run", "--approve", &hash]).code == Some(0) {
            break;
        }
        let there = joined(target.query_text("SELECT count(*) FROM sqlite_schema WHERE name = 'songs'"));
        if there == ["1"] {
            let old = joined(target.query_text("SELECT count(*) > 0 FROM songs WHERE genre = 'jazz'"));
            begun += u32::from(old == ["1"]);
        }
        source.execute("UPDATE genres SET title = 'blue' WHERE code = 'j'");
        let desk = desk.env("WHIMBREL_FAULT", "");
        desk.run(&["resume"]).expect_code(0);
        assert_eq!(
            joined(target.query_text("SELECT genre, count(*) FROM songs GROUP BY genre ORDER BY genre")),
            ["blue|6666", "folk|6667", "rock|6667"],
            "died at point {at}"
        );
    }
    assert!(begun > 0, "no run had copied rows before it died");
}
