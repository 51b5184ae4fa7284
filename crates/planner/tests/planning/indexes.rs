//! Indexes that not every engine has: beginnings of columns, some of the rows, expressions, words, and keys that are too long.

use whimbrel_core::{ColumnProfile, Index, IndexPart, Plan};

use crate::setup::{Setup, creation, findings, index, key, question, steps, table};
use crate::toy::Toy;

fn prefixed(name: &str, column: &str, length: u32) -> Index {
    let mut made = index(name, column);
    made.parts[0].prefix = Some(length);
    made
}

fn with(from: Toy, to: Toy, name: &str, made: Index) -> Setup {
    let mut source = table(name, "id bigint pk not null, note text");
    source.indexes.push(made);
    Setup::new(from, to, vec![source])
}

/// The statements of the indexes.
fn made(plan: &Plan) -> Vec<String> {
    let steps = steps(plan).into_iter();
    steps
        .filter_map(|step| Some(step.split_once("create_index_")?.1.to_owned()))
        .collect()
}

#[test]
fn the_beginning_of_a_unique_column_is_an_expression_where_there_is_nothing_else() {
    let unique = Index {
        unique: true,
        ..prefixed("i", "note", 20)
    };
    let plan = with(Toy::Folding, Toy::Spacious, "a", unique.clone()).plan();
    assert_eq!(made(&plan), ["i_on_public_a: unique (substr(\"note\", 1, 20))"]);
    let plan = with(Toy::Folding, Toy::Creasing, "a", unique).plan();
    assert_eq!(made(&plan), ["i_on_a: unique btree (note to 20)"]);
}

#[test]
fn the_beginning_of_another_column_is_the_whole_unless_that_may_be_long() {
    let setup = || with(Toy::Folding, Toy::Spacious, "a", prefixed("i", "note", 20));
    assert_eq!(
        made(&setup().plan()),
        ["i_on_public_a: (substr(\"note\", 1, 20))"]
    );
    let short = |p: &mut ColumnProfile| p.bytes_max = 5;
    let plan = setup().column_profile("a", "note", short).plan();
    assert_eq!(made(&plan), ["i_on_public_a: (substr(\"note\", 1, 20))"]);
}

#[test]
fn an_index_of_words_stays_one_where_the_target_has_them() {
    let words = Index {
        method: "fulltext".to_owned(),
        ..index("i", "note")
    };
    let gin = Index {
        method: "gin".to_owned(),
        ..index("i", "note")
    };
    assert_eq!(
        made(&with(Toy::Folding, Toy::Creasing, "a", words.clone()).plan()),
        ["i_on_a: fulltext (note)"]
    );
    let plan = with(Toy::Folding, Toy::Flat, "a", words).plan();
    assert_eq!(
        question(&plan, "feature_left_out"),
        "a.i: leave_out | plain (leave_out)"
    );
    let short = |p: &mut ColumnProfile| p.chars_max = 9;
    let plan = with(Toy::Spacious, Toy::Folding, "public.a", gin)
        .column_profile("public.a", "note", short)
        .plan();
    assert_eq!(findings(&plan, "feature_left_out"), ["decision public.a.i"]);
}

#[test]
fn an_index_over_some_of_the_rows_is_over_all_of_them_unless_it_is_unique() {
    let partial = |unique| Index {
        unique,
        predicate: Some("id > 0".to_owned()),
        ..index("i", "id")
    };
    let plan = with(Toy::Spacious, Toy::Folding, "public.a", partial(false)).plan();
    assert_eq!(made(&plan), ["i_on_a: (id)"]);
    assert_eq!(findings(&plan, "feature_left_out"), ["warning public.a.i"]);
    let setup = with(Toy::Spacious, Toy::Folding, "public.a", partial(true));
    let plan = setup.plan();
    assert_eq!(
        question(&plan, "feature_left_out"),
        "public.a.i: leave_out | stop | expression (expression)"
    );
    assert_eq!(made(&plan), ["i_on_a: unique (i_1)"]);
    assert!(creation(&plan, "a").contains("[i_1] bigint invisible as (CASE WHEN id > 0 THEN [id] END)"));
    assert!(plan.tables[0].columns.iter().all(|column| column.target != "i_1"));
    let plan = setup.decide("feature_left_out=leave_out").plan();
    assert_eq!(made(&plan), Vec::<String>::new());
    assert_eq!(plan.tables[0].target.columns.len(), 2);
    // A number that is given while the row is written cannot be computed from.
    let mut numbered = with(Toy::Spacious, Toy::Folding, "public.a", partial(true));
    crate::setup::identity(&mut numbered.source.tables[0], "id", Some("public.a_id_seq"));
    assert_eq!(
        question(&numbered.plan(), "feature_left_out"),
        "public.a.i: leave_out | stop (none suggested)"
    );
    let plan = with(Toy::Spacious, Toy::Creasing, "public.a", partial(true)).plan();
    assert_eq!(
        question(&plan, "feature_left_out"),
        "public.a.i: leave_out | stop (none suggested)"
    );
    let plan = with(Toy::Spacious, Toy::Flat, "public.a", partial(true)).plan();
    assert_eq!(made(&plan), ["i_on_a: unique (id) where id > 0"]);
}

#[test]
fn an_index_over_an_expression_stays_behind_where_there_are_none() {
    let over = |unique| {
        let mut over = index("i", "note");
        over.unique = unique;
        over.parts = vec![IndexPart {
            column: None,
            expression: Some("lower(note)".to_owned()),
            ..over.parts.swap_remove(0)
        }];
        with(Toy::Spacious, Toy::Folding, "public.a", over)
    };
    assert_eq!(
        question(&over(false).plan(), "feature_left_out"),
        "public.a.i: leave_out (leave_out)"
    );
    assert_eq!(
        question(&over(true).plan(), "feature_left_out"),
        "public.a.i: leave_out | stop (none suggested)"
    );
    let short = |p: &mut ColumnProfile| p.chars_max = 9;
    let plan = over(true).column_profile("public.a", "note", short).plan();
    assert_eq!(
        question(&plan, "feature_left_out"),
        "public.a.i: leave_out | stop | expression (expression)"
    );
    assert!(creation(&plan, "a").contains("[i_1] varchar(255) collate exact invisible as (lower(note))"));
}

#[test]
fn what_is_too_long_for_a_key_is_indexed_by_its_beginning_and_never_silently_not_unique() {
    let long = |p: &mut ColumnProfile| p.chars_max = 5_000;
    let plan = with(Toy::Spacious, Toy::Folding, "public.a", index("i", "note"))
        .column_profile("public.a", "note", long)
        .plan();
    assert_eq!(made(&plan), ["i_on_a: (note to 100)"]);
    assert_eq!(findings(&plan, "feature_left_out"), ["info public.a.i"]);
    let unique = Index {
        unique: true,
        ..index("i", "note")
    };
    let setup =
        with(Toy::Spacious, Toy::Folding, "public.a", unique).column_profile("public.a", "note", long);
    assert_eq!(
        question(&setup.plan(), "feature_left_out"),
        "public.a.i: not_unique | leave_out | stop (none suggested)"
    );
    assert_eq!(made(&setup.plan()), Vec::<String>::new());
    let plan = setup.decide("feature_left_out=not_unique").plan();
    assert_eq!(made(&plan), ["i_on_a: (note to 100)"]);
    let mut keyed = table("public.a", "note text pk not null");
    keyed.uniques.push(key("u", &["note"]));
    let plan = Setup::new(Toy::Spacious, Toy::Folding, vec![keyed])
        .column_profile("public.a", "note", long)
        .plan();
    assert_eq!(
        findings(&plan, "feature_left_out"),
        ["decision public.a.note", "decision public.a.u"]
    );
    assert_eq!(plan.tables[0].target.primary_key, None);
}

#[test]
fn names_of_parts_fold_and_rules_share_one_space_where_the_target_says_so() {
    let mut one = table("public.one", "id bigint pk not null, Name text, name text");
    one.checks.push(crate::setup::check("positive", "id > 0"));
    let mut two = table("public.two", "id bigint pk not null");
    two.checks.push(crate::setup::check("Positive", "id > 0"));
    // An index may be called as a rule of its table is.
    two.indexes.push(index("positive", "id"));
    let plan = Setup::new(Toy::Spacious, Toy::Folding, vec![one, two]).plan();
    assert_eq!(
        question(&plan, "name_collision"),
        "public.one.name: rename | stop (rename)"
    );
    assert_eq!(findings(&plan, "name_changed"), ["info public.two.Positive"]);
}
