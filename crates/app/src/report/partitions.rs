//! What the partitions of a planned table hold together, where each of them is a table of the plan.

use std::collections::BTreeMap;

use whimbrel_core::{Families, Plan, TableId, TablePlan};

use super::quantity::{count, counted};

/// The planned tables, by what they are partitions of.
pub(super) struct Partitions<'p> {
    families: Families<'p>,
    planned: BTreeMap<&'p TableId, &'p TablePlan>,
}

/// What the partitions of a table hold.
pub(super) struct Together {
    pub(super) partitions: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl<'p> Partitions<'p> {
    pub(super) fn of(plan: &'p Plan) -> Self {
        let planned = plan.tables.iter();
        Self {
            families: Families::of(planned.clone().map(|planned| &planned.source)),
            planned: planned.map(|planned| (&planned.source.id, planned)).collect(),
        }
    }

    /// Returns what the partitions of a table hold; none for a table that holds its rows itself.
    pub(super) fn all(&self, planned: &TablePlan) -> Option<Together> {
        let source = &planned.source;
        let leaves = self.families.leaves(&source.id);
        if source.partitioned_by.is_none() || source.flattened {
            return None;
        }
        let leaves: Vec<&TablePlan> = leaves
            .iter()
            .filter_map(|leaf| self.planned.get(&leaf.id).copied())
            .collect();
        Some(Together {
            partitions: leaves.len() as u64,
            rows: leaves.iter().map(|leaf| leaf.rows).sum(),
            bytes: leaves.iter().map(|leaf| leaf.bytes).sum(),
        })
    }
}

impl Together {
    /// Says how many rows are in how many partitions.
    pub(super) fn told(&self) -> String {
        format!(
            "{} in {}",
            count(self.rows),
            counted(self.partitions, "partition")
        )
    }
}
