//! Columns: types, identities, defaults, generation, and values that the types cannot carry.

use whimbrel_core::{
    Check, Fidelity, Finding, Generated, LogicalType, OnReject, SequencePosition, StorageClasses, UserType,
    UserTypeKind, ValueRule,
};

use crate::setup::{
    Setup, check, creation, finding, findings, foreign_key, id, identity, key, offer, question, sequence,
    table,
};
use crate::toy::Toy;

fn to_spacious(columns: &str) -> Setup {
    Setup::new(Toy::Flat, Toy::Spacious, vec![table("a", columns)])
}

fn to_flat(columns: &str) -> Setup {
    Setup::new(Toy::Spacious, Toy::Flat, vec![table("public.a", columns)])
}

fn native(setup: &Setup, column: &str) -> String {
    let plan = setup.plan();
    let columns = &plan.tables[0].columns;
    columns
        .iter()
        .find(|plan| plan.source == column)
        .expect("the column")
        .target_native
        .clone()
}

#[test]
fn equal_engines_keep_their_types_and_travel_in_their_own_form() {
    let plan = Setup::new(Toy::Flat, Toy::Flat, vec![table("a", "x cloud")]).plan();
    let column = &plan.tables[0].columns[0];
    assert_eq!(
        (column.target_native.as_str(), &column.fidelity),
        ("cloud", &Fidelity::Exact)
    );
    assert_eq!(
        column.logical,
        LogicalType::Wire {
            native: "cloud".to_owned(),
            printed: false,
        }
    );
}

#[test]
fn a_widened_type_is_said_and_not_asked() {
    let plan = to_flat("x boolean").plan();
    assert_eq!(findings(&plan, "type_widened"), ["warning public.a.x"]);
}

#[test]
fn a_type_that_loses_nothing_may_be_decided_and_need_not_be() {
    let setup = to_spacious("at DATETIME");
    let plan = setup.plan();
    assert_eq!(offer(&plan, "type_widened"), "a.at: timestamp | text (timestamp)");
    assert_eq!(plan.open_decisions(), Vec::<&Finding>::new());
    assert_eq!(native(&setup, "at"), "timestamp");
    assert_eq!(native(&setup.decide("type_widened:a.at=text"), "at"), "text");
    // What the values allowed is an assumption.
    let narrowed =
        to_spacious("x INTEGER").column_profile("a", "x", |p| p.shapes = [("ask".to_owned(), 1)].into());
    let plan = narrowed.plan();
    assert_eq!(offer(&plan, "assumption"), "a.x: integer | text (integer)");
    assert_eq!(findings(&plan, "assumption"), ["warning a.x"]);
    assert_eq!(native(&narrowed.decide("assumption=text"), "x"), "text");
}

#[test]
fn a_lossy_type_is_asked_with_what_it_loses() {
    let plan = to_flat("x money").plan();
    assert_eq!(question(&plan, "type_lossy"), "public.a.x: accept (accept)");
    let meaning = &finding(&plan, "type_lossy").choices[0].meaning;
    assert_eq!(meaning, "`TEXT`; loses: the currency follows the server's locale");
}

#[test]
fn a_column_that_cannot_be_held_may_stay_behind_but_nobody_suggests_it() {
    let setup = to_flat("x cloud, y integer");
    assert_eq!(
        question(&setup.plan(), "type_unsupported"),
        "public.a.x: leave_out (none suggested)"
    );
    let mut setup = setup.decide("type_unsupported:public.a.x=leave_out");
    setup.source.tables[0].uniques.push(key("a_x", &["x"]));
    let plan = setup.plan();
    assert_eq!(creation(&plan, "a"), "([y] INTEGER)");
    assert_eq!(findings(&plan, "feature_left_out"), ["warning public.a.a_x"]);
}

#[test]
fn mixed_storage_classes_are_told_with_their_counts() {
    let classes = StorageClasses {
        integer: 5,
        text: 2,
        ..StorageClasses::default()
    };
    let plan = to_spacious("x ANY")
        .column_profile("a", "x", |p| p.classes = Some(classes))
        .plan();
    // What the target cannot hold is no choice.
    assert_eq!(question(&plan, "mixed_classes"), "a.x: text (text)");
    assert_eq!(
        finding(&plan, "mixed_classes").evidence[1],
        "holds 5 integer, 2 text"
    );
}

#[test]
fn values_that_do_not_fit_offer_the_forms_that_carry_them() {
    let nul = to_spacious("x TEXT").column_profile("a", "x", |p| p.nul_text = 3);
    assert_eq!(
        question(&nul.plan(), "nul_text"),
        "a.x: bytes | replace | strip | reject (bytes)"
    );
    insta::assert_snapshot!(finding(&nul.plan(), "nul_text").choices[3].meaning, @r#"`text`; the first row with text that holds U+0000 stops the table"#);
    assert_eq!(native(&nul, "x"), "bytes");
    let stripped = nul.decide("nul_text=strip");
    assert_eq!(native(&stripped, "x"), "text");
    assert_eq!(
        stripped.plan().tables[0].columns[0].rule,
        Some(ValueRule::StripNul)
    );

    let invalid = to_spacious("x TEXT")
        .column_profile("a", "x", |p| p.invalid_text = 3)
        .plan();
    assert_eq!(
        question(&invalid, "invalid_text"),
        "a.x: bytes | null | reject (bytes)"
    );
    let far = to_spacious("x INTEGER")
        .column_profile("a", "x", |p| p.out_of_range = 1)
        .plan();
    assert_eq!(question(&far, "out_of_range"), "a.x: text | null | reject (text)");
}

#[test]
fn values_that_no_form_carries_are_rejected_only_by_decision() {
    let setup = to_spacious("x VARCHAR pk not null").column_profile("a", "x", |p| p.nul_text = 3);
    let stopping = setup.plan();
    assert_eq!(
        question(&stopping, "nul_text"),
        "a.x: replace | strip | reject (none suggested)"
    );
    let plan = setup
        .wish(|wishes| wishes.policies.on_reject = OnReject::File)
        .plan();
    assert_eq!(
        question(&plan, "nul_text"),
        "a.x: replace | strip | reject (reject)"
    );
    insta::assert_snapshot!(finding(&plan, "nul_text").choices[2].meaning, @r#"`text`; rows with text that holds U+0000 go to the reject file: 3"#);
}

#[test]
fn a_target_that_holds_nul_is_not_asked_about_it() {
    let plan = to_flat("x text")
        .column_profile("public.a", "x", |p| p.nul_text = 3)
        .plan();
    assert_eq!(
        plan.findings
            .iter()
            .filter(|finding| finding.code != "no_key")
            .count(),
        0
    );
}

#[test]
fn columns_that_keys_link_get_the_widest_integer() {
    let mut setup = Setup::new(
        Toy::Flat,
        Toy::Spacious,
        vec![table("parent", "id smallint pk not null"), {
            let mut child = table("child", "parent INTEGER");
            child.foreign_keys.push(foreign_key("", "parent", "parent", "id"));
            child
        }],
    );
    let plan = setup.plan();
    assert_eq!(findings(&plan, "key_type_unified"), ["info parent.id"]);
    assert!(
        plan.tables
            .iter()
            .all(|table| table.columns[0].target_native == "bigint")
    );
    setup.source.tables = vec![table("child", "parent INTEGER")];
    assert_eq!(findings(&setup.plan(), "key_type_unified"), Vec::<String>::new());
}

#[test]
fn a_key_that_cannot_be_made_changes_no_type() {
    let mut child = table("child", "parent smallint");
    child
        .foreign_keys
        .push(foreign_key("", "parent", "parent", "other"));
    let parent = table("parent", "id INTEGER pk not null, other INTEGER");
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![parent, child]).plan();
    assert_eq!(findings(&plan, "key_type_unified"), Vec::<String>::new());
    assert_eq!(
        question(&plan, "feature_left_out"),
        "child.parent: leave_out (leave_out)"
    );
}

#[test]
fn linked_columns_of_different_kinds_take_a_form_that_all_offer() {
    let mut child = table("child", "parent TEXT");
    child.foreign_keys.push(foreign_key("", "parent", "parent", "id"));
    let setup = Setup::new(
        Toy::Flat,
        Toy::Spacious,
        vec![table("parent", "id INTEGER pk not null"), child],
    );
    // The parent does not offer text: the key cannot be made.
    let plan = setup.plan();
    assert_eq!(
        question(&plan, "feature_left_out"),
        "child.parent: leave_out (leave_out)"
    );
    // Now it does.
    let setup = setup.column_profile("parent", "id", |p| p.shapes = [("ask".to_owned(), 1)].into());
    let plan = setup.plan();
    assert_eq!(findings(&plan, "feature_left_out"), Vec::<String>::new());
    assert_eq!(findings(&plan, "key_type_unified"), ["info parent.id"]);
    assert!(
        plan.tables
            .iter()
            .all(|table| table.columns[0].target_native == "text")
    );
    // What a person chose stays.
    let plan = setup.decide("assumption:parent.id=integer").plan();
    assert_eq!(
        plan.table(&id("public.parent")).unwrap().columns[0].target_native,
        "bigint"
    );
}

#[test]
fn an_auto_increment_becomes_an_identity_with_a_sequence_of_its_own() {
    let mut a = table("a", "id INTEGER pk not null");
    identity(&mut a, "id", None);
    let plan = Setup::new(Toy::Flat, Toy::Spacious, vec![a]).plan();
    insta::assert_snapshot!(creation(&plan, "public.a"), @r#"([id] bigint not null identity; primary key a_pkey (id)) with sequence public.a_id_seq up to 9223372036854775807"#);
    let sequence = &plan.sequences[0];
    assert_eq!(
        (sequence.source.to_string(), sequence.target.to_string()),
        ("a_id_seq".into(), "public.a_id_seq".into())
    );
    assert_eq!(sequence.owned_by, Some((id("public.a"), "id".to_owned())));
}

#[test]
fn a_default_from_a_sequence_becomes_an_identity_across_engines() {
    let serial = |columns: &str| {
        let mut setup = to_flat(columns);
        setup.source.tables[0].columns[0].default = Some("nextval('public.a_id_seq'::regclass)".to_owned());
        setup
            .source
            .sequences
            .push(sequence("public.a_id_seq", Some(("public.a", "id"))));
        setup
    };
    let plan = serial("id integer pk not null").plan();
    assert_eq!(
        creation(&plan, "a"),
        "([id] INTEGER not null identity; primary key (id))"
    );
    assert_eq!(plan.sequences[0].target, id("a_id_seq"));
    // A column that is not the sole primary key cannot number itself there.
    let plan = serial("id integer not null, x integer pk not null").plan();
    assert_eq!(
        question(&plan, "expression_untranslated"),
        "public.a.id: leave_out | text (leave_out)"
    );
    assert_eq!(findings(&plan, "not_moved"), ["warning public.a_id_seq"]);
}

#[test]
fn between_equal_engines_a_serial_stays_a_serial() {
    let mut a = table("public.a", "id integer pk not null");
    a.columns[0].default = Some("nextval('public.a_id_seq'::regclass)".to_owned());
    let setup = Setup::new(Toy::Spacious, Toy::Spacious, vec![a]).source(|c| {
        c.sequences
            .push(sequence("public.a_id_seq", Some(("public.a", "id"))));
    });
    insta::assert_debug_snapshot!(crate::setup::steps(&setup.plan()), @r#"
    [
        "001_create_sequence_public_a_id_seq: owned by None",
        "002_create_table_public_a: ([id] integer not null default nextval('public.a_id_seq'::regclass); primary key a_pkey (id))",
        "003_own_sequence_public_a_id_seq: by public.a.id",
    ]
    "#);
}

#[test]
fn an_identity_that_the_target_cannot_have_is_asked() {
    let mut a = table("public.a", "id integer not null, x integer pk not null");
    identity(&mut a, "id", Some("public.a_id_seq"));
    let plan = Setup::new(Toy::Spacious, Toy::Flat, vec![a]).plan();
    assert_eq!(
        question(&plan, "feature_left_out"),
        "public.a.id: leave_out (leave_out)"
    );
}

#[test]
fn where_one_column_of_a_table_numbers_itself_the_one_of_the_primary_key_does() {
    let mut a = table(
        "public.a",
        "n bigint not null, id bigint pk not null, x bigint pk not null",
    );
    identity(&mut a, "n", Some("public.a_n_seq"));
    identity(&mut a, "id", Some("public.a_id_seq"));
    a.uniques.push(key("by_n", &["n"]));
    let plan = Setup::new(Toy::Spacious, Toy::Folding, vec![a.clone()]).plan();
    assert_eq!(
        question(&plan, "feature_left_out"),
        "public.a.n: leave_out (leave_out)"
    );
    assert!(creation(&plan, "a").contains("[id] bigint not null identity"));
    // A unique key is enough, and stands with the table.
    a.columns[1].identity = None;
    let plan = Setup::new(Toy::Spacious, Toy::Folding, vec![a]).plan();
    assert_eq!(
        creation(&plan, "a"),
        "([n] bigint not null identity; [id] bigint not null; [x] bigint not null; primary key a_pkey (id, x); unique by_n (n))"
    );
    assert_eq!(crate::setup::titles(&plan), ["create table a"]);
}

#[test]
fn a_check_stays_behind_where_the_target_has_none_or_its_type_says_the_same() {
    let with = |to, expression: &str| {
        let mut a = table("a", "doc json");
        a.checks.push(check("valid", expression));
        Setup::new(Toy::Folding, to, vec![a]).plan()
    };
    let plan = with(Toy::Spacious, "json_valid(`doc`)");
    assert_eq!(findings(&plan, "feature_left_out"), ["info a.valid"]);
    assert_eq!(creation(&plan, "public.a"), "([doc] text)");
    assert_eq!(
        creation(&with(Toy::Spacious, "length(doc) > 2"), "public.a"),
        "([doc] text; check valid (length(doc) > 2))"
    );
    let plan = with(Toy::Creasing, "length(doc) > 2");
    assert_eq!(findings(&plan, "feature_left_out"), ["warning a.valid"]);
}

#[test]
fn a_sequence_behind_its_column_is_said() {
    let behind = |last_value, is_called, max: &str| {
        let mut setup = Setup::new(
            Toy::Spacious,
            Toy::Spacious,
            vec![table("public.a", "id integer")],
        );
        let mut sequence = sequence("public.s", Some(("public.a", "id")));
        sequence.position = Some(SequencePosition {
            last_value,
            is_called,
        });
        setup.source.sequences.push(sequence);
        let setup = setup.column_profile("public.a", "id", |p| p.max = Some(max.to_owned()));
        !findings(&setup.plan(), "sequence_behind").is_empty()
    };
    assert!(!behind(7, true, "7"));
    assert!(behind(7, false, "7"));
    assert!(behind(6, true, "7"));
}

#[test]
fn defaults_are_translated_or_asked() {
    let with = |default: &str| {
        let mut setup = to_spacious("x TEXT");
        setup.source.tables[0].columns[0].default = Some(default.to_owned());
        setup
    };
    assert_eq!(
        creation(&with("lower('A')").plan(), "public.a"),
        "([x] text default lower('A'))"
    );
    let odd = with("odd('A')");
    assert_eq!(
        question(&odd.plan(), "expression_untranslated"),
        "a.x: leave_out | text (leave_out)"
    );
    assert_eq!(creation(&odd.plan(), "public.a"), "([x] text)");
    let own = odd.decide("expression_untranslated:a.x=text=mine()").plan();
    assert_eq!(creation(&own, "public.a"), "([x] text default mine())");
}

#[test]
fn a_generated_column_is_not_copied_unless_it_becomes_a_plain_one() {
    let with = |expression: &str| {
        let mut setup = to_flat("x text, y text");
        setup.source.tables[0].columns[1].generated = Some(Generated {
            expression: expression.to_owned(),
            stored: true,
        });
        setup
    };
    let copied = |setup: &Setup| {
        let columns = setup.plan().tables.swap_remove(0).columns;
        assert_eq!(columns.len(), 2, "all are compared");
        columns.iter().filter(|column| !column.computed).count()
    };
    assert_eq!(copied(&with("x || 'z'")), 1);
    let folded = with("lower(x)");
    assert_eq!(
        question(&folded.plan(), "expression_changed"),
        "public.a.y: plain | generated | leave_out (plain)"
    );
    assert_eq!(copied(&folded), 2);
    assert_eq!(copied(&folded.decide("expression_changed=generated")), 1);
    let odd_key =
        with("x || 'z'").source(|catalog| catalog.tables[0].primary_key = Some(key("a_pk", &["y"])));
    assert_eq!(copied(&odd_key), 2);
    let odd = with("odd(x)");
    assert_eq!(
        question(&odd.plan(), "expression_untranslated"),
        "public.a.y: plain | leave_out | text (plain)"
    );
    assert_eq!(copied(&odd), 2);
    let left = odd.decide("expression_untranslated=leave_out");
    assert_eq!(creation(&left.plan(), "a"), "([x] TEXT)");
}

#[test]
fn a_column_computed_on_reading_is_stored_where_the_target_cannot_compute_it() {
    let mut setup = to_flat("x text, y text");
    setup.source.tables[0].columns[1].generated = Some(Generated {
        expression: "lower(x)".to_owned(),
        stored: false,
    });
    assert_eq!(findings(&setup.plan(), "feature_left_out"), ["info public.a.y"]);
}

#[test]
fn an_enum_travels_as_its_label_and_a_check_keeps_others_out() {
    let plan = to_flat("x mood")
        .source(|catalog| {
            catalog.types.push(UserType {
                id: id("public.mood"),
                kind: UserTypeKind::Enum {
                    labels: vec!["good".to_owned(), "it's bad".to_owned()],
                },
                comment: None,
            });
            catalog.tables[0].columns[0].user_type = Some(id("public.mood"));
        })
        .plan();
    assert_eq!(
        creation(&plan, "a"),
        "([x] TEXT; check a_x_check ([x] IN ('good', 'it''s bad')))"
    );
}

#[test]
fn a_domain_leaves_its_conditions_with_the_column() {
    let domain = |name: &str, base: &str, not_null, default: Option<&str>, checks: Vec<Check>| UserType {
        id: id(name),
        kind: UserTypeKind::Domain {
            base: base.to_owned(),
            not_null,
            default: default.map(str::to_owned),
            checks,
            collation: None,
        },
        comment: None,
    };
    let plan = to_flat("year public.year")
        .source(|catalog| {
            catalog
                .types
                .push(domain("public.number", "integer", true, Some("1900"), vec![]));
            catalog.types.push(domain(
                "public.year",
                "public.number",
                false,
                None,
                vec![check("late", "VALUE > 1900")],
            ));
            catalog.tables[0].columns[0].user_type = Some(id("public.year"));
        })
        .plan();
    insta::assert_snapshot!(creation(&plan, "a"), @r#"([year] TEXT not null default 1900; check year_late (year > 1900))"#);
}

#[test]
fn null_where_the_target_wants_a_value_is_asked() {
    let setup = to_spacious("x TEXT not null").column_profile("a", "x", |p| p.nulls = 2);
    assert_eq!(
        question(&setup.plan(), "null_in_not_null"),
        "a.x: nullable | stop (nullable)"
    );
    assert!(setup.plan().tables[0].target.columns[0].nullable);
}

#[test]
fn comments_and_options_that_have_no_place_are_said() {
    let mut setup = to_flat("x text");
    setup.source.tables[0].comment = Some("of people".to_owned());
    setup.source.tables[0].columns[0].comment = Some("of them".to_owned());
    setup.source.tables[0].options.push("unlogged".to_owned());
    let plan = setup.plan();
    assert_eq!(
        findings(&plan, "feature_left_out"),
        ["warning public.a", "info public.a"]
    );
    assert_eq!(plan.tables[0].target.comment, None);
}

#[test]
fn rows_are_measured_against_the_memory_budget() {
    let with = |bytes| {
        let setup = to_spacious("x TEXT").profile("a", |p| p.row_bytes_max = bytes);
        findings(&setup.wish(|w| w.memory_bytes = 800).plan(), "row_too_large")
    };
    assert_eq!(with(100), Vec::<String>::new());
    assert_eq!(with(101), ["info a"]);
    assert_eq!(with(801), ["blocker a"]);
}
