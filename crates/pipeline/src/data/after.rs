//! The order of the steps after the data. An index, a key or a foreign key may be made as soon as the rows of its tables have arrived and
//! the steps before it on these tables are done; two indexes of one table go side by side. Foreign keys of different tables have no order
//! among them, but each has its tables for itself. Everything else comes after all of them, one by one in the plan's order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use whimbrel_core::{ObjectKind, Step, TableId};

/// So many steps of larger tables are looked past for one of a small table's.
const PASSED_MAX: usize = 64;

/// The steps that are not done yet.
pub(super) struct After {
    steps: Vec<Step>,
    /// Per step, whether it need not wait for all others.
    early: Vec<bool>,
    /// Per step, how many tables and steps it still waits for.
    waits: Vec<usize>,
    /// Per step, the steps that wait for it.
    then: Vec<Vec<usize>>,
    /// The steps that wait for a table's rows.
    on_rows: BTreeMap<TableId, Vec<usize>>,
    /// Steps that may run.
    ready: VecDeque<usize>,
    /// What comes after all others, in order.
    last: VecDeque<usize>,
    /// Steps that are not among the last, and not done.
    early_left: usize,
    /// Per table, what is not there yet.
    left: BTreeMap<TableId, Left>,
    running: BTreeSet<usize>,
    is_closed: bool,
}

/// What may run behind the steps that were taken out together.
#[derive(Default)]
struct Behind {
    /// Per step, for how many of them it waits.
    waited_for: BTreeMap<usize, usize>,
    /// Steps that wait for nothing else.
    ready: VecDeque<usize>,
}

impl Behind {
    fn took(&mut self, at: usize, then: &[Vec<usize>], waits: &[usize]) {
        for next in &then[at] {
            let waited_for = self.waited_for.entry(*next).or_default();
            *waited_for += 1;
            if *waited_for == waits[*next] {
                self.ready.push_back(*next);
            }
        }
    }

    fn next(&mut self, goes: impl Fn(usize) -> bool) -> Option<usize> {
        std::iter::from_fn(|| self.ready.pop_front()).find(|at| goes(*at))
    }
}

/// How many of a table's steps are not done.
#[derive(Default)]
struct Left {
    /// Indexes and keys.
    own: usize,
    /// Foreign keys from it and to it.
    foreign: usize,
}

impl Left {
    fn of(&mut self, kind: ObjectKind) -> &mut usize {
        if kind == ObjectKind::ForeignKey {
            &mut self.foreign
        } else {
            &mut self.own
        }
    }
}

/// The steps of one table, as its next step sees them.
#[derive(Default)]
struct Before {
    /// The last one that is neither an index nor a foreign key: it needs the table for itself.
    alone: Option<usize>,
    /// The indexes since then.
    indexes: Vec<usize>,
    /// The foreign keys since then, from it and to it.
    foreign: Vec<usize>,
    /// The last foreign key from it.
    own_foreign: Option<usize>,
}

impl Before {
    /// Adds a step to those of the table and returns the ones that it waits for.
    fn add(&mut self, at: usize, kind: ObjectKind, is_owner: bool) -> Vec<usize> {
        let mut earlier: Vec<usize> = self.alone.into_iter().collect();
        if kind == ObjectKind::Index {
            self.indexes.push(at);
        } else if kind == ObjectKind::ForeignKey {
            earlier.extend(&self.indexes);
            self.foreign.push(at);
            // Where a table is made anew for each of its keys, those that look at no rows come last.
            if is_owner {
                earlier.extend(self.own_foreign.replace(at));
            }
        } else {
            earlier.append(&mut self.indexes);
            earlier.append(&mut self.foreign);
            self.alone = Some(at);
        }
        earlier
    }
}

impl After {
    /// Orders the steps that are left. `alone` are the planned tables whose steps concern no other table, `missing` those whose rows have not
    /// all arrived.
    pub(super) fn new(steps: Vec<Step>, alone: &BTreeSet<TableId>, missing: &BTreeSet<TableId>) -> Self {
        let mut after = Self {
            early: steps.iter().map(|step| is_early(step, alone)).collect(),
            waits: vec![0; steps.len()],
            then: vec![Vec::new(); steps.len()],
            on_rows: BTreeMap::new(),
            ready: VecDeque::new(),
            last: VecDeque::new(),
            early_left: 0,
            left: BTreeMap::new(),
            running: BTreeSet::new(),
            is_closed: false,
            steps,
        };
        let mut before: BTreeMap<TableId, Before> = BTreeMap::new();
        for at in 0..after.steps.len() {
            if after.early[at] {
                after.place(at, missing, &mut before);
            } else {
                after.last.push_back(at);
            }
        }
        after
    }

    fn place(&mut self, at: usize, missing: &BTreeSet<TableId>, before: &mut BTreeMap<TableId, Before>) {
        let step = &self.steps[at];
        let kind = step.subject.kind;
        let mut earlier: BTreeSet<usize> = BTreeSet::new();
        for table in step.tables.iter().collect::<BTreeSet<_>>() {
            if missing.contains(table) {
                self.waits[at] += 1;
                self.on_rows.entry(table.clone()).or_default().push(at);
            }
            *self.left.entry(table.clone()).or_default().of(kind) += 1;
            let of_table = before.entry(table.clone()).or_default();
            earlier.extend(of_table.add(at, kind, table == &step.subject.owner));
        }
        self.waits[at] += earlier.len();
        for step in earlier {
            self.then[step].push(at);
        }
        self.early_left += 1;
        if self.waits[at] == 0 {
            self.ready.push_back(at);
        }
    }

    /// Notes that all rows of the table have arrived.
    pub(super) fn arrived(&mut self, table: &TableId) {
        let waiting = self.on_rows.remove(table).unwrap_or_default();
        self.release(waiting);
    }

    fn release(&mut self, waiting: Vec<usize>) {
        for at in waiting {
            self.waits[at] -= 1;
            if self.waits[at] == 0 && !self.running.contains(&at) {
                self.ready.push_back(at);
            }
        }
    }

    /// Tells how many steps wait for nothing but a place.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Takes out more steps that may run in order behind one that was taken out, at most so many, if all of their tables are small: they wait
    /// for nothing, or only for steps before them.
    pub(super) fn more(
        &mut self,
        first: usize,
        most: usize,
        is_read: impl Fn(&TableId) -> bool,
        is_small: impl Fn(&TableId) -> bool,
    ) -> Vec<(usize, Step)> {
        // They may lock their tables until the last of them is done: whoever waits for one of them must not hold another.
        let others = self.running.iter().filter(|at| **at != first);
        let busy: BTreeSet<&TableId> = others.flat_map(|at| &self.steps[*at].tables).collect();
        let goes = |step: &Step| {
            let mut tables = step.tables.iter();
            !step.destructive
                && tables.all(|table| !is_read(table) && is_small(table) && !busy.contains(table))
        };
        if !self.early[first] {
            // The last ones keep their order.
            let last = self.last.iter().take(most).map(|at| (*at, &self.steps[*at]));
            let quick = last.take_while(|(_, step)| is_quick(step) && goes(step));
            let more: Vec<(usize, Step)> = quick.map(|(at, step)| (at, step.clone())).collect();
            self.last.drain(..more.len());
            self.running.extend(more.iter().map(|(at, _)| *at));
            return more;
        }
        let (mut more, mut stay) = (Vec::new(), VecDeque::new());
        let mut behind = Behind::default();
        behind.took(first, &self.then, &self.waits);
        while more.len() < most && stay.len() < PASSED_MAX {
            let at = match self.ready.pop_front() {
                Some(at) if goes(&self.steps[at]) => at,
                Some(at) => {
                    stay.push_back(at);
                    continue;
                }
                None => match behind.next(|at| goes(&self.steps[at])) {
                    Some(at) => at,
                    None => break,
                },
            };
            behind.took(at, &self.then, &self.waits);
            more.push((at, self.steps[at].clone()));
        }
        stay.append(&mut self.ready);
        self.ready = stay;
        self.running.extend(more.iter().map(|(at, _)| *at));
        more
    }

    /// Takes back a step that was taken out and not begun; of several, the last one first.
    pub(super) fn put_back(&mut self, at: usize) {
        self.running.remove(&at);
        if !self.early[at] {
            if !self.is_closed {
                self.last.push_front(at);
            }
        } else if self.waits[at] == 0 && !self.is_closed {
            self.ready.push_back(at);
        }
    }

    /// Takes out a step that may run now: none of its tables is being read. `all_whole` tells that no table is on its way any more.
    pub(super) fn next(
        &mut self,
        all_whole: bool,
        is_read: impl Fn(&TableId) -> bool,
    ) -> Option<(usize, Step)> {
        let is_free = |at: &usize| {
            let step = &self.steps[*at];
            let is_shared = step.subject.kind != ObjectKind::ForeignKey;
            let mut tables = step.tables.iter();
            !tables.any(|table| is_read(table) || !is_shared && self.is_busy(table))
        };
        let early = self.ready.iter().position(is_free);
        let at = match early {
            Some(place) => self.ready.remove(place),
            None if all_whole && self.early_left == 0 && self.running.is_empty() => match self.last.front() {
                Some(at) if is_free(at) => self.last.pop_front(),
                Some(_) | None => None,
            },
            None => None,
        }?;
        self.running.insert(at);
        Some((at, self.steps[at].clone()))
    }

    /// Notes that a step is done, or waits for a later run.
    pub(super) fn done(&mut self, at: usize) {
        self.running.remove(&at);
        let step = &self.steps[at];
        let then = std::mem::take(&mut self.then[at]);
        if self.early[at] {
            self.early_left -= 1;
            for table in step.tables.iter().collect::<BTreeSet<_>>() {
                if let Some(left) = self.left.get_mut(table) {
                    *left.of(step.subject.kind) -= 1;
                }
            }
        }
        self.release(then);
    }

    /// Notes that a step failed: nothing that comes after it is begun any more.
    pub(super) fn failed(&mut self, at: usize) {
        self.running.remove(&at);
        if !self.early[at] {
            self.last.clear();
        }
    }

    /// Begins no step any more.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.ready.clear();
        self.then.iter_mut().for_each(Vec::clear);
        self.on_rows.clear();
        self.last.clear();
    }

    /// Tells whether the table has its indexes and keys, and no step works on it.
    pub(super) fn is_built(&self, table: &TableId) -> bool {
        self.left.get(table).is_none_or(|left| left.own == 0) && !self.is_busy(table)
    }

    /// Tells whether the table has all that it gets by steps of its own, foreign keys among them.
    pub(super) fn is_whole(&self, table: &TableId) -> bool {
        self.is_built(table) && self.left.get(table).is_none_or(|left| left.foreign == 0)
    }

    /// Tells whether a step works on the table.
    fn is_busy(&self, table: &TableId) -> bool {
        self.running
            .iter()
            .any(|at| self.steps[*at].tables.contains(table))
    }

    pub(super) fn is_left(&self) -> bool {
        self.early_left > 0 || !self.last.is_empty()
    }
}

/// Tells whether a step takes no time where its tables are small. What concerns no table may compute anything.
fn is_quick(step: &Step) -> bool {
    let kind = step.subject.kind;
    matches!(
        kind,
        ObjectKind::Sequence | ObjectKind::View | ObjectKind::Comment
    ) || !step.tables.is_empty()
}

/// Tells whether the step need not wait for all others.
fn is_early(step: &Step, alone: &BTreeSet<TableId>) -> bool {
    let is_part = matches!(
        step.subject.kind,
        ObjectKind::Index | ObjectKind::PrimaryKey | ObjectKind::Unique | ObjectKind::ForeignKey
    );
    is_part && !step.tables.is_empty() && step.tables.iter().all(|table| alone.contains(table))
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{ObjectId, StepPhase};

    use super::*;

    fn ids(names: &[&str]) -> BTreeSet<TableId> {
        names.iter().map(|name| TableId::bare(*name)).collect()
    }

    fn step(kind: ObjectKind, tables: &[&str]) -> Step {
        let tables: Vec<TableId> = tables.iter().map(|name| TableId::bare(*name)).collect();
        let owner = tables.first().cloned().unwrap_or_else(|| TableId::bare("none"));
        Step {
            id: String::new(),
            phase: StepPhase::AfterData,
            subject: ObjectId::part(kind, owner, "part"),
            title: String::new(),
            statements: Vec::new(),
            undo: Vec::new(),
            tables,
            destructive: false,
        }
    }

    /// Takes out all that may run now.
    fn all(after: &mut After, all_whole: bool) -> Vec<usize> {
        std::iter::from_fn(|| after.next(all_whole, |_| false).map(|(at, _)| at)).collect()
    }

    fn done(after: &mut After, steps: &[usize]) {
        steps.iter().for_each(|at| after.done(*at));
    }

    #[test]
    fn a_step_waits_for_its_rows_and_for_the_steps_before_it_on_its_tables() {
        let steps = vec![
            step(ObjectKind::PrimaryKey, &["a"]),
            step(ObjectKind::Index, &["a"]),
            step(ObjectKind::Index, &["a"]),
            step(ObjectKind::Index, &["b"]),
            step(ObjectKind::ForeignKey, &["a", "b"]),
            step(ObjectKind::View, &[]),
            step(ObjectKind::Other, &["a"]),
        ];
        let planned = ids(&["a", "b"]);
        let mut after = After::new(steps, &planned, &planned);
        assert_eq!(all(&mut after, false), Vec::<usize>::new());
        after.arrived(&TableId::bare("a"));
        assert_eq!(all(&mut after, false), [0], "the key has the table for itself");
        assert!(!after.is_built(&TableId::bare("a")));
        done(&mut after, &[0]);
        assert_eq!(all(&mut after, false), [1, 2], "indexes go side by side");
        done(&mut after, &[2, 1]);
        assert!(
            after.is_built(&TableId::bare("a")),
            "foreign keys are not waited for"
        );
        after.arrived(&TableId::bare("b"));
        assert_eq!(all(&mut after, false), [3]);
        done(&mut after, &[3]);
        assert_eq!(all(&mut after, false), [4]);
        assert!(!after.is_built(&TableId::bare("b")), "it is being worked on");
        done(&mut after, &[4]);
        assert_eq!(
            all(&mut after, false),
            Vec::<usize>::new(),
            "tables are on their way"
        );
        assert_eq!(all(&mut after, true), [5], "the last ones go one by one");
        done(&mut after, &[5]);
        assert_eq!(all(&mut after, true), [6]);
        done(&mut after, &[6]);
        assert!(!after.is_left());
    }

    #[test]
    fn foreign_keys_go_side_by_side_when_they_share_no_table() {
        let steps = vec![
            step(ObjectKind::Index, &["b"]),
            step(ObjectKind::ForeignKey, &["a", "b"]),
            step(ObjectKind::ForeignKey, &["a", "c"]),
            step(ObjectKind::ForeignKey, &["d", "b"]),
            step(ObjectKind::ForeignKey, &["d", "e"]),
            step(ObjectKind::ForeignKey, &["c", "e"]),
        ];
        let mut after = After::new(steps, &ids(&["a", "b", "c", "d", "e"]), &ids(&["a"]));
        assert_eq!(
            all(&mut after, false),
            [0, 5],
            "the rest waits for rows, for the index, or for `e`"
        );
        done(&mut after, &[0]);
        assert_eq!(
            all(&mut after, false),
            [3],
            "of what comes before it in the plan, the key from `a` waits for rows"
        );
        after.arrived(&TableId::bare("a"));
        assert_eq!(all(&mut after, false), Vec::<usize>::new(), "`b` is at work");
        done(&mut after, &[3]);
        assert_eq!(all(&mut after, false), [1], "one table's keys keep their order");
        done(&mut after, &[1, 5]);
        assert_eq!(all(&mut after, false), [4, 2]);
        assert!(!after.is_whole(&TableId::bare("d")));
        done(&mut after, &[2, 4]);
        assert!(
            ["a", "b", "c", "d", "e"]
                .iter()
                .all(|name| after.is_whole(&TableId::bare(*name)))
        );
    }

    #[test]
    fn what_comes_after_a_step_that_failed_is_not_begun_and_the_rest_is() {
        let steps = vec![
            step(ObjectKind::PrimaryKey, &["a"]),
            step(ObjectKind::Index, &["a"]),
            step(ObjectKind::Index, &["b"]),
            step(ObjectKind::ForeignKey, &["b", "c"]),
            step(ObjectKind::ForeignKey, &["a", "b"]),
            step(ObjectKind::View, &[]),
        ];
        let mut after = After::new(steps, &ids(&["a", "b", "c"]), &BTreeSet::new());
        assert_eq!(all(&mut after, true), [0, 2]);
        after.failed(0);
        done(&mut after, &[2]);
        assert_eq!(all(&mut after, true), [3]);
        done(&mut after, &[3]);
        assert_eq!(
            all(&mut after, true),
            Vec::<usize>::new(),
            "neither its index nor the key nor the view"
        );
        assert!(!after.is_built(&TableId::bare("a")));
        assert!(after.is_built(&TableId::bare("b")));
        assert!(after.is_left());
    }

    #[test]
    fn views_after_one_that_failed_are_not_begun() {
        let steps = vec![step(ObjectKind::View, &[]), step(ObjectKind::View, &[])];
        let mut after = After::new(steps, &BTreeSet::new(), &BTreeSet::new());
        assert_eq!(all(&mut after, true), [0]);
        after.failed(0);
        assert_eq!(all(&mut after, true), Vec::<usize>::new());
    }

    #[test]
    fn nothing_is_begun_once_it_is_closed() {
        let steps = vec![
            step(ObjectKind::PrimaryKey, &["a"]),
            step(ObjectKind::Index, &["a"]),
            step(ObjectKind::Index, &["b"]),
        ];
        let mut after = After::new(steps, &ids(&["a", "b"]), &ids(&["b"]));
        assert_eq!(all(&mut after, false), [0]);
        after.close();
        done(&mut after, &[0]);
        after.arrived(&TableId::bare("b"));
        assert_eq!(all(&mut after, true), Vec::<usize>::new());
    }

    #[test]
    fn a_table_that_is_read_is_left_alone() {
        let steps = vec![
            step(ObjectKind::ForeignKey, &["a", "b"]),
            step(ObjectKind::Other, &["b"]),
        ];
        let mut after = After::new(steps, &ids(&["a", "b"]), &BTreeSet::new());
        let read = |table: &TableId| table == &TableId::bare("b");
        assert!(after.next(true, read).is_none());
        let (first, _) = after.next(true, |_| false).unwrap();
        after.done(first);
        assert!(after.next(true, read).is_none());
        assert!(after.next(true, |_| false).is_some());
    }

    fn places(steps: &[(usize, Step)]) -> Vec<usize> {
        steps.iter().map(|(at, _)| *at).collect()
    }

    #[test]
    fn steps_of_small_tables_go_together_and_those_that_were_not_begun_come_back() {
        let steps: Vec<Step> = ["a", "large", "b", "read", "c"]
            .iter()
            .map(|name| step(ObjectKind::Index, &[name]))
            .collect();
        let planned = ids(&["a", "large", "b", "read", "c"]);
        let mut after = After::new(steps, &planned, &BTreeSet::new());
        let read = |table: &TableId| table == &TableId::bare("read");
        let small = |table: &TableId| table != &TableId::bare("large");
        assert_eq!(after.next(true, read).unwrap().0, 0);
        assert_eq!(places(&after.more(0, 1, read, small)), [2]);
        assert_eq!(places(&after.more(0, 9, read, small)), [4]);
        assert_eq!(after.ready(), 2, "one is large, and one is read");
        after.put_back(4);
        assert_eq!(after.ready(), 3);
        after.close();
        after.put_back(2);
        assert_eq!(after.ready(), 0, "nothing is begun once it is closed");
    }

    #[test]
    fn what_waits_only_for_steps_that_go_together_goes_behind_them() {
        let steps = vec![
            step(ObjectKind::Index, &["a"]),
            step(ObjectKind::PrimaryKey, &["a"]),
            step(ObjectKind::Index, &["a"]),
            step(ObjectKind::ForeignKey, &["a", "late"]),
        ];
        let planned = ids(&["a", "late"]);
        let mut after = After::new(steps, &planned, &ids(&["late"]));
        assert_eq!(after.next(false, |_| false).unwrap().0, 0);
        let more = after.more(0, 9, |_| false, |_| true);
        assert_eq!(
            places(&more),
            [1, 2],
            "in their order, but for the one whose rows are missing"
        );
        done(&mut after, &[0]);
        assert_eq!(
            all(&mut after, false),
            Vec::<usize>::new(),
            "the next one is taken"
        );
        // The second failed, so the third was not begun, and waits for it.
        after.put_back(2);
        after.failed(1);
        assert_eq!(all(&mut after, false), Vec::<usize>::new());
        assert!(after.is_left());
    }

    #[test]
    fn what_goes_together_shares_no_table_with_steps_that_run() {
        let steps = vec![
            step(ObjectKind::ForeignKey, &["a", "b"]),
            step(ObjectKind::ForeignKey, &["b", "c"]),
            step(ObjectKind::ForeignKey, &["c", "d"]),
            step(ObjectKind::ForeignKey, &["d", "e"]),
        ];
        let planned = ids(&["a", "b", "c", "d", "e"]);
        let mut after = After::new(steps, &planned, &BTreeSet::new());
        assert_eq!(after.next(true, |_| false).unwrap().0, 0);
        assert_eq!(after.next(true, |_| false).unwrap().0, 2);
        assert_eq!(places(&after.more(2, 9, |_| false, |_| true)), [3]);
        done(&mut after, &[2, 3]);
        assert_eq!(places(&after.more(0, 9, |_| false, |_| true)), [1]);
    }

    #[test]
    fn of_the_last_steps_only_quick_ones_go_together_and_they_keep_their_order() {
        let steps = vec![
            step(ObjectKind::View, &[]),
            step(ObjectKind::Comment, &[]),
            step(ObjectKind::Other, &["a"]),
            step(ObjectKind::Other, &[]),
            step(ObjectKind::View, &[]),
        ];
        let mut after = After::new(steps, &ids(&["a"]), &BTreeSet::new());
        assert_eq!(after.next(true, |_| false).unwrap().0, 0);
        let more = after.more(0, 9, |_| false, |_| true);
        assert_eq!(places(&more), [1, 2], "what concerns no table may take hours");
        // The second failed, so the third was not begun.
        after.done(0);
        after.put_back(2);
        after.put_back(1);
        assert_eq!(all(&mut after, true), [1]);
        done(&mut after, &[1]);
        assert_eq!(all(&mut after, true), [2]);
        after.failed(2);
        assert_eq!(all(&mut after, true), Vec::<usize>::new());
    }

    #[test]
    fn an_index_of_what_is_no_planned_table_keeps_its_place_among_the_last() {
        let steps = vec![step(ObjectKind::View, &[]), step(ObjectKind::Index, &["view"])];
        let mut after = After::new(steps, &ids(&["a"]), &BTreeSet::new());
        assert_eq!(all(&mut after, true), [0]);
        done(&mut after, &[0]);
        assert_eq!(all(&mut after, true), [1]);
    }
}
