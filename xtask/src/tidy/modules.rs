//! The rule that the modules of a crate form no circle, so that each can be read after the ones it needs.
//! An edge is a `crate::` or `super::` path between two top-level modules, or a name that the root re-exports.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::source::line_of;
use super::{File, Tree, Violation};

/// From a module to the modules it needs, each with the place of the first mention.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<String, (&'a File, usize)>>;

/// Reports each group of modules that need each other once, by a shortest circle.
pub(super) fn circles(tree: &Tree) -> Vec<Violation> {
    let houses: BTreeSet<&str> = tree.rust().filter_map(File::house).collect();
    houses
        .into_iter()
        .flat_map(|house| circles_of(&modules_of(tree, house)))
        .collect()
}

/// The code files of one crate with their module path, the root's being empty.
fn modules_of<'a>(tree: &'a Tree, house: &str) -> Vec<(Vec<&'a str>, &'a File)> {
    let prefixes = [format!("crates/{house}/src/"), format!("{house}/src/")];
    let of_file = |file: &'a File| {
        let path = prefixes
            .iter()
            .find_map(|prefix| file.path.strip_prefix(prefix.as_str()))?;
        let mut parts: Vec<&str> = path.strip_suffix(".rs")?.split('/').collect();
        if parts == ["lib"] || parts == ["main"] {
            parts.clear();
        }
        Some((parts, file))
    };
    tree.rust()
        .filter(|file| !file.is_test())
        .filter_map(of_file)
        .collect()
}

fn circles_of(files: &[(Vec<&str>, &File)]) -> Vec<Violation> {
    let graph = graph_of(files);
    let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
    let mut in_circle: BTreeSet<String> = BTreeSet::new();
    let mut violations = Vec::new();
    for start in graph.keys() {
        if in_circle.contains(*start) {
            continue;
        }
        let Some(circle) = shortest_circle(&graph, start) else {
            continue;
        };
        in_circle.extend(circle.iter().cloned());
        let mut members = circle.clone();
        members.sort();
        members.dedup();
        if seen.insert(members) {
            let (file, line) = graph[start][&circle[1]];
            violations.push(Violation::new(file, line, "module-circle", circle.join(" -> ")));
        }
    }
    violations
}

fn graph_of<'a>(files: &[(Vec<&'a str>, &'a File)]) -> Graph<'a> {
    let known: BTreeSet<&str> = files
        .iter()
        .filter_map(|(parts, _)| parts.first().copied())
        .collect();
    let exported: BTreeMap<String, String> = files
        .iter()
        .filter(|(parts, _)| parts.is_empty())
        .flat_map(|(_, file)| re_exports(&file.code))
        .collect();
    let mut graph = Graph::new();
    for (parts, file) in files {
        let Some(from) = parts.first() else { continue };
        for (name, at) in root_names(&file.code, parts.len()) {
            let target = if known.contains(name.as_str()) {
                Some(&name)
            } else {
                exported.get(&name)
            };
            let Some(target) = target.filter(|target| *target != from && known.contains(target.as_str()))
            else {
                continue;
            };
            let place = (*file, line_of(&file.code, at));
            graph
                .entry(from)
                .or_default()
                .entry(target.clone())
                .or_insert(place);
        }
    }
    graph
}

/// Returns the names that code takes from the root of its crate; `depth` is how far below the root it stands.
fn root_names(code: &str, depth: usize) -> Vec<(String, usize)> {
    let to_root = "super::".repeat(depth);
    let mut names = Vec::new();
    for prefix in ["crate::", to_root.as_str()] {
        for (at, _) in code.match_indices(prefix) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || before == '_' || before == ':' || before == '$' {
                continue;
            }
            let rest = &code[at + prefix.len()..];
            names.extend(
                first_names(rest)
                    .into_iter()
                    .map(|(name, offset)| (name, at + prefix.len() + offset)),
            );
        }
    }
    names
}

/// Returns `a` of `a::b`, and `a`, `c` of `{a::b, c::{d, e}}`, each with its place.
fn first_names(path: &str) -> Vec<(String, usize)> {
    if !path.starts_with('{') {
        return Vec::from_iter(word(path).map(|name| (name, 0)));
    }
    let (mut depth, mut expected) = (0_usize, false);
    let mut names = Vec::new();
    for (at, letter) in path.char_indices() {
        match letter {
            '{' => {
                depth += 1;
                expected = depth == 1;
            }
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' => expected = depth == 1,
            _ if expected && !letter.is_whitespace() => {
                names.extend(word(&path[at..]).map(|name| (name, at)));
                expected = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> Option<String> {
    let name: String = text
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect();
    (!name.is_empty() && name != "self" && name != "super").then_some(name)
}

/// Returns what the root re-exports as `(name, module)`, from `pub use module::{A, b::B as C};`.
fn re_exports(code: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let Some((visibility, path)) = statement.split_once("use ") else {
            continue;
        };
        if !visibility.trim_end().ends_with("pub") && !visibility.trim_end().ends_with(')') {
            continue;
        }
        let path = path
            .trim()
            .trim_start_matches("self::")
            .trim_start_matches("crate::");
        let Some(module) = word(path) else { continue };
        let names = path[module.len()..].split(['{', '}', ',']).filter_map(|item| {
            let last = item.rsplit_once(" as ").map_or(item, |(_, name)| name);
            word(last.rsplit("::").next().unwrap_or(last).trim())
        });
        found.extend(names.map(|name| (name, module.clone())));
    }
    found
}

fn shortest_circle(graph: &Graph<'_>, start: &str) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<String, String> = BTreeMap::new();
    let mut waiting = VecDeque::from([start.to_owned()]);
    while let Some(module) = waiting.pop_front() {
        for next in graph.get(module.as_str()).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let mut circle = vec![start.to_owned(), module.clone()];
                while let Some(previous) = came_from.get(&circle[circle.len() - 1]) {
                    circle.push(previous.clone());
                }
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next.clone(), module.clone());
                waiting.push_back(next.clone());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        circles(&Tree::of(files))
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_circle_of_two_is_found() {
        let tree = [
            ("crates/a/src/lib.rs", "//! A.\nmod b;\nmod c;\n"),
            ("crates/a/src/b.rs", "//! B.\nuse crate::c::C;\n"),
            ("crates/a/src/c/d.rs", "//! D.\nuse super::super::b::B;\n"),
        ];
        assert_eq!(found(&tree), ["crates/a/src/b.rs:2: module-circle: b -> c -> b"]);
    }

    #[test]
    fn a_circle_of_three_through_a_group_and_a_re_export_is_found() {
        let tree = [
            (
                "crates/a/src/lib.rs",
                "//! A.\npub use d::{First, Second as Other};\n",
            ),
            ("crates/a/src/b.rs", "//! B.\nuse crate::{\n    c::{x, y},\n};\n"),
            ("crates/a/src/c.rs", "//! C.\nfn f() -> crate::Other {}\n"),
            ("crates/a/src/d.rs", "//! D.\nuse super::b;\n"),
        ];
        assert_eq!(
            found(&tree),
            ["crates/a/src/b.rs:3: module-circle: b -> c -> d -> b"]
        );
    }

    #[test]
    fn comments_tests_and_other_crates_make_no_edge() {
        let tree = [
            (
                "crates/a/src/b.rs",
                "//! B, see [`crate::c`].\nuse crate::c::C;\n",
            ),
            (
                "crates/a/src/c.rs",
                "//! C of [`crate::b`].\nuse other_crate::b::X;\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n",
            ),
            ("crates/z/src/c.rs", "//! C.\nuse crate::b::B;\n"),
        ];
        assert!(places(circles, &tree).is_empty());
    }

    #[test]
    fn a_child_may_use_its_parent() {
        let tree = [
            ("crates/a/src/b.rs", "//! B.\nmod c;\nuse c::C;\n"),
            ("crates/a/src/b/c.rs", "//! C.\nuse super::B;\nuse crate::b::D;\n"),
        ];
        assert!(places(circles, &tree).is_empty());
    }
}
