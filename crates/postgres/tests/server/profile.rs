//! What one pass over the values finds.

use whimbrel_core::{ErrorClass, ExpressionContext, LogicalType};
use whimbrel_testkit::postgres::TestDatabase;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_counts_every_row() {
    let Some(database) = TestDatabase::create("profile") else {
        return;
    };
    database.execute(
        "CREATE DOMAIN label AS varchar(50);
         CREATE TABLE p (id integer PRIMARY KEY); INSERT INTO p VALUES (1);
         CREATE TABLE t (id bigint PRIMARY KEY, a text, l label, n numeric, at timestamptz, j jsonb, p integer, b boolean);
         INSERT INTO t VALUES (-5, 'äö', 'abc', 1.250, 'infinity', '{\"a\": 1}', 1, true),
           (7, NULL, NULL, 'NaN', '294276-01-01', NULL, 2, NULL), (9, repeat('x', 5000), 'ä', 12, '2024-01-01', 'null', NULL, false);
         ALTER TABLE t ADD CONSTRAINT open FOREIGN KEY (p) REFERENCES p NOT VALID",
    );
    let source = source(database.url()).await;
    let catalog = source.catalog().await.unwrap();
    let table = table(&catalog, "t");
    let profile = source.profile(&table).await.unwrap();
    assert_eq!(profile.rows, 3);
    assert!(profile.row_bytes_max > 5000 && profile.bytes > profile.row_bytes_max);
    let (id, a, l, n, at) = (
        &profile.columns["id"],
        &profile.columns["a"],
        &profile.columns["l"],
        &profile.columns["n"],
        &profile.columns["at"],
    );
    assert_eq!(
        (id.min.as_deref(), id.max.as_deref(), id.nulls),
        (Some("-5"), Some("9"), 0)
    );
    assert_eq!((a.nulls, a.bytes_max, a.chars_max), (1, 5000, 5000));
    assert_eq!((l.bytes_max, l.chars_max), (3, 3));
    assert_eq!((n.shapes["decimal_places_max"], n.shapes["not_finite"]), (3, 1));
    assert_eq!((at.out_of_range, at.max.as_deref()), (1, Some("infinity")));
    assert_eq!(
        (
            profile.foreign_keys[0].orphans,
            profile.foreign_keys[0].examples.len()
        ),
        (1, 1)
    );

    let dialect = whimbrel_core::Connector::dialect(&whimbrel_postgres::PostgresConnector);
    let column = table.column("at").unwrap();
    assert_eq!(
        dialect.logical(column, &catalog, Some(at)).to,
        LogicalType::text()
    );
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    assert_eq!(snapshot.orphans(&table).await.unwrap(), [1]);
    assert_eq!(
        source
            .profile(&crate::harness::table(&catalog, "p"))
            .await
            .unwrap()
            .rows,
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timestamp_beyond_microseconds_is_rejected_with_its_key() {
    let Some(database) = TestDatabase::create("beyond") else {
        return;
    };
    database.execute(
        "CREATE TABLE t (id integer PRIMARY KEY, at timestamp);
         INSERT INTO t VALUES (1, '294276-12-31'), (2, '294247-01-10 04:00:54.775806'), (3, '294247-01-10 04:00:54.775807')",
    );
    let source = source(database.url()).await;
    let catalog = source.catalog().await.unwrap();
    let table = table(&catalog, "t");
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let columns = typed_columns(&table, &catalog);
    let batches = read(&*snapshot, &table, &columns, whimbrel_core::KeyRange::All).await;
    let keys: Vec<&str> = batches
        .iter()
        .flat_map(|batch| &batch.rejects)
        .map(|r| r.key.as_str())
        .collect();
    assert_eq!(keys, ["id=1", "id=3"]);
    assert_eq!(batches.iter().map(whimbrel_core::Batch::rows).sum::<usize>(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_server_prints_is_understood_and_taken_back() {
    let Some(database) = TestDatabase::create("printed") else {
        return;
    };
    database.execute(
        "CREATE TABLE t (id bigint PRIMARY KEY, name text DEFAULT 'it''s', active boolean DEFAULT true, price numeric(8,2) DEFAULT 0,
           day date DEFAULT CURRENT_DATE, at timestamp DEFAULT (now() AT TIME ZONE 'utc'), seen timestamptz DEFAULT now(), n integer DEFAULT -1,
           CHECK (name IN ('a', 'b') OR name LIKE 'x%'), CHECK (price BETWEEN 0 AND 100 AND active), CHECK (length(trim(name)) > 1),
           CHECK (NOT (active AND n IS NULL)), CHECK (day >= '2000-01-01'), CHECK (id NOT IN (1, 2)), CHECK (upper(name) <> coalesce(name, '') || 'x'));
         CREATE VIEW v AS SELECT t.name, count(*) AS n, sum(t.price) AS total FROM t LEFT JOIN t u ON u.id = t.id
           WHERE t.active AND t.n > 5 GROUP BY t.name HAVING count(*) > 1 ORDER BY t.name LIMIT 5",
    );
    let source = source(database.url()).await;
    let catalog = source.catalog().await.unwrap();
    let table = table(&catalog, "t");
    let dialect = whimbrel_core::Connector::dialect(&whimbrel_postgres::PostgresConnector);
    let logical = |name: &str| dialect.logical(table.column(name).unwrap(), &catalog, None).to;
    let mut context = ExpressionContext {
        columns: table
            .columns
            .iter()
            .map(|column| (column.name.clone(), logical(&column.name)))
            .collect(),
        tables: [(table.id.clone(), table.id.clone())].into(),
        ..ExpressionContext::default()
    };
    for check in &table.checks {
        let neutral = dialect.parse(&check.expression, &context);
        let neutral = neutral.unwrap_or_else(|why| panic!("{}: {why}", check.expression));
        let spelled = dialect
            .render(&neutral, &context)
            .unwrap_or_else(|why| panic!("{neutral}: {why}"));
        database.execute(&format!("ALTER TABLE public.t ADD CHECK ({spelled})"));
    }
    for column in &table.columns {
        let Some(default) = &column.default else { continue };
        context.expected = Some(logical(&column.name));
        let neutral = dialect
            .parse(default, &context)
            .unwrap_or_else(|why| panic!("{default}: {why}"));
        let spelled = dialect
            .render(&neutral, &context)
            .unwrap_or_else(|why| panic!("{neutral}: {why}"));
        database.execute(&format!(
            "ALTER TABLE public.t ALTER {} SET DEFAULT {spelled}",
            column.name
        ));
    }
    context.expected = None;
    let view = &catalog.views[0];
    let neutral = dialect
        .parse_query(&view.query, &context)
        .unwrap_or_else(|why| panic!("{}: {why}", view.query));
    let spelled = dialect
        .render_query(&neutral, &context)
        .unwrap_or_else(|why| panic!("{neutral}: {why}"));
    database.execute(&format!("CREATE VIEW public.again AS {spelled}"));
    let printed =
        |name: &str| database.query_text(&format!("SELECT pg_get_viewdef('public.{name}'::regclass)"));
    assert_eq!(printed("again"), printed("v"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_gone_is_an_error_of_its_own() {
    let Some(database) = TestDatabase::create("gone") else {
        return;
    };
    let source = source(database.url()).await;
    let error = source
        .snapshot(&[id("missing")], 1)
        .await
        .err()
        .expect("there is no such table");
    assert_eq!(
        (error.class(), error.code()),
        (ErrorClass::Invalid, "missing_object"),
        "{}",
        error.chain()
    );
}
