//! The dialect of a version and flavour: names and features here, types in `mapping`, expressions in `neutral` (reading) and
//! `spelling` (writing), statements in `ddl`.

mod ddl;
mod mapping;
mod neutral;
mod spelling;

use sqlparser::ast::{Expr, Query};
use whimbrel_core::{
    Catalog, Change, Column, ColumnCheck, ColumnProfile, ColumnUse, Comparable, Dialect, ExpressionContext,
    Feature, LogicalType, Mapped, NativeColumn, ObjectKind, Result, Room, Step, Table, TableId,
    TargetCollation, TextEquality, Untranslated, ValueRule,
};

use crate::flavour::{Flavour, NOT_ENFORCED, Version};
use crate::native::{Kind, castable};
use crate::quote::{literal, quoted, table_name};

/// What the names of Whimbrel's own tables and of what it moves aside begin with.
pub(crate) const OWN_PREFIX: &str = "_whimbrel";

/// The databases of the server's own.
const SYSTEM_DATABASES: [&str; 4] = ["mysql", "information_schema", "performance_schema", "sys"];

/// Columns that the storage engine keeps beside those of a table; the last one is the user's only in one form.
const STORAGE_COLUMNS: [&str; 4] = ["DB_ROW_ID", "DB_TRX_ID", "DB_ROLL_PTR", "FTS_DOC_ID"];

/// Names of indexes that the server keeps for its own.
const KEY_WORDS: [&str; 3] = ["PRIMARY", "GEN_CLUST_INDEX", "FTS_DOC_ID_INDEX"];

/// The longest name of a table in its file's name: 255 bytes without the ending.
const FILE_NAME_BYTES_MAX: usize = 250;

/// How many bytes a table's name takes in the name of its file, where letters and digits of ASCII stand for themselves, letters of some
/// alphabets take three bytes, and all else takes five (manual of MySQL, 11.2.4).
fn file_name_bytes(name: &str) -> usize {
    let bytes = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => 1,
        '\u{C0}'..='\u{58F}' | '\u{1E00}'..='\u{1FFF}' | '\u{FF21}'..='\u{FF5A}'
            if letter.is_lowercase() || letter.is_uppercase() =>
        {
            3
        }
        _ => 5,
    };
    name.chars().map(bytes).sum()
}

/// The language of MySQL or MariaDB, as one server speaks it.
#[derive(Debug, Clone, Copy)]
pub struct MysqlDialect {
    /// The server's flavour and version.
    pub(crate) version: Version,
}

impl MysqlDialect {
    fn is_mariadb(&self) -> bool {
        self.version.flavour == Flavour::MariaDb
    }

    /// Checks are read and ignored by older servers.
    fn has_checks(&self) -> bool {
        self.version.is_mysql(8, 0, 16) || self.is_mariadb()
    }
}

impl Dialect for MysqlDialect {
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

    fn native(&self, logical: &LogicalType, usage: &ColumnUse) -> Mapped<String> {
        mapping::native(self, logical, usage)
    }

    fn adopt(&self, engine: &str, column: &Column) -> Option<String> {
        mapping::adopt(self, engine, column)
    }

    fn takes_any_text(&self, column: &Column) -> bool {
        !matches!(
            Kind::parse(&column.native),
            Kind::Uuid
                | Kind::Inet4
                | Kind::Inet6
                | Kind::Json
                | Kind::Spatial(_)
                | Kind::Vector(_)
                | Kind::Other(_)
        )
    }

    fn room(&self, column: &Column) -> Option<Room> {
        mapping::room(column)
    }

    fn reading(&self, column: &Column, text: &str) -> Option<String> {
        mapping::reading(self, column, text)
    }

    fn is_kin(&self, engine: &str) -> bool {
        [Flavour::MySql, Flavour::MariaDb]
            .iter()
            .any(|flavour| flavour.name() == engine)
    }

    fn equality(&self, column: &Column) -> TextEquality {
        mapping::equality(column)
    }

    fn collation(&self, equality: TextEquality) -> Option<TargetCollation> {
        Some(mapping::collation(self, equality))
    }

    fn fit_row(&self, columns: &[NativeColumn<'_>]) -> Vec<(usize, Mapped<String>)> {
        mapping::fit_row(self.version.flavour, columns)
    }

    fn fit_key(&self, columns: &[NativeColumn<'_>]) -> Vec<Option<u32>> {
        mapping::fit_key(columns)
    }

    fn keys_within(&self, table: &Table) -> Vec<String> {
        ddl::keys_within(table)
    }

    fn misfit(
        &self,
        native: &str,
        logical: &LogicalType,
        profile: &ColumnProfile,
    ) -> Option<(String, Vec<ValueRule>)> {
        match self.is_mariadb() {
            true => mapping::misfit_without_signed_zero(native, logical, profile),
            false => mapping::misfit(native, logical, profile),
        }
    }

    fn has(&self, feature: Feature) -> bool {
        match feature {
            Feature::Comments
            | Feature::VirtualColumns
            | Feature::PrefixIndexes
            | Feature::TextIndexes
            | Feature::OnUpdate => true,
            Feature::Checks => self.has_checks(),
            Feature::ExpressionIndexes => self.version.is_mysql(8, 0, 13),
            Feature::NotEnforced => self.version.is_mysql(8, 0, 16),
            // NaN is refused, and the text of a load loses no sign but a comparison finds `-0` equal to `0`.
            Feature::EveryFloat => false,
            Feature::DeferrableKeys
            | Feature::DeferrableForeignKeys
            | Feature::MatchFull
            | Feature::SetDefault
            | Feature::NullsEqual
            | Feature::CoveringColumns
            | Feature::NullsOrder
            | Feature::IdentityAlways
            | Feature::PartialIndexes
            | Feature::UnvalidatedChecks
            // MariaDB's are exclusions.
            | Feature::Periods
            | Feature::StampTriggers
            | Feature::Collations => false,
        }
    }

    fn asks_for(&self, definition: &str, feature: Feature) -> bool {
        feature == Feature::NotEnforced && definition.ends_with(NOT_ENFORCED)
    }

    fn reserves(&self, kind: ObjectKind, name: &str) -> bool {
        let is_own = name
            .get(..OWN_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX));
        let is_impossible = name.is_empty()
            || name.ends_with(' ')
            || name.chars().any(|letter| letter == '\0' || letter > '\u{FFFF}');
        let is_key_word = matches!(kind, ObjectKind::Index | ObjectKind::Unique)
            && KEY_WORDS.iter().any(|own| name.eq_ignore_ascii_case(own));
        let is_storage_column =
            kind == ObjectKind::Column && STORAGE_COLUMNS.iter().any(|own| name.eq_ignore_ascii_case(own));
        // Files of such names are the server's own and may be swept away.
        let is_own_file = matches!(kind, ObjectKind::Table | ObjectKind::View) && name.starts_with('#');
        let is_system = kind == ObjectKind::Namespace
            && SYSTEM_DATABASES.iter().any(|own| name.eq_ignore_ascii_case(own));
        is_own || is_impossible || is_key_word || is_storage_column || is_own_file || is_system
    }

    fn has_room_for(&self, kind: ObjectKind, name: &str) -> bool {
        let is_file = matches!(kind, ObjectKind::Table | ObjectKind::View);
        !is_file || file_name_bytes(name) <= FILE_NAME_BYTES_MAX
    }

    fn grammar(&self) -> &dyn sqlparser::dialect::Dialect {
        &sqlparser::dialect::MySqlDialect {}
    }

    fn castable(&self, wanted: &str) -> Option<String> {
        castable(wanted).filter(|native| native != "uuid" || self.is_mariadb())
    }

    fn castable_types(&self) -> &'static [&'static str] {
        &[
            "boolean",
            "tinyint",
            "smallint",
            "int",
            "bigint",
            "decimal(P,S)",
            "float",
            "double",
            "varchar(N)",
            "text",
            "date",
            "time",
            "datetime",
            "timestamp",
            "json",
            "varbinary(N)",
            "blob",
            "enum('A','B')",
        ]
    }

    fn numbering_type(&self, native: &str) -> Option<String> {
        matches!(Kind::parse(native), Kind::Integer { .. }).then(|| native.to_owned())
    }

    fn quote(&self, identifier: &str) -> String {
        quoted(identifier)
    }

    fn compared(&self, column: &str, comparable: Comparable) -> Option<String> {
        Some(match comparable {
            Comparable::Number | Comparable::Moment | Comparable::Truth => column.to_owned(),
            Comparable::Text => format!("CAST(CONVERT({column} USING utf8mb4) AS BINARY)"),
        })
    }

    fn column_check(&self, check: ColumnCheck, column: &str) -> Option<String> {
        let utf8 = format!("convert({column} using utf8mb4)");
        Some(match check {
            ColumnCheck::Nulls => format!("count(*) - count({column})"),
            ColumnCheck::Distinct => format!("count(DISTINCT {column})"),
            ColumnCheck::DistinctTexts => format!("count(DISTINCT cast({utf8} AS binary))"),
            ColumnCheck::Sum => format!("sum({column})"),
            ColumnCheck::SumHigh => format!("sum({column} DIV 1000000000)"),
            ColumnCheck::SumLow => format!("sum({column} % 1000000000)"),
            ColumnCheck::Characters => format!("sum(char_length({column}))"),
            ColumnCheck::Hashes => format!("sum(cast(conv(left(sha2({utf8}, 256), 8), 16, 10) AS unsigned))"),
        })
    }

    fn literal(&self, text: &str) -> String {
        literal(text)
    }

    fn table(&self, id: &TableId) -> String {
        table_name(id)
    }

    fn parse(&self, expression: &str, context: &ExpressionContext) -> Result<Expr, Untranslated> {
        neutral::parse(self, expression, context)
    }

    fn render(&self, expression: &Expr, context: &ExpressionContext) -> Result<String, Untranslated> {
        spelling::render(self, expression, context)
    }

    fn parse_query(&self, query: &str, context: &ExpressionContext) -> Result<Query, Untranslated> {
        neutral::parse_query(self, query, context)
    }

    fn render_query(&self, query: &Query, context: &ExpressionContext) -> Result<String, Untranslated> {
        spelling::render_query(self, query, context)
    }

    fn steps(&self, change: &Change) -> Result<Vec<Step>> {
        ddl::steps(self, change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_server_refuses_or_keeps_are_reserved() {
        let dialect = MysqlDialect {
            version: Version::parse("9.1.0"),
        };
        for (kind, name, is_reserved) in [
            (ObjectKind::Column, "db_row_id", true),
            (ObjectKind::Column, "FTS_DOC_ID", true),
            (ObjectKind::Index, "FTS_DOC_ID_INDEX", true),
            (ObjectKind::Table, "FTS_DOC_ID", false),
            (ObjectKind::Table, "#mysql50#x", true),
            (ObjectKind::Column, "#x", false),
            (ObjectKind::Column, "x ", true),
            (ObjectKind::Column, " x", false),
            (ObjectKind::View, "😀", true),
        ] {
            assert_eq!(dialect.reserves(kind, name), is_reserved, "{kind} {name}");
        }
    }

    #[test]
    fn a_table_has_room_when_its_file_has() {
        let dialect = MysqlDialect {
            version: Version::parse("10.11.1-MariaDB"),
        };
        for (kind, name, fits) in [
            (ObjectKind::Table, "日".repeat(50), true),
            (ObjectKind::Table, "日".repeat(51), false),
            (ObjectKind::View, "日".repeat(51), false),
            (ObjectKind::Column, "日".repeat(64), true),
            (ObjectKind::Table, "é".repeat(64), true),
            (ObjectKind::Table, "x".repeat(64), true),
        ] {
            assert_eq!(dialect.has_room_for(kind, &name), fits, "{kind} {name}");
        }
    }
}
