//! What is decided so far about the whole database, while the tables, views and statements are being made from it.

use whimbrel_core::{ColumnPlan, Sequence, Table, TableId};

use crate::collations::Collations;
use crate::existing::Existing;
use crate::identity::Numbering;
use crate::names::Names;
use crate::respelling::Respelling;
use crate::scope::Scope;
use crate::select::Selection;
use crate::staying::Staying;
use crate::ways::Ways;

/// Everything that the target's objects are made from.
pub(crate) struct Draft<'a> {
    pub(crate) scope: Scope<'a>,
    pub(crate) selection: Selection<'a>,
    pub(crate) names: Names,
    pub(crate) respelling: Respelling,
    pub(crate) staying: Staying,
    pub(crate) existing: Existing<'a>,
    pub(crate) numbering: Numbering,
    pub(crate) ways: Ways,
    pub(crate) collations: Collations,
}

/// A target table in the making.
pub(crate) struct TableDraft<'a> {
    pub(crate) source: &'a Table,
    pub(crate) target: Table,
    /// Columns that are compared; all but the computed ones are copied.
    pub(crate) columns: Vec<ColumnPlan>,
    /// The implicit sequences of identity columns, in the target's terms.
    pub(crate) sequences: Vec<Sequence>,
    /// Target columns that a trigger sets to the time.
    pub(crate) stamps: Vec<String>,
}

impl Draft<'_> {
    /// The target names of source columns; none when one of them stays behind.
    pub(crate) fn target_columns(&self, table: &TableId, columns: &[String]) -> Option<Vec<String>> {
        columns
            .iter()
            .map(|column| self.ways.moved(table, column).map(|way| way.target.clone()))
            .collect()
    }
}
