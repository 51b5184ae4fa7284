//! What happens when somebody else interferes, or a statement fails.

use whimbrel_core::{
    Change, Committed, Direction, ErrorClass, KeyRange, ObjectId, ObjectKind, Statement, Step, StepPhase,
    Table,
};
use whimbrel_testkit::postgres::{TestDatabase, TestServer};
use whimbrel_testkit::proxy::{Direction as ProxyDirection, Fault, Proxy};

use crate::harness::*;

const SETUP: &str = "CREATE TABLE t (id integer PRIMARY KEY, a text);
    INSERT INTO t SELECT i, 'a' FROM generate_series(1, 100) i";

async fn pair(name: &str) -> Option<(TestDatabase, TestDatabase, Table)> {
    let from = TestDatabase::create(&format!("{name}_source"))?;
    let to = TestDatabase::create(&format!("{name}_target"))?;
    from.execute(SETUP);
    to.execute("CREATE TABLE t (id integer PRIMARY KEY, a text)");
    let catalog = source(from.url()).await.catalog().await.unwrap();
    Some((from, to, table(&catalog, "t")))
}

fn step(id: &str, statements: &[&str], undo: &[&str]) -> Step {
    let sql = |list: &[&str]| {
        list.iter()
            .map(|text| Statement::Sql((*text).to_owned()))
            .collect()
    };
    Step {
        id: id.to_owned(),
        phase: StepPhase::Schema,
        subject: ObjectId::whole(ObjectKind::Table, crate::harness::id("a")),
        title: "make a".to_owned(),
        statements: sql(statements),
        undo: sql(undo),
        tables: vec![],
        destructive: false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chunk_is_written_once_and_only_by_the_run_that_holds_the_epoch() {
    let Some((from, to, table)) = pair("epoch").await else {
        return;
    };
    let (source, target) = (source(from.url()).await, target(to.url()).await);
    let columns = wire_columns(&table);
    let old = open_run(&*target).await;
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 2).await.unwrap();
    let chunks = snapshot.split(&table, 1 << 20).await.unwrap();
    target
        .ledger()
        .store_split(&old, &table.id, &chunks)
        .await
        .unwrap();
    let again = target
        .ledger()
        .store_split(&old, &table.id, &chunks)
        .await
        .unwrap_err();
    assert_eq!(again.class(), ErrorClass::Conflict);

    let new = open_run(&*target).await;
    assert_eq!(new.epoch.0, old.epoch.0 + 1);
    let Err(error) = target
        .writer(write_request(&old, &table, &columns, chunks[0].clone()))
        .await
    else {
        panic!("a writer of an old epoch began");
    };
    assert_eq!(error.class(), ErrorClass::Conflict);

    let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
    let write = async || {
        let mut writer = target
            .writer(write_request(&new, &table, &columns, chunks[0].clone()))
            .await
            .unwrap();
        for batch in &batches {
            writer.write(batch).await.unwrap();
        }
        writer
    };
    let first = write().await;
    assert_eq!(
        first
            .commit(result(100, digest(&batches, &columns)))
            .await
            .unwrap(),
        Committed::Done
    );
    to.execute("DELETE FROM t");
    let second = write().await;
    assert_eq!(
        second
            .commit(result(100, digest(&batches, &columns)))
            .await
            .unwrap(),
        Committed::AlreadyDone
    );
    assert_eq!(to.query_text("SELECT count(*) FROM t"), [[Some("0".to_owned())]]);

    let records = target.ledger().chunks(&migration()).await.unwrap();
    assert_eq!(records.len(), 1);
    assert!(
        records[0]
            .result
            .as_ref()
            .unwrap()
            .digest
            .same_rows(&digest(&batches, &columns))
    );
    assert_eq!(records[0].target, table.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_left_behind_is_ended_when_the_next_run_opens_the_ledger() {
    let Some((from, to, table)) = pair("left_behind").await else {
        return;
    };
    let (source, target) = (source(from.url()).await, target(to.url()).await);
    let columns = wire_columns(&table);
    let old = open_run(&*target).await;
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let chunks = snapshot.split(&table, 1 << 20).await.unwrap();
    target
        .ledger()
        .store_split(&old, &table.id, &chunks)
        .await
        .unwrap();
    let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
    let mut stopped = target
        .writer(write_request(&old, &table, &columns, chunks[0].clone()))
        .await
        .unwrap();
    stopped.write(&batches[0]).await.unwrap();

    let new = open_run(&*target).await;
    let mut writer = target
        .writer(write_request(&new, &table, &columns, chunks[0].clone()))
        .await
        .unwrap();
    writer.write(&batches[0]).await.unwrap();
    assert_eq!(
        writer
            .commit(result(100, digest(&batches, &columns)))
            .await
            .unwrap(),
        Committed::Done
    );
    let late = stopped.commit(result(100, digest(&batches, &columns))).await;
    assert!(late.is_err(), "{late:?}");
    assert_eq!(
        to.query_text("SELECT count(*) FROM t"),
        [[Some("100".to_owned())]]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_writer_leaves_nothing() {
    let Some((from, to, table)) = pair("dropped").await else {
        return;
    };
    let (source, target) = (source(from.url()).await, target(to.url()).await);
    let columns = wire_columns(&table);
    let run = open_run(&*target).await;
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let chunks = snapshot.split(&table, 1 << 20).await.unwrap();
    target
        .ledger()
        .store_split(&run, &table.id, &chunks)
        .await
        .unwrap();
    let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
    let mut writer = target
        .writer(write_request(&run, &table, &columns, chunks[0].clone()))
        .await
        .unwrap();
    writer.write(&batches[0]).await.unwrap();
    drop(writer);
    target.empty(&run, std::slice::from_ref(&table.id)).await.unwrap();
    assert!(target.ledger().chunks(&migration()).await.unwrap().is_empty());
    assert_eq!(copy(&*source, &*target, &run, &table, &columns).await, []);
    assert_eq!(
        to.query_text("SELECT count(*) FROM t"),
        [[Some("100".to_owned())]]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_and_its_record_stand_or_fall_together() {
    let Some(database) = TestDatabase::create("steps") else {
        return;
    };
    let target = target(database.url()).await;
    let run = open_run(&*target).await;
    let broken = step(
        "1",
        &[
            "CREATE TABLE public.a (x integer)",
            "CREATE TABLE public.a (x integer)",
        ],
        &["DROP TABLE public.a"],
    );
    assert!(target.execute(&run, &broken, Direction::Do).await.is_err());
    assert!(target.ledger().steps(&migration()).await.unwrap().is_empty());
    let good = step(
        "1",
        &["CREATE TABLE public.a (x integer)"],
        &["DROP TABLE public.a"],
    );
    target.execute(&run, &good, Direction::Undo).await.unwrap();
    for _ in 0..2 {
        target.execute(&run, &good, Direction::Do).await.unwrap();
    }
    assert_eq!(target.ledger().steps(&migration()).await.unwrap().len(), 1);
    for _ in 0..2 {
        target.execute(&run, &good, Direction::Undo).await.unwrap();
    }
    assert!(target.ledger().steps(&migration()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_moved_aside_comes_back_and_can_be_dropped_for_good() {
    let Some(database) = TestDatabase::create("aside") else {
        return;
    };
    database.execute("CREATE TABLE t (id serial PRIMARY KEY, a integer CHECK (a > 0)); CREATE INDEX i ON t (a);
        INSERT INTO t (a) VALUES (1); CREATE SCHEMA s; CREATE TABLE s.t (id integer); COMMENT ON TABLE t IS 'mine'");
    let before = database.dump();
    let target = target(database.url()).await;
    let catalog = target.as_source().catalog().await.unwrap();
    let run = open_run(&*target).await;
    let mut steps = Vec::new();
    for (name, id) in [("one", id("t")), ("two", whimbrel_core::TableId::new("s", "t"))] {
        let table = catalog.table(&id).unwrap().clone();
        let change = Change::MoveAside {
            table,
            migration: migration().0,
        };
        steps.extend(apply(&*target, &run, name, &change).await);
    }
    assert!(target.as_source().catalog().await.unwrap().tables.is_empty());
    for step in steps.iter().rev() {
        target.execute(&run, step, Direction::Undo).await.unwrap();
    }
    target.ledger().forget(&migration()).await.unwrap();
    assert_eq!(database.dump(), before);

    let run = open_run(&*target).await;
    for step in &steps {
        target.execute(&run, step, Direction::Do).await.unwrap();
    }
    assert_eq!(target.discard(&run, &steps).await.unwrap().len(), 2);
    assert_eq!(target.discard(&run, &steps).await.unwrap().len(), 0);
    target.ledger().forget(&migration()).await.unwrap();
    let left = database.query_text("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%whimbrel%'");
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replaced_chunk_holds_only_the_new_rows_of_its_range() {
    let Some((from, to, table)) = pair("replace").await else {
        return;
    };
    let (source, target) = (source(from.url()).await, target(to.url()).await);
    let columns = wire_columns(&table);
    let run = open_run(&*target).await;
    copy(&*source, &*target, &run, &table, &columns).await;
    from.execute("DELETE FROM t WHERE id > 50; UPDATE t SET a = 'b'");
    let record = target.ledger().chunks(&migration()).await.unwrap().remove(0);
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let batches = read(&*snapshot, &table, &columns, record.chunk.range.clone()).await;
    let mut request = write_request(&run, &table, &columns, record.chunk);
    request.replace = true;
    let mut writer = target.writer(request).await.unwrap();
    for batch in &batches {
        writer.write(batch).await.unwrap();
    }
    assert_eq!(
        writer
            .commit(result(50, digest(&batches, &columns)))
            .await
            .unwrap(),
        Committed::Done
    );
    let sql = "SELECT count(*), count(*) FILTER (WHERE a = 'b') FROM t";
    assert_eq!(
        to.query_text(sql),
        [[Some("50".to_owned()), Some("50".to_owned())]]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_classified() {
    let Some(database) = TestDatabase::create("classes") else {
        return;
    };
    database.execute("CREATE TABLE p (id integer PRIMARY KEY); CREATE TABLE c (id integer REFERENCES p, a integer CHECK (a > 0))");
    let target = target(database.url()).await;
    let run = open_run(&*target).await;
    let raise = |state: &str| format!("DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$");
    for (sql, class, code) in [
        (
            "INSERT INTO public.c VALUES (1, 1)".to_owned(),
            ErrorClass::Invalid,
            "foreign_key_violation",
        ),
        (
            "INSERT INTO public.c VALUES (NULL, 0)".to_owned(),
            ErrorClass::Invalid,
            "data_integrity_error",
        ),
        (
            "SELECT 'x'::integer".to_owned(),
            ErrorClass::Invalid,
            "data_integrity_error",
        ),
        (raise("53100"), ErrorClass::Transient, "disk_full"),
        (raise("40001"), ErrorClass::Transient, "serialization"),
        (raise("40P01"), ErrorClass::Transient, "serialization"),
        (raise("57P01"), ErrorClass::Transient, "connection_lost"),
        (raise("42501"), ErrorClass::Denied, "privilege"),
        (
            "SELECT pg_terminate_backend(pg_backend_pid())".to_owned(),
            ErrorClass::Transient,
            "connection_lost",
        ),
    ] {
        let error = target
            .execute(&run, &step("1", &[&sql], &[]), Direction::Do)
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.code()),
            (class, code),
            "{sql}: {}",
            error.chain()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_in_the_middle_is_transient_and_loses_nothing() {
    let Some(server) = TestServer::start(&[]) else {
        return;
    };
    let database = server.create_database("ends");
    database.execute("CREATE TABLE t (id integer PRIMARY KEY, a text)");
    let target = target(database.url()).await;
    let run = open_run(&*target).await;
    server.stop_at_once();
    let error = target
        .execute(
            &run,
            &step("1", &["CREATE TABLE public.a (x integer)"], &[]),
            Direction::Do,
        )
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient, "{}", error.chain());
    server.start_again();
    assert_eq!(
        target.ledger().epoch(&migration()).await.unwrap(),
        Some(run.epoch)
    );
    target
        .execute(
            &run,
            &step("1", &["CREATE TABLE public.a (x integer)"], &[]),
            Direction::Do,
        )
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_at_any_byte_leaves_a_chunk_whole_or_absent() {
    let Some((from, to, table)) = pair("cut").await else {
        return;
    };
    let source = source(from.url()).await;
    let columns = wire_columns(&table);
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let chunks = snapshot.split(&table, 1 << 20).await.unwrap();
    let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
    let (host, port) = host_and_port(to.url());
    let (mut unknown, mut whole) = (0, u64::MAX);
    // The first attempt goes through and says how many bytes there are to cut at; the answer to COMMIT is among the last.
    let mut cuts = vec![u64::MAX];
    while let Some(bytes) = cuts.pop() {
        let direct = target(to.url()).await;
        let run = open_run(&*direct).await;
        direct.empty(&run, std::slice::from_ref(&table.id)).await.unwrap();
        direct
            .ledger()
            .store_split(&run, &table.id, &chunks)
            .await
            .unwrap();
        let proxy = Proxy::start(format!("{host}:{port}").parse().unwrap()).unwrap();
        let through = target(&to.url_through(proxy.address())).await;
        let before = proxy.forwarded(ProxyDirection::ToClient);
        if bytes < u64::MAX {
            proxy.strike_after(ProxyDirection::ToClient, bytes, Fault::Cut);
        }
        let outcome = async {
            let request = write_request(&run, &table, &columns, chunks[0].clone());
            let mut writer = through.writer(request).await?;
            for batch in &batches {
                writer.write(batch).await?;
            }
            writer.commit(result(100, digest(&batches, &columns))).await
        };
        let outcome = outcome.await;
        if whole == u64::MAX {
            whole = proxy.forwarded(ProxyDirection::ToClient) - before;
            cuts.extend(
                (1..whole - 300)
                    .step_by(100)
                    .chain((whole - 300..whole).step_by(10)),
            );
        }
        let rows = to.query_text("SELECT count(*) FROM t")[0][0].clone().unwrap();
        let is_finished = direct.ledger().chunks(&migration()).await.unwrap()[0]
            .result
            .is_some();
        assert_eq!(
            rows,
            if is_finished { "100" } else { "0" },
            "cut after {bytes} bytes"
        );
        match outcome {
            Ok(Committed::Done) => assert!(is_finished, "cut after {bytes} bytes"),
            Ok(Committed::Unknown) => unknown += 1,
            Ok(Committed::AlreadyDone) => panic!("nobody else has written it"),
            Err(error) => assert_eq!(error.class(), ErrorClass::Transient, "{}", error.chain()),
        }
    }
    assert!(unknown > 0, "no cut struck the answer to COMMIT");
}

fn host_and_port(url: &str) -> (String, u16) {
    let url = whimbrel_core::DatabaseUrl::parse(url).unwrap();
    (url.host.unwrap(), url.port.unwrap())
}
