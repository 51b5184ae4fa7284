//! What holds for every expression and every batch.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;
use whimbrel_core::{LogicalType, arrow_schema};
use whimbrel_transform::{Expression, Filter, InputColumn, Lookups};

use crate::rows::{compile, one_column, records};

fn integers(names: &[&str]) -> Vec<InputColumn> {
    names
        .iter()
        .map(|name| InputColumn {
            name: (*name).to_owned(),
            logical: LogicalType::Integer { bits: 64 },
            nullable: true,
        })
        .collect()
}

fn pairs(rows: &[(Option<i64>, Option<i64>)]) -> RecordBatch {
    let logical = LogicalType::Integer { bits: 64 };
    let one: Int64Array = rows.iter().map(|row| row.0).collect();
    let two: Int64Array = rows.iter().map(|row| row.1).collect();
    RecordBatch::try_new(
        arrow_schema([("a", &logical), ("b", &logical)]),
        vec![Arc::new(one), Arc::new(two)],
    )
    .unwrap()
}

#[test]
fn exactly_the_failing_rows_are_named() {
    let logical = LogicalType::Integer { bits: 64 };
    let values: Int64Array = (0..100_000)
        .map(|row| Some(if row % 33_333 == 7 { 0 } else { row + 1 }))
        .collect();
    let expression = Expression::compile("1000000 / a", &integers(&["a"]), &Lookups::default()).unwrap();
    let evaluated = expression
        .evaluate(&one_column(&logical, Arc::new(values)))
        .unwrap();
    let rows: Vec<usize> = evaluated.failed.iter().map(|(row, _)| *row).collect();
    assert_eq!(rows, [7, 33_340, 66_673]);
    assert!(
        evaluated
            .failed
            .iter()
            .all(|(_, reason)| reason == "division by zero")
    );
    assert_eq!(evaluated.array.len(), 100_000);
    assert_eq!(evaluated.array.null_count(), 3);
    assert_eq!(evaluated.array.as_primitive::<Int64Type>().value(99_999), 10);
}

#[test]
fn the_row_whose_text_is_no_pattern_is_named() {
    let logical = LogicalType::Text {
        chars_max: None,
        padded: false,
    };
    let columns = [InputColumn {
        name: "a".to_owned(),
        logical: logical.clone(),
        nullable: true,
    }];
    let texts = StringArray::from(vec![Some("b"), None, Some("c("), Some("d")]);
    let texts = one_column(&logical, Arc::new(texts));
    for text in ["regexp_replace(a, a, 'x')", "regexp_like(a, a)"] {
        let expression = Expression::compile(text, &columns, &Lookups::default()).unwrap();
        let evaluated = expression.evaluate(&texts).unwrap();
        assert_eq!(evaluated.array.null_count(), 2, "{text}");
        let [(2, reason)] = &evaluated.failed[..] else {
            panic!("{text}: {:?}", evaluated.failed);
        };
        assert!(reason.contains("unclosed group"), "{text}: {reason}");
        assert_eq!(reason.lines().count(), 1, "{reason}");
    }
}

#[test]
fn an_empty_batch_gives_an_empty_column() {
    let expression = Expression::compile("a + 1", &integers(&["a", "b"]), &Lookups::default()).unwrap();
    let evaluated = expression.evaluate(&pairs(&[])).unwrap();
    assert_eq!(evaluated.array.len(), 0);
}

#[test]
fn a_filter_keeps_what_is_true_and_names_what_fails() {
    let filter = Filter::compile("10 / a > b", &integers(&["a", "b"]), &Lookups::default()).unwrap();
    let kept = filter
        .evaluate(&pairs(&[
            (Some(1), Some(1)),
            (Some(0), Some(1)),
            (None, Some(1)),
            (Some(5), Some(9)),
        ]))
        .unwrap();
    let rows: Vec<bool> = kept.rows.iter().map(Option::unwrap).collect();
    assert_eq!(rows, [true, false, false, false]);
    assert_eq!(kept.failed, [(1, "division by zero".to_owned())]);
}

proptest! {
    #[test]
    fn a_batch_gives_what_its_rows_give(
        rows in proptest::collection::vec((proptest::option::of(-3_i64..4), proptest::option::of(any::<i64>())), 1..40),
        text in proptest::sample::select(vec![
            "b / a", "b * a", "b + a", "case when a > 0 then b / (a - 1) else a end", "a <> 0 and b % a = 0",
            "coalesce(a, b)", "nullif(b / a, 1)", "cast(b as smallint)", "abs(b) - a", "a in (1, b)", "power(a, 3)",
        ]),
    ) {
        let expression = Expression::compile(text, &integers(&["a", "b"]), &Lookups::default()).unwrap();
        let whole = expression.evaluate(&pairs(&rows)).unwrap();
        for (number, row) in rows.iter().enumerate() {
            let single = expression.evaluate(&pairs(&[*row])).unwrap();
            prop_assert_eq!(&whole.array.slice(number, 1), &single.array);
            let failed = whole.failed.iter().find(|(row, _)| *row == number).map(|(_, reason)| reason);
            prop_assert_eq!(failed, single.failed.first().map(|(_, reason)| reason));
        }
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "\\PC{0,60}") {
        drop(compile(&text));
    }

    #[test]
    fn no_expression_makes_the_evaluation_panic(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "id", "price", "wide", "free", "ratio", "First_Name", "born", "seen", "never", "ok", "nothing", "key", "doc",
            "raw", "any", "zero", "big", "1", "-1", "0.5", "'x'", "'2024-01-01'", "NULL", "+", "-", "*", "/", "%", "||", "=",
            "<", "AND", "OR", "NOT", "(", ")", ",", "upper(", "round(", "coalesce(", "cast(id as text)", "extract(year from",
            "date_trunc('month',", "case when", "then", "else", "end", "is null", "in (", "between", "like", "substr(", "abs(",
            "interval '1 month'", "left(", "repeat(", "greatest(",
        ]), 1..9)) {
        if let Ok(expression) = compile(&words.join(" ")) {
            let evaluated = expression.evaluate(&records()).unwrap();
            prop_assert_eq!(evaluated.array.len(), 1);
        }
    }
}
