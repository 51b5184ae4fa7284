//! Logical types: in what form a column's values travel between engines, and how faithful a mapping is.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// The form in which a column's values travel. [`crate::arrow_type`] says which Arrow type carries each.
///
/// A source reads its column *as* a logical type (and rejects the row when a value does not fit); a target
/// writes it, and reads it back as the same logical type when it is verified.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LogicalType {
    /// true or false.
    Boolean,
    /// A signed integer of 16, 32 or 64 bits; travels as 64 bits.
    Integer {
        /// Width of the declared domain: 16, 32 or 64.
        bits: u8,
    },
    /// An exact decimal; travels as its digits (`-12.340`, `NaN`, `Infinity`, `-Infinity`), never as a float.
    /// With a scale, trailing zeros carry no meaning; without one they do (`1.10` is not `1.1`).
    Decimal {
        /// Largest number of digits, when declared.
        precision: Option<u32>,
        /// Digits after the point, when declared.
        scale: Option<i32>,
    },
    /// IEEE 754 of 32 or 64 bits, all bit patterns kept, every NaN equal.
    Float {
        /// 32 or 64.
        bits: u8,
    },
    /// Unicode text, exactly as stored.
    Text {
        /// Largest number of characters, when declared.
        chars_max: Option<u32>,
        /// True for a blank-padded type (`char(n)`).
        padded: bool,
    },
    /// Bytes.
    Bytes,
    /// A string of bits; travels as `0` and `1` characters.
    Bits {
        /// Declared length.
        length: Option<u32>,
        /// True when the length is only an upper limit.
        varying: bool,
    },
    /// A day in the proleptic Gregorian calendar; days since 1970-01-01, `i32::MIN/MAX` for the infinities.
    Date,
    /// Time of day without zone in microseconds; 24:00:00 is 86,400,000,000.
    Time,
    /// Time of day with an offset; travels as text `HH:MM:SS[.ffffff]+HH[:MM[:SS]]`.
    TimeZoned,
    /// Microseconds since 1970-01-01T00:00, `i64::MIN/MAX` for the infinities; UTC when zoned, else local.
    Timestamp {
        /// True when it is an instant (UTC), false when it is a wall-clock reading.
        zoned: bool,
    },
    /// Months, days and microseconds kept apart: 16 bytes, microseconds (i64), days (i32), months (i32), big-endian.
    Interval,
    /// 16 bytes.
    Uuid,
    /// A JSON document as text; compared by value: key order and spaces carry no meaning, number digits do.
    Json,
    /// One of a list of labels; travels as the label.
    Enum {
        /// Name of the type at the source.
        name: String,
        /// The labels in their order.
        labels: Vec<String>,
    },
    /// Any number of a list of labels; travels as the labels in their order, joined by commas (no label holds one); empty for none.
    Set {
        /// The labels in their order.
        labels: Vec<String>,
    },
    /// A value of any storage class of a loosely typed engine: one tag byte, then the value's bytes, as its connector defines.
    Any,
    /// The engine's own form of the named type; only between equal engines.
    Wire {
        /// The native type.
        native: String,
        /// True for the text that the engine prints and reads, false for its binary form.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        printed: bool,
    },
}

/// Returns the numbers that a signed integer of 2 to 64 bits holds.
pub fn signed_range(bits: u8) -> RangeInclusive<i64> {
    let unused = 64 - u32::from(bits).clamp(2, 64);
    i64::MIN >> unused..=i64::MAX >> unused
}

impl LogicalType {
    /// Returns text without limits.
    pub fn text() -> Self {
        Self::Text {
            chars_max: None,
            padded: false,
        }
    }

    /// Tells whether values are compared by order and sum exactly in every engine.
    pub fn is_exact_number(&self) -> bool {
        matches!(self, Self::Integer { .. } | Self::Decimal { .. })
    }
}

impl fmt::Display for LogicalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Integer { bits } => write!(f, "integer({bits})"),
            Self::Decimal {
                precision: Some(p),
                scale: Some(s),
            } => write!(f, "decimal({p},{s})"),
            Self::Decimal { .. } => f.write_str("decimal"),
            Self::Float { bits } => write!(f, "float({bits})"),
            Self::Text {
                chars_max: Some(n), ..
            } => write!(f, "text({n})"),
            Self::Text { .. } => f.write_str("text"),
            Self::Bytes => f.write_str("bytes"),
            Self::Bits { .. } => f.write_str("bits"),
            Self::Date => f.write_str("date"),
            Self::Time => f.write_str("time"),
            Self::TimeZoned => f.write_str("time with zone"),
            Self::Timestamp { zoned: true } => f.write_str("timestamp with zone"),
            Self::Timestamp { zoned: false } => f.write_str("timestamp"),
            Self::Interval => f.write_str("interval"),
            Self::Uuid => f.write_str("uuid"),
            Self::Json => f.write_str("json"),
            Self::Enum { name, .. } => write!(f, "enum {name}"),
            Self::Set { .. } => f.write_str("set"),
            Self::Any => f.write_str("any"),
            Self::Wire { native, printed } => {
                let form = if *printed { "text" } else { "binary" };
                write!(f, "{native} ({form})")
            }
        }
    }
}

/// How faithful a mapping is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fidelity", content = "why", rename_all = "snake_case")]
pub enum Fidelity {
    /// Same domain, same values.
    Exact,
    /// Every value arrives and can be read back; the target accepts more values, or shows them in another form (said in the text).
    Widened(String),
    /// Meaning is lost as the text says; needs a decision.
    Lossy(String),
    /// Cannot be done, as the text says.
    Unsupported(String),
}

/// A mapping result: what it becomes, how faithfully, and what else it could become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped<T> {
    /// The recommended result.
    pub to: T,
    /// How faithful it is.
    pub fidelity: Fidelity,
    /// Name of the recommended choice when there are alternatives, such as `numeric`.
    pub choice: String,
    /// Other results a person may choose instead.
    pub alternatives: Vec<Alternative<T>>,
}

/// Another result that a person may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative<T> {
    /// The word that selects it.
    pub choice: String,
    /// What it means for the data.
    pub meaning: String,
    /// The result.
    pub to: T,
    /// How faithful it is.
    pub fidelity: Fidelity,
}

impl<T> Mapped<T> {
    /// Makes an exact mapping without alternatives.
    pub fn exact(to: T) -> Self {
        Self {
            to,
            fidelity: Fidelity::Exact,
            choice: String::new(),
            alternatives: Vec::new(),
        }
    }

    /// Makes a widened mapping without alternatives.
    pub fn widened(to: T, why: impl Into<String>) -> Self {
        Self {
            fidelity: Fidelity::Widened(why.into()),
            ..Self::exact(to)
        }
    }

    /// Makes a lossy mapping without alternatives.
    pub fn lossy(to: T, why: impl Into<String>) -> Self {
        Self {
            fidelity: Fidelity::Lossy(why.into()),
            ..Self::exact(to)
        }
    }

    /// Makes a mapping that cannot be done; `to` is the nearest thing.
    pub fn unsupported(to: T, why: impl Into<String>) -> Self {
        Self {
            fidelity: Fidelity::Unsupported(why.into()),
            ..Self::exact(to)
        }
    }

    /// Names the recommended choice.
    #[must_use]
    pub fn named(mut self, choice: impl Into<String>) -> Self {
        self.choice = choice.into();
        self
    }

    /// Adds an alternative.
    #[must_use]
    pub fn or(mut self, choice: impl Into<String>, meaning: impl Into<String>, other: Self) -> Self {
        self.alternatives.push(Alternative {
            choice: choice.into(),
            meaning: meaning.into(),
            to: other.to,
            fidelity: other.fidelity,
        });
        self
    }
}

/// What values are compared as in the same way by every engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparable {
    /// By value.
    Number,
    /// Code point by code point.
    Text,
    /// Days, and times without a zone.
    Moment,
    /// True and false.
    Truth,
}

impl Comparable {
    /// None for what engines order or spell in ways of their own, and for instants, which a session shows in its own time zone.
    pub fn of(logical: &LogicalType) -> Option<Self> {
        match logical {
            LogicalType::Boolean => Some(Self::Truth),
            LogicalType::Integer { .. } | LogicalType::Decimal { .. } | LogicalType::Float { bits: 64 } => {
                Some(Self::Number)
            }
            LogicalType::Text { padded: false, .. } => Some(Self::Text),
            LogicalType::Date | LogicalType::Timestamp { zoned: false } => Some(Self::Moment),
            LogicalType::Float { .. }
            | LogicalType::Text { .. }
            | LogicalType::Bytes
            | LogicalType::Bits { .. }
            | LogicalType::Time
            | LogicalType::TimeZoned
            | LogicalType::Timestamp { .. }
            | LogicalType::Interval
            | LogicalType::Uuid
            | LogicalType::Json
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. }
            | LogicalType::Any
            | LogicalType::Wire { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_integer_holds_one_number_more_below_zero() {
        assert_eq!(signed_range(8), -128..=127);
        assert_eq!(signed_range(16), i64::from(i16::MIN)..=i64::from(i16::MAX));
        assert_eq!(signed_range(64), i64::MIN..=i64::MAX);
    }
}
