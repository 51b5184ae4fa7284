//! Which tables are parts of which others: partitions, at any depth, and tables that inherit. From what the tables say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Table, TableId};

/// The families of tables. A table whose parents are not among them stands alone.
#[derive(Debug, Clone, Default)]
pub struct Families<'a> {
    partitions: BTreeMap<&'a TableId, Vec<&'a Table>>,
    heirs: BTreeMap<&'a TableId, Vec<&'a Table>>,
}

impl<'a> Families<'a> {
    /// Sorts the tables by what they are parts of.
    pub fn of(tables: impl IntoIterator<Item = &'a Table>) -> Self {
        let mut families = Self::default();
        for table in tables {
            if let Some(partition) = &table.partition_of {
                let siblings = families.partitions.entry(&partition.parent).or_default();
                siblings.push(table);
            }
            for parent in &table.inherits {
                families.heirs.entry(parent).or_default().push(table);
            }
        }
        families
    }

    /// Returns all partitions of a table, those of its partitions among them, each parent before its parts.
    pub fn partitions(&self, table: &TableId) -> Vec<&'a Table> {
        below(&self.partitions, table)
    }

    /// Returns the partitions that hold rows themselves: all that are not divided further.
    pub fn leaves(&self, table: &TableId) -> Vec<&'a Table> {
        let mut parts = self.partitions(table);
        parts.retain(|part| part.partitioned_by.is_none());
        parts
    }

    /// Returns the tables that inherit from a table, directly or through others, each once.
    pub fn heirs(&self, table: &TableId) -> Vec<&'a Table> {
        below(&self.heirs, table)
    }
}

fn below<'a>(children: &BTreeMap<&'a TableId, Vec<&'a Table>>, table: &TableId) -> Vec<&'a Table> {
    let mut seen: BTreeSet<&TableId> = BTreeSet::new();
    let mut found: Vec<&Table> = Vec::new();
    let mut next = children.get(table);
    let mut at = 0;
    loop {
        for child in next.into_iter().flatten() {
            if seen.insert(&child.id) {
                found.push(child);
            }
        }
        let Some(child) = found.get(at) else { return found };
        next = children.get(&child.id);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PartitionOf;

    fn table(name: &str, parent: Option<&str>, divided: bool, inherits: &[&str]) -> Table {
        let mut table = Table::empty(TableId::bare(name));
        table.partition_of = parent.map(|parent| PartitionOf {
            parent: TableId::bare(parent),
            bound: "DEFAULT".to_owned(),
        });
        table.partitioned_by = divided.then(|| "RANGE (at)".to_owned());
        table.inherits = inherits.iter().map(|parent| TableId::bare(*parent)).collect();
        table
    }

    fn names(tables: Vec<&Table>) -> Vec<&str> {
        tables.into_iter().map(|table| table.id.name.as_str()).collect()
    }

    #[test]
    fn the_rows_of_a_partitioned_table_are_in_the_leaves_of_all_levels() {
        let tables = [
            table("y23", Some("events"), true, &[]),
            table("y23_a", Some("y23"), false, &[]),
            table("y23_rest", Some("y23"), false, &[]),
            table("y24", Some("events"), false, &[]),
            table("events", None, true, &[]),
            table("other", None, false, &[]),
        ];
        let families = Families::of(&tables);
        let of = |name: &str| names(families.leaves(&TableId::bare(name)));
        assert_eq!(of("events"), ["y24", "y23_a", "y23_rest"]);
        assert_eq!(of("y23"), ["y23_a", "y23_rest"]);
        assert!(of("y24").is_empty() && of("other").is_empty() && of("nowhere").is_empty());
        let all = names(families.partitions(&TableId::bare("events")));
        assert_eq!(all, ["y23", "y24", "y23_a", "y23_rest"]);
    }

    #[test]
    fn a_table_that_inherits_in_two_ways_is_one_heir() {
        let tables = [
            table("thing", None, false, &[]),
            table("red", None, false, &["thing"]),
            table("round", None, false, &["thing"]),
            table("ball", None, false, &["red", "round"]),
        ];
        let families = Families::of(&tables);
        assert_eq!(
            names(families.heirs(&TableId::bare("thing"))),
            ["red", "round", "ball"]
        );
    }
}
