//! Random values of every form that travels, drawn by `proptest` from one fixed seed, so that a failure can be seen again.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, FixedSizeBinaryBuilder, StringBuilder};
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use whimbrel_core::{ColumnProfile, ColumnUse, Dialect, Feature, Fidelity, LogicalType};

/// Days from 0001-01-01 to 9999-12-31, which every engine with dates holds.
const DAYS: std::ops::Range<i32> = -719_162..2_932_897;
const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// Returns every form that the engine holds exactly, by a column's name.
pub(super) fn forms(dialect: &dyn Dialect) -> Vec<(&'static str, LogicalType)> {
    let labels = ["small", "it's", "a\\b", "größer", "with space"]
        .map(str::to_owned)
        .to_vec();
    let decimal = |precision, scale| LogicalType::Decimal { precision, scale };
    let bits = |length, varying| LogicalType::Bits { length, varying };
    let all = vec![
        ("truth", LogicalType::Boolean),
        ("short", LogicalType::Integer { bits: 16 }),
        ("middle", LogicalType::Integer { bits: 32 }),
        ("long", LogicalType::Integer { bits: 64 }),
        ("single", LogicalType::Float { bits: 32 }),
        ("double", LogicalType::Float { bits: 64 }),
        ("price", decimal(Some(12), Some(4))),
        ("huge", decimal(Some(38), Some(0))),
        ("words", LogicalType::text()),
        (
            "name",
            LogicalType::Text {
                chars_max: Some(40),
                padded: false,
            },
        ),
        ("bytes", LogicalType::Bytes),
        ("mask", bits(Some(13), false)),
        ("day", LogicalType::Date),
        ("clock", LogicalType::Time),
        ("zoned_clock", LogicalType::TimeZoned),
        ("moment", LogicalType::Timestamp { zoned: false }),
        ("instant", LogicalType::Timestamp { zoned: true }),
        ("span", LogicalType::Interval),
        ("uuid", LogicalType::Uuid),
        ("json", LogicalType::Json),
        (
            "size",
            LogicalType::Enum {
                name: "size".to_owned(),
                labels: labels.clone(),
            },
        ),
        ("sizes", LogicalType::Set { labels }),
    ];
    all.into_iter()
        .filter(|(_, logical)| holds(dialect, logical))
        .collect()
}

fn holds(dialect: &dyn Dialect, logical: &LogicalType) -> bool {
    matches!(
        dialect.native(logical, &ColumnUse::default()).fidelity,
        Fidelity::Exact | Fidelity::Widened(_)
    )
}

/// Draws values.
pub(super) struct Lots {
    runner: TestRunner,
    /// True when the engine's text holds U+0000.
    nul_text: bool,
    /// True when the engine holds negative zero.
    every_float: bool,
}

impl Lots {
    pub(super) fn new(dialect: &dyn Dialect) -> Self {
        Self {
            runner: TestRunner::deterministic(),
            nul_text: dialect.holds_nul_text(),
            every_float: dialect.has(Feature::EveryFloat)
                && dialect
                    .misfit(
                        "double",
                        &LogicalType::Float { bits: 64 },
                        &ColumnProfile::default(),
                    )
                    .is_none(),
        }
    }

    fn one<S: Strategy>(&mut self, strategy: S) -> S::Value {
        let tree = strategy.new_tree(&mut self.runner);
        tree.unwrap_or_else(|error| panic!("{error}")).current()
    }

    /// About one value in eight is NULL.
    fn some<S: Strategy>(&mut self, rows: usize, strategy: impl Fn() -> S) -> Vec<Option<S::Value>> {
        (0..rows)
            .map(|_| {
                let is_null = self.one(0..8_u8) == 0;
                (!is_null).then(|| self.one(strategy()))
            })
            .collect()
    }

    /// Draws a column of values in the form.
    pub(super) fn column(&mut self, logical: &LogicalType, rows: usize) -> ArrayRef {
        match logical {
            LogicalType::Boolean => Arc::new(BooleanArray::from(self.some(rows, any::<bool>))),
            LogicalType::Integer { bits } => {
                let shift = 64 - u32::from(*bits);
                let values = self.some(rows, || any::<i64>().prop_map(move |value| value >> shift));
                Arc::new(PrimitiveArray::<Int64Type>::from(values))
            }
            LogicalType::Float { bits: 32 } => {
                let every = self.every_float;
                let values = self.some(rows, || {
                    any::<f32>().prop_filter("held", move |value| {
                        value.is_finite() && (every || value.to_bits() != (-0.0_f32).to_bits())
                    })
                });
                Arc::new(PrimitiveArray::<Float32Type>::from(values))
            }
            LogicalType::Float { .. } => {
                let every = self.every_float;
                let values = self.some(rows, || {
                    any::<f64>().prop_filter("held", move |value| {
                        value.is_finite() && (every || value.to_bits() != (-0.0_f64).to_bits())
                    })
                });
                Arc::new(PrimitiveArray::<Float64Type>::from(values))
            }
            LogicalType::Date => Arc::new(PrimitiveArray::<Date32Type>::from(self.some(rows, || DAYS))),
            LogicalType::Time => Arc::new(PrimitiveArray::<Time64MicrosecondType>::from(
                self.some(rows, || 0..DAY_MICROSECONDS),
            )),
            LogicalType::Timestamp { zoned } => {
                let micros = i64::from(DAYS.start) * DAY_MICROSECONDS..i64::from(DAYS.end) * DAY_MICROSECONDS;
                let values = self.some(rows, || micros.clone());
                let array = PrimitiveArray::<TimestampMicrosecondType>::from(values);
                Arc::new(array.with_timezone_opt(zoned.then_some("UTC")))
            }
            LogicalType::Bytes | LogicalType::Any | LogicalType::Wire { .. } => {
                let mut built = BinaryBuilder::new();
                for value in self.some(rows, || proptest::collection::vec(any::<u8>(), 0..60)) {
                    built.append_option(value);
                }
                Arc::new(built.finish())
            }
            LogicalType::Uuid | LogicalType::Interval => self.sixteen_bytes(logical, rows),
            LogicalType::Decimal { .. }
            | LogicalType::Text { .. }
            | LogicalType::Bits { .. }
            | LogicalType::TimeZoned
            | LogicalType::Json
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. } => self.words(logical, rows),
        }
    }

    fn sixteen_bytes(&mut self, logical: &LogicalType, rows: usize) -> ArrayRef {
        let is_uuid = logical == &LogicalType::Uuid;
        let mut built = FixedSizeBinaryBuilder::new(16);
        for value in self.some(rows, || {
            (
                any::<[u8; 16]>(),
                0..DAY_MICROSECONDS,
                -4000..4000_i32,
                -900..900_i32,
            )
        }) {
            match value {
                None => built.append_null(),
                Some((uuid, micros, days, months)) => {
                    let span = [
                        &micros.to_be_bytes()[..],
                        &days.to_be_bytes()[..],
                        &months.to_be_bytes()[..],
                    ];
                    let bytes = if is_uuid { uuid.to_vec() } else { span.concat() };
                    built
                        .append_value(bytes)
                        .unwrap_or_else(|error| panic!("{error}"));
                }
            }
        }
        Arc::new(built.finish())
    }

    fn words(&mut self, logical: &LogicalType, rows: usize) -> ArrayRef {
        let mut built = StringBuilder::new();
        for _ in 0..rows {
            if self.one(0..8_u8) == 0 {
                built.append_null();
            } else {
                built.append_value(self.word(logical));
            }
        }
        Arc::new(built.finish())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever has no rule of its own is text"
    )]
    fn word(&mut self, logical: &LogicalType) -> String {
        match logical {
            LogicalType::Decimal { precision, scale } => {
                let scale = usize::try_from(scale.unwrap_or(0)).unwrap_or(0);
                let whole = precision.unwrap_or(20) as usize - scale;
                let pattern = match scale {
                    0 => format!("-?[1-9][0-9]{{0,{}}}", whole - 1),
                    scale => format!("-?[1-9][0-9]{{0,{}}}\\.[0-9]{{{scale}}}", whole - 1),
                };
                self.matching(&pattern)
            }
            LogicalType::Bits { length, .. } => self.matching(&format!("[01]{{{}}}", length.unwrap_or(8))),
            LogicalType::TimeZoned => self.matching(
                "(0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{5}[1-9])?[+-](0[0-9]|1[0-4]):[0-5]0",
            ),
            LogicalType::Json => self.document(3).to_string(),
            LogicalType::Enum { labels, .. } => {
                let at = self.one(0..labels.len());
                labels[at].clone()
            }
            LogicalType::Set { labels } => {
                let held = self.one(proptest::collection::vec(any::<bool>(), labels.len()));
                let labels = labels.iter().zip(held).filter(|(_, held)| *held);
                labels
                    .map(|(label, _)| label.as_str())
                    .collect::<Vec<_>>()
                    .join(",")
            }
            _ => {
                let text: String = self
                    .one(proptest::collection::vec(any::<char>(), 0..40))
                    .into_iter()
                    .collect();
                let awkward = ["", " ", "\\", "'", "\t\n", "\\N", "NULL", "😀"];
                let tail = awkward[self.one(0..awkward.len())];
                let both: String = text.chars().take(36).chain(tail.chars()).collect();
                match self.nul_text {
                    true => both,
                    false => both.replace('\0', "0"),
                }
            }
        }
    }

    fn matching(&mut self, pattern: &str) -> String {
        let strategy = proptest::string::string_regex(pattern);
        self.one(strategy.unwrap_or_else(|error| panic!("{error}")))
    }

    /// A JSON document whose numbers every engine holds.
    fn document(&mut self, depth: u8) -> serde_json::Value {
        let kinds = if depth == 0 { 5 } else { 7 };
        match self.one(0..kinds) {
            0 => serde_json::Value::Null,
            1 => serde_json::Value::from(self.one(any::<bool>())),
            2 => serde_json::Value::from(self.one(any::<i64>())),
            3 => serde_json::Value::from(f64::from(self.one(any::<i16>())) / 8.0),
            4 => serde_json::Value::from(self.word(&LogicalType::text()).replace('\0', "0")),
            5 => (0..self.one(0..4)).map(|_| self.document(depth - 1)).collect(),
            _ => (0..self.one(0..4))
                .map(|at| {
                    (
                        format!("{at} {}", self.matching("[a-z\"\\\\é]{0,3}")),
                        self.document(depth - 1),
                    )
                })
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    /// Draws the given number of different keys, none of them NULL.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "whatever has no rule of its own is text"
    )]
    pub(super) fn keys(&mut self, logical: &LogicalType, rows: usize) -> ArrayRef {
        match logical {
            LogicalType::Integer { .. } => {
                // Gaps and skew: most keys lie close together, some far away.
                let mut keys = BTreeSet::new();
                while keys.len() < rows {
                    keys.insert(self.one(prop_oneof![8 => 0..20_000_i64, 1 => any::<i64>()]));
                }
                Arc::new(PrimitiveArray::<Int64Type>::from_iter_values(keys))
            }
            LogicalType::Date => {
                let mut keys = BTreeSet::new();
                while keys.len() < rows {
                    keys.insert(self.one(DAYS));
                }
                Arc::new(PrimitiveArray::<Date32Type>::from_iter_values(keys))
            }
            LogicalType::Uuid => {
                let mut built = FixedSizeBinaryBuilder::new(16);
                for _ in 0..rows {
                    let value = self.one(any::<[u8; 16]>());
                    built
                        .append_value(value)
                        .unwrap_or_else(|error| panic!("{error}"));
                }
                Arc::new(built.finish())
            }
            LogicalType::Decimal { .. } => {
                let mut keys = BTreeSet::new();
                while keys.len() < rows {
                    keys.insert(self.word(logical));
                }
                let mut built = StringBuilder::new();
                keys.iter().for_each(|key| built.append_value(key));
                Arc::new(built.finish())
            }
            _ => {
                let mut keys = BTreeSet::new();
                while keys.len() < rows {
                    keys.insert(self.matching("[a-zA-Zäß'\\\\_% -]{1,12}[0-9]{1,4}"));
                }
                let mut built = StringBuilder::new();
                keys.iter().for_each(|key| built.append_value(key));
                Arc::new(built.finish())
            }
        }
    }
}
