//! Gathers rows into batches: values into Arrow columns, rows with a value that does not travel into the rejects.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use mysql_async::{Column, Value};
use whimbrel_core::{
    Batch, ColumnBuilder, Error, KeyValue, LogicalType, Reject, Result, RuleValue, arrow_schema, named,
    shorten, told,
};

use super::cell::{Cell, Sent, take_apart};
use super::form::Form;
use super::way::{self, Way};
use super::{key, print};
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
    schema: SchemaRef,
    lanes: Vec<Lane>,
    key: Vec<KeyColumn>,
    /// The forms in which the values of a row are sent, and where they stand in the row at hand.
    sent: Vec<Sent>,
    cells: Vec<Cell>,
    rejects: Vec<Reject>,
    /// Per column, how many values were replaced; empty when none would be.
    ruled: Vec<u64>,
    /// The columns of the row at hand whose value was replaced.
    replaced: Vec<usize>,
    rows: usize,
    bytes: usize,
}

/// A column on its way.
#[derive(Debug)]
struct Lane {
    column: DecodeColumn,
    way: Way,
    builder: ColumnBuilder,
}

impl Decoder {
    /// Makes a decoder of rows with the server's columns; `key` holds the columns that name a row in rejects, in the key's order.
    pub(crate) fn new(columns: Vec<DecodeColumn>, key: Vec<KeyColumn>, server: &[Column]) -> Result<Self> {
        let sent: Vec<Sent> = server.iter().map(Sent::of).collect();
        let schema = arrow_schema(
            columns
                .iter()
                .map(|column| (column.name.as_str(), &column.logical)),
        );
        let ruled = match columns.iter().any(|column| column.instead.is_some()) {
            true => vec![0; columns.len()],
            false => Vec::new(),
        };
        let lanes: Result<Vec<Lane>> = columns
            .into_iter()
            .map(|column| {
                let sent = sent.get(column.at).ok_or_else(too_few)?;
                Ok(Lane {
                    way: Way::of(*sent, &column.form, &column.logical),
                    builder: ColumnBuilder::new(&column.logical),
                    column,
                })
            })
            .collect();
        Ok(Self {
            schema,
            lanes: lanes?,
            key,
            cells: Vec::with_capacity(sent.len()),
            sent,
            rejects: Vec::new(),
            ruled,
            replaced: Vec::new(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Returns the bytes of the rows gathered so far, as they were sent.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of rows gathered so far, rejects included.
    #[inline]
    pub(crate) fn rows(&self) -> usize {
        self.rows + self.rejects.len()
    }

    /// Adds a row.
    #[inline]
    pub(crate) fn add(&mut self, row: &[u8]) -> Result<()> {
        take_apart(row, &self.sent, &mut self.cells)?;
        for at in 0..self.lanes.len() {
            let lane = &mut self.lanes[at];
            let arrived = self.cells.get(lane.column.at).ok_or_else(too_few)?.of(row);
            // What the server could not convert arrives as NULL or with something lost.
            let lost = match lane.column.form == Form::Converted {
                true => self.cells.get(lane.column.at + 1).ok_or_else(too_few)?.of(row),
                false => None,
            };
            let pushed = match (lost, arrived) {
                (None, Some(bytes)) => {
                    let column = &lane.column;
                    let sent = self.sent[column.at];
                    way::push(
                        lane.way,
                        sent,
                        (&column.form, &column.logical),
                        bytes,
                        &mut lane.builder,
                    )
                }
                (None, None) => {
                    lane.builder.push_null();
                    continue;
                }
                (Some(_), _) => Err("text is not valid in its character set".to_owned()),
            };
            let Err(broken) = pushed else { continue };
            match &lane.column.instead {
                Some(instead) => {
                    lane.builder.push(instead)?;
                    self.replaced.push(at);
                }
                None => {
                    let from = lane.column.at + usize::from(lost.is_some());
                    self.reject(row, at, from, broken);
                    return Ok(());
                }
            }
        }
        for at in self.replaced.drain(..) {
            self.ruled[at] += 1;
        }
        self.bytes += row.len();
        self.rows += 1;
        Ok(())
    }

    /// A value of the row at hand.
    fn value(&self, row: &[u8], at: usize) -> Value {
        let cell = self.cells.get(at).and_then(|cell| cell.of(row));
        self.sent.get(at).map_or(Value::NULL, |sent| sent.value(cell))
    }

    /// Rejects the row at hand for a column, whose value is shown as it arrived.
    fn reject(&mut self, row: &[u8], at: usize, arrived: usize, rule: String) {
        let value = print::shown(&self.lanes[at].column.form, &self.value(row, arrived));
        self.replaced.clear();
        for lane in &mut self.lanes {
            lane.builder.truncate(self.rows);
        }
        let shown = |key: &KeyColumn| {
            let value = print::shown(&key.form, &self.value(row, key.at));
            named(&key.column.name, shorten(&value))
        };
        let names: Vec<String> = self.key.iter().map(shown).collect();
        let exact = |column: &KeyColumn| key::value(&column.column, &self.value(row, column.at));
        let exact: Option<Vec<KeyValue>> = self.key.iter().map(exact).collect();
        self.rejects.push(Reject {
            row: None,
            key: names.join(", "),
            column: self.lanes[at].column.name.clone(),
            value: told(&self.lanes[at].column.name, shorten(&value)).into_owned(),
            rule,
            expression: None,
            exact: exact.unwrap_or_default(),
        });
    }

    /// Returns what was gathered as a batch and begins a new one.
    pub(crate) fn take(&mut self) -> Result<Batch> {
        let malformed = |cause| Error::bug("columns do not make a batch").with_cause(cause);
        let arrays: Result<Vec<_>> = self
            .lanes
            .iter_mut()
            .map(|lane| lane.builder.take().map_err(malformed))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let schema = Arc::clone(&self.schema);
        let records = RecordBatch::try_new_with_options(schema, arrays?, &options).map_err(malformed)?;
        (self.rows, self.bytes) = (0, 0);
        let no_counts = vec![0; self.ruled.len()];
        Ok(Batch {
            records,
            rejects: std::mem::take(&mut self.rejects),
            ruled: std::mem::replace(&mut self.ruled, no_counts),
        })
    }
}

fn too_few() -> Error {
    Error::bug("a row arrived with fewer values than were asked for")
}
