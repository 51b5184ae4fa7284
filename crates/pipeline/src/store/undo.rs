//! `undo.ndjson`: the way back. A step's undo is on disk before the step runs; a step that was taken back is marked so.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use whimbrel_core::{Error, Result, Step, fault};

use super::lines::{self, Lines};
use super::{MigrationDir, sha256};

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

/// The steps that may have run and were not taken back: their lines say the rest.
#[derive(Debug, Default)]
struct Steps {
    /// Hashes of their lines, by id.
    lines: HashMap<String, String>,
}

impl Steps {
    fn note(&mut self, line: &Line, hash: String) {
        match line {
            Line::Before(step) => drop(self.lines.insert(step.id.clone(), hash)),
            Line::Undone(id) => drop(self.lines.remove(id)),
        }
    }
}

/// Reads the lines of the log.
fn lines_of<'a>(path: &'a Path, lines: &'a Lines) -> impl Iterator<Item = Result<Line>> + 'a {
    lines.complete.iter().enumerate().map(move |(at, line)| {
        serde_json::from_slice(line).map_err(|error| {
            Error::invalid(format!("line {} of `{}` is damaged", at + 1, path.display()))
                .with_code("undo_damaged")
                .with_cause(error)
        })
    })
}

impl UndoLog {
    /// Opens the log.
    pub(crate) fn open(dir: &MigrationDir) -> Result<Self> {
        let path = dir.path().join(NAME);
        let lines = lines::read(&path)?;
        let mut steps = Steps::default();
        for (line, text) in lines_of(&path, &lines).zip(&lines.complete) {
            steps.note(&line?, sha256(text));
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
        let mut new = Vec::new();
        for step in steps {
            let line = Line::Before((*step).clone());
            let text = json(&line)?;
            let hash = sha256(&text);
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            if open.steps.lines.get(&step.id) != Some(&hash) {
                new.push((line, text));
            }
        }
        if new.is_empty() { Ok(()) } else { self.append(new) }
    }

    /// Records that steps were taken back, all with one write.
    pub(crate) fn undone(&self, steps: &[&Step]) -> Result<()> {
        let lines = steps.iter().map(|step| {
            let line = Line::Undone(step.id.clone());
            let text = json(&line)?;
            Ok((line, text))
        });
        let lines = lines.collect::<Result<Vec<_>>>()?;
        if lines.is_empty() {
            Ok(())
        } else {
            self.append(lines)
        }
    }

    /// Returns the steps that may have run and were not taken back, in the order in which they were recorded last.
    pub(crate) fn steps(&self) -> Result<Vec<Step>> {
        let _held = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines::read(&self.path)?;
        let mut in_order: BTreeMap<usize, Step> = BTreeMap::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for (at, line) in lines_of(&self.path, &lines).enumerate() {
            let line = line?;
            let (Line::Before(Step { id, .. }) | Line::Undone(id)) = &line;
            if let Some(place) = places.remove(id) {
                in_order.remove(&place);
            }
            if let Line::Before(step) = line {
                places.insert(step.id.clone(), at);
                in_order.insert(at, step);
            }
        }
        Ok(in_order.into_values().collect())
    }

    fn append(&self, new: Vec<(Line, Vec<u8>)>) -> Result<()> {
        let (new, text): (Vec<Line>, Vec<Vec<u8>>) = new.into_iter().unzip();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        fault::point("undo.append.before")?;
        lines::append(&mut open.file, &self.path, &text)?;
        for (line, text) in new.iter().zip(&text) {
            open.steps.note(line, sha256(text));
        }
        fault::point("undo.append.after")
    }
}

fn json(line: &Line) -> Result<Vec<u8>> {
    serde_json::to_vec(line).map_err(|error| Error::bug("cannot write an undo").with_cause(error))
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
        log.undone(&[&step("2")]).unwrap();
        log.before(&[&step("2"), &step("1")]).unwrap();
        log.undone(&[&step("2")]).unwrap();
        let again = UndoLog::open(&dir).unwrap();
        assert_eq!(
            again
                .steps()
                .unwrap()
                .iter()
                .map(|step| step.id.as_str())
                .collect::<Vec<_>>(),
            ["1", "3"]
        );
    }
}
