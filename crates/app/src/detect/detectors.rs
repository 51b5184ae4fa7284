//! The one visible list of what is looked for. A detector is a value; what it does is in the file named after it.

use super::found::Found;
use super::project::Project;
use super::{
    clients, django, knex, liquibase, manifests, numbered, prisma, programs, rails, scripts, services,
    settings, sqlite_files, structure, variables,
};

/// One kind of evidence.
pub struct Detector {
    /// Its name, as evidence carries it.
    pub name: &'static str,
    /// What the evidence means.
    pub doc: &'static str,
    /// The files it looks at.
    pub looks_for: &'static str,
    find: fn(&Project, &mut Found),
}

impl Detector {
    /// Looks through the project.
    pub(super) fn look(&self, project: &Project, found: &mut Found) {
        project.refill();
        found.by(self.name);
        (self.find)(project, found);
    }
}

/// Every detector there is.
pub const DETECTORS: &[Detector] = &[
    Detector {
        name: "prisma",
        doc: "the schema of Prisma and the provider in it",
        looks_for: "`schema.prisma`, `*.prisma` with a datasource, `migration_lock.toml`, `prisma.config.ts`",
        find: prisma::find,
    },
    Detector {
        name: "knex",
        doc: "the settings of Knex with their clients, and migrations in JavaScript, those of other tools apart",
        looks_for: "`knexfile.*`, `migrations/*.js` and `*.ts`, `migration/*.ts`",
        find: knex::find,
    },
    Detector {
        name: "sqlite-files",
        doc: "database files, known by their first bytes",
        looks_for: "`*.db`, `*.db3`, `*.sqlite`, `*.sqlite3`, `db.sqlite`",
        find: sqlite_files::find,
    },
    Detector {
        name: "structure",
        doc: "the structure of a database as SQL; its words tell the dialect",
        looks_for: "`schema.sql`, `schema.mysql`, `schema-postgresql.sql`, `structure.sql`, dumps, any `*.sql`",
        find: structure::find,
    },
    Detector {
        name: "variables",
        doc: "URLs of databases, and variables that name an engine",
        looks_for: "`.env`, `.env.local`, `.env.example`, `.envrc`, `prod.env`, `.dev.vars`",
        find: variables::find,
    },
    Detector {
        name: "settings",
        doc: "settings of frameworks, servers and tools: URLs, drivers, dialects; less where neither name nor folder says whose they are",
        looks_for: "`application.yml`, `context.xml`, `wp-config.php`, `config/database.php`, `doctrine.yaml`, `appsettings.json`, \
            `alembic.ini`, `drizzle.config.ts`, `data-source.ts`, `sqlc.yaml`, `atlas.hcl`, and any TOML, YAML, JSON, INI, XML, HCL",
        find: settings::find,
    },
    Detector {
        name: "services",
        doc: "images of database servers, operators that make databases, and what other services are given",
        looks_for: "compose files, manifests of Kubernetes, `Chart.yaml`, `values.yaml`, `Dockerfile`, `*.container`, \
            `.github/workflows/*.yml`, `.gitlab-ci.yml`",
        find: services::find,
    },
    Detector {
        name: "rails",
        doc: "the adapter and the schema of Rails",
        looks_for: "`config/database.yml`, `db/schema.rb`, `db/migrate/*.rb`, `mongoid.yml`",
        find: rails::find,
    },
    Detector {
        name: "django",
        doc: "the engine and the migrations of Django",
        looks_for: "`settings.py`, `settings/*.py`, `migrations/0001_initial.py`",
        find: django::find,
    },
    Detector {
        name: "numbered",
        doc: "migrations as files of SQL: Flyway, dbmate, golang-migrate, goose, sqlx, Diesel; their words tell the dialect",
        looks_for: "`V1__x.sql`, `flyway*.conf` and `.toml`, `-- migrate:up`, `000001_x.up.sql`, `-- +goose Up`, `.sqlx/`",
        find: numbered::find,
    },
    Detector {
        name: "liquibase",
        doc: "the changelogs and settings of Liquibase",
        looks_for: "changelogs as XML, YAML, JSON or SQL, whatever their names, `liquibase*.properties`",
        find: liquibase::find,
    },
    Detector {
        name: "scripts",
        doc: "migrations as programs: Alembic, Entity Framework, Ecto, Laravel, Doctrine, Phinx, Flyway",
        looks_for: "`versions/*.py`, `Migrations/*.cs`, `migrations/*.exs`, `migrations/*.php`, `V1__x.java`",
        find: scripts::find,
    },
    Detector {
        name: "manifests",
        doc: "drivers and tools that the project depends on",
        looks_for: "`package.json`, `Cargo.toml`, `go.mod`, `requirements.txt`, `pyproject.toml`, `Gemfile`, `pom.xml`, \
            `build.gradle`, `composer.json`, `*.csproj`, `mix.exs`",
        find: manifests::find,
    },
    Detector {
        name: "programs",
        doc: "calls that open a database of one kind, and URLs in programs",
        looks_for: "`*.py`, `*.php`, `*.ts`, `*.go`, `*.rb`, `*.java`, `*.cs`, `*.sh`, `Makefile` and others",
        find: programs::find,
    },
    Detector {
        name: clients::CLIENTS,
        doc: "client programs that are installed",
        looks_for: "`psql`, `mysql`, `mariadb`, `sqlite3`, `mongosh` on the PATH",
        find: clients::find,
    },
];
