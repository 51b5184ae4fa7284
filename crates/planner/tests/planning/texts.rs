//! Equality of text, labels, and columns that follow an update: what one engine does by itself and another does not.

use whimbrel_core::{ForeignKeyProfile, Plan, TextEquality, UniqueProfile};

use crate::setup::{Setup, creation, finding, findings, foreign_key, id, key, question, table, titles};
use crate::toy::Toy;

/// Users with a unique mail, and orders that refer to it.
fn shop(to: Toy) -> Setup {
    let mut users = table("users", "id bigint pk not null, mail text, note text");
    users.uniques.push(key("mail", &["mail"]));
    let mut orders = table("orders", "mail text, memo text");
    orders
        .foreign_keys
        .push(foreign_key("of_user", "mail", "users", "mail"));
    Setup::new(Toy::Folding, to, vec![users, orders]).profile("orders", |p| {
        p.foreign_keys.push(ForeignKeyProfile {
            columns: vec!["mail".to_owned()],
            orphans: 0,
            inexact: 2,
            examples: Vec::new(),
        });
    })
}

fn severities(plan: &Plan) -> Vec<String> {
    findings(plan, "collation")
}

#[test]
fn keys_that_ignore_case_are_one_question_for_each_set_of_linked_columns() {
    let plan = shop(Toy::Spacious).plan();
    assert_eq!(severities(&plan), ["decision users.mail", "warning shop"]);
    let asked = &plan
        .findings
        .iter()
        .find(|f| f.key() == "collation:users.mail")
        .unwrap();
    assert_eq!(
        asked.evidence,
        [
            "linked with `orders.mail`",
            "rows of `orders` that refer to a row only if that is ignored: 2"
        ]
    );
    assert_eq!(asked.suggested.as_deref(), Some("exact"));
    insta::assert_snapshot!(asked.choices[1].meaning, @"collation `made_ci`, which ignores case; the rest becomes different values");
    let said = plan
        .findings
        .iter()
        .find(|f| f.key() == "collation:shop")
        .unwrap();
    assert_eq!(said.evidence, ["`orders`: memo", "`users`: note"]);
}

#[test]
fn a_key_that_only_ignores_padding_goes_on_doing_so_where_that_can_be_had() {
    let suggested = |to: Toy| {
        let mut codes = table("codes", "code TEXT pk not null");
        codes.columns[0].collation = Some("padded".to_owned());
        let plan = Setup::new(Toy::Flat, to, vec![codes]).plan();
        let mut findings = plan.findings.into_iter();
        let asked = findings.find(|f| f.key() == "collation:codes.code");
        asked.unwrap().suggested
    };
    assert_eq!(suggested(Toy::Folding).as_deref(), Some("same"));
    // The nearest that this one has would ignore case.
    assert_eq!(suggested(Toy::Spacious).as_deref(), Some("exact"));
}

#[test]
fn exact_keys_make_orphans_of_rows_that_refer_inexactly() {
    let plan = shop(Toy::Spacious).plan();
    assert_eq!(
        question(&plan, "orphans"),
        "orders.of_user: not_validated | leave_out | stop (not_validated)"
    );
    insta::assert_snapshot!(creation(&plan, "public.orders"), @"([mail] text; [memo] text)");
    // Where nothing is told apart, nothing is lost.
    let plan = shop(Toy::Creasing).plan();
    assert_eq!(severities(&plan), Vec::<String>::new());
    assert_eq!(findings(&plan, "orphans"), Vec::<String>::new());
}

#[test]
fn a_key_can_go_on_ignoring_case_by_a_collation_that_is_made_first() {
    let plan = shop(Toy::Spacious).decide("collation:users.mail=same").plan();
    assert!(creation(&plan, "public.orders").starts_with("([mail] text collate made_ci"));
    assert!(creation(&plan, "public.users").contains("[mail] text collate made_ci"));
    assert_eq!(titles(&plan)[0], "create collation made_ci");
    let there = |catalog: &mut whimbrel_core::Catalog| {
        catalog.others.push(whimbrel_core::OtherObject {
            kind: "collation".to_owned(),
            id: id("made_ci"),
            table: None,
            definition: None,
            making: None,
        });
    };
    let plan = shop(Toy::Spacious).target(there).decide("collation=same").plan();
    assert!(!titles(&plan).contains(&"create collation made_ci"));
}

#[test]
fn a_related_engine_goes_on_comparing_alike_where_the_type_cannot_stay() {
    let mut users = table("users", "id bigint pk not null, mail memo, note memo");
    users.uniques.push(key("mail", &["mail"]));
    let setup = |to| Setup::new(Toy::Folding, to, vec![users.clone()]);
    let plan = setup(Toy::Creasing).plan();
    assert_eq!(severities(&plan), ["info users.mail", "info shop"]);
    assert!(
        creation(&plan, "users").contains("[mail] longtext collate loose; [note] longtext collate loose")
    );
    let plan = setup(Toy::Creasing).decide("collation:users.mail=exact").plan();
    assert!(creation(&plan, "users").contains("[mail] longtext collate exact"));
    assert_eq!(
        severities(&setup(Toy::Spacious).plan()),
        ["decision users.mail", "warning shop"]
    );
}

#[test]
fn suggestions_settle_every_question_about_collations() {
    let plan = shop(Toy::Spacious)
        .wish(|wishes| wishes.accept_suggested = true)
        .plan();
    assert!(plan.open_decisions().is_empty());
}

#[test]
fn a_target_that_folds_by_default_is_told_to_compare_exactly() {
    let setup = Setup::new(Toy::Spacious, Toy::Folding, vec![table("public.a", "x text")]);
    assert_eq!(creation(&setup.plan(), "a"), "([x] longtext collate exact)");
    assert_eq!(severities(&setup.plan()), Vec::<String>::new());
}

#[test]
fn labels_become_a_type_of_their_own_where_the_target_has_types() {
    let orders = table("orders", "state enum(new,paid)");
    let setup = Setup::new(Toy::Folding, Toy::Spacious, vec![orders]);
    let plan = setup.plan();
    assert_eq!(
        titles(&plan),
        ["create type public.orders_state", "create table public.orders"]
    );
    assert_eq!(
        creation(&plan, "public.orders"),
        "([state] [public].[orders_state])"
    );
    assert_eq!(
        plan.tables[0].target.columns[0].user_type,
        Some(id("public.orders_state"))
    );
    let plan = setup.decide("type_widened:orders.state=text").plan();
    insta::assert_snapshot!(creation(&plan, "public.orders"), @"([state] text; check orders_state_check ([state] IN ('new', 'paid')))");
    assert_eq!(titles(&plan), ["create table public.orders"]);
}

#[test]
fn the_name_of_a_type_goes_around_what_is_there() {
    let tables = vec![
        table("orders", "state enum(new,paid)"),
        table("orders_state", "id bigint"),
    ];
    let plan = Setup::new(Toy::Folding, Toy::Spacious, tables).plan();
    let native = &plan.table(&id("public.orders")).unwrap().columns[0].target_native;
    assert!(native.starts_with("[public].[orders_state_"), "{native}");
}

#[test]
fn linked_labels_share_a_type_and_long_ones_are_text() {
    let mut parent = table("parent", "state enum(a,b) pk not null");
    let mut child = table(
        "child",
        "state enum(a,b), long enum(a_label_that_is_too_long_here)",
    );
    child
        .foreign_keys
        .push(foreign_key("", "state", "parent", "state"));
    let setup = |parent, child| Setup::new(Toy::Folding, Toy::Spacious, vec![parent, child]);
    let plan = setup(parent.clone(), child.clone()).plan();
    let natives = |plan: &Plan, table: &str| -> Vec<String> {
        let columns = &plan.table(&id(table)).unwrap().columns;
        columns
            .iter()
            .map(|column| column.target_native.clone())
            .collect()
    };
    assert_eq!(natives(&plan, "public.parent"), ["[public].[child_state]"]);
    assert_eq!(natives(&plan, "public.child"), ["[public].[child_state]", "text"]);
    // One of them as text: both are.
    let as_text = setup(parent.clone(), child.clone())
        .decide("type_widened:child.state=text")
        .plan();
    assert_eq!(natives(&as_text, "public.parent"), ["text"]);
    parent.columns[0].native = "enum(b,a)".to_owned();
    child.columns.truncate(1);
    assert_eq!(natives(&setup(parent, child).plan(), "public.child"), ["text"]);
}

#[test]
fn a_type_that_holds_labels_by_itself_needs_no_check() {
    let orders = table("orders", "state enum(new,paid)");
    let plan = Setup::new(Toy::Folding, Toy::Flat, vec![orders.clone()]).plan();
    assert!(creation(&plan, "orders").contains("check"));
    let mut json = orders;
    json.columns[0].native = "enum(new,paid)".to_owned();
    let plan = Setup::new(Toy::Folding, Toy::Creasing, vec![json]).plan();
    assert_eq!(creation(&plan, "orders"), "([state] enum(new,paid))");
}

#[test]
fn a_column_that_follows_updates_gets_a_trigger_after_the_data() {
    let mut orders = table("orders", "at datetime");
    orders.columns[0].on_update = Some("CURRENT_TIMESTAMP".to_owned());
    let setup = |to| Setup::new(Toy::Folding, to, vec![orders.clone()]);
    let plan = setup(Toy::Spacious).plan();
    assert_eq!(
        question(&plan, "on_update"),
        "orders.at: trigger | leave_out (trigger)"
    );
    assert_eq!(
        titles(&plan),
        ["create table public.orders", "stamp public.orders.at"]
    );
    assert_eq!(plan.steps[1].phase, whimbrel_core::StepPhase::AfterData);
    let plan = setup(Toy::Spacious).decide("on_update=leave_out").plan();
    assert_eq!(titles(&plan), ["create table public.orders"]);
    let plan = setup(Toy::Flat).plan();
    assert_eq!(question(&plan, "on_update"), "orders.at: leave_out (leave_out)");
    assert_eq!(finding(&plan, "on_update").choices.len(), 1);
    assert_eq!(
        setup(Toy::Creasing).plan().tables[0].target.columns[0]
            .on_update
            .as_deref(),
        Some("CURRENT_TIMESTAMP")
    );
}

#[test]
fn values_that_the_targets_collation_would_call_one_are_counted_before_the_choice_and_after_it() {
    let ignoring_case = TextEquality {
        ignores_case: true,
        ..TextEquality::default()
    };
    let setup = || {
        shop(Toy::Spacious).profile("users", |p| {
            p.uniques.push(UniqueProfile {
                name: "mail".to_owned(),
                columns: vec!["mail".to_owned()],
                equalities: vec![ignoring_case],
                duplicates: 3,
                examples: vec!["mail=straße".to_owned()],
            });
        })
    };
    let plan = setup().plan();
    let mut questions = plan.findings.iter();
    let asked = questions
        .find(|finding| finding.key() == "collation:users.mail")
        .unwrap();
    let said = "values of `users` (mail) that differ and would be one with `same`: 3, such as mail=straße"
        .to_owned();
    assert!(asked.evidence.contains(&said), "{:?}", asked.evidence);
    assert_eq!(asked.suggested.as_deref(), Some("exact"));
    // Compared exactly, they are no duplicates.
    assert_eq!(findings(&plan, "duplicates"), [""; 0]);
    let plan = setup().decide("collation:users.mail=same").plan();
    assert_eq!(
        question(&plan, "duplicates"),
        "users.mail: leave_out | stop (leave_out)"
    );
    insta::assert_snapshot!(
        finding(&plan, "duplicates").message,
        @"values of `users` (mail) that are one under the target's collation, though the unique key needs them unique: 3"
    );
}
