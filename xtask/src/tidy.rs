//! `cargo xtask tidy`: the house rules that no compiler checks. A rule is a function from the tree to its
//! violations; [`RULES`] is the one list of them. Each rule's tests prove that it can fail.

mod crates;
mod engines;
mod examples;
mod files;
mod leftovers;
mod modules;
mod source;
mod tree;

use std::fmt;

use crate::cargo::{self, Failure};
use tree::{File, Tree};

/// One place where the tree breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    line: usize,
    rule: &'static str,
    what: String,
}

impl Violation {
    fn new(file: &File, line: usize, rule: &'static str, what: impl Into<String>) -> Self {
        Self {
            path: file.path.clone(),
            line,
            rule,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}: {}: {}",
            self.path, self.line, self.rule, self.what
        )
    }
}

type Rule = fn(&Tree) -> Vec<Violation>;

const RULES: &[Rule] = &[
    files::length,
    files::opening,
    files::names,
    crates::floors,
    crates::connectors,
    crates::testkit,
    crates::std_only,
    crates::runtime_free_planner,
    engines::names,
    modules::circles,
    leftovers::unfinished,
    leftovers::machine_paths,
    examples::referenced,
];

/// Checks every rule and prints every violation.
pub(crate) fn run() -> Result<(), Failure> {
    let mut tree =
        Tree::read(&cargo::root()).map_err(|error| Failure::new(format!("cannot read the tree: {error}")))?;
    tree.planner_packages = Some(crates::planner_packages()?);
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(&tree)).collect();
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    if violations.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} violations of the house rules",
        violations.len()
    )))
}

/// Returns a rule's violations as `path:line` in a tree of the given files.
#[cfg(test)]
fn places(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    rule(&Tree::of(files))
        .iter()
        .map(|violation| format!("{}:{}", violation.path, violation.line))
        .collect()
}
