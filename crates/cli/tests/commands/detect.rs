//! `detect` on the layouts that real tools leave behind, on folders that try to lead it astray, and on passwords of every shape.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;
use whimbrel_testkit::binary::{Output, Whimbrel};

use crate::desk::document;

/// A project folder made of files with their texts.
pub(crate) struct Folder {
    place: TempDir,
}

impl Folder {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self {
            place: TempDir::new().unwrap(),
        };
        for (path, text) in files {
            folder.write(path, text.as_bytes());
        }
        folder
    }

    fn path(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let place = self.path().join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }

    /// Runs the program in the folder, with no programs on the PATH but those of the folder `bin` beside it.
    pub(crate) fn run(&self, line: &str) -> Output {
        let words = line.split_whitespace().map(str::to_owned);
        Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), self.path())
            .args(words)
            .env("PATH", "/nowhere")
            .run()
    }

    pub(crate) fn document(&self) -> serde_json::Value {
        document(&self.run("detect --json"))
    }
}

/// Checks the one word, and that no password is told; passwords begin with `canary`, or with its Base64.
pub(crate) fn check_word(files: &[(&str, &str)], word: &str) -> (Folder, Output) {
    let folder = Folder::new(files);
    let output = folder
        .run("detect")
        .expect_code(if word == "unknown" { 1 } else { 0 });
    let first = output.stdout.lines().next().unwrap();
    assert_eq!(
        first,
        format!("Database type: {word}"),
        "{files:?}\n{}",
        output.stdout
    );
    assert_eq!(output.stderr, "");
    for line in ["detect -v", "detect --json", "detect --json -v"] {
        let told = format!("{:?}", folder.run(line));
        let is_told = told.contains("canary") || told.contains("Y2FuYXJ5");
        assert!(!is_told, "{line} on {files:?}\n{told}");
    }
    (folder, output)
}

/// Checks the one word, all databases and all tools.
pub(crate) fn check(files: &[(&str, &str)], word: &str, databases: &[&str], tools: &[&str]) {
    let (folder, output) = check_word(files, word);
    let document = folder.document();
    assert_eq!(document["database_type"], word);
    let names = |key: &str| -> Vec<String> {
        let found = document[key].as_array().unwrap().iter();
        let mut names: Vec<_> = found
            .map(|each| each["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("databases"), databases, "{files:?}\n{}", output.stdout);
    assert_eq!(names("tools"), tools, "{files:?}\n{}", output.stdout);
    for each in document["evidence"].as_array().unwrap() {
        let Some(line) = each["line"].as_u64() else {
            continue;
        };
        let text = std::fs::read_to_string(folder.path().join(each["file"].as_str().unwrap())).unwrap();
        assert!(text.lines().count() as u64 >= line, "{each}");
    }
}

pub(crate) const SQLITE: &str = "SQLite format 3\0and the rest of the page";

#[test]
fn single_files_are_known_by_name_first_bytes_and_words() {
    check(
        &[("schema.sql", "create table a (id int);")],
        "postgresql",
        &["postgresql"],
        &[],
    );
    check(
        &[("schema.mysql", "create table a (id int);")],
        "mysql",
        &["mysql"],
        &[],
    );
    check(
        &[(
            "db/schema.sql",
            "CREATE TABLE `a` (`id` int AUTO_INCREMENT) ENGINE=InnoDB;",
        )],
        "mysql",
        &["mysql"],
        &[],
    );
    check(
        &[(
            "schema.sql",
            "create table a (id integer primary key autoincrement);",
        )],
        "sqlite",
        &["sqlite"],
        &[],
    );
    check(
        &[("dump.sql", "-- MariaDB dump 10.19\nCREATE TABLE `a` (`b` int);")],
        "mysql",
        &["mariadb"],
        &[],
    );
    for name in ["app.db", "db.sqlite", "data/x.sqlite3", "a.b.DB"] {
        check(&[(name, SQLITE)], "sqlite", &["sqlite"], &[]);
    }
    check(&[("app.db", "")], "sqlite", &["sqlite"], &[]);
    check(&[("Thumbs.db", "not a database")], "unknown", &[], &[]);
    check(&[], "unknown", &[], &[]);
}

#[test]
fn prisma_is_named_and_its_provider_beside_it() {
    let schema = "generator client {\n  provider = \"prisma-client-js\"\n}\n\ndatasource db {\n  provider = \"postgresql\"\n  \
        url      = env(\"DATABASE_URL\")\n}\n\nmodel User {\n  id Int @id\n}\n";
    check(
        &[("prisma/schema.prisma", schema)],
        "prisma",
        &["postgresql"],
        &["prisma"],
    );
    let mysql = schema.replace("\"postgresql\"", "\"mysql\"");
    check(
        &[
            ("prisma/schema.prisma", &mysql),
            (
                ".env",
                "DATABASE_URL=\"mysql://johndoe:randompassword@localhost:3306/mydb\"\n",
            ),
            (
                "package.json",
                "{\n \"dependencies\": {\n  \"@prisma/client\": \"^6.0.0\"\n }\n}\n",
            ),
            (
                "prisma/migrations/20240101_init/migration.sql",
                "CREATE TABLE `User` (`id` INTEGER NOT NULL);\n",
            ),
            ("prisma/migrations/migration_lock.toml", "provider = \"mysql\"\n"),
        ],
        "prisma",
        &["mysql"],
        &["prisma"],
    );
    check(&[("schema.prisma", "")], "prisma", &[], &["prisma"]);
}

#[test]
fn knex_is_named_and_other_tools_with_scripts_are_told_apart() {
    let knexfile = "// Update with your config settings.\n/** @type { Object.<string, import(\"knex\").Knex.Config> } */\n\
        module.exports = {\n  development: {\n    client: 'sqlite3',\n    connection: { filename: './dev.sqlite3' }\n  },\n  \
        production: {\n    client: 'postgresql',\n    connection: {\n      database: 'my_db',\n      user: 'username',\n      \
        password: 'canary'\n    }\n  }\n};\n";
    check(
        &[("knexfile.js", knexfile)],
        "knex",
        &["postgresql", "sqlite"],
        &["knex"],
    );
    let script = "exports.up = function (knex) { return knex.schema.createTable('a'); };\nexports.down = function (knex) {};\n";
    check(
        &[("migrations/20240101_a.js", script), ("db.sqlite", SQLITE)],
        "knex",
        &["sqlite"],
        &["knex"],
    );
    check(&[("migrations/001.js", "")], "knex", &[], &["knex"]);
    let sequelize =
        "module.exports = {\n async up(queryInterface, Sequelize) {},\n async down(queryInterface) {}\n};\n";
    check(
        &[
            ("migrations/20240101-a.js", sequelize),
            (
                "package.json",
                "{\n\"dependencies\": {\"mysql2\": \"^3\", \"sequelize\": \"^6\"}}",
            ),
        ],
        "mysql",
        &["mysql"],
        &["sequelize"],
    );
    let mongo = "module.exports = {\n async up(db) { await db.collection('a').insertOne({}); },\n async down(db) {}\n};\n";
    check(
        &[("migrations/1-a.js", mongo)],
        "mongodb",
        &["mongodb"],
        &["migrate-mongo"],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn migrations_of_sql_are_told_apart_by_names_and_marks() {
    check(
        &[
            (
                "src/main/resources/db/migration/V1__init.sql",
                "create table a (id bigserial primary key);",
            ),
            (
                "src/main/resources/db/migration/R__view.sql",
                "create view b as select 1;",
            ),
            (
                "pom.xml",
                "<dependency>\n<groupId>org.postgresql</groupId>\n<artifactId>postgresql</artifactId>\n</dependency>\n",
            ),
        ],
        "postgresql",
        &["postgresql"],
        &["flyway"],
    );
    check(
        &[(
            "flyway.conf",
            "flyway.url=jdbc:mariadb://db:3306/shop\nflyway.user=sa\nflyway.password=canary\n",
        )],
        "mysql",
        &["mariadb"],
        &["flyway"],
    );
    check(
        &[(
            "flyway.toml",
            "[environments.dev]\nurl = \"jdbc:postgresql://localhost/shop\"\n",
        )],
        "postgresql",
        &["postgresql"],
        &["flyway"],
    );
    check(
        &[
            (
                "db/migrations/20240101000000_a.sql",
                "-- migrate:up\ncreate table a (id int);\n\n-- migrate:down\ndrop table a;\n",
            ),
            (".env", "DATABASE_URL=sqlite:db/database.sqlite3\n"),
        ],
        "sqlite",
        &["sqlite"],
        &["dbmate"],
    );
    check(
        &[
            ("migrations/000001_a.up.sql", "create table a (b jsonb);"),
            ("migrations/000001_a.down.sql", "drop table a;"),
            (
                "go.mod",
                "module x\n\nrequire (\n\tgithub.com/golang-migrate/migrate/v4 v4.17.0\n\tgithub.com/lib/pq v1.10.9\n)\n",
            ),
        ],
        "postgresql",
        &["postgresql"],
        &["golang-migrate"],
    );
    check(
        &[
            (
                "migrations/00001_a.sql",
                "-- +goose Up\nCREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);\n-- +goose Down\nDROP TABLE a;\n",
            ),
            (
                "go.mod",
                "module x\nrequire github.com/pressly/goose/v3 v3.20.0\n",
            ),
        ],
        "sqlite",
        &["sqlite"],
        &["goose"],
    );
    let cargo =
        "[dependencies]\nsqlx = { version = \"0.8\", features = [\n  \"runtime-tokio\",\n  \"mysql\",\n] }\n";
    check(
        &[
            ("Cargo.toml", cargo),
            ("migrations/20240101_a.up.sql", "create table a (id int);"),
        ],
        "mysql",
        &["mysql"],
        &["sqlx"],
    );
    check(
        &[(
            ".sqlx/query-12ab.json",
            "{\n  \"db_name\": \"PostgreSQL\",\n  \"query\": \"select 1\"\n}\n",
        )],
        "postgresql",
        &["postgresql"],
        &["sqlx"],
    );
    check(
        &[("sqlx-data.json", "{\n  \"db\": \"SQLite\"\n}\n")],
        "sqlite",
        &["sqlite"],
        &["sqlx"],
    );
}

#[test]
fn liquibase_is_known_in_every_format() {
    let xml = "<?xml version=\"1.0\"?>\n<databaseChangeLog xmlns=\"http://www.liquibase.org/xml/ns/dbchangelog\">\n\
        <changeSet id=\"1\" author=\"a\" dbms=\"postgresql\"/>\n</databaseChangeLog>\n";
    check(
        &[("src/main/resources/db/changelog/db.changelog-master.xml", xml)],
        "postgresql",
        &["postgresql"],
        &["liquibase"],
    );
    for (name, text) in [
        (
            "changelog.yaml",
            "databaseChangeLog:\n  - changeSet:\n      id: 1\n",
        ),
        ("changelog.json", "{ \"databaseChangeLog\": [] }\n"),
        (
            "changelog.sql",
            "--liquibase formatted sql\n--changeset a:1\ncreate table a (id int);\n",
        ),
    ] {
        let settings = (
            "liquibase.properties",
            "changeLogFile=x\nurl=jdbc:mysql://db:3306/shop\npassword=canary\n",
        );
        check(&[(name, text), settings], "mysql", &["mysql"], &["liquibase"]);
        check(&[(name, text)], "unknown", &[], &["liquibase"]);
    }
    check(
        &[("CHANGELOG.json", "{}"), ("changelog.xml", "<notes/>")],
        "unknown",
        &[],
        &[],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn rails_and_django_say_their_adapter() {
    let database = "default: &default\n  adapter: postgresql\n  encoding: unicode\n  pool: <%= ENV.fetch(\"RAILS_MAX_THREADS\") { 5 } %>\n\n\
        development:\n  <<: *default\n  database: shop_development\n  #password:\n";
    check(
        &[
            ("config/database.yml", database),
            (
                "Gemfile",
                "source \"https://rubygems.org\"\ngem \"rails\", \"~> 8.0\"\ngem \"pg\", \"~> 1.1\"\n",
            ),
            (
                "db/migrate/20240101000000_create_a.rb",
                "class CreateA < ActiveRecord::Migration[8.0]\nend\n",
            ),
            (
                "db/schema.rb",
                "ActiveRecord::Schema[8.0].define(version: 1) do\n  enable_extension \"pg_catalog.plpgsql\"\nend\n",
            ),
        ],
        "postgresql",
        &["postgresql"],
        &["rails"],
    );
    check(
        &[(
            "config/database.yml",
            "default: &default\n  adapter: mysql2\n  password: canary\n",
        )],
        "mysql",
        &["mysql"],
        &["rails"],
    );
    check(
        &[
            ("config/database.yml", "default: &default\n  adapter: sqlite3\n"),
            ("storage/development.sqlite3", SQLITE),
        ],
        "sqlite",
        &["sqlite"],
        &["rails"],
    );
    let settings = |engine: &str| {
        format!(
            "DATABASES = {{\n    'default': {{\n        'ENGINE': '{engine}',\n        'PASSWORD': 'canary',\n    }}\n}}\n"
        )
    };
    let initial = "# Generated by Django 5.0\n\nfrom django.db import migrations, models\n";
    for (engine, word) in [
        ("django.db.backends.sqlite3", "sqlite"),
        ("django.db.backends.postgresql", "postgresql"),
        ("django.contrib.gis.db.backends.postgis", "postgresql"),
        ("django.db.backends.mysql", "mysql"),
        ("djongo", "mongodb"),
    ] {
        check(
            &[
                (
                    "manage.py",
                    "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
                ),
                ("shop/settings.py", &settings(engine)),
                ("app/migrations/0001_initial.py", initial),
            ],
            word,
            &[word],
            &["django"],
        );
    }
    // What is left from the first day does not go before what the project says and depends on.
    check(
        &[
            ("shop/settings/base.py", &settings("django.db.backends.mysql")),
            ("db.sqlite3", SQLITE),
            ("requirements.txt", "Django==5.0\nmysqlclient>=2.2\n"),
        ],
        "mysql",
        &["mysql", "sqlite"],
        &["django"],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn services_in_containers_and_variables_are_read() {
    check(
        &[(
            "docker-compose.yml",
            "services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: canary\n",
        )],
        "postgresql",
        &["postgresql"],
        &[],
    );
    check(
        &[("compose.yaml", "services:\n  db: { image: \"mariadb:11\" }\n")],
        "mysql",
        &["mariadb"],
        &[],
    );
    check(
        &[(
            "compose.yml",
            "services:\n  db:\n    image: ${DB:-docker.io/library/mysql:8.4}\n",
        )],
        "mysql",
        &["mysql"],
        &[],
    );
    check(
        &[(
            "compose.yaml",
            "services:\n  db:\n    image: mongo\n  ui:\n    image: mongo-express\n",
        )],
        "mongodb",
        &["mongodb"],
        &[],
    );
    check(
        &[(
            "compose.yaml",
            "services:\n  ui:\n    image: dpage/pgadmin4\n  m:\n    image: phpmyadmin\n",
        )],
        "unknown",
        &[],
        &[],
    );
    check(
        &[(".env", "DB_CONNECTION=pgsql\nDB_PASSWORD=canary\n")],
        "postgresql",
        &["postgresql"],
        &[],
    );
    check(
        &[(".env.example", "MONGODB_URI=mongodb+srv://a:b@c.mongodb.net/d\n")],
        "mongodb",
        &["mongodb"],
        &[],
    );
    // A pattern for others weighs less than the project's own variables.
    check(
        &[
            (".env", "export DATABASE_URL='mysql://a:b@c/d'\n"),
            (".env.example", "DATABASE_URL=postgres://a:b@c/d\n"),
        ],
        "mysql",
        &["mysql", "postgresql"],
        &[],
    );
    check(
        &[(
            ".env",
            "# DATABASE_URL=postgres://a:b@c/d\nDSN=app:canary@tcp(db:3306)/shop\n",
        )],
        "mysql",
        &["mysql"],
        &[],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn what_a_project_depends_on_decides_when_nothing_else_does() {
    for (name, text, word, tools) in [
        (
            "package.json",
            "{\n\"dependencies\": {\n\"pg\": \"^8\"\n}\n}",
            "postgresql",
            vec![],
        ),
        (
            "package.json",
            "{\n\"dependencies\": {\n\"mongoose\": \"^8\"\n}\n}",
            "mongodb",
            vec![],
        ),
        (
            "Cargo.toml",
            "[dependencies]\nrusqlite = \"0.31\"\n",
            "sqlite",
            vec![],
        ),
        (
            "Cargo.toml",
            "[dependencies.diesel]\nversion = \"2\"\nfeatures = [\"mysql\"]\n",
            "mysql",
            vec!["diesel"],
        ),
        (
            "pyproject.toml",
            "[project]\ndependencies = [\n  \"psycopg[binary]>=3.1\",\n]\n",
            "postgresql",
            vec![],
        ),
        ("requirements.txt", "PyMySQL==1.1.0\n", "mysql", vec![]),
        ("Gemfile", "gem 'sqlite3'\n", "sqlite", vec![]),
        (
            "build.gradle",
            "implementation 'com.mysql:mysql-connector-j:8.3.0'\n",
            "mysql",
            vec![],
        ),
        (
            "composer.json",
            "{\"require\": {\"ext-pdo_pgsql\": \"*\"}}",
            "postgresql",
            vec![],
        ),
        (
            "go.mod",
            "require github.com/mattn/go-sqlite3 v1.14.22\n",
            "sqlite",
            vec![],
        ),
    ] {
        check(&[(name, text)], word, &[word], &tools);
    }
    check(
        &[(
            "node_modules/pg/package.json",
            "{\"dependencies\": {\"pg\": \"1\"}}",
        )],
        "unknown",
        &[],
        &[],
    );
    // Files among tests and documents say less than the project's own.
    check(
        &[
            ("tests/fixtures/db.sqlite", SQLITE),
            ("docs/schema.mysql", ""),
            (".env", "DB_DRIVER=postgres\n"),
        ],
        "postgresql",
        &["mysql", "postgresql", "sqlite"],
        &[],
    );
}

#[test]
fn programs_on_the_path_are_weak_evidence_and_are_not_run() {
    let folder = Folder::new(&[]);
    let programs = Folder::new(&[("psql", "#!/bin/sh\ntouch \"$0.was-run\"\n")]);
    std::fs::set_permissions(
        programs.path().join("psql"),
        std::fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    let run = || {
        Whimbrel::new(env!("CARGO_BIN_EXE_whimbrel"), folder.path())
            .args(["detect"])
            .env("PATH", programs.path())
            .run()
    };
    let output = run().expect_code(0);
    assert!(
        output.stdout.starts_with("Database type: postgresql\n"),
        "{output:?}"
    );
    assert!(output.stdout.contains("weak"), "{output:?}");
    folder.write("schema.mysql", b"");
    assert!(run().expect_code(0).stdout.starts_with("Database type: mysql\n"));
    std::fs::remove_file(folder.path().join("schema.mysql")).unwrap();
    programs.write("mysql", b"");
    assert!(
        run()
            .expect_code(1)
            .stdout
            .starts_with("Database type: unknown\n")
    );
    assert!(!programs.path().join("psql.was-run").exists());
}

#[test]
fn no_link_is_followed_and_nothing_strange_stops_it() {
    let outside = Folder::new(&[
        ("schema.mysql", ""),
        (".env", "DATABASE_URL=mysql://a:canary@b/c\n"),
        ("in/x.db", SQLITE),
    ]);
    let folder = Folder::new(&[("app/app.db", SQLITE)]);
    symlink(
        outside.path().join("schema.mysql"),
        folder.path().join("schema.mysql"),
    )
    .unwrap();
    symlink(outside.path().join(".env"), folder.path().join(".env")).unwrap();
    symlink(outside.path(), folder.path().join("config")).unwrap();
    symlink("..", folder.path().join("app/loop")).unwrap();
    symlink("/nowhere", folder.path().join("dangling.db")).unwrap();
    let output = folder.run("detect").expect_code(0);
    assert!(output.stdout.starts_with("Database type: sqlite\n"), "{output:?}");
    assert!(!output.stdout.contains("mysql"), "{output:?}");
    assert!(
        output.stdout.contains("note: 5 symbolic links were not followed"),
        "{output:?}"
    );

    folder.write(
        ".env.local",
        b"\xff\xfe\0\x80=\xc3\x28\nDATABASE_URL=postgres://a:\xff\xfecanary@b/c\n",
    );
    folder.write("schema.sql", &vec![b'x'; 3 << 20]);
    folder.write("knexfile.js", b"client: '\xf0\x9f");
    folder.write("package.json", "{".repeat(100_000).as_bytes());
    folder.write(
        "docker-compose.yml",
        "image: é💥:\n image:\n image: ${:-\n".as_bytes(),
    );
    let deep = "d/".repeat(60);
    folder.write(&format!("{deep}schema.mysql"), b"");
    let fifo = std::process::Command::new("mkfifo")
        .arg(folder.path().join("pipe.db"))
        .status()
        .unwrap();
    assert!(fifo.success());
    let output = folder.run("detect").expect_code(0);
    assert!(
        output.stdout.contains("levels down were not looked at"),
        "{output:?}"
    );
    assert!(!format!("{output:?}").contains("canary"), "{output:?}");
}

#[test]
fn a_missing_folder_or_a_file_is_a_wrong_request() {
    let folder = Folder::new(&[("schema.sql", "")]);
    for line in ["detect missing", "detect schema.sql"] {
        let output = folder.run(line).expect_code(2);
        assert!(output.stderr.contains("hint:"), "{output:?}");
        assert_eq!(output.stdout, "");
        let output = folder.run(&format!("{line} --json")).expect_code(2);
        assert_eq!(document(&output)["error"]["code"], "usage");
    }
}

#[test]
fn the_last_line_is_a_command_that_takes_the_password_from_a_variable() {
    for (files, next) in [
        (
            vec![(
                ".env",
                "DATABASE_URL=postgresql://app:canary@localhost:5432/shop?schema=public\n",
            )],
            "next: whimbrel inspect 'postgres://app:${DATABASE_PASSWORD}@localhost:5432/shop'",
        ),
        (
            vec![("data/my app.db", SQLITE)],
            "next: whimbrel inspect 'sqlite:data/my app.db'",
        ),
        (vec![("app.db", SQLITE)], "next: whimbrel inspect sqlite:app.db"),
        (
            vec![("schema.mysql", "")],
            "next: whimbrel inspect 'mysql://USER:${DATABASE_PASSWORD}@HOST/DATABASE'",
        ),
    ] {
        let output = Folder::new(&files).run("detect").expect_code(0);
        assert_eq!(output.stdout.lines().last(), Some(next), "{output:?}");
    }
}

#[test]
fn the_suggested_command_works() {
    let folder = Folder::new(&[]);
    let connection = rusqlite::Connection::open(folder.path().join("it's.db")).unwrap();
    connection
        .execute_batch("create table shelf (id integer primary key)")
        .unwrap();
    let detected = folder.run("detect").expect_code(0);
    let command = detected
        .stdout
        .lines()
        .last()
        .unwrap()
        .strip_prefix("next: ")
        .unwrap()
        .to_owned();
    let script = command.replacen("whimbrel", env!("CARGO_BIN_EXE_whimbrel"), 1);
    let output = Whimbrel::new("/bin/sh", folder.path())
        .args(["-c", &script])
        .run()
        .expect_code(0);
    assert!(output.stdout.contains("shelf"), "{output:?}");
}

#[test]
fn settings_in_one_line_and_migrations_in_go_are_read_too() {
    check(
        &[(
            "knexfile.js",
            "module.exports={debug:true,client:'mysql2',connection:{host:'db'}}",
        )],
        "knex",
        &["mysql"],
        &["knex"],
    );
    check(
        &[(
            "knexfile.js",
            "module.exports = { httpclient: 'pg', x: a.client, client: \"better-sqlite3\" }",
        )],
        "knex",
        &["sqlite"],
        &["knex"],
    );
    check(
        &[(
            "db/00002_rename.go",
            "package db\n\nfunc init() {\n\tgoose.AddMigrationContext(up, down)\n}\n",
        )],
        "unknown",
        &[],
        &["goose"],
    );
}
