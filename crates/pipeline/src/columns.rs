//! A table's columns in the forms that readers, writers and hashers take, all in the plan's order.

use whimbrel_core::{ColumnPlan, LogicalType, ReadColumn, RowHasher, TablePlan, WriteColumn};

/// One side of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Source,
    Target,
}

impl Side {
    pub(crate) fn columns(self, table: &TablePlan) -> Vec<ReadColumn> {
        match self {
            Self::Source => source_columns(table),
            Self::Target => target_columns(table),
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Target => "target",
        }
    }
}

/// The columns as they are read at the source.
pub(crate) fn source_columns(table: &TablePlan) -> Vec<ReadColumn> {
    let read = |column: &ColumnPlan| ReadColumn {
        name: column.source.clone(),
        native: column.source_native.clone(),
        logical: column.logical.clone(),
        rule: None,
    };
    table.columns.iter().map(read).collect()
}

/// The columns as they are read back from the target: in the same form in which they were written.
pub(crate) fn target_columns(table: &TablePlan) -> Vec<ReadColumn> {
    let read = |column: &ColumnPlan| ReadColumn {
        name: column.target.clone(),
        native: column.target_native.clone(),
        logical: column.logical.clone(),
        rule: None,
    };
    table.columns.iter().map(read).collect()
}

/// The columns as they are written.
pub(crate) fn write_columns(table: &TablePlan) -> Vec<WriteColumn> {
    let write = |column: &ColumnPlan| WriteColumn {
        name: column.target.clone(),
        native: column.target_native.clone(),
        logical: column.logical.clone(),
    };
    table.columns.iter().map(write).collect()
}

/// The positions of the columns that identify a row; empty when the key is not among the copied columns.
pub(crate) fn key_positions(table: &TablePlan) -> Vec<usize> {
    let position = |name: &String| table.columns.iter().position(|column| &column.target == name);
    table
        .key
        .iter()
        .map(position)
        .collect::<Option<Vec<usize>>>()
        .unwrap_or_default()
}

/// The one hasher of a table's rows, for both sides.
pub(crate) fn hasher(table: &TablePlan) -> RowHasher {
    let types: Vec<LogicalType> = table
        .columns
        .iter()
        .map(|column| column.logical.clone())
        .collect();
    RowHasher::new(types, key_positions(table))
}
