//! The rule that an engine is known only where it belongs, so that a new one costs one folder and one line.

use super::{File, Tree, Violation};

/// What an engine is called in text, and the crate whose business it is.
const ENGINES: [(&str, &str); 5] = [
    ("postgres", "postgres"),
    ("sqlite", "sqlite"),
    ("mysql", "mysql"),
    ("mariadb", "mysql"),
    ("mongo", "mongodb"),
];
/// Where every engine may be named besides tests: the list of connectors, the demo, and where projects are searched for engines.
const OPEN_TO_ALL: [&str; 5] = [
    "crates/app/src/connectors.rs",
    "crates/app/src/detect.rs",
    "crates/app/src/detect/",
    "crates/app/src/demo.rs",
    "crates/app/src/demo/",
];

/// Reports every line of a crate's source that names a foreign engine, comments included.
pub(super) fn names(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.files.iter().filter(|file| is_bound(file)) {
        for (at, line) in file.without_tests.lines().enumerate() {
            let line = line.to_ascii_lowercase();
            for (name, owner) in ENGINES {
                if line.contains(name) && file.house() != Some(owner) {
                    let what =
                        format!("`{name}` may be named only in crates/{owner} and in the list of connectors");
                    violations.push(Violation::new(file, at + 1, "engine-name", what));
                }
            }
        }
    }
    violations
}

fn is_bound(file: &File) -> bool {
    let in_source = file.house().is_some_and(|house| {
        house != "testkit" && house != "xtask" && file.path.starts_with(&format!("crates/{house}/src/"))
    });
    in_source && !file.is_test() && !OPEN_TO_ALL.iter().any(|open| file.path.starts_with(open))
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn a_foreign_engine_is_found_even_in_a_comment_or_a_string() {
        let tree = [
            (
                "crates/core/src/a.rs",
                "//! A.\n// as PostgreSQL does\nlet x = \"mysql://\";\n",
            ),
            (
                "crates/postgres/src/a.rs",
                "//! PostgreSQL.\nuse rusqlite::Row;\n",
            ),
            ("crates/cli/src/help.txt", "sqlite:app.db\n"),
        ];
        let expected = [
            "crates/core/src/a.rs:2",
            "crates/core/src/a.rs:3",
            "crates/postgres/src/a.rs:2",
            "crates/cli/src/help.txt:1",
        ];
        assert_eq!(places(names, &tree), expected);
    }

    #[test]
    fn an_engine_may_be_named_where_it_belongs() {
        let text = "//! SQLite and MongoDB.\n";
        let tree = [
            ("crates/app/src/connectors.rs", text),
            ("crates/app/src/demo/shop.rs", text),
            ("crates/testkit/src/a.rs", text),
            ("crates/cli/tests/run.rs", text),
            ("crates/cli/src/copy/tests.rs", text),
            ("docs/a.md", text),
            (
                "crates/core/src/a.rs",
                "//! A.\n#[cfg(test)]\nmod tests {\n    // SQLite\n}\n",
            ),
            ("crates/mysql/src/a.rs", "//! MariaDB and MySQL.\n"),
        ];
        assert!(places(names, &tree).is_empty());
    }
}
