//! A server that goes down may forget commits that did not wait for its disk. The target notices.

use whimbrel_core::{Committed, ErrorClass, KeyRange, RunKey, Table, Target};
use whimbrel_testkit::postgres::TestDatabase;

use crate::harness::*;

/// Copies the one chunk of a table of one row.
async fn copy_one(database: &TestDatabase, target: &dyn Target) -> (RunKey, Table) {
    database.execute("CREATE TABLE public.t (id integer PRIMARY KEY); INSERT INTO public.t VALUES (1)");
    let source = target.as_source();
    let table = table(&source.catalog().await.unwrap(), "t");
    let columns = wire_columns(&table);
    let snapshot = source.snapshot(std::slice::from_ref(&table.id), 1).await.unwrap();
    let batches = read(&*snapshot, &table, &columns, KeyRange::All).await;
    database.execute("DELETE FROM public.t");
    let run = open_run(target).await;
    let chunk = whole_chunk(target, &run, &table).await;
    let request = write_request(&run, &table, &columns, chunk);
    let mut writer = target.writer(request).await.unwrap();
    writer.write(&batches[0]).await.unwrap();
    let committed = writer
        .commit(result(1, digest(&batches, &columns)))
        .await
        .unwrap();
    assert_eq!(committed, Committed::Done);
    (run, table)
}

/// What a server forgets goes with its ledger row.
const FORGET: &str = "DELETE FROM public.t; UPDATE _whimbrel._whimbrel_chunks SET finished_at = NULL";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_the_server_forgot_is_noticed_before_the_data_counts_as_settled() {
    let Some(database) = TestDatabase::create("durability_lost") else {
        return;
    };
    let target = target(database.url()).await;
    let (_, table) = copy_one(&database, &*target).await;
    database.execute(FORGET);
    let error = target.settle(std::slice::from_ref(&table.id)).await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::SnapshotLost, "{}", error.chain());
    assert_eq!(error.code(), "commits_lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_settled_or_emptied_is_not_asked_for_again() {
    let Some(database) = TestDatabase::create("durability_settled") else {
        return;
    };
    let target = target(database.url()).await;
    let (_, table) = copy_one(&database, &*target).await;
    target.settle(std::slice::from_ref(&table.id)).await.unwrap();
    database.execute(FORGET);
    target.settle(std::slice::from_ref(&table.id)).await.unwrap();

    let Some(database) = TestDatabase::create("durability_emptied") else {
        return;
    };
    let target = self::target(database.url()).await;
    let (run, table) = copy_one(&database, &*target).await;
    target.empty(&run, std::slice::from_ref(&table.id)).await.unwrap();
    target.settle(std::slice::from_ref(&table.id)).await.unwrap();
}
