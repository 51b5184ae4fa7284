//! URLs and settings of databases: `.env` files and the settings files of frameworks. Of values only words from a closed list and
//! URLs without secrets are told.

use whimbrel_core::is_secret;

use super::evidence::{Engine, Evidence, Weight};
use super::masked::{is_identifier, urls};
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
const SETTINGS: [&str; 17] = [
    "application.properties",
    "application.yml",
    "application.yaml",
    "hibernate.cfg.xml",
    "persistence.xml",
    "alembic.ini",
    "dbconfig.yml",
    "drizzle.config.ts",
    "drizzle.config.js",
    "mikro-orm.config.ts",
    "diesel.toml",
    "repo.ex",
    "config.exs",
    "dev.exs",
    "runtime.exs",
    "prod.exs",
    ".sequelizerc",
];
/// Names of settings files that many tools use, in whatever language they are written.
const STEMS: [&str; 8] = [
    "config",
    "database",
    "db",
    "data-source",
    "datasource",
    "ormconfig",
    "db_config",
    "db-config",
];
const LANGUAGES: [&str; 10] = [
    "js",
    "cjs",
    "mjs",
    "ts",
    "py",
    "json",
    "toml",
    "yaml",
    "yml",
    "properties",
];
/// Keys whose value names an engine.
const KEYS: [&str; 8] = [
    "dialect",
    "adapter",
    "connection",
    "driver",
    "backend",
    "type",
    "client",
    "database-platform",
];
/// Parts of the names of classes that belong to an engine, in lower case.
const CLASSES: [(&str, Engine); 13] = [
    ("org.postgresql.", Engine::Postgresql),
    ("com.mysql.", Engine::Mysql),
    ("org.mariadb.", Engine::Mariadb),
    ("org.sqlite.", Engine::Sqlite),
    ("dialect.postgresql", Engine::Postgresql),
    ("dialect.mysql", Engine::Mysql),
    ("dialect.mariadb", Engine::Mariadb),
    ("dialect.sqlite", Engine::Sqlite),
    ("ecto.adapters.postgres", Engine::Postgresql),
    ("ecto.adapters.myxql", Engine::Mysql),
    ("ecto.adapters.sqlite3", Engine::Sqlite),
    ("postgresqldriver", Engine::Postgresql),
    ("mysqldriver", Engine::Mysql),
];
/// Settings files whose name says whose they are.
const TOOLS: [(&str, &str); 5] = [
    ("alembic.ini", "alembic"),
    ("drizzle.config", "drizzle"),
    ("diesel.toml", "diesel"),
    (".sequelizerc", "sequelize"),
    ("mikro-orm.config", "mikro-orm"),
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
        } else if is_settings(file) {
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

fn is_settings(file: &File) -> bool {
    let stem = file.name.split('.').next().unwrap_or_default();
    // `application-prod.properties`, `appsettings.Development.json`
    let is_profile =
        stem.starts_with("application-") && ["properties", "yml", "yaml"].contains(&file.extension());
    let is_of_dotnet = stem == "appsettings" && file.extension() == "json";
    SETTINGS.contains(&file.name.as_str())
        || is_profile
        || is_of_dotnet
        || (STEMS.contains(&stem) && LANGUAGES.contains(&file.extension()))
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
    if let Some((engine, author)) = connection(value) {
        let what = format!("{place} is a connection as {author} writes it");
        return vec![Evidence::new(file, weight, what).of(engine)];
    }
    let server = SERVER_KEYS.iter().find(|(start, _)| upper.starts_with(start));
    let server = server.map(|(_, engine)| {
        let what = format!("{place} is a variable of {}", engine.name());
        Evidence::new(file, weight.min(Weight::Medium), what).of(*engine)
    });
    server.into_iter().collect()
}

/// Returns the engine of a connection that is no URL, and who writes it so.
fn connection(value: &str) -> Option<(Engine, &'static str)> {
    let value = value.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().all(|word| value.contains(word));
    let forms: [(&[&str], Engine, &str); 9] = [
        (&["@tcp("], Engine::Mysql, "the driver of Go for MySQL"),
        (&["@unix("], Engine::Mysql, "the driver of Go for MySQL"),
        (&["host=", "dbname="], Engine::Postgresql, "libpq"),
        (&["host=", "username="], Engine::Postgresql, "Npgsql"),
        (
            &["server=", "port=3306"],
            Engine::Mysql,
            "the driver of .NET for MySQL",
        ),
        (&["driver={postgresql"], Engine::Postgresql, "ODBC"),
        (&["driver={mysql"], Engine::Mysql, "ODBC"),
        (&["driver={mariadb"], Engine::Mariadb, "ODBC"),
        (&["driver={sqlite"], Engine::Sqlite, "ODBC"),
    ];
    let form = forms.into_iter().find(|(words, ..)| has(words));
    form.map(|(_, engine, author)| (engine, author))
}

fn of_settings(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for (at, line) in project.lines(file).iter().enumerate() {
        let code = line.trim_start();
        if !(code.starts_with(['#', ';']) || code.starts_with("//")) {
            evidence.extend(of_line(file, line).into_iter().map(|each| each.on(at)));
        }
    }
    if let Some((_, tool)) = TOOLS.iter().find(|(start, _)| file.name.starts_with(start)) {
        evidence.push(Evidence::new(file, Weight::Strong, format!("settings of {tool}")).by(tool));
    }
    evidence
}

fn of_line(file: &File, line: &str) -> Vec<Evidence> {
    let key = line.split([':', '=']).next().unwrap_or_default();
    let urls = if is_secret(key) { Vec::new() } else { urls(line) };
    let mut evidence: Vec<Evidence> = urls
        .iter()
        .map(|url| Evidence::of_url(file, Weight::Strong, "the URL", url))
        .collect();
    if let Some((engine, author)) = connection(line) {
        let what = format!("a connection as {author} writes it");
        evidence.push(Evidence::new(file, Weight::Strong, what).of(engine));
    }
    // An object may stand in one line.
    for engine in line.split(['{', '}', ',']).filter_map(named_engine) {
        let what = format!("a setting is `{}`", engine.name());
        evidence.push(Evidence::new(file, Weight::Strong, what).of(engine));
    }
    evidence
}

/// Returns the engine that a setting names by a word or a class.
fn named_engine(setting: &str) -> Option<Engine> {
    let (key, value) = setting.split_once([':', '='])?;
    let is_quote = |letter: char| "\"'`;/<> ".contains(letter);
    let key = key.trim_matches(is_quote).trim().to_ascii_lowercase();
    let key = key
        .rsplit(['.', ' '])
        .next()
        .unwrap_or_default()
        .trim_matches(is_quote);
    if !KEYS.iter().any(|word| key.starts_with(word)) {
        return None;
    }
    let value = value.trim().trim_matches(is_quote);
    let class = value.to_ascii_lowercase();
    let of_class = || {
        CLASSES
            .iter()
            .find(|(part, _)| class.contains(part))
            .map(|(_, engine)| *engine)
    };
    Engine::of_word(value).or_else(of_class)
}
