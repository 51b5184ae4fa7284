//! `detect` on what `typeorm init`, `sequelize-cli init`, `alembic init`, `dotnet new` with Entity Framework, `mix phx.new`, `laravel new` and
//! others leave behind, cut down to what tells; and on what leads astray in real folders: drivers of other servers, comments, other encodings,
//! patterns, heaps of files.

use crate::detect::{Folder, SQLITE, check, check_word};

#[test]
fn scripts_of_javascript_and_python_are_known() {
    let source = "export const AppDataSource = new DataSource({\n    type: \"mysql\",\n    host: \"localhost\",\n    username: \"root\",\n    \
         password: \"canary\",\n})\n";
    let migration = "import { MigrationInterface, QueryRunner } from \"typeorm\";\n";
    check(
        &[
            ("src/data-source.ts", source),
            ("src/migration/1795268739259-x.ts", migration),
        ],
        "mysql",
        &["mysql"],
        &["typeorm"],
    );
    let one_line =
        "module.exports = { development: { username: 'ann', password: 'canary', dialect: 'postgres' } };\n";
    check(
        &[
            (".sequelizerc", "module.exports = {}\n"),
            ("config/database.js", one_line),
        ],
        "postgresql",
        &["postgresql"],
        &["sequelize"],
    );
    let revision =
        "\"\"\"x\n\nRevision ID: ed93b398c8af\n\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n";
    check(
        &[
            (
                "alembic.ini",
                "[alembic]\nsqlalchemy.url = driver://user:pass@localhost/dbname\n",
            ),
            ("alembic/versions/ed93b398c8af_x.py", revision),
            (
                "config.py",
                "SQLALCHEMY_DATABASE_URI = \"mysql+pymysql://ann:canary@db/shop\"\n",
            ),
        ],
        "mysql",
        &["mysql"],
        &["alembic"],
    );
}

#[test]
fn frameworks_of_other_languages_are_known() {
    let settings = "{ \"ConnectionStrings\": { \"Default\": \"Host=db;Database=shop;Username=ann;Password=canary\" } }\n";
    let package =
        "<PackageReference Include=\"Npgsql.EntityFrameworkCore.PostgreSQL\" Version=\"8.0.0\" />\n";
    check(
        &[
            ("appsettings.Development.json", settings),
            ("App.csproj", package),
            (
                "Migrations/20240101000000_Init.cs",
                "public partial class Init : Migration\n{\n}\n",
            ),
        ],
        "postgresql",
        &["postgresql"],
        &["entity-framework"],
    );
    check(
        &[
            (
                "mix.exs",
                "      {:ecto_sql, \"~> 3.10\"},\n      {:myxql, \">= 0.0.0\"},\n",
            ),
            (
                "lib/shop/repo.ex",
                "  use Ecto.Repo,\n    adapter: Ecto.Adapters.MyXQL\n",
            ),
            (
                "priv/repo/migrations/20240101000000_a.exs",
                "  use Ecto.Migration\n",
            ),
        ],
        "mysql",
        &["mysql"],
        &["ecto"],
    );
    // The settings of Laravel name all engines; which one it is, the variable says.
    check(
        &[
            (
                ".env",
                "DB_CONNECTION=pgsql\nDB_HOST=127.0.0.1\nDB_PASSWORD=canary\n",
            ),
            (
                "config/database.php",
                "'sqlite' => ['driver' => 'sqlite'], 'mysql' => ['driver' => 'mysql'],\n",
            ),
            (
                "database/migrations/2024_01_01_000000_create_users_table.php",
                "<?php\nuse Illuminate\\Database\\Migrations\\Migration;\n",
            ),
        ],
        "postgresql",
        &["postgresql"],
        &["laravel"],
    );
}

#[test]
fn flyway_and_liquibase_are_known_whatever_their_files_are_called() {
    check(
        &[
            (
                "src/main/java/db/migration/V2__Do.java",
                "public class V2__Do extends BaseJavaMigration {}\n",
            ),
            (
                "src/main/resources/application.properties",
                "spring.datasource.driver-class-name=com.mysql.cj.jdbc.Driver\nspring.datasource.password=canary\n",
            ),
        ],
        "mysql",
        &["mysql"],
        &["flyway"],
    );
    check(
        &[(
            "conf/flyway-prod.conf",
            "flyway.url=jdbc:mariadb://ann:canary@localhost:3306/shop\n",
        )],
        "mysql",
        &["mariadb"],
        &["flyway"],
    );
    let changes = "<?xml version=\"1.0\"?>\n<databaseChangeLog>\n<changeSet id=\"1\" author=\"a\" dbms=\"postgresql\"/>\n";
    check(
        &[("db/master.xml", changes)],
        "postgresql",
        &["postgresql"],
        &["liquibase"],
    );
}

#[test]
fn a_name_that_a_terminal_would_act_on_is_not_printed() {
    let folder = Folder::new(&[("a\u{1b}[31m.db", SQLITE)]);
    for line in ["detect", "detect --json"] {
        let output = folder.run(line).expect_code(0);
        assert!(!output.stdout.contains('\u{1b}'), "{output:?}");
        assert!(
            output.stdout.contains("whimbrel inspect sqlite:FILE"),
            "{output:?}"
        );
    }
}

#[test]
fn connections_of_odbc_and_of_other_servers_are_told_apart() {
    let settings = |connection: &str| format!("{{\"ConnectionStrings\":{{\"A\":\"{connection}\"}}}}");
    for (connection, word) in [
        (
            "Driver={MySQL ODBC 8.0 Unicode Driver};Server=db;Uid=ann;Pwd=canary",
            "mysql",
        ),
        (
            "Driver={PostgreSQL Unicode};Server=db;Uid=ann;Pwd=canary",
            "postgresql",
        ),
        ("DRIVER={psqlODBC};SERVER=db;UID=ann;PWD=canary", "postgresql"),
        (
            "DRIVER={MariaDB ODBC 3.1 Driver};SERVER=db;UID=ann;PWD=canary",
            "mysql",
        ),
        (
            "Server=db;Port=5432;Database=shop;User Id=ann;Password=canary",
            "postgresql",
        ),
        (
            "Host = db; Database = shop; Username = ann; Password = canary",
            "postgresql",
        ),
        ("Server=db;Uid=ann;Pwd=canary", "mysql"),
        ("Data Source=app.db;Password=canary", "sqlite"),
        (
            "Driver={ODBC Driver 17 for SQL Server};Server=db;Uid=ann;Pwd=canary",
            "unknown",
        ),
        (
            "Server=db,1433;UID=ann;PWD=canary;TrustServerCertificate=True",
            "unknown",
        ),
        (
            "Data Source=sql.db.example.com;Initial Catalog=shop;User ID=ann;Password=canary",
            "unknown",
        ),
    ] {
        check_word(&[("appsettings.json", &settings(connection))], word);
        check_word(&[(".env", &format!("DSN=\"{connection}\"\n"))], word);
    }
    check_word(
        &[(
            "odbc.ini",
            "[shop]\nDriver = MySQL ODBC 8.0 Unicode Driver\nPassword = canary\n",
        )],
        "mysql",
    );
    check_word(
        &[(
            "odbc.ini",
            "[shop]\nDriver=/usr/lib/odbc/psqlodbcw.so\nPassword=canary\n",
        )],
        "postgresql",
    );
}

#[test]
fn urls_in_less_common_spellings_are_known() {
    for (file, text, word) in [
        (
            ".env",
            "URL=libsql://shop-ann.turso.io?authToken=canary\n",
            "sqlite",
        ),
        (".env", "URL=libsql://ann:canary@shop.turso.io/x\n", "sqlite"),
        (
            ".env",
            "DATABASE_URL=\"prisma+postgres://localhost:51213/?api_key=canary\"\n",
            "postgresql",
        ),
        (
            ".env",
            "URL=jdbc:mysql:loadbalance://h1:3306,h2:3306/shop?password=canary\n",
            "mysql",
        ),
        (
            "application.properties",
            "spring.datasource.url=jdbc:tc:postgresql:16:///shop\n",
            "postgresql",
        ),
        (
            "application.properties",
            "spring.datasource.url=jdbc\\:mysql\\://ann\\:canary@db/shop\n",
            "mysql",
        ),
        (
            "config/db.json",
            "{\"url\":\"postgres:\\/\\/ann:canary@db\\/shop\"}\n",
            "postgresql",
        ),
        (
            "compose.yaml",
            "      - spring.datasource.url=jdbc:postgresql://db/shop\n",
            "postgresql",
        ),
        (
            ".env",
            "DB_HOST=db\nDB_PORT=5432\nDB_PASSWORD=canary\n",
            "postgresql",
        ),
    ] {
        check_word(&[(file, text)], word);
    }
}

#[test]
fn images_with_variables_are_named_with_what_is_taken_without_them() {
    for (image, shown) in [
        ("mariadb:${V:-10.11}", "mariadb:10.11"),
        (
            "${REGISTRY:-docker.io}/library/postgres:${TAG}",
            "docker.io/library/postgres:${TAG}",
        ),
        ("$REGISTRY/postgres:$TAG", "$REGISTRY/postgres:$TAG"),
        ("${IMAGE-postgres:${TAG:-16}}", "postgres:16"),
        ("&pg postgres:16", "postgres:16"),
        ("postgres:${DB_PASSWORD:-canary}", "postgres:***"),
    ] {
        let text = format!("services:\n  db:\n    image: {image}\n");
        let word = if shown.contains("mariadb") {
            "mysql"
        } else {
            "postgresql"
        };
        let (_, output) = check_word(&[("compose.yaml", &text)], word);
        assert!(
            output.stdout.contains(&format!("the image is `{shown}`")),
            "{output:?}"
        );
    }
}

#[test]
fn charts_pipelines_and_clouds_name_their_databases() {
    for (file, text, word) in [
        (
            "values.yaml",
            "image:\n  repository: bitnami/postgresql\nauth:\n  password: canary\n",
            "postgresql",
        ),
        (
            "values.yaml",
            "mysql:\n  enabled: true\n  auth:\n    rootPassword: canary\n",
            "mysql",
        ),
        (".travis.yml", "services:\n  - mysql\n", "mysql"),
        (
            ".gitlab-ci.yml",
            "test:\n  services:\n    - postgres:16\n",
            "postgresql",
        ),
        (
            ".circleci/config.yml",
            "    docker:\n      - image: cimg/postgres:14.0\n",
            "postgresql",
        ),
        (
            ".lando.yml",
            "services:\n  db:\n    type: postgres:14\n",
            "postgresql",
        ),
        ("main.tf", "  database_version = \"MYSQL_8_0\"\n", "mysql"),
        (
            "main.tf",
            "resource \"azurerm_postgresql_flexible_server\" \"x\" {\n",
            "postgresql",
        ),
        ("wrangler.toml", "[[d1_databases]]\nbinding = \"DB\"\n", "sqlite"),
        (
            "k8s/secret.yaml",
            "apiVersion: v1\nkind: Secret\ndata:\n  .env: QT0xCkRBVEFCQVNFX1VSTD1wb3N0Z3JlczovL2FubjpjYW5hcnlAZGIvc2hvcApEQl9QQVNTV09SRD1teXNxbDovL2NhbmFyeQo=\n",
            "postgresql",
        ),
        (
            "compose.yaml",
            "    command: >\n      --url postgres://ann:canary@db:5432/shop?sslmode=disable up\n",
            "postgresql",
        ),
        (
            "k8s/secret.yaml",
            "apiVersion: v1\ndata:\n  DATABASE_URL: cG9zdGdyZXM6Ly9hbm46Y2FuYXJ5QGRiL3Nob3A=\nkind: Secret\n",
            "postgresql",
        ),
    ] {
        check_word(&[(file, text)], word);
    }
}

#[test]
fn files_of_windows_editors_and_patterns_are_read() {
    let text = "APP=1\r\nDATABASE_URL=postgres://ann:canary@db/shop\r\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [
        [b"\xff\xfe".as_slice(), &little].concat(),
        [b"\xfe\xff".as_slice(), &big].concat(),
        little,
        [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
        text.replace("\r\n", "\r").into_bytes(),
    ] {
        let folder = Folder::new(&[]);
        folder.write(".env", &bytes);
        let output = folder.run("detect").expect_code(0);
        assert!(
            output.stdout.starts_with("Database type: postgresql\n"),
            "{output:?}"
        );
        assert!(output.stdout.contains(".env:2"), "{output:?}");
        assert!(!output.stdout.contains("canary"), "{output:?}");
    }
    for (file, text, word) in [
        (
            "config/database.yml.example",
            "default:\n  adapter: mysql2\n  password: canary\n",
            "mysql",
        ),
        (
            "config/database.yml.erb",
            "default:\n  adapter: postgresql\n",
            "postgresql",
        ),
        (
            "env.example",
            "DATABASE_URL=postgres://ann:canary@db/shop\n",
            "postgresql",
        ),
        (
            "wp-config.php.bak",
            "define('DB_NAME', 'x'); define('DB_PASSWORD', 'canary');\n",
            "mysql",
        ),
    ] {
        let (_, output) = check_word(&[(file, text)], word);
        assert!(output.stdout.contains("medium evidence"), "{output:?}");
    }
}

#[test]
fn a_line_counts_once_and_a_comment_not_at_all() {
    let settings =
        "module.exports = {\n  client: 'pg',\n  connection: 'postgres://ann:canary@db/shop',\n};\n";
    for name in ["knexfile.js", "config/knexfile.js"] {
        let (folder, _) = check_word(&[(name, settings)], "knex");
        let document = folder.document();
        let lines: Vec<_> = document["evidence"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|each| each["line"].as_u64())
            .collect();
        assert_eq!(lines, [2, 3], "{document}");
    }
    check(
        &[(
            "META-INF/context.xml",
            "<Context>\n<!--\n<Resource url=\"jdbc:mysql://db/shop\"/>\n-->\n<Resource url=\"jdbc:postgresql://db/shop\"/>\n",
        )],
        "postgresql",
        &["postgresql"],
        &[],
    );
    check(
        &[(
            "pom.xml",
            "<!--\n<artifactId>mysql-connector-j</artifactId>\n-->\n<groupId>org.postgresql</groupId>\n",
        )],
        "postgresql",
        &["postgresql"],
        &[],
    );
}

#[test]
fn what_only_looks_like_a_database_decides_nothing() {
    let truffle =
        "const Migrations = artifacts.require(\"Migrations\");\nmodule.exports = function (deployer) {};\n";
    for (file, text) in [
        ("migrations/1_initial_migration.js", truffle),
        (
            "package.json",
            "{\"scripts\":{\"postgres\":\"docker compose up\",\"pg\":\"echo\"}}",
        ),
        (
            "schema.sql",
            "CREATE TABLE [dbo].[a] ([id] INT IDENTITY(1,1), [b] NVARCHAR(50));\nGO\n",
        ),
        ("schema.sql", "CREATE TABLE a (id NUMBER(10), b VARCHAR2(50));\n"),
        (".nx/workspace-data/x.db", SQLITE),
        (
            "vars.tf",
            "variable \"db_password\" {\n  default = \"mysql://canary\"\n}\n",
        ),
        ("config/db.json", "{\"password\":\n\"mysql://canary\"}\n"),
        ("config/x.yml", "password: |\n  mysql://canary\n"),
    ] {
        check_word(&[(file, text)], "unknown");
    }
    let module = "module x\nrequire (\n\tgithub.com/go-sql-driver/mysql v1.7.0\n\tgithub.com/lib/pq v1.10.9 // indirect\n)\n";
    check_word(&[("go.mod", module)], "mysql");
    check_word(
        &[("migrations/001_a.sql", "CREATE TABLE a (b JSONB);\n")],
        "postgresql",
    );
}

#[test]
fn a_heap_of_files_hides_no_neighbour() {
    let folder = Folder::new(&[
        ("z/prisma/schema.prisma", ""),
        ("compose.yaml", "image: mysql:8\n"),
    ]);
    for at in 0..1_100 {
        folder.write(&format!("{at:04}.json"), b"{}");
        folder.write(&format!("a/part.{at:04}"), b"");
    }
    folder.write("a/zz.sqlite", SQLITE.as_bytes());
    let document = folder.document();
    assert_eq!(document["database_type"], "prisma", "{document}");
    assert_eq!(document["databases"].as_array().unwrap().len(), 2, "{document}");
    assert_eq!(document["notes"].as_array().unwrap().len(), 2, "{document}");
}

#[test]
fn a_name_with_letters_that_end_lines_or_turn_them_is_not_printed() {
    let folder = Folder::new(&[("a\u{2028}b\u{200e}\u{202e}\u{2066}c\nd.db", SQLITE)]);
    for line in ["detect", "detect --json"] {
        let output = folder.run(line).expect_code(0);
        assert!(output.stdout.contains("a?b???c?d.db"), "{output:?}");
        assert!(output.stdout.contains("sqlite:FILE"), "{output:?}");
    }
}

#[test]
fn no_password_is_told_that_goes_on_elsewhere_or_stands_in_a_list() {
    let pipeline =
        "a:\n  users:\n    - postgres:canary\n  credentials:\n    - mysql:canary\n    - postgres:canary\n";
    for (file, text, word) in [
        (
            "app/main.py",
            "URL = (\"postgresql://ann:P@canaryw0rd\"\n       \"@db:5432/shop\")\n",
            "postgresql",
        ),
        (".env", "URL=sqlite+pysqlcipher://:canary/app.db\n", "sqlite"),
        (".gitlab-ci.yml", pipeline, "unknown"),
        (
            "compose.yaml",
            "services:\n  a:\n    environment:\n      DB_PASSWORD: \"image:postgrescanary\"\n",
            "unknown",
        ),
        (
            "compose.yaml",
            "    image: postgres:${DB_PASSWORD:-canary\n",
            "postgresql",
        ),
        (
            "compose.yaml",
            "    image: postgres:canary@shared.example.com\n",
            "unknown",
        ),
    ] {
        check_word(&[(file, text)], word);
    }
    let folder = Folder::new(&[]);
    for name in [
        "postgres://ann:canary@db/shop",
        "mssql://ann:canary@db/shop",
        "ann:canary@db",
    ] {
        for line in ["detect", "detect --json"] {
            let output = folder.run(&format!("{line} {name}")).expect_code(2);
            assert!(!format!("{output:?}").contains("canary"), "{output:?}");
            assert!(format!("{output:?}").contains("must be a folder"), "{output:?}");
        }
    }
}

#[test]
fn leftover_files_and_faint_words_do_not_outvote_the_project() {
    check_word(
        &[
            ("database/database.sqlite", SQLITE),
            (".env", "DB_CONNECTION=mysql\nDB_PASSWORD=canary\n"),
            (
                "config/database.php",
                "'default' => env('DB_CONNECTION', 'sqlite'),\n",
            ),
        ],
        "mysql",
    );
    let faint = "create table a (id integer primary key);\n";
    check_word(
        &[
            ("schema.sql", faint),
            ("package.json", "{\"dependencies\":{\"pg\":\"^8.0.0\"}}"),
            (".env.example", "DATABASE_URL=postgres://ann:canary@db/shop\n"),
        ],
        "postgresql",
    );
    check_word(&[("database/database.sqlite", SQLITE)], "sqlite");
    for (file, text, word) in [
        (
            "schema.sql",
            "create table a (b tinyint, c uniqueidentifier);\n",
            "unknown",
        ),
        (
            "migrations/001_a.sql",
            "create table a (b tinyint, c datetime2);\nGO\n",
            "unknown",
        ),
        ("schema.sql", "", "unknown"),
        ("db/mysql/schema.sql", "create table a (b int);\n", "mysql"),
        (".vs/shop/x.db", SQLITE, "unknown"),
        ("DerivedData/x.db", SQLITE, "unknown"),
        (
            "Dockerfile",
            "FROM --platform=linux/amd64 postgres:16\n",
            "postgresql",
        ),
        (
            "compose.yaml",
            "    image: percona/percona-server-mongodb:6\n",
            "mongodb",
        ),
        (".env", "DSN=\"DataSource=app.db\"\n", "sqlite"),
        (
            ".env",
            "DSN=\"User ID=ann;Password=canary;Host=db;Port=5432;Database=x\"\n",
            "postgresql",
        ),
        (
            ".env",
            "DSN=\"server=localhost;user=root;password=canary;database=ef\"\n",
            "mysql",
        ),
    ] {
        check_word(&[(file, text)], word);
    }
}
