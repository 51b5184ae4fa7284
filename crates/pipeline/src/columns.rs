//! A table's columns in the forms that readers, writers and hashers take, all in the plan's order.

use std::borrow::Cow;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use whimbrel_core::{
    Batch, ColumnPlan, Error, KeyRange, LogicalType, ReadColumn, ReadRequest, Result, RowHasher, Snapshot,
    Table, TableAggregate, TablePlan, ValueRule, WriteColumn, rule,
};

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
        rule: column.rule.clone(),
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

/// Takes out what a side says of values that are secret by their column's name at either side: it goes into files and messages.
pub(crate) fn withhold(table: &TablePlan, side: Side, aggregate: &mut TableAggregate) {
    for column in table.columns.iter().filter(|column| column.is_secret()) {
        aggregate.withhold(match side {
            Side::Source => &column.source,
            Side::Target => &column.target,
        });
    }
}

/// Rows to read, of either side.
pub(crate) struct Wanted<'a> {
    pub(crate) side: Side,
    pub(crate) plan: &'a TablePlan,
    /// The table as the side's catalog describes it.
    pub(crate) table: &'a Table,
    pub(crate) range: &'a KeyRange,
    pub(crate) batch_bytes: usize,
    /// True when whole rows are enough, and nobody asks for a single value.
    pub(crate) packed: bool,
}

/// Reads rows. Those of the source come under the plan's value rules; the target's are taken as they are. Whoever compares or copies
/// reads through this, so that both sides of a comparison are what the plan says.
pub(crate) fn rows(snapshot: &dyn Snapshot, wanted: &Wanted<'_>) -> BoxStream<'static, Result<Batch>> {
    let rows = snapshot.read(ReadRequest {
        table: wanted.table.clone(),
        columns: wanted.side.columns(wanted.plan),
        range: wanted.range.clone(),
        batch_bytes: wanted.batch_bytes,
        packed: wanted.packed,
    });
    let rules: Vec<(LogicalType, Option<ValueRule>)> = wanted
        .plan
        .columns
        .iter()
        .map(|column| (column.logical.clone(), column.rule.clone()))
        .collect();
    if wanted.side == Side::Target || rules.iter().all(|(_, rule)| rule.is_none()) {
        return rows;
    }
    rows.map(move |batch| {
        let rules: Vec<(&LogicalType, Option<&ValueRule>)> = rules
            .iter()
            .map(|(logical, rule)| (logical, rule.as_ref()))
            .collect();
        rule::apply(batch?, &rules)
    })
    .boxed()
}

/// Tells whether the rows of the table mean the same on both sides as they are, so that they may pass packed between databases of one packing.
pub(crate) fn pass_packed(table: &TablePlan) -> bool {
    let as_it_is = |column: &ColumnPlan| {
        matches!(column.logical, LogicalType::Wire { .. })
            && column.source_native == column.target_native
            && column.rule.is_none()
            && !column.computed
    };
    !table.columns.is_empty() && table.columns.iter().all(as_it_is)
}

/// The batch as it is written: without what the target computes itself.
pub(crate) fn written<'a>(table: &TablePlan, batch: &'a Batch) -> Result<Cow<'a, Batch>> {
    if !table.columns.iter().any(|column| column.computed) {
        return Ok(Cow::Borrowed(batch));
    }
    let kept: Vec<usize> = (0..table.columns.len())
        .filter(|at| !table.columns[*at].computed)
        .collect();
    let records = batch
        .records
        .project(&kept)
        .map_err(|cause| Error::bug("a batch lacks a column").with_cause(cause))?;
    Ok(Cow::Owned(Batch {
        records,
        rejects: Vec::new(),
        ruled: Vec::new(),
    }))
}

/// The columns as they are written: all that the target does not compute.
pub(crate) fn write_columns(table: &TablePlan) -> Vec<WriteColumn> {
    let write = |column: &ColumnPlan| WriteColumn {
        name: column.target.clone(),
        native: column.target_native.clone(),
        logical: column.logical.clone(),
    };
    table
        .columns
        .iter()
        .filter(|column| !column.computed)
        .map(write)
        .collect()
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
