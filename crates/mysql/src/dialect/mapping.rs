//! Types both ways.

use whimbrel_core::{
    Catalog, Column, ColumnProfile, ColumnUse, LogicalType, Mapped, NativeColumn, TargetCollation,
    TextEquality, ValueRule,
};

use super::MysqlDialect;

pub(super) fn logical(_: &Column, _: &Catalog, _: Option<&ColumnProfile>) -> Mapped<LogicalType> {
    Mapped::unsupported(LogicalType::text(), "not known yet")
}

pub(super) fn native(_: &MysqlDialect, _: &LogicalType, _: &ColumnUse) -> Mapped<String> {
    Mapped::unsupported("longtext".to_owned(), "not known yet")
}

pub(super) fn adopt(_: &MysqlDialect, _: &str, _: &Column) -> Option<String> {
    None
}

pub(super) fn equality(_: &Column) -> TextEquality {
    TextEquality::default()
}

pub(super) fn collation(_: &MysqlDialect, equality: TextEquality) -> TargetCollation {
    TargetCollation {
        name: String::new(),
        equality,
        made: false,
    }
}

pub(super) fn fit_row(_: &[NativeColumn<'_>]) -> Vec<(usize, Mapped<String>)> {
    Vec::new()
}

pub(super) fn misfit(_: &str, _: &LogicalType, _: &ColumnProfile) -> Option<(String, Vec<ValueRule>)> {
    None
}
