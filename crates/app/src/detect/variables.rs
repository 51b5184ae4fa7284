//! Variables: `.env` files, and what the environment of a service is given. Of values only words from a closed list and URLs without
//! secrets are told.

use whimbrel_core::is_secret;

use super::clues::connection;
use super::continued::join_quoted;
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::masked::{is_identifier, urls};
use super::project::{File, Project};

/// How the names of variables end whose value names an engine.
const ENGINE_ENDS: [&str; 9] = [
    "CONNECTION",
    "CLIENT",
    "DIALECT",
    "ENGINE",
    "DRIVER",
    "TYPE",
    "ADAPTER",
    "BACKEND",
    "KIND",
];
/// How the names of variables begin that choose something else, which may be kept in a database.
const OTHER_STARTS: [&str; 6] = ["SESSION", "CACHE", "QUEUE", "LOG", "BROADCAST", "SCOUT"];
/// How the variables of a server's own image or client begin.
const SERVER_KEYS: [(&str, Engine); 8] = [
    ("POSTGRES_", Engine::Postgresql),
    ("POSTGRESQL_", Engine::Postgresql),
    ("PGHOST", Engine::Postgresql),
    ("PGDATABASE", Engine::Postgresql),
    ("MYSQL_", Engine::Mysql),
    ("MARIADB_", Engine::Mariadb),
    ("MONGO_", Engine::Mongodb),
    ("MONGODB_", Engine::Mongodb),
];
/// The ports that servers have when nobody chooses another.
const PORTS: [(&str, Engine); 3] = [
    ("5432", Engine::Postgresql),
    ("3306", Engine::Mysql),
    ("27017", Engine::Mongodb),
];
/// Ends of the names of `.env` files that are patterns for others.
const PATTERNS: [&str; 7] = [
    "example", "sample", "template", "dist", "test", "testing", "defaults",
];

/// Returns what the files say.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project.files() {
        if let Some(weight) = weight_of_env(&file.name) {
            let mut lines = project.lines(file);
            join_quoted(&mut lines);
            let lines = lines.iter().enumerate();
            found.add(project.pieces(file, lines, |line| of_variable(file, weight, line)));
        }
    }
}

fn weight_of_env(name: &str) -> Option<Weight> {
    if ["env", "dotenv", ".dev.vars", ".flaskenv"].contains(&name) {
        return Some(Weight::Strong);
    }
    let kind = match name.strip_prefix(".env") {
        Some("" | "rc") => return Some(Weight::Strong),
        Some(kind) => kind.strip_prefix(['.', '-', '_'])?,
        None => name.strip_suffix(".env")?,
    };
    let is_pattern = kind.split(['.', '-', '_']).any(|part| PATTERNS.contains(&part));
    Some(if is_pattern {
        Weight::Medium
    } else {
        Weight::Strong
    })
}

/// Returns what one line of a `.env` file, or of the environment of a service, says.
pub(super) fn of_variable(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    let text = line.trim_start_matches([' ', '\t', '-', '"', '\'']);
    let text = text.strip_prefix("export ").unwrap_or(text);
    let Some((key, value)) = text.split_once(['=', ':']) else {
        return Vec::new();
    };
    let key = key.trim().trim_end_matches(['"', '\'']);
    // Settings may be given as variables by their own names: `spring.datasource.url`.
    if text.starts_with('#') || !key.split(['.', '-']).all(is_identifier) || key.len() > 64 {
        return Vec::new();
    }
    let place = format!("`{key}`");
    let found = if is_secret(key) { Vec::new() } else { urls(value) };
    if !found.is_empty() {
        let evidence = found
            .iter()
            .map(|url| Evidence::of_url(file, weight, &place, url));
        return evidence.collect();
    }
    let upper = key.to_ascii_uppercase();
    let value = value.trim().trim_matches(['"', '\'']);
    if names_engine(&upper)
        && let Some(engine) = Engine::of_word(value)
    {
        let what = format!("{place} is `{}`", engine.name());
        return vec![Evidence::new(file, weight, what).of(engine)];
    }
    if let Some((engine, author)) = connection(value) {
        let what = format!("{place} is a connection as {author} writes it");
        return vec![Evidence::new(file, weight, what).of(engine)];
    }
    if is_port(&upper)
        && let Some((_, engine)) = PORTS.iter().find(|(port, _)| *port == value)
    {
        let what = format!("{place} is the port of {}", engine.name());
        return vec![Evidence::new(file, weight.min(Weight::Medium), what).of(*engine)];
    }
    let server = SERVER_KEYS.iter().find(|(start, _)| upper.starts_with(start));
    let server = server.map(|(_, engine)| {
        let what = format!("{place} is a variable of {}", engine.name());
        Evidence::new(file, weight.min(Weight::Medium), what).of(*engine)
    });
    server.into_iter().collect()
}

fn is_port(key: &str) -> bool {
    let before = key.strip_suffix("_PORT").unwrap_or_default();
    ["DB", "DATABASE", "SQL"]
        .iter()
        .any(|word| before.split('_').any(|part| part == *word))
}

fn names_engine(key: &str) -> bool {
    let is_of_other = OTHER_STARTS.iter().any(|start| key.starts_with(start));
    let mut ends = ENGINE_ENDS.iter().filter_map(|end| key.strip_suffix(end));
    !is_of_other && ends.any(|before| before.is_empty() || before.ends_with('_'))
}
