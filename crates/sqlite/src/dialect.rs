//! The dialect: types in `dialect/mapping.rs`, expressions in `dialect/neutral.rs` (reading) and `dialect/spelling.rs` (writing),
//! statements in `dialect/ddl.rs`.

mod ddl;
pub(crate) mod mapping;
mod native;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's tree has hundreds of sorts of nodes; what is not listed is refused"
)]
mod neutral;
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the parser's tree has hundreds of sorts of nodes; what is not listed is refused"
)]
mod spelling;

use sqlparser::ast::{Expr, Query};
use whimbrel_core::{
    Catalog, Change, Column, ColumnCheck, ColumnProfile, ColumnUse, Comparable, Dialect, ExpressionContext,
    Feature, LogicalType, Mapped, ObjectKind, Result, Step, TargetCollation, TextEquality, Untranslated,
};

use crate::catalog::OWN_PREFIX;
use crate::declared::{Affinity, Declared, affinity};
use crate::sql;

/// The collations that call different texts equal.
const NOCASE: &str = "NOCASE";
const RTRIM: &str = "RTRIM";

/// The engine's language.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SqliteDialect;

impl Dialect for SqliteDialect {
    fn logical(
        &self,
        column: &Column,
        _catalog: &Catalog,
        profile: Option<&ColumnProfile>,
    ) -> Mapped<LogicalType> {
        mapping::logical(column, profile)
    }

    fn wire(&self, _column: &Column) -> LogicalType {
        LogicalType::Any
    }

    fn equality(&self, column: &Column) -> TextEquality {
        let is = |name: &str| {
            let collation = column.collation.as_deref();
            collation.is_some_and(|collation| collation.eq_ignore_ascii_case(name))
        };
        TextEquality {
            ignores_case: is(NOCASE),
            ignores_padding: is(RTRIM),
            ..TextEquality::default()
        }
    }

    fn collation(&self, equality: TextEquality) -> Option<TargetCollation> {
        // The one ignores the case of ASCII letters only, and there is none that ignores accents, or several things.
        let (name, ignores_case) = match (equality.ignores_case, equality.ignores_padding) {
            (true, _) => (NOCASE, true),
            (false, true) => (RTRIM, false),
            (false, false) if equality.ignores_accents => return None,
            (false, false) => ("", false),
        };
        Some(TargetCollation {
            name: name.to_owned(),
            equality: TextEquality {
                ignores_case,
                ignores_accents: false,
                ignores_padding: name == RTRIM,
            },
            made: false,
        })
    }

    fn native(&self, logical: &LogicalType, usage: &ColumnUse) -> Mapped<String> {
        native::native(logical, usage)
    }

    fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::DeferrableForeignKeys
            | Feature::SetDefault
            | Feature::VirtualColumns
            | Feature::PartialIndexes
            | Feature::ExpressionIndexes
            | Feature::StampTriggers
            | Feature::Checks
            // Checks stand inside CREATE TABLE and are not looked at while rows are loaded.
            | Feature::UnvalidatedChecks => true,
            Feature::Comments
            | Feature::DeferrableKeys
            | Feature::MatchFull
            | Feature::NullsEqual
            | Feature::CoveringColumns
            | Feature::NullsOrder
            | Feature::IdentityAlways
            | Feature::PrefixIndexes
            | Feature::TextIndexes
            | Feature::OnUpdate
            | Feature::Collations
            | Feature::Periods
            | Feature::NotEnforced
            // NaN becomes NULL, and a real without a fraction is stored as an integer, which has no negative zero.
            | Feature::EveryFloat => false,
        }
    }

    fn reserves(&self, _kind: ObjectKind, name: &str) -> bool {
        ["sqlite_", OWN_PREFIX].iter().any(|prefix| {
            name.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })
    }

    fn grammar(&self) -> &dyn sqlparser::dialect::Dialect {
        &sqlparser::dialect::SQLiteDialect {}
    }

    fn holding_type(&self, native: &str) -> String {
        // A column of such a type makes floats of what it takes for numbers.
        let logical = mapping::logical(&Column::new("", native), None).to;
        let is_document = logical == LogicalType::Json && affinity(native) != Affinity::Text;
        let is_changed = is_document || matches!(logical, LogicalType::Decimal { .. });
        match is_changed {
            true => native::native(&logical, &ColumnUse::default()).to,
            false => native.to_owned(),
        }
    }

    fn castable(&self, wanted: &str) -> Option<String> {
        // The engine prints its standard types in capitals, however they were declared.
        const STANDARD: [&str; 6] = ["ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"];
        let standard = STANDARD
            .iter()
            .find(|name| name.eq_ignore_ascii_case(wanted.trim()));
        let known = || Declared::new(wanted).is_known().then(|| wanted.to_owned());
        standard.map(|name| (*name).to_owned()).or_else(known)
    }

    fn castable_types(&self) -> &'static [&'static str] {
        &[
            "INTEGER",
            "REAL",
            "TEXT",
            "VARCHAR(N)",
            "BLOB",
            "NUMERIC",
            "BOOLEAN",
            "DATE",
            "TIME",
            "TIMESTAMP",
            "UUID",
            "JSON",
        ]
    }

    fn numbering_type(&self, native: &str) -> Option<String> {
        // Only a key that is declared with this very word is the number of its row.
        (affinity(native) == Affinity::Integer).then(|| "INTEGER".to_owned())
    }

    fn quote(&self, identifier: &str) -> String {
        sql::quote(identifier)
    }

    fn compared(&self, column: &str, comparable: Comparable) -> Option<String> {
        match comparable {
            Comparable::Number | Comparable::Truth => Some(column.to_owned()),
            Comparable::Text => Some(format!("{column} COLLATE BINARY")),
            // A day or a time is a text here, and can be spelled in many ways.
            Comparable::Moment => None,
        }
    }

    fn column_check(&self, check: ColumnCheck, column: &str) -> Option<String> {
        Some(match check {
            ColumnCheck::Nulls => format!("count(*) - count({column})"),
            ColumnCheck::Distinct => format!("count(DISTINCT {column})"),
            ColumnCheck::DistinctTexts => format!("count(DISTINCT cast({column} AS blob))"),
            // It adds decimals in floating point, and fails when a sum of integers leaves 64 bits.
            ColumnCheck::Sum => return None,
            ColumnCheck::SumHigh => format!("sum({column} / 1000000000)"),
            ColumnCheck::SumLow => format!("sum({column} % 1000000000)"),
            ColumnCheck::Characters => format!("sum(length({column}))"),
            // It has no function that hashes.
            ColumnCheck::Hashes => return None,
        })
    }

    fn literal(&self, text: &str) -> String {
        sql::literal(text)
    }

    fn parse(&self, expression: &str, context: &ExpressionContext) -> Result<Expr, Untranslated> {
        neutral::expression(expression, context)
    }

    fn render(&self, expression: &Expr, context: &ExpressionContext) -> Result<String, Untranslated> {
        spelling::expression(expression, context)
    }

    fn parse_query(&self, query: &str, context: &ExpressionContext) -> Result<Query, Untranslated> {
        neutral::query(query, context)
    }

    fn render_query(&self, query: &Query, context: &ExpressionContext) -> Result<String, Untranslated> {
        spelling::query(query, context)
    }

    fn steps(&self, change: &Change) -> Result<Vec<Step>> {
        ddl::steps(change)
    }
}
