//! Migrations that are files of SQL, told apart by their names and by the comments that their tools read: Flyway, dbmate,
//! golang-migrate, goose, sql-migrate, sqlx and Diesel.

use super::clues::{code, of_urls};
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};
use super::words::spoken;

/// The tool's name.
pub(super) const FLYWAY: &str = "flyway";
const SQLX: &str = "sqlx";
const DIESEL: &str = "diesel";
const GOLANG_MIGRATE: &str = "golang-migrate";
/// What a migration's tool reads in it.
const MARKS: [(&str, &str); 4] = [
    ("-- migrate:up", "dbmate"),
    ("-- +goose up", "goose"),
    ("-- +goose statementbegin", "goose"),
    ("-- +migrate up", "sql-migrate"),
];
/// Files of SQL that are looked into.
const FILES_MAX: usize = 500;

/// Returns what speaks for these tools.
pub(super) fn find(project: &Project, found: &mut Found) {
    let has_sqlx = uses_sqlx(project);
    let scripts = project.files().iter().filter(|file| file.extension() == "sql");
    for file in scripts.take(FILES_MAX) {
        found.add(of_script(project, file, has_sqlx));
    }
    for file in project.files() {
        match file.name.as_str() {
            name if name.starts_with("flyway") && ["conf", "toml"].contains(&file.extension()) => {
                found.add(of_flyway(project, file));
            }
            "sqlx-data.json" => found.add(of_prepared(project, file)),
            "diesel.toml" => {
                found.add([Evidence::new(file, Weight::Strong, "settings of Diesel").by(DIESEL)]);
            }
            _ if file.folder() == ".sqlx" && file.name.starts_with("query-") => {
                found.add(of_prepared(project, file));
            }
            _ => {}
        }
    }
}

fn uses_sqlx(project: &Project) -> bool {
    let manifests = project.named(&["cargo.toml"]).collect::<Vec<_>>();
    manifests.iter().any(|file| {
        let lines = project.lines(file);
        lines
            .iter()
            .any(|line| line.starts_with("sqlx") || line.contains("dependencies.sqlx"))
    })
}

fn of_script(project: &Project, file: &File, has_sqlx: bool) -> Vec<Evidence> {
    let lines = project.lines(file);
    let Some((tool, line)) = tool_of(file, &lines, has_sqlx) else {
        return Vec::new();
    };
    let mut migration = Evidence::new(file, Weight::Strong, format!("a migration of {tool}")).by(tool);
    migration.line = line.map(|line| line + 1);
    let mut evidence = vec![migration];
    if let Some(spoken) = spoken(&lines) {
        let what = format!("`{}` is a word of {}", spoken.word, spoken.engine.name());
        evidence.push(
            Evidence::new(file, spoken.weight(Weight::Medium), what)
                .on(spoken.line)
                .of(spoken.engine),
        );
    }
    evidence
}

fn tool_of(file: &File, lines: &[String], has_sqlx: bool) -> Option<(&'static str, Option<usize>)> {
    if is_flyway(&file.name) {
        return Some((FLYWAY, None));
    }
    for (at, line) in lines.iter().enumerate() {
        let lower = line.trim().to_ascii_lowercase();
        let lower = lower.replacen("--+", "-- +", 1);
        if let Some((_, tool)) = MARKS.iter().find(|(mark, _)| lower.starts_with(mark)) {
            return Some((tool, Some(at)));
        }
    }
    let digits = file.name.split(['_', '-']).next().unwrap_or_default();
    let is_numbered = !digits.is_empty()
        && digits.len() < file.name.len()
        && digits.chars().all(|letter| letter.is_ascii_digit());
    let turns = file.name.ends_with(".up.sql") || file.name.ends_with(".down.sql");
    if is_numbered && has_sqlx && file.folder() == "migrations" {
        return Some((SQLX, None));
    }
    if is_numbered && turns {
        return Some((GOLANG_MIGRATE, None));
    }
    let is_diesel = file.is_below("migrations") && ["up.sql", "down.sql"].contains(&file.name.as_str());
    is_diesel.then_some((DIESEL, None))
}

/// Tells whether the name is such as `V1_2__add_users.sql` or `R__views.sql`, in lower case.
pub(super) fn is_flyway(name: &str) -> bool {
    let Some((version, _)) = name.split_once("__") else {
        return false;
    };
    if version == "r" {
        return true;
    }
    let digits = version.strip_prefix(['v', 'u', 'b']).unwrap_or_default();
    let is_part = |letter: char| letter.is_ascii_digit() || letter == '.' || letter == '_';
    digits.starts_with(|letter: char| letter.is_ascii_digit()) && digits.chars().all(is_part)
}

fn of_flyway(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::new(file, Weight::Strong, "settings of Flyway").by(FLYWAY)];
    let lines = project.lines(file);
    evidence.extend(project.pieces(file, code(&lines), |line| of_urls(file, "the URL", line)));
    evidence
}

/// Reads what sqlx has prepared for building without a database: each query says its database.
fn of_prepared(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::new(file, Weight::Strong, "queries that sqlx has prepared").by(SQLX)];
    let lines = project.lines(file);
    for (at, line) in lines.iter().enumerate() {
        let value = line
            .split_once("\"db_name\":")
            .or_else(|| line.split_once("\"db\":"));
        let word = value.and_then(|(_, value)| value.split('"').nth(1));
        if let Some(engine) = word.and_then(Engine::of_word) {
            let what = format!("the database is `{}`", engine.name());
            evidence.push(Evidence::new(file, Weight::Strong, what).on(at).of(engine));
            break;
        }
    }
    evidence
}
