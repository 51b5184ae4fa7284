//! What a table of the data set is made of. The tables themselves are `tables.rs`; how an engine spells a type
//! is `dialect.rs`; what a [`Fill`] writes is `rows.rs`.

use super::random::Random;

/// Distinguishes the draws that rows share from those of one row.
const SHARED: u64 = 1 << 32;

/// The tables, in the order of [`super::tables::TABLES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Countries,
    Currencies,
    Warehouses,
    Departments,
    Employees,
    Categories,
    Users,
    Addresses,
    Sessions,
    Products,
    ProductCategories,
    ProductImages,
    ProductReports,
    Stock,
    Orders,
    OrderItems,
    Payments,
    Shipments,
    Events,
    AuditLog,
    Reviews,
    Messages,
    Documents,
    ExchangeRates,
}

impl Name {
    /// All of them, in order.
    pub(super) const ALL: [Self; 24] = [
        Self::Countries,
        Self::Currencies,
        Self::Warehouses,
        Self::Departments,
        Self::Employees,
        Self::Categories,
        Self::Users,
        Self::Addresses,
        Self::Sessions,
        Self::Products,
        Self::ProductCategories,
        Self::ProductImages,
        Self::ProductReports,
        Self::Stock,
        Self::Orders,
        Self::OrderItems,
        Self::Payments,
        Self::Shipments,
        Self::Events,
        Self::AuditLog,
        Self::Reviews,
        Self::Messages,
        Self::Documents,
        Self::ExchangeRates,
    ];
}

/// How many rows a table has.
#[derive(Debug, Clone, Copy)]
pub(super) enum Size {
    /// As many at any scale.
    Fixed(u64),
    /// As many for each thousandth of the scale, so that tables keep their ratios exactly.
    Growing(u64),
}

/// A table with its keys, its indexes and the values of its rows.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) size: Size,
    pub(super) columns: &'static [Column],
    /// The columns of the primary key; none is a table without a key.
    pub(super) key: &'static [&'static str],
    pub(super) unique: &'static [&'static [&'static str]],
    pub(super) indexes: &'static [&'static [&'static str]],
    pub(super) foreign: &'static [ForeignKey],
}

/// A foreign key to the primary key of another table, or of the same.
#[derive(Debug)]
pub(super) struct ForeignKey {
    pub(super) columns: &'static [&'static str],
    pub(super) parent: Name,
}

/// A column and what its rows hold.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// How many rows in a hundred are NULL; none is `NOT NULL`.
    pub(super) null_percent: u8,
    pub(super) fill: Fill,
}

/// A type, for each engine to spell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A generated whole number of 64 bits, the primary key.
    Identity,
    BigInt,
    Int,
    SmallInt,
    Bool,
    Decimal(u8, u8),
    Double,
    Varchar(u16),
    Text,
    Json,
    Uuid,
    Bytes,
    Date,
    Timestamp,
    TimestampTz,
}

/// What is written into a column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fill {
    /// The number of the row, from 1.
    Id,
    /// The number of a row of that table.
    Any(Name),
    /// A number that follows from the row.
    Rule(fn(&mut Row<'_>) -> i64),
    Between(i64, i64),
    /// True that often in a hundred times.
    Percent(u8),
    /// A decimal of `Kind::Decimal`'s scale, in its smallest units, from and to.
    Units(i64, i64),
    /// A decimal of 30 digits, ten of them behind the point.
    Huge,
    /// A floating point number that every engine reads and writes alike.
    Float,
    /// The code of the row with that index.
    Code(Code, fn(&mut Row<'_>) -> u64),
    OneOf(&'static [&'static str]),
    /// A prefix and the number of the row: different in every row.
    Numbered(&'static str),
    Email,
    Person,
    /// Words of a name, as a product or a place has.
    Title,
    /// Words in many scripts with whatever people type; as many bytes at least and at most.
    Prose(u64, u64),
    /// Short text that may be empty.
    Note,
    /// As many hexadecimal digits.
    Hex(u64),
    Uuid,
    Payload,
    /// As many bytes at least and at most, most of them small.
    Blob(u64, u64),
    /// A day, counted from 1970.
    Day(i64, i64),
    /// A moment within these days.
    Moment(i64, i64),
    /// The day that follows from the row.
    DayRule(fn(&mut Row<'_>) -> i64),
    Address,
    Agent,
}

/// The codes that are keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Country,
    Currency,
    Warehouse,
}

impl Table {
    /// Tells about how much work a row is, compared with that of another table.
    pub(super) fn weight(&self) -> u64 {
        let heavy = |column: &Column| match column.fill {
            Fill::Blob(_, most) | Fill::Prose(_, most) => most / 20 + 1,
            Fill::Payload => 10,
            Fill::Id
            | Fill::Any(_)
            | Fill::Rule(_)
            | Fill::Between(..)
            | Fill::Percent(_)
            | Fill::Units(..)
            | Fill::Huge
            | Fill::Float
            | Fill::Code(..)
            | Fill::OneOf(_)
            | Fill::Numbered(_)
            | Fill::Email
            | Fill::Person
            | Fill::Title
            | Fill::Note
            | Fill::Hex(_)
            | Fill::Uuid
            | Fill::Day(..)
            | Fill::Moment(..)
            | Fill::DayRule(_)
            | Fill::Address
            | Fill::Agent => 1,
        };
        self.columns.iter().map(heavy).sum()
    }

    /// Returns the number of rows at a scale in thousandths.
    pub(super) fn rows(&self, thousandths: u64) -> u64 {
        match self.size {
            Size::Fixed(rows) => rows,
            Size::Growing(rows) => rows * thousandths,
        }
    }
}

/// The seed and how many rows the tables have: all that decides what the rows are.
#[derive(Debug)]
pub(super) struct Recipe {
    pub(super) seed: u64,
    /// By [`Name`].
    pub(super) counts: [u64; Name::ALL.len()],
}

impl Recipe {
    /// Returns the number of rows of a table.
    pub(super) fn count(&self, name: Name) -> u64 {
        self.counts[name as usize]
    }
}

/// A row that is being made.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) recipe: &'a Recipe,
    /// From 0.
    pub(super) index: u64,
    pub(super) random: Random,
}

impl Row<'_> {
    /// Returns the number of the row, from 1.
    pub(super) fn id(&self) -> i64 {
        number(self.index + 1)
    }

    /// Returns the number of any row of that table.
    pub(super) fn any(&mut self, name: Name) -> i64 {
        number(self.random.below(self.recipe.count(name)) + 1)
    }

    /// Returns random numbers that all rows get which ask with the same name and number.
    pub(super) fn shared(&self, name: Name, number: u64) -> Random {
        Random::of(self.recipe.seed, SHARED + name as u64, number)
    }
}

/// Returns the number as the engines count.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Describes a column that is never NULL.
pub(super) const fn always(name: &'static str, kind: Kind, fill: Fill) -> Column {
    maybe(name, kind, 0, fill)
}

/// Describes a column that is NULL in as many rows of a hundred.
pub(super) const fn maybe(name: &'static str, kind: Kind, null_percent: u8, fill: Fill) -> Column {
    Column {
        name,
        kind,
        null_percent,
        fill,
    }
}

/// Describes a foreign key.
pub(super) const fn foreign(columns: &'static [&'static str], parent: Name) -> ForeignKey {
    ForeignKey { columns, parent }
}
