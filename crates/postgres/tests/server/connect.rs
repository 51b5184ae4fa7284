//! Who is let in, and how it is said when somebody is not.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use whimbrel_core::{ConnectOptions, Connector as _, DatabaseUrl, ErrorClass};
use whimbrel_postgres::PostgresConnector;
use whimbrel_testkit::postgres::TestServer;

async fn refusal(url: &str) -> whimbrel_core::Error {
    let url = DatabaseUrl::parse(url).unwrap();
    let opened = PostgresConnector.source(&url, &crate::harness::options()).await;
    opened.err().expect("the server refuses")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_says_what_to_do_and_no_secret() {
    let Some(server) = TestServer::start(&[]) else {
        return;
    };
    let database = server.create_database("refusal");
    let port = server.port();
    for (url, class, code) in [
        (
            format!("postgres://postgres:canary@127.0.0.1:{port}/postgres"),
            ErrorClass::Denied,
            "authentication",
        ),
        (
            format!("postgres://postgres@127.0.0.1:{port}/postgres"),
            ErrorClass::Denied,
            "connection",
        ),
        (
            format!("postgres://postgres:canary@127.0.0.1:{port}/postgres?sslmode=require"),
            ErrorClass::Transient,
            "connection",
        ),
        (
            "postgres://postgres:canary@127.0.0.1:1/postgres".to_owned(),
            ErrorClass::Transient,
            "connection",
        ),
        (
            format!("{}_missing", database.url()),
            ErrorClass::Invalid,
            "no_such_database",
        ),
    ] {
        let error = refusal(&url).await;
        assert_eq!((error.class(), error.code()), (class, code), "{}", error.chain());
        assert!(error.hint().is_some(), "{}", error.chain());
        assert!(!error.chain().contains("canary") && !format!("{error:?}").contains("canary"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_taken_from_the_environment_or_a_private_file() {
    let Some(server) = TestServer::start(&[]) else {
        return;
    };
    let database = server.create_database("password");
    let url = DatabaseUrl::parse(database.url()).unwrap();
    let password = url.password.as_ref().unwrap().reveal().to_owned();
    let mut bare = url.clone();
    bare.password = None;
    let open = async |name: &str, value: &str| {
        let environment = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let options = ConnectOptions {
            jobs: 1,
            memory_bytes: 64 << 20,
            environment,
        };
        PostgresConnector.source(&bare, &options).await.is_ok()
    };
    assert!(open("PGPASSWORD", &password).await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pass");
    std::fs::write(&file, format!("*:*:{}:*:{password}\n", url.database)).unwrap();
    for (mode, is_let_in) in [(0o600, true), (0o644, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            open("PGPASSFILE", file.to_str().unwrap()).await,
            is_let_in,
            "{mode:o}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_is_known_under_any_name_of_its_host() {
    let Some(server) = TestServer::start(&[]) else {
        return;
    };
    let (one, other) = (server.create_database("one"), server.create_database("other"));
    let identity = async |url: &str| crate::harness::source(url).await.identity().await.unwrap();
    let first = identity(one.url()).await;
    assert!(first.is_some());
    assert_eq!(identity(&one.url().replace("127.0.0.1", "127.1")).await, first);
    assert_ne!(identity(other.url()).await, first);
}
