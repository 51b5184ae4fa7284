//! Tables whose rows are also rows of a table above them (partitions, and tables that inherit): which rules they have from there, and which
//! partitions are only read with the whole, because the mapping makes something of it that cannot be divided as it was.

use std::collections::HashMap;

use whimbrel_core::{Error, Result, Table, TableId, TableRule, matches_name};

use super::keys::mentions;

/// A name that a rule gives to a table, with the place of the rule.
pub(crate) type Way<'m> = (TableId, usize, &'m TableRule);

/// The tables, and which stand above which.
pub(crate) struct Kin<'r> {
    bases: &'r [Table],
    places: HashMap<&'r TableId, usize>,
}

impl<'r> Kin<'r> {
    pub(crate) fn of(bases: &'r [Table]) -> Self {
        let places = bases.iter().enumerate().map(|(at, base)| (&base.id, at));
        Self {
            bases,
            places: places.collect(),
        }
    }

    fn place(&self, id: &TableId) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The tables whose partition one is, the next first.
    fn above(&self, at: usize) -> Vec<usize> {
        let mut found = Vec::new();
        let mut below = at;
        while let Some(partition) = &self.bases[below].partition_of {
            let whole = self.place(&partition.parent);
            let Some(whole) = whole.filter(|whole| !found.contains(whole)) else {
                break;
            };
            found.push(whole);
            below = whole;
        }
        found
    }
}

/// What the rules say of each table: those without a name of their own, and those with one.
pub(crate) struct Families<'r, 'm> {
    /// The tables.
    pub(crate) kin: &'r Kin<'r>,
    /// By table, the rules without a `to`.
    pub(crate) general: &'r [Vec<&'m TableRule>],
    /// By table, the rules with one.
    pub(crate) ways: &'r [Vec<Way<'m>>],
}

impl<'m> Families<'_, 'm> {
    /// The rules that a partition (or a table that inherits) has from the tables above it: their rows are its rows.
    pub(crate) fn inherited(&self, at: usize) -> Vec<&'m TableRule> {
        let mut found: Vec<&'m TableRule> = Vec::new();
        let mut open = vec![at];
        let mut seen = vec![false; self.kin.bases.len()];
        while let Some(below) = open.pop() {
            if std::mem::replace(&mut seen[below], true) {
                continue;
            }
            let table = &self.kin.bases[below];
            let parents = table.partition_of.iter().map(|partition| &partition.parent);
            let parents = parents.chain(&table.inherits);
            for parent in parents.filter_map(|id| self.kin.place(id)) {
                found.extend(&self.general[parent]);
                if let [(.., rule)] = self.ways[parent].as_slice() {
                    found.push(rule);
                }
                open.push(parent);
            }
        }
        found.retain(|rule| !self.general[at].iter().any(|own| std::ptr::eq(*own, *rule)));
        found
    }

    /// For each table, whether it is a partitioned one that arrives as plain ones.
    pub(crate) fn undivided(&self, is_merged: impl Fn(&TableId) -> bool) -> Vec<bool> {
        let all = 0..self.kin.bases.len();
        all.map(|at| self.is_undivided(at, &is_merged)).collect()
    }

    /// For each table, whether its rows are read with those of one of the undivided above it.
    ///
    /// # Errors
    /// `Invalid` for a rule for such a partition: its rows would come twice.
    pub(crate) fn read_with_the_whole(
        &self,
        undivided: &[bool],
        is_merged: impl Fn(&TableId) -> bool,
    ) -> Result<Vec<bool>> {
        let bases = self.kin.bases;
        let mut read = vec![false; bases.len()];
        for (at, is_read) in read.iter_mut().enumerate() {
            let own = &self.ways[at];
            let is_torn_out = own.len() > 1 || own.iter().any(|(to, ..)| is_merged(to));
            if let Some(partition) = bases[at].partition_of.as_ref().filter(|_| is_torn_out) {
                let rule = own.last().map(|(.., rule)| *rule);
                return Err(alone(&bases[at].id, &partition.parent).at(from_of(rule)));
            }
            let mut above = self.kin.above(at).into_iter();
            let Some(whole) = above.find(|whole| undivided[*whole]) else {
                continue;
            };
            *is_read = true;
            let is_of_whole =
                |rule: &&TableRule| self.general[whole].iter().any(|own| std::ptr::eq(*own, *rule));
            if !self.ways[at].is_empty() || !self.general[at].iter().all(is_of_whole) {
                let own = self.ways[at].last().map(|(.., rule)| *rule);
                let rule = own.or_else(|| self.general[at].last().copied());
                return Err(alone(&bases[at].id, &bases[whole].id).at(from_of(rule)));
            }
        }
        Ok(read)
    }

    /// It is split or merged, or what divides it is not the source's any more.
    fn is_undivided(&self, at: usize, is_merged: impl Fn(&TableId) -> bool) -> bool {
        let base = &self.kin.bases[at];
        let Some(division) = &base.partitioned_by else {
            return false;
        };
        let ways = &self.ways[at];
        if ways.len() > 1 || ways.iter().any(|(to, ..)| is_merged(to)) {
            return true;
        }
        let columns = base.columns.iter().map(|column| &column.name);
        let mut dividing = columns.filter(|name| mentions(division, name));
        let rules = || self.general[at].iter().chain(ways.iter().map(|(.., rule)| rule));
        dividing.any(|name| rules().any(|rule| changes(rule, name)))
    }
}

/// Tells whether a rule makes other values of a column, or leaves it out.
fn changes(rule: &TableRule, column: &str) -> bool {
    let is_met = |pattern: &String| matches_name(pattern, column);
    rule.compute.contains_key(column)
        || rule.default.keys().any(is_met)
        || rule.mask.keys().any(is_met)
        || rule.types.keys().any(is_met)
        || rule.exclude.iter().any(is_met)
        || !rule.columns.is_empty() && !rule.columns.iter().any(is_met)
}

/// Takes out what a rule says of a partition by a pattern that meets the whole, too: the rows come with the whole.
pub(crate) fn fold(kin: &Kin<'_>, ways: &mut [Vec<Way<'_>>]) {
    for at in 0..kin.bases.len() {
        for whole in kin.above(at) {
            let of_whole: Vec<*const TableRule> = ways[whole]
                .iter()
                .map(|(.., rule)| std::ptr::from_ref(*rule))
                .collect();
            ways[at].retain(|(.., rule)| !of_whole.contains(&std::ptr::from_ref(*rule)));
        }
    }
}

/// A partition's rows may be read with its table's, where a rule for it alone would say nothing.
pub(crate) fn refuse_for_partition_alone(rule: &TableRule, table: &Table) -> Result<()> {
    let Some(partition) = table.partition_of.as_ref().filter(|_| rule.changes_rows()) else {
        return Ok(());
    };
    let parent = &partition.parent;
    if rule.from.iter().any(|pattern| parent.matches(pattern)) {
        return Ok(());
    }
    Err(alone(&table.id, parent))
}

fn from_of(rule: Option<&TableRule>) -> Option<String> {
    rule?.written.place(&["from"])
}

fn alone(partition: &TableId, whole: &TableId) -> Error {
    Error::invalid(format!(
        "the mapping has a rule for `{partition}` and not for `{whole}`, whose partition it is"
    ))
    .with_code("mapping")
    .with_hint(format!("write the rule for the whole table: from = \"{whole}\""))
}
