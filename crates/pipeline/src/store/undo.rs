//! `undo.ndjson`: the way back. A step's undo is on disk before the step runs; a step that was taken back is marked so.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use whimbrel_core::{Error, Result, Step, fault};

use super::{MigrationDir, lines};

const NAME: &str = "undo.ndjson";

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// The step is about to run; its undo is in it.
    Before(Step),
    /// The step of this id was taken back.
    Undone(String),
}

/// The log of undos, open for appending.
#[derive(Debug)]
pub(crate) struct UndoLog {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    steps: Steps,
}

/// The steps that may have run and were not taken back.
#[derive(Debug, Default)]
struct Steps {
    /// In the order in which they were recorded last.
    in_order: BTreeMap<u64, Step>,
    places: HashMap<String, u64>,
    next: u64,
}

impl Steps {
    fn knows(&self, step: &Step) -> bool {
        let place = self.places.get(&step.id);
        place.and_then(|place| self.in_order.get(place)) == Some(step)
    }

    fn note(&mut self, line: Line) {
        let (Line::Before(Step { id, .. }) | Line::Undone(id)) = &line;
        if let Some(place) = self.places.remove(id) {
            self.in_order.remove(&place);
        }
        if let Line::Before(step) = line {
            self.places.insert(step.id.clone(), self.next);
            self.in_order.insert(self.next, step);
            self.next += 1;
        }
    }
}

impl UndoLog {
    /// Opens the log.
    pub(crate) fn open(dir: &MigrationDir) -> Result<Self> {
        let path = dir.path().join(NAME);
        let lines = lines::read(&path)?;
        let mut steps = Steps::default();
        for (at, line) in lines.complete.iter().enumerate() {
            let line = serde_json::from_slice(line).map_err(|error| {
                Error::invalid(format!("line {} of `{}` is damaged", at + 1, path.display()))
                    .with_code("undo_damaged")
                    .with_cause(error)
            })?;
            steps.note(line);
        }
        let file = lines::open(&path, &lines)?;
        Ok(Self {
            path,
            open: Mutex::new(Open { file, steps }),
        })
    }

    /// Records steps before they run, all with one write; one that is recorded already is not recorded twice. A recorded step that never runs
    /// does no harm: the ledger does not have it.
    pub(crate) fn before(&self, steps: &[&Step]) -> Result<()> {
        let new: Vec<Line> = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let unknown = steps.iter().filter(|step| !open.steps.knows(step));
            unknown.map(|step| Line::Before((*step).clone())).collect()
        };
        if new.is_empty() { Ok(()) } else { self.append(new) }
    }

    /// Records that a step was taken back.
    pub(crate) fn undone(&self, id: &str) -> Result<()> {
        self.append(vec![Line::Undone(id.to_owned())])
    }

    /// Returns the steps that may have run and were not taken back, in the order in which they ran.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.steps.in_order.values().cloned().collect()
    }

    fn append(&self, new: Vec<Line>) -> Result<()> {
        let mut json: Vec<Vec<u8>> = Vec::with_capacity(new.len());
        for line in &new {
            let line = serde_json::to_vec(line);
            json.push(line.map_err(|error| Error::bug("cannot write an undo").with_cause(error))?);
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        fault::point("undo.append.before")?;
        lines::append(&mut open.file, &self.path, &json)?;
        for line in new {
            open.steps.note(line);
        }
        fault::point("undo.append.after")
    }
}

#[cfg(test)]
mod tests {
    use whimbrel_core::{MigrationId, ObjectId, ObjectKind, Statement, StepPhase, TableId};

    use super::*;

    fn step(id: &str) -> Step {
        Step {
            id: id.to_owned(),
            phase: StepPhase::Schema,
            subject: ObjectId::whole(ObjectKind::Table, TableId::bare("a")),
            title: String::new(),
            statements: vec![Statement::Sql("create".to_owned())],
            undo: vec![Statement::Sql("drop".to_owned())],
            tables: Vec::new(),
            destructive: false,
        }
    }

    #[test]
    fn what_was_taken_back_is_not_taken_back_again() {
        let base = tempfile::tempdir().unwrap();
        let dir = MigrationDir::create(base.path(), &MigrationId("mig_2026_001".to_owned())).unwrap();
        let log = UndoLog::open(&dir).unwrap();
        log.before(&[&step("1"), &step("2"), &step("3")]).unwrap();
        log.before(&[&step("1")]).unwrap();
        log.undone("2").unwrap();
        log.before(&[&step("2"), &step("1")]).unwrap();
        log.undone("2").unwrap();
        let again = UndoLog::open(&dir).unwrap();
        assert_eq!(
            again
                .steps()
                .iter()
                .map(|step| step.id.as_str())
                .collect::<Vec<_>>(),
            ["1", "3"]
        );
    }
}
