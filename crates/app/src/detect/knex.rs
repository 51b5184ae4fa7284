//! Knex: its settings and migrations, and the migrations of other tools that are written in JavaScript or TypeScript.

use super::clues::{code, of_urls};
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::manifests::tools_of_javascript;
use super::project::{File, Project};
use super::words::holds;

/// The tool's name.
pub(super) const KNEX: &str = "knex";

/// What tells whose migration a script is, the most telling first; a blank stands for the end of a word.
const AUTHORS: [(&str, &str, Option<Engine>); 30] = [
    ("@mikro-orm/", "mikro-orm", None),
    ("this.addSql(", "mikro-orm", None),
    ("@adonisjs/", "adonis", None),
    ("@payloadcms/db-mongodb", "payload", Some(Engine::Mongodb)),
    ("@payloadcms/db-postgres", "payload", Some(Engine::Postgresql)),
    (" knex ", KNEX, None),
    ("Knex", KNEX, None),
    ("queryInterface", "sequelize", None),
    ("MigrationInterface", "typeorm", None),
    ("queryRunner", "typeorm", None),
    ("node-pg-migrate", "node-pg-migrate", Some(Engine::Postgresql)),
    (" pgm ", "node-pg-migrate", Some(Engine::Postgresql)),
    ("kysely", "kysely", None),
    ("umzug", "umzug", None),
    ("dbmigrate", "db-migrate", None),
    ("db-migrate", "db-migrate", None),
    (" dbm.", "db-migrate", None),
    (" db.createTable(", "db-migrate", None),
    (" db.addColumn(", "db-migrate", None),
    (" db.runSql(", "db-migrate", None),
    (" mongoose ", "migrate-mongoose", Some(Engine::Mongodb)),
    (".collection(", MIGRATE_MONGO, Some(Engine::Mongodb)),
    (".createCollection(", MIGRATE_MONGO, Some(Engine::Mongodb)),
    (".dropCollection(", MIGRATE_MONGO, Some(Engine::Mongodb)),
    ("up(db, client", MIGRATE_MONGO, Some(Engine::Mongodb)),
    ("(db, client) =>", MIGRATE_MONGO, Some(Engine::Mongodb)),
    (".addColumn(", "kysely", None),
    (".increments(", KNEX, None),
    (".schema.", KNEX, None),
    ("(next)", "node-migrate", None),
];
const MIGRATE_MONGO: &str = "migrate-mongo";
/// Starts of the names of files that say whose the scripts of a project are that say nothing themselves.
const SETTINGS: [(&str, &str, Option<Engine>); 8] = [
    ("knexfile.", KNEX, None),
    ("migrate-mongo-config.", MIGRATE_MONGO, Some(Engine::Mongodb)),
    (".sequelizerc", "sequelize", None),
    ("mikro-orm.config.", "mikro-orm", None),
    ("ormconfig.", "typeorm", None),
    ("data-source.", "typeorm", None),
    ("database.json", "db-migrate", None),
    (".db-migraterc", "db-migrate", None),
];
/// What stands in scripts of this kind that are about none of these databases: contracts of a block chain, services.
const OTHERS: [&str; 3] = ["artifacts.require", "deployer", "firestore"];
const SCRIPTS: [&str; 6] = ["js", "ts", "cjs", "mjs", "cts", "mts"];

/// A tool, and the database that it is for.
type Author = (&'static str, Option<Engine>);

/// Returns what speaks for Knex and its like.
pub(super) fn find(project: &Project, found: &mut Found) {
    let authors = authors(project);
    for file in project
        .files()
        .iter()
        .filter(|file| SCRIPTS.contains(&file.extension()))
    {
        if file.name.starts_with("knexfile.") {
            found.add(of_settings(project, file));
        } else if ["migrations", "migration"].contains(&file.folder().as_str()) {
            found.add(of_migration(project, file, &authors));
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

fn of_migration(project: &Project, file: &File, authors: &[Author]) -> Option<Evidence> {
    let lines = project.lines(file);
    let line_with = |word: &str| lines.iter().position(|line| holds(line, word));
    if OTHERS.iter().any(|word| line_with(word).is_some()) {
        return None;
    }
    let author = AUTHORS.iter().find_map(|(word, tool, engine)| {
        let at = line_with(word)?;
        let what = format!("a migration of {tool}");
        Some((Evidence::new(file, Weight::Strong, what).on(at).by(tool), *engine))
    });
    // TypeScript without a word of any tool is as likely of another.
    let is_script = || file.extension().ends_with("js") && file.folder() == "migrations";
    let (mut evidence, engine) = author.or_else(|| is_script().then(|| unsigned(file, &lines, authors)))?;
    evidence.database = engine;
    Some(evidence)
}

/// Returns what a script says in which no tool is named: it is of the tool that the project has, else most likely of Knex.
fn unsigned(file: &File, lines: &[String], authors: &[Author]) -> (Evidence, Option<Engine>) {
    let is_of_knex = authors.is_empty() || authors.iter().any(|(tool, _)| *tool == KNEX);
    if let Some((tool, engine)) = authors.first().filter(|_| !is_of_knex) {
        let what = format!("a migration in JavaScript, beside {tool}");
        return (Evidence::new(file, Weight::Medium, what).by(tool), *engine);
    }
    let mut exports = lines.iter().filter(|line| line.contains("exports"));
    let weight =
        if exports.clone().any(|line| line.contains("up")) && exports.any(|line| line.contains("down")) {
            Weight::Medium
        } else {
            Weight::Weak
        };
    let what = "a migration in JavaScript, without a word of another tool";
    (Evidence::new(file, weight, what).by(KNEX), None)
}

/// Returns the tools that the settings and packages of the project name.
fn authors(project: &Project) -> Vec<Author> {
    let named = |file: &File| {
        let settings = SETTINGS.iter().find(|(start, ..)| file.name.starts_with(start));
        settings.map(|(_, tool, engine)| (*tool, *engine))
    };
    let mut authors: Vec<Author> = project.files().iter().filter_map(named).collect();
    let scripts: Vec<&str> = AUTHORS.iter().map(|(_, tool, _)| *tool).collect();
    let required = tools_of_javascript(project).into_iter();
    authors.extend(required.filter(|(tool, _)| scripts.contains(tool)));
    authors
}
