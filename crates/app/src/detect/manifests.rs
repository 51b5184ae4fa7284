//! What a project depends on: drivers speak for databases, libraries for tools. Found by the words as each kind of manifest writes
//! them, with their lines.

use super::clues::code;
use super::evidence::{Engine, Evidence, Weight};
use super::found::Found;
use super::knex::KNEX;
use super::prisma::PRISMA;
use super::project::{File, Project};

use Engine::{Mariadb, Mongodb, Mysql, Postgresql, Sqlite};

/// A dependency, and what it speaks for.
type Dependency = (&'static str, Option<Engine>, Option<&'static str>);

const JAVASCRIPT: &[Dependency] = &[
    ("pg", Some(Postgresql), None),
    ("postgres", Some(Postgresql), None),
    ("pg-promise", Some(Postgresql), None),
    ("@neondatabase/serverless", Some(Postgresql), None),
    ("mysql", Some(Mysql), None),
    ("mysql2", Some(Mysql), None),
    ("mariadb", Some(Mariadb), None),
    ("sqlite3", Some(Sqlite), None),
    ("better-sqlite3", Some(Sqlite), None),
    ("@libsql/client", Some(Sqlite), None),
    ("mongodb", Some(Mongodb), None),
    ("mongoose", Some(Mongodb), None),
    ("@mikro-orm/postgresql", Some(Postgresql), Some("mikro-orm")),
    ("@mikro-orm/mysql", Some(Mysql), Some("mikro-orm")),
    ("@mikro-orm/mariadb", Some(Mariadb), Some("mikro-orm")),
    ("@mikro-orm/sqlite", Some(Sqlite), Some("mikro-orm")),
    ("@vercel/postgres", Some(Postgresql), None),
    ("@planetscale/database", Some(Mysql), None),
    ("prisma", None, Some(PRISMA)),
    ("@prisma/client", None, Some(PRISMA)),
    ("knex", None, Some(KNEX)),
    ("sequelize", None, Some("sequelize")),
    ("typeorm", None, Some("typeorm")),
    ("drizzle-orm", None, Some("drizzle")),
    ("node-pg-migrate", Some(Postgresql), Some("node-pg-migrate")),
    ("db-migrate", None, Some("db-migrate")),
    ("migrate-mongo", Some(Mongodb), Some("migrate-mongo")),
];
const RUST: &[Dependency] = &[
    ("tokio-postgres", Some(Postgresql), None),
    ("postgres", Some(Postgresql), None),
    ("deadpool-postgres", Some(Postgresql), None),
    ("rusqlite", Some(Sqlite), None),
    ("libsql", Some(Sqlite), None),
    ("mysql", Some(Mysql), None),
    ("mysql_async", Some(Mysql), None),
    ("mongodb", Some(Mongodb), None),
    ("sqlx", None, Some("sqlx")),
    ("diesel", None, Some("diesel")),
    ("sea-orm", None, Some("sea-orm")),
    ("sea-orm-migration", None, Some("sea-orm")),
    ("refinery", None, Some("refinery")),
];
const GO: &[Dependency] = &[
    ("github.com/lib/pq", Some(Postgresql), None),
    ("github.com/jackc/pgx", Some(Postgresql), None),
    ("gorm.io/driver/postgres", Some(Postgresql), None),
    ("github.com/go-sql-driver/mysql", Some(Mysql), None),
    ("gorm.io/driver/mysql", Some(Mysql), None),
    ("github.com/mattn/go-sqlite3", Some(Sqlite), None),
    ("modernc.org/sqlite", Some(Sqlite), None),
    ("gorm.io/driver/sqlite", Some(Sqlite), None),
    ("go.mongodb.org/mongo-driver", Some(Mongodb), None),
    ("github.com/golang-migrate/migrate", None, Some("golang-migrate")),
    ("github.com/pressly/goose", None, Some("goose")),
    ("github.com/rubenv/sql-migrate", None, Some("sql-migrate")),
];
const PYTHON: &[Dependency] = &[
    ("psycopg", Some(Postgresql), None),
    ("psycopg2", Some(Postgresql), None),
    ("psycopg2-binary", Some(Postgresql), None),
    ("psycopg-binary", Some(Postgresql), None),
    ("asyncpg", Some(Postgresql), None),
    ("pymysql", Some(Mysql), None),
    ("mysqlclient", Some(Mysql), None),
    ("mysql-connector-python", Some(Mysql), None),
    ("aiomysql", Some(Mysql), None),
    ("mariadb", Some(Mariadb), None),
    ("aiosqlite", Some(Sqlite), None),
    ("pymongo", Some(Mongodb), None),
    ("motor", Some(Mongodb), None),
    ("mongoengine", Some(Mongodb), None),
    ("pg8000", Some(Postgresql), None),
    ("aiopg", Some(Postgresql), None),
    ("asyncmy", Some(Mysql), None),
    ("beanie", Some(Mongodb), None),
    ("flask-migrate", None, Some("alembic")),
    ("aerich", None, Some("aerich")),
    ("django", None, Some("django")),
    ("alembic", None, Some("alembic")),
    ("yoyo-migrations", None, Some("yoyo")),
];
const RUBY: &[Dependency] = &[
    ("pg", Some(Postgresql), None),
    ("mysql2", Some(Mysql), None),
    ("trilogy", Some(Mysql), None),
    ("sqlite3", Some(Sqlite), None),
    ("mongoid", Some(Mongodb), None),
    ("mongo", Some(Mongodb), None),
    ("rails", None, Some("rails")),
];
const JAVA: &[Dependency] = &[
    ("org.postgresql", Some(Postgresql), None),
    ("mysql-connector-j", Some(Mysql), None),
    ("mysql-connector-java", Some(Mysql), None),
    ("mariadb-java-client", Some(Mariadb), None),
    ("sqlite-jdbc", Some(Sqlite), None),
    ("mongodb-driver-sync", Some(Mongodb), None),
    ("spring-boot-starter-data-mongodb", Some(Mongodb), None),
    ("r2dbc-postgresql", Some(Postgresql), None),
    ("quarkus-jdbc-postgresql", Some(Postgresql), None),
    ("quarkus-jdbc-mysql", Some(Mysql), None),
    ("org.flywaydb", None, Some("flyway")),
    ("flyway-core", None, Some("flyway")),
    ("liquibase-core", None, Some("liquibase")),
    ("org.liquibase", None, Some("liquibase")),
];
const PHP: &[Dependency] = &[
    ("ext-pdo_pgsql", Some(Postgresql), None),
    ("ext-pgsql", Some(Postgresql), None),
    ("ext-pdo_mysql", Some(Mysql), None),
    ("ext-mysqli", Some(Mysql), None),
    ("ext-pdo_sqlite", Some(Sqlite), None),
    ("ext-sqlite3", Some(Sqlite), None),
    ("mongodb/mongodb", Some(Mongodb), None),
    ("mongodb/laravel-mongodb", Some(Mongodb), None),
    ("laravel/framework", None, Some("laravel")),
    ("doctrine/migrations", None, Some("doctrine")),
    ("doctrine/doctrine-migrations-bundle", None, Some("doctrine")),
    ("robmorgan/phinx", None, Some("phinx")),
];
const DOTNET: &[Dependency] = &[
    ("npgsql", Some(Postgresql), None),
    ("mysqlconnector", Some(Mysql), None),
    ("mysql.data", Some(Mysql), None),
    ("pomelo.entityframeworkcore.mysql", Some(Mysql), None),
    ("mysql.entityframeworkcore", Some(Mysql), None),
    ("microsoft.data.sqlite", Some(Sqlite), None),
    ("microsoft.entityframeworkcore.sqlite", Some(Sqlite), None),
    ("mongodb.driver", Some(Mongodb), None),
    ("entityframeworkcore", None, Some("entity-framework")),
    ("fluentmigrator", None, Some("fluentmigrator")),
];
const ELIXIR: &[Dependency] = &[
    ("postgrex", Some(Postgresql), None),
    ("myxql", Some(Mysql), None),
    ("ecto_sqlite3", Some(Sqlite), None),
    ("mongodb_driver", Some(Mongodb), None),
    ("ecto_sql", None, Some("ecto")),
];
/// Features of Rust's libraries that choose a database.
const FEATURES: [(&str, Engine); 7] = [
    ("postgres", Postgresql),
    ("sqlx-postgres", Postgresql),
    ("mysql", Mysql),
    ("sqlx-mysql", Mysql),
    ("sqlite", Sqlite),
    ("sqlx-sqlite", Sqlite),
    ("tokio-postgres", Postgresql),
];

/// Returns the dependencies that speak for something.
pub(super) fn find(project: &Project, found: &mut Found) {
    for file in project.files() {
        found.add(of_file(project, file));
    }
}

fn of_file(project: &Project, file: &File) -> Vec<Evidence> {
    let read =
        |dependencies, name: fn(&str, &str) -> bool| of_lines(&project.lines(file), file, dependencies, name);
    match file.name.as_str() {
        "package.json" | "deno.json" | "deno.jsonc" => read(JAVASCRIPT, is_key_of_json),
        "composer.json" => read(PHP, is_key_of_json),
        "cargo.toml" => {
            let mut evidence = read(RUST, is_key_of_toml);
            evidence.extend(features(project, file));
            evidence
        }
        "go.mod" => read(GO, is_module),
        "pyproject.toml" | "pipfile" | "setup.py" | "setup.cfg" => read(PYTHON, is_package),
        "gemfile" => read(RUBY, is_gem),
        "pom.xml" | "build.sbt" | "deps.edn" | "project.clj" | "build.gradle" | "build.gradle.kts"
        | "libs.versions.toml" => read(JAVA, is_word),
        "mix.exs" => read(ELIXIR, is_atom),
        "directory.packages.props" | "packages.config" => read(DOTNET, is_word),
        name if name.ends_with(".csproj") || name.ends_with(".fsproj") => read(DOTNET, is_word),
        name if name.ends_with(".txt") && is_list_of_requirements(file) => read(PYTHON, is_package),
        _ => Vec::new(),
    }
}

fn is_list_of_requirements(file: &File) -> bool {
    file.name.starts_with("requirements") || file.folder() == "requirements"
}

fn of_lines(
    lines: &[String],
    file: &File,
    dependencies: &[Dependency],
    is_named: fn(&str, &str) -> bool,
) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for (at, line) in code(lines) {
        let lower = line.trim().to_ascii_lowercase();
        // What only something else needs is no choice of the project.
        let weight = if lower.ends_with("// indirect") {
            Weight::Weak
        } else {
            Weight::Medium
        };
        for (name, engine, tool) in dependencies.iter().filter(|(name, ..)| is_named(&lower, name)) {
            let mut found = Evidence::new(file, weight, format!("it depends on `{name}`")).on(at);
            (found.database, found.tool) = (*engine, *tool);
            evidence.push(found);
        }
    }
    evidence
}

fn is_key_of_json(line: &str, name: &str) -> bool {
    let key = format!("\"{name}\"");
    line.match_indices(&key).any(|(at, found)| {
        let value = line[at + found.len()..].trim_start().strip_prefix(':');
        value.is_some_and(|value| is_version(value.trim_start()))
    })
}

/// Tells whether the value of a key is a version, and the key not the name of a script.
fn is_version(value: &str) -> bool {
    let Some(text) = value.strip_prefix('"') else {
        return false;
    };
    let starts = [
        "latest",
        "next",
        "npm:",
        "jsr:",
        "workspace:",
        "catalog:",
        "file:",
        "link:",
        "git",
        "http",
        "dev-",
        "v",
    ];
    text.starts_with(|letter: char| letter.is_ascii_digit() || "^~><=*\"".contains(letter))
        || starts.iter().any(|start| text.starts_with(start))
}

fn is_key_of_toml(line: &str, name: &str) -> bool {
    let key = line
        .split(['=', '.'])
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    let table = line.trim_start_matches('[').trim_end_matches(']');
    (key == name && line.contains('='))
        || (line.starts_with('[') && table.ends_with(&format!("dependencies.{name}")))
}

fn is_module(line: &str, name: &str) -> bool {
    let line = line.strip_prefix("require ").unwrap_or(line);
    let rest = line.strip_prefix(name);
    rest.is_some_and(|rest| rest.starts_with([' ', '/']))
}

fn is_package(line: &str, name: &str) -> bool {
    // A requirement stands at the start of a line, in quotes, or as a key.
    let line = line.split('#').next().unwrap_or_default();
    let mut parts = line.split(['"', '\'']).map(|part| part.replace('_', "-"));
    parts.any(|part| {
        let end = part.find(|letter: char| !(letter.is_alphanumeric() || letter == '-' || letter == '.'));
        &part[..end.unwrap_or(part.len())] == name
    })
}

fn is_gem(line: &str, name: &str) -> bool {
    let word = line
        .strip_prefix("gem ")
        .and_then(|rest| rest.split(['"', '\'']).nth(1));
    word == Some(name)
}

fn is_atom(line: &str, name: &str) -> bool {
    line.contains(&format!("{{:{name},"))
}

fn is_word(line: &str, name: &str) -> bool {
    let is_part =
        |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '-');
    line.match_indices(name).any(|(at, found)| {
        let before = line[..at].chars().next_back();
        !is_part(before) && !is_part(line[at + found.len()..].chars().next())
    })
}

/// Returns the databases that the features of Rust's libraries choose; a list may go over several lines.
fn features(project: &Project, file: &File) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    let mut library: Option<&str> = None;
    for (at, line) in project.lines(file).iter().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        let starts = ["sqlx", "diesel", "sea-orm", "sea-orm-migration", "refinery"]
            .into_iter()
            .find(|name| is_key_of_toml(code.trim(), name));
        library = starts.or(library);
        let Some(name) = library else {
            continue;
        };
        for word in code.split('"').skip(1).step_by(2) {
            if let Some((_, engine)) = FEATURES.iter().find(|(feature, _)| *feature == word) {
                let what = format!("`{name}` is used with `{word}`");
                evidence.push(Evidence::new(file, Weight::Medium, what).on(at).of(*engine));
            }
        }
        let is_table = code.trim_start().starts_with('[') && starts.is_some();
        if !is_table && (code.contains(']') || code.trim().is_empty()) {
            library = None;
        }
    }
    evidence
}
