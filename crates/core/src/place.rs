//! Which server, database and login are meant, as messages name them without any secret; what is said when nobody can be reached there, and
//! the commands with which a person looks. How the commands are spelled is the engine's, how a server is reached its connector's.

use std::fmt;

use crate::{Error, ErrorClass, Login, shell_word};

/// A server, a database of it and a login, without any secret in what is printed.
#[derive(Clone)]
pub struct Place {
    /// Who logs in. A login that may be a token is in nothing that is told, also where another name is equal to it.
    pub login: Login,
    /// How the server is reached.
    pub way: Way,
    /// The database's name.
    pub database: String,
    /// The commands of the engine's own client.
    pub client: &'static Client,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// A host and a port.
    Host(String, u16),
    /// The path of a socket.
    Socket(String),
}

/// The commands with which a person looks at a place. They quote their words and name no token.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// Returns the command that tells whether a server answers there.
    pub ping: fn(&Place) -> String,
    /// Returns the command that logs in.
    pub login: fn(&Place) -> String,
    /// Returns the command that makes the database.
    pub creation: fn(&Place) -> String,
}

impl Place {
    /// Returns a text of the server's without a token.
    pub fn told(&self, text: &str) -> String {
        self.login.told(text)
    }

    /// Returns the database as a word of a command.
    pub fn database_word(&self) -> String {
        shell_word(&self.told(&self.database))
    }

    /// Returns the command that logs in.
    pub fn login_command(&self) -> String {
        (self.client.login)(self)
    }

    /// Returns the error of a place where no connection can be made. Its code may be replaced by one that says why.
    pub fn unreachable(&self, class: ErrorClass) -> Error {
        Error::new(class, format!("cannot connect to {self}")).with_code("connection")
    }

    /// Returns the hint for a place that is not reached because of this, as the driver says it.
    pub fn way_to_look(&self, cause: &str) -> String {
        match &self.way {
            Way::Host(host, _) if cause.contains("lookup") => {
                format!("check the host's name: getent hosts {}", shell_word(host))
            }
            Way::Socket(path) if cause.contains("No such file") => {
                format!("check the path of the socket: ls -l {}", shell_word(path))
            }
            Way::Host(..) | Way::Socket(_) => format!(
                "check host and port, and that a server answers there: {}",
                (self.client.ping)(self)
            ),
        }
    }

    /// Returns the error of a server that refuses the login with an error of its own, which may name the login. Without `hint`, the hint is that
    /// of the server's error.
    pub fn refusal(&self, said: &Error, hint: Option<String>) -> Error {
        let message = format!("cannot connect to {self}: {}", self.told(&said.to_string()));
        let error = Error::new(said.class(), message).with_code(said.code());
        let hint = match said.code() {
            "no_such_database" => Some(format!(
                "check the name in the URL, or create the database: {}",
                (self.client.creation)(self)
            )),
            _ => hint.or_else(|| said.hint().map(|hint| self.told(hint))),
        };
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
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

    const CLIENT: Client = Client {
        ping: |place| format!("ping {}", place.way_word()),
        login: |place| format!("login {} {}", place.login.word(), place.database_word()),
        creation: |place| format!("create {}", place.database_word()),
    };

    impl Place {
        fn way_word(&self) -> &str {
            match &self.way {
                Way::Host(host, _) => host,
                Way::Socket(path) => path,
            }
        }
    }

    fn place(user: &str, way: Way, database: &str) -> Place {
        Place {
            login: Login::new(user, false),
            way,
            database: database.to_owned(),
            client: &CLIENT,
        }
    }

    #[test]
    fn a_token_is_in_nothing_that_a_person_is_told() {
        let token = "sbp_9f8e7d6c5b4a39281706fedcba987654";
        let place = place(token, Way::Host("db".to_owned(), 5432), token);
        let said = Error::invalid(format!("role \"{token}\" does not exist")).with_hint(token);
        let refusal = place.refusal(&said, None);
        for text in [
            place.to_string(),
            format!("{place:?}"),
            place.login_command(),
            place.unreachable(ErrorClass::Denied).to_string(),
            refusal.to_string(),
            refusal.hint().unwrap_or_default().to_owned(),
        ] {
            assert!(
                !text.contains(token) && text.contains("***") | text.contains("LOGIN"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_hint_follows_the_cause() {
        let host = place("ann", Way::Host("db".to_owned(), 3307), "the shop");
        let socket = place("ann", Way::Socket("/run/x".to_owned()), "shop");
        assert_eq!(host.to_string(), "`ann@db:3307/the shop`");
        assert_eq!(socket.to_string(), "`ann@/run/x/shop`");
        for (place, cause, hint) in [
            (
                &host,
                "failed to lookup address",
                "check the host's name: getent hosts db",
            ),
            (
                &host,
                "refused",
                "check host and port, and that a server answers there: ping db",
            ),
            (
                &socket,
                "No such file or directory",
                "check the path of the socket: ls -l /run/x",
            ),
            (
                &socket,
                "refused",
                "check host and port, and that a server answers there: ping /run/x",
            ),
        ] {
            assert_eq!(place.way_to_look(cause), hint);
        }
        let absent = Error::invalid("no such database")
            .with_code("no_such_database")
            .with_hint("make it");
        assert_eq!(
            host.refusal(&absent, None).hint(),
            Some("check the name in the URL, or create the database: create 'the shop'")
        );
        let shut = Error::invalid("shut").with_hint("open it");
        assert_eq!(host.refusal(&shut, None).hint(), Some("open it"));
        assert_eq!(
            host.refusal(&shut, Some("knock".to_owned())).hint(),
            Some("knock")
        );
    }
}
