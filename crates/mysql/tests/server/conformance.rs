//! Both flavours keep every contract of a connector.

use whimbrel_testkit::conformance::CLAIMS;
use whimbrel_testkit::mysql::{Flavour, TestDatabase};

use crate::harness::connector;

async fn keeps_every_contract(flavour: Flavour) {
    let mut broken = Vec::new();
    for claim in CLAIMS {
        let Some(database) = TestDatabase::create(flavour, &claim.name[..claim.name.len().min(20)]) else {
            return;
        };
        if !claim.holds(connector(database.url()), database.url()).await {
            broken.push(claim.name);
        }
    }
    assert_eq!(broken, Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_keeps_every_contract() {
    keeps_every_contract(Flavour::MariaDb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mysql_keeps_every_contract() {
    keeps_every_contract(Flavour::MySql).await;
}
