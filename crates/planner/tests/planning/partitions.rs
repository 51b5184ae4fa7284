//! Partitioned tables and inheritance: the same family between equal engines, one table or several elsewhere.

use whimbrel_core::{Index, PartitionOf, StepPhase, Table};

use crate::setup::{Setup, id, index, suggestion, table};
use crate::toy::Toy;

fn part(name: &str, parent: &str) -> Table {
    let mut part = table(name, "id integer pk, kind text not null");
    part.partition_of = Some(PartitionOf {
        parent: id(parent),
        bound: format!("FOR {name}"),
    });
    part
}

/// A table `whole` of two partitions, the first of which has one of its own; children sort before their parents.
fn family() -> Vec<Table> {
    let mut whole = table("public.whole", "id integer pk, kind text not null");
    whole.partitioned_by = Some("LIST (kind)".to_owned());
    let mut middle = part("public.middle", "public.whole");
    middle.partitioned_by = Some("HASH (id)".to_owned());
    let mut tables = vec![
        whole,
        middle,
        part("public.a_leaf", "public.middle"),
        part("public.leaf", "public.whole"),
    ];
    for table in &mut tables {
        let name = format!("{}_idx", table.id.name);
        table.indexes = vec![Index {
            definition: Some(format!("CREATE INDEX {name}")),
            ..index(&name, "kind")
        }];
    }
    tables
}

#[test]
fn a_partition_is_made_after_its_parent_and_its_indexes_before_its_parents() {
    let plan = Setup::new(Toy::Spacious, Toy::Spacious, family()).plan();
    let titles = |phase: StepPhase| -> Vec<String> {
        let steps = plan.steps.iter().filter(|step| step.phase == phase);
        steps.map(|step| step.subject.to_string()).collect()
    };
    let created = titles(StepPhase::Schema);
    let at = |name: &str| created.iter().position(|subject| subject == name).unwrap();
    assert!(at("public.whole") < at("public.middle") && at("public.middle") < at("public.a_leaf"));
    assert!(at("public.whole") < at("public.leaf"));
    let indexed = titles(StepPhase::AfterData);
    let at = |name: &str| indexed.iter().position(|subject| subject == name).unwrap();
    assert!(at("public.a_leaf.a_leaf_idx") < at("public.middle.middle_idx"));
    assert!(at("public.middle.middle_idx") < at("public.whole.whole_idx"));
    let whole = plan
        .steps
        .iter()
        .find(|step| step.subject.part == "whole_idx")
        .unwrap();
    assert_eq!(whole.tables.len(), 4, "{:?}", whole.tables);
    assert_eq!(plan.tables.len(), 4);
}

#[test]
fn another_engine_gets_one_table_that_is_read_whole() {
    let plan = Setup::new(Toy::Spacious, Toy::Flat, family()).plan();
    let tables: Vec<(String, bool)> = plan
        .tables
        .iter()
        .map(|table| (table.source.id.to_string(), table.source.flattened))
        .collect();
    assert_eq!(tables, [("public.whole".to_owned(), true)]);
    assert!(plan.tables[0].target.partitioned_by.is_none());
    assert!(plan.findings.iter().any(|finding| finding.code == "partitions"));
}

#[test]
fn a_partition_that_is_chosen_without_its_parent_is_a_plain_table() {
    for to in [Toy::Spacious, Toy::Flat] {
        let plan = Setup::new(Toy::Spacious, to, family())
            .wish(|wishes| wishes.tables = vec!["public.leaf".to_owned()])
            .plan();
        let tables: Vec<String> = plan
            .tables
            .iter()
            .map(|table| table.source.id.to_string())
            .collect();
        assert_eq!(tables, ["public.leaf"]);
        assert_eq!(plan.tables[0].target.partition_of, None);
    }
}

#[test]
fn an_heir_is_asked_about_where_the_target_knows_no_heirs() {
    let heirs = || {
        let mut child = table("public.child", "id integer pk");
        child.inherits = vec![id("public.parent")];
        vec![table("public.parent", "id integer pk"), child]
    };
    let plan = Setup::new(Toy::Spacious, Toy::Flat, heirs()).plan();
    assert_eq!(
        suggestion(&plan, "inheritance:public.child").as_deref(),
        Some("own_rows")
    );
    let plan = Setup::new(Toy::Spacious, Toy::Spacious, heirs()).plan();
    let child = plan.table(&id("public.child")).unwrap();
    assert_eq!(child.target.inherits, [id("public.parent")]);
}
