//! Objects that the catalog only knows by the statements that make them: which of them are made, in which order, and what is asked.

use whimbrel_core::{
    Making, MakingStage, OtherObject, Plan, StepPhase, Table, TableId, UserType, UserTypeKind,
};

use crate::setup::{Setup, id, suggestion, table};
use crate::toy::Toy;

fn object(kind: &str, name: &str, stage: MakingStage) -> OtherObject {
    OtherObject {
        kind: kind.to_owned(),
        id: TableId::new("public", name),
        table: None,
        definition: None,
        making: Some(Making {
            statements: vec![format!("MAKE {kind} {name}")],
            undo: vec![format!("UNMAKE {kind} {name}")],
            stage,
            after: Vec::new(),
            needs: Vec::new(),
            asks: None,
        }),
    }
}

fn after(mut object: OtherObject, names: &[&str]) -> OtherObject {
    if let Some(making) = &mut object.making {
        making.after = names.iter().map(|name| TableId::new("public", *name)).collect();
    }
    object
}

fn needing(mut object: OtherObject, need: &str, asks: bool) -> OtherObject {
    if let Some(making) = &mut object.making {
        making.needs = vec![need.to_owned()];
        making.asks = asks.then(|| "privileges".to_owned());
    }
    object
}

fn on(table: &str, object: OtherObject) -> OtherObject {
    OtherObject {
        table: Some(id(table)),
        ..object
    }
}

fn setup(tables: Vec<Table>, others: Vec<OtherObject>) -> Setup {
    Setup::new(Toy::Spacious, Toy::Spacious, tables).source(|catalog| {
        catalog.others = others;
        catalog.others.sort();
    })
}

fn titles(plan: &Plan, phase: StepPhase) -> Vec<&str> {
    let steps = plan.steps.iter().filter(|step| step.phase == phase);
    steps.map(|step| step.title.as_str()).collect()
}

#[test]
fn objects_are_made_at_their_stage_and_after_what_they_need() {
    let setup = setup(
        vec![table("public.orders", "id integer pk")],
        vec![
            object("extension", "words", MakingStage::First),
            after(
                object("function", "a()", MakingStage::BeforeTables),
                &["b()", "amount"],
            ),
            object("function", "b()", MakingStage::BeforeTables),
            after(object("store", "early", MakingStage::AmongViews), &["late"]),
            after(object("store", "late", MakingStage::AmongViews), &["orders"]),
            on("public.orders", object("trigger", "watch", MakingStage::Last)),
        ],
    )
    .source(|catalog| {
        catalog.types = vec![UserType {
            id: TableId::new("public", "amount"),
            kind: UserTypeKind::Domain {
                base: "integer".to_owned(),
                not_null: false,
                default: Some("public.b()".to_owned()),
                checks: Vec::new(),
                collation: None,
            },
            comment: None,
        }];
    });
    let plan = setup.plan();
    assert_eq!(
        titles(&plan, StepPhase::Schema),
        [
            "make extension public.words",
            "make function public.b()",
            "create type public.amount",
            "make function public.a()",
            "create table public.orders"
        ]
    );
    assert_eq!(
        titles(&plan, StepPhase::AfterData),
        [
            "make store public.late",
            "make store public.early",
            "make trigger public.watch"
        ]
    );
    // Rows of the table are in both, so emptying it takes them back first.
    let early = plan
        .steps
        .iter()
        .find(|step| step.title.ends_with("early"))
        .unwrap();
    assert_eq!(early.tables, [id("public.orders")]);
}

#[test]
fn one_question_settles_all_that_need_the_same_role() {
    let others = vec![
        needing(
            object("grant", "orders to app", MakingStage::Last),
            "role app",
            true,
        ),
        needing(object("owner", "orders", MakingStage::Last), "role app", true),
        needing(
            object("grant", "orders to boss", MakingStage::Last),
            "role boss",
            true,
        ),
    ];
    let setup = setup(vec![table("public.orders", "id integer pk")], others)
        .target(|catalog| catalog.offers = vec!["role app".to_owned()])
        .wish(|wishes| wishes.accept_suggested = true);
    let plan = setup.plan();
    assert_eq!(suggestion(&plan, "privileges:role app").as_deref(), Some("keep"));
    assert_eq!(
        suggestion(&plan, "privileges:role boss").as_deref(),
        Some("leave_out")
    );
    assert_eq!(
        titles(&plan, StepPhase::AfterData),
        ["make grant public.orders to app", "make owner public.orders"]
    );
}

#[test]
fn what_the_target_does_not_offer_stays_behind_with_all_that_needs_it() {
    let others = vec![
        needing(
            object("extension", "maps", MakingStage::First),
            "extension maps",
            false,
        ),
        after(object("function", "f()", MakingStage::BeforeTables), &["maps"]),
        object("function", "g()", MakingStage::BeforeTables),
    ];
    let plan = setup(vec![table("public.orders", "id integer pk")], others).plan();
    assert_eq!(
        titles(&plan, StepPhase::Schema),
        ["make function public.g()", "create table public.orders"]
    );
    let said: Vec<String> = plan
        .findings
        .iter()
        .filter(|finding| finding.code == "not_moved")
        .map(|finding| finding.message.clone())
        .collect();
    assert_eq!(
        said,
        [
            "function `public.f()` is not moved: it needs `public.maps`, which does not move",
            "extension `public.maps` is not moved: the target lacks `extension maps`",
        ]
    );
}

#[test]
fn with_a_table_filter_only_what_the_tables_need_is_made() {
    let mut orders = table("public.orders", "id integer pk, total integer");
    orders.columns[1].default = Some("public.used()".to_owned());
    let others = vec![
        after(
            object("function", "used()", MakingStage::BeforeTables),
            &["below()"],
        ),
        object("function", "below()", MakingStage::BeforeTables),
        object("function", "idle()", MakingStage::BeforeTables),
        on("public.orders", object("trigger", "watch", MakingStage::Last)),
        on("public.other", object("trigger", "gone", MakingStage::Last)),
    ];
    let setup = setup(vec![orders, table("public.other", "id integer pk")], others)
        .wish(|wishes| wishes.tables = vec!["public.orders".to_owned()]);
    let plan = setup.plan();
    let made: Vec<&str> = plan
        .steps
        .iter()
        .map(|step| step.title.as_str())
        .filter(|title| title.starts_with("make"))
        .collect();
    assert_eq!(
        made,
        [
            "make function public.below()",
            "make function public.used()",
            "make trigger public.watch"
        ]
    );
}
