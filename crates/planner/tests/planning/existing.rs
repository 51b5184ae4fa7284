//! A target that is not empty: tables to replace, what hangs on them, and what stands in the way.

use whimbrel_core::{ObjectId, ObjectKind, OtherObject, UserType, UserTypeKind};

use crate::setup::{Setup, findings, foreign_key, id, question, sequence, table, titles, view};
use crate::toy::Toy;

fn occupied() -> Setup {
    Setup::new(
        Toy::Flat,
        Toy::Spacious,
        vec![table("orders", "id INTEGER pk not null")],
    )
    .target(|catalog| {
        catalog
            .tables
            .push(table("public.orders", "id integer pk not null"));
    })
}

#[test]
fn a_table_that_is_there_is_asked_about_and_nothing_is_suggested() {
    let plan = occupied().plan();
    assert_eq!(
        question(&plan, "target_table_exists"),
        "orders: replace | stop (none suggested)"
    );
    assert!(!plan.is_destructive());
    assert_eq!(findings(&plan, "target_not_empty"), ["info shop"]);
    let accepting = occupied().wish(|wishes| wishes.accept_suggested = true).plan();
    assert_eq!(accepting.open_decisions().len(), 1);
}

#[test]
fn a_replaced_table_is_moved_aside_first() {
    let plan = occupied().decide("target_table_exists:orders=replace").plan();
    assert_eq!(
        titles(&plan),
        ["move public.orders aside", "create table public.orders"]
    );
    assert!(plan.steps[0].destructive && plan.tables[0].replaces);
    assert!(plan.open_decisions().is_empty() && plan.blockers().is_empty());
}

#[test]
fn a_table_is_found_whatever_its_case_where_names_fold() {
    let plan = Setup::new(Toy::Flat, Toy::Flat, vec![table("orders", "id INTEGER")])
        .target(|catalog| catalog.tables.push(table("Orders", "id INTEGER")))
        .plan();
    assert_eq!(findings(&plan, "target_table_exists"), ["decision orders"]);
}

#[test]
fn everything_that_hangs_on_a_replaced_table_is_asked_about() {
    let plan = occupied()
        .decide("target_table_exists=replace")
        .target(|catalog| {
            catalog
                .views
                .push(view("public.latest", "...", &["public.orders"]));
            let mut items = table("public.items", "order integer");
            items
                .foreign_keys
                .push(foreign_key("items_order", "order", "public.orders", "id"));
            catalog.tables.push(items);
            catalog.others.push(OtherObject {
                kind: "trigger".to_owned(),
                id: id("public.stamp"),
                table: Some(id("public.orders")),
                definition: None,
                making: None,
            });
        })
        .plan();
    assert_eq!(
        findings(&plan, "target_dependents"),
        [
            "decision public.items.items_order",
            "decision public.latest",
            "decision public.stamp"
        ]
    );
    assert!(plan.findings.iter().all(|finding| finding.suggested.is_none()));
    // They change with the table, so a resumed run must not take them for somebody else's work.
    let touched = plan.target_objects();
    assert!(touched.contains(&ObjectId::whole(ObjectKind::View, id("public.latest"))));
    assert!(touched.contains(&ObjectId::whole(ObjectKind::Table, id("public.items"))));
}

#[test]
fn what_stays_is_all_that_the_rest_fingerprint_covers() {
    let setup = occupied()
        .decide("target_table_exists=replace")
        .target(|catalog| {
            catalog.tables.push(table("public.kept", "x integer"));
        });
    let plan = setup.plan();
    let mut after = setup.target.clone();
    after.tables[0] = plan.tables[0].target.clone();
    assert_eq!(
        after.without(&plan.target_objects()).fingerprint(),
        plan.target.rest
    );
    assert_ne!(plan.target.rest, plan.target.catalog);
    after.tables[1].columns[0].nullable = false;
    assert_ne!(
        after.without(&plan.target_objects()).fingerprint(),
        plan.target.rest
    );
}

#[test]
fn a_view_in_the_place_of_a_table_blocks() {
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![table("orders", "id INTEGER")])
        .target(|catalog| catalog.views.push(view("public.orders", "...", &[])))
        .plan();
    assert_eq!(
        findings(&plan, "target_not_empty"),
        ["blocker orders", "info shop"]
    );
}

#[test]
fn a_view_of_the_targets_own_can_stay() {
    let setup = Setup::new(
        Toy::Spacious,
        Toy::Spacious,
        vec![table("public.a", "id integer")],
    )
    .source(|catalog| {
        catalog
            .views
            .push(view("public.v", "select id from public.a", &["public.a"]));
    })
    .target(|catalog| catalog.views.push(view("public.v", "select 1", &[])));
    assert_eq!(
        question(&setup.plan(), "target_table_exists"),
        "public.v: keep | stop (none suggested)"
    );
    let plan = setup.decide("target_table_exists=keep").plan();
    assert_eq!(titles(&plan), ["create table public.a"]);
}

#[test]
fn types_are_shared_when_equal_and_block_when_not() {
    let mood = |label: &str| UserType {
        id: id("public.mood"),
        kind: UserTypeKind::Enum {
            labels: vec![label.to_owned()],
        },
        comment: None,
    };
    let with = |label: &str| {
        Setup::new(Toy::Spacious, Toy::Spacious, vec![table("public.a", "x integer")])
            .source(|catalog| catalog.types.push(mood("good")))
            .target(|catalog| catalog.types.push(mood(label)))
            .plan()
    };
    assert_eq!(findings(&with("good"), "target_not_empty"), ["info public.mood"]);
    assert_eq!(titles(&with("good")), ["create table public.a"]);
    assert_eq!(
        findings(&with("bad"), "target_not_empty"),
        ["blocker public.mood"]
    );
}

#[test]
fn a_sequence_in_the_way_blocks_unless_it_leaves_with_its_table() {
    let with = |owner: Option<(&str, &str)>| {
        Setup::new(Toy::Spacious, Toy::Spacious, vec![table("public.a", "x integer")])
            .source(|catalog| {
                catalog
                    .sequences
                    .push(sequence("public.s", Some(("public.a", "x"))));
            })
            .target(|catalog| {
                catalog.tables.push(table("public.a", "x integer"));
                catalog.sequences.push(sequence("public.s", owner));
            })
            .decide("target_table_exists=replace")
            .plan()
    };
    assert_eq!(with(None).blockers()[0].subject.to_string(), "public.s");
    assert!(with(Some(("public.a", "x"))).blockers().is_empty());
}
