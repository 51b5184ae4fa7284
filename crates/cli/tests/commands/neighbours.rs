//! A URL whose scheme is not that of the server at its address: one side waits for the other's first word, and still the person is told at once
//! what answers there.

use whimbrel_testkit::{mysql, mysql::Flavour, postgres};

use crate::desk::Desk;

/// The error of a look at the server under another scheme, told before anything waits for longer than opening a connection may take.
fn refusal(url: &str, scheme: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    let desk = Desk::set_up();
    desk.run(&format!("inspect {scheme}://{rest}"))
        .expect_code(1)
        .stderr
}

#[test]
fn a_server_that_waits_for_the_first_word_is_named() {
    let Some(server) = postgres::TestDatabase::create("neighbour") else {
        return;
    };
    for scheme in ["mysql", "mariadb"] {
        let said = refusal(server.url(), scheme);
        assert!(
            said.contains(&format!("the scheme is `{scheme}`; must be `postgres`")),
            "{said}"
        );
        assert!(said.contains("hint: whimbrel inspect 'postgres://"), "{said}");
    }
}

#[test]
fn a_server_that_speaks_first_is_named() {
    for flavour in Flavour::ALL {
        let Some(server) = mysql::TestDatabase::create(flavour, "neighbour") else {
            continue;
        };
        for mode in ["prefer", "disable", "require"] {
            let said = refusal(&format!("{}?sslmode={mode}", server.url()), "postgres");
            let scheme = flavour.scheme();
            assert!(said.contains(&format!("must be `{scheme}`")), "{mode}: {said}");
            assert!(
                said.contains(&format!("hint: whimbrel inspect '{scheme}://")),
                "{said}"
            );
        }
    }
}
