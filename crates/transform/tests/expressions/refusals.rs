//! What is refused when an expression is compiled, and what is said.

use whimbrel_core::ErrorClass;
use whimbrel_transform::Filter;

use crate::rows::{columns, compile, lookups};

fn refused(text: &str) -> (String, String) {
    let error = compile(text).expect_err(text);
    assert_eq!(error.class(), ErrorClass::Invalid, "{text}: {error}");
    (error.to_string(), error.hint().unwrap_or_default().to_owned())
}

#[test]
fn an_unknown_column_is_named_with_its_place_and_the_one_that_was_meant() {
    let (said, hint) = refused("upper(Frist_Name)");
    assert_eq!(
        said,
        "column `Frist_Name` does not exist, at character 7 of expression `upper(Frist_Name)`"
    );
    assert_eq!(hint, "did you mean `First_Name`?");
    assert!(
        refused("\"first_name\"")
            .0
            .starts_with("column `first_name` does not exist")
    );
    assert!(refused("t.id").1.contains("write `id` alone"));
}

#[test]
fn an_unknown_function_is_named_with_the_one_that_was_meant() {
    assert_eq!(refused("uper(First_Name)").1, "did you mean `upper`?");
}

#[test]
fn what_does_not_depend_on_the_row_alone_is_refused() {
    for text in [
        "now()",
        "current_timestamp",
        "current_date",
        "random()",
        "uuid()",
        "gen_random_uuid()",
        "sum(id)",
        "count(*)",
        "row_number() over (order by id)",
        "lower(First_Name) over ()",
        "(select 1)",
        "id in (select 1)",
        "exists (select 1)",
        "version()",
    ] {
        refused(text);
    }
}

#[test]
fn types_that_do_not_go_together_are_refused() {
    for text in [
        "First_Name + 1",
        "id = 'seven'",
        "born = 'yesterday'",
        "id and ok",
        "not id",
        "upper(id)",
        "id || raw",
        "born * 2",
        "logged = seen",
        "case when ok then id else First_Name end",
        "any = 1",
        "upper(any)",
        "extract(hour from born)",
        "extract(fortnight from seen)",
        "date_trunc('dow', seen)",
        "cast('x' as integer)",
        "cast(id as point)",
        "cast(ok as date)",
        "date '2023-02-31'",
        "regexp_like(First_Name, '(')",
        "lpad('a', 100000)",
        "lpad('a', id)",
        "lookup('eights', id)",
        "lookup('places', id)",
        "lookup('places', 'NO', id, 'none', 'more')",
        "lookup('sevens', id, 'none', 'more')",
        "to_date('x', '%Q')",
        "substr()",
        "interval 'soon'",
        "wide * wide * wide * wide * wide * wide * wide * wide",
    ] {
        refused(text);
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    for text in [
        "",
        "id +",
        "(id",
        "id id",
        "id; drop table x",
        "'open",
        "select 1",
        "$1",
        "id -- x\n 7",
    ] {
        refused(text);
    }
    assert!(
        refused("id +* 2").0.contains("at character 5"),
        "{}",
        refused("id +* 2").0
    );
}

#[test]
fn deep_and_long_expressions_are_refused_and_do_not_break() {
    refused(&("(".repeat(5_000) + "id" + &")".repeat(5_000)));
    refused(&format!("id{}", " + id".repeat(3_000)));
    refused(&format!("(select id{})", " + id".repeat(3_000)));
    refused(&format!("{}id", "- ".repeat(5_000)));
    refused(&"x".repeat(100_000));
    compile(&format!("id{}", " + id".repeat(200))).unwrap();
}

#[test]
fn a_filter_must_be_a_condition() {
    let error = Filter::compile("id + 1", &columns(), &lookups()).unwrap_err();
    assert_eq!(error.to_string(), "filter `id + 1` is integer; must be boolean");
    assert!(error.hint().is_some());
}
