//! How questions are settled, and what a decision must name.

use whimbrel_core::{Finding, ObjectId, ObjectKind, Plan, Severity};

use crate::setup::{Setup, finding, findings, id, table};
use crate::toy::Toy;

fn setup() -> Setup {
    let table = table("orders", "id INTEGER pk not null, paid money, gift money");
    Setup::new(Toy::Flat, Toy::Spacious, vec![table])
}

fn open(plan: &Plan) -> Vec<String> {
    plan.open_decisions()
        .iter()
        .map(|finding| finding.key())
        .collect()
}

#[test]
fn an_open_question_stays_open_and_the_plan_follows_the_suggestion() {
    let plan = setup().plan();
    assert_eq!(open(&plan), ["type_lossy:orders.gift", "type_lossy:orders.paid"]);
    assert!(plan.decisions.is_empty());
    assert_eq!(plan.tables[0].columns[1].target_native, "text");
}

#[test]
fn accepted_suggestions_are_recorded_one_by_one() {
    let plan = setup().wish(|wishes| wishes.accept_suggested = true).plan();
    assert_eq!(open(&plan), Vec::<String>::new());
    let recorded: Vec<String> = plan
        .decisions
        .iter()
        .map(|d| format!("{}:{}={} by {}", d.code, d.subject, d.choice, d.by))
        .collect();
    assert_eq!(
        recorded,
        [
            "type_lossy:orders.paid=accept by suggested",
            "type_lossy:orders.gift=accept by suggested"
        ]
    );
}

#[test]
fn a_decision_for_a_whole_code_settles_all_of_its_questions() {
    let plan = setup().decide("type_lossy=accept").plan();
    assert_eq!(open(&plan), Vec::<String>::new());
    assert_eq!(plan.decisions.len(), 1);
    assert_eq!(plan.decisions[0].by, "person");
}

#[test]
fn a_decision_that_settles_nothing_is_refused_with_what_is_valid() {
    let refused = |decision: &str| {
        let error = setup().decide(decision).try_plan().unwrap_err();
        format!("{} | {}", error, error.hint().unwrap_or_default())
    };
    insta::assert_snapshot!(refused("type_lost=accept"), @r#"decision names the code `type_lost`, which is unknown | questions here have the codes: type_lossy"#);
    insta::assert_snapshot!(refused("type_lossy:orders.price=accept"), @r#"decision names `type_lossy:orders.price`, and there is no such question | `type_lossy` is asked for: orders.gift, orders.paid"#);
    insta::assert_snapshot!(refused("type_lossy:orders.paid=drop"), @r#"decision for `type_lossy:orders.paid` is `drop`; must be `accept` | --decide type_lossy:orders.paid=accept"#);
    insta::assert_snapshot!(refused("type_lossy=text"), @r#"decision for `type_lossy:orders.paid` is `text`; must be `accept` | --decide type_lossy:orders.paid=accept"#);
}

#[test]
fn a_decision_for_a_whole_code_may_have_nothing_to_settle() {
    assert!(setup().decide("orphans=leave_out").try_plan().is_ok());
}

/// Two columns of which one can become bytes.
fn setup_of_two_forms() -> Setup {
    let table = table("orders", "x VARCHAR, y TEXT");
    let nul = |p: &mut whimbrel_core::ColumnProfile| p.nul_text = 1;
    let setup = Setup::new(Toy::Flat, Toy::Spacious, vec![table]);
    setup
        .column_profile("orders", "x", nul)
        .column_profile("orders", "y", nul)
}

#[test]
fn a_decision_for_a_whole_code_settles_what_offers_its_choice() {
    let plan = setup_of_two_forms().decide("nul_text=bytes").plan();
    assert_eq!(open(&plan), ["nul_text:orders.x"]);
}

#[test]
fn a_decision_of_the_settings_that_nothing_asks_for_is_ignored_aloud() {
    let standing = |decision: &str| {
        let mut setup = setup().decide(decision);
        setup.wishes.decisions[0].by = "settings".to_owned();
        setup
    };
    let plan = standing("type_lossy:orders.price=accept").plan();
    assert_eq!(
        findings(&plan, "unused_decision"),
        ["info type_lossy:orders.price"]
    );
    assert!(plan.decisions.is_empty());
    assert!(standing("type_lossy:orders.paid=drop").try_plan().is_err());
}

#[test]
fn the_hash_follows_decisions_and_structure_but_not_counts() {
    let of = |setup: Setup| setup.plan().hash;
    let plain = of(setup());
    assert_eq!(plain, of(setup()));
    assert_eq!(
        plain,
        of(setup().profile("orders", |p| (p.rows, p.bytes) = (7, 70)))
    );
    assert_eq!(plain, of(setup().source(|c| c.tables[0].rows_estimate = Some(9))));
    assert_ne!(plain, of(setup().decide("type_lossy=accept")));
    assert_ne!(
        plain,
        of(setup().source(|c| c.tables[0].columns[1].nullable = false))
    );
    assert_ne!(plain, of(setup().wish(|w| w.policies.verify = false)));
}

#[test]
fn preflight_findings_are_settled_like_our_own() {
    let mut setup = setup().decide("free_space=go_on").decide("type_lossy=accept");
    let subject = ObjectId::whole(ObjectKind::Other, id("disk"));
    setup.preflight.push(
        Finding::new("free_space", Severity::Decision, subject, "little room").with_choice("go_on", "hope"),
    );
    assert_eq!(open(&setup.plan()), Vec::<String>::new());
}

#[test]
fn a_finding_about_a_table_that_stays_out_forbids_nothing() {
    let mut setup = setup().decide("type_lossy=accept");
    setup.source.tables.push(table("secret", "id INTEGER"));
    let subject = ObjectId::whole(ObjectKind::Table, id("secret"));
    setup.preflight.push(Finding::new(
        "privilege",
        Severity::Blocker,
        subject,
        "it cannot be read",
    ));
    assert_eq!(setup.plan().blockers().len(), 1);
    let plan = setup
        .wish(|wishes| wishes.exclude = vec!["secret".to_owned()])
        .plan();
    assert!(plan.blockers().is_empty());
    assert_eq!(findings(&plan, "privilege"), ["info secret"]);
}

#[test]
fn a_question_that_is_stopped_blocks() {
    let plan = setup()
        .source(|c| c.tables.push(table("Orders", "id INTEGER")))
        .plan();
    assert!(plan.blockers().is_empty());
    // Two names that fold into one, the other way round.
    let setup = Setup::new(
        Toy::Spacious,
        Toy::Flat,
        vec![
            table("public.Orders", "id bigint"),
            table("public.orders", "id bigint"),
        ],
    );
    let plan = setup.decide("name_collision=stop").plan();
    assert_eq!(finding(&plan, "name_collision").severity, Severity::Blocker);
    assert_eq!(plan.blockers().len(), 1);
}

#[test]
fn questions_with_one_name_are_told_apart() {
    let mut orders = table("orders", "a INTEGER");
    orders.columns[0].default = Some("odd()".to_owned());
    orders.checks.push(crate::setup::check("a", "odd(a) > 0"));
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![orders]).plan();
    let keys = open(&plan);
    assert_eq!(
        keys,
        [
            "expression_untranslated:orders.a",
            "expression_untranslated:orders.a#2"
        ]
    );
}
