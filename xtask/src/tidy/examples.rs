//! The rule that every example is run: a file in `examples/` is named by a test, or by a file that a test names.

use std::collections::BTreeSet;

use super::{File, Tree, Violation};

/// An example that no test runs is wrong sooner or later.
pub(super) fn referenced(tree: &Tree) -> Vec<Violation> {
    let examples: Vec<&File> = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with("examples/") && !file.path.ends_with("README.md"))
        .collect();
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let test_code: Vec<String> = tree.rust().map(test_code).collect();
    reached.extend(
        examples
            .iter()
            .filter(|file| test_code.iter().any(|code| names(code, file)))
            .map(|file| file.path.as_str()),
    );
    loop {
        let more: Vec<&str> = examples
            .iter()
            .filter(|file| !reached.contains(file.path.as_str()))
            .filter(|file| {
                examples
                    .iter()
                    .any(|by| reached.contains(by.path.as_str()) && names(&by.text, file))
            })
            .map(|file| file.path.as_str())
            .collect();
        if more.is_empty() {
            break;
        }
        reached.extend(more);
    }
    let missed = examples
        .into_iter()
        .filter(|file| !reached.contains(file.path.as_str()));
    missed
        .map(|file| Violation::new(file, 1, "example", "no test names this file"))
        .collect()
}

fn names(text: &str, file: &File) -> bool {
    text.contains(file.path.rsplit('/').next().unwrap_or(&file.path))
}

fn test_code(file: &File) -> String {
    if file.is_test() {
        return file.text.clone();
    }
    let pairs = file.text.lines().zip(file.without_tests.lines());
    pairs
        .filter(|(all, kept)| all != kept)
        .map(|(all, _)| format!("{all}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn an_example_that_no_test_reaches_is_found() {
        let tree = [
            ("examples/README.md", ""),
            ("examples/01-copy/run.sh", "whimbrel --config copy.toml"),
            ("examples/01-copy/copy.toml", ""),
            ("examples/02-lost/lost.sh", ""),
            (
                "crates/cli/src/a.rs",
                "//! lost.sh\n#[cfg(test)]\nmod tests {\n    const A: &str = \"run.sh\";\n}\n",
            ),
        ];
        assert_eq!(places(referenced, &tree), ["examples/02-lost/lost.sh:1"]);
    }
}
