//! Every logical type, written into a table of the types that the dialect chooses, reads back as the same values.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "world/world.rs"]
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "each test file uses its part and fails by panicking"
)]
mod world;

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, StringArray,
};
use proptest::prelude::*;
use whimbrel_core::{
    Batch, Chunk, ChunkResult, Column, ColumnUse, Digest, KeyRange, LogicalType, ReadColumn, Reject, Table,
    TableId, arrow_schema,
};
use world::{World, create, create_table, dialect, open, read, read_request, target, write_request};

/// A column to send: name, type and values.
type Sent = (&'static str, LogicalType, ArrayRef);

const DAY: i64 = 86_400_000_000;

/// Writes the arrays into a fresh table and returns what comes back, and what was rejected on the way in.
async fn through(columns: Vec<Sent>) -> (RecordBatch, RecordBatch, Vec<Reject>) {
    let world = World::new();
    let target = target(&world.path("to.db")).await;
    let run = open(&target).await;
    let reads: Vec<ReadColumn> = columns
        .iter()
        .map(|(name, logical, _)| ReadColumn {
            name: (*name).to_owned(),
            native: dialect().native(logical, &ColumnUse::default()).to,
            logical: logical.clone(),
            rule: None,
        })
        .collect();
    let table = Table {
        columns: reads
            .iter()
            .map(|column| Column::new(&column.name, &column.native))
            .collect(),
        ..Table::empty(TableId::bare("t"))
    };
    create(&target, &run, &[create_table(&table)]).await;
    let chunk = Chunk {
        table: table.id.clone(),
        index: 0,
        range: KeyRange::All,
    };
    target
        .ledger()
        .store_split(&run, &table.id, std::slice::from_ref(&chunk))
        .await
        .unwrap();
    let schema = arrow_schema(columns.iter().map(|(name, logical, _)| (*name, logical)));
    let arrays: Vec<ArrayRef> = columns.into_iter().map(|(_, _, array)| array).collect();
    let records = RecordBatch::try_new(schema, arrays).unwrap();
    let batch = Batch {
        records: records.clone(),
        rejects: Vec::new(),
        ruled: Vec::new(),
    };
    let mut writer = target
        .writer(write_request(&run, &table, &reads, chunk))
        .await
        .unwrap();
    let rejects = writer.write(&batch).await.unwrap();
    let result = ChunkResult {
        rows: 0,
        bytes: 0,
        rejected: 0,
        digest: Digest::default(),
        ruled: Vec::new(),
    };
    writer.commit(result).await.unwrap();
    let snapshot = target.as_source().snapshot(&[], 1).await.unwrap();
    let mut back = read(&snapshot, read_request(&table, &reads, KeyRange::All))
        .await
        .unwrap();
    assert!(back.iter().all(|batch| batch.rejects.is_empty()), "{back:?}");
    (records, back.remove(0).records, rejects)
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn sixteen(values: &[[u8; 16]]) -> ArrayRef {
    Arc::new(FixedSizeBinaryArray::try_from_iter(values.iter()).unwrap())
}

fn decimal(precision: u32, scale: i32) -> LogicalType {
    LogicalType::Decimal {
        precision: Some(precision),
        scale: Some(scale),
    }
}

/// Edges of numbers.
fn numbers() -> Vec<Sent> {
    let any_decimal = LogicalType::Decimal {
        precision: None,
        scale: None,
    };
    vec![
        (
            "boolean",
            LogicalType::Boolean,
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, None])),
        ),
        (
            "integer",
            LogicalType::Integer { bits: 64 },
            Arc::new(PrimitiveArray::<Int64Type>::from(vec![
                Some(i64::MIN),
                Some(i64::MAX),
                Some(0),
                None,
            ])),
        ),
        (
            "float",
            LogicalType::Float { bits: 64 },
            Arc::new(PrimitiveArray::<Float64Type>::from(vec![
                Some(f64::INFINITY),
                Some(5e-324),
                Some(0.1),
                None,
            ])),
        ),
        (
            "float4",
            LogicalType::Float { bits: 32 },
            Arc::new(PrimitiveArray::<Float32Type>::from(vec![
                Some(f32::NEG_INFINITY),
                Some(f32::MIN_POSITIVE),
                Some(0.1),
                None,
            ])),
        ),
        (
            "decimal",
            any_decimal,
            texts(&[
                Some("NaN"),
                Some("-1.10"),
                Some("12345678901234567890123456789.0"),
                None,
            ]),
        ),
        (
            "money",
            decimal(10, 2),
            texts(&[Some("0.00"), Some("-99999999.99"), Some("7.50"), None]),
        ),
        (
            "whole",
            decimal(18, 0),
            texts(&[Some("999999999999999999"), Some("-5"), Some("0"), None]),
        ),
    ]
}

/// Edges of days and times.
fn moments() -> Vec<Sent> {
    let timestamps = vec![Some(i64::MIN), Some(i64::MAX), Some(-1), None];
    vec![
        (
            "date",
            LogicalType::Date,
            Arc::new(PrimitiveArray::<Date32Type>::from(vec![
                Some(i32::MIN),
                Some(i32::MAX),
                Some(-800_000),
                None,
            ])),
        ),
        (
            "time",
            LogicalType::Time,
            Arc::new(PrimitiveArray::<Time64MicrosecondType>::from(vec![
                Some(0),
                Some(DAY),
                Some(1),
                None,
            ])),
        ),
        (
            "timetz",
            LogicalType::TimeZoned,
            texts(&[
                Some("12:00:00+02"),
                Some("00:00:00.5-15:59:59"),
                Some("24:00:00+00"),
                None,
            ]),
        ),
        (
            "timestamp",
            LogicalType::Timestamp { zoned: false },
            Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from(
                timestamps.clone(),
            )),
        ),
        (
            "timestamptz",
            LogicalType::Timestamp { zoned: true },
            Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from(timestamps).with_timezone("UTC")),
        ),
        (
            "interval",
            LogicalType::Interval,
            sixteen(&[[0; 16], [0xff; 16], [0x80; 16], [0x7f; 16]]),
        ),
    ]
}

/// Edges of everything else.
fn words() -> Vec<Sent> {
    let bits = LogicalType::Bits {
        length: Some(5),
        varying: true,
    };
    let mood = LogicalType::Enum {
        name: "mood".to_owned(),
        labels: vec!["ok".to_owned(), "it's".to_owned(), String::new()],
    };
    vec![
        (
            "text",
            LogicalType::text(),
            texts(&[Some("a\0b"), Some(""), Some("é😀"), None]),
        ),
        (
            "bytes",
            LogicalType::Bytes,
            Arc::new(BinaryArray::from_opt_vec(vec![
                Some(b"\0\xff"),
                Some(b""),
                Some(b"a"),
                None,
            ])),
        ),
        ("bits", bits, texts(&[Some(""), Some("10101"), Some("0"), None])),
        (
            "uuid",
            LogicalType::Uuid,
            sixteen(&[[0; 16], [0xff; 16], [1; 16], *b"0123456789abcdef"]),
        ),
        (
            "json",
            LogicalType::Json,
            texts(&[
                Some("{\"b\": 1.0, \"a\": [null]}"),
                Some("\"\\u0000\""),
                Some(" 1 "),
                None,
            ]),
        ),
        ("mood", mood, texts(&[Some("it's"), Some(""), Some("ok"), None])),
        (
            "any",
            LogicalType::Any,
            Arc::new(BinaryArray::from_opt_vec(vec![
                Some(b"\x01\x01\0\0\0\0\0\0\0"),
                Some(b"\x02\0\0\0\0\0\0\0\x80"),
                Some(b"\x03\xff1"),
                Some(b"\x04"),
            ])),
        ),
    ]
}

#[tokio::test]
async fn the_edges_of_every_type_come_back() {
    let columns = [numbers(), moments(), words()].concat();
    let (sent, back, rejects) = through(columns).await;
    assert_eq!(rejects, []);
    for (at, field) in sent.schema().fields().iter().enumerate() {
        assert_eq!(sent.column(at), back.column(at), "{}", field.name());
    }
}

#[tokio::test]
async fn what_the_engine_cannot_hold_is_rejected_with_its_rule() {
    let (_, back, rejects) = through(vec![
        (
            "id",
            LogicalType::Integer { bits: 64 },
            Arc::new(PrimitiveArray::<Int64Type>::from(vec![1, 2, 3])),
        ),
        (
            "f",
            LogicalType::Float { bits: 64 },
            Arc::new(PrimitiveArray::<Float64Type>::from(vec![f64::NAN, -0.0, 1.0])),
        ),
    ])
    .await;
    assert_eq!(back.num_rows(), 1);
    let told: Vec<_> = rejects
        .iter()
        .map(|reject| {
            (
                reject.row,
                reject.column.as_str(),
                reject.value.as_str(),
                reject.rule.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some(0), "f", "NaN", "NaN would become NULL"),
            (
                Some(1),
                "f",
                "-0.0",
                "a `REAL` column would lose the sign of -0.0"
            ),
        ]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_values_come_back(
        rows in proptest::collection::vec(
            (any::<i64>(), any::<f64>(), ".{0,40}", proptest::collection::vec(any::<u8>(), 0..40), any::<[u8; 16]>(), any::<i64>(), "-?[0-9]{1,30}\\.[0-9]{0,20}"),
            1..40,
        )
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let held = |real: f64| if real.is_nan() || real == 0.0 { 1.5 } else { real };
        let strings = |of: &dyn Fn(usize) -> String| -> ArrayRef {
            Arc::new(StringArray::from((0..rows.len()).map(of).collect::<Vec<_>>()))
        };
        let any_decimal = LogicalType::Decimal { precision: None, scale: None };
        let columns: Vec<Sent> = vec![
            ("i", LogicalType::Integer { bits: 64 }, Arc::new(rows.iter().map(|row| Some(row.0)).collect::<PrimitiveArray<Int64Type>>())),
            ("f", LogicalType::Float { bits: 64 }, Arc::new(rows.iter().map(|row| Some(held(row.1))).collect::<PrimitiveArray<Float64Type>>())),
            ("s", LogicalType::text(), strings(&|at| rows[at].2.clone())),
            ("b", LogicalType::Bytes, Arc::new(BinaryArray::from_iter_values(rows.iter().map(|row| &row.3)))),
            ("u", LogicalType::Uuid, sixteen(&rows.iter().map(|row| row.4).collect::<Vec<_>>())),
            ("v", LogicalType::Interval, sixteen(&rows.iter().map(|row| row.4).collect::<Vec<_>>())),
            ("t", LogicalType::Timestamp { zoned: false }, Arc::new(rows.iter().map(|row| Some(row.5)).collect::<PrimitiveArray<TimestampMicrosecondType>>())),
        ];
        let (sent, back, rejects) = runtime.block_on(through(columns));
        prop_assert_eq!(rejects, []);
        prop_assert_eq!(sent.columns(), back.columns());
        // Decimals come back in the one form of their digits.
        let digits = |text: &str| whimbrel_core::canonical_decimal(text);
        let (sent, back, _) = runtime.block_on(through(vec![("d", any_decimal, strings(&|at| rows[at].6.clone()))]));
        let text = |records: &RecordBatch, row: usize| {
            records.column(0).as_any().downcast_ref::<StringArray>().unwrap().value(row).to_owned()
        };
        for row in 0..rows.len() {
            prop_assert_eq!(digits(&text(&sent, row)), digits(&text(&back, row)));
        }
    }
}
