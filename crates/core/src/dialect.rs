//! The dialect: an engine's types, quoting, expressions and statements, without a connection.

use std::collections::BTreeMap;

use sqlparser::ast::{Expr, Query};

use crate::{
    Catalog, Check, Column, ColumnProfile, Comparable, ForeignKey, Index, Key, LogicalType, Mapped,
    Namespace, ObjectKind, OtherObject, Result, Sequence, Step, Table, TableId, TextEquality, UserType,
    ValueRule, View,
};

/// An engine's language. Pure: no connection, no clock, the same answer for the same question.
///
/// Expressions meet in a neutral form: standard SQL as `sqlparser` parses it with its generic dialect. [`Dialect::parse`] turns the engine's
/// spelling into it (`'x'::text` into a plain literal, `strftime('%s','now')` into nothing that others know, `now()` into
/// `CURRENT_TIMESTAMP`), [`Dialect::render`] spells it for the engine and refuses what it does not know.
///
/// The words of the neutral form:
/// * names are quoted with `"` and spelled exactly as the source's catalog has them; only `render` changes them, by
///   [`ExpressionContext::renames`] and [`ExpressionContext::tables`]; a table's name in a `FROM` may stand before a column as a qualifier;
/// * literals are numbers, `'text'` (also for dates, times, UUIDs and the like), `X'0A'`, `TRUE`, `FALSE`, `NULL`; `parse` turns 0 and 1 into
///   truth values where the context says that the other side is boolean;
/// * `LIKE` minds case, `ILIKE` does not; `IS [NOT] DISTINCT FROM`; `||`; `CASE`; `CAST(x AS type)` to standard types;
/// * `CURRENT_TIMESTAMP`, `CURRENT_DATE`, `CURRENT_TIME`; where text is expected of them the meaning differs and `parse` refuses;
/// * functions: `lower upper length octet_length substr right lpad rpad reverse replace trim ltrim rtrim strpos concat_ws abs sign round ceil
///   floor mod power coalesce nullif greatest least count sum avg min max string_agg json_valid gen_random_uuid`, `EXTRACT(field FROM x)`,
///   and the window functions `row_number rank dense_rank lag lead first_value last_value ntile`;
/// * of these `greatest` and `least` are NULL when one argument is, `concat_ws` leaves NULLs out, `power` is a float, and `substr`, `right`,
///   `lpad` and `rpad` have positions and lengths that are literals from 1 (lengths from 0) on; `/` of whole numbers is whole.
pub trait Dialect: Send + Sync {
    /// Returns the form in which the column's values travel to another engine, and what else they could be.
    /// `profile` narrows only what every row fulfils. A `Lossy` or alternatives make the planner ask.
    fn logical(
        &self,
        column: &Column,
        catalog: &Catalog,
        profile: Option<&ColumnProfile>,
    ) -> Mapped<LogicalType>;

    /// Returns the form in which the column's values travel to a database of the same engine and the same native type: exact for everything.
    fn wire(&self, column: &Column) -> LogicalType;

    /// Returns the form in which the column's values travel between equal engines where another column of the row cannot be written beside
    /// [`Dialect::wire`]; the same where there is no such thing.
    fn printed(&self, column: &Column) -> LogicalType {
        self.wire(column)
    }

    /// Tells whether values of the form can be written into the native type beside others in the engine's own form.
    fn is_beside_wire(&self, _logical: &LogicalType, _native: &str) -> bool {
        true
    }

    /// Tells whether a column that travels as text or bytes takes any which are not too long; false where the type reads only some of its own.
    fn takes_any_text(&self, _column: &Column) -> bool {
        true
    }

    /// Returns what the column takes of the values of its form; none when it takes all that are not too long or too large for the form.
    fn room(&self, _column: &Column) -> Option<Room> {
        None
    }

    /// Returns a query for what the column makes of a text, as the server prints it, where only the server knows what the column takes: NULL or
    /// an error where the text is no value of its type. None when [`Dialect::logical`] and [`Dialect::room`] say it all.
    fn reading(&self, _column: &Column, _text: &str) -> Option<String> {
        None
    }

    /// Returns the native type that holds the logical type, spelled as the engine's catalog prints it.
    fn native(&self, logical: &LogicalType, usage: &ColumnUse) -> Mapped<String>;

    /// Returns the native type in which a column of a related engine (another flavour of the same server) arrives in that engine's own wire
    /// form, exact for every value; none when it must travel by a logical type.
    fn adopt(&self, _engine: &str, _column: &Column) -> Option<String> {
        None
    }

    /// Tells whether the engine is another flavour of this one, which knows most of the same words.
    fn is_kin(&self, _engine: &str) -> bool {
        false
    }

    /// Returns which different texts the column's collation calls equal.
    fn equality(&self, _column: &Column) -> TextEquality {
        TextEquality::default()
    }

    /// Returns the collation that calls the same texts equal, for a text column of this engine; none when there is none. The exact equality
    /// always has one, or is the default (an empty name).
    fn collation(&self, _equality: TextEquality) -> Option<TargetCollation> {
        None
    }

    /// Returns wider or other types for columns of a table whose rows or keys would break the engine's limits together, by position.
    fn fit_row(&self, _columns: &[NativeColumn<'_>]) -> Vec<(usize, Mapped<String>)> {
        Vec::new()
    }

    /// Returns the names of the unique keys and indexes that have to stand inside CREATE TABLE (a numbered column needs one at once). They stay
    /// in the table of [`Change::CreateTable`], and no change of their own is made for them.
    fn keys_within(&self, _table: &Table) -> Vec<String> {
        Vec::new()
    }

    /// Tells whether the table's primary key is added after the rows, by [`Change::AddPrimaryKey`], because that is faster than keeping it as
    /// rows come.
    fn adds_primary_key(&self, _table: &Table) -> bool {
        false
    }

    /// Returns for each column of one key or index how much of it the engine can hold there (characters of text, bytes of bytes) when that is
    /// not all of it; empty when everything fits. Asked only of columns that are whole parts.
    fn fit_key(&self, _columns: &[NativeColumn<'_>]) -> Vec<Option<u32>> {
        Vec::new()
    }

    /// Says why some of the values that the profile saw do not fit the native type although they have the logical form (a year beyond
    /// 9999, an infinity); none when all fit. The rules are those that would let the rows arrive.
    fn misfit(
        &self,
        _native: &str,
        _logical: &LogicalType,
        _profile: &ColumnProfile,
    ) -> Option<(String, Vec<ValueRule>)> {
        None
    }

    /// Tells whether an index that calls functions of the user's has to be made before there are rows: over rows that are there already the
    /// engine runs the functions under other settings, and they may not find what they name.
    fn indexes_with_functions_come_first(&self) -> bool {
        false
    }

    /// Tells whether the engine's text types hold U+0000.
    fn holds_nul_text(&self) -> bool {
        true
    }

    /// Tells whether the engine has the feature. The planner leaves out what a target does not have, and says so.
    fn has(&self, _feature: Feature) -> bool {
        false
    }

    /// Tells whether the native definition of a key, a foreign key or a check asks for the feature, where no other field says so.
    fn asks_for(&self, _definition: &str, _feature: Feature) -> bool {
        false
    }

    /// Tells whether a name that keeps to the engine's limit has room where names of the kind are kept (a file of that name).
    fn has_room_for(&self, _kind: ObjectKind, _name: &str) -> bool {
        true
    }

    /// Tells whether the engine keeps the name for itself (a system column, a prefix of its own); the planner then changes it.
    fn reserves(&self, _kind: ObjectKind, _name: &str) -> bool {
        false
    }

    /// Returns how the catalog prints a type that a person wants in a mapping (`timestamptz`); none for a type that the engine does not have,
    /// or that a computed value cannot be turned into.
    fn castable(&self, wanted: &str) -> Option<String> {
        Some(wanted.to_owned())
    }

    /// Returns the names of the castable types that people mostly mean, for hints.
    fn castable_types(&self) -> &'static [&'static str] {
        &[]
    }

    /// Returns the type that holds every value of a castable one, where a column that is declared so would change some.
    fn holding_type(&self, native: &str) -> String {
        native.to_owned()
    }

    /// Returns the type of a column that numbers itself, for one that a person wants to have the native type; none when no such column can
    /// number itself.
    fn numbering_type(&self, native: &str) -> Option<String>;

    /// Quotes an identifier, always.
    fn quote(&self, identifier: &str) -> String;

    /// Quotes a text literal.
    fn literal(&self, text: &str) -> String;

    /// Returns an aggregate over a column, quoted already, that comes to the same number in every engine that has it: queries that a person
    /// runs by hand. None when this engine cannot compute it.
    fn column_check(&self, check: ColumnCheck, column: &str) -> Option<String> {
        match check {
            ColumnCheck::Nulls => Some(format!("count(*) - count({column})")),
            ColumnCheck::Distinct => Some(format!("count(DISTINCT {column})")),
            ColumnCheck::Sum => Some(format!("sum({column})")),
            ColumnCheck::DistinctTexts
            | ColumnCheck::SumHigh
            | ColumnCheck::SumLow
            | ColumnCheck::Characters
            | ColumnCheck::Hashes => None,
        }
    }

    /// Returns a column, quoted already, as it stands in a condition that a person runs by hand, so that its order and its equality are those
    /// of mappings. None when comparing its values can say something else here.
    fn compared(&self, _column: &str, _comparable: Comparable) -> Option<String> {
        None
    }

    /// Returns the name of a table as statements spell it, quoted.
    fn table(&self, id: &TableId) -> String {
        match &id.namespace {
            Some(namespace) => format!("{}.{}", self.quote(namespace), self.quote(&id.name)),
            None => self.quote(&id.name),
        }
    }

    /// Returns the name of a user-defined type as the engine's catalog prints it for a column's native type.
    fn type_name(&self, id: &TableId) -> String {
        self.table(id)
    }

    /// Parses the engine's expression into the neutral form.
    ///
    /// # Errors
    /// [`Untranslated`] says which part has no neutral form.
    fn parse(&self, expression: &str, context: &ExpressionContext) -> Result<Expr, Untranslated>;

    /// Spells a neutral expression for the engine.
    ///
    /// # Errors
    /// [`Untranslated`] says which part the engine does not have; unknown functions are never passed on.
    fn render(&self, expression: &Expr, context: &ExpressionContext) -> Result<String, Untranslated>;

    /// Parses a view's query into the neutral form.
    ///
    /// # Errors
    /// As [`Dialect::parse`].
    fn parse_query(&self, query: &str, context: &ExpressionContext) -> Result<Query, Untranslated>;

    /// Spells a neutral query for the engine.
    ///
    /// # Errors
    /// As [`Dialect::render`].
    fn render_query(&self, query: &Query, context: &ExpressionContext) -> Result<String, Untranslated>;

    /// Returns how the engine's text falls into words.
    fn grammar(&self) -> &dyn sqlparser::dialect::Dialect {
        &sqlparser::dialect::GenericDialect {}
    }

    /// Returns the steps that make the change, each with its undo. Step ids are filled in by the planner.
    ///
    /// # Errors
    /// `Unsupported` when the engine has no such thing; the planner avoids it by the capabilities.
    fn steps(&self, change: &Change) -> Result<Vec<Step>>;
}

/// What a column takes of the values of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// So many bytes.
    Bytes {
        /// The most.
        most: u32,
        /// True when it takes no fewer.
        is_fixed: bool,
    },
    /// Texts of so many bytes in UTF-8.
    TextBytes(u32),
    /// The years of a calendar.
    Years,
    /// Whole numbers.
    Whole {
        /// The least.
        least: i128,
        /// The greatest.
        most: i128,
    },
    /// Numbers with so many digits.
    Digits {
        /// Before the point.
        whole: u32,
        /// Behind it.
        places: u32,
        /// True when they may be below zero.
        is_signed: bool,
    },
    /// Days and moments, in microseconds since 1970; the infinities always.
    Moments {
        /// The first.
        first: i64,
        /// The last.
        last: i64,
        /// Digits of the fraction of a second.
        places: u8,
    },
    /// Times of day, and spans without days.
    Clock {
        /// The longest, in microseconds, either way.
        most: i64,
        /// Digits of the fraction of a second.
        places: u8,
    },
}

/// A feature that some engines have, as far as it can be left out without touching a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Feature {
    /// Comments on objects.
    Comments,
    /// Primary and unique keys that are checked at commit.
    DeferrableKeys,
    /// Foreign keys that are checked at commit.
    DeferrableForeignKeys,
    /// MATCH FULL.
    MatchFull,
    /// Foreign keys that set the default.
    SetDefault,
    /// Keys in which NULL equals NULL.
    NullsEqual,
    /// Covering columns of an index.
    CoveringColumns,
    /// NULLS FIRST and NULLS LAST in an index.
    NullsOrder,
    /// Identity columns that refuse a value of the user's own.
    IdentityAlways,
    /// Generated columns that are computed on reading.
    VirtualColumns,
    /// Floats that are NaN or negative zero.
    EveryFloat,
    /// Indexes over some of the rows.
    PartialIndexes,
    /// Indexes over expressions.
    ExpressionIndexes,
    /// Indexes over the beginning of a text.
    PrefixIndexes,
    /// Indexes of words, made by [`Change::CreateIndex`] with the method `fulltext`.
    TextIndexes,
    /// A column that every UPDATE of its row sets to the time.
    OnUpdate,
    /// [`Change::StampOnUpdate`].
    StampTriggers,
    /// [`Change::CreateCollation`].
    Collations,
    /// Checks.
    Checks,
    /// Checks that rows from before break, made after the rows arrived.
    UnvalidatedChecks,
    /// Keys whose periods do not overlap, and foreign keys whose periods are covered by those that they refer to.
    Periods,
    /// Checks and foreign keys that nothing enforces.
    NotEnforced,
}

/// What a column is used for, as far as its type depends on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ColumnUse {
    /// Part of a key or an index.
    pub indexed: bool,
    /// Filled by the engine's auto-increment.
    pub identity: bool,
    /// The only column of the primary key.
    pub sole_primary_key: bool,
    /// The most columns of a key or an index that it is part of; 0 for none.
    pub key_columns: u32,
    /// Most characters (bytes, for bytes) of a value that the profile saw, for a type that needs a length.
    pub length_seen: Option<u64>,
}

/// A collation of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetCollation {
    /// Its name, as [`Column::collation`] holds it.
    pub name: String,
    /// What it calls equal; may be a little more or less than was asked for, then the planner says so.
    pub equality: TextEquality,
    /// True when [`Change::CreateCollation`] has to make it first.
    pub made: bool,
}

/// What [`Dialect::column_check`] counts or adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnCheck {
    /// The NULLs.
    Nulls,
    /// The different values.
    Distinct,
    /// The different texts, byte by byte whatever the collation says.
    DistinctTexts,
    /// The sum of numbers; only where it is exact, however large it gets.
    Sum,
    /// The sum of what integers have above their last nine digits, towards zero; fits 64 bits.
    SumHigh,
    /// The sum of the last nine digits of integers, with their signs; fits 64 bits.
    SumLow,
    /// The sum of the numbers of characters of texts.
    Characters,
    /// The sum of the first 32 bits of the SHA-256 of each text in UTF-8.
    Hashes,
}

/// A column as it is about to become, for [`Dialect::fit_row`].
#[derive(Debug, Clone, Copy)]
pub struct NativeColumn<'a> {
    /// Its logical type.
    pub logical: &'a LogicalType,
    /// Its native type.
    pub native: &'a str,
    /// What it is used for.
    pub usage: ColumnUse,
}

/// What an expression may refer to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExpressionContext {
    /// The logical type in the target of each column that may be named, by the column's name in the expression.
    pub columns: BTreeMap<String, LogicalType>,
    /// The table whose columns stand bare in the expression, as the source calls it; none in a query.
    pub table: Option<TableId>,
    /// Columns whose names change: source name to target name.
    pub renames: BTreeMap<String, String>,
    /// Tables (and views) as the source names them, and as the target names them.
    pub tables: BTreeMap<TableId, TableId>,
    /// The logical type of the place the value goes to (a default's column), when there is one.
    pub expected: Option<LogicalType>,
    /// The collation of each text column in the source, where one is declared, by the column's name.
    pub collations: BTreeMap<String, String>,
    /// Name of the database whose words the expression is in, where several are read as one ([`crate::Table::origin`]).
    pub origin: Option<String>,
    /// True when source and target are one engine or flavours of one server ([`Dialect::is_kin`]): words that only they know may pass.
    pub kin: bool,
}

/// Why an expression has no translation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Untranslated {
    /// The part and the reason, such as ``function `jsonb_path_exists` is not known to the target``.
    pub what: String,
}

impl Untranslated {
    /// Makes the reason.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

/// A change of a target's structure, in the target's terms. The dialect turns it into steps.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Make a namespace.
    CreateNamespace(Namespace),
    /// Make a user-defined type.
    CreateType(UserType),
    /// Make a sequence that is not implicit.
    CreateSequence(Sequence),
    /// Make a table. With inline constraints, everything but plain indexes; otherwise columns, defaults, identity, generated columns,
    /// primary key, checks and comments. Unique keys, exclusions, foreign keys and indexes follow as changes of their own.
    CreateTable {
        /// The table.
        table: Table,
        /// The implicit sequences of its identity columns, for their options.
        sequences: Vec<Sequence>,
        /// True when a database of the same engine declares it so; its values may be looser than the types that the planner would choose.
        as_declared: bool,
    },
    /// Let a column own a sequence.
    OwnSequence {
        /// The sequence.
        sequence: TableId,
        /// The table.
        table: TableId,
        /// The column.
        column: String,
    },
    /// Add a primary key; only where [`Dialect::adds_primary_key`].
    AddPrimaryKey {
        /// The table.
        table: TableId,
        /// The key.
        key: Key,
    },
    /// Add a unique key.
    AddUnique {
        /// The table.
        table: TableId,
        /// The key.
        key: Key,
    },
    /// Add a check that could not stand in CREATE TABLE (not validated).
    AddCheck {
        /// The table.
        table: TableId,
        /// The check.
        check: Check,
    },
    /// Add an exclusion constraint.
    AddExclusion {
        /// The table.
        table: TableId,
        /// Its name.
        name: String,
        /// Its definition.
        definition: String,
    },
    /// Make an index.
    CreateIndex {
        /// The table.
        table: TableId,
        /// The index.
        index: Index,
    },
    /// Add a foreign key; one that is validated is checked against all rows by the step.
    AddForeignKey {
        /// The table.
        table: TableId,
        /// The key.
        key: ForeignKey,
    },
    /// Make a view.
    CreateView(View),
    /// Make a collation.
    CreateCollation(TargetCollation),
    /// Make an object that has no type of its own, as its [`OtherObject::making`] says.
    CreateOther(OtherObject),
    /// Let every UPDATE of a row set the column to the time, by a trigger.
    StampOnUpdate {
        /// The table.
        table: TableId,
        /// The column.
        column: String,
    },
    /// Move an existing table out of the way so that it can be restored; never drop it.
    MoveAside {
        /// The table that is there, as the target's catalog describes it.
        table: Table,
        /// The migration's id, for the name of the place it goes to.
        migration: String,
    },
}
