//! What moves, what stays behind, and how that is said.

use whimbrel_core::{OtherObject, TableId, UserType, UserTypeKind};

use crate::setup::{Setup, findings, foreign_key, id, namespace, question, sequence, table, titles, view};
use crate::toy::Toy;

fn shop() -> Setup {
    let mut orders = table("public.orders", "id integer pk not null, user integer");
    orders
        .foreign_keys
        .push(foreign_key("orders_user", "user", "public.users", "id"));
    let users = table("public.users", "id integer pk not null, mood mood");
    let logs = table("audit.logs", "at timestamp");
    Setup::new(Toy::Spacious, Toy::Spacious, vec![orders, users, logs]).source(|catalog| {
        catalog.views.push(view(
            "public.buyers",
            "select id from public.users",
            &["public.users"],
        ));
        catalog.views.push(view(
            "public.best",
            "select id from public.buyers",
            &["public.buyers"],
        ));
        catalog.sequences.push(sequence("public.tickets", None));
        catalog.namespaces.insert(0, namespace("audit"));
        catalog.types.push(UserType {
            id: id("public.mood"),
            kind: UserTypeKind::Enum {
                labels: vec!["good".to_owned()],
            },
            comment: None,
        });
    })
}

fn other(kind: &str, name: &str, table: Option<&str>) -> OtherObject {
    OtherObject {
        kind: kind.to_owned(),
        id: id(name),
        table: table.map(id),
        definition: Some("...".to_owned()),
        making: None,
    }
}

#[test]
fn everything_moves_without_a_filter() {
    insta::assert_debug_snapshot!(titles(&shop().plan()), @r#"
    [
        "create namespace audit",
        "create sequence public.tickets",
        "create type public.mood",
        "create table audit.logs",
        "create table public.users",
        "create table public.orders",
        "add foreign key orders_user to public.orders",
        "create view public.buyers",
        "create view public.best",
    ]
    "#);
}

#[test]
fn a_filter_takes_views_types_namespaces_and_sequences_along_only_where_they_are_needed() {
    let plan = shop()
        .wish(|wishes| wishes.tables = vec!["orders".to_owned()])
        .plan();
    assert_eq!(titles(&plan), ["create table public.orders"]);
    insta::assert_debug_snapshot!(findings(&plan, "not_moved"), @r#"
    [
        "warning public.best",
        "warning public.buyers",
        "info audit.logs",
        "info public.users",
    ]
    "#);
    assert_eq!(
        findings(&plan, "feature_left_out"),
        ["warning public.orders.orders_user"]
    );
}

#[test]
fn an_excluded_view_takes_those_that_read_it_along() {
    let plan = shop()
        .wish(|wishes| wishes.exclude = vec!["public.buyers".to_owned()])
        .plan();
    assert_eq!(
        findings(&plan, "not_moved"),
        ["warning public.best", "warning public.buyers"]
    );
}

#[test]
fn a_pattern_that_matches_nothing_is_not_silent() {
    let plan = shop()
        .wish(|wishes| wishes.tables = vec!["oders".to_owned()])
        .plan();
    assert_eq!(plan.blockers()[0].subject.to_string(), "oders");
    let plan = shop()
        .wish(|wishes| wishes.exclude = vec!["oders".to_owned()])
        .plan();
    assert_eq!(findings(&plan, "not_moved"), ["warning oders"]);
}

#[test]
fn a_table_that_cannot_be_moved_is_acknowledged_and_takes_its_dependents_along() {
    let plan = shop()
        .source(|catalog| catalog.tables[2].unmovable = Some("it is partitioned".to_owned()))
        .plan();
    assert_eq!(
        question(&plan, "unmovable_table"),
        "public.users: leave_out (leave_out)"
    );
    assert_eq!(
        findings(&plan, "not_moved"),
        ["warning public.best", "warning public.buyers"]
    );
    assert_eq!(
        findings(&plan, "feature_left_out"),
        ["warning public.orders.orders_user"]
    );
    assert_eq!(plan.tables.len(), 2);
}

#[test]
fn leaving_rows_behind_is_never_suggested() {
    let plan = shop()
        .source(|catalog| {
            catalog.tables[2].unmovable = Some("it is partitioned".to_owned());
            catalog.tables[2].bytes = Some(8192);
        })
        .plan();
    assert_eq!(
        question(&plan, "unmovable_table"),
        "public.users: leave_out (none suggested)"
    );
}

#[test]
fn a_table_without_columns_moves_only_between_equal_engines() {
    let to = |to| Setup::new(Toy::Spacious, to, vec![table("public.nothing", "")]).plan();
    assert_eq!(to(Toy::Spacious).tables.len(), 1);
    assert_eq!(
        question(&to(Toy::Flat), "unmovable_table"),
        "public.nothing: leave_out (leave_out)"
    );
    let left = Setup::new(Toy::Spacious, Toy::Flat, vec![table("public.a", "x cloud")])
        .decide("type_unsupported=leave_out");
    assert_eq!(findings(&left.plan(), "unmovable_table"), ["blocker public.a"]);
}

#[test]
fn other_objects_are_listed_unless_their_table_stays_or_the_target_has_them() {
    let there = other("extension", "trees", None);
    let plan = shop()
        .source(|catalog| {
            catalog.others = vec![
                there.clone(),
                other("function", "public.tax(integer)", None),
                other("trigger", "public.stamp", Some("public.users")),
                other("trigger", "audit.stamp", Some("audit.logs")),
            ];
        })
        .target(|catalog| catalog.others.push(there.clone()))
        .wish(|wishes| wishes.exclude = vec!["audit.*".to_owned()])
        .plan();
    assert_eq!(
        findings(&plan, "not_moved"),
        [
            "warning public.stamp",
            "warning public.tax(integer)",
            "info audit.logs"
        ]
    );
}

#[test]
fn a_default_that_calls_a_function_nobody_moves_is_a_question() {
    let setup = shop().source(|catalog| {
        catalog
            .others
            .push(other("function", "public.tax(integer)", None));
        catalog.tables[1].columns[1].default = Some("public.tax(1)".to_owned());
    });
    let plan = setup.plan();
    assert_eq!(
        question(&plan, "expression_untranslated"),
        "public.orders.user: leave_out | text (leave_out)"
    );
    assert_eq!(
        plan.tables
            .iter()
            .find(|t| t.target.id == id("public.orders"))
            .unwrap()
            .target
            .columns[1]
            .default,
        None
    );
    let has_it = setup.target(|catalog| {
        catalog
            .others
            .push(other("function", "public.tax(integer)", None));
    });
    assert_eq!(
        findings(&has_it.plan(), "expression_untranslated"),
        Vec::<String>::new()
    );
}

#[test]
fn a_type_of_an_extension_that_the_target_lacks_blocks() {
    let setup = shop().source(|catalog| {
        catalog.others.push(other("extension", "citext", None));
        catalog.tables[1].columns[1].native = "public.citext".to_owned();
    });
    assert_eq!(
        findings(&setup.plan(), "type_unsupported"),
        ["blocker public.orders.user"]
    );
    let has_it = setup.target(|catalog| catalog.others.push(other("extension", "citext", None)));
    assert!(has_it.plan().blockers().is_empty());
}

#[test]
fn a_sequence_that_no_column_takes_from_stays_behind_across_engines() {
    let setup = Setup::new(
        Toy::Spacious,
        Toy::Flat,
        vec![table("public.a", "id integer pk not null")],
    )
    .source(|catalog| catalog.sequences.push(sequence("public.tickets", None)));
    assert_eq!(findings(&setup.plan(), "not_moved"), ["warning public.tickets"]);
}

#[test]
fn the_filter_can_be_asked_before_planning() {
    let wishes = whimbrel_planner::Wishes {
        tables: vec!["shop.*".to_owned()],
        exclude: vec!["*_log".to_owned()],
        ..whimbrel_planner::Wishes::default()
    };
    assert!(whimbrel_planner::is_wanted(
        &wishes,
        &TableId::new("shop", "orders")
    ));
    assert!(!whimbrel_planner::is_wanted(
        &wishes,
        &TableId::new("shop", "orders_log")
    ));
    assert!(!whimbrel_planner::is_wanted(
        &wishes,
        &TableId::new("public", "orders")
    ));
}
