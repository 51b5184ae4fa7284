//! The commands of PostgreSQL's own client with which a person looks at a place.

use whimbrel_core::{Client, Place, Way, shell_word};

pub(crate) const CLIENT: Client = Client {
    ping: |place| format!("pg_isready {}", way(place)),
    login: |place| in_database("psql", place),
    creation: |place| in_database("createdb", place),
};

fn in_database(command: &str, place: &Place) -> String {
    let (login, database) = (place.login.word(), place.database_word());
    format!("{command} {} -U {login} {database}", way(place))
}

fn way(place: &Place) -> String {
    match &place.way {
        Way::Host(host, port) => format!("-h {} -p {port}", shell_word(host)),
        Way::Socket(path) => format!("-h {}", shell_word(path)),
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_core::Login;

    use super::*;

    #[test]
    fn commands_reach_the_place() {
        let place = Place {
            login: Login::new("ann", true),
            way: Way::Host("db".to_owned(), 5433),
            database: "the shop".to_owned(),
            client: &CLIENT,
        };
        assert_eq!((CLIENT.ping)(&place), "pg_isready -h db -p 5433");
        assert_eq!((CLIENT.login)(&place), "psql -h db -p 5433 -U ann 'the shop'");
        assert_eq!(
            (CLIENT.creation)(&place),
            "createdb -h db -p 5433 -U ann 'the shop'"
        );
    }
}
