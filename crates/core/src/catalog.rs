//! The catalog: the whole description of a database, the same shape for every engine.
//!
//! Everything a database holds is in here: what Whimbrel can move has a type of its own, and the rest is an
//! [`OtherObject`], so that nothing is absent in silence.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{LogicalType, TableId};

/// The whole description of a database. Lists are sorted by name, so that equal databases give equal catalogs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Name of the connector.
    pub engine: String,
    /// Server or library version, as a person would write it.
    pub version: String,
    /// Database name, or file name.
    pub database: String,
    /// Text encoding, such as `UTF8`.
    pub encoding: String,
    /// The default collation, in the engine's words; empty when it has none.
    pub collation: String,
    /// Settings of the server that change what statements mean, such as `lower_case_table_names`, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// Namespaces; empty for an engine without them.
    pub namespaces: Vec<Namespace>,
    /// User-defined types.
    pub types: Vec<UserType>,
    /// Sequences, those behind identity columns included.
    pub sequences: Vec<Sequence>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Views, in an order in which they can be created.
    pub views: Vec<View>,
    /// Everything else: listed, and moved between equal engines as far as it has a [`Making`].
    pub others: Vec<OtherObject>,
    /// What objects may need and the server has or does not have, in words such as `extension hstore`, `role app`, `version 15`; sorted.
    /// Not part of any fingerprint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<String>,
}

impl Catalog {
    /// Looks up a table.
    pub fn table(&self, id: &TableId) -> Option<&Table> {
        let at = self.tables.binary_search_by(|table| table.id.cmp(id)).ok()?;
        self.tables.get(at)
    }

    /// Looks up a sequence.
    pub fn sequence(&self, id: &TableId) -> Option<&Sequence> {
        let at = self
            .sequences
            .binary_search_by(|sequence| sequence.id.cmp(id))
            .ok()?;
        self.sequences.get(at)
    }

    /// Looks up a user-defined type by its qualified name.
    pub fn user_type(&self, id: &TableId) -> Option<&UserType> {
        self.types.iter().find(|user_type| &user_type.id == id)
    }
}

/// A namespace (SQL schema).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Its comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A user-defined type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserType {
    /// Its qualified name.
    pub id: TableId,
    /// What it is.
    pub kind: UserTypeKind,
    /// Its comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// The kinds of user-defined types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UserTypeKind {
    /// A list of labels in order.
    Enum {
        /// The labels.
        labels: Vec<String>,
    },
    /// A base type with constraints.
    Domain {
        /// The native base type.
        base: String,
        /// NOT NULL.
        not_null: bool,
        /// Default expression, native text.
        default: Option<String>,
        /// Checks with their definitions.
        checks: Vec<Check>,
        /// Collation when it differs from the base type's.
        collation: Option<String>,
    },
    /// A row type: attribute names and native types.
    Composite {
        /// Attributes in order.
        attributes: Vec<(String, String)>,
    },
    /// A range over a subtype, as the server describes it.
    Range {
        /// Native subtype.
        subtype: String,
        /// Further options, native text (`subtype_diff = …`), without the subtype.
        options: String,
    },
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub id: TableId,
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Primary key.
    pub primary_key: Option<Key>,
    /// Unique constraints (a unique index that is no constraint is in `indexes`).
    pub uniques: Vec<Key>,
    /// Checks.
    pub checks: Vec<Check>,
    /// Foreign keys that this table declares.
    pub foreign_keys: Vec<ForeignKey>,
    /// Exclusion constraints.
    pub exclusions: Vec<Exclusion>,
    /// Indexes that no constraint owns.
    pub indexes: Vec<Index>,
    /// Comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Table options in the engine's words, such as `without_rowid`, `strict`, `unlogged`, `fillfactor=70`; sorted.
    pub options: Vec<String>,
    /// The native definition, where the engine keeps one (its own CREATE TABLE text).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// For a partitioned table that has no rows of its own: how it is divided, native text, such as `RANGE (created_at)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitioned_by: Option<String>,
    /// For a partition that is a table: whose, and which rows it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition_of: Option<PartitionOf>,
    /// The tables that it inherits from and whose reading shows its rows too, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inherits: Vec<TableId>,
    /// True when reading it shall read the rows of its partitions with it. A catalog never says so: a planner does, for a target that
    /// keeps all rows in one table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flattened: bool,
    /// Why this table cannot be moved (partitioned, foreign, virtual ...); none when it can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmovable: Option<String>,
    /// Name of the database that the table comes from, where several are read as one; none otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The tables of the databases that its rows come from, where a mapping does more than rename it, or where several are read as one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<TablePart>,
    /// The engine's own estimate of the number of rows, without those of partitions that are tables ([`crate::Families`]).
    pub rows_estimate: Option<u64>,
    /// Size of the data in bytes, as the engine knows it, without that of partitions that are tables.
    pub bytes: Option<u64>,
}

impl Table {
    /// Returns names and columns of what holds all rows unique by columns alone: primary and unique keys, then unique indexes.
    pub fn unique_keys(&self) -> impl Iterator<Item = (String, Vec<String>)> {
        let keys = self.primary_key.iter().chain(&self.uniques);
        let keys = keys.map(|key| (key.name.clone(), key.columns.clone()));
        let whole = self
            .indexes
            .iter()
            .filter(|index| index.unique && index.predicate.is_none());
        keys.chain(whole.filter_map(|index| {
            let columns: Option<Vec<String>> = index.parts.iter().map(|part| part.column.clone()).collect();
            Some((index.name.clone(), columns?))
        }))
    }

    /// Tells whether the definition says what becomes of rows that break a key, which stands nowhere else in the catalog.
    pub fn settles_conflicts(&self) -> bool {
        let definition = self.definition.as_deref().unwrap_or_default();
        let words: Vec<String> = definition
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        words.windows(2).any(|pair| pair == ["on", "conflict"])
    }

    /// Returns the option that says how the rows of this one table are stored apart, such as `PARTITION BY HASH (id)`.
    pub fn division(&self) -> Option<&String> {
        self.options.iter().find(|option| divides_rows(option))
    }

    /// Makes a table without anything but its name.
    pub fn empty(id: TableId) -> Self {
        Self {
            id,
            columns: Vec::new(),
            primary_key: None,
            uniques: Vec::new(),
            checks: Vec::new(),
            foreign_keys: Vec::new(),
            exclusions: Vec::new(),
            indexes: Vec::new(),
            comment: None,
            options: Vec::new(),
            definition: None,
            partitioned_by: None,
            partition_of: None,
            inherits: Vec::new(),
            flattened: false,
            unmovable: None,
            origin: None,
            parts: Vec::new(),
            rows_estimate: None,
            bytes: None,
        }
    }

    /// Looks up a column.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Tells whether the engine's word is among the table's options.
    pub fn has_option(&self, option: &str) -> bool {
        self.options.iter().any(|have| have == option)
    }

    /// Returns the columns that identify a row: the primary key, else the first unique key whose columns are all NOT NULL; else none.
    pub fn identity_key(&self) -> Option<&Key> {
        let all_not_null = |key: &&Key| {
            key.columns
                .iter()
                .all(|name| self.column(name).is_some_and(|column| !column.nullable))
        };
        self.primary_key
            .as_ref()
            .filter(all_not_null)
            .or_else(|| self.uniques.iter().find(all_not_null))
    }
}

/// The engine of a catalog that several databases make together; its version names theirs.
pub const SEVERAL: &str = "several";

/// Returns what a database is for people: its engine and version; of several, those of each.
pub fn engine_told(engine: &str, version: &str) -> String {
    match engine {
        SEVERAL => version.to_owned(),
        engine => format!("{engine} {version}"),
    }
}

/// Tells whether an option of a table says how its rows are stored apart.
pub fn divides_rows(option: &str) -> bool {
    option.to_ascii_lowercase().starts_with("partition by")
}

/// A table of a database that rows of a mapped table come from ([`crate::Mapping`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePart {
    /// The database's name among several; none when it is the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The database's engine.
    pub engine: String,
    /// The table, as its database calls it.
    pub table: TableId,
    /// Which of its rows; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<PartFilter>,
    /// What the columns of the mapped table are made of; one that is not listed is NULL.
    pub columns: BTreeMap<String, PartValue>,
}

/// Which rows of a table a mapping takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFilter {
    /// The condition, as a person wrote it.
    pub text: String,
    /// The condition in the SQL of the table's own engine, or why it cannot be said there.
    pub said: PartCondition,
}

/// A condition in an engine's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartCondition {
    /// SQL that is sure to mean the same.
    Sql(String),
    /// What of it the engine may read otherwise.
    Unsure(String),
}

/// What a column of a mapped table is made of in one of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartValue {
    /// The part's own column.
    Column {
        /// Its name.
        name: String,
        /// Its type, as the engine prints it.
        native: String,
    },
    /// A computation, as a person wrote it.
    Computed(String),
}

/// What makes a table a partition of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionOf {
    /// The partitioned table.
    pub parent: TableId,
    /// Which of its rows it takes, native text, such as `FOR VALUES FROM (1) TO (10)` or `DEFAULT`.
    pub bound: String,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The native type exactly as the engine prints it, such as `character varying(20)`; empty when none is declared.
    pub native: String,
    /// The user-defined type behind `native` (enum, domain, composite; also behind an array), when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_type: Option<TableId>,
    /// The form in which the values arrive when a mapping computes them on the way ([`crate::Mapping`]); then `native` is the type that the
    /// column should keep, or empty. None for a column as its database has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<LogicalType>,
    /// How a mapping computes the values, as a person wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derivation: Option<String>,
    /// True when NULL is allowed.
    pub nullable: bool,
    /// Default expression, native text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Identity (auto-increment) properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Generation expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated: Option<Generated>,
    /// Collation when it is not the type's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// What every UPDATE of the row sets the column to (`ON UPDATE CURRENT_TIMESTAMP(6)`), native text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_update: Option<String>,
    /// Further properties in the engine's words, such as `invisible`, `storage=external`; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl Column {
    /// Makes a nullable column without anything else.
    pub fn new(name: impl Into<String>, native: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            native: native.into(),
            user_type: None,
            derived: None,
            derivation: None,
            nullable: true,
            default: None,
            identity: None,
            generated: None,
            collation: None,
            on_update: None,
            options: Vec::new(),
            comment: None,
        }
    }
}

/// An identity (auto-increment) column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// GENERATED ALWAYS (a value of the user's own needs OVERRIDING SYSTEM VALUE).
    pub always: bool,
    /// True when numbers are never used again (AUTOINCREMENT, sequences); false when only `max + 1` is promised.
    pub never_reused: bool,
    /// The sequence behind it, named in [`Catalog::sequences`].
    pub sequence: Option<TableId>,
}

/// A generated column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// The expression, native text.
    pub expression: String,
    /// True when stored, false when computed on reading.
    pub stored: bool,
}

/// A primary or unique key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Constraint name; empty when the engine gives none.
    pub name: String,
    /// Columns in order.
    pub columns: Vec<String>,
    /// Whether it is checked at commit.
    pub deferral: Deferral,
    /// True when NULL equals NULL (`NULLS NOT DISTINCT`).
    pub nulls_equal: bool,
    /// The native definition after the constraint name (`PRIMARY KEY (a, b) INCLUDE (c)`), where the engine prints one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

/// When a constraint is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deferral {
    /// At each statement, always.
    #[default]
    Never,
    /// DEFERRABLE INITIALLY IMMEDIATE.
    Immediate,
    /// DEFERRABLE INITIALLY DEFERRED.
    Deferred,
}

/// A check constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Constraint name; empty when the engine gives none.
    pub name: String,
    /// The condition, native text, without `CHECK (` and `)`.
    pub expression: String,
    /// False for a constraint that is not validated (`NOT VALID`).
    pub validated: bool,
    /// The native definition, where the engine prints one (`CHECK ((a > 0)) NOT VALID`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Constraint name; empty when the engine gives none.
    pub name: String,
    /// Referring columns.
    pub columns: Vec<String>,
    /// Referred table.
    pub references: TableId,
    /// Referred columns; always resolved, also when the declaration leaves them out.
    pub referred: Vec<String>,
    /// `NO ACTION`, `RESTRICT`, `CASCADE`, `SET NULL`, `SET DEFAULT`.
    pub on_update: String,
    /// As `on_update`.
    pub on_delete: String,
    /// True for MATCH FULL.
    pub match_full: bool,
    /// Whether it is checked at commit.
    pub deferral: Deferral,
    /// False for a constraint that is not validated (`NOT VALID`).
    pub validated: bool,
    /// The native definition after the constraint name, where the engine prints one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

/// An exclusion constraint; moves only between equal engines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    /// Constraint name.
    pub name: String,
    /// The native definition after the constraint name.
    pub definition: String,
}

/// An index that no constraint owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// True when it enforces uniqueness.
    pub unique: bool,
    /// Parts in order.
    pub parts: Vec<IndexPart>,
    /// Covering columns (`INCLUDE`).
    pub include: Vec<String>,
    /// Predicate of a partial index, native text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// Access method, such as `btree`, `gin`.
    pub method: String,
    /// True when NULL equals NULL.
    pub nulls_equal: bool,
    /// Further properties in the engine's words, such as `invisible`, `parser=ngram`; sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The native CREATE INDEX statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// One part of an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexPart {
    /// The column, for a plain part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// The expression, native text, for an expression part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// True for DESC.
    pub descending: bool,
    /// NULLS FIRST when it is not the engine's default for the direction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nulls_first: Option<bool>,
    /// Collation when not the column's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collation: Option<String>,
    /// Operator class when not the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_class: Option<String>,
    /// How many characters (bytes of a binary column) from the beginning are indexed, when not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u32>,
}

/// A sequence, or what plays its part behind an auto-increment column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its name; for an engine without named sequences `TABLE_COLUMN_seq`.
    pub id: TableId,
    /// Native integer type.
    pub native: String,
    /// START WITH.
    pub start: i64,
    /// INCREMENT BY.
    pub increment: i64,
    /// MINVALUE.
    pub min: i64,
    /// MAXVALUE.
    pub max: i64,
    /// CACHE.
    pub cache: i64,
    /// CYCLE.
    pub cycle: bool,
    /// The column that owns it (`OWNED BY`, identity, auto-increment).
    pub owned_by: Option<(TableId, String)>,
    /// True when it is internal to an identity column: created with the table, not by a statement of its own.
    pub implicit: bool,
    /// Where it stands; not part of any fingerprint or hash.
    pub position: Option<SequencePosition>,
    /// Comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Where a sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequencePosition {
    /// The last value, or the first one to come when not yet called.
    pub last_value: i64,
    /// False when `last_value` itself is the next value.
    pub is_called: bool,
}

impl SequencePosition {
    /// Returns the number that comes next, which may be one that the sequence cannot hold.
    pub fn next(&self, increment: i64) -> i128 {
        let step = if self.is_called { increment } else { 0 };
        i128::from(self.last_value) + i128::from(step)
    }

    /// Tells whether the next number is not beyond the furthest one of a column, in the direction of counting.
    pub fn is_behind(&self, increment: i64, furthest: i128) -> bool {
        let next = self.next(increment);
        match increment < 0 {
            true => next >= furthest,
            false => next <= furthest,
        }
    }
}

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub id: TableId,
    /// Column names in order.
    pub columns: Vec<String>,
    /// The query, native text, without CREATE VIEW.
    pub query: String,
    /// The whole native statement, where the engine keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Tables and views that it reads.
    pub reads: Vec<TableId>,
    /// Options in the engine's words, such as `security_barrier=true`.
    pub options: Vec<String>,
    /// Comment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// An object that is listed but has no type of its own here: trigger, function, policy, grant, extension ...
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OtherObject {
    /// The kind in the engine's words, such as `trigger`.
    pub kind: String,
    /// Its name.
    pub id: TableId,
    /// The table it hangs on, when it does.
    pub table: Option<TableId>,
    /// The native definition, when it can be had.
    pub definition: Option<String>,
    /// How it is made in another database of the same engine; none when it can only be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub making: Option<Making>,
}

/// How an object is made that has no type of its own here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Making {
    /// The statements that make it, native text.
    pub statements: Vec<String>,
    /// The statements that take it back, in order.
    pub undo: Vec<String>,
    /// When it can be made.
    pub stage: MakingStage,
    /// Tables, views, types and other objects that must be there before.
    pub after: Vec<TableId>,
    /// What the target must offer for it, in the words of [`Catalog::offers`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// The finding's code under which a person decides whether it moves (`privileges`, `definer`); none when it moves with the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
}

/// When an object can be made, among the steps of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MakingStage {
    /// Before any type (extensions, collations).
    First,
    /// Before the tables (functions that read none).
    BeforeTables,
    /// Among the views, where `after` says (functions that read tables or views).
    AmongViews,
    /// After everything else and after the data (triggers, policies, rules, events, privileges).
    Last,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_behind_while_its_next_number_may_be_taken() {
        let at = |last_value, is_called| SequencePosition {
            last_value,
            is_called,
        };
        assert!(!at(9, true).is_behind(1, 9), "10 comes next");
        assert!(at(9, false).is_behind(1, 9), "9 comes next");
        assert!(at(5, true).is_behind(2, 7) && !at(5, true).is_behind(3, 7));
        assert!(at(-5, true).is_behind(-1, -6) && !at(-5, true).is_behind(-1, -5));
        assert!(
            !at(i64::MAX, true).is_behind(1, i128::from(i64::MAX)),
            "nothing comes next that is taken"
        );
    }
}
