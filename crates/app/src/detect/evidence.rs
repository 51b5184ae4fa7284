//! A piece of evidence: where it stands, what it says and how much it weighs. Finding it is the detectors'.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde::Serialize;

use super::found::kind;
use super::masked::Masked;
use super::project::File;

/// How many pieces of one kind are shown.
const OF_A_KIND_MAX: usize = 5;
/// Pieces of one line, which may be as long as a file.
pub(super) const OF_A_LINE_MAX: usize = 100;

/// Detectors that read files of any kind, and know less of each.
const GENERAL: [&str; 2] = ["settings", "programs"];
/// Letters that show nothing, and end lines or turn the direction of what follows.
const ACTS: [RangeInclusive<char>; 7] = [
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{e0000}'..='\u{e007f}',
];

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// PostgreSQL.
    Postgresql,
    /// MySQL.
    Mysql,
    /// MariaDB, of the family of MySQL.
    Mariadb,
    /// SQLite.
    Sqlite,
    /// MongoDB.
    Mongodb,
}

impl Engine {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgresql",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
            Self::Sqlite => "sqlite",
            Self::Mongodb => "mongodb",
        }
    }

    /// Returns the engine that stands for its family.
    pub(super) fn family(self) -> Self {
        match self {
            Self::Mariadb => Self::Mysql,
            Self::Postgresql | Self::Mysql | Self::Sqlite | Self::Mongodb => self,
        }
    }

    /// Returns the engine that a word of a setting means: a name, an adapter, a driver or the scheme of a URL.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "postgres"
            | "postgresql"
            | "pg"
            | "pgsql"
            | "pg-native"
            | "pgnative"
            | "postgis"
            | "psycopg2"
            | "psycopg"
            | "asyncpg"
            | "pdo_pgsql"
            | "postgresql_psycopg2"
            | "pgx" => Self::Postgresql,
            "mysql" | "mysql2" | "mysql4" | "mysqlx" | "trilogy" | "pymysql" | "pdo_mysql" | "mysqli" => {
                Self::Mysql
            }
            "mariadb" => Self::Mariadb,
            "sqlite" | "sqlite3" | "better-sqlite3" | "spatialite" | "libsql" | "pdo_sqlite" | "turso" => {
                Self::Sqlite
            }
            "mongo" | "mongodb" | "mongodb+srv" | "djongo" | "django_mongodb_backend" => Self::Mongodb,
            _ => return None,
        })
    }
}

/// How much a piece of evidence weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// It would be there without the database, too.
    Weak,
    /// It is likely; or it stands among tests, examples or documents.
    Medium,
    /// The project says so, or holds the database itself.
    Strong,
}

impl Weight {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Medium => "medium",
            Self::Strong => "strong",
        }
    }

    fn lighter(self) -> Self {
        match self {
            Self::Strong => Self::Medium,
            Self::Medium | Self::Weak => Self::Weak,
        }
    }
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The detector that found it.
    pub detector: &'static str,
    /// How much it weighs.
    pub weight: Weight,
    /// The database it speaks for.
    pub database: Option<Engine>,
    /// The migration tool it speaks for.
    pub tool: Option<&'static str>,
    /// The file, relative to the folder.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// What stands there, without secrets.
    pub what: String,
    /// The database as an argument of a command, when the place says where it is.
    #[serde(skip)]
    pub(super) address: Option<String>,
}

impl Evidence {
    /// Makes evidence that a file gives; it is lighter when the file stands among tests, examples or documents.
    pub(super) fn new(file: &File, weight: Weight, what: impl AsRef<str>) -> Self {
        Self {
            detector: "",
            weight: if file.aside { weight.lighter() } else { weight },
            database: None,
            tool: None,
            file: printable(&file.path),
            line: None,
            what: printable(what.as_ref()),
            address: None,
        }
    }

    /// Makes evidence that a URL in a file gives; `place` is what the URL is called there.
    pub(super) fn of_url(file: &File, weight: Weight, place: &str, url: &Masked) -> Self {
        let mut evidence = Self::new(file, weight, format!("{place} is `{}`", url.shown)).of(url.engine);
        evidence.address.clone_from(&url.address);
        evidence
    }

    /// Makes evidence that something outside the folder gives.
    pub(super) fn outside(weight: Weight, what: impl AsRef<str>) -> Self {
        Self {
            detector: "",
            weight,
            database: None,
            tool: None,
            file: String::new(),
            line: None,
            what: printable(what.as_ref()),
            address: None,
        }
    }

    /// Adds the line, counted from 0.
    pub(super) fn on(mut self, line: usize) -> Self {
        self.line = Some(line + 1);
        self
    }

    /// Adds the database that it speaks for.
    pub(super) fn of(mut self, engine: Engine) -> Self {
        self.database = Some(engine);
        self
    }

    /// Adds the migration tool that it speaks for.
    pub(super) fn by(mut self, tool: &'static str) -> Self {
        self.tool = Some(tool);
        self
    }
}

/// Returns the text with nothing in it that a terminal would act on.
pub(super) fn printable(text: &str) -> String {
    let is_printed = |letter: char| !letter.is_control() && !ACTS.iter().any(|range| range.contains(&letter));
    text.chars()
        .map(|letter| if is_printed(letter) { letter } else { '?' })
        .collect()
}

/// Returns the evidence without what a second detector says of the same line about the same database, the more telling one kept.
pub(super) fn told_once(evidence: Vec<Evidence>) -> Vec<Evidence> {
    let mut at_place: BTreeMap<(&str, usize, Engine), Vec<usize>> = BTreeMap::new();
    for (at, each) in evidence.iter().enumerate() {
        if let (Some(line), Some(engine)) = (each.line, each.database) {
            at_place.entry((&each.file, line, engine)).or_default().push(at);
        }
    }
    let mut is_repeated = vec![false; evidence.len()];
    for pieces in at_place.values() {
        let telling = |at: &usize| {
            let each = &evidence[*at];
            (
                each.weight,
                each.tool,
                !GENERAL.contains(&each.detector),
                std::cmp::Reverse(*at),
            )
        };
        let Some(best) = pieces
            .iter()
            .max_by_key(|at| telling(at))
            .map(|at| &evidence[*at])
        else {
            continue;
        };
        let mut seen = BTreeSet::new();
        for at in pieces {
            let each = &evidence[*at];
            let says_no_more = each.tool.is_none() || each.tool == best.tool;
            let is_new = seen.insert((each.detector, each.tool, &each.what));
            is_repeated[*at] = each.detector != best.detector && says_no_more || !is_new;
        }
    }
    let pieces = evidence.into_iter().zip(is_repeated);
    pieces
        .filter(|(_, is_repeated)| !is_repeated)
        .map(|(each, _)| each)
        .collect()
}

/// Returns the first pieces of each kind.
pub(super) fn of_each_kind(mut evidence: Vec<Evidence>) -> Vec<Evidence> {
    let mut kinds = BTreeMap::new();
    evidence.retain(|each| {
        let of_kind: &mut usize = kinds.entry(kind(each)).or_default();
        *of_kind += 1;
        *of_kind <= OF_A_KIND_MAX
    });
    evidence
}
