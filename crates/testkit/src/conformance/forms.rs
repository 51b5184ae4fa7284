//! Values of every form that travels, among them the awkward ones that all engines hold, and a NULL in each.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, StringArray};
use whimbrel_core::{ColumnProfile, ColumnUse, Dialect, Fidelity, LogicalType};

/// A column's name, its form, and four values.
pub(super) type Form = (&'static str, LogicalType, ArrayRef);

/// Returns the forms that the engine has.
pub(super) fn of_engine(dialect: &dyn Dialect) -> Vec<Form> {
    let has = |logical: &LogicalType| {
        matches!(
            dialect.native(logical, &ColumnUse::default()).fidelity,
            Fidelity::Exact | Fidelity::Widened(_)
        )
    };
    let all = [numbers(dialect), words(), moments()];
    all.into_iter()
        .flatten()
        .filter(|(_, logical, _)| has(logical))
        .collect()
}

fn text(values: [&str; 3]) -> ArrayRef {
    let values = values.into_iter().map(Some).chain([None]);
    Arc::new(values.collect::<StringArray>())
}

/// The largest number that the engine holds: an infinity, or the one before.
fn largest(dialect: &dyn Dialect) -> f64 {
    let logical = LogicalType::Float { bits: 64 };
    let native = dialect.native(&logical, &ColumnUse::default()).to;
    let profile = ColumnProfile {
        max: Some("Infinity".to_owned()),
        ..ColumnProfile::default()
    };
    match dialect.misfit(&native, &logical, &profile) {
        Some(_) => f64::MAX,
        None => f64::INFINITY,
    }
}

fn numbers(dialect: &dyn Dialect) -> Vec<Form> {
    let decimal = LogicalType::Decimal {
        precision: Some(10),
        scale: Some(2),
    };
    vec![
        (
            "truth",
            LogicalType::Boolean,
            Arc::new(BooleanArray::from(vec![
                Some(true),
                Some(false),
                Some(true),
                None,
            ])),
        ),
        (
            "number",
            LogicalType::Integer { bits: 64 },
            Arc::new(PrimitiveArray::<Int64Type>::from(vec![
                Some(i64::MIN),
                Some(i64::MAX),
                Some(0),
                None,
            ])),
        ),
        (
            "real",
            LogicalType::Float { bits: 64 },
            Arc::new(PrimitiveArray::<Float64Type>::from(vec![
                Some(0.1),
                Some(largest(dialect)),
                Some(5e-324),
                None,
            ])),
        ),
        ("price", decimal, text(["-99999999.99", "7.50", "0.00"])),
    ]
}

fn words() -> Vec<Form> {
    let uuids = [Some([0; 16]), Some([0xff; 16]), Some(*b"0123456789abcdef"), None];
    let uuids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(uuids.into_iter(), 16);
    vec![
        (
            "words",
            LogicalType::text(),
            text(["", "a\\b\t\n\"'\u{1f600}e\u{301}", "  padded  "]),
        ),
        (
            "bytes",
            LogicalType::Bytes,
            Arc::new(BinaryArray::from(vec![
                Some(&b""[..]),
                Some(b"\x00\xff\\x"),
                Some(b"plain"),
                None,
            ])),
        ),
        (
            "uuid",
            LogicalType::Uuid,
            Arc::new(uuids.unwrap_or_else(|error| panic!("{error}"))),
        ),
        (
            "json",
            LogicalType::Json,
            text(["{\"a\": [1, 2.50, null]}", "\"text\"", "12345678901234567890"]),
        ),
    ]
}

fn moments() -> Vec<Form> {
    let stamps = vec![Some(0), Some(-1), Some(1_700_000_000_123_456), None];
    let zoned = PrimitiveArray::<TimestampMicrosecondType>::from(stamps.clone()).with_timezone("UTC");
    vec![
        (
            "day",
            LogicalType::Date,
            Arc::new(PrimitiveArray::<Date32Type>::from(vec![
                Some(0),
                Some(-719_162),
                Some(2_932_896),
                None,
            ])),
        ),
        (
            "clock",
            LogicalType::Time,
            Arc::new(PrimitiveArray::<Time64MicrosecondType>::from(vec![
                Some(0),
                Some(1),
                Some(86_399_999_999),
                None,
            ])),
        ),
        (
            "moment",
            LogicalType::Timestamp { zoned: false },
            Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from(stamps)),
        ),
        ("instant", LogicalType::Timestamp { zoned: true }, Arc::new(zoned)),
    ]
}
