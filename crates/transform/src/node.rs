//! A part of an expression that has been given its type: what the binder puts together.

use std::fmt;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Schema, TimeUnit};
use datafusion_common::ScalarValue;
use datafusion_expr::ColumnarValue;
use datafusion_physical_expr::expressions::Literal;
use whimbrel_core::{LogicalType, arrow_type};

use crate::kernel::Tree;

/// Digits after the point of a decimal without a declared scale while it is computed with.
pub(crate) const UNBOUNDED_SCALE: u8 = 20;

/// The most digits of a decimal that can be computed with.
pub(crate) const DIGITS_MAX: u8 = 76;

/// The form in which values are computed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The type of `NULL` alone.
    Null,
    Boolean,
    /// Computed in 64 bits.
    Integer {
        bits: u8,
    },
    Float {
        bits: u8,
    },
    Decimal {
        precision: u8,
        scale: u8,
        /// True when it goes back to digits without a declared scale.
        unbounded: bool,
    },
    Text {
        chars_max: Option<u32>,
    },
    Bytes,
    Date,
    Time,
    Timestamp {
        zoned: bool,
    },
    Interval,
    Uuid,
    Json,
    /// A form that can only be passed on.
    Opaque(LogicalType),
}

impl Kind {
    /// Text without a limit.
    pub(crate) const TEXT: Self = Self::Text { chars_max: None };

    /// The widest integer.
    pub(crate) const INTEGER: Self = Self::Integer { bits: 64 };

    /// The widest float.
    pub(crate) const FLOAT: Self = Self::Float { bits: 64 };

    /// Returns the kind in which values of the logical type are computed with.
    pub(crate) fn of(logical: &LogicalType) -> Self {
        match logical {
            LogicalType::Boolean => Self::Boolean,
            LogicalType::Integer { bits } => Self::Integer { bits: *bits },
            LogicalType::Float { bits } => Self::Float { bits: *bits },
            LogicalType::Decimal { precision, scale } => Self::of_decimal(*precision, *scale),
            LogicalType::Text { chars_max, .. } => Self::Text {
                chars_max: *chars_max,
            },
            LogicalType::Bits { .. }
            | LogicalType::TimeZoned
            | LogicalType::Enum { .. }
            | LogicalType::Set { .. } => Self::TEXT,
            LogicalType::Bytes => Self::Bytes,
            LogicalType::Date => Self::Date,
            LogicalType::Time => Self::Time,
            LogicalType::Timestamp { zoned } => Self::Timestamp { zoned: *zoned },
            LogicalType::Interval => Self::Interval,
            LogicalType::Uuid => Self::Uuid,
            LogicalType::Json => Self::Json,
            LogicalType::Any | LogicalType::Wire { .. } => Self::Opaque(logical.clone()),
        }
    }

    /// A scale below zero means whole numbers of more digits; too many digits are computed with like undeclared ones.
    fn of_decimal(precision: Option<u32>, scale: Option<i32>) -> Self {
        let unbounded = Self::Decimal {
            precision: DIGITS_MAX,
            scale: UNBOUNDED_SCALE,
            unbounded: true,
        };
        let (Some(precision), Some(scale)) = (precision, scale) else {
            return unbounded;
        };
        let whole = i64::from(precision) - i64::from(scale.min(0));
        let scale = scale.max(0);
        match (u8::try_from(whole.max(i64::from(scale))), u8::try_from(scale)) {
            (Ok(precision), Ok(scale)) if precision <= DIGITS_MAX => Self::Decimal {
                precision: precision.max(1),
                scale,
                unbounded: false,
            },
            _ => unbounded,
        }
    }

    /// Returns the logical type in which a result of this kind travels.
    pub(crate) fn logical(&self) -> LogicalType {
        match self {
            Self::Null => LogicalType::text(),
            Self::Boolean => LogicalType::Boolean,
            Self::Integer { bits } => LogicalType::Integer { bits: *bits },
            Self::Float { bits } => LogicalType::Float { bits: *bits },
            Self::Decimal { unbounded: true, .. } => LogicalType::Decimal {
                precision: None,
                scale: None,
            },
            Self::Decimal { precision, scale, .. } => LogicalType::Decimal {
                precision: Some(u32::from(*precision)),
                scale: Some(i32::from(*scale)),
            },
            Self::Text { chars_max } => LogicalType::Text {
                chars_max: *chars_max,
                padded: false,
            },
            Self::Bytes => LogicalType::Bytes,
            Self::Date => LogicalType::Date,
            Self::Time => LogicalType::Time,
            Self::Timestamp { zoned } => LogicalType::Timestamp { zoned: *zoned },
            Self::Interval => LogicalType::Interval,
            Self::Uuid => LogicalType::Uuid,
            Self::Json => LogicalType::Json,
            Self::Opaque(logical) => logical.clone(),
        }
    }

    /// Returns the Arrow type in which values are computed with.
    pub(crate) fn arrow(&self) -> DataType {
        match self {
            Self::Null => DataType::Null,
            Self::Decimal { precision, scale, .. } => decimal_type(*precision, *scale),
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Boolean
            | Self::Integer { .. }
            | Self::Float { .. }
            | Self::Text { .. }
            | Self::Bytes
            | Self::Date
            | Self::Timestamp { .. }
            | Self::Interval
            | Self::Uuid
            | Self::Json
            | Self::Opaque(_) => arrow_type(&self.logical()),
        }
    }

    /// Tells whether it is a number.
    pub(crate) fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Integer { .. } | Self::Float { .. } | Self::Decimal { .. }
        )
    }

    /// Tells whether it is text, JSON included.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. } | Self::Json)
    }

    /// Returns the decimal that holds every value of a number of this kind; none for others.
    pub(crate) fn as_decimal(&self) -> Option<(u8, u8, bool)> {
        match self {
            Self::Integer { bits: 16 } => Some((5, 0, false)),
            Self::Integer { bits: 32 } => Some((10, 0, false)),
            Self::Integer { .. } => Some((19, 0, false)),
            Self::Decimal {
                precision,
                scale,
                unbounded,
            } => Some((*precision, *scale, *unbounded)),
            Self::Null
            | Self::Boolean
            | Self::Float { .. }
            | Self::Text { .. }
            | Self::Bytes
            | Self::Date
            | Self::Time
            | Self::Timestamp { .. }
            | Self::Interval
            | Self::Uuid
            | Self::Json
            | Self::Opaque(_) => None,
        }
    }
}

/// The narrowest Arrow decimal of so many digits.
pub(crate) fn decimal_type(precision: u8, scale: u8) -> DataType {
    let places = i8::try_from(scale).unwrap_or(i8::MAX);
    match precision {
        0..=38 => DataType::Decimal128(precision, places),
        _ => DataType::Decimal256(precision, places),
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Integer { .. } => f.write_str("integer"),
            Self::Float { .. } => f.write_str("float"),
            Self::Text { .. } => f.write_str("text"),
            Self::Boolean
            | Self::Decimal { .. }
            | Self::Bytes
            | Self::Date
            | Self::Time
            | Self::Timestamp { .. }
            | Self::Interval
            | Self::Uuid
            | Self::Json
            | Self::Opaque(_) => write!(f, "{}", self.logical()),
        }
    }
}

/// A part of an expression with its type.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// Computes the values: in the form of `kind`, or as they travel when `carried` says so.
    pub(crate) tree: Tree,
    /// The form in which the values are computed with.
    pub(crate) kind: Kind,
    /// The logical type of values that are still as they travel in batches.
    pub(crate) carried: Option<LogicalType>,
    /// True when it can be NULL.
    pub(crate) nullable: bool,
    /// True when it reads no column.
    pub(crate) constant: bool,
    /// True when some rows may fail.
    pub(crate) fallible: bool,
    /// The text of a literal in quotes, which takes the type of what it meets.
    pub(crate) literal: Option<String>,
}

impl Node {
    /// Makes a node of a tree whose values are computed from `parts`.
    pub(crate) fn of(tree: Tree, kind: Kind, parts: &[&Self]) -> Self {
        Self {
            tree,
            kind,
            carried: None,
            nullable: parts.iter().any(|part| part.nullable),
            constant: parts.iter().all(|part| part.constant),
            fallible: parts.iter().any(|part| part.fallible),
            literal: None,
        }
    }

    /// Makes a constant.
    pub(crate) fn constant(value: ScalarValue, kind: Kind) -> Self {
        Self {
            nullable: value.is_null(),
            tree: Arc::new(Literal::new(value)),
            kind,
            carried: None,
            constant: true,
            fallible: false,
            literal: None,
        }
    }

    /// Makes a constant of text that takes the type of what it meets.
    pub(crate) fn text(text: &str) -> Self {
        let chars = u32::try_from(text.chars().count().max(1)).ok();
        Self {
            literal: Some(text.to_owned()),
            ..Self::constant(
                ScalarValue::Utf8(Some(text.to_owned())),
                Kind::Text { chars_max: chars },
            )
        }
    }

    /// Makes `NULL`.
    pub(crate) fn null() -> Self {
        Self::constant(ScalarValue::Null, Kind::Null)
    }

    /// Says that some rows may fail.
    #[must_use]
    pub(crate) fn fallible(self) -> Self {
        Self {
            fallible: true,
            ..self
        }
    }

    /// Says that it can be NULL.
    #[must_use]
    pub(crate) fn nullable(self) -> Self {
        Self {
            nullable: true,
            ..self
        }
    }

    /// Returns the value of a constant that was computed; none for everything else and for NULL.
    pub(crate) fn scalar(&self) -> Option<&ScalarValue> {
        self.tree
            .downcast_ref::<Literal>()
            .map(Literal::value)
            .filter(|value| !value.is_null())
    }
}

/// Computes a constant part once; one that fails stays as it is, since its rows may never be asked for.
pub(crate) fn folded(node: Node) -> Node {
    if !node.constant || node.scalar().is_some() || node.kind == Kind::Null {
        return node;
    }
    let options = RecordBatchOptions::new().with_row_count(Some(1));
    let one = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options);
    let value = one.ok().and_then(|row| node.tree.evaluate(&row).ok());
    let value = value.and_then(|value| match value {
        ColumnarValue::Scalar(value) => Some(value),
        ColumnarValue::Array(array) => ScalarValue::try_from_array(&array, 0).ok(),
    });
    match value {
        Some(value) if value.data_type() == node.kind.arrow() => Node {
            literal: node.literal,
            ..Node::constant(value, node.kind)
        },
        _ => node,
    }
}
