//! The dialect: quoting here, types in `mapping`, expressions and queries in `expression` (with
//! `neutral` and `spelling`), statements in `ddl`.

mod ddl;
mod expression;
mod limits;
mod mapping;
mod neutral;
mod room;
mod spelling;

use sqlparser::ast::{Expr, Query};
use whimbrel_core::{
    Catalog, Change, Column, ColumnCheck, ColumnProfile, ColumnUse, Comparable, Dialect, ExpressionContext,
    Feature, LogicalType, Mapped, ObjectKind, Result, Room, Step, Table, TableId, TargetCollation,
    TextEquality, Untranslated, ValueRule,
};

pub(crate) use ddl::{DROP_NAMESPACE_IF_EMPTY, aside_of, is_aside};

use crate::codec::encode::has_binary;
use crate::native::Kind;
use crate::quote::{literal, quoted, table_name};

/// The language of PostgreSQL, as a server's major version speaks it.
#[derive(Debug, Clone, Copy)]
pub struct PostgresDialect {
    major: u32,
}

impl PostgresDialect {
    /// Returns the language of the newest version that is known here.
    pub fn newest() -> Self {
        Self { major: 18 }
    }

    /// Returns the language of the oldest version that can be a target.
    pub fn oldest() -> Self {
        Self { major: 14 }
    }

    /// Returns the language of the server behind the catalog; the oldest where it does not say.
    pub fn of(catalog: &Catalog) -> Self {
        let major = catalog.version.split('.').next().unwrap_or_default();
        let digits: String = major.chars().take_while(char::is_ascii_digit).collect();
        digits
            .parse()
            .map_or_else(|_| Self::oldest(), |major| Self { major })
    }
}

impl Default for PostgresDialect {
    fn default() -> Self {
        Self::oldest()
    }
}

impl Dialect for PostgresDialect {
    fn logical(
        &self,
        column: &Column,
        catalog: &Catalog,
        profile: Option<&ColumnProfile>,
    ) -> Mapped<LogicalType> {
        mapping::logical(column, catalog, profile)
    }

    fn wire(&self, column: &Column) -> LogicalType {
        LogicalType::Wire {
            native: column.native.clone(),
            printed: false,
        }
    }

    fn printed(&self, column: &Column) -> LogicalType {
        LogicalType::Wire {
            native: column.native.clone(),
            printed: true,
        }
    }

    fn is_beside_wire(&self, logical: &LogicalType, native: &str) -> bool {
        has_binary(Kind::parse(native), logical)
    }

    fn takes_any_text(&self, column: &Column) -> bool {
        // The type may be of an extension, in any namespace.
        let name = column.native.rsplit('.').next().unwrap_or_default();
        let kind = Kind::parse(&column.native);
        kind.is_text() || matches!(kind, Kind::Bytea) || matches!(name, "citext" | "name")
    }

    fn room(&self, column: &Column) -> Option<Room> {
        room::room(&column.native)
    }

    fn reading(&self, column: &Column, text: &str) -> Option<String> {
        room::reading(column, text)
    }

    fn native(&self, logical: &LogicalType, usage: &ColumnUse) -> Mapped<String> {
        mapping::native(logical, usage)
    }

    fn equality(&self, column: &Column) -> TextEquality {
        ddl::further::equality(column)
    }

    fn collation(&self, equality: TextEquality) -> Option<TargetCollation> {
        ddl::further::collation(equality)
    }

    fn misfit(
        &self,
        native: &str,
        logical: &LogicalType,
        profile: &ColumnProfile,
    ) -> Option<(String, Vec<ValueRule>)> {
        mapping::misfit(native, logical, profile)
    }

    fn grammar(&self) -> &dyn sqlparser::dialect::Dialect {
        &sqlparser::dialect::PostgreSqlDialect {}
    }

    fn castable(&self, wanted: &str) -> Option<String> {
        crate::native::castable(wanted)
    }

    fn castable_types(&self) -> &'static [&'static str] {
        &[
            "boolean",
            "smallint",
            "integer",
            "bigint",
            "numeric(P,S)",
            "real",
            "double precision",
            "text",
            "varchar(N)",
            "char(N)",
            "date",
            "time",
            "timestamp",
            "timestamptz",
            "uuid",
            "json",
            "jsonb",
            "bytea",
        ]
    }

    fn numbering_type(&self, native: &str) -> Option<String> {
        Kind::parse(native).is_integer().then(|| native.to_owned())
    }

    fn quote(&self, identifier: &str) -> String {
        quoted(identifier)
    }

    fn compared(&self, column: &str, comparable: Comparable) -> Option<String> {
        Some(match comparable {
            Comparable::Number | Comparable::Moment | Comparable::Truth => column.to_owned(),
            Comparable::Text => format!("{column} COLLATE \"C\""),
        })
    }

    fn column_check(&self, check: ColumnCheck, column: &str) -> Option<String> {
        let utf8 = format!("convert_to({column}::text, 'UTF8')");
        Some(match check {
            ColumnCheck::Nulls => format!("count(*) - count({column})"),
            ColumnCheck::Distinct => format!("count(DISTINCT {column})"),
            ColumnCheck::DistinctTexts => format!("count(DISTINCT {utf8})"),
            // A sum of `money` would be text in the server's currency.
            ColumnCheck::Sum => format!("sum({column}::numeric)"),
            ColumnCheck::SumHigh => format!("sum(div({column}::numeric, 1000000000))"),
            ColumnCheck::SumLow => format!("sum(mod({column}::numeric, 1000000000))"),
            ColumnCheck::Characters => format!("sum(char_length({column}::text))"),
            ColumnCheck::Hashes => {
                format!("sum(('x' || left(encode(sha256({utf8}), 'hex'), 8))::bit(32)::bigint)")
            }
        })
    }

    fn literal(&self, text: &str) -> String {
        literal(text)
    }

    fn table(&self, id: &TableId) -> String {
        table_name(id)
    }

    fn type_name(&self, id: &TableId) -> String {
        ddl::further::type_name(id)
    }

    fn parse(&self, expression: &str, context: &ExpressionContext) -> Result<Expr, Untranslated> {
        expression::parse(expression, context)
    }

    fn render(&self, expression: &Expr, context: &ExpressionContext) -> Result<String, Untranslated> {
        expression::render(expression, context)
    }

    fn parse_query(&self, query: &str, context: &ExpressionContext) -> Result<Query, Untranslated> {
        expression::parse_query(query, context)
    }

    fn render_query(&self, query: &Query, context: &ExpressionContext) -> Result<String, Untranslated> {
        expression::render_query(query, context)
    }

    fn indexes_with_functions_come_first(&self) -> bool {
        // Since then CREATE INDEX runs functions with an empty search path, whatever the session's.
        self.major >= 17
    }

    fn holds_nul_text(&self) -> bool {
        false
    }

    fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::Comments
            | Feature::DeferrableKeys
            | Feature::DeferrableForeignKeys
            | Feature::MatchFull
            | Feature::SetDefault
            | Feature::CoveringColumns
            | Feature::NullsOrder
            | Feature::IdentityAlways
            | Feature::PartialIndexes
            | Feature::ExpressionIndexes
            | Feature::Checks
            | Feature::UnvalidatedChecks
            | Feature::EveryFloat => true,
            Feature::NullsEqual => self.major >= 15,
            Feature::VirtualColumns | Feature::Periods | Feature::NotEnforced => self.major >= 18,
            Feature::TextIndexes | Feature::StampTriggers | Feature::Collations => true,
            Feature::PrefixIndexes | Feature::OnUpdate => false,
        }
    }

    fn asks_for(&self, definition: &str, feature: Feature) -> bool {
        limits::asks_for(definition, feature)
    }

    fn adds_primary_key(&self, table: &Table) -> bool {
        ddl::adds_primary_key(table)
    }

    fn reserves(&self, kind: ObjectKind, name: &str) -> bool {
        const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];
        if name.is_empty() {
            return true;
        }
        match kind {
            ObjectKind::Column => SYSTEM_COLUMNS.contains(&name),
            ObjectKind::Namespace => {
                name.starts_with("pg_") || name.starts_with("_whimbrel") || name == "information_schema"
            }
            // In the namespace of the ledger they would be the ledger's; elsewhere nobody could tell them from it.
            ObjectKind::Table => name.starts_with("_whimbrel"),
            ObjectKind::Type
            | ObjectKind::Sequence
            | ObjectKind::PrimaryKey
            | ObjectKind::Unique
            | ObjectKind::Check
            | ObjectKind::ForeignKey
            | ObjectKind::Exclusion
            | ObjectKind::Index
            | ObjectKind::View
            | ObjectKind::Comment
            | ObjectKind::Other => false,
        }
    }

    fn steps(&self, change: &Change) -> Result<Vec<Step>> {
        limits::check(change, self.major)?;
        ddl::steps(change).map(|step| vec![step])
    }
}
