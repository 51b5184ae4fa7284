//! Liquibase: its changelogs in every format, and its settings.

use super::clues::{code, of_urls};
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};
use super::words::spoken;

const LIQUIBASE: &str = "liquibase";
/// Bytes in which a changelog says that it is one.
const HEAD_BYTES: u64 = 1 << 10;

/// Returns what speaks for Liquibase and its database.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project.files() {
        if file.name.starts_with("liquibase") && file.extension() == "properties" {
            found.add(of_settings(project, file));
        } else if ["xml", "yaml", "yml", "json", "sql"].contains(&file.extension())
            && (is_named_so(file) || begins_so(project, file))
        {
            found.add(of_changelog(project, file));
        }
    }
}

fn is_named_so(file: &File) -> bool {
    let path = file.path.to_ascii_lowercase();
    ["changelog", "changeset", "liquibase"]
        .iter()
        .any(|word| path.contains(word))
}

/// Tells whether a file with any name begins as a changelog.
fn begins_so(project: &Project, file: &File) -> bool {
    let head = project.start(file, HEAD_BYTES).to_ascii_lowercase();
    head.contains("databasechangelog") || head.contains("liquibase formatted sql")
}

fn of_settings(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::new(file, Weight::Strong, "settings of Liquibase").by(LIQUIBASE)];
    let lines = project.lines(file);
    evidence.extend(project.pieces(file, code(&lines), |line| of_urls(file, "the URL", line)));
    evidence
}

fn of_changelog(project: &Project, file: &File) -> Vec<Evidence> {
    let lines = project.lines(file);
    let is_mark = |line: &String| {
        let lower = line.trim().to_ascii_lowercase();
        lower.contains("databasechangelog") || lower.replace(' ', "").starts_with("--liquibaseformattedsql")
    };
    let Some(at) = lines.iter().position(is_mark) else {
        return Vec::new();
    };
    let mut evidence = vec![
        Evidence::new(file, Weight::Strong, "a changelog of Liquibase")
            .on(at)
            .by(LIQUIBASE),
    ];
    evidence.extend(project.pieces(file, lines.iter().enumerate(), |line| {
        let value = line.split_once("dbms").map_or("", |(_, value)| value);
        let value = value.trim_start_matches(['"', '\'', ':', '=', ' ']);
        let words = value.split(['"', '\'', ' ', ',']).map(str::trim);
        // With a list, the changes are meant for several.
        let engines: Vec<Engine> = words.take(3).filter_map(Engine::of_word).collect();
        let &[engine] = engines.as_slice() else {
            return Vec::new();
        };
        let what = format!("a change is meant for {}", engine.name());
        vec![Evidence::new(file, Weight::Medium, what).of(engine)]
    }));
    if file.extension() == "sql"
        && let Some(spoken) = spoken(&lines)
    {
        let what = format!("`{}` is a word of {}", spoken.word, spoken.engine.name());
        evidence.push(
            Evidence::new(file, spoken.weight(Weight::Medium), what)
                .on(spoken.line)
                .of(spoken.engine),
        );
    }
    evidence
}
