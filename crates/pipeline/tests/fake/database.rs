//! A database in memory that behaves as the contracts say, survives the "death" of a run, and passes a fault point before and after
//! every change. Statements are operations with JSON arguments.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard};

use whimbrel_core::{
    Catalog, ChunkRecord, Epoch, Error, ErrorClass, ForeignKey, Index, MigrationId, Result, RunKey,
    SequencePosition, Statement, StepRecord, Table, TableId, View,
};

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
}

pub(crate) type Row = Vec<Value>;

/// What a database holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) catalog: Catalog,
    pub(crate) rows: BTreeMap<TableId, Vec<Row>>,
    pub(crate) ledger: Option<LedgerState>,
    /// Raised by every change that a test makes; the snapshot's position.
    pub(crate) version: u64,
    /// Tables that were moved aside.
    pub(crate) aside: BTreeMap<TableId, (Table, Vec<Row>)>,
}

/// The ledger's tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct LedgerState {
    pub(crate) runs: BTreeMap<MigrationId, (String, Epoch)>,
    pub(crate) steps: Vec<StepRecord>,
    pub(crate) chunks: Vec<ChunkRecord>,
}

/// What goes wrong next, once each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The commit lands, its answer is lost.
    CommitUnknown,
    /// The commit lands, and the connection breaks.
    CommitThenLost,
    /// The snapshot is gone at the next read.
    SnapshotLost,
    /// The next undo is refused.
    UndoRefused,
    /// The next write loses its connection.
    WriteLost,
    /// The next row of the table `users` is stored as another one.
    WriteLied,
    /// The next snapshot of a table while others are written misses its last row.
    EarlyReadLied,
    /// Somebody else wrote to the target.
    OthersWrote,
}

/// A database.
#[derive(Debug, Default)]
pub(crate) struct Database {
    state: Mutex<State>,
    troubles: Mutex<Vec<Trouble>>,
    /// Batches that were packed when they were read, and when they were written.
    pub(crate) packed: (AtomicUsize, AtomicUsize),
    /// How often a table was read as a whole.
    pub(crate) scans: AtomicUsize,
}

/// The value in its wire form.
pub(crate) fn wire(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Int(number) => Some([b"i".as_slice(), &number.to_be_bytes()].concat()),
        Value::Text(text) => Some([b"t", text.as_bytes()].concat()),
    }
}

/// The value of a wire form.
pub(crate) fn unwire(bytes: Option<&[u8]>) -> Value {
    match bytes.and_then(<[u8]>::split_first) {
        None => Value::Null,
        Some((b'i', number)) => Value::Int(i64::from_be_bytes(number.try_into().unwrap())),
        Some((_, text)) => Value::Text(String::from_utf8(text.to_vec()).unwrap()),
    }
}

impl Database {
    pub(crate) fn new() -> Arc<Self> {
        let database = Self::default();
        database.state().catalog.engine = "fake".to_owned();
        Arc::new(database)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Changes the database as somebody else would.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        state.version += 1;
    }

    pub(crate) fn add_table(&self, table: Table, rows: Vec<Row>) {
        self.change(|state| {
            state.rows.insert(table.id.clone(), rows);
            state.catalog.tables.push(table);
            state.catalog.tables.sort_by(|a, b| a.id.cmp(&b.id));
        });
    }

    pub(crate) fn trouble(&self, trouble: Trouble) {
        self.troubles.lock().unwrap().push(trouble);
    }

    /// Takes the trouble when it is waiting.
    pub(crate) fn meets(&self, trouble: Trouble) -> bool {
        let mut troubles = self.troubles.lock().unwrap();
        let at = troubles.iter().position(|waiting| *waiting == trouble);
        at.map(|at| troubles.remove(at)).is_some()
    }

    /// Everything a person would see: tables with their sorted rows.
    pub(crate) fn content(&self) -> String {
        let state = self.state();
        let mut rows = state.rows.clone();
        rows.values_mut().for_each(|rows| rows.sort());
        format!("{:?}\n{:?}", state.catalog, rows)
    }
}

impl State {
    pub(crate) fn ledger(&mut self) -> &mut LedgerState {
        self.ledger.get_or_insert_default()
    }

    /// Fails when the run is not the one that holds the epoch.
    pub(crate) fn check(&self, run: &RunKey) -> Result<()> {
        let held = self
            .ledger
            .as_ref()
            .and_then(|ledger| ledger.runs.get(&run.migration))
            .map(|known| known.1);
        if held == Some(run.epoch) {
            return Ok(());
        }
        Err(Error::new(
            ErrorClass::Conflict,
            format!("the epoch is {held:?}; ours is {:?}", run.epoch),
        ))
    }

    pub(crate) fn table(&mut self, id: &TableId) -> Result<&mut Table> {
        let found = self.catalog.tables.iter_mut().find(|table| &table.id == id);
        found.ok_or_else(|| Error::invalid(format!("no table {id}")))
    }

    pub(crate) fn apply(&mut self, statement: &Statement) -> Result<()> {
        let Statement::Engine { operation, arguments } = statement else {
            return Err(Error::bug("the fake engine has no SQL"));
        };
        let id = || -> TableId { serde_json::from_str(&arguments[0]).unwrap() };
        match operation.as_str() {
            "create_table" => {
                let table: Table = serde_json::from_str(&arguments[0]).unwrap();
                if self.rows.contains_key(&table.id) {
                    return Err(Error::invalid(format!("table {} exists", table.id)));
                }
                self.rows.insert(table.id.clone(), Vec::new());
                self.catalog.tables.push(table);
                self.catalog.tables.sort_by(|a, b| a.id.cmp(&b.id));
            }
            "drop_table" => {
                self.rows.remove(&id());
                self.catalog.tables.retain(|table| table.id != id());
            }
            "move_aside" => {
                let table = self.table(&id())?.clone();
                let rows = self.rows.remove(&id()).unwrap();
                self.catalog.tables.retain(|table| table.id != id());
                self.aside.insert(id(), (table, rows));
            }
            "move_back" => {
                let (table, rows) = self.aside.remove(&id()).unwrap();
                self.rows.insert(id(), rows);
                self.catalog.tables.push(table);
                self.catalog.tables.sort_by(|a, b| a.id.cmp(&b.id));
            }
            other => return self.apply_part(other, arguments),
        }
        Ok(())
    }

    fn apply_part(&mut self, operation: &str, arguments: &[String]) -> Result<()> {
        let id = || -> TableId { serde_json::from_str(&arguments[0]).unwrap() };
        match operation {
            "create_index" => {
                let index: Index = serde_json::from_str(&arguments[1]).unwrap();
                self.table(&id())?.indexes.push(index);
            }
            "drop_index"
                if !self
                    .table(&id())?
                    .indexes
                    .iter()
                    .any(|index| index.name == arguments[1]) =>
            {
                return Err(Error::invalid("no such index"));
            }
            "drop_view" if !self.catalog.views.iter().any(|view| view.id == id()) => {
                return Err(Error::invalid("no such view"));
            }
            "drop_index" => self
                .table(&id())?
                .indexes
                .retain(|index| index.name != arguments[1]),
            "add_foreign_key" => {
                let key: ForeignKey = serde_json::from_str(&arguments[1]).unwrap();
                let mut table = self.table(&id())?.clone();
                table.foreign_keys = vec![key.clone()];
                if self.orphans(&table).iter().sum::<u64>() > 0 {
                    return Err(
                        Error::invalid(format!("orphans in {}", id())).with_code("foreign_key_violation")
                    );
                }
                self.table(&id())?.foreign_keys.push(key);
            }
            "drop_foreign_key" => self
                .table(&id())?
                .foreign_keys
                .retain(|key| key.name != arguments[1]),
            "create_sequence" => self
                .catalog
                .sequences
                .push(serde_json::from_str(&arguments[0]).unwrap()),
            "drop_sequence" => self.catalog.sequences.retain(|sequence| sequence.id != id()),
            "create_view" => self
                .catalog
                .views
                .push(serde_json::from_str::<View>(&arguments[0]).unwrap()),
            "drop_view" => self.catalog.views.retain(|view| view.id != id()),
            other => return Err(Error::bug(format!("no operation {other}"))),
        }
        Ok(())
    }

    pub(crate) fn orphans(&self, table: &Table) -> Vec<u64> {
        let position = |table: &TableId, column: &String| {
            let table = self.catalog.table(table).unwrap();
            table
                .columns
                .iter()
                .position(|have| &have.name == column)
                .unwrap()
        };
        let count = |key: &ForeignKey| {
            let from = position(&table.id, &key.columns[0]);
            let to = position(&key.references, &key.referred[0]);
            let referred = &self.rows[&key.references];
            let is_orphan =
                |row: &&Row| row[from] != Value::Null && !referred.iter().any(|other| other[to] == row[from]);
            self.rows[&table.id].iter().filter(is_orphan).count() as u64
        };
        table.foreign_keys.iter().map(count).collect()
    }

    pub(crate) fn set_sequence(&mut self, id: &TableId, position: SequencePosition) -> Result<()> {
        let sequence = self
            .catalog
            .sequences
            .iter_mut()
            .find(|sequence| &sequence.id == id);
        sequence
            .ok_or_else(|| Error::invalid(format!("no sequence {id}")))?
            .position = Some(position);
        Ok(())
    }
}
