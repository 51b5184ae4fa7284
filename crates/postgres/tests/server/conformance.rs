//! The engine keeps every contract of a connector.

use std::sync::Arc;

use whimbrel_postgres::PostgresConnector;
use whimbrel_testkit::conformance::CLAIMS;
use whimbrel_testkit::postgres::TestDatabase;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_connector_keeps_every_contract() {
    let mut broken = Vec::new();
    for claim in CLAIMS {
        let Some(database) = TestDatabase::create(&claim.name[..claim.name.len().min(20)]) else {
            return;
        };
        if !claim.holds(Arc::new(PostgresConnector), database.url()).await {
            broken.push(claim.name);
        }
    }
    assert_eq!(broken, Vec::<&str>::new());
}
