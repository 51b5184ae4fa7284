//! Logins, TLS, and what is said when they fail.

use whimbrel_core::ErrorClass;

use crate::harness::*;

fn without_login(url: &str) -> (String, String, String) {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (login, place) = rest.rsplit_once('@').unwrap();
    (scheme.to_owned(), login.to_owned(), place.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_said_without_saying_it() {
    for database in databases("wrong_password") {
        let (scheme, _, place) = without_login(database.url());
        let url = format!("{scheme}://nobody:canary@{place}");
        let Err(error) = try_source(&url).await else {
            panic!("it was let in")
        };
        assert_eq!(error.class(), ErrorClass::Denied, "{}", error.chain());
        assert_eq!(error.code(), "authentication", "{error:?}");
        assert!(!error.chain().contains("canary") && !format!("{error:?}").contains("canary"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_not_there_is_named() {
    for database in databases("no_database") {
        let (before, _) = database.url().rsplit_once('/').unwrap();
        let Err(error) = try_source(&format!("{before}/is_not_there")).await else {
            panic!("it is not there")
        };
        assert_eq!(error.code(), "no_such_database", "{}", error.chain());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_of_each_kind_is_let_in_with_and_without_encryption() {
    for database in databases("logins") {
        let (scheme, _, place) = without_login(database.url());
        let kinds: &[(&str, &str)] = match scheme.as_str() {
            "mysql" => &[(
                "caching_sha2_password",
                "IDENTIFIED WITH caching_sha2_password BY 'p@ss'",
            )],
            _ => &[("mysql_native_password", "IDENTIFIED BY 'p@ss'")],
        };
        for (kind, identified) in kinds {
            let login = format!("w{:.30}", database.name().replace("t_logins", ""));
            database.execute(&format!(
                "CREATE USER '{login}'@'%' {identified}; GRANT SELECT ON `{}`.* TO '{login}'@'%'",
                database.name()
            ));
            // The first login of caching_sha2 goes the long way, the second one the short.
            for mode in ["DISABLED", "PREFERRED", "DISABLED"] {
                let url = format!("{scheme}://{login}:p%40ss@{place}?ssl-mode={mode}");
                let opened = try_source(&url).await;
                assert!(opened.is_ok(), "{kind} {mode}: {}", opened.err().unwrap().chain());
            }
            database.execute(&format!("DROP USER '{login}'@'%'"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encryption_is_had_where_it_is_demanded_or_the_connection_is_refused() {
    for database in databases("tls") {
        let encrypts = database
            .query_text("SHOW VARIABLES LIKE 'tls_version'")
            .iter()
            .flatten()
            .flatten()
            .any(|value| value.contains("TLSv1.2"))
            && database.url().starts_with("mysql");
        let required = try_source(&format!("{}?ssl-mode=REQUIRED", database.url())).await;
        match (encrypts, required) {
            (true, required) => {
                assert!(required.is_ok(), "{}", required.err().unwrap().chain());
                let Err(error) = try_source(&format!("{}?ssl-mode=VERIFY_CA", database.url())).await else {
                    panic!("nobody signed the server's certificate")
                };
                assert_eq!(error.class(), ErrorClass::Denied, "{}", error.chain());
                assert!(error.hint().unwrap().contains("ssl-ca"), "{}", error.chain());
            }
            (false, Err(error)) => assert_eq!(error.class(), ErrorClass::Denied, "{}", error.chain()),
            (false, Ok(_)) => panic!("the server cannot encrypt"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_knows_itself_under_any_name() {
    for database in databases("identity") {
        let first = source(database.url()).await.identity().await.unwrap();
        let other = database.url().replace("127.0.0.1", "localhost");
        assert!(first.is_some());
        assert_eq!(source(&other).await.identity().await.unwrap(), first);
    }
}
