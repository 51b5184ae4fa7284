//! What one line of a settings file or of a program says about a database: a URL, a connection that is no URL, a class, a setting that
//! names an engine. Of values only words from closed lists and URLs without secrets are told; which files are read is the detectors'.

use super::evidence::{Engine, Evidence, OF_A_LINE_MAX, Weight};
use super::masked::urls;
use super::project::File;

use Engine::{Mariadb, Mongodb, Mysql, Postgresql, Sqlite};

/// Keys whose value names an engine wherever they stand, without what separates their words.
const KEYS: [&str; 10] = [
    "databaseversion",
    "dialect",
    "adapter",
    "driver",
    "engine",
    "dbkind",
    "dbtype",
    "databasetype",
    "databaseplatform",
    "datasourceprovider",
];
/// Keys whose value names an engine where the file is known to be about a database.
const KEYS_OF_DATABASES: [&str; 7] = [
    "connection",
    "backend",
    "type",
    "kind",
    "client",
    "provider",
    "default",
];
/// What stands before a key of these lists in longer ones: `spring.datasource.driver`, `db_driver`, `$wgDBtype`.
const BEFORE_KEYS: [&str; 4] = ["wgdb", "database", "datasource", "db"];
/// Parts of the names of classes, drivers and services that belong to an engine, in lower case.
const CLASSES: [(&str, Engine); 39] = [
    ("django.db.backends.postgresql", Postgresql),
    ("django.db.backends.mysql", Mysql),
    ("django.db.backends.sqlite3", Sqlite),
    ("azurerm_postgresql", Postgresql),
    ("azurerm_mysql", Mysql),
    ("azurerm_mariadb", Mariadb),
    ("mongodbatlas_", Mongodb),
    ("org.postgresql.", Postgresql),
    ("com.impossibl.postgres", Postgresql),
    ("jdbc:postgresql", Postgresql),
    ("dialect.postgresql", Postgresql),
    ("dialect.postgis", Postgresql),
    ("ecto.adapters.postgres", Postgresql),
    ("postgresqldriver", Postgresql),
    ("postgres::class", Postgresql),
    ("heroku-postgresql", Postgresql),
    ("aurora-postgresql", Postgresql),
    ("com.mysql.", Mysql),
    ("jdbc:mysql", Mysql),
    ("dialect.mysql", Mysql),
    ("ecto.adapters.myxql", Mysql),
    ("mysqldriver", Mysql),
    ("mysql::class", Mysql),
    ("mysql.data.mysqlclient", Mysql),
    ("aurora-mysql", Mysql),
    ("cleardb:", Mysql),
    ("jawsdb:", Mysql),
    ("org.mariadb.", Mariadb),
    ("jdbc:mariadb", Mariadb),
    ("dialect.mariadb", Mariadb),
    ("jawsdb-maria", Mariadb),
    ("org.sqlite.", Sqlite),
    ("jdbc:sqlite", Sqlite),
    ("dialect.sqlite", Sqlite),
    ("ecto.adapters.sqlite3", Sqlite),
    ("sqlite::class", Sqlite),
    ("data.mongodb.", Mongodb),
    ("mongo_url", Mongodb),
    ("mongodb_uri", Mongodb),
];
/// Connections that are no URL: words that stand in them together, and who writes them so.
const CONNECTIONS: [(&[&str], Engine, &str); 15] = [
    (&["@tcp("], Mysql, "the driver of Go for MySQL"),
    (&["@unix("], Mysql, "the driver of Go for MySQL"),
    (&["mysql:host="], Mysql, "PDO"),
    (&["mysql:dbname="], Mysql, "PDO"),
    (&["mysql:unix_socket="], Mysql, "PDO"),
    (&["pgsql:host="], Postgresql, "PDO"),
    (&["pgsql:dbname="], Postgresql, "PDO"),
    (&["host=", "dbname="], Postgresql, "libpq"),
    (&["host=", "username="], Postgresql, "Npgsql"),
    (&["server=", "port=5432"], Postgresql, "Npgsql"),
    (&["host=", "user id=", "port=5432"], Postgresql, "Npgsql"),
    (
        &["server=", "user=", "database="],
        Mysql,
        "the driver of .NET for MySQL",
    ),
    (
        &["user id=", "server=", "mysql"],
        Mysql,
        "the driver of .NET for MySQL",
    ),
    (&["server=", "port=3306"], Mysql, "the driver of .NET for MySQL"),
    (&["server=", "uid="], Mysql, "the driver of .NET for MySQL"),
];
/// What stands in the names of drivers of ODBC.
const ODBC_DRIVERS: [(&str, Engine); 7] = [
    ("postgres", Postgresql),
    ("psqlodbc", Postgresql),
    ("mariadb", Mariadb),
    ("maodbc", Mariadb),
    ("mysql", Mysql),
    ("myodbc", Mysql),
    ("sqlite", Sqlite),
];
/// What only connections to other servers say.
const FOREIGN: [&str; 10] = [
    ";user=sa;",
    "sql server",
    "sqlserver",
    "initial catalog=",
    "trusted_connection=",
    "integrated security=",
    "multipleactiveresultsets=",
    "trustservercertificate=",
    ",1433",
    "port=1433",
];

/// Returns the lines that are no comments, with their numbers from 0.
pub(super) fn code(lines: &[String]) -> impl Iterator<Item = (usize, &String)> {
    let last = |end: &str| lines.iter().rposition(|line| line.contains(end));
    let marks = [("/*", "*/", last("*/")), ("<!--", "-->", last("-->"))];
    let mut end_of_comment: Option<&str> = None;
    lines.iter().enumerate().filter(move |(at, line)| {
        let text = line.trim_start();
        if let Some(end) = end_of_comment {
            if text.contains(end) {
                end_of_comment = None;
            }
            return false;
        }
        for (start, end, last) in marks {
            let goes_on = text.strip_prefix(start).is_some_and(|rest| !rest.contains(end));
            // Without an end it is something else, such as a pattern of paths.
            if goes_on && last.is_some_and(|last| last > *at) {
                end_of_comment = Some(end);
            }
        }
        !is_comment(line)
    })
}

/// Tells whether a line is a comment in a settings file or a program.
fn is_comment(line: &str) -> bool {
    let code = line.trim_start();
    ["#", ";", "//", "/*", "* ", "--", "<!--", "!", "%%"]
        .iter()
        .any(|mark| code.starts_with(mark))
        && !code.starts_with("#{")
}

/// Returns what a line of settings says; `is_of_database` where the file is known to be about one.
pub(super) fn of_settings(file: &File, weight: Weight, line: &str, is_of_database: bool) -> Vec<Evidence> {
    let mut evidence = of_places(file, weight, line);
    match of_setting(file, weight, line, is_of_database) {
        Some(setting) => evidence.push(setting),
        // An object may stand in one line.
        None => evidence.extend(
            line.split(['{', '}', '[', ','])
                .filter_map(|setting| of_setting(file, weight, setting, is_of_database))
                .take(OF_A_LINE_MAX),
        ),
    }
    if is_of_database {
        evidence.extend(of_section(file, weight, line));
    }
    let lower = line.to_ascii_lowercase();
    if evidence.is_empty()
        && let Some((class, engine)) = CLASSES.iter().find(|(class, _)| lower.contains(class))
    {
        let what = format!("`{}` is of {}", class.trim_matches(['.', ':']), engine.name());
        evidence.push(Evidence::new(file, weight, what).of(*engine));
    }
    evidence
}

/// Returns what the URLs of a line in a file say that is known to be about a database; `place` is what a URL is called there.
pub(super) fn of_urls(file: &File, place: &str, line: &str) -> Vec<Evidence> {
    let found = urls(line);
    let of_url = |url| Evidence::of_url(file, Weight::Strong, place, url);
    found.iter().map(of_url).collect()
}

/// Returns what the URLs and connections of a line say.
pub(super) fn of_places(file: &File, weight: Weight, line: &str) -> Vec<Evidence> {
    let of_url = |url| Evidence::of_url(file, weight, "the URL", url);
    let mut evidence: Vec<Evidence> = urls(line).iter().map(of_url).collect();
    if let Some((engine, author)) = connection(line) {
        let what = format!("a connection as {author} writes it");
        evidence.push(Evidence::new(file, weight, what).of(engine));
    }
    evidence
}

/// Returns the engine of a connection that is no URL, and who writes it so.
pub(super) fn connection(value: &str) -> Option<(Engine, &'static str)> {
    let value = value.to_ascii_lowercase().replace(" =", "=").replace("= ", "=");
    if let Some(driver) = odbc_driver(&value) {
        return of_odbc(driver).map(|engine| (engine, "ODBC"));
    }
    if FOREIGN.iter().any(|word| value.contains(word)) {
        return None;
    }
    let form = CONNECTIONS
        .iter()
        .find(|(words, ..)| words.iter().all(|word| value.contains(word)));
    if let Some((_, engine, author)) = form {
        return Some((*engine, *author));
    }
    let file = ["data source=", "datasource=", "filename="]
        .iter()
        .find_map(|key| value.split_once(key))?;
    let file = file.1.split([';', '"', '\'']).next().unwrap_or_default().trim();
    let is_file = [".db", ".db3", ".sqlite", ".sqlite3"]
        .iter()
        .any(|end| file.ends_with(end));
    is_file.then_some((Sqlite, "the driver of .NET for SQLite"))
}

/// Returns the driver of a connection as ODBC writes it, in lower case as the connection.
fn odbc_driver(value: &str) -> Option<&str> {
    let (before, after) = value.split_once("driver=")?;
    if before.ends_with(|letter: char| letter.is_alphanumeric() || ".-_".contains(letter)) {
        return None;
    }
    match after.trim_start().strip_prefix('{') {
        Some(name) => name.split_once('}').map(|(name, _)| name),
        None => {
            let (name, rest) = after.split_once(';')?;
            ["server=", "servername=", "database="]
                .iter()
                .any(|key| before.contains(key) || rest.contains(key))
                .then_some(name)
        }
    }
}

fn of_odbc(driver: &str) -> Option<Engine> {
    let named = ODBC_DRIVERS.iter().find(|(word, _)| driver.contains(word));
    named.map(|(_, engine)| *engine)
}

/// Returns what a setting says that names an engine by a word.
pub(super) fn of_setting(
    file: &File,
    weight: Weight,
    setting: &str,
    is_of_database: bool,
) -> Option<Evidence> {
    let (key, value) = setting.split_once(['=', ':'])?;
    let value = value.trim_matches(is_quote);
    let bare = without_version(value);
    if !is_key(key, is_of_database || bare.len() < value.len()) {
        return None;
    }
    let is_driver = key.to_ascii_lowercase().contains("driver");
    let driver = || if is_driver { of_driver(value) } else { None };
    let (engine, weight, what) = match Engine::of_word(bare).or_else(driver) {
        Some(engine) => (engine, weight, "a setting is"),
        None => (
            fallback(value)?,
            weight.min(Weight::Medium),
            "without its variable a setting is",
        ),
    };
    Some(Evidence::new(file, weight, format!("{what} `{}`", engine.name())).of(engine))
}

/// Returns a name without the version behind it: `postgresql:16`, `POSTGRES_16`.
fn without_version(value: &str) -> &str {
    let version = value.find([':', '_']).filter(|at| {
        let version = &value[at + 1..];
        version.starts_with(|letter: char| letter.is_ascii_digit())
    });
    version.map_or(value, |at| &value[..at])
}

/// Returns the engine of a driver that is named as ODBC names it, or by its library.
fn of_driver(value: &str) -> Option<Engine> {
    let lower = value.to_ascii_lowercase();
    let is_odbc = ["odbc", "unicode", "ansi", ".so", ".dll"]
        .iter()
        .any(|word| lower.contains(word));
    if is_odbc { of_odbc(&lower) } else { None }
}

/// Returns what the heading of a section says that is named after an engine: `mongodb:`, `[database.postgres]`.
fn of_section(file: &File, weight: Weight, line: &str) -> Option<Evidence> {
    let line = line.trim();
    let name = line
        .strip_suffix(':')
        .or_else(|| line.strip_prefix('[')?.strip_suffix(']'))?;
    let engine = Engine::of_word(name.rsplit('.').next().unwrap_or(name))?;
    let what = format!("a section is named `{}`", engine.name());
    Some(Evidence::new(file, weight.min(Weight::Medium), what).of(engine))
}

fn is_quote(letter: char) -> bool {
    "\"'`;,/<>[]()$ \t".contains(letter)
}

fn is_key(key: &str, is_of_database: bool) -> bool {
    let key = key.trim_matches(is_quote);
    let last = key.rsplit(['.', ' ', '\'', '"']).next().unwrap_or_default();
    let joined = last
        .trim_start_matches('$')
        .to_ascii_lowercase()
        .replace(['_', '-'], "");
    let named = |keys: &[&str]| {
        keys.contains(&joined.as_str())
            || BEFORE_KEYS.iter().any(|before| {
                joined
                    .strip_prefix(before)
                    .is_some_and(|rest| keys.contains(&rest))
            })
    };
    let is_class = ["driverclass", "driverclassname"].contains(&joined.as_str());
    is_class || named(&KEYS) || named(&KEYS_OF_DATABASES) && (is_of_database || joined.starts_with("db"))
}

/// Returns the one engine that is taken when a variable is not set: `env('DB_TYPE', 'pgsql')`, `${DB_TYPE:-pgsql}`, `x || 'pgsql'`.
fn fallback(value: &str) -> Option<Engine> {
    let is_asked = ["env", "ENV", "${", "getenv", "environ"]
        .iter()
        .any(|word| value.contains(word));
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    let words = value.split(|letter: char| !is_part(letter));
    let words = words.map(|word| word.trim_matches('-'));
    let mut engines: Vec<Engine> = words.filter_map(Engine::of_word).collect();
    engines.dedup();
    match engines.as_slice() {
        &[engine] if is_asked => Some(engine),
        _ => None,
    }
}
