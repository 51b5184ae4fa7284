//! What a project depends on: drivers speak for databases, libraries for tools. What a manifest requires is read by `required.rs`, so that
//! its keywords, descriptions and scripts say nothing; which library speaks for what is `libraries.rs`.

mod libraries;
mod required;

use self::libraries::{DOTNET, ELIXIR, GO, JAVA, JAVASCRIPT, Library, PHP, PYTHON, RUBY, RUST};
use self::required::Required;
use super::clues::code;
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};

use Engine::{Mysql, Postgresql, Sqlite};

/// Libraries of Rust whose features choose a database.
const CHOOSING: [&str; 5] = ["sqlx", "diesel", "sea-orm", "sea-orm-migration", "refinery"];
/// Such features.
const FEATURES: [(&str, Engine); 7] = [
    ("postgres", Postgresql),
    ("sqlx-postgres", Postgresql),
    ("mysql", Mysql),
    ("sqlx-mysql", Mysql),
    ("sqlite", Sqlite),
    ("sqlx-sqlite", Sqlite),
    ("tokio-postgres", Postgresql),
];

/// How a kind of manifest is read: what it may require, what it says that it requires, and how the two are compared.
type Reading = (
    &'static [Library],
    fn(&[Line]) -> Vec<Required>,
    fn(&str, &str) -> bool,
);
/// A line in lower case that is no comment, and its number from 0.
type Line = (usize, String);

/// Returns the dependencies that speak for something.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project.files() {
        if let Some(reading) = reading(file) {
            found.add(of_file(project, file, reading));
        }
    }
}

/// Returns the tools that packages of JavaScript choose, each with the database that it is for.
pub(super) fn tools_of_javascript(project: &Project) -> Vec<(&'static str, Option<Engine>)> {
    let manifests = project.named(&["package.json"]);
    let required = manifests.flat_map(|file| required::package_json(&lines_of(project, file)));
    let libraries = required
        .filter(|required| required.is_choice)
        .filter_map(|required| JAVASCRIPT.iter().find(|(name, ..)| *name == required.name));
    libraries
        .filter_map(|(_, engine, tool)| Some(((*tool)?, *engine)))
        .collect()
}

fn lines_of(project: &Project, file: &File) -> Vec<Line> {
    let lines = project.lines(file);
    code(&lines)
        .map(|(at, line)| (at, line.to_ascii_lowercase()))
        .collect()
}

fn reading(file: &File) -> Option<Reading> {
    Some(match file.name.as_str() {
        "package.json" => (JAVASCRIPT, required::package_json, is_same),
        "deno.json" | "deno.jsonc" => (JAVASCRIPT, required::deno, is_same),
        "composer.json" => (PHP, required::composer, is_same),
        "cargo.toml" => (RUST, required::cargo, is_same),
        "go.mod" => (GO, required::go, is_module),
        "pyproject.toml" => (PYTHON, required::pyproject, is_same),
        "pipfile" => (PYTHON, required::pipfile, is_same),
        "setup.cfg" => (PYTHON, required::setup_cfg, is_same),
        "setup.py" => (PYTHON, required::setup_py, is_same),
        "gemfile" | "gems.rb" => (RUBY, required::gems, is_same),
        "pom.xml" => (JAVA, required::maven, is_part),
        "build.sbt" | "build.gradle" | "build.gradle.kts" => (JAVA, required::gradle, is_part),
        "libs.versions.toml" => (JAVA, required::catalog, is_part),
        "deps.edn" | "project.clj" => (JAVA, required::clojure, is_part),
        "mix.exs" => (ELIXIR, required::mix, is_same),
        "directory.packages.props" | "packages.config" => (DOTNET, required::nuget, is_part),
        name => match file.extension() {
            "csproj" | "fsproj" | "vbproj" => (DOTNET, required::nuget, is_part),
            "gemspec" => (RUBY, required::gems, is_same),
            "txt" | "in" if name.starts_with("requirements") || file.folder() == "requirements" => {
                (PYTHON, required::requirements, is_same)
            }
            _ => return None,
        },
    })
}

fn of_file(project: &Project, file: &File, (libraries, read, is): Reading) -> Vec<Evidence> {
    let lines = lines_of(project, file);
    let required = read(&lines).into_iter().map(|required| (required.line, required));
    project.pieces(file, required, |required| {
        let features = required.features.iter();
        let features = features.filter(|_| CHOOSING.contains(&required.name.as_str()));
        let of_features = features.filter_map(|feature| {
            let (feature, engine) = FEATURES.iter().find(|(name, _)| name == feature)?;
            let what = format!("`{}` is used with `{feature}`", required.name);
            Some(Evidence::new(file, Weight::Medium, what).of(*engine))
        });
        let named = libraries
            .iter()
            .filter(|(name, ..)| required.features.is_empty() && is(&required.name, name));
        let weight = if required.is_choice {
            Weight::Medium
        } else {
            Weight::Weak
        };
        let of_library = named.map(|(name, engine, tool)| {
            let mut found = Evidence::new(file, weight, format!("it depends on `{name}`"));
            (found.database, found.tool) = (*engine, *tool);
            found
        });
        of_library.chain(of_features).collect()
    })
}

fn is_same(name: &str, library: &str) -> bool {
    name == library
}

/// Tells whether a module is the library, or a version or a part of it.
fn is_module(name: &str, library: &str) -> bool {
    let rest = name.strip_prefix(library);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Tells whether the library is a part of a name that is made of several: `com.mysql:mysql-connector-j:8.3.0`.
fn is_part(name: &str, library: &str) -> bool {
    let is_part =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '-');
    name.match_indices(library).any(|(at, found)| {
        let before = name[..at].chars().next_back();
        !is_part(before) && !is_part(name[at + found.len()..].chars().next())
    })
}
