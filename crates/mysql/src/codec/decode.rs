//! Gathers rows into batches: values into Arrow columns, rows with a value that does not travel into the rejects.

use arrow_array::{RecordBatch, RecordBatchOptions};
use mysql_async::Value;
use whimbrel_core::{
    Batch, ColumnBuilder, Error, KeyValue, LogicalType, Reject, Result, RuleValue, arrow_schema, shorten,
};

use super::form::Form;
use super::{key, print, value};
use crate::columns::ServerColumn;

/// A column to decode.
#[derive(Debug)]
pub(crate) struct DecodeColumn {
    pub(crate) name: String,
    pub(crate) logical: LogicalType,
    pub(crate) form: Form,
    /// Where its value stands in a row as it arrives.
    pub(crate) at: usize,
    /// What stands in the place of a value that breaks a rule; without it the row is rejected.
    pub(crate) instead: Option<RuleValue>,
}

/// A column that names a row in rejects.
#[derive(Debug)]
pub(crate) struct KeyColumn {
    pub(crate) column: ServerColumn,
    pub(crate) form: Form,
    /// Where its value stands in a row as it arrives.
    pub(crate) at: usize,
}

/// Gathers rows into batches.
#[derive(Debug)]
pub(crate) struct Decoder {
    columns: Vec<DecodeColumn>,
    builders: Vec<ColumnBuilder>,
    key: Vec<KeyColumn>,
    rejects: Vec<Reject>,
    /// Per column, how many values were replaced; empty when none would be.
    ruled: Vec<u64>,
    /// The columns of the row at hand whose value was replaced.
    replaced: Vec<usize>,
    rows: usize,
    bytes: usize,
}

impl Decoder {
    /// Makes a decoder; `key` holds the columns that name a row in rejects, in the key's order.
    pub(crate) fn new(columns: Vec<DecodeColumn>, key: Vec<KeyColumn>) -> Self {
        let builders = columns
            .iter()
            .map(|column| ColumnBuilder::new(&column.logical))
            .collect();
        Self {
            ruled: no_counts(&columns),
            columns,
            builders,
            key,
            rejects: Vec::new(),
            replaced: Vec::new(),
            rows: 0,
            bytes: 0,
        }
    }

    /// Returns the bytes of the rows gathered so far, as they were sent.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of rows gathered so far, rejects included.
    pub(crate) fn rows(&self) -> usize {
        self.rows + self.rejects.len()
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &[Value]) -> Result<()> {
        for at in 0..self.columns.len() {
            let (column, builder) = (&self.columns[at], &mut self.builders[at]);
            let arrived = cell(row, column.at)?;
            // What the server could not convert arrives as NULL or with something lost.
            let lost = match column.form == Form::Converted {
                true => Some(cell(row, column.at + 1)?).filter(|lost| **lost != Value::NULL),
                false => None,
            };
            let pushed = match (lost, arrived) {
                (Some(_), _) => Err("text is not valid in its character set".to_owned()),
                (None, Value::NULL) => {
                    builder.push_null();
                    continue;
                }
                (None, arrived) => value::push(&column.form, &column.logical, arrived, builder),
            };
            let Err(broken) = pushed else { continue };
            match &column.instead {
                Some(instead) => {
                    builder.push(instead)?;
                    self.replaced.push(at);
                }
                None => {
                    let value = print::shown(&column.form, lost.unwrap_or(arrived));
                    self.reject(row, at, &value, broken);
                    return Ok(());
                }
            }
        }
        for at in self.replaced.drain(..) {
            self.ruled[at] += 1;
        }
        self.bytes += row_bytes(row);
        self.rows += 1;
        Ok(())
    }

    fn reject(&mut self, row: &[Value], at: usize, value: &str, rule: String) {
        self.replaced.clear();
        for builder in &mut self.builders {
            builder.truncate(self.rows);
        }
        let shown = |key: &KeyColumn| {
            let value = row
                .get(key.at)
                .map_or_else(String::new, |value| print::shown(&key.form, value));
            format!("{}={}", key.column.name, shorten(&value))
        };
        let names: Vec<String> = self.key.iter().map(shown).collect();
        let exact = |column: &KeyColumn| key::value(&column.column, row.get(column.at)?);
        let exact: Option<Vec<KeyValue>> = self.key.iter().map(exact).collect();
        self.rejects.push(Reject {
            row: None,
            key: names.join(", "),
            column: self.columns[at].name.clone(),
            value: shorten(value),
            rule,
            exact: exact.unwrap_or_default(),
        });
    }

    /// Returns what was gathered as a batch and begins a new one.
    pub(crate) fn take(&mut self) -> Result<Batch> {
        let schema = arrow_schema(
            self.columns
                .iter()
                .map(|column| (column.name.as_str(), &column.logical)),
        );
        let malformed = |cause| Error::bug("columns do not make a batch").with_cause(cause);
        let arrays: Result<Vec<_>> = self
            .builders
            .iter_mut()
            .map(|builder| builder.take().map_err(malformed))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let records = RecordBatch::try_new_with_options(schema, arrays?, &options).map_err(malformed)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(Batch {
            records,
            rejects: std::mem::take(&mut self.rejects),
            ruled: std::mem::replace(&mut self.ruled, no_counts(&self.columns)),
        })
    }
}

fn cell(row: &[Value], at: usize) -> Result<&Value> {
    row.get(at)
        .ok_or_else(|| Error::bug("a row arrived with fewer values than were asked for"))
}

/// The bytes of a row, about as many as it has in a batch.
pub(crate) fn row_bytes(row: &[Value]) -> usize {
    row.iter()
        .map(|value| match value {
            Value::Bytes(bytes) => bytes.len() + 5,
            Value::NULL => 1,
            Value::Int(_)
            | Value::UInt(_)
            | Value::Float(_)
            | Value::Double(_)
            | Value::Date(..)
            | Value::Time(..) => 9,
        })
        .sum()
}

fn no_counts(columns: &[DecodeColumn]) -> Vec<u64> {
    match columns.iter().any(|column| column.instead.is_some()) {
        true => vec![0; columns.len()],
        false => Vec::new(),
    }
}
