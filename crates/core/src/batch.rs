//! Batches: how rows travel. An Arrow record batch with our logical types in the fields' metadata, and the rejected rows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use serde::{Deserialize, Serialize};

use crate::{KeyValue, LogicalType};

/// A batch closes at this many rows.
pub const BATCH_ROWS: usize = 65_536;

/// A batch closes at this many bytes unless the memory budget asks for less.
pub const BATCH_BYTES: usize = 8 << 20;

/// How often a batch is in memory while a table is looked at: in the network's buffers, being built, waiting and being looked at.
const COPIES: u64 = 8;
/// A table with a row above this part of the memory is read while no other such table is.
const ALONE_ABOVE: u64 = 16;

/// How many tables are read at once to be looked at, and in how much memory.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimits {
    /// How many at once.
    pub jobs: usize,
    /// For all of them together.
    pub memory_bytes: u64,
}

impl ReadLimits {
    /// Returns the size at which a batch closes.
    pub fn batch_bytes(self) -> usize {
        let share = self.memory_bytes / (self.jobs.max(1) as u64 * COPIES);
        usize::try_from(share).map_or(BATCH_BYTES, |share| share.clamp(64 << 10, BATCH_BYTES / 4))
    }

    /// Returns the size above which a row is large.
    pub fn row_bytes_max(self) -> u64 {
        self.memory_bytes / ALONE_ABOVE
    }

    /// Tells whether a row is so large that several of its kind at once would not fit.
    pub fn is_large(self, row_bytes: u64) -> bool {
        row_bytes > self.row_bytes_max()
    }
}

/// Some rows of a table, and those that could not travel.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The rows, columns in the order of the request.
    pub records: RecordBatch,
    /// The rows that were left out.
    pub rejects: Vec<Reject>,
    /// Per column in the order of the request, how many values its rule changed; empty when none has a rule.
    pub ruled: Vec<u64>,
}

impl Batch {
    /// Returns the bytes of memory that the rows occupy.
    pub fn bytes(&self) -> usize {
        self.records
            .columns()
            .iter()
            .map(Array::get_array_memory_size)
            .sum()
    }

    /// Returns the number of rows that travel.
    pub fn rows(&self) -> usize {
        self.records.num_rows()
    }
}

/// A row that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// Number of the row in the batch that was given to the writer; none when the source rejected it.
    #[serde(skip)]
    pub row: Option<usize>,
    /// The key of the row as text, such as `id=17`, or its row number.
    pub key: String,
    /// The column whose value does not fit.
    pub column: String,
    /// The value, shortened; bytes that are not text in hex.
    pub value: String,
    /// The rule that was broken, such as ``text holds U+0000, which the target cannot store``; for an expression, why it fails.
    pub rule: String,
    /// The expression of a mapping that fails on the row; `value` then names what it looks at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The exact values of the source's key ([`crate::Table::identity_key`]) in its order, by which the row can be read again; empty when it
    /// has none or they are not known. A writer leaves them empty: the copier knows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exact: Vec<KeyValue>,
}

impl Reject {
    /// Returns why the row cannot arrive, as a clause of a message.
    pub fn why(&self) -> Cow<'_, str> {
        match &self.expression {
            Some(text) => Cow::Owned(format!("the expression `{text}` fails: {}", self.rule)),
            None => Cow::Borrowed(&self.rule),
        }
    }
}

/// Returns the Arrow type that carries the logical type.
pub fn arrow_type(logical: &LogicalType) -> DataType {
    match logical {
        LogicalType::Boolean => DataType::Boolean,
        LogicalType::Integer { .. } => DataType::Int64,
        LogicalType::Float { bits: 32 } => DataType::Float32,
        LogicalType::Float { .. } => DataType::Float64,
        LogicalType::Decimal { .. }
        | LogicalType::Text { .. }
        | LogicalType::Bits { .. }
        | LogicalType::TimeZoned
        | LogicalType::Json
        | LogicalType::Enum { .. }
        | LogicalType::Set { .. } => DataType::Utf8,
        LogicalType::Bytes | LogicalType::Any | LogicalType::Wire { .. } => DataType::Binary,
        LogicalType::Date => DataType::Date32,
        LogicalType::Time => DataType::Time64(TimeUnit::Microsecond),
        LogicalType::Timestamp { zoned: false } => DataType::Timestamp(TimeUnit::Microsecond, None),
        LogicalType::Timestamp { zoned: true } => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        LogicalType::Interval | LogicalType::Uuid => DataType::FixedSizeBinary(16),
    }
}

/// Returns the schema of batches with these columns: all nullable, the logical type as JSON in the metadata under `whimbrel`.
pub fn arrow_schema<'a>(columns: impl IntoIterator<Item = (&'a str, &'a LogicalType)>) -> Arc<Schema> {
    let fields: Vec<Field> = columns
        .into_iter()
        .map(|(name, logical)| {
            let meta = serde_json::to_string(logical).unwrap_or_default();
            Field::new(name, arrow_type(logical), true)
                .with_metadata(HashMap::from([("whimbrel".to_owned(), meta)]))
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Returns the text cut to about 80 characters, control characters escaped, its whole length said.
pub fn shorten(value: &str) -> String {
    const SHOWN: usize = 80;
    let mut shown: String = value
        .chars()
        .take(SHOWN)
        .flat_map(|c| {
            let escaped: Vec<char> = if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            };
            escaped
        })
        .collect();
    let chars = value.chars().count();
    if chars > SHOWN {
        shown.push_str(&format!("… ({chars} characters)"));
    }
    shown
}
