//! Rules about what must not stay behind: unfinished code and the paths of one machine.

use super::source::line_of;
use super::{Tree, Violation};

/// Macros that stand for code that is yet to be written.
const UNFINISHED: [&str; 2] = ["todo!(", "unimplemented!("];
/// Top folders that differ from machine to machine.
const MACHINE_FOLDERS: [&str; 4] = ["root", "work", "home", "Users"];

/// What is merged is finished.
pub(super) fn unfinished(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        // Test code counts too, and `code` leaves it out.
        let masked = super::source::mask(&file.text);
        for marker in UNFINISHED {
            for (at, _) in masked.match_indices(marker) {
                let what = format!("`{marker}...)` is no code");
                violations.push(Violation::new(file, line_of(&masked, at), "unfinished", what));
            }
        }
    }
    violations
}

/// A text that names a folder of one machine is wrong on every other.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in &tree.files {
        for (at, line) in file.text.lines().enumerate() {
            if let Some(folder) = machine_folder(line) {
                let what = format!("`/{folder}/` is a path of one machine");
                violations.push(Violation::new(file, at + 1, "machine-path", what));
            }
        }
    }
    violations
}

fn machine_folder(line: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.into_iter().find(|folder| {
        let path = format!("/{folder}/");
        line.match_indices(&path).any(|(at, _)| {
            let before = line[..at].chars().next_back().unwrap_or(' ');
            // Within a longer path, an address or a pattern it is only a folder's name.
            !before.is_alphanumeric() && !"._-~}>)*]/".contains(before)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn unfinished_code_is_found_in_code_and_tests_but_not_in_text() {
        let text = "//! A: no todo!() here.\nfn f() {\n    todo!()\n}\n#[cfg(test)]\nmod tests {\n    fn g() {\n        unimplemented!(\"x\")\n    }\n}\n";
        assert_eq!(
            places(unfinished, &[("crates/a/src/b.rs", text)]),
            ["crates/a/src/b.rs:3", "crates/a/src/b.rs:8"]
        );
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for folder in MACHINE_FOLDERS {
            let text = format!("see\n\"/{folder}/me/db\"\n");
            assert_eq!(places(machine_paths, &[("docs/a.md", &text)]), ["docs/a.md:2"]);
        }
    }

    #[test]
    fn a_folder_within_a_path_or_an_address_is_left_alone() {
        for folder in MACHINE_FOLDERS {
            let text = format!("~/{folder}/x example.org/{folder}/x ./{folder}/x ${{dir}}/{folder}/x\n");
            assert!(places(machine_paths, &[("docs/a.md", &text)]).is_empty());
        }
    }
}
