//! Liquibase: its changelogs in every format, and its settings.

use super::evidence::{Engine, Evidence, Weight};
use super::masked::urls;
use super::project::{File, Project};
use super::words::spoken;

const LIQUIBASE: &str = "liquibase";
/// Bytes in which a changelog says that it is one.
const HEAD_BYTES: u64 = 1 << 10;

/// Returns what speaks for Liquibase and its database.
pub(super) fn find(project: &Project) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for file in project.files() {
        if file.name.starts_with("liquibase") && file.extension() == "properties" {
            evidence.extend(of_settings(project, file));
        } else if ["xml", "yaml", "yml", "json", "sql"].contains(&file.extension())
            && (is_named_so(file) || begins_so(project, file))
        {
            evidence.extend(of_changelog(project, file));
        }
    }
    evidence
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
    for (at, line) in project.lines(file).iter().enumerate() {
        if !line.trim_start().starts_with(['#', '!']) {
            for url in urls(line) {
                evidence.push(Evidence::of_url(file, Weight::Strong, "the URL", &url).on(at));
            }
        }
    }
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
    for (at, line) in lines.iter().enumerate() {
        let value = line.split_once("dbms").map_or("", |(_, value)| value);
        let value = value.trim_start_matches(['"', '\'', ':', '=', ' ']);
        let words = value.split(['"', '\'', ' ', ',']).map(str::trim);
        // With a list, the changes are meant for several.
        let engines: Vec<Engine> = words.take(3).filter_map(Engine::of_word).collect();
        if let &[engine] = engines.as_slice() {
            let what = format!("a change is meant for {}", engine.name());
            evidence.push(Evidence::new(file, Weight::Medium, what).on(at).of(engine));
        }
    }
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
