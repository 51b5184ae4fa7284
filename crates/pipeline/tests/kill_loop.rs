//! The process dies at the k-th fault point, for every k, as `kill -9` would have it; the next process ends the work: nothing is lost,
//! nothing is there twice. The same for a rollback.
#![expect(clippy::unwrap_used, reason = "a test that cannot do its work panics")]

#[path = "files/shop.rs"]
mod shop;

use std::path::Path;
use std::process::{Command, Stdio};

use shop::{Shop, folder};
use whimbrel_core::RunStatus;
use whimbrel_core::fault::{Fault, arm};
use whimbrel_pipeline::{RollbackTo, check_log, rollback, run};

/// What the child reads: the point to die at, and what to do.
const ORDER: &str = "order.txt";
const THERE: &str = "CREATE TABLE log (a, b); CREATE INDEX c ON log (a); INSERT INTO log VALUES (1, 'x');
    CREATE TABLE other (a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO other VALUES (7);";

/// Not a test: the process that dies. Runs in the folder of a shop.
#[tokio::test]
#[ignore = "the kill loop starts it"]
async fn child() {
    let order = std::fs::read_to_string(ORDER).unwrap();
    let (at, what) = order.split_once(' ').unwrap();
    let shop = Shop::open(&std::env::current_dir().unwrap());
    let context = shop.context().await;
    arm(at.parse().unwrap(), Fault::Abort);
    if what == "run" {
        assert_eq!(run(&context).await.unwrap().status, RunStatus::Completed);
    } else {
        rollback(&context, &RollbackTo::Start, false).await.unwrap();
    }
}

/// Starts the child; returns true when it lived to the end.
fn child_lives(folder: &Path, what: &str, at: u64) -> bool {
    std::fs::write(folder.join(ORDER), format!("{at} {what}")).unwrap();
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--test-threads", "1"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    std::fs::remove_file(folder.join(ORDER)).unwrap();
    if status.success() {
        return true;
    }
    // An ordinary failure has a code; a death does not.
    assert_eq!(status.code(), None, "{what} died at point {at} in another way");
    false
}

async fn finish(shop: &Shop, at: u64) {
    let report = run(&shop.context().await)
        .await
        .unwrap_or_else(|error| panic!("point {at}: {}", error.chain()));
    assert_eq!(
        report.status,
        RunStatus::Completed,
        "point {at}: {:?} {:?}",
        report.problem,
        report.verification
    );
    let kept = |text: String| {
        text.lines()
            .filter(|line| !line.contains("other"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(
        kept(shop.content("target.db")),
        kept(shop.content("source.db")),
        "point {at}"
    );
    assert_eq!(check_log(&shop.dir()).unwrap().problems, [], "point {at}");
}

#[tokio::test]
async fn a_process_may_die_at_any_point() {
    for existing in [None, Some(THERE)] {
        let mut at = 0;
        loop {
            at += 1;
            let folder = folder();
            let shop = Shop::make(folder.path(), existing).await;
            let lived = child_lives(folder.path(), "run", at);
            finish(&shop, at).await;
            if lived {
                break;
            }
        }
        assert!(at > 100, "only {at} points were passed");
    }
}

#[tokio::test]
async fn a_rollback_may_die_at_any_point() {
    for existing in [None, Some(THERE)] {
        let mut at = 0;
        loop {
            at += 1;
            let folder = folder();
            let shop = Shop::make(folder.path(), existing).await;
            let before = (shop.target(), shop.files());
            finish(&shop, at).await;
            let lived = child_lives(folder.path(), "rollback", at);
            rollback(&shop.context().await, &RollbackTo::Start, false)
                .await
                .unwrap_or_else(|error| panic!("point {at}: {}", error.chain()));
            assert_eq!((shop.target(), shop.files()), before, "point {at}");
            if lived {
                break;
            }
        }
        assert!(at > 20, "only {at} points were passed");
    }
}
