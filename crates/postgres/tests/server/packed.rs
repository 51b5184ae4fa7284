//! Rows that pass packed arrive as they were, and only those do that mean the same in both databases.

use whimbrel_core::{Committed, ErrorClass, KeyRange, LogicalType, ReadColumn, ValueRule, packed_rows};
use whimbrel_testkit::postgres::TestDatabase;

use crate::harness::*;

/// The types whose bytes hold no number of an object, NULLs, and rows enough for several batches.
const PLAIN: &str = "CREATE TYPE public.mood AS ENUM ('calm', 'wild');
    CREATE TABLE public.t (id bigint PRIMARY KEY, b boolean, i2 smallint, f8 double precision, n numeric, d numeric(12,3),
      s text, c character(7), v character varying(30), x bytea, day date, at timestamp with time zone, u uuid, j jsonb, m public.mood,
      span interval, net inet, bits bit varying(9), r int4range);";

const ROWS: &str = "INSERT INTO public.t SELECT i, i % 3 = 0, i % 300, i / 7.0::float8, nullif(i % 5, 0) * 1e-9::numeric ^ (i % 4),
      i / 8.0, nullif(repeat('äx', i % 50), ''), 'c' || i % 999, NULL, decode(md5(i::text), 'hex'), date '0044-03-15 BC' + i,
      now() + i * interval '1 hour', gen_random_uuid(), jsonb_build_object('k', i), (ARRAY['calm', 'wild'])[1 + i % 2]::public.mood,
      i * interval '1 day', '10.0.0.1', b'101', int4range(i, i + 3) FROM generate_series(1, 4000) i;
    INSERT INTO public.t (id) VALUES (0);";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packed_rows_arrive_and_weigh_as_columns_do() {
    let Some(from) = TestDatabase::create("packed_source") else {
        return;
    };
    let Some(to) = TestDatabase::create("packed_target") else {
        return;
    };
    from.execute(&format!("{PLAIN}{ROWS}"));
    to.execute(PLAIN);
    let (source, target) = (source(from.url()).await, target(to.url()).await);
    assert!(source.packing().is_some());
    assert_eq!(source.packing(), target.as_source().packing());
    let table = table(&source.catalog().await.unwrap(), "t");
    let columns = wire_columns(&table);
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let batches = read_packed(&*snapshot, &table, &columns).await;
    assert!(batches.len() > 4, "{}", batches.len());
    assert!(batches.iter().all(|batch| packed_rows(&batch.records).is_some()));

    let found = digest(&batches, &columns);
    assert_eq!(found.rows, 4001);
    let as_columns = read(&*snapshot, &table, &columns, KeyRange::All).await;
    assert!(found.same_rows(&digest(&as_columns, &columns)));

    let run = open_run(&*target).await;
    let chunk = whole_chunk(&*target, &run, &table).await;
    let request = write_request(&run, &table, &columns, chunk);
    let mut writer = target.writer(request).await.unwrap();
    for batch in &batches {
        assert_eq!(writer.write(batch).await.unwrap(), []);
    }
    assert_eq!(
        writer.commit(result(4001, found.clone())).await.unwrap(),
        Committed::Done
    );
    let arrived = whole(&*target.as_source(), &table, &columns).await;
    assert!(arrived.same_rows(&found));
    let rows = "SELECT t::text FROM public.t t ORDER BY id";
    assert_eq!(from.query_text(rows), to.query_text(rows));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_somebody_must_look_at_are_not_packed() {
    let Some(database) = TestDatabase::create("packed_not") else {
        return;
    };
    database.execute(
        "CREATE TYPE public.pair AS (a integer, b text); CREATE TABLE public.plain (id integer PRIMARY KEY, a text);
        CREATE TABLE public.lists (id integer PRIMARY KEY, a integer[]); CREATE TABLE public.pairs (id integer PRIMARY KEY, a public.pair);
        CREATE TABLE public.printed (id integer PRIMARY KEY, a regclass);
        INSERT INTO public.plain VALUES (1, 'a'); INSERT INTO public.lists VALUES (1, '{1}');
        INSERT INTO public.pairs VALUES (1, '(1,a)'); INSERT INTO public.printed VALUES (1, 'pg_class')",
    );
    let source = source(database.url()).await;
    let catalog = source.catalog().await.unwrap();
    let snapshot = source.snapshot(&[], 1).await.unwrap();
    let is_packed = async |name: &str, change: &dyn Fn(&mut ReadColumn)| {
        let table = table(&catalog, name);
        let mut columns = wire_columns(&table);
        columns.iter_mut().for_each(change);
        let batches = read_packed(&*snapshot, &table, &columns).await;
        assert_eq!(batches.len(), 1);
        packed_rows(&batches[0].records).is_some()
    };
    assert!(is_packed("plain", &|_| ()).await);
    for name in ["lists", "pairs", "printed"] {
        assert!(!is_packed(name, &|_| ()).await, "{name}");
    }
    let typed = |column: &mut ReadColumn| {
        if column.name == "a" {
            column.logical = LogicalType::Text {
                chars_max: None,
                padded: false,
            };
        }
    };
    assert!(!is_packed("plain", &typed).await);
    assert!(!is_packed("plain", &|column| column.rule = Some(ValueRule::InvalidToNull)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_packed_row_that_the_target_refuses_leaves_nothing_behind() {
    let Some(from) = TestDatabase::create("packed_refused_source") else {
        return;
    };
    let Some(to) = TestDatabase::create("packed_refused_target") else {
        return;
    };
    from.execute("CREATE TABLE public.t (id integer PRIMARY KEY, a text); INSERT INTO public.t VALUES (1, 'good'), (2, 'bad')");
    to.execute("CREATE TABLE public.t (id integer PRIMARY KEY, a text CHECK (a <> 'bad'))");
    let (source, target) = (source(from.url()).await, target(to.url()).await);
    let table = table(&source.catalog().await.unwrap(), "t");
    let columns = wire_columns(&table);
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let batches = read_packed(&*snapshot, &table, &columns).await;
    let run = open_run(&*target).await;
    let chunk = whole_chunk(&*target, &run, &table).await;
    let request = write_request(&run, &table, &columns, chunk);
    let mut writer = target.writer(request).await.unwrap();
    let written = writer.write(&batches[0]).await;
    let error = match written {
        Ok(_) => writer
            .commit(result(2, digest(&batches, &columns)))
            .await
            .unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.class(), ErrorClass::Invalid, "{}", error.chain());
    assert_eq!(
        to.query_text("SELECT 1 FROM public.t"),
        Vec::<Vec<Option<String>>>::new()
    );
}
