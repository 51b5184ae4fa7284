//! Reading one part of a mapped table: what its database is asked for, and how its batches become those of the mapped table.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, NullArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use datafusion_common::arrow::compute::filter_record_batch;
use datafusion_common::arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use whimbrel_core::{
    Batch, Error, Key, KeyValue, ReadColumn, ReadRequest, Reject, Result, Table, arrow_schema, shorten,
};

use super::computed::Computed;
use super::part::{Part, Value};
use crate::InputColumn;

/// How many columns stand for the key of a row that has none.
const FIRST_COLUMNS: usize = 3;

/// How rows of a part become rows of the mapped table.
pub(crate) struct Reading {
    part: Arc<Part>,
    /// Per input, what is told in place of its values, when they are not to be told.
    untold: Vec<Option<&'static str>>,
    /// What the database is asked for.
    request: ReadRequest,
    /// Per column that was asked for, how it is made.
    made: Vec<Made>,
    /// Where the values of the part's inputs stand among what the database gives; none for those that nothing looks at.
    inputs: Vec<Option<usize>>,
    /// The columns of the row's key, by place among the inputs.
    key: Vec<usize>,
    /// True when that key finds the row in the mapped table, too.
    is_found_by_key: bool,
    schema: Arc<Schema>,
    plain: bool,
}

/// An expression that fails on a row.
struct Failure<'a> {
    row: usize,
    /// The inputs that it looks at.
    reads: &'a [usize],
    why: &'a str,
}

/// How a column is made of what the database gives.
enum Made {
    /// It is the column at the place.
    Given(usize),
    /// It is computed, by the part's column at the place.
    Computed(usize),
}

impl Reading {
    /// Works out what to ask for.
    ///
    /// # Errors
    /// `Bug` when a column is asked for that the part does not give.
    pub(crate) fn new(part: &Arc<Part>, request: ReadRequest) -> Result<Self> {
        let asked = request.columns.clone();
        let is_found_by_key = is_found_by_key(part, &request.table);
        let schema = arrow_schema(asked.iter().map(|column| (column.name.as_str(), &column.logical)));
        let mut reading = Self {
            made: Vec::with_capacity(asked.len()),
            inputs: vec![None; part.inputs.len()],
            key: Vec::new(),
            is_found_by_key,
            schema,
            plain: part.filter.is_none(),
            request: ReadRequest {
                table: part.as_read(&request.table),
                columns: Vec::with_capacity(asked.len()),
                ..request
            },
            untold: part.untold(),
            part: Arc::clone(part),
        };
        for column in &asked {
            reading.ask(column)?;
        }
        if let Some(filter) = &part.filter {
            for at in filter.reads() {
                reading.input(*at);
            }
        }
        reading.request.packed &= reading.plain;
        if !reading.plain {
            reading.ask_key();
        }
        Ok(reading)
    }

    /// The part that is read.
    pub(crate) fn part(&self) -> &Part {
        &self.part
    }

    /// As [`Reading::new`], with the values of more of the source table's columns beside.
    ///
    /// # Errors
    /// As [`Reading::new`].
    pub(crate) fn with_inputs(
        part: &Arc<Part>,
        request: ReadRequest,
        inputs: impl IntoIterator<Item = usize>,
    ) -> Result<Self> {
        let mut reading = Self::new(part, request)?;
        inputs.into_iter().for_each(|at| reading.input(at));
        Ok(reading)
    }

    /// What the database is asked for.
    pub(crate) fn request(&self) -> &ReadRequest {
        &self.request
    }

    /// Tells whether the database's batches are those of the mapped table already.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// The database's batches, where they are those of the mapped table already. A key that finds other rows there is no way back to a row.
    pub(crate) fn as_given(
        &self,
        rows: BoxStream<'static, Result<Batch>>,
    ) -> BoxStream<'static, Result<Batch>> {
        if self.is_found_by_key {
            return rows;
        }
        let without_keys = |mut batch: Batch| {
            batch.rejects.iter_mut().for_each(|reject| reject.exact.clear());
            batch
        };
        rows.map_ok(without_keys).boxed()
    }

    fn ask(&mut self, column: &ReadColumn) -> Result<()> {
        let found = self.part.columns.iter().position(|own| own.name == column.name);
        let place = found.ok_or_else(|| {
            Error::bug(format!(
                "`{}` gives no column `{}`",
                self.part.table.id, column.name
            ))
        })?;
        match &self.part.columns[place].value {
            Value::Column { at, own_form } => {
                let own = &self.part.table.columns[*at];
                self.plain &= own_form.is_none() && own.name == column.name;
                self.made.push(Made::Given(self.request.columns.len()));
                self.request.columns.push(ReadColumn {
                    name: own.name.clone(),
                    native: own.native.clone(),
                    logical: own_form.clone().unwrap_or_else(|| column.logical.clone()),
                    rule: column.rule.clone(),
                });
            }
            Value::Computed(computed) => {
                let reads = computed.expression.reads().to_vec();
                self.plain = false;
                self.made.push(Made::Computed(place));
                for at in reads {
                    self.input(at);
                }
            }
        }
        Ok(())
    }

    /// Asks for an input in the form in which expressions see it, once.
    fn input(&mut self, at: usize) {
        if self.inputs[at].is_some() {
            return;
        }
        self.inputs[at] = Some(self.request.columns.len());
        let InputColumn { name, logical, .. } = &self.part.inputs[at];
        self.request.columns.push(ReadColumn {
            name: name.clone(),
            native: self.part.table.columns[at].native.clone(),
            logical: logical.clone(),
            rule: None,
        });
    }

    /// The row's key is named when an expression fails on it. A key that may be NULL names most rows all the same; where there is none, the
    /// first columns say which row it is as well as anything can.
    fn ask_key(&mut self) {
        let table = &self.part.table;
        let inputs = &self.part.inputs;
        let is_told = |at: &usize| self.untold[*at].is_none();
        let place = |name: &String| inputs.iter().position(|input| input.name == *name);
        let all_of = |key: &Key| key.columns.iter().filter_map(place).collect::<Vec<usize>>();
        let loose = || table.primary_key.iter().chain(&table.uniques).map(all_of);
        self.key = match table.identity_key() {
            Some(key) => all_of(key),
            None => loose()
                .find(|key| !key.is_empty() && key.iter().all(is_told))
                .unwrap_or_else(|| (0..inputs.len()).filter(is_told).take(FIRST_COLUMNS).collect()),
        };
        for at in self.key.clone() {
            self.input(at);
        }
    }

    /// Returns the rows of the mapped table.
    ///
    /// # Errors
    /// `Bug` when arrays do not fit together.
    pub(crate) fn mapped(&self, batch: Batch) -> Result<Batch> {
        let mut rejects: Vec<Reject> = batch
            .rejects
            .into_iter()
            .map(|reject| self.named(reject))
            .collect();
        let mut records = batch.records;
        if let Some(filter) = &self.part.filter {
            let kept = filter.evaluate(&self.inputs_of(&records)?)?;
            let text = &self.part.filter_text;
            for (row, why) in &kept.failed {
                let failure = Failure {
                    row: *row,
                    reads: filter.reads(),
                    why,
                };
                rejects.push(self.reject(&records, &failure, ("where", text)));
            }
            records = filtered(&records, &kept.rows)?;
        }
        let (columns, failed) = self.compute(&records, &mut rejects)?;
        let options = RecordBatchOptions::new().with_row_count(Some(records.num_rows()));
        let mut made =
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options).map_err(unfit)?;
        if failed.iter().any(|failed| *failed) {
            let passed: BooleanArray = failed.iter().map(|failed| Some(!failed)).collect();
            made = filtered(&made, &passed)?;
        }
        Ok(Batch {
            records: made,
            rejects,
            ruled: self.ruled(&batch.ruled),
        })
    }

    /// The columns that were asked for, and per row whether an expression failed on it.
    fn compute(
        &self,
        records: &RecordBatch,
        rejects: &mut Vec<Reject>,
    ) -> Result<(Vec<ArrayRef>, Vec<bool>)> {
        let rows = records.num_rows();
        let inputs = self.inputs_of(records)?;
        let mut failed = vec![false; rows];
        let mut columns = Vec::with_capacity(self.made.len());
        for (made, field) in self.made.iter().zip(self.schema.fields()) {
            let place = match made {
                Made::Given(place) => {
                    columns.push(Arc::clone(records.column(*place)));
                    continue;
                }
                Made::Computed(place) => *place,
            };
            let column = &self.part.columns[place];
            let Value::Computed(computed) = &column.value else {
                return Err(Error::bug("a computed column has no expression"));
            };
            let evaluated = computed.evaluate(&inputs)?;
            for (row, why) in &evaluated.failed {
                if !failed[*row] {
                    let what = (column.name.as_str(), computed.text.as_str());
                    let failure = Failure {
                        row: *row,
                        reads: computed.expression.reads(),
                        why,
                    };
                    rejects.push(self.reject(records, &failure, what));
                    failed[*row] = true;
                }
            }
            columns.push(masked(computed, evaluated.array)?);
            debug_assert_eq!(columns.last().map(Array::data_type), Some(field.data_type()));
        }
        Ok((columns, failed))
    }

    /// The inputs by place, as expressions were compiled against them; those that nothing looks at are empty of everything.
    pub(crate) fn inputs_of(&self, records: &RecordBatch) -> Result<RecordBatch> {
        let rows = records.num_rows();
        let column = |place: &Option<usize>| match place {
            Some(place) => Arc::clone(records.column(*place)),
            None => Arc::new(NullArray::new(rows)),
        };
        let columns: Vec<ArrayRef> = self.inputs.iter().map(column).collect();
        let named = self.part.inputs.iter().zip(&columns);
        let fields: Vec<Field> = named
            .map(|(input, column)| Field::new(&input.name, column.data_type().clone(), true))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(unfit)
    }

    /// A row on which an expression failed.
    fn reject(&self, records: &RecordBatch, failure: &Failure<'_>, (column, text): (&str, &str)) -> Reject {
        let Failure { row, reads, why } = *failure;
        let said = |at: &usize| {
            let name = &self.part.inputs[*at].name;
            let value =
                self.inputs[*at].map_or_else(String::new, |place| self.said(records, row, *at, place));
            format!("{name}={value}")
        };
        // The reason may repeat the value.
        let why = match reads.iter().any(|at| self.untold[*at].is_some()) {
            true => "the reason would show a value that is masked or secret",
            false => why,
        };
        let values: Vec<String> = reads.iter().map(said).collect();
        let key = self.key.iter().map(said).collect::<Vec<String>>().join(", ");
        let key = match self.part.table.identity_key() {
            Some(_) => key,
            None => shorten(&key),
        };
        Reject {
            row: None,
            key: self.placed(key),
            column: column.to_owned(),
            value: shorten(&values.join(", ")),
            rule: why.to_owned(),
            expression: Some(text.to_owned()),
            exact: self.exact(records, row),
        }
    }

    /// The row's key, by which it can be read again; nothing where that would show what is not told, or finds other rows.
    fn exact(&self, records: &RecordBatch, row: usize) -> Vec<KeyValue> {
        let value = |at: &usize| {
            let array = records.column(self.inputs[*at]?);
            KeyValue::of(&self.part.inputs[*at].logical, array, row)
        };
        match self.is_found_by_key && self.key_instead().is_none() {
            true => self
                .key
                .iter()
                .map(value)
                .collect::<Option<_>>()
                .unwrap_or_default(),
            false => Vec::new(),
        }
    }

    /// What is told in place of the key, when it is not to be told.
    fn key_instead(&self) -> Option<&'static str> {
        self.key.iter().find_map(|at| self.untold[*at])
    }

    /// A value as a person would write it; one that a mask hides or that is secret stays so.
    fn said(&self, records: &RecordBatch, row: usize, at: usize, place: usize) -> String {
        if let Some(instead) = self.untold[at] {
            return instead.to_owned();
        }
        let options = FormatOptions::default().with_null("NULL");
        let array = records.column(place);
        ArrayFormatter::try_new(array, &options)
            .map(|formatter| formatter.value(row).to_string())
            .unwrap_or_default()
    }

    /// A row that the database could not give, in the mapped table's terms.
    fn named(&self, reject: Reject) -> Reject {
        let place = self
            .part
            .inputs
            .iter()
            .position(|input| input.name == reject.column);
        let instead = place.and_then(|at| self.untold[at]);
        let key_instead = self.key_instead();
        let mapped = self
            .part
            .columns
            .iter()
            .find(|column| column.comes_from(&self.part, &reject.column));
        Reject {
            column: mapped.map_or(reject.column, |column| column.name.clone()),
            value: instead.map_or(reject.value, str::to_owned),
            key: self.placed(key_instead.map_or(reject.key, str::to_owned)),
            exact: if key_instead.is_none() && self.is_found_by_key {
                reject.exact
            } else {
                Vec::new()
            },
            ..reject
        }
    }

    /// The key with the table that has it, where several could.
    fn placed(&self, key: String) -> String {
        match self.part.is_merged {
            true => format!("{}: {key}", self.part.called),
            false => key,
        }
    }

    fn ruled(&self, given: &[u64]) -> Vec<u64> {
        if given.is_empty() {
            return Vec::new();
        }
        let of = |made: &Made| match made {
            Made::Given(place) => given.get(*place).copied().unwrap_or(0),
            Made::Computed(_) => 0,
        };
        self.made.iter().map(of).collect()
    }
}

/// Tells whether a row of the part is the row of the mapped table that has its key.
fn is_found_by_key(part: &Part, mapped: &Table) -> bool {
    let columns = |table: &Table| table.identity_key().map(|key| key.columns.clone());
    let own = columns(&part.table);
    let is_one = own.is_some() && own == columns(mapped);
    is_one && !part.is_merged && part.has_as_they_are(&own.unwrap_or_default())
}

fn masked(computed: &Computed, array: ArrayRef) -> Result<ArrayRef> {
    match &computed.mask {
        Some(mask) => mask.apply(&array),
        None => Ok(array),
    }
}

fn filtered(records: &RecordBatch, kept: &BooleanArray) -> Result<RecordBatch> {
    filter_record_batch(records, kept).map_err(unfit)
}

fn unfit(error: arrow_schema::ArrowError) -> Error {
    Error::bug("columns of a batch do not fit together").with_cause(error)
}
