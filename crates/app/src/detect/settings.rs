//! The settings files of frameworks, servers and migration tools, and what is in any other file of a language in which settings are
//! written. What a line of one says is `clues.rs`; files of variables are `variables.rs`.

use super::clues::{self, code};
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::project::{File, Project};
use super::services::is_about_services;

use Engine::{Mongodb, Mysql, Postgresql, Sqlite};

/// Languages in which settings are written and nothing else; a file of them may be of anyone.
const LANGUAGES: [&str; 15] = [
    "jsonc",
    "toml",
    "yaml",
    "yml",
    "json",
    "ini",
    "cfg",
    "conf",
    "properties",
    "xml",
    "config",
    "hcl",
    "tf",
    "tfvars",
    "exs",
];
/// Languages of programs in which settings are written, too.
const PROGRAMS: [&str; 10] = [
    "js", "cjs", "mjs", "ts", "cts", "mts", "py", "php", "ex", "groovy",
];
/// Folders in which a file of either holds the project's own settings.
const FOLDERS: [&str; 14] = [
    "config",
    "configs",
    "conf",
    "conf.d",
    "settings",
    "etc",
    "resources",
    "environments",
    "environment",
    "deploy",
    "deployment",
    "meta-inf",
    "web-inf",
    "app_data",
];
/// Names, up to the first dot, of files that are about a database, whatever the language.
const ABOUT_DATABASES: [&str; 22] = [
    "database",
    "databases",
    "db",
    "data-source",
    "datasource",
    "datasources",
    "ormconfig",
    "db_config",
    "db-config",
    "dbconfig",
    "alembic",
    "doctrine",
    "persistence",
    "hibernate",
    "sqlc",
    "sqlboiler",
    "profiles",
    "repo",
    "_journal",
    "local-db",
    "connection",
    "connections",
];
/// Names, up to the first dot or hyphen, of files that hold the settings of an application.
const ABOUT_APPLICATIONS: [&str; 20] = [
    "application",
    "bootstrap",
    "appsettings",
    "app_local",
    "config",
    "configuration",
    "settings",
    "local",
    "parameters",
    "env",
    "context",
    "server",
    "web",
    "rocket",
    "localsettings",
    "dev",
    "prod",
    "runtime",
    "production",
    "development",
];
/// Files whose name, or whose name with a word in them, says whose they are: the end of the path, the word in lower case, what
/// they are, the database and the tool they speak for.
const KNOWN: [Known; 27] = [
    (
        "wrangler.toml",
        "d1_databases",
        "settings of Cloudflare",
        Some(Sqlite),
        None,
    ),
    (
        "wrangler.jsonc",
        "d1_databases",
        "settings of Cloudflare",
        Some(Sqlite),
        None,
    ),
    (
        "wp-config.php",
        "db_name",
        "settings of WordPress",
        Some(Mysql),
        None,
    ),
    (
        "wp-config-sample.php",
        "db_name",
        "settings of WordPress",
        Some(Mysql),
        None,
    ),
    (
        "parameters.php",
        "innodb",
        "settings of a shop",
        Some(Mysql),
        None,
    ),
    ("env.php", "innodb", "settings of a shop", Some(Mysql), None),
    (
        "supabase/config.toml",
        "[db]",
        "settings of Supabase",
        Some(Postgresql),
        None,
    ),
    (
        "render.yaml",
        "databases:",
        "settings of Render",
        Some(Postgresql),
        None,
    ),
    (
        ".meteor/packages",
        "mongo",
        "packages of Meteor",
        Some(Mongodb),
        None,
    ),
    (".pgpass", ":", "passwords of libpq", Some(Postgresql), None),
    (
        "pg_service.conf",
        "[",
        "services of libpq",
        Some(Postgresql),
        None,
    ),
    (
        "postgresql.conf",
        "",
        "settings of a server",
        Some(Postgresql),
        None,
    ),
    ("my.cnf", "[", "settings of MySQL", Some(Mysql), None),
    ("mongod.conf", "", "settings of a server", Some(Mongodb), None),
    (
        "migrate-mongo-config.js",
        "",
        "settings of migrate-mongo",
        Some(Mongodb),
        Some("migrate-mongo"),
    ),
    (
        "migrate-mongo-config.ts",
        "",
        "settings of migrate-mongo",
        Some(Mongodb),
        Some("migrate-mongo"),
    ),
    ("alembic.ini", "", "settings of alembic", None, Some("alembic")),
    (
        "drizzle.config.ts",
        "",
        "settings of drizzle",
        None,
        Some("drizzle"),
    ),
    (
        "drizzle.config.js",
        "",
        "settings of drizzle",
        None,
        Some("drizzle"),
    ),
    (
        "meta/_journal.json",
        "\"dialect\"",
        "the journal of drizzle",
        None,
        Some("drizzle"),
    ),
    (
        ".sequelizerc",
        "",
        "settings of sequelize",
        None,
        Some("sequelize"),
    ),
    (
        "mikro-orm.config.ts",
        "",
        "settings of mikro-orm",
        None,
        Some("mikro-orm"),
    ),
    ("atlas.hcl", "", "settings of atlas", None, Some("atlas")),
    ("phinx.php", "", "settings of phinx", None, Some("phinx")),
    ("phinx.yml", "", "settings of phinx", None, Some("phinx")),
    ("yoyo.ini", "", "settings of yoyo", None, Some("yoyo")),
    (
        "dbconfig.yml",
        "",
        "settings of sql-migrate",
        None,
        Some("sql-migrate"),
    ),
];
/// Files of these languages that hold no settings of the project, or are another detector's.
const OTHERS: [&str; 14] = [
    "package.json",
    "package-lock.json",
    "composer.json",
    "composer.lock",
    "cargo.toml",
    "pyproject.toml",
    "tsconfig.json",
    "mongoid.yml",
    "migration_lock.toml",
    "diesel.toml",
    "sqlx-data.json",
    "renovate.json",
    "openapi.json",
    "mix.exs",
];
/// Parts of the names of settings that are patterns for others, or for tests.
const PATTERNS: [&str; 10] = [
    "example", "sample", "template", "dist", "test", "testing", "defaults", "tests", "schema", "lock",
];

/// Bytes of a file without a telling name; what is longer is data.
const UNNAMED_BYTES_MAX: u64 = 128 << 10;

type Known = (
    &'static str,
    &'static str,
    &'static str,
    Option<Engine>,
    Option<&'static str>,
);

/// What a file is to the project.
#[derive(Debug, Clone, Copy)]
struct Standing {
    weight: Weight,
    is_of_database: bool,
    /// Its name or its folder says that it holds settings.
    is_named: bool,
    /// It may be a program that offers a choice.
    is_program: bool,
}

/// Returns what the files say.
pub(super) fn find(project: &Project, found: &mut Found) {
    // What nobody has named is read last, so that a heap of data leaves room for the settings.
    let named = |file: &&File| standing(file, false).is_some_and(|standing| standing.is_named);
    let (first, rest): (Vec<&File>, Vec<&File>) = project.files().iter().partition(named);
    for file in first.into_iter().chain(rest) {
        found.add(of_file(project, file));
    }
}

fn of_file(project: &Project, file: &File) -> Vec<Evidence> {
    let known = KNOWN.iter().filter(|known| is_at(file, known.0));
    let known: Vec<&Known> = known.collect();
    let standing = standing(file, !known.is_empty());
    if known.is_empty() && standing.is_none() {
        return Vec::new();
    }
    if is_about_services(project, file) {
        return Vec::new();
    }
    let lines = project.lines(file);
    let mut evidence: Vec<Evidence> = known
        .iter()
        .filter_map(|known| of_known(file, &lines, known))
        .collect();
    if let Some(standing) = standing {
        evidence.extend(of_lines(project, file, &lines, standing));
    }
    evidence
}

fn is_at(file: &File, end: &str) -> bool {
    let path = file.known_path();
    path.strip_suffix(end)
        .is_some_and(|before| before.is_empty() || before.ends_with(['/', '.']))
}

fn of_known(file: &File, lines: &[String], known: &Known) -> Option<Evidence> {
    let (_, word, what, engine, tool) = *known;
    let at = lines
        .iter()
        .position(|line| line.to_ascii_lowercase().contains(word));
    if at.is_none() && !word.is_empty() {
        return None;
    }
    let mut evidence = Evidence::new(file, weight_of_name(file), what);
    evidence.line = at.filter(|_| !word.is_empty()).map(|at| at + 1);
    (evidence.database, evidence.tool) = (engine, tool);
    Some(evidence)
}

fn standing(file: &File, is_known: bool) -> Option<Standing> {
    let (name, extension) = (file.name.as_str(), file.extension());
    let is_program = PROGRAMS.contains(&extension);
    if OTHERS.contains(&name) || !(is_program || LANGUAGES.contains(&extension) || name == ".sequelizerc") {
        return None;
    }
    let stem = name.split('.').next().unwrap_or_default();
    let first = name.split(['.', '-']).next().unwrap_or_default();
    let is_of_database = is_known || ABOUT_DATABASES.contains(&stem) || name.ends_with("-ds.xml");
    let is_named =
        is_of_database || ABOUT_APPLICATIONS.contains(&first) || FOLDERS.contains(&file.folder().as_str());
    if !is_named && (is_program || file.size > UNNAMED_BYTES_MAX) {
        return None;
    }
    Some(Standing {
        weight: if is_named {
            weight_of_name(file)
        } else {
            Weight::Medium
        },
        is_of_database: is_of_database || is_named && !is_program || ["config", "ormconfig"].contains(&stem),
        is_named,
        is_program,
    })
}

fn weight_of_name(file: &File) -> Weight {
    let mut parts = file.name.split(['.', '-', '_']);
    match parts.any(|part| PATTERNS.contains(&part)) {
        true => Weight::Medium,
        false => Weight::Strong,
    }
}

fn of_lines(project: &Project, file: &File, lines: &[String], standing: Standing) -> Vec<Evidence> {
    let evidence = project.pieces(file, code(lines), |line| {
        clues::of_settings(file, standing.weight, line, standing.is_of_database)
    });
    if standing.is_program {
        without_menu(evidence)
    } else {
        evidence
    }
}

/// Leaves out what a program lists to choose from; what it takes when nobody chooses says more.
fn without_menu(mut evidence: Vec<Evidence>) -> Vec<Evidence> {
    let mut families: Vec<Engine> = evidence
        .iter()
        .filter(|each| each.weight == Weight::Strong && each.address.is_none())
        .filter_map(|each| each.database.map(Engine::family))
        .collect();
    families.sort_unstable();
    families.dedup();
    if families.len() > 1 {
        evidence.retain(|each| {
            each.weight != Weight::Strong || each.address.is_some() || each.database.is_none()
        });
    }
    evidence
}
