//! How often rows are read, and that one pass finds what two passes find: on an engine that surveys while reading.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use rusqlite::Connection;
use whimbrel_core::{
    Batch, Chunk, ConnectOptions, DatabaseUrl, Finding, Position, ReadRequest, SequencePosition, Survey,
    Surveyed, TableAggregate,
};

use super::*;

/// How many rows came out of a source, and in which way.
#[derive(Debug, Default)]
struct Counts {
    surveyed: AtomicUsize,
    read: AtomicUsize,
    profiled: AtomicUsize,
}

impl Counts {
    fn all(&self) -> [usize; 3] {
        [&self.surveyed, &self.read, &self.profiled].map(|count| count.load(Ordering::Relaxed))
    }
}

/// A source that counts, and that may be kept from surveying while it is read.
struct Counting {
    inner: Arc<dyn Source>,
    counts: Arc<Counts>,
    surveys: bool,
}

struct CountingSnapshot {
    inner: Arc<dyn Snapshot>,
    counts: Arc<Counts>,
}

#[async_trait]
impl Source for Counting {
    async fn check(&self) -> Result<Vec<Finding>> {
        self.inner.check().await
    }

    async fn catalog(&self) -> Result<Catalog> {
        self.inner.catalog().await
    }

    async fn profile(&self, table: &Table) -> Result<TableProfile> {
        self.inner.profile(table).await
    }

    async fn profiles(&self, tables: &[Table], depth: Depth) -> Result<Vec<TableProfile>> {
        let found = self.inner.profiles(tables, depth).await?;
        let rows: u64 = found.iter().map(|profile| profile.rows).sum();
        self.counts
            .profiled
            .fetch_add(usize::try_from(rows).unwrap(), Ordering::Relaxed);
        Ok(found)
    }

    fn surveys_while_reading(&self) -> bool {
        self.surveys && self.inner.surveys_while_reading()
    }

    async fn snapshot(&self, tables: &[TableId], readers: usize) -> Result<Arc<dyn Snapshot>> {
        Ok(Arc::new(CountingSnapshot {
            inner: self.inner.snapshot(tables, readers).await?,
            counts: Arc::clone(&self.counts),
        }))
    }
}

fn rows(batch: &Batch) -> usize {
    batch.rows() + batch.rejects.len()
}

#[async_trait]
impl Snapshot for CountingSnapshot {
    fn position(&self) -> Position {
        self.inner.position()
    }

    async fn split(&self, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
        self.inner.split(table, chunk_bytes).await
    }

    fn read(&self, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
        let counts = Arc::clone(&self.counts);
        let count = move |batch: &Result<Batch>| {
            let rows = batch.as_ref().map_or(0, rows);
            counts.read.fetch_add(rows, Ordering::Relaxed);
        };
        self.inner.read(request).inspect(count).boxed()
    }

    async fn survey(&self, request: SurveyRequest) -> Result<Survey> {
        let Survey { columns, pass } = self.inner.survey(request).await?;
        let counts = Arc::clone(&self.counts);
        let count = move |surveyed: &Result<Surveyed>| {
            if let Ok(Surveyed::Profile(profile)) = surveyed {
                let rows = usize::try_from(profile.rows).unwrap();
                counts.surveyed.fetch_add(rows, Ordering::Relaxed);
            }
        };
        let pass = pass.inspect(count).boxed();
        Ok(Survey { columns, pass })
    }

    async fn aggregate(&self, table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate> {
        self.inner.aggregate(table, columns).await
    }

    async fn sequence_positions(&self, sequences: &[TableId]) -> Result<Vec<Option<SequencePosition>>> {
        self.inner.sequence_positions(sequences).await
    }

    async fn orphans(&self, table: &Table) -> Result<Vec<u64>> {
        self.inner.orphans(table).await
    }
}

struct Silent;

impl AnalysisWatch for Silent {
    fn tables(&self, _count: usize, _rows_estimate: u64) {}

    fn table(&self, _table: &TableId, _rows: u64) {}
}

/// Measures a database of these statements; says what was found, and how many rows were surveyed, read and profiled.
async fn measure_all(sql: &str, surveys: bool) -> (Measured, [usize; 3]) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    let url = DatabaseUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
    let limits = ReadLimits {
        jobs: 2,
        memory_bytes: 4 << 20,
    };
    let options = ConnectOptions {
        jobs: limits.jobs,
        memory_bytes: limits.memory_bytes,
        environment: BTreeMap::new(),
    };
    let connector = crate::connectors::connector("sqlite").unwrap();
    let inner = connector.source(&url, &options).await.unwrap();
    let counts = Arc::new(Counts::default());
    let source: Arc<dyn Source> = Arc::new(Counting {
        inner,
        counts: Arc::clone(&counts),
        surveys,
    });
    let catalog = source.catalog().await.unwrap();
    let dialect = connector.dialect_of(&catalog);
    let tables: Vec<&Table> = catalog.tables.iter().collect();
    let readable = Readable {
        source: &source,
        dialect: &*dialect,
        catalog: &catalog,
        tables: &tables,
    };
    let found = measured(readable, limits, &Silent).await.unwrap();
    (found, counts.all())
}

/// Rows with numbers from 1, as a subquery that others select from.
fn numbers(count: u32) -> String {
    format!(
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT i FROM n)"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_read_once() {
    let sql = format!(
        "PRAGMA foreign_keys = OFF;
         CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT, price DECIMAL(10, 2), made DATETIME, yes BOOLEAN);
         CREATE TABLE b (a INT REFERENCES a (id), code UUID);
         INSERT INTO a SELECT i, 'name ' || i, i / 4.0, datetime(i, 'unixepoch'), i % 2 FROM {};
         INSERT INTO b SELECT i, '00112233-4455-6677-8899-aabbccddeeff' FROM {};",
        numbers(2_000),
        numbers(3_000)
    );
    let (found, counts) = measure_all(&sql, true).await;
    assert_eq!(counts, [5_000, 0, 0]);
    let orphans = &found.profiles[&TableId::bare("b")].foreign_keys[0];
    assert_eq!(orphans.orphans, 1_000);
    let (_, counts) = measure_all(&sql, false).await;
    assert_eq!(counts, [0, 5_000, 5_000]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_pass_finds_what_two_find() {
    let sql = format!(
        "CREATE TABLE late (id INTEGER PRIMARY KEY, n INT, d DATE, t DATETIME, p DECIMAL(6, 2), b BOOLEAN, j JSON, s VARCHAR(9));
         INSERT INTO late SELECT i, i, date(i, 'unixepoch'), datetime(i, 'unixepoch'), i / 8.0, i % 2, '[1]', 'short' FROM {all};
         UPDATE late SET n = 'text', d = 'no day', t = x'00', p = 1e9, b = 2, j = '[', s = 'much longer' WHERE id = 1500;
         CREATE TABLE bytes (t TEXT, u, created_at TIMESTAMP);
         INSERT INTO bytes SELECT 't' || i, i, '2024-01-0' || (i % 9 + 1) || 'T10:00:00Z' FROM {all};
         INSERT INTO bytes VALUES (CAST(x'ff' AS TEXT), 1.5, 'never'), (NULL, NULL, NULL);
         INSERT INTO bytes SELECT * FROM bytes LIMIT 50;
         CREATE TABLE wide (id INTEGER PRIMARY KEY, b BLOB);
         INSERT INTO wide SELECT i, zeroblob(100) FROM {few};
         INSERT INTO wide VALUES (5000, zeroblob(400000));
         INSERT INTO wide SELECT i + 5000, x'01' FROM {few};
         CREATE TABLE \"without\" (k TEXT, v ANY, PRIMARY KEY (k, v)) WITHOUT ROWID;
         INSERT INTO \"without\" SELECT i % 7, i FROM {few};
         INSERT INTO \"without\" VALUES ('1', 'x');
         CREATE TABLE empty (a INT, b DATE);",
        all = numbers(1_600),
        few = numbers(300)
    );
    let (one, counts) = measure_all(&sql, true).await;
    let (two, _) = measure_all(&sql, false).await;
    assert_eq!(one.profiles, two.profiles);
    for (table, quality) in &two.qualities {
        assert_eq!(&one.qualities[table], quality, "{table}");
    }
    assert_eq!(one.qualities.len(), 5);
    // The tables that could not be known from their first rows, and the one with a large row, are read again; and some rows to name misfits.
    let [surveyed, read, profiled] = counts;
    assert_eq!((surveyed, profiled), (1_600 + 1_652 + 601 + 301, 0));
    assert!(read >= 1_600 + 1_652 + 601, "{read}");
}
