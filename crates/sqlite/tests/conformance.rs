//! The engine keeps every contract of a connector.

use std::sync::Arc;

use whimbrel_sqlite::SqliteConnector;
use whimbrel_testkit::conformance::CLAIMS;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_keeps_every_contract() {
    let mut broken = Vec::new();
    for claim in CLAIMS {
        let folder = tempfile::TempDir::new().expect("a temporary folder can be made");
        let url = format!("sqlite:{}", folder.path().join("new.db").display());
        if !claim.holds(Arc::new(SqliteConnector), &url).await {
            broken.push(claim.name);
        }
    }
    assert_eq!(broken, Vec::<&str>::new());
}
