//! The fake database as a target, with its ledger.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use async_trait::async_trait;
use whimbrel_core::{
    Batch, Chunk, ChunkRecord, ChunkResult, Committed, Digest, Direction, Epoch, Error, ErrorClass, Finding,
    Ledger, LogicalType, MigrationId, Reject, Result, RunKey, SequencePosition, Snapshot, Source, Step,
    StepRecord, TableId, Target, WriteRequest, Writer, fault::point, packed_rows, packed_values,
};

use super::database::{Database, LedgerState, Row, Trouble, Value, unwire};
use super::source::FakeSource;

/// What the engine computes for a column that is not written.
pub(crate) const COMPUTED: &str = "computed";

/// A text that the target's types cannot hold.
pub(crate) const REFUSED: &str = "refused";

pub(crate) struct FakeTarget(pub(crate) Arc<Database>);

#[async_trait]
impl Target for FakeTarget {
    fn as_source(&self) -> Arc<dyn Source> {
        Arc::new(FakeSource(self.0.clone()))
    }

    async fn snapshot_while_writing(&self, tables: &[TableId]) -> Result<Arc<dyn Snapshot>> {
        let mut state = self.0.state().clone();
        if self.0.meets(Trouble::EarlyReadLied) {
            for table in tables {
                state.rows.get_mut(table).and_then(Vec::pop);
            }
        }
        FakeSource(self.0.clone()).snapshot_of(state)
    }

    async fn is_as_we_left_it(&self) -> Result<bool> {
        Ok(!self.0.meets(Trouble::OthersWrote))
    }

    async fn check(&self, _bytes: u64) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    async fn execute(&self, run: &RunKey, step: &Step, direction: Direction) -> Result<()> {
        point("fake.execute.before")?;
        {
            let mut state = self.0.state();
            state.check(run)?;
            let recorded = state.ledger().steps.iter().any(|record| record.id == step.id);
            let mut next = state.clone();
            match direction {
                Direction::Do if !recorded => {
                    step.statements
                        .iter()
                        .try_for_each(|statement| next.apply(statement))?;
                    next.ledger().steps.push(StepRecord {
                        id: step.id.clone(),
                        epoch: run.epoch,
                    });
                }
                Direction::Undo if recorded => {
                    if self.0.meets(Trouble::UndoRefused) {
                        return Err(Error::invalid("something depends on it"));
                    }
                    step.undo.iter().try_for_each(|statement| next.apply(statement))?;
                    next.ledger().steps.retain(|record| record.id != step.id);
                }
                Direction::Do | Direction::Undo => {}
            }
            *state = next;
        }
        point("fake.execute.after")
    }

    fn ledger(&self) -> &dyn Ledger {
        self
    }

    async fn writer(&self, request: WriteRequest) -> Result<Box<dyn Writer>> {
        point("fake.writer")?;
        Ok(Box::new(FakeWriter {
            database: self.0.clone(),
            request,
            rows: Vec::new(),
        }))
    }

    async fn empty(&self, run: &RunKey, tables: &[TableId]) -> Result<()> {
        point("fake.empty.before")?;
        for table in tables {
            let mut state = self.0.state();
            state.check(run)?;
            state
                .rows
                .get_mut(table)
                .ok_or_else(|| Error::invalid(format!("no table {table}")))?
                .clear();
            state.ledger().chunks.retain(|record| &record.target != table);
        }
        point("fake.empty.after")
    }

    async fn set_sequences(&self, run: &RunKey, positions: &[(TableId, SequencePosition)]) -> Result<()> {
        let mut state = self.0.state();
        state.check(run)?;
        positions
            .iter()
            .try_for_each(|(sequence, position)| state.set_sequence(sequence, *position))
    }

    async fn discard(&self, run: &RunKey, _steps: &[Step]) -> Result<Vec<String>> {
        let mut state = self.0.state();
        state.check(run)?;
        let aside = std::mem::take(&mut state.aside);
        Ok(aside.into_keys().map(|id| id.to_string()).collect())
    }

    async fn settle(&self, _tables: &[TableId]) -> Result<()> {
        point("fake.settle")
    }
}

#[async_trait]
impl Ledger for FakeTarget {
    async fn epoch(&self, migration: &MigrationId) -> Result<Option<Epoch>> {
        point("fake.epoch")?;
        let state = self.0.state();
        Ok(state
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.runs.get(migration))
            .map(|known| known.1))
    }

    async fn open(&self, migration: &MigrationId, plan_hash: &str) -> Result<Epoch> {
        point("fake.open.before")?;
        let epoch = {
            let mut state = self.0.state();
            let known = state
                .ledger()
                .runs
                .entry(migration.clone())
                .or_insert((plan_hash.to_owned(), Epoch(0)));
            if known.0 != plan_hash {
                return Err(Error::new(ErrorClass::Conflict, "another plan"));
            }
            known.1.0 += 1;
            known.1
        };
        point("fake.open.after")?;
        Ok(epoch)
    }

    async fn steps(&self, _migration: &MigrationId) -> Result<Vec<StepRecord>> {
        point("fake.steps")?;
        Ok(self
            .0
            .state()
            .ledger
            .as_ref()
            .map(|ledger| ledger.steps.clone())
            .unwrap_or_default())
    }

    async fn chunks(&self, _migration: &MigrationId) -> Result<Vec<ChunkRecord>> {
        point("fake.chunks")?;
        Ok(self
            .0
            .state()
            .ledger
            .as_ref()
            .map(|ledger| ledger.chunks.clone())
            .unwrap_or_default())
    }

    async fn store_split(&self, run: &RunKey, target: &TableId, chunks: &[Chunk]) -> Result<()> {
        point("fake.store_split.before")?;
        {
            let mut state = self.0.state();
            state.check(run)?;
            let ledger: &mut LedgerState = state.ledger();
            if ledger.chunks.iter().any(|record| &record.target == target) {
                return Err(Error::new(ErrorClass::Conflict, "the table is split already"));
            }
            ledger.chunks.extend(chunks.iter().map(|chunk| ChunkRecord {
                target: target.clone(),
                chunk: chunk.clone(),
                epoch: run.epoch,
                result: None,
                position: None,
            }));
            ledger
                .chunks
                .sort_by(|a, b| (&a.target, a.chunk.index).cmp(&(&b.target, b.chunk.index)));
        }
        point("fake.store_split.after")
    }

    async fn store_empty(&self, run: &RunKey, chunks: &[(TableId, Chunk)], position: &str) -> Result<()> {
        point("fake.store_empty.before")?;
        {
            let mut state = self.0.state();
            state.check(run)?;
            let known = &mut state.ledger().chunks;
            for (target, chunk) in chunks {
                if known.iter().any(|record| &record.target == target) {
                    return Err(Error::new(ErrorClass::Conflict, "the table is split already"));
                }
                known.push(ChunkRecord {
                    target: target.clone(),
                    chunk: chunk.clone(),
                    epoch: run.epoch,
                    result: Some(ChunkResult {
                        rows: 0,
                        bytes: 0,
                        rejected: 0,
                        ruled: Vec::new(),
                        digest: Digest::default(),
                    }),
                    position: Some(position.to_owned()),
                });
            }
            known.sort_by(|a, b| (&a.target, a.chunk.index).cmp(&(&b.target, b.chunk.index)));
        }
        point("fake.store_empty.after")
    }

    async fn add_chunk(&self, run: &RunKey, target: &TableId, chunk: &Chunk) -> Result<()> {
        point("fake.add_chunk.before")?;
        {
            let mut state = self.0.state();
            state.check(run)?;
            let chunks = &mut state.ledger().chunks;
            let known = chunks
                .iter()
                .find(|record| &record.target == target && record.chunk.index == chunk.index);
            match known {
                Some(known) if &known.chunk == chunk => {}
                Some(_) => return Err(Error::new(ErrorClass::Conflict, "another chunk")),
                None => chunks.push(ChunkRecord {
                    target: target.clone(),
                    chunk: chunk.clone(),
                    epoch: run.epoch,
                    result: None,
                    position: None,
                }),
            }
        }
        point("fake.add_chunk.after")
    }

    async fn confirm_chunk(&self, run: &RunKey, target: &TableId, index: u32, position: &str) -> Result<()> {
        point("fake.confirm.before")?;
        let mut state = self.0.state();
        state.check(run)?;
        let chunks = &mut state.ledger().chunks;
        let of = chunks
            .iter_mut()
            .find(|record| &record.target == target && record.chunk.index == index);
        of.ok_or_else(|| Error::bug("no such chunk"))?.position = Some(position.to_owned());
        Ok(())
    }

    async fn forget(&self, migration: &MigrationId) -> Result<()> {
        point("fake.forget.before")?;
        {
            let mut state = self.0.state();
            let ledger = state.ledger();
            ledger.runs.remove(migration);
            ledger.steps.clear();
            ledger.chunks.clear();
            state.ledger = None;
        }
        point("fake.forget.after")
    }
}

struct FakeWriter {
    database: Arc<Database>,
    request: WriteRequest,
    rows: Vec<Row>,
}

#[async_trait]
impl Writer for FakeWriter {
    async fn write(&mut self, batch: &Batch) -> Result<Vec<Reject>> {
        point("fake.write")?;
        if self.database.meets(Trouble::WriteLost) {
            return Err(Error::new(ErrorClass::Transient, "connection lost"));
        }
        if let Some(rows) = packed_rows(&batch.records) {
            self.database.packed.1.fetch_add(1, Ordering::SeqCst);
            for row in rows.iter().flatten() {
                let values = packed_values(row).map(|value| Ok(unwire(value?)));
                let values: Row = values.collect::<Result<_>>()?;
                if values.contains(&Value::Text(REFUSED.to_owned())) {
                    return Err(Error::invalid("a row does not fit"));
                }
                self.rows.push(values);
            }
            return Ok(Vec::new());
        }
        let mut rejects = Vec::new();
        for row in 0..batch.rows() {
            let values: Row = self
                .request
                .columns
                .iter()
                .zip(batch.records.columns())
                .map(|(column, array)| {
                    if array.is_null(row) {
                        Value::Null
                    } else if matches!(column.logical, LogicalType::Wire { .. }) {
                        unwire(Some(array.as_binary::<i32>().value(row)))
                    } else if matches!(column.logical, LogicalType::Integer { .. }) {
                        Value::Int(array.as_primitive::<Int64Type>().value(row))
                    } else {
                        Value::Text(array.as_string::<i32>().value(row).to_owned())
                    }
                })
                .collect();
            if values.contains(&Value::Text(REFUSED.to_owned())) {
                rejects.push(Reject {
                    row: Some(row),
                    key: format!("id={row}"),
                    column: "name".to_owned(),
                    value: REFUSED.to_owned(),
                    rule: "the target cannot hold it".to_owned(),
                    expression: None,
                    exact: Vec::new(),
                });
            } else {
                self.rows.push(values);
            }
        }
        if self.request.table.id.name == "users"
            && let Some(row) = self.rows.last_mut()
            && self.database.meets(Trouble::WriteLied)
        {
            row[1] = Value::Text("lied".to_owned());
        }
        Ok(rejects)
    }

    async fn commit(self: Box<Self>, result: ChunkResult) -> Result<Committed> {
        point("fake.commit.before")?;
        let request = self.request;
        {
            let mut state = self.database.state();
            state.check(&request.run)?;
            let id = &request.table.id;
            if request.table.primary_key.is_some() {
                let there = &state.rows[id];
                if self
                    .rows
                    .iter()
                    .any(|row| there.iter().any(|other| other[0] == row[0]))
                {
                    return Err(
                        Error::invalid(format!("a key of {id} is there twice")).with_code("unique_violation")
                    );
                }
            }
            let mut records = state.ledger().chunks.iter_mut();
            let ours =
                records.find(|record| &record.target == id && record.chunk.index == request.chunk.index);
            let ours = ours.ok_or_else(|| Error::bug("no such chunk"))?;
            if ours.result.is_some() {
                return Ok(Committed::AlreadyDone);
            }
            ours.result = Some(result);
            ours.position = Some(request.position.0);
            ours.epoch = request.run.epoch;
            let names: Vec<String> = state
                .table(id)?
                .columns
                .iter()
                .map(|column| column.name.clone())
                .collect();
            let written = |name: &String| request.columns.iter().position(|column| &column.name == name);
            let whole = |row: Row| -> Row {
                let value = |name| {
                    written(name).map_or_else(|| Value::Text(COMPUTED.to_owned()), |at| row[at].clone())
                };
                names.iter().map(value).collect()
            };
            let rows: Vec<Row> = self.rows.into_iter().map(whole).collect();
            state.rows.get_mut(id).unwrap().extend(rows);
        }
        if self.database.meets(Trouble::CommitUnknown) {
            return Ok(Committed::Unknown);
        }
        if self.database.meets(Trouble::CommitThenLost) {
            return Err(Error::new(ErrorClass::Transient, "connection lost"));
        }
        point("fake.commit.after")?;
        Ok(Committed::Done)
    }
}
