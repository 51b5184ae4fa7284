//! Rules for values that would not arrive, and what they mean for the column.

use whimbrel_core::{ColumnProfile, Plan, StorageClasses, ValueRule};

use crate::setup::{Setup, creation, finding, findings, foreign_key, question, table};
use crate::toy::Toy;

fn with_zero_dates(columns: &str) -> Setup {
    let zero = |p: &mut ColumnProfile| p.shapes = [("zero_dates".to_owned(), 3)].into();
    Setup::new(Toy::Folding, Toy::Spacious, vec![table("a", columns)]).column_profile("a", "at", zero)
}

fn rule(plan: &Plan) -> Option<ValueRule> {
    let columns = plan.tables[0].columns.iter();
    columns
        .filter(|column| column.source == "at")
        .find_map(|column| column.rule.clone())
}

#[test]
fn invalid_dates_become_null_and_the_column_allows_it() {
    let plan = with_zero_dates("id integer pk not null, at date not null").plan();
    assert_eq!(
        question(&plan, "invalid_date"),
        "a.at: null | fixed | infinity | reject (null)"
    );
    assert_eq!(
        finding(&plan, "invalid_date").evidence[1],
        "rows with dates that are no day of the calendar: 3"
    );
    assert_eq!(rule(&plan), Some(ValueRule::InvalidToNull));
    assert_eq!(
        creation(&plan, "public.a"),
        "([id] integer not null; [at] date; primary key a_pkey (id))"
    );
    assert_eq!(findings(&plan, "null_in_not_null"), ["warning a.at"]);
}

#[test]
fn a_fixed_value_is_spelled_as_the_type_has_it_or_refused() {
    let setup = || with_zero_dates("id integer pk not null, at datetime");
    let fixed = |value: &str| {
        Some(ValueRule::InvalidTo {
            value: value.to_owned(),
        })
    };
    let plan = setup().decide("invalid_date:a.at=fixed=1970-01-01").plan();
    assert_eq!(rule(&plan), fixed("1970-01-01 00:00:00"));
    let plan = setup().decide("invalid_date=infinity").plan();
    assert_eq!(rule(&plan), fixed("-infinity"));
    let plan = setup().decide("invalid_date=reject").plan();
    assert_eq!(rule(&plan), None);
    let refused = |decision: &str| setup().decide(decision).try_plan().unwrap_err().to_string();
    insta::assert_snapshot!(refused("invalid_date=fixed=1970-02-30"), @"the fixed value for `a.at` is `1970-02-30`; must be a timestamp");
    insta::assert_snapshot!(refused("invalid_date=fixed"), @"decision for `invalid_date:a.at` is `fixed`; must be `null` or `fixed=...` or `infinity` or `reject`");
}

#[test]
fn a_key_never_becomes_null() {
    let plan = with_zero_dates("at date pk not null").plan();
    assert_eq!(
        question(&plan, "invalid_date"),
        "a.at: fixed | infinity | reject (none suggested)"
    );
}

#[test]
fn a_target_without_infinity_is_not_offered_it_and_takes_null_for_it() {
    let setup = Setup::new(Toy::Flat, Toy::Folding, vec![table("a", "at DATETIME")]);
    let far = |p: &mut ColumnProfile| p.max = Some("infinity".to_owned());
    let plan = setup.column_profile("a", "at", far).plan();
    // The source gives it as text too, which loses nothing, and so does another type.
    assert_eq!(
        question(&plan, "out_of_range"),
        "a.at: text | longtext | null | reject (text)"
    );
    let setup = Setup::new(Toy::Flat, Toy::Folding, vec![table("a", "at DATETIME")]);
    let plan = setup
        .column_profile("a", "at", far)
        .decide("out_of_range=null")
        .plan();
    assert_eq!(rule(&plan), Some(ValueRule::OutsideToNull { min: 0, max: 9 }));
    let zero = |p: &mut ColumnProfile| p.shapes = [("zero_dates".to_owned(), 3)].into();
    let setup = Setup::new(Toy::Flat, Toy::Folding, vec![table("a", "at DATETIME")]);
    let plan = setup.column_profile("a", "at", zero).plan();
    assert_eq!(
        question(&plan, "invalid_date"),
        "a.at: null | fixed | text | reject | longtext (null)"
    );
}

#[test]
fn values_of_another_class_may_become_null() {
    let classes = StorageClasses {
        integer: 5,
        text: 2,
        ..StorageClasses::default()
    };
    let setup = Setup::new(Toy::Flat, Toy::Spacious, vec![table("a", "at MIXED")]);
    let setup = setup.column_profile("a", "at", |p| p.classes = Some(classes));
    assert_eq!(
        question(&setup.plan(), "mixed_classes"),
        "a.at: text | reject | null (text)"
    );
    let plan = setup.decide("mixed_classes=null").plan();
    assert_eq!(rule(&plan), Some(ValueRule::InvalidToNull));
    assert_eq!(plan.tables[0].columns[0].target_native, "bigint");
}

#[test]
fn a_table_that_grows_too_wide_gets_other_types_aloud() {
    let setup = Setup::new(
        Toy::Spacious,
        Toy::Folding,
        vec![table("public.a", "x text pk not null, y text, z text")],
    );
    let short = |p: &mut ColumnProfile| p.chars_max = 9;
    let plan = setup
        .column_profile("public.a", "x", short)
        .column_profile("public.a", "y", short)
        .column_profile("public.a", "z", short)
        .plan();
    let natives: Vec<&str> = plan.tables[0]
        .columns
        .iter()
        .map(|c| c.target_native.as_str())
        .collect();
    assert_eq!(natives, ["varchar(255)", "longtext", "varchar(255)"]);
    assert_eq!(findings(&plan, "type_widened"), ["warning public.a.y"]);
}

#[test]
fn a_related_engine_that_does_not_keep_a_value_is_asked_like_any_other() {
    let late = |max: &str| {
        let events = table("events", "at datetime");
        let infinite = |p: &mut ColumnProfile| p.max = Some(max.to_owned());
        let plan = Setup::new(Toy::Folding, Toy::Creasing, vec![events])
            .column_profile("events", "at", infinite)
            .plan();
        (
            plan.tables[0].columns[0].logical.to_string(),
            findings(&plan, "out_of_range"),
        )
    };
    assert_eq!(late("2020-01-01"), ("datetime (binary)".to_owned(), Vec::new()));
    let (logical, asked) = late("infinity");
    assert_ne!(logical, "datetime (binary)");
    assert_eq!(asked, ["decision events.at"]);
}

#[test]
fn a_related_engine_takes_columns_as_they_are_unless_linked_ones_cannot_follow() {
    let mut child = table("child", "parent memo, note text");
    child.columns[1].collation = Some("loose".to_owned());
    child.columns[1].on_update = Some("NOW".to_owned());
    child.columns[1].options = vec!["invisible".to_owned()];
    child.foreign_keys.push(foreign_key("", "parent", "parent", "id"));
    let parent = table("parent", "id text pk not null");
    let short = |p: &mut ColumnProfile| p.chars_max = 9;
    let setup = Setup::new(Toy::Folding, Toy::Creasing, vec![parent, child]);
    let plan = setup.column_profile("parent", "id", short).plan();
    let child = plan
        .tables
        .iter()
        .find(|table| table.source.id.name == "child")
        .unwrap();
    let as_text: Vec<String> = child
        .columns
        .iter()
        .map(|column| column.logical.to_string())
        .collect();
    assert_eq!(as_text, ["text", "text (binary)"]);
    assert_eq!(child.target.columns[1].options, ["invisible"]);
    insta::assert_snapshot!(creation(&plan, "child"), @"([parent] longtext collate loose; [note] text collate loose on update NOW invisible)");
    insta::assert_snapshot!(creation(&plan, "parent"), @"([id] varchar(255) not null collate loose; primary key parent_pkey (id))");
}
