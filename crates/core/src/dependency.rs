//! Dependency order: each table behind those it refers to. Linear in tables and references; which of them count is the caller's to say.

use std::collections::{BTreeMap, BTreeSet};

use crate::TableId;

/// Returns the tables so that each stands after those it refers to, with its depth; tables of a cycle share a depth and stand in name order.
///
/// Pure and deterministic: ties are broken by name.
pub fn sort_by_dependency(tables: &BTreeMap<TableId, BTreeSet<TableId>>) -> Vec<(TableId, u32)> {
    let ids: Vec<&TableId> = tables.keys().collect();
    let mut sorted = Vec::with_capacity(ids.len());
    let mut level = 0;
    let mut rounds = Rounds::new(tables);
    loop {
        let placed = rounds.next();
        if placed.is_empty() {
            return sorted;
        }
        sorted.extend(placed.into_iter().map(|at| (ids[at].clone(), level)));
        level += 1;
    }
}

/// Returns the sets of tables that lead to each other, each in name order; a table that refers to itself alone is none.
pub fn cycles(tables: &BTreeMap<TableId, BTreeSet<TableId>>) -> Vec<Vec<&TableId>> {
    let ids: Vec<&TableId> = tables.keys().collect();
    let sets = Graph::new(tables).cycles().into_iter();
    sets.map(|set| set.into_iter().map(|at| ids[at]).collect())
        .collect()
}

/// The tables by their numbers in name order, and what is left of their references.
struct Graph {
    /// Whom each refers to, itself left out.
    on: Vec<Vec<usize>>,
    /// Who refers to each.
    referrers: Vec<Vec<usize>>,
}

impl Graph {
    fn new(tables: &BTreeMap<TableId, BTreeSet<TableId>>) -> Self {
        let numbers: BTreeMap<&TableId, usize> = tables.keys().zip(0..).collect();
        let mut on = vec![Vec::new(); tables.len()];
        let mut referrers = vec![Vec::new(); tables.len()];
        for (from, references) in tables.values().enumerate() {
            let others = references.iter().filter_map(|id| numbers.get(id).copied());
            for to in others.filter(|to| *to != from) {
                on[from].push(to);
                referrers[to].push(from);
            }
        }
        Self { on, referrers }
    }

    /// Returns the tables that lead to each other, as sets in name order.
    fn cycles(&self) -> Vec<Vec<usize>> {
        let count = self.on.len();
        let mut walk = Walk {
            clock: 0,
            seen: vec![None; count],
            lowest: vec![0; count],
            is_open: vec![false; count],
            open: Vec::new(),
            found: Vec::new(),
        };
        for start in 0..count {
            walk.from(start, self);
        }
        walk.found
    }
}

/// Tarjan's search for strongly connected sets, with a stack of its own because chains of references may be long.
struct Walk {
    /// How many tables were reached.
    clock: usize,
    /// When each table was reached.
    seen: Vec<Option<usize>>,
    /// The earliest open table that each leads back to.
    lowest: Vec<usize>,
    is_open: Vec<bool>,
    open: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Walk {
    fn from(&mut self, start: usize, graph: &Graph) {
        if self.seen[start].is_some() {
            return;
        }
        let mut path = vec![(start, 0)];
        while let Some((at, next)) = path.pop() {
            if next == 0 {
                self.seen[at] = Some(self.clock);
                self.lowest[at] = self.clock;
                self.clock += 1;
                self.open.push(at);
                self.is_open[at] = true;
            }
            match graph.on[at].get(next).copied() {
                Some(to) => {
                    path.push((at, next + 1));
                    match self.seen[to] {
                        None => path.push((to, 0)),
                        Some(seen) if self.is_open[to] => self.lowest[at] = self.lowest[at].min(seen),
                        Some(_) => {}
                    }
                }
                None => {
                    if let Some((parent, _)) = path.last() {
                        self.lowest[*parent] = self.lowest[*parent].min(self.lowest[at]);
                    }
                    self.close(at);
                }
            }
        }
    }

    /// Takes a whole set off the stack once nothing leads from it to an earlier table.
    fn close(&mut self, root: usize) {
        if self.seen[root] != Some(self.lowest[root]) {
            return;
        }
        let mut set = Vec::new();
        while let Some(at) = self.open.pop() {
            self.is_open[at] = false;
            set.push(at);
            if at == root {
                break;
            }
        }
        if set.len() > 1 {
            set.sort_unstable();
            self.found.push(set);
        }
    }
}

/// Takes away what refers to nothing any more, round by round.
struct Rounds {
    graph: Graph,
    /// References of each table that are not placed yet.
    waits: Vec<usize>,
    ready: Vec<usize>,
    /// The cycle that each table is in.
    cycle_of: Vec<Option<usize>>,
    cycles: Vec<Vec<usize>>,
    /// References out of each cycle that are not placed yet.
    cycle_waits: Vec<usize>,
    /// Cycles that refer to nothing outside themselves: size, first name.
    cycles_ready: BTreeSet<(usize, usize)>,
}

impl Rounds {
    fn new(tables: &BTreeMap<TableId, BTreeSet<TableId>>) -> Self {
        let graph = Graph::new(tables);
        let waits: Vec<usize> = graph.on.iter().map(Vec::len).collect();
        let ready = (0..waits.len()).filter(|at| waits[*at] == 0).collect();
        let cycles = graph.cycles();
        let mut cycle_of = vec![None; waits.len()];
        for (number, cycle) in cycles.iter().enumerate() {
            for at in cycle {
                cycle_of[*at] = Some(number);
            }
        }
        let outside = |number: usize, at: usize| {
            let on = graph.on[at].iter();
            on.filter(|to| cycle_of[**to] != Some(number)).count()
        };
        let cycle_waits: Vec<usize> = cycles
            .iter()
            .enumerate()
            .map(|(number, cycle)| cycle.iter().map(|at| outside(number, *at)).sum())
            .collect();
        let mut rounds = Self {
            graph,
            waits,
            ready,
            cycle_of,
            cycles,
            cycle_waits,
            cycles_ready: BTreeSet::new(),
        };
        for number in 0..rounds.cycles.len() {
            rounds.free(number);
        }
        rounds
    }

    fn free(&mut self, cycle: usize) {
        if self.cycle_waits[cycle] == 0 {
            let members = &self.cycles[cycle];
            self.cycles_ready.insert((members.len(), members[0]));
        }
    }

    /// The next round: all that is ready, else the smallest cycle that refers to nothing outside itself; nothing when all is placed.
    fn next(&mut self) -> Vec<usize> {
        let mut round = std::mem::take(&mut self.ready);
        if round.is_empty()
            && let Some((_, first)) = self.cycles_ready.pop_first()
            && let Some(cycle) = self.cycle_of[first]
        {
            round.clone_from(&self.cycles[cycle]);
        }
        for at in &round {
            self.place(*at);
        }
        self.ready.sort_unstable();
        round
    }

    fn place(&mut self, at: usize) {
        let own = self.cycle_of[at];
        for referrer in std::mem::take(&mut self.graph.referrers[at]) {
            self.waits[referrer] -= 1;
            match self.cycle_of[referrer] {
                None if self.waits[referrer] == 0 => self.ready.push(referrer),
                None => {}
                Some(cycle) if own == Some(cycle) => {}
                Some(cycle) => {
                    self.cycle_waits[cycle] -= 1;
                    self.free(cycle);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<TableId, BTreeSet<TableId>> {
        edges
            .iter()
            .map(|(id, on)| {
                (
                    TableId::bare(*id),
                    on.iter().map(|other| TableId::bare(*other)).collect(),
                )
            })
            .collect()
    }

    fn order(edges: &[(&str, &[&str])]) -> Vec<(String, u32)> {
        sort_by_dependency(&graph(edges))
            .into_iter()
            .map(|(id, level)| (id.name, level))
            .collect()
    }

    #[test]
    fn a_table_stands_after_those_it_refers_to() {
        let sorted = order(&[("a", &["b"]), ("b", &["c"]), ("c", &[]), ("d", &["d"])]);
        assert_eq!(
            sorted,
            [("c".into(), 0), ("d".into(), 0), ("b".into(), 1), ("a".into(), 2)]
        );
    }

    #[test]
    fn a_cycle_shares_a_level_and_does_not_drag_others_in() {
        let sorted = order(&[("a", &["b"]), ("b", &["a"]), ("c", &["a"])]);
        assert_eq!(sorted, [("a".into(), 0), ("b".into(), 0), ("c".into(), 1)]);
    }

    #[test]
    fn cycles_go_one_by_one_the_smallest_first_and_what_they_free_before_the_next() {
        let sorted = order(&[
            ("a", &["b"]),
            ("b", &["c"]),
            ("c", &["a", "x"]),
            ("m", &["n"]),
            ("n", &["m", "a"]),
            ("x", &["y"]),
            ("y", &["x"]),
            ("z", &["y", "gone"]),
        ]);
        let said: Vec<String> = sorted.iter().map(|(id, level)| format!("{id}{level}")).collect();
        assert_eq!(said.join(" "), "x0 y0 z1 a2 b2 c2 m3 n3");
    }

    #[test]
    fn tables_that_lead_to_each_other_are_one_cycle_and_those_before_it_are_none() {
        let tables = graph(&[
            ("a", &["b", "a"]),
            ("b", &["c"]),
            ("c", &["b", "d"]),
            ("d", &["e"]),
            ("e", &["f"]),
            ("f", &["d"]),
            ("g", &["g"]),
        ]);
        let mut found: Vec<String> = cycles(&tables)
            .into_iter()
            .map(|set| set.into_iter().map(ToString::to_string).collect())
            .collect();
        found.sort();
        assert_eq!(found, ["bc", "def"]);
    }

    #[test]
    fn a_chain_of_any_length_is_followed() {
        let name = |at: usize| TableId::bare(format!("t{at:06}"));
        let tables = (0..50_000)
            .map(|at| (name(at), BTreeSet::from([name(at + 1)])))
            .collect();
        let sorted = sort_by_dependency(&tables);
        assert_eq!(sorted.first(), Some(&(name(49_999), 0)));
        assert_eq!(sorted.last(), Some(&(name(0), 49_999)));
    }
}
