//! `checkpoint.json`: where a migration stands, with a checksum, and the one before it as `checkpoint.json.bak`.

use std::fs;
use std::io::ErrorKind;

use serde::{Deserialize, Serialize};
use whimbrel_core::{Error, MigrationId, Result, fault, hash_of};

use super::{CHECKPOINT, MigrationDir, io, sync_dir};

const BACKUP: &str = "checkpoint.json.bak";

/// The states of a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationStatus {
    /// A run is under way, or was killed.
    InProgress,
    /// Stopped by the user.
    Interrupted,
    /// Waits for a person.
    Blocked,
    /// Failed; to be resumed.
    Failed,
    /// Taken back.
    RolledBack,
    /// Done.
    Completed,
}

/// Where a migration stands. A hint: what has arrived is in the target's ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The migration.
    pub migration_id: MigrationId,
    /// 1 analyze, plan and prepare; 2 schema; 3 data; 4 verify.
    pub current_phase: u32,
    /// Target tables that are whole.
    pub tables_completed: Vec<String>,
    /// Target tables that are not; one in flight is pending.
    pub tables_pending: Vec<String>,
    /// Where the last rollback could go or went: `checkpoint_1` before the schema, `checkpoint_2` after it, `checkpoint_3` after the data.
    pub rollback_point: String,
    /// When the first run began, RFC 3339.
    pub started_at: String,
    /// When this was written, RFC 3339.
    pub last_checkpoint: String,
    /// How the migration stands.
    pub status: MigrationStatus,
    /// The plan that is run.
    pub plan_hash: String,
    /// The epoch that wrote this.
    pub epoch: i64,
    /// Phases that are done.
    pub phases_done: Vec<String>,
    /// Steps that are done.
    pub steps_done: Vec<String>,
    /// Chunks that are done, and all of them.
    pub chunks: (u64, u64),
    /// Rows that have arrived.
    pub rows: u64,
    /// Number of lines of the audit log.
    pub events: u64,
    /// Hash of its last line.
    pub events_head: String,
    /// SHA-256 in hex of this file's value with an empty checksum.
    pub checksum: String,
}

impl Checkpoint {
    /// The checksum of everything but itself.
    fn sum(&mut self) -> String {
        self.checksum.clear();
        hash_of(self)
    }
}

/// Reads the checkpoint, or the one before it when it is damaged or missing.
pub(super) fn load(dir: &MigrationDir) -> Result<Option<Checkpoint>> {
    let newest = read(dir, CHECKPOINT);
    match newest {
        Ok(Some(checkpoint)) => Ok(Some(checkpoint)),
        Ok(None) => read(dir, BACKUP),
        Err(error) => match read(dir, BACKUP) {
            Ok(Some(previous)) => Ok(Some(previous)),
            Ok(None) | Err(_) => Err(error),
        },
    }
}

fn read(dir: &MigrationDir, name: &str) -> Result<Option<Checkpoint>> {
    let damaged = |error: Error| {
        error.with_code("checkpoint_damaged").with_hint(format!(
            "remove `{CHECKPOINT}` and `{BACKUP}`; the target's ledger knows what has arrived"
        ))
    };
    let Some(mut checkpoint) = dir.load::<Checkpoint>(name).map_err(damaged)? else {
        return Ok(None);
    };
    let carried = checkpoint.checksum.clone();
    checkpoint.checksum = checkpoint.sum();
    if checkpoint.checksum != carried {
        let path = dir.path().join(name);
        return Err(damaged(Error::invalid(format!(
            "`{}` is damaged: its checksum is wrong",
            path.display()
        ))));
    }
    Ok(Some(checkpoint))
}

/// Writes the checkpoint and keeps the one before it.
pub(crate) fn save(dir: &MigrationDir, checkpoint: &mut Checkpoint) -> Result<()> {
    checkpoint.checksum = checkpoint.sum();
    let path = dir.path().join(CHECKPOINT);
    fault::point("checkpoint.write.before")?;
    let temporary = dir.write_temporary(&path, |file| Ok(serde_json::to_writer_pretty(file, checkpoint)?))?;
    fault::point("checkpoint.keep.before")?;
    match fs::rename(&path, dir.path().join(BACKUP)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(io("rename", &path, error)),
    }
    fault::point("checkpoint.rename.before")?;
    fs::rename(&temporary, &path).map_err(|error| io("rename", &temporary, error))?;
    sync_dir(dir.path())?;
    fault::point("checkpoint.write.after")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(rows: u64) -> Checkpoint {
        Checkpoint {
            migration_id: MigrationId("mig_2026_001".to_owned()),
            current_phase: 3,
            tables_completed: vec!["users".to_owned()],
            tables_pending: vec!["products".to_owned()],
            rollback_point: "checkpoint_2".to_owned(),
            started_at: "2026-11-28T10:00:00Z".to_owned(),
            last_checkpoint: "2026-11-28T14:30:00Z".to_owned(),
            status: MigrationStatus::InProgress,
            plan_hash: String::new(),
            epoch: 1,
            phases_done: Vec::new(),
            steps_done: Vec::new(),
            chunks: (0, 0),
            rows,
            events: 0,
            events_head: String::new(),
            checksum: String::new(),
        }
    }

    fn dir() -> (tempfile::TempDir, MigrationDir) {
        let base = tempfile::tempdir().unwrap();
        let dir = MigrationDir::create(base.path(), &MigrationId("mig_2026_001".to_owned())).unwrap();
        save(&dir, &mut checkpoint(1)).unwrap();
        save(&dir, &mut checkpoint(2)).unwrap();
        (base, dir)
    }

    fn flip(dir: &MigrationDir, name: &str) {
        let path = dir.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("products", "prodUcts")).unwrap();
    }

    #[test]
    fn the_first_fields_are_spelled_as_documented() {
        let (_base, dir) = dir();
        let text = fs::read_to_string(dir.path().join(CHECKPOINT)).unwrap();
        let names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("  \"")?.split('"').next())
            .collect();
        let wanted = [
            "migration_id",
            "current_phase",
            "tables_completed",
            "tables_pending",
            "rollback_point",
            "started_at",
            "last_checkpoint",
            "status",
        ];
        assert_eq!(names[..8], wanted);
        assert!(text.contains(r#""status": "in_progress""#));
    }

    #[test]
    fn a_flipped_bit_falls_back_to_the_previous_checkpoint() {
        let (_base, dir) = dir();
        assert_eq!(dir.checkpoint().unwrap().unwrap().rows, 2);
        flip(&dir, CHECKPOINT);
        assert_eq!(dir.checkpoint().unwrap().unwrap().rows, 1);
    }

    #[test]
    fn a_truncated_or_missing_checkpoint_falls_back_too() {
        let (_base, dir) = dir();
        fs::write(dir.path().join(CHECKPOINT), b"{\"migration_id\":").unwrap();
        assert_eq!(dir.checkpoint().unwrap().unwrap().rows, 1);
        fs::remove_file(dir.path().join(CHECKPOINT)).unwrap();
        assert_eq!(dir.checkpoint().unwrap().unwrap().rows, 1);
    }

    #[test]
    fn two_damaged_checkpoints_are_an_error_with_a_hint() {
        let (_base, dir) = dir();
        flip(&dir, CHECKPOINT);
        flip(&dir, BACKUP);
        let error = dir.checkpoint().unwrap_err();
        assert_eq!(error.code(), "checkpoint_damaged");
        assert!(error.hint().is_some());
    }
}
