//! `undo.ndjson`: the way back. A step's undo is on disk before the step runs; a step that was taken back is marked so.

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
    steps: Vec<Step>,
}

impl UndoLog {
    /// Opens the log.
    pub(crate) fn open(dir: &MigrationDir) -> Result<Self> {
        let path = dir.path().join(NAME);
        let lines = lines::read(&path)?;
        let mut steps: Vec<Step> = Vec::new();
        for (at, line) in lines.complete.iter().enumerate() {
            let line = serde_json::from_slice(line).map_err(|error| {
                Error::invalid(format!("line {} of `{}` is damaged", at + 1, path.display()))
                    .with_code("undo_damaged")
                    .with_cause(error)
            })?;
            note(&mut steps, line);
        }
        let file = lines::open(&path, &lines)?;
        Ok(Self {
            path,
            open: Mutex::new(Open { file, steps }),
        })
    }

    /// Records a step before it runs; one that is recorded already is not recorded twice.
    pub(crate) fn before(&self, step: &Step) -> Result<()> {
        if self.knows(step) {
            return Ok(());
        }
        self.append(Line::Before(step.clone()))
    }

    /// Records that a step was taken back.
    pub(crate) fn undone(&self, id: &str) -> Result<()> {
        self.append(Line::Undone(id.to_owned()))
    }

    /// Returns the steps that may have run and were not taken back, in the order in which they ran.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .steps
            .clone()
    }

    fn knows(&self, step: &Step) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.steps.contains(step)
    }

    fn append(&self, line: Line) -> Result<()> {
        let json = serde_json::to_vec(&line)
            .map_err(|error| Error::bug("cannot write an undo").with_cause(error))?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        fault::point("undo.append.before")?;
        lines::append(&mut open.file, &self.path, &json)?;
        note(&mut open.steps, line);
        fault::point("undo.append.after")
    }
}

fn note(steps: &mut Vec<Step>, line: Line) {
    match line {
        Line::Before(step) => {
            steps.retain(|known| known.id != step.id);
            steps.push(step);
        }
        Line::Undone(id) => steps.retain(|known| known.id != id),
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
        for id in ["1", "2", "1"] {
            log.before(&step(id)).unwrap();
        }
        log.undone("2").unwrap();
        let again = UndoLog::open(&dir).unwrap();
        assert_eq!(
            again
                .steps()
                .iter()
                .map(|step| step.id.as_str())
                .collect::<Vec<_>>(),
            ["1"]
        );
    }
}
