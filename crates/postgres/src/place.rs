//! Which server, database and login are meant, as messages name them, and the commands with which a person looks at them. How they are
//! reached is `connect.rs`.

use std::fmt;

use whimbrel_core::{Login, shell_word};

/// A server, a database of it and a login, without any secret in what is printed.
#[derive(Clone)]
pub(crate) struct Place {
    login: Login,
    host: String,
    port: u16,
    database: String,
}

impl Place {
    /// Names a place; without a password the login may be a token, and the database named after it.
    pub(crate) fn new(user: &str, host: &str, port: u16, database: &str, has_password: bool) -> Self {
        Self {
            login: Login::new(user, has_password),
            host: host.to_owned(),
            port,
            database: database.to_owned(),
        }
    }

    /// Returns a text of the server's without a token.
    pub(crate) fn told(&self, text: &str) -> String {
        self.login.told(text)
    }

    /// Returns the command that tells whether a server answers there.
    pub(crate) fn ping(&self) -> String {
        format!("pg_isready {}", self.way())
    }

    /// Returns the command that looks for the host.
    pub(crate) fn lookup(&self) -> String {
        format!("getent hosts {}", shell_word(&self.host))
    }

    /// Returns the command that logs in.
    pub(crate) fn login(&self) -> String {
        format!(
            "psql {} -U {} {}",
            self.way(),
            self.login.word(),
            self.database_word()
        )
    }

    /// Returns the command that makes the database.
    pub(crate) fn creation(&self) -> String {
        format!(
            "createdb {} -U {} {}",
            self.way(),
            self.login.word(),
            self.database_word()
        )
    }

    fn way(&self) -> String {
        format!("-h {} -p {}", shell_word(&self.host), self.port)
    }

    fn database_word(&self) -> String {
        shell_word(&self.told(&self.database))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("`{}@{}:{}/{}`", self.login, self.host, self.port, self.database);
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
    fn a_token_is_in_nothing_that_a_person_is_told() {
        let token = "sbp_9f8e7d6c5b4a39281706fedcba987654";
        let place = Place::new(token, "db", 5432, token, false);
        let refused = place.told(&format!("role \"{token}\" does not exist"));
        for text in [
            place.to_string(),
            format!("{place:?}"),
            place.login(),
            place.creation(),
            refused,
        ] {
            assert!(!text.contains(token), "{text}");
        }
        let place = Place::new("ann", "db", 5432, "the shop", false);
        assert_eq!(place.creation(), "createdb -h db -p 5432 -U ann 'the shop'");
    }
}
