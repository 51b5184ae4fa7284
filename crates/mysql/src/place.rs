//! Which server, database and login are meant, as messages name them, and the commands with which a person looks at them. How they are
//! reached is `connect.rs`.

use std::fmt;

use whimbrel_core::{Login, shell_word};

use crate::quote::quoted;

/// A server, a database of it and a login, without any secret in what is printed.
#[derive(Clone)]
pub(crate) struct Place {
    login: Login,
    way: Way,
    database: String,
}

/// How a server is reached.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Host(String, u16),
    Socket(String),
}

impl Place {
    /// Names a place; without a password the login may be a token.
    pub(crate) fn new(user: &str, way: Way, database: &str, has_password: bool) -> Self {
        Self {
            login: Login::new(user, has_password),
            way,
            database: database.to_owned(),
        }
    }

    /// Returns a text of the server's without a token.
    pub(crate) fn told(&self, text: &str) -> String {
        self.login.told(text)
    }

    /// Returns the command that tells whether a server answers there.
    pub(crate) fn ping(&self) -> String {
        format!("mysqladmin {} ping", self.way())
    }

    /// Returns the command that looks for the host.
    pub(crate) fn lookup(&self) -> String {
        match &self.way {
            Way::Host(host, _) => format!("getent hosts {}", shell_word(host)),
            Way::Socket(path) => format!("ls -l {}", shell_word(path)),
        }
    }

    /// Returns the command that logs in.
    pub(crate) fn login(&self) -> String {
        format!(
            "mysql {} -u {} -p {}",
            self.way(),
            self.login.word(),
            shell_word(&self.database)
        )
    }

    /// Returns the command that makes the database.
    pub(crate) fn creation(&self) -> String {
        let sql = shell_word(&format!("CREATE DATABASE {}", quoted(&self.database)));
        format!("mysql {} -u {} -p -e {sql}", self.way(), self.login.word())
    }

    fn way(&self) -> String {
        match &self.way {
            Way::Host(host, port) => format!("-h {} -P {port}", shell_word(host)),
            Way::Socket(path) => format!("-S {}", shell_word(path)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.way {
            Way::Host(host, port) => format!("`{}@{host}:{port}/{}`", self.login, self.database),
            Way::Socket(path) => format!("`{}@{path}/{}`", self.login, self.database),
        };
        f.write_str(&self.told(&text))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_reach_the_place_by_host_or_by_socket() {
        let place = Place::new("ann", Way::Host("db".to_owned(), 3307), "the shop", true);
        assert_eq!(place.to_string(), "`ann@db:3307/the shop`");
        assert_eq!(
            place.creation(),
            "mysql -h db -P 3307 -u ann -p -e 'CREATE DATABASE `the shop`'"
        );
        let place = Place::new("ann", Way::Socket("/run/x".to_owned()), "shop", true);
        assert_eq!(place.login(), "mysql -S /run/x -u ann -p shop");
        assert_eq!(place.lookup(), "ls -l /run/x");
    }

    #[test]
    fn a_token_is_in_nothing_that_a_person_is_told() {
        let token = "pscale9f8e7d6c5b4a39281706fedcba";
        let place = Place::new(token, Way::Host("db".to_owned(), 3306), "shop", false);
        let refused = place.told(&format!("Access denied for user '{token}'@'db'"));
        for text in [
            place.to_string(),
            format!("{place:?}"),
            place.login(),
            place.creation(),
            refused,
        ] {
            assert!(!text.contains(token), "{text}");
        }
    }
}
