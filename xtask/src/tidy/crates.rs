//! Rules about which crate may see which, read from the manifests. Inside a crate, `modules.rs` looks.

use super::{File, Tree, Violation};
use crate::cargo::{Failure, cargo};

/// The floor of every crate; a crate sees only crates on lower floors.
const FLOORS: &[(&str, u32)] = &[
    ("core", 0),
    ("postgres", 1),
    ("mysql", 1),
    ("sqlite", 1),
    ("mongodb", 1),
    ("archive", 1),
    ("transform", 1),
    ("quality", 1),
    ("planner", 1),
    ("testkit", 1),
    ("pipeline", 2),
    ("evolve", 2),
    ("cluster", 3),
    ("app", 4),
    ("server", 5),
    ("cli", 6),
];
/// The crates that know one engine each.
const CONNECTORS: [&str; 5] = ["postgres", "mysql", "sqlite", "mongodb", "archive"];

/// A line of a manifest that makes one of our crates a dependency.
#[derive(Debug, PartialEq, Eq)]
struct Dependency<'a> {
    house: &'a str,
    line: usize,
    for_tests: bool,
}

/// Floors only point down.
pub(super) fn floors(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, house) in manifests(tree) {
        let Some(own) = floor(house) else {
            let what = format!("crate `{house}` has no floor; add it to FLOORS in xtask/src/tidy/crates.rs");
            violations.push(Violation::new(file, 1, "crate-floor", what));
            continue;
        };
        for dependency in dependencies(&file.text)
            .into_iter()
            .filter(|each| !each.for_tests)
        {
            if floor(dependency.house).is_none_or(|floor| floor >= own) {
                let what = format!(
                    "`{house}` is on floor {own} and must not see `{}`",
                    dependency.house
                );
                violations.push(Violation::new(file, dependency.line, "crate-floor", what));
            }
        }
    }
    violations
}

/// Only the use cases know the engines; everybody else knows the traits.
pub(super) fn connectors(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, house) in manifests(tree).filter(|(_, house)| *house != "app") {
        for dependency in dependencies(&file.text) {
            let wanted_by_tests = dependency.for_tests && !CONNECTORS.contains(&house);
            if CONNECTORS.contains(&dependency.house) && !wanted_by_tests {
                let what = format!("only `app` may see the connector `{}`", dependency.house);
                violations.push(Violation::new(file, dependency.line, "connector", what));
            }
        }
    }
    violations
}

/// The test kit reaches no user.
pub(super) fn testkit(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, _) in manifests(tree) {
        for dependency in dependencies(&file.text) {
            if dependency.house == "testkit" && !dependency.for_tests {
                violations.push(Violation::new(
                    file,
                    dependency.line,
                    "testkit",
                    "must be a dev-dependency",
                ));
            }
        }
    }
    violations
}

/// The first `cargo xtask` of a newcomer compiles nothing but itself.
pub(super) fn std_only(tree: &Tree) -> Vec<Violation> {
    let Some(file) = tree.files.iter().find(|file| file.path == "xtask/Cargo.toml") else {
        return Vec::new();
    };
    let is_section = |(_, line): &(usize, &str)| line.trim().ends_with("dependencies]");
    let sections = file.text.lines().enumerate().filter(is_section);
    sections
        .map(|(at, _)| Violation::new(file, at + 1, "std-only", "xtask has no dependencies"))
        .collect()
}

/// The planner is a pure function; a runtime in its tree would say otherwise.
pub(super) fn runtime_free_planner(tree: &Tree) -> Vec<Violation> {
    let manifest = tree
        .files
        .iter()
        .find(|file| file.path == "crates/planner/Cargo.toml");
    let (Some(manifest), Some(packages)) = (manifest, &tree.planner_packages) else {
        return Vec::new();
    };
    let runtimes = packages
        .iter()
        .filter(|name| *name == "tokio" || name.starts_with("tokio-"));
    let what = |name: &String| {
        format!("its dependency tree holds `{name}`; see cargo tree -p whimbrel-planner -i {name}")
    };
    runtimes
        .map(|name| Violation::new(manifest, 1, "runtime-free", what(name)))
        .collect()
}

/// Asks cargo for the names of all packages that the planner needs to run.
pub(super) fn planner_packages() -> Result<Vec<String>, Failure> {
    let mut command = cargo(&[
        "tree",
        "-p",
        "whimbrel-planner",
        "-e",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    let output = command
        .output()
        .map_err(|error| Failure::new(format!("cannot start cargo tree: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(Failure::new(format!("cargo tree failed: {said}")));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn floor(house: &str) -> Option<u32> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == house)
        .map(|(_, floor)| *floor)
}

fn manifests(tree: &Tree) -> impl Iterator<Item = (&File, &str)> {
    tree.files.iter().filter_map(|file| {
        let house = file.path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
        (!house.contains('/')).then_some((file, house))
    })
}

fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let (mut listing, mut for_tests) = (false, false);
    let mut found = Vec::new();
    for (at, line) in manifest.lines().enumerate() {
        let line = line.trim();
        let mut key = line;
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            for_tests = section.contains("dev-dependencies");
            listing = section.ends_with("dependencies");
            key = section.rsplit_once("dependencies.").map_or("", |(_, name)| name);
        } else if !listing {
            continue;
        }
        let key = key
            .split(['.', '=', ' '])
            .next()
            .unwrap_or_default()
            .trim_matches('"');
        if let Some(house) = key.strip_prefix("whimbrel-") {
            found.push(Dependency {
                house,
                line: at + 1,
                for_tests,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        let manifest = "[package]\nname = \"whimbrel-x\"\n[dependencies]\nwhimbrel-core.workspace = true\nwhimbrel-app = { path = \"a\" }\n\
            [target.'cfg(unix)'.dependencies]\n\"whimbrel-sqlite\" = \"1\"\n[dev-dependencies]\nwhimbrel-testkit = { workspace = true }\n\
            [dependencies.whimbrel-planner]\nworkspace = true\n";
        let read: Vec<_> = dependencies(manifest)
            .iter()
            .map(|each| (each.house, each.line, each.for_tests))
            .collect();
        let expected = [
            ("core", 4, false),
            ("app", 5, false),
            ("sqlite", 7, false),
            ("testkit", 9, true),
            ("planner", 10, false),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn a_dependency_upwards_or_sideways_is_found() {
        let tree = [
            (
                "crates/pipeline/Cargo.toml",
                "[dependencies]\nwhimbrel-core.workspace = true\nwhimbrel-app.workspace = true\n",
            ),
            (
                "crates/planner/Cargo.toml",
                "[dependencies]\nwhimbrel-sqlite.workspace = true\n",
            ),
            ("crates/new/Cargo.toml", ""),
        ];
        let expected = [
            "crates/pipeline/Cargo.toml:3",
            "crates/planner/Cargo.toml:2",
            "crates/new/Cargo.toml:1",
        ];
        assert_eq!(places(floors, &tree), expected);
    }

    #[test]
    fn a_connector_is_seen_by_app_alone() {
        let line = "[dependencies]\nwhimbrel-sqlite.workspace = true\n";
        let tests = "[dev-dependencies]\nwhimbrel-sqlite.workspace = true\n";
        let tree = [
            ("crates/app/Cargo.toml", line),
            ("crates/pipeline/Cargo.toml", line),
            ("crates/planner/Cargo.toml", tests),
            ("crates/postgres/Cargo.toml", tests),
        ];
        assert_eq!(
            places(connectors, &tree),
            ["crates/pipeline/Cargo.toml:2", "crates/postgres/Cargo.toml:2"]
        );
    }

    #[test]
    fn the_test_kit_as_an_ordinary_dependency_is_found() {
        let tree = [(
            "crates/cli/Cargo.toml",
            "[dependencies]\nwhimbrel-testkit.workspace = true\n",
        )];
        assert_eq!(places(testkit, &tree), ["crates/cli/Cargo.toml:2"]);
        let tree = [(
            "crates/cli/Cargo.toml",
            "[dev-dependencies]\nwhimbrel-testkit.workspace = true\n",
        )];
        assert!(places(testkit, &tree).is_empty());
    }

    #[test]
    fn a_dependency_of_xtask_is_found() {
        assert_eq!(
            places(std_only, &[("xtask/Cargo.toml", "[package]\n\n[dependencies]\n")]),
            ["xtask/Cargo.toml:3"]
        );
    }

    #[test]
    fn a_runtime_below_the_planner_is_found() {
        let mut tree = Tree::of(&[("crates/planner/Cargo.toml", "")]);
        tree.planner_packages = Some(vec!["serde".to_owned()]);
        assert!(runtime_free_planner(&tree).is_empty());
        tree.planner_packages = Some(vec!["serde".to_owned(), "tokio-util".to_owned()]);
        assert_eq!(runtime_free_planner(&tree).len(), 1);
    }
}
