//! The commands of the servers' own client with which a person looks at a place.

use whimbrel_core::{Client, Place, Way, shell_word};

use crate::quote::quoted;

pub(crate) const CLIENT: Client = Client {
    ping: |place| format!("mysqladmin {} ping", way(place)),
    login: |place| format!("{} {}", logged_in(place), place.database_word()),
    creation: |place| {
        let sql = format!("CREATE DATABASE {}", quoted(&place.told(&place.database)));
        format!("{} -e {}", logged_in(place), shell_word(&sql))
    },
};

fn logged_in(place: &Place) -> String {
    format!("mysql {} -u {} -p", way(place), place.login.word())
}

fn way(place: &Place) -> String {
    match &place.way {
        Way::Host(host, port) => format!("-h {} -P {port}", shell_word(host)),
        Way::Socket(path) => format!("-S {}", shell_word(path)),
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_core::Login;

    use super::*;

    #[test]
    fn commands_reach_the_place_by_host_or_by_socket() {
        let place = |way, database: &str| Place {
            login: Login::new("ann", true),
            way,
            database: database.to_owned(),
            client: &CLIENT,
        };
        let host = place(Way::Host("db".to_owned(), 3307), "the shop");
        assert_eq!((CLIENT.ping)(&host), "mysqladmin -h db -P 3307 ping");
        assert_eq!(
            (CLIENT.creation)(&host),
            "mysql -h db -P 3307 -u ann -p -e 'CREATE DATABASE `the shop`'"
        );
        let socket = place(Way::Socket("/run/x".to_owned()), "shop");
        assert_eq!((CLIENT.login)(&socket), "mysql -S /run/x -u ann -p shop");
    }
}
