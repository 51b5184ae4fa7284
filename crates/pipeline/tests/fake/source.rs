//! The fake database as a source.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use whimbrel_core::{
    Batch, Catalog, Chunk, ColumnAggregate, Error, ErrorClass, Finding, KeyBound, KeyRange, KeyValue,
    LogicalType, PackedBuilder, Position, ReadColumn, ReadRequest, Reject, Result, SequencePosition,
    Snapshot, Source, Table, TableAggregate, TableId, TableProfile, arrow_schema, fault::point,
};

use super::database::{Database, Row, State, Trouble, Value, wire};

pub(crate) struct FakeSource(pub(crate) Arc<Database>);

struct FakeSnapshot {
    database: Arc<Database>,
    state: Arc<State>,
}

#[async_trait]
impl Source for FakeSource {
    async fn check(&self) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    async fn catalog(&self) -> Result<Catalog> {
        point("fake.catalog")?;
        Ok(self.0.state().catalog.clone())
    }

    async fn profile(&self, _table: &Table) -> Result<TableProfile> {
        Ok(TableProfile::default())
    }

    fn packing(&self) -> Option<&'static str> {
        Some("fake")
    }

    async fn snapshot(&self, _tables: &[TableId], _readers: usize) -> Result<Arc<dyn Snapshot>> {
        let state = self.0.state().clone();
        self.snapshot_of(state)
    }
}

impl FakeSource {
    /// The snapshot that shows so much.
    pub(crate) fn snapshot_of(&self, state: State) -> Result<Arc<dyn Snapshot>> {
        point("fake.snapshot")?;
        Ok(Arc::new(FakeSnapshot {
            database: self.0.clone(),
            state: Arc::new(state),
        }))
    }
}

#[async_trait]
impl Snapshot for FakeSnapshot {
    fn position(&self) -> Position {
        Position(format!("v{}", self.state.version))
    }

    /// `chunk_bytes` rows a chunk, by the first column when the table has a key.
    async fn split(&self, table: &Table, chunk_bytes: u64) -> Result<Vec<Chunk>> {
        point("fake.split")?;
        let chunk = |index, range| Chunk {
            table: table.id.clone(),
            index,
            range,
        };
        let Some(key) = &table.primary_key else {
            return Ok(vec![chunk(0, KeyRange::All)]);
        };
        let mut keys: Vec<i64> = self.state.rows[&table.id]
            .iter()
            .filter_map(|row| integer(&row[0]))
            .collect();
        keys.sort_unstable();
        let bounds: Vec<i64> = keys
            .chunks(chunk_bytes as usize)
            .skip(1)
            .map(|part| part[0])
            .collect();
        let bound = |at: Option<&i64>| at.map(|key| vec![KeyValue::Integer(*key)]);
        let range = |index: usize| {
            KeyRange::Keys(KeyBound {
                columns: key.columns.clone(),
                from: bound(index.checked_sub(1).and_then(|at| bounds.get(at))),
                to: bound(bounds.get(index)),
            })
        };
        Ok((0..=bounds.len())
            .map(|index| chunk(index as u32, range(index)))
            .collect())
    }

    fn read(&self, request: ReadRequest) -> BoxStream<'static, Result<Batch>> {
        const BATCH: usize = 2;
        if request.range == KeyRange::All {
            self.database.scans.fetch_add(1, Ordering::SeqCst);
        }
        let lost = self.database.meets(Trouble::SnapshotLost);
        let table = self.state.catalog.table(&request.table.id).cloned();
        let rows: Vec<Row> = self
            .state
            .rows
            .get(&request.table.id)
            .cloned()
            .unwrap_or_default();
        let rows: Vec<Row> = rows
            .into_iter()
            .filter(|row| is_within(&request.range, row))
            .collect();
        let wire = |column: &ReadColumn| matches!(column.logical, LogicalType::Wire { .. });
        let packed = request.packed && request.columns.iter().all(wire);
        let database = self.database.clone();
        let batches: Vec<Vec<Row>> = rows.chunks(BATCH).map(<[Row]>::to_vec).collect();
        futures::stream::iter(batches)
            .map(move |rows| {
                point("fake.read")?;
                if lost {
                    return Err(Error::new(ErrorClass::SnapshotLost, "the snapshot is gone"));
                }
                let table = table.as_ref().ok_or_else(|| Error::invalid("no such table"))?;
                if packed {
                    database.packed.0.fetch_add(1, Ordering::SeqCst);
                    return pack(table, &request.columns, &rows);
                }
                batch(table, &request.columns, &rows)
            })
            .boxed()
    }

    async fn aggregate(&self, table: &Table, columns: &[ReadColumn]) -> Result<TableAggregate> {
        point("fake.aggregate")?;
        let table = self
            .state
            .catalog
            .table(&table.id)
            .ok_or_else(|| Error::invalid("no such table"))?;
        let rows = &self.state.rows[&table.id];
        let mut found = TableAggregate {
            rows: rows.len() as u64,
            ..TableAggregate::default()
        };
        for column in columns {
            let at = position(table, &column.name)?;
            let integers = || rows.iter().filter_map(|row| integer(&row[at]));
            let is_integer = matches!(column.logical, LogicalType::Integer { .. });
            found.columns.insert(
                column.name.clone(),
                ColumnAggregate {
                    nulls: rows.iter().filter(|row| row[at] == Value::Null).count() as u64,
                    sum: is_integer.then(|| integers().sum::<i64>().to_string()),
                    min: integers().min().filter(|_| is_integer).map(|min| min.to_string()),
                    ..ColumnAggregate::default()
                },
            );
        }
        Ok(found)
    }

    async fn are_empty(&self, tables: &[&Table]) -> Result<Vec<bool>> {
        point("fake.are_empty")?;
        let is_empty = |table: &&Table| self.state.rows.get(&table.id).is_some_and(Vec::is_empty);
        Ok(tables.iter().map(is_empty).collect())
    }

    async fn sequence_positions(&self, sequences: &[TableId]) -> Result<Vec<Option<SequencePosition>>> {
        let find = |id: &TableId| {
            self.state
                .catalog
                .sequences
                .iter()
                .find(|sequence| &sequence.id == id)?
                .position
        };
        Ok(sequences.iter().map(find).collect())
    }

    async fn orphans(&self, table: &Table) -> Result<Vec<u64>> {
        Ok(self.state.orphans(table))
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        Value::Null | Value::Text(_) => None,
    }
}

fn is_within(range: &KeyRange, row: &Row) -> bool {
    let key = integer(&row[0]).unwrap_or(i64::MIN);
    let bound = match range {
        KeyRange::All | KeyRange::Rows { .. } | KeyRange::Part { .. } => return true,
        KeyRange::Exactly { keys, .. } => return keys.contains(&vec![KeyValue::Integer(key)]),
        KeyRange::Keys(bound) => bound,
    };
    let at = |bound: &Option<Vec<KeyValue>>| match bound.as_ref().map(|key| &key[0]) {
        Some(KeyValue::Integer(key)) => Some(*key),
        _ => None,
    };
    at(&bound.from).is_none_or(|from| key >= from) && at(&bound.to).is_none_or(|to| key < to)
}

fn position(table: &Table, column: &str) -> Result<usize> {
    let found = table.columns.iter().position(|have| have.name == column);
    found.ok_or_else(|| Error::invalid(format!("no column {column}")))
}

fn pack(table: &Table, columns: &[ReadColumn], rows: &[Row]) -> Result<Batch> {
    let mut builder = PackedBuilder::default();
    for row in rows {
        let mut packed = (columns.len() as u16).to_be_bytes().to_vec();
        for column in columns {
            let value = wire(&row[position(table, &column.name)?]);
            let length = value
                .as_ref()
                .map_or(-1, |value| i32::try_from(value.len()).unwrap());
            packed.extend(length.to_be_bytes());
            packed.extend(value.unwrap_or_default());
        }
        builder.push(&packed);
    }
    builder.take()
}

fn batch(table: &Table, columns: &[ReadColumn], rows: &[Row]) -> Result<Batch> {
    let positions: Vec<usize> = columns
        .iter()
        .map(|column| position(table, &column.name))
        .collect::<Result<_>>()?;
    let mut rejects = Vec::new();
    let mut fit: Vec<&Row> = Vec::new();
    for row in rows {
        let misfit = columns.iter().zip(&positions).find(|(column, at)| {
            matches!(
                (&column.logical, &row[**at]),
                (LogicalType::Integer { .. }, Value::Text(_)) | (LogicalType::Text { .. }, Value::Int(_))
            )
        });
        match misfit {
            None => fit.push(row),
            Some((column, at)) => rejects.push(Reject {
                row: None,
                key: format!("{:?}", row[0]),
                column: column.name.clone(),
                value: format!("{:?}", row[*at]),
                rule: "does not fit its type".to_owned(),
                expression: None,
                exact: match (table.identity_key(), &row[0]) {
                    (Some(_), Value::Int(key)) => vec![KeyValue::Integer(*key)],
                    _ => Vec::new(),
                },
            }),
        }
    }
    let arrays = columns.iter().zip(&positions).map(|(column, at)| -> ArrayRef {
        if matches!(column.logical, LogicalType::Wire { .. }) {
            Arc::new(BinaryArray::from_iter(fit.iter().map(|row| wire(&row[*at]))))
        } else if matches!(column.logical, LogicalType::Integer { .. }) {
            Arc::new(Int64Array::from_iter(fit.iter().map(|row| integer(&row[*at]))))
        } else {
            Arc::new(StringArray::from_iter(fit.iter().map(|row| match &row[*at] {
                Value::Text(text) => Some(text.clone()),
                Value::Null | Value::Int(_) => None,
            })))
        }
    });
    let schema = arrow_schema(
        columns
            .iter()
            .map(|column| (column.name.as_str(), &column.logical)),
    );
    let records = RecordBatch::try_new(schema, arrays.collect()).unwrap();
    Ok(Batch {
        records,
        rejects,
        ruled: Vec::new(),
    })
}
