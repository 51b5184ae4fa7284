//! Knex: its settings and migrations, and the migrations of other tools that are written in JavaScript or TypeScript.

use super::clues::{code, of_urls};
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};

/// The tool's name.
pub(super) const KNEX: &str = "knex";

/// What tells whose migration a script is, the most telling first.
const AUTHORS: [(&str, &str, Option<Engine>); 11] = [
    ("@mikro-orm/", "mikro-orm", None),
    ("@adonisjs/", "adonis", None),
    ("knex", KNEX, None),
    ("queryInterface", "sequelize", None),
    ("MigrationInterface", "typeorm", None),
    ("node-pg-migrate", "node-pg-migrate", Some(Engine::Postgresql)),
    ("pgm", "node-pg-migrate", Some(Engine::Postgresql)),
    ("kysely", "kysely", None),
    ("dbm.", "db-migrate", None),
    ("db-migrate", "db-migrate", None),
    ("db.collection", "migrate-mongo", Some(Engine::Mongodb)),
];
/// What stands in scripts of this kind that are about no database: contracts of a block chain.
const OTHERS: [&str; 2] = ["artifacts.require", "deployer"];
const SCRIPTS: [&str; 6] = ["js", "ts", "cjs", "mjs", "cts", "mts"];

/// Returns what speaks for Knex and its like.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project
        .files()
        .iter()
        .filter(|file| SCRIPTS.contains(&file.extension()))
    {
        if file.name.starts_with("knexfile.") {
            found.add(of_settings(project, file));
        } else if ["migrations", "migration"].contains(&file.folder().as_str()) {
            found.add(of_migration(project, file));
        }
    }
}

fn of_settings(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = vec![Evidence::new(file, Weight::Strong, "settings of Knex").by(KNEX)];
    let lines = project.lines(file);
    evidence.extend(project.pieces(file, code(&lines), |line| {
        let mut pieces = of_urls(file, "the connection", line);
        if let Some(engine) = client(line) {
            let what = format!("the client is one of {}", engine.name());
            pieces.push(Evidence::new(file, Weight::Strong, what).of(engine));
        }
        pieces
    }));
    evidence
}

/// The settings may stand in one line, the client behind others.
fn client(code: &str) -> Option<Engine> {
    code.match_indices("client").find_map(|(at, key)| {
        let is_inside = |letter: char| letter.is_alphanumeric() || "_$.-".contains(letter);
        if code[..at].ends_with(is_inside) {
            return None;
        }
        let value = code[at + key.len()..].trim_start_matches(['"', '\'', ' ']);
        // Of a line as long as a file no more than the value.
        let value: String = value.strip_prefix(':')?.chars().take(120).collect();
        Engine::of_word(value.split(['"', '\'', '`']).nth(1)?)
    })
}

fn of_migration(project: &Project, file: &File) -> Option<Evidence> {
    let lines = project.lines(file);
    if lines
        .iter()
        .any(|line| OTHERS.iter().any(|word| line.contains(word)))
    {
        return None;
    }
    for (word, tool, engine) in AUTHORS {
        if let Some(at) = lines.iter().position(|line| line.contains(word)) {
            let what = format!("a migration of {tool}");
            let mut evidence = Evidence::new(file, Weight::Strong, what).on(at).by(tool);
            evidence.database = engine;
            return Some(evidence);
        }
    }
    let turns = |name: &str| {
        lines
            .iter()
            .any(|line| line.contains("exports") && line.contains(name))
    };
    let weight = if turns("up") && turns("down") {
        Weight::Strong
    } else {
        Weight::Medium
    };
    // TypeScript without a word of any tool is as likely of another.
    (file.extension().ends_with("js") && file.folder() == "migrations").then(|| {
        Evidence::new(
            file,
            weight,
            "a migration in JavaScript, without a word of another tool",
        )
        .by(KNEX)
    })
}
