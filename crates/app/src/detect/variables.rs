//! URLs and settings of databases: `.env` files and the settings files of frameworks. Of values only words from a closed list and
//! URLs without secrets are told.

use super::evidence::{Engine, Evidence, Weight};
use super::masked::{is_identifier, is_secret, urls};
use super::project::{File, Project};

/// Settings whose value names an engine.
const ENGINE_KEYS: [&str; 14] = [
    "DB_CONNECTION",
    "DB_CLIENT",
    "DB_DIALECT",
    "DB_ENGINE",
    "DB_DRIVER",
    "DB_TYPE",
    "DB_ADAPTER",
    "DATABASE_CLIENT",
    "DATABASE_DIALECT",
    "DATABASE_ENGINE",
    "DATABASE_DRIVER",
    "DATABASE_TYPE",
    "DATABASE_ADAPTER",
    "TYPEORM_CONNECTION",
];
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
/// Ends of the names of `.env` files that are patterns for others.
const PATTERNS: [&str; 7] = [
    "example", "sample", "template", "dist", "test", "testing", "defaults",
];
/// Settings files that may hold a URL.
const SETTINGS: [&str; 14] = [
    "application.properties",
    "application.yml",
    "application.yaml",
    "alembic.ini",
    "dbconfig.yml",
    "ormconfig.json",
    "ormconfig.js",
    "drizzle.config.ts",
    "drizzle.config.js",
    "config.toml",
    "config.yaml",
    "config.yml",
    "config.json",
    "diesel.toml",
];

/// Returns what the files say.
pub(super) fn find(project: &Project) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for file in project.files() {
        if let Some(weight) = weight_of_env(&file.name) {
            for (at, line) in project.lines(file).iter().enumerate() {
                evidence.extend(
                    of_variable(file, weight, line)
                        .into_iter()
                        .map(|each| each.on(at)),
                );
            }
        } else if SETTINGS.contains(&file.name.as_str()) || is_profile(file) {
            evidence.extend(of_settings(project, file));
        }
    }
    evidence
}

fn weight_of_env(name: &str) -> Option<Weight> {
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

/// Tells whether it is a file such as `application-prod.properties`.
fn is_profile(file: &File) -> bool {
    file.name.starts_with("application-") && ["properties", "yml", "yaml"].contains(&file.extension())
}

/// Returns what one line of a `.env` file, or of the environment of a service, says.
pub(super) fn of_variable(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    let text = line.trim_start_matches([' ', '\t', '-', '"', '\'']);
    let text = text.strip_prefix("export ").unwrap_or(text);
    let Some((key, value)) = text.split_once(['=', ':']) else {
        return Vec::new();
    };
    let key = key.trim().trim_end_matches(['"', '\'']);
    if text.starts_with('#') || !is_identifier(key) {
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
    if ENGINE_KEYS.contains(&upper.as_str())
        && let Some(engine) = Engine::of_word(value)
    {
        let what = format!("{place} is `{}`", engine.name());
        return vec![Evidence::new(file, weight, what).of(engine)];
    }
    if value.contains("@tcp(") || value.contains("@unix(") {
        let what = format!("{place} is a connection as the driver of Go for MySQL writes it");
        return vec![Evidence::new(file, weight, what).of(Engine::Mysql)];
    }
    if value.contains("host=") && value.contains("dbname=") {
        let what = format!("{place} is a connection as libpq writes it");
        return vec![Evidence::new(file, weight, what).of(Engine::Postgresql)];
    }
    let server = SERVER_KEYS.iter().find(|(start, _)| upper.starts_with(start));
    let server = server.map(|(_, engine)| {
        let what = format!("{place} is a variable of {}", engine.name());
        Evidence::new(file, weight.min(Weight::Medium), what).of(*engine)
    });
    server.into_iter().collect()
}

fn of_settings(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for (at, line) in project.lines(file).iter().enumerate() {
        let code = line.trim_start();
        if code.starts_with(['#', ';']) || code.starts_with("//") {
            continue;
        }
        for url in urls(line) {
            evidence.push(Evidence::of_url(file, Weight::Strong, "the URL", &url).on(at));
        }
        let keys = ["dialect", "adapter", "connection", "driver", "backend"];
        let key = code.trim_start_matches(['"', '\'']);
        let key = keys.iter().find(|word| key.starts_with(*word));
        let value = key.and_then(|_| code.split_once([':', '=']));
        let word = value.map(|(_, value)| value.trim().trim_matches(['"', '\'', ',', ' ']));
        if let Some(engine) = word.and_then(Engine::of_word) {
            let what = format!("a setting is `{}`", engine.name());
            evidence.push(Evidence::new(file, Weight::Strong, what).on(at).of(engine));
        }
    }
    let tool = [
        ("alembic.ini", "alembic"),
        ("drizzle.config", "drizzle"),
        ("diesel.toml", "diesel"),
    ];
    if let Some((_, tool)) = tool.iter().find(|(start, _)| file.name.starts_with(start)) {
        evidence.push(Evidence::new(file, Weight::Strong, format!("settings of {tool}")).by(tool));
    }
    evidence
}
