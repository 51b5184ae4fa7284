//! `rejects/<table>.ndjson` and `tables/<table>.log`: the rows that were left out, and each table's own log.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use whimbrel_core::{Error, Reject, Result, TableId, fault};

use super::{MigrationDir, file_safe, io, lines};

/// Held while a reject file is read and written anew: chunks of one table are copied side by side. Other processes are held off by the
/// migration's lock.
static REWRITING: Mutex<()> = Mutex::new(());

/// One rejected row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectLine {
    /// The table's chunk that held the row.
    pub chunk: u32,
    /// The row's key, the column, its shortened value and the rule.
    #[serde(flatten)]
    pub reject: Reject,
}

impl MigrationDir {
    /// Records the rows that a chunk of the target table left out, before the chunk commits. Replaces what an earlier attempt at the
    /// same chunk recorded, so that a row stands in the file once.
    ///
    /// # Errors
    /// As the file system says.
    pub fn append_reject(&self, table: &TableId, chunk: u32, rejects: &[Reject]) -> Result<()> {
        let _alone = REWRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut content = Vec::new();
        for line in self
            .rejects(table)?
            .into_iter()
            .filter(|line| line.chunk != chunk)
        {
            put(&mut content, &line)?;
        }
        for reject in rejects {
            put(
                &mut content,
                &RejectLine {
                    chunk,
                    reject: reject.clone(),
                },
            )?;
        }
        self.replace_rejects(table, &content)
    }

    /// Replaces the table's rejected rows by these, all at once.
    ///
    /// # Errors
    /// As the file system says.
    pub(crate) fn save_rejects(&self, table: &TableId, lines: &[RejectLine]) -> Result<()> {
        let _alone = REWRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut content = Vec::new();
        for line in lines {
            put(&mut content, line)?;
        }
        self.replace_rejects(table, &content)
    }

    fn replace_rejects(&self, table: &TableId, content: &[u8]) -> Result<()> {
        let name = reject_file(table);
        match content.is_empty() {
            true => self.remove(&name),
            false => self.write(&name, content),
        }
    }

    /// Reads the rows that the target table left out.
    ///
    /// # Errors
    /// `Invalid` when the file is damaged.
    pub fn rejects(&self, table: &TableId) -> Result<Vec<RejectLine>> {
        let path = self.path().join(reject_file(table));
        lines::read(&path)?
            .complete
            .iter()
            .map(|line| {
                serde_json::from_slice(line).map_err(|error| {
                    Error::invalid(format!("`{}` is damaged", path.display())).with_cause(error)
                })
            })
            .collect()
    }

    /// Forgets the rows that the target table left out.
    pub(crate) fn remove_rejects(&self, table: &TableId) -> Result<()> {
        self.remove(&reject_file(table))
    }

    /// Adds a line to the table's log. Not synced: nothing depends on it.
    ///
    /// # Errors
    /// As the file system says.
    pub fn append_table_log(&self, table: &TableId, line: &str) -> Result<()> {
        let folder = self.path().join("tables");
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io("create", &folder, error)),
        }
        let path = folder.join(format!("{}.log", file_safe(&table.to_string())));
        fault::point("table_log.append.before")?;
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
            .map_err(|error| io("write", &path, error))
    }
}

fn put(content: &mut Vec<u8>, line: &RejectLine) -> Result<()> {
    let json =
        serde_json::to_vec(line).map_err(|error| Error::bug("cannot write a reject").with_cause(error))?;
    content.extend_from_slice(&json);
    content.push(b'\n');
    Ok(())
}

/// The reject file of a table, as reports name it.
pub(crate) fn reject_file(table: &TableId) -> String {
    format!("rejects/{}.ndjson", file_safe(&table.to_string()))
}

#[cfg(test)]
mod tests {
    use whimbrel_core::MigrationId;

    use super::*;

    fn reject(key: &str) -> Reject {
        Reject {
            row: None,
            key: key.to_owned(),
            column: "a".to_owned(),
            value: "b".to_owned(),
            rule: "c".to_owned(),
            expression: None,
            exact: Vec::new(),
        }
    }

    #[test]
    fn chunks_side_by_side_lose_no_line_of_each_other() {
        let base = tempfile::tempdir().unwrap();
        let dir = MigrationDir::create(base.path(), &MigrationId("mig_2026_001".to_owned())).unwrap();
        let table = TableId::bare("t");
        std::thread::scope(|scope| {
            for chunk in 0..8 {
                let (dir, table) = (&dir, &table);
                scope.spawn(move || {
                    for _ in 0..4 {
                        dir.append_reject(table, chunk, &[reject(&format!("id={chunk}"))])
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(dir.rejects(&table).unwrap().len(), 8);
    }

    #[test]
    fn a_chunk_that_is_tried_again_does_not_record_its_rejects_twice() {
        let base = tempfile::tempdir().unwrap();
        let dir = MigrationDir::create(base.path(), &MigrationId("mig_2026_001".to_owned())).unwrap();
        let table = TableId::bare("../odd name");
        dir.append_reject(&table, 0, &[reject("id=1")]).unwrap();
        dir.append_reject(&table, 1, &[reject("id=2")]).unwrap();
        dir.append_reject(&table, 0, &[reject("id=1"), reject("id=3")])
            .unwrap();
        let keys: Vec<String> = dir
            .rejects(&table)
            .unwrap()
            .into_iter()
            .map(|line| line.reject.key)
            .collect();
        assert_eq!(keys, ["id=2", "id=1", "id=3"]);
        dir.append_reject(&table, 0, &[]).unwrap();
        dir.append_reject(&table, 1, &[]).unwrap();
        assert_eq!(dir.rejects(&table).unwrap(), []);
    }
}
