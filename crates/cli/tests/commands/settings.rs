//! `detect` on the settings of many frameworks, servers, clusters and tools: each layout as it is found in projects, cut down to what
//! tells, with the word that the answer begins with.

use crate::detect::check_word;

/// A layout: its files with their texts, and the word.
type Layout = (&'static str, &'static [(&'static str, &'static str)]);

fn check(layouts: &[Layout]) {
    for (word, files) in layouts {
        check_word(files, word);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn settings_of_content_systems_and_frameworks_in_php_are_read() {
    check(&[
        (
            "mysql",
            &[
                (
                    "wp-config.php",
                    "<?php\ndefine( 'DB_NAME', 'shop' );\ndefine( 'DB_USER', 'ann' );\ndefine( 'DB_PASSWORD', 'canaryPW9' );\ndefine( 'DB_HOST', 'localhost:3306' );\ndefine( 'DB_CHARSET', 'utf8mb4' );\n$table_prefix = 'wp_';\n",
                ),
                ("wp-login.php", "<?php\n"),
            ],
        ),
        (
            "mysql",
            &[(
                "wp-config-sample.php",
                "<?php\ndefine( 'DB_NAME', 'database_name_here' );\ndefine( 'DB_PASSWORD', 'password_here' );\n",
            )],
        ),
        (
            "mysql",
            &[(
                "web/sites/default/settings.php",
                "<?php\n$databases['default']['default'] = array (\n  'database' => 'shop',\n  'password' => 'canaryPW9',\n  'driver' => 'mysql',\n);\n",
            )],
        ),
        (
            "mysql",
            &[(
                "configuration.php",
                "<?php\nclass JConfig {\n\tpublic $dbtype = 'mysqli';\n\tpublic $password = 'canaryPW9';\n}\n",
            )],
        ),
        (
            "mysql",
            &[(
                "app/etc/env.php",
                "<?php\nreturn [\n 'db' => [ 'connection' => [ 'default' => [ 'host'=>'db', 'password' => 'canaryPW9', 'model' => 'mysql4', 'engine' => 'innodb',]]]];\n",
            )],
        ),
        (
            "mysql",
            &[(
                "config/system/settings.php",
                "<?php\nreturn [\n 'DB' => [\n 'Connections' => [\n 'Default' => [\n 'charset' => 'utf8mb4',\n 'driver' => 'mysqli',\n 'password' => 'canaryPW9',\n",
            )],
        ),
        (
            "mysql",
            &[(
                "config/config.php",
                "<?php\n$CONFIG = array (\n  'dbtype' => 'mysql',\n  'dbpassword' => 'canaryPW9',\n);\n",
            )],
        ),
        (
            "mysql",
            &[(
                "application/config/database.php",
                "<?php\n$db['default'] = array(\n\t'dsn'\t=> '',\n\t'password' => 'canaryPW9',\n\t'dbdriver' => 'mysqli',\n);\n",
            )],
        ),
        (
            "mysql",
            &[(
                "app/Config/Database.php",
                "<?php\nclass Database extends Config {\n    public array $default = [\n        'password'     => 'canaryPW9',\n        'DBDriver'     => 'MySQLi',\n    ];\n",
            )],
        ),
        (
            "mysql",
            &[(
                "config/app_local.php",
                "<?php\nreturn ['Datasources' => ['default' => [\n 'driver' => Mysql::class,\n 'password' => 'canaryPW9',\n 'url' => env('DATABASE_URL', null),\n]]];\n",
            )],
        ),
        (
            "mysql",
            &[(
                "config/db.php",
                "<?php\nreturn [\n    'class' => 'yii\\db\\Connection',\n    'dsn' => 'mysql:host=localhost;dbname=yii2basic',\n    'password' => 'canaryPW9',\n];\n",
            )],
        ),
        (
            "mysql",
            &[
                (
                    "phinx.php",
                    "<?php\nreturn ['environments' => ['development' => ['adapter' => 'mysql', 'pass' => 'canaryPW9']]];\n",
                ),
                (
                    "db/migrations/20240101_x.php",
                    "<?php\nuse Phinx\\Migration\\AbstractMigration;\n",
                ),
            ],
        ),
        (
            "mysql",
            &[(
                "phinx.yml",
                "environments:\n  development:\n    adapter: mysql\n    pass: 'canaryPW9'\n",
            )],
        ),
        (
            "postgresql",
            &[
                (
                    "config/database.php",
                    "<?php\nreturn [\n    'default' => env('DB_CONNECTION', 'pgsql'),\n    'connections' => [\n        'sqlite' => [\n            'driver' => 'sqlite',\n            'url' => env('DB_URL'),\n        ],\n        'mysql' => [\n            'driver' => 'mysql',\n            'password' => env('DB_PASSWORD', 'canaryPW9'),\n        ],\n        'mariadb' => [\n            'driver' => 'mariadb',\n        ],\n        'pgsql' => [\n            'driver' => 'pgsql',\n        ],\n    ],\n];\n",
                ),
                ("artisan", "#!/usr/bin/env php\n"),
                ("composer.json", "{\"require\":{\"laravel/framework\":\"^11.0\"}}"),
                (
                    "database/migrations/0001_01_01_000000_create_users_table.php",
                    "<?php\nuse Illuminate\\Database\\Migrations\\Migration;\n",
                ),
            ],
        ),
        (
            "postgresql",
            &[
                (
                    ".env",
                    "APP_SECRET=x\n# DATABASE_URL=\"mysql://app:!ChangeMe!@127.0.0.1:3306/app\"\nDATABASE_URL=\"postgresql://app:canaryPW9@127.0.0.1:5432/app?serverVersion=16&charset=utf8\"\n",
                ),
                (
                    "config/packages/doctrine.yaml",
                    "doctrine:\n    dbal:\n        url: '%env(resolve:DATABASE_URL)%'\n",
                ),
                (
                    "migrations/Version20240101.php",
                    "<?php\nnamespace DoctrineMigrations;\nuse Doctrine\\DBAL\\Schema\\Schema;\nuse Doctrine\\Migrations\\AbstractMigration;\n",
                ),
            ],
        ),
        (
            "mysql",
            &[(
                "config/packages/doctrine.yaml",
                "doctrine:\n    dbal:\n        driver: 'pdo_mysql'\n        server_version: '8.0'\n        password: canaryPW9\n",
            )],
        ),
        (
            "mysql",
            &[(
                "app/config/parameters.yml",
                "parameters:\n    database_driver: pdo_mysql\n    database_host: 127.0.0.1\n    database_password: canaryPW9\n",
            )],
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn settings_of_java_and_its_servers_are_read() {
    check(&[
        (
            "mysql",
            &[(
                "src/main/webapp/META-INF/context.xml",
                "<Context>\n  <Resource name=\"jdbc/shop\" auth=\"Container\" type=\"javax.sql.DataSource\"\n   username=\"ann\" password=\"canaryPW9\" driverClassName=\"com.mysql.cj.jdbc.Driver\"\n   url=\"jdbc:mysql://db:3306/shop?user=ann&amp;password=canaryPW9\"/>\n</Context>\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "conf/server.xml",
                "<Server><GlobalNamingResources><Resource name=\"jdbc/pg\" type=\"javax.sql.DataSource\" driverClassName=\"org.postgresql.Driver\" url=\"jdbc:postgresql://127.0.0.1:5432/mydb\" username=\"u\" password=\"canaryPW9\"/></GlobalNamingResources></Server>\n",
            )],
        ),
        (
            "postgresql",
            &[
                (
                    "src/main/resources/application.yml",
                    "spring:\n  datasource:\n    url: jdbc:postgresql://${DB_HOST:localhost}:5432/shop\n    username: ann\n    password: canaryPW9\n",
                ),
                (
                    "src/main/resources/application-test.yml",
                    "spring:\n  datasource:\n    url: jdbc:h2:mem:test\n",
                ),
            ],
        ),
        (
            "mysql",
            &[(
                "src/main/resources/application.properties",
                "spring.r2dbc.url=r2dbc:mysql://localhost:3306/shop\nspring.r2dbc.password=canaryPW9\n",
            )],
        ),
        (
            "mongodb",
            &[(
                "src/main/resources/application.properties",
                "spring.data.mongodb.uri=mongodb://ann:canaryPW9@db/shop\n",
            )],
        ),
        (
            "mongodb",
            &[(
                "src/main/resources/application.yml",
                "spring:\n  data:\n    mongodb:\n      host: localhost\n      password: canaryPW9\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "src/main/resources/bootstrap.yml",
                "spring:\n  datasource:\n    url: jdbc:postgresql://localhost:5432/shop\n    password: canaryPW9\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "src/main/resources/application.properties",
                "quarkus.datasource.db-kind=postgresql\nquarkus.datasource.password=canaryPW9\n",
            )],
        ),
        (
            "mysql",
            &[(
                "src/main/resources/application.yml",
                "datasources:\n  default:\n    url: jdbc:mysql://localhost/db\n    dialect: MYSQL\n    password: canaryPW9\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "src/main/resources/META-INF/persistence.xml",
                "<persistence><persistence-unit><properties><property name=\"javax.persistence.jdbc.url\" value=\"jdbc:postgresql://localhost/shop\"/><property name=\"javax.persistence.jdbc.password\" value=\"canaryPW9\"/></properties></persistence-unit></persistence>\n",
            )],
        ),
        (
            "mysql",
            &[(
                "deploy/shop-ds.xml",
                "<datasources><datasource><connection-url>jdbc:mysql://localhost/shop</connection-url><driver>mysql</driver><security><password>canaryPW9</password></security></datasource></datasources>\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "conf/application.conf",
                "db.default.driver=org.postgresql.Driver\ndb.default.url=\"jdbc:postgresql://localhost/shop\"\ndb.default.password=\"canaryPW9\"\n",
            )],
        ),
        (
            "mysql",
            &[(
                "grails-app/conf/application.yml",
                "dataSource:\n    driverClassName: com.mysql.cj.jdbc.Driver\n    password: canaryPW9\n",
            )],
        ),
        (
            "mysql",
            &[(
                "pom.xml",
                "<project><build><plugins><plugin><groupId>org.flywaydb</groupId><artifactId>flyway-maven-plugin</artifactId><configuration><url>jdbc:mysql://localhost:3306/shop</url><user>root</user><password>canaryPW9</password></configuration></plugin></plugins></build></project>\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "build.gradle",
                "liquibase {\n activities { main { url 'jdbc:postgresql://localhost:5432/shop'\n password 'canaryPW9' } }\n}\ndependencies { liquibaseRuntime 'org.postgresql:postgresql:42.5.0' }\n",
            )],
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn resources_of_clusters_and_recipes_of_images_are_read() {
    check(&[
        (
            "postgresql",
            &[(
                "k8s/secret.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n  DATABASE_URL: postgres://ann:canaryPW9@db:5432/shop\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "deploy/secret.yml",
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ntype: Opaque\ndata:\n  DATABASE_URL: cG9zdGdyZXM6Ly9hbm46Y2FuYXJ5UFc5QGRiOjU0MzIvc2hvcA==\n  password: Y2FuYXJ5UFc5\n",
            )],
        ),
        (
            "mysql",
            &[(
                "k8s/deployment.yaml",
                "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: mysql\n          image: mysql:8.0\n          env:\n            - name: MYSQL_ROOT_PASSWORD\n              value: canaryPW9\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "manifests/app.yaml",
                "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          image: ghcr.io/a/app:1\n          env:\n            - name: DATABASE_URL\n              value: \"postgres://ann:canaryPW9@db/shop\"\n            - name: DB_PASSWORD\n              value: \"canaryPW9\"\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "base/configmap.yaml",
                "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  POSTGRES_HOST: db\n  POSTGRES_PASSWORD: canaryPW9\n",
            )],
        ),
        (
            "postgresql",
            &[
                (
                    "chart/Chart.yaml",
                    "apiVersion: v2\nname: app\ndependencies:\n  - name: postgresql\n    version: 12.x.x\n    repository: https://charts.bitnami.com/bitnami\n",
                ),
                (
                    "chart/values.yaml",
                    "image:\n  repository: app\npostgresql:\n  enabled: true\n  auth:\n    postgresPassword: canaryPW9\n",
                ),
            ],
        ),
        (
            "postgresql",
            &[(
                "k8s/cluster.yaml",
                "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata:\n  name: shop\nspec:\n  instances: 3\n",
            )],
        ),
        (
            "mysql",
            &[(
                "docker-compose.override.yml",
                "services:\n  db:\n    image: mysql:8\n    environment:\n      MYSQL_ROOT_PASSWORD: canaryPW9\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "compose.prod.yaml",
                "services:\n  db:\n    image: \"postgres:16-alpine\"\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "docker/local.docker-compose.yml",
                "services:\n  db:\n    image: \"postgis/postgis:16-3.4\"\n",
            )],
        ),
        (
            "postgresql",
            &[
                ("compose.yml", "services:\n  db:\n    build: ./db\n"),
                (
                    "db/Dockerfile",
                    "FROM postgres:16\nENV POSTGRES_PASSWORD=canaryPW9\n",
                ),
            ],
        ),
        (
            "postgresql",
            &[(
                "deploy/db.container",
                "[Container]\nImage=docker.io/library/postgres:16\nEnvironment=POSTGRES_PASSWORD=canaryPW9\n",
            )],
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn settings_of_tools_and_services_are_read() {
    check(&[
        (
            "postgresql",
            &[
                (
                    "config/default.toml",
                    "[database]\nurl = \"postgres://ann:canaryPW9@localhost/shop\"\n",
                ),
                (
                    "config/production.toml",
                    "[database]\nurl = \"postgres://ann:canaryPW9@db/shop\"\n",
                ),
            ],
        ),
        (
            "postgresql",
            &[(
                "Rocket.toml",
                "[default.databases.shop]\nurl = \"postgres://ann:canaryPW9@localhost/shop\"\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "configs/config.yaml",
                "database:\n  driver: postgres\n  dsn: \"host=db user=ann password=canaryPW9 dbname=shop port=5432\"\n",
            )],
        ),
        (
            "mysql",
            &[(
                "config/local.yaml",
                "data:\n  database:\n    driver: mysql\n    source: root:canaryPW9@tcp(127.0.0.1:3306)/test?parseTime=True\n",
            )],
        ),
        (
            "postgresql",
            &[
                (
                    "drizzle.config.ts",
                    "import { defineConfig } from 'drizzle-kit';\nexport default defineConfig({\n  schema: './src/schema.ts',\n  dialect: 'postgresql',\n  dbCredentials: { url: 'postgres://ann:canaryPW9@db/shop' },\n});\n",
                ),
                (
                    "drizzle/meta/_journal.json",
                    "{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[]}",
                ),
            ],
        ),
        (
            "sqlite",
            &[
                (
                    "drizzle/meta/_journal.json",
                    "{\n  \"version\": \"7\",\n  \"dialect\": \"sqlite\",\n  \"entries\": []\n}",
                ),
                (
                    "src/db/schema.ts",
                    "import { sqliteTable } from 'drizzle-orm/sqlite-core';\n",
                ),
            ],
        ),
        (
            "mysql",
            &[
                (
                    "config/config.json",
                    "{\n  \"development\": {\n    \"username\": \"root\",\n    \"password\": \"canaryPW9\",\n    \"database\": \"database_development\",\n    \"host\": \"127.0.0.1\",\n    \"dialect\": \"mysql\"\n  }\n}\n",
                ),
                ("models/index.js", "const Sequelize = require('sequelize');\n"),
            ],
        ),
        (
            "postgresql",
            &[(
                "ormconfig.json",
                "{\"type\": \"postgres\", \"password\": \"canaryPW9\"}",
            )],
        ),
        (
            "postgresql",
            &[
                (
                    "alembic.ini",
                    "[alembic]\nscript_location = alembic\nsqlalchemy.url = postgresql+asyncpg://ann:canaryPW9@localhost/shop\n",
                ),
                ("alembic/env.py", "from alembic import context\n"),
            ],
        ),
        (
            "postgresql",
            &[(
                "yoyo.ini",
                "[DEFAULT]\nsources = migrations\ndatabase = postgresql://ann:canaryPW9@localhost/shop\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "sqlc.yaml",
                "version: \"2\"\nsql:\n  - engine: \"postgresql\"\n    queries: \"query.sql\"\n    schema: \"schema.sql\"\n",
            )],
        ),
        (
            "mysql",
            &[(
                "atlas.hcl",
                "env \"local\" {\n  url = \"mysql://root:canaryPW9@localhost:3306/shop\"\n  dev = \"docker://mysql/8/dev\"\n}\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "main.tf",
                "resource \"aws_db_instance\" \"db\" {\n  engine = \"postgres\"\n  password = \"canaryPW9\"\n}\n",
            )],
        ),
        (
            "postgresql",
            &[
                ("supabase/config.toml", "[db]\nport = 54322\nmajor_version = 15\n"),
                ("supabase/migrations/20240101_x.sql", "create table a (id int);\n"),
            ],
        ),
        (
            "postgresql",
            &[(
                "metadata/databases/databases.yaml",
                "- name: default\n  kind: postgres\n  configuration:\n    connection_info:\n      database_url: postgres://ann:canaryPW9@db/shop\n",
            )],
        ),
        (
            "postgresql",
            &[
                (
                    "profiles.yml",
                    "shop:\n  target: dev\n  outputs:\n    dev:\n      type: postgres\n      host: localhost\n      password: canaryPW9\n",
                ),
                ("dbt_project.yml", "name: shop\nprofile: shop\n"),
            ],
        ),
        (
            "postgresql",
            &[("app.json", "{\"addons\": [\"heroku-postgresql:mini\"]}")],
        ),
        (
            "postgresql",
            &[(
                "render.yaml",
                "databases:\n  - name: shop\n    databaseName: shop\n    user: ann\n",
            )],
        ),
        (
            "mongodb",
            &[
                (".meteor/packages", "mongo@1.16.7\n"),
                (".meteor/release", "METEOR@2.13\n"),
            ],
        ),
        (
            "mongodb",
            &[(
                "migrate-mongo-config.js",
                "const config = {\n  mongodb: {\n    url: 'mongodb://ann:canaryPW9@localhost:27017',\n  },\n};\n",
            )],
        ),
        (
            "postgresql",
            &[(".pgpass", "localhost:5432:shop:ann:canaryPW9\n")],
        ),
        (
            "postgresql",
            &[("pg_service.conf", "[shop]\nhost=localhost\npassword=canaryPW9\n")],
        ),
        (
            "mysql",
            &[(".my.cnf", "[client]\nuser=ann\npassword=canaryPW9\n")],
        ),
        (
            "mysql",
            &[(
                "Web.config",
                "<configuration><connectionStrings>\n<add name=\"D\" connectionString=\"server=localhost;user id=root;password=canaryPW9;database=shop\" providerName=\"MySql.Data.MySqlClient\" />\n</connectionStrings></configuration>",
            )],
        ),
        (
            "sqlite",
            &[(
                "appsettings.json",
                "{\n  \"ConnectionStrings\": {\n    \"Default\": \"Data Source=app.db\"\n  }\n}",
            )],
        ),
        (
            "postgresql",
            &[
                (
                    ".env",
                    "GOOSE_DRIVER=postgres\nGOOSE_DBSTRING=host=localhost user=ann password=canaryPW9 dbname=shop\nGOOSE_MIGRATION_DIR=./migrations\n",
                ),
                ("migrations/00001_a.sql", "-- +goose Up\nselect 1;\n"),
            ],
        ),
        (
            "postgresql",
            &[
                (
                    "config/database.ts",
                    "export default ({ env }) => {\n  const client = env('DATABASE_CLIENT', 'sqlite');\n  const connections = {\n    mysql: { connection: { password: 'canaryPW9' } },\n    postgres: {},\n  };\n",
                ),
                (".env", "DATABASE_CLIENT=postgres\nDATABASE_PASSWORD=canaryPW9\n"),
            ],
        ),
        (
            "mysql",
            &[(
                "config.production.json",
                "{\"database\": {\"client\": \"mysql\", \"connection\": {\"host\": \"localhost\", \"password\": \"canaryPW9\"}}}",
            )],
        ),
        (
            "postgresql",
            &[(
                "settings.toml",
                "[default]\nDB_URL = \"asyncpg://ann:canaryPW9@localhost/shop\"\n",
            )],
        ),
        (
            "mysql",
            &[
                (
                    "migration/src/m20220101_000001_create_table.rs",
                    "use sea_orm_migration::prelude::*;\n",
                ),
                (
                    "migration/Cargo.toml",
                    "[dependencies.sea-orm-migration]\nversion = \"1\"\nfeatures = [\n  \"runtime-tokio-rustls\",\n  \"sqlx-mysql\",\n]\n",
                ),
            ],
        ),
        (
            "postgresql",
            &[
                (
                    "config/dev.exs",
                    "import Config\nconfig :shop, Shop.Repo,\n  username: \"postgres\",\n  password: \"canaryPW9\",\n  hostname: \"localhost\"\n",
                ),
                (
                    "lib/shop/repo.ex",
                    "defmodule Shop.Repo do\n  use Ecto.Repo,\n    otp_app: :shop,\n    adapter: Ecto.Adapters.Postgres\nend\n",
                ),
                (
                    "mix.exs",
                    "{:ecto_sql, \"~> 3.10\"},\n{:postgrex, \">= 0.0.0\"},\n",
                ),
            ],
        ),
        (
            "postgresql",
            &[
                ("diesel.toml", "[print_schema]\nfile = \"src/schema.rs\"\n"),
                (
                    "migrations/00000000000000_diesel_initial_setup/up.sql",
                    "CREATE OR REPLACE FUNCTION diesel_manage_updated_at(_tbl regclass) RETURNS VOID AS $$\nBEGIN\nEND;\n$$ LANGUAGE plpgsql;\n",
                ),
                (
                    "migrations/00000000000000_diesel_initial_setup/down.sql",
                    "DROP FUNCTION x;\n",
                ),
                (
                    "Cargo.toml",
                    "[dependencies]\ndiesel = { version = \"2\", features = [\"postgres\"] }\n",
                ),
            ],
        ),
        (
            "postgresql",
            &[(
                ".env.local",
                "DATABASE_URL=postgresql://ann:canaryPW9@localhost:5432/shop\n",
            )],
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of layouts")]
fn what_programs_say_is_read_where_nothing_else_decides() {
    check(&[
        (
            "mysql",
            &[(
                "includes/db.php",
                "<?php\n$pdo = new PDO('mysql:host=localhost;dbname=shop', 'ann', 'canaryPW9');\n",
            )],
        ),
        (
            "mysql",
            &[(
                "db_connect.php",
                "<?php\n$conn = mysqli_connect('localhost', 'ann', 'canaryPW9', 'shop');\n",
            )],
        ),
        (
            "postgresql",
            &[(
                "lib/connection.php",
                "<?php\n$c = pg_connect('host=localhost dbname=shop user=ann password=canaryPW9');\n",
            )],
        ),
        (
            "postgresql",
            &[
                (
                    "app/__init__.py",
                    "app.config['SQLALCHEMY_DATABASE_URI'] = 'postgresql://ann:canaryPW9@localhost/shop'\n",
                ),
                ("requirements.txt", "Flask\n"),
            ],
        ),
        (
            "postgresql",
            &[(
                "src/db/index.js",
                "const { Pool } = require('pg');\nconst pool = new Pool({ connectionString: 'postgres://ann:canaryPW9@localhost/shop' });\n",
            )],
        ),
        (
            "mysql",
            &[(
                "main.go",
                "package main\nimport (\n\t\"database/sql\"\n\t_ \"github.com/go-sql-driver/mysql\"\n)\nfunc main() { sql.Open(\"mysql\", \"ann:canaryPW9@tcp(db:3306)/shop\") }\n",
            )],
        ),
        (
            "mongodb",
            &[
                (
                    "src/app.js",
                    "mongoose.connect('mongodb://ann:canaryPW9@localhost:27017/shop');\n",
                ),
                ("package.json", "{\"dependencies\":{\"express\":\"4\"}}"),
            ],
        ),
        (
            "postgresql",
            &[
                (
                    "src/db/schema.ts",
                    "import { pgTable, serial } from 'drizzle-orm/pg-core';\n",
                ),
                ("package.json", "{\"dependencies\":{\"drizzle-orm\":\"1\"}}"),
            ],
        ),
        (
            "postgresql",
            &[
                (
                    "src/app.module.ts",
                    "import { TypeOrmModule } from '@nestjs/typeorm';\n@Module({\n  imports: [\n    TypeOrmModule.forRoot({\n      type: 'postgres',\n      host: 'localhost',\n      password: 'canaryPW9',\n    }),\n  ],\n})\n",
                ),
                (
                    "package.json",
                    "{\"dependencies\":{\"@nestjs/typeorm\":\"1\",\"typeorm\":\"1\"}}",
                ),
            ],
        ),
        (
            "mysql",
            &[
                (
                    "Makefile",
                    "migrate:\n\tgoose -dir migrations mysql \"ann:canaryPW9@tcp(localhost:3306)/shop\" up\n",
                ),
                ("migrations/00001_a.sql", "-- +goose Up\nselect 1;\n"),
            ],
        ),
    ]);
}
