//! Rails: its `database.yml`, its schema and its migrations.

use super::clues::of_urls;
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};

const RAILS: &str = "rails";
/// Words of `schema.rb` that only one adapter writes.
const WORDS: [(&str, Engine); 5] = [
    ("enable_extension", Engine::Postgresql),
    ("t.jsonb", Engine::Postgresql),
    ("create_enum", Engine::Postgresql),
    ("ENGINE=InnoDB", Engine::Mysql),
    ("charset: \"utf8", Engine::Mysql),
];

/// Returns what speaks for Rails and its database.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project.files() {
        let folder = file.folder();
        match file.name.as_str() {
            "database.yml" if folder == "config" => found.add(of_settings(project, file)),
            "mongoid.yml" => {
                let what = "settings of Mongoid";
                found.add([Evidence::new(file, Weight::Strong, what)
                    .of(Engine::Mongodb)
                    .by(RAILS)]);
            }
            "schema.rb" if folder == "db" => found.add(of_schema(project, file)),
            _ if folder == "migrate" && is_migration(&file.name) => {
                found.add([Evidence::new(file, Weight::Strong, "a migration of Rails").by(RAILS)]);
            }
            _ => {}
        }
    }
}

fn is_migration(name: &str) -> bool {
    let digits = name.split('_').next().unwrap_or_default();
    name.ends_with(".rb") && digits.len() >= 3 && digits.chars().all(|letter| letter.is_ascii_digit())
}

fn of_settings(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::new(file, Weight::Strong, "settings of Rails").by(RAILS)];
    let lines = project.lines(file);
    evidence.extend(project.pieces(file, lines.iter().enumerate(), |line| {
        let code = line.trim_start();
        if code.starts_with('#') {
            return Vec::new();
        }
        let mut pieces = of_urls(file, "the URL", line);
        let adapter = code
            .strip_prefix("adapter:")
            .map(|value| value.trim().trim_matches(['"', '\'']));
        // `<%= ENV.fetch("ADAPTER") { "postgresql" } %>`
        let mut words = adapter
            .into_iter()
            .flat_map(|value| value.split(['"', '\'', ' ']));
        if let Some(engine) = words.find_map(Engine::of_word) {
            let what = format!("the adapter is one of {}", engine.name());
            pieces.push(Evidence::new(file, Weight::Strong, what).of(engine));
        }
        pieces
    }));
    evidence
}

fn of_schema(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::new(file, Weight::Strong, "the schema of Rails").by(RAILS)];
    let lines = project.lines(file);
    for (word, engine) in WORDS {
        if let Some(at) = lines.iter().position(|line| line.contains(word)) {
            let what = format!("`{word}` is written for {}", engine.name());
            evidence.push(Evidence::new(file, Weight::Strong, what).on(at).of(engine));
        }
    }
    evidence
}
