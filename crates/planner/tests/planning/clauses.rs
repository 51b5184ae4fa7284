//! What only a constraint's own words say: periods, and that nothing enforces it.

use whimbrel_core::{ForeignKey, Plan, Severity, Table};

use crate::setup::{Setup, check, finding, findings, foreign_key, key, offer, orphans, question, table};
use crate::toy::Toy;

const COVERED: &str = "FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD during)";
const APART: &str = "PRIMARY KEY (id, PERIOD during)";
const LOOSE: &str = "FOREIGN KEY (room) REFERENCES rooms (id) NOT ENFORCED";

/// Rooms, and what refers to them by a key with the words.
fn rooms(to: Toy, words: &str) -> Setup {
    let mut rooms = table("public.rooms", "id integer not null, during date not null");
    let columns = match words.contains("PERIOD") {
        true => vec!["id", "during"],
        false => vec!["id"],
    };
    rooms.primary_key = Some(key("rooms_pk", &columns));
    let mut stays = table(
        "public.stays",
        "id integer pk not null, room integer, during date",
    );
    let mut reference = foreign_key("stays_room", "room", "public.rooms", "id");
    if columns.len() > 1 {
        reference.columns.push("during".to_owned());
        reference.referred.push("during".to_owned());
    }
    reference.validated = !words.ends_with("NOT ENFORCED");
    reference.definition = Some(words.to_owned());
    stays.foreign_keys.push(reference);
    Setup::new(Toy::Spacious, to, vec![stays, rooms])
}

fn target<'p>(plan: &'p Plan, name: &str) -> &'p Table {
    let mut tables = plan.tables.iter();
    &tables
        .find(|table| table.target.id.name == name)
        .expect("a table of the name")
        .target
}

fn reference(plan: &Plan) -> Option<&ForeignKey> {
    target(plan, "stays").foreign_keys.first()
}

#[test]
fn a_foreign_key_over_periods_is_no_key_of_equal_values_elsewhere() {
    for to in [Toy::Flat, Toy::Folding] {
        let plan = rooms(to, COVERED).plan();
        assert_eq!(
            question(&plan, "feature_left_out"),
            "public.stays.stays_room: leave_out (leave_out)"
        );
        assert_eq!(reference(&plan), None);
    }
    let plan = rooms(Toy::Spacious, COVERED).plan();
    assert_eq!(findings(&plan, "feature_left_out"), Vec::<String>::new());
    assert_eq!(reference(&plan).unwrap().definition.as_deref(), Some(COVERED));
}

#[test]
fn a_key_whose_periods_do_not_overlap_says_that_the_target_holds_less() {
    let with = |to| {
        let mut setup = rooms(to, COVERED);
        setup.source.tables[1].foreign_keys.clear();
        setup.source.tables[0].primary_key.as_mut().unwrap().definition = Some(APART.to_owned());
        setup.plan()
    };
    let plan = with(Toy::Flat);
    assert_eq!(
        findings(&plan, "feature_left_out"),
        ["warning public.rooms.rooms_pk"]
    );
    let key = target(&plan, "rooms").primary_key.as_ref().unwrap();
    assert_eq!((key.columns.len(), &key.definition), (2, &None));
    let plan = with(Toy::Spacious);
    assert_eq!(findings(&plan, "feature_left_out"), Vec::<String>::new());
    let key = target(&plan, "rooms").primary_key.as_ref().unwrap();
    assert_eq!(key.definition.as_deref(), Some(APART));
}

#[test]
fn an_older_version_of_the_engine_is_told_like_another_engine() {
    let mut setup = rooms(Toy::Creasing, COVERED);
    setup.source.engine.clone_from(&setup.target.engine);
    setup.source.tables[0].primary_key.as_mut().unwrap().definition = Some(APART.to_owned());
    let plan = setup.plan();
    assert_eq!(
        findings(&plan, "feature_left_out"),
        [
            "decision public.stays.stays_room",
            "warning public.rooms.rooms_pk"
        ]
    );
    assert_eq!(reference(&plan), None);
    assert_eq!(
        target(&plan, "rooms").primary_key.as_ref().unwrap().definition,
        None
    );
}

#[test]
fn what_nothing_enforces_stays_behind_unless_the_target_shall_enforce_it() {
    const WORDS: &str = "CHECK (room > 0) NOT ENFORCED";
    let with = |to| {
        let mut setup = rooms(to, LOOSE).profile("public.stays", |p| p.foreign_keys.push(orphans("room", 3)));
        let mut never = check("never", "room > 0");
        (never.validated, never.definition) = (false, Some(WORDS.to_owned()));
        setup.source.tables[1].checks.push(never);
        setup
    };
    let made = |plan: &Plan| {
        let stays = target(plan, "stays");
        (stays.foreign_keys.len(), stays.checks.len())
    };
    for to in [Toy::Flat, Toy::Folding] {
        let plan = with(to).plan();
        assert_eq!(
            findings(&plan, "feature_left_out"),
            ["warning public.stays.never", "warning public.stays.stays_room"]
        );
        assert_eq!(findings(&plan, "orphans"), Vec::<String>::new());
        assert!(plan.open_decisions().is_empty());
        assert_eq!(made(&plan), (0, 0));
    }
    let setup = with(Toy::Flat)
        .decide("feature_left_out:public.stays.never=enforce")
        .decide("feature_left_out:public.stays.stays_room=enforce");
    let plan = setup.plan();
    assert_eq!(made(&plan), (1, 1));
    assert!(!reference(&plan).unwrap().validated);
    let plan = with(Toy::Spacious).plan();
    assert_eq!(findings(&plan, "feature_left_out"), Vec::<String>::new());
    assert_eq!(reference(&plan).unwrap().definition.as_deref(), Some(LOOSE));
    assert_eq!(
        target(&plan, "stays").checks[0].definition.as_deref(),
        Some(WORDS)
    );
}

#[test]
fn the_choice_about_what_nothing_enforces_is_named() {
    let plan = rooms(Toy::Flat, LOOSE).plan();
    assert_eq!(finding(&plan, "feature_left_out").severity, Severity::Warning);
    assert_eq!(
        offer(&plan, "feature_left_out"),
        "public.stays.stays_room: leave_out | enforce (leave_out)"
    );
}
