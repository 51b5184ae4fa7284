//! The mapping: how the tables of the sources become the tables that are moved. Data only, as a person writes it and as the plan keeps it;
//! what it means for two catalogs is worked out by whoever reads the sources through it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{TableId, Written};

/// How the tables of the sources become the tables that are moved. Empty: everything moves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// The databases that are read as one, in order; empty when there is a single one, which needs no name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceRule>,
    /// Namespaces of the source and what they are called in the target.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaces: BTreeMap<String, String>,
    /// What becomes of tables. A table that no rule names moves as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableRule>,
    /// Tables of values for `lookup(...)` in expressions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lookups: Vec<LookupRule>,
    /// The order in which tables are copied, first wave first; tables in none come after all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<WaveRule>,
    /// Name of the environment's variable that holds the key of `hash` masks. Without one the hashes can be found by guessing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_key: Option<String>,
    /// What tells the key from others and does not show it, filled in when the plan is made: another key is another plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask_mark: Option<String>,
    /// Where the rest of the file was written, by its sections and keys.
    #[serde(skip)]
    pub written: Written,
}

impl Mapping {
    /// Tells whether everything moves as it is, from one source.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }

    /// Returns the place of the first wave that takes the table, by its name in the source or in the target; behind all when none does.
    pub fn wave_of(&self, source: &TableId, target: &TableId) -> usize {
        let takes = |wave: &WaveRule| {
            let mut patterns = wave.tables.iter();
            patterns.any(|pattern| source.matches(pattern) || target.matches(pattern))
        };
        let found = self.waves.iter().position(takes);
        found.unwrap_or(self.waves.len())
    }

    /// Returns the mapping as a person wrote it, without what was filled in when the plan was made.
    pub fn as_written(&self) -> Self {
        let mut written = self.clone();
        written.mask_mark = None;
        written.sources.iter_mut().for_each(|source| source.url = None);
        written.lookups.iter_mut().for_each(|lookup| lookup.digest = None);
        written
    }

    /// Tells whether rows are read through the mapping: several sources, or a rule that does more than rename.
    pub fn changes_rows(&self) -> bool {
        !self.sources.is_empty() || self.tables.iter().any(TableRule::changes_rows)
    }
}

/// What a mapping calls things in the target, worked out for one catalog: by the names in the (mapped) source. What is not in here keeps its
/// name or its type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renames {
    /// Namespaces.
    pub namespaces: BTreeMap<String, String>,
    /// Tables.
    pub tables: BTreeMap<TableId, TableId>,
    /// Columns of each table.
    pub columns: BTreeMap<TableId, BTreeMap<String, String>>,
    /// Columns of each table that stay behind.
    pub gone: BTreeMap<TableId, BTreeSet<String>>,
    /// Native types in the target, by column of each table.
    pub types: BTreeMap<TableId, BTreeMap<String, String>>,
    /// Columns of each table whose values a person's type may not keep as they are.
    pub lossy: BTreeMap<TableId, BTreeMap<String, Lossy>>,
    /// Columns of each table whose values become of another kind, with the kinds in words.
    pub turned: BTreeMap<TableId, BTreeMap<String, String>>,
    /// Tables that no one table stands for any more: they are split or merged.
    pub dissolved: BTreeSet<TableId>,
    /// The sources' tables that a mapped table is made of, where its own name is another one.
    pub origins: BTreeMap<TableId, Vec<TableId>>,
}

/// A cast that may change values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lossy {
    /// What they are cast to, as expressions name it.
    pub form: String,
    /// What becomes of them.
    pub why: String,
}

/// One of several sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceRule {
    /// What it is called in rules, findings and reports.
    pub name: String,
    /// The namespace that its tables have in the mapped catalog; the name when nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its URL without password, filled in when the plan is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where it was written.
    #[serde(skip)]
    pub written: Written,
}

impl SourceRule {
    /// Returns the namespace of its tables.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or(&self.name)
    }
}

/// What becomes of a table, or of each of several. Several rules `from` one table split it; several rules `to` one table merge into it.
/// Expressions name the columns as the source does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TableRule {
    /// The source tables: `name` or `namespace.name`, with `*` and `?` when there is no `to`.
    #[serde(deserialize_with = "one_or_many")]
    pub from: Vec<String>,
    /// Its name in the target, `name` or `namespace.name`; the source's name when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Which rows; all when absent. A row for which the condition is NULL stays behind.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Only these columns, by pattern; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Not these columns, by pattern.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Source column to its name in the target.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rename: BTreeMap<String, String>,
    /// Column of the target to the expression that computes it: a new one, or one of the source's in place of its value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub compute: BTreeMap<String, String>,
    /// Source column to the expression that takes the place of NULL.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub default: BTreeMap<String, String>,
    /// Source column to the mask that hides its values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mask: BTreeMap<String, MaskRule>,
    /// Source column to the type in the target's words.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub types: BTreeMap<String, String>,
    /// A further column that holds the name of the source that the row comes from. It becomes the first column of the primary key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_column: Option<String>,
    /// The primary key, by columns of the target, when it is not the first source table's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Where it was written.
    #[serde(skip)]
    pub written: Written,
}

impl TableRule {
    /// Returns what the rule calls columns of its tables, names and patterns, but for what it computes; each with the key under which it stands.
    pub fn columns_named(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let named = |key: &'static str| move |name| (key, name);
        let renamed = self.rename.keys().map(named("rename"));
        let filled = self.default.keys().map(named("default"));
        let hidden = self.mask.keys().map(named("mask"));
        let turned = self.types.keys().map(named("types"));
        let kept = self.columns.iter().map(named("columns"));
        let left = self.exclude.iter().map(named("exclude"));
        renamed
            .chain(filled)
            .chain(hidden)
            .chain(turned)
            .chain(kept)
            .chain(left)
    }

    /// Tells whether the rule does more than rename the table and its columns.
    pub fn changes_rows(&self) -> bool {
        let names_only = Self {
            filter: None,
            columns: Vec::new(),
            exclude: Vec::new(),
            compute: BTreeMap::new(),
            default: BTreeMap::new(),
            mask: BTreeMap::new(),
            types: BTreeMap::new(),
            source_column: None,
            key: Vec::new(),
            ..self.clone()
        };
        self.from.len() != 1 || &names_only != self
    }
}

/// How values are hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MaskRule {
    /// The same value becomes the same other value in every table, so that keys stay joined.
    Hash,
    /// Every value becomes the same one.
    Redact,
    /// All but the last characters become `*`.
    KeepLast(u32),
}

impl TryFrom<String> for MaskRule {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let count = text
            .strip_prefix("keep_last(")
            .and_then(|rest| rest.strip_suffix(')'));
        let count = count.or_else(|| text.strip_prefix("keep-last-")).map(str::trim);
        match (text.as_str(), count.map(str::parse)) {
            ("hash", _) => Ok(Self::Hash),
            ("redact", _) => Ok(Self::Redact),
            (_, Some(Ok(count))) => Ok(Self::KeepLast(count)),
            _ => Err("a mask must be `hash`, `redact` or `keep_last(N)`".to_owned()),
        }
    }
}

impl From<MaskRule> for String {
    fn from(rule: MaskRule) -> Self {
        match rule {
            MaskRule::Hash => "hash".to_owned(),
            MaskRule::Redact => "redact".to_owned(),
            MaskRule::KeepLast(count) => format!("keep_last({count})"),
        }
    }
}

/// A table of values for `lookup('name', key)` in expressions: a CSV file with a header, or columns of a table of a source. A key of several
/// columns is looked for with as many arguments, in the order of the columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookupRule {
    /// Its name in expressions.
    pub name: String,
    /// The CSV file, with a line of column names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The table of a source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The columns that are looked for; the first one of a file when nobody says.
    #[serde(
        default,
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub key: Vec<String>,
    /// The columns that are found, the one first that is meant when an expression names none; all others of a file when nobody says.
    #[serde(
        default,
        deserialize_with = "one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub value: Vec<String>,
    /// SHA-256 in hex of the file's bytes, filled in when the plan is made: another file is another plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Where it was written.
    #[serde(skip)]
    pub written: Written,
}

/// A named part of the sequence in which tables are copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaveRule {
    /// Its name, such as `reference`.
    pub name: String,
    /// Its tables, by pattern.
    pub tables: Vec<String>,
    /// Where it was written.
    #[serde(skip)]
    pub written: Written,
}

/// Reads a text or a list of them.
fn one_or_many<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(from)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_only_renames_does_not_change_rows() {
        let rename = TableRule {
            from: vec!["customers".to_owned()],
            to: Some("people".to_owned()),
            rename: BTreeMap::from([("nm".to_owned(), "name".to_owned())]),
            ..TableRule::default()
        };
        assert!(!rename.changes_rows());
        let filter = TableRule {
            filter: Some("id > 3".to_owned()),
            ..rename.clone()
        };
        assert!(filter.changes_rows());
        let merge = TableRule {
            from: vec!["a".to_owned(), "b".to_owned()],
            ..rename
        };
        assert!(merge.changes_rows());
    }
}
