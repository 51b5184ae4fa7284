//! The order of tables and of steps.

use proptest::prelude::*;
use whimbrel_core::{StepPhase, Table};

use crate::setup::{Setup, findings, foreign_key, id, table};
use crate::toy::Toy;

fn tables(edges: &[(usize, usize)], count: usize) -> Vec<Table> {
    let name = |number: usize| format!("t{number}");
    (0..count)
        .map(|number| {
            let mut made = table(&name(number), "id INTEGER pk not null, other INTEGER");
            for (_, to) in edges.iter().filter(|(from, _)| *from == number) {
                made.foreign_keys.push(foreign_key("", "other", &name(*to), "id"));
            }
            made
        })
        .collect()
}

/// Tells whether `from` leads to `to` over the edges.
fn leads(edges: &[(usize, usize)], from: usize, to: usize) -> bool {
    let (mut seen, mut open) = (vec![], vec![from]);
    while let Some(at) = open.pop() {
        for (_, next) in edges.iter().filter(|(start, _)| *start == at) {
            if *next == to {
                return true;
            }
            if !seen.contains(next) {
                seen.push(*next);
                open.push(*next);
            }
        }
    }
    false
}

proptest! {
    #[test]
    fn a_table_stands_after_those_it_refers_to_unless_they_form_a_cycle(
        edges in prop::collection::vec((0_usize..7, 0_usize..7), 0..14)
    ) {
        let plan = Setup::new(Toy::Flat, Toy::Spacious, tables(&edges, 7)).plan();
        let at = |number: usize| {
            plan.tables.iter().position(|table| table.source.id == id(&format!("t{number}"))).unwrap()
        };
        for (from, to) in edges.iter().copied().filter(|(from, to)| from != to) {
            if !leads(&edges, to, from) {
                prop_assert!(at(to) < at(from));
                prop_assert!(plan.tables[at(to)].level < plan.tables[at(from)].level);
            }
        }
        prop_assert_eq!(plan.tables.len(), 7);
        // Every key is added after every table is there, and every step has its own id.
        let first_late = plan.steps.iter().position(|step| step.phase == StepPhase::AfterData);
        let all_late = plan.steps.iter().skip(first_late.unwrap_or(0)).all(|step| step.phase == StepPhase::AfterData);
        prop_assert!(first_late.is_none() || all_late);
        let ids: std::collections::BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
        prop_assert_eq!(ids.len(), plan.steps.len());
    }
}

#[test]
fn tables_that_refer_to_each_other_are_said_once() {
    let plan = Setup::new(
        Toy::Flat,
        Toy::Spacious,
        tables(&[(0, 1), (1, 0), (2, 0), (3, 3)], 4),
    )
    .plan();
    assert_eq!(findings(&plan, "foreign_key_cycle"), ["info t0"]);
}

#[test]
fn the_same_input_gives_the_same_plan() {
    let setup = || Setup::new(Toy::Flat, Toy::Spacious, tables(&[(0, 1), (1, 2), (2, 0)], 3));
    assert_eq!(setup().plan(), setup().plan());
}

#[test]
fn a_step_depends_on_all_tables_that_it_touches() {
    let plan = Setup::new(Toy::Flat, Toy::Spacious, tables(&[(0, 1)], 2)).plan();
    let key = plan.steps.last().unwrap();
    assert_eq!(key.tables, [id("public.t0"), id("public.t1")]);
}

#[test]
fn the_estimate_adds_up_rows_and_bytes() {
    let setup = Setup::new(Toy::Flat, Toy::Spacious, tables(&[], 2))
        .profile("t0", |p| (p.rows, p.bytes) = (3_000_000, 400_000_000))
        .profile("t1", |p| p.rows = 1);
    let estimate = setup.plan().estimate;
    assert_eq!(
        (estimate.tables, estimate.rows, estimate.bytes),
        (2, 3_000_001, 400_000_000)
    );
    // 20 seconds by rows, half of it again to verify, and the statements.
    assert_eq!(estimate.seconds, 31);
    let unverified = setup.wish(|wishes| wishes.policies.verify = false).plan();
    assert_eq!(unverified.estimate.seconds, 21);
}
