//! What only the catalog shows to be wrong is named by file and line, as what is wrong in the file itself; rules that contradict each other are
//! refused with both lines.

use whimbrel_testkit::sqlite;

use crate::bench::Desk;

const PEOPLE: &str = "
CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, nick TEXT, age INTEGER);
CREATE TABLE orders (id INTEGER PRIMARY KEY, total NUMERIC(10,2));
INSERT INTO people VALUES (1, 'a', NULL, 3), (2, NULL, 'b', NULL);
INSERT INTO orders VALUES (1, 1.5);
";

/// Plans with the settings, which must be refused at the place, and returns what was said.
fn refused(source: &str, settings: &str, place: &str) -> String {
    let target = sqlite::TestFile::create("mapping_places_target", "");
    let refused = Desk::with(settings).run(&["plan", source, &target.url()]);
    let said = refused.stderr.clone();
    assert_eq!(refused.code, Some(2), "{settings}: {said}");
    assert!(said.contains(&format!("error: {place}: ")), "{settings}: {said}");
    said
}

/// Settings, the line of what is wrong in them, and what is said of it.
const MISTAKES: [(&str, u32, &str); 23] = [
    (
        "[[table]]\nfrom = \"people\"\nsource_column = \"src\"\nrename = { src = \"origin\" }\n",
        4,
        "source_column = \"origin\"",
    ),
    ("\n[[table]]\nfrom = \"peple\"\n", 3, "did you mean `people`?"),
    (
        "[[table]]\nfrom = [\"people\",\n\"ordres\"]\nto = \"x\"\n",
        3,
        "`ordres`",
    ),
    ("[[table]]\nfrom = \"peop%\"\n", 2, "did you mean `peop*`?"),
    (
        "[[table]]\nfrom = \"people\"\n[table.rename]\nname = \"n\"\nnik = \"k\"\n",
        5,
        "did you mean `nick`?",
    ),
    (
        "[[table]]\nfrom = \"people\"\nexclude = [\n\"nick\",\n\"nam\",\n]\n",
        5,
        "did you mean `name`?",
    ),
    (
        "[[table]]\nfrom = \"people\"\n[table.types]\nage = \"integer\"\nname = \"foo\"\n",
        5,
        "name one of INTEGER",
    ),
    (
        "[[table]]\nfrom = \"people\"\ntypes = { age = \"nummeric\" }\n",
        3,
        "did you mean `NUMERIC`?",
    ),
    (
        "[[table]]\nfrom = \"people\"\n[table.compute]\na = \"age\"\nb = \"lookup('none', name)\"\n",
        5,
        "`none` is not declared",
    ),
    (
        "[[table]]\nfrom = \"people\"\n[table.compute]\nname = \"upper(nme)\"\n[table.default]\nname = \"'x'\"\n",
        4,
        "expression `upper(nme)`",
    ),
    (
        "[[table]]\nfrom = \"people\"\n[table.compute]\nname = \"upper(name)\"\n[table.default]\nname = \"unknown\"\n",
        6,
        "default = { name = \"'unknown'\" }",
    ),
    (
        "[[table]]\nfrom = \"people\"\ndefault = { name = \"n/a\" }\n",
        3,
        "default = { name = \"'n/a'\" }",
    ),
    (
        "[[table]]\nfrom = \"people\"\nwhere = \"name = active\"\n",
        3,
        "a text stands in single quotes: 'active'",
    ),
    (
        "[[table]]\nfrom = \"people\"\ncompute = { x = \"name ||\" }\n",
        3,
        "hint: an expression is one value in SQL",
    ),
    (
        "[[table]]\nfrom = \"people\"\nmask = { age = \"keep_last(2)\" }\n",
        3,
        "age",
    ),
    (
        "[[table]]\nfrom = \"people\"\nrename = { name = \"n\",\n nick = \"n\" }\n",
        4,
        "both become it",
    ),
    ("[[table]]\nfrom = \"people\"\n\nkey = [\"nope\"]\n", 4, "`nope`"),
    (
        "[[table]]\nfrom = \"people\"\nto = \"sqlite_x\"\n",
        3,
        "keeps for itself",
    ),
    (
        "[[table]]\nfrom = \"people\"\nto = \"orders\"\n",
        3,
        "two tables of the mapping",
    ),
    ("[[table]]\nfrom = \"people\"\nto = \"\"\n", 3, "is no name"),
    (
        "[[wave]]\nname = \"w\"\ntables = [\"people\",\n \"none\"]\n",
        4,
        "`none`",
    ),
    ("[namespaces]\npublik = \"app\"\n", 2, "`publik`"),
    (
        "\n[[lookup]]\nname = \"l\"\ntable = \"none\"\nkey = \"a\"\nvalue = \"b\"\n",
        2,
        "there is no table `none`",
    ),
];

#[test]
fn what_the_catalog_shows_to_be_wrong_is_named_by_its_line() {
    let source = sqlite::TestFile::create("mapping_places", PEOPLE);
    for (settings, line, said) in MISTAKES {
        let all = refused(&source.url(), settings, &format!("whimbrel.toml:{line}"));
        assert!(all.contains(said), "{settings}: {all}");
        assert!(
            all.contains("hint: ") || said.contains("not declared"),
            "{settings}: {all}"
        );
    }
}

#[test]
fn one_of_several_rules_of_the_same_text_is_told_by_its_line_also_among_sources() {
    let one = sqlite::TestFile::create("mapping_places_one", PEOPLE);
    let two = sqlite::TestFile::create(
        "mapping_places_two",
        "CREATE TABLE people (id INTEGER PRIMARY KEY);",
    );
    let sources = format!(
        "[[source]]\nname = \"one\"\nurl = \"{}\"\n[[source]]\nname = \"two\"\nurl = \"{}\"\n",
        one.url(),
        two.url()
    );
    let rule =
        |from: &str| format!("[[table]]\nfrom = \"{from}\"\ncompute = {{ upper_name = \"upper(name)\" }}\n");
    let settings = format!("{sources}{}{}", rule("one.people"), rule("two.people"));
    let said = refused("sources", &settings, "whimbrel.toml:12");
    assert!(said.contains("`two.people.upper_name`"), "{said}");
    // Both conditions hold for the table; the second one is wrong.
    let condition =
        |from: &str, column: &str| format!("[[table]]\nfrom = \"{from}\"\nwhere = \"{column} > 1\"\n");
    let settings = format!("{}{}", condition("*", "id"), condition("people", "ag"));
    let said = refused(&one.url(), &settings, "whimbrel.toml:6");
    assert!(said.contains("did you mean `age`?"), "{said}");
}

#[test]
fn rules_that_contradict_each_other_are_refused_with_both_lines() {
    let source = sqlite::TestFile::create("mapping_contradictions", PEOPLE);
    for (settings, line, said) in [
        (
            "[[table]]\nfrom = \"people\"\nmask = { name = \"hash\" }\n[[table]]\nfrom = \"people\"\nmask = { nick = \"hash\" }\n",
            5,
            "two rules are for table `people`, this one and that of whimbrel.toml:2",
        ),
        (
            "[[table]]\nfrom = \"people\"\nto = \"x\"\nmask = { name = \"hash\" }\n[[table]]\nfrom = \"people\"\nto = \"x\"\n",
            6,
            "two rules make `x` of table `people`, and its rows would arrive twice, this one and that of whimbrel.toml:2",
        ),
        (
            "[[table]]\nfrom = [\"people\", \"orders\"]\nto = \"x\"\n[[table]]\nfrom = \"people\"\nto = \"x\"\nrename = { nick = \"n\" }\n",
            5,
            "its rows would arrive twice",
        ),
        (
            "[[table]]\nfrom = \"people\"\nto = \"x\"\ntypes = { age = \"text\" }\n[[table]]\nfrom = \"people\"\ntypes = { age = \"real\" }\n",
            7,
            "two rules say `types` of `age` in table `people`, this one and that of whimbrel.toml:4",
        ),
        (
            "[[table]]\nfrom = \"p*\"\n[table.mask]\n\"*name*\" = \"hash\"\n[[table]]\nfrom = \"p*\"\nmask = { \"*name*\" = \"redact\" }\n",
            7,
            "two rules say `mask` of `*name*` in table `people`, this one and that of whimbrel.toml:4",
        ),
        (
            "[[table]]\nfrom = [\"people\", \"orders\"]\nrename = { id = \"a\" }\n[[table]]\nfrom = [\"orders\", \"people\"]\nrename = { id = \"b\" }\n",
            6,
            "two rules say `rename` of `id` in table",
        ),
    ] {
        let all = refused(&source.url(), settings, &format!("whimbrel.toml:{line}"));
        assert!(all.contains(said), "{settings}: {all}");
    }
    let target = sqlite::TestFile::create("mapping_contradictions_target", "");
    for settings in [
        // A special rule behind a general one.
        "[[table]]\nfrom = \"*\"\nmask = { name = \"hash\" }\n[[table]]\nfrom = \"p*\"\nmask = { name = \"redact\" }\n[[table]]\nfrom = \"people\"\nmask = { name = \"keep_last(1)\" }\n",
        // A split, with a rule for all its parts.
        "[[table]]\nfrom = \"people\"\nmask = { name = \"hash\" }\n[[table]]\nfrom = \"people\"\nto = \"x\"\n[[table]]\nfrom = \"people\"\nto = \"y\"\n",
        // A row for each of several columns.
        "[[table]]\nfrom = \"people\"\nto = \"x\"\ncolumns = [\"id\", \"name\"]\ndefault = { name = \"''\" }\nkey = [\"id\", \"name\"]\n[[table]]\nfrom = \"people\"\nto = \"x\"\ncolumns = [\"id\", \"nick\"]\nrename = { nick = \"name\" }\ndefault = { nick = \"''\" }\nkey = [\"id\", \"name\"]\n",
        // Rows that come together again.
        "[[table]]\nfrom = \"people\"\nto = \"x\"\nwhere = \"id < 2\"\n[[table]]\nfrom = \"people\"\nto = \"x\"\nwhere = \"id >= 2\"\n",
    ] {
        Desk::with(settings).planned(&source.url(), &target.url());
    }
}
