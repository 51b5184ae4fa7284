//! What happens when connections end in the middle, and when the server forbids things.

use whimbrel_core::{Committed, ErrorClass};
use whimbrel_testkit::proxy::{Direction, Fault, Proxy};

use crate::harness::databases;
use crate::ledger::{Work, count, open_run, target};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_killed_between_its_rows_and_the_commit_leaves_nothing() {
    for database in databases("killed") {
        let target = target(database.url()).await;
        let work = Work::new(&database, 1000);
        let run = open_run(&*target).await;
        work.plan(&*target, &run).await;
        let mut writer = target.writer(work.request(&run)).await.unwrap();
        assert_eq!(writer.write(&work.batch).await.unwrap(), []);
        assert!(database.terminate_sessions() > 0);
        let error = writer.commit(work.result()).await.unwrap_err();
        assert_eq!(error.class(), ErrorClass::Transient, "{}", error.chain());
        assert_eq!(count(&database), "0");
        // The idle sessions were killed too, and are not used again.
        assert_eq!(work.write(&*target, &run).await.unwrap(), Committed::Done);
        assert_eq!(count(&database), "1000");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_write_is_never_committed() {
    for database in databases("failed") {
        let target = target(database.url()).await;
        let work = Work::new(&database, 10);
        let run = open_run(&*target).await;
        work.plan(&*target, &run).await;
        database.execute("INSERT INTO t VALUES (5)");
        let mut writer = target.writer(work.request(&run)).await.unwrap();
        let error = writer.write(&work.batch).await.unwrap_err();
        assert!(
            error.chain().contains("id=5") && error.code() == "data_integrity_error",
            "{}",
            error.chain()
        );
        assert!(writer.commit(work.result()).await.is_err());
        assert_eq!(count(&database), "1");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_at_any_byte_leaves_a_chunk_whole_or_absent() {
    for database in databases("cut") {
        let direct = target(database.url()).await;
        let work = Work::new(&database, 100);
        let server = whimbrel_core::DatabaseUrl::parse(database.url()).unwrap();
        let address = format!("{}:{}", server.host.unwrap(), server.port.unwrap());
        let (mut unknown, mut whole) = (0, u64::MAX);
        // The first attempt goes through and says how many bytes there are to cut at; the answer to COMMIT is among the last.
        let mut cuts = vec![u64::MAX];
        while let Some(bytes) = cuts.pop() {
            let run = open_run(&*direct).await;
            direct
                .empty(&run, std::slice::from_ref(&work.table.id))
                .await
                .unwrap();
            work.plan(&*direct, &run).await;
            let proxy = Proxy::start(address.parse().unwrap()).unwrap();
            // Without encryption the answers have their own sizes.
            let url = format!("{}?ssl-mode=DISABLED", database.url_through(proxy.address()));
            let through = target(&url).await;
            let before = proxy.forwarded(Direction::ToClient);
            if bytes < u64::MAX {
                proxy.strike_after(Direction::ToClient, bytes, Fault::Cut);
            }
            let outcome = work.write(&*through, &run).await;
            if whole == u64::MAX {
                whole = proxy.forwarded(Direction::ToClient) - before;
                cuts.extend(
                    (1..whole - 200)
                        .step_by(150)
                        .chain((whole - 200..whole).step_by(5)),
                );
            }
            let is_finished = direct.ledger().chunks(&run.migration).await.unwrap()[0]
                .result
                .is_some();
            let wanted = if is_finished { "100" } else { "0" };
            assert_eq!(count(&database), wanted, "cut after {bytes} bytes");
            match outcome {
                Ok(Committed::Done) => assert!(is_finished, "cut after {bytes} bytes"),
                Ok(Committed::Unknown) => unknown += 1,
                Ok(Committed::AlreadyDone) => panic!("nobody else has written it"),
                Err(error) => assert_eq!(error.class(), ErrorClass::Transient, "{}", error.chain()),
            }
        }
        assert!(unknown > 0, "no cut struck the answer to COMMIT");
    }
}
