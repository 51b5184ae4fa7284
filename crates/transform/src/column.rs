//! The columns of the rows that expressions are evaluated over.

use whimbrel_core::LogicalType;

/// A column that an expression may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputColumn {
    /// The name, as the expression writes it.
    pub name: String,
    /// How its values travel.
    pub logical: LogicalType,
    /// True when it can hold NULL.
    pub nullable: bool,
}
