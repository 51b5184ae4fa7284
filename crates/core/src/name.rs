//! Names of things: tables, other catalog objects, migrations. Quoting them is the dialect's work.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a table (or view, sequence, type) in its namespace.
///
/// An engine without namespaces leaves `namespace` empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableId {
    /// The namespace (SQL schema), where the engine has them.
    pub namespace: Option<String>,
    /// The bare name, unquoted, exactly as the catalog holds it.
    pub name: String,
}

impl TableId {
    /// Makes the name of a table in an engine without namespaces.
    pub fn bare(name: impl Into<String>) -> Self {
        Self {
            namespace: None,
            name: name.into(),
        }
    }

    /// Makes a name inside a namespace.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: Some(namespace.into()),
            name: name.into(),
        }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// The kind of a catalog object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each name says it")]
pub enum ObjectKind {
    Namespace,
    Type,
    Sequence,
    Table,
    Column,
    PrimaryKey,
    Unique,
    Check,
    ForeignKey,
    Exclusion,
    Index,
    View,
    Comment,
    Other,
}

impl ObjectKind {
    /// Returns the kind in words, as reports print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Type => "type",
            Self::Sequence => "sequence",
            Self::Table => "table",
            Self::Column => "column",
            Self::PrimaryKey => "primary key",
            Self::Unique => "unique key",
            Self::Check => "check",
            Self::ForeignKey => "foreign key",
            Self::Exclusion => "exclusion constraint",
            Self::Index => "index",
            Self::View => "view",
            Self::Comment => "comment",
            Self::Other => "object",
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One object of a catalog: its kind, the table (or object) that owns the name, and the part inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectId {
    /// What it is.
    pub kind: ObjectKind,
    /// The table it belongs to, or its own qualified name.
    pub owner: TableId,
    /// The part inside the owner: column, constraint or index name. Empty for the owner itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
}

impl ObjectId {
    /// Names an object that owns itself: a table, view, sequence, type or namespace.
    pub fn whole(kind: ObjectKind, owner: TableId) -> Self {
        Self {
            kind,
            owner,
            part: String::new(),
        }
    }

    /// Names a part of a table: a column, constraint or index.
    pub fn part(kind: ObjectKind, owner: TableId, part: impl Into<String>) -> Self {
        Self {
            kind,
            owner,
            part: part.into(),
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.part.is_empty() {
            write!(f, "{}", self.owner)
        } else {
            write!(f, "{}.{}", self.owner, self.part)
        }
    }
}

/// The id of a migration, like `mig_2026_001`; also the name of its directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MigrationId(pub String);

impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
