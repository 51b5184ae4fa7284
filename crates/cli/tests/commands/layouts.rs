//! `detect` on what `typeorm init`, `sequelize-cli init`, `alembic init`, `dotnet new` with Entity Framework, `mix phx.new`, `laravel new` and
//! others leave behind, cut down to what tells.

use crate::detect::{Folder, SQLITE, check};

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
