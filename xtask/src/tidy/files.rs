//! Rules about single files: how long, how they open, what they are called.

use super::{File, Tree, Violation};

/// The most lines that a file may have without its tests.
const LINES_MAX: usize = 800;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "utils", "util", "common", "helpers", "helper", "types", "misc", "manager", "mod",
];

/// A file is read in one sitting.
pub(super) fn length(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        let lines = file.text.lines().count();
        let without_tests = lines - test_lines(file);
        if without_tests > LINES_MAX {
            let what =
                format!("{without_tests} lines without tests; must be at most {LINES_MAX}, split it by noun");
            violations.push(Violation::new(file, LINES_MAX, "file-length", what));
        }
    }
    violations
}

fn test_lines(file: &File) -> usize {
    let emptied = |(before, after): &(&str, &str)| !before.is_empty() && after.is_empty();
    file.text
        .lines()
        .zip(file.without_tests.lines())
        .filter(emptied)
        .count()
}

/// A file says first what it owns and what it leaves to whom.
pub(super) fn opening(tree: &Tree) -> Vec<Violation> {
    let opens = |file: &&File| !file.text.starts_with("//! ");
    let what = "the first line must be `//! ...`: what the file owns and what it leaves to whom";
    tree.rust()
        .filter(opens)
        .map(|file| Violation::new(file, 1, "opening", what))
        .collect()
}

/// A module is a noun of the glossary.
pub(super) fn names(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        for part in file.path.split('/') {
            let name = part.strip_suffix(".rs").unwrap_or(part);
            if EMPTY_NAMES.contains(&name) {
                let what = format!("`{part}` says nothing about what is inside; name it by a noun");
                violations.push(Violation::new(file, 1, "module-name", what));
            }
        }
        for (at, line) in file.code.lines().enumerate() {
            if let Some(name) = inline_module(line).filter(|name| EMPTY_NAMES.contains(name)) {
                let what = format!("`mod {name}` says nothing about what is inside; name it by a noun");
                violations.push(Violation::new(file, at + 1, "module-name", what));
            }
        }
    }
    violations
}

/// Returns the name in `mod name {`; a `mod name;` has a file that is judged by its own name.
fn inline_module(line: &str) -> Option<&str> {
    let words = line.trim().strip_suffix('{')?;
    let (visibility, name) = words.trim_end().rsplit_once("mod ")?;
    (visibility.is_empty() || visibility.starts_with("pub")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_found() {
        let long = "x\n".repeat(LINES_MAX + 1);
        assert_eq!(
            places(length, &[("crates/a/src/b.rs", &long)]),
            ["crates/a/src/b.rs:800"]
        );
        assert!(places(length, &[("crates/a/src/b.rs", &long[2..])]).is_empty());
    }

    #[test]
    fn tests_do_not_count_as_length() {
        let tested = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "x\n".repeat(LINES_MAX),
            "    y\n".repeat(500)
        );
        assert!(places(length, &[("crates/a/src/b.rs", &tested)]).is_empty());
    }

    #[test]
    fn a_file_without_an_opening_is_found() {
        let tree = [
            ("crates/a/build.rs", "fn main() {}\n"),
            ("crates/a/src/lib.rs", "//! Owns a.\n"),
        ];
        assert_eq!(places(opening, &tree), ["crates/a/build.rs:1"]);
    }

    #[test]
    fn an_empty_name_is_found_in_files_folders_and_modules() {
        let tree = [
            ("crates/a/src/utils.rs", ""),
            ("crates/a/src/types/b.rs", ""),
            ("crates/a/src/copy/mod.rs", ""),
            ("crates/a/src/c.rs", "//! C.\npub(crate) mod helpers {\n}\n"),
            ("crates/a/src/model.rs", "// mod misc {\nmod commonplace {\n}\n"),
        ];
        let expected = [
            "crates/a/src/utils.rs:1",
            "crates/a/src/types/b.rs:1",
            "crates/a/src/copy/mod.rs:1",
            "crates/a/src/c.rs:2",
        ];
        assert_eq!(places(names, &tree), expected);
    }
}
