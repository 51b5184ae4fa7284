//! The files that the rules look at, read once. What a line of Rust means is `source.rs`.

use std::io;
use std::path::Path;

use super::source;

/// Folders that hold nothing we wrote.
const LEFT_OUT: [&str; 5] = ["target", ".git", ".whimbrel", "whimbrel-demo", "node_modules"];

/// A text file with its path from the root, written with `/`.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    /// The text without tests, comments and the contents of literals, line for line; empty unless it is Rust.
    pub(super) code: String,
    /// The text without tests, line for line.
    pub(super) without_tests: String,
}

impl File {
    fn new(path: String, text: String) -> Self {
        let (mut code, mut without_tests) = (String::new(), text.clone());
        if path.ends_with(".rs") {
            let masked = source::mask(&text);
            let in_tests = source::test_lines(&masked);
            code = source::blank(&masked, &in_tests);
            without_tests = source::blank(&text, &in_tests);
        }
        Self {
            path,
            text,
            code,
            without_tests,
        }
    }

    /// Tells whether the file is Rust source.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Tells whether the whole file is test code: in a `tests` folder, or a `tests.rs` beside the code.
    pub(super) fn is_test(&self) -> bool {
        let in_tests = self
            .path
            .split('/')
            .any(|part| part == "tests" || part == "tests.rs");
        in_tests || self.path.ends_with(".snap")
    }

    /// Returns the folder below `crates/` that the file is in, or `xtask`.
    pub(super) fn house(&self) -> Option<&str> {
        let (first, rest) = self.path.split_once('/')?;
        match first {
            "crates" => Some(rest.split_once('/')?.0),
            "xtask" => Some(first),
            _ => None,
        }
    }
}

/// Every text file of the repository.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<File>,
    /// The packages that the planner needs to run, `None` when cargo was not asked.
    pub(super) planner_packages: Option<Vec<String>>,
}

impl Tree {
    /// Reads the tree below `root`.
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        let mut tree = Self::default();
        tree.read_folder(root, "")?;
        tree.files.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(tree)
    }

    fn read_folder(&mut self, folder: &Path, prefix: &str) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && !LEFT_OUT.contains(&name.as_str()) {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file()
                && let Ok(text) = std::fs::read_to_string(entry.path())
            {
                self.files.push(File::new(path, text));
            }
        }
        Ok(())
    }

    /// Returns the Rust files.
    pub(super) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is_rust())
    }

    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| File::new((*path).to_owned(), (*text).to_owned()))
            .collect();
        Self {
            files,
            planner_packages: None,
        }
    }
}
