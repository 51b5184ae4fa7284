//! A small shop in a database file, its plan as the planner makes it, and everything a process needs to run it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use whimbrel_core::{
    ConnectOptions, Connector as _, DatabaseUrl, MigrationId, Plan, Source, SystemClock, Target,
};
use whimbrel_pipeline::{Approval, Limits, MigrationDir, RunContext, Silent};
use whimbrel_planner::{PlanInput, Side, Wishes, plan};
use whimbrel_sqlite::SqliteConnector;
use whimbrel_testkit::sqlite::dump;

pub(crate) const SHOP: &str = "
CREATE TABLE customer (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL DEFAULT 'nobody', score REAL,
    manager INTEGER REFERENCES customer (id), CHECK (length(name) < 100));
INSERT INTO customer (id, name, score, manager) VALUES (1, 'Ä', 1.5, NULL), (2, 'b', -0.0, 1), (3, '', NULL, 2), (90, '😀', 9e99, 3);
DELETE FROM customer WHERE id = 90;
CREATE TABLE orders (number INTEGER, line INTEGER, customer INTEGER NOT NULL REFERENCES customer (id), note, made TEXT,
    PRIMARY KEY (number, line)) WITHOUT ROWID;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 60)
    INSERT INTO orders SELECT i / 3, i % 3, 1 + i % 3, CASE i % 4 WHEN 0 THEN i WHEN 1 THEN 'n' || i WHEN 2 THEN x'00ff' END, date('2024-01-01', i || ' days') FROM n;
CREATE TABLE log (at, what);
INSERT INTO log VALUES (1, 'twice'), (1, 'twice'), (NULL, NULL);
CREATE INDEX orders_by_customer ON orders (customer, made DESC) WHERE note IS NOT NULL;
CREATE UNIQUE INDEX customer_name ON customer (name);
CREATE VIEW debtors AS SELECT c.name, count(*) AS lines FROM customer c JOIN orders o ON o.customer = c.id GROUP BY c.name;
";

/// A folder with the source, the target and the migrations.
pub(crate) struct Shop {
    folder: PathBuf,
}

impl Shop {
    /// Makes the source and an approved plan in an empty folder. The target is made by `existing`, or by the first run.
    pub(crate) async fn make(folder: &Path, existing: Option<&str>) -> Self {
        let shop = Self {
            folder: folder.to_owned(),
        };
        shop.execute("source.db", SHOP);
        if let Some(sql) = existing {
            shop.execute("target.db", sql);
        }
        let plan = shop.planned(existing.is_some()).await;
        let dir = MigrationDir::create(&folder.join("migrations"), &plan.migration_id).unwrap();
        dir.save_plan(&plan).unwrap();
        let (by, how, at) = ("tester".to_owned(), "flag".to_owned(), String::new());
        dir.save_approval(&Approval {
            hash: plan.hash.clone(),
            by,
            how,
            at,
        })
        .unwrap();
        shop
    }

    /// The shop that another process made.
    pub(crate) fn open(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn execute(&self, file: &str, sql: &str) {
        let connection = rusqlite::Connection::open(self.folder.join(file)).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    pub(crate) fn dir(&self) -> MigrationDir {
        MigrationDir::open(
            &self.folder.join("migrations"),
            &MigrationId("mig_2026_001".to_owned()),
        )
        .unwrap()
    }

    /// Everything in the target; nothing when the file is not there.
    pub(crate) fn target(&self) -> String {
        let path = self.folder.join("target.db");
        if path.exists() { dump(&path) } else { String::new() }
    }

    /// The names of the files beside the target.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The rows and objects that source and target must share.
    pub(crate) fn content(&self, file: &str) -> String {
        let dump = dump(&self.folder.join(file));
        let ours = |line: &&str| !line.contains("_whimbrel_") && !line.contains("sqlite_stat");
        dump.lines().filter(ours).collect::<Vec<_>>().join("\n")
    }

    async fn source(&self) -> Arc<dyn Source> {
        SqliteConnector
            .source(&self.url("source.db"), &options())
            .await
            .unwrap()
    }

    async fn target_database(&self) -> Arc<dyn Target> {
        SqliteConnector
            .target(&self.url("target.db"), &options())
            .await
            .unwrap()
    }

    fn url(&self, file: &str) -> DatabaseUrl {
        DatabaseUrl::parse(&format!("sqlite:{}", self.folder.join(file).display())).unwrap()
    }

    async fn planned(&self, replace: bool) -> Plan {
        let source = self.source().await;
        let (from, to) = (source.catalog().await.unwrap(), {
            let target = self.target_database().await;
            target.as_source().catalog().await.unwrap()
        });
        let mut profiles = BTreeMap::new();
        for table in &from.tables {
            profiles.insert(table.id.clone(), source.profile(table).await.unwrap());
        }
        let (dialect, capabilities) = (SqliteConnector.dialect(), SqliteConnector.capabilities());
        let side = |catalog, name: &str| Side {
            catalog,
            dialect: dialect.as_ref(),
            capabilities: &capabilities,
            url: self.url(name).stored(),
            name: None,
            database: name.to_owned(),
        };
        let mut wishes = Wishes {
            accept_suggested: true,
            ..Wishes::default()
        };
        wishes.policies.chunk_bytes = 400;
        if replace {
            wishes.decisions.push(whimbrel_core::Decision {
                code: "target_table_exists".to_owned(),
                subject: String::new(),
                choice: "replace".to_owned(),
                text: None,
                by: "settings".to_owned(),
            });
        }
        let input = PlanInput {
            migration: MigrationId("mig_2026_001".to_owned()),
            created_at: String::new(),
            source: side(&from, "source.db"),
            origins: Vec::new(),
            target: side(&to, "target.db"),
            profiles: &profiles,
            preflight: Vec::new(),
            wishes: &wishes,
        };
        plan(&input).unwrap()
    }

    /// What a new process would run with.
    pub(crate) async fn context(&self) -> RunContext {
        RunContext {
            plan: Arc::new(self.dir().load_plan().unwrap()),
            source: self.source().await,
            target: self.target_database().await,
            dir: self.dir(),
            limits: Limits {
                jobs: 2,
                writers: SqliteConnector.capabilities().writers,
                memory_bytes: 64 << 20,
                retries: 3,
                retry_base: Duration::from_millis(1),
            },
            observer: Arc::new(Silent),
            stop: tokio_util::sync::CancellationToken::new(),
            gate: whimbrel_pipeline::Gate::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

fn options() -> ConnectOptions {
    ConnectOptions {
        jobs: 2,
        memory_bytes: 64 << 20,
        environment: BTreeMap::new(),
    }
}

/// A folder in memory where there is one: syncing to it costs nothing.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .unwrap()
}
