//! `detect` on what manifests require and do not, and on migrations that only their content and their neighbours tell apart.

use crate::detect::{check, check_word};

#[test]
fn only_what_a_manifest_requires_is_a_dependency() {
    for (file, text) in [
        (
            "pyproject.toml",
            "[project]\nname = \"motor\"\nkeywords = [\"motor\", \"django\"]\nclassifiers = [\n  \"Framework :: Django\",\n  \
             \"psycopg2\",\n]\ndescription = \"pymongo\"\n[tool.ruff]\nknown-third-party = [\"motor\"]\n",
        ),
        (
            "package.json",
            "{\n\"name\": \"pg\",\n\"keywords\": [\"knex\", \"mysql\"],\n\"scripts\": {\"prisma\": \"vite-node x\", \"mysql\": \"^1\"},\n\
             \"config\": {\"dependencies\": {\"pg\": \"^8\"}}}\n",
        ),
        (
            "Cargo.toml",
            "[package]\nkeywords = [\"postgres\", \"mysql\"]\n[features]\npostgres = [\"sqlx/postgres\"]\nmysql = []\n[lints.rust]\n",
        ),
        (
            "composer.json",
            "{\"keywords\": [\"ext-pdo_mysql\"], \"suggest\": {\"ext-pdo_mysql\": \"*\"}, \"conflict\": {\"mongodb/mongodb\": \"1\"}}",
        ),
        (
            "Gemfile",
            "# gem \"pg\"\nsource \"pg\"\ngemspec name: \"mysql2\"\n",
        ),
        (
            "x.gemspec",
            "Gem::Specification.new do |spec|\n  spec.description = \"pg\"\nend\n",
        ),
        (
            "go.mod",
            "module github.com/lib/pq\nexclude (\n\tgithub.com/jackc/pgx/v5 v5.0.0\n)\nreplace github.com/mattn/go-sqlite3 => ../x\n",
        ),
        (
            "setup.py",
            "setup(\n  name=\"motor\",\n  keywords=[\n    \"pymongo\",\n  ],\n  packages=[\"django\"],\n)\n",
        ),
        (
            "setup.cfg",
            "[metadata]\nkeywords =\n  pymongo\n[isort]\nknown_third_party = django,psycopg2\n",
        ),
        (
            "pom.xml",
            "<project>\n<description>not org.postgresql</description>\n<exclusions>\n<exclusion>\n<artifactId>sqlite-jdbc</artifactId>\n\
             </exclusion>\n</exclusions>\n</project>\n",
        ),
        (
            "build.gradle",
            "description = \"no mysql-connector-j here\"\nexclude group: 'org.postgresql'\n",
        ),
        (
            "x.csproj",
            "<Description>Npgsql</Description>\n<PackageTags>npgsql;mongodb.driver</PackageTags>\n",
        ),
    ] {
        check(&[(file, text)], "unknown", &[], &[]);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn every_table_of_a_manifest_that_requires_is_read() {
    for (file, text, word) in [
        (
            "pyproject.toml",
            "[project]\ndependencies = [\"psycopg[binary]>=3\"] # x\n",
            "postgresql",
        ),
        (
            "pyproject.toml",
            "[project.optional-dependencies]\ndb = [\n  'PyMySQL',\n]\n",
            "mysql",
        ),
        (
            "pyproject.toml",
            "[dependency-groups]\ndev = [\"motor>=3\"]\n",
            "mongodb",
        ),
        (
            "pyproject.toml",
            "[tool.poetry.dependencies]\npsycopg2_binary = \"^2\"\n",
            "postgresql",
        ),
        (
            "pyproject.toml",
            "[tool.poetry.group.dev.dependencies]\naiosqlite = {version = \"1\"}\n",
            "sqlite",
        ),
        (
            "pyproject.toml",
            "[tool.uv]\ndev-dependencies = [\"asyncpg\"]\n",
            "postgresql",
        ),
        ("Pipfile", "[packages]\npymongo = \"*\"\n", "mongodb"),
        (
            "setup.cfg",
            "[options]\ninstall_requires =\n    mysqlclient>=2\n",
            "mysql",
        ),
        (
            "setup.py",
            "setup(\n  install_requires=[\n    \"psycopg2>=2\",\n  ],\n)\n",
            "postgresql",
        ),
        (
            "requirements-dev.txt",
            "-r base.txt\nasyncpg==0.29  # x\n",
            "postgresql",
        ),
        (
            "package.json",
            "{\"devDependencies\": {\"better-sqlite3\": \"*\"}}",
            "sqlite",
        ),
        (
            "deno.json",
            "{\"imports\": {\"mysql2\": \"npm:mysql2@^3\"}}",
            "mysql",
        ),
        (
            "Cargo.toml",
            "[workspace.dependencies]\nrusqlite.version = \"0.31\"\n",
            "sqlite",
        ),
        (
            "Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nmysql_async = \"0.34\"\n",
            "mysql",
        ),
        (
            "x.gemspec",
            "spec.add_dependency(\"pg\", \"~> 1\")\n",
            "postgresql",
        ),
        (
            "go.mod",
            "require (\n\tgithub.com/jackc/pgx/v5 v5.5.0\n)\n",
            "postgresql",
        ),
        (
            "gradle/libs.versions.toml",
            "[libraries]\nx = { module = \"org.xerial:sqlite-jdbc\", version = \"3\" }\n",
            "sqlite",
        ),
        (
            "build.sbt",
            "libraryDependencies += \"org.postgresql\" % \"postgresql\" % \"42.7\"\n",
            "postgresql",
        ),
        (
            "deps.edn",
            "{:deps {org.postgresql/postgresql {:mvn/version \"42.7\"}}}\n",
            "postgresql",
        ),
        (
            "mix.exs",
            "  defp deps do\n    [{:postgrex, \">= 0.0.0\"}]\n  end\n",
            "postgresql",
        ),
        (
            "x.fsproj",
            "<PackageReference Include=\"MySqlConnector\" Version=\"2\" />\n",
            "mysql",
        ),
    ] {
        check(&[(file, text)], word, &[word], &[]);
    }
}

#[test]
fn migrations_in_javascript_are_of_the_tool_that_wrote_them() {
    let mongo =
        "module.exports = {\n  async up(db, client) {\n    // TODO\n  },\n  async down(db, client) {}\n};\n";
    let typeorm = "module.exports = class Init1699 {\n  name = 'Init1699'\n  async up(queryRunner) {}\n  async down(queryRunner) {}\n}\n";
    let db_migrate = "'use strict';\nvar dbm;\nexports.setup = function(options, seedLink) { dbm = options.dbmigrate; };\n\
        exports.up = function(db) { return null; };\nexports.down = function(db) {};\n";
    let mikro = "const { Migration } = require('@mikro-orm/migrations');\nclass A extends Migration { async up() { this.addSql('x'); } }\n\
        exports.A = A;\n";
    let umzug = "/** @type {import('umzug').MigrationFn} */\nexports.up = async ({ context }) => {};\nexports.down = async () => {};\n";
    let kysely = "export async function up(db) {\n  await db.schema.createTable('a').addColumn('id', 'integer').execute()\n}\n";
    let unsigned = "exports.up = async (x) => {};\nexports.down = async (x) => {};\n";
    let old_knex = "exports.up = (k) => k.schema.createTable('a', (t) => { t.increments('id'); });\n";
    let pgm = "exports.up = (pgm) => { pgm.createTable('a', {}) };\n";
    for (text, word, databases, tool) in [
        (mongo, "mongodb", vec!["mongodb"], "migrate-mongo"),
        (typeorm, "unknown", vec![], "typeorm"),
        (db_migrate, "unknown", vec![], "db-migrate"),
        (mikro, "unknown", vec![], "mikro-orm"),
        (umzug, "unknown", vec![], "umzug"),
        (kysely, "unknown", vec![], "kysely"),
        (unsigned, "knex", vec![], "knex"),
        (old_knex, "knex", vec![], "knex"),
        (pgm, "postgresql", vec!["postgresql"], "node-pg-migrate"),
    ] {
        check(&[("migrations/20240101-a.js", text)], word, &databases, &[tool]);
    }
    let beside = |settings: (&str, &str), word: &str, databases: &[&str], tool: &str| {
        check(
            &[("migrations/20240101-a.js", unsigned), settings],
            word,
            databases,
            &[tool],
        );
    };
    let config =
        "const config = { mongodb: { url: \"mongodb://localhost:27017\" } };\nmodule.exports = config;\n";
    beside(
        ("migrate-mongo-config.js", config),
        "mongodb",
        &["mongodb"],
        "migrate-mongo",
    );
    beside((".sequelizerc", ""), "unknown", &[], "sequelize");
    let package = "{\"dependencies\": {\"migrate-mongo\": \"^11\"}}";
    beside(
        ("package.json", package),
        "mongodb",
        &["mongodb"],
        "migrate-mongo",
    );
    beside(
        ("package.json", "{\"dependencies\": {\"knex\": \"^3\"}}"),
        "knex",
        &[],
        "knex",
    );
}

#[test]
fn a_terminal_of_80_columns_shows_every_line_whole() {
    let path = "src/main/resources/db/migration/postgresql/V20240101120000__create_the_table_of_users.sql";
    let settings = "spring:\n  datasource:\n    url: jdbc:postgresql://localhost:5432/shop\n";
    let pom = "<dependency>\n<groupId>org.flywaydb</groupId>\n</dependency>\n";
    let (_, output) = check_word(
        &[
            (path, "create table a (id bigserial);\n"),
            ("src/main/resources/application-development.yml", settings),
            (
                "src/main/resources/db/migration/V1__a.sql",
                "create table a (b int);\n",
            ),
            ("pom.xml", pom),
        ],
        "postgresql",
    );
    let is_whole = |line: &&str| line.chars().count() <= 80 || line.contains(path);
    let wide: Vec<&str> = output.stdout.lines().filter(|line| !is_whole(line)).collect();
    assert_eq!(wide, Vec::<&str>::new(), "{}", output.stdout);
    let (_, output) = check_word(&[], "unknown");
    assert!(
        output.stdout.lines().all(|line| line.len() <= 80),
        "{}",
        output.stdout
    );
}
