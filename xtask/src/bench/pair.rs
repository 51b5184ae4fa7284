//! The pairs of engines that are measured, and the table of what Whimbrel has to reach on each.

use std::fmt;

/// An engine that a database can live in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Engine {
    Postgres,
    MariaDb,
    Sqlite,
}

impl Engine {
    pub(super) const ALL: [Self; 3] = [Self::Postgres, Self::MariaDb, Self::Sqlite];

    /// Returns the name in arguments and URLs.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::MariaDb => "mariadb",
            Self::Sqlite => "sqlite",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
            Self::Sqlite => "SQLite",
        })
    }
}

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) source: Engine,
    pub(super) target: Engine,
}

impl Pair {
    /// Parses `mariadb-postgres` and its like.
    pub(super) fn parse(text: &str) -> Option<Self> {
        BARS.iter().map(|bar| bar.pair).find(|pair| pair.id() == text)
    }

    pub(super) fn id(self) -> String {
        format!("{}-{}", self.source.id(), self.target.id())
    }

    /// Returns what has to be reached.
    pub(super) fn bar(self) -> &'static Bar {
        BARS.iter()
            .find(|bar| bar.pair == self)
            .expect("a pair is parsed from this very table")
    }

    /// Tells whether the tool's own CPU can be told from the engines': SQLite works inside the tool.
    fn is_between_servers(self) -> bool {
        self.source != Engine::Sqlite && self.target != Engine::Sqlite
    }

    /// Returns the greatest share of all CPU that the tool may take without verification.
    pub(super) fn cpu_share_max(self) -> Option<f64> {
        if !self.is_between_servers() {
            return None;
        }
        match (self.source == self.target, self.source) {
            (false, _) => Some(0.35),
            (true, Engine::Postgres) => Some(0.10),
            (true, Engine::MariaDb | Engine::Sqlite) => None,
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} to {}", self.source, self.target)
    }
}

/// How long Whimbrel may take beside another contender.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) pair: Pair,
    /// The name of the contender that it is measured by.
    pub(super) against: &'static str,
    /// The greatest ratio without verification.
    pub(super) plain: f64,
    /// The greatest ratio when every row is verified.
    pub(super) verified: f64,
}

/// The contender that does nothing but what the engines have to do.
pub(super) const LIMIT: &str = "limit";
/// Peak memory of the tool in MiB, at defaults.
pub(super) const MEMORY_MAX_MIB: f64 = 300.0;
/// Peak memory of the tool in MiB, with `--memory 64MiB`.
pub(super) const LOW_MEMORY_MAX_MIB: f64 = 100.0;
/// How far two tables of equal bytes may be apart.
pub(super) const SHAPES_RATIO_MAX: f64 = 2.0;

/// Every pair, in the order of the report.
pub(super) const BARS: &[Bar] = {
    use Engine::{MariaDb, Postgres, Sqlite};
    &[
        bar(MariaDb, Postgres, "pgloader", [0.45, 0.6]),
        bar(Sqlite, Postgres, "pgloader", [0.45, 0.65]),
        bar(Postgres, Postgres, "pgcopydb", [0.85, 1.1]),
        bar(MariaDb, MariaDb, "mydumper", [1.1, 1.5]),
        bar(Postgres, MariaDb, LIMIT, [1.3, 1.6]),
        bar(Sqlite, Sqlite, "sqlite-dump", [0.35, 0.5]),
        bar(Postgres, Sqlite, LIMIT, [1.8, 2.4]),
        bar(MariaDb, Sqlite, LIMIT, [1.8, 2.4]),
    ]
};

const fn bar(source: Engine, target: Engine, against: &'static str, ratios: [f64; 2]) -> Bar {
    Bar {
        pair: Pair { source, target },
        against,
        plain: ratios[0],
        verified: ratios[1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_found_by_its_name() {
        for bar in BARS {
            assert_eq!(Pair::parse(&bar.pair.id()), Some(bar.pair));
        }
        assert_eq!(Pair::parse("sqlite-mariadb"), None);
    }
}
