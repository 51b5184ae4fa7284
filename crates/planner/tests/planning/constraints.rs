//! Keys, checks, foreign keys, indexes and views in the target, and the rows that break them.

use whimbrel_core::{Deferral, Exclusion, IndexPart, StepPhase, UniqueProfile};

use crate::setup::{
    Setup, check, creation, findings, foreign_key, id, index, key, orphans, question, steps, table, titles,
    view,
};
use crate::toy::Toy;

fn pair(from: Toy, to: Toy) -> Setup {
    let (number, space) = if from == Toy::Flat {
        ("INTEGER", "")
    } else {
        ("integer", "public.")
    };
    let users = table(&format!("{space}users"), &format!("id {number} pk not null"));
    let mut orders = table(
        &format!("{space}orders"),
        &format!("id {number} pk not null, user {number}"),
    );
    orders
        .foreign_keys
        .push(foreign_key("orders_user", "user", &format!("{space}users"), "id"));
    let setup = Setup::new(from, to, vec![orders, users]);
    setup.profile(&format!("{space}orders"), |p| {
        p.foreign_keys.push(orphans("user", 0));
    })
}

fn with_orphans(from: Toy, to: Toy) -> Setup {
    let space = if from == Toy::Flat { "" } else { "public." };
    pair(from, to).profile(&format!("{space}orders"), |p| p.foreign_keys[0].orphans = 3)
}

#[test]
fn orphans_leave_a_key_that_does_not_check_old_rows() {
    let setup = with_orphans(Toy::Flat, Toy::Spacious);
    assert_eq!(
        question(&setup.plan(), "orphans"),
        "orders.orders_user: not_validated | leave_out | stop (not_validated)"
    );
    assert_eq!(
        steps(&setup.plan()).last().unwrap(),
        "003_add_foreign_key_orders_user_to_public_orders: user -> public.users not validated"
    );
    let left = setup.decide("orphans=leave_out").plan();
    assert!(
        left.tables
            .iter()
            .all(|table| table.target.foreign_keys.is_empty())
    );
}

#[test]
fn orphans_just_travel_where_keys_stand_inside_the_table() {
    for from in [Toy::Flat, Toy::Spacious] {
        let plan = with_orphans(from, Toy::Flat).plan();
        assert_eq!(findings(&plan, "orphans").len(), 1);
        assert!(plan.open_decisions().is_empty());
        // Nobody may expect of the target that every row fulfils the key.
        assert!(!plan.tables[1].target.foreign_keys[0].validated);
    }
}

#[test]
fn an_unvalidated_key_stays_one_between_equal_engines() {
    let setup = with_orphans(Toy::Spacious, Toy::Spacious)
        .source(|catalog| catalog.tables[0].foreign_keys[0].validated = false);
    let plan = setup.plan();
    assert_eq!(findings(&plan, "orphans"), ["warning public.orders.orders_user"]);
    assert!(!plan.tables[1].target.foreign_keys[0].validated);
}

#[test]
fn a_foreign_key_needs_a_key_to_point_to() {
    let mut setup = pair(Toy::Flat, Toy::Spacious);
    setup.source.tables[1].primary_key = None;
    assert_eq!(
        question(&setup.plan(), "feature_left_out"),
        "orders.orders_user: leave_out (leave_out)"
    );
    setup.source.tables[1].indexes.push(index("users_id", "id"));
    setup.source.tables[1].indexes[0].unique = true;
    assert_eq!(findings(&setup.plan(), "feature_left_out"), Vec::<String>::new());
}

#[test]
fn a_foreign_key_to_nothing_is_asked_or_stays_where_the_engine_lets_it() {
    let broken = |to| {
        let mut setup = pair(Toy::Flat, to);
        setup.source.tables[0].foreign_keys[0].references = id("nobody");
        setup
    };
    assert_eq!(
        question(&broken(Toy::Spacious).plan(), "feature_left_out"),
        "orders.orders_user: leave_out (leave_out)"
    );
    let plan = broken(Toy::Flat).plan();
    assert_eq!(findings(&plan, "feature_left_out"), Vec::<String>::new());
    assert_eq!(plan.tables[0].target.foreign_keys.len(), 1);
}

#[test]
fn a_foreign_key_to_a_table_that_stays_points_to_the_targets_own() {
    let setup = pair(Toy::Spacious, Toy::Spacious)
        .wish(|wishes| wishes.exclude = vec!["users".to_owned()])
        .target(|catalog| {
            catalog
                .tables
                .push(table("public.users", "id integer pk not null"));
        });
    assert_eq!(setup.plan().tables[0].target.foreign_keys.len(), 1);
}

#[test]
fn duplicates_are_asked_for_keys_and_indexes() {
    let duplicates = |name: &str| UniqueProfile {
        name: name.to_owned(),
        columns: vec!["user".to_owned()],
        equalities: Vec::new(),
        duplicates: 2,
        examples: vec!["7".to_owned()],
    };
    let mut setup = pair(Toy::Flat, Toy::Spacious).profile("orders", |p| p.uniques.push(duplicates("one")));
    setup.source.tables[0].uniques.push(key("one", &["user"]));
    assert_eq!(
        question(&setup.plan(), "duplicates"),
        "orders.one: leave_out | stop (leave_out)"
    );
    assert!(setup.plan().tables[1].target.uniques.is_empty());

    let mut setup = pair(Toy::Flat, Toy::Spacious).profile("orders", |p| p.uniques.push(duplicates("one")));
    let mut unique = index("one", "user");
    unique.unique = true;
    setup.source.tables[0].indexes.push(unique);
    assert_eq!(
        question(&setup.plan(), "duplicates"),
        "orders.one: leave_out | stop (leave_out)"
    );
}

#[test]
fn null_in_a_primary_key_makes_it_a_unique_key() {
    let mut setup = Setup::new(Toy::Flat, Toy::Spacious, vec![table("a", "x TEXT pk")]);
    let plan = setup.plan();
    assert_eq!(findings(&plan, "assumption"), ["info a.x"]);
    assert!(!plan.tables[0].target.columns[0].nullable);
    assert_eq!(plan.tables[0].key, ["x"]);

    setup = setup.column_profile("a", "x", |p| p.nulls = 1);
    let plan = setup.plan();
    assert_eq!(question(&plan, "null_in_key"), "a.x: unique | stop (unique)");
    assert_eq!(titles(&plan)[1], "add unique a_x_key to public.a");
    assert_eq!(findings(&plan, "no_key"), ["info a"]);
}

#[test]
fn properties_that_the_target_does_not_have_are_left_out_aloud() {
    let mut setup = pair(Toy::Spacious, Toy::Flat);
    let orders = &mut setup.source.tables[0];
    let mut unique = key("late", &["user"]);
    (unique.deferral, unique.nulls_equal) = (Deferral::Deferred, true);
    orders.uniques.push(unique);
    orders.foreign_keys[0].deferral = Deferral::Immediate;
    orders.exclusions.push(Exclusion {
        name: "apart".to_owned(),
        definition: "EXCLUDE ...".to_owned(),
    });
    insta::assert_debug_snapshot!(findings(&setup.plan(), "feature_left_out"), @r#"
    [
        "decision public.orders.apart",
        "warning public.orders.late",
        "warning public.orders.late",
        "warning public.orders.orders_user",
    ]
    "#);
}

#[test]
fn checks_that_old_rows_may_break_follow_the_data() {
    let mut setup = pair(Toy::Spacious, Toy::Spacious);
    let mut late = check("late", "user > 0");
    late.validated = false;
    setup.source.tables[0].checks = vec![check("now", "id > 0"), late];
    let plan = setup.plan();
    let step = plan
        .steps
        .iter()
        .find(|step| step.title.contains("late"))
        .unwrap();
    assert_eq!(step.phase, StepPhase::AfterData);
    assert!(creation(&plan, "public.orders").contains("check now (id > 0)"));
    assert!(!creation(&plan, "public.orders").contains("late"));
}

#[test]
fn a_check_that_old_rows_may_break_is_asked_where_every_row_must_fulfil_it() {
    let mut setup = pair(Toy::Spacious, Toy::Folding);
    let mut late = check("late", "user > 0");
    late.validated = false;
    setup.source.tables[0].checks = vec![check("now", "id > 0"), late];
    let checks = |setup: &Setup| -> Vec<(String, bool)> {
        let plan = setup.plan();
        let orders = plan.tables.iter().find(|table| table.source.id.name == "orders");
        let checks = &orders.unwrap().target.checks;
        checks
            .iter()
            .map(|check| (check.name.clone(), check.validated))
            .collect()
    };
    assert_eq!(
        question(&setup.plan(), "feature_left_out"),
        "public.orders.late: leave_out | validate | stop (leave_out)"
    );
    assert_eq!(checks(&setup), [("now".to_owned(), true)]);
    let setup = setup.decide("feature_left_out=validate");
    assert_eq!(
        checks(&setup),
        [("now".to_owned(), true), ("late".to_owned(), true)]
    );
}

#[test]
fn a_check_without_translation_is_asked() {
    let mut setup = pair(Toy::Flat, Toy::Spacious);
    setup.source.tables[0].checks.push(check("", "odd(user)"));
    assert_eq!(
        question(&setup.plan(), "expression_untranslated"),
        "orders.check_1: leave_out | text (leave_out)"
    );
    let own = setup.decide("expression_untranslated=text=user <> 1").plan();
    assert!(creation(&own, "public.orders").contains("check orders_check_1 (user <> 1)"));
}

#[test]
fn a_definition_stays_only_while_nothing_of_the_table_changes() {
    let mut setup = pair(Toy::Flat, Toy::Flat);
    setup.source.tables[0].definition = Some("CREATE TABLE orders -- as it was".to_owned());
    setup.source.tables[0].indexes.push(index("i", "user"));
    setup.source.tables[0].indexes[0].definition = Some("CREATE INDEX i -- as it was".to_owned());
    let plan = setup.plan();
    assert_eq!(creation(&plan, "orders"), "CREATE TABLE orders -- as it was");
    assert_eq!(
        steps(&plan)[2],
        "003_create_index_i_on_orders: CREATE INDEX i -- as it was"
    );
    // A key to a table that stays behind would break every insert.
    let plan = setup
        .wish(|wishes| wishes.exclude = vec!["users".to_owned()])
        .plan();
    assert_eq!(
        creation(&plan, "orders"),
        "([id] INTEGER not null; [user] INTEGER; primary key (id))"
    );
}

#[test]
fn special_indexes_are_asked_and_ordinary_ones_translated() {
    let with = |change: fn(&mut whimbrel_core::Index)| {
        let mut setup = pair(Toy::Spacious, Toy::Flat);
        let mut made = index("i", "user");
        change(&mut made);
        setup.source.tables[0].indexes.push(made);
        setup
    };
    let gin = with(|index| index.method = "gin".to_owned());
    assert_eq!(
        question(&gin.plan(), "feature_left_out"),
        "public.orders.i: leave_out | plain (leave_out)"
    );
    let hash = with(|index| index.method = "hash".to_owned());
    assert_eq!(
        question(&hash.plan(), "feature_left_out"),
        "public.orders.i: leave_out | plain (plain)"
    );
    assert_eq!(steps(&hash.plan())[2], "003_create_index_i_on_orders: (user)");

    let partial = with(|index| {
        index.predicate = Some("id > 0".to_owned());
        index.include.push("id".to_owned());
    });
    assert_eq!(
        steps(&partial.plan())[2],
        "003_create_index_i_on_orders: (user) where id > 0"
    );
    assert_eq!(
        findings(&partial.plan(), "feature_left_out"),
        ["warning public.orders.i"]
    );

    let odd = with(|index| {
        index.parts = vec![IndexPart {
            column: None,
            expression: Some("odd(user)".to_owned()),
            ..index.parts[0].clone()
        }];
    });
    assert_eq!(
        question(&odd.plan(), "expression_untranslated"),
        "public.orders.i: leave_out | text (leave_out)"
    );
    assert_eq!(odd.plan().steps.len(), 2);
    let own = odd.decide("expression_untranslated=text=abs(user)").plan();
    assert_eq!(steps(&own)[2], "003_create_index_i_on_orders: (abs(user))");
}

#[test]
fn a_view_without_translation_takes_those_that_read_it_along() {
    let setup = pair(Toy::Spacious, Toy::Flat).source(|catalog| {
        catalog.views.push(view(
            "public.odd",
            "select odd(id) from public.users",
            &["public.users"],
        ));
        catalog
            .views
            .push(view("public.even", "select id from public.odd", &["public.odd"]));
        catalog
            .views
            .push(view("public.plain", "select id from users", &["public.users"]));
    });
    let plan = setup.plan();
    assert_eq!(
        question(&plan, "expression_untranslated"),
        "public.odd: leave_out | text (leave_out)"
    );
    assert_eq!(findings(&plan, "not_moved"), ["warning public.even"]);
    assert_eq!(titles(&plan)[2..], ["create view plain"]);
    let own = setup.decide("expression_untranslated=text=select 1").plan();
    assert_eq!(steps(&own)[2], "003_create_view_odd: select 1");
}

#[test]
fn what_the_dialect_cannot_make_blocks() {
    let mut setup = pair(Toy::Spacious, Toy::Spacious);
    setup.source.tables[0].exclusions.push(Exclusion {
        name: "impossible".to_owned(),
        definition: "EXCLUDE ...".to_owned(),
    });
    assert_eq!(
        findings(&setup.plan(), "feature_left_out"),
        ["blocker public.orders.impossible"]
    );
}

#[test]
fn a_key_that_rows_may_break_is_made_after_those_that_all_rows_fulfil() {
    let mut child = table("child", "a INTEGER, b INTEGER");
    child
        .foreign_keys
        .push(foreign_key("a_open", "a", "parent", "id"));
    child
        .foreign_keys
        .push(foreign_key("b_whole", "b", "parent", "id"));
    let parent = table("parent", "id INTEGER pk not null");
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![parent, child])
        .profile("child", |p| {
            p.foreign_keys.push(orphans("a", 2));
            p.foreign_keys.push(orphans("b", 0));
        })
        .plan();
    let made: Vec<&str> = titles(&plan)
        .into_iter()
        .filter(|title| title.starts_with("add foreign key"))
        .collect();
    assert_eq!(
        made,
        [
            "add foreign key b_whole to public.child",
            "add foreign key a_open to public.child"
        ]
    );
}
