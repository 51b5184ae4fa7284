//! What a server is: its flavour and version. What differs between versions is asked of [`Version`] and nowhere else.

use std::fmt;

use whimbrel_core::NameEquality;

/// What ends the definition of a check that nothing enforces, in the catalog.
pub(crate) const NOT_ENFORCED: &str = " NOT ENFORCED";

/// The two families of servers that speak this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flavour {
    /// MySQL and what is built from it, such as Percona Server.
    MySql,
    /// MariaDB.
    MariaDb,
}

impl Flavour {
    /// Returns the engine's name, as [`whimbrel_core::Connector::name`] and catalogs spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
        }
    }

    /// Returns which names of foreign keys are one: MySQL keeps them in a table whose collation of names ignores accents, too.
    pub(crate) fn foreign_key_names(self) -> NameEquality {
        match self {
            Self::MySql => NameEquality::CaseAndAccents,
            Self::MariaDb => NameEquality::Case,
        }
    }
}

/// A server's flavour and version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version {
    /// The family.
    pub flavour: Flavour,
    /// Major, minor and patch.
    pub number: (u32, u32, u32),
}

impl Version {
    /// Reads what `SELECT VERSION()` says, such as `10.11.6-MariaDB-log` or `8.0.36`.
    pub fn parse(text: &str) -> Self {
        let flavour = match text.to_ascii_lowercase().contains("mariadb") {
            true => Flavour::MariaDb,
            false => Flavour::MySql,
        };
        // Old replication clients needed a version before 10 and got this prefix.
        let digits = text.strip_prefix("5.5.5-").unwrap_or(text);
        let mut numbers = digits
            .split(|letter: char| !letter.is_ascii_digit())
            .map(|part| part.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Self {
            flavour,
            number: (next(), next(), next()),
        }
    }

    /// Tells whether it is a MySQL of at least this version.
    pub fn is_mysql(self, major: u32, minor: u32, patch: u32) -> bool {
        self.flavour == Flavour::MySql && self.number >= (major, minor, patch)
    }

    /// Tells whether it is a MariaDB of at least this version.
    pub fn is_mariadb(self, major: u32, minor: u32, patch: u32) -> bool {
        self.flavour == Flavour::MariaDb && self.number >= (major, minor, patch)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor, patch) = self.number;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_servers_say() {
        for (text, flavour, number) in [
            ("8.0.36", Flavour::MySql, (8, 0, 36)),
            ("9.7.4-2", Flavour::MySql, (9, 7, 4)),
            ("5.7.44-log", Flavour::MySql, (5, 7, 44)),
            ("10.11.6-MariaDB-0+deb12u1-log", Flavour::MariaDb, (10, 11, 6)),
            ("5.5.5-10.5.23-MariaDB", Flavour::MariaDb, (10, 5, 23)),
        ] {
            assert_eq!(Version::parse(text), Version { flavour, number }, "{text}");
        }
    }
}
